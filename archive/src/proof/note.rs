//! Signed notes as C2SP writes them, with Ed25519 keys: the text, an empty line, a line for each signature (proof.md §6).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};

use super::hash::sha256;
use super::refusal::Refusal;

/// The byte that says Ed25519 in a key and its id.
pub(super) const ED25519: u8 = 1;
/// Signature lines of one note; one with more is refused.
pub const SIGNATURES_MAX: usize = 64;
/// Bytes of one signed note; one with more is refused.
pub const NOTE_BYTES_MAX: usize = 1 << 20;
/// How every signature line begins.
pub(super) const SIGNATURE_MARK: &str = "\u{2014} ";

/// What a signature is checked against: a name and a public key, pinned together.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    /// Joins a name and a public key.
    fn new(name: String, key: VerifyingKey) -> Self {
        let id = key_id(&name, ED25519, key.as_bytes());
        Self { name, id, key }
    }

    /// Returns the name that its signature lines bear: the archive's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the four bytes by which its signature lines are told from others under the same name.
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Returns the 32 bytes of the public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Returns the text of a note, its last line feed included, if this key has signed it. Lines of other keys are passed
    /// over; a line of this key that fails, or none, is a refusal.
    pub(crate) fn open_note<'a>(&self, note: &'a str) -> Result<&'a str, Refusal> {
        let (text, lines) = split_note(note)?;
        let mut is_signed = false;
        for (count, line) in lines.split_terminator('\n').enumerate() {
            if count >= SIGNATURES_MAX {
                return Err(Refusal::NoteForm);
            }
            let line = SignatureLine::parse(line)?;
            if line.name == self.name && line.id == self.id {
                self.check(text, &line.signature)?;
                is_signed = true;
            }
        }
        if is_signed { Ok(text) } else { Err(Refusal::NoteUnsigned) }
    }

    /// Returns the note as this key alone has signed it: its text, the empty line, and the line of this key. Refused as
    /// [`Self::open_note`] refuses.
    pub(crate) fn own_note(&self, note: &str) -> Result<String, Refusal> {
        let text = self.open_note(note)?;
        let (_, lines) = split_note(note)?;
        let is_own = |line: &&str| {
            SignatureLine::parse(line)
                .is_ok_and(|line| line.name == self.name && line.id == self.id)
        };
        let own = lines.split_terminator('\n').find(is_own).ok_or(Refusal::NoteUnsigned)?;
        Ok(format!("{text}\n{own}\n"))
    }

    fn check(&self, text: &str, signature: &[u8]) -> Result<(), Refusal> {
        let signature = Signature::from_slice(signature).map_err(|_| Refusal::NoteSignature)?;
        let checked = self.key.verify_strict(text.as_bytes(), &signature);
        checked.map_err(|_| Refusal::NoteSignature)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        let [a, b, c, d] = self.id;
        write!(out, "{}+{a:02x}{b:02x}{c:02x}{d:02x}+{}", self.name, BASE64.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Refusal::Key);
        };
        let key = BASE64.decode(key).map_err(|_| Refusal::Key)?;
        let Some((&ED25519, key)) = key.split_first() else { return Err(Refusal::Key) };
        let key = <[u8; 32]>::try_from(key).map_err(|_| Refusal::Key)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| Refusal::Key)?;
        let [a, b, c, d] = key_id(name, ED25519, key.as_bytes());
        let fits = id == format!("{a:02x}{b:02x}{c:02x}{d:02x}");
        if !fits || !is_name(name) || key.is_weak() {
            return Err(Refusal::Key);
        }
        Ok(Self::new(name.to_owned(), key))
    }
}

/// The key that signs for an archive. Wiped when dropped, never printed.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

impl SigningKey {
    /// Takes the 32 secret bytes of the key and the name it signs under, which has neither white space nor `+`.
    pub fn from_seed(seed: &[u8; 32], name: &str) -> Result<Self, Refusal> {
        if !is_name(name) {
            return Err(Refusal::Key);
        }
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name.to_owned(), key.verifying_key());
        Ok(Self { key, verifier })
    }

    /// Returns what its signatures are checked against.
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Returns the signed note of a text that ends with a line feed.
    pub(crate) fn sign_note(&self, text: &str) -> Result<String, Refusal> {
        if !is_text(text) {
            return Err(Refusal::NoteForm);
        }
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let signed = BASE64.encode([self.verifier.id.as_slice(), &signature].concat());
        Ok(format!("{text}\n{SIGNATURE_MARK}{} {signed}\n", self.verifier.name))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({})", self.verifier.name)
    }
}

/// One line below the empty one.
pub(super) struct SignatureLine<'a> {
    pub(super) name: &'a str,
    pub(super) id: [u8; 4],
    pub(super) signature: Vec<u8>,
}

impl<'a> SignatureLine<'a> {
    pub(super) fn parse(line: &'a str) -> Result<Self, Refusal> {
        let rest = line.strip_prefix(SIGNATURE_MARK).ok_or(Refusal::NoteForm)?;
        let (name, signed) = rest.split_once(' ').ok_or(Refusal::NoteForm)?;
        let signed = BASE64.decode(signed).map_err(|_| Refusal::NoteForm)?;
        let (id, signature) = signed.split_first_chunk().ok_or(Refusal::NoteForm)?;
        if !is_name(name) || signature.is_empty() {
            return Err(Refusal::NoteForm);
        }
        Ok(Self { name, id: *id, signature: signature.to_vec() })
    }
}

/// Returns the text with its last line feed, and the signature lines.
pub(super) fn split_note(note: &str) -> Result<(&str, &str), Refusal> {
    if note.len() > NOTE_BYTES_MAX || note.chars().any(|letter| letter < ' ' && letter != '\n') {
        return Err(Refusal::NoteForm);
    }
    let (text, lines) = note.rsplit_once("\n\n").ok_or(Refusal::NoteForm)?;
    let text = note.get(..text.len().saturating_add(1)).ok_or(Refusal::NoteForm)?;
    if text.len() < 2 || !lines.ends_with('\n') {
        return Err(Refusal::NoteForm);
    }
    Ok((text, lines))
}

/// Returns whether a text can be signed: lines without control characters, the last one ended.
fn is_text(text: &str) -> bool {
    text.len() > 1
        && text.len() < NOTE_BYTES_MAX / 2
        && text.ends_with('\n')
        && text.chars().all(|letter| letter >= ' ' || letter == '\n')
}

/// Returns whether a name can stand in a key and in a signature line.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '+')
}

/// Returns the four bytes that name a key of a sort: 1 signs notes, 4 cosigns checkpoints.
pub(super) fn key_id(name: &str, sort: u8, key: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), &[b'\n', sort], key]);
    [a, b, c, d]
}
