//! Opens an archive with all that stands on it, and plugs the pieces into one another: the only place that chooses
//! implementations. Start-up is recovery; closing goes the other way round.

mod names;
pub(crate) mod sample;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, Creation, Ports, Recordkeeping};
use chat::Recorded;
use index::Index;
use ingest::Ingest;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;

use crate::api::Answers;
use crate::audit::Audit;
use crate::auth::credentials::Ground;
use crate::auth::store::Store;
use crate::auth::{Caller, Credentials, Way};
use crate::config::Config;
use crate::jobs::{self, Jobs, blocking};
use crate::problem::{Problem, Result};

pub(crate) use names::{Named, Names};

/// The open appliance, shared by every request.
pub(crate) type Shared = Arc<Appliance>;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Everything that is open.
pub(crate) struct Appliance {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// What is in force.
    pub(crate) config: Config,
    /// The log.
    pub(crate) archive: Arc<Archive>,
    /// The way in.
    pub(crate) ingest: Arc<Ingest>,
    /// The way to find.
    pub(crate) index: Arc<Index>,
    /// The record of officers' acts.
    pub(crate) audit: Audit,
    /// Who is who.
    pub(crate) credentials: Credentials,
    /// Work that outlives a request.
    pub(crate) jobs: Arc<Jobs>,
    /// First answers by Idempotency-Key.
    pub(crate) answers: Answers,
    /// What outside witnesses said.
    pub(crate) witnessing: crate::witnessing::Witnessing,
    /// Requests that may still be taken.
    pub(crate) requests: Semaphore,
    /// Counts and times.
    pub(crate) counts: PrometheusHandle,
    names: Names,
}

/// How an archive is founded.
#[derive(Debug, Clone)]
pub(crate) struct Founding {
    /// The first officer, bound to the calling user.
    pub(crate) officer: String,
    /// The rule of recordkeeping.
    pub(crate) recordkeeping: Recordkeeping,
    /// Whether it is a demonstration.
    pub(crate) demo: bool,
}

impl Appliance {
    /// Makes an archive, opens it and appoints its first officer.
    pub(crate) async fn found(data: &Path, config: Config, founding: Founding) -> Result<Shared> {
        let (folder, settings) = (data.to_owned(), settings(&config));
        let archive = blocking(move || {
            let creation = Creation { recordkeeping: founding.recordkeeping, demo: founding.demo };
            Ok(Archive::create(&folder, &creation, settings, Ports::production())?)
        })
        .await?;
        // Index and catalog lie in it in clear: nobody else on the machine may look in.
        rustix::fs::chmod(data, rustix::fs::Mode::from_raw_mode(0o700))
            .map_err(|error| Problem::of_path("restrict", data, &error.into()))?;
        let shared = Self::assemble(data, config, archive).await?;
        let founder = Caller::officer(founding.officer.clone(), Way::Process);
        let uid = rustix::process::getuid().as_raw();
        shared.credentials.appoint(&founder, &founding.officer, uid).await?;
        Ok(shared)
    }

    /// Opens an archive. Refused as locked where another process has it open.
    pub(crate) async fn open(data: &Path, config: Config) -> Result<Shared> {
        let (folder, settings) = (data.to_owned(), settings(&config));
        let archive =
            blocking(move || Ok(Archive::open(&folder, settings, Ports::production())?)).await?;
        Self::assemble(data, config, archive).await
    }

    async fn assemble(data: &Path, config: Config, archive: Arc<Archive>) -> Result<Shared> {
        let (under, folder) = (Arc::clone(&archive), data.join("index"));
        let search_limit = Duration::from_secs(config.limits.search_seconds_max);
        let index_settings = index::Settings { search_limit, ..index::Settings::default() };
        let (ingest, index) = blocking(move || {
            let ingest = Ingest::open(Arc::clone(&under), &ingest_settings())?;
            let index = Index::open(&folder, under, index_settings)?;
            Ok((ingest, index))
        })
        .await?;
        let store = Store::open(&data.join("auth.sqlite")).await?;
        let kept =
            crate::tables::open(&data.join("jobs.sqlite"), &sqlx::migrate!("src/jobs/migrations"))
                .await?;
        let audit = Audit::new(Arc::clone(&ingest));
        let ports = archive.ports();
        let (clock, rng) = (Arc::clone(&ports.clock), Arc::clone(&ports.rng));
        let ground = Ground {
            archive: Arc::clone(&archive),
            audit: audit.clone(),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
        };
        let shared = Arc::new(Self {
            data: data.to_owned(),
            credentials: Credentials::new(store, ground, config.sessions.clone()),
            jobs: Jobs::open(jobs::Store::new(kept.clone()), clock, rng, config.limits.jobs_max)
                .await?,
            answers: Answers::new(kept),
            witnessing: crate::witnessing::Witnessing::default(),
            requests: Semaphore::new(config.limits.requests_max),
            counts: crate::health::begin()?,
            names: Names::new(Arc::clone(&archive)),
            config,
            archive,
            ingest,
            index,
            audit,
        });
        shared.sweep_spool()?;
        Ok(shared)
    }

    /// Returns the folder for what is on its way: inputs that arrive, packages that wait to be fetched.
    pub(crate) fn spool(&self) -> PathBuf {
        self.data.join("spool")
    }

    /// Empties the spool. What lies in it is readable text outside of the encrypted log, so nothing stays past a run.
    fn sweep_spool(&self) -> Result<()> {
        let spool = self.spool();
        let fault = |error: std::io::Error| Problem::of_path("empty", &spool, &error);
        match std::fs::remove_dir_all(&spool) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
        let owner_alone =
            std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
                .create(&spool);
        owner_alone.map_err(fault)
    }

    /// Returns the name of an event's source.
    pub(crate) fn source_name(&self, recorded: &Recorded) -> Option<String> {
        recorded.event.origin.as_ref().and_then(|origin| self.names.source(origin.source))
    }

    /// Returns the names that the ledger gives to sources and categories, all of them up to now.
    pub(crate) fn names(&self) -> &Names {
        self.names.follow();
        &self.names
    }

    /// Closes everything, last opened first. A second call does nothing.
    pub(crate) async fn close(&self) -> Result<()> {
        self.credentials.close().await;
        self.answers.close().await;
        let (ingest, index, archive) =
            (Arc::clone(&self.ingest), Arc::clone(&self.index), Arc::clone(&self.archive));
        blocking(move || {
            ingest.close()?;
            index.close()?;
            archive.close()?;
            Ok(())
        })
        .await?;
        self.sweep_spool()
    }
}

impl std::fmt::Debug for Appliance {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Appliance").field("data", &self.data).finish_non_exhaustive()
    }
}

fn settings(config: &Config) -> archive::Settings {
    archive::Settings {
        kek_file: config.keys.kek_file.clone(),
        seal_bytes: config.archive.seal_bytes,
        seal_age_micros: i64::from(config.archive.seal_hours) * MICROS_PER_HOUR,
        reserve_bytes: config.archive.reserve_bytes,
        ..archive::Settings::default()
    }
}

/// The one place where the way in learns of languages: a room's language is found by the same analysis that searches it.
fn ingest_settings() -> ingest::Settings {
    ingest::Settings {
        language: Some(|text| {
            query::analysis::detect(text, None).map(query::analysis::Language::code)
        }),
        ..ingest::Settings::default()
    }
}
