//! Time stamps of an authority that `openssl ts` plays: what it stamped is accepted, and nothing else.

#![expect(clippy::disallowed_methods, reason = "files for openssl, which no archive keeps")]

use std::path::Path;
use std::process::Command;

use chat::ArchiveId;

use crate::proof::timestamp::{self, Authorities, StampRefusal};
use crate::proof::{Checkpoint, SigningKey};
use crate::{Archive, Creation};

use super::{ports, still};

const SETTINGS: &str = "
[tsa]
default_tsa = stamps
[stamps]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
ess_cert_id_alg = sha256
";

/// A root, and two authorities under it: one with an elliptic curve, one with RSA; and one that is for no time stamps.
const MADE: &str = "set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3650 -subj '/CN=Root' \\
  -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 3650 -subj '/CN=Root' \\
  -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
make() {
  openssl req -newkey $2 -nodes -keyout $1.key -out $1.csr -subj \"/CN=Stamps $1\"
  echo \"extendedKeyUsage=$3\" > $1.ext
  openssl x509 -req -in $1.csr -CA root.pem -CAkey root.key -CAcreateserial -days $4 -extfile $1.ext -out $1.pem
}
make curve 'ec -pkeyopt ec_paramgen_curve:P-256' critical,timeStamping 3650
make rsa rsa:2048 critical,timeStamping 3650
make web rsa:2048 critical,timeStamping,serverAuth 3650
make old rsa:2048 critical,timeStamping -1
make p384 'ec -pkeyopt ec_paramgen_curve:P-384' critical,timeStamping 3650
echo 01 > serial
";

fn run(folder: &Path, script: &str) -> bool {
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    output.status.success()
}

/// Makes the authorities, or says by name which test goes without them.
fn authorities(test: &str) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    if !run(folder.path(), "openssl version") {
        println!("skipped: {test}: no openssl");
        return None;
    }
    std::fs::write(folder.path().join("tsa.cnf"), SETTINGS).unwrap();
    assert!(run(folder.path(), MADE), "openssl makes certificates");
    Some(folder)
}

/// Has a request answered by one of the authorities.
fn answer(folder: &Path, by: &str, request: &[u8]) -> Vec<u8> {
    std::fs::write(folder.join("query.tsq"), request).unwrap();
    let script = format!(
        "openssl ts -reply -config tsa.cnf -queryfile query.tsq -signer {by}.pem -inkey {by}.key -out {by}.tsr"
    );
    assert!(run(folder, &script), "openssl answers");
    std::fs::read(folder.join(format!("{by}.tsr"))).unwrap()
}

fn key() -> SigningKey {
    SigningKey::of_archive(&[7; 32], ArchiveId::from_bytes([9; 16]))
}

fn note(size: u64) -> String {
    let origin = key().verifier_key().name().to_owned();
    key().sign(&Checkpoint { origin, size, root: [5; 32] }).unwrap()
}

