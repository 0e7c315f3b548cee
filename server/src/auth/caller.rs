//! The one who asks: named, with a grant, and with the way they came in by.

use policy::{Grant, Permission};

use crate::problem::{Kind, Problem, Result};

/// By which way a caller came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// The command line, with the archive opened in the same process.
    Process,
    /// The control socket; the kernel said which user.
    Socket,
    /// A session, by its id.
    Session(String),
    /// A token, by its id.
    Token(String),
}

/// Somebody who has proven who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The officer's or the token's name.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) grant: Grant,
    /// How they came in.
    pub(crate) way: Way,
}

impl Caller {
    /// Returns an officer who came in this way.
    pub(crate) fn officer(name: impl Into<String>, way: Way) -> Self {
        Self { name: name.into(), grant: Grant::officer(), way }
    }

    /// Refuses unless the caller holds the permission.
    pub(crate) fn must(&self, permission: Permission) -> Result<()> {
        if self.grant.allows(permission) {
            return Ok(());
        }
        let detail = format!(
            "{} carries {}, and this needs {permission}",
            self.name,
            if self.grant == Grant::default() {
                "nothing".to_owned()
            } else {
                self.grant.to_string()
            },
        );
        Err(Problem::new(Kind::Forbidden, detail).with("permission", permission.word()))
    }

    /// Returns the word for the way in, as the log keeps it.
    pub(crate) fn way_word(&self) -> &'static str {
        match self.way {
            Way::Process => "command line",
            Way::Socket => "control socket",
            Way::Session(_) => "session",
            Way::Token(_) => "token",
        }
    }

    /// Returns the id of the credential, where one was used.
    pub(crate) fn credential(&self) -> Option<&str> {
        match &self.way {
            Way::Session(id) | Way::Token(id) => Some(id),
            Way::Process | Way::Socket => None,
        }
    }
}
