//! What kinds of event there are, and in which lane each is kept.

/// Which of the two files of a segment an event goes to (house.md §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// What people said and did in rooms. Retention may drop it whole.
    Talk,
    /// Officers' acts, identities, membership, roles, room life, holds and rules: what folds are made of.
    Ledger,
}

impl Lane {
    /// Both lanes, in the order of their codes.
    pub const ALL: [Self; 2] = [Self::Talk, Self::Ledger];

    /// Returns the lane's byte in salts and files: 0 talk, 1 ledger (proof.md §2).
    pub const fn code(self) -> u8 {
        match self {
            Self::Talk => 0,
            Self::Ledger => 1,
        }
    }

    /// Returns the lane that a byte names.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Talk),
            1 => Some(Self::Ledger),
            _ => None,
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $word:literal;)*) => {
        /// The kind of an event. Its top bit is the lane, so that a kind unknown to this version still has one (proof.md §3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
            /// A kind that a later version wrote; it is carried verbatim.
            Unknown(u16),
        }

        impl EventKind {
            /// Every kind this version knows, in the order of their codes.
            pub const KNOWN: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the two bytes that are hashed and stored.
            pub const fn code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown(code) => code,
                }
            }

            /// Returns the kind that a code names; every code names one.
            pub const fn from_code(code: u16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    _ => Self::Unknown(code),
                }
            }

            /// Returns the word used in queries, exports and the interface (contract.md §2).
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                    Self::Unknown(_) => "unknown",
                }
            }

            /// Returns the kind that a word names.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// A message in a room (Lync `CHAT`).
    Message = 0x0001, "message";
    /// A message in the third person (`/me`).
    Action = 0x0002, "action";
    /// A titled, long message (lync.md §2).
    Story = 0x0003, "story";
    /// A message of high importance (lync.md §2).
    Alert = 0x0004, "alert";
    /// A new version of an earlier message; its target is the version it replaces.
    Edit = 0x0005, "edit";
    /// A message taken back by its author; the words stay in the archive.
    Retract = 0x0006, "retract";
    /// A reaction to a message.
    Reaction = 0x0007, "reaction";
    /// A file put into a room (Lync `FILEUPLOAD`).
    Upload = 0x0008, "upload";
    /// A file fetched from a room (Lync `FILEDOWNLOAD`).
    Download = 0x0009, "download";
    /// A person entered a room (Lync `JOIN`).
    Join = 0x000a, "join";
    /// A person left a room (Lync `PART`).
    Leave = 0x000b, "leave";
    /// A person was removed from a room.
    Kick = 0x000c, "kick";
    /// A person read a room's past (Lync `BACKCHAT`).
    History = 0x000d, "history";
    /// A room user searched.
    Search = 0x000e, "search";
    /// A post that was refused, with the reason.
    Refused = 0x000f, "refused";
    /// A record that could not be understood, kept raw.
    Quarantined = 0x0010, "quarantined";
    /// A talk event of a foreign kind.
    Other = 0x0011, "other";
    /// A room's topic was set.
    Topic = 0x8001, "topic";
    /// A room or person was renamed.
    Rename = 0x8002, "rename";
    /// A room came to be, changed or ended.
    Room = 0x8003, "room";
    /// A category came to be, changed or ended.
    Category = 0x8004, "category";
    /// Membership changed.
    Member = 0x8005, "member";
    /// A role changed.
    Role = 0x8006, "role";
    /// An invitation was made or answered.
    Invitation = 0x8007, "invitation";
    /// An administrator replaced a message (Lync type 10).
    Replace = 0x8008, "replace";
    /// An administrator purged a room (Lync type 11).
    Purge = 0x8009, "purge";
    /// A person became known, or what is known of them changed.
    Identity = 0x800a, "identity";
    /// An officer, an administrator or a job acted: the audit.
    Officer = 0x800b, "officer";
    /// Events were destroyed under a warrant.
    Destroyed = 0x800c, "destroyed";
}

impl EventKind {
    /// Returns the lane, read off the top bit of the code.
    pub const fn lane(self) -> Lane {
        if self.code() & 0x8000 == 0 { Lane::Talk } else { Lane::Ledger }
    }

    /// Returns whether content search covers this kind without a `kind:` (contract.md §3).
    pub const fn is_searched_by_default(self) -> bool {
        matches!(
            self,
            Self::Message
                | Self::Action
                | Self::Story
                | Self::Alert
                | Self::Edit
                | Self::Upload
                | Self::Topic
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_code_and_its_word() {
        for &kind in EventKind::KNOWN {
            assert_eq!(EventKind::from_code(kind.code()), kind);
            assert_eq!(EventKind::from_word(kind.word()), Some(kind));
        }
        assert_eq!(EventKind::from_word("unknown"), None);
    }

    #[test]
    fn an_unknown_kind_keeps_its_code_and_has_a_lane() {
        assert_eq!(EventKind::from_code(0x7abc).code(), 0x7abc);
        assert_eq!(EventKind::from_code(0x7abc).lane(), Lane::Talk);
        assert_eq!(EventKind::from_code(0xfabc).lane(), Lane::Ledger);
    }
}
