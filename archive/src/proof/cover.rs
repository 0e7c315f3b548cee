//! What replaces a seed after a destruction: the few nodes that still open the survivors (proof.md §9).
//!
//! A cover is a function of the present state of its run alone, so the order of destructions leaves no trace. With nothing
//! destroyed it is the seed.

use chat::Seq;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use super::salt::{
    DEPTH, Salt, SaltNode, SaltPath, SaltPlace, SaltRun, Salts, Seed, content_leaf, header_leaf,
    slot,
};

/// What is left of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// All of it.
    Live,
    /// Header and content commitment.
    Stub,
    /// The leaf alone.
    Blank,
}

/// What is left of each event of one run and lane. Slots of the other lane, and outside of the run, are not used.
#[derive(Clone, PartialEq, Eq)]
pub struct RunState([Option<Survival>; 256]);

impl RunState {
    /// Returns the state of a run without events.
    pub const fn new() -> Self {
        Self([None; 256])
    }

    /// Says what is left of an event.
    pub fn set(&mut self, seq: Seq, survival: Survival) {
        if let Some(state) = self.0.get_mut(usize::from(slot(seq))) {
            *state = Some(survival);
        }
    }

    /// Returns what a leaf of the salt tree is to the cover.
    fn demand(&self, leaf: u16) -> Demand {
        let [half, slot] = leaf.to_be_bytes();
        let state = self.0.get(usize::from(slot)).copied().flatten();
        match (state, half) {
            (Some(Survival::Live), _) | (Some(Survival::Stub), 0) => Demand::Needed,
            (Some(Survival::Stub | Survival::Blank), _) => Demand::Forbidden,
            (None, _) => Demand::None,
        }
    }

    /// Returns the places of the nodes that open the survivors and nothing else, by ascending first leaf.
    pub fn places(&self) -> Vec<SaltPlace> {
        let mut places = Vec::new();
        self.collect(SaltPlace::ROOT, &mut places);
        places
    }

    /// Adds the maximal nodes at or below a place with no forbidden and at least one needed leaf; returns what lies below.
    fn collect(&self, place: SaltPlace, places: &mut Vec<SaltPlace>) -> Demand {
        let Some([left, right]) = below(place) else {
            let demand = self.demand(place.index);
            if demand == Demand::Needed {
                places.push(place);
            }
            return demand;
        };
        let before = places.len();
        let both = self.collect(left, places).with(self.collect(right, places));
        if both == Demand::Needed {
            places.truncate(before);
            places.push(place);
        }
        both
    }
}

impl Default for RunState {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for RunState {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |survival| self.0.iter().filter(|state| **state == Some(survival)).count();
        let (live, stub, blank) = (of(Survival::Live), of(Survival::Stub), of(Survival::Blank));
        write!(out, "RunState {{ live: {live}, stub: {stub}, blank: {blank} }}")
    }
}

/// What the leaves below a node are to the cover.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// No leaf below is used.
    None,
    /// At least one is needed, none forbidden.
    Needed,
    /// At least one is forbidden: the node must not be kept.
    Forbidden,
}

impl Demand {
    const fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Forbidden, _) | (_, Self::Forbidden) => Self::Forbidden,
            (Self::Needed, _) | (_, Self::Needed) => Self::Needed,
            (Self::None, Self::None) => Self::None,
        }
    }
}

/// Returns the places of a node's children, or nothing for a salt.
fn below(place: SaltPlace) -> Option<[SaltPlace; 2]> {
    if place.depth >= DEPTH {
        return None;
    }
    let depth = place.depth.saturating_add(1);
    let left = place.index.saturating_mul(2);
    Some([SaltPlace { depth, index: left }, SaltPlace { depth, index: left.saturating_add(1) }])
}

/// The salts of a run as far as its cover opens them.
#[derive(Debug)]
pub struct Cover {
    run: SaltRun,
    /// By ascending first leaf; none lies below another.
    nodes: Vec<SaltNode>,
    header_path: SaltPath,
    content_path: SaltPath,
}

impl Cover {
    /// Returns the cover of a run of which nothing is destroyed: its seed.
    pub fn of_seed(run: SaltRun, seed: &Seed) -> Self {
        Self::of_nodes(run, vec![SaltNode { place: SaltPlace::ROOT, node: *seed.as_bytes() }])
    }

    /// Opens the stored nodes of a run in this state. Refused when they are too few or too many for it.
    pub fn open(run: SaltRun, state: &RunState, nodes: &[Salt]) -> Result<Self, Refusal> {
        let places = state.places();
        if places.len() != nodes.len() {
            return Err(Refusal::Cover);
        }
        let stored = places.into_iter().zip(nodes);
        Ok(Self::of_nodes(run, stored.map(|(place, &node)| SaltNode { place, node }).collect()))
    }

    fn of_nodes(run: SaltRun, nodes: Vec<SaltNode>) -> Self {
        Self { run, nodes, header_path: SaltPath::default(), content_path: SaltPath::default() }
    }

    /// Returns which salt tree it covers.
    pub const fn run(&self) -> SaltRun {
        self.run
    }

