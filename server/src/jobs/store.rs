//! `jobs.sqlite`: how jobs stand, so that a client that lost its server learns how its job ended.

use chat::Timestamp;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use super::{FINISHED_MAX, Progress, State, Task, View};
use crate::problem::{Kind, Problem, Result};

/// The table of jobs.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: SqlitePool,
}

fn fault(error: &sqlx::Error) -> Problem {
    Problem::new(Kind::Unavailable, format!("the table of jobs (jobs.sqlite): {error}"))
}

impl Store {
    /// Takes the open file.
    pub(crate) const fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Returns the jobs of earlier runs. One that was at work when its process ended has failed.
    pub(super) async fn recover(&self) -> Result<Vec<View>> {
        let detail = "the process ended while this job ran; begin it again";
        let broken = Problem::new(Kind::Unavailable, detail).document().to_string();
        sqlx::query("UPDATE job SET state = 'failed', outcome = ? WHERE state = 'running'")
            .bind(broken)
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        let rows = sqlx::query("SELECT id, task, started_at, state, done, total, outcome FROM job")
            .fetch_all(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        Ok(rows.iter().filter_map(view).collect())
    }

    /// Keeps a job that begins, and forgets the oldest finished ones.
    pub(super) async fn begin(&self, view: &View) -> Result<()> {
        sqlx::query("INSERT INTO job (id, task, started_at, state) VALUES (?, ?, ?, 'running')")
            .bind(&view.id)
            .bind(view.task.word())
            .bind(view.started_at.micros())
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        sqlx::query(
            "DELETE FROM job WHERE state <> 'running' AND id NOT IN \
             (SELECT id FROM job ORDER BY started_at DESC, id LIMIT ?)",
        )
        .bind(i64::try_from(FINISHED_MAX).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Keeps how a job ended, and how far it came.
    pub(super) async fn finish(&self, view: &View, result: &Result<Value>) -> Result<()> {
        let (state, outcome) = match result {
            Ok(value) => ("done", value.to_string()),
            Err(problem) => ("failed", problem.document().to_string()),
        };
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        sqlx::query("UPDATE job SET state = ?, outcome = ?, done = ?, total = ? WHERE id = ?")
            .bind(state)
            .bind(outcome)
            .bind(count(view.progress.done()))
            .bind(count(view.progress.total()))
            .bind(&view.id)
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        Ok(())
    }
}

/// Reads a row; one of a task that this version does not know is passed over.
fn view(row: &SqliteRow) -> Option<View> {
    let outcome: Option<String> = row.get("outcome");
    let outcome: Value = serde_json::from_str(outcome.as_deref().unwrap_or("null")).ok()?;
    let state = match row.get::<&str, _>("state") {
        "done" => State::Done(outcome),
        _ => State::Failed(Problem::from_document(&outcome)?),
    };
    let progress = Progress::default();
    progress.reach(row.get::<i64, _>("done").unsigned_abs());
    progress.expect(row.get::<i64, _>("total").unsigned_abs());
    Some(View {
        id: row.get("id"),
        task: Task::from_word(row.get("task"))?,
        started_at: Timestamp::from_micros(row.get("started_at")),
        progress,
        state,
    })
}
