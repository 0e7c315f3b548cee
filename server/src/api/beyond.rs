//! What lies beyond a scope is not there: not shown, proven, explained, opened, exported, nor named beside what is.

use chat::{Seq, Timestamp};
use index::{Scope, Window};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::exports::{self, Order};
use super::search::Asking;
use super::{quarantine, search, show};
use crate::auth::{Caller, Way};
use crate::config::Config;
use crate::problem::{Problem, Result};
use crate::wiring::{Appliance, Founding, Shared};

/// Two rooms, an edit within one of them, a file that is missing, and a line that is no event.
const LINES: &str = r#"{"source":"S","room":"open","sender":"Ada","time":"2024-03-04T10:00:00Z","id":"1","text":"first budget"}
{"source":"S","room":"shut","sender":"Bo","time":"2024-03-04T10:01:00Z","id":"2","text":"secret budget","attachments":["plan.pdf"]}
{"source":"S","room":"open","sender":"Bo","time":"2024-03-04T10:02:00Z","id":"3","text":"second budget"}
{"source":"S","room":"open","sender":"Ada","time":"2024-03-04T10:03:00Z","id":"4","text":"third budget"}
{"source":"S","room":"open","sender":"Bo","time":"2024-03-04T11:04:00Z","id":"5","edited_of":"3","text":"second budget, mended"}
{"source":"S","room":"open","sender":"Bo","time":"2024-03-04T11:05:00Z","id":"6","text":"late budget"}
no event at all
"#;

struct Desk {
    shared: Shared,
    caller: Caller,
    _folder: TempDir,
}

impl Desk {
    async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let founding = Founding {
            officer: "Ada Example".to_owned(),
            recordkeeping: archive::Recordkeeping::AuditTrail,
            demo: true,
        };
        let data = folder.path().join("archive");
        let shared = Appliance::found(&data, Config::default(), founding).await.unwrap();
        let pieces = super::events::pieces(LINES.as_bytes()).unwrap();
        shared.ingest.accept_pieces(pieces).unwrap();
        Self { shared, caller: Caller::officer("Ada Example", Way::Process), _folder: folder }
    }

    /// Returns the events that a query finds for an officer, ascending.
    fn find(&self, text: &str) -> Vec<Seq> {
        let query = crate::wire::search::parse(text, "UTC").unwrap();
        let index = &self.shared.index;
        index.seqs(&query, &Scope::of_officer(), &index.newest()).unwrap()
    }

    /// Returns the one event with these words.
    fn said(&self, words: &str) -> Seq {
        let found = self.find(&format!("\"{words}\" -has:edit"));
        assert_eq!(found.len(), 1, "{words}");
        found[0]
    }

    /// Returns the scope of the open room between two times of the day.
    fn of_open_room(&self, from: &str, until: &str) -> Scope {
        let first = self.shared.archive.read(self.said("first budget")).unwrap().unwrap();
        let time = |of_day: &str| Timestamp::parse_rfc3339(&format!("2024-03-04T{of_day}Z")).ok();
        Scope::of_windows(vec![Window {
            rooms: Some(vec![first.event.place.unwrap().room]),
            from: time(from),
            until: time(until),
            ..Window::default()
        }])
    }

    /// Asks for an event in each way that there is.
    fn ask(&self, scope: &Scope, seq: Seq) -> Vec<(&'static str, Result<Value>)> {
        let (shared, caller) = (&self.shared, &self.caller);
        let asking = Asking { q: "budget".to_owned(), zone: None };
        let as_json = |view: show::View| serde_json::to_value(view).unwrap();
        vec![
            ("show", show::look(shared, caller, scope, (seq, 2)).map(as_json)),
            ("prove", show::proven(shared, caller, scope, (seq, None))),
            ("explain", search::explained(shared, caller, scope, seq, &asking)),
            ("open", show::opened(shared, caller, scope, (seq, 0)).map(|(name, _)| json!(name))),
            ("quarantine", quarantine::record(shared, caller, scope, seq)),
            ("export", self.export(scope, &[seq])),
        ]
    }

    fn export(&self, scope: &Scope, seqs: &[Seq]) -> Result<Value> {
        let seqs = seqs.iter().map(|seq| seq.get()).collect();
        self.freeze(scope, &Order { seqs: Some(seqs), ..Order::default() })
            .map(|set| json!(set.id().to_string()))
    }

    fn freeze(&self, scope: &Scope, order: &Order) -> Result<export::ExportSet> {
        exports::freeze(&self.shared, &self.caller, scope, order)
    }

    /// Returns how many officers' acts are on record.
    fn acts(&self) -> u64 {
        self.shared.archive.head().0
    }
}

/// Returns a refusal as it is sent, without the number that was asked for.
fn body(refusal: &Problem, seq: Seq) -> String {
    let number = seq.get().to_string();
    refusal.document().to_string().replace(&format!("event {number} "), "event N ")
}

