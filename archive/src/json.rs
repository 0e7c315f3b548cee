//! The two content fields that are JSON: ledger acts and attachments. One way to write each, and only that way is read.

use std::collections::BTreeMap;

use chat::{Act, Attachment, Custody, Fact};
use serde_json::{Map, Value};

/// Returns the bytes of an act: a JSON object, keys in byte order, no space.
pub(crate) fn encode_act(act: &Act) -> Vec<u8> {
    let mut object = to_map(&act.facts);
    object.insert("verb".to_owned(), Value::String(act.verb.clone()));
    Value::Object(object).to_string().into_bytes()
}

/// Returns the act of these bytes, or nothing if they are not as [`encode_act`] would write them.
pub(crate) fn decode_act(bytes: &[u8]) -> Option<Act> {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(bytes) else { return None };
    let Some(Value::String(verb)) = object.remove("verb") else { return None };
    let act = Act { verb, facts: from_map(object)? };
    (encode_act(&act) == bytes).then_some(act)
}

fn to_map(facts: &BTreeMap<String, Fact>) -> Map<String, Value> {
    facts.iter().map(|(name, fact)| (name.clone(), to_value(fact))).collect()
}

fn to_value(fact: &Fact) -> Value {
    match fact {
        Fact::Text(text) => Value::String(text.clone()),
        Fact::Number(number) => Value::from(*number),
        Fact::Flag(flag) => Value::Bool(*flag),
        Fact::List(list) => Value::Array(list.iter().map(to_value).collect()),
        Fact::Map(map) => Value::Object(to_map(map)),
    }
}

fn from_map(object: Map<String, Value>) -> Option<BTreeMap<String, Fact>> {
    object.into_iter().map(|(name, value)| Some((name, from_value(value)?))).collect()
}

fn from_value(value: Value) -> Option<Fact> {
    Some(match value {
        Value::String(text) => Fact::Text(text),
        Value::Number(number) => Fact::Number(number.as_i64()?),
        Value::Bool(flag) => Fact::Flag(flag),
        Value::Array(list) => Fact::List(list.into_iter().map(from_value).collect::<Option<_>>()?),
        Value::Object(object) => Fact::Map(from_map(object)?),
        Value::Null => return None,
    })
}

/// Returns the bytes of an attachment: a JSON object, keys in byte order, no space.
pub(crate) fn encode_attachment(attachment: &Attachment) -> Vec<u8> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    put("name", Some(attachment.name.clone().into()));
    put("media_type", attachment.media_type.clone().map(Value::from));
    put("address", attachment.address.clone().map(Value::from));
    match &attachment.custody {
        Custody::Held { file, bytes } => {
            put("sha256", Some(file.to_string().into()));
            put("bytes", Some((*bytes).into()));
        }
        Custody::Missing { reason, claimed_bytes } => {
            put("missing", Some(reason.clone().into()));
            put("claimed_bytes", claimed_bytes.map(Value::from));
        }
    }
    Value::Object(object).to_string().into_bytes()
}

/// Returns the attachment of these bytes, or nothing if they are not as [`encode_attachment`] would write them.
pub(crate) fn decode_attachment(bytes: &[u8]) -> Option<Attachment> {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(bytes) else { return None };
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let custody = match text("sha256") {
        Some(hash) => Custody::Held {
            file: hash.parse().ok()?,
            bytes: object.get("bytes").and_then(Value::as_u64)?,
        },
        None => Custody::Missing {
            reason: text("missing")?,
            claimed_bytes: object.get("claimed_bytes").and_then(Value::as_u64),
        },
    };
    let attachment = Attachment {
        name: text("name")?,
        media_type: text("media_type"),
        address: text("address"),
        custody,
    };
    (encode_attachment(&attachment) == bytes).then_some(attachment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_an_act_stand_in_byte_order_whatever_was_put_in_first() {
        let act = Act::new("search").with("zone", "UTC").with("count", 3_u64).with("all", true);
        let bytes = encode_act(&act);
        assert_eq!(bytes, br#"{"all":true,"count":3,"verb":"search","zone":"UTC"}"#);
        assert_eq!(decode_act(&bytes), Some(act));
    }

    #[test]
    fn an_act_that_we_would_write_otherwise_is_not_read() {
        for bytes in [
            &br#"{ "verb":"search"}"#[..],
            br#"{"verb":"search","count":3}"#,
            br#"{"count":1.5,"verb":"x"}"#,
            br#"{"count":null,"verb":"x"}"#,
            br#"{"count":3}"#,
            b"[]",
            b"",
        ] {
            assert_eq!(decode_act(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
