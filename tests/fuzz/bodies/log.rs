//! The journal and the record codec.

use archive::proof::Header;
use archive::record::{self, Field};
use archive::testing::{journal_file_header, journal_frame, journal_part};
use chat::Seq;

/// Where a frame's checksum lies.
const CHECKSUM: std::ops::Range<usize> = 28..32;

/// The header of a journal file, a frame, and the records of an opened frame.
pub(super) fn journal(bytes: &[u8]) {
    if let Some(again) = journal_file_header(bytes) {
        assert_eq!(again, bytes[..again.len()], "a file header reads back");
    }
    if let Some(mut again) = journal_frame(bytes) {
        again[CHECKSUM].copy_from_slice(&bytes[CHECKSUM]);
        assert_eq!(again, bytes[..again.len()], "a frame reads back");
    }
    let Some(opened) = journal_part(bytes, Seq::FIRST) else { return };
    let part = &bytes[32..][..opened.again.len()];
    assert_eq!(opened.again, part, "the opened part reads back");
    assert_eq!(opened.events.len(), opened.records.len());
    for (event, (header, fields)) in opened.events.iter().zip(&opened.records) {
        let event = event.as_ref().expect("split has read every header");
        assert_eq!(record::header(event).encode(), *header, "a header reads back");
        if fields.is_sorted_by(|before, after| before.0 < after.0) {
            let again = record::fields(&event.event).into_iter();
            let again: Vec<_> = again.map(|field| (field.tag, field.value)).collect();
            assert_eq!(again, *fields, "fields read back");
        }
    }
}

/// A header of the tree's leaves and the fields behind it: one byte of header length in sevens, the header, the fields.
pub(super) fn record(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else { return };
    let Some((header, mut rest)) = rest.split_at_checked(44 + 17 * usize::from(length)) else {
        return;
    };
    let Ok(header) = Header::decode(header) else { return };
    let mut fields: Vec<Field> = Vec::new();
    while let Some((head, more)) = rest.split_first_chunk::<3>() {
        let tag = u16::from_be_bytes([head[0], head[1]]);
        let taken = more.len().min(usize::from(head[2]));
        if tag > fields.last().map_or(0, |field| field.tag) {
            fields.push(Field { tag, value: more[..taken].to_vec() });
        }
        rest = &more[taken..];
    }
    match record::decode(&header, fields.clone()) {
        None => assert!(Seq::new(header.seq).is_none(), "every header of a log decodes"),
        Some(event) => {
            assert_eq!(record::header(&event), header, "a header reads back");
            assert_eq!(record::fields(&event.event), fields, "fields read back");
        }
    }
}
