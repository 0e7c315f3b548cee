//! The query language.

use std::sync::LazyLock;

use chat::limits::QUERY_BYTES_MAX;
use chat::{Recorded, Seq};
use query::{Analysed, Query, Unmarked, Zone, explain, matches};

/// An event that a query may find.
static EVENT: LazyLock<Recorded> = LazyLock::new(|| {
    let text = "The Net loss of foo-bar, naïve 手紙 👩‍🚀 budgets: 42 (draft) net of losses";
    let event = chat::testing::message(1, 2, 3, text);
    let recorded_at = event.at;
    Recorded { seq: Seq::FIRST, place_seq: None, place_prev: None, recorded_at, event }
});

/// A query is refused with a column of it, or understood; understood, it says the same again, and is matched and explained.
pub(super) fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let query = match Query::parse(&text, &Zone::Utc) {
        Ok(query) => query,
        Err(refusal) => {
            assert!((1..=text.chars().count() + 1).contains(&refusal.column), "{refusal}");
            return;
        }
    };
    assert!(text.len() <= QUERY_BYTES_MAX, "a query over the limit was taken");
    let spoken = query.interpreted();
    match Query::parse(&spoken, &Zone::Utc) {
        Ok(again) => assert_eq!(again.root(), query.root(), "{spoken}"),
        Err(refusal) => assert!(spoken.len() > QUERY_BYTES_MAX, "{spoken}: {refusal}"),
    }
    let analysed = Analysed::of(&EVENT, None);
    let found = matches(&query, &analysed, &Unmarked);
    let explanation = explain(&query, &analysed, &Unmarked);
    assert_eq!(explanation.matched, found.is_some(), "{spoken}: matched and explained differ");
}