fn trusted(folder: &Path, name: &str) -> Authorities {
    Authorities::from_pem(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn a_stamp_of_an_authority_holds_for_the_note_that_was_stamped_and_openssl_says_so_too() {
    let test =
        "a_stamp_of_an_authority_holds_for_the_note_that_was_stamped_and_openssl_says_so_too";
    let Some(folder) = authorities(test) else { return };
    let (folder, own, signed) = (folder.path(), key(), note(17));
    let request = timestamp::request(&signed, own.verifier_key()).unwrap();
    std::fs::write(folder.join("query.tsq"), &request).unwrap();
    assert!(run(
        folder,
        "openssl ts -query -in query.tsq -text | grep -q 'Hash Algorithm: sha256'"
    ));
    for by in ["curve", "p384", "rsa"] {
        let response = answer(folder, by, &request);
        std::fs::write(folder.join("kept.note"), &signed).unwrap();
        let proof = format!("openssl ts -verify -data kept.note -in {by}.tsr -CAfile root.pem");
        assert!(run(folder, &proof), "openssl verifies {by}");
        let check = |response: &[u8], note: &str, name: &str| {
            timestamp::check(response, note, own.verifier_key(), &trusted(folder, name))
        };
        let stamp = check(&response, &signed, "root.pem").unwrap();
        assert!(stamp.is_trusted, "{stamp:?}");
        assert_eq!(stamp.authority, format!("CN=Stamps {by}"));
        assert_eq!(stamp.accuracy_micros, Some(1_500_000));
        assert!(check(&response, &signed, &format!("{by}.pem")).unwrap().is_trusted, "pinned");
        assert!(!check(&response, &signed, "other.pem").unwrap().is_trusted, "a root of one name");
        let cosigned = format!("{signed}\u{2014} witness AAAAAAAA\n");
        assert_eq!(check(&response, &cosigned, "root.pem").as_ref(), Ok(&stamp), "lines below");
        let elsewhere = check(&response, &note(18), "root.pem");
        assert!(matches!(elsewhere, Err(StampRefusal::Imprint { .. })), "{elsewhere:?}");
    }
}

#[test]
fn no_changed_byte_of_a_response_says_another_time() {
    let test = "no_changed_byte_of_a_response_says_another_time";
    let Some(folder) = authorities(test) else { return };
    let (folder, own, signed) = (folder.path(), key(), note(17));
    let request = timestamp::request(&signed, own.verifier_key()).unwrap();
    let response = answer(folder, "curve", &request);
    let root = trusted(folder, "root.pem");
    let check = |response: &[u8]| timestamp::check(response, &signed, own.verifier_key(), &root);
    let stamp = check(&response).unwrap();
    let mut same = 0;
    for at in 0..response.len() {
        for bit in [1, 0x80] {
            let mut changed = response.clone();
            changed[at] ^= bit;
            if let Ok(found) = check(&changed) {
                same += 1;
                assert_eq!(found, stamp, "byte {at}");
            }
        }
        assert!(check(&response[..at]).is_err(), "cut at {at}");
    }
    // The status, and the list of algorithms at the top, are not signed by anybody.
    assert!(same < 40, "{same} changes are unseen");
}

#[test]
fn a_certificate_that_is_not_for_time_stamping_alone_stamps_nothing() {
    let test = "a_certificate_that_is_not_for_time_stamping_alone_stamps_nothing";
    let Some(folder) = authorities(test) else { return };
    let (folder, own, signed) = (folder.path(), key(), note(17));
    let request = timestamp::request(&signed, own.verifier_key()).unwrap();
    std::fs::write(folder.join("query.tsq"), &request).unwrap();
    // openssl itself refuses to sign with it; so the curve's answer is signed anew, as content of its own kind.
    let response = answer(folder, "curve", &request);
    assert!(response.len() < timestamp::RESPONSE_BYTES_MAX);
    let script = "openssl ts -reply -in curve.tsr -token_out -out token.der && \\
        openssl cms -verify -noverify -inform DER -in token.der -binary -out info.der && \\
        openssl cms -sign -binary -cades -nodetach -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 \\
          -in info.der -signer web.pem -inkey web.key -outform DER -out web.der";
    assert!(run(folder, script), "openssl signs anew");
    let token = std::fs::read(folder.join("web.der")).unwrap();
    let granted = [0x30, 0x03, 0x02, 0x01, 0x00];
    let length = u16::try_from(granted.len() + token.len()).unwrap().to_be_bytes();
    let forged = [&[0x30, 0x82], &length[..], &granted[..], &token[..]].concat();
    let found =
        timestamp::check(&forged, &signed, own.verifier_key(), &trusted(folder, "root.pem"));
    let words = found.unwrap_err().to_string();
    assert!(words.contains("not for time stamping alone"), "{words}");
}

#[test]
fn a_rejection_an_old_certificate_and_what_is_no_response_are_refused_by_name() {
    let test = "a_rejection_an_old_certificate_and_what_is_no_response_are_refused_by_name";
    let Some(folder) = authorities(test) else { return };
    let (folder, own, signed) = (folder.path(), key(), note(17));
    let request = timestamp::request(&signed, own.verifier_key()).unwrap();
    let check = |response: &[u8]| {
        let root = trusted(folder, "root.pem");
        timestamp::check(response, &signed, own.verifier_key(), &root).unwrap_err()
    };
    let old = check(&answer(folder, "old", &request));
    assert!(matches!(old, StampRefusal::Expired { .. }), "{old}");
    let unknown = request.windows(9).position(|part| part.ends_with(&[3, 4, 2, 1])).unwrap();
    let mut strange = request.clone();
    strange[unknown + 8] = 9;
    let rejected = check(&answer(folder, "rsa", &strange));
    assert!(matches!(rejected, StampRefusal::NotGranted { status: 2, .. }), "{rejected}");
    let mut longer = answer(folder, "rsa", &request);
    longer.push(0);
    assert!(matches!(check(&longer), StampRefusal::Form { .. }));
    for garbage in [&[][..], &[0x30][..], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..]] {
        assert!(matches!(check(garbage), StampRefusal::Form { .. }), "{garbage:?}");
    }
    let long = check(&vec![0x30; 1 << 20]);
    assert_eq!(long, StampRefusal::TooLong { found: 1 << 20 });
}

#[test]
fn a_stamp_whose_file_has_grown_beyond_measure_is_named_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let archive = Archive::create(&home, &Creation::default(), still(), ports(1)).unwrap();
    let file = |name: &str| home.join("checkpoints").join(format!("{:020}.{name}.tsr", 7));
    std::fs::write(file("aaaaaaaaaaaaaaaa"), vec![0x30; timestamp::RESPONSE_BYTES_MAX + 1])
        .unwrap();
    std::fs::write(file("bbbbbbbbbbbbbbbb"), b"no response").unwrap();
    let kept = archive.timestamps(&Authorities::default()).unwrap();
    let said: Vec<_> = kept.iter().map(|kept| kept.stamp.as_ref().unwrap_err()).collect();
    assert!(matches!(said[..], [StampRefusal::Unreadable { .. }, _]), "{said:?}");
    assert!(said[0].to_string().contains("at most 65536 expected"), "{said:?}");
    let report = archive.verify(None, &|_| {}).unwrap();
    let named = report.findings.iter().filter(|found| found.what.contains("the time stamp of 7"));
    assert_eq!(named.count(), 2, "{report:?}");
    archive.close().unwrap();
}
