//! The published vectors of the proof, rebuilt and judged. They live beside the repository; what they pin is pinned here
//! once more by a few values of our own (`sample_log`), so that no test is empty where they are absent.

mod changes;
mod claims;
mod rebuilt;
mod sample_log;

pub(in crate::proof) use sample_log::Leaves;

use std::path::PathBuf;

use serde_json::Value;

use super::hash::Digest;
use super::hex;

/// Returns a vector file, or nothing where there are none, which it says.
fn vectors(test: &str, file: &str) -> Option<Value> {
    let shared = std::env::var_os("MUNIMENT_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let Ok(bytes) = std::fs::read(shared.join("vectors/proof").join(file)) else {
        println!("skipped: {test}: no shared samples");
        return None;
    };
    Some(serde_json::from_slice(&bytes).expect("a vector file is JSON"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("hex")).expect("hex")
}

fn salt(value: &Value) -> [u8; 16] {
    bytes(value).try_into().expect("16 bytes")
}

fn digest(value: &Value) -> Digest {
    bytes(value).try_into().expect("32 bytes")
}
