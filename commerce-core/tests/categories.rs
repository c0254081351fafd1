//! The tree of categories, and the products in it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use commerce_core::{
    access::Caller,
    catalog::{Category, CreateCategory, CreateProduct, PatchCategory, PatchProduct},
    error::Rejection,
    id::CategoryId,
    store::{CategoryRef, ProductRef},
    text::Slug,
};
use pollster::block_on;
use proptest::prelude::*;
use support::{faults::Shared, *};

fn category(w: &World, title: &str, parent_id: Option<CategoryId>) -> Category {
    let request = CreateCategory { parent_id, ..CreateCategory::new(title).unwrap() };
    block_on(w.shop.create_category(&w.system, &request)).unwrap().output.value.as_ref().clone()
}

fn under(parent: Option<CategoryId>) -> PatchCategory {
    PatchCategory { parent_id: Some(parent), ..PatchCategory::default() }
}

fn shift(
    w: &World,
    id: CategoryId,
    to: Option<CategoryId>,
) -> Result<Category, commerce_core::Error> {
    block_on(w.shop.patch_category(&w.system, id, &under(to), None))
        .map(|done| done.output.value.as_ref().clone())
}

#[test]
fn a_slug_that_no_address_would_lead_to_is_refused() {
    let w = World::new();
    let made = category(&w, "Tops", None);
    let slug = Some(Slug::new(made.id.to_string()).unwrap());
    let request = CreateCategory { slug: slug.clone(), ..CreateCategory::new("Hats").unwrap() };
    assert_eq!(invalid(block_on(w.shop.create_category(&w.system, &request))), ["/slug"]);
    let patch = PatchCategory { slug, ..PatchCategory::default() };
    assert_eq!(
        invalid(block_on(w.shop.patch_category(&w.system, made.id, &patch, None))),
        ["/slug"]
    );
}

#[test]
fn the_tree_has_no_circles_and_bounded_depth() {
    let w = World::new();
    let a = category(&w, "A", None).id;
    let b = category(&w, "B", Some(a)).id;
    let c = category(&w, "C", Some(b)).id;
    for to in [a, b, c] {
        assert_eq!(invalid(shift(&w, a, Some(to))), ["/parent_id"]);
    }
    let mut deep = category(&w, "D0", None).id;
    let top = deep;
    for n in 1..Category::DEPTH_MAX - 2 {
        deep = category(&w, &format!("D{n}"), Some(deep)).id;
    }
    // 30 levels: with A, B and C below them it would be 33.
    assert_eq!(invalid(shift(&w, a, Some(deep))), ["/parent_id"]);
    shift(&w, b, Some(deep)).unwrap();
    assert_eq!(invalid(shift(&w, top, Some(a))), ["/parent_id"]);
    shift(&w, b, None).unwrap();
    shift(&w, top, Some(a)).unwrap();
}

/// A shop, and the same one for somebody who goes first when told.
fn two() -> (World, Shared, World) {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let other = World::over(store.sound(), 2);
    (w, store, other)
}

#[test]
fn two_moves_at_once_make_no_circle() {
    let (w, store, other) = two();
    let [a, b] = ["A", "B"].map(|title| category(&w, title, None).id);
    let c = category(&w, "C", Some(b)).id;
    store.before_next_commit(move || {
        shift(&other, b, Some(a)).unwrap();
    });
    assert_eq!(invalid(shift(&w, a, Some(c))), ["/parent_id"]);
    let tree = block_on(w.shop.categories(&w.system)).unwrap();
    assert!(tree.iter().all(|category| category.ancestors(&tree).is_ok()));
}

