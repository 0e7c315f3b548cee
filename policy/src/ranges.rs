//! Sets of sequence numbers as stretches of the log, and the one way in which they are written: `3..7,9`, ascending, both ends in,
//! neighbours joined. It is the form of `seq:` in a query, so that whoever reads an order in ten years needs no table of ours.

use std::fmt;

use chat::Seq;

use crate::order::OrderFault;

/// A stretch of the log, both ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stretch {
    /// Its first sequence number.
    pub first: Seq,
    /// Its last, not before the first.
    pub last: Seq,
}

impl Stretch {
    /// Returns the stretch of one event.
    pub const fn one(seq: Seq) -> Self {
        Self { first: seq, last: seq }
    }

    /// Returns how many sequence numbers it has; none where its ends are the wrong way round.
    pub const fn numbers(self) -> u64 {
        (self.last.get() + 1).saturating_sub(self.first.get())
    }

    /// Returns what two stretches share, if anything.
    pub fn shared(self, other: Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            self.first.fmt(out)
        } else {
            write!(out, "{}..{}", self.first, self.last)
        }
    }
}

/// A set of sequence numbers: stretches that ascend, with a gap between any two.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Ranges(Vec<Stretch>);

impl Ranges {
    /// Gathers stretches given in any order. Refused where two of them share a number, or one has its ends the wrong way round.
    pub fn gather(mut stretches: Vec<Stretch>) -> Result<Self, OrderFault> {
        stretches.sort_unstable();
        let mut gathered: Vec<Stretch> = Vec::with_capacity(stretches.len());
        for stretch in stretches {
            if stretch.last < stretch.first {
                return Err(unsorted(stretch));
            }
            match gathered.last_mut() {
                Some(before) if stretch.first <= before.last => {
                    return Err(OrderFault::Overlap { event: stretch.first });
                }
                Some(before) if stretch.first == before.last.next() => before.last = stretch.last,
                _ => gathered.push(stretch),
            }
        }
        Ok(Self(gathered))
    }

    /// Reads the set from its text. Refused where it is empty or written in any other way than the one.
    pub fn parse(text: &str) -> Result<Self, OrderFault> {
        if text.is_empty() {
            return Err(OrderFault::Empty { what: "ranges" });
        }
        let mut read: Vec<Stretch> = Vec::new();
        for piece in text.split(',') {
            let stretch = parse_stretch(piece)?;
            if let Some(before) = read.last() {
                if stretch.last < before.first {
                    return Err(unsorted(stretch));
                }
                if stretch.first <= before.last {
                    return Err(OrderFault::Overlap { event: stretch.first.max(before.first) });
                }
                if stretch.first == before.last.next() {
                    return Err(unfit(piece));
                }
            }
            read.push(stretch);
        }
        Ok(Self(read))
    }

    /// Returns its stretches, ascending.
    pub fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    /// Returns how many numbers it has.
    pub fn numbers(&self) -> u64 {
        self.0.iter().map(|stretch| stretch.numbers()).sum()
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, stretch)| {
            if index > 0 {
                out.write_str(",")?;
            }
            stretch.fmt(out)
        })
    }
}

fn unfit(piece: &str) -> OrderFault {
    OrderFault::FormUnfit { field: "ranges".into(), found: piece.chars().take(80).collect() }
}

fn unsorted(stretch: Stretch) -> OrderFault {
    OrderFault::Unsorted { what: "ranges", found: stretch.to_string() }
}

