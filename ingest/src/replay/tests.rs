//! Claims about records in quarantine that are tried again.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use archive::{Archive, Creation, Ports, Settings as ArchiveSettings};
use chat::{Act, EventKind, Fact};

use super::*;
use crate::settings::Settings;
use crate::source::Unreadable;

struct Bench {
    folder: tempfile::TempDir,
    archive: Arc<Archive>,
    ingest: Arc<Ingest>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive");
        let archive =
            Archive::create(&path, &Creation::default(), still(), Ports::production()).unwrap();
        let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
        Self { folder, archive, ingest }
    }

    fn accept(&self, drafts: Vec<Draft>) {
        self.ingest.accept(drafts).unwrap();
    }

    fn quarantine(&self, raw: &str, locator: &str) -> Recorded {
        let piece = Unreadable {
            source: Some("s".to_owned()),
            raw: raw.as_bytes().to_vec(),
            locator: locator.to_owned(),
            reason: "an earlier version did not understand it".to_owned(),
        };
        let outcomes = self.ingest.accept_pieces(vec![Sourced::Unreadable(piece)]).unwrap();
        self.archive.read(outcomes[0].receipt.seq).unwrap().unwrap()
    }

    fn replay(&self, record: &Recorded) -> Replayed {
        self.ingest.replay(std::slice::from_ref(record), None).unwrap().remove(0)
    }

    fn understood(&self, record: &Recorded) -> Recorded {
        let Replayed::Understood(seq) = self.replay(record) else { panic!("not understood") };
        self.archive.read(seq).unwrap().unwrap()
    }
}

fn still() -> ArchiveSettings {
    ArchiveSettings { runs_upkeep: false, reserve_bytes: 0, ..ArchiveSettings::default() }
}

fn place(name: &str, id: &str) -> DraftPlace {
    DraftPlace {
        name: name.to_owned(),
        foreign_id: Some(id.to_owned()),
        kind: crate::draft::RoomKind::Room,
        category: None,
        members: None,
    }
}

/// A message that makes a room and a person known to the archive.
fn known(room: DraftPlace, name: &str, id: &str) -> Draft {
    let mut draft = Draft::new("s", EventKind::Message, chat::Timestamp::EPOCH);
    draft.place = Some(room);
    draft.actor =
        Some(DraftPerson { name: name.to_owned(), foreign_id: Some(id.to_owned()), email: None });
    draft.text = Some("before".to_owned());
    draft
}

#[test]
fn a_line_is_replayed_under_its_own_source_and_a_second_time_adds_nothing() {
    let bench = Bench::new();
    let line = r#"{"room":"r","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"late"}"#;
    let record = bench.quarantine(line, "in.jsonl:7");
    let event = bench.understood(&record);
    assert_eq!(event.event.content.text.as_deref(), Some("late"));
    let size = bench.archive.size();
    assert_eq!(bench.replay(&record), Replayed::Understood(event.seq));
    assert_eq!(bench.archive.size(), size);
}

#[test]
fn a_slack_message_is_replayed_in_its_room_by_its_author() {
    let bench = Bench::new();
    bench.accept(vec![known(place("general", "C1"), "Ada", "U1")]);
    let record = bench.quarantine(
        r#"{"type":"message","user":"U1","text":"late","ts":"1516524675.000024"}"#,
        "export/general/2018-01-21.json#3",
    );
    let event = bench.understood(&record).event;
    assert_eq!(event.content.text.as_deref(), Some("late"));
    assert_eq!(event.actor.unwrap().name, "Ada");
    assert_eq!(event.place.as_ref().unwrap().name, "general");
    let first = bench.archive.read(Seq::new(4).unwrap()).unwrap().unwrap().event;
    assert_eq!(event.place.unwrap().room, first.place.unwrap().room);
}

#[test]
fn an_element_of_compliance_xml_is_replayed_in_its_channel() {
    let bench = Bench::new();
    bench.accept(vec![known(place("Desk A", "ma-chan://x/7f"), "Ada", "sip:ada@x")]);
    let element = concat!(
        r#"<Message type="CHAT" content="late" id="5"><Sender UserName="Ada" id="10" uri="sip:ada@x"/>"#,
        r#"<DateTimeUTC long="633482073409535482"/></Message>"#
    );
    let record = bench.quarantine(element, "month.xml at byte 812, channel ma-chan://x/7f");
    let event = bench.understood(&record).event;
    assert_eq!(event.content.text.as_deref(), Some("late"));
    assert_eq!(event.place.unwrap().name, "Desk A");
    let elsewhere =
        bench.quarantine(&element.replace("id=\"5\"", "id=\"6\""), "month.xml at byte 9");
    assert!(matches!(bench.replay(&elsewhere), Replayed::Not(_)), "its channel is not known");
}

