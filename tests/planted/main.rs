//! Plants every bug of this folder in a copy of the tree, one after the other, and sees that its test fails by name.
//!
//! `cargo run -p tests --example planted [NAME …]`. Ends with 1 where a bug was missed. The copy and what is built from it
//! lie below the target folder.
#![expect(clippy::print_stdout, reason = "its report is what it is for")]

mod bug;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use bug::Bug;

/// Folders of the tree that no build needs.
const LEFT_OUT: &[&str] = &["target", ".git", ".venv", "muniment-data", "muniment-demo"];

type Fault = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Fault> {
    let named: Vec<_> = std::env::args().skip(1).collect();
    let mut bugs = bug::all();
    bugs.retain(|bug| named.is_empty() || named.contains(&bug.name));
    let target = target()?;
    let tree = target.join("planted/tree");
    copy(&tests::root(), &tree)?;
    let mut missed = 0;
    for bug in &bugs {
        let started = Instant::now();
        let verdict = plant(bug, &tree, &target)?;
        let seconds = started.elapsed().as_secs();
        println!("{verdict:<9} {:<28} {} ({seconds} s): {}", bug.name, bug.caught_by, bug.what);
        missed += usize::from(verdict != "caught");
    }
    println!("{} of {} planted bugs were caught by name", bugs.len() - missed, bugs.len());
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the folder that this program was built in: it lies in `debug/examples`.
fn target() -> Result<PathBuf, Fault> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(3).ok_or("the program lies in no target folder")?.to_owned())
}

/// Plants a bug, runs its test and takes the bug out again; says how it went in a word.
fn plant(bug: &Bug, tree: &Path, target: &Path) -> Result<&'static str, Fault> {
    let path = tree.join(&bug.file);
    let sound = std::fs::read_to_string(&path)?;
    if sound.matches(&bug.find).count() != 1 {
        return Ok("STALE");
    }
    put(&path, sound.replace(&bug.find, &bug.replace).as_bytes())?;
    let shared = tests::samples().unwrap_or_else(|| tree.join("../shared"));
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "test",
            "--locked",
            "--package",
            &bug.package,
            &bug.caught_by,
            "--",
            "--show-output",
        ])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target)
        .env("MUNIMENT_SHARED", shared)
        .output();
    put(&path, sound.as_bytes())?;
    let output = output?;
    let told = String::from_utf8_lossy(&output.stdout);
    let has_failed = told.lines().any(|line| {
        line.contains(&format!("{} ... FAILED", bug.caught_by)) && line.starts_with("test ")
    });
    Ok(if has_failed {
        "caught"
    } else if told.contains("skipped: ") {
        "SKIPPED"
    } else if told.contains("test result: ") {
        "MISSED"
    } else {
        println!("{}", String::from_utf8_lossy(&output.stderr));
        "NO BUILD"
    })
}

/// Copies what differs, so that a second run compiles little.
fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let there = to.join(&name);
        if kind.is_dir() {
            copy(&entry.path(), &there)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path())?;
            if std::fs::read(&there).ok().as_deref() != Some(&bytes) {
                put(&there, &bytes)?;
            }
        }
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    use std::io::Write as _;
    Ok(std::fs::File::create(path)?.write_all(bytes)?)
}
