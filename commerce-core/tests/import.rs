//! Importing products that another system has.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use commerce_core::{
    access::Caller,
    catalog::{
        CreateCategory, CreateProduct, CreateVariant, Existing, ImportImage, ImportOutcome,
        ImportProduct, ImportVariant, Imported, ImportedStock, PatchProduct, PatchVariant,
        ProductView, Related, Relation, RepeatedSkus, SkuOrigin,
    },
    error::Rejection,
    event::Event,
    id::VariantId,
    inventory::PatchLocation,
    store::ProductRef,
    text::{Label, Sku, Slug},
};
use pollster::block_on;
use support::{faults::Shared, *};

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn events(w: &World) -> Vec<Event> {
    w.commits_after(0).into_iter().flatten().collect()
}

fn create(w: &World, product: &CreateProduct) -> ProductView {
    block_on(w.shop.create_product(&w.system, product)).unwrap().output
}

fn imported_variant(sku: Option<&str>, size: &str, on_hand: Option<i64>) -> ImportVariant {
    ImportVariant {
        options: vec![label(size)],
        sku: sku.map(|sku| Sku::new(sku).unwrap()),
        sku_derived: Sku::new(format!("shirt/{size}")).unwrap(),
        fields: PatchVariant { price: Some(eur(999)), ..PatchVariant::default() },
        fields_if_new: PatchVariant::default(),
        image: None,
        metadata: serde_json::Map::new(),
        on_hand,
    }
}

fn imported_shirt() -> ImportProduct {
    ImportProduct {
        fields: PatchProduct { title: Some(label("Shirt")), ..PatchProduct::default() },
        options: Some(vec![label("Size")]),
        images: vec![ImportImage { url: "/a.png".parse().unwrap(), alt: None }],
        variants: vec![
            imported_variant(Some("S1"), "S", Some(3)),
            imported_variant(None, "M", None),
        ],
        ..ImportProduct::new(Slug::new("shirt").unwrap())
    }
}

#[test]
fn links_to_what_does_not_exist_are_refused() {
    let w = World::new();
    let mut moment = w.shop.moment();
    let (category, product) = (moment.id(), moment.id());
    let related = vec![Related { product_id: product, relation: Relation::Accessory }];
    let links = PatchProduct {
        categories: Some(vec![category]),
        related: Some(related),
        ..PatchProduct::default()
    };
    let new = ImportProduct { fields_if_new: links.clone(), ..imported_shirt() };
    let import = |request: &ImportProduct| {
        let previewed = block_on(w.shop.preview_import(&w.system, request, |_| false)).map(drop);
        let done = block_on(w.shop.import_product(&w.system, request)).map(drop);
        assert_eq!(previewed.is_ok(), done.is_ok());
        done
    };
    let pointers = ["/fields_if_new/categories/0", "/fields_if_new/related/0/product_id"];
    assert_eq!(invalid(import(&new)), pointers);
    import(&imported_shirt()).unwrap();
    import(&new).unwrap();
    let fields = PatchProduct { title: Some(label("Shirt")), ..links };
    let said = ImportProduct { fields, ..imported_shirt() };
    assert_eq!(invalid(import(&said)), ["/fields/categories/0", "/fields/related/0/product_id"]);
    import(&ImportProduct { existing: Existing::Extend, ..said }).unwrap();
}

