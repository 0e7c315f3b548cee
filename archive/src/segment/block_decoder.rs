//! Columns back to rows (`docs/format.md` §5.5–5.8): the mirror of the block encoder, with every step checked.
//!
//! A block has some hundred rows and is often opened for one of them. So a row here is numbers and places in a few lists
//! that all rows share; nothing is allocated for a row, and an event is built when it is asked for.

use std::collections::HashMap;

use chat::Lane;

use super::block::BlockFrame;
use super::bytes::{Bytes, unzigzag};
use super::column::Columns;
use super::entity::{Entities, role_of_name, table_of_role};
use super::fault::Fault;
use super::numbers::{
    AT, BACK, CLASSES, COLUMNS, COMMITMENT, CONTENT_FIRST, HEADS, KIND, LEAF, NAME, NAMES, Numbers,
    RANKS, RECORDED, SEQ, SHAPE, SHAPES, STATE, STEP, TABLES, TARGET, TARGET_ID, ValuePlaces,
    class_of,
};
use super::rows::{Row, Rows, Source, State, place};
use super::times::decode_times;
use crate::proof::header::{ROLE_PLACE, check_place, check_roles};

/// Decodes all rows of a block; without content columns, fields that lie there have no value.
pub(super) fn decode_rows(
    frame: &BlockFrame,
    metadata: &Columns,
    content: Option<&Columns>,
    entities: &Entities,
) -> Result<Rows, Fault> {
    let seqs = decode_seqs(frame, metadata)?;
    let mut state_column = Numbers::of(metadata, STATE, "the states of rows");
    let states = seqs.iter().map(|_| state_column.next()).collect::<Result<Vec<_>, _>>()?;
    state_column.finish()?;
    let with_header = states.iter().filter(|state| **state < 2).count();
    let times = decode_times(
        metadata.get(RECORDED).unwrap_or(&[]),
        metadata.get(AT).unwrap_or(&[]),
        with_header,
    )?;
    let shapes = decode_shapes(metadata.get(SHAPES).unwrap_or(&[]))?;
    let mut decoder = RowsDecoder {
        times: times.into_iter(),
        headers: Headers::of(metadata, entities, (frame.lane, &shapes))?,
        names: NamesReader::of(metadata, content, entities),
        commitments: Bytes::of(metadata.get(COMMITMENT).unwrap_or(&[]), "the commitments"),
        leaves: Bytes::of(metadata.get(LEAF).unwrap_or(&[]), "the leaves"),
        rows: Rows::for_so_many(seqs.len()),
    };
    for (seq, state) in seqs.into_iter().zip(states) {
        decoder.take(seq, state)?;
    }
    decoder.finish()
}

/// The rows of a block as far as they are decoded, and what the others are decoded from.
struct RowsDecoder<'a> {
    times: std::vec::IntoIter<(i64, i64)>,
    headers: Headers<'a>,
    names: NamesReader<'a>,
    commitments: Bytes<'a>,
    leaves: Bytes<'a>,
    rows: Rows,
}

impl RowsDecoder<'_> {
    fn take(&mut self, seq: u64, state: u64) -> Result<(), Fault> {
        let (ids, fields) = (place(self.rows.ids.len())?, place(self.rows.fields.len())?);
        let mut row = Row { ids: ids..ids, fields: fields..fields, ..Row::blank(seq) };
        if state == 2 {
            row.state = State::Blank(place(self.rows.hashes.len())?);
            self.rows.hashes.push(self.leaves.array()?);
            self.rows.list.push(row);
            return Ok(());
        }
        let time = self.times.next().ok_or(Fault::Short { what: "the times" })?;
        (row.recorded_at, row.at) = time;
        let tags = self.headers.next(&mut row, &mut self.rows.ids)?;
        row.ids.end = place(self.rows.ids.len())?;
        row.state = match state {
            0 => {
                for tag in tags {
                    let source = self.names.next(&self.headers.places, *tag)?;
                    self.rows.fields.push((*tag, source));
                }
                row.fields.end = place(self.rows.fields.len())?;
                State::Live
            }
            1 if tags.is_empty() => {
                let at = place(self.rows.hashes.len())?;
                self.rows.hashes.push(self.commitments.array()?);
                State::Stub(at)
            }
            _ => return Err(Fault::Form { what: "the states of rows" }),
        };
        self.rows.list.push(row);
        Ok(())
    }

    fn finish(self) -> Result<Rows, Fault> {
        self.headers.finish()?;
        self.names.finish()?;
        self.commitments.finish()?;
        self.leaves.finish()?;
        Ok(self.rows)
    }
}

