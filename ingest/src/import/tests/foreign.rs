//! Claims about exports of other products, imported into a real archive.

use std::io::Write as _;

use chat::EventKind;

use super::{Bench, shared};
use crate::error::Error;

#[test]
fn the_lync_sample_has_its_first_message_as_an_event_of_its_own() {
    let Some(data) = shared("the_lync_sample_has_its_first_message_as_an_event_of_its_own") else {
        return;
    };
    let bench = Bench::new();
    let report = bench.import(&data.join("native/lync-xml/sample-assembled.xml"));
    assert_eq!((report.read, report.accepted, report.source.as_str()), (7, 7, "litwareinc.com"));
}

#[test]
fn both_slack_samples_come_in_whole_and_only_once() {
    let Some(data) = shared("both_slack_samples_come_in_whole_and_only_once") else { return };
    let expected = [
        ("test_slack_importer.zip", "T5YFFM2QY", 91),
        ("test_unicode_slack_importer.zip", "T04LT7JD2AZ", 5),
    ];
    for (name, workspace, count) in expected {
        let bench = Bench::new();
        let path = data.join("native/slack").join(name);
        let report = bench.import(&path);
        assert_eq!((report.format, report.source.as_str()), ("slack", workspace));
        assert_eq!((report.read, report.accepted, report.quarantined), (count, count, 0), "{name}");
        assert!(report.coverage.iter().all(|row| row.source_count == row.held_count));
        assert_eq!(bench.import(&path).duplicates, count);
        let log = bench.log();
        let edits = log.iter().filter(|recorded| recorded.event.content.edited_at.is_some());
        assert_eq!(edits.count(), usize::from(count == 91));
    }
}

#[test]
fn a_member_of_a_zip_that_is_a_bomb_is_refused_by_its_name_and_what_came_before_stays() {
    let bench = Bench::new();
    let path = bench.folder.path().join("export.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let zeros = vec![b' '; 80 << 20];
    let members: [(&str, &[u8]); 4] = [
        ("channels.json", br#"[{"id":"C1","name":"general"}]"#),
        ("users.json", br#"[{"id":"U1","team_id":"T1","name":"ada"}]"#),
        ("general/2018-01-01.json", br#"[{"user":"U1","text":"before","ts":"1.0"}]"#),
        ("general/2018-01-02.json", &zeros),
    ];
    for (name, bytes) in members {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    let error = bench.try_import(&path).unwrap_err();
    assert!(error.is_bad_data(), "{error}");
    let Error::ImportCutShort { report, source } = error else { panic!("{error}") };
    assert_eq!((report.accepted, report.quarantined), (1, 0));
    let words = source.to_string();
    assert!(words.contains("2018-01-02.json") && words.contains("200 times"), "{words}");
    assert_eq!(bench.texts(EventKind::Message), ["before"]);
}

#[test]
fn a_person_of_a_slack_list_is_known_by_every_name_before_a_word_is_said() {
    let bench = Bench::new();
    let users = r#"[{"id":"U1","team_id":"T1","name":"al","profile":{"display_name":"alpha","email":"al@x.example"}},
        {"id":"U2","name":"bo","real_name":"Bo Beta"}]"#;
    bench.file("export/channels.json", r#"[{"id":"C1","name":"general"}]"#);
    bench.file("export/users.json", users);
    let day = r#"[{"user":"U1","text":"R&amp;D, <@U2>","ts":"1.0"}]"#;
    bench.file("export/general/2018-01-01.json", day);
    let path = bench.folder.path().join("export");
    assert_eq!(bench.import(&path).accepted, 1);
    assert_eq!(bench.texts(EventKind::Message), ["R&D, @Bo Beta"]);
    let identities = |bench: &Bench| {
        let log = bench.log().into_iter().filter(|r| r.event.kind == EventKind::Identity);
        log.map(|recorded| recorded.event.content.act.unwrap()).collect::<Vec<_>>()
    };
    let acts = identities(&bench);
    let verbs: Vec<_> = acts.iter().map(|act| act.verb.as_str()).collect();
    assert_eq!(verbs, ["person-declared", "person-changed", "person-declared", "person-changed"]);
    assert_eq!((acts[0].text("name"), acts[2].text("name")), (Some("alpha"), Some("Bo Beta")));
    assert_eq!(acts[3].facts["also"], vec!["bo".to_owned()].into());
    assert_eq!(bench.import(&path).duplicates, 1);
    assert_eq!(identities(&bench).len(), 4, "nothing is said twice");
}
