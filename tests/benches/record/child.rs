//! Work that a row does in a process of its own: this very executable, started again.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::product::Product;
use crate::{Fault, drives};

/// Stands for a file of words where there is none.
const NO_WORDS: &str = "-";

/// What such a process does.
#[derive(Debug)]
pub(crate) enum Child {
    /// Imports files into an archive of its own and prints what the system says of the process.
    Import(Vec<PathBuf>),
    /// Imports parts into the archive of a folder and prints what it reads.
    Growth {
        /// The folder; the archive is made where there is none.
        home: PathBuf,
        /// Words to look for, with their classes, where what must not grow is looked at afterwards.
        words: Option<PathBuf>,
        /// The parts.
        inputs: Vec<PathBuf>,
    },
    /// Goes a hot path so many times over the messages of a file.
    Drive { what: &'static str, times: usize, file: PathBuf },
}

impl Child {
    /// Does the work in a process of its own and returns what it printed.
    pub(crate) fn output(&self) -> Result<String, Fault> {
        let command = Command::new(std::env::current_exe()?);
        Ok(String::from_utf8(self.run_under(command)?.stdout)?)
    }

    /// Returns whether instructions can be counted here.
    pub(crate) fn is_counted() -> bool {
        let mut valgrind = Command::new("valgrind");
        valgrind.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        valgrind.status().is_ok_and(|status| status.success())
    }

    /// Does the work under callgrind and returns how many instructions it took, set-up included.
    pub(crate) fn instructions(&self) -> Result<u64, Fault> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        command.arg(std::env::current_exe()?);
        let said = String::from_utf8(self.run_under(command)?.stderr)?;
        let line = said.lines().find_map(|line| line.split_once("Collected : "));
        Ok(line.ok_or("callgrind told no count")?.1.trim().parse()?)
    }

    fn run_under(&self, mut command: Command) -> Result<Output, Fault> {
        command.arg("--child");
        match self {
            Self::Import(paths) => command.arg("import").args(paths),
            Self::Growth { home, words, inputs } => {
                let words = words.as_deref().unwrap_or(Path::new(NO_WORDS));
                command.arg("growth").arg(home).arg(words).args(inputs)
            }
            Self::Drive { what, times, file } => command.arg(what).arg(times.to_string()).arg(file),
        };
        let output = command.output()?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{self:?} ended with {}: {said}", output.status).into())
    }
}

/// Does the work of such a process.
pub(crate) fn run(words: &[String]) -> Result<(), Fault> {
    match words {
        [what, paths @ ..] if what == "import" => import(paths),
        [what, home, words, inputs @ ..] if what == "growth" => {
            let inputs: Vec<_> = inputs.iter().map(PathBuf::from).collect();
            let words = (words != NO_WORDS).then(|| Path::new(words));
            crate::growth::child(Path::new(home), words, &inputs)
        }
        [what, times, file] => drives::run(what, times.parse()?, Path::new(file)),
        _ => Err(format!("no work is called {words:?}").into()),
    }
}

fn import(paths: &[String]) -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let product = Product::create(&folder.path().join("data"))?;
    product.import(&paths.iter().map(PathBuf::from).collect::<Vec<_>>())?;
    println!("{}", std::fs::read_to_string("/proc/self/status")?);
    product.close()
}
