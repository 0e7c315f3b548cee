//! What a caller may find. The only place where a `Scope` is made (house.md §5; a tidy test holds it).

use index::Scope;
use policy::Permission;

use super::Caller;
use crate::problem::Result;

/// Returns what the caller may search: an officer, or a token that reads, searches the whole archive; nobody else any of it.
pub(crate) fn of(caller: &Caller) -> Result<Scope> {
    caller.must(Permission::Read)?;
    Ok(Scope::of_officer())
}
