//! A whole appliance in a folder of its own, driven as a person would: through the binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::volume::Volume;

/// An archive that is thrown away with the test.
#[derive(Debug)]
pub(crate) struct Appliance {
    folder: TempDir,
    /// The small disk that the data directory lies on, if it lies on one.
    volume: Option<Volume>,
    /// What every run of the binary finds in its environment.
    variables: Vec<(String, String)>,
}

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Returns the one JSON object on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Asserts the exit code and returns the outcome.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

impl Appliance {
    /// Makes an archive with one officer.
    pub(crate) fn create() -> Self {
        let appliance = Self::empty();
        appliance.run(&["init", "--officer", "Officer One"]).expect(0);
        appliance
    }

    /// Makes the folder alone.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { folder, volume: None, variables: Vec::new() }
    }

    /// Makes a copy of an archive that nobody has open.
    pub(crate) fn copy_of(other: &Self) -> Self {
        let copy = Self::empty();
        copy_folder(&other.data(), &copy.data());
        copy
    }

    /// Makes the folder, with a data directory to come on a volume of its own.
    pub(crate) fn on(volume: Volume) -> Self {
        Self { volume: Some(volume), ..Self::empty() }
    }

    /// Returns the volume that the data directory lies on.
    pub(crate) fn volume(&self) -> &Volume {
        self.volume.as_ref().expect("this appliance was made on a volume")
    }

    /// Returns the volume to be changed.
    pub(crate) fn volume_mut(&mut self) -> &mut Volume {
        self.volume.as_mut().expect("this appliance was made on a volume")
    }

    /// Sets a variable of the environment for every run from here on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Takes all variables away again.
    pub(crate) fn unset(&mut self) {
        self.variables.clear();
    }

    /// Returns the data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.volume.as_ref().map_or(self.folder.path(), Volume::path).join("data")
    }

    /// Returns a path beside the data directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration file of the archive.
    pub(crate) fn settle_configuration(&self, text: &str) {
        std::fs::write(self.data().join("muniment.toml"), text).unwrap();
    }

    /// Writes a file beside the data directory and returns its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::File::create(&path).unwrap().write_all(content.as_ref()).unwrap();
        path
    }

    /// Returns the binary with this data directory.
    pub(crate) fn command(&self) -> Command {
        self.command_on(&self.data())
    }

    /// Returns the binary with another data directory.
    pub(crate) fn command_on(&self, data: &Path) -> Command {
        let binary = env!("CARGO_BIN_EXE_muniment");
        let mut command =
            self.volume.as_ref().map_or_else(|| Command::new(binary), |disk| disk.command(binary));
        command.arg("--data").arg(data).current_dir(self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env_remove("MUNIMENT_DATA").env_remove("STATE_DIRECTORY").stdin(Stdio::null());
        command
    }

    /// Runs a verb to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_on(&self.data(), arguments)
    }

    /// Runs a verb on another data directory to its end.
    pub(crate) fn run_on(&self, data: &Path, arguments: &[&str]) -> Outcome {
        let output = self.command_on(data).args(arguments).output().expect("the binary starts");
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a verb with `--json` that must succeed, and returns its result.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[&["--json"], arguments].concat()).expect(0).json()
    }

    /// Imports a file and returns the report, whatever its exit code among these.
    #[track_caller]
    pub(crate) fn import(&self, path: &Path, more: &[&str], code: i32) -> Value {
        let path = path.to_str().expect("test paths are UTF-8");
        self.run(&[&["--json", "import", path], more].concat()).expect(code).json()
    }

    /// Returns every message of the log as the canonical lines of a package have it.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.events_of("kind:message")
    }

    /// Returns every event that a query finds, in the order of the log.
    pub(crate) fn events_of(&self, query: &str) -> Vec<Value> {
        let out = self.path("messages");
        let arguments = ["export", "--query", query, "--format", "bundle", "--out"];
        self.run(&[&arguments[..], &[out.to_str().unwrap()]].concat()).expect(0);
        let packed = std::fs::File::open(out.join("events.jsonl.zst")).unwrap();
        let lines = String::from_utf8(zstd::decode_all(packed).unwrap()).unwrap();
        std::fs::remove_dir_all(out).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns every message of the log as an undisturbed run would have it too: without what is drawn or told by the clock.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.events().into_iter().map(plain).collect()
    }

    /// Asserts that the messages are those of an undisturbed run, and shows the first that is not.
    #[track_caller]
    pub(crate) fn has_messages(&self, undisturbed: &[String]) {
        let messages = self.messages();
        let pairs = messages.iter().zip(undisturbed);
        if let Some((found, due)) = pairs.into_iter().find(|(found, due)| found != due) {
            panic!("found {found}\n  due {due}");
        }
        assert_eq!(messages.len(), undisturbed.len());
    }

    /// Starts a verb in the background.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command();
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    }
}

/// Returns an event as an undisturbed run would have it too.
pub(crate) fn plain(mut event: Value) -> String {
    // A room's numbers count what the archive says about the room too, such as its language.
    for drawn in ["id", "seq", "place_seq", "place_prev", "recorded_at", "locator"] {
        event.as_object_mut().unwrap().remove(drawn);
    }
    for (member, drawn) in [("actor", "id"), ("place", "id"), ("origin", "source")] {
        event[member].as_object_mut().unwrap().remove(drawn);
    }
    event.to_string()
}

/// Copies a folder with all that is in it; files keep their permissions.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns the folder of the samples, or says by name which test goes without them.
pub(crate) fn samples(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MUNIMENT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let found = folder.join("data").is_dir();
    if !found {
        println!("skipped: {test}: no shared samples");
    }
    found.then(|| folder.join("data"))
}

/// Runs one of our scripts and returns what it prints as JSON. Where Python or its modules are missing, the test is skipped
/// by name; in CI that is a failure.
pub(crate) fn python(test: &str, script: &str, arguments: &[&Path]) -> Option<Value> {
    let python = std::env::var("MUNIMENT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import zstandard, cryptography"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI must have Python with its modules");
        println!("skipped: {test}: no Python with zstandard and cryptography");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(script);
    let output = Command::new(&python).arg(script).args(arguments).output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).expect("the script prints JSON"))
}
