//! The ids of one header, kept in the header itself: nearly every event has at most four, and there are millions of headers.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// An id with its role.
type RoleId = (u8, [u8; 16]);

/// How many ids need no memory of their own: room, actor, target, source.
const PLACES: usize = 4;

/// Ids by role, as a slice. More than four of them lie on the heap.
#[derive(Clone)]
pub struct Ids(Held);

#[derive(Clone)]
enum Held {
    Here { count: u8, ids: [RoleId; PLACES] },
    Heap(Vec<RoleId>),
}

impl Ids {
    /// Adds an id behind the others; the caller keeps the roles ascending.
    pub fn push(&mut self, id: RoleId) {
        match &mut self.0 {
            Held::Heap(ids) => ids.push(id),
            Held::Here { count, ids } => {
                if let Some(place) = ids.get_mut(usize::from(*count)) {
                    *place = id;
                    *count = count.saturating_add(1);
                } else {
                    let mut all = ids.to_vec();
                    all.push(id);
                    self.0 = Held::Heap(all);
                }
            }
        }
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self(Held::Here { count: 0, ids: [(0, [0; 16]); PLACES] })
    }
}

impl Deref for Ids {
    type Target = [RoleId];

    fn deref(&self) -> &[RoleId] {
        match &self.0 {
            Held::Here { count, ids } => ids.get(..usize::from(*count)).unwrap_or_default(),
            Held::Heap(ids) => ids,
        }
    }
}

impl DerefMut for Ids {
    fn deref_mut(&mut self) -> &mut [RoleId] {
        match &mut self.0 {
            Held::Here { count, ids } => ids.get_mut(..usize::from(*count)).unwrap_or_default(),
            Held::Heap(ids) => ids,
        }
    }
}

impl FromIterator<RoleId> for Ids {
    fn from_iter<I: IntoIterator<Item = RoleId>>(ids: I) -> Self {
        let mut all = Self::default();
        ids.into_iter().for_each(|id| all.push(id));
        all
    }
}

impl<'a> IntoIterator for &'a Ids {
    type Item = &'a RoleId;
    type IntoIter = std::slice::Iter<'a, RoleId>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Ids {}

impl fmt::Debug for Ids {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_ids_comes_back_in_order() {
        for count in 0..10_u8 {
            let all: Vec<RoleId> = (0..count).map(|role| (role, [role; 16])).collect();
            let mut ids: Ids = all.iter().copied().collect();
            assert_eq!(*ids, *all);
            assert_eq!(ids, all.iter().copied().collect());
            ids.reverse();
            assert!(ids.iter().rev().eq(&all));
        }
    }
}
