//! Byte strings in our JSON: lower-case hex (proof.md §1).
//!
//! A package has thousands of these digits a row, so both ways go by arithmetic that the compiler can do for many digits at
//! once, and not by a table.

/// Returns the digits of some bytes.
pub(crate) fn write(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len().saturating_mul(2));
    put(&mut text, bytes);
    String::from_utf8(text).expect("digits are ASCII")
}

/// Bytes that are written or read at once.
const CHUNK_BYTES: usize = 16;
/// Their digits.
const CHUNK_DIGITS: usize = 2 * CHUNK_BYTES;

/// Writes bytes behind a text.
pub(crate) fn put(text: &mut Vec<u8>, bytes: &[u8]) {
    let (chunks, rest) = bytes.as_chunks::<CHUNK_BYTES>();
    for chunk in chunks {
        text.extend_from_slice(&digits(chunk));
    }
    if !rest.is_empty() {
        let mut chunk = [0; CHUNK_BYTES];
        chunk[..rest.len()].copy_from_slice(rest);
        text.extend_from_slice(&digits(&chunk)[..2 * rest.len()]);
    }
}

fn digits(bytes: &[u8; CHUNK_BYTES]) -> [u8; CHUNK_DIGITS] {
    let mut digits = [0; CHUNK_DIGITS];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        let byte = u16::from(*byte);
        *pair = (byte >> 4 | (byte & 15) << 8).to_le_bytes();
    }
    for digit in &mut digits {
        // From 9 to `a` it is 39 places further.
        *digit = digit.wrapping_add(if *digit > 9 { b'0' + 39 } else { b'0' });
    }
    digits
}

/// Reads digits into exactly the bytes that they must be; returns whether they are that many and all digits.
fn read_into(digits: &[u8], bytes: &mut [u8]) -> bool {
    let (pairs, left) = digits.as_chunks::<2>();
    if !left.is_empty() || pairs.len() != bytes.len() {
        return false;
    }
    let (whole, rest) = digits.as_chunks::<CHUNK_DIGITS>();
    let (chunks, bytes_left) = bytes.as_chunks_mut::<CHUNK_BYTES>();
    let mut are_digits = true;
    for (chunk, digits) in chunks.iter_mut().zip(whole) {
        are_digits &= read_chunk(digits, chunk);
    }
    if !rest.is_empty() {
        let (mut chunk, mut filled) = ([0; CHUNK_BYTES], [b'0'; CHUNK_DIGITS]);
        filled[..rest.len()].copy_from_slice(rest);
        are_digits &= read_chunk(&filled, &mut chunk);
        bytes_left.copy_from_slice(&chunk[..bytes_left.len()]);
    }
    are_digits
}

/// Reads as many digits as go at once; returns whether they are digits.
fn read_chunk(digits: &[u8; CHUNK_DIGITS], bytes: &mut [u8; CHUNK_BYTES]) -> bool {
    let mut are_wrong = 0_u8;
    let mut values = *digits;
    for value in &mut values {
        let (number, letter) = (value.wrapping_sub(b'0'), value.wrapping_sub(b'a'));
        are_wrong |= u8::from(number > 9) & u8::from(letter > 5);
        *value = if number > 9 { letter.wrapping_add(10) } else { number };
    }
    for (byte, pair) in bytes.iter_mut().zip(values.as_chunks::<2>().0) {
        let [both, _] = (u16::from_le_bytes(*pair) << 4 | u16::from_be_bytes(*pair)).to_le_bytes();
        *byte = both;
    }
    are_wrong == 0
}

/// Returns the bytes that a text of lower-case digits stands for.
pub(crate) fn read(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 2];
    read_into(text, &mut bytes).then_some(bytes)
}

/// Returns so many bytes that a text of lower-case digits stands for.
pub(crate) fn read_array<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_into(text, &mut bytes).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_reads_back_and_nothing_but_lower_case_digits_is_read() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            assert_eq!(read(write(&bytes[length..]).as_bytes()).as_deref(), Some(&bytes[length..]));
        }
        assert_eq!(write(&[0x0f, 0xa9]), "0fa9");
        assert_eq!(read_array::<2>(b"0fa9"), Some([0x0f, 0xa9]));
        for wrong in ["0", "0g", "0F", "/0", ":0", "`0", "é", "00 0"] {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!((read_array::<2>(b"00"), read_array::<2>(b"000000")), (None, None));
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        for byte in 0..=255 {
            for place in [0, 31, 32, 39] {
                let mut text = [b'7'; 40];
                text[place] = byte;
                assert_eq!(read(&text).is_some(), digits(byte), "{byte} at {place}");
            }
        }
    }
}
