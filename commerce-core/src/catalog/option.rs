//! The options of a product: the properties in which its variants differ, and how they change.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    error::{FieldError, Rejection},
    text::Label,
};

/// A property in which a product's variants differ, such as size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProductOption {
    /// The property's name.
    pub name: Label,
}

/// An option as a product is to have it from now on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PatchOption {
    /// Its name from now on.
    pub name: Label,
    /// The name that it had until now, if that is another.
    #[serde(default)]
    pub from: Option<Label>,
    /// For a new option, the value of the variants that are not given one in the same change.
    #[serde(default)]
    pub value: Option<Label>,
}

/// How the values of a variant follow when the options of its product change.
#[derive(Debug)]
pub(super) struct Rearrangement {
    sources: Vec<Source>,
}

/// Where the value of an option comes from.
#[derive(Debug)]
enum Source {
    /// The place of the option among the old ones.
    Old(usize),
    /// What there is for those who have none.
    New(Option<Label>),
}

impl Rearrangement {
    /// Finds out which of the old options each of the new ones is.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when one is said to be an option that there is not, or two are said to
    /// be the same one.
    pub(super) fn new(old: &[ProductOption], new: &[PatchOption]) -> Result<Self, Rejection> {
        let mut errors = Vec::new();
        let mut taken = BTreeSet::new();
        let mut sources = Vec::with_capacity(new.len());
        for (index, option) in new.iter().enumerate() {
            let name = option.from.as_ref().unwrap_or(&option.name);
            let place = old.iter().position(|old| old.name == *name);
            if place.is_none() && option.from.is_some() {
                let pointer = format!("/options/{index}/from");
                errors.push(FieldError::new(pointer, "must be an option of the product"));
            }
            if place.is_some_and(|place| !taken.insert(place)) {
                let pointer = format!("/options/{index}");
                errors.push(FieldError::new(pointer, "must not be the same option as another"));
            }
            sources.push(place.map_or_else(|| Source::New(option.value.clone()), Source::Old));
        }
        Rejection::unless_valid(errors)?;
        Ok(Self { sources })
    }

    /// A variant's values of the new options.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when there is none for one of them.
    pub(super) fn values(&self, old: &[Label]) -> Result<Vec<Label>, Rejection> {
        let values = self.sources.iter().enumerate().map(|(index, source)| {
            let value = match source {
                Source::Old(place) => old.get(*place),
                Source::New(value) => value.as_ref(),
            };
            value.cloned().ok_or_else(|| {
                let pointer = format!("/options/{index}/value");
                Rejection::invalid(pointer, "is needed for variants that are given no value")
            })
        });
        values.collect()
    }
}
