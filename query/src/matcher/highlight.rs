//! Turns byte ranges of a text into the code point ranges that an answer carries.

/// Returns the ranges merged and counted in code points. Both ends of each must lie on character boundaries.
pub(super) fn highlights(text: &str, mut bytes: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    bytes.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(bytes.len());
    for (start, end) in bytes {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            Some(_) | None => merged.push((start, end)),
        }
    }
    let (mut at, mut counted) = (0, 0);
    let mut count_to = |byte: usize| {
        counted += text[at..byte].chars().count();
        at = byte;
        counted
    };
    merged.into_iter().map(|(start, end)| (count_to(start), count_to(end))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_merged_sorted_and_counted_in_code_points() {
        let text = "äb👍cd";
        assert_eq!(highlights(text, vec![(7, 8), (0, 2), (2, 3), (0, 2)]), [(0, 2), (3, 4)]);
        assert_eq!(highlights(text, vec![]), []);
    }
}
