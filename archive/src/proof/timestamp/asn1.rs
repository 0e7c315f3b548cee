//! The structures of RFC 3161 §2.4, as far as they are read or written here.

use cms::content_info::ContentInfo;
use der::asn1::{BitString, Int, ObjectIdentifier, OctetString};
use der::{Any, Sequence};
use x509_cert::ext::Extensions;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::StampRefusal;
use crate::proof::hash::Digest;

pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(super) const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
pub(super) const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// `PKIStatus`: granted, and granted with changes.
const GRANTED_MAX: u8 = 1;

/// `TimeStampReq`; the authority's certificate is asked for, so that the response can be checked alone.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct Request {
    version: u8,
    imprint: Imprint,
    wants_certificate: bool,
}

impl Request {
    pub(super) fn of(digest: &Digest) -> Self {
        let algorithm = AlgorithmIdentifierOwned { oid: SHA_256, parameters: Some(Any::null()) };
        let digest = OctetString::new(digest.as_slice()).expect("32 bytes are a string");
        Self { version: 1, imprint: Imprint { algorithm, digest }, wants_certificate: true }
    }
}

/// `MessageImprint`: what is stamped.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct Imprint {
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) digest: OctetString,
}

/// `TimeStampResp`.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct Response {
    status: Status,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

/// `PKIStatusInfo`.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
struct Status {
    value: u8,
    #[asn1(optional = "true")]
    words: Option<Vec<String>>,
    #[asn1(optional = "true")]
    failure: Option<BitString>,
}

impl Response {
    /// Returns the time stamp token, if one was granted.
    pub(super) fn into_token(self) -> Result<ContentInfo, StampRefusal> {
        let Self { status: Status { value: status, words, .. }, token } = self;
        let not_granted = || {
            let words = words.unwrap_or_default().join("; ");
            StampRefusal::NotGranted { status, words: words.chars().take(400).collect() }
        };
        token.filter(|_| status <= GRANTED_MAX).ok_or_else(not_granted)
    }
}

/// `TSTInfo`. The time is read by hand, since authorities write fractions of a second.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct Info {
    pub(super) version: u8,
    policy: ObjectIdentifier,
    pub(super) imprint: Imprint,
    pub(super) serial: Int,
    pub(super) at: Any,
    #[asn1(optional = "true")]
    pub(super) accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

/// `Accuracy`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Sequence)]
pub(super) struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

impl Accuracy {
    pub(super) fn micros(self) -> u64 {
        let parts = [
            u64::from(self.seconds.unwrap_or(0)).saturating_mul(1_000_000),
            u64::from(self.millis.unwrap_or(0)).saturating_mul(1_000),
            u64::from(self.micros.unwrap_or(0)),
        ];
        parts.into_iter().fold(0, u64::saturating_add)
    }
}

/// `SigningCertificate` and `SigningCertificateV2` (RFC 2634, RFC 5035): which certificate signed.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct SigningCertificates {
    pub(super) certificates: Vec<Any>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}