#[test]
fn an_element_that_cannot_be_read_is_kept_with_its_channel() {
    let xml = concat!(
        r#"<Conversations><Conversation><Channel uri="ma-chan://x/7f" name="Desk A"/><Messages>"#,
        r#"<Message type="CHAT" content="no time" id="5"></Message></Messages></Conversation></Conversations>"#
    );
    let mut source = lync::LyncXml::new(xml.as_bytes(), "in.xml", Reading::default());
    let piece = crate::source::EventSource::next(&mut source).unwrap().unwrap();
    let Sourced::Unreadable(piece) = piece else { panic!("{piece:?}") };
    assert!(piece.locator.ends_with(", channel ma-chan://x/7f"), "{}", piece.locator);
}

#[test]
fn what_is_still_not_understood_stays_and_says_why() {
    let bench = Bench::new();
    for (raw, locator) in [
        ("no event", "in.jsonl:1"),
        ("{\"ts\":\"soon\"}", "general/2018-01-21.json#1"),
        ("<Message", "in.xml at byte 3, channel ma-chan://x/7f"),
        ("", ""),
    ] {
        let record = bench.quarantine(raw, locator);
        let size = bench.archive.size();
        assert!(matches!(bench.replay(&record), Replayed::Not(_)), "{raw}");
        assert_eq!(bench.archive.size(), size);
    }
}

#[test]
fn a_time_without_a_zone_is_understood_once_its_zone_is_named() {
    let bench = Bench::new();
    let line = r#"{"room":"r","sender":"Ada","time":"2024-03-04T09:15:00","text":"local"}"#;
    let record = bench.quarantine(line, "in.jsonl:7");
    assert!(matches!(bench.replay(&record), Replayed::Not(reason) if reason.contains("--zone")));
    let zone = Some("America/New_York".parse().unwrap());
    let replayed = bench.ingest.replay(&[record], zone).unwrap().remove(0);
    let Replayed::Understood(seq) = replayed else { panic!("{replayed:?}") };
    let event = bench.archive.read(seq).unwrap().unwrap().event;
    assert_eq!(event.at.to_string(), "2024-03-04T14:15:00.000000Z");
}

#[test]
fn a_replay_that_was_recorded_is_known_after_a_restart() {
    let bench = Bench::new();
    let line = r#"{"room":"r","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"late"}"#;
    let record = bench.quarantine(line, "in.jsonl:7");
    let event = bench.understood(&record);
    let number = |seq: Seq| Fact::Number(i64::try_from(seq.get()).unwrap());
    let act = Act::new("quarantine-replayed")
        .with("records", Fact::List(vec![number(record.seq)]))
        .with("events", Fact::List(vec![number(event.seq)]));
    bench.ingest.record_act(EventKind::Officer, None, act).unwrap();
    assert_eq!(bench.replay(&record), Replayed::Already(event.seq));
    let Bench { folder, archive, ingest } = bench;
    ingest.close().unwrap();
    archive.close().unwrap();
    drop((ingest, archive));
    let path = folder.path().join("archive");
    let archive = Archive::open(&path, still(), Ports::production()).unwrap();
    let ingest = Ingest::open(archive, &Settings::default()).unwrap();
    assert_eq!(ingest.replayed().unwrap().get(&record.seq), Some(&event.seq));
}

#[test]
fn a_replayed_record_that_says_it_was_deleted_keeps_the_deletion() {
    let bench = Bench::new();
    let line = |text: &str, more: &str| {
        format!(
            r#"{{"source":"s","room":"r","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"{text}","id":"m16"{more}}}"#
        )
    };
    let path = bench.folder.path().join("in.jsonl");
    let lines = [line("here", ""), line("gone soon", ",\"deleted\":true")].join("\n");
    File::create(&path).unwrap().write_all(lines.as_bytes()).unwrap();
    let import =
        || crate::Import::run(&bench.ingest, &crate::ImportInput::new(&path), &mut |_| {}).unwrap();
    let report = import();
    assert_eq!((report.accepted, report.quarantined), (1, 1));
    let of_kind = |kind: EventKind| {
        let all = (1..=bench.archive.size()).filter_map(Seq::new);
        let read = |seq: Seq| bench.archive.read(seq).unwrap().unwrap();
        all.map(read).filter(|one| one.event.kind == kind).collect::<Vec<_>>()
    };
    let message = of_kind(EventKind::Message).remove(0).seq;
    let targets = || -> Vec<_> {
        of_kind(EventKind::Retract).into_iter().map(|mark| mark.event.target).collect()
    };
    assert_eq!(targets(), [None], "its record is in quarantine");

    let record = of_kind(EventKind::Quarantined).remove(0);
    let edit = bench.understood(&record);
    assert_eq!(edit.event.content.text.as_deref(), Some("gone soon"));
    assert_eq!(edit.event.target, Some(message));
    assert_eq!(targets(), [None, Some(message)]);
    assert_eq!(bench.replay(&record), Replayed::Understood(edit.seq));
    let again = import();
    assert_eq!((again.accepted, again.revised, again.duplicates, again.quarantined), (0, 0, 1, 1));
    assert_eq!(targets(), [None, Some(message)], "neither adds one more");
    assert_eq!(of_kind(EventKind::Edit), [edit]);
}
