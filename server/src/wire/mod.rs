//! The JSON of the API. Serde stops here: what the members keep and what the API says may move apart.

pub(crate) mod event;
pub(crate) mod imports;
pub(crate) mod search;
pub(crate) mod status;
pub(crate) mod timestamp;
pub(crate) mod verify;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::{Kind, Problem, Result};

/// A request that says nothing but that it wants something done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Reads a JSON body; an empty one is the empty object.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(Kind::BadRequest, format!("the body of the request: {error}"))
    })
}
