//! Disputes: money that a customer's bank takes back.

use serde::{Deserialize, Serialize};

/// How far a dispute has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// It is open: the shop can answer it.
    Open,
    /// The shop keeps the money.
    Won,
    /// The customer has it.
    Lost,
}

impl DisputeStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}
