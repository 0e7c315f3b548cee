//! What runs by itself behind the writer: checkpoints, at least every 60 s or 10,000 events while anything is new, and now and
//! then the abridged ledger.

use std::sync::Arc;
use std::time::Duration;

use chat::Timestamp;
use parking_lot::Mutex;

use crate::abridging::Abridging;
use crate::error::Result;
use crate::journal::writer::Shared;
use crate::settings::Settings;
use crate::signer::{SignedCheckpoint, Signer};

/// How often it is looked in the time after which a checkpoint is due.
const LOOKS: u32 = 4;

/// Signs a checkpoint when it is due.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    shared: Shared,
    signer: Arc<Signer>,
    abridging: Arc<Abridging>,
    events: u64,
    seconds: u64,
    /// When the archive was opened or the last one was due, on the archive's clock.
    looked_at: Mutex<Timestamp>,
}

impl Checkpoints {
    pub(crate) fn new(
        shared: &Shared,
        (signer, abridging): (&Arc<Signer>, &Arc<Abridging>),
        settings: &Settings,
    ) -> Self {
        Self {
            shared: shared.clone(),
            signer: Arc::clone(signer),
            abridging: Arc::clone(abridging),
            events: settings.checkpoint_events,
            seconds: settings.checkpoint_seconds,
            looked_at: Mutex::new(shared.ports.clock.now()),
        }
    }

    /// Signs until the archive closes or the log stops.
    pub(crate) fn run(&self) {
        let pause = Duration::from_secs(self.seconds).checked_div(LOOKS).unwrap_or_default();
        loop {
            let signed = self.signer.size();
            if !self.shared.checkpoints.wait(signed.saturating_add(self.events), pause) {
                return;
            }
            if self.sign_due().is_err() {
                return;
            }
            self.abridging.renew_due();
        }
    }

    /// Signs a checkpoint if enough events are new, or any are and enough time has passed. A clock that was set back counts as
    /// time that has passed. A failed store blows the fuse: the signer's promise is durable or nothing.
    pub(crate) fn sign_due(&self) -> Result<Option<SignedCheckpoint>> {
        self.shared.fuse.check()?;
        let new = self.shared.memory.size().saturating_sub(self.signer.size());
        if new == 0 {
            return Ok(None);
        }
        let now = self.shared.ports.clock.now();
        let mut looked_at = self.looked_at.lock();
        let passed = now.micros().saturating_sub(looked_at.micros());
        // Who looks every quarter of the time must sign after three of them.
        let pause = i64::try_from(self.seconds).unwrap_or(i64::MAX).saturating_mul(750_000);
        if new < self.events && (0..pause).contains(&passed) {
            return Ok(None);
        }
        *looked_at = now;
        drop(looked_at);
        let tree = self.shared.memory.frontier();
        let signed = self.signer.sign(self.shared.ports.disk.as_ref(), &tree);
        self.shared.fuse.guard(signed).map(Some)
    }
}
