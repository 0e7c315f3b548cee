//! What a person reads: names that stay names, and what a ledger event did.

use crate::running::Running;
use crate::support::Appliance;

fn line(id: &str, room: &str, category: &str, sender: &str, text: &str) -> String {
    let event = serde_json::json!({
        "source": "desk", "room": room, "category": category, "sender": sender, "id": id,
        "time": "2024-03-04T09:15:00Z", "text": text,
    });
    format!("{event}\n")
}

#[test]
fn a_line_break_in_a_name_or_a_text_forges_no_line() {
    let appliance = Appliance::create();
    let forged =
        line("1", "#fx\n#98  room", "FX", "al\n#99  2020-01-01  fake", "one word\n#97  forged");
    appliance.import(&appliance.file("one.jsonl", forged), &[], 0);
    for verb in [&["search", "word"][..], &["search", "kind:identity"], &["search", "kind:room"]] {
        let said = appliance.run(verb).expect(0).stdout;
        let seq = said.lines().filter(|line| line.starts_with('#')).all(|line| {
            let number = line[1..].split(' ').next().unwrap();
            !["97", "98", "99"].contains(&number)
        });
        assert!(seq, "{verb:?}: {said}");
    }
    let seq = appliance.json(&["search", "word"])["hits"][0]["seq"].to_string();
    let said = appliance.run(&["show", &seq, "--context", "5"]).expect(0).stdout;
    assert!(
        said.lines().all(|line| line.starts_with(' ') || line.starts_with(&format!("#{seq} "))),
        "{said}"
    );
}

#[test]
fn a_ledger_event_tells_its_act_with_what_was_before() {
    let appliance = Appliance::create();
    let lines =
        line("1", "#fx", "Trading", "Ada", "first") + &line("2", "#fx", "Legal", "Ada", "second");
    appliance.import(&appliance.file("two.jsonl", lines), &[], 0);
    let rooms = appliance.json(&["search", "kind:room room:#fx", "--order", "oldest"]);
    let changed = rooms["hits"].as_array().unwrap().last().unwrap();
    assert_eq!(changed["act"]["verb"], "room-changed", "{rooms:#}");
    let seq = changed["seq"].to_string();
    let event = appliance.json(&["show", &seq]);
    assert_eq!(event["act"]["category"], "Legal", "{event:#}");
    assert_eq!(event["former"]["category"], "Trading", "{event:#}");
    let said = appliance.run(&["show", &seq]).expect(0).stdout;
    assert!(said.contains("act: room changed"), "{said}");
    assert!(said.contains("category: Legal (before: Trading)"), "{said}");
    let person = appliance.json(&["search", "kind:identity"]);
    let names = person["hits"].as_array().unwrap().iter().any(|hit| hit["act"]["name"] == "Ada");
    assert!(names, "{person:#}");
}

#[test]
fn a_new_sign_in_link_is_handed_out_while_the_server_runs() {
    let appliance = Appliance::create();
    let refused = appliance.run(&["sign-in"]).expect(69);
    assert!(refused.stderr.contains("muniment serve"), "{refused:#?}");
    let running = Running::start(&appliance);
    let issued = appliance.json(&["sign-in"]);
    assert_eq!(issued["officer"], "Officer One", "{issued:#}");
    let link = issued["link"].as_str().unwrap();
    let secret = link.split_once("/sign-in?link=").unwrap().1;
    let form = "Content-Type: application/x-www-form-urlencoded";
    let (status, _, _) = running.ask("POST", "/sign-in", &[form], &format!("link={secret}"));
    assert_eq!(status, 303);
    let (status, _, body) = running.ask("POST", "/sign-in", &[form], &format!("link={secret}"));
    assert_eq!(status, 401);
    assert!(body.contains("muniment sign-in"), "the problem names the verb: {body}");
    let token = appliance.json(&["token", "issue", "--name", "all", "--scope", "admin,read"]);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let (status, _, body) = running.ask("POST", "/api/v1/sign-in-links", &[&bearer], "");
    assert_eq!(status, 403, "a token opens no session: {body}");
    running.stop();
}