fn parse_stretch(piece: &str) -> Result<Stretch, OrderFault> {
    let number = |text: &str| {
        let seq = text.parse().ok().and_then(Seq::new);
        // What reads as a number may have been written otherwise: with a sign, or with zeros before it.
        seq.filter(|seq| seq.to_string() == text).ok_or_else(|| unfit(piece))
    };
    match piece.split_once("..") {
        None => number(piece).map(Stretch::one),
        Some((first, last)) => {
            let stretch = Stretch { first: number(first)?, last: number(last)? };
            match stretch.first.cmp(&stretch.last) {
                std::cmp::Ordering::Less => Ok(stretch),
                std::cmp::Ordering::Equal => Err(unfit(piece)),
                std::cmp::Ordering::Greater => Err(unsorted(stretch)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::town::seq;

    fn of(numbers: &BTreeSet<u64>) -> Ranges {
        Ranges::gather(numbers.iter().map(|number| Stretch::one(seq(*number))).collect()).unwrap()
    }

    proptest! {
        #[test]
        fn ranges_are_the_set_of_their_numbers_and_read_back_from_their_text(
            one in proptest::collection::btree_set(1_u64..60, 1..40),
        ) {
            let ranges = of(&one);
            prop_assert_eq!(ranges.numbers(), u64::try_from(one.len()).unwrap());
            let all = ranges.stretches().iter();
            let all = all.flat_map(|stretch| stretch.first.get()..=stretch.last.get());
            prop_assert_eq!(all.collect::<BTreeSet<u64>>(), one);
            prop_assert_eq!(Ranges::parse(&ranges.to_string()), Ok(ranges));
        }

        #[test]
        fn two_stretches_share_the_numbers_that_are_in_both(
            (one, more) in (1_u64..20, 0_u64..9), (other, further) in (1_u64..20, 0_u64..9),
        ) {
            let of = |first, more| Stretch { first: seq(first), last: seq(first + more) };
            let (left, right) = (of(one, more), of(other, further));
            let numbers = |found: Stretch| found.first.get()..=found.last.get();
            let in_both = numbers(left).filter(|number| numbers(right).contains(number));
            let shared = left.shared(right);
            prop_assert!(in_both.eq(shared.map(numbers).into_iter().flatten()));
            prop_assert_eq!(shared, right.shared(left));
        }

        #[test]
        fn what_reads_as_ranges_is_written_the_same(text in "[0-9.,+ ]{0,12}") {
            if let Ok(ranges) = Ranges::parse(&text) {
                prop_assert_eq!(ranges.to_string(), text);
            }
        }
    }

    #[test]
    fn ranges_written_in_any_other_way_are_refused_by_what_is_wrong() {
        let refused = |text: &str| Ranges::parse(text).unwrap_err();
        assert_eq!(refused(""), OrderFault::Empty { what: "ranges" });
        for text in ["0", "01", "+1", " 1", "1,", ",1", "1..1", "1..", "..2", "1...2", "1-2", "1,2"]
        {
            assert!(matches!(refused(text), OrderFault::FormUnfit { .. }), "{text}");
        }
        for text in ["9223372036854775808", "1..9223372036854775808", "99999999999999999999999"] {
            assert!(matches!(refused(text), OrderFault::FormUnfit { .. }), "{text}");
        }
        for text in ["7..3", "9,3", "5..9,1..3"] {
            assert!(matches!(refused(text), OrderFault::Unsorted { .. }), "{text}");
        }
        for (text, event) in [("3,3", 3), ("1..5,5..9", 5), ("1..5,2", 2), ("4..9,2..6", 4)] {
            assert_eq!(refused(text), OrderFault::Overlap { event: seq(event) }, "{text}");
        }
        assert_eq!(Ranges::parse("9223372036854775807").unwrap().numbers(), 1);
    }

    #[test]
    fn stretches_that_share_a_number_are_not_gathered() {
        let stretch = |first, last| Stretch { first: seq(first), last: seq(last) };
        let gathered = Ranges::gather(vec![stretch(5, 9), stretch(1, 4), stretch(11, 11)]).unwrap();
        assert_eq!(gathered.to_string(), "1..9,11");
        let shared = Ranges::gather(vec![stretch(5, 9), stretch(1, 5)]);
        assert_eq!(shared, Err(OrderFault::Overlap { event: seq(5) }));
        assert!(matches!(Ranges::gather(vec![stretch(5, 4)]), Err(OrderFault::Unsorted { .. })));
    }
}
