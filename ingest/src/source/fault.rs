//! What is wrong with a piece of JSON, in words for the person who has the file: where, what is found, what is expected.

use serde_json::Error;
use serde_json::error::Category;

/// Where a piece of JSON begins in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Its line, from 1; nothing where the locator of the piece names the line already.
    pub(crate) line: Option<u64>,
    /// Its column in characters, from 1.
    pub(crate) column: usize,
}

impl Start {
    /// The piece is a line, whose number is said elsewhere.
    pub(crate) const LINE: Self = Self { line: None, column: 1 };
    /// The piece is a file.
    pub(crate) const FILE: Self = Self { line: Some(1), column: 1 };

    /// Puts the line before a fault that has no place of its own.
    pub(crate) fn locate(self, fault: &str) -> String {
        self.line.map_or_else(|| fault.to_owned(), |line| format!("line {line}: {fault}"))
    }
}

/// Returns what is wrong with a text that should be JSON.
pub(crate) fn of_json(error: &Error, text: &str, start: Start) -> String {
    let lines_before = error.line().saturating_sub(1);
    let line = text.split('\n').nth(lines_before).unwrap_or_default();
    // The parser counts bytes; a person counts characters.
    let bytes = line.floor_char_boundary(error.column().saturating_sub(1).min(line.len()));
    let column = line[..bytes].chars().count();
    let column = if lines_before == 0 { start.column + column } else { column + 1 };
    let number = start.line.map(|line| line + u64::try_from(lines_before).unwrap_or(u64::MAX));
    let place = match number {
        Some(number) => format!("line {number}, column {column}"),
        None => format!("column {column}"),
    };
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    match error.classify() {
        Category::Eof => format!("{place}: the JSON ends before it is complete; is it cut off?"),
        Category::Syntax => {
            let found = line[bytes..].chars().next();
            let found =
                found.map_or("the end of the line".to_owned(), |found| format!("{found:?}"));
            format!("{place}: found {found}, expected {}", expected(said))
        }
        Category::Data | Category::Io => format!("{place}: {}", misfit(said)),
    }
}

/// Returns what JSON asks for where the parser stopped.
fn expected(said: &str) -> &'static str {
    match said {
        "expected value" | "expected ident" => {
            "JSON: an object in braces, text in quotes, a number"
        }
        "expected `:`" => "a colon after the member's name",
        "expected `,` or `}`" => "a comma or the closing brace",
        "expected `,` or `]`" => "a comma or the closing bracket",
        "key must be a string" => "the name of a member in quotes",
        "trailing comma" => "another value after the comma",
        "trailing characters" => "nothing after the end of the JSON",
        "invalid number" | "number out of range" => "a number as JSON writes it",
        "recursion limit exceeded" => "at most 127 values within each other",
        "invalid escape" => "an escape that JSON has",
        _ if said.starts_with("control character") => {
            "an escape such as \\n in the place of a control character"
        }
        _ if said.contains("escape") || said.contains("unicode") => {
            "an escape of a whole character: both halves of a surrogate pair"
        }
        _ => "JSON",
    }
}

/// Says that a value is of the wrong sort.
fn misfit(said: &str) -> String {
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    if let Some(rest) = kinds.iter().find_map(|kind| said.strip_prefix(kind)) {
        let (found, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, "another value"));
        let word = found.split(' ').next().unwrap_or_default();
        let value: String = found.get(word.len()..).unwrap_or_default().chars().take(60).collect();
        let value = value.trim().trim_matches('`');
        let found = match word {
            "sequence" => "an array".to_owned(),
            "map" => "an object".to_owned(),
            "string" => format!("the text {value}"),
            "integer" | "floating" => {
                format!("the number {}", value.trim_start_matches("point `"))
            }
            "boolean" => value.to_owned(),
            _ => found.chars().take(60).collect(),
        };
        return format!("found {found}, expected {expected}");
    }
    if let Some(member) = said.strip_prefix("missing field ") {
        return format!("found no {:?}, expected one", member.trim_matches('`'));
    }
    if let Some(member) = said.strip_prefix("duplicate field ") {
        return format!("found {:?} twice, expected it once", member.trim_matches('`'));
    }
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'t, T: serde::Deserialize<'t>>(text: &'t str, start: Start) -> String {
        let Err(error) = serde_json::from_str::<T>(text) else { panic!("{text} can be read") };
        of_json(&error, text, start)
    }

    #[test]
    fn text_that_is_no_json_is_named_with_its_column() {
        let line = |text| words::<serde_json::Value>(text, Start::LINE);
        assert!(line("garbage").starts_with("column 1: found 'g', expected JSON"));
        assert_eq!(
            line("{\"a\":1 \"b\":2}"),
            "column 8: found '\"', expected a comma or the closing brace"
        );
        assert_eq!(
            line("{\"é\" 1}"),
            "column 6: found '1', expected a colon after the member's name"
        );
        assert!(line("{\"a\":").contains("cut off"));
        assert!(line("\"\\ud800\"").contains("surrogate"), "{}", line("\"\\ud800\""));
        assert!(line("{\"a\":1}x").contains("nothing after the end"));
    }

    #[test]
    fn a_value_of_the_wrong_sort_is_named_in_our_words() {
        #[derive(serde::Deserialize, Debug)]
        struct Member {
            #[serde(rename = "a")]
            _a: String,
        }
        let line = |text| words::<Member>(text, Start::LINE);
        assert!(line("{\"a\":7}").ends_with("found the number 7, expected a string"));
        assert!(line("{\"a\":[1]}").ends_with("found an array, expected a string"));
        assert!(line("{\"a\":{}}").ends_with("found an object, expected a string"));
        assert!(line("{\"a\":true}").ends_with("found true, expected a string"));
        assert!(line("{\"a\":1.5}").ends_with("found the number 1.5, expected a string"));
        assert!(line("{}").ends_with("found no \"a\", expected one"));
        assert!(line("{\"a\":\"\",\"a\":\"\"}").ends_with("found \"a\" twice, expected it once"));
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let start = Start { line: Some(7), column: 3 };
        assert!(words::<serde_json::Value>("x", start).starts_with("line 7, column 3: found 'x'"));
        let later = words::<serde_json::Value>("{\n  \"a\" 1}", start);
        assert!(later.starts_with("line 8, column 7: found '1'"), "{later}");
    }
}
