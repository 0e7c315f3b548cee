//! Secrets as they are handed out, and what is kept of them: never the secret itself.

use std::fmt;

use chat::Rng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::problem::{Kind, Problem, Result};

/// What a secret opens. Part of its fingerprint, so that a link can never be used as a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A one-time sign-in link.
    Link,
    /// A session cookie.
    Session,
    /// A service token.
    Token,
}

impl Purpose {
    /// Returns the letters that a secret of this purpose begins with, so that a leaked one can be recognised.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Link => "mnl_",
            Self::Session => "mns_",
            Self::Token => "mnt_",
        }
    }
}

/// 256 random bits with their purpose. Shown once, wiped when dropped, never logged.
pub(crate) struct Secret {
    purpose: Purpose,
    text: Zeroizing<String>,
}

impl Secret {
    /// Draws a new one.
    pub(crate) fn draw(purpose: Purpose, rng: &dyn Rng) -> Result<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        rng.fill(bytes.as_mut_slice()).map_err(|error| {
            Problem::new(Kind::Unavailable, format!("the system gives no random numbers: {error}"))
        })?;
        let text = format!("{}{}", purpose.prefix(), hex(bytes.as_slice()));
        Ok(Self { purpose, text: Zeroizing::new(text) })
    }

    /// Reads one that somebody presents; nothing if it has not the form.
    pub(crate) fn parse(purpose: Purpose, text: &str) -> Option<Self> {
        let digits = text.strip_prefix(purpose.prefix())?;
        let formed = digits.len() == 64
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        formed.then(|| Self { purpose, text: Zeroizing::new(text.to_owned()) })
    }

    /// Returns the text to hand out. The one place where it leaves.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns what is kept at rest: a hash. The secret is 256 random bits, so a plain hash cannot be guessed back.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(b"muniment credential v1\n");
        hash.update(self.purpose.prefix());
        hash.update(self.text.as_bytes());
        Fingerprint(hash.finalize().into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secret({}…)", self.purpose.prefix())
    }
}

/// The hash of a secret, as `auth.sqlite` keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the bytes for the database.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the commitment that the log bears: a hash of the fingerprint and all that the credential may do, so
    /// that neither can be exchanged for another.
    pub(crate) fn commitment(&self, id: &str, holder: &str, grant: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(b"muniment commitment v1\n");
        for part in [id, holder, grant] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hash.update(self.0);
        hex(&hash.finalize())
    }
}

/// Returns a short random name for a credential or a job: 16 hex digits.
pub(crate) fn draw_name(rng: &dyn Rng) -> Result<String> {
    let mut bytes = [0_u8; 8];
    rng.fill(&mut bytes).map_err(|error| {
        Problem::new(Kind::Unavailable, format!("the system gives no random numbers: {error}"))
    })?;
    Ok(hex(&bytes))
}

/// Writes bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

#[cfg(test)]
mod tests {
    use chat::testing::SeededRng;

    use super::*;

    #[test]
    fn a_secret_of_one_purpose_is_none_of_another() {
        let link = Secret::draw(Purpose::Link, &SeededRng::new(1)).unwrap();
        assert!(Secret::parse(Purpose::Link, link.reveal()).is_some());
        assert!(Secret::parse(Purpose::Token, link.reveal()).is_none());
        assert!(Secret::parse(Purpose::Link, &link.reveal().to_uppercase()).is_none());
    }

    #[test]
    fn a_secret_never_shows_itself_in_a_log() {
        let token = Secret::draw(Purpose::Token, &SeededRng::new(2)).unwrap();
        assert!(!format!("{token:?}").contains(&token.reveal()[4..]));
    }

    #[test]
    fn a_commitment_binds_the_name_and_the_grant() {
        let print = Secret::draw(Purpose::Token, &SeededRng::new(3)).unwrap().fingerprint();
        let said = print.commitment("a", "feed", "append");
        assert_ne!(said, print.commitment("a", "feed", "append,read"));
        assert_ne!(said, print.commitment("af", "eed", "append"));
    }
}
