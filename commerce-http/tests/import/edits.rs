//! Files that were edited, or that say only a part.

use super::*;

#[test]
fn an_edited_file_changes_what_was_edited_and_nothing_else() {
    let shop = open();
    import(&shop, FIXTURE);
    let before = HANDLES.map(|handle| product(&shop, handle));
    let position = commits(&shop);
    let edits = [
        ("MUG-RED,310,shopify,0,deny,manual,12.50", "MUG-RED,310,shopify,9,deny,manual,13.50"),
        ("Oak cutting board,", "Oak breadboard,"),
        ("Moss,,,200 cm,,,SCARF-MOSS-200", "Moss,,,210 cm,,,SCARF-MOSS-200"),
        ("TENT-1,1360", "TENT-ONE,1360"),
        (
            "Herringbone,,,,,,BLANKET,1417.47615625,shopify,6",
            "Herringbone,,,,,,BLANKET,1417.47615625,shopify,5",
        ),
        ("\"Compass, lid open\"", "Compass"),
    ];
    let mut file = FIXTURE.to_owned();
    for (old, new) in edits {
        assert!(file.contains(old), "{old}");
        file = file.replacen(old, new, 1);
    }
    let (summary, _) = import(&shop, &file);
    assert_eq!(summary.products, counts(0, 6, 4, 0));
    assert_eq!(summary.variants, counts(0, 4, 17, 0), "the board's title follows the product's");
    assert_eq!((summary.stock_set, summary.variants_left), (2, 0));
    assert_eq!(commits(&shop), position + 6);

    let [mug, board, scarf, tent, notebook, voucher, apron, compass, kettle, blanket] =
        HANDLES.map(|handle| product(&shop, handle));
    let [mug_0, board_0, scarf_0, tent_0, rest @ ..] = &before;
    assert_eq!((&mug.variants[0], &mug.variants[2]), (&mug_0.variants[0], &mug_0.variants[2]));
    assert_eq!(mug.version, mug_0.version, "only a variant and its stock changed");
    assert_eq!(mug.variants[1].price.unwrap().minor(), 1350);
    assert_eq!(mug.variants[1].available, Some(9));
    assert_eq!(mug.variants[1].version, mug_0.variants[1].version.next());
    assert_eq!((&*board.title, &*board.variants[0].title), ("Oak breadboard", "Oak breadboard"));
    assert_eq!(board.images, board_0.images);
    assert_eq!(scarf.variants.len(), 4, "a renamed option is known by the SKU");
    assert_eq!(&*scarf.variants[1].options[1], "210 cm");
    assert_eq!(scarf.variants[1].id, scarf_0.variants[1].id);
    assert_eq!((&*tent.variants[0].sku, tent.variants[0].id), ("TENT-ONE", tent_0.variants[0].id));
    assert_eq!(compass.images[0].alt.as_deref(), Some("Compass"));
    assert_eq!(compass.images[0].id, rest[3].images[0].id);
    assert_eq!(compass.variants, rest[3].variants);
    assert_eq!(blanket.version, rest[5].version);
    assert_eq!(on_hand(&shop, "wool-blanket"), [5, 9]);
    assert_eq!([notebook, voucher, apron, kettle], [0, 1, 2, 4].map(|at| rest[at].clone()));
}

