//! Something for each room, as the log is gone through.

use std::collections::HashMap;

/// The 16 bytes of a room's id, as they stand in a header.
type Room = [u8; 16];

/// A value for each room. Neighbours in a log are mostly of one room, so the room asked for last is found without a hash.
#[derive(Debug)]
pub(super) struct ByRoom<T> {
    places: HashMap<Room, usize>,
    list: Vec<(Room, T)>,
    last: usize,
}

impl<T> Default for ByRoom<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), list: Vec::new(), last: 0 }
    }
}

impl<T: Default> ByRoom<T> {
    /// Returns what there is for a room; at first what there is by default.
    pub(super) fn of(&mut self, room: Room) -> &mut T {
        if self.list.get(self.last).is_none_or(|(last, _)| *last != room) {
            let next = self.list.len();
            self.last = *self.places.entry(room).or_insert(next);
            if self.last == next {
                self.list.push((room, T::default()));
            }
        }
        let (_, value) = self.list.get_mut(self.last).expect("a room that has a place is listed");
        value
    }

    /// Returns what there is for a room, if it was asked for before.
    pub(super) fn get(&self, room: &Room) -> Option<&T> {
        self.list.get(*self.places.get(room)?).map(|(_, value)| value)
    }

    /// Returns all rooms in the order in which they were first asked for.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Room, &T)> {
        self.list.iter().map(|(room, value)| (room, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_room_has_its_own_value_in_whatever_order_they_come() {
        let (mut found, mut expected) = (ByRoom::<u64>::default(), BTreeMap::new());
        for step in 0..1_000_u64 {
            let room = [u8::try_from(step * step % 7).unwrap(); 16];
            *found.of(room) += step;
            *expected.entry(room).or_insert(0) += step;
        }
        let listed: BTreeMap<Room, u64> = found.iter().map(|(room, sum)| (*room, *sum)).collect();
        assert_eq!(listed, expected);
        assert!(expected.iter().all(|(room, sum)| found.get(room) == Some(sum)));
        assert_eq!(found.get(&[9; 16]), None);
    }
}
