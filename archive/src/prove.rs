//! Proving on the facade: any event, any range, any two sizes, against any size that has been durable.
//!
//! Every inclusion is checked against the root before it is handed out: a damaged tile or segment ends here, as an error
//! that names the event, and not at a stranger's desk.

mod many;

use chat::{RoomId, Seq};

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::log_tree::LogTree;
use crate::proof::claim::Room;
use crate::proof::tree::{self, KnownPath, consistency_path, inclusion_path, range_hashes};
use crate::proof::{Consistency, Digest, Inclusion, Opening, RangeProof, Refusal};

impl Archive {
    /// Returns the number of durable events and the root over them.
    pub fn head(&self) -> (u64, Digest) {
        let tree = self.shared.memory.frontier();
        (tree.size(), tree.root())
    }

    /// Returns the root over the first `size` events. The present size costs nothing, any other a few reads.
    pub fn root(&self, size: u64) -> Result<Digest> {
        let (held, root) = self.head();
        if size == held {
            return Ok(root);
        }
        self.check_size("compute a root", size, held)?;
        self.with_tree(|tree| tree::root(size, tree))
    }

    /// Proves that an event is among the first `size`, showing all its fields but those withheld. Of a destroyed event it
    /// shows what is left.
    pub fn prove(
        &self,
        seq: Seq,
        size: u64,
        is_withheld: &dyn Fn(u16) -> bool,
    ) -> Result<Inclusion> {
        self.check_size("prove an event", seq.get(), size)?;
        let root = self.root(size)?;
        let opening = self.kept(seq)?.opening(is_withheld);
        self.include(seq, opening, (size, &root), &mut KnownPath::default())
    }

    /// Proves that the log of `to` events begins with the log of `from` events.
    pub fn prove_consistency(&self, from: u64, to: u64) -> Result<Consistency> {
        self.check_size("prove consistency", to, self.size())?;
        if from == 0 || from > to {
            let object = format!("a proof of consistency from {from} to {to} events");
            return Err(Error::Refused { object, reason: Refusal::Sizes });
        }
        let path = self.with_tree(|tree| consistency_path(from, to, tree))?;
        Ok(Consistency { from, to, path })
    }

    /// Proves that `count` events from `first` are all there is between the first and the last of them, in a log of `size`
    /// events. It shows their headers and nothing of their content; blanked events show their leaf.
    pub fn prove_range(&self, first: Seq, count: u64, size: u64) -> Result<RangeProof> {
        let last = first.leaf_index().saturating_add(count);
        self.check_size("prove a range", last, size)?;
        self.check_size("prove a range", size, self.size())?;
        if count == 0 {
            let object = "a proof of a range without events".to_owned();
            return Err(Error::Refused { object, reason: Refusal::Range });
        }
        let seqs = (0..count).map(|place| first.plus(place));
        let openings = seqs.map(|seq| Ok(self.kept(seq)?.stub())).collect::<Result<_>>()?;
        let hashes = self.with_tree(|tree| range_hashes(first.leaf_index(), count, size, tree))?;
        let proof = RangeProof { first: first.get(), openings, hashes };
        let checked = proof.verify(size, &self.root(size)?);
        checked.map(|_| proof).map_err(|refusal| self.unproven(first, first.plus(count), refusal))
    }

    /// Proves that these events are all there is of a room between the first and the last of them, showing all their fields
    /// but those withheld. Refused where they are not.
    pub fn prove_room(
        &self,
        place: RoomId,
        seqs: &[Seq],
        size: u64,
        is_withheld: &dyn Fn(u16) -> bool,
    ) -> Result<Room> {
        self.check_size("prove a room", size, self.size())?;
        let items = seqs.iter().map(|seq| self.prove(*seq, size, is_withheld));
        let room = Room { place, items: items.collect::<Result<_>>()? };
        match room.verify(size, &self.root(size)?) {
            Ok(_) => Ok(room),
            Err(reason) => {
                let object = format!("the proof of room {place} by {} events", seqs.len());
                Err(Error::Refused { object, reason })
            }
        }
    }

    fn include(
        &self,
        seq: Seq,
        opening: Opening,
        (size, root): (u64, &Digest),
        known: &mut KnownPath,
    ) -> Result<Inclusion> {
        let path = self.with_tree(|tree| inclusion_path(seq.leaf_index(), size, tree))?;
        let inclusion = Inclusion { seq: seq.get(), opening, path };
        match inclusion.verify_beside(size, root, known) {
            Ok(_) => Ok(inclusion),
            Err(refusal) => Err(self.unproven(seq, seq.next(), refusal)),
        }
    }

    fn unproven(&self, first: Seq, end: Seq, refusal: Refusal) -> Error {
        let fault =
            format!("what is stored does not prove itself ({refusal}); run `muniment verify`");
        Error::corrupt(&self.folder, 0, fault).with_seqs(Some(first), Seq::new(end.leaf_index()))
    }

    fn check_size(&self, action: &'static str, asked: u64, held: u64) -> Result<()> {
        let held = held.min(self.size());
        if asked > held { Err(Error::BeyondEnd { action, asked, held }) } else { Ok(()) }
    }

    /// Asks the tree over all durable events.
    pub(crate) fn with_tree<T>(&self, ask: impl FnOnce(&LogTree<'_>) -> Result<T>) -> Result<T> {
        let (memory, tiles) = (self.shared.memory.as_ref(), self.tiles.as_ref());
        let sealed = |first: Seq, count: u64| self.sealed_leaves(first, count);
        ask(&LogTree { tiles, memory, sealed: &sealed, cache: &self.tree_cache })
    }
}
