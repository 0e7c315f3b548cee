//! What runs by itself behind the writer: checkpoints, at least every 60 s or 10,000 events while anything is new.

use std::sync::Arc;
use std::time::Duration;

use crate::journal::writer::Shared;
use crate::settings::Settings;
use crate::signer::Signer;

/// Signs a checkpoint when it is due.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    shared: Shared,
    signer: Arc<Signer>,
    events: u64,
    pause: Duration,
}

impl Checkpoints {
    pub(crate) fn new(shared: &Shared, signer: &Arc<Signer>, settings: &Settings) -> Self {
        Self {
            shared: shared.clone(),
            signer: Arc::clone(signer),
            events: settings.checkpoint_events,
            pause: Duration::from_secs(settings.checkpoint_seconds),
        }
    }

    /// Signs until the archive closes or the log stops. A failed store blows the fuse: the signer's promise is durable or nothing.
    pub(crate) fn run(self) {
        loop {
            let signed = self.signer.newest().map_or(0, |newest| newest.checkpoint.size);
            if !self.shared.checkpoints.wait(signed.saturating_add(self.events), self.pause) {
                return;
            }
            if self.shared.fuse.check().is_err() {
                return;
            }
            if self.shared.memory.size() > signed {
                let tree = self.shared.memory.frontier();
                let signed = self.signer.sign(self.shared.ports.disk.as_ref(), &tree);
                if self.shared.fuse.guard(signed).is_err() {
                    return;
                }
            }
        }
    }
}
