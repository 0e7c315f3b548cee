//! What several tests write and look at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{ExportSet, Format, Package, PackageReport, Result};
use archive::disk::LocalDisk;
use chat::testing::message;
use chat::{Act, Attachment, ChatEvent, Custody, EventKind, FileId, Seq};

use crate::tests::log::Log;

/// Returns a plain message with a text.
pub(crate) fn post(number: u64, text: &str) -> ChatEvent {
    message(number, 1, 2, text)
}

/// Returns an event of another kind, perhaps about an earlier one.
pub(crate) fn event(number: u64, kind: EventKind, target: Option<u64>, text: &str) -> ChatEvent {
    let mut event = message(number, 1, 3, text);
    event.kind = kind;
    event.target = target.and_then(Seq::new);
    event
}

/// Returns a file as an event names it.
pub(crate) fn held(name: &str, file: FileId, bytes: u64) -> Attachment {
    let custody = Custody::Held { file, bytes };
    Attachment { name: name.to_owned(), media_type: None, address: None, custody }
}

/// Returns a log with something of everything: edits, a retraction, entries, files, odd texts, fields of a later version.
pub(crate) fn log() -> Log {
    let mut log = Log::of(Vec::new());
    let file = log.keep(b"the file's bytes");
    let mut upload = event(4, EventKind::Upload, None, "see file");
    upload.content.attachments = vec![
        held("../../evil\u{202e}.PDF", file, 16),
        Attachment {
            name: "gone.txt".to_owned(),
            media_type: Some("text/plain".to_owned()),
            address: Some("https://files.example/gone".to_owned()),
            custody: Custody::Missing {
                reason: "not in the export".to_owned(),
                claimed_bytes: Some(9),
            },
        },
    ];
    let mut story = event(9, EventKind::Story, None, "long\r\n\"story\",\0 with \r alone");
    story.content.title = Some("=Title".to_owned());
    story.content.rich_text = Some("<b>x</b>".to_owned());
    story.content.raw = Some(vec![0, 0xff, 10]);
    story.content.thread = Some("t-1".to_owned());
    let mut topic = event(10, EventKind::Topic, None, "new topic");
    topic.content.act = Some(Act::new("topic-set").with("öß", "\u{7f}\u{1}").with("n", 3_u64));
    let mut later = event(11, EventKind::Unknown(0x7abc), None, "from a later version");
    later.content.other_fields = vec![(0x42, vec![1, 2])];
    later.other_ids = vec![(9, [9; 16])];
    later.actor = None;
    let events = vec![
        event(1, EventKind::Join, None, ""),
        post(2, "=1+1 first words"),
        event(3, EventKind::Edit, Some(2), "@second words"),
        upload,
        event(5, EventKind::Retract, Some(3), ""),
        post(6, "Grüße, 世界 🙂 \u{202e}backwards"),
        event(7, EventKind::Leave, None, ""),
        message(8, 2, 4, ""),
        story,
        topic,
        later,
    ];
    let mut whole = Log::of(events);
    whole.keep(b"the file's bytes");
    whole
}

/// Writes a package with every format.
pub(crate) fn write(set: &ExportSet, log: &Log, out: &Path) -> Result<PackageReport> {
    Package::write(set, log, &Format::ALL, out, &LocalDisk)
}

/// Returns every file of a folder by its name within.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Writes a file that a test damages; nothing of it needs to last.
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
}
