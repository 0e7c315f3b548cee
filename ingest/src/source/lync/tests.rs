//! Claims about compliance XML.

use chat::EventKind;

use super::*;
use crate::draft::DraftKey;

const SENDER: &str = r#"<Sender UserName="Ada" id="10" email="ada@example.org" internal="true" uri="sip:ada@example.org"/>"#;
const TIME: &str = r#"<DateTimeUTC since1970="1212610540953" string="2008-06-04T20:15:40.9535482Z" long="633482073409535482"/>"#;

fn message(element: &str, kind: &str, content: &str, id: u32) -> String {
    format!(r#"<{element} type="{kind}" content="{content}" id="{id}">{SENDER}{TIME}</{element}>"#)
}

fn file(first: &str, messages: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Conversations><Conversation>\
         <Channel uri=\"ma-chan://Example.org/7f3c\" name=\"Desk A\"/>{first}\
         <Messages>{messages}</Messages></Conversation></Conversations>"
    )
}

fn read(xml: &str) -> (Vec<Sourced>, Option<String>) {
    let mut source = LyncXml::new(xml.as_bytes(), "in.xml", Reading::default());
    let mut all = Vec::new();
    while let Some(next) = source.next() {
        match next {
            Ok(sourced) => all.push(sourced),
            Err(error) => return (all, Some(error.to_string())),
        }
    }
    (all, None)
}

fn drafts(xml: &str) -> Vec<Draft> {
    let (all, error) = read(xml);
    assert_eq!(error, None);
    let draft = |sourced| match sourced {
        Sourced::Draft(draft) => *draft,
        Sourced::Unreadable(piece) => panic!("{}", piece.reason),
    };
    all.into_iter().map(draft).collect()
}

#[test]
fn a_message_has_its_room_sender_time_and_element() {
    let element = message("Message", "CHAT", "a &lt;b&gt; &amp; &#x1F642;", 1);
    let all = drafts(&file("", &element));
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].source, "example.org");
    assert_eq!(all[0].text.as_deref(), Some("a <b> & 🙂"));
    assert_eq!(all[0].key, DraftKey::Given("ma-chan://Example.org/7f3c/1".into()));
    assert_eq!(all[0].raw.as_deref(), Some(element.as_bytes()));
    assert_eq!(all[0].at.to_string(), "2008-06-04T20:15:40.953548Z");
    let actor = all[0].actor.as_ref().unwrap();
    assert_eq!(actor.foreign_id.as_deref(), Some("sip:ada@example.org"));
    assert_eq!(all[0].place.as_ref().unwrap().name, "Desk A");
}

#[test]
fn every_type_has_its_kind_and_an_unknown_one_is_kept() {
    let types = ["JOIN", "PART", "CHAT", "BACKCHAT", "FILEUPLOAD", "FILEDOWNLOAD", "PURGE"];
    let kinds = ["join", "leave", "message", "history", "upload", "download", "other"];
    let list: String = types.iter().map(|kind| message("Message", kind, "x", 0)).collect();
    let all = drafts(&file("", &list));
    let found: Vec<_> = all.iter().map(|draft| draft.kind.word()).collect();
    assert_eq!(found, kinds);
    assert!(all.iter().all(|draft| draft.key == DraftKey::Derived), "0 is no id");
    assert_eq!(all[4].attachments[0].name, "x");
}

#[test]
fn the_first_message_is_an_event_of_its_own_unless_the_list_begins_with_it() {
    let first = message("FirstMessage", "CHAT", "hello", 1);
    let same = message("Message", "CHAT", "hello", 1);
    let later = same.replace("633482073409535482", "633482073409535492");
    assert_eq!(drafts(&file(&first, &same)).len(), 1);
    assert_eq!(drafts(&file(&first, &later)).len(), 2);
    assert_eq!(drafts(&file(&first, "")).len(), 1);
    assert_eq!(drafts(&file(&first, &format!("{later}{same}"))).len(), 3);
}

#[test]
fn an_element_that_cannot_be_read_is_kept_and_the_rest_goes_on() {
    let good = message("Message", "CHAT", "x", 1);
    let entity = message("Message", "CHAT", "&bomb;", 2);
    let timeless = format!("<Message type=\"CHAT\" content=\"y\" id=\"3\">{SENDER}</Message>");
    let list = format!("{good}{entity}{timeless}{good}");
    let (all, error) = read(&file("", &list));
    assert_eq!(error, None);
    let reasons: Vec<_> = all
        .iter()
        .filter_map(|sourced| match sourced {
            Sourced::Unreadable(piece) => Some((piece.reason.as_str(), piece.raw.clone())),
            Sourced::Draft(_) => None,
        })
        .collect();
    assert_eq!(all.len(), 4);
    assert!(reasons[0].0.contains("content") && reasons[0].1 == entity.as_bytes(), "{reasons:?}");
    assert!(reasons[1].0.contains("DateTimeUTC"), "{reasons:?}");
}

#[test]
fn a_file_cut_off_yields_what_came_before_and_says_where_it_ends() {
    let whole = file("", &message("Message", "CHAT", "x", 1).repeat(3));
    let at = whole.find("</Messages>").unwrap();
    for end in [at, at + 4, whole.len() - 3] {
        let (all, error) = read(&whole[..end]);
        assert_eq!(all.len(), 3, "{end}");
        assert!(error.unwrap().contains("in.xml at byte"), "{end}");
    }
    let (all, error) = read("<Feed/>");
    assert!(all.is_empty() && error.unwrap().contains("<Conversations>"));
    assert!(read("").1.unwrap().contains("<Conversations>"));
}

#[test]
fn no_prefix_and_no_flipped_byte_makes_it_panic() {
    let whole = file(&message("FirstMessage", "JOIN", "", 0), &message("Message", "CHAT", "x", 1));
    for end in 0..whole.len() {
        drop(read(&whole[..end]));
        let mut bytes = whole.clone().into_bytes();
        bytes[end] ^= 0x15;
        let mut source = LyncXml::new(bytes.as_slice(), "in.xml", Reading::default());
        while source.next().is_some() {}
    }
}

#[test]
fn the_kind_of_an_event_without_a_type_is_other() {
    let bare = format!("<Message>{SENDER}{TIME}</Message>");
    assert_eq!(drafts(&file("", &bare))[0].kind, EventKind::Other);
}

#[test]
fn the_raw_element_holds_every_byte_between_its_tags() {
    let inner = format!("\n  {SENDER}<!-- a --> b &amp; <![CDATA[<c>]]><?d e?>\n{TIME} ");
    let element = format!("<Message type='CHAT'  content=\"x\" id=\"1\" >{inner}</Message>");
    assert_eq!(drafts(&file("", &element))[0].raw.as_deref(), Some(element.as_bytes()));
}