#[test]
fn what_the_file_does_not_say_stays() {
    let shop = open();
    let system = Caller::system();
    import(&shop, FIXTURE);
    let mug = product(&shop, "harbour-enamel-mug");
    let patch = PatchProduct {
        featured: Some(true),
        tax_class: Some(TaxClass::new("reduced").unwrap()),
        metadata: Some(json!({ "own": 1, "shopify_category": "old" }).as_object().unwrap().clone()),
        ..PatchProduct::default()
    };
    block_on(shop.patch_product(&system, mug.id, &patch, None)).unwrap();
    let url = "https://own.example/a.png".parse().unwrap();
    let image = CreateImage { url, alt: None, position: Some(0) };
    block_on(shop.add_image(&system, mug.id, &image, None)).unwrap();
    let own = CreateVariant {
        options: vec![Label::new("Gold").unwrap()],
        ..CreateVariant::new("MUG-GOLD", Money::new(9900, Currency::USD)).unwrap()
    };
    block_on(shop.create_variant(&system, mug.id, &own, None)).unwrap();
    let patch = PatchVariant {
        low_stock_threshold: Some(2),
        price: Some(Money::new(1100, Currency::EUR)),
        compare_at_price: Some(Some(Money::new(1200, Currency::EUR))),
        ..PatchVariant::default()
    };
    block_on(shop.patch_variant(&system, mug.variants[0].id, &patch, None)).unwrap();

    let (summary, _) = import(&shop, FIXTURE);
    assert_eq!((summary.products, summary.variants_left), (counts(0, 1, 9, 0), 1));
    assert_eq!(summary.images_left, 1);
    let mug = product(&shop, "harbour-enamel-mug");
    assert!(mug.featured);
    assert_eq!(&*mug.tax_class, "reduced");
    assert_eq!(mug.metadata["own"], 1);
    assert!(mug.metadata["shopify_category"].as_str().unwrap().starts_with("Home"));
    assert_eq!(mug.images.len(), 5);
    assert_eq!(files(&mug.images[4].url), "a");
    assert_eq!(&*mug.variants[3].sku, "MUG-GOLD");
    assert_eq!(mug.variants[0].low_stock_threshold, Some(2));
    assert_eq!(mug.variants[0].prices[1].compare_at, Some(Money::new(1200, Currency::EUR)));
    let position = commits(&shop);
    import(&shop, FIXTURE);
    assert_eq!(commits(&shop), position);

    // An absent column leaves what an empty cell clears.
    let file = "Handle,Title,Vendor,Variant Price\nharbour-enamel-mug,Mug,,1\n";
    assert_eq!(import(&shop, file).0.products.failed, 1, "it has options and they have none");
    let file = "Handle,Title,Option1 Name,Option1 Value,Vendor,Variant Price\n\
                harbour-enamel-mug,Mug,Colour,Cream,,1\n";
    import(&shop, file);
    let after = product(&shop, "harbour-enamel-mug");
    assert_eq!((after.vendor, &*after.title), (None, "Mug"));
    assert_eq!((after.product_type, after.tags), (mug.product_type, mug.tags));
    assert_eq!(after.seo, mug.seo);
    assert_eq!(after.description, mug.description);
    assert_eq!(after.status, ProductStatus::Active);
    assert_eq!(after.variants.len(), 4);
    let cream = after.variants.iter().find(|v| &*v.title == "Cream").unwrap();
    assert_eq!((&*cream.sku, cream.price.unwrap().minor()), ("MUG-CREAM", 100));
    assert_eq!(cream.compare_at_price, mug.variants[2].compare_at_price);
    assert_eq!(cream.cost, mug.variants[2].cost);
}

#[test]
fn rows_that_stand_apart_join_their_product() {
    let head =
        "Handle,Title,Vendor,Option1 Name,Option1 Value,SKU,Price,Inventory quantity,Image Src\n";
    let file = format!(
        "{head}a,A,Maker,Size,S,A-S,1,4,https://a.example/1.png\n\
         b,B,,,,B,1,,\n\
         a,,,,M,A-M,2,5,https://a.example/2.png\n\
         a,,,,S,A-S,9,,\n\
         b,B again,Other,,,B,7,,https://a.example/b.png\n"
    );
    let shop = open();
    let mut views = Vec::new();
    for round in 0..3 {
        let (summary, findings) = import(&shop, &file);
        let expected = if round == 0 { counts(2, 0, 0, 0) } else { counts(0, 0, 2, 0) };
        assert_eq!(summary.products, expected);
        assert_eq!((summary.variants_left, summary.images_left), (0, 0));
        let lines: Vec<_> = findings.iter().map(|f| (f.line, f.severity)).collect();
        assert_eq!(lines, [(5, Severity::Error), (6, Severity::Error), (6, Severity::Warning)]);
        views.push(["a", "b"].map(|handle| product(&shop, handle)));
    }
    let [a, b] = &views[0];
    assert_eq!(views[0], views[2]);
    assert_eq!(skus(&shop, "a"), ["A-S", "A-M"]);
    assert_eq!(a.variants[0].price.unwrap().minor(), 100);
    assert_eq!(on_hand(&shop, "a"), [4, 5]);
    assert_eq!(a.images.len(), 2);
    assert_eq!(a.vendor.as_deref(), Some("Maker"), "further rows clear nothing");
    assert_eq!((&*b.title, b.images.len()), ("B", 1));
    let edited = file.replace("A-M,2,5", "A-M,3,6");
    assert_eq!(import(&shop, &edited).0.variants, counts(0, 1, 2, 2));
    assert_eq!(product(&shop, "a").variants[1].price.unwrap().minor(), 300);

    // If the first rows did not arrive, the others cannot; nor do they clear what is stored.
    let broken = format!("{head}a,A,Maker,Size,S,A-S,1.001,4,\nb,B,,,,B,1,,\na,,,,L,A-L,2,5,\n");
    let empty = open();
    let (summary, findings) = import(&empty, &broken);
    assert_eq!(summary.products, counts(1, 0, 0, 2));
    assert!(findings[1].detail.contains("did not arrive"), "{}", findings[1]);
    import(&shop, &broken);
    assert_eq!(product(&shop, "a").vendor.as_deref(), Some("Maker"));
    assert_eq!(skus(&shop, "a"), ["A-S", "A-M", "A-L"]);
}

