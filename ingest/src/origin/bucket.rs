//! One bucket of a run as bits: the fingerprints that begin with the same 12 bits, and where their events stand.
//!
//! First, for each value of the next 8 bits in turn, one `1` for each entry that has it, then a `0`. Then each entry in order:
//! the 16 bits of the fingerprint that are left, and the 20 bits of its place. Bits fill bytes from the highest one down; the last
//! byte is filled up with zeros. So a run of n entries takes 37 n bits and a little.

use super::{KEPT_BITS, PLACE_BITS};

/// Bits of a fingerprint that choose its bucket.
pub(super) const BUCKET_BITS: u32 = 12;
/// Bits of a fingerprint that choose its group within the bucket.
const GROUP_BITS: u32 = 8;
/// Groups of one bucket.
const GROUPS: u32 = 1 << GROUP_BITS;
/// Bits of a fingerprint that stand in its entry.
const REST_BITS: u32 = KEPT_BITS - BUCKET_BITS - GROUP_BITS;
/// Bits of an entry: the rest of its fingerprint, and its place.
const ENTRY_BITS: u32 = REST_BITS + PLACE_BITS;

/// Returns the bucket of a fingerprint.
pub(super) fn bucket_of(kept: u64) -> usize {
    usize::try_from(kept >> (KEPT_BITS - BUCKET_BITS)).unwrap_or_default()
}

fn group_of(kept: u64) -> u32 {
    u32::try_from((kept >> REST_BITS) & u64::from(GROUPS - 1)).unwrap_or_default()
}

fn rest_of(kept: u64) -> u64 {
    kept & ((1 << REST_BITS) - 1)
}

/// Bits on their way into bytes.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u64,
    count: u32,
}

impl Bits {
    /// Takes up to 36 bits.
    fn push(&mut self, bits: u64, count: u32) {
        self.waiting = (self.waiting << count) | bits;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let [.., byte] = (self.waiting >> self.count).to_be_bytes();
            self.bytes.push(byte);
        }
        self.waiting &= (1 << self.count) - 1;
    }

    fn end(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.push(0, 8 - self.count);
        }
        self.bytes
    }
}

/// Returns the bytes of a bucket. The entries are sorted.
pub(super) fn encode(entries: &[(u64, u32)]) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut next = entries.iter().peekable();
    for group in 0..GROUPS {
        while next.next_if(|(kept, _)| group_of(*kept) == group).is_some() {
            bits.push(1, 1);
        }
        bits.push(0, 1);
    }
    for (kept, place) in entries {
        bits.push((rest_of(*kept) << PLACE_BITS) | u64::from(*place), ENTRY_BITS);
    }
    bits.end()
}

/// Returns how many entries a bucket of so many bytes has, or nothing where no bucket has so many.
fn count_of(bytes: usize) -> Option<u32> {
    let bits = u32::try_from(bytes).ok()?.checked_mul(8)?.checked_sub(GROUPS)?;
    (bits % (ENTRY_BITS + 1) < 8).then_some(bits / (ENTRY_BITS + 1))
}

fn filled_up(bytes: &[u8]) -> [u8; 8] {
    let mut word = [0; 8];
    for (to, byte) in word.iter_mut().zip(bytes) {
        *to = *byte;
    }
    word
}

/// Returns the rest of the fingerprint and the place of an entry.
fn entry(bytes: &[u8], count: u32, number: u32) -> Option<(u64, u32)> {
    let bit = GROUPS.checked_add(count)?.checked_add(number.checked_mul(ENTRY_BITS)?)?;
    let rest = bytes.get(usize::try_from(bit / 8).ok()?..)?;
    // A word holds the 36 bits of an entry, wherever in its first byte they begin; near the end of the bucket it is filled up.
    let word = rest.first_chunk().map_or_else(|| filled_up(rest), |whole| *whole);
    let value = (u64::from_be_bytes(word) << (bit % 8)) >> (u64::BITS - ENTRY_BITS);
    let place = u32::try_from(value & ((1 << PLACE_BITS) - 1)).ok()?;
    Some((value >> PLACE_BITS, place))
}

