//! Figures, each beside its floor and judged by its target.

use std::{fmt, fs, path::PathBuf};

/// What a figure is to be.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
}

impl Target {
    /// Whether a value is as it is to be.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {}", number(*least)),
            Self::AtMost(most) => write!(f, "≤ {}", number(*most)),
        }
    }
}

/// The figures of one bench: a table on standard output, and the same as Markdown in the folder
/// that the variable `BENCH_RESULTS` names, if it is set.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    title: &'static str,
    columns: [String; 4],
    rows: Vec<[String; 6]>,
    notes: Vec<String>,
}

impl Report {
    /// An empty report of the bench `name`. The columns say what is measured, its value, the value
    /// beside it, and what the target is about.
    pub fn new(name: &'static str, title: &'static str, columns: [&str; 4]) -> Self {
        let columns = columns.map(str::to_owned);
        Self { name, title, columns, rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a figure.
    pub fn figure(
        &mut self,
        what: impl Into<String>,
        value: impl Into<String>,
        beside: impl Into<String>,
        judged: f64,
        target: Option<Target>,
    ) {
        let what = what.into();
        let (bound, verdict) = match target {
            Some(target) => (
                target.to_string(),
                if target.is_met(judged) { "met" } else { "missed" }.to_owned(),
            ),
            None => Default::default(),
        };
        println!("  {what}: {}", number(judged));
        self.rows.push([what, value.into(), beside.into(), number(judged), bound, verdict]);
    }

    /// Adds a sentence below the table.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints the report, and writes it where it is to be kept.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn finish(self) {
        let text = self.to_string();
        println!("\n{text}");
        if let Some(folder) = std::env::var_os("BENCH_RESULTS").map(PathBuf::from) {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(self.name).with_extension("md"), text).unwrap();
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n", self.title)?;
        let [what, value, beside, judged] = self.columns.each_ref().map(String::as_str);
        let head = [what, value, beside, judged, "target", ""].map(str::to_owned);
        let mut widths = [0; 6];
        for row in std::iter::once(&head).chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut line = |row: &[String; 6]| {
            for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
                if matches!(index, 1..=4) {
                    write!(f, "| {cell:>width$} ")?;
                } else {
                    write!(f, "| {cell:<width$} ")?;
                }
            }
            writeln!(f, "|")
        };
        let rule = ["---", "--:", "--:", "--:", "--:", "---"].map(str::to_owned);
        line(&head)?;
        line(&rule)?;
        self.rows.iter().try_for_each(line)?;
        for note in &self.notes {
            write!(f, "\n{note}\n")?;
        }
        Ok(())
    }
}

/// A number with three digits that say something, and commas between thousands.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        "–".to_owned()
    } else if value.abs() < 10.0 {
        format!("{value:.2}")
    } else if value.abs() < 100.0 {
        format!("{value:.1}")
    } else {
        let digits = format!("{value:.0}");
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }
}

/// A number of events in a second.
pub fn per_second(rate: f64) -> String {
    format!("{}/s", number(rate))
}

/// A number of microseconds.
pub fn micros(micros: f64) -> String {
    format!("{} µs", number(micros))
}
