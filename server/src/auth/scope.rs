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

/// Returns what the caller may export: as far as they may search, if they may export at all. A token that exports names
/// its events by a query, and so needs no permission to read page by page.
pub(crate) fn of_export(caller: &Caller) -> Result<Scope> {
    caller.must(Permission::Export)?;
    Ok(Scope::of_officer())
}

/// Returns what an administrator's upkeep may look through without showing any of it.
pub(crate) fn of_upkeep(caller: &Caller) -> Result<Scope> {
    caller.must(Permission::Admin)?;
    Ok(Scope::of_officer())
}