/// Hands over the places of all entries with this fingerprint.
pub(super) fn find(bytes: &[u8], kept: u64, mut take: impl FnMut(u32)) {
    let Some(count) = count_of(bytes.len()) else { return };
    let group = group_of(kept);
    let Some((first, end)) = group_range(bytes, group) else { return };
    for number in first..end.min(count) {
        if let Some((rest, place)) = entry(bytes, count, number)
            && rest == rest_of(kept)
        {
            take(place);
        }
    }
}

/// Returns the numbers of the entries of a group.
fn group_range(bytes: &[u8], group: u32) -> Option<(u32, u32)> {
    // The group begins after as many zeros as there are groups before it.
    let (mut zeros, mut ones) = (0, 0);
    let mut at = 0;
    for byte in bytes {
        if zeros + byte.count_zeros() >= group {
            break;
        }
        zeros += byte.count_zeros();
        ones += byte.count_ones();
        at += 8;
    }
    let bit = |at: u32| {
        let byte = bytes.get(usize::try_from(at / 8).ok()?)?;
        Some((byte >> (7 - at % 8)) & 1)
    };
    while zeros < group {
        if bit(at)? == 1 {
            ones += 1;
        } else {
            zeros += 1;
        }
        at += 1;
    }
    let first = ones;
    while bit(at)? == 1 {
        ones += 1;
        at += 1;
    }
    Some((first, ones))
}

/// Hands over every entry of a bucket, or nothing where its bytes are none.
pub(super) fn read_all(bytes: &[u8], bucket: usize, mut take: impl FnMut(u64, u32)) -> Option<u32> {
    let count = count_of(bytes.len())?;
    let high = u64::try_from(bucket).ok()? << (KEPT_BITS - BUCKET_BITS);
    let (mut group, mut number) = (0, 0_u32);
    for byte in bytes {
        let (mut bits, mut left) = (*byte, u8::BITS);
        while left > 0 {
            // Ones up to the end of the group, or of the byte.
            let ones = bits.leading_ones().min(left);
            for _ in 0..ones {
                let (rest, place) = entry(bytes, count, number)?;
                take(high | (u64::from(group) << REST_BITS) | rest, place);
                number += 1;
            }
            if ones == left {
                break;
            }
            group += 1;
            if group == GROUPS {
                return (number == count).then_some(count);
            }
            bits = bits.unbounded_shl(ones + 1);
            left -= ones + 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_back_what_was_put_in() {
        let rng = chat::testing::SeededRng::new(13);
        for count in [0_usize, 1, 2, 3, 7, 255, 256, 257, 1_000] {
            let bucket = 0xabc;
            let high = 0xabc_u64 << (KEPT_BITS - BUCKET_BITS);
            let mut entries: Vec<(u64, u32)> = (0..count)
                .map(|_| {
                    let low = rng.next() & ((1 << (KEPT_BITS - BUCKET_BITS)) - 1);
                    (high | low, u32::try_from(rng.next() >> 44).unwrap())
                })
                .collect();
            if let [first, second, ..] = entries.as_mut_slice() {
                second.0 = first.0;
            }
            entries.sort_unstable();
            let bytes = encode(&entries);
            assert_eq!(bytes.len(), (256 + 37 * count).div_ceil(8), "{count} entries");
            let mut read = Vec::new();
            let told = read_all(&bytes, bucket, |kept, place| read.push((kept, place)));
            assert_eq!(told, Some(u32::try_from(count).unwrap()));
            assert_eq!(read, entries);
            for (kept, _) in &entries {
                let mut places = Vec::new();
                find(&bytes, *kept, |place| places.push(place));
                let equal = entries.iter().filter(|(other, _)| other == kept);
                assert_eq!(places, equal.map(|(_, place)| *place).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_bucket_are_read_without_harm() {
        let rng = chat::testing::SeededRng::new(17);
        for length in 0..200 {
            let bytes: Vec<u8> =
                (0..length).map(|_| u8::try_from(rng.next() >> 56).unwrap()).collect();
            for _ in 0..20 {
                find(&bytes, rng.next() >> (64 - KEPT_BITS), |_| {});
            }
            let _told = read_all(&bytes, 7, |_, _| {});
        }
    }
}
