//! A category: a place in the tree in which customers look for products.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::product::{ImageFields, Seo, check_metadata};
use crate::{
    error::{FieldError, Rejection},
    id::{CategoryId, Moment},
    patch::{patch, set},
    text::{Label, Prose, Slug},
    time::Timestamp,
    version::Versioned,
};

/// A place in the tree of categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Its name in addresses on the web; unique.
    pub slug: Slug,
    /// Its name for people.
    pub title: Label,
    /// What is found in it.
    pub description: Prose,
    /// The category that it is a part of; none at the top.
    pub parent_id: Option<CategoryId>,
    /// Its place among its siblings: lower comes first, equal ones by title.
    pub position: i32,
    /// Its picture.
    pub image: Option<ImageFields>,
    /// What search engines are told.
    pub seo: Seo,
    /// Whether shop clients see it.
    pub active: bool,
    /// Whatever the shop wants to keep with it, such as its numbers in other systems. Only the back
    /// office sees it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Makes a category.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateCategory {
    /// Its name for people.
    pub title: Label,
    /// Its name in addresses on the web; made from the title if absent.
    #[serde(default)]
    pub slug: Option<Slug>,
    /// What is found in it.
    #[serde(default = "Prose::empty")]
    pub description: Prose,
    /// The category that it is a part of.
    #[serde(default)]
    pub parent_id: Option<CategoryId>,
    /// Its place among its siblings.
    #[serde(default)]
    pub position: i32,
    /// Its picture.
    #[serde(default)]
    pub image: Option<ImageFields>,
    /// What search engines are told.
    #[serde(default)]
    pub seo: Seo,
    /// Whether shop clients see it.
    #[serde(default = "yes")]
    pub active: bool,
    /// Whatever the shop wants to keep with it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

patch! {
    /// Changes a category: what is absent stays, what is null is cleared.
    pub struct PatchCategory {
        /// Its name for people.
        pub title: Option<Label>,
        /// Its name in addresses on the web.
        pub slug: Option<Slug>,
        /// What is found in it.
        pub description: Option<Prose>,
        /// The category that it is a part of.
        pub parent_id: Option<Option<CategoryId>>,
        /// Its place among its siblings.
        pub position: Option<i32>,
        /// Its picture.
        pub image: Option<Option<ImageFields>>,
        /// What search engines are told.
        pub seo: Option<Seo>,
        /// Whether shop clients see it.
        pub active: Option<bool>,
        /// Whatever the shop wants to keep with it: all of it.
        pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    }
}

fn yes() -> bool {
    true
}

impl CreateCategory {
    /// An active category with a title, at the top.
    ///
    /// # Errors
    /// When the title breaks the rules of a [`Label`].
    pub fn new(title: impl AsRef<str>) -> Result<Self, crate::text::TextError> {
        Ok(Self {
            title: Label::new(title)?,
            slug: None,
            description: Prose::empty(),
            parent_id: None,
            position: 0,
            image: None,
            seo: Seo::default(),
            active: true,
            metadata: serde_json::Map::new(),
        })
    }
}

impl Category {
    /// The most categories of a shop: the tree is read whole.
    pub const COUNT_MAX: usize = 10_000;
    /// The most levels of the tree.
    pub const DEPTH_MAX: usize = 32;
    /// The most products of a category that can be removed.
    pub const REMOVED_PRODUCTS_MAX: usize = 2_000;

    /// The category that a request describes, to stand in a tree.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when it does not fit there.
    pub fn create(
        request: CreateCategory,
        tree: &[Versioned<Category>],
        moment: &mut Moment,
    ) -> Result<Self, Rejection> {
        if tree.len() >= Self::COUNT_MAX {
            let detail = format!("a shop has at most {} categories", Self::COUNT_MAX);
            return Err(Rejection::invalid("", detail));
        }
        let Some(slug) = request.slug.or_else(|| Slug::suggest(&request.title)) else {
            return Err(Rejection::invalid("/slug", "is needed, as the title suggests none"));
        };
        let category = Self {
            id: moment.id(),
            slug,
            title: request.title,
            description: request.description,
            parent_id: request.parent_id,
            position: request.position,
            image: request.image,
            seo: request.seo,
            active: request.active,
            metadata: request.metadata,
            created_at: moment.now(),
            updated_at: moment.now(),
        };
        category.check(tree)?;
        Ok(category)
    }

