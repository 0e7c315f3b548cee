//! The reading copy, `csv/reading/messages.csv`: the same table made safe for a spreadsheet and a person's eyes.
//!
//! Three things are done to a cell, in this order, and three columns say where: control and direction marks are shown
//! (`shown`), a text too long for a cell is cut (`cut`), and a cell that a spreadsheet could run is guarded with one `'`
//! (`guarded`). The exact table beside it has every value untouched.

use std::borrow::Cow;

/// UTF-16 units that a spreadsheet cell holds.
const CELL_UNITS_MAX: usize = 32_767;

/// The columns that this table has after those of the exact one.
pub const FLAG_COLUMNS: [&str; 3] = ["guarded", "truncated", "controls_shown"];

/// The mark that tells readers of spreadsheets that a file is UTF-8.
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What was done to any cell of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    pub(crate) guarded: bool,
    pub(crate) cut: bool,
    pub(crate) shown: bool,
}

/// Returns a cell as the reading copy has it; borrowed where it is the same.
pub(crate) fn made_safe<'a>(cell: &'a str, record_id: &[u8], flags: &mut Flags) -> Cow<'a, str> {
    let text = show_controls(cell);
    flags.shown |= matches!(text, Cow::Owned(_));
    let text = cut_to_cell(text, record_id, &mut flags.cut);
    guard(text, &mut flags.guarded)
}

/// Returns whether a cell can stand as it is, by a look at its bytes alone: short, printable ASCII that begins with a
/// letter or a digit, or nothing at all.
pub(crate) fn is_plain(cell: &str) -> bool {
    cell.len() < CELL_UNITS_MAX
        && cell.bytes().next().is_none_or(|first| first.is_ascii_alphanumeric())
        // All of them, whatever is found on the way: so many are looked at together.
        && cell.bytes().fold(true, |plain, byte| plain & (b' '..0x7f).contains(&byte))
}

/// Returns whether a character is invisible and changes how the rest is read: controls but tab and line feed,
/// direction marks, and the line separators that are no line feeds.
const fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn show_controls(cell: &str) -> Cow<'_, str> {
    if !cell.contains(is_hidden) {
        return Cow::Borrowed(cell);
    }
    let mut text = String::with_capacity(cell.len());
    for letter in cell.chars() {
        if is_hidden(letter) {
            text.extend(["[U+", &format!("{:04X}", u32::from(letter)), "]"]);
        } else {
            text.push(letter);
        }
    }
    Cow::Owned(text)
}

/// Cuts a text that does not fit, and says where the whole of it is. One unit is kept free for the guard.
fn cut_to_cell<'a>(text: Cow<'a, str>, record_id: &[u8], cut: &mut bool) -> Cow<'a, str> {
    if text.len() < CELL_UNITS_MAX || text.encode_utf16().count() < CELL_UNITS_MAX {
        return text;
    }
    *cut = true;
    let record_id = String::from_utf8_lossy(record_id);
    let pointer = format!(" [cut; the whole text is in exact/messages.csv, record {record_id}]");
    let mut room = CELL_UNITS_MAX.saturating_sub(1).saturating_sub(pointer.encode_utf16().count());
    let mut kept = String::new();
    for letter in text.chars() {
        let Some(left) = room.checked_sub(letter.len_utf16()) else { break };
        room = left;
        kept.push(letter);
    }
    kept.push_str(&pointer);
    Cow::Owned(kept)
}

/// Returns whether a spreadsheet could take a cell that begins so for a formula.
const fn is_trigger(letter: char) -> bool {
    matches!(
        letter,
        '=' | '+'
            | '-'
            | '@'
            | '\t'
            | '\r'
            | '\n'
            | '\0'
            | '\u{ff1d}'
            | '\u{ff0b}'
            | '\u{ff0d}'
            | '\u{ff20}'
            | '\u{2212}'
    )
}

/// Returns whether a character does not show at the start of a cell, so that a trigger may stand behind it.
const fn is_blank(letter: char) -> bool {
    matches!(letter,
        ' ' | '\u{a0}' | '\u{ad}' | '\u{1680}' | '\u{2000}'..='\u{200d}' | '\u{202f}'
        | '\u{205f}'..='\u{2064}' | '\u{3000}' | '\u{feff}')
}

fn guard<'a>(text: Cow<'a, str>, guarded: &mut bool) -> Cow<'a, str> {
    let is_risky = text.trim_start_matches(is_blank).starts_with(is_trigger);
    *guarded |= is_risky;
    if is_risky { Cow::Owned(format!("'{text}")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::copies::Copies;

    fn reading(cell: &str) -> (String, String) {
        let mut row = Copies::default();
        row.plain("id/1");
        row.text(cell);
        row.finish();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.reading());
        let record = reader.records().next().unwrap().unwrap();
        (record[1].to_owned(), record.iter().skip(2).collect())
    }

    #[test]
    fn a_formula_is_guarded_even_behind_blanks() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\nx", " =1", "\u{200b}=1", "\u{ff1d}1"]
        {
            assert_eq!(reading(cell), (format!("'{cell}"), "100".to_owned()), "{cell:?}");
        }
        for cell in ["", "a=1", "1-1", "'=1"] {
            assert_eq!(reading(cell), (cell.to_owned(), "000".to_owned()), "{cell:?}");
        }
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(
            reading("a\u{202e}b\rc\0"),
            ("a[U+202E]b[U+000D]c[U+0000]".into(), "001".into())
        );
        assert_eq!(reading("👩\u{200d}🚀\n\té"), ("👩\u{200d}🚀\n\té".into(), "000".into()));
    }

    #[test]
    fn a_text_too_long_for_a_cell_is_cut_and_points_to_the_whole() {
        let (cell, flags) = reading(&"🙂".repeat(20_000));
        assert!(cell.encode_utf16().count() < CELL_UNITS_MAX && cell.ends_with("record id/1]"));
        assert_eq!(flags, "010");
        let fits = "x".repeat(CELL_UNITS_MAX - 1);
        assert_eq!(reading(&fits), (fits.clone(), "000".to_owned()));
    }
}
