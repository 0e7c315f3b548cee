//! The state of an archive in one look.

use crate::support::Appliance;

const EVENT: &str =
    r##"{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"one"}"##;

#[test]
fn status_says_all_that_the_contract_names() {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("one.jsonl", format!("{EVENT}\n{{broken\n")), &[], 3);
    let status = appliance.json(&["status"]);
    for member in [
        "/archive_id",
        "/public_key",
        "/events",
        "/checkpoint/size",
        "/sizes/sealed_bytes",
        "/ratio",
        "/ratio_of",
        "/index/lag_events",
        "/index/lag_seconds",
        "/last_seal",
        "/witnesses",
        "/holds",
        "/quarantined",
        "/single_officer",
        "/encrypted/segments",
        "/encrypted/index",
        "/encrypted/room_view",
        "/disk/free_bytes",
        "/disk/reserve_bytes",
        "/failed",
    ] {
        assert!(status.pointer(member).is_some(), "{member} in {status:#}");
    }
    assert_eq!((&status["quarantined"], &status["single_officer"]), (&1.into(), &true.into()));
    assert_eq!(status["encrypted"]["segments"], true);
    assert_eq!(status["encrypted"]["index"], false);
}

#[test]
fn status_reads_on_a_small_terminal_and_is_yellow_where_a_person_should_look() {
    let appliance = Appliance::create();
    let outcome = appliance.run(&["--color", "always", "status"]).expect(0);
    for line in outcome.stdout.lines().filter(|line| !line.starts_with("public key")) {
        let bare: String = line.replace("\u{1b}[33m", "").replace("\u{1b}[0m", "");
        let is_path = bare.starts_with("data");
        assert!(is_path || bare.chars().count() <= 80, "{line:?}");
    }
    let yellow = "\u{1b}[33mwitnesses";
    assert!(outcome.stdout.contains(yellow), "{outcome:#?}");
    let plain = appliance.run(&["status"]).expect(0);
    assert!(!plain.stdout.contains('\u{1b}'), "{plain:#?}");
    assert!(plain.stdout.contains("single-officer mode"), "{plain:#?}");
}
