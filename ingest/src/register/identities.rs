//! Persons that a source lists: each is declared with every name that it has there, also those who never write.

use chat::{Act, EventKind, limits};

use super::{Person, Register};
use crate::error::Result;
use crate::register::Declarations;
use crate::source::{Identities, Identity};

impl Register {
    /// Declares what is not known yet of the listed persons. Names longer than a name may be are left out.
    pub(crate) fn know(&mut self, listed: &Identities, new: &mut Declarations<'_>) -> Result<()> {
        let source = &listed.source;
        for Identity { person, also } in &listed.persons {
            let mut given = [Some(&person.name), person.foreign_id.as_ref(), person.email.as_ref()]
                .into_iter()
                .flatten()
                .chain([source]);
            if given.any(|name| name.len() > limits::NAME_BYTES_MAX) {
                continue;
            }
            self.resolve(source, None, Some(person), new)?;
            let place = self.by_name.get(source).expect("a source is resolved before its persons");
            let of = self.sources.get_mut(*place).expect("a source stays where it was put");
            let known = of.persons.get_mut(person.foreign_id.as_deref(), &person.name);
            known.expect("a person is resolved before further names are").take_names(also, new);
        }
        Ok(())
    }
}

impl Person {
    /// Declares the names that are new; the name that the person goes by stays.
    fn take_names(&mut self, also: &[String], new: &mut Declarations<'_>) {
        let fits = |name: &&String| name.len() <= limits::NAME_BYTES_MAX;
        let unknown: Vec<String> =
            also.iter().filter(fits).filter(|name| !self.names.contains(*name)).cloned().collect();
        if unknown.is_empty() {
            return;
        }
        self.names.extend(unknown.iter().cloned());
        let act =
            Act::new("person-changed").with("person", self.id.to_string()).with("also", unknown);
        new.declare(EventKind::Identity, None, act);
    }
}