#[test]
fn products_that_are_imported_together_swap_their_skus() {
    let w = World::new();
    let category = CreateCategory::new("Tops").unwrap();
    let category = block_on(w.shop.create_category(&w.system, &category)).unwrap().output.id;
    let product = |slug: &str, sku: &str, categories: &[_]| ImportProduct {
        slug: Slug::new(slug).unwrap(),
        fields: PatchProduct {
            title: Some(label(slug)),
            categories: Some(categories.to_vec()),
            ..PatchProduct::default()
        },
        options: None,
        variants: vec![ImportVariant { options: vec![], ..imported_variant(Some(sku), "S", None) }],
        ..ImportProduct::new(Slug::new(slug).unwrap())
    };
    for (slug, sku) in [("a", "ONE"), ("b", "TWO"), ("c", "THREE")] {
        block_on(w.shop.import_product(&w.system, &product(slug, sku, &[]))).unwrap();
    }
    let together = |products: &[ImportProduct]| {
        let products: Vec<_> = products.iter().collect();
        block_on(w.shop.import_together(&w.system, &products)).map(|done| done.output)
    };
    let before = w.commits_after(0).len();
    let (one, two) = (product("a", "TWO", &[category]), product("b", "ONE", &[category]));
    let done = together(&[one.clone(), two.clone()]).unwrap();
    let got: Vec<_> = done.iter().map(|it| it.variants[0].sku.as_str()).collect();
    assert_eq!(got, ["TWO", "ONE"]);
    assert_eq!(w.commits_after(0).len(), before + 1);
    let again = together(&[one, two]).unwrap();
    assert!(again.iter().all(|it| it.outcome == ImportOutcome::Unchanged), "{again:?}");
    // What one of them keeps, the other does not get; what is another's, neither.
    let kept = together(&[product("a", "ONE", &[]), product("b", "ONE", &[])]);
    assert!(matches!(refused(kept), Rejection::Taken { what: "sku", .. }));
    let others = together(&[product("a", "THREE", &[]), product("b", "TWO", &[])]);
    assert!(matches!(refused(others), Rejection::Taken { what: "sku", .. }));
    let guest = Caller::anonymous();
    assert_eq!(refused(block_on(w.shop.import_together(&guest, &[]))), Rejection::Forbidden);
}

#[test]
fn a_category_that_is_removed_meanwhile_is_not_linked() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let category = CreateCategory::new("Tops").unwrap();
    let category = block_on(w.shop.create_category(&w.system, &category)).unwrap().output.id;
    let fields = PatchProduct {
        title: Some(label("Shirt")),
        categories: Some(vec![category]),
        ..PatchProduct::default()
    };
    let request = ImportProduct { fields, ..imported_shirt() };
    let other = w.shop.clone();
    store.before_next_commit(move || {
        block_on(other.remove_category(&Caller::system(), category, None)).unwrap();
    });
    let imported = block_on(w.shop.import_product(&w.system, &request));
    assert_eq!(invalid(imported), ["/fields/categories/0"]);
}

#[test]
fn an_import_is_one_commit_and_the_same_again_is_none() {
    let w = World::new();
    let request = imported_shirt();
    let previewed = block_on(w.shop.preview_import(&w.system, &request, |_| false)).unwrap();
    assert_eq!(block_on(w.shop.store().outbox(0, 9)).unwrap().len(), 1, "nothing was written");
    let done = block_on(w.shop.import_product(&w.system, &request)).unwrap().output;
    assert_eq!(done.outcome, ImportOutcome::Created);
    assert_eq!(previewed.variants.len(), done.variants.len());
    assert_eq!(done.variants[0].stock, ImportedStock::Set);
    assert_eq!(done.variants[1].sku_origin, SkuOrigin::Missing);
    assert_eq!(&*done.variants[1].sku, "shirt/M");
    let entries = block_on(w.shop.store().outbox(0, 9)).unwrap();
    assert_eq!(entries.len(), 2);
    assert!(matches!(entries[1].events[0], Event::ProductCreated { .. }));
    assert!(matches!(entries[1].events[1], Event::StockChanged { on_hand: 3, .. }));
    let again = block_on(w.shop.import_product(&w.system, &request)).unwrap().output;
    assert_eq!(again.outcome, ImportOutcome::Unchanged);
    assert!(again.variants.iter().all(|v| v.outcome == ImportOutcome::Unchanged));
    assert_eq!(again.variants[0].stock, ImportedStock::Unchanged);
    assert_eq!(block_on(w.shop.store().outbox(0, 9)).unwrap().len(), 2);
}

