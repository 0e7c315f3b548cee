//! Two clocks, the processor's and the wall's, and what a series of readings comes to.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What one run cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Time of all threads of this process on a processor.
    pub(crate) processor: Duration,
    /// Time that passed.
    pub(crate) wall: Duration,
}

/// Runs something once and returns its result and its cost.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (processor, wall) = (processor_time(), Instant::now());
    let result = work();
    (result, Cost { processor: processor_time().saturating_sub(processor), wall: wall.elapsed() })
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("the processor's clock starts at 0");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("nanoseconds below a second"))
}

/// Least, middle and greatest of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) greatest: f64,
}

/// Returns the spread of a series, which must not be empty.
pub(crate) fn spread(mut series: Vec<f64>) -> Spread {
    series.sort_by(f64::total_cmp);
    let at = |place: usize| series.get(place).copied().unwrap_or(f64::NAN);
    Spread { least: at(0), middle: at(series.len() / 2), greatest: at(series.len() - 1) }
}

/// Returns the value below which this share of the series lies.
pub(crate) fn quantile(series: &mut [f64], share: f64) -> f64 {
    series.sort_by(f64::total_cmp);
    let last = series.len().saturating_sub(1);
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place within the series"
    )]
    let place = (last as f64 * share).round() as usize;
    series.get(place).copied().unwrap_or(f64::NAN)
}
