//! What a server does when nobody asks for anything: small segments become one, written once at a high level (house.md §6.3).

use std::time::Duration;

use tokio::sync::watch;

use crate::jobs::blocking;
use crate::wiring::Shared;

/// How long nothing must have been recorded before idle work begins, for a server.
pub(crate) const REST: Duration = Duration::from_mins(1);

/// Does idle work after each `rest` in which nothing was recorded, a bounded piece at a time, until the server stops.
/// Whoever stops it waits for the piece under way: the archive must not close beneath it.
pub(crate) async fn run(shared: Shared, rest: Duration, mut stopped: watch::Receiver<bool>) {
    let mut seen = shared.archive.size();
    loop {
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use archive::Recordkeeping;
    use tempfile::TempDir;

    use super::*;
    use crate::config::Config;
    use crate::wiring::{Appliance, Founding};

    /// An archive of three small sealed ranges.
    async fn of_three_ranges(folder: &TempDir) -> Shared {
        let founding = Founding {
            officer: "Ada Example".to_owned(),
            recordkeeping: Recordkeeping::AuditTrail,
            demo: true,
        };
        let data = folder.path().join("archive");
        let shared = Appliance::found(&data, Config::default(), founding).await.unwrap();
        for officer in ["Bo Example", "Cy Example", "Di Example"] {
            let caller =
                crate::auth::Caller::officer(officer.to_owned(), crate::auth::Way::Process);
            shared.credentials.appoint(&caller, officer, 4_000_000_000).await.unwrap();
            let archive = Arc::clone(&shared.archive);
            blocking(move || Ok(archive.seal()?)).await.unwrap();
        }
        shared
    }

    #[tokio::test]
    async fn a_server_at_rest_makes_one_segment_of_small_ones_and_stops_when_it_is_told() {
        let folder = TempDir::new().unwrap();
        let shared = of_three_ranges(&folder).await;
        let before = shared.archive.state().segments;
        assert!(before >= 3, "three small ranges were sealed, found {before} segments");
        let (stop, stopped) = watch::channel(false);
        let idle = tokio::spawn(run(Shared::clone(&shared), Duration::from_millis(1), stopped));
        while shared.archive.state().segments >= before {
            assert!(!idle.is_finished(), "idle work ended before it had done anything");
            tokio::task::yield_now().await;
        }
        stop.send(true).unwrap();
        idle.await.unwrap();
        let found = shared.archive.verify(None, &|_| {}).unwrap();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
        shared.close().await.unwrap();
    }
}
