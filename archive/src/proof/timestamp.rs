//! RFC 3161 time stamps: an authority's word that a checkpoint existed at a time. Pure.
//!
//! What is stamped is the note as the archive signed it: its text, the empty line, and the archive's own signature line
//! (five lines; cosignatures of witnesses, which may be added later, stand below them). A response is checked as far as
//! its own bytes reach: that it stamps exactly this note, that the certificate in it is one for time stamping and was
//! valid then, and that its key signed. Whether that certificate is an authority's is a matter of [`Authorities`] that
//! the one who asks brings along. Revocation is not looked up; `openssl ts` can be asked for a second opinion.

mod asn1;
mod chain;
mod signature;
mod token;

use chat::Timestamp;
use der::{Decode as _, Encode as _};

use super::checkpoint::VerifierKey;
use super::hash::{Digest, sha256};
use super::refusal::Refusal;

pub use chain::Authorities;

/// Bytes of one response; a longer one is refused.
pub const RESPONSE_BYTES_MAX: usize = 64 << 10;

/// Why a time stamp is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StampRefusal {
    /// The note is not this archive's.
    #[error("the note that it should stamp: {0}")]
    Note(#[from] Refusal),
    /// The bytes are no such thing in DER.
    #[error("it is no {what} in DER ({cause})")]
    Form {
        /// What was expected.
        what: &'static str,
        /// What the decoder says.
        cause: String,
    },
    /// It is longer than any that is taken.
    #[error("it has {found} bytes, and at most {RESPONSE_BYTES_MAX} are read")]
    TooLong {
        /// Its bytes.
        found: usize,
    },
    /// Its file cannot be read.
    #[error("its file cannot be read: {cause}")]
    Unreadable {
        /// What went wrong.
        cause: String,
    },
    /// The authority did not stamp.
    #[error("the authority answered with status {status} and no time stamp: {words}")]
    NotGranted {
        /// `PKIStatus`: 2 is a rejection.
        status: u8,
        /// What the authority says to it.
        words: String,
    },
    /// It stamps something else.
    #[error(
        "it stamps other bytes (hash {found}) than this checkpoint's note, its first five lines (hash {expected})"
    )]
    Imprint {
        /// The hash in the stamp, in hex.
        found: String,
        /// The note's hash by the same algorithm, in hex.
        expected: String,
    },
    /// There is no checkpoint that it could stamp.
    #[error("it stamps none of this archive's checkpoints")]
    Homeless,
    /// The signer's certificate was not valid at the time that it states.
    #[error("its certificate is valid from {from} to {until}, and it states {at}")]
    Expired {
        /// First moment of the certificate.
        from: String,
        /// Last moment of the certificate.
        until: String,
        /// The stated time.
        at: Timestamp,
    },
    /// A rule of RFC 3161 or RFC 5652 is broken.
    #[error("it is not as RFC 3161 demands: {0}")]
    Rule(&'static str),
    /// It uses an algorithm that is not taken.
    #[error("it uses the algorithm {0}, which is not accepted")]
    Algorithm(String),
    /// The certificate leads to none that is trusted.
    #[error("the certificate of {authority} leads to none of the authorities that you gave")]
    Untrusted {
        /// The name in it.
        authority: String,
    },
    /// The signature does not hold.
    #[error("its signature does not hold")]
    Signature,
}

/// A time stamp that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// When the authority says the note existed.
    pub at: Timestamp,
    /// How far off that may be, in microseconds; nothing where the authority does not say.
    pub accuracy_micros: Option<u64>,
    /// The number that the authority gave it, in hex.
    pub serial: String,
    /// The name in the authority's certificate.
    pub authority: String,
    /// SHA-256 of that certificate.
    pub certificate: Digest,
    /// Whether the certificate is, or leads to, one of the authorities that were brought along.
    pub is_trusted: bool,
}

/// Returns a request for a stamp on a note that the key has signed, as an authority takes it (`application/timestamp-query`).
/// The same note gives the same bytes: a hash that nobody else has needs no nonce against a replay.
pub fn request(note: &str, key: &VerifierKey) -> Result<Vec<u8>, StampRefusal> {
    let stamped = key.own_note(note)?;
    asn1::Request::of(&sha256(&[stamped.as_bytes()])).to_der().map_err(form("request"))
}

/// Checks a response (`application/timestamp-reply`) to a request for this note, and returns what it says.
pub fn check(
    response: &[u8],
    note: &str,
    key: &VerifierKey,
    authorities: &Authorities,
) -> Result<Stamp, StampRefusal> {
    let stamped = key.own_note(note)?;
    if response.len() > RESPONSE_BYTES_MAX {
        return Err(StampRefusal::TooLong { found: response.len() });
    }
    let response = asn1::Response::from_der(response).map_err(form("time stamp response"))?;
    let token = token::Token::open(&response.into_token()?)?;
    token.check_imprint(stamped.as_bytes())?;
    let signer = token.check_signature()?;
    let at = token.at()?;
    chain::check_usage(signer, at)?;
    let certificate = signer.to_der().map_err(form("certificate"))?;
    Ok(Stamp {
        at,
        accuracy_micros: token.accuracy_micros(),
        serial: token.serial(),
        authority: signer.tbs_certificate.subject.to_string(),
        certificate: sha256(&[&certificate]),
        is_trusted: authorities.reaches(signer, token.certificates(), at),
    })
}

/// Returns what makes a decoder's error a refusal.
fn form(what: &'static str) -> impl Fn(der::Error) -> StampRefusal {
    move |error| StampRefusal::Form { what, cause: error.to_string() }
}
