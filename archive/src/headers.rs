//! A pass over headers alone: which events there are of some rooms and kinds, without reading what they say.
//!
//! The footers say which rooms and kinds a file and a block hold, so a pass reads only the blocks that can have something,
//! and of those the part without content. It holds two decoded blocks at a time, whatever the log holds.

use std::collections::HashSet;
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;

use chat::{EventKind, Lane, RoomId, Seq};
use roaring::RoaringBitmap;

use crate::archive::Archive;
use crate::error::Result;
use crate::proof::Header;
use crate::proof::header::ROLE_PLACE;
use crate::record::tag;
use crate::segment::{Block, BlockEntry, Sealed, SealedRange, SegmentReader};

/// Which events a pass is after.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    /// Only events of these rooms; nothing for any event, those without a room included.
    pub rooms: Option<&'a HashSet<RoomId>>,
    /// Only events of these kinds; nothing for any.
    pub kinds: Option<&'a [EventKind]>,
    /// The first event that may be given.
    pub from: Seq,
    /// The last event that may be given.
    pub until: Seq,
}

/// Takes the header of a living event and the name of its room.
pub type TakeNamed<'a> = &'a mut dyn FnMut(&Header, Option<&str>);

/// Takes one header, and says whether to go on.
pub type TakeHeader<'a> = &'a mut dyn FnMut(&Header) -> ControlFlow<()>;

impl Sought<'_> {
    fn is_met(&self, header: &Header) -> bool {
        let of_kind =
            self.kinds.is_none_or(|kinds| kinds.iter().any(|kind| kind.code() == header.kind));
        let in_room = |rooms: &HashSet<RoomId>| {
            let room = header.id(ROLE_PLACE).map(|id| RoomId::from_bytes(*id));
            room.is_some_and(|room| rooms.contains(&room))
        };
        of_kind
            && (self.from.get()..=self.until.get()).contains(&header.seq)
            && self.rooms.is_none_or(in_room)
    }

    /// Returns where in a file there can be something, as its footer tells.
    fn within(&self, reader: &SegmentReader) -> Within {
        let footer = reader.footer();
        let has_kind =
            |kinds: &[EventKind]| kinds.iter().any(|kind| footer.kinds.contains_key(&kind.code()));
        if !self.kinds.is_none_or(has_kind) {
            return Within::Nowhere;
        }
        let Some(rooms) = self.rooms else { return Within::Anywhere };
        let places = (0_u32..).zip(&footer.rooms).filter(|(_, entry)| rooms.contains(&entry.room));
        Within::Rooms(places.map(|(place, _)| place).collect())
    }
}

/// Where in a file there can be something that is sought.
enum Within {
    Nowhere,
    Anywhere,
    /// In blocks with one of these rooms, given as places in the footer's table.
    Rooms(RoaringBitmap),
}

impl Within {
    fn can_be_in(&self, entry: &BlockEntry) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Anywhere => true,
            Self::Rooms(places) => !places.is_disjoint(&entry.rooms),
        }
    }
}

