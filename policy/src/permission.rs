//! Permissions and the sets of them that credentials carry (reliability.md §7): never nested, denied by default.

use std::fmt;
use std::str::FromStr;

/// One thing that may be done. No permission contains another: an administrator's token reads no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Add events to the log. All that a feed needs.
    Append,
    /// Search, open events and their proofs, and see the state of the archive.
    Read,
    /// Freeze sets of events and take packages of them away.
    Export,
    /// Import, verify, rebuild the index, back up, issue and revoke tokens.
    Admin,
    /// Read counts and times of the process: no names, no words. All that a monitor needs.
    Metrics,
}

/// A word that names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no permission; known are append, read, export, admin and metrics")]
pub struct UnknownPermission {
    /// What was found instead.
    pub found: String,
}

impl Permission {
    /// Every permission, in the order of their declaration.
    pub const ALL: [Self; 5] = [Self::Append, Self::Read, Self::Export, Self::Admin, Self::Metrics];

    /// Returns the word that tokens, the log and the interface use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Read => "read",
            Self::Export => "export",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Append => 1,
            Self::Read => 2,
            Self::Export => 4,
            Self::Admin => 8,
            Self::Metrics => 16,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(word: &str) -> Result<Self, UnknownPermission> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.word() == word)
            .ok_or_else(|| UnknownPermission { found: word.chars().take(80).collect() })
    }
}

/// What one credential may do: a set of permissions. The empty set allows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Grant(u8);

impl Grant {
    /// Returns the grant of the officer of a one-officer archive: every permission. What the officer does is in the log.
    pub fn officer() -> Self {
        Self::of(Permission::ALL)
    }

    /// Returns the grant of exactly these permissions.
    pub fn of(permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }

    /// Reads a grant from words, such as those of a token's record in the log.
    pub fn from_words<'w>(
        words: impl IntoIterator<Item = &'w str>,
    ) -> Result<Self, UnknownPermission> {
        Ok(Self::of(words.into_iter().map(str::parse).collect::<Result<Vec<_>, _>>()?))
    }

    /// Returns whether the permission is in the set.
    pub const fn allows(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Returns the permissions of the set, in the order of their declaration.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.allows(*permission))
    }
}

impl fmt::Display for Grant {
    /// Writes the permissions' words with commas between them.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.permissions().enumerate().try_for_each(|(index, permission)| {
            if index > 0 {
                out.write_str(",")?;
            }
            out.write_str(permission.word())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_permission_contains_another() {
        for held in Permission::ALL {
            for asked in Permission::ALL {
                assert_eq!(Grant::of([held]).allows(asked), held == asked, "{held} {asked}");
            }
        }
    }

    #[test]
    fn the_empty_grant_allows_nothing() {
        assert!(Permission::ALL.iter().all(|asked| !Grant::default().allows(*asked)));
    }

    #[test]
    fn a_grant_reads_back_from_its_words() {
        for bits in 0..32 {
            let grant = Grant(bits);
            let text = grant.to_string();
            let words = text.split(',').filter(|word| !word.is_empty());
            assert_eq!(Grant::from_words(words), Ok(grant));
        }
    }

    #[test]
    fn an_unknown_word_is_refused_by_name() {
        let refusal = "root".parse::<Permission>().unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "\"root\" is no permission; known are append, read, export, admin and metrics"
        );
    }
}
