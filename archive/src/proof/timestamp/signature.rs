//! Signatures of authorities: RSA (PKCS #1, from 2,048 bits), ECDSA on P-256 and P-384, Ed25519.

use der::asn1::ObjectIdentifier;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::StampRefusal;
use super::asn1::{SHA_256, SHA_384, SHA_512};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const CURVE_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Checks a signature. `with` is the algorithm that it names, and the digest where that one leaves it open.
pub(super) fn check(
    key: &SubjectPublicKeyInfoOwned,
    with: (ObjectIdentifier, Option<ObjectIdentifier>),
    signed: &[u8],
    signature: &[u8],
) -> Result<(), StampRefusal> {
    let curve = key.algorithm.parameters.as_ref();
    let curve = curve.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    let (algorithm, open_digest) = with;
    // An RSA key's own name stands for all its digests (RFC 3370 §3.2).
    let named = match (algorithm, open_digest) {
        (RSA, Some(SHA_256)) => RSA_SHA_256,
        (RSA, Some(SHA_384)) => RSA_SHA_384,
        (RSA, Some(SHA_512)) => RSA_SHA_512,
        _ => algorithm,
    };
    let by: &'static dyn VerificationAlgorithm = match (key.algorithm.oid, curve, named) {
        (RSA, _, RSA_SHA_256) => &RSA_PKCS1_2048_8192_SHA256,
        (RSA, _, RSA_SHA_384) => &RSA_PKCS1_2048_8192_SHA384,
        (RSA, _, RSA_SHA_512) => &RSA_PKCS1_2048_8192_SHA512,
        (CURVE_KEY, Some(P_256), ECDSA_SHA_256) => &ECDSA_P256_SHA256_ASN1,
        (CURVE_KEY, Some(P_256), ECDSA_SHA_384) => &ECDSA_P256_SHA384_ASN1,
        (CURVE_KEY, Some(P_384), ECDSA_SHA_256) => &ECDSA_P384_SHA256_ASN1,
        (CURVE_KEY, Some(P_384), ECDSA_SHA_384) => &ECDSA_P384_SHA384_ASN1,
        (ED_25519, _, ED_25519) => &ED25519,
        _ => return Err(StampRefusal::Algorithm(algorithm.to_string())),
    };
    let key = key.subject_public_key.as_bytes().ok_or(StampRefusal::Signature)?;
    UnparsedPublicKey::new(by, key).verify(signed, signature).map_err(|_| StampRefusal::Signature)
}
