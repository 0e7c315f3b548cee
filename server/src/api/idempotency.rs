//! `Idempotency-Key`: a POST that is sent again gets the first answer, and does nothing twice.
//!
//! Keys are remembered per caller and route while the process runs; what events are is idempotent by their own keys
//! anyway (house.md §6.6), so this guards jobs and tokens against a client that lost the answer.

use std::collections::{HashMap, VecDeque};

use axum::http::HeaderMap;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::auth::Caller;
use crate::problem::{Kind, Problem, Result};

/// Keys that are remembered; the oldest is forgotten first.
const KEYS_MAX: usize = 4_096;
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 255;

/// What was answered under each key.
#[derive(Debug)]
pub(crate) struct Idempotency<T> {
    table: Mutex<Table<T>>,
}

#[derive(Debug)]
struct Table<T> {
    answers: HashMap<[u8; 32], ([u8; 32], T)>,
    order: VecDeque<[u8; 32]>,
}

impl<T> Default for Idempotency<T> {
    fn default() -> Self {
        Self { table: Mutex::new(Table { answers: HashMap::new(), order: VecDeque::new() }) }
    }
}

/// The place of one request among the remembered ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    key: [u8; 32],
    body: [u8; 32],
}

impl<T: Clone> Idempotency<T> {
    /// Returns the slot of a request that bears a key; nothing for one without.
    pub(crate) fn slot(
        caller: &Caller,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Option<Slot>> {
        let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            let detail =
                format!("Idempotency-Key has {} bytes, 1 to {KEY_BYTES_MAX} are taken", key.len());
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        let mut hash = Sha256::new();
        for part in
            [caller.way_word().as_bytes(), caller.name.as_bytes(), route.as_bytes(), key.as_bytes()]
        {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Ok(Some(Slot { key: hash.finalize().into(), body: Sha256::digest(body).into() }))
    }

    /// Returns the first answer, if there was one. The same key with another body is a contradiction.
    pub(crate) fn recall(&self, slot: Option<Slot>) -> Result<Option<T>> {
        let Some(slot) = slot else { return Ok(None) };
        match self.table.lock().answers.get(&slot.key) {
            None => Ok(None),
            Some((body, answer)) if *body == slot.body => Ok(Some(answer.clone())),
            Some(_) => Err(Problem::new(
                Kind::Conflict,
                "this Idempotency-Key was used with another body; draw a new one",
            )),
        }
    }

    /// Remembers an answer.
    pub(crate) fn remember(&self, slot: Option<Slot>, answer: T) {
        let Some(slot) = slot else { return };
        let mut table = self.table.lock();
        if table.answers.insert(slot.key, (slot.body, answer)).is_none() {
            table.order.push_back(slot.key);
        }
        while table.order.len() > KEYS_MAX {
            if let Some(oldest) = table.order.pop_front() {
                table.answers.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::auth::Way;

    fn slot(name: &str, body: &[u8]) -> Option<Slot> {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", HeaderValue::from_static("k"));
        let caller = Caller::officer(name, Way::Process);
        Idempotency::<u8>::slot(&caller, "/exports", &headers, body).unwrap()
    }

    #[test]
    fn the_same_request_gets_the_first_answer_and_another_body_is_a_contradiction() {
        let answers = Idempotency::default();
        assert_eq!(answers.recall(slot("ada", b"one")).unwrap(), None);
        answers.remember(slot("ada", b"one"), 7);
        assert_eq!(answers.recall(slot("ada", b"one")).unwrap(), Some(7));
        assert_eq!(answers.recall(slot("bo", b"one")).unwrap(), None, "a key is its caller's own");
        assert_eq!(answers.recall(slot("ada", b"two")).unwrap_err().kind, Kind::Conflict);
    }
}