#[tokio::test]
async fn what_lies_outside_a_scope_is_answered_in_the_very_words_of_what_is_not_there() {
    let desk = Desk::open().await;
    let whole = Scope::of_officer();
    let scope = desk.of_open_room("10:00:00", "11:00:00");
    // An officer's act is there for nobody, and stands for whatever is not there.
    let act = desk.shared.archive.head().0 + 1;
    desk.ask(&whole, desk.said("first budget"));
    let absent = desk.ask(&whole, Seq::new(act).unwrap());
    let far = desk.ask(&whole, Seq::new(9_999).unwrap());
    let before = desk.acts();
    let quarantined = desk.find("kind:quarantined");
    assert_eq!(quarantined.len(), 1);
    let outside = [desk.said("secret budget"), desk.said("late budget"), quarantined[0]];
    for seq in outside {
        for (number, (way, answer)) in desk.ask(&scope, seq).into_iter().enumerate() {
            let refused = answer.map(|_| ()).expect_err(way);
            let expected = absent[number].1.as_ref().unwrap_err();
            assert_eq!(body(&refused, seq), body(expected, Seq::new(act).unwrap()), "{way} {seq}");
            if way != "export" {
                assert_eq!(refused.kind.status(), 404, "{way} {seq}");
                let expected = far[number].1.as_ref().unwrap_err();
                assert_eq!(body(&refused, seq), body(expected, Seq::new(9_999).unwrap()));
            }
        }
    }
    assert_eq!(desk.acts(), before, "nothing was looked at, so nothing is on record");
    let inside = desk.ask(&scope, desk.said("first budget"));
    let answered = inside.iter().filter(|(_, answer)| answer.is_ok()).count();
    assert_eq!(answered, 4, "shown, proven, explained and exported: {inside:?}");
    desk.shared.close().await.unwrap();
}

#[tokio::test]
async fn beside_an_event_stands_only_what_is_within_the_scope() {
    let desk = Desk::open().await;
    let texts = |view: &show::View| {
        let parts = [&view.before, &view.versions, &view.after].map(|events| {
            let documents = events.iter().map(|event| serde_json::to_value(event).unwrap());
            documents.map(|event| event["text"].as_str().unwrap_or("-").to_owned()).collect()
        });
        parts.map(|texts: Vec<String>| texts.join("; "))
    };
    let look = |scope: &Scope, context| {
        let seq = desk.said("second budget");
        texts(&show::look(&desk.shared, &desk.caller, scope, (seq, context)).unwrap())
    };
    let [before, versions, after] = look(&Scope::of_officer(), 3);
    assert!(before.ends_with("first budget"), "{before}");
    assert_eq!(versions, "second budget; second budget, mended");
    assert_eq!(after, "third budget; second budget, mended; late budget");
    let until_eleven = desk.of_open_room("10:02:00", "11:00:00");
    assert_eq!(look(&until_eleven, 3), ["", "", "third budget"].map(str::to_owned));
    let day = desk.of_open_room("10:00:00", "23:00:00");
    let [before, versions, after] = look(&day, 1);
    assert_eq!([before.as_str(), &after], ["first budget", "third budget"]);
    assert_eq!(versions, "second budget; second budget, mended");
    assert_eq!(look(&day, 0)[0], "");
    desk.shared.close().await.unwrap();
}

#[tokio::test]
async fn a_search_in_a_scope_names_nobody_whom_it_does_not_show() {
    let desk = Desk::open().await;
    let query = crate::wire::search::parse("room:shot OR from:boo OR ext:pdx", "UTC").unwrap();
    let warnings = |scope: &Scope| super::warnings::of(&query, &desk.shared, scope).unwrap();
    assert_eq!(warnings(&Scope::of_officer()).len(), 3);
    assert_eq!(warnings(&desk.of_open_room("10:00:00", "11:00:00")), Vec::<String>::new());
    desk.shared.close().await.unwrap();
}

#[tokio::test]
async fn an_export_takes_nothing_from_beyond_its_scope_whatever_surrounds_a_hit() {
    let desk = Desk::open().await;
    let scope = desk.of_open_room("10:00:00", "11:00:00");
    let order = |context: &str| Order {
        query: Some("budget".to_owned()),
        context: Some(context.to_owned()),
        ..Order::default()
    };
    let expected = ["first budget", "second budget", "third budget"].map(|text| desk.said(text));
    for context in ["none", "day", "9"] {
        let set = desk.freeze(&scope, &order(context)).unwrap();
        assert_eq!(set.selection().seqs, expected, "{context}");
        assert_eq!(set.selection().related, [], "{context}");
        assert_eq!(set.selection().not_searched.quarantined, 0);
    }
    let whole = desk.freeze(&Scope::of_officer(), &order("day")).unwrap();
    assert!(whole.selection().seqs.len() > expected.len());
    let again = |id: String| Order { set: Some(id), ..Order::default() };
    let refused = desk.freeze(&scope, &again(whole.id().to_string())).unwrap_err();
    let unknown = desk.freeze(&scope, &again("0".repeat(24))).unwrap_err();
    let words = |refusal: &Problem| {
        let words = refusal.document().to_string();
        words.replace(&whole.id().to_string(), "ID").replace(&"0".repeat(24), "ID")
    };
    assert_eq!(words(&refused), words(&unknown));
    let range = |first: Seq, last: Seq| Order {
        range: Some(format!("{first}..{last}")),
        room: Some("open".to_owned()),
        ..Order::default()
    };
    let [first, second, third] = expected;
    assert!(desk.freeze(&scope, &range(first, third)).is_err(), "a neighbour is outside");
    let inner = desk.freeze(&scope, &range(second, second)).unwrap();
    assert_eq!(inner.selection().seqs, [second]);
    desk.shared.close().await.unwrap();
}
