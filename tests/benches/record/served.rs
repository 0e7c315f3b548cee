//! The product as it is installed: the binary's own process, serving HTTP on loopback.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::Fault;
use crate::corpus::Corpus;
use crate::http::Client;

/// Names the variable that says where the binary lies. Without it, it is built as `cargo build --release` does.
const BINARY: &str = "MUNIMENT_BENCH_BINARY";
/// How long the server may take to its end.
const STOP_MAX: Duration = Duration::from_secs(30);

/// An archive with the corpus in it, made by the binary, and its secrets.
#[derive(Debug)]
pub(crate) struct Installed {
    binary: PathBuf,
    data: PathBuf,
    /// `Authorization` of a token that may append and read.
    bearer: String,
}

/// A server of it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: String,
    bearer: String,
}

impl Installed {
    /// Makes the archive and imports the corpus.
    pub(crate) fn create(scratch: &Path, corpus: &Corpus) -> Result<Self, Fault> {
        let mut installed =
            Self { binary: binary()?, data: scratch.join("installed"), bearer: String::new() };
        installed.run(&["init", "--officer", "Bench"])?;
        for path in &corpus.paths {
            let path = path.to_str().ok_or("the corpus lies at a path that is no UTF-8")?;
            installed.run(&["import", path])?;
        }
        let token =
            installed.run(&["token", "issue", "--name", "bench", "--scope", "append,read"])?;
        let secret = token["token"].as_str().ok_or("no token was issued")?;
        installed.bearer = format!("Bearer {secret}");
        Ok(installed)
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn serve(&self) -> Result<Server, Fault> {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut said =
            BufReader::new(child.stderr.take().ok_or("the server has no standard error")?);
        let address = match address(&mut said) {
            Ok(address) => address,
            Err(fault) => {
                child.wait()?;
                return Err(fault);
            }
        };
        // What it says later is read, so that it never waits for us.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(Server { child, address, bearer: self.bearer.clone() })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(&self.data).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Value, Fault> {
        let output =
            self.command().arg("--json").args(arguments).stdout(Stdio::piped()).output()?;
        // 3 is: done, with something a person should look at, such as a line in quarantine.
        if !matches!(output.status.code(), Some(0 | 3)) {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{arguments:?} ended with {}: {said}", output.status).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Server {
    /// Opens a connection of its own.
    pub(crate) fn client(&self) -> std::io::Result<Client> {
        Client::open(&self.address, &self.bearer)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Fault> {
        self.terminate();
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > STOP_MAX {
                self.child.kill()?;
                return Err("the server did not end when it was asked to".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn terminate(&self) {
        // Where the process is gone already there is nothing to ask.
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(id, Signal::TERM).ok();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            self.child.wait().ok();
        }
    }
}

fn address(said: &mut BufReader<ChildStderr>) -> Result<String, Fault> {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        if said.read_line(&mut line)? == 0 {
            return Err(format!("the server ended before it was ready: {all}").into());
        }
        if let Some((_, rest)) = line.split_once("ready on http://") {
            let address = rest.split(|letter: char| letter.is_whitespace() || letter == '"').next();
            return Ok(address.unwrap_or_default().to_owned());
        }
        all.push_str(&line);
    }
}

/// Returns the binary, built where none is named. Next to nothing is done where it is there and as new as its sources.
fn binary() -> Result<PathBuf, Fault> {
    if let Some(path) = std::env::var_os(BINARY) {
        return Ok(path.into());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--package", "server"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(tests::root())
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err(format!(
            "the binary could not be built ({}); {BINARY} may name one",
            built.status
        )
        .into());
    }
    let said = String::from_utf8(built.stdout)?;
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs =
        messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs
        .next_back()
        .ok_or_else(|| format!("cargo built no executable; {BINARY} may name one").into())
}
