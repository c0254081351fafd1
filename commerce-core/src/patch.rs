//! How a partial update tells "leave it" from "clear it".

use serde::{Deserialize, Deserializer, de::Error};

/// A partial update. A field that is absent is `None`: it stays as it is. One of an optional value is
/// an `Option<Option<…>>`, and null clears it (`Some(None)`); any other refuses null, which would
/// change nothing and look as if it had.
macro_rules! patch {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$about_field:meta])* pub $field:ident: Option<$type:ty>,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {$(
            $(#[$about_field])*
            #[serde(default, deserialize_with = "crate::patch::given")]
            #[cfg_attr(feature = "openapi", schema(value_type = $type, required = false))]
            pub $field: Option<$type>,
        )*}
    };
}

pub(crate) use patch;

/// Reads a field that is there.
///
/// # Errors
/// When the value is none of its type.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
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
