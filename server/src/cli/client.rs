//! The command line as a client of the API.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::transport::{SOCKET, Transport};
use super::{Globals, Output};
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Appliance;

/// How long a read verb waits for another run to give the archive up (contract.md §1).
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at a lock or a job.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Bytes of an answer that has to be held whole.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Whether a verb may wait for the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads: it waits a little for another run.
    Reads,
    /// It writes: it is told at once that the archive is locked.
    Writes,
}

/// A connection to an archive, wherever it is open.
#[derive(Debug)]
pub(crate) struct Client {
    transport: Transport,
}

impl Client {
    /// Finds the archive: a server by address, a server on the control socket, or the data directory itself.
    pub(crate) async fn open(globals: &Globals, access: Access) -> Result<Self> {
        if let (Some(url), Some(file)) = (&globals.server, &globals.token_file) {
            return Ok(Self { transport: Transport::remote(url, file, globals.ca.as_deref())? });
        }
        let data = globals.data();
        let config = globals.config()?;
        let began = Instant::now();
        loop {
            if Transport::listens(&data).await {
                return Ok(Self { transport: Transport::Socket(data.join(SOCKET)) });
            }
            match Appliance::open(&data, config.clone()).await {
                Ok(shared) => return Ok(Self { transport: Transport::inside(shared).await? }),
                Err(problem) if problem.kind == Kind::Locked => {
                    if access == Access::Writes || began.elapsed() > LOCK_PATIENCE {
                        return Err(problem);
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Returns a client of an archive that is open in this process.
    pub(crate) async fn inside(shared: crate::wiring::Shared) -> Result<Self> {
        Ok(Self { transport: Transport::inside(shared).await? })
    }

    /// Gives the archive up again, if it was opened here.
    pub(crate) async fn close(self) -> Result<()> {
        match self.transport {
            Transport::Inside { shared, .. } => shared.close().await,
            Transport::Socket(_) | Transport::Remote { .. } => Ok(()),
        }
    }

    /// Gives the archive up and hands the answer on. The first fault is the one that is told: a log that stopped fails to
    /// close as well, and that says less.
    pub(crate) async fn end<T>(self, answer: Result<T>) -> Result<T> {
        let closed = self.close().await;
        answer.and_then(|answer| closed.map(|()| answer))
    }

    /// Sends a request; an answer that is a problem becomes one here.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        let response = self.transport.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let bytes = read_whole(response).await?;
        let document = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Err(Problem::from_document(&document).unwrap_or_else(|| {
            Problem::new(
                Kind::Unavailable,
                format!("the server answered {status} without a reason"),
            )
        }))
    }

    /// Sends a request without a body and returns the JSON answer.
    pub(crate) async fn get(&self, target: &str) -> Result<Value> {
        let request = Request::builder().method(Method::GET).uri(target).body(Body::empty());
        self.json(request.map_err(|error| Problem::of(Kind::BadRequest, &error))?).await
    }

    /// Posts a JSON body and returns the JSON answer.
    pub(crate) async fn post(&self, target: &str, body: &Value) -> Result<Value> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(target)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        self.json(request.map_err(|error| Problem::of(Kind::BadRequest, &error))?).await
    }

    /// Asks for something to be taken away.
    pub(crate) async fn delete(&self, target: &str) -> Result<Value> {
        let request = Request::builder().method(Method::DELETE).uri(target).body(Body::empty());
        self.json(request.map_err(|error| Problem::of(Kind::BadRequest, &error))?).await
    }

    /// Sends a request and returns the JSON answer.
    pub(crate) async fn json(&self, request: Request<Body>) -> Result<Value> {
        let response = self.send(request).await?;
        let bytes = read_whole(response).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Problem::new(Kind::Unavailable, format!("the server's answer is no JSON: {error}"))
        })
    }

    /// Sends a request that begins a job, waits for its end and returns the result.
    pub(crate) async fn job(&self, begin: Begin, output: &Output) -> Result<Value> {
        let mut job = self.json(begin.request).await?;
        let mut watch = output.progress(begin.work, begin.unit);
        loop {
            match job["state"].as_str() {
                Some("done") => {
                    watch.finish();
                    return Ok(job["result"].take());
                }
                Some("failed") => {
                    watch.finish();
                    let problem = Problem::from_document(&job["problem"]);
                    return Err(problem.unwrap_or_else(|| {
                        Problem::new(Kind::Internal, "the job failed without saying why")
                    }));
                }
                _ => {}
            }
            watch.show(job["done"].as_u64().unwrap_or(0), job["total"].as_u64().unwrap_or(0));
            tokio::time::sleep(LOOK_EVERY).await;
            let address = job["address"].as_str().unwrap_or_default().to_owned();
            job = self.get(&address).await?;
        }
    }

    /// Returns what is open in this process, if it is open here.
    pub(crate) fn shared(&self) -> Option<&crate::wiring::Shared> {
        match &self.transport {
            Transport::Inside { shared, .. } => Some(shared),
            Transport::Socket(_) | Transport::Remote { .. } => None,
        }
    }
}

/// A request that begins a job, and how its progress is called.
#[derive(Debug)]
pub(crate) struct Begin {
    /// The request.
    pub(crate) request: Request<Body>,
    /// What is going on, such as `importing`.
    pub(crate) work: &'static str,
    /// What is counted, such as `events`.
    pub(crate) unit: &'static str,
}

async fn read_whole(response: Response<Body>) -> Result<Vec<u8>> {
    let limited = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    let collected = limited.collect().await.map_err(|error| {
        Problem::new(Kind::Unavailable, format!("the answer broke off: {error}"))
    })?;
    Ok(collected.to_bytes().to_vec())
}

/// Writes parameters as the query part of a target: `path?name=value&…`, everything but letters and digits escaped.
pub(crate) fn target(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut text = path.to_owned();
    let mut mark = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            text.push(mark);
            text.push_str(name);
            text.push('=');
            escape(value, &mut text);
            mark = '&';
        }
    }
    text
}

fn escape(value: &str, text: &mut String) {
    use std::fmt::Write as _;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a String takes every write");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn parameters_are_escaped_and_absent_ones_left_out() {
        let said =
            target("/s", &[("q", Some("a b&ü".into())), ("x", None), ("l", Some("2".into()))]);
        assert_eq!(said, "/s?q=a%20b%26%C3%BC&l=2");
    }
}
