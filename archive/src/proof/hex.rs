//! Byte strings in our JSON: lower-case hex, and nothing else (proof.md §1).

use super::refusal::Refusal;

/// Returns the lower-case hex of the bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// Returns the digit of a value below 16.
fn digit(value: u8) -> char {
    let offset = if value < 10 { b'0' } else { b'a'.wrapping_sub(10) };
    char::from(offset.wrapping_add(value))
}

/// Reads lower-case hex.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Refusal> {
    let (pairs, left) = text.as_bytes().as_chunks::<2>();
    if !left.is_empty() {
        return Err(Refusal::Hex);
    }
    pairs.iter().map(|[high, low]| Ok(value(*high)? << 4 | value(*low)?)).collect()
}

/// Reads the lower-case hex of exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], Refusal> {
    decode(text)?.try_into().map_err(|_| Refusal::Length)
}

fn value(digit: u8) -> Result<u8, Refusal> {
    match digit {
        b'0'..=b'9' => Ok(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Ok(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => Err(Refusal::Hex),
    }
}