#[test]
fn an_import_is_refused_whole_with_every_reason() {
    let w = World::new();
    create(
        &w,
        &CreateProduct {
            variants: vec![CreateVariant::new("S1", eur(1)).unwrap()],
            ..CreateProduct::new("Other").unwrap()
        },
    );
    let before = events(&w).len();
    let mut request = imported_shirt();
    request.repeated_skus = RepeatedSkus::Refuse;
    request.variants[1].on_hand = Some(-1);
    let answer = block_on(w.shop.import_product(&w.system, &request));
    assert_eq!(invalid(answer), ["/variants/0/sku", "/variants/1/on_hand"]);
    request.variants[1].options = request.variants[0].options.clone();
    let answer = block_on(w.shop.import_product(&w.system, &request));
    assert_eq!(invalid(answer), ["/variants/1/options"]);
    let untitled = ImportProduct { fields: PatchProduct::default(), ..imported_shirt() };
    assert_eq!(invalid(block_on(w.shop.import_product(&w.system, &untitled))), ["/fields/title"]);
    let guest = block_on(w.shop.import_product(&Caller::anonymous(), &imported_shirt()));
    assert!(matches!(guest.unwrap_err().rejection(), Some(Rejection::Forbidden)));
    assert_eq!(events(&w).len(), before);
    // By default the variant with another's SKU gets its derived one.
    let done = block_on(w.shop.import_product(&w.system, &imported_shirt())).unwrap().output;
    assert_eq!(done.variants[0].sku_origin, SkuOrigin::Repeated);
    assert_eq!(&*done.variants[0].sku, "shirt/S");
}

#[test]
fn further_variants_extend_a_product_and_change_nothing_else() {
    let w = World::new();
    block_on(w.shop.import_product(&w.system, &imported_shirt())).unwrap();
    let more = ImportProduct {
        existing: Existing::Extend,
        fields: PatchProduct { title: Some(label("Other")), ..PatchProduct::default() },
        options: Some(vec![label("Other")]),
        images: vec![ImportImage { url: "/b.png".parse().unwrap(), alt: None }],
        variants: vec![imported_variant(Some("S1"), "L", Some(1))],
        ..ImportProduct::new(Slug::new("shirt").unwrap())
    };
    let done = block_on(w.shop.import_product(&w.system, &more)).unwrap().output;
    assert_eq!((done.variants_left, done.images_left, done.images_created), (2, 1, 1));
    let by = ProductRef::Slug(more.slug.clone());
    let view = block_on(w.shop.product(&w.system, &by, None)).unwrap();
    assert_eq!((&*view.title, &*view.options[0].name), ("Shirt", "Size"));
    let skus: Vec<_> = view.variants.iter().map(|v| (&*v.sku, v.position)).collect();
    assert_eq!(skus, [("S1", 0), ("shirt/M", 1), ("shirt/L", 2)]);
    let again = block_on(w.shop.import_product(&w.system, &more)).unwrap().output;
    assert_eq!(again.outcome, ImportOutcome::Unchanged);
    let again = block_on(w.shop.import_product(&w.system, &imported_shirt())).unwrap().output;
    assert_eq!((again.outcome, again.variants_left), (ImportOutcome::Unchanged, 1));
}

/// A product as a file has it: the names of its options, and of each variant the SKU and the values.
fn listed(options: &[&str], variants: &[(&str, &[&str])]) -> ImportProduct {
    let variant = |(sku, values): &(&str, &[&str])| ImportVariant {
        options: values.iter().map(|value| label(value)).collect(),
        sku_derived: Sku::new(format!("tee/{}", values.join("/"))).unwrap(),
        ..imported_variant(Some(*sku).filter(|sku| !sku.is_empty()), "-", None)
    };
    ImportProduct {
        fields: PatchProduct { title: Some(label("Tee")), ..PatchProduct::default() },
        options: Some(options.iter().map(|name| label(name)).collect()),
        variants: variants.iter().map(variant).collect(),
        ..ImportProduct::new(Slug::new("tee").unwrap())
    }
}

