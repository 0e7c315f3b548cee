//! The ids that a segment names, with the names that go with them: each is kept once (`docs/format.md` §5.7).
//!
//! An author's name is nearly always a function of the author's id, and a room's of the room's. So an id bears the names
//! it was first seen with, and a row says only where it differs.

use std::collections::HashMap;

use super::bytes::{Bytes, put_count, put_varint};
use super::column::{Columns, Packer};
use super::fault::Fault;
use super::id_hash::IdHashing;
use super::slot::Slot;
use crate::proof::header::{ROLE_ACTOR, ROLE_PLACE, ROLE_SOURCE, ROLE_TARGET};
use crate::record::tag;

const ROLES: u8 = 1;
const IDS: u8 = 2;
const NAMES: u8 = 3;

/// Returns the role whose id a name goes with, or nothing if the tag is no name.
pub(crate) const fn role_of_name(tag: u16) -> Option<u8> {
    match tag {
        tag::AUTHOR | tag::AUTHOR_FOREIGN_ID | tag::AUTHOR_EMAIL => Some(ROLE_ACTOR),
        tag::PLACE => Some(ROLE_PLACE),
        _ => None,
    }
}

/// Returns which of the four columns of ranks a role's ids are in; none for targets, which are numbers.
pub(crate) const fn table_of_role(role: u8) -> Option<usize> {
    match role {
        ROLE_PLACE => Some(0),
        ROLE_ACTOR => Some(1),
        ROLE_SOURCE => Some(2),
        ROLE_TARGET => None,
        _ => Some(3),
    }
}

/// One id in its role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entity {
    /// Its role in headers.
    pub(crate) role: u8,
    /// The id.
    pub(crate) id: [u8; 16],
    /// The names it was first seen with, by tag.
    pub(crate) names: Vec<(u16, Vec<u8>)>,
}

impl Entity {
    /// Returns the name that a row has unless it says otherwise.
    pub(crate) fn name(&self, tag: u16) -> Option<&[u8]> {
        self.names.iter().find(|(at, _)| *at == tag).map(|(_, name)| name.as_slice())
    }
}

/// Where the ids of one row stand in the segment's table, by role.
#[derive(Debug, Default)]
pub(crate) struct RowPlaces(Vec<(u8, usize)>);

impl RowPlaces {
    /// Forgets the row before.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes where the id of a role stands.
    pub(crate) fn put(&mut self, role: u8, place: usize) {
        self.0.push((role, place));
    }

    /// Returns where the id of a role stands, if the row has one.
    pub(crate) fn get(&self, role: u8) -> Option<usize> {
        self.0.iter().find(|(at, _)| *at == role).map(|(_, place)| *place)
    }
}

/// All ids of a segment in the order they first occur.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    list: Vec<Entity>,
    places: HashMap<(u8, [u8; 16]), usize, IdHashing>,
}

impl Entities {
    /// Collects the ids and names of these slots.
    pub(crate) fn of<V: AsRef<[u8]>>(slots: &[Slot<V>]) -> Self {
        let mut entities = Self::default();
        let mut of_row = RowPlaces::default();
        for slot in slots {
            let Some(header) = slot.header() else { continue };
            of_row.clear();
            for (role, id) in &header.ids {
                if table_of_role(*role).is_some() {
                    of_row.put(*role, entities.place_or_add(*role, *id));
                }
            }
            if let Slot::Live { fields, .. } = slot {
                for field in fields {
                    let place = role_of_name(field.tag).and_then(|role| of_row.get(role));
                    entities.learn(place, field.tag, field.value.as_ref());
                }
            }
        }
        entities
    }

    fn place_or_add(&mut self, role: u8, id: [u8; 16]) -> usize {
        let next = self.list.len();
        let place = *self.places.entry((role, id)).or_insert(next);
        if place == next {
            self.list.push(Entity { role, id, names: Vec::new() });
        }
        place
    }

    fn learn(&mut self, place: Option<usize>, tag: u16, name: &[u8]) {
        let entity = place.and_then(|place| self.list.get_mut(place));
        if let Some(entity) = entity.filter(|entity| entity.name(tag).is_none()) {
            entity.names.push((tag, name.to_vec()));
        }
    }

    /// Returns the place of an id.
    pub(crate) fn place(&self, role: u8, id: &[u8; 16]) -> Option<usize> {
        self.places.get(&(role, *id)).copied()
    }

    /// Returns the id at a place.
    pub(crate) fn get(&self, place: usize) -> Option<&Entity> {
        self.list.get(place)
    }

    /// Returns the plaintext of the part.
    pub(crate) fn encode(&self, packer: &mut Packer<'_>) -> Result<Vec<u8>, Fault> {
        let (mut roles, mut ids, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for entity in &self.list {
            roles.push(entity.role);
            ids.extend_from_slice(&entity.id);
            put_count(&mut names, entity.names.len());
            for (tag, name) in &entity.names {
                put_varint(&mut names, u64::from(*tag));
                put_count(&mut names, name.len());
                names.extend_from_slice(name);
            }
        }
        packer.pack(&[(ROLES, roles), (IDS, ids), (NAMES, names)], |_| false)
    }

    /// Reads the plaintext of the part.
    pub(crate) fn decode(part: &[u8]) -> Result<Self, Fault> {
        let what = "the table of ids";
        let columns = Columns::unpack(part, None)?;
        let roles = columns.get(ROLES).unwrap_or(&[]);
        let (ids, left) = columns.get(IDS).unwrap_or(&[]).as_chunks::<16>();
        if columns.foreign(&[ROLES, IDS, NAMES]).is_some()
            || roles.len() != ids.len()
            || !left.is_empty()
        {
            return Err(Fault::Form { what });
        }
        let mut names = Bytes::of(columns.get(NAMES).unwrap_or(&[]), what);
        let mut entities = Self::default();
        for (role, id) in roles.iter().zip(ids) {
            if table_of_role(*role).is_none() {
                return Err(Fault::Form { what });
            }
            let place = entities.place_or_add(*role, *id);
            let names = decode_names(&mut names)?;
            match entities.list.get_mut(place) {
                Some(entity) => entity.names = names,
                None => return Err(Fault::Form { what }),
            }
        }
        names.finish()?;
        // An id that stands twice would make places ambiguous.
        if entities.list.len() == ids.len() { Ok(entities) } else { Err(Fault::Form { what }) }
    }
}

fn decode_names(bytes: &mut Bytes<'_>) -> Result<Vec<(u16, Vec<u8>)>, Fault> {
    let count = bytes.count()?;
    let mut names = Vec::new();
    for _ in 0..count {
        let tag = u16::try_from(bytes.varint()?).map_err(|_| bytes.form())?;
        names.push((tag, bytes.counted()?.to_vec()));
    }
    Ok(names)
}
