//! How a partial update tells "leave it" from "clear it".

use serde::{Deserialize, Deserializer};

/// Reads a field that may be absent (`None`: leave it), null (`Some(None)`: clear it) or set.
///
/// # Errors
/// When the value is none of these.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Sets a field that the patch names.
pub(crate) fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}
