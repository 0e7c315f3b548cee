//! Emoji as whole pictures: a family joined of four people, a flag of two letters and a keycap are one token each
//! (the sequences of Unicode Technical Standard 51, §1.4.9).

use unicode_properties::UnicodeEmoji as _;

pub(super) const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';
const TAG_END: char = '\u{e007f}';
/// Bytes after which no further picture is joined on, so that an emoji always fits into a term.
const JOINED_BYTES_MAX: usize = 200;
/// Tags of one picture; the flags of Wales and Texas need five.
const TAGS_MAX: usize = 8;

/// Returns how many bytes at the start of the text form one emoji, if it starts with one.
pub(super) fn emoji_bytes(text: &str) -> Option<usize> {
    let mut reader = Reader { text, at: 0 };
    reader.emoji().then_some(reader.at)
}

/// Returns whether the character asks for a picture or for letters; searching makes no difference between the two.
pub(super) fn is_presentation(character: char) -> bool {
    matches!(character, '\u{fe0e}' | '\u{fe0f}')
}

/// Walks over one emoji and stays where it was if there is none.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn next_if(&mut self, accept: impl FnOnce(char) -> bool) -> bool {
        match self.text[self.at..].chars().next() {
            Some(character) if accept(character) => {
                self.at += character.len_utf8();
                true
            }
            Some(_) | None => false,
        }
    }

    fn emoji(&mut self) -> bool {
        if self.next_if(|c| c.is_ascii_digit() || c == '#' || c == '*') {
            return self.keycap();
        }
        if self.next_if(is_flag_letter) {
            let _single_letters_are_tokens_too = self.next_if(is_flag_letter);
            return true;
        }
        if !self.element() {
            return false;
        }
        loop {
            let before = self.at;
            let room = before <= JOINED_BYTES_MAX;
            if !(room && self.next_if(|c| c == JOINER) && self.element()) {
                self.at = before;
                return true;
            }
        }
    }

    /// Finishes a keycap after its digit.
    fn keycap(&mut self) -> bool {
        let _picture = self.next_if(is_presentation);
        self.next_if(|c| c == KEYCAP)
    }

    /// Reads one picture with its presentation, its skin tone and its tags.
    fn element(&mut self) -> bool {
        if !self.next_if(|c| !c.is_ascii() && c.is_emoji_char()) {
            return false;
        }
        let _picture = self.next_if(is_presentation);
        if self.next_if(is_skin_tone) {
            let _picture = self.next_if(is_presentation);
        }
        let before_tags = self.at;
        let tags = (0..=TAGS_MAX).take_while(|_| self.next_if(is_tag)).count();
        if tags > TAGS_MAX || (tags > 0 && !self.next_if(|c| c == TAG_END)) {
            self.at = before_tags;
        }
        true
    }
}

fn is_flag_letter(character: char) -> bool {
    matches!(character, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_tag(character: char) -> bool {
    matches!(character, '\u{e0020}'..='\u{e007e}')
}

/// Returns whether the character gives a picture a colour of skin: who looks for a raised thumb means anyone's.
pub(super) fn is_skin_tone(character: char) -> bool {
    matches!(character, '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(emoji_bytes(text).map(|bytes| &text[..bytes]), expected, "{text:?}");
    }

    #[test]
    fn a_sequence_is_one_emoji() {
        for whole in [
            "😀",
            "👍🏽",
            "👨\u{200d}👩\u{200d}👧",
            "🇩🇪",
            "1\u{fe0f}\u{20e3}",
            "#\u{20e3}",
            "❤\u{fe0f}",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        ] {
            check(whole, Some(whole));
            check(&format!("{whole}{whole}"), Some(whole));
        }
    }

    #[test]
    fn digits_and_letters_are_no_emoji() {
        for text in ["", "1", "12\u{20e3}", "a", "#", "é", "\u{200d}"] {
            check(text, None);
        }
    }

    #[test]
    fn a_joiner_without_a_partner_does_not_belong() {
        check("👨\u{200d}x", Some("👨"));
        check("🏴\u{e0067}x", Some("🏴"));
    }
}
