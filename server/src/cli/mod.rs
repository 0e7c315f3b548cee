//! The command line: what may be typed, and which verb each line is.
//!
//! A verb is one file. It turns its arguments into requests, sends them through [`client::Client`] and prints the answer:
//! as it is with `--json`, in words or a table otherwise. Data goes to standard output, everything else to standard error.

mod audit;
mod backup;
mod bundle;
mod checkpoint;
mod client;
mod configuration;
mod explain;
mod export;
mod import;
mod init;
mod manual;
mod output;
mod quarantine;
mod quickstart;
mod reindex;
mod search;
mod serve;
mod show;
mod sign_in;
mod status;
mod timestamp;
mod token;
mod tour;
mod transport;
mod verify;
mod witness;

use std::path::PathBuf;

use clap::{Args, ColorChoice, CommandFactory as _, Parser, Subcommand};

use crate::config::{Config, Layers};
use crate::problem::{Kind, Problem, Result};

pub(crate) use bundle::MEDIA_TYPE as BUNDLE_MEDIA_TYPE;
pub(crate) use client::{Begin, Client, target};
pub(crate) use output::Output;
pub(crate) use transport::{SOCKET as CONTROL_SOCKET, caller_of};

/// Exit code of a run that is done, with something a person should look at (contract.md §1).
pub(crate) const EXIT_LOOK: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  muniment quickstart                          a small sample archive, served on this machine
  muniment init --officer 'Ada Lovelace'       an archive of your own
  muniment import chat.jsonl.zst               read a chat export in; a second run adds nothing
  muniment search 'room:#fx after:2024-03 invoice'
  muniment export --query 'from:ada' --format csv --format bundle --out case-7
  muniment verify --export case-7 --public-key KEY

Exit codes: 0 done, 1 failed or a proof does not hold, 2 usage, 3 done but look at it, 65 bad data,
69 unavailable, 73 cannot create output, 74 input/output, 75 locked, 77 not permitted, 78 configuration.";

/// Records every chat event once, provably, and finds and exports it again.
#[derive(Debug, Parser)]
#[command(name = "muniment", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Line {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb understands.
#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    /// Data directory [default: the state directory of the service, else ./muniment-data]
    #[arg(long, value_name = "DIR", env = "MUNIMENT_DATA", global = true)]
    data: Option<PathBuf>,
    /// Configuration file [default: muniment.toml in the data directory]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Ask a server at this address instead of the data directory
    #[arg(long, value_name = "URL", global = true, requires = "token_file")]
    server: Option<String>,
    /// File that holds the token for --server
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// Certificates to trust for an https:// --server, as PEM; no others are
    #[arg(long, value_name = "FILE", global = true, requires = "server")]
    ca: Option<PathBuf>,
    /// Print one JSON object (NDJSON for lists)
    #[arg(long, global = true)]
    json: bool,
    /// Say less: no progress, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more (twice: everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Colours in the output
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a sample archive in ./muniment-demo, serve it, and print the way in
    Quickstart(quickstart::Quickstart),
    /// Make an archive: its id, its keys, its first officer
    Init(init::Init),
    /// Serve the web desk, the API and the control socket
    Serve(serve::Serve),
    /// Print a link that signs you in to the desk of a running server
    SignIn(sign_in::SignIn),
    /// Read a foreign chat export in
    Import(import::Import),
    /// Find events
    Search(search::Search),
    /// Say why an event matches a query, or why not
    Explain(explain::Explain),
    /// Show one event with its versions, files, proof and neighbours
    Show(show::Show),
    /// Show officers' acts, newest first
    Audit(audit::Audit),
    /// Freeze a set of events and write a package that proves itself
    Export(export::Export),
    /// Prove the archive anew, or an export without any archive
    Verify(verify::Verify),
    /// Print the newest signed checkpoint
    Checkpoint(checkpoint::Checkpoint),
    /// Show the state of the archive in one look
    Status(status::Status),
    /// Build the index anew from the archive
    Reindex(reindex::Reindex),
    /// Copy the archive, and its keys apart from it
    Backup(backup::Backup),
    /// Make an archive again from a backup and its keys
    Restore(backup::Restore),
    /// See and retry records that could not be understood
    #[command(subcommand)]
    Quarantine(quarantine::Quarantine),
    /// Witness the checkpoints of logs, on a machine that is not theirs
    #[command(subcommand)]
    Witness(witness::WitnessVerb),
    /// Have an outside authority stamp the time of checkpoints (RFC 3161)
    #[command(subcommand)]
    Timestamp(timestamp::TimestampVerb),
    /// Issue, list and revoke tokens for feeds and scripts
    #[command(subcommand)]
    Token(token::Token),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(configuration::Configuration),
    /// Print completions for a shell
    Completions(manual::Completions),
    /// Print the manual page, or write one for every verb
    Man(manual::Man),
}

