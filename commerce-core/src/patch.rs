//! How a partial update tells "leave it" from "clear it".

use serde::{Deserialize, Deserializer, de::Error};

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

/// Reads a list that stands for everything where it is absent: an empty one names nothing, and must
/// not be taken for all.
///
/// # Errors
/// When it is empty or no such list.
pub(crate) fn named<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = Vec::<T>::deserialize(deserializer)?;
    if list.is_empty() {
        return Err(D::Error::custom("must not be empty; leave it out to mean all"));
    }
    Ok(list)
}

/// Sets a field that the patch names.
pub(crate) fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}
