//! Rows to columns: what is a function of something else is left out (`docs/format.md` §5.5–5.8).

use std::collections::HashMap;

use super::bytes::{put_count, put_varint, zigzag};
use super::column::Packer;
use super::entity::{Entities, RowPlaces, role_of_name, table_of_role};
use super::fault::Fault;
use super::id_hash::IdHashing;
use super::numbers::{
    BACK, CLASSES, COLUMNS, COMMITMENT, CONTENT_FIRST, HEADS, KIND, LEAF, NAME, NAMES, RANKS, SEQ,
    SHAPE, SHAPES, STATE, STEP, TABLES, TARGET, TARGET_ID, Values, class_of, is_text,
};
use super::slot::Slot;
use super::times::encode_times;
use crate::proof::Header;
use crate::proof::header::ROLE_PLACE;
use crate::record::Field;

/// The two parts of a block in plaintext.
#[derive(Debug)]
pub(crate) struct BlockParts {
    /// Headers, names, origins and other short fields.
    pub(crate) metadata: Vec<u8>,
    /// Texts, raw records, acts, attachments.
    pub(crate) content: Vec<u8>,
}

/// Encodes the slots of one block, ascending by sequence number, with the ids of the whole segment.
pub(crate) fn encode_block<V: AsRef<[u8]>>(
    slots: &[Slot<V>],
    entities: &Entities,
    packer: &mut Packer<'_>,
) -> Result<BlockParts, Fault> {
    let mut sheet = Sheet::new(entities, slots.first().map_or(0, Slot::seq));
    for slot in slots {
        sheet.push(slot)?;
    }
    sheet.finish(packer)
}

/// Ids of one role group that this block names, most recent first while rows are added.
#[derive(Debug, Default)]
struct Table {
    /// Places in the segment's table, in the order of first use.
    first_uses: Vec<usize>,
    /// The same places, the one used last in front.
    recent: Vec<usize>,
}

impl Table {
    /// Returns the rank of a place and moves it to the front. A place not used before has the rank after all that were.
    fn rank(&mut self, place: usize) -> usize {
        let rank = self.recent.iter().position(|at| *at == place).unwrap_or_else(|| {
            self.first_uses.push(place);
            self.recent.push(place);
            self.recent.len().saturating_sub(1)
        });
        if let Some(front) = self.recent.get_mut(..=rank) {
            front.rotate_right(1);
        }
        rank
    }
}

/// Which ids and fields rows have: nearly all rows of a block have one of a few shapes.
#[derive(Debug, Default)]
struct Shapes {
    /// Roles and tags, in the order of first use.
    list: Vec<(Vec<u8>, Vec<u16>)>,
    /// The shape of the row before.
    last: usize,
}

impl Shapes {
    /// Returns the place of a row's shape, adding it if it is new.
    fn place<V>(&mut self, header: &Header, fields: &[Field<V>]) -> usize {
        let roles = || header.ids.iter().map(|(role, _)| *role);
        let tags = || fields.iter().map(|field| field.tag);
        let is_it = |(at, with): &(Vec<u8>, Vec<u16>)| {
            with.iter().copied().eq(tags()) && at.iter().copied().eq(roles())
        };
        if !self.list.get(self.last).is_some_and(is_it) {
            self.last = self.list.iter().position(is_it).unwrap_or_else(|| {
                self.list.push((roles().collect(), tags().collect()));
                self.list.len().saturating_sub(1)
            });
        }
        self.last
    }

    fn encode(&self) -> Vec<u8> {
        if self.list.is_empty() {
            return Vec::new();
        }
        let mut out = Vec::new();
        put_count(&mut out, self.list.len());
        for (roles, tags) in &self.list {
            put_count(&mut out, roles.len());
            out.extend_from_slice(roles);
            put_count(&mut out, tags.len());
            for tag in tags {
                put_varint(&mut out, u64::from(*tag));
            }
        }
        out
    }
}

