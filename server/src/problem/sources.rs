//! Each member's errors, by variant where the variant decides and by family where it does not.

use chat::Family;
use query::QueryError;

use super::{Kind, Problem};

impl From<archive::Error> for Problem {
    fn from(error: archive::Error) -> Self {
        Self::of(of_archive(&error), &error)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the family decides for every variant not named"
)]
fn of_archive(error: &archive::Error) -> Kind {
    use archive::Error;
    if error.is_configuration() {
        return Kind::Configuration;
    }
    match error {
        Error::ArchiveExists { .. } | Error::FolderNotEmpty { .. } => Kind::CannotCreate,
        Error::ArchiveMissing { .. } | Error::FormatUnknown { .. } => Kind::Configuration,
        Error::EventTooLarge { .. } => Kind::TooLarge,
        Error::BeyondEnd { .. } => Kind::NotFound,
        Error::Refused { .. } | Error::StampRefused { .. } => Kind::Unproven,
        Error::Locked { .. } => Kind::Locked,
        Error::DiskFull { .. } => Kind::Full,
        Error::Io { .. } | Error::Stopped { .. } => Kind::InputOutput,
        other => of_family(other.family()),
    }
}

impl From<ingest::Error> for Problem {
    fn from(error: ingest::Error) -> Self {
        let problem = Self::of(of_ingest(&error), &error);
        if let ingest::Error::ImportCutShort { report, .. } = &error {
            return problem.with("read", report.read).with("accepted", report.accepted);
        }
        problem
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the family decides for every variant not named"
)]
fn of_ingest(error: &ingest::Error) -> Kind {
    use ingest::Error;
    match error {
        Error::Archive { source } => of_archive(source),
        Error::ImportCutShort { source, .. } => of_ingest(source),
        Error::InputUnreadable { .. }
        | Error::OriginsUnavailable { .. }
        | Error::BatchBeforeRefused { .. }
        | Error::SequencerStopped { .. } => Kind::InputOutput,
        bad if bad.is_bad_data() => Kind::BadData,
        other => of_family(other.family()),
    }
}

impl From<index::Error> for Problem {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the family decides for every variant not named"
    )]
    fn from(error: index::Error) -> Self {
        let kind = match &error {
            index::Error::LogUnreadable { source } => of_archive(source),
            index::Error::CursorExpired => Kind::Gone,
            index::Error::TimeSpent { .. } => Kind::TooCostly,
            other => of_family(other.family()),
        };
        Self::of(kind, &error)
    }
}

impl From<export::Error> for Problem {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the family decides for every variant not named"
    )]
    fn from(error: export::Error) -> Self {
        let kind = match &error {
            export::Error::Archive(source) => of_archive(source),
            export::Error::OutputExists { .. } => Kind::CannotCreate,
            export::Error::NotAPackage { .. } => Kind::BadData,
            export::Error::Io { .. } => Kind::InputOutput,
            other => of_family(other.family()),
        };
        Self::of(kind, &error)
    }
}

fn of_family(family: Family) -> Kind {
    match family {
        Family::Refused => Kind::BadRequest,
        Family::Unavailable => Kind::Unavailable,
        Family::Corrupt => Kind::Corrupt,
    }
}

impl Problem {
    /// Returns the problem of a query that cannot be read, with its column and an example.
    pub(crate) fn bad_query(error: &QueryError) -> Self {
        Self::of(Kind::BadQuery, error)
            .with("column", error.column)
            .with("expected", error.expected.clone())
            .with("example", error.example.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_75_a_key_is_78_and_a_full_disk_is_74() {
        let folder = std::path::PathBuf::from("data");
        let exit = |error: archive::Error| Problem::from(error).kind.exit();
        assert_eq!(exit(archive::Error::Locked { folder: folder.clone() }), 75);
        assert_eq!(exit(archive::Error::DiskFull { free_bytes: 1, reserve_bytes: 2 }), 74);
        assert_eq!(exit(archive::Error::ArchiveMissing { folder }), 78);
        assert_eq!(exit(archive::Error::LogShort { found: 1, signed: 2 }), 1);
    }

    #[test]
    fn a_search_over_its_time_is_422_with_a_remedy_and_no_invitation_to_try_again() {
        let problem = Problem::from(index::Error::TimeSpent { limit_seconds: 30 });
        assert_eq!((problem.kind.slug(), problem.kind.status().as_u16()), ("too-costly", 422));
        assert_eq!(problem.retry_after_seconds, None);
        assert!(problem.detail.contains("narrow it by room:"), "{}", problem.detail);
    }
}
