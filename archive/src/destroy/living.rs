//! Which sealed ranges have living events that an order names: asked of the footers, which say what is left of each run.

use chat::{Lane, Seq};
use policy::{RecordedOrder, Stretch};

use crate::archive::Archive;
use crate::error::Result;
use crate::segment::{RunEntry, SealedRange, SegmentReader};

impl Archive {
    /// Returns whether an event of a range that an order names is alive.
    pub(super) fn is_any_alive(&self, range: &SealedRange, order: &RecordedOrder) -> Result<bool> {
        for lane in Lane::ALL.into_iter().filter(|lane| order.names_of(*lane)) {
            let reader = range.reader(lane)?;
            let mut open = Vec::new();
            for (run, span) in spans(&reader.footer().runs, range.last) {
                match state(run, lane, order, span) {
                    State::Alive => return Ok(true),
                    State::Open => open.extend(order.within(span)),
                    State::Gone => {}
                }
            }
            if self.is_any_in(reader, &open, order)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether a file has a living event that an order names within some stretches of its log, by its headers.
    fn is_any_in(
        &self,
        reader: &SegmentReader,
        stretches: &[Stretch],
        order: &RecordedOrder,
    ) -> Result<bool> {
        for stretch in stretches {
            let blocks = &reader.footer().blocks;
            let start = blocks.partition_point(|block| block.last < stretch.first);
            let meeting = blocks.iter().skip(start).take_while(|block| block.first <= stretch.last);
            for entry in meeting {
                let block = self.sealed.headers_of(reader, entry)?;
                let rows =
                    block.row_from(stretch.first.get())..block.row_from(stretch.last.next().get());
                let is_named = |row: usize| {
                    let header = block.live_header(row)?;
                    order.takes(Seq::new(header.seq)?, reader.lane())
                };
                if rows.into_iter().any(|row| is_named(row).is_some()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// What a footer tells of the events of a run that an order names.
enum State {
    /// One of them is alive.
    Alive,
    /// None of them is.
    Gone,
    /// Whatever the lane has of them is alive, and that it does not tell.
    Open,
}

fn state(run: &RunEntry, lane: Lane, order: &RecordedOrder, span: Stretch) -> State {
    let mut within = order.within(span).peekable();
    let Some(first) = within.peek() else { return State::Gone };
    if run.lives(span.first).is_none() {
        // A run that is listed has events of its lane.
        let is_whole = *first == span && lane == Lane::Talk;
        return if is_whole { State::Alive } else { State::Open };
    }
    let is_alive = |seq: Seq| run.lives(seq) == Some(true) && order.takes(seq, lane).is_some();
    let any = within.any(|stretch| seqs(stretch).any(is_alive));
    if any { State::Alive } else { State::Gone }
}

fn seqs(stretch: Stretch) -> impl Iterator<Item = Seq> {
    (stretch.first.get()..=stretch.last.get()).filter_map(Seq::new)
}

/// Returns the runs of a file, each with the stretch of the log in which its events lie.
fn spans(runs: &[RunEntry], last: Seq) -> impl Iterator<Item = (&RunEntry, Stretch)> {
    let next = runs.iter().skip(1).map(|next| next.first.leaf_index());
    runs.iter().zip(next.chain([last.get()])).map(|(run, end)| {
        // A run ends with its 256 slots at the latest.
        let slots_end = (run.first.leaf_index() | 0xff).saturating_add(1);
        let last = Seq::new(end.min(slots_end)).unwrap_or(run.first);
        (run, Stretch { first: run.first, last })
    })
}
