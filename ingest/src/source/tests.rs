//! Whatever bytes a parser is fed, it ends, it does not panic, and it never holds more than it may.

use proptest::prelude::*;

use super::jsonl::JsonLines;
use super::lync::LyncXml;
use super::slack::SlackExport;
use super::*;
use crate::input::Container;

fn drain(source: &mut dyn EventSource) -> usize {
    let mut pieces = 0;
    while let Some(next) = source.next() {
        pieces += 1;
        if next.is_err() {
            assert!(source.next().is_none(), "after an error nothing follows");
            break;
        }
    }
    pieces
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        chat::testing::any_text().prop_map(Value::String),
        Just(Value::String("2024-03-04T09:15:00Z".to_owned())),
        Just(Value::String("1516524675.000024".to_owned())),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name = prop_oneof![
            Just("source"),
            Just("room"),
            Just("sender"),
            Just("time"),
            Just("text"),
            Just("id"),
            Just("kind"),
            Just("event"),
            Just("attachments"),
            Just("blocks"),
            Just("elements"),
            Just("fields"),
            Just("fallback"),
            Just("type"),
            Just("reactions"),
            Just("members"),
            Just("value"),
            Just("senders"),
            Just("name"),
            Just("path"),
            Just("raw"),
            Just("deleted"),
            Just("ts"),
            Just("user"),
            Just("subtype"),
            Just("message"),
            Just("previous_message"),
            Just("files"),
            Just("users"),
            Just("edited"),
            Just("thread_ts"),
            Just("team"),
            Just("mood"),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((name, inner), 0..8).prop_map(|members| {
                Value::Object(
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                )
            }),
        ]
    })
}

/// Bytes that look like markup now and then.
fn any_markup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"<Conversations>".to_vec()),
        Just(b"<Conversation>".to_vec()),
        Just(b"<Channel uri=\"ma-chan://a/1\" name='x'/>".to_vec()),
        Just(b"<FirstMessage type=\"JOIN\">".to_vec()),
        Just(b"</FirstMessage>".to_vec()),
        Just(b"<Message type=\"CHAT\" content=\"&lt;&#x1F642;\" id=\"1\">".to_vec()),
        Just(b"<Sender UserName=\"A\" id=\"1\"/>".to_vec()),
        Just(b"<DateTimeUTC long=\"633482073409535482\"/>".to_vec()),
        Just(b"</Message>".to_vec()),
        Just(b"</Conversation>".to_vec()),
        Just(b"</Conversations>".to_vec()),
        Just(b"<!DOCTYPE a [<!ENTITY b \"c\">]>&b;".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn lines_of_any_bytes_end_in_pieces(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drain(&mut JsonLines::new(bytes.as_slice(), "in", Reading::default()));
    }

    #[test]
    fn lines_of_any_json_lose_nothing(values in proptest::collection::vec(any_json(), 0..4)) {
        let lines: Vec<_> = values.iter().map(ToString::to_string).collect();
        let lines = lines.join("\n");
        let pieces = drain(&mut JsonLines::new(lines.as_bytes(), "in", Reading::default()));
        prop_assert!(pieces >= values.len());
    }

    #[test]
    fn any_markup_ends_in_pieces(bytes in any_markup()) {
        drain(&mut LyncXml::new(bytes.as_slice(), "in", Reading::default()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_day_of_any_json_loses_nothing(values in proptest::collection::vec(any_json(), 0..4), lists in any_json()) {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
        };
        put("channels.json", lists.to_string());
        put("users.json", lists.to_string());
        put("general/2018-01-01.json", serde_json::Value::Array(values.clone()).to_string());
        let reading = Reading { source: Some("s".into()), ..Reading::default() };
        let container = Container::open(folder.path()).unwrap();
        let mut source = SlackExport::open(container, reading).unwrap();
        prop_assert!(drain(&mut source) >= values.len());
    }
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    for path in [folder.path().join("secret"), inner.join("file")] {
        std::fs::File::create(path).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("secret"), inner.join("link")).unwrap();
    assert!(within(&inner, "file").is_ok());
    for name in ["../secret", "/etc/passwd", "link", ".", "a/../file", "x\0", "..\\secret"] {
        let reason = within(&inner, name).unwrap_err();
        assert!(reason.contains("leaves the folder"), "{name:?}: {reason}");
    }
    for name in ["", "absent", "file/below"] {
        assert!(within(&inner, name).unwrap_err().contains("has no file"), "{name:?}");
    }
}
