//! Work that outlives a request: imports, exports, verifications, rebuilding the index.
//!
//! A job runs on a thread of its own, reports how far it is, and keeps its result until it is asked for. How it ended is
//! kept in `jobs.sqlite` before anyone is told, so a restart forgets no result; a job that was cut short says so.

mod progress;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chat::{Clock, Rng, Timestamp};
use parking_lot::{Condvar, Mutex};
use serde_json::Value;

pub(crate) use progress::Progress;
pub(crate) use store::Store;

use crate::auth::secret::draw_name;
use crate::problem::{Kind, Problem, Result};

/// Finished jobs that are remembered; the oldest is forgotten first.
const FINISHED_MAX: usize = 256;

/// Runs something that waits for a disk or a lock without holding up the threads that serve requests.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let span = tracing::Span::current();
    let work = move || span.in_scope(work);
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request's work ended in a panic");
        Err(Problem::new(
            Kind::Internal,
            "the work on this request broke off; the log of the process says where",
        ))
    })
}

/// What a job is for. The word is part of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Reading a foreign export.
    Import,
    /// Writing a package.
    Export,
    /// Proving the archive anew.
    Verify,
    /// Building the index anew.
    Reindex,
}

const TASKS: [Task; 4] = [Task::Import, Task::Export, Task::Verify, Task::Reindex];

impl Task {
    /// Returns the last part but one of the job's address.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Import => "imports",
            Self::Export => "exports",
            Self::Verify => "verifications",
            Self::Reindex => "reindexings",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        TASKS.into_iter().find(|task| task.word() == word)
    }
}

/// How a job stands.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// At work.
    Running,
    /// Done, with its result.
    Done(Value),
    /// Given up.
    Failed(Problem),
}

/// A job as others see it.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Its name.
    pub(crate) id: String,
    /// What it is for.
    pub(crate) task: Task,
    /// When it was begun.
    pub(crate) started_at: Timestamp,
    /// How far it is.
    pub(crate) progress: Progress,
    /// How it stands.
    pub(crate) state: State,
}

/// All jobs of this archive: those of this process, and how those of earlier ones ended.
#[derive(Debug)]
pub(crate) struct Jobs {
    table: Mutex<BTreeMap<String, View>>,
    changed: Condvar,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    running_max: usize,
    store: Store,
}

impl Jobs {
    /// Opens the jobs that the table holds; this many may run at once.
    pub(crate) async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        running_max: usize,
    ) -> Result<Arc<Self>> {
        let known = store.recover().await?.into_iter().map(|view| (view.id.clone(), view));
        let table = Mutex::new(known.collect());
        Ok(Arc::new(Self { table, changed: Condvar::new(), clock, rng, running_max, store }))
    }

    /// Draws the name of a job to be, so that its files can be named after it.
    pub(crate) fn draw_id(&self) -> Result<String> {
        draw_name(self.rng.as_ref())
    }

    /// Begins a job on a thread of its own. Refused as busy where too many run.
    pub(crate) async fn start(
        self: &Arc<Self>,
        task: Task,
        id: &str,
        work: impl FnOnce(&Progress) -> Result<Value> + Send + 'static,
    ) -> Result<View> {
        let view = View {
            id: id.to_owned(),
            task,
            started_at: self.clock.now(),
            progress: Progress::default(),
            state: State::Running,
        };
        self.admit(&view)?;
        if let Err(problem) = self.store.begin(&view).await {
            self.show_end(id, Err(problem.clone()));
            return Err(problem);
        }
        let (jobs, job) = (Arc::clone(self), view.clone());
        let (runtime, span) = (tokio::runtime::Handle::current(), tracing::Span::current());
        let thread = std::thread::Builder::new().name(format!("job-{}", task.word()));
        let begun = thread.spawn(move || {
            let _entered = span.enter();
            let work = std::panic::AssertUnwindSafe(|| work(&job.progress));
            let result = std::panic::catch_unwind(work).unwrap_or_else(|_| {
                let detail = "the job broke off; the log of the process says where";
                Err(Problem::new(Kind::Internal, detail))
            });
            if let Err(problem) = runtime.block_on(jobs.store.finish(&job, &result)) {
                tracing::warn!(job = job.id, %problem, "how a job ended could not be kept");
            }
            jobs.show_end(&job.id, result);
        });
        if let Err(error) = begun {
            let problem = Problem::new(Kind::Unavailable, format!("no thread for a job: {error}"));
            let failed = Err(problem.clone());
            self.store.finish(&view, &failed).await?;
            self.show_end(id, failed);
            return Err(problem);
        }
        Ok(view)
    }

    fn admit(&self, view: &View) -> Result<()> {
        let mut table = self.table.lock();
        let running = table.values().filter(|job| matches!(job.state, State::Running)).count();
        if running >= self.running_max {
            let detail = format!("{running} jobs are running, and no more are taken at once");
            return Err(Problem::new(Kind::Busy, detail).with("jobs_max", self.running_max));
        }
        while table.len() - running >= FINISHED_MAX {
            let finished = table.values().filter(|job| !matches!(job.state, State::Running));
            let Some(oldest) = finished.min_by_key(|job| job.started_at).map(|job| job.id.clone())
            else {
                break;
            };
            table.remove(&oldest);
        }
        table.insert(view.id.clone(), view.clone());
        Ok(())
    }

    fn show_end(&self, id: &str, result: Result<Value>) {
        if let Some(job) = self.table.lock().get_mut(id) {
            job.state = match result {
                Ok(value) => State::Done(value),
                Err(problem) => {
                    tracing::warn!(job = id, task = job.task.word(), %problem, "a job failed");
                    State::Failed(problem)
                }
            };
        }
        self.changed.notify_all();
    }

    /// Returns a job of this task by its name.
    pub(crate) fn view(&self, task: Task, id: &str) -> Option<View> {
        self.table.lock().get(id).filter(|job| job.task == task).cloned()
    }

    /// Returns how many jobs are running.
    pub(crate) fn running(&self) -> usize {
        self.table.lock().values().filter(|job| matches!(job.state, State::Running)).count()
    }

    /// Waits until no job runs, or the time is over; returns how many still run.
    pub(crate) fn drain(&self, patience: Duration) -> usize {
        let still = |table: &mut BTreeMap<String, View>| {
            table.values().any(|job| matches!(job.state, State::Running))
        };
        let mut table = self.table.lock();
        let waited = self.changed.wait_while_for(&mut table, still, patience);
        tracing::debug!(in_time = !waited.timed_out(), "the jobs were waited for");
        table.values().filter(|job| matches!(job.state, State::Running)).count()
    }
}

