//! Byte strings in our JSON: lower-case hex (proof.md §1).

/// Returns the digits of some bytes.
pub(crate) fn write(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    put(&mut text, bytes);
    text
}

/// Bytes that are written at once.
const CHUNK_BYTES: usize = 32;

/// Writes bytes behind a text.
pub(crate) fn put(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0_u8; 2 * CHUNK_BYTES];
    for chunk in bytes.chunks(CHUNK_BYTES) {
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        text.push_str(str::from_utf8(&digits[..2 * chunk.len()]).unwrap_or_default());
    }
}

/// What a byte is worth as a digit; [`NO_DIGIT`] where it is none.
const WORTH: [u8; 256] = {
    let mut worth = [NO_DIGIT; 256];
    let (mut at, mut value) = (0, 0_u8);
    while at < 16 {
        worth[if at < 10 { 0x30 + at } else { 0x61 - 10 + at }] = value;
        (at, value) = (at + 1, value + 1);
    }
    worth
};

/// Has a bit that no digit has.
const NO_DIGIT: u8 = 0x80;

/// Reads digits into exactly the bytes that they must be; returns whether they are that many and all digits.
fn read_into(digits: &[u8], bytes: &mut [u8]) -> bool {
    let (pairs, left) = digits.as_chunks::<2>();
    let mut seen = 0_u8;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (WORTH[usize::from(*high)], WORTH[usize::from(*low)]);
        seen |= high | low;
        *byte = high << 4 | low;
    }
    seen < NO_DIGIT && left.is_empty() && pairs.len() == bytes.len()
}

/// Returns the bytes that a text of lower-case digits stands for.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 2];
    read_into(text.as_bytes(), &mut bytes).then_some(bytes)
}

/// Returns so many bytes that a text of lower-case digits stands for.
pub(crate) fn read_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_into(text.as_bytes(), &mut bytes).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_reads_back_and_nothing_but_lower_case_digits_is_read() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(read(&write(&bytes)), Some(bytes));
        assert_eq!(write(&[0x0f, 0xa9]), "0fa9");
        assert_eq!(read_array::<2>("0fa9"), Some([0x0f, 0xa9]));
        for wrong in ["0", "0g", "0F", "/0", ":0", "`0", "é", "00 0"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!((read_array::<2>("00"), read_array::<2>("000000")), (None, None));
    }
}