fn import(w: &World, request: &ImportProduct) -> Imported {
    let done = block_on(w.shop.import_product(&w.system, request)).unwrap().output;
    let again = block_on(w.shop.import_product(&w.system, request)).unwrap().output;
    assert_eq!(again.outcome, ImportOutcome::Unchanged, "the same again changes nothing");
    assert!(again.variants.iter().all(|v| v.outcome == ImportOutcome::Unchanged));
    done
}

/// The options of the product, and of each variant whether it was there before, SKU and values.
fn tee(w: &World) -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let by = ProductRef::Slug(Slug::new("tee").unwrap());
    let view = block_on(w.shop.product(&w.system, &by, None)).unwrap();
    let texts = |labels: &[Label]| labels.iter().map(ToString::to_string).collect();
    let options = view.options.iter().map(|option| option.name.to_string()).collect();
    let variants = view.variants.iter().map(|v| (v.sku.to_string(), texts(&v.options)));
    (options, variants.collect())
}

/// Imports one file after another, which is an edit of it, and compares what is stored with what it
/// says. Answers which variants are those of the first file, by their place in it.
fn edited(before: &ImportProduct, after: &ImportProduct) -> Vec<Option<usize>> {
    let w = World::new();
    let first = import(&w, before);
    let second = import(&w, after);
    let (options, variants) = tee(&w);
    let wanted: Vec<_> = after.options.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(options, wanted);
    for (variant, (sku, values)) in after.variants.iter().zip(&variants) {
        assert_eq!(values, &variant.options.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(variant.sku.as_ref().is_none_or(|own| **own == **sku), "{sku}");
    }
    let place = |id| first.variants.iter().position(|variant| variant.variant_id == id);
    second.variants.iter().map(|variant| place(variant.variant_id)).collect()
}

#[test]
fn an_option_can_be_renamed_moved_added_and_dropped() {
    let two: &[(&str, &[&str])] = &[("A", &["S", "Red"]), ("B", &["M", "Red"])];
    let before = listed(&["Size", "Color"], two);
    let known = |options: &[&str], variants: &[(&str, &[&str])]| {
        edited(&before, &listed(options, variants))
    };
    assert_eq!(known(&["Size", "Colour"], two), [Some(0), Some(1)]);
    let turned: &[(&str, &[&str])] = &[("", &["Red", "M"]), ("", &["Red", "S"])];
    assert_eq!(known(&["Color", "Size"], turned), [Some(1), Some(0)]);
    let more: &[(&str, &[&str])] = &[("B", &["M", "Red", "Wool"]), ("A", &["S", "Red", "Wool"])];
    assert_eq!(known(&["Size", "Color", "Fabric"], more), [Some(1), Some(0)]);
    assert_eq!(known(&["Size"], &[("", &["M"]), ("C", &["S"])]), [Some(1), Some(0)]);
    // Values that change are followed by the SKU.
    assert_eq!(
        known(&["Size", "Color"], &[("B", &["S", "Blue"]), ("A", &["M", "Blue"])]),
        [Some(1), Some(0)]
    );
    // Of the variants that a new option makes of one, the first is the one that there was.
    let split: &[(&str, &[&str])] =
        &[("", &["S", "Red", "Wool"]), ("", &["S", "Red", "Silk"]), ("", &["M", "Red", "Wool"])];
    assert_eq!(known(&["Size", "Color", "Fabric"], split), [Some(0), None, Some(1)]);
}

#[test]
fn a_product_gets_its_first_options_and_loses_its_last() {
    let plain = listed(&[], &[("A", &[])]);
    let sized = listed(&["Size"], &[("B", &["S"]), ("C", &["M"])]);
    assert_eq!(edited(&plain, &sized), [Some(0), None]);
    assert_eq!(edited(&listed(&["Size"], &[("A", &["S"])]), &plain), [Some(0)]);
}

#[test]
fn what_the_file_leaves_out_follows_or_is_named() {
    let w = World::new();
    let all: &[(&str, &[&str])] =
        &[("A", &["S", "Red"]), ("B", &["M", "Red"]), ("C", &["S", "Blue"])];
    import(&w, &listed(&["Size", "Color"], all));
    import(&w, &listed(&["Color", "Size"], &[("A", &["Red", "S"])]));
    let (options, variants) = tee(&w);
    assert_eq!(options, ["Color", "Size"]);
    let values: Vec<_> = variants.iter().map(|(_, values)| values.join(" ")).collect();
    assert_eq!(values, ["Red S", "Red M", "Blue S"]);
    for (options, variants) in [
        (&["Color"][..], &[("A", &["Red"][..])][..]),
        (&["Color", "Size", "Cut"], &[("A", &["Red", "S", "Slim"])]),
    ] {
        let request = listed(options, variants);
        let pointers = invalid(block_on(w.shop.import_product(&w.system, &request)));
        assert!(pointers.iter().all(|pointer| pointer == "/options"), "{pointers:?}");
    }
    assert_eq!(tee(&w).0, ["Color", "Size"]);
}

#[test]
fn skus_move_between_the_variants_of_a_product() {
    let sizes = |skus: [&str; 3]| {
        let values: [&[&str]; 3] = [&["S"], &["M"], &["L"]];
        let variants: Vec<_> = skus.into_iter().zip(values).collect();
        listed(&["Size"], &variants)
    };
    let before = sizes(["A", "B", "C"]);
    for after in [["B", "A", "C"], ["B", "C", "A"], ["D", "A", "B"], ["B", "D", "C"]] {
        assert_eq!(edited(&before, &sizes(after)), [Some(0), Some(1), Some(2)]);
    }
    // A variant that does not get its SKU stays with the one that another counted on.
    let w = World::new();
    import(&w, &before);
    w.sell("TAKEN", 1, 0);
    let done = import(&w, &sizes(["B", "C", "TAKEN"]));
    assert!(done.variants.iter().all(|variant| variant.sku_origin == SkuOrigin::Repeated));
    assert_eq!(tee(&w).1.into_iter().map(|(sku, _)| sku).collect::<Vec<_>>(), ["A", "B", "C"]);
}

#[test]
fn a_new_variant_gets_a_sku_that_nobody_has_where_its_own_is_kept_by_another() {
    let w = World::new();
    import(&w, &listed(&["Size"], &[("A", &["S"]), ("B", &["M"])]));
    let extended =
        ImportProduct { existing: Existing::Extend, ..listed(&["Size"], &[("B", &["L"])]) };
    let variant = CreateVariant::new("tee/L", eur(1)).unwrap();
    create(&w, &CreateProduct { variants: vec![variant], ..CreateProduct::new("X").unwrap() });
    let answer = block_on(w.shop.import_product(&w.system, &extended));
    assert_eq!(invalid(answer), ["/variants/0/sku"]);
}

#[test]
fn no_variant_slips_in_while_the_options_change() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let other = World::over(store.sound(), 2);
    import(&w, &listed(&["Size"], &[("A", &["S"])]));
    let further =
        ImportProduct { existing: Existing::Extend, ..listed(&["Size"], &[("B", &["M"])]) };
    store.before_next_commit(move || {
        block_on(other.shop.import_product(&other.system, &further)).unwrap();
    });
    let cut = listed(&["Size", "Cut"], &[("A", &["S", "Slim"])]);
    let answer = block_on(w.shop.import_product(&w.system, &cut));
    assert_eq!(invalid(answer), ["/options"], "the other one has no cut");
    assert!(tee(&w).1.iter().all(|(_, values)| values.len() == 1));
}

