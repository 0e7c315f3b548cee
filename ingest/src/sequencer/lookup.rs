//! Where events of an origin stand already, and whether they say what is offered.

use chat::{ChatEvent, Recorded, Seq};

use super::desk::Desk;
use super::judge::{Known, is_of_origin};
use crate::error::{Error, Result};
use crate::origin::Fingerprint;

/// Where the index says that events may stand, and what was read there.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// According to the runs on disk; sorted.
    settled: Vec<(Fingerprint, Seq)>,
    /// Durable events that may be meant, ascending.
    records: Vec<Recorded>,
    /// Events up to here were durable when this was looked up.
    durable: u64,
}

impl Found {
    fn record(&self, seq: Seq) -> Option<&Recorded> {
        let at = self.records.binary_search_by_key(&seq, |record| record.seq).ok()?;
        self.records.get(at)
    }

    fn settled(&self, print: Fingerprint) -> impl Iterator<Item = Seq> {
        let first = self.settled.partition_point(|(other, _)| *other < print);
        let rest = self.settled.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(other, _)| *other == print).map(|(_, seq)| *seq)
    }
}

impl Desk {
    /// Looks up fingerprints at once, and reads every durable record that may be meant.
    pub(super) fn find(&self, mut prints: Vec<Fingerprint>) -> Result<Found> {
        let durable = self.archive.size();
        prints.sort_unstable();
        prints.dedup();
        let mut settled = Vec::new();
        self.origins.find_settled(&prints, &mut settled)?;
        settled.sort_unstable();
        let mut seqs: Vec<Seq> = settled.iter().map(|(_, seq)| *seq).collect();
        for print in &prints {
            self.origins.find_recent(*print, &mut seqs);
        }
        seqs.retain(|seq| seq.get() <= durable);
        if seqs.is_empty() {
            return Ok(Found { settled, records: Vec::new(), durable });
        }
        seqs.sort_unstable();
        seqs.dedup();
        let records = self.archive.read_many(&seqs).map_err(|source| Error::Archive { source })?;
        Ok(Found { settled, records: records.into_iter().flatten().collect(), durable })
    }

    /// Returns where events with this fingerprint may stand, ascending; nothing for nearly all that is new.
    fn places(&self, print: Fingerprint, found: &Found) -> Vec<Seq> {
        let mut seqs: Vec<Seq> = found.settled(print).collect();
        self.origins.find_recent(print, &mut seqs);
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }

    /// Returns whether an event that has its place but may not be durable yet bears this fingerprint, all 64 bits of it.
    fn is_in_flight(&self, seq: Seq, print: Fingerprint) -> bool {
        let at = self.in_flight.partition_point(|flying| flying.seq < seq);
        self.in_flight.get(at).is_some_and(|flying| flying.seq == seq && flying.print == print)
    }

    /// Returns where the events that bear the origin of this one stand, ascending.
    pub(super) fn bearers(
        &self,
        print: Fingerprint,
        found: &Found,
        is_meant: impl Fn(&Recorded) -> bool,
    ) -> Vec<Seq> {
        let mut seqs = self.places(print, found);
        seqs.retain(|seq| {
            if seq.get() <= found.durable {
                found.record(*seq).is_some_and(&is_meant)
            } else {
                self.is_in_flight(*seq, print)
            }
        });
        seqs
    }

    /// Returns the events that bear the origin of an event, ascending, held against what it says.
    pub(super) fn known(
        &self,
        print: Fingerprint,
        found: &Found,
        offered: &ChatEvent,
    ) -> Result<Vec<Known>> {
        let bearers = self.bearers(print, found, |record| is_of_origin(record, offered));
        let mut known = Vec::with_capacity(bearers.len());
        for seq in bearers {
            if let Some(record) = found.record(seq) {
                known.push(Known::of(record, offered));
                continue;
            }
            // It may be of a batch before this one: then it is synced in a moment.
            let record = self.record_of(seq)?.filter(|record| is_of_origin(record, offered));
            known.extend(record.map(|record| Known::of(&record, offered)));
        }
        Ok(known)
    }
}
