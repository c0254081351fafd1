//! In which way a customer pays, and when the money is taken.

use serde::{Deserialize, Serialize};

use crate::text::{Label, Url};

/// In which way a customer pays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "FlowForm")]
pub enum PaymentFlow {
    /// Where they are: on the shop's own page, by a client secret and the provider's fields; or by
    /// hand.
    #[default]
    Direct,
    /// On a page of the provider.
    Hosted {
        /// Where the customer comes back to when they have paid. That they come back says nothing.
        return_url: Url,
        /// Where they come back to when they do not want to.
        cancel_url: Url,
    },
    /// By a method that they saved, at once and without being there.
    Saved {
        /// What the provider calls the method.
        method: Label,
    },
}

/// A [`PaymentFlow`] as it is written: read field by field, so that what is wrong with one is said of
/// that one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowForm {
    kind: FlowKind,
    return_url: Option<Url>,
    cancel_url: Option<Url>,
    method: Option<Label>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FlowKind {
    Direct,
    Hosted,
    Saved,
}

impl TryFrom<FlowForm> for PaymentFlow {
    type Error = &'static str;

    fn try_from(form: FlowForm) -> Result<Self, &'static str> {
        match (form.kind, form.return_url, form.cancel_url, form.method) {
            (FlowKind::Direct, None, None, None) => Ok(Self::Direct),
            (FlowKind::Direct, ..) => Err("a direct flow has nothing else"),
            (FlowKind::Hosted, Some(return_url), Some(cancel_url), None) => {
                Ok(Self::Hosted { return_url, cancel_url })
            }
            (FlowKind::Hosted, ..) => {
                Err("a hosted flow has a return_url and a cancel_url, and nothing else")
            }
            (FlowKind::Saved, None, None, Some(method)) => Ok(Self::Saved { method }),
            (FlowKind::Saved, ..) => Err("a flow by a saved method has that and nothing else"),
        }
    }
}

/// When the money of a payment is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaptureMode {
    /// As soon as the customer has agreed.
    #[default]
    Automatic,
    /// It is set aside at first, and taken when the shop says so.
    Manual,
}

impl CaptureMode {
    /// The mode's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
        }
    }
}

/// When a shop takes the money of the payments of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CapturePolicy {
    /// As soon as the customer has agreed.
    #[default]
    Automatic,
    /// When the first of what they bought is sent.
    OnFulfillment,
    /// When the back office says so.
    Manual,
}

impl CapturePolicy {
    /// How a payment is begun under it.
    pub fn mode(self) -> CaptureMode {
        match self {
            Self::Automatic => CaptureMode::Automatic,
            Self::OnFulfillment | Self::Manual => CaptureMode::Manual,
        }
    }
}
