//! The names of segment files: `<first>-<last>-<generation>.talk` and `.ledger`.

use std::path::{Path, PathBuf};

use chat::{Lane, Seq};

/// What the name of a segment file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// The first event of its range.
    pub first: Seq,
    /// The last event of its range.
    pub last: Seq,
    /// 0 when sealed, and one more for each time it was written anew.
    pub generation: u32,
    /// The lane of its events.
    pub lane: Lane,
}

impl SegmentName {
    /// Reads a name; nothing if it is none, or not written as [`SegmentName::path`] would.
    pub fn parse(name: &str) -> Option<Self> {
        let (numbers, suffix) = name.split_once('.')?;
        let lane = match suffix {
            "talk" => Lane::Talk,
            "ledger" => Lane::Ledger,
            _ => return None,
        };
        let mut numbers = numbers.split('-');
        let first = numbers.next()?.parse().ok()?;
        let last = numbers.next()?.parse().ok()?;
        let generation = numbers.next()?.parse().ok()?;
        let parsed = Self { first, last, generation, lane };
        (numbers.next().is_none() && first <= last && parsed.to_string() == name).then_some(parsed)
    }

    /// Returns where a file of this name is in the folder of segments.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(self.to_string())
    }
}

impl std::fmt::Display for SegmentName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { first, last, generation, lane } = self;
        let suffix = match lane {
            Lane::Talk => "talk",
            Lane::Ledger => "ledger",
        };
        write!(out, "{first}-{last}-{generation}.{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_no_other_is_taken_for_one() {
        let name = "1-290000-0.talk";
        assert_eq!(SegmentName::parse(name).unwrap().to_string(), name);
        for other in [
            "1-2-0",
            "1-2-0.talk.unfinished",
            "2-1-0.talk",
            "0-1-0.talk",
            "01-2-0.talk",
            "+1-2-0.talk",
            "1-2-0-0.ledger",
            "1-2-0.chat",
        ] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }
}
