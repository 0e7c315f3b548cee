//! Names of persons and rooms, folded once and remembered: the same few hundred write nearly everything.

use chat::{Person, Place};
use query::analysis::fold;

/// Places of each memory; a power of two.
const PLACES: usize = 1_024;
/// Bytes of the longest name that is remembered.
const REMEMBERED_BYTES_MAX: usize = 1_024;

/// Remembers the folded names of the persons and rooms it was asked for last. Its size does not depend on what it meets: one
/// that falls on a taken place takes it over.
#[derive(Debug)]
pub(crate) struct KnownNames {
    persons: Vec<Option<(Person, Vec<String>)>>,
    rooms: Vec<Option<(Place, String)>>,
    /// What was too long to be remembered.
    passing: Vec<String>,
}

impl Default for KnownNames {
    fn default() -> Self {
        Self { persons: vec![None; PLACES], rooms: vec![None; PLACES], passing: Vec::new() }
    }
}

impl KnownNames {
    /// Returns the folded name, foreign id and address of a person.
    pub(crate) fn person(&mut self, person: &Person) -> &[String] {
        let given = [Some(&person.name), person.foreign_id.as_ref(), person.email.as_ref()];
        let given = given.into_iter().flatten();
        if given.clone().map(String::len).sum::<usize>() > REMEMBERED_BYTES_MAX {
            self.passing = given.map(|name| fold(name)).collect();
            return &self.passing;
        }
        let place = &mut self.persons[place_of(person.id.as_bytes())];
        match place {
            Some((known, _)) if known == person => {}
            _ => *place = Some((person.clone(), given.map(|name| fold(name)).collect())),
        }
        place.as_ref().map_or(&[], |(_, names)| names)
    }

    /// Returns the folded name of a room.
    pub(crate) fn room(&mut self, room: &Place) -> &str {
        if room.name.len() > REMEMBERED_BYTES_MAX {
            self.passing = vec![fold(&room.name)];
            return self.passing.first().map_or("", String::as_str);
        }
        let place = &mut self.rooms[place_of(room.room.as_bytes())];
        match place {
            Some((known, _)) if known == room => {}
            _ => *place = Some((room.clone(), fold(&room.name))),
        }
        place.as_ref().map_or("", |(_, name)| name)
    }
}

/// Returns the place of an id. Ids are random, so any of their bytes will do.
fn place_of(id: &[u8]) -> usize {
    id.iter().take(2).fold(0, |place, byte| place << 8 | usize::from(*byte)) % PLACES
}

#[cfg(test)]
mod tests {
    use chat::{PersonId, RoomId};

    use super::*;

    #[test]
    fn a_changed_name_is_the_new_one() {
        let mut names = KnownNames::default();
        let mut person = Person {
            id: PersonId::from_bytes([1; 16]),
            name: "Jörg".to_owned(),
            foreign_id: None,
            email: Some("J@example.com".to_owned()),
        };
        assert_eq!(names.person(&person), ["jorg", "j@example.com"]);
        person.name = "Ada".to_owned();
        assert_eq!(names.person(&person), ["ada", "j@example.com"]);
        person.name = "X".repeat(5_000);
        assert_eq!(names.person(&person)[0], "x".repeat(5_000));
        let mut room = Place { room: RoomId::from_bytes([1; 16]), name: "Board".to_owned() };
        assert_eq!(names.room(&room), "board");
        room.name = "Straße".to_owned();
        assert_eq!(names.room(&room), "strasse");
    }
}
