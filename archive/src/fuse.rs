//! The fuse: the first failure that leaves the disk in doubt stops the writer, until a restart has read what is there.

use std::sync::OnceLock;

use crate::error::{Error, Result};

/// Blows once and stays blown. Nothing ever mends it: only a restart knows what the disk holds (house.md §6.1).
#[derive(Debug, Default)]
pub struct Fuse(OnceLock<String>);

impl Fuse {
    /// Blows the fuse. The first reason is kept, as words that follow "it could not".
    pub fn blow(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.0.set(reason.clone()).is_ok() {
            tracing::error!(reason, "the log has stopped; restart to recover");
        }
    }

    /// Returns the reason if the fuse is blown.
    pub fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Fails with [`Error::Stopped`] if the fuse is blown.
    pub fn check(&self) -> Result<()> {
        match self.reason() {
            Some(reason) => Err(Error::Stopped { reason: reason.to_owned() }),
            None => Ok(()),
        }
    }

    /// Blows the fuse if this failed, and hands the result on.
    pub fn guard<T>(&self, result: Result<T>) -> Result<T> {
        result.inspect_err(|error| self.blow(whole_message(error)))
    }
}

/// Returns an error's message and those of its sources on one line.
pub(crate) fn whole_message(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message.push_str(": ");
        message.push_str(&error.to_string());
        source = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_kept() {
        let fuse = Fuse::default();
        assert!(fuse.check().is_ok());
        fuse.blow("sync a");
        fuse.blow("sync b");
        assert_eq!(fuse.reason(), Some("sync a"));
        assert!(fuse.check().unwrap_err().to_string().contains("could not sync a"));
    }
}
