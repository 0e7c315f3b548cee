//! A time stamp token: signed content (RFC 5652 §5) whose content is a `TSTInfo`.

use chat::Timestamp;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode as _, Encode as _, SliceReader, Tag, Tagged as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::attr::Attributes;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::asn1::{Accuracy, Info, SHA_256, SHA_384, SHA_512, SigningCertificates};
use super::{StampRefusal, form, signature};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// A token whose parts were read, and of which nothing is believed yet.
pub(super) struct Token {
    content: Vec<u8>,
    info: Info,
    certificates: Vec<Certificate>,
    signer: SignerInfo,
}

impl Token {
    pub(super) fn open(token: &ContentInfo) -> Result<Self, StampRefusal> {
        if token.content_type != SIGNED_DATA {
            return Err(StampRefusal::Rule("the token is no signed data"));
        }
        let whole: SignedData = token.content.decode_as().map_err(form("signed data"))?;
        if whole.encap_content_info.econtent_type != INFO {
            return Err(StampRefusal::Rule("its content is no TSTInfo"));
        }
        let content = whole.encap_content_info.econtent;
        let content = content.ok_or(StampRefusal::Rule("it has no content"))?;
        let content: OctetString = content.decode_as().map_err(form("content"))?;
        let info = Info::from_der(content.as_bytes()).map_err(form("TSTInfo"))?;
        let mut signers = whole.signer_infos.0.into_vec().into_iter();
        let (Some(signer), None) = (signers.next(), signers.next()) else {
            return Err(StampRefusal::Rule("it has not exactly one signer"));
        };
        let certificates = whole.certificates.map(|set| set.0.into_vec()).unwrap_or_default();
        let plain = |choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        };
        let certificates = certificates.into_iter().filter_map(plain).collect();
        Ok(Self { content: content.into_bytes(), info, certificates, signer })
    }

    /// Refuses a stamp on other bytes, and one with demands that are not known here.
    pub(super) fn check_imprint(&self, stamped: &[u8]) -> Result<(), StampRefusal> {
        if self.info.version != 1 {
            return Err(StampRefusal::Rule("its version is not 1"));
        }
        if self.info.extensions.iter().flatten().any(|extension| extension.critical) {
            return Err(StampRefusal::Rule("it has a critical extension"));
        }
        let digest = digest(self.info.imprint.algorithm.oid, stamped)?;
        let found = self.info.imprint.digest.as_bytes();
        if found == digest {
            return Ok(());
        }
        let [found, expected] = [found, &digest].map(crate::proof::hex::encode);
        Err(StampRefusal::Imprint { found, expected })
    }

    /// Checks the signature over the content, and returns the certificate whose key made it.
    pub(super) fn check_signature(&self) -> Result<&Certificate, StampRefusal> {
        let SignerInfo { digest_alg, signed_attrs, signature_algorithm, .. } = &self.signer;
        let attributes =
            signed_attrs.as_ref().ok_or(StampRefusal::Rule("no attributes are signed"))?;
        let kind: ObjectIdentifier = attribute(attributes, CONTENT_TYPE)?;
        let stated: OctetString = attribute(attributes, MESSAGE_DIGEST)?;
        if kind != INFO || stated.as_bytes() != digest(digest_alg.oid, &self.content)? {
            return Err(StampRefusal::Rule("the signed attributes are of another content"));
        }
        let signer = self.signer()?;
        check_signing_certificate(attributes, signer)?;
        let covered = attributes.to_der().map_err(form("set of attributes"))?;
        let key = &signer.tbs_certificate.subject_public_key_info;
        let with = (signature_algorithm.oid, Some(digest_alg.oid));
        signature::check(key, with, &covered, self.signer.signature.as_bytes())?;
        Ok(signer)
    }

    fn signer(&self) -> Result<&Certificate, StampRefusal> {
        let is_signer = |certificate: &&Certificate| {
            let certificate = &certificate.tbs_certificate;
            match &self.signer.sid {
                SignerIdentifier::IssuerAndSerialNumber(named) => {
                    certificate.issuer == named.issuer
                        && certificate.serial_number == named.serial_number
                }
                SignerIdentifier::SubjectKeyIdentifier(named) => {
                    let own = certificate.get::<SubjectKeyIdentifier>();
                    own.ok().flatten().is_some_and(|(_, own)| own == *named)
                }
            }
        };
        let missing = StampRefusal::Rule("the signer's certificate is not in it");
        self.certificates.iter().find(is_signer).ok_or(missing)
    }

    /// Returns the time that is stamped: `YYYYMMDDhhmmss[.f…]Z` (RFC 3161 §2.4.2).
    pub(super) fn at(&self) -> Result<Timestamp, StampRefusal> {
        let refused = || StampRefusal::Rule("its time is no GeneralizedTime in UTC");
        if self.info.at.tag() != Tag::GeneralizedTime {
            return Err(refused());
        }
        let text = std::str::from_utf8(self.info.at.value()).map_err(|_| refused())?;
        let (whole, fraction) = text.split_at_checked(14).ok_or_else(refused)?;
        let [year, month, day, hour, minute, second] =
            [(0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)]
                .map(|(from, to)| whole.get(from..to).unwrap_or_default());
        let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}{fraction}");
        if !text.ends_with('Z') {
            return Err(refused());
        }
        Timestamp::parse_rfc3339(&text).map_err(|_| refused())
    }

    pub(super) fn accuracy_micros(&self) -> Option<u64> {
        self.info.accuracy.map(Accuracy::micros)
    }

    /// Returns the number of the stamp in hex.
    pub(super) fn serial(&self) -> String {
        crate::proof::hex::encode(self.info.serial.as_bytes())
    }

    pub(super) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
}

