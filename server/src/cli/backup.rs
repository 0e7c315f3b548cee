//! `muniment backup` and `muniment restore`: a copy that holds no key, a copy of the keys, and the way back from both.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chat::Act;
use clap::Args;
use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::client::{Access, Client};
use super::output::{table, word};
use super::transport::caller_of;
use super::{Globals, Output};
use crate::auth::Way;
use crate::backup::{self, AUTH_COPY, Restore as Restored, Take};
use crate::jobs::{Progress, blocking};
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Appliance;

const BACKUP_EXAMPLES: &str = "\
Examples:
  muniment backup --out /mnt/backup/archive --keys /mnt/safe/archive-keys

It may run while the archive is served, and again and again into the same folders: only what is new is copied. The folder of
the backup holds no key; the folder of keys is replaced as a whole, so that a key that was destroyed is gone from it too. Keep
the two apart. Index and catalog are not copied: they are made again.";

const RESTORE_EXAMPLES: &str = "\
Examples:
  muniment --data /srv/archive restore --from /mnt/backup/archive --keys /mnt/safe/archive-keys

The data directory must be empty or absent. It gets its name only when every byte of the log has been verified, the root is
that of the backup's checkpoint, every room has as many events as it had, and the index is built.";

/// Between two looks at how far a copy is.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Copy the archive, and its keys apart from it.
#[derive(Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub(crate) struct Backup {
    /// Folder of the backup; the same one each time
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder of the keys, replaced as a whole; apart from the backup
    #[arg(long, value_name = "KEYDIR")]
    keys: PathBuf,
}

/// Make an archive again from a backup and its keys.
#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(crate) struct Restore {
    /// Folder of the backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder of the keys that was written with it
    #[arg(long, value_name = "KEYDIR")]
    keys: PathBuf,
}

impl Backup {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        if globals.server.is_some() {
            let detail = "a backup is taken on the machine of the archive, with --data";
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        let began = Instant::now();
        let client = Client::open(globals, Access::Reads).await?;
        let taken = self.take(globals, &client, output).await;
        client.close().await?;
        let mut report = taken?;
        report["seconds"] = json!((began.elapsed().as_secs_f64() * 1e3).round() / 1e3);
        output.result(&report, words)?;
        if report["kek_included"] == false {
            output.note("the key-encryption key lies elsewhere (keys.kek_file) and is not in the copy of the keys");
        }
        Ok(0)
    }

    async fn take(&self, globals: &Globals, client: &Client, output: &Output) -> Result<Value> {
        let data = globals.data();
        let order = Take {
            data: data.clone(),
            out: absolute(&self.out)?,
            keys: absolute(&self.keys)?,
            state: client.post("/api/v1/backups", &json!({})).await?,
        };
        backup::check(&order)?;
        copy_credentials(&data.join("auth.sqlite"), &order.out.join(AUTH_COPY)).await?;
        watched(output, "copying", "bytes", move |progress| backup::take(&order, progress)).await
    }
}

/// Returns a path from the root on, so that its folder can be synced too.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Problem::of_path("find", path, &error))
}

/// Copies the table of credentials as of one moment. It holds hashes, and each row counts only as far as the log bears it.
async fn copy_credentials(from: &Path, to: &Path) -> Result<()> {
    let fault = |error: sqlx::Error| {
        Problem::new(Kind::CannotCreate, format!("cannot copy {}: {error}", from.display()))
    };
    if let Some(folder) = to.parent() {
        archive::durable::create_folder(&archive::disk::LocalDisk, folder)?;
    }
    archive::durable::remove_if_there(&archive::disk::LocalDisk, to)?;
    let options = SqliteConnectOptions::new().filename(from).busy_timeout(Duration::from_secs(10));
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(fault)?;
    let target = to.to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await.map_err(fault)?;
    connection.close().await.map_err(fault)
}

/// Runs work on a thread that may wait, and shows how far it is.
async fn watched<T: Send + 'static>(
    output: &Output,
    work: &'static str,
    unit: &'static str,
    run: impl FnOnce(&Progress) -> Result<T> + Send + 'static,
) -> Result<T> {
    let progress = Progress::default();
    let seen = progress.clone();
    let mut watch = output.progress(work, unit);
    let done = blocking(move || run(&progress));
    let mut done = std::pin::pin!(done);
    let result = loop {
        match tokio::time::timeout(LOOK_EVERY, done.as_mut()).await {
            Ok(result) => break result,
            Err(_) => watch.show(seen.done(), seen.total()),
        }
    };
    watch.finish();
    result
}

impl Restore {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let (began, data) = (Instant::now(), globals.data());
        let restored = watched(output, "copying", "bytes", move |progress| {
            backup::restore(&self.from, &self.keys, &data, progress)
        })
        .await?;
        // The archive's own configuration came with it.
        let config = globals.with_data(restored.work.clone()).config()?;
        // The first opening makes again what is derived, the stored tree above all, and says that it did. The second one then
        // has nothing to mend, so that whatever is found counts.
        Appliance::open(&restored.work, config.clone()).await?.close().await?;
        let shared = Appliance::open(&restored.work, config).await?;
        let caller = caller_of(&shared, rustix::process::getuid().as_raw(), Way::Process).await;
        let proven = prove(&shared, restored, output).await;
        let (restored, mut report) = match (caller, proven) {
            (Ok(caller), Ok((restored, report))) => {
                let act = Act::new("restore").with("size", restored.manifest.size);
                shared.audit.record(&caller, act).await?;
                (restored, report)
            }
            (Err(problem), _) | (_, Err(problem)) => {
                shared.close().await?;
                return Err(problem);
            }
        };
        shared.close().await?;
        let ok = report["ok"] == true;
        if ok {
            blocking(move || restored.settle()).await?;
        }
        report["seconds"] = json!((began.elapsed().as_secs_f64() * 1e3).round() / 1e3);
        output.result(&report, restored_words)?;
        Ok(u8::from(!ok))
    }
}

async fn prove(
    shared: &crate::wiring::Shared,
    restored: Restored,
    output: &Output,
) -> Result<(Restored, Value)> {
    let holder = crate::wiring::Shared::clone(shared);
    watched(output, "verifying", "events", move |progress| {
        progress.expect(holder.archive.size());
        let report = restored.prove(&holder, progress)?;
        Ok((restored, report))
    })
    .await
}

fn words(report: &Value) -> String {
    let row = |name: &str, said: String| vec![name.to_owned(), said];
    let copied =
        format!("{} files, {} bytes", word(report, "/copied_files"), word(report, "/copied_bytes"));
    let rows = vec![
        row("reaches", format!("{} events, root {}", word(report, "/size"), word(report, "/root"))),
        row("holds", format!("{} files, {} bytes", word(report, "/files"), word(report, "/bytes"))),
        row("copied now", copied),
        row("keys", word(report, "/keys")),
        row("seconds", word(report, "/seconds")),
    ];
    table(&["backup", &word(report, "/out")], rows)
}

fn restored_words(report: &Value) -> String {
    if report["ok"] != true {
        let mut lines = vec!["FAILED".to_owned()];
        let findings = report["findings"].as_array().into_iter().flatten();
        lines.extend(
            findings.map(|finding| super::output::visible(finding.as_str().unwrap_or_default())),
        );
        return lines.join("\n");
    }
    format!(
        "PASS  {} events as backed up at {}: the root at {} events is that of the checkpoint, {} rooms have as many events as they had\nroot  {}",
        word(report, "/events"),
        word(report, "/taken_at"),
        word(report, "/size"),
        word(report, "/rooms"),
        word(report, "/root"),
    )
}
