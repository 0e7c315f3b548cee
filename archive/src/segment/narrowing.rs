//! The salts of a lane once some of its events are destroyed: of each run that lost one, the cover of what is left (proof.md §9).

use chat::{Lane, Seq};

use super::footer::{RunEntry, RunSalts};
use super::leaves::open_run;
use super::slot::Slot;
use crate::proof::Refusal;
use crate::proof::cover::{RunState, Survival};

/// Returns the runs of a lane narrowed to what is left of its events, given all of them in order. A run of which every event lives
/// stays as it is; refused where a run no longer opens a survivor.
pub(crate) fn narrowed(
    lane: Lane,
    runs: &[RunEntry],
    slots: &[Slot],
) -> Result<Vec<RunEntry>, Refusal> {
    let ends = runs.iter().skip(1).map(|next| next.first.get()).chain([u64::MAX]);
    let mut rest = slots;
    let mut narrow = |(run, end): (&RunEntry, u64)| {
        let count = rest.partition_point(|slot| slot.seq() < end);
        let (of_run, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        rest = behind;
        narrow_run(lane, run, of_run)
    };
    runs.iter().zip(ends).map(&mut narrow).collect()
}

fn narrow_run(lane: Lane, run: &RunEntry, slots: &[Slot]) -> Result<RunEntry, Refusal> {
    if slots.iter().all(|slot| matches!(slot, Slot::Live { .. })) {
        return Ok(run.clone());
    }
    let mut state = RunState::new();
    let mut bits = [[0_u8; 32]; 3];
    for slot in slots {
        let (survival, of_state) = match slot {
            Slot::Live { .. } => (Survival::Live, 0_usize),
            Slot::Stub { .. } => (Survival::Stub, 1),
            Slot::Blank { .. } => (Survival::Blank, 2),
        };
        let seq = Seq::new(slot.seq()).ok_or(Refusal::Index)?;
        state.set(seq, survival);
        set_bit(bits.get_mut(of_state).ok_or(Refusal::Cover)?, seq);
    }
    let nodes = open_run(lane, run)?.narrow(&state)?;
    Ok(RunEntry { first: run.first, salts: RunSalts::Cover { slots: bits, nodes } })
}

/// Sets the bit of an event; bit 0x80 of byte 0 is slot 0.
fn set_bit(bits: &mut [u8; 32], seq: Seq) {
    let [.., slot] = seq.leaf_index().to_be_bytes();
    if let Some(byte) = bits.get_mut(usize::from(slot / 8)) {
        *byte |= 0x80_u8 >> (slot % 8);
    }
}

impl RunEntry {
    /// Returns whether an event of the run lives, as far as that is kept here: where nothing was destroyed, whatever the lane has of the
    /// run does.
    pub(crate) fn lives(&self, seq: Seq) -> Option<bool> {
        let RunSalts::Cover { slots: [live, ..], .. } = &self.salts else { return None };
        Some(is_set(live, seq))
    }

    /// Returns the last event of the run of which nothing but the leaf is left.
    pub(crate) fn last_blank(&self) -> Option<Seq> {
        let RunSalts::Cover { slots: [.., blank], .. } = &self.salts else { return None };
        let last = self.first.leaf_index() | 0xff;
        let all = (self.first.leaf_index()..=last).rev();
        all.filter_map(|index| Seq::new(index.saturating_add(1))).find(|seq| is_set(blank, *seq))
    }
}

fn is_set(bits: &[u8; 32], seq: Seq) -> bool {
    let [.., slot] = seq.leaf_index().to_be_bytes();
    bits.get(usize::from(slot / 8)).is_some_and(|byte| byte & (0x80_u8 >> (slot % 8)) != 0)
}
