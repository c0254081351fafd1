//! Versions of stored records, the base of every compare-and-set.

use std::{ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How often a record was written: 1 when it is inserted, one more at each replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of a record that was just inserted.
    pub const FIRST: Self = Self(1);

    /// Wraps a stored number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The version after the next replacement.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A record as it was read, with the version that a write of it must still find.
#[derive(Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The version that was read.
    pub version: Version,
    /// The record, shared rather than copied.
    pub value: Arc<T>,
}

impl<T> Versioned<T> {
    /// A record at a version.
    pub fn new(version: Version, value: impl Into<Arc<T>>) -> Self {
        Self { version, value: value.into() }
    }
}

impl<T> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        Self { version: self.version, value: Arc::clone(&self.value) }
    }
}

/// `Versioned` as JSON; derived for the reference and the value alike.
#[derive(Serialize, Deserialize)]
struct Form<T> {
    version: Version,
    value: T,
}

impl<T: Serialize> Serialize for Versioned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form { version: self.version, value: &*self.value }.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Versioned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Form { version, value } = Form::<T>::deserialize(deserializer)?;
        Ok(Self::new(version, value))
    }
}

impl<T> Deref for Versioned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}
