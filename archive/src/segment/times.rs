//! The two columns of time: differences, divided by what divides them all (`docs/format.md` §5.6).
//!
//! An import of old messages has `at` in whole seconds or minutes and near the one before it; live traffic has `at` near
//! `recorded_at`. The writer tries both and keeps the shorter. All sums wrap, so that every pair of times comes back.

use super::bytes::{Bytes, put_varint, varint_bytes, zigzag};
use super::fault::Fault;

/// `at` as the difference to the row before.
const FROM_BEFORE: u8 = 0;
/// `at` as the difference to `recorded_at`.
const FROM_RECORDED: u8 = 1;

/// Returns the columns of `recorded_at` and `at`, both empty where there is no row.
pub(crate) fn encode_times(recorded: &[i64], at: &[i64]) -> (Vec<u8>, Vec<u8>) {
    let recorded_column = encode_steps(&steps(recorded));
    let from_before = encode_steps(&steps(at));
    let lags: Vec<_> = at.iter().zip(recorded).map(|(at, by)| at.wrapping_sub(*by)).collect();
    let from_recorded = encode_steps(&offsets(&lags));
    let (mode, chosen) = if from_before.len() <= from_recorded.len() {
        (FROM_BEFORE, from_before)
    } else {
        (FROM_RECORDED, from_recorded)
    };
    let at_column = if chosen.is_empty() { chosen } else { [[mode].as_slice(), &chosen].concat() };
    (recorded_column, at_column)
}

/// Returns the pairs (`recorded_at`, `at`) of so many rows.
pub(crate) fn decode_times(
    recorded: &[u8],
    at: &[u8],
    rows: usize,
) -> Result<Vec<(i64, i64)>, Fault> {
    if rows == 0 {
        Bytes::of(recorded, "the recording times").finish()?;
        Bytes::of(at, "the times").finish()?;
        return Ok(Vec::new());
    }
    let recorded = sums(&decode_steps(Bytes::of(recorded, "the recording times"), rows)?);
    let mut at = Bytes::of(at, "the times");
    let mode = at.u8()?;
    let form = at.form();
    let steps = decode_steps(at, rows)?;
    let at = match mode {
        FROM_BEFORE => sums(&steps),
        FROM_RECORDED => from_offsets(&steps)
            .iter()
            .zip(&recorded)
            .map(|(lag, by)| by.wrapping_add(*lag))
            .collect(),
        _ => return Err(form),
    };
    Ok(recorded.into_iter().zip(at).collect())
}

/// The first number as it is, each other as the difference to the one before.
fn steps(numbers: &[i64]) -> Vec<i64> {
    let mut before = 0_i64;
    numbers
        .iter()
        .map(|number| number.wrapping_sub(std::mem::replace(&mut before, *number)))
        .collect()
}

fn sums(steps: &[i64]) -> Vec<i64> {
    let mut sum = 0_i64;
    steps
        .iter()
        .map(|step| {
            sum = sum.wrapping_add(*step);
            sum
        })
        .collect()
}

/// The first number as it is, each other as the difference to the first.
fn offsets(numbers: &[i64]) -> Vec<i64> {
    let Some((first, rest)) = numbers.split_first() else { return Vec::new() };
    std::iter::once(*first).chain(rest.iter().map(|number| number.wrapping_sub(*first))).collect()
}

fn from_offsets(offsets: &[i64]) -> Vec<i64> {
    let Some((first, rest)) = offsets.split_first() else { return Vec::new() };
    std::iter::once(*first).chain(rest.iter().map(|number| number.wrapping_add(*first))).collect()
}

/// Writes the unit, the first step as it is, and the others in that unit.
fn encode_steps(steps: &[i64]) -> Vec<u8> {
    let Some((first, rest)) = steps.split_first() else { return Vec::new() };
    let unit = unit_of(rest);
    let bytes: u32 = rest
        .iter()
        .map(|step| varint_bytes(zigzag(step.checked_div(unit).unwrap_or(*step))))
        .fold(20, u32::saturating_add);
    let mut out = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    put_varint(&mut out, unit.unsigned_abs());
    put_varint(&mut out, zigzag(*first));
    for step in rest {
        put_varint(&mut out, zigzag(step.checked_div(unit).unwrap_or(*step)));
    }
    out
}

fn decode_steps(mut bytes: Bytes<'_>, rows: usize) -> Result<Vec<i64>, Fault> {
    let unit = i64::try_from(bytes.varint()?).map_err(|_| bytes.form())?;
    let mut steps = Vec::with_capacity(rows.min(bytes.left()));
    steps.push(bytes.signed()?);
    for _ in 1..rows {
        steps.push(bytes.signed()?.wrapping_mul(unit));
    }
    bytes.finish()?;
    Ok(steps)
}

/// Returns the greatest number that divides all steps, at least 1.
fn unit_of(steps: &[i64]) -> i64 {
    let unit = steps.iter().fold(0_u64, |unit, step| common_divisor(unit, step.unsigned_abs()));
    i64::try_from(unit).unwrap_or(1).max(1)
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(recorded: &[i64], at: &[i64]) -> usize {
        let (left, right) = encode_times(recorded, at);
        let both: Vec<_> = recorded.iter().copied().zip(at.iter().copied()).collect();
        assert_eq!(decode_times(&left, &right, both.len()), Ok(both));
        left.len() + right.len()
    }

    proptest! {
        #[test]
        fn any_times_come_back(pairs: Vec<(i64, i64)>) {
            let (recorded, at): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            check(&recorded, &at);
        }
    }

    #[test]
    fn the_outermost_times_come_back() {
        check(&[i64::MIN, i64::MAX, 0, i64::MIN], &[i64::MAX, i64::MIN, i64::MIN, 0]);
        check(&[0, i64::MIN, 0], &[i64::MIN, 0, i64::MIN]);
    }

    #[test]
    fn whole_minutes_cost_one_byte_a_row_and_a_still_clock_one() {
        let at: Vec<i64> = (0..1_000).map(|n| 1_500_000_000_000_000 + n / 3 * 60_000_000).collect();
        assert!(check(&[1_700_000_000_000_000; 1_000], &at) < 2_040);
    }

    #[test]
    fn live_times_are_kept_as_the_lag_of_recording() {
        let recorded: Vec<i64> = (0..1_000).map(|n| n * n * 7_919 % 1_000_003 * 1_000).collect();
        let at: Vec<i64> = recorded.iter().map(|n| n - 300 - n % 50).collect();
        let (_, column) = encode_times(&recorded, &at);
        assert_eq!(column.first(), Some(&FROM_RECORDED));
        check(&recorded, &at);
    }
}
