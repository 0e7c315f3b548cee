//! From rows back to leaves: what a seal, a verification and a proof compare with the tree (proof.md §5, §9).

use chat::{Lane, Seq};

use super::block::Held;
use super::footer::{RunEntry, RunSalts};
use super::slot::Slot;
use crate::proof::commitment::{Commitments, commit, header_commitment};
use crate::proof::cover::{Cover, RunState, Survival};
use crate::proof::salt::SaltRun;
use crate::proof::{Digest, Refusal, Seed};

/// Opens the salts of a lane's runs, one run after another. Asked in ascending order it opens each run once.
#[derive(Debug)]
pub(crate) struct Salting<'a> {
    lane: Lane,
    runs: &'a [RunEntry],
    open: Option<Open>,
}

/// A run whose salts are open.
#[derive(Debug)]
struct Open {
    cover: Cover,
    first: Seq,
    /// Where the next run begins; nothing for the last one.
    next: Option<Seq>,
}

impl Open {
    /// Returns whether an event is in the run.
    fn has(&self, seq: Seq) -> bool {
        self.first <= seq && self.next.is_none_or(|next| seq < next)
    }
}

impl<'a> Salting<'a> {
    /// Returns what opens these runs.
    pub(crate) const fn new(lane: Lane, runs: &'a [RunEntry]) -> Self {
        Self { lane, runs, open: None }
    }

    /// Returns the salts of the run that an event is in; refused where the file has none, or a cover that does not fit.
    pub(crate) fn cover(&mut self, seq: Seq) -> Result<&mut Cover, Refusal> {
        if !self.open.as_ref().is_some_and(|open| open.has(seq)) {
            let after = self.runs.partition_point(|run| run.first <= seq);
            let run = after.checked_sub(1).and_then(|at| self.runs.get(at));
            let run = run.ok_or(Refusal::Cover)?;
            let next = self.runs.get(after).map(|next| next.first);
            self.open = Some(Open { cover: open_run(self.lane, run)?, first: run.first, next });
        }
        self.open.as_mut().map(|open| &mut open.cover).ok_or(Refusal::Cover)
    }

    /// Returns the two hashes under an event's leaf; nothing for a blank one, of which only the leaf is left.
    pub(crate) fn commitments<V: AsRef<[u8]>>(
        &mut self,
        slot: &Slot<V>,
    ) -> Result<Option<Commitments>, Refusal> {
        let seq = Seq::new(slot.seq()).ok_or(Refusal::Index)?;
        match slot {
            Slot::Blank { .. } => Ok(None),
            Slot::Stub { header, content } => {
                let hs = self.cover(seq)?.header_salt(seq).ok_or(Refusal::Cover)?;
                let header = header_commitment(&hs, &header.encode());
                Ok(Some(Commitments { header, content: *content }))
            }
            Slot::Live { header, fields } => {
                let salts = self.cover(seq)?.salts(seq).ok_or(Refusal::Cover)?;
                let fields = fields.iter().map(|field| (field.tag, field.value.as_ref()));
                Ok(Some(commit(&header.encode(), seq, fields, &salts)))
            }
        }
    }

    /// Returns the leaf of what is held of the event with this number.
    pub(crate) fn leaf_of_held(&mut self, seq: u64, held: &Held<'_>) -> Result<Digest, Refusal> {
        let seq = Seq::new(seq).ok_or(Refusal::Index)?;
        let both = match held {
            Held::Blank { leaf } => return Ok(**leaf),
            Held::Stub { header, content } => {
                let hs = self.cover(seq)?.header_salt(seq).ok_or(Refusal::Cover)?;
                Commitments { header: header_commitment(&hs, header), content: **content }
            }
            Held::Live { header, fields } => {
                let salts = self.cover(seq)?.salts(seq).ok_or(Refusal::Cover)?;
                commit(header, seq, fields.iter(), &salts)
            }
        };
        Ok(both.leaf())
    }

    /// Returns the leaf of an event.
    pub(crate) fn leaf<V: AsRef<[u8]>>(&mut self, slot: &Slot<V>) -> Result<Digest, Refusal> {
        if let Slot::Blank { leaf, .. } = slot {
            return Ok(*leaf);
        }
        self.commitments(slot)?.map(|both| both.leaf()).ok_or(Refusal::Leaf)
    }
}

