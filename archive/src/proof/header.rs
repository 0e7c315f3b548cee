//! The header of an event: the 44 + 17 n bytes of proof.md §3.

use chat::Lane;

pub use super::ids::Ids;
use super::refusal::Refusal;

/// Role of the room in a header.
pub const ROLE_PLACE: u8 = 2;
/// Role of the actor in a header.
pub const ROLE_ACTOR: u8 = 3;
/// Role of the event that this one edits, retracts or answers.
pub const ROLE_TARGET: u8 = 4;
/// Role of the source in a header.
pub const ROLE_SOURCE: u8 = 5;

/// The only version there is.
const VERSION: u8 = 1;
/// Bytes before the ids.
const FIXED_BYTES: usize = 44;
/// Bytes of one id with its role.
const ID_BYTES: usize = 17;

/// What the proof shows of an event when its content is withheld. It holds no name, no address, no foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Kind of the event; the top bit is its lane.
    pub kind: u16,
    /// Place in the log, from 1.
    pub seq: u64,
    /// Place in the room, from 1; 0 without a room.
    pub place_seq: u64,
    /// The event before it in the room; 0 without one.
    pub place_prev: u64,
    /// Microseconds since 1970 UTC on the archive's clock.
    pub recorded_at: i64,
    /// Microseconds since 1970 UTC on the source's clock.
    pub at: i64,
    /// Ids by role, strictly ascending, from role 2.
    pub ids: Ids,
}

impl Header {
    /// Returns the lane, read off the top bit of the kind.
    pub const fn lane(&self) -> Lane {
        if self.kind & 0x8000 == 0 { Lane::Talk } else { Lane::Ledger }
    }

    /// Returns the id that a role has.
    pub fn id(&self, role: u8) -> Option<&[u8; 16]> {
        self.ids.iter().find(|(at, _)| *at == role).map(|(_, id)| id)
    }

    /// Appends its bytes.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let places = (self.seq, self.place_seq, self.place_prev);
        put(out, self.kind, places, (self.recorded_at, self.at), &self.ids);
    }

    /// Returns the bytes that are hashed.
    pub fn encode(&self) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(FIXED_BYTES.saturating_add(ID_BYTES.saturating_mul(self.ids.len())));
        self.encode_into(&mut out);
        out
    }

    /// Reads a header, refusing every form that proof.md §3 does not allow.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let (&version, rest) = bytes.split_first().ok_or(Refusal::HeaderLength)?;
        if version != VERSION {
            return Err(Refusal::HeaderVersion);
        }
        let (fixed, ids) = rest.split_first_chunk::<43>().ok_or(Refusal::HeaderLength)?;
        let (&kind, fixed) = fixed.split_first_chunk::<2>().ok_or(Refusal::HeaderLength)?;
        let (words, count) = fixed.as_chunks::<8>();
        let &[seq, place_seq, place_prev, recorded_at, at] = words else {
            return Err(Refusal::HeaderLength);
        };
        let (pairs, left) = ids.as_chunks::<ID_BYTES>();
        if !left.is_empty()
            || count != [u8::try_from(pairs.len()).unwrap_or(0)]
            || pairs.len() > 255
        {
            return Err(Refusal::HeaderLength);
        }
        let header = Self {
            kind: u16::from_be_bytes(kind),
            seq: u64::from_be_bytes(seq),
            place_seq: u64::from_be_bytes(place_seq),
            place_prev: u64::from_be_bytes(place_prev),
            recorded_at: i64::from_be_bytes(recorded_at),
            at: i64::from_be_bytes(at),
            ids: pairs.iter().filter_map(split_id).collect(),
        };
        header.check()?;
        Ok(header)
    }

    /// Refuses roles out of order and places that contradict their numbers.
    pub fn check(&self) -> Result<(), Refusal> {
        check_roles(self.ids.iter().map(|(role, _)| *role))?;
        let has_place = self.id(ROLE_PLACE).is_some();
        check_place(has_place, (self.seq, self.place_seq, self.place_prev))
    }
}

/// Appends the bytes of a header: its kind, its places in log and room, when it was recorded and when it happened, its ids.
pub(crate) fn put(
    out: &mut Vec<u8>,
    kind: u16,
    (seq, place_seq, place_prev): (u64, u64, u64),
    (recorded_at, at): (i64, i64),
    ids: &[(u8, [u8; 16])],
) {
    out.push(VERSION);
    out.extend_from_slice(&kind.to_be_bytes());
    for number in [seq, place_seq, place_prev] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for time in [recorded_at, at] {
        out.extend_from_slice(&time.to_be_bytes());
    }
    out.push(u8::try_from(ids.len()).expect("roles are bytes and strictly ascend"));
    for (role, id) in ids {
        out.push(*role);
        out.extend_from_slice(id);
    }
}

/// Checks that roles strictly ascend from 2 on.
pub(crate) fn check_roles(roles: impl Iterator<Item = u8>) -> Result<(), Refusal> {
    let mut before = 1;
    for role in roles {
        if role <= before {
            return Err(Refusal::HeaderRoles);
        }
        before = role;
    }
    Ok(())
}

/// Checks that the chain of a room is there exactly where the event has a room: its sequence number, its place in the room
/// and the event before it there.
pub(crate) const fn check_place(
    has_place: bool,
    (seq, place_seq, place_prev): (u64, u64, u64),
) -> Result<(), Refusal> {
    let chained = place_prev >= 1;
    let fits = has_place == (place_seq >= 1)
        && chained == (place_seq >= 2)
        && (!chained || place_prev < seq);
    if fits { Ok(()) } else { Err(Refusal::HeaderPlace) }
}

fn split_id(pair: &[u8; ID_BYTES]) -> Option<(u8, [u8; 16])> {
    let (role, id) = pair.split_first()?;
    Some((*role, id.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Header {
        Header {
            kind: 1,
            seq: 9,
            place_seq: 2,
            place_prev: 4,
            recorded_at: -5,
            at: 7,
            ids: Ids::from_iter([(2, [1; 16]), (9, [2; 16])]),
        }
    }

    #[test]
    fn a_header_reads_back_from_its_bytes() {
        let header = sample();
        assert_eq!(header.encode().len(), 44 + 2 * 17);
        assert_eq!(Header::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn every_truncation_and_extension_is_refused() {
        let bytes = sample().encode();
        for length in 0..bytes.len() {
            assert!(Header::decode(&bytes[..length]).is_err(), "{length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Header::decode(&longer), Err(Refusal::HeaderLength));
    }

    #[test]
    fn contradictions_are_refused_by_name() {
        let refused = |change: fn(&mut Header)| {
            let mut header = sample();
            change(&mut header);
            Header::decode(&header.encode()).unwrap_err()
        };
        assert_eq!(refused(|h| h.place_seq = 0), Refusal::HeaderPlace);
        assert_eq!(refused(|h| h.place_seq = 1), Refusal::HeaderPlace);
        assert_eq!(refused(|h| h.place_prev = 9), Refusal::HeaderPlace);
        assert_eq!(refused(|h| h.ids.reverse()), Refusal::HeaderRoles);
        assert_eq!(refused(|h| h.ids[0].0 = 1), Refusal::HeaderRoles);
    }
}