    /// The category after a change.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when it no longer fits: a parent that is missing, is itself below it,
    /// or is too deep for what is below it.
    pub fn patch(
        &self,
        patch: PatchCategory,
        tree: &[Versioned<Category>],
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let mut category = self.clone();
        set(&mut category.title, patch.title);
        set(&mut category.slug, patch.slug);
        set(&mut category.description, patch.description);
        set(&mut category.parent_id, patch.parent_id);
        set(&mut category.position, patch.position);
        set(&mut category.image, patch.image);
        set(&mut category.seo, patch.seo);
        set(&mut category.active, patch.active);
        set(&mut category.metadata, patch.metadata);
        category.check(tree)?;
        if category.parent_id != self.parent_id {
            category.check_depth(tree)?;
        }
        if category != *self {
            category.updated_at = now.max(self.updated_at);
        }
        Ok(category)
    }

    /// The ancestors of this category as the tree has them, nearest first.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when one is missing, is the category itself, or the line is too long.
    pub fn ancestors(
        &self,
        tree: &[Versioned<Category>],
    ) -> Result<Vec<Versioned<Category>>, Rejection> {
        let by_id: HashMap<_, _> = tree.iter().map(|category| (category.id, category)).collect();
        let mut ancestors = Vec::new();
        let mut next = self.parent_id;
        while let Some(id) = next {
            let Some(parent) = by_id.get(&id) else {
                return Err(Rejection::invalid("/parent_id", "must be a category"));
            };
            if id == self.id {
                return Err(Rejection::invalid("/parent_id", "must not be below the category"));
            }
            if ancestors.len() + 1 >= Self::DEPTH_MAX {
                let detail = format!("must leave at most {} levels", Self::DEPTH_MAX);
                return Err(Rejection::invalid("/parent_id", detail));
            }
            ancestors.push(Versioned::clone(parent));
            next = parent.parent_id;
        }
        Ok(ancestors)
    }

    /// The categories of a tree that shop clients see: the active ones whose ancestors are active.
    pub(crate) fn shown(tree: &[Versioned<Category>]) -> HashSet<CategoryId> {
        let mut below: HashMap<Option<CategoryId>, Vec<CategoryId>> = HashMap::new();
        for category in tree.iter().filter(|category| category.active) {
            below.entry(category.parent_id).or_default().push(category.id);
        }
        let mut shown = HashSet::new();
        let mut next = below.remove(&None).unwrap_or_default();
        while let Some(id) = next.pop() {
            shown.insert(id);
            next.extend(below.remove(&Some(id)).unwrap_or_default());
        }
        shown
    }

    /// Refuses a place from which what is below the category would be too deep.
    fn check_depth(&self, tree: &[Versioned<Category>]) -> Result<(), Rejection> {
        let mut below: HashMap<_, Vec<_>> = HashMap::new();
        for category in tree {
            if let Some(parent_id) = category.parent_id {
                below.entry(parent_id).or_default().push(category.id);
            }
        }
        let mut depth = self.ancestors(tree)?.len();
        let mut level = vec![self.id];
        // The tree has no circles: `ancestors` would have met one.
        while !level.is_empty() {
            depth += 1;
            if depth > Self::DEPTH_MAX {
                let detail = format!("must leave at most {} levels", Self::DEPTH_MAX);
                return Err(Rejection::invalid("/parent_id", detail));
            }
            level = level.iter().filter_map(|id| below.get(id)).flatten().copied().collect();
        }
        Ok(())
    }

    fn check(&self, tree: &[Versioned<Category>]) -> Result<(), Rejection> {
        self.ancestors(tree)?;
        let mut errors = Vec::new();
        // Whoever looks for a category by its slug must find it.
        if self.slug.parse::<CategoryId>().is_ok() {
            errors.push(FieldError::new("/slug", "must not look like the id of a category"));
        }
        check_metadata(&self.metadata, &mut errors);
        Rejection::unless_valid(errors)
    }
}
