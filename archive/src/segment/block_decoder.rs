//! Columns back to rows (`docs/format.md` §5.5–5.8): the mirror of the block encoder, with every step checked.

use std::collections::HashMap;

use chat::Lane;

use super::block::{BlockFrame, Row, Source};
use super::bytes::{Bytes, unzigzag};
use super::column::Columns;
use super::entity::{Entities, role_of_name, table_of_role};
use super::fault::Fault;
use super::numbers::{
    AT, BACK, CLASSES, COMMITMENT, CONTENT_FIRST, HEADS, KIND, LEAF, NAME, NAMES, Numbers, RANKS,
    RECORDED, SEQ, SHAPE, SHAPES, STATE, STEP, TABLES, TARGET, TARGET_ID, ValuePlaces, class_of,
};
use super::times::decode_times;
use crate::proof::Header;
use crate::proof::header::{Ids, ROLE_PLACE};

/// Rows, and the fields that their ranges point at.
type Decoded = (Vec<Row>, Vec<(u16, Source)>);

/// Decodes all rows of a block; without content columns, fields that lie there have no value.
pub(super) fn decode_rows(
    frame: &BlockFrame,
    metadata: &Columns,
    content: Option<&Columns>,
    entities: &Entities,
) -> Result<Decoded, Fault> {
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
    let mut times = times.into_iter();
    let mut headers = Headers::of(metadata, entities, frame.lane)?;
    let mut names = NamesReader::of(metadata, content, entities);
    let mut commitments = Bytes::of(metadata.get(COMMITMENT).unwrap_or(&[]), "the commitments");
    let mut leaves = Bytes::of(metadata.get(LEAF).unwrap_or(&[]), "the leaves");
    let mut rows = Vec::with_capacity(seqs.len());
    let mut fields = Vec::new();
    for (seq, state) in seqs.into_iter().zip(states) {
        if state == 2 {
            rows.push(Row::Blank { seq, leaf: leaves.array()? });
            continue;
        }
        let time = times.next().ok_or(Fault::Short { what: "the times" })?;
        let (header, tags) = headers.next(seq, time)?;
        rows.push(match state {
            0 => {
                let start = fields.len();
                for tag in tags {
                    fields.push((tag, names.next(&header, tag)?));
                }
                Row::Live { header, fields: start..fields.len() }
            }
            1 if tags.is_empty() => Row::Stub { header, content: commitments.array()? },
            _ => return Err(Fault::Form { what: "the states of rows" }),
        });
    }
    headers.finish()?;
    names.finish()?;
    commitments.finish()?;
    leaves.finish()?;
    Ok((rows, fields))
}

