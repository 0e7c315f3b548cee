//! Which format an input has, and in which order its files are read.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::input::Container;
use crate::source::jsonl::JsonLines;
use crate::source::lync::LyncXml;
use crate::source::slack::SlackExport;
use crate::source::{EventSource, Reading};

/// Bytes that are looked at to tell a format.
const LOOK_BYTES: u64 = 64 << 10;
/// Lines that are looked at.
const LOOK_LINES: usize = 20;
/// The members by which lines of our own format are told; one may be missing in a line that is none the less ours.
const TELLING: [&str; 3] = ["source", "room", "time"];
/// What an input can be.
const EXPECTED: &str = "lines of JSON objects with \"source\", \"room\" and \"time\" (--format jsonl), compliance XML with <Conversations>, or a Slack export with channels.json";

/// A format by its name, or that it is to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormatChoice {
    /// To be found out.
    #[default]
    Auto,
    /// The line format (contract.md §2).
    JsonLines,
    /// A Slack export.
    Slack,
    /// Compliance XML.
    LyncXml,
}

impl FromStr for FormatChoice {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "auto" => Ok(Self::Auto),
            "jsonl" => Ok(Self::JsonLines),
            "slack" => Ok(Self::Slack),
            "lync-xml" => Ok(Self::LyncXml),
            _ => Err(Error::FormatUnknown { found: word.chars().take(40).collect() }),
        }
    }
}

/// The format of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    JsonLines,
    LyncXml,
}

/// An input whose format is known.
#[derive(Debug)]
pub(super) struct Plan {
    container: Container,
    consumed: Arc<AtomicU64>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Slack,
    Files { files: Vec<(String, FileFormat)>, passed_over: Vec<String> },
}

impl Plan {
    /// Finds out what an input is, or says what was wrong with it first.
    pub(super) fn of(mut container: Container, choice: FormatChoice) -> Result<Self> {
        let members = container.members();
        let slack = SlackExport::recognises(&members);
        if let Some(fault) = container.fault() {
            // Without its lists a Slack message has neither its room nor its author: it does not stand on its own.
            let is_slack = choice == FormatChoice::Slack || (choice == FormatChoice::Auto && slack);
            let stands_alone = !is_slack || SlackExport::has_lists(&members);
            if !stands_alone {
                return Err(Error::InputMalformed {
                    place: container.path().display().to_string(),
                    found: format!(
                        "no list of users or none of rooms among what is whole of a zip that is cut off ({fault})"
                    ),
                    expected: "both of them: without them no message of a Slack export stands on its own",
                });
            }
            if members.is_empty() {
                return Err(fault);
            }
        }
        let form = match choice {
            FormatChoice::Slack => Form::Slack,
            FormatChoice::Auto if slack && !container.is_single() => Form::Slack,
            FormatChoice::JsonLines => Form::all(members, FileFormat::JsonLines),
            FormatChoice::LyncXml => Form::all(members, FileFormat::LyncXml),
            FormatChoice::Auto => {
                let looked = Form::look(&mut container, members);
                // In what is whole of a damaged zip nothing may be found: then the damage is what matters.
                looked.map_err(|unknown| container.fault().unwrap_or(unknown))?
            }
        };
        Ok(Self { consumed: container.consumed(), container, form })
    }

    /// Returns the name of the format.
    pub(super) fn format(&self) -> &'static str {
        match &self.form {
            Form::Slack => "slack",
            Form::Files { files, .. } => match files.first() {
                Some((_, FileFormat::LyncXml)) => "lync-xml",
                Some((_, FileFormat::JsonLines)) | None => "jsonl",
            },
        }
    }

    pub(super) const fn container(&self) -> &Container {
        &self.container
    }

    /// Returns how many bytes of the input were read so far; it goes on counting while the plan is carried out.
    pub(super) fn consumed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }

    /// Reads all sources of the input, one after the other.
    ///
    /// Of an input that is damaged, what is whole is read; then the damage is returned as the error that it is.
    pub(super) fn read(
        self,
        reading: &Reading,
        take: &mut dyn FnMut(&mut dyn EventSource) -> Result<()>,
    ) -> Result<Vec<String>> {
        self.consumed.store(0, Ordering::Relaxed);
        let mut container = self.container;
        let fault = container.fault();
        let passed_over = match self.form {
            Form::Slack => {
                let mut source = SlackExport::open(container, reading.clone())?;
                take(&mut source)?;
                source.passed_over()
            }
            Form::Files { files, passed_over } => {
                for (name, format) in files {
                    let Some(input) = container.open_text(&name)? else { continue };
                    let input = BufReader::with_capacity(256 << 10, input);
                    let reading = reading.clone();
                    match format {
                        FileFormat::JsonLines => take(&mut JsonLines::new(input, name, reading))?,
                        FileFormat::LyncXml => take(&mut LyncXml::new(input, name, reading))?,
                    }
                }
                passed_over
            }
        };
        fault.map_or(Ok(passed_over), Err)
    }
}

