//! Claims about Slack exports.

use std::io::Write as _;
use std::path::PathBuf;

use chat::EventKind;

use super::*;
use crate::draft::{Draft, DraftKey, DraftTarget, FileContent, RoomKind};

const CHANNELS: &str = r#"[{"id":"C1","name":"general","members":["U1","U9"]}]"#;
const USERS: &str = r#"[{"id":"U1","team_id":"T1","name":"ada","profile":{"display_name":"","real_name":"Ada L","email":"ada@x"}}]"#;

fn export(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    }
    folder
}

fn read_all(path: &std::path::Path, reading: Reading) -> (Vec<Draft>, Vec<Unreadable>) {
    let mut source = SlackExport::open(Container::open(path).unwrap(), reading).unwrap();
    let (mut drafts, mut odd) = (Vec::new(), Vec::new());
    while let Some(next) = source.next() {
        match next.unwrap() {
            Sourced::Draft(draft) => drafts.push(*draft),
            Sourced::Unreadable(piece) => odd.push(piece),
        }
    }
    (drafts, odd)
}

fn day(messages: &str) -> Vec<Draft> {
    let files =
        [("channels.json", CHANNELS), ("users.json", USERS), ("general/2018-01-01.json", messages)];
    let (drafts, odd) = read_all(export(&files).path(), Reading::default());
    assert_eq!(odd, []);
    drafts
}

#[test]
fn a_message_has_room_sender_time_and_key() {
    let all = day(r#"[{"type":"message","user":"U1","text":"hi <@U9>","ts":"1516524675.000024"}]"#);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].source, "T1");
    assert_eq!(all[0].key, DraftKey::Given("C1/1516524675.000024".into()));
    assert_eq!(all[0].text.as_deref(), Some("hi @U9"));
    assert_eq!(all[0].rich_text.as_deref(), Some("hi <@U9>"), "the id of a mention is kept");
    let actor = all[0].actor.as_ref().unwrap();
    assert_eq!((actor.name.as_str(), actor.email.as_deref()), ("Ada L", Some("ada@x")));
    let place = all[0].place.as_ref().unwrap();
    assert_eq!(place.name, "general");
    assert_eq!(place.members.as_deref().unwrap(), ["Ada L", "U9"]);
    assert!(all[0].raw.as_deref().unwrap().windows(4).any(|bytes| bytes == b"<@U9"));
    let bare = day(r#"[{"type":"message","user":"U1","text":"hi","ts":"1516524675.000024"}]"#);
    assert_eq!((&bare[0].raw, &bare[0].rich_text), (&None, &None), "it says no more");
}

#[test]
fn a_user_missing_from_the_list_keeps_the_id_as_name() {
    let all = day(r#"[{"user":"U7","text":"a","ts":"1.0"},
            {"bot_id":"B1","username":"robot","subtype":"bot_message","text":"b","ts":"2.0"},
            {"text":"c","ts":"3.0"}]"#);
    assert_eq!(all[0].actor.as_ref().unwrap().name, "U7");
    let robot = all[1].actor.as_ref().unwrap();
    assert_eq!((robot.name.as_str(), robot.foreign_id.as_deref()), ("robot", Some("B1")));
    assert_eq!(all[2].actor, None);
}

#[test]
fn an_app_is_named_as_it_names_itself() {
    let all = day(r#"[{"user":"U1","bot_id":"B1","username":"robot","text":"b","ts":"2.0"},
            {"user":"U1","bot_profile":{"name":"Deploys"},"bot_id":"B1","text":"b","ts":"3.0"}]"#);
    let named = |at: usize| all[at].actor.clone().unwrap();
    assert_eq!((named(0).name.as_str(), named(0).foreign_id.as_deref()), ("robot", Some("U1")));
    assert_eq!(named(1).name, "Deploys");
}

#[test]
fn former_words_and_topics_are_plain_too() {
    let all = day(
        r#"[{"subtype":"message_changed","ts":"5.0","message":{"user":"U1","text":"a &lt; b","ts":"4.0"},
             "previous_message":{"user":"U1","text":"a &gt; b","ts":"4.0"}},
            {"subtype":"channel_topic","user":"U1","text":"set: R&amp;D","topic":"R&amp;D","ts":"6.0"}]"#,
    );
    let texts: Vec<_> = all.iter().filter_map(|draft| draft.text.as_deref()).collect();
    assert_eq!(texts, ["a > b", "a < b", "set: R&D"]);
    assert_eq!(all[2].title.as_deref(), Some("R&D"));
}

