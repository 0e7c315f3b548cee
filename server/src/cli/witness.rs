//! `muniment witness`: another machine's word that a log only ever grew.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::disk::SystemClock;
use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{table, word};
use super::{Globals, Output};
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::witness::{Refused, Witness, serve, show};

const EXAMPLES: &str = "\
Examples:
  muniment witness init --folder w --name witness.example/w1 --log 'muniment/…'
  muniment witness serve --folder w --listen 10.0.0.7:7381
  muniment witness status --folder w

On the machine of the archive: witnesses.trusted = [\"http://10.0.0.7:7381 KEY\"] in muniment.toml, KEY as `init` printed it.";

/// Bytes of a request in a file.
const REQUEST_BYTES_MAX: u64 = 64 << 10;

/// Witness the checkpoints of logs.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum WitnessVerb {
    /// Make a witness with a key of its own
    #[command(
        after_help = "Example:\n  muniment witness init --folder w --name witness.example/w1 --log 'muniment/…'"
    )]
    Init {
        /// Its folder, new or empty
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// Its name, such as a host and a path; no white space, no +
        #[arg(long)]
        name: String,
        /// Public key of a log to trust; may be repeated
        #[arg(long, value_name = "KEY")]
        log: Vec<String>,
    },
    /// Trust another log
    #[command(after_help = "Example:\n  muniment witness trust --folder w --log 'muniment/…'")]
    Trust {
        /// Its folder
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// Public key of the log
        #[arg(long, value_name = "KEY")]
        log: String,
    },
    /// Answer logs until a signal says stop
    #[command(after_help = "Example:\n  muniment witness serve --folder w --listen 10.0.0.7:7381")]
    Serve {
        /// Its folder
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// Address and port
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7381")]
        listen: SocketAddr,
    },
    /// Show what it has seen
    #[command(after_help = "Example:\n  muniment witness status --folder w")]
    Status {
        /// Its folder
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
    },
    /// Cosign one request by hand: `old SIZE`, proof, empty line, note
    #[command(after_help = "Example:\n  muniment witness cosign --folder w request.txt")]
    Cosign {
        /// Its folder
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// File with the request
        request: PathBuf,
    },
}

impl WitnessVerb {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        match self {
            Self::Init { folder, name, log } => {
                let made = blocking(move || init(&folder, &name, &log)).await?;
                output.result(&made, |made| word(made, "/public_key"))?;
            }
            Self::Trust { folder, log } => {
                blocking(move || Witness::open(&folder)?.trust(&log)).await?;
                output.result(&json!({ "trusted": true }), |_| "trusted".to_owned())?;
            }
            Self::Serve { folder, listen } => {
                crate::logs::begin(&globals.config()?.logs, globals.verbose, globals.quiet);
                answer(folder, listen, output).await?;
            }
            Self::Status { folder } => {
                let status = blocking(move || show(&folder)).await?;
                output.result(&status, words)?;
            }
            Self::Cosign { folder, request } => {
                let line = blocking(move || cosign(&folder, &request)).await?;
                output.result(&json!({ "cosignature": line }), |_| line.clone())?;
            }
        }
        Ok(0)
    }
}

fn init(folder: &Path, name: &str, logs: &[String]) -> Result<Value> {
    let rng = archive::Ports::production().rng;
    let witness = Witness::create(folder, name, rng.as_ref())?;
    logs.iter().try_for_each(|log| witness.trust(log))?;
    Ok(json!({ "name": name, "public_key": witness.public_key(), "logs": logs }))
}

async fn answer(folder: PathBuf, listen: SocketAddr, output: &Output) -> Result<()> {
    let witness = blocking(move || Witness::open(&folder)).await?;
    let signals = crate::shutdown::Signals::listen()?;
    let cannot = |error: std::io::Error| {
        Problem::new(Kind::Unavailable, format!("cannot listen on {listen}: {error}"))
    };
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    output.say(&format!("the witness is ready on http://{address}"));
    serve(Arc::new(witness), listener, signals.asked()).await
}

fn cosign(folder: &Path, request: &Path) -> Result<String> {
    let body = archive::durable::read(&archive::disk::LocalDisk, request, REQUEST_BYTES_MAX)?;
    let missing =
        || Problem::new(Kind::BadRequest, format!("there is no file {}", request.display()));
    let body = body.ok_or_else(missing)?;
    Witness::open(folder)?.cosign(&body, &SystemClock).map_err(|refused| match refused {
        Refused::Malformed(why) => Problem::new(Kind::BadData, why),
        Refused::UnknownLog => Problem::new(Kind::NotFound, "no such log is known to this witness"),
        Refused::Unsigned => Problem::new(Kind::Unproven, "no signature of the log's key holds"),
        Refused::Conflict(size) => {
            let detail =
                format!("the witness has seen {size} events of this log, or another root there");
            Problem::new(Kind::Conflict, detail).with("size", size)
        }
        Refused::Unproven => Problem::new(
            Kind::Unproven,
            "the checkpoint does not continue what was seen of this log",
        ),
        Refused::Fault(problem) => problem,
    })
}

fn words(status: &Value) -> String {
    let row = |log: &Value| {
        ["/origin", "/size", "/cosigned_at", "/root"].map(|name| word(log, name)).to_vec()
    };
    let rows = status["logs"].as_array().into_iter().flatten().map(row).collect();
    let logs = table(&["log", "events", "cosigned", "root"], rows);
    format!("{}\n{}\n{logs}", word(status, "/name"), word(status, "/public_key"))
}
