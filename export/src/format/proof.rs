//! One proof as one line of canonical JSON: the opening of an event without the values that its own line holds, and the
//! path to the signed root (proof.md §7, 8).

use archive::proof::Digest;
use archive::proof::claim::Inclusion;
use archive::proof::opening::{Disclosure, OpenField, Opening};
use archive::record::{self, Field};
use chat::Recorded;

use crate::format::hex;
use crate::format::json::{self, Object};
use crate::withhold::{self, Withheld};

/// Returns the line of a proof, without its line feed. The members stand in byte order of their names.
pub fn write(inclusion: &Inclusion) -> String {
    let mut out = String::with_capacity(LINE_BYTES);
    let mut line = Object::open(&mut out);
    line.text("kind", "inclusion");
    put_opening(line.name("opening"), &inclusion.opening);
    json::put_list(line.name("path"), inclusion.path.iter(), |out, hash| json::put_hex(out, hash));
    line.number("seq", inclusion.seq);
    line.close();
    out
}

/// Bytes of an ordinary line.
const LINE_BYTES: usize = 2_560;

fn put_opening(out: &mut String, opening: &Opening) {
    let Opening::Open { header, hs, ls, fields } = opening else {
        return out.push_str(&opening.to_json_without(&|_| true).to_string());
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
/// Fields that are withheld must be among those named; they are returned.
pub(crate) fn check(
    line: &[u8],
    recorded: &Recorded,
    (size, root): (u64, &Digest),
    named: &[Withheld],
) -> Result<Vec<Withheld>, String> {
    let fields = record::fields(&recorded.event);
    let inclusion = Scanner(line).inclusion(&fields).ok_or(MALFORMED)?;
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
    inclusion.verify(size, root).map_err(|refusal| refusal.to_string())?;
    withhold::withheld_of(&inclusion, named)
}

/// What is said of a line that no proof has.
const MALFORMED: &str = "not in the canonical form of any proof that shows an event";

/// Reads the one form that a line can have, byte by byte: whatever [`write()`] would not write is nothing.
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn inclusion(mut self, fields: &[Field]) -> Option<Inclusion> {
        self.token("{\"kind\":\"inclusion\",\"opening\":{\"fields\":")?;
        let fields = self.list(|scanner| scanner.field(fields))?;
        self.token(",\"form\":\"open\",\"header\":")?;
        let header = self.hex()?;
        self.token(",\"hs\":")?;
        let hs = self.array()?;
        self.token(",\"ls\":")?;
        let ls = self.array()?;
        self.token("},\"path\":")?;
        let path = self.list(Self::array)?;
        self.token(",\"seq\":")?;
        let seq = self.number()?;
        self.token("}")?;
        let opening = Opening::Open { header, hs, ls, fields };
        self.0.is_empty().then_some(Inclusion { seq, opening, path })
    }

    fn field(&mut self, fields: &[Field]) -> Option<OpenField> {
        self.token("{\"")?;
        if self.token("commitment\":").is_some() {
            let commitment = self.array()?;
            let disclosure = Disclosure::Withheld { commitment };
            return Some(OpenField { tag: self.tag()?, disclosure });
        }
        self.token("salt\":")?;
        let salt = self.array()?;
        let tag = self.tag()?;
        let value = fields.iter().find(|field| field.tag == tag)?.value.clone();
        Some(OpenField { tag, disclosure: Disclosure::Shown { salt, value } })
    }

    fn tag(&mut self) -> Option<u16> {
        self.token(",\"tag\":")?;
        let tag = self.number()?.try_into().ok()?;
        self.token("}").map(|()| tag)
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.token("[")?;
        let mut items = Vec::new();
        if self.token("]").is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.token("]").is_some() {
                return Some(items);
            }
            self.token(",")?;
        }
    }

    fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(token.as_bytes())?;
        Some(())
    }

    /// Takes decimal digits without a leading zero.
    fn number(&mut self) -> Option<u64> {
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end)?;
        if digits.len() > 1 && digits.starts_with(b"0") {
            return None;
        }
        self.0 = rest;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Takes a quoted text of hex.
    fn hex(&mut self) -> Option<Vec<u8>> {
        self.token("\"")?;
        let end = self.0.iter().position(|byte| *byte == b'"')?;
        let (digits, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        self.token("\"")?;
        hex::read(std::str::from_utf8(digits).ok()?)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.hex()?.try_into().ok()
    }
}