    /// Returns the nodes to store once the run is in this state. Refused where this cover no longer opens a survivor.
    pub fn narrow(&self, state: &RunState) -> Result<Zeroizing<Vec<Salt>>, Refusal> {
        let places = state.places();
        let mut nodes = Zeroizing::new(Vec::with_capacity(places.len()));
        for place in places {
            let covering = self.nodes.iter().find_map(|node| node.below(self.run, place));
            nodes.push(covering.ok_or(Refusal::Cover)?.node);
        }
        Ok(nodes)
    }

    /// Returns the header salt of an event, unless it is destroyed.
    pub fn header_salt(&mut self, seq: Seq) -> Option<Salt> {
        let leaf = header_leaf(seq);
        let from = covering(&self.nodes, leaf)?;
        Some(self.header_path.open(self.run, from, leaf))
    }

    /// Returns the content salt of an event, unless it is destroyed.
    pub fn content_salt(&mut self, seq: Seq) -> Option<Salt> {
        let leaf = content_leaf(seq);
        let from = covering(&self.nodes, leaf)?;
        Some(self.content_path.open(self.run, from, leaf))
    }

    /// Returns both salts of an event that is live.
    pub fn salts(&mut self, seq: Seq) -> Option<Salts> {
        let hs = self.header_salt(seq)?;
        let cs = self.content_salt(seq)?;
        Some(Salts { hs, cs })
    }
}

/// Returns the node that a leaf lies below.
fn covering(nodes: &[SaltNode], leaf: u16) -> Option<&SaltNode> {
    let first_leaf = |node: &SaltNode| {
        let steps = u32::from(DEPTH.saturating_sub(node.place.depth));
        node.place.index.checked_shl(steps).unwrap_or(u16::MAX)
    };
    let after = nodes.partition_point(|node| first_leaf(node) <= leaf);
    let node = nodes.get(after.checked_sub(1)?)?;
    (SaltPlace::above(leaf, node.place.depth) == node.place).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::salt::SaltTree;
    use chat::Lane;
    use proptest::prelude::*;

    const FIRST: u64 = 257;

    fn seq(slot: u64) -> Seq {
        Seq::new(FIRST + slot).unwrap()
    }

    fn survival() -> impl Strategy<Value = Option<Survival>> {
        prop_oneof![
            8 => Just(Some(Survival::Live)),
            1 => Just(Some(Survival::Stub)),
            1 => Just(Some(Survival::Blank)),
            1 => Just(None),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_cover_opens_the_survivors_and_nothing_destroyed(
            slots in proptest::collection::vec(survival(), 1..=256),
            destroyed in proptest::collection::vec(any::<bool>(), 256),
        ) {
            let seed = Seed::from_bytes([3; 16]);
            let run = SaltRun { lane: Lane::Talk, first: seq(0) };
            let mut tree = SaltTree::new(&seed, run.lane, run.first);
            let mut state = RunState::new();
            for (slot, survival) in (0..).zip(&slots) {
                if let Some(survival) = survival {
                    state.set(seq(slot), *survival);
                }
            }
            let nodes = Cover::of_seed(run, &seed).narrow(&state).unwrap();
            let mut cover = Cover::open(run, &state, &nodes).unwrap();
            for (slot, survival) in (0..).zip(&slots) {
                let salts = tree.salts(seq(slot));
                let (hs, cs) = (cover.header_salt(seq(slot)), cover.content_salt(seq(slot)));
                match survival {
                    Some(Survival::Live) => prop_assert_eq!((hs, cs), (Some(salts.hs), Some(salts.cs))),
                    Some(Survival::Stub) => prop_assert_eq!((hs, cs), (Some(salts.hs), None)),
                    Some(Survival::Blank) => prop_assert_eq!((hs, cs), (None, None)),
                    None => {}
                }
            }
            // A second destruction leaves the same nodes as both at once would have left.
            for (slot, gone) in (0..).zip(&destroyed) {
                if *gone && slots.get(slot).is_some_and(Option::is_some) {
                    state.set(seq(u64::try_from(slot).unwrap()), Survival::Blank);
                }
            }
            let at_once = Cover::of_seed(run, &seed).narrow(&state).unwrap();
            prop_assert_eq!(&*cover.narrow(&state).unwrap(), &*at_once);
        }
    }

    #[test]
    fn what_was_destroyed_cannot_come_back() {
        let seed = Seed::from_bytes([3; 16]);
        let run = SaltRun { lane: Lane::Talk, first: seq(0) };
        let mut state = RunState::new();
        (0..4).for_each(|slot| state.set(seq(slot), Survival::Live));
        assert_eq!(*Cover::of_seed(run, &seed).narrow(&state).unwrap(), [[3; 16]]);
        state.set(seq(1), Survival::Blank);
        let nodes = Cover::of_seed(run, &seed).narrow(&state).unwrap();
        let cover = Cover::open(run, &state, &nodes).unwrap();
        state.set(seq(1), Survival::Live);
        assert_eq!(cover.narrow(&state), Err(Refusal::Cover));
    }
}