#[test]
fn two_who_import_the_same_at_once_do_not_refuse_each_other() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let other = World::over(store.sound(), 2);
    let request = imported_shirt();
    let same = request.clone();
    // The product is not there yet when it is looked for, and its SKUs are when they are.
    store.before_next("variant", move || {
        block_on(other.shop.import_product(&other.system, &same)).unwrap();
    });
    let done = block_on(w.shop.import_product(&w.system, &request)).unwrap().output;
    assert_eq!(done.outcome, ImportOutcome::Unchanged);
    assert_eq!(&*done.variants[1].sku, "shirt/M");
}

/// Imports a shirt of which the file has so many, and answers what became of its stock.
fn import_shirts(w: &World, on_hand: i64) -> (VariantId, ImportedStock) {
    let request = ImportProduct {
        variants: vec![imported_variant(Some("S1"), "S", Some(on_hand))],
        ..imported_shirt()
    };
    let done = block_on(w.shop.import_product(&w.system, &request)).unwrap().output;
    (done.variants[0].variant_id, done.variants[0].stock)
}

#[test]
fn stock_is_set_where_it_is() {
    let w = World::new();
    let main = w.main_location();
    let (shirt, stock) = import_shirts(&w, 4);
    assert_eq!(stock, ImportedStock::Set);
    let shop_floor = w.location("Shop floor", -1);
    let position = w.position();
    assert_eq!(import_shirts(&w, 4).1, ImportedStock::Unchanged);
    assert_eq!(w.position(), position, "the same again changes nothing");
    assert_eq!(import_shirts(&w, 6).1, ImportedStock::Set);
    assert_eq!((w.stock_at(shirt, main), w.stock_at(shirt, shop_floor)), ((6, 0), (0, 0)));
    assert_eq!(import_shirts(&w, 0).1, ImportedStock::Set);
    assert_eq!(import_shirts(&w, 5).1, ImportedStock::Set);
    assert_eq!((w.stock_at(shirt, main), w.stock_at(shirt, shop_floor)), ((0, 0), (5, 0)));
}

