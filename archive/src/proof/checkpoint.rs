//! Checkpoints: the size and root of the log under the archive's signature, and the other notes its key signs (proof.md §6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chat::ArchiveId;

use super::hash::Digest;
use super::refusal::Refusal;

pub use super::note::{NOTE_BYTES_MAX, SIGNATURES_MAX, SigningKey, VerifierKey};

/// How every origin begins.
const ORIGIN_MARK: &str = "muniment/";
/// The first size that no checkpoint can have.
const SIZE_END: u64 = 1 << 63;

/// What the archive vouches for: that its log had this root at this size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log: see [`origin`].
    pub origin: String,
    /// Events covered.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Digest,
}

/// Returns the name of an archive's log, which is the name of its key too.
pub fn origin(archive: ArchiveId) -> String {
    format!("{ORIGIN_MARK}{archive}")
}

/// Returns the archive that an origin names, or nothing if it is none.
pub fn archive_of(origin: &str) -> Option<ArchiveId> {
    origin.strip_prefix(ORIGIN_MARK)?.parse().ok()
}

impl Checkpoint {
    /// Returns the three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// Reads the three lines, refusing every other form and every other origin than the pinned one.
    fn parse(text: &str, origin: &str) -> Result<Self, Refusal> {
        let mut lines = text.split_terminator('\n');
        if lines.next() != Some(origin) {
            return Err(Refusal::CheckpointOrigin);
        }
        let (Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next()) else {
            return Err(Refusal::CheckpointForm);
        };
        let root = BASE64.decode(root).ok().and_then(|root| root.try_into().ok());
        match (parse_size(size), root) {
            (Some(size), Some(root)) => Ok(Self { origin: origin.to_owned(), size, root }),
            _ => Err(Refusal::CheckpointForm),
        }
    }
}

/// Reads a decimal number below 2⁶³ without sign, space or leading zero.
fn parse_size(text: &str) -> Option<u64> {
    let size: u64 = text.parse().ok().filter(|size| *size < SIZE_END)?;
    (size.to_string() == text).then_some(size)
}

impl VerifierKey {
    /// Returns the checkpoint of a note that this key has signed and whose origin is this key's name.
    pub fn open(&self, note: &str) -> Result<Checkpoint, Refusal> {
        Checkpoint::parse(self.open_note(note)?, self.name())
    }

    /// Returns the text of another note that this key has signed, its last line feed included. A note whose first line
    /// could be an origin is refused, so that none can pass for a checkpoint.
    pub fn open_text<'a>(&self, note: &'a str) -> Result<&'a str, Refusal> {
        self.open_note(note).and_then(refuse_origin)
    }
}

impl SigningKey {
    /// Takes the 32 secret bytes of an archive's key.
    pub fn of_archive(seed: &[u8; 32], archive: ArchiveId) -> Self {
        Self::from_seed(seed, &origin(archive)).expect("an origin is a name")
    }

    /// Returns the note of a checkpoint. Refused if the origin is not this key's name or the size is past what one can say.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, Refusal> {
        if checkpoint.origin != self.verifier_key().name() {
            return Err(Refusal::CheckpointOrigin);
        }
        if checkpoint.size >= SIZE_END {
            return Err(Refusal::CheckpointForm);
        }
        self.sign_note(&checkpoint.text())
    }

    /// Returns the note of any other text. It ends with a line feed, and its first line is not an origin.
    pub fn sign_text(&self, text: &str) -> Result<String, Refusal> {
        refuse_origin(text).and_then(|text| self.sign_note(text))
    }
}

fn refuse_origin(text: &str) -> Result<&str, Refusal> {
    if text.starts_with(ORIGIN_MARK) { Err(Refusal::CheckpointOrigin) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::of_archive(&[5; 32], ArchiveId::from_bytes([9; 16]))
    }

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint { origin: key().verifier_key().name().to_owned(), size, root: [3; 32] }
    }

    #[test]
    fn a_checkpoint_opens_with_the_key_that_signed_it_alone() {
        let note = key().sign(&checkpoint(7)).unwrap();
        assert_eq!(key().verifier_key().open(&note), Ok(checkpoint(7)));
        let other = SigningKey::of_archive(&[6; 32], ArchiveId::from_bytes([9; 16]));
        assert_eq!(other.verifier_key().open(&note), Err(Refusal::NoteUnsigned));
    }

    #[test]
    fn a_verifier_key_reads_back_from_its_text() {
        let text = key().verifier_key().to_string();
        assert_eq!(text.parse().as_ref(), Ok(key().verifier_key()));
        for broken in ["", "a+b", &text.replace("muniment", "munimens"), &format!("{text}=")] {
            assert_eq!(broken.parse::<VerifierKey>(), Err(Refusal::Key), "{broken}");
        }
    }

    #[test]
    fn every_changed_byte_of_a_note_is_refused() {
        let note = key().sign(&checkpoint(7)).unwrap();
        for place in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[place] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(key().verifier_key().open(&changed).is_err(), "{place}");
            }
        }
    }

    #[test]
    fn sizes_have_one_form() {
        assert_eq!(parse_size("0"), Some(0));
        assert_eq!(parse_size("9223372036854775807"), Some(SIZE_END - 1));
        for text in ["", "00", "01", "+1", "-1", " 1", "1 ", "9223372036854775808", "1e3", "١"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
        assert_eq!(key().sign(&checkpoint(SIZE_END)), Err(Refusal::CheckpointForm));
    }

    #[test]
    fn a_witness_line_is_passed_over_and_sixty_five_lines_are_too_many() {
        let note = key().sign(&checkpoint(7)).unwrap();
        let witness = SigningKey::from_seed(&[8; 32], "witness.example/w1").unwrap();
        let line = witness.sign_note(&checkpoint(7).text()).unwrap();
        let line = line.rsplit_once("\n\n").unwrap().1;
        let with = |lines: usize| format!("{note}{}", line.repeat(lines));
        assert_eq!(key().verifier_key().open(&with(SIGNATURES_MAX - 1)), Ok(checkpoint(7)));
        assert_eq!(key().verifier_key().open(&with(SIGNATURES_MAX)), Err(Refusal::NoteForm));
        assert_eq!(witness.verifier_key().open(&with(1)), Err(Refusal::CheckpointOrigin));
    }

    #[test]
    fn another_note_can_never_pass_for_a_checkpoint() {
        let text = "muniment manifest v1\nsha256 00\n\nsecond part\n";
        let note = key().sign_text(text).unwrap();
        assert_eq!(key().verifier_key().open_text(&note), Ok(text));
        assert_eq!(key().verifier_key().open(&note), Err(Refusal::CheckpointOrigin));
        let signed = key().sign(&checkpoint(7)).unwrap();
        assert_eq!(key().verifier_key().open_text(&signed), Err(Refusal::CheckpointOrigin));
        assert_eq!(key().sign_text(&checkpoint(7).text()), Err(Refusal::CheckpointOrigin));
        for text in ["", "no end", "\n", "bell\u{7}\n"] {
            assert_eq!(key().sign_text(text), Err(Refusal::NoteForm), "{text:?}");
        }
    }
}
