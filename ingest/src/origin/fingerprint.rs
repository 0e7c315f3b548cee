//! Keyed fingerprints of origins: who has no key of the archive can neither make nor guess one.

use archive::keys::Secret;
use chat::{ChatEvent, EventKind, OriginKey, SourceId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What stands before a given key, and before a derived one.
const GIVEN: u8 = b'G';
const DERIVED: u8 = b'D';
const QUARANTINED: u8 = b'Q';
const CHECK: u8 = b'C';

/// The first 64 bits of a keyed hash of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// Returns the bits that the index keeps.
    pub(super) const fn kept(self) -> u64 {
        self.0 >> (64 - super::KEPT_BITS)
    }

    /// Takes a number as it is.
    #[cfg(test)]
    pub(super) const fn of_number(number: u64) -> Self {
        Self(number)
    }
}

/// Makes fingerprints with one archive's key.
#[derive(Clone)]
pub(crate) struct Fingerprints {
    keyed: Hmac<Sha256>,
}

impl std::fmt::Debug for Fingerprints {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Fingerprints")
    }
}

impl Fingerprints {
    /// Takes the archive's key of origins.
    pub(crate) fn new(key: &Secret) -> Self {
        let keyed = Hmac::new_from_slice(key.as_slice()).expect("HMAC takes a key of any length");
        Self { keyed }
    }

    fn finish(keyed: Hmac<Sha256>) -> Fingerprint {
        let hash: [u8; 32] = keyed.finalize().into_bytes().into();
        let (first, _) = hash.split_first_chunk::<8>().expect("a hash has 32 bytes");
        Fingerprint(u64::from_be_bytes(*first))
    }

    fn start(&self, form: u8, source: SourceId) -> Hmac<Sha256> {
        let mut keyed = self.keyed.clone();
        keyed.update(&[form]);
        keyed.update(source.as_bytes());
        keyed
    }

    /// Returns the fingerprint of a key that a source gave; every revision has the same.
    pub(crate) fn given(&self, source: SourceId, key: &str) -> Fingerprint {
        let mut keyed = self.start(GIVEN, source);
        keyed.update(key.as_bytes());
        Self::finish(keyed)
    }

    /// Returns the fingerprint of an event that is known by its content: room, time, sender, kind, text, ordinal.
    pub(crate) fn derived(
        &self,
        source: SourceId,
        event: &ChatEvent,
        kind: EventKind,
        ordinal: u32,
    ) -> Fingerprint {
        let mut keyed = self.start(DERIVED, source);
        let room = event.place.as_ref().map_or([0; 16], |place| *place.room.as_bytes());
        let actor = event.actor.as_ref().map_or([0; 16], |actor| *actor.id.as_bytes());
        keyed.update(&room);
        keyed.update(&actor);
        keyed.update(&event.at.micros().to_be_bytes());
        keyed.update(&kind.code().to_be_bytes());
        keyed.update(&ordinal.to_be_bytes());
        keyed.update(&[u8::from(event.content.text.is_some())]);
        keyed.update(event.content.text.as_deref().unwrap_or_default().as_bytes());
        Self::finish(keyed)
    }

    /// Returns the fingerprint of an event, if it came from a source.
    pub(crate) fn of(&self, event: &ChatEvent) -> Option<Fingerprint> {
        let origin = event.origin.as_ref()?;
        Some(match &origin.key {
            OriginKey::Given(key) => self.given(origin.source, key),
            OriginKey::Derived { ordinal } => {
                self.derived(origin.source, event, event.kind, *ordinal)
            }
        })
    }

    /// Returns the key of a quarantined record: a keyed hash of its bytes and of the number of equals before it.
    pub(crate) fn quarantine_key(&self, raw: &[u8], ordinal: u32) -> String {
        use std::fmt::Write as _;
        let mut keyed = self.keyed.clone();
        keyed.update(&[QUARANTINED]);
        keyed.update(&ordinal.to_be_bytes());
        keyed.update(raw);
        let hash: [u8; 32] = keyed.finalize().into_bytes().into();
        let mut key = "quarantined:".to_owned();
        for byte in hash.iter().take(16) {
            write!(key, "{byte:02x}").expect("a string takes what is written to it");
        }
        key
    }

    /// Returns bytes that tell this key from another, so that an index of another key is not trusted.
    pub(super) fn check(&self) -> [u8; 16] {
        let mut keyed = self.keyed.clone();
        keyed.update(&[CHECK]);
        let hash: [u8; 32] = keyed.finalize().into_bytes().into();
        let (check, _) = hash.split_first_chunk::<16>().expect("a hash has 32 bytes");
        *check
    }
}