#[test]
fn threads_edits_and_deletions_point_to_what_they_mean() {
    let all = day(r#"[{"user":"U1","text":"reply","ts":"2.0","thread_ts":"1.0"},
            {"user":"U1","text":"new words","ts":"3.0","edited":{"user":"U1","ts":"9.000001"}},
            {"subtype":"message_changed","ts":"5.0","message":{"user":"U1","text":"B","ts":"4.0","edited":{"ts":"5.0"}},
             "previous_message":{"user":"U1","text":"A","ts":"4.0"}},
            {"subtype":"message_deleted","ts":"7.0","deleted_ts":"6.0","previous_message":{"user":"U1","text":"gone","ts":"6.0"}},
            {"subtype":"tombstone","user":"USLACKBOT","text":"This message was deleted.","ts":"8.0"}]"#);
    let kinds: Vec<_> = all.iter().map(|draft| draft.kind.word()).collect();
    assert_eq!(kinds, ["message", "message", "message", "edit", "message", "retract", "retract"]);
    let target = |key: &str| Some(DraftTarget::Key(key.into()));
    assert_eq!((all[0].target.clone(), all[0].thread.as_deref()), (target("C1/1.0"), Some("1.0")));
    assert_eq!(all[1].edited_at.unwrap().micros(), 9_000_001);
    assert_eq!((all[2].text.as_deref(), all[2].unfolded), (Some("A"), true));
    assert_eq!((all[3].text.as_deref(), all[3].target.clone()), (Some("B"), target("C1/4.0")));
    assert!(all[3].raw.is_some());
    assert_eq!((all[4].text.as_deref(), all[5].target.clone()), (Some("gone"), target("C1/6.0")));
    assert_eq!(all[6].target, target("C1/8.0"));
    assert_eq!(all[6].key, DraftKey::Given("C1/8.0/tombstone".into()));
}

#[test]
fn room_life_has_its_kinds_and_unknown_subtypes_are_kept() {
    let subtypes = [
        ("channel_join", "join"),
        ("group_leave", "leave"),
        ("channel_topic", "topic"),
        ("channel_name", "rename"),
        ("channel_archive", "room"),
        ("me_message", "action"),
        ("pinned_item", "other"),
    ];
    for (subtype, kind) in subtypes {
        let all = day(&format!(
            r#"[{{"subtype":"{subtype}","user":"U1","text":"t","ts":"1.0","topic":"T"}}]"#
        ));
        assert_eq!(all[0].kind.word(), kind, "{subtype}");
        assert!(all[0].raw.is_some());
    }
}

#[test]
fn each_reaction_of_each_user_is_an_event_after_its_message() {
    let all = day(
        r#"[{"user":"U1","text":"t","ts":"1.0","reactions":[{"name":"+1","users":["U1","U9"],"count":2}]}]"#,
    );
    assert_eq!(all.len(), 3);
    assert_eq!((all[0].kind, all[1].kind), (EventKind::Message, EventKind::Reaction));
    assert_eq!(all[2].key, DraftKey::Given("C1/1.0/reaction/+1/U9".into()));
    assert_eq!(all[1].target, Some(DraftTarget::Record));
    let more = day(
        r#"[{"user":"U1","text":"t","ts":"1.0","reactions":[{"name":"+1","users":["U1"],"count":4}]}]"#,
    );
    assert_eq!(more[2].key, DraftKey::Given("C1/1.0/reaction/+1".into()));
    assert!(more[2].remark.as_deref().unwrap().contains("counts 3 of these"));
}