#[test]
fn options_must_fit_the_variants_that_are_not_in_the_file() {
    let shop = open();
    import(
        &shop,
        "Handle,Title,Option1 Name,Option1 Value,SKU,Price\na,A,Size,S,S1,1\na,,,M,S2,1\n",
    );
    let head = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,SKU,Price\n";
    let (summary, findings) = import(&shop, format!("{head}a,A,Size,S,Colour,Red,S1,1\n"));
    assert_eq!(summary.products.failed, 1);
    assert_eq!(findings[0].column.as_deref(), Some("Option1 Name"));
    assert!(findings[0].detail.contains("S2"), "{}", findings[0]);
    let both = format!("{head}a,A,Size,S,Colour,Red,S1,1\na,,,M,,Red,S2,1\n");
    assert_eq!(import(&shop, both).0.variants, counts(0, 2, 0, 0));
    assert_eq!(product(&shop, "a").variants[1].options.len(), 2);
}

/// The options of a product, and of each variant its SKU and values.
fn shape(shop: &Commerce, handle: &str) -> (Vec<String>, Vec<String>) {
    let product = product(shop, handle);
    let options = product.options.iter().map(|option| option.name.to_string()).collect();
    let variants = product.variants.iter().map(|v| format!("{} {}", v.sku, v.title)).collect();
    (options, variants)
}

#[test]
fn an_option_can_be_added_renamed_moved_and_dropped() {
    let shop = open();
    let one = "Handle,Title,Option1 Name,Option1 Value,SKU,Price\n";
    let two = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,SKU,Price\n";
    let ids = || product(&shop, "a").variants.iter().map(|v| v.id).collect::<Vec<_>>();
    import(&shop, format!("{one}a,A,Size,S,S1,1\na,,,M,,1\n"));
    let first = ids();
    let edits = [
        (format!("{one}a,A,Length,S,S1,1\na,,,M,,1\n"), &["Length"][..], ["S1 S", "a/M M"]),
        (
            format!("{two}a,A,Length,S,Colour,Red,S1,1\na,,,M,,Red,,1\n"),
            &["Length", "Colour"],
            ["S1 S / Red", "a/M M / Red"],
        ),
        (
            format!("{two}a,A,Colour,Red,Length,S,S1,1\na,,,Red,,M,,1\n"),
            &["Colour", "Length"],
            ["S1 Red / S", "a/M Red / M"],
        ),
        (format!("{one}a,A,Length,Small,S1,1\na,,,M,,1\n"), &["Length"], ["S1 Small", "a/M M"]),
    ];
    for (file, options, variants) in edits {
        let (summary, findings) = import(&shop, &file);
        assert_eq!((summary.products, findings.len()), (counts(0, 1, 0, 0), 0), "{file}");
        assert_eq!(summary.variants.created, 0, "{file}");
        let (found, skus) = shape(&shop, "a");
        assert_eq!(
            (found, skus),
            (
                options.iter().map(ToString::to_string).collect(),
                variants.map(str::to_owned).to_vec()
            )
        );
        assert_eq!(ids(), first, "{file}");
        assert_eq!(import(&shop, &file).0.products, counts(0, 0, 1, 0), "{file}");
    }
}