fn decode_seqs(frame: &BlockFrame, metadata: &Columns) -> Result<Vec<u64>, Fault> {
    let mut skips = Numbers::of(metadata, SEQ, "the sequence numbers");
    let mut seqs = Vec::with_capacity(frame.rows);
    let mut next = frame.first;
    for _ in 0..frame.rows {
        let form = Fault::Form { what: "the sequence numbers" };
        let seq = next.checked_add(skips.next()?).ok_or(form.clone())?;
        next = seq.checked_add(1).ok_or(form)?;
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
    shapes: Vec<Shape>,
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
    fn of(columns: &'a Columns, entities: &'a Entities, lane: Lane) -> Result<Self, Fault> {
        Ok(Self {
            entities,
            lane,
            shapes: decode_shapes(columns.get(SHAPES).unwrap_or(&[]))?,
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

    fn next(&mut self, seq: u64, time: (i64, i64)) -> Result<(Header, Vec<u16>), Fault> {
        let shape = self.shape.next_index()?;
        let (roles, tags) =
            self.shapes.get(shape).cloned().ok_or(Fault::Form { what: "the shapes of rows" })?;
        let kind = u16::try_from(self.kind.next()?).ok().filter(|kind| *kind < 0x8000);
        let kind = kind.ok_or(Fault::Form { what: "the kinds" })?;
        let mut header = Header {
            kind: kind | u16::from(self.lane.code()) << 15,
            seq,
            place_seq: 0,
            place_prev: 0,
            recorded_at: time.0,
            at: time.1,
            ids: Ids::default(),
        };
        for role in roles {
            let id = match table_of_role(role) {
                None => self.target(seq)?,
                Some(table) => self.id(&mut header, role, table)?,
            };
            header.ids.push((role, id));
        }
        header.check().map_err(|_| Fault::Form { what: "a header" })?;
        Ok((header, tags))
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

    fn id(&mut self, header: &mut Header, role: u8, table: usize) -> Result<[u8; 16], Fault> {
        let form = Fault::Form { what: "the ranks of ids" };
        let rank = self.ranks.get_mut(table).ok_or(form.clone())?.next_index()?;
        let recent = self.recent.get_mut(table).ok_or(form.clone())?;
        let place = *recent.get(rank).ok_or(form.clone())?;
        recent.get_mut(..=rank).ok_or(form.clone())?.rotate_right(1);
        let entity = self.entities.get(place).filter(|entity| entity.role == role).ok_or(form)?;
        if role == ROLE_PLACE {
            self.chain(header, place)?;
        }
        Ok(entity.id)
    }

    fn chain(&mut self, header: &mut Header, place: usize) -> Result<(), Fault> {
        let known = self.chains.iter().position(|(room, _)| *room == place);
        let (before, prev) = match known.and_then(|at| self.chains.get(at)) {
            Some((_, head)) => *head,
            None => (self.heads.varint()?, self.heads.varint()?),
        };
        let step = unzigzag(self.step.next()?).cast_unsigned();
        header.place_seq = before.wrapping_add(1).wrapping_add(step);
        header.place_prev = match self.back.next()? {
            0 => prev,
            back => header.seq.wrapping_sub(back),
        };
        let head = (place, (header.place_seq, header.seq));
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
    last: HashMap<(usize, u16), Source>,
    classes: HashMap<u8, ValuePlaces<'a>>,
}

impl<'a> NamesReader<'a> {
    fn of(metadata: &'a Columns, content: Option<&'a Columns>, entities: &'a Entities) -> Self {
        let places = |class: &u8| {
            let columns = if *class < CONTENT_FIRST { Some(metadata) } else { content };
            Some((*class, ValuePlaces::of(columns?, *class)))
        };
        Self {
            entities,
            flags: Numbers::of(metadata, NAME, "the names"),
            names: metadata.get(NAMES).unwrap_or(&[]),
            names_at: 0,
            last: HashMap::new(),
            classes: CLASSES.iter().filter_map(places).collect(),
        }
    }

    fn next(&mut self, header: &Header, tag: u16) -> Result<Source, Fault> {
        let Some(class) = class_of(tag) else { return self.name(header, tag) };
        let column = class.saturating_add(1);
        match self.classes.get_mut(&class) {
            Some(places) => {
                places.next().map(|(start, length)| Source::Column(column, start, length))
            }
            None => Ok(Source::Column(column, 0, 0)),
        }
    }

    fn name(&mut self, header: &Header, tag: u16) -> Result<Source, Fault> {
        let form = Fault::Form { what: "the names" };
        let place = role_of_name(tag)
            .and_then(|role| header.id(role).and_then(|id| self.entities.place(role, id)));
        match self.flags.next()? {
            0 => {
                let place = place.ok_or(form.clone())?;
                let known =
                    || self.entities.get(place)?.name(tag).map(|_| Source::Entity(place, tag));
                self.last.get(&(place, tag)).copied().or_else(known).ok_or(form)
            }
            1 => {
                let mut rest =
                    Bytes::of(self.names.get(self.names_at..).ok_or(form.clone())?, "the names");
                let before = rest.left();
                let length = rest.length()?;
                let skipped = before.saturating_sub(rest.left());
                rest.take(length)?;
                let start = self.names_at.saturating_add(skipped);
                self.names_at = start.saturating_add(length);
                let source = Source::Column(NAMES, start, length);
                if let Some(place) = place {
                    self.last.insert((place, tag), source);
                }
                Ok(source)
            }
            _ => Err(form),
        }
    }

    fn finish(self) -> Result<(), Fault> {
        self.flags.finish()?;
        let left = self.names.len().saturating_sub(self.names_at);
        if left > 0 {
            return Err(Fault::Surplus { what: "the names", left });
        }
        self.classes.into_values().try_for_each(ValuePlaces::finish)
    }
}