#[test]
fn a_file_is_taken_from_the_export_or_the_folder_of_attachments_or_is_missing() {
    let message = r#"[{"user":"U1","text":"t","ts":"1.0","files":[
        {"id":"F1234567A","name":"a.txt","mimetype":"text/plain","size":3,"url_private":"https://x/a"},
        {"id":"F1234567B","name":"b.txt"},{"id":"F1234567C","name":"c.txt","size":9},
        {"id":"F1234567D","mode":"tombstone"}]}]"#;
    let files = [
        ("channels.json", CHANNELS),
        ("users.json", USERS),
        ("general/2018-01-01.json", message),
        ("__uploads/F1234567A/a.txt", "abc"),
        ("canvases.json", "[]"),
    ];
    let inside = export(&files);
    let beside = export(&[("F1234567B-b.txt", "b")]);
    let reading = Reading { attachments: Some(beside.path().to_owned()), ..Reading::default() };
    let (all, _) = read_all(inside.path(), reading.clone());
    let files = &all[0].attachments;
    assert_eq!(files[0].content, FileContent::Member("__uploads/F1234567A/a.txt".into()));
    let path: PathBuf = beside.path().canonicalize().unwrap().join("F1234567B-b.txt");
    assert_eq!(files[1].content, FileContent::Path(path));
    let FileContent::Missing { reason, claimed_bytes } = &files[2].content else { panic!() };
    assert!(reason.contains("--attachments") && *claimed_bytes == Some(9));
    let FileContent::Missing { reason, .. } = &files[3].content else { panic!() };
    assert!(reason.contains("deleted"));

    let container = Container::open(inside.path()).unwrap();
    let mut source = SlackExport::open(container, reading).unwrap();
    assert_eq!(source.passed_over(), ["canvases.json"]);
    let mut bytes = Vec::new();
    let member = source.open_member("__uploads/F1234567A/a.txt").unwrap();
    member.unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"abc");
}

