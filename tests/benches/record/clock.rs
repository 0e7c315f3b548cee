//! Two clocks, the processor's and the wall's, and what a series of readings comes to.

use std::fmt;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::sheet::digits;

/// What one run cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Time of all threads of this process on a processor.
    pub(crate) processor: Duration,
    /// Time that passed.
    pub(crate) wall: Duration,
}

impl Cost {
    /// Returns the seconds that passed.
    pub(crate) const fn wall(&self) -> f64 {
        self.wall.as_secs_f64()
    }

    /// Returns the seconds on a processor.
    pub(crate) const fn processor(&self) -> f64 {
        self.processor.as_secs_f64()
    }
}

/// Runs something once and returns its result and its cost, with the time of all threads of the process.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    timed_on(ClockId::ProcessCPUTime, work)
}

/// Runs something once and returns its result and its cost, with the time of this very thread: what other threads do
/// meanwhile is not counted.
pub(crate) fn timed_by_thread<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    timed_on(ClockId::ThreadCPUTime, work)
}

fn timed_on<T>(clock: ClockId, work: impl FnOnce() -> T) -> (T, Cost) {
    let (before, began) = (time_on(clock), Instant::now());
    let result = work();
    let wall = began.elapsed();
    (result, Cost { processor: time_on(clock).saturating_sub(before), wall })
}

fn time_on(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).expect("the processor's clock starts at 0");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("nanoseconds below a second"))
}

/// Least, middle and greatest of a series, and the value that one in a hundred lies above.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) p99: f64,
    pub(crate) greatest: f64,
}

impl fmt::Display for Spread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [self.least, self.middle, self.p99, self.greatest].map(digits);
        out.write_str(&all.join(" / "))
    }
}

/// Returns the spread of a series; of an empty one nothing is a number.
pub(crate) fn spread(mut series: Vec<f64>) -> Spread {
    series.sort_by(f64::total_cmp);
    let at = |place: usize| series.get(place).copied().unwrap_or(f64::NAN);
    let last = series.len().saturating_sub(1);
    Spread {
        least: at(0),
        middle: at(series.len() / 2),
        p99: at(last.min(series.len() * 99 / 100)),
        greatest: at(last),
    }
}
