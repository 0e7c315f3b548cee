//! Who is asking, and what they may do.
//!
//! Three ways in: a session (a one-time link turned into a cookie), a token (for feeds and scripts), and the control
//! socket (the kernel names the peer's user). Loopback is none of them. A credential counts only if both hold: its
//! fingerprint is in `auth.sqlite`, and its commitment is in the log and not revoked there; so neither a forged row
//! nor an old copy of the file opens anything (house.md §5).

pub(crate) mod caller;
pub(crate) mod credentials;
pub(crate) mod guard;
pub(crate) mod hosts;
pub(crate) mod register;
pub(crate) mod scope;
pub(crate) mod secret;
pub(crate) mod store;

pub(crate) use caller::{Caller, Way};
pub(crate) use credentials::Credentials;
