//! Byte strings in our JSON: lower-case hex (proof.md §1).

/// Returns the digits of some bytes.
pub(crate) fn write(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    put(&mut text, bytes);
    text
}

/// Writes the digits of some bytes behind a text.
pub(crate) fn put(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|half| char::from(DIGITS[usize::from(half)]));
    text.extend(bytes.iter().flat_map(digits));
}

/// Returns the bytes of some digits, or nothing if they are not pairs of lower-case hex.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, left) = text.as_bytes().as_chunks::<2>();
    if !left.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// Returns the bytes of digits whose number is known.
pub(crate) fn read_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    read(text)?.try_into().ok()
}