#[test]
fn stock_of_several_locations_is_left_alone() {
    let w = World::new();
    let main = w.main_location();
    let shirt = import_shirts(&w, 4).0;
    let cellar = w.location("Cellar", 1);
    w.set_stock(shirt, 3, Some(cellar));
    let position = w.position();
    assert_eq!(import_shirts(&w, 4).1, ImportedStock::Spread { on_hand: 7 });
    assert_eq!(import_shirts(&w, 7).1, ImportedStock::Unchanged);
    assert_eq!(w.position(), position);
    w.set_stock(shirt, 0, Some(main));
    let closed = PatchLocation { active: Some(false), ..PatchLocation::default() };
    block_on(w.shop.patch_location(&w.system, cellar, &closed, None)).unwrap();
    let position = w.position();
    assert_eq!(import_shirts(&w, 4).1, ImportedStock::Spread { on_hand: 3 });
    assert_eq!(import_shirts(&w, 3).1, ImportedStock::Unchanged);
    assert_eq!(w.position(), position, "what is in a closed location is not there twice");
}

#[test]
fn stock_is_kept_if_asked_but_new_variants_get_theirs() {
    let w = World::new();
    import_shirts(&w, 4);
    let mut request = ImportProduct { keep_stock: true, ..imported_shirt() };
    request.variants[1].on_hand = Some(2);
    let done = block_on(w.shop.import_product(&w.system, &request)).unwrap().output;
    let [small, medium] = [&done.variants[0], &done.variants[1]];
    assert_eq!((small.stock, medium.stock), (ImportedStock::Unchanged, ImportedStock::Set));
    assert_eq!((w.stock(small.variant_id).0, w.stock(medium.variant_id).0), (4, 2));
}
