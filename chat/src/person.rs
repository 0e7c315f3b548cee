//! Who did something, as the source named them at that moment.

use crate::id::PersonId;

/// A person in one event: the opaque id that is hashed in the header, and the names as given, which are content.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Person {
    /// The id that every event of this person of this source bears.
    pub id: PersonId,
    /// The name as the source gave it then.
    pub name: String,
    /// The source's own id of the person, where it has one.
    pub foreign_id: Option<String>,
    /// The e-mail address as given then.
    pub email: Option<String>,
}
