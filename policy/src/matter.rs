//! Matters: what officers work on, who works on it, and whose words it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chat::{PersonId, Seq};

use crate::custodian::{Alias, Custodian};
use crate::error::{Error, Result};

/// A matter: the sequence number of the entry that gave it effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatterId(pub Seq);

impl fmt::Display for MatterId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Something that officers work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Which it is.
    pub id: MatterId,
    /// What officers call it.
    pub name: String,
    /// Why it was opened.
    pub reason: String,
    /// The officers who work on it.
    pub members: BTreeSet<PersonId>,
    /// Whose words it is about, by name.
    pub custodians: BTreeMap<String, Custodian>,
}

impl Matter {
    /// Returns a custodian as they would be after further aliases, or refuses them: aliases are added and never taken away, since
    /// holds go by them, and none may name two people at one time.
    pub fn with_custodian(&self, named: &Custodian) -> Result<Custodian> {
        let mut aliases: Vec<Alias> =
            self.custodians.get(&named.name).map(|known| known.aliases.clone()).unwrap_or_default();
        aliases.extend(named.aliases.iter().cloned());
        let others: Vec<Custodian> = self.custodians.values().cloned().collect();
        let checked = Custodian { name: named.name.clone(), aliases }.checked(&others)?;
        if checked.name == named.name {
            Ok(checked)
        } else {
            Err(Error::AliasEmpty { custodian: named.name.chars().take(80).collect() })
        }
    }
}