fn decode_seqs(frame: &BlockFrame, metadata: &Columns) -> Result<Vec<u64>, Fault> {
    let mut skips = Numbers::of(metadata, SEQ, "the sequence numbers");
    let mut seqs = Vec::with_capacity(frame.rows);
    let mut next = frame.first;
    for _ in 0..frame.rows {
        const FORM: Fault = Fault::Form { what: "the sequence numbers" };
        let seq = next.checked_add(skips.next()?).ok_or(FORM)?;
        next = seq.checked_add(1).ok_or(FORM)?;
        seqs.push(seq);
    }
    skips.finish()?;
    let ends = (seqs.first().copied(), seqs.last().copied());
    if ends == (Some(frame.first), Some(frame.last)) {
        Ok(seqs)
    } else {
        Err(Fault::Form { what: "the sequence numbers" })
    }
}

/// Roles of the ids and tags of the fields that a row has.
type Shape = (Vec<u8>, Vec<u16>);

/// Rebuilds headers row by row.
struct Headers<'a> {
    entities: &'a Entities,
    lane: Lane,
    shapes: &'a [Shape],
    /// Role of each id of the present row that is in the table of ids, and its place there.
    places: Vec<(u8, usize)>,
    shape: Numbers<'a>,
    kind: Numbers<'a>,
    recent: [Vec<usize>; 4],
    ranks: [Numbers<'a>; 4],
    heads: Bytes<'a>,
    chains: Vec<(usize, (u64, u64))>,
    step: Numbers<'a>,
    back: Numbers<'a>,
    target: Numbers<'a>,
    target_ids: Bytes<'a>,
}

impl<'a> Headers<'a> {
    fn of(
        columns: &'a Columns,
        entities: &'a Entities,
        (lane, shapes): (Lane, &'a [Shape]),
    ) -> Result<Self, Fault> {
        Ok(Self {
            entities,
            lane,
            shapes,
            places: Vec::new(),
            shape: Numbers::of(columns, SHAPE, "the shapes of rows"),
            kind: Numbers::of(columns, KIND, "the kinds"),
            recent: decode_tables(columns.get(TABLES).unwrap_or(&[]), entities)?,
            ranks: RANKS.map(|number| Numbers::of(columns, number, "the ranks of ids")),
            heads: Bytes::of(columns.get(HEADS).unwrap_or(&[]), "the heads of rooms"),
            chains: Vec::new(),
            step: Numbers::of(columns, STEP, "the places in rooms"),
            back: Numbers::of(columns, BACK, "the predecessors in rooms"),
            target: Numbers::of(columns, TARGET, "the targets"),
            target_ids: Bytes::of(columns.get(TARGET_ID).unwrap_or(&[]), "the targets"),
        })
    }

    /// Fills in the header of the next row, puts its ids behind those before, and returns the tags of its fields.
    fn next(&mut self, row: &mut Row, ids: &mut Vec<(u8, [u8; 16])>) -> Result<&'a [u16], Fault> {
        let shape = self.shape.next_index()?;
        let (roles, tags) =
            self.shapes.get(shape).ok_or(Fault::Form { what: "the shapes of rows" })?;
        let kind = u16::try_from(self.kind.next()?).ok().filter(|kind| *kind < 0x8000);
        let kind = kind.ok_or(Fault::Form { what: "the kinds" })?;
        row.kind = kind | u16::from(self.lane.code()) << 15;
        self.places.clear();
        let mut has_place = false;
        for role in roles {
            has_place |= *role == ROLE_PLACE;
            let id = match table_of_role(*role) {
                None => self.target(row.seq)?,
                Some(table) => self.id(row, *role, table)?,
            };
            ids.push((*role, id));
        }
        check_place(has_place, (row.seq, row.place_seq, row.place_prev))
            .map_err(|_| Fault::Form { what: "a header" })?;
        Ok(tags)
    }

