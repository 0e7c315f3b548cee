//! Reading and writing of whole numbers: fixed ones big-endian, variable ones in groups of seven bits, low group first
//! (`docs/format.md` §1). Nothing here allocates what the input announces.

use super::fault::Fault;

/// Bytes of the longest variable number: 10 groups hold 64 bits.
const VARINT_BYTES_MAX: u32 = 10;

/// Appends a number in groups of seven bits, low group first; the top bit says that another group follows.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

/// Appends the length of something in memory.
pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, u64::try_from(count).unwrap_or(u64::MAX));
}

/// Returns the number of bytes that [`put_varint`] would append.
pub(crate) const fn varint_bytes(number: u64) -> u32 {
    let bits = 64_u32.saturating_sub(number.leading_zeros());
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

/// Returns a signed number as an unsigned one, small if it is near zero on either side.
pub(crate) const fn zigzag(number: i64) -> u64 {
    (number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned()
}

/// Undoes [`zigzag`].
pub(crate) const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}

/// A slice that is read from its front. Every read is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Bytes<'a> {
    /// Begins to read; `what` names the part of the format in faults.
    pub(crate) const fn of(rest: &'a [u8], what: &'static str) -> Self {
        Self { rest, what }
    }

    /// Returns the fault that this part contradicts the rest.
    pub(crate) const fn form(&self) -> Fault {
        Fault::Form { what: self.what }
    }

    /// Returns how many bytes are left.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Takes so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(Fault::Short { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or(Fault::Short { what: self.what })?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Takes one byte.
    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Takes a number of two bytes.
    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes a number of four bytes.
    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes a number of eight bytes.
    pub(crate) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes a signed number of eight bytes.
    pub(crate) fn i64(&mut self) -> Result<i64, Fault> {
        self.array().map(i64::from_be_bytes)
    }

    /// Takes a variable number of at most 64 bits.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        // Nearly every number of a block has one byte.
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0_u64;
        for group in 0..VARINT_BYTES_MAX {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            let shift = group.saturating_mul(7);
            if group.saturating_add(1) == VARINT_BYTES_MAX && bits > 1 {
                return Err(self.form());
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.form())
    }

    /// Takes a variable signed number.
    pub(crate) fn signed(&mut self) -> Result<i64, Fault> {
        self.varint().map(unzigzag)
    }

    /// Takes a count of things of which each takes at least one byte of what is left, so that it may be allocated for.
    pub(crate) fn count(&mut self) -> Result<usize, Fault> {
        let count = self.length()?;
        if count > self.left() { Err(Fault::Short { what: self.what }) } else { Ok(count) }
    }

    /// Takes a length or an index of something in memory.
    pub(crate) fn length(&mut self) -> Result<usize, Fault> {
        usize::try_from(self.varint()?).map_err(|_| self.form())
    }

    /// Takes a length, and then so many bytes.
    pub(crate) fn counted(&mut self) -> Result<&'a [u8], Fault> {
        let count = self.length()?;
        self.take(count)
    }

    /// Ends the reading; nothing may be left.
    pub(crate) const fn finish(self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Fault::Surplus { what: self.what, left: self.rest.len() })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_reads_back(number: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            prop_assert_eq!(out.len(), usize::try_from(varint_bytes(number)).unwrap());
            put_varint(&mut out, zigzag(signed));
            let mut bytes = Bytes::of(&out, "test");
            prop_assert_eq!(bytes.varint(), Ok(number));
            prop_assert_eq!(bytes.signed(), Ok(signed));
            prop_assert_eq!(bytes.finish(), Ok(()));
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        let long = [0xff; 11];
        assert!(Bytes::of(&long, "test").varint().is_err());
        let wide = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert!(Bytes::of(&wide, "test").varint().is_err());
    }

    #[test]
    fn a_count_beyond_what_is_left_is_refused_before_it_is_allocated() {
        let mut out = Vec::new();
        put_varint(&mut out, 1 << 40);
        assert_eq!(Bytes::of(&out, "test").count(), Err(Fault::Short { what: "test" }));
    }
}
