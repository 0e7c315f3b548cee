//! The quick reader of lines: those of events that have an author, a text and the like, and nothing rarer.

use chat::{
    ChatEvent, Content, Origin, OriginKey, Person, PersonId, Place, PlaceSeq, Recorded, RoomId,
    Seq, SourceId, Timestamp,
};

use super::parse_kind;
use crate::format::scanner::Scanner;

/// Reads a line whose members are among the common ones, each where the writer puts it. Nothing for any other line; what it
/// returns must be written again and compared, since it does not look at everything.
pub(super) fn read(line: &[u8]) -> Option<Recorded> {
    let mut line = Line { scanner: Scanner::of(line), is_first: true };
    line.scanner.token("{")?;
    let actor = line.member("actor", person)?;
    let at = line.member("at", Scanner::moment)??;
    let edited_at = line.member("edited_at", Scanner::moment)?;
    line.member("id", Scanner::text)??;
    let kind = parse_kind(&line.member("kind", Scanner::text)??)?;
    let locator = line.member("locator", Scanner::text)?;
    let origin = line.member("origin", origin)?;
    let place = line.member("place", place)?;
    let place_prev = line.member("place_prev", Scanner::number)?;
    let place_seq = line.member("place_seq", Scanner::number)?;
    let recorded_at: Timestamp = line.member("recorded_at", Scanner::moment)??;
    let remark = line.member("remark", Scanner::text)?;
    let rich_text = line.member("rich_text", Scanner::text)?;
    let seq = Seq::new(line.member("seq", Scanner::number)??)?;
    let target = line.member("target", Scanner::number)?.and_then(Seq::new);
    let text = line.member("text", Scanner::text)?;
    let thread = line.member("thread", Scanner::text)?;
    let title = line.member("title", Scanner::text)?;
    line.scanner.token("}")?;
    let content = Content {
        text,
        rich_text,
        title,
        thread,
        edited_at,
        remark,
        locator,
        ..Content::default()
    };
    line.scanner.is_at_end().then_some(Recorded {
        seq,
        place_seq: place_seq.and_then(PlaceSeq::new),
        place_prev: place_prev.and_then(Seq::new),
        recorded_at,
        event: ChatEvent { origin, at, kind, actor, place, target, other_ids: Vec::new(), content },
    })
}

/// An object that is read member by member.
struct Line<'a> {
    scanner: Scanner<'a>,
    is_first: bool,
}

impl<'a> Line<'a> {
    /// Takes a member if it stands here: nothing inside where it does not, nothing at all where its value is malformed.
    #[expect(
        clippy::option_option,
        reason = "absent and malformed are two things, and `?` is for the one that ends the reading"
    )]
    fn member<T>(
        &mut self,
        name: &str,
        value: impl FnOnce(&mut Scanner<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        let mut after = self.scanner;
        if !self.is_first && after.token(",").is_none() {
            return Some(None);
        }
        let found = after.token("\"").and_then(|()| after.token(name));
        if found.and_then(|()| after.token("\":")).is_none() {
            return Some(None);
        }
        (self.scanner, self.is_first) = (after, false);
        value(&mut self.scanner).map(Some)
    }
}

fn person(scanner: &mut Scanner<'_>) -> Option<Person> {
    let mut member = Line { scanner: *scanner, is_first: true };
    member.scanner.token("{")?;
    let email = member.member("email", Scanner::text)?;
    let foreign_id = member.member("foreign_id", Scanner::text)?;
    let id = PersonId::from_bytes(member.member("id", Scanner::array)??);
    let name = member.member("name", Scanner::text)??;
    member.scanner.token("}")?;
    *scanner = member.scanner;
    Some(Person { id, name, foreign_id, email })
}

fn origin(scanner: &mut Scanner<'_>) -> Option<Origin> {
    let mut member = Line { scanner: *scanner, is_first: true };
    member.scanner.token("{")?;
    let given = member.member("key", Scanner::text)?;
    let ordinal = member.member("ordinal", Scanner::number)?;
    let revision = u32::try_from(member.member("revision", Scanner::number)??).ok()?;
    let source = SourceId::from_bytes(member.member("source", Scanner::array)??);
    member.scanner.token("}")?;
    let key = match (given, ordinal) {
        (Some(key), None) => OriginKey::Given(key),
        (None, Some(ordinal)) => OriginKey::Derived { ordinal: u32::try_from(ordinal).ok()? },
        _ => return None,
    };
    *scanner = member.scanner;
    Some(Origin { source, key, revision })
}

fn place(scanner: &mut Scanner<'_>) -> Option<Place> {
    scanner.token("{\"id\":")?;
    let room = RoomId::from_bytes(scanner.array()?);
    scanner.token(",\"name\":")?;
    let name = scanner.text()?;
    scanner.token("}")?;
    Some(Place { room, name })
}
