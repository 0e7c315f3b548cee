//! The baseline of a database server: PostgreSQL with GIN, in a folder and on a socket of its own, for this run alone.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::Fault;
use crate::corpus::{Corpus, Line};
use crate::postgres_wire::Wire;
use crate::words::Corner;

/// Where Debian puts the programs that it does not put on the path.
const DEBIAN: &str = "/usr/lib/postgresql";
/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(30);
/// Users that the server may run as where this process is root, which it refuses to be.
const USERS: [&str; 2] = ["postgres", "nobody"];
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "shared_buffers=512MB",
    "work_mem=64MB",
    "maintenance_work_mem=512MB",
    "jit=off",
    "fsync=off",
    "max_wal_size=4GB",
    // A generic plan does not know how frequent the word is.
    "plan_cache_mode=force_custom_plan",
];
const SCHEMA: &str = "CREATE TABLE message (id bigint PRIMARY KEY, room text NOT NULL, sender text NOT NULL, \
     at timestamptz NOT NULL, body text NOT NULL, \
     words tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED)";
const COPY: &str = "COPY message (id, room, sender, at, body) FROM STDIN";
const FINISH: [&str; 4] = [
    "CREATE INDEX ON message USING gin (words)",
    "CREATE INDEX ON message (room, at)",
    "VACUUM ANALYZE message",
    "PREPARE newest (text, text, timestamptz, timestamptz) AS SELECT id, at FROM message \
     WHERE words @@ to_tsquery('simple', $1) AND room = $2 AND at >= $3 AND at < $4 \
     ORDER BY at DESC, id DESC LIMIT 20",
];
/// Bytes of rows that go to the server at once.
const COPY_BYTES: usize = 1 << 20;

/// A server, or why there is none.
pub(crate) enum Found {
    Running(Box<Postgres>),
    Absent(String),
}

/// A server with the corpus in it.
pub(crate) struct Postgres {
    server: Child,
    wire: RefCell<Wire>,
    version: String,
    /// Goes last, when the server has ended.
    _folder: TempDir,
}

/// Whom the server runs as: user and group.
#[derive(Clone, Copy)]
struct User(u32, u32);

impl Postgres {
    /// Starts a server and fills it, where its programs are installed.
    pub(crate) fn start(corpus: &Corpus) -> Result<Found, Fault> {
        let Some(programs) = programs() else {
            return Ok(Found::Absent("initdb and postgres are not installed".to_owned()));
        };
        let user = if geteuid().is_root() { other_user()? } else { None };
        if geteuid().is_root() && user.is_none() {
            return Ok(Found::Absent(
                "it does not run as root, and there is no other user".to_owned(),
            ));
        }
        let folder = tempfile::Builder::new().prefix("bench-postgres").tempdir()?;
        if let Some(User(user, group)) = user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let log = File::create(folder.path().join("log"))?;
        let command = |name: &str| -> io::Result<Command> {
            let mut command = Command::new(programs.join(name));
            if let Some(User(user, group)) = user {
                command.uid(user).gid(group);
            }
            command.current_dir(folder.path()).env("LC_ALL", "C");
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
            Ok(command)
        };
        let cluster = ["-D", "cluster"];
        let made = command("initdb")?
            .args(cluster)
            .args(["-U", "bench", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
            .status()?;
        if !made.success() {
            return Err(format!("initdb ended with {made}: {}", said(folder.path())).into());
        }
        let mut server = command("postgres")?;
        server.args(cluster).arg("-k").arg(folder.path());
        for setting in SETTINGS {
            server.args(["-c", setting]);
        }
        let mut server = server.spawn()?;
        let wire = match connect(&folder.path().join(".s.PGSQL.5432")) {
            Ok(wire) => wire,
            Err(fault) => {
                server.kill()?;
                server.wait()?;
                return Err(format!("{fault}: {}", said(folder.path())).into());
            }
        };
        let mut running =
            Self { server, wire: RefCell::new(wire), version: String::new(), _folder: folder };
        running.fill(&corpus.lines)?;
        running.version = running.wire.get_mut().text("SHOW server_version")?;
        Ok(Found::Running(Box::new(running)))
    }

    fn fill(&mut self, lines: &[Line]) -> io::Result<()> {
        let wire = self.wire.get_mut();
        wire.query(SCHEMA)?;
        wire.begin_copy(COPY)?;
        let mut rows = String::new();
        for (id, line) in lines.iter().enumerate() {
            let [room, sender, body] =
                [&line.room, &line.sender, &line.text].map(|text| escaped(text));
            writeln!(rows, "{id}\t{room}\t{sender}\t{}\t{body}", line.time)
                .map_err(io::Error::other)?;
            if rows.len() > COPY_BYTES {
                wire.copy(rows.as_bytes())?;
                rows.clear();
            }
        }
        wire.copy(rows.as_bytes())?;
        wire.end_copy()?;
        FINISH.iter().try_for_each(|statement| wire.query(statement).map(drop))
    }

    /// Returns how many of the newest twenty there are.
    pub(crate) fn newest(&self, corner: &Corner) -> io::Result<usize> {
        let time = |micros: i64| chat::Timestamp::from_micros(micros).to_string();
        let Corner { word, room, from, until } = corner;
        let room = room.replace('\'', "''");
        self.wire.borrow_mut().query(&format!(
            "EXECUTE newest ('{word}', '{room}', '{}', '{}')",
            time(*from),
            time(*until)
        ))
    }

    /// Asks for nothing: what a round trip costs by itself.
    pub(crate) fn nothing(&self) -> io::Result<usize> {
        self.wire.borrow_mut().query("SELECT 1")
    }

    /// Returns the server's name and version.
    pub(crate) fn version(&self) -> String {
        format!("PostgreSQL {}", self.version)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is its fast end. Nobody can be told here that it failed, and nothing of it is kept.
        if let Some(id) = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw) {
            kill_process(id, Signal::INT).ok();
        }
        self.server.wait().ok();
    }
}

/// Returns the folder with the programs: on the path, or Debian's newest.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut versions: Vec<_> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev().map(|version| version.join("bin")));
    folders
        .into_iter()
        .find(|folder| ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file()))
}

fn other_user() -> io::Result<Option<User>> {
    let known = std::fs::read_to_string("/etc/passwd")?;
    let user = |name: &str| {
        let line = known.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut words = line.split(':').skip(2);
        Some(User(words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    Ok(USERS.into_iter().find_map(user))
}

fn connect(socket: &Path) -> io::Result<Wire> {
    let began = Instant::now();
    loop {
        let opened =
            UnixStream::connect(socket).and_then(|stream| Wire::open(stream, "bench", "postgres"));
        match opened {
            Ok(wire) => return Ok(wire),
            Err(fault) if began.elapsed() > START_MAX => return Err(fault),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn said(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Returns a text as a column of `COPY` has it. The server cannot keep a NUL.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => {}
            letter => out.push(letter),
        }
    }
    out
}