pub(super) fn open_run(lane: Lane, run: &RunEntry) -> Result<Cover, Refusal> {
    let salt_run = SaltRun { lane, first: run.first };
    match &run.salts {
        RunSalts::Seed(seed) => Ok(Cover::of_seed(salt_run, &Seed::from_bytes(**seed))),
        RunSalts::Cover { slots, nodes } => {
            let states = [Survival::Live, Survival::Stub, Survival::Blank];
            let mut state = RunState::new();
            let base = run.first.leaf_index() & !0xff;
            for (bits, survival) in slots.iter().zip(states) {
                for slot in slots_of(bits) {
                    if let Some(seq) = Seq::new(base.saturating_add(slot).saturating_add(1)) {
                        state.set(seq, survival);
                    }
                }
            }
            Cover::open(salt_run, &state, nodes)
        }
    }
}

/// Returns the slots whose bits are set; bit 0x80 of byte 0 is slot 0.
fn slots_of(bits: &[u8; 32]) -> impl Iterator<Item = u64> {
    (0_u64..).zip(bits).flat_map(|(byte, bits)| {
        (0_u64..8)
            .zip([0x80_u8, 0x40, 0x20, 0x10, 8, 4, 2, 1])
            .filter(move |(_, mask)| bits & mask != 0)
            .map(move |(bit, _)| byte.saturating_mul(8).saturating_add(bit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::testing::message;
    use chat::{PlaceSeq, Recorded, Timestamp};
    use zeroize::Zeroizing;

    const SEED: [u8; 16] = [3; 16];

    fn slot(seq: u64) -> Slot {
        let recorded = Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: PlaceSeq::new(1),
            place_prev: None,
            recorded_at: Timestamp::EPOCH,
            event: message(seq, 1, 1, "words"),
        };
        let header = crate::record::header(&recorded);
        Slot::Live { header, fields: crate::record::fields(&recorded.event) }
    }

    fn first() -> Seq {
        Seq::new(300).unwrap()
    }

    /// The run 300–512 after event 310 became a stub and event 400 blank.
    fn destroyed() -> RunEntry {
        let run = SaltRun { lane: Lane::Talk, first: first() };
        let mut state = RunState::new();
        let mut slots = [[0_u8; 32]; 3];
        for seq in 300..=512_u64 {
            let (survival, kept) = match seq {
                310 => (Survival::Stub, 1),
                400 => (Survival::Blank, 2),
                _ => (Survival::Live, 0),
            };
            state.set(Seq::new(seq).unwrap(), survival);
            let slot = usize::try_from((seq - 1) % 256).unwrap();
            slots[kept][slot / 8] |= 0x80 >> (slot % 8);
        }
        let nodes = Cover::of_seed(run, &Seed::from_bytes(SEED)).narrow(&state).unwrap();
        RunEntry { first: first(), salts: RunSalts::Cover { slots, nodes } }
    }

    #[test]
    fn survivors_stubs_and_blanks_keep_the_leaves_they_had() {
        let whole = [RunEntry { first: first(), salts: RunSalts::Seed(Zeroizing::new(SEED)) }];
        let mut before = Salting::new(Lane::Talk, &whole);
        let runs = [destroyed()];
        let mut after = Salting::new(Lane::Talk, &runs);
        for seq in 300..=512 {
            let live = slot(seq);
            let leaf = before.leaf(&live).unwrap();
            let Slot::Live { header, .. } = live.clone() else { panic!("live") };
            let left = match seq {
                310 => {
                    let content = before.commitments(&live).unwrap().unwrap().content;
                    Slot::Stub { header, content }
                }
                400 => Slot::Blank { seq, leaf },
                _ => live,
            };
            assert_eq!(after.leaf(&left), Ok(leaf), "{seq}");
        }
        assert_eq!(after.leaf(&slot(310)), Err(Refusal::Cover));
        assert_eq!(after.leaf(&slot(400)), Err(Refusal::Cover));
    }

    #[test]
    fn an_event_before_every_run_has_no_salts() {
        let runs = [destroyed()];
        assert_eq!(Salting::new(Lane::Talk, &runs).leaf(&slot(7)), Err(Refusal::Cover));
    }
}
