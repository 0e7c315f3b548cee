//! Foreign inputs: lines, posted lines, a Slack export, Lync's XML, and what they come in.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use chat::limits::LINE_BYTES_MAX;
use ingest::input::Container;
use ingest::source::jsonl::{JsonLines, drafts_of_line};
use ingest::source::lync::LyncXml;
use ingest::source::slack::SlackExport;
use ingest::{EventSource, Locator, Reading, Sourced, Unreadable};

/// Bytes of a member that are read of an input.
const MEMBER_BYTES_MAX: u64 = 1 << 20;

fn reading() -> Reading {
    Reading { source: Some("s".to_owned()), ..Reading::default() }
}

/// Reads a source to its end. Drafts keep the limits, pieces say why, and after an error nothing follows.
fn drain(source: &mut dyn EventSource) -> (usize, Vec<Unreadable>) {
    let (mut drafts, mut pieces) = (0, Vec::new());
    while let Some(next) = source.next() {
        match next {
            Ok(Sourced::Draft(draft)) => {
                assert_eq!(draft.check(), Ok(()), "a draft that breaks a limit was handed on");
                drafts += 1;
            }
            Ok(Sourced::Unreadable(piece)) => {
                assert!(!piece.reason.is_empty() && piece.raw.len() <= LINE_BYTES_MAX);
                pieces.push(piece);
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(source.next().is_none(), "after an error nothing follows");
                break;
            }
        }
    }
    for identity in source.take_identities().persons {
        assert!(!identity.person.name.is_empty() || identity.person.foreign_id.is_some());
    }
    (drafts, pieces)
}

fn is_part_of(piece: &[u8], whole: &[u8]) -> bool {
    piece.is_empty() || whole.windows(piece.len()).any(|window| window == piece)
}

/// The line format: every line with anything on it becomes a draft or is kept as it is, under its own number.
pub(super) fn jsonl(bytes: &[u8]) {
    // A byte order mark before the first line says how the lines are written, and is none of them.
    let bare = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines: Vec<_> = bare.split(|byte| *byte == b'\n').collect();
    let told = lines.iter().filter(|line| !line.trim_ascii().is_empty()).count();
    let (drafts, pieces) = drain(&mut JsonLines::new(bytes, "in", reading()));
    assert!(drafts + pieces.len() >= told, "{told} lines, {drafts} drafts, {}", pieces.len());
    for piece in pieces {
        let number = piece.locator.rsplit(|letter: char| !letter.is_ascii_digit()).next();
        let number: usize = number.and_then(|text| text.parse().ok()).unwrap_or_default();
        assert!((1..=lines.len()).contains(&number), "no line has {}", piece.locator);
        assert!(is_part_of(&piece.raw, lines[number - 1]), "{}: other bytes", piece.locator);
    }
}

/// A body of `POST /events`, line by line as the server reads it.
pub(super) fn post(bytes: &[u8]) {
    let name: Arc<str> = "request".into();
    for (number, line) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')) {
        match drafts_of_line(line, &Locator::line(&name, number), &Reading::default()) {
            Ok(drafts) => {
                assert!(!drafts.is_empty(), "line {number} has disappeared");
                for draft in drafts {
                    if let Err(refusal) = draft.check() {
                        assert!(!refusal.to_string().is_empty());
                    }
                }
            }
            Err(piece) => assert_eq!(piece.raw, line, "line {number} is kept as it is"),
        }
    }
}

fn put(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("a file lies in a folder");
    std::fs::create_dir_all(folder).expect("a folder of the test can be made");
    let mut file = std::fs::File::create(path).expect("a file of the test can be made");
    file.write_all(bytes).expect("a file of the test can be written");
}

/// A Slack export: rooms, users, direct messages and a day, parted by zero bytes.
pub(super) fn slack(bytes: &[u8]) {
    const MEMBERS: [&str; 4] =
        ["channels.json", "users.json", "general/2018-01-01.json", "dms.json"];
    let folder = tempfile::tempdir().expect("a folder of the test");
    for (name, part) in MEMBERS.iter().zip(bytes.splitn(MEMBERS.len(), |byte| *byte == 0)) {
        put(&folder.path().join(name), part);
    }
    let container = Container::open(folder.path()).expect("a folder can be opened");
    let Ok(mut source) = SlackExport::open(container, reading()) else { return };
    let (_, pieces) = drain(&mut source);
    for piece in pieces {
        assert!(is_part_of(&piece.raw, bytes), "{}: other bytes", piece.locator);
    }
}

/// The XML of Lync's export tool: a fault names a byte of the input.
pub(super) fn lync(bytes: &[u8]) {
    let mut source = LyncXml::new(bytes, "in", reading());
    while let Some(next) = source.next() {
        let Err(error) = next else { continue };
        let told = error.to_string();
        let at = told.split(" at byte ").nth(1).and_then(|rest| {
            rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<usize>().ok()
        });
        assert!(at.is_some_and(|at| at <= bytes.len()), "{told}");
    }
    drain(&mut LyncXml::new(bytes, "in", reading()));
}

/// A zip, a compressed file or anything else that an import is given: names stay inside, members are bounded.
pub(super) fn container(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder of the test");
    let path = folder.path().join("in");
    put(&path, bytes);
    let Ok(mut container) = Container::open(&path) else { return };
    for name in container.members() {
        // Two slashes in a row, as careless programs write them, lead nowhere else than one.
        let leaves = name.starts_with('/') || name.split('/').any(|part| part == "..");
        let is_plain = !leaves && !name.contains(['\\', '\0']);
        assert!(is_plain, "{name:?} leads out of the input");
        if let Ok(Some(member)) = container.open_text(&name) {
            // A member that is broken says so by an error; what matters is that reading ends.
            std::io::copy(&mut member.take(MEMBER_BYTES_MAX), &mut std::io::sink()).ok();
        }
    }
    if SlackExport::recognises(&container.members())
        && let Ok(mut source) = SlackExport::open(container, reading())
    {
        drain(&mut source);
    }
}