/// Returns the digest of bytes; nothing weaker than SHA-256 is known here.
fn digest(algorithm: ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, StampRefusal> {
    match algorithm {
        SHA_256 => Ok(Sha256::digest(bytes).to_vec()),
        SHA_384 => Ok(Sha384::digest(bytes).to_vec()),
        SHA_512 => Ok(Sha512::digest(bytes).to_vec()),
        other => Err(StampRefusal::Algorithm(other.to_string())),
    }
}

/// Returns the one value of the one attribute of a kind.
fn attribute<T>(attributes: &Attributes, kind: ObjectIdentifier) -> Result<T, StampRefusal>
where
    T: for<'a> der::Choice<'a> + for<'a> der::DecodeValue<'a>,
{
    let missing = StampRefusal::Rule("a signed attribute is missing, or there twice");
    let mut found = attributes.iter().filter(|attribute| attribute.oid == kind);
    let (Some(attribute), None) = (found.next(), found.next()) else { return Err(missing) };
    let [value] = attribute.values.as_slice() else { return Err(missing) };
    value.decode_as().map_err(form("signed attribute"))
}

/// The certificate itself must be signed, so that no other with the same key can take its place (RFC 5816). Its hash is the
/// first octet string of the first entry, by SHA-256 in the newer form unless it says otherwise. The older form names it
/// by SHA-1 and is refused where the newer is missing.
fn check_signing_certificate(
    attributes: &Attributes,
    signer: &Certificate,
) -> Result<(), StampRefusal> {
    let is_there = |kind| attributes.iter().any(|attribute| attribute.oid == kind);
    if !is_there(SIGNING_CERTIFICATE_V2) && is_there(SIGNING_CERTIFICATE) {
        return Err(StampRefusal::Algorithm("SHA-1 (signing certificate, version 1)".to_owned()));
    }
    let named: SigningCertificates = attribute(attributes, SIGNING_CERTIFICATE_V2)?;
    let refused = StampRefusal::Rule("it does not say which certificate signed");
    let Some(first) = named.certificates.first() else { return Err(refused) };
    let mut reader = SliceReader::new(first.value()).map_err(form("ESSCertIDv2"))?;
    let mut next = Any::decode(&mut reader).map_err(form("ESSCertIDv2"))?;
    let mut algorithm = SHA_256;
    if next.tag() == Tag::Sequence {
        let mut inner = SliceReader::new(next.value()).map_err(form("ESSCertIDv2"))?;
        algorithm = ObjectIdentifier::decode(&mut inner).map_err(form("ESSCertIDv2"))?;
        next = Any::decode(&mut reader).map_err(form("ESSCertIDv2"))?;
    }
    let certificate = signer.to_der().map_err(form("certificate"))?;
    let is_same =
        next.tag() == Tag::OctetString && next.value() == digest(algorithm, &certificate)?;
    is_same.then_some(()).ok_or(StampRefusal::Rule("another certificate is said to have signed"))
}
