//! Which parts of an event are content, and what else of an event is compared by more than one reader of it.

use chat::{Content, EventKind, Recorded};

use super::fold::fold;
use super::token::{TokenView, for_each_token};

/// Positions left free between two parts of one event, so that no phrase reaches from one into the next
/// (a phrase's slop is below it: [`chat::limits::QUERY_SLOP_MAX`]).
pub const PART_GAP: u32 = 100;

/// A part of an event that content search covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The words of a message. Highlights are positions in it.
    Text,
    /// The title of a story or a file.
    Title,
    /// The topic that a room was given.
    Topic,
    /// The name of the n-th attachment.
    FileName(usize),
}

/// Returns whether any query can find events of this kind. Officers' acts are found by `audit` alone (contract.md §3):
/// the text of a search would otherwise match itself.
pub const fn is_searchable_kind(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Officer)
}

/// Returns the parts of an event that content search covers, in the order of their positions; none for an officer's act.
///
/// Which kinds a query covers is another matter: `Query::covers`.
pub fn searchable(recorded: &Recorded) -> Vec<(Part, &str)> {
    let event = &recorded.event;
    let content = &event.content;
    let mut parts = Vec::new();
    if !is_searchable_kind(event.kind) {
        return parts;
    }
    parts.extend(content.text.as_deref().map(|text| (Part::Text, text)));
    parts.extend(content.title.as_deref().map(|title| (Part::Title, title)));
    if event.kind == EventKind::Topic {
        let topic = content.act.as_ref().and_then(|act| act.text("topic"));
        // A source gives the new topic as text; the engine's own act names it. It counts once.
        let said = topic.filter(|&topic| content.text.as_deref() != Some(topic));
        parts.extend(said.map(|topic| (Part::Topic, topic)));
    }
    let files = content.attachments.iter().enumerate();
    parts.extend(files.map(|(number, file)| (Part::FileName(number), file.name.as_str())));
    parts
}

/// Calls `sink` with every token of an event's content. Positions run through the parts, with [`PART_GAP`] between
/// them; byte ranges are those of the part.
pub fn for_each_part_token(parts: &[(Part, &str)], mut sink: impl FnMut(Part, TokenView<'_>)) {
    let mut first = 0_u32;
    for &(part, text) in parts {
        let mut next = first;
        for_each_token(text, |token| {
            let position = first.saturating_add(token.position);
            next = position.saturating_add(1);
            sink(part, TokenView { position, ..token });
        });
        first = next.saturating_add(PART_GAP);
    }
}

/// Words of a mentioned name at most.
const MENTIONED_WORDS_MAX: usize = 3;

/// Returns the names that an event's words mention, as [`mentions`] does, then those of its rich text that are not among
/// them: a source may write there by id (`<@U2>`) whom the text shows by name.
pub fn mentions_of(content: &Content) -> Vec<String> {
    let mut names = content.text.as_deref().map(mentions).unwrap_or_default();
    for name in content.rich_text.as_deref().map(mentions).unwrap_or_default() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Returns the folded names that a text may mention: what follows an `@` that begins a word, up to the first character that
/// is no letter, digit, mark, dot, hyphen or underscore, without the dots and hyphens at its end; and, since names have
/// spaces in them, the same with the next word and with the one after.
///
/// So `@Jörg Weiß, look` mentions `jorg` and `jorg weiss`. Whether anyone bears such a name is not asked.
pub fn mentions(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    if !text.as_bytes().contains(&b'@') {
        return names;
    }
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character == '@' && !before.is_alphanumeric() {
            mentioned(&text[at + 1..], &mut names);
        }
        before = character;
    }
    names
}

/// Adds the names of one to three words that a text begins with.
fn mentioned(text: &str, names: &mut Vec<String>) {
    let mut start = 0;
    for _ in 0..MENTIONED_WORDS_MAX {
        let rest = &text[start..];
        let end = start + rest.find(|c: char| !is_name_character(c)).unwrap_or(rest.len());
        let name = text[..end].trim_end_matches(['.', '-', '_']);
        if name.len() <= start {
            return;
        }
        names.push(fold(name));
        if !text[end..].starts_with(' ') {
            return;
        }
        start = end + 1;
    }
}

fn is_name_character(character: char) -> bool {
    matches!(character, '.' | '-' | '_') || super::character::is_term_character(character)
}

/// Returns whether a text holds an address such as `https://example.com`: a scheme of at least two letters, `://`, and
/// something after it.
pub fn has_link(text: &str) -> bool {
    if !text.as_bytes().contains(&b':') {
        return false;
    }
    text.match_indices("://").any(|(at, _)| {
        let scheme = text[..at].bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
        scheme >= 2 && text[at + 3..].starts_with(|c: char| c.is_alphanumeric() || c == '[')
    })
}

/// Returns the folded extension of a file name: what follows its last dot, or nothing where that is no word.
pub fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_word = !extension.is_empty() && extension.chars().all(char::is_alphanumeric);
    (is_word && !stem.is_empty()).then(|| fold(extension))
}

