//! One proof as one line of canonical JSON: the opening of an event without the values that its own line holds, and the
//! path to the signed root (proof.md §7, 8).

use archive::proof::Digest;
use archive::proof::claim::Inclusion;
use archive::proof::opening::{Disclosure, OpenField, Opening};
use archive::proof::tree::KnownPath;
use archive::record::{self, Field};
use chat::Recorded;

use crate::format::json::{self, Object};
use crate::format::scanner::Scanner;
use crate::withhold::{self, Withheld};

/// Returns the line of a proof, without its line feed. The members stand in byte order of their names.
pub fn write(inclusion: &Inclusion) -> Vec<u8> {
    let mut out = Vec::with_capacity(LINE_BYTES);
    put(&mut out, inclusion);
    out
}

/// Writes the line of a proof behind a text.
pub(crate) fn put(out: &mut Vec<u8>, inclusion: &Inclusion) {
    let mut line = Object::open(out);
    line.text("kind", "inclusion");
    put_opening(line.name("opening"), &inclusion.opening);
    json::put_list(line.name("path"), inclusion.path.iter(), |out, hash| json::put_hex(out, hash));
    line.number("seq", inclusion.seq);
    line.close();
}

/// Bytes of an ordinary line.
pub(crate) const LINE_BYTES: usize = 2_560;

fn put_opening(out: &mut Vec<u8>, opening: &Opening) {
    let Opening::Open { header, hs, ls, fields } = opening else {
        return out.extend_from_slice(opening.to_json_without(&|_| true).to_string().as_bytes());
    };
    let mut member = Object::open(out);
    json::put_list(member.name("fields"), fields.iter(), |out, field| {
        let mut entry = Object::open(out);
        match &field.disclosure {
            Disclosure::Shown { salt, .. } => entry.hex("salt", salt),
            Disclosure::Withheld { commitment } => entry.hex("commitment", commitment),
        }
        entry.number("tag", u64::from(field.tag));
        entry.close();
    });
    member.text("form", "open");
    member.hex("header", header);
    member.hex("hs", hs);
    member.hex("ls", ls);
    member.close();
}

/// Checks that a line proves this event whole: that it is in the log of this size and root, and that every field that
/// the event's line shows is the one that was recorded. Returns in words why not.
///
/// Fields that are withheld must be among those named; they are returned. `known` is what neighbours have in common.
pub(crate) fn check(
    line: &[u8],
    recorded: &Recorded,
    (size, root, known): (u64, &Digest, &mut KnownPath),
    named: &[Withheld],
) -> Result<Vec<Withheld>, String> {
    let mut fields = record::fields(&recorded.event);
    let inclusion = read(line, &mut fields).ok_or(MALFORMED)?;
    let Opening::Open { header, fields: shown, .. } = &inclusion.opening else {
        return Err(MALFORMED.to_owned());
    };
    if inclusion.seq != recorded.seq.get() {
        return Err(format!("it is of event {}", inclusion.seq));
    }
    if *header != record::header(recorded).encode() {
        return Err("the event's header differs from the one that is proven".to_owned());
    }
    let is_shown = |tag| {
        shown
            .iter()
            .any(|field| field.tag == tag && matches!(field.disclosure, Disclosure::Shown { .. }))
    };
    if let Some(field) = fields.iter().find(|field| !is_shown(field.tag)) {
        return Err(format!("field {} of the event is not proven", field.tag));
    }
    inclusion.verify_beside(size, root, known).map_err(|refusal| refusal.to_string())?;
    withhold::withheld_of(&inclusion, named)
}

/// What is said of a line that no proof has.
const MALFORMED: &str = "not in the canonical form of any proof that shows an event";

/// Reads the one form that a line can have: whatever [`write()`] would not write is nothing.
///
/// The values are taken out of the fields of the event's own line, which are of no use afterwards.
fn read(line: &[u8], fields: &mut [Field]) -> Option<Inclusion> {
    let mut line = Scanner::of(line);
    line.token("{\"kind\":\"inclusion\",\"opening\":{\"fields\":")?;
    let fields = line.list(|line| read_field(line, fields))?;
    line.token(",\"form\":\"open\",\"header\":")?;
    let header = line.hex()?;
    line.token(",\"hs\":")?;
    let hs = line.array()?;
    line.token(",\"ls\":")?;
    let ls = line.array()?;
    line.token("},\"path\":")?;
    let path = line.list(Scanner::array)?;
    line.token(",\"seq\":")?;
    let seq = line.number()?;
    line.token("}")?;
    let opening = Opening::Open { header, hs, ls, fields };
    line.is_at_end().then_some(Inclusion { seq, opening, path })
}

fn read_field(line: &mut Scanner<'_>, fields: &mut [Field]) -> Option<OpenField> {
    line.token("{\"")?;
    if line.token("commitment\":").is_some() {
        let commitment = line.array()?;
        let disclosure = Disclosure::Withheld { commitment };
        return Some(OpenField { tag: read_tag(line)?, disclosure });
    }
    line.token("salt\":")?;
    let salt = line.array()?;
    let tag = read_tag(line)?;
    let value = std::mem::take(&mut fields.iter_mut().find(|field| field.tag == tag)?.value);
    Some(OpenField { tag, disclosure: Disclosure::Shown { salt, value } })
}

fn read_tag(line: &mut Scanner<'_>) -> Option<u16> {
    line.token(",\"tag\":")?;
    let tag = line.number()?.try_into().ok()?;
    line.token("}").map(|()| tag)
}
