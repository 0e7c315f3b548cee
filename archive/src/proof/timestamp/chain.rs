//! Certificates: what one for time stamping must say, and whether it leads to an authority that is trusted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chat::Timestamp;
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::{StampRefusal, form, signature};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// Extensions that may be critical: basic constraints, and the two usages of the key.
const KNOWN: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];
/// Certificates between that of the signer and one that is trusted.
const BETWEEN_MAX: u8 = 6;

/// Certificates that the one who asks trusts to stamp the time, or to certify those who do.
#[derive(Debug, Clone, Default)]
pub struct Authorities {
    trusted: Vec<Certificate>,
}

impl Authorities {
    /// Reads certificates in PEM, one after another; what stands between them is passed over. At least one must be there.
    pub fn from_pem(text: &str) -> Result<Self, StampRefusal> {
        let none = || StampRefusal::Form {
            what: "certificate",
            cause: "no PEM block of one is there".to_owned(),
        };
        let blocks = text.split(BEGIN).skip(1);
        let read = |block: &str| {
            let (body, _) = block.split_once(END).ok_or_else(none)?;
            let body: String = body.split_ascii_whitespace().collect();
            let bytes = BASE64.decode(body).map_err(|_| none())?;
            Certificate::from_der(&bytes).map_err(form("certificate"))
        };
        let trusted: Vec<_> = blocks.map(read).collect::<Result<_, _>>()?;
        if trusted.is_empty() { Err(none()) } else { Ok(Self { trusted }) }
    }

    /// Returns whether none is trusted.
    pub const fn is_empty(&self) -> bool {
        self.trusted.is_empty()
    }

    /// Returns whether a certificate is trusted itself, or leads to one that is, by certificates that were all valid then.
    pub(super) fn reaches(&self, from: &Certificate, pool: &[Certificate], at: Timestamp) -> bool {
        let mut reached = from;
        for between in 0..=BETWEEN_MAX {
            if self.trusted.contains(reached) {
                return true;
            }
            let is_issuer = |issuer: &&Certificate| issued(reached, issuer, between, at);
            let Some(issuer) = self.trusted.iter().chain(pool).find(is_issuer) else {
                return false;
            };
            reached = issuer;
        }
        false
    }
}

/// Refuses a certificate that is not for time stamping alone (RFC 3161 §2.3), or was not valid at that time.
pub(super) fn check_usage(certificate: &Certificate, at: Timestamp) -> Result<(), StampRefusal> {
    let fields = &certificate.tbs_certificate;
    let usage = fields.get::<ExtendedKeyUsage>().map_err(form("extended key usage"))?;
    let is_for_it = usage.is_some_and(|(is_critical, ExtendedKeyUsage(usages))| {
        is_critical && usages == [TIME_STAMPING]
    });
    if !is_for_it {
        return Err(StampRefusal::Rule("the signer's certificate is not for time stamping alone"));
    }
    if has_unknown_demand(certificate) {
        return Err(StampRefusal::Rule("the signer's certificate has a critical extension"));
    }
    if was_valid(certificate, at) {
        return Ok(());
    }
    let [from, until] = [fields.validity.not_before, fields.validity.not_after];
    let [from, until] = [from, until].map(|moment| moment.to_date_time().to_string());
    Err(StampRefusal::Expired { from, until, at })
}

/// Returns whether one certificate was rightly issued by another, with so many between it and the signer's.
fn issued(one: &Certificate, by: &Certificate, between: u8, at: Timestamp) -> bool {
    let (fields, issuer) = (&one.tbs_certificate, &by.tbs_certificate);
    let may_certify = match issuer.get::<BasicConstraints>() {
        Ok(Some((_, bounds))) => {
            bounds.ca && bounds.path_len_constraint.is_none_or(|most| between <= most)
        }
        _ => false,
    };
    let may_sign = match issuer.get::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
        Err(_) => false,
    };
    let is_named = fields.issuer == issuer.subject;
    if !(is_named && may_certify && may_sign && was_valid(by, at)) || has_unknown_demand(by) {
        return false;
    }
    let key = &issuer.subject_public_key_info;
    let (Ok(signed), Some(bytes)) = (fields.to_der(), one.signature.as_bytes()) else {
        return false;
    };
    signature::check(key, (one.signature_algorithm.oid, None), &signed, bytes).is_ok()
}

fn was_valid(certificate: &Certificate, at: Timestamp) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    let Ok(seconds) = u64::try_from(at.micros().div_euclid(1_000_000)) else { return false };
    validity.not_before.to_unix_duration().as_secs() <= seconds
        && seconds <= validity.not_after.to_unix_duration().as_secs()
}

fn has_unknown_demand(certificate: &Certificate) -> bool {
    let mut extensions = certificate.tbs_certificate.extensions.iter().flatten();
    extensions.any(|extension| extension.critical && !KNOWN.contains(&extension.extn_id))
}
