//! Why a claim is refused: the names of proof.md §10, which the test vectors use.

/// A reason to refuse a claim. Form is checked before hashes, and outer members before inner ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}: {}", self.name(), self.words())]
pub enum Refusal {
    /// A byte string is not lower-case hex.
    Hex,
    /// A byte string has the wrong length.
    Length,
    /// A claim or opening has a missing, foreign or contradictory member.
    Form,
    /// A field of an opening is malformed: both open and withheld, or neither.
    FieldForm,
    /// A field tag is 0 or out of range.
    Tag,
    /// Field tags do not strictly ascend.
    TagOrder,
    /// The header's version byte is unknown.
    HeaderVersion,
    /// The header's length does not fit its number of ids.
    HeaderLength,
    /// The header's roles do not strictly ascend, or one is 0 or 1.
    HeaderRoles,
    /// Place, `place_seq` and `place_prev` contradict one another.
    HeaderPlace,
    /// The header names another sequence number than the claim.
    HeaderSeq,
    /// The sequence number is outside of the tree.
    Index,
    /// The path has not exactly the length that its place demands.
    PathLength,
    /// All is well formed, and the hash differs.
    Root,
    /// The two sizes of a consistency claim are 0 or in the wrong order.
    Sizes,
    /// A range is empty or reaches beyond the tree.
    Range,
    /// A hash of a range is missing or left over.
    Hashes,
    /// The first or last item of a room proof shows no header.
    RoomEnds,
    /// The items of a room proof do not ascend.
    RoomOrder,
    /// A header of a room proof names another room.
    RoomPlace,
    /// The room's own numbers leave a gap that no item fills.
    RoomGap,
    /// `place_prev` names another event than the item before.
    RoomPrev,
    /// The nodes of a cover are too few or too many.
    Cover,
    /// A leaf recomputed at rest differs from the tree's.
    Leaf,
    /// The verifier key is malformed, or its id does not fit it.
    Key,
    /// The signed note is malformed.
    NoteForm,
    /// A signature line of the pinned key fails.
    NoteSignature,
    /// No signature line of the pinned key is there.
    NoteUnsigned,
    /// The checkpoint's first line is not the pinned name.
    CheckpointOrigin,
    /// The checkpoint's size or root is malformed, or a fourth line exists.
    CheckpointForm,
}

impl Refusal {
    /// Returns the name that the vectors and the reports use.
    pub const fn name(self) -> &'static str {
        self.both().0
    }

    /// Returns the same in words.
    pub const fn words(self) -> &'static str {
        self.both().1
    }

    const fn both(self) -> (&'static str, &'static str) {
        match self {
            Self::Hex => ("hex", "a byte string is not lower-case hex"),
            Self::Length => ("length", "a byte string has the wrong length"),
            Self::Form => ("form", "a member is missing, foreign or contradictory"),
            Self::FieldForm => ("field-form", "a field is neither open nor withheld, or both"),
            Self::Tag => ("tag", "a field tag is out of range"),
            Self::TagOrder => ("tag-order", "field tags do not ascend"),
            Self::HeaderVersion => ("header-version", "the header's version is unknown"),
            Self::HeaderLength => ("header-length", "the header's length does not fit its ids"),
            Self::HeaderRoles => ("header-roles", "the header's roles do not ascend from 2"),
            Self::HeaderPlace => ("header-place", "the header's place and its numbers contradict"),
            Self::HeaderSeq => ("header-seq", "the header names another sequence number"),
            Self::Index => ("index", "the sequence number is outside of the tree"),
            Self::PathLength => ("path-length", "the path has the wrong number of hashes"),
            Self::Root => ("root", "the hashes do not lead to the signed root"),
            Self::Sizes => ("sizes", "the sizes are 0 or in the wrong order"),
            Self::Range => ("range", "the range is empty or reaches beyond the tree"),
            Self::Hashes => ("hashes", "a hash of the range is missing or left over"),
            Self::RoomEnds => ("room-ends", "the first or last item shows no header"),
            Self::RoomOrder => ("room-order", "the items do not ascend"),
            Self::RoomPlace => ("room-place", "a header names another room"),
            Self::RoomGap => ("room-gap", "an event of the room is left out"),
            Self::RoomPrev => ("room-prev", "the event before is not the item before"),
            Self::Cover => ("cover", "the nodes of a cover are too few or too many"),
            Self::Leaf => ("leaf", "a leaf differs from the tree's"),
            Self::Key => ("key", "the verifier key is malformed"),
            Self::NoteForm => ("note-form", "the signed note is malformed"),
            Self::NoteSignature => ("note-signature", "the signature fails"),
            Self::NoteUnsigned => ("note-unsigned", "the pinned key has not signed"),
            Self::CheckpointOrigin => ("checkpoint-origin", "the note is of another archive"),
            Self::CheckpointForm => ("checkpoint-form", "the size or root is malformed"),
        }
    }
}
