//! All words of one message, in one order: its text, its blocks, its attachments, its files' titles and comments.
//!
//! An app may leave `text` empty and say everything in blocks or attachments; a person's message says the same in both. So
//! every further piece is a line of its own, and it is left out where its words stand there already. Of an attachment
//! come, in this order: author, pretext, title, text, blocks, fields, footer, and the fallback if it has a word that none
//! of the others had.

use std::collections::HashSet;

use chat::limits;
use serde_json::Value;

use super::layout::Layout;
use super::markup::{escaped, plain};
use super::record::{File, Record};

/// Pieces that are compared with all the words before them. A message has a few; one made to cost time has thousands.
const COMPARED_MAX: usize = 500;

/// The members that hold words of a block or attachment, in the order in which they are shown.
const SHOWN: [&str; 17] = [
    "author_name",
    "pretext",
    "title",
    "label",
    "text",
    "description",
    "elements",
    "rows",
    "accessory",
    "blocks",
    "message_blocks",
    "message",
    "fields",
    "value",
    "alt_text",
    "footer",
    "fallback",
];

/// The words of a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// As a reader sees them.
    pub(super) text: String,
    /// As Slack writes them, where that is something else.
    pub(super) markup: Option<String>,
    /// Whether some did not fit.
    pub(super) cut: bool,
}

/// Gathers what a record says; nothing where it has no text and nothing else that says anything.
pub(super) fn of(record: &Record<'_>, layout: &Layout) -> Option<Words> {
    let mut gathered = Gathered::new(layout);
    if let Some(text) = &record.text {
        gathered.begin(&text.0);
    }
    for list in [record.blocks, record.attachments].into_iter().flatten() {
        // What cannot be read as JSON of sensible depth is kept raw with the record.
        if let Ok(list) = serde_json::from_str::<Value>(list.get()) {
            gathered.walk(&list);
        }
    }
    let files = record.files.as_deref().unwrap_or_default().iter().chain(&record.file);
    files.for_each(|file| gathered.file(file));
    if let Some(comment) = record.comment.as_ref().and_then(|comment| comment.comment.as_ref()) {
        gathered.piece(&comment.0);
    }
    (record.text.is_some() || !gathered.markup.is_empty()).then(|| gathered.end())
}

struct Gathered<'l> {
    layout: &'l Layout,
    text: String,
    markup: String,
    /// The words so far, folded, each between spaces.
    folded: String,
    compared: usize,
    cut: bool,
}

impl<'l> Gathered<'l> {
    fn new(layout: &'l Layout) -> Self {
        let (text, markup, folded) = (String::new(), String::new(), String::new());
        Self { layout, text, markup, folded, compared: 0, cut: false }
    }

    /// Takes the message's own text: it is never left out.
    fn begin(&mut self, markup: &str) {
        self.markup.push_str(markup);
        self.text.push_str(&plain(markup, self.layout));
    }

    /// Takes a piece of markup, unless its words are there already or there is no room for it.
    fn piece(&mut self, markup: &str) {
        let text = plain(markup, self.layout);
        if self.folded.is_empty() {
            self.folded = fold(&self.text);
        }
        let folded = fold(&text);
        self.compared += 1;
        let known = self.compared < COMPARED_MAX && self.folded.contains(&folded);
        if folded.trim().is_empty() || known {
            return;
        }
        let fits = |had: &str, more: &str| had.len() + more.len() < limits::TEXT_BYTES_MAX;
        if !fits(&self.text, &text) || !fits(&self.markup, markup) {
            self.cut = true;
            return;
        }
        for (all, more) in [(&mut self.text, &*text), (&mut self.markup, markup)] {
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(more);
        }
        self.folded.push_str(&folded);
    }

    /// Takes the plain form of an attachment, if it has a word that was not there.
    fn fallback(&mut self, markup: &str) {
        self.compared += 1;
        if self.compared >= COMPARED_MAX {
            return self.piece(markup);
        }
        if self.folded.is_empty() {
            self.folded = fold(&self.text);
        }
        let had: HashSet<&str> = self.folded.split(' ').collect();
        if fold(&plain(markup, self.layout)).split(' ').any(|word| !had.contains(word)) {
            self.piece(markup);
        }
    }