impl Archive {
    /// Gives the headers of the events that are sought, ascending, until told to stop. Those of destroyed events are among
    /// them as long as they are kept; blanked events have none.
    pub fn headers(&self, sought: &Sought<'_>, take: TakeHeader<'_>) -> Result<()> {
        self.shared.fuse.check()?;
        let mut next = sought.from;
        let end = sought.until.get().min(self.size());
        while next.get() <= end {
            let flow = if let Some(frame) = self.shared.memory.frame(next) {
                let headers = frame.records().map(|record| Header::decode(record.header));
                let flow = headers.flatten().try_for_each(|header| give(sought, &header, take));
                next = frame.end();
                flow
            } else if let Some(range) = self.sealed.range(next) {
                next = range.last.next();
                pass(&self.sealed, &range, sought, take)?
            } else {
                break;
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Archive {
    /// Gives the header of every event between two that lives, and the name of its room as the event has it, in no fixed order. What
    /// people said is not read.
    pub fn rooms_named(&self, from: Seq, until: Seq, take: TakeNamed<'_>) -> Result<()> {
        self.shared.fuse.check()?;
        let until = until.get().min(self.size());
        let mut next = from;
        while next.get() <= until {
            let wanted = next.get()..=until;
            if let Some(frame) = self.shared.memory.frame(next) {
                for record in frame.records() {
                    let Ok(header) = Header::decode(record.header) else { continue };
                    if wanted.contains(&header.seq) {
                        let name = record.fields().find(|(tag, _)| *tag == tag::PLACE);
                        take(&header, room_name(&header, name.map(|(_, name)| name)));
                    }
                }
                next = frame.end();
            } else if let Some(range) = self.sealed.range(next) {
                for lane in Lane::ALL {
                    self.lane_named(range.reader(lane)?, &wanted, take)?;
                }
                next = range.last.next();
            } else {
                break;
            }
        }
        Ok(())
    }

    fn lane_named(
        &self,
        reader: &SegmentReader,
        wanted: &RangeInclusive<u64>,
        take: TakeNamed<'_>,
    ) -> Result<()> {
        let is_met = |entry: &&BlockEntry| {
            entry.first.get() <= *wanted.end() && *wanted.start() <= entry.last.get()
        };
        for entry in reader.footer().blocks.iter().filter(is_met) {
            let block = self.sealed.headers_of(reader, entry)?;
            for row in 0..block.rows() {
                let header = block.live_header(row);
                if let Some(header) = header.filter(|header| wanted.contains(&header.seq)) {
                    take(&header, room_name(&header, block.field(row, tag::PLACE)));
                }
            }
        }
        Ok(())
    }
}

/// Returns the name of a room, if the event has a room and the name is one.
fn room_name<'a>(header: &Header, name: Option<&'a [u8]>) -> Option<&'a str> {
    header.id(ROLE_PLACE)?;
    std::str::from_utf8(name?).ok()
}

fn give(sought: &Sought<'_>, header: &Header, take: TakeHeader<'_>) -> ControlFlow<()> {
    if sought.is_met(header) { take(header) } else { ControlFlow::Continue(()) }
}

/// Goes over one sealed range, both lanes in one order.
fn pass(
    sealed: &Sealed,
    range: &SealedRange,
    sought: &Sought<'_>,
    take: TakeHeader<'_>,
) -> Result<ControlFlow<()>> {
    let mut talk = LaneCursor::new(sealed, range, Lane::Talk, sought)?;
    let mut ledger = LaneCursor::new(sealed, range, Lane::Ledger, sought)?;
    loop {
        let heads = (talk.head()?, ledger.head()?);
        let lane = match heads {
            (None, None) => return Ok(ControlFlow::Continue(())),
            (Some(talk_seq), Some(ledger_seq)) if ledger_seq < talk_seq => &mut ledger,
            (None, Some(_)) => &mut ledger,
            (Some(_), _) => &mut talk,
        };
        let flow = lane.header().map_or(ControlFlow::Continue(()), |header| {
            if header.seq > sought.until.get() {
                return ControlFlow::Break(());
            }
            give(sought, &header, take)
        });
        if flow.is_break() {
            return Ok(flow);
        }
        lane.row = lane.row.saturating_add(1);
    }
}

/// One file of a range, block by block, as far as it can hold what is sought.
struct LaneCursor<'a> {
    sealed: &'a Sealed,
    reader: &'a SegmentReader,
    within: Within,
    from: Seq,
    until: Seq,
    next_block: usize,
    block: Option<Arc<Block>>,
    row: usize,
}

impl<'a> LaneCursor<'a> {
    fn new(
        sealed: &'a Sealed,
        range: &'a SealedRange,
        lane: Lane,
        sought: &Sought<'_>,
    ) -> Result<Self> {
        let reader = range.reader(lane)?;
        let within = sought.within(reader);
        let next_block = reader.footer().blocks.partition_point(|block| block.last < sought.from);
        let (from, until) = (sought.from, sought.until);
        Ok(Self { sealed, reader, within, from, until, next_block, block: None, row: 0 })
    }

    /// Returns the next event of this file, decoding the next block that can have one where that is due.
    fn head(&mut self) -> Result<Option<u64>> {
        loop {
            let seq = self.block.as_ref().and_then(|block| block.seq(self.row));
            if seq.is_some() {
                return Ok(seq);
            }
            let blocks = self.reader.footer().blocks.iter().enumerate().skip(self.next_block);
            let mut blocks = blocks.take_while(|(_, entry)| entry.first <= self.until);
            let found = blocks.find(|(_, entry)| self.within.can_be_in(entry));
            let Some((at, entry)) = found else {
                self.block = None;
                return Ok(None);
            };
            let block = self.sealed.headers_of(self.reader, entry)?;
            self.next_block = at.saturating_add(1);
            self.row = block.row_from(self.from.get());
            self.block = Some(block);
        }
    }

    fn header(&self) -> Option<Header> {
        self.block.as_ref()?.header(self.row)
    }
}
