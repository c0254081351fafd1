//! Objects of one kind, in the order in which they were made.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::{ApiError, Result},
    params::Params,
};

/// What can be kept in a [`Table`].
pub(crate) trait Object: Serialize {
    /// What messages call it: `payment_intent`.
    const KIND: &'static str;

    fn id(&self) -> &str;
    /// When it was made, in seconds since 1970.
    fn created(&self) -> i64;

    /// Its JSON.
    fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: Vec<T>,
    at: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), at: HashMap::new() }
    }
}

impl<T: Object> Table<T> {
    pub(crate) fn insert(&mut self, row: T) {
        self.at.insert(row.id().to_owned(), self.rows.len());
        self.rows.push(row);
    }

    pub(crate) fn find(&self, id: &str) -> Option<&T> {
        self.at.get(id).and_then(|at| self.rows.get(*at))
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut T> {
        self.at.get(id).and_then(|at| self.rows.get_mut(*at))
    }

    /// The object with this id, which `param` of a request names.
    pub(crate) fn get(&self, id: &str, param: &str) -> Result<&T> {
        self.find(id).ok_or_else(|| ApiError::missing(T::KIND, id, param))
    }

    pub(crate) fn get_mut(&mut self, id: &str, param: &str) -> Result<&mut T> {
        self.at
            .get(id)
            .and_then(|at| self.rows.get_mut(*at))
            .ok_or_else(|| ApiError::missing(T::KIND, id, param))
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.iter()
    }

    /// A page of those that are wanted, newest first: `limit`, `starting_after`, `ending_before` and
    /// `created`.
    pub(crate) fn page(
        &self,
        params: &mut Params,
        url: &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Value> {
        let limit = params.integer("limit")?.unwrap_or(10);
        let Some(limit) = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit))
        else {
            let message = format!("This value must be between 1 and 100, not {limit}.");
            return Err(ApiError::invalid("limit", message));
        };
        let created = Created::of(params)?;
        let mut rows: Vec<&T> = self
            .rows
            .iter()
            .rev()
            .filter(|row| wanted(row) && created.holds(row.created()))
            .collect();
        let position = |rows: &[&T], id: &str, param| {
            let at = self.at.get(id).ok_or_else(|| ApiError::missing(T::KIND, id, param))?;
            // What is named need not be among those that are wanted.
            Ok(rows.iter().position(|row| self.at.get(row.id()).is_some_and(|row| row <= at)))
        };
        let mut backwards = false;
        if let Some(id) = params.text("starting_after")? {
            let at = position(&rows, &id, "starting_after")?.unwrap_or(rows.len());
            let skip = if rows.get(at).is_some_and(|row| row.id() == id) { at + 1 } else { at };
            rows.drain(..skip);
        } else if let Some(id) = params.text("ending_before")? {
            let at = position(&rows, &id, "ending_before")?.unwrap_or(rows.len());
            rows.truncate(at);
            backwards = true;
        }
        let has_more = rows.len() > limit;
        if backwards {
            rows.drain(..rows.len().saturating_sub(limit));
        } else {
            rows.truncate(limit);
        }
        let data: Vec<Value> = rows.into_iter().map(Object::json).collect();
        Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
    }
}

/// A span of time: `created[gte]=…`, or one second: `created=…`.
#[derive(Default)]
struct Created {
    from: Option<i64>,
    before: Option<i64>,
}

impl Created {
    fn of(params: &mut Params) -> Result<Self> {
        let mut one = params.clone();
        if let Ok(Some(at)) = one.integer("created") {
            *params = one;
            return Ok(Self { from: Some(at), before: at.checked_add(1) });
        }
        let Some(mut group) = params.group("created")? else { return Ok(Self::default()) };
        let after = group.integer("gt")?.map(|at| at.saturating_add(1));
        let from = group.integer("gte")?;
        let until = group.integer("lte")?.map(|at| at.saturating_add(1));
        let before = group.integer("lt")?;
        group.finish()?;
        Ok(Self { from: after.max(from), before: before.into_iter().chain(until).min() })
    }

    fn holds(&self, at: i64) -> bool {
        self.from.is_none_or(|from| at >= from) && self.before.is_none_or(|before| at < before)
    }
}
