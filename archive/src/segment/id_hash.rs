//! Hashing of ids for the tables of a segment: a few multiplications an id, where the standard hasher takes several times that.
//!
//! The ids are random already, but a file may come from elsewhere, so two numbers drawn by the process go into every hash:
//! nobody can choose ids that meet in one slot.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers that share this process's numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdHashing {
    start: u64,
    factor: u64,
}

impl Default for IdHashing {
    fn default() -> Self {
        let drawn = RandomState::new();
        Self { start: drawn.hash_one(0), factor: drawn.hash_one(1) | 1 }
    }
}

impl BuildHasher for IdHashing {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { state: self.start, factor: self.factor }
    }
}

/// Folds eight bytes at a time into one number.
#[derive(Debug)]
pub(crate) struct IdHasher {
    state: u64,
    factor: u64,
}

impl IdHasher {
    /// Multiplies to 128 bits and joins the halves, so that every bit of the input reaches every bit of the state.
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word).wrapping_mul(u128::from(self.factor));
        let high = u64::try_from(product >> 64).unwrap_or(0);
        let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0);
        self.state = (high ^ low).rotate_left(23).wrapping_add(self.factor);
    }
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_be_bytes(*word));
        }
        for byte in rest {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.fold(u64::from(byte));
    }

    fn write_u16(&mut self, number: u16) {
        self.fold(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(u64::try_from(number).unwrap_or(u64::MAX));
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_in_one_bit_spread_over_the_slots() {
        let hashing = IdHashing::default();
        let (mut low, mut high) = ([0_u32; 64], [0_u32; 64]);
        for bit in 0..128_u32 {
            for role in 2..6_u8 {
                let hash = hashing.hash_one((role, (1_u128 << bit).to_be_bytes()));
                low[usize::try_from(hash & 63).unwrap()] += 1;
                high[usize::try_from(hash >> 58).unwrap()] += 1;
            }
        }
        assert!(low.iter().chain(&high).all(|slot| *slot < 32), "{hashing:?} {low:?} {high:?}");
    }
}