#[test]
fn a_category_that_others_are_below_stays_even_if_they_came_just_now() {
    let below = |parent_id| CreateCategory {
        parent_id: Some(parent_id),
        ..CreateCategory::new("Child").unwrap()
    };
    let (w, store, other) = two();
    let parent = category(&w, "Parent", None).id;
    store.before_next_commit(move || {
        block_on(other.shop.create_category(&other.system, &below(parent))).unwrap();
    });
    assert!(not_now(block_on(w.shop.remove_category(&w.system, parent, None))));

    let (w, store, other) = two();
    let [parent, stray] = ["Parent", "Stray"].map(|title| category(&w, title, None).id);
    store.before_next_commit(move || {
        shift(&other, stray, Some(parent)).unwrap();
    });
    assert!(not_now(block_on(w.shop.remove_category(&w.system, parent, None))));

    let (w, store, other) = two();
    let parent = category(&w, "Parent", None).id;
    store.before_next_commit(move || {
        block_on(other.shop.remove_category(&other.system, parent, None)).unwrap();
    });
    let made = block_on(w.shop.create_category(&w.system, &below(parent)));
    assert_eq!(invalid(made), ["/parent_id"]);

    let w = World::new();
    let parent = category(&w, "Parent", None).id;
    let child = category(&w, "Child", Some(parent)).id;
    assert!(not_now(block_on(w.shop.remove_category(&w.system, parent, None))));
    block_on(w.shop.remove_category(&w.system, child, None)).unwrap();
    block_on(w.shop.remove_category(&w.system, parent, None)).unwrap();
    let gone = block_on(w.shop.category(&w.system, &CategoryRef::Id(parent)));
    assert_eq!(refused(gone), Rejection::NotFound { what: "category" });
}