    fn target(&mut self, seq: u64) -> Result<[u8; 16], Fault> {
        match self.target.next()? {
            0 => self.target_ids.array(),
            back => {
                let target = seq.checked_sub(back).ok_or(Fault::Form { what: "the targets" })?;
                Ok(u128::from(target).to_be_bytes())
            }
        }
    }

    fn id(&mut self, row: &mut Row, role: u8, table: usize) -> Result<[u8; 16], Fault> {
        const FORM: Fault = Fault::Form { what: "the ranks of ids" };
        let rank = self.ranks.get_mut(table).ok_or(FORM)?.next_index()?;
        let recent = self.recent.get_mut(table).ok_or(FORM)?;
        let place = *recent.get(rank).ok_or(FORM)?;
        if rank > 0 {
            recent.get_mut(..=rank).ok_or(FORM)?.rotate_right(1);
        }
        let entity = self.entities.get(place).filter(|entity| entity.role == role).ok_or(FORM)?;
        self.places.push((role, place));
        if role == ROLE_PLACE {
            self.chain(row, place)?;
        }
        Ok(entity.id)
    }

    fn chain(&mut self, row: &mut Row, place: usize) -> Result<(), Fault> {
        let known = self.chains.iter().position(|(room, _)| *room == place);
        let (before, prev) = match known.and_then(|at| self.chains.get(at)) {
            Some((_, head)) => *head,
            None => (self.heads.varint()?, self.heads.varint()?),
        };
        let step = unzigzag(self.step.next()?).cast_unsigned();
        row.place_seq = before.wrapping_add(1).wrapping_add(step);
        row.place_prev = match self.back.next()? {
            0 => prev,
            back => row.seq.wrapping_sub(back),
        };
        let head = (place, (row.place_seq, row.seq));
        match known.and_then(|at| self.chains.get_mut(at)) {
            Some(entry) => *entry = head,
            None => self.chains.push(head),
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Fault> {
        self.shape.finish()?;
        self.kind.finish()?;
        self.ranks.into_iter().try_for_each(Numbers::finish)?;
        self.heads.finish()?;
        self.step.finish()?;
        self.back.finish()?;
        self.target.finish()?;
        self.target_ids.finish()
    }
}

fn decode_shapes(column: &[u8]) -> Result<Vec<Shape>, Fault> {
    let mut bytes = Bytes::of(column, "the shapes of rows");
    let mut shapes = Vec::new();
    let count = if column.is_empty() { 0 } else { bytes.count()? };
    for _ in 0..count {
        let roles = bytes.counted()?.to_vec();
        check_roles(roles.iter().copied()).map_err(|_| Fault::Form { what: "a header" })?;
        let mut tags = Vec::new();
        for _ in 0..bytes.count()? {
            tags.push(u16::try_from(bytes.varint()?).map_err(|_| bytes.form())?);
        }
        if !tags.is_sorted_by(|a, b| a < b) || tags.first() == Some(&0) {
            return Err(bytes.form());
        }
        shapes.push((roles, tags));
    }
    bytes.finish()?;
    Ok(shapes)
}

fn decode_tables(column: &[u8], entities: &Entities) -> Result<[Vec<usize>; 4], Fault> {
    let mut bytes = Bytes::of(column, "the ids of a block");
    let mut tables: [Vec<usize>; 4] = Default::default();
    if column.is_empty() {
        return Ok(tables);
    }
    for table in &mut tables {
        for _ in 0..bytes.count()? {
            let place = bytes.length()?;
            entities.get(place).ok_or(bytes.form())?;
            table.push(place);
        }
    }
    bytes.finish()?;
    Ok(tables)
}

/// Finds the value of each field.
struct NamesReader<'a> {
    entities: &'a Entities,
    flags: Numbers<'a>,
    names: &'a [u8],
    names_at: usize,
    /// The names spelled out last, by id and tag.
    last: HashMap<(usize, u16), Source>,
    /// By class; nothing for a number that is none, and for content that was not decoded.
    classes: [Option<ValuePlaces<'a>>; CLASSES_MAX],
}

/// One more than the highest class.
const CLASSES_MAX: usize = 48;
const _: () = assert!(COLUMNS == 48, "every class has its place");

impl<'a> NamesReader<'a> {
    fn of(metadata: &'a Columns, content: Option<&'a Columns>, entities: &'a Entities) -> Self {
        let mut classes = [const { None }; CLASSES_MAX];
        for class in CLASSES {
            let columns = if *class < CONTENT_FIRST { Some(metadata) } else { content };
            if let Some(places) = classes.get_mut(usize::from(*class)) {
                *places = columns.map(|columns| ValuePlaces::of(columns, *class));
            }
        }
        Self {
            entities,
            flags: Numbers::of(metadata, NAME, "the names"),
            names: metadata.get(NAMES).unwrap_or(&[]),
            names_at: 0,
            last: HashMap::new(),
            classes,
        }
    }

    /// Returns where the value of the next field is; `places` are those of the row's ids.
    fn next(&mut self, places: &[(u8, usize)], tag: u16) -> Result<Source, Fault> {
        let Some(class) = class_of(tag) else { return self.name(places, tag) };
        let column = class.saturating_add(1);
        match self.classes.get_mut(usize::from(class)).and_then(Option::as_mut) {
            Some(values) => {
                let (start, length) = values.next()?;
                Source::column(column, start, length)
            }
            None => Source::column(column, 0, 0),
        }
    }

    fn name(&mut self, places: &[(u8, usize)], tag: u16) -> Result<Source, Fault> {
        const FORM: Fault = Fault::Form { what: "the names" };
        let known = |role: u8| places.iter().find(|(at, _)| *at == role).map(|(_, place)| *place);
        let place = role_of_name(tag).and_then(known);
        match self.flags.next()? {
            0 => {
                let place = place.ok_or(FORM)?;
                let spelled =
                    if self.last.is_empty() { None } else { self.last.get(&(place, tag)) };
                if let Some(source) = spelled {
                    return Ok(*source);
                }
                let has_name = self.entities.get(place).and_then(|entity| entity.name(tag));
                has_name.ok_or(FORM)?;
                Source::entity(place, tag)
            }
            1 => {
                let mut rest = Bytes::of(self.names.get(self.names_at..).ok_or(FORM)?, "the names");
                let before = rest.left();
                let length = rest.length()?;
                let skipped = before.saturating_sub(rest.left());
                rest.take(length)?;
                let start = self.names_at.saturating_add(skipped);
                self.names_at = start.saturating_add(length);
                let source = Source::column(NAMES, start, length)?;
                if let Some(place) = place {
                    self.last.insert((place, tag), source);
                }
                Ok(source)
            }
            _ => Err(FORM),
        }
    }

    fn finish(self) -> Result<(), Fault> {
        self.flags.finish()?;
        let left = self.names.len().saturating_sub(self.names_at);
        if left > 0 {
            return Err(Fault::Surplus { what: "the names", left });
        }
        self.classes.into_iter().flatten().try_for_each(ValuePlaces::finish)
    }
}