/// Runs the command line of this process and returns its exit code.
pub(crate) fn main() -> u8 {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(refusal) => {
            drop(refusal.print());
            return u8::try_from(refusal.exit_code()).unwrap_or(2);
        }
    };
    let output = Output::new(&line.globals);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output
                .problem(&Problem::new(Kind::Unavailable, format!("no threads: {error}")));
        }
    };
    let done = runtime.block_on(Box::pin(line.verb.run(&line.globals, &output)));
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(problem) => output.problem(&problem),
    }
}

impl Verb {
    async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        match self {
            Self::Quickstart(verb) => verb.run(globals, output).await,
            Self::Init(verb) => verb.run(globals, output).await,
            Self::Serve(verb) => verb.run(globals, output).await,
            Self::SignIn(verb) => verb.run(globals, output).await,
            Self::Import(verb) => verb.run(globals, output).await,
            Self::Search(verb) => verb.run(globals, output).await,
            Self::Explain(verb) => verb.run(globals, output).await,
            Self::Show(verb) => verb.run(globals, output).await,
            Self::Audit(verb) => verb.run(globals, output).await,
            Self::Export(verb) => verb.run(globals, output).await,
            Self::Verify(verb) => verb.run(globals, output).await,
            Self::Checkpoint(verb) => verb.run(globals, output).await,
            Self::Status(verb) => verb.run(globals, output).await,
            Self::Reindex(verb) => verb.run(globals, output).await,
            Self::Backup(verb) => verb.run(globals, output).await,
            Self::Restore(verb) => verb.run(globals, output).await,
            Self::Quarantine(verb) => verb.run(globals, output).await,
            Self::Witness(verb) => verb.run(globals, output).await,
            Self::Timestamp(verb) => verb.run(globals, output).await,
            Self::Token(verb) => verb.run(globals, output).await,
            Self::Config(verb) => verb.run(globals, output),
            Self::Completions(verb) => verb.run(),
            Self::Man(verb) => verb.run(),
        }
    }
}

impl Globals {
    /// Returns the data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| match std::env::var_os("STATE_DIRECTORY") {
            // systemd names several with colons between them; the first is ours.
            Some(folders) => std::env::split_paths(&folders).next().unwrap_or_default(),
            None => PathBuf::from("muniment-data"),
        })
    }

    /// Returns the same flags over another data directory.
    pub(crate) fn with_data(&self, data: PathBuf) -> Self {
        Self { data: Some(data), ..self.clone() }
    }

    /// Returns the layers of configuration: the file, if there is one, and the environment.
    pub(crate) fn layers(&self) -> Result<Layers> {
        let mut layers = Layers::default();
        let path = self.config.clone().unwrap_or_else(|| self.data().join("muniment.toml"));
        match std::fs::read_to_string(&path) {
            Ok(text) => layers.lay_file(&path, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.config.is_none() => {
            }
            Err(error) => {
                let detail = format!("cannot read {}: {error}", path.display());
                return Err(Problem::new(Kind::Configuration, detail));
            }
        }
        layers.lay_variables(std::env::vars())?;
        Ok(layers)
    }

    /// Returns the configuration, free of faults.
    pub(crate) fn config(&self) -> Result<Config> {
        accept(self.layers()?.config()?)
    }
}

/// Returns a configuration if nothing is wrong with its values.
pub(crate) fn accept(config: Config) -> Result<Config> {
    let faults = config.faults();
    if faults.is_empty() {
        return Ok(config);
    }
    Err(Problem::new(Kind::Configuration, faults.join("; ")))
}

/// Refuses a query that cannot be read before anything is opened or sent.
pub(crate) fn check_query(text: &str, zone: Option<&str>) -> Result<()> {
    crate::wire::search::parse(text, zone.unwrap_or("UTC")).map(drop)
}

/// Returns the grammar of the command line, for completions and the manual.
pub(crate) fn grammar() -> clap::Command {
    Line::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_contradicts_itself_nowhere() {
        grammar().debug_assert();
    }

    #[test]
    fn every_verb_explains_itself() {
        for verb in grammar().get_subcommands() {
            assert!(verb.get_about().is_some(), "{}", verb.get_name());
        }
    }

    #[test]
    fn every_verb_has_an_example() {
        fn look(verb: &clap::Command) {
            let name = verb.get_name();
            let said = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let line = if name == "muniment" { "muniment ".to_owned() } else { format!(" {name}") };
            let is_example = said.starts_with("Example") && said.contains(&line);
            assert!(is_example, "{name}: {said}");
            verb.get_subcommands().for_each(look);
        }
        look(&grammar());
    }
}
