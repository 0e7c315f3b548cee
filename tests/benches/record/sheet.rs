//! What a row found: series, figures and goals, printed as Markdown and kept for the machine-readable copy.

use std::path::Path;

use serde::Serialize;

use crate::Fault;
use crate::clock::{Cost, Spread, spread};
use crate::corpus::put;
use crate::machine::{Machine, load_average};
use crate::rows::Row;

/// What a figure has to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// The middles of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Middles {
    pub(crate) wall: f64,
    pub(crate) processor: f64,
}

#[derive(Debug, Serialize)]
struct Series {
    name: String,
    unit: String,
    count: usize,
    wall: Spread,
    processor: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: String,
}

#[derive(Debug, Serialize)]
struct Claim {
    name: String,
    found: f64,
    goal: String,
    is_met: bool,
}

/// The figures of one row.
#[derive(Debug, Serialize)]
pub(crate) struct Sheet {
    row: &'static str,
    about: &'static str,
    load_average_before: String,
    load_average_after: String,
    series: Vec<Series>,
    figures: Vec<Figure>,
    claims: Vec<Claim>,
    notes: Vec<String>,
    skipped: Vec<String>,
    failed: Option<String>,
}

impl Sheet {
    /// Begins a row.
    pub(crate) fn begin(row: &Row) -> Self {
        println!("\n## {}: {}", row.name, row.about);
        Self {
            row: row.name,
            about: row.about,
            load_average_before: load_average(),
            load_average_after: String::new(),
            series: Vec::new(),
            figures: Vec::new(),
            claims: Vec::new(),
            notes: Vec::new(),
            skipped: Vec::new(),
            failed: None,
        }
    }

    /// Adds what single operations cost, in microseconds, and returns the middles.
    pub(crate) fn costs(&mut self, name: &str, costs: &[Cost]) -> Middles {
        let micros =
            |pick: fn(&Cost) -> f64| spread(costs.iter().map(|cost| pick(cost) * 1e6).collect());
        self.add(name, "µs", costs.len(), (micros(Cost::wall), Some(micros(Cost::processor))))
    }

    /// Adds how many units a second each of several runs did, and returns the middles.
    pub(crate) fn rates(&mut self, name: &str, unit: &str, count: u64, costs: &[Cost]) -> Middles {
        let rates = |pick: fn(&Cost) -> f64| {
            spread(costs.iter().map(|cost| count as f64 / pick(cost)).collect())
        };
        let unit = format!("{unit}/s");
        self.add(name, &unit, costs.len(), (rates(Cost::wall), Some(rates(Cost::processor))))
    }

    /// Adds readings of the wall's clock alone, such as those of many threads at once, in microseconds; returns their middle.
    pub(crate) fn waits(&mut self, name: &str, micros: Vec<f64>) -> f64 {
        self.add(name, "µs", micros.len(), (spread(micros), None)).wall
    }

    fn add(
        &mut self,
        name: &str,
        unit: &str,
        count: usize,
        (wall, processor): (Spread, Option<Spread>),
    ) -> Middles {
        let (name, unit) = (name.to_owned(), unit.to_owned());
        self.series.push(Series { name, unit, count, wall, processor });
        Middles { wall: wall.middle, processor: processor.map_or(f64::NAN, |one| one.middle) }
    }

    /// Adds a figure that is read once.
    pub(crate) fn figure(&mut self, name: &str, value: f64, unit: &str) {
        self.figures.push(Figure { name: name.to_owned(), value, unit: unit.to_owned() });
    }

    /// Adds a goal and what was found for it.
    pub(crate) fn claim(&mut self, name: &str, found: f64, goal: Goal) {
        let (goal, is_met) = match goal {
            Goal::AtLeast(bound) => (format!("≥ {bound}"), found >= bound),
            Goal::AtMost(bound) => (format!("≤ {bound}"), found <= bound),
        };
        self.claims.push(Claim { name: name.to_owned(), found, goal, is_met });
    }

    /// Adds a sentence about the figures.
    pub(crate) fn note(&mut self, words: impl Into<String>) {
        self.notes.push(words.into());
    }

    /// Says which part could not be measured here, and why.
    pub(crate) fn skip(&mut self, what: &str, why: &str) {
        self.skipped.push(format!("{what}: {why}"));
    }

    /// Prints what was found.
    pub(crate) fn end(mut self) -> Self {
        self.load_average_after = load_average();
        self.print();
        self
    }

    /// Prints what was found before the row broke off, and why it did.
    pub(crate) fn fail(mut self, fault: &dyn std::error::Error) -> Self {
        let mut words = fault.to_string();
        let mut next = fault.source();
        while let Some(inner) = next {
            words = format!("{words}: {inner}");
            next = inner.source();
        }
        self.failed = Some(words);
        self.end()
    }

    fn print(&self) {
        let (before, after) = (&self.load_average_before, &self.load_average_after);
        println!("load average {before} before, {after} after");
        if !self.series.is_empty() {
            println!(
                "\n| series | n | unit | wall: least / middle / p99 / greatest | processor: least / middle / p99 / greatest |\n|---|---|---|---|---|"
            );
        }
        for Series { name, unit, count, wall, processor } in &self.series {
            let processor = processor.map_or_else(|| "–".to_owned(), |spread| spread.to_string());
            println!("| {name} | {count} | {unit} | {wall} | {processor} |");
        }
        if !self.figures.is_empty() {
            println!("\n| figure | | unit |\n|---|---|---|");
        }
        for Figure { name, value, unit } in &self.figures {
            println!("| {name} | {} | {unit} |", digits(*value));
        }
        if !self.claims.is_empty() {
            println!("\n| goal | found | goal | |\n|---|---|---|---|");
        }
        for Claim { name, found, goal, is_met } in &self.claims {
            let met = if *is_met { "met" } else { "**not met**" };
            println!("| {name} | {} | {goal} | {met} |", digits(*found));
        }
        self.notes.iter().for_each(|note| println!("\n{note}"));
        self.skipped.iter().for_each(|what| println!("\nskipped: {what}"));
        self.failed.iter().for_each(|why| println!("\nfailed: {why}"));
    }
}

/// Returns a figure with three or four digits that say something.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// All rows of a run, and what it ran on.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    rows: Vec<Sheet>,
}

impl Report {
    /// Prints what the run stands on.
    pub(crate) fn begin(machine: Machine) -> Self {
        println!("{machine}");
        Self { machine, rows: Vec::new() }
    }

    /// Keeps what a row found.
    pub(crate) fn keep(&mut self, sheet: Sheet) {
        self.rows.push(sheet);
    }

    /// Writes everything as one JSON object.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Fault> {
        Ok(put(file, &serde_json::to_vec_pretty(self)?)?)
    }

    /// Says which goals were not met; fails where a row could not be measured.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        let claims = || self.rows.iter().flat_map(|row| &row.claims);
        let met = claims().filter(|claim| claim.is_met).count();
        println!("\n{met} of {} goals met", claims().count());
        let failed: Vec<_> =
            self.rows.iter().filter(|row| row.failed.is_some()).map(|row| row.row).collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(format!("rows that broke off: {}", failed.join(", ")).into())
    }
}
