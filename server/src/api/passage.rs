//! Ranges that are exported whole: every number of the log from one to another, or every event of a room between them,
//! with the room's neighbours on both sides, so that the package can show that nothing is missing.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::str::FromStr;

use archive::headers::Sought;
use archive::proof::Header;
use chat::{EventKind, RoomId, Seq};
use export::Complete;

use crate::problem::{Kind, Problem, Result};
use crate::wiring::Appliance;

/// Numbers of the log from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    first: Seq,
    last: Seq,
}

impl FromStr for Range {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self> {
        let ends = text.split_once("..").and_then(|(first, last)| {
            Some(Self { first: first.parse().ok()?, last: last.parse().ok()? })
        });
        ends.filter(|range| range.first <= range.last).ok_or_else(|| {
            let detail = format!("range {text:?} is no range of events, such as 100..250");
            Problem::new(Kind::BadRequest, detail)
        })
    }
}

/// Returns the rows of a range, and what makes it complete, in a log of this size.
pub(super) fn select(
    shared: &Appliance,
    range: Range,
    room: Option<&str>,
    size: u64,
) -> Result<(Vec<Seq>, Complete)> {
    if range.last.get() > size {
        let detail = format!("event {} does not exist; there are {size}", range.last);
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    match room {
        None => of_log(shared, range),
        Some(name) => of_room(shared, range, find_room(shared, name)?, size),
    }
}

fn of_log(shared: &Appliance, Range { first, last }: Range) -> Result<(Vec<Seq>, Complete)> {
    let kinds = [EventKind::Officer];
    let sought = Sought { rooms: None, kinds: Some(&kinds), from: first, until: last };
    let mut absent = Vec::new();
    shared.archive.headers(&sought, &mut |header| {
        absent.extend(Seq::new(header.seq));
        ControlFlow::Continue(())
    })?;
    let all = std::iter::successors(Some(first), |seq| (*seq < last).then(|| seq.next()));
    let rows = all.filter(|seq| absent.binary_search(seq).is_err()).collect();
    Ok((rows, Complete { room: None, first, last, before: None, after: None, absent }))
}

fn of_room(
    shared: &Appliance,
    Range { first, last }: Range,
    room: RoomId,
    size: u64,
) -> Result<(Vec<Seq>, Complete)> {
    let rooms = HashSet::from([room]);
    let mut events: Vec<Header> = Vec::new();
    let until = Seq::new(size).unwrap_or(last);
    let sought = Sought { rooms: Some(&rooms), kinds: None, from: first, until };
    shared.archive.headers(&sought, &mut |header| {
        events.push(header.clone());
        if header.seq > last.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    // An event that is blanked has no header: the place before the next one tells its number.
    let numbers = events.iter().flat_map(|header| [header.place_prev, header.seq]);
    let mut numbers: BTreeSet<Seq> = numbers.filter_map(Seq::new).collect();
    let after = events.last().filter(|header| header.seq > last.get());
    let after = after.and_then(|header| Seq::new(header.seq));
    if events.is_empty() {
        numbers.extend(shared.archive.places().get(&room).map(|head| head.seq));
    }
    let before = numbers.range(..first).next_back().copied();
    let is_act = |header: &&Header| header.kind == EventKind::Officer.code();
    let acts = events.iter().filter(is_act).filter_map(|header| Seq::new(header.seq));
    let absent: BTreeSet<Seq> = acts.chain(before).chain(after).collect();
    let rows = numbers.range(first..=last).filter(|seq| !absent.contains(seq)).copied();
    let rows = rows.collect();
    let absent = absent.into_iter().collect();
    Ok((rows, Complete { room: Some(room), first, last, before, after, absent }))
}

/// Returns the room of an id or a name.
fn find_room(shared: &Appliance, name: &str) -> Result<RoomId> {
    shared.archive.catch_up_catalog()?;
    let rooms = shared.archive.catalog()?.rooms()?;
    let folded = query::analysis::fold(name);
    let is_meant = |row: &&archive::catalog::RoomRow| {
        row.id.to_string() == name || query::analysis::fold(&row.name) == folded
    };
    let found: Vec<_> = rooms.iter().filter(is_meant).collect();
    match found.as_slice() {
        [row] => Ok(row.id),
        [] => Err(Problem::new(Kind::NotFound, format!("there is no room {name:?}"))),
        several => {
            let ids: Vec<_> = several.iter().map(|row| row.id.to_string()).collect();
            let detail = format!("room {name:?} could be any of {}; name the id", ids.join(", "));
            Err(Problem::new(Kind::BadRequest, detail))
        }
    }
}