#[test]
fn skus_that_two_variants_swap_arrive_at_once() {
    let shop = open();
    let file = |a: &str, b: &str| {
        format!(
            "Handle,Title,Option1 Name,Option1 Value,SKU,Price\na,A,Size,S,{a},1\na,,,M,{b},1\n"
        )
    };
    import(&shop, file("ONE", "TWO"));
    let (summary, findings) = import(&shop, file("TWO", "ONE"));
    assert_eq!((summary.variants, findings.len()), (counts(0, 2, 0, 0), 0));
    assert_eq!(skus(&shop, "a"), ["TWO", "ONE"]);
    import(&shop, file("ONE", "NEW"));
    assert_eq!(skus(&shop, "a"), ["ONE", "NEW"]);
}

#[test]
fn a_file_without_prices_changes_what_there_is_and_makes_nothing() {
    let shop = open();
    let head = "Handle,Title,Option1 Name,Option1 Value,SKU,Price\n";
    import(&shop, format!("{head}a,A,Size,S,S1,5\na,,,M,S2,6\n"));
    let (summary, _) = import(&shop, "Handle,Title,Tags\na,Better,\"red, new\"\nb,B,\n");
    assert_eq!(summary.products, counts(0, 1, 0, 1));
    let a = product(&shop, "a");
    assert_eq!((&*a.title, a.tags.len(), a.variants.len()), ("Better", 2, 2));
    assert!(find(&shop, "b").is_none());
    let file =
        "Handle,Title,Option1 Name,Option1 Value,SKU,Barcode\na,A,Size,S,S1,111\na,,,L,S3,\n";
    let (summary, findings) = import(&shop, file);
    assert_eq!(summary.products.failed, 1);
    assert_eq!(
        said(&findings),
        [(3, "Variant Price".to_owned(), "is needed for a new variant".to_owned())]
    );
    let (summary, _) = import(&shop, file.replace("a,,,L,S3,\n", "a,,,M,S2,\n"));
    assert_eq!(summary.variants, counts(0, 1, 1, 0));
    let a = product(&shop, "a");
    let prices: Vec<_> = a.variants.iter().map(|v| v.price.unwrap().minor()).collect();
    assert_eq!((prices, a.variants[0].barcode.as_deref()), (vec![500, 600], Some("111")));
}

#[test]
fn a_file_knows_no_locations() {
    let shop = open();
    let system = Caller::system();
    let file = |units| format!("Handle,Title,SKU,Price,Inventory quantity\na,A,A,1,{units}\n");
    import(&shop, file(4));
    let first = CreateLocation { priority: -1, ..CreateLocation::new("Shop floor").unwrap() };
    let first = block_on(shop.create_location(&system, &first)).unwrap().output.id;
    let position = commits(&shop);
    assert_eq!(import(&shop, file(4)).0.stock_set, 0);
    assert_eq!((commits(&shop), on_hand(&shop, "a")), (position, vec![4]));
    assert_eq!(import(&shop, file(5)).0.stock_set, 1);
    assert_eq!(on_hand(&shop, "a"), [5]);

    let variant = product(&shop, "a").variants[0].id;
    let moved = SetStock { location: Some(first), ..SetStock::new(2) };
    block_on(shop.set_stock(&system, variant, &moved)).unwrap();
    let (summary, findings) = import(&shop, file(5));
    assert_eq!((summary.stock_set, summary.stock_spread), (0, 1));
    assert_eq!(summary.products, counts(0, 0, 1, 0));
    assert_eq!((findings[0].line, findings[0].severity), (2, Severity::Warning));
    assert!(findings[0].detail.contains("7 units in all"), "{}", findings[0]);
    assert_eq!(on_hand(&shop, "a"), [7]);
}

#[test]
fn stock_is_kept_if_asked() {
    let shop = open();
    import(&shop, FIXTURE);
    let sold = FIXTURE.replace("MUG-RED,310,shopify,0,", "MUG-RED,310,shopify,9,");
    let keep = Options { keep_stock: true, ..Options::default() };
    let (summary, _) = import_with(&shop, &sold, &keep);
    assert_eq!((summary.products, summary.stock_set), (counts(0, 0, 10, 0), 0));
    assert_eq!(product(&shop, "harbour-enamel-mug").variants[1].available, Some(0));
    assert_eq!(import_with(&open(), FIXTURE, &keep).0, import(&open(), FIXTURE).0);
}
