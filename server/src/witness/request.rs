//! What a witness is asked: `old SIZE`, the lines of a consistency proof, an empty line, the note (C2SP tlog-witness).

use archive::proof::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::problem::Problem;

/// Lines of a proof: more than a log of 2⁶³ events can need are refused.
const PROOF_LINES_MAX: usize = 63;

/// A request whose form holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    /// The size that the log believes the witness has seen.
    pub(super) old: u64,
    /// The hashes that lead from there to the checkpoint.
    pub(super) proof: Vec<Digest>,
    /// The signed checkpoint.
    pub(super) note: &'a str,
    /// Its first line.
    pub(super) origin: &'a str,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone)]
pub(crate) enum Refused {
    /// The request has not the form.
    Malformed(&'static str),
    /// The log is none that it was told of.
    UnknownLog,
    /// No signature of the log's own key holds.
    Unsigned,
    /// It has seen another size, or another root at this one.
    Conflict(u64),
    /// The checkpoint does not continue what it has seen.
    Unproven,
    /// What it has seen could not be stored.
    Fault(Problem),
}

impl<'a> Asked<'a> {
    /// Reads a request.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(body).map_err(|_| Refused::Malformed("it is no text"))?;
        let (head, note) = text
            .split_once("\n\n")
            .ok_or(Refused::Malformed("an empty line is due between proof and note"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.and_then(number).ok_or(Refused::Malformed("the first line is `old SIZE`"))?;
        let mut proof = Vec::new();
        for line in lines {
            let hash = BASE64.decode(line).ok().and_then(|hash| Digest::try_from(hash).ok());
            proof.push(hash.ok_or(Refused::Malformed("a line of the proof is no hash in base64"))?);
            if proof.len() > PROOF_LINES_MAX {
                return Err(Refused::Malformed("the proof has more than 63 lines"));
            }
        }
        let origin = note.split('\n').next().unwrap_or_default();
        Ok(Self { old, proof, note, origin })
    }

    /// Writes a request.
    pub(crate) fn write(old: u64, proof: &[Digest], note: &str) -> String {
        let lines = proof.iter().map(|hash| BASE64.encode(hash) + "\n");
        format!("old {old}\n{}\n{note}", lines.collect::<String>())
    }
}

/// Reads a decimal number that is written in its one form.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_back_as_it_was_written() {
        let note = "log\n7\nroot\n\n\u{2014} log abc\n";
        for proof in [vec![], vec![[1; 32], [2; 32]]] {
            let text = Asked::write(3, &proof, note);
            let read = Asked::parse(text.as_bytes()).unwrap();
            assert_eq!(read, Asked { old: 3, proof, note, origin: "log" });
        }
    }

    #[test]
    fn what_has_not_the_form_is_refused() {
        let long = format!("old 1\n{}\nlog\n", format!("{}\n", BASE64.encode([0; 32])).repeat(64));
        for text in [
            "",
            "old 1",
            "old 01\n\nlog",
            "old -1\n\nlog",
            "new 1\n\nlog",
            "old 1\nx\n\nlog",
            &long,
        ] {
            assert!(matches!(Asked::parse(text.as_bytes()), Err(Refused::Malformed(_))), "{text}");
        }
        assert!(Asked::parse(&[0xff, 0xfe]).is_err());
    }
}
