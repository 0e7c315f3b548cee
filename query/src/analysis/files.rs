//! The files that an event is about.

use chat::{ChatEvent, EventKind};

/// Returns the names of the files that an event is about, as they are written: those of its attachments; and of an upload or
/// a download that lists none, its text, which is the file's name (contract.md §2).
///
/// ```
/// use chat::EventKind;
/// use query::analysis::file_names;
///
/// let upload = chat::ChatEvent { kind: EventKind::Upload, ..chat::testing::message(1, 1, 1, "budget.xlsx") };
/// assert_eq!(file_names(&upload).collect::<Vec<_>>(), ["budget.xlsx"]);
/// assert_eq!(file_names(&chat::testing::message(1, 1, 1, "budget.xlsx")).count(), 0);
/// ```
pub fn file_names(event: &ChatEvent) -> impl Iterator<Item = &str> {
    let content = &event.content;
    let is_moved = matches!(event.kind, EventKind::Upload | EventKind::Download);
    let is_name = is_moved && content.attachments.is_empty();
    let text = content.text.as_deref().map(str::trim).filter(|text| is_name && !text.is_empty());
    content.attachments.iter().map(|file| file.name.as_str()).chain(text)
}
