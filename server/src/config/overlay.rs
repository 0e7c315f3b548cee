//! Lays the layers of configuration over one another and remembers where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Config;
use crate::problem::{Kind, Problem, Result};

/// What a variable's name begins with.
const PREFIX: &str = "MUNIMENT__";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Variable(name) => write!(out, "${name}"),
            Self::Flag(name) => write!(out, "{name}"),
        }
    }
}

/// The layers, merged, and the origin of every value that is no default.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// Lays a file's text over what is there. The text is checked alone first, so that a fault names its line.
    pub(crate) fn lay_file(&mut self, path: &Path, text: &str) -> Result<()> {
        toml::from_str::<Config>(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let at = line.map(|line| format!(", line {line}")).unwrap_or_default();
            let words = error.message();
            Problem::new(Kind::Configuration, format!("{}{at}: {words}", path.display()))
        })?;
        let table: Table =
            toml::from_str(text).map_err(|error| Problem::of(Kind::Configuration, &error))?;
        for (section, keys) in table {
            let Value::Table(keys) = keys else { continue };
            for (key, value) in keys {
                self.set(&section, &key, value, Origin::File(path.to_owned()));
            }
        }
        Ok(())
    }

    /// Lays the variables that begin with `MUNIMENT__` over what is there, in the order of their names.
    pub(crate) fn lay_variables(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<()> {
        let ours: BTreeMap<_, _> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        for (name, text) in ours {
            let path = name.trim_start_matches(PREFIX).to_lowercase();
            let Some((section, key)) = path.split_once("__") else {
                let detail =
                    format!("${name} names no section and key; the form is {PREFIX}SECTION__KEY");
                return Err(Problem::new(Kind::Configuration, detail));
            };
            let mut trial = Self { table: self.table.clone(), origins: BTreeMap::new() };
            let mut last = String::new();
            let fitting = readings(&text).into_iter().find(|value| {
                trial.set(section, key, value.clone(), Origin::Default);
                trial.config().map_err(|problem| last = problem.detail).is_ok()
            });
            let Some(value) = fitting else {
                return Err(Problem::new(Kind::Configuration, format!("${name}: {last}")));
            };
            self.set(section, key, value, Origin::Variable(name));
        }
        Ok(())
    }

    /// Lays one value of the command line over what is there.
    pub(crate) fn lay_flag(&mut self, flag: &'static str, section: &str, key: &str, value: &str) {
        self.set(section, key, Value::String(value.to_owned()), Origin::Flag(flag));
    }

    /// Returns the configuration that all layers give together.
    pub(crate) fn config(&self) -> Result<Config> {
        Config::deserialize_table(self.table.clone())
    }

    /// Returns where the value of a key, such as `server.listen`, came from.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    fn set(&mut self, section: &str, key: &str, value: Value, origin: Origin) {
        let entry = self.table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(keys) = entry {
            keys.insert(key.to_owned(), value);
        }
        self.origins.insert(format!("{section}.{key}"), origin);
    }
}

impl Config {
    fn deserialize_table(table: Table) -> Result<Self> {
        table.try_into().map_err(|error: toml::de::Error| {
            Problem::new(Kind::Configuration, error.message().to_owned())
        })
    }
}

/// Returns what a variable's text may mean, the likeliest first: a number, flag or list as TOML writes it, or words.
fn readings(text: &str) -> Vec<Value> {
    let mut values = Vec::new();
    if let Ok(mut table) = toml::from_str::<Table>(&format!("value = {text}"))
        && let Some(value) = table.remove("value")
    {
        values.push(value);
    }
    values.push(Value::String(text.to_owned()));
    let list = text.split(',').map(|part| Value::String(part.trim().to_owned())).collect();
    values.push(Value::Array(list));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn no_file_is_needed() {
        let config = Layers::default().config().unwrap();
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:7380");
        assert!(config.faults().is_empty());
    }

    #[test]
    fn a_variable_overlays_the_file_and_a_flag_overlays_both() {
        let mut layers = Layers::default();
        let file = Path::new("muniment.toml");
        layers
            .lay_file(file, "[server]\nlisten = \"127.0.0.1:1\"\ndrain_seconds_max = 5\n")
            .unwrap();
        let set = [
            ("MUNIMENT__SERVER__LISTEN", "127.0.0.1:2"),
            ("MUNIMENT__LIMITS__JOBS_MAX", "3"),
            ("MUNIMENT__SERVER__HOST_NAMES", "desk.example,archive.example"),
            ("PATH", "/bin"),
        ];
        layers.lay_variables(variables(&set).into_iter()).unwrap();
        let config = layers.config().unwrap();
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!(config.limits.jobs_max, 3);
        assert_eq!(config.server.host_names, ["desk.example", "archive.example"]);
        assert_eq!(config.server.drain_seconds_max, 5);
        layers.lay_flag("--listen", "server", "listen", "127.0.0.1:3");
        assert_eq!(layers.config().unwrap().server.listen.port(), 3);
        assert_eq!(layers.origin("server.listen"), Origin::Flag("--listen"));
        assert_eq!(layers.origin("server.drain_seconds_max"), Origin::File(file.to_owned()));
        assert_eq!(layers.origin("logs.filter"), Origin::Default);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let text = "[server]\nlisten = \"127.0.0.1:1\"\nlissten = 4\n";
        let problem = Layers::default().lay_file(Path::new("m.toml"), text).unwrap_err();
        assert_eq!(problem.kind, Kind::Configuration);
        assert!(problem.detail.starts_with("m.toml, line 3: unknown field `lissten`"), "{problem}");
    }

    #[test]
    fn an_unknown_variable_is_an_error_with_its_name() {
        let set = variables(&[("MUNIMENT__SERVER__LISSTEN", "1")]);
        let problem = Layers::default().lay_variables(set.into_iter()).unwrap_err();
        assert!(problem.detail.contains("MUNIMENT__SERVER__LISSTEN"), "{problem}");
        assert!(problem.detail.contains("lissten"), "{problem}");
    }

    #[test]
    fn an_address_beyond_loopback_is_a_fault_that_says_why() {
        let mut layers = Layers::default();
        layers.lay_flag("--listen", "server", "listen", "0.0.0.0:7380");
        let faults = |layers: &Layers| layers.config().unwrap().faults();
        assert_eq!(faults(&layers).len(), 1);
        assert!(faults(&layers)[0].contains("with TLS alone"), "{:?}", faults(&layers));
        layers.lay_file(Path::new("m.toml"), "[tls]\nself_signed = true\n").unwrap();
        assert!(faults(&layers)[0].contains("server.host_names"), "{:?}", faults(&layers));
        let names = variables(&[("MUNIMENT__SERVER__HOST_NAMES", "archive.example")]);
        layers.lay_variables(names.into_iter()).unwrap();
        assert_eq!(faults(&layers), Vec::<String>::new());
        layers.lay_flag("", "tls", "key", "key.pem");
        assert!(faults(&layers)[0].contains("tls.certificate"), "{:?}", faults(&layers));
    }
}
