//! What the person who imports a file should know about one of its rows.

use std::fmt;

use super::shopify::{FailedProduct, Problem};

/// How much a [`Finding`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// What the row says did not arrive. Unless the text says otherwise, neither did its product.
    Error,
    /// It arrived, but otherwise than the file says.
    Warning,
}

/// Something that the person who imports a file should know about one of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The product's handle; `None` if the row has none.
    pub handle: Option<String>,
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// The last line that it is about.
    pub last_line: u64,
    /// The column's name as the file has it; `None` if it is about the whole row.
    pub column: Option<String>,
    /// The cell's text, shortened; `None` if there is none.
    pub value: Option<String>,
    /// What there is to know.
    pub detail: String,
}

impl Finding {
    /// What is wrong with a product that could not be read.
    pub fn of_failed(failed: FailedProduct) -> Vec<Self> {
        let FailedProduct { line, last_line, handle, problems, problems_total } = failed;
        let more = problems_total.saturating_sub(problems.len() as u64);
        let mut findings: Vec<Self> = problems
            .into_iter()
            .map(|problem| Self {
                severity: Severity::Error,
                handle: handle.clone(),
                line: problem.line,
                last_line: problem.last_line,
                column: problem.column,
                value: problem.value,
                detail: problem.reason.to_string(),
            })
            .collect();
        if more > 0 {
            findings.push(Self {
                severity: Severity::Error,
                handle,
                line,
                last_line,
                column: None,
                value: None,
                detail: format!("{more} more cells are wrong"),
            });
        }
        findings
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.last_line > self.line {
            write!(f, "lines {} to {}", self.line, self.last_line)?;
        } else {
            write!(f, "line {}", self.line)?;
        }
        if let Some(handle) = &self.handle {
            write!(f, ", product {:?}", Problem::shorten(handle))?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {:?}", Problem::shorten(column))?;
        }
        write!(f, ": {}", self.detail)?;
        match &self.value {
            Some(value) => write!(f, " (found {:?})", Problem::shorten(value)),
            None => Ok(()),
        }
    }
}