#[cfg(test)]
mod tests {
    use chat::{Act, Attachment, ChatEvent, Custody, Seq, Timestamp};

    use super::*;

    fn recorded(kind: EventKind, content: Content) -> Recorded {
        let event = ChatEvent { kind, content, ..chat::testing::message(1, 1, 1, "") };
        Recorded {
            seq: Seq::FIRST,
            place_seq: None,
            place_prev: None,
            recorded_at: Timestamp::EPOCH,
            event,
        }
    }

    fn content(text: &str) -> Content {
        Content { text: Some(text.to_owned()), ..Content::default() }
    }

    #[test]
    fn text_title_and_file_names_are_content_and_officers_acts_are_not() {
        let custody = Custody::Missing { reason: "gone".to_owned(), claimed_bytes: None };
        let file =
            Attachment { name: "plan.pdf".to_owned(), media_type: None, address: None, custody };
        let story = Content {
            title: Some("Title".to_owned()),
            attachments: vec![file],
            ..content("Words")
        };
        assert_eq!(
            searchable(&recorded(EventKind::Story, story.clone())),
            [(Part::Text, "Words"), (Part::Title, "Title"), (Part::FileName(0), "plan.pdf")]
        );
        assert_eq!(searchable(&recorded(EventKind::Officer, story)), []);
    }

    #[test]
    fn a_topic_counts_once() {
        let act = Act::new("topic-set").with("topic", "Budget");
        let topic = Content { act: Some(act), ..content("Budget") };
        assert_eq!(
            searchable(&recorded(EventKind::Topic, topic.clone())),
            [(Part::Text, "Budget")]
        );
        let topic = Content { text: None, ..topic };
        assert_eq!(searchable(&recorded(EventKind::Topic, topic)), [(Part::Topic, "Budget")]);
    }

    #[test]
    fn positions_leave_a_gap_between_parts() {
        let mut found = Vec::new();
        let parts = [(Part::Text, "one two"), (Part::Title, ""), (Part::FileName(0), "three")];
        for_each_part_token(&parts, |part, token| {
            found.push((part, token.term.to_owned(), token.position));
        });
        assert_eq!(
            found,
            [
                (Part::Text, "one".to_owned(), 0),
                (Part::Text, "two".to_owned(), 1),
                (Part::FileName(0), "three".to_owned(), 202),
            ]
        );
    }

    #[test]
    fn a_mention_begins_a_word() {
        assert_eq!(mentions("@Jörg, see (@ann-lee.) and a@b.example @"), ["jorg", "ann-lee"]);
    }

    #[test]
    fn a_mention_may_have_three_words() {
        assert_eq!(mentions("@Jörg Weiß, please"), ["jorg", "jorg weiss"]);
        assert_eq!(mentions("@J. R. Doe said"), ["j", "j. r", "j. r. doe"]);
        assert_eq!(mentions("@ann  lee @ @. @bo -"), ["ann", "bo"]);
    }

    #[test]
    fn a_mention_by_id_in_the_rich_text_counts_beside_the_name_in_the_text() {
        let said = Content { rich_text: Some("hi <@U2> and @bo".to_owned()), ..content("hi @Bo") };
        assert_eq!(mentions_of(&said), ["bo", "u2"]);
    }

    #[test]
    fn a_link_has_a_scheme_and_a_host() {
        for text in ["https://example.com", "see ftp://x", "(http://[::1]/)"] {
            assert!(has_link(text), "{text}");
        }
        for text in ["", "://", "x://y", "http://", "http:// x", "a b"] {
            assert!(!has_link(text), "{text}");
        }
    }

    #[test]
    fn an_extension_is_a_word_after_the_last_dot() {
        assert_eq!(extension("Plan.final.PDF").as_deref(), Some("pdf"));
        for name in ["plan", ".bashrc", "plan.", "a.b c"] {
            assert_eq!(extension(name), None, "{name}");
        }
    }
}
