//! What a server does when nobody asks for anything: small segments become one, written once at a high level (house.md §6.3).

use std::time::Duration;

use tokio::sync::watch;

use crate::jobs::blocking;
use crate::wiring::Shared;

/// How long nothing must have been recorded before idle work begins.
const REST: Duration = Duration::from_mins(1);

/// Does idle work, a bounded piece at a time, until the server stops. Whoever stops it waits for the piece under way:
/// the archive must not close beneath it.
pub(crate) async fn run(shared: Shared, mut stopped: watch::Receiver<bool>) {
    let mut seen = shared.archive.size();
    loop {
        tokio::select! {
            () = tokio::time::sleep(REST) => {}
            _ = stopped.changed() => return,
        }
        let size = shared.archive.size();
        if size == seen && shared.jobs.running() == 0 {
            settle(&shared, size, &stopped).await;
        }
        seen = shared.archive.size();
    }
}

/// Does pieces of idle work until none is left or something happens.
async fn settle(shared: &Shared, size: u64, stopped: &watch::Receiver<bool>) {
    while !*stopped.borrow() && shared.archive.size() == size && shared.jobs.running() == 0 {
        let archive = std::sync::Arc::clone(&shared.archive);
        match blocking(move || Ok(archive.settle()?)).await {
            Ok(report) if report.ranges == 0 => return,
            Ok(report) => tracing::info!(
                events = report.events,
                bytes_before = report.bytes_before,
                bytes_after = report.bytes_after,
                "segments were written again, smaller"
            ),
            Err(problem) => {
                tracing::warn!(%problem, "segments stay as they are");
                return;
            }
        }
    }
}
