//! `muniment quickstart --tour`: find, explain, export, verify, tamper, verify again; each step through the API itself.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, target};
use super::output::{indented, word};
use super::search::head;
use super::{Output, explain, export, verify};
use crate::problem::{Kind, Problem, Result};

/// A word that stands in one message of the sample, in a version that its author edited away.
const EDITED_AWAY: &str = "backdate";

/// Walks through the main job, and fails if a step does not come out as it should.
pub(super) async fn run(client: &Client, data: &Path, output: &Output) -> Result<u8> {
    output.line(&format!(
        "1. Somebody wrote {EDITED_AWAY:?} and edited it away. It is still found:"
    ))?;
    let target = target("/api/v1/search", &[("q", Some(EDITED_AWAY.to_owned()))]);
    let found = client.get(&target).await?;
    let hit = found["hits"].get(0).cloned().ok_or_else(|| broken("the word is not found"))?;
    say_event(&hit, output)?;
    let seq = word(&hit, "/seq");
    let event = client.get(&format!("/api/v1/events/{seq}?context=2")).await?;
    output.line("   What it says now, and where it stands:")?;
    for version in event["versions"].as_array().into_iter().flatten() {
        say_event(version, output)?;
    }

    output.line("\n2. Why it was found:")?;
    let query = format!("{EDITED_AWAY} is:edited");
    let path = format!("/api/v1/events/{seq}/explain");
    let target = super::client::target(&path, &[("q", Some(query))]);
    output.line(&explain::words(&client.get(&target).await?))?;

    output.line("3. Export every message of that room and day, and verify the package:")?;
    let (package, key) = export_day(client, data, &hit, output).await?;
    let report = crate::wire::verify::package(&package, &key, None)?;
    output.line(&verify::words(&report))?;
    if report["ok"] != true {
        return Err(broken("a package that nobody touched does not verify"));
    }

    output.line("\n4. Change one byte of one row in a copy, and verify that:")?;
    let copy = package.with_extension("changed");
    copy_folder(&package, &copy)?;
    let changed = flip_a_byte(&copy)?;
    output.line(&format!("   changed: {changed}"))?;
    let report = crate::wire::verify::package(&copy, &key, None)?;
    output.line(&verify::words(&report))?;
    if report["ok"] == true {
        return Err(broken("a changed byte was not noticed"));
    }
    output.line(&format!(
        "\nThe tour is over. The package is in {}, the changed copy in {}.",
        package.display(),
        copy.display()
    ))?;
    Ok(0)
}

fn broken(what: &str) -> Problem {
    Problem::new(Kind::Internal, format!("the tour ended early: {what}"))
}

fn say_event(event: &Value, output: &Output) -> Result<()> {
    let text = event["text"].as_str().unwrap_or_default();
    output.line(&format!("   {}\n{}", head(event), indented(text, "       ")))
}

/// Exports the day around a hit into a new folder beside the archive, and returns it with the public key.
async fn export_day(
    client: &Client,
    data: &Path,
    hit: &Value,
    output: &Output,
) -> Result<(std::path::PathBuf, String)> {
    let at = word(hit, "/at");
    let day = at.get(..10).unwrap_or(&at);
    let query = format!("room:{} on:{day}", word(hit, "/room/id"));
    let free = (1_u32..).map(|number| data.join(format!("tour-{number}")));
    let mut free = free.filter(|path| !path.try_exists().unwrap_or(true));
    let out = free.next().ok_or_else(|| broken("no name is free for the package"))?;
    let body = json!({
        "query": query, "formats": ["csv", "bundle"], "context": "none", "for": "internal",
        "reason": "tour of the sample archive",
    });
    let report = export::fetch(client, &body, &out, output).await?;
    output.line(&format!("   {} events, package {}", word(&report, "/events"), out.display()))?;
    let status = client.get("/api/v1/status").await?;
    Ok((out, word(&status, "/public_key")))
}

/// Copies a package.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let fault = |error: std::io::Error| Problem::of_path("copy", to, &error);
    std::fs::create_dir(to).map_err(fault)?;
    for entry in std::fs::read_dir(from).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(fault)?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target).map_err(fault)?;
        }
    }
    Ok(())
}

/// Flips one bit of the last letter in the last row of the exact table, and says where.
#[expect(clippy::naive_bytecount, reason = "one small file, once")]
fn flip_a_byte(package: &Path) -> Result<String> {
    let path = package.join("csv/exact/messages.csv");
    let fault = |error: std::io::Error| Problem::of_path("change", &path, &error);
    let file = std::fs::File::options().read(true).write(true).open(&path).map_err(fault)?;
    let bytes = std::fs::read(&path).map_err(fault)?;
    let place = bytes
        .iter()
        .rposition(u8::is_ascii_alphabetic)
        .ok_or_else(|| broken("the exact table has no letters"))?;
    let offset = u64::try_from(place).map_err(|_| broken("the exact table is too large"))?;
    file.write_all_at(&[bytes[place] ^ 1], offset).map_err(fault)?;
    let line = 1 + bytes[..place].iter().filter(|byte| **byte == b'\n').count();
    Ok(format!("byte {place} (line {line}) of {}", path.display()))
}
