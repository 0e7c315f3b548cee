//! Cosignatures of witnesses: C2SP tlog-cosignature, `cosignature/v1` with Ed25519.
//!
//! A witness says: at this time, this was the largest tree that I have seen of this log, and every earlier one was a part of
//! it. Its line stands below the log's own in the note of the checkpoint; whoever does not know its key passes over it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};

use super::note::{SIGNATURE_MARK, SIGNATURES_MAX, SignatureLine, is_name, key_id, split_note};
use super::refusal::Refusal;

/// The byte that says timestamped Ed25519 cosignature in a key and its id.
const COSIGNATURE: u8 = 4;
/// What every cosigned message begins with.
const HEADER: &str = "cosignature/v1";
/// Bytes of the time before the signature.
const TIME_BYTES: usize = 8;

/// What a cosignature is checked against: the name and the public key of a witness, pinned together.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl WitnessKey {
    fn new(name: String, key: VerifyingKey) -> Self {
        let id = key_id(&name, COSIGNATURE, key.as_bytes());
        Self { name, id, key }
    }

    /// Returns the name that its lines bear.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the time, in seconds since 1970 UTC, at which this witness has cosigned the note; nothing if it has not. A
    /// line of this witness that fails is a refusal.
    pub fn cosigned_at(&self, note: &str) -> Result<Option<u64>, Refusal> {
        let (text, lines) = split_note(note)?;
        let mut newest = None;
        for (count, line) in lines.split_terminator('\n').enumerate() {
            if count >= SIGNATURES_MAX {
                return Err(Refusal::NoteForm);
            }
            let line = SignatureLine::parse(line)?;
            if line.name == self.name && line.id == self.id {
                newest = newest.max(Some(self.check(text, &line.signature)?));
            }
        }
        Ok(newest)
    }

    fn check(&self, text: &str, signed: &[u8]) -> Result<u64, Refusal> {
        let (time, signature) =
            signed.split_first_chunk::<TIME_BYTES>().ok_or(Refusal::NoteSignature)?;
        let signature = Signature::from_slice(signature).map_err(|_| Refusal::NoteSignature)?;
        let time = u64::from_be_bytes(*time);
        let checked = self.key.verify_strict(message(text, time).as_bytes(), &signature);
        checked.map(|()| time).map_err(|_| Refusal::NoteSignature)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[COSIGNATURE], self.key.as_bytes().as_slice()].concat();
        let [a, b, c, d] = self.id;
        write!(out, "{}+{a:02x}{b:02x}{c:02x}{d:02x}+{}", self.name, BASE64.encode(key))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WitnessKey({self})")
    }
}

impl FromStr for WitnessKey {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Refusal::Key);
        };
        let key = BASE64.decode(key).map_err(|_| Refusal::Key)?;
        let Some((&COSIGNATURE, key)) = key.split_first() else { return Err(Refusal::Key) };
        let key = <[u8; 32]>::try_from(key).map_err(|_| Refusal::Key)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| Refusal::Key)?;
        if !is_name(name) || key.is_weak() {
            return Err(Refusal::Key);
        }
        let read = Self::new(name.to_owned(), key);
        if read.to_string() == text { Ok(read) } else { Err(Refusal::Key) }
    }
}

/// The key that a witness cosigns with. Wiped when dropped, never printed.
pub struct Cosigner {
    key: ed25519_dalek::SigningKey,
    witness: WitnessKey,
}

impl Cosigner {
    /// Takes the 32 secret bytes of the key and the name of the witness, which has neither white space nor `+`.
    pub fn from_seed(seed: &[u8; 32], name: &str) -> Result<Self, Refusal> {
        if !is_name(name) {
            return Err(Refusal::Key);
        }
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let witness = WitnessKey::new(name.to_owned(), key.verifying_key());
        Ok(Self { key, witness })
    }

    /// Returns what its cosignatures are checked against.
    pub const fn witness_key(&self) -> &WitnessKey {
        &self.witness
    }

    /// Returns the signature line, its line feed included, for the text of a note at a time in seconds since 1970 UTC. The
    /// caller has checked that the checkpoint may be cosigned, and has stored that it was.
    pub fn cosign(&self, note: &str, time: u64) -> Result<String, Refusal> {
        let (text, _) = split_note(note)?;
        let signature = self.key.sign(message(text, time).as_bytes()).to_bytes();
        let id = self.witness.id.as_slice();
        let signed = BASE64.encode([id, &time.to_be_bytes(), &signature].concat());
        Ok(format!("{SIGNATURE_MARK}{} {signed}\n", self.witness.name))
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Cosigner({})", self.witness.name)
    }
}

fn message(text: &str, time: u64) -> String {
    format!("{HEADER}\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use chat::ArchiveId;

    use super::super::checkpoint::{Checkpoint, SigningKey};
    use super::*;

    fn note() -> String {
        let key = SigningKey::of_archive(&[5; 32], ArchiveId::from_bytes([9; 16]));
        let origin = key.verifier_key().name().to_owned();
        key.sign(&Checkpoint { origin, size: 7, root: [3; 32] }).unwrap()
    }

    fn witness(seed: u8) -> Cosigner {
        Cosigner::from_seed(&[seed; 32], "witness.example/w1").unwrap()
    }

    #[test]
    fn a_cosigned_note_opens_for_the_log_and_says_when_to_those_who_know_the_witness() {
        let cosigned = note() + &witness(8).cosign(&note(), 1_700_000_000).unwrap();
        assert_eq!(witness(8).witness_key().cosigned_at(&cosigned), Ok(Some(1_700_000_000)));
        assert_eq!(witness(8).witness_key().cosigned_at(&note()), Ok(None));
        assert_eq!(witness(6).witness_key().cosigned_at(&cosigned), Ok(None), "another key");
        let log = SigningKey::of_archive(&[5; 32], ArchiveId::from_bytes([9; 16]));
        assert_eq!(log.verifier_key().open(&cosigned).unwrap().size, 7);
    }

    #[test]
    fn every_changed_byte_of_a_cosigned_note_says_nothing_or_is_refused() {
        let cosigned = note() + &witness(8).cosign(&note(), 1_700_000_000).unwrap();
        let log_line = note().len();
        for place in (0..note().find("\n\n").unwrap()).chain(log_line..cosigned.len()) {
            let mut bytes = cosigned.clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let said = witness(8).witness_key().cosigned_at(&changed);
            assert!(!matches!(said, Ok(Some(_))), "{place}: {said:?}");
        }
    }

    #[test]
    fn a_key_reads_back_from_its_text_and_the_key_of_a_log_is_none() {
        let text = witness(8).witness_key().to_string();
        assert_eq!(text.parse().as_ref(), Ok(witness(8).witness_key()));
        let log = SigningKey::of_archive(&[5; 32], ArchiveId::from_bytes([9; 16]));
        for broken in [log.verifier_key().to_string(), text.replace("w1", "w2"), String::new()] {
            assert_eq!(broken.parse::<WitnessKey>(), Err(Refusal::Key), "{broken}");
        }
    }
}
