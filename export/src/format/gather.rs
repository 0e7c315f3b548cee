//! What one pass over a package's events learns, so that a second pass can write their rows: edits, readers, counts, and
//! which files they name. It grows with those, not with the number of events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use archive::proof::header::{ROLE_PLACE, ROLE_SOURCE};
use chat::{Attachment, Custody, FileId, Recorded, RoomId, SourceId};

use crate::format::line::kind_word;
use crate::format::readers::Attendance;
use crate::format::versions::Revisions;

/// What has been learned so far.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) revisions: Revisions,
    pub(crate) attendance: Attendance,
    pub(crate) files: Files,
    pub(crate) events: u64,
    pub(crate) related: u64,
    pub(crate) by_kind: BTreeMap<String, u64>,
    by_source: BTreeMap<SourceId, u64>,
    /// Ids that occur in any event: a package names nothing else of the archive.
    pub(crate) sources: BTreeSet<SourceId>,
    pub(crate) rooms: BTreeSet<RoomId>,
}

impl Gathered {
    /// Takes in an event that has a row.
    pub(crate) fn take_row(&mut self, recorded: &Recorded) {
        self.events += 1;
        let kind = kind_word(recorded.event.kind);
        match self.by_kind.get_mut(kind.as_ref()) {
            Some(count) => *count += 1,
            None => drop(self.by_kind.insert(kind.into_owned(), 1)),
        }
        if let Some(origin) = &recorded.event.origin {
            *self.by_source.entry(origin.source).or_default() += 1;
        }
        self.files.take(&recorded.event.content.attachments);
        self.observe(recorded);
    }

    /// Takes in an event that only says something about others.
    pub(crate) fn take_related(&mut self, recorded: &Recorded) {
        self.related += 1;
        self.observe(recorded);
    }

    fn observe(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let alone = |role| event.other_ids.iter().find(|(at, _)| *at == role).map(|(_, id)| *id);
        let source = event.origin.as_ref().map(|origin| origin.source);
        self.sources.extend(source.or_else(|| alone(ROLE_SOURCE).map(SourceId::from_bytes)));
        let room = event.place.as_ref().map(|place| place.room);
        self.rooms.extend(room.or_else(|| alone(ROLE_PLACE).map(RoomId::from_bytes)));
        self.revisions.observe(recorded);
        self.attendance.observe(recorded);
    }

    /// Returns the number of events of each source, by its name where it has one.
    pub(crate) fn by_source(&self, names: &BTreeMap<SourceId, String>) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (source, count) in &self.by_source {
            let name = names.get(source).cloned().unwrap_or_else(|| source.to_string());
            *counts.entry(name).or_default() += count;
        }
        counts
    }
}

/// The files that the rows name, numbered in the order in which they first occur. Equal bytes are one file.
#[derive(Debug, Default)]
pub(crate) struct Files {
    numbers: HashMap<FileId, usize>,
    paths: Vec<(FileId, String)>,
}

impl Files {
    fn take(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            if let Custody::Held { file, .. } = &attachment.custody
                && !self.numbers.contains_key(file)
            {
                let number = self.paths.len();
                let extension = extension(&attachment.name);
                self.numbers.insert(*file, number);
                self.paths.push((*file, format!("attachments/{:06}.{extension}", number + 1)));
            }
        }
    }

    /// Returns every file and its path in the package, in the order of their numbers.
    pub(crate) fn paths(&self) -> &[(FileId, String)] {
        &self.paths
    }

    /// Returns the path of a file in the package.
    pub(crate) fn path(&self, file: &FileId) -> Option<&str> {
        self.numbers.get(file).and_then(|&at| self.paths.get(at)).map(|(_, path)| path.as_str())
    }
}

/// Returns the ending of a name if it is a plain one, else `bin`. Nothing else of a foreign name gets into a path.
fn extension(name: &str) -> String {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_plain = (1..=8).contains(&ending.len())
        && ending.bytes().all(|letter| letter.is_ascii_alphanumeric());
    if is_plain { ending.to_ascii_lowercase() } else { "bin".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_ending_of_a_foreign_name_is_kept() {
        for (name, expected) in [
            ("report.PDF", "pdf"),
            ("a.tar.gz", "gz"),
            ("none", "bin"),
            ("../../etc/passwd", "bin"),
            ("x./../y", "bin"),
            ("evil.\u{202e}fdp", "bin"),
            ("x.", "bin"),
            ("x.verylongending", "bin"),
            ("..", "bin"),
        ] {
            assert_eq!(extension(name), expected, "{name}");
        }
    }

    #[test]
    fn equal_bytes_are_one_file() {
        let file = |byte, name: &str| Attachment {
            name: name.to_owned(),
            media_type: None,
            address: None,
            custody: Custody::Held { file: FileId::from_bytes([byte; 32]), bytes: 1 },
        };
        let mut files = Files::default();
        files.take(&[file(1, "a.txt"), file(2, "b"), file(1, "c.doc")]);
        let paths: Vec<_> = files.paths().iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["attachments/000001.txt", "attachments/000002.bin"]);
    }
}