impl Form {
    fn all(members: Vec<String>, format: FileFormat) -> Self {
        let files = members.into_iter().map(|name| (name, format)).collect();
        Self::Files { files, passed_over: Vec::new() }
    }

    /// Looks at the beginning of each file.
    fn look(container: &mut Container, members: Vec<String>) -> Result<Self> {
        let (mut files, mut passed_over) = (Vec::new(), Vec::new());
        let mut first_found = None;
        for name in members {
            match look_at(container, &name)? {
                Ok(format) => files.push((name, format)),
                Err(found) => {
                    first_found.get_or_insert(if container.is_single() {
                        found
                    } else {
                        format!("{found} in {name}")
                    });
                    passed_over.push(name);
                }
            }
        }
        if files.is_empty() {
            let path = container.path().to_owned();
            let found = first_found.unwrap_or_else(|| "no file at all".to_owned());
            return Err(Error::InputUnknown { path, found, expected: EXPECTED });
        }
        Ok(Self::Files { files, passed_over })
    }
}

/// Returns the format of a file by its first sign, or what that sign is.
fn look_at(container: &mut Container, name: &str) -> Result<Result<FileFormat, String>> {
    use std::io::Read as _;
    let mut start = Vec::new();
    if let Some(input) = container.open_text(name)? {
        let looked = input.take(LOOK_BYTES).read_to_end(&mut start);
        if let Err(fault) = looked.as_ref().map(drop)
            && start.is_empty()
        {
            return Ok(Err(fault.to_string()));
        }
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Ok(Err("UTF-16 text".to_owned()));
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start).trim_ascii_start();
    Ok(match text.first() {
        Some(b'{') => look_at_lines(text),
        Some(b'<') => Ok(FileFormat::LyncXml),
        // A file without a line is an export in which nothing was said.
        None if container.is_single() => Ok(FileFormat::JsonLines),
        None => Err("an empty file".to_owned()),
        Some(b'[') => Err("a JSON array".to_owned()),
        Some(byte) => Err(format!("a file that begins with {}", byte.escape_ascii())),
    })
}

/// Returns whether lines of JSON are those of our own format, or what the first of them is instead.
///
/// Lines that are no JSON decide nothing: whether they stand in a file of ours is told by the others.
fn look_at_lines(text: &[u8]) -> Result<FileFormat, String> {
    let objects = text
        .split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .take(LOOK_LINES)
        .filter_map(|(number, line)| Some((number + 1, members_of(line)?)));
    let mut first = None;
    for (number, members) in objects {
        let telling = members.iter().filter(|name| TELLING.contains(&name.as_str())).count();
        if telling >= 2 {
            return Ok(FileFormat::JsonLines);
        }
        first.get_or_insert((number, members));
    }
    let Some((number, members)) = first else { return Ok(FileFormat::JsonLines) };
    let shown: Vec<_> = members.iter().take(6).map(|name| format!("{name:?}")).collect();
    let shown = if shown.is_empty() { "no member".to_owned() } else { shown.join(", ") };
    Err(format!("lines of JSON of another product: line {number} has {shown}"))
}

/// Returns the names of an object's members; nothing where the line is no object, or is not all there.
fn members_of(line: &[u8]) -> Option<Vec<String>> {
    let object: BTreeMap<String, &serde_json::value::RawValue> =
        serde_json::from_slice(line).ok()?;
    let short = |name: String| name.chars().take(40).collect();
    Some(object.into_keys().map(short).collect())
}
