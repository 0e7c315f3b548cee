//! What a verification says: what holds, by whose key, and what it cannot know.

use crate::support::Appliance;

const EVENT: &str =
    r##"{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"one"}"##;

#[test]
fn a_verification_says_by_whose_key_and_where_proof_starts_and_what_it_cannot_know() {
    let appliance = Appliance::create();
    let report = appliance.import(&appliance.file("march.jsonl", EVENT), &[], 0);
    appliance.import(&appliance.file("again.jsonl", EVENT), &[], 0);
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let said = appliance.run(&["verify"]).expect(0).stdout;
    assert!(said.starts_with("PASS"), "{said}");
    assert!(
        said.contains(&format!(
            "unchanged since signed by key {key}, supplied by the archive itself"
        ))
    );
    assert!(said.contains("outside witness: none, so no proof of when"), "{said}");
    let sha256 = report["input_sha256"].as_str().unwrap();
    let start = format!("from march.jsonl, SHA-256 {sha256}: proof starts there");
    assert!(said.contains(&start), "{said}");
    assert!(!said.contains("again.jsonl"), "an import that added nothing begins no proof: {said}");
    let said = appliance.run(&["verify", "--public-key", &key]).expect(0).stdout;
    assert!(said.contains(&format!("signed by key {key}, supplied by you")), "{said}");
}

#[test]
fn an_archive_of_another_key_than_the_one_supplied_fails() {
    let (appliance, other) = (Appliance::create(), Appliance::create());
    let key = other.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let outcome = appliance.run(&["verify", "--public-key", &key]).expect(1);
    assert_eq!(outcome.stdout.lines().next(), Some("FAILED"), "{outcome:#?}");
}