#[test]
fn what_is_below_a_hidden_category_is_hidden() {
    let w = World::new();
    let top = category(&w, "Clothes", None).id;
    let middle = category(&w, "Shirts", Some(top)).id;
    let below = category(&w, "T-Shirts", Some(middle)).id;
    let anyone = Caller::anonymous();
    let seen = |caller: &Caller| {
        let seen = block_on(w.shop.categories(caller)).unwrap();
        seen.iter().map(|category| category.title.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(seen(&anyone), ["Clothes", "Shirts", "T-Shirts"]);
    let hide = PatchCategory { active: Some(false), ..PatchCategory::default() };
    block_on(w.shop.patch_category(&w.system, middle, &hide, None)).unwrap();
    assert_eq!(seen(&anyone), ["Clothes"]);
    assert_eq!(seen(&w.system).len(), 3);
    let by = CategoryRef::Id(below);
    let absent = Rejection::NotFound { what: "category" };
    assert_eq!(refused(block_on(w.shop.category(&anyone, &by))), absent);
    assert!(block_on(w.shop.category(&w.system, &by)).is_ok());
}

#[test]
fn what_the_shop_keeps_with_a_category_is_the_back_offices() {
    let w = World::new();
    let metadata = serde_json::json!({ "supplier": 7 }).as_object().unwrap().clone();
    let request = CreateCategory { metadata, ..CreateCategory::new("A").unwrap() };
    let made = block_on(w.shop.create_category(&w.system, &request)).unwrap();
    for (caller, kept) in [(&w.system, 1), (&Caller::anonymous(), 0)] {
        let one = block_on(w.shop.category(caller, &CategoryRef::Id(made.id))).unwrap();
        let all = block_on(w.shop.categories(caller)).unwrap();
        assert_eq!((one.metadata.len(), all[0].metadata.len()), (kept, kept));
    }
}

#[test]
fn a_product_is_in_categories_that_there_are() {
    let w = World::new();
    let a = category(&w, "A", None).id;
    let unknown: CategoryId = "cat_00000000000000000000000000000007".parse().unwrap();
    let product = |categories| CreateProduct { categories, ..CreateProduct::new("P").unwrap() };
    let refusal = block_on(w.shop.create_product(&w.system, &product(vec![a, unknown])));
    assert_eq!(invalid(refusal), ["/categories/1"]);
    let made = block_on(w.shop.create_product(&w.system, &product(vec![a]))).unwrap();
    let patch =
        |categories| PatchProduct { categories: Some(categories), ..PatchProduct::default() };
    let refusal = block_on(w.shop.patch_product(&w.system, made.id, &patch(vec![unknown]), None));
    assert_eq!(invalid(refusal), ["/categories/0"]);
    // Once the category is gone, the product is in it no more, and can be changed.
    block_on(w.shop.remove_category(&w.system, a, None)).unwrap();
    let read = block_on(w.shop.product(&w.system, &ProductRef::Id(made.id), None)).unwrap();
    assert_eq!((read.categories.len(), read.version.get()), (0, 2));
    let title = PatchProduct { title: Some("Q".parse().unwrap()), ..PatchProduct::default() };
    block_on(w.shop.patch_product(&w.system, made.id, &title, None)).unwrap();
}

#[test]
fn no_product_stays_in_a_category_that_is_removed_meanwhile() {
    let product = |categories| CreateProduct { categories, ..CreateProduct::new("P").unwrap() };
    let slug = ProductRef::Slug("p".parse().unwrap());
    // It comes into the category just before that is removed.
    let (w, store, other) = two();
    let a = category(&w, "A", None).id;
    store.before_next_commit(move || {
        block_on(other.shop.create_product(&other.system, &product(vec![a]))).unwrap();
    });
    block_on(w.shop.remove_category(&w.system, a, None)).unwrap();
    let left = block_on(w.shop.product(&w.system, &slug, None)).unwrap();
    assert_eq!(left.categories, []);

    // It is moved there just before.
    let (w, store, other) = two();
    let [a, b] = ["A", "B"].map(|title| category(&w, title, None).id);
    let made = block_on(w.shop.create_product(&w.system, &product(vec![b]))).unwrap();
    let both = PatchProduct { categories: Some(vec![b, a]), ..PatchProduct::default() };
    store.before_next_commit(move || {
        block_on(other.shop.patch_product(&other.system, made.id, &both, None)).unwrap();
    });
    block_on(w.shop.remove_category(&w.system, a, None)).unwrap();
    let left = block_on(w.shop.product(&w.system, &slug, None)).unwrap();
    assert_eq!(left.categories, [b]);

    // The category is removed just before the product comes.
    let (w, store, other) = two();
    let a = category(&w, "A", None).id;
    store.before_next_commit(move || {
        block_on(other.shop.remove_category(&other.system, a, None)).unwrap();
    });
    let made = block_on(w.shop.create_product(&w.system, &product(vec![a])));
    assert_eq!(invalid(made), ["/categories/0"]);
}

#[test]
fn products_that_come_into_a_category_do_not_stand_in_each_others_way() {
    let (w, store, other) = two();
    let a = category(&w, "A", None).id;
    let product =
        |title| CreateProduct { categories: vec![a], ..CreateProduct::new(title).unwrap() };
    store.before_next_commit({
        let second = product("Second");
        move || drop(block_on(other.shop.create_product(&other.system, &second)).unwrap())
    });
    let decided = Arc::new(AtomicUsize::new(0));
    store.roll({
        let count = decided.clone();
        move || {
            count.fetch_add(1, Ordering::SeqCst);
            None
        }
    });
    block_on(w.shop.create_product(&w.system, &product("First"))).unwrap();
    assert_eq!(decided.load(Ordering::SeqCst), 1);
}

proptest! {
    #[test]
    fn no_moves_make_a_circle(moves in prop::collection::vec((0..6_usize, 0..7_usize), 0..30)) {
        let w = World::new();
        let ids: Vec<_> = (0..6).map(|i| category(&w, &format!("c{i}"), None).id).collect();
        let mut parents = [None; 6];
        for (child, parent) in moves {
            let to = ids.get(parent).copied();
            let mut above = to;
            let mut circle = false;
            while let Some(id) = above {
                circle |= id == ids[child];
                above = ids.iter().position(|other| *other == id).and_then(|at| parents[at]);
                if circle {
                    break;
                }
            }
            let answer = shift(&w, ids[child], to);
            prop_assert_eq!(answer.is_err(), circle);
            if !circle {
                parents[child] = to;
            }
        }
        for category in block_on(w.shop.categories(&w.system)).unwrap() {
            let at = ids.iter().position(|id| *id == category.id).unwrap();
            prop_assert_eq!(category.parent_id, parents[at]);
        }
    }
}
