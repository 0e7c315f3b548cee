//! A value that changed, at every state it went through.

use std::collections::HashMap;
use std::hash::Hash;

/// For each key, from which event on it had which value.
#[derive(Debug)]
pub(super) struct History<K, V>(HashMap<K, Vec<(u64, Option<V>)>>);

impl<K, V> Default for History<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Copy, V: PartialEq> History<K, V> {
    pub(super) fn change(&mut self, key: K, seq: u64, value: Option<V>) {
        let states = self.0.entry(key).or_default();
        if states.last().and_then(|(_, last)| last.as_ref()) != value.as_ref() {
            states.push((seq, value));
        }
    }

    /// Returns the value after the first `size` events.
    pub(super) fn at(&self, key: &K, size: u64) -> Option<&V> {
        let states = self.0.get(key)?;
        let known = states.partition_point(|(since, _)| *since <= size);
        states.get(known.checked_sub(1)?)?.1.as_ref()
    }

    pub(super) fn with<Q>(&self, size: u64, value: &Q) -> Vec<K>
    where
        V: std::borrow::Borrow<Q>,
        Q: PartialEq + ?Sized,
    {
        let has = |key: &&K| self.at(key, size).is_some_and(|held| held.borrow() == value);
        self.0.keys().filter(has).copied().collect()
    }

    /// Returns whether the key ever had the value within the first `size` events.
    pub(super) fn had<Q>(&self, key: &K, size: u64, value: &Q) -> bool
    where
        V: std::borrow::Borrow<Q>,
        Q: PartialEq + ?Sized,
    {
        let states = self.0.get(key).into_iter().flatten();
        let mut known = states.take_while(|(since, _)| *since <= size);
        known.any(|(_, held)| held.as_ref().is_some_and(|held| held.borrow() == value))
    }

    /// Returns every value that any key ever had, in any order.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.values().flatten().filter_map(|(_, value)| value.as_ref())
    }

    /// Returns whether the key ever had a value.
    pub(super) fn has(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }
}