#[cfg(test)]
mod tests {
    use chat::testing::{FixedClock, SeededRng};

    use super::*;

    async fn jobs(folder: &tempfile::TempDir, running_max: usize) -> Arc<Jobs> {
        let path = folder.path().join("jobs.sqlite");
        let pool = crate::tables::open(&path, &sqlx::migrate!("src/jobs/migrations")).await;
        let clock = Arc::new(FixedClock::at(Timestamp::EPOCH));
        let rng = Arc::new(SeededRng::new(1));
        Jobs::open(Store::new(pool.unwrap()), clock, rng, running_max).await.unwrap()
    }

    async fn drain(jobs: &Arc<Jobs>) {
        let jobs = Arc::clone(jobs);
        let left = tokio::task::spawn_blocking(move || jobs.drain(Duration::from_mins(1)));
        assert_eq!(left.await.unwrap(), 0);
    }

    async fn run(jobs: &Arc<Jobs>, work: fn(&Progress) -> Result<Value>) -> View {
        let id = jobs.draw_id().unwrap();
        jobs.start(Task::Verify, &id, work).await.unwrap();
        drain(jobs).await;
        jobs.view(Task::Verify, &id).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_keeps_its_result_under_its_own_task() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(&folder, 1).await;
        let done = run(&jobs, |_| Ok(Value::from(7))).await;
        assert!(matches!(done.state, State::Done(Value::Number(_))));
        assert!(jobs.view(Task::Import, &done.id).is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_restart_forgets_no_result_and_calls_a_job_that_was_cut_short_failed() {
        let folder = tempfile::tempdir().unwrap();
        let first = jobs(&folder, 1).await;
        let done = run(&first, |_| Ok(Value::from(7))).await;
        let failed = run(&first, |_| Err(Problem::new(Kind::Full, "no room"))).await;
        let cut = View { id: "cut".to_owned(), state: State::Running, ..done.clone() };
        first.store.begin(&cut).await.unwrap();
        let second = jobs(&folder, 1).await;
        let state = |id: &str| second.view(Task::Verify, id).unwrap().state;
        assert!(matches!(state(&done.id), State::Done(value) if value == 7));
        assert!(matches!(state(&failed.id), State::Failed(why) if why.kind == Kind::Full));
        assert!(matches!(state("cut"), State::Failed(why) if why.kind == Kind::Unavailable));
        assert_eq!(second.running(), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_that_panics_has_failed_and_its_slot_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(&folder, 1).await;
        let broken = run(&jobs, |_| panic!("as the test wants")).await;
        assert!(matches!(broken.state, State::Failed(_)));
        run(&jobs, |_| Ok(Value::Null)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_job_too_many_is_told_to_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(&folder, 1).await;
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let first = jobs.draw_id().unwrap();
        jobs.start(Task::Import, &first, move |_| {
            let _ended = wait.recv();
            Ok(Value::Null)
        })
        .await
        .unwrap();
        let id = jobs.draw_id().unwrap();
        let second = jobs.start(Task::Import, &id, |_| Ok(Value::Null)).await;
        assert_eq!(second.unwrap_err().kind, Kind::Busy);
        drop(release);
        drain(&jobs).await;
    }
}