/// The columns of one block while they grow.
struct Sheet<'a> {
    entities: &'a Entities,
    next_seq: u64,
    columns: Vec<Vec<u8>>,
    shapes: Shapes,
    tables: [Table; 4],
    heads: HashMap<usize, (u64, u64), IdHashing>,
    /// Names that the segment's table does not have, by place and tag.
    names: HashMap<(usize, u16), Vec<u8>, IdHashing>,
    /// Values by class.
    values: Vec<Values>,
    /// Where the ids of the row being added stand.
    of_row: RowPlaces,
    recorded: Vec<i64>,
    at: Vec<i64>,
}

impl<'a> Sheet<'a> {
    fn new(entities: &'a Entities, first_seq: u64) -> Self {
        Self {
            entities,
            next_seq: first_seq,
            columns: vec![Vec::new(); usize::from(COLUMNS)],
            shapes: Shapes::default(),
            tables: Default::default(),
            heads: HashMap::default(),
            names: HashMap::default(),
            values: vec![Values::default(); usize::from(COLUMNS)],
            of_row: RowPlaces::default(),
            recorded: Vec::new(),
            at: Vec::new(),
        }
    }

    fn column(&mut self, number: u8) -> &mut Vec<u8> {
        self.columns.get_mut(usize::from(number)).expect("column numbers are below COLUMNS")
    }

    fn push<V: AsRef<[u8]>>(&mut self, slot: &Slot<V>) -> Result<(), Fault> {
        let skipped = slot.seq().checked_sub(self.next_seq);
        let skipped = skipped.ok_or(Fault::Form { what: "the order of rows" })?;
        put_varint(self.column(SEQ), skipped);
        self.next_seq = slot.seq().saturating_add(1);
        match slot {
            Slot::Live { header, fields } => {
                self.column(STATE).push(0);
                self.push_header(header, fields)?;
                for field in fields {
                    self.push_field(field.tag, field.value.as_ref());
                }
            }
            Slot::Stub { header, content } => {
                self.column(STATE).push(1);
                self.push_header::<V>(header, &[])?;
                self.column(COMMITMENT).extend_from_slice(content);
            }
            Slot::Blank { leaf, .. } => {
                self.column(STATE).push(2);
                self.column(LEAF).extend_from_slice(leaf);
            }
        }
        Ok(())
    }

    fn push_header<V>(&mut self, header: &Header, fields: &[Field<V>]) -> Result<(), Fault> {
        header.check().map_err(|_| Fault::Form { what: "a header" })?;
        let is_ascending = fields.is_sorted_by(|a, b| a.tag < b.tag);
        if !is_ascending || fields.first().is_some_and(|field| field.tag == 0) {
            return Err(Fault::Form { what: "the order of fields" });
        }
        let shape = self.shapes.place(header, fields);
        put_count(self.column(SHAPE), shape);
        put_varint(self.column(KIND), u64::from(header.kind & 0x7fff));
        self.recorded.push(header.recorded_at);
        self.at.push(header.at);
        self.of_row.clear();
        header.ids.iter().try_for_each(|(role, id)| self.push_id(header, *role, id))
    }

    fn push_id(&mut self, header: &Header, role: u8, id: &[u8; 16]) -> Result<(), Fault> {
        let Some(table) = table_of_role(role) else {
            self.push_target(header.seq, id);
            return Ok(());
        };
        let form = Fault::Form { what: "the table of ids" };
        let place = self.entities.place(role, id).ok_or(form.clone())?;
        self.of_row.put(role, place);
        let rank = self.tables.get_mut(table).ok_or(form.clone())?.rank(place);
        put_count(self.column(*RANKS.get(table).ok_or(form)?), rank);
        if role == ROLE_PLACE {
            self.push_chain(header, place);
        }
        Ok(())
    }

