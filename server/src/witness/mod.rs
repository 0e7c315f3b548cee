//! An outside witness: another machine's word that a log only ever grew (C2SP tlog-witness).
//!
//! It knows the logs that it was told to trust, and for each the largest checkpoint it has seen. It cosigns a checkpoint only
//! if that one continues what it has seen, and stores it durably before it answers. So a log that is rolled back, forked or
//! written anew behind its owner's back gets no cosignature any more, and whoever asks for one learns it.
//!
//! Its folder: `witness.json` (name and public key), `key` (32 bytes, mode 0400), `logs/` (one file for each log), `lock`.

mod request;
mod service;
mod state;

pub(crate) use request::Refused;
pub(crate) use service::serve;
pub(crate) use state::{Witness, show, time_words};

/// Returns the text of a request for a cosignature.
pub(crate) fn request_text(old: u64, proof: &[archive::proof::Digest], note: &str) -> String {
    request::Asked::write(old, proof, note)
}
