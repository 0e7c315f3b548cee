//! What the archive keeps of an event, with the salts that still open it: where every opening comes from.

use chat::{Recorded, Seq};

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::proof::commitment::commit;
use crate::proof::salt::{Salt, SaltRun};
use crate::proof::{Digest, Opening, SaltTree, Salts};
use crate::record;

/// What is kept of one event.
#[derive(Debug)]
pub(crate) enum Kept {
    /// All of it.
    Live {
        /// The event.
        recorded: Box<Recorded>,
        /// Its salts.
        salts: Salts,
    },
    /// The header and the content commitment.
    Stub {
        /// The bytes of the header.
        header: Vec<u8>,
        /// Its salt.
        hs: Salt,
        /// The content commitment.
        content: Digest,
    },
    /// The leaf.
    Blank {
        /// The leaf.
        leaf: Digest,
    },
}

impl Kept {
    /// Opens it as far as it is kept, without the values of the tags that are withheld.
    pub(crate) fn opening(&self, is_withheld: &dyn Fn(u16) -> bool) -> Opening {
        match self {
            Self::Live { recorded, salts } => Opening::of(recorded, salts, is_withheld),
            Self::Stub { header, hs, content } => {
                Opening::Stub { header: header.clone(), hs: *hs, content: *content }
            }
            Self::Blank { leaf } => Opening::Leaf { leaf: *leaf },
        }
    }

    /// Opens its header, if it is kept, and nothing of its content.
    pub(crate) fn stub(&self) -> Opening {
        let Self::Live { recorded, salts } = self else { return self.opening(&|_| true) };
        let header = record::header(recorded).encode();
        let fields = record::fields(&recorded.event);
        let fields = fields.iter().map(|field| (field.tag, field.value.as_slice()));
        let content = commit(&header, recorded.seq, fields, salts).content;
        Opening::Stub { header, hs: salts.hs, content }
    }
}

impl Archive {
    /// Returns the leaf of a durable event, or nothing if there is no such event.
    pub fn leaf(&self, seq: Seq) -> Result<Option<Digest>> {
        if seq.get() > self.size() {
            return Ok(None);
        }
        let leaves = self.with_tree(|tree| tree.leaves(seq.leaf_index(), 1))?;
        Ok(leaves.first().copied())
    }

    /// Returns what is kept of an event. One that is no longer in memory is sealed: it is shown there first.
    pub(crate) fn kept(&self, seq: Seq) -> Result<Kept> {
        if let Some(kept) = self.unsealed(seq, &mut None) {
            return Ok(kept);
        }
        let held = self.size();
        let kept = self.sealed.kept(seq)?;
        kept.ok_or(Error::BeyondEnd { action: "show an event", asked: seq.get(), held })
    }

    /// Returns what is kept of several events, in the order asked for. What neighbours share is read once.
    pub(crate) fn kept_run(&self, seqs: &[Seq]) -> Vec<Result<Kept>> {
        let mut salts = None;
        let unsealed: Vec<_> = seqs.iter().map(|seq| self.unsealed(*seq, &mut salts)).collect();
        let held = self.size();
        let absent = seqs.iter().zip(&unsealed).filter(|(_, kept)| kept.is_none());
        let absent: Vec<Seq> = absent.map(|(seq, _)| *seq).collect();
        let mut sealed = self.sealed.kept_run(&absent).into_iter();
        let asked = seqs.iter().zip(unsealed);
        asked
            .map(|(seq, kept)| match kept {
                Some(kept) => Ok(kept),
                None => sealed.next().unwrap_or(Ok(None))?.ok_or(Error::BeyondEnd {
                    action: "show an event",
                    asked: seq.get(),
                    held,
                }),
            })
            .collect()
    }

    /// Returns what is kept of an event that is not sealed yet. `salts` is the tree of the run that was asked for last.
    fn unsealed(&self, seq: Seq, salts: &mut Option<SaltTree>) -> Option<Kept> {
        let frame = self.shared.memory.frame(seq)?;
        let run = self.shared.memory.run(seq)?;
        let recorded = Box::new(frame.record(seq)?.decode()?);
        let lane = recorded.lane();
        let of_run = SaltRun { lane, first: run.first };
        if salts.as_ref().is_none_or(|tree| tree.run() != of_run) {
            *salts = Some(SaltTree::new(run.seed(lane), lane, run.first));
        }
        let salts = salts.as_mut()?.salts(seq);
        Some(Kept::Live { recorded, salts })
    }

    /// Recomputes leaves of sealed events.
    pub(crate) fn sealed_leaves(&self, first: Seq, count: u64) -> Result<Vec<Digest>> {
        self.sealed.leaves(first, count)
    }
}