    fn file(&mut self, file: &File<'_>) {
        let title = file.title.as_ref().map(|title| &*title.0);
        // The name of the file is content of its own.
        if let Some(title) = title.filter(|title| Some(*title) != file.name.as_ref().map(|n| &*n.0))
        {
            self.piece(title);
        }
        let comment = file.initial_comment.as_ref().and_then(|comment| comment.comment.as_ref());
        if let Some(comment) = comment {
            self.piece(&comment.0);
        }
    }

    /// Takes the words of a block, an attachment or a part of one.
    fn walk(&mut self, part: &Value) {
        match part {
            Value::Array(list) => list.iter().for_each(|part| self.walk(part)),
            Value::Object(members) => match members.get("type").and_then(Value::as_str) {
                Some("rich_text_section" | "rich_text_quote" | "rich_text_preformatted") => {
                    let parts = members.get("elements").and_then(Value::as_array);
                    let line: String = parts.into_iter().flatten().map(inline).collect();
                    self.piece(&line);
                }
                kind => {
                    for name in SHOWN {
                        // A button's value is what it sends, not what it shows.
                        let shown = members.get(name).filter(|_| name != "value" || kind.is_none());
                        self.member(name, kind, shown);
                    }
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn member(&mut self, name: &str, kind: Option<&str>, shown: Option<&Value>) {
        match shown {
            Some(Value::String(text)) if name == "fallback" => self.fallback(text),
            Some(Value::String(text)) if matches!(kind, Some("plain_text" | "raw_text")) => {
                self.piece(&escaped(text));
            }
            Some(Value::String(text)) => self.piece(text),
            Some(part) => self.walk(part),
            None => {}
        }
    }

    fn end(self) -> Words {
        let markup = Some(self.markup).filter(|markup| *markup != self.text);
        Words { text: self.text, markup, cut: self.cut }
    }
}

/// Returns an element of a line of rich text as markup.
fn inline(element: &Value) -> String {
    let said = |name: &str| element.get(name).and_then(Value::as_str).unwrap_or_default();
    match said("type") {
        "user" => format!("<@{}>", said("user_id")),
        "channel" => format!("<#{}>", said("channel_id")),
        "usergroup" => format!("<!subteam^{}>", said("usergroup_id")),
        "broadcast" => format!("<!{}>", said("range")),
        "link" if said("text").is_empty() => format!("<{}>", said("url")),
        "link" => format!("<{}|{}>", said("url"), said("text")),
        "emoji" => match element.get("skin_tone").and_then(Value::as_u64) {
            Some(tone) => format!(":{}::skin-tone-{tone}:", said("name")),
            None => format!(":{}:", said("name")),
        },
        "date" => escaped(said("fallback")).into_owned(),
        "color" => escaped(said("value")).into_owned(),
        _ => escaped(said("text")).into_owned(),
    }
}

/// Returns the words in lower case, each between spaces.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 2);
    folded.push(' ');
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        folded.push_str(&word.to_lowercase());
        folded.push(' ');
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(members: &str) -> Option<Words> {
        let json = format!("{{{members}}}");
        let mut layout = Layout::default();
        layout.take_users(br#"[{"id":"U2","profile":{"display_name":"Bo Beta"}}]"#).unwrap();
        of(&serde_json::from_str(&json).unwrap(), &layout)
    }

    fn text(members: &str) -> String {
        said(members).unwrap().text
    }

    #[test]
    fn a_text_and_the_blocks_that_say_the_same_count_once() {
        let members = r#""text":"*Move* <@U2> to R&amp;D :wave::skin-tone-2:\n• one\n• <https://x.example/y|two>","blocks":[
            {"type":"rich_text","block_id":"q","elements":[
              {"type":"rich_text_section","elements":[
                {"type":"text","text":"Move","style":{"bold":true}},{"type":"text","text":" "},
                {"type":"user","user_id":"U2"},{"type":"text","text":" to R&amp;D "},
                {"type":"emoji","name":"wave","skin_tone":2}]},
              {"type":"rich_text_list","style":"bullet","elements":[
                {"type":"rich_text_section","elements":[{"type":"text","text":"one"}]},
                {"type":"rich_text_section","elements":[{"type":"link","url":"https://x.example/y","text":"two"}]}]}]}]"#;
        let words = said(members).unwrap();
        assert_eq!(
            words.text,
            "*Move* @Bo Beta to R&D :wave::skin-tone-2:\n• one\n• two (https://x.example/y)"
        );
        assert!(words.markup.unwrap().starts_with("*Move* <@U2> to R&amp;D"));
    }

    #[test]
    fn words_that_stand_in_blocks_alone_are_taken_in_their_order() {
        let members = r#""text":"","blocks":[
            {"type":"header","text":{"type":"plain_text","text":"Q1 <draft>"}},
            {"type":"section","text":{"type":"mrkdwn","text":"by <@U2>"},
             "fields":[{"type":"mrkdwn","text":"left"},{"type":"plain_text","text":"right"}],
             "accessory":{"type":"button","text":{"type":"plain_text","text":"Approve"},"value":"hidden"}},
            {"type":"context","elements":[{"type":"image","image_url":"https://x/i.png","alt_text":"a chart"},
             {"type":"mrkdwn","text":"seen <!here>"}]},
            {"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"a < b"}]}]}]"#;
        let words = said(members).unwrap();
        assert_eq!(
            words.text,
            "Q1 <draft>\nby @Bo Beta\nApprove\nleft\nright\na chart\nseen @here\na < b"
        );
        assert!(words.markup.unwrap().contains("by <@U2>"), "the id of a mention is kept");
    }

    #[test]
    fn attachments_give_all_that_they_show_and_their_plain_form_only_if_it_says_more() {
        let members = r#""text":"see","attachments":[
            {"fallback":"Build 7 failed","pretext":"Build","title":"7","text":"failed","author_name":"ci",
             "fields":[{"title":"branch","value":"main","short":true}],"footer":"by robot"},
            {"fallback":"only here"}]"#;
        assert_eq!(text(members), "see\nci\nBuild\n7\nfailed\nbranch\nmain\nby robot\nonly here");
    }

    #[test]
    fn titles_and_comments_of_files_are_words() {
        let members = r#""text":"up","files":[{"name":"a.txt","title":"a.txt"},
            {"name":"b.txt","title":"The plan","initial_comment":{"comment":"mind the gap"}}],
            "comment":{"comment":"late word"}"#;
        assert_eq!(text(members), "up\nThe plan\nmind the gap\nlate word");
    }

    #[test]
    fn a_message_without_words_has_none_and_an_empty_text_stays_empty() {
        assert_eq!(said(r#""ts":"1.0""#), None);
        assert_eq!(said(r#""text":"","blocks":[{"type":"divider"}]"#).unwrap().text, "");
        assert_eq!(said(r#""text":"a","blocks":7"#).unwrap().text, "a");
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(text(&format!(r#""text":"a","blocks":{deep}"#)), "a");
    }

    #[test]
    fn a_message_made_of_thousands_of_pieces_is_read_without_comparing_each_with_all() {
        let long = "word ".repeat(100_000);
        let pieces = vec![r#"{"fallback":"word","text":"word"}"#; 20_000].join(",");
        let words = said(&format!(r#""text":"{long}","attachments":[{pieces}]"#)).unwrap();
        assert!(words.text.len() > long.len() && words.text.ends_with("word"));
    }

    #[test]
    fn words_beyond_the_limit_are_left_out_with_a_sign() {
        let long = "x".repeat(limits::TEXT_BYTES_MAX - 10);
        let members = format!(
            r#""text":"{long}","attachments":[{{"text":"too many words"}},{{"text":"few"}}]"#
        );
        let words = said(&members).unwrap();
        assert!(words.cut && words.text.ends_with("x\nfew"));
    }
}
