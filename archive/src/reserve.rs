//! What stays free on the volume for audit and destruction, and how often the volume is asked.
//!
//! Asking is a call to the system, and a post costs little more than such a call. So a reading serves the appends after it, as long
//! as there is much more room than the reserve, little was appended since, and it is young.

use chat::Timestamp;
use parking_lot::Mutex;

use crate::error::{Error, Result};

/// Bytes beyond the reserve below which every append asks: more than what else is written in the life of a reading.
const MARGIN_BYTES: u64 = 256 << 20;
/// Bytes that may be appended on one reading.
const APPENDED_BYTES_MAX: u64 = 1 << 20;
/// How old a reading may be.
const AGE_MICROS_MAX: i64 = 1_000_000;

/// The reserve of a volume and the last reading of what is free there.
#[derive(Debug)]
pub(crate) struct Reserve {
    bytes: u64,
    last: Mutex<Option<Reading>>,
}

#[derive(Debug)]
struct Reading {
    at: Timestamp,
    appended_bytes: u64,
}

impl Reserve {
    /// Returns a reserve of so many bytes, of whose volume nothing is known.
    pub(crate) const fn new(bytes: u64) -> Self {
        Self { bytes, last: Mutex::new(None) }
    }

    /// Fails unless the reserve stays free beside so many bytes, going by the last reading where that may serve.
    pub(crate) fn check_append(
        &self,
        bytes: u64,
        now: Timestamp,
        ask: impl FnOnce() -> Result<u64>,
    ) -> Result<()> {
        let mut last = self.last.lock();
        if let Some(reading) = last.as_mut() {
            let appended = reading.appended_bytes.saturating_add(bytes);
            // A clock that was set back must not keep a reading for ever.
            let age = now.micros().saturating_sub(reading.at.micros());
            if appended <= APPENDED_BYTES_MAX && (0..AGE_MICROS_MAX).contains(&age) {
                reading.appended_bytes = appended;
                return Ok(());
            }
        }
        *last = None;
        let free_bytes = self.check_free(bytes, ask)?;
        let ample = self.bytes.saturating_add(bytes).saturating_add(MARGIN_BYTES);
        if free_bytes >= ample {
            *last = Some(Reading { at: now, appended_bytes: bytes });
        }
        drop(last);
        Ok(())
    }

    /// Fails unless the reserve stays free beside so many bytes, asking the volume; the next append asks it too.
    pub(crate) fn check(&self, bytes: u64, ask: impl FnOnce() -> Result<u64>) -> Result<()> {
        self.forget();
        self.check_free(bytes, ask).map(drop)
    }

    /// Lets the next append ask, because a write failed or much is about to be written.
    pub(crate) fn forget(&self) {
        *self.last.lock() = None;
    }

    fn check_free(&self, bytes: u64, ask: impl FnOnce() -> Result<u64>) -> Result<u64> {
        let free_bytes = ask()?;
        if free_bytes < self.bytes.saturating_add(bytes) {
            return Err(Error::DiskFull { free_bytes, reserve_bytes: self.bytes });
        }
        Ok(free_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const RESERVE: u64 = 1 << 20;

    struct Volume {
        reserve: Reserve,
        free_bytes: Cell<u64>,
        asked: Cell<u32>,
    }

    impl Volume {
        fn with_room(beyond_reserve: u64) -> Self {
            let free_bytes = Cell::new(RESERVE + beyond_reserve);
            Self { reserve: Reserve::new(RESERVE), free_bytes, asked: Cell::new(0) }
        }

        fn ask(&self) -> u64 {
            self.asked.set(self.asked.get() + 1);
            self.free_bytes.get()
        }

        /// Returns whether an append is taken, and how often the volume was asked for it.
        fn append(&self, bytes: u64, micros: i64) -> (bool, u32) {
            let before = self.asked.get();
            let now = Timestamp::from_micros(micros);
            let taken = self.reserve.check_append(bytes, now, || Ok(self.ask()));
            (taken.is_ok(), self.asked.get() - before)
        }
    }

    #[test]
    fn a_volume_with_much_room_is_asked_once_a_second_or_once_a_mebibyte() {
        let volume = Volume::with_room(1 << 30);
        assert_eq!(volume.append(1_000, 0), (true, 1));
        for micros in 1..1_000 {
            assert_eq!(volume.append(1_000, micros), (true, 0), "after {micros} µs");
        }
        assert_eq!(volume.append(1_000, 1_000_000), (true, 1), "a second has gone by");
        assert_eq!(volume.append(APPENDED_BYTES_MAX - 1_000, 1_000_001), (true, 0));
        assert_eq!(volume.append(1, 1_000_002), (true, 1), "a mebibyte was appended");
        assert_eq!(volume.append(1, 999_999), (true, 1), "the clock was set back");
    }

    #[test]
    fn near_the_reserve_every_append_asks_and_what_would_touch_it_is_refused() {
        let volume = Volume::with_room(MARGIN_BYTES);
        for micros in 0..3 {
            assert_eq!(volume.append(1_000, micros), (true, 1), "after {micros} µs");
        }
        volume.free_bytes.set(RESERVE + 999);
        assert_eq!(volume.append(1_000, 3), (false, 1));
        assert_eq!(volume.append(999, 4), (true, 1));
        volume.free_bytes.set(u64::MAX);
        assert_eq!(volume.append(1_000, 5), (true, 1), "space was made");
    }

    #[test]
    fn after_a_failed_write_or_a_large_one_the_next_append_asks() {
        let volume = Volume::with_room(1 << 30);
        assert_eq!(volume.append(1, 0), (true, 1));
        volume.free_bytes.set(0);
        volume.reserve.forget();
        assert_eq!(volume.append(1, 1), (false, 1));
        volume.free_bytes.set(u64::MAX);
        assert_eq!(volume.append(1, 2), (true, 1));
        volume.reserve.check(1, || Ok(volume.ask())).unwrap();
        volume.free_bytes.set(0);
        assert_eq!(volume.append(1, 3), (false, 1));
    }
}
