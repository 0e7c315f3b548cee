//! At rest: after a destruction, what is left of one run and lane still has the leaves of the tree (proof.md §9).

use chat::{Lane, Seq};
use serde_json::Value;

use crate::proof::commitment::{Commitments, commit, header_commitment};
use crate::proof::cover::{Cover, RunState, Survival};
use crate::proof::hash::Digest;
use crate::proof::header::Header;
use crate::proof::members::Members;
use crate::proof::opening::check_tags;
use crate::proof::refusal::Refusal;
use crate::proof::salt::{RUN_EVENTS_MAX, Salt, SaltRun, slot};

/// One run and lane as it lies on disk. It holds salts that open every survivor: it never leaves the archive.
#[derive(Clone, PartialEq, Eq)]
pub struct AtRest {
    /// Which salt tree.
    pub run: SaltRun,
    /// The nodes of the cover.
    pub nodes: Vec<Salt>,
    /// Events of which nothing is destroyed.
    pub live: Vec<Survivor>,
    /// Events of which the header is left.
    pub stubs: Vec<Stubbed>,
    /// Events of which the leaf is left.
    pub blanks: Vec<Blanked>,
}

/// An event of which nothing is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Which event.
    pub seq: Seq,
    /// The bytes of its header.
    pub header: Vec<u8>,
    /// Its fields, tags strictly ascending.
    pub fields: Vec<(u16, Vec<u8>)>,
}

/// An event of which the header and the content commitment are left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stubbed {
    /// Which event.
    pub seq: Seq,
    /// The bytes of its header.
    pub header: Vec<u8>,
    /// The content commitment.
    pub content: Digest,
}

/// An event of which the leaf is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blanked {
    /// Which event.
    pub seq: Seq,
    /// Its leaf.
    pub leaf: Digest,
}

impl std::fmt::Debug for AtRest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (live, stubs, blanks) = (self.live.len(), self.stubs.len(), self.blanks.len());
        write!(out, "AtRest {{ {:?}, live: {live}, stubs: {stubs}, blanks: {blanks} }}", self.run)
    }
}

impl AtRest {
    /// Refuses unless what is left has exactly these leaves of the tree, ascending.
    pub fn verify(&self, leaves: &[(Seq, Digest)]) -> Result<(), Refusal> {
        let state = self.check_state()?;
        let mut cover = Cover::open(self.run, &state, &self.nodes)?;
        let mut found = self.recompute(&mut cover)?;
        found.sort_by_key(|(seq, _)| *seq);
        if found == leaves { Ok(()) } else { Err(Refusal::Leaf) }
    }

    /// Returns what is left of each event; refused if one is of another run or lane, or stands twice.
    fn check_state(&self) -> Result<RunState, Refusal> {
        let mut state = RunState::new();
        let mut seen = [false; 256];
        let mut set = |seq: Seq, survival| {
            let seen = seen.get_mut(usize::from(slot(seq))).ok_or(Refusal::Cover)?;
            let start = self.run.first.leaf_index() / RUN_EVENTS_MAX;
            let is_in_run = seq >= self.run.first && seq.leaf_index() / RUN_EVENTS_MAX == start;
            if *seen || !is_in_run {
                return Err(Refusal::Cover);
            }
            *seen = true;
            state.set(seq, survival);
            Ok(())
        };
        for live in &self.live {
            self.check_header(live.seq, &live.header)?;
            check_tags(live.fields.iter().map(|(tag, _)| *tag))?;
            set(live.seq, Survival::Live)?;
        }
        for stub in &self.stubs {
            self.check_header(stub.seq, &stub.header)?;
            set(stub.seq, Survival::Stub)?;
        }
        for blank in &self.blanks {
            set(blank.seq, Survival::Blank)?;
        }
        Ok(state)
    }

    fn check_header(&self, seq: Seq, header: &[u8]) -> Result<(), Refusal> {
        let header = Header::decode(header)?;
        if header.seq != seq.get() {
            return Err(Refusal::HeaderSeq);
        }
        if header.lane() == self.run.lane { Ok(()) } else { Err(Refusal::Cover) }
    }

    fn recompute(&self, cover: &mut Cover) -> Result<Vec<(Seq, Digest)>, Refusal> {
        let mut leaves = Vec::new();
        for live in &self.live {
            let salts = cover.salts(live.seq).ok_or(Refusal::Cover)?;
            let fields = live.fields.iter().map(|(tag, value)| (*tag, value.as_slice()));
            leaves.push((live.seq, commit(&live.header, live.seq, fields, &salts).leaf()));
        }
        for stub in &self.stubs {
            let hs = cover.header_salt(stub.seq).ok_or(Refusal::Cover)?;
            let header = header_commitment(&hs, &stub.header);
            leaves.push((stub.seq, Commitments { header, content: stub.content }.leaf()));
        }
        leaves.extend(self.blanks.iter().map(|blank| (blank.seq, blank.leaf)));
        Ok(leaves)
    }

    /// Reads the JSON form of the vectors, of kind `cover`.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let names = ["lane", "first", "nodes", "live", "stubs", "blanks"];
        let members = Members::of_claim(value, "cover", &names)?;
        let lane = u8::try_from(members.number("lane")?).ok().and_then(Lane::from_code);
        Ok(Self {
            run: SaltRun { lane: lane.ok_or(Refusal::Form)?, first: seq(members, "first")? },
            nodes: members.arrays("nodes")?,
            live: members.list("live", |live| {
                let members = Members::exactly(live, &["seq", "header", "fields"])?;
                let fields = members.list("fields", field)?;
                Ok(Survivor { seq: seq(members, "seq")?, header: members.bytes("header")?, fields })
            })?,
            stubs: members.list("stubs", |stub| {
                let members = Members::exactly(stub, &["seq", "header", "content"])?;
                let (header, content) = (members.bytes("header")?, members.array("content")?);
                Ok(Stubbed { seq: seq(members, "seq")?, header, content })
            })?,
            blanks: members.list("blanks", |blank| {
                let members = Members::exactly(blank, &["seq", "leaf"])?;
                Ok(Blanked { seq: seq(members, "seq")?, leaf: members.array("leaf")? })
            })?,
        })
    }
}

fn seq(members: Members<'_>, name: &str) -> Result<Seq, Refusal> {
    Seq::new(members.number(name)?).ok_or(Refusal::Form)
}

fn field(value: &Value) -> Result<(u16, Vec<u8>), Refusal> {
    let members = Members::exactly(value, &["tag", "value"])?;
    let tag = u16::try_from(members.number("tag")?).map_err(|_| Refusal::Tag)?;
    Ok((tag, members.bytes("value")?))
}