#[test]
fn direct_and_group_rooms_are_known_by_their_lists() {
    let files = [
        ("dms.json", r#"[{"id":"D1","members":["U1","U9"]}]"#),
        ("mpims.json", r#"[{"id":"G1","name":"mpdm-a--b-1","members":["U1"]}]"#),
        ("team_info.json", r#"{"ok":true,"team":{"id":"T7"}}"#),
        ("D1/2018-01-01.json", r#"[{"user":"U1","text":"d","ts":"1.0"}]"#),
        ("mpdm-a--b-1/2018-01-01.json", r#"[{"user":"U1","text":"g","ts":"1.0"}]"#),
        ("stray/2018-01-01.json", r#"[{"user":"U1","text":"s","ts":"1.0"}]"#),
    ];
    let (all, _) = read_all(export(&files).path(), Reading::default());
    let kinds: Vec<_> = all.iter().map(|draft| draft.place.as_ref().unwrap().kind).collect();
    assert_eq!(kinds, [RoomKind::Direct, RoomKind::Group, RoomKind::Room]);
    assert_eq!(all[2].place.as_ref().unwrap().name, "stray");
    assert!(all.iter().all(|draft| draft.source == "T7"));
}

#[test]
fn a_bad_record_or_file_is_kept_and_the_rest_goes_on() {
    let files = [
        ("channels.json", CHANNELS),
        ("users.json", "not a list"),
        (
            "general/2018-01-01.json",
            "[{\"user\":\"U1\",\"text\":\"a\",\"ts\":\"1.0\"},\n {\"text\":\"no ts\"},\n  7,{\"user\":\"U1\",\"text\":\"b\",\"ts\":\"2.0\"}]",
        ),
        ("general/2018-01-02.json", r#"[{"user":"U1","text":"c","ts":"3.0"},{"user":"#),
        ("general/2018-01-03.json", r#"[{"user":"U1","team":"T3","text":"d","ts":"4.0"}]"#),
    ];
    let (all, odd) = read_all(export(&files).path(), Reading::default());
    let texts: Vec<_> = all.iter().filter_map(|draft| draft.text.as_deref()).collect();
    assert_eq!(texts, ["a", "b", "c", "d"]);
    let places: Vec<_> = odd.iter().map(|piece| piece.locator.as_str()).collect();
    assert_eq!(
        places,
        [
            "users.json",
            "general/2018-01-01.json#2",
            "general/2018-01-01.json#3",
            "general/2018-01-02.json"
        ]
    );
    assert_eq!(odd[3].raw, br#",{"user":"#);
    assert!(odd[0].reason.starts_with("line 1, column 2: found 'o', expected"), "{odd:?}");
    assert_eq!(odd[1].reason, "line 2: found no \"ts\", expected one");
    assert!(odd[2].reason.starts_with("line 3, column 3: found the number 7"), "{odd:?}");
    assert!(odd[3].reason.contains("cut off") && odd[3].reason.contains("array of messages"));
    assert!(all.iter().all(|draft| draft.source == "T3"), "the workspace is found in a message");
}

#[test]
fn an_export_without_a_workspace_asks_for_a_source() {
    let files = [("channels.json", CHANNELS), ("general/2018-01-01.json", "[]")];
    let folder = export(&files);
    let open = |reading| SlackExport::open(Container::open(folder.path()).unwrap(), reading);
    assert!(open(Reading::default()).unwrap_err().to_string().contains("--source"));
    let named = Reading { source: Some("acme".into()), ..Reading::default() };
    assert_eq!(open(named).unwrap().source(), "acme");
}

#[test]
fn every_name_of_the_list_belongs_to_the_person() {
    let users = r#"[{"id":"U1","team_id":"T1","name":"al","real_name":"Al Pha","profile":
        {"display_name":"alpha","real_name":"Al Pha","email":"al@x.example"}},{"id":"U2"}]"#;
    let files = [("channels.json", CHANNELS), ("users.json", users)];
    let folder = export(&files);
    let container = Container::open(folder.path()).unwrap();
    let mut source = SlackExport::open(container, Reading::default()).unwrap();
    let listed = source.take_identities();
    assert_eq!(listed.source, "T1");
    let all = &listed.persons;
    assert_eq!(all[0].person.name, "alpha");
    assert_eq!(all[0].person.email.as_deref(), Some("al@x.example"));
    assert_eq!(all[0].also, ["Al Pha", "al"]);
    assert_eq!((all[1].person.name.as_str(), all[1].also.len()), ("U2", 0));
    assert!(source.take_identities().persons.is_empty());
}

#[test]
fn a_day_that_is_no_utf8_is_kept_in_its_own_bytes_record_by_record_and_at_its_broken_end() {
    let folder = export(&[("channels.json", CHANNELS), ("users.json", USERS)]);
    let day: &[u8] = b"[{\"user\":\"U1\",\"text\":\"caf\xe9\",\"ts\":\"1.0\"},\n {\"user\":\"\xdc1\",\"text\":\"\xff\",\"ts\":\"2.0\"},{\"\xe9";
    std::fs::create_dir(folder.path().join("general")).unwrap();
    std::fs::File::create(folder.path().join("general/2018-01-01.json"))
        .unwrap()
        .write_all(day)
        .unwrap();
    let (drafts, odd) = read_all(folder.path(), Reading::default());
    let raw = |draft: &Draft| draft.raw.clone().unwrap();
    assert_eq!(drafts[0].text.as_deref(), Some("café"));
    assert_eq!(raw(&drafts[0]), b"{\"user\":\"U1\",\"text\":\"caf\xe9\",\"ts\":\"1.0\"}");
    assert_eq!(raw(&drafts[1]), b"{\"user\":\"\xdc1\",\"text\":\"\xff\",\"ts\":\"2.0\"}");
    assert_eq!((odd.len(), odd[0].raw.as_slice()), (1, b",{\"\xe9".as_slice()));
}