    /// A target is nearly always an event of this log, and kept as the distance to it; 0 says that its 16 bytes follow.
    fn push_target(&mut self, seq: u64, id: &[u8; 16]) {
        let target = u64::try_from(u128::from_be_bytes(*id)).ok();
        let back = target.and_then(|target| seq.checked_sub(target)).unwrap_or(0);
        put_varint(self.column(TARGET), back);
        if back == 0 {
            self.column(TARGET_ID).extend_from_slice(id);
        }
    }

    /// A room's numbers follow from those of its event before; the first of each room in a block says its own.
    fn push_chain(&mut self, header: &Header, place: usize) {
        let head = self.heads.get(&place).copied();
        let (before, prev) = head.unwrap_or_else(|| {
            let head = (header.place_seq.wrapping_sub(1), header.place_prev);
            put_varint(self.column(HEADS), head.0);
            put_varint(self.column(HEADS), head.1);
            head
        });
        let step = header.place_seq.wrapping_sub(before).wrapping_sub(1);
        put_varint(self.column(STEP), zigzag(step.cast_signed()));
        let back =
            if header.place_prev == prev { 0 } else { header.seq.wrapping_sub(header.place_prev) };
        put_varint(self.column(BACK), back);
        self.heads.insert(place, (header.place_seq, header.seq));
    }

    fn push_field(&mut self, tag: u16, value: &[u8]) {
        match class_of(tag).map(|class| self.values.get_mut(usize::from(class))) {
            Some(values) => values.expect("classes are below COLUMNS").push(value),
            None => self.push_name(tag, value),
        }
    }

    /// A name is the one last seen with its id in this block, else the one the segment knows, else it is spelled out.
    fn push_name(&mut self, tag: u16, name: &[u8]) {
        let place = role_of_name(tag).and_then(|role| self.of_row.get(role));
        let known = place.and_then(|place| {
            let last = self.names.get(&(place, tag)).map(Vec::as_slice);
            last.or_else(|| self.entities.get(place)?.name(tag))
        });
        if known == Some(name) {
            self.column(NAME).push(0);
            return;
        }
        self.column(NAME).push(1);
        let names = self.column(NAMES);
        put_count(names, name.len());
        names.extend_from_slice(name);
        if let Some(place) = place {
            self.names.insert((place, tag), name.to_vec());
        }
    }

    fn finish(mut self, packer: &mut Packer<'_>) -> Result<BlockParts, Fault> {
        let (recorded, at) = encode_times(&self.recorded, &self.at);
        *self.column(super::numbers::RECORDED) = recorded;
        *self.column(super::numbers::AT) = at;
        *self.column(SHAPES) = self.shapes.encode();
        *self.column(TABLES) = encode_tables(&self.tables);
        for class in CLASSES {
            let values = self.values.get_mut(usize::from(*class)).map(std::mem::take);
            let (lengths, joined) = values.unwrap_or_default().finish();
            *self.column(*class) = lengths;
            *self.column(class.saturating_add(1)) = joined;
        }
        let mut metadata = Vec::new();
        let mut content = Vec::new();
        for (number, column) in (0..COLUMNS).zip(std::mem::take(&mut self.columns)) {
            if is_left_out(number, &column) {
                continue;
            }
            let part = if number < CONTENT_FIRST { &mut metadata } else { &mut content };
            part.push((number, column));
        }
        Ok(BlockParts {
            metadata: packer.pack(&metadata, is_text)?,
            content: packer.pack(&content, is_text)?,
        })
    }
}

/// A column of numbers that are all zero is left out, and any that is empty.
fn is_left_out(number: u8, column: &[u8]) -> bool {
    let is_numbers =
        [STATE, SEQ, SHAPE, STEP, BACK, NAME].contains(&number) || RANKS.contains(&number);
    column.is_empty() || (is_numbers && column.iter().all(|byte| *byte == 0))
}

fn encode_tables(tables: &[Table; 4]) -> Vec<u8> {
    if tables.iter().all(|table| table.first_uses.is_empty()) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for table in tables {
        put_count(&mut out, table.first_uses.len());
        for place in &table.first_uses {
            put_count(&mut out, *place);
        }
    }
    out
}
