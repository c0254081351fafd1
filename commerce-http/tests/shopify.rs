//! Shopify product exports, good and bad.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{self, Read};

use commerce_http::import::shopify::{
    Encoding, FailedProduct, FileError, InventoryPolicy, PROBLEMS_MAX, Problem, ROWS_MAX,
    ReadError, Reason, ShopifyProduct, ShopifyReader, ShopifyStatus, UnmappedColumn, VARIANTS_MAX,
    WeightUnit,
};

const FIXTURE: &str = include_str!("data/shopify.csv");

type Items = Vec<Result<ShopifyProduct, FailedProduct>>;

fn read_with(file: impl AsRef<[u8]>, encoding: Encoding) -> (Items, Vec<UnmappedColumn>) {
    let mut reader = ShopifyReader::with_encoding(file.as_ref(), encoding).unwrap();
    let items = reader
        .by_ref()
        .map(|item| {
            item.map_err(|error| match error {
                ReadError::Product(failed) => failed,
                error => panic!("{error}"),
            })
        })
        .collect();
    assert_eq!(reader.bytes(), file.as_ref().len() as u64);
    (items, reader.unmapped())
}

fn read(file: impl AsRef<[u8]>) -> Items {
    read_with(file, Encoding::Utf8).0
}

fn products(file: impl AsRef<[u8]>) -> Vec<ShopifyProduct> {
    read(file).into_iter().map(|item| item.unwrap_or_else(|failed| panic!("{failed}"))).collect()
}

/// What is wrong in a file: line, column and reason of each problem.
fn problems(file: impl AsRef<[u8]>) -> Vec<(u64, String, Reason)> {
    read(file)
        .into_iter()
        .filter_map(Result::err)
        .flat_map(|failed| failed.problems)
        .map(|problem| (problem.line, problem.column.unwrap_or_default(), problem.reason))
        .collect()
}

fn problem(line: u64, column: &str, reason: Reason) -> (u64, String, Reason) {
    (line, column.to_owned(), reason)
}

/// The handles of the products that arrive.
fn handles(items: &Items) -> Vec<&str> {
    items.iter().flatten().map(|product| product.handle.as_str()).collect()
}

#[test]
fn everything_a_shop_needs_arrives() {
    let (items, unmapped) = read_with(FIXTURE, Encoding::Utf8);
    let products: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    assert_eq!(products.len(), 10);
    assert_eq!(products.iter().map(|product| product.variants.len()).sum::<usize>(), 21);
    assert_eq!(products.iter().map(|product| product.images.len()).sum::<usize>(), 10);

    let mug = &products[0];
    assert_eq!((mug.line, mug.last_line), (2, 9));
    assert_eq!(mug.handle, "harbour-enamel-mug");
    assert_eq!(mug.title.as_deref(), Some("Harbour enamel mug"));
    let body = mug.body_html.as_deref().unwrap();
    assert!(body.contains("</p>\n<ul>") && body.contains("\"a little more\""), "{body}");
    assert_eq!(mug.vendor.as_deref(), Some("Nordlicht & Sons"));
    assert_eq!(mug.product_type.as_deref(), Some("Mugs"));
    assert!(mug.category.as_deref().unwrap().starts_with("Home & Garden > Kitchen"));
    assert_eq!(mug.tags, ["enamel", "camping", "Kitchen"]);
    assert_eq!((mug.published, mug.status), (Some(true), Some(ShopifyStatus::Active)));
    assert_eq!(mug.gift_card, Some(false));
    assert_eq!(mug.seo_title.as_deref(), Some("Enamel mug for harbour and hearth"));
    assert_eq!(mug.seo_description.as_deref(), Some("Twice enamelled steel, three colours."));
    assert_eq!(mug.options, ["Colour"]);
    let files =
        |image: &&str| image.rsplit('/').next().unwrap().split('.').next().unwrap().to_owned();
    let order: Vec<_> = mug.images.iter().map(|image| files(&image.src.as_str())).collect();
    assert_eq!(order, ["mug-all", "mug-blue", "mug-red", "mug-inside"], "by position");
    assert_eq!(mug.images[1].alt.as_deref(), Some("Blue mug on a pier"));
    assert_eq!(mug.images[3].line, 9);

    let blue = &mug.variants[0];
    assert_eq!(blue.line, 2);
    assert_eq!(mug.variants[1].line, 7, "after the description's line ends");
    assert_eq!(blue.option_values, ["Ink blue"]);
    assert_eq!(blue.sku.as_deref(), Some("MUG-BLUE"));
    assert_eq!(blue.barcode.as_deref(), Some("4006381333931"));
    assert_eq!(blue.price.unwrap().to_string(), "12.50");
    assert_eq!(blue.cost.unwrap().to_string(), "4.10");
    assert_eq!(blue.compare_at_price, None);
    assert_eq!(mug.variants[2].compare_at_price.unwrap().to_string(), "12.50");
    assert_eq!(blue.grams.unwrap().to_string(), "310");
    assert_eq!(blue.weight_unit, Some(WeightUnit::Gram));
    assert_eq!(blue.inventory_tracker.as_deref(), Some("shopify"));
    assert_eq!(
        (blue.inventory_quantity, blue.inventory_policy),
        (Some(40), Some(InventoryPolicy::Deny))
    );
    assert_eq!(blue.fulfillment_service.as_deref(), Some("manual"));
    assert_eq!((blue.requires_shipping, blue.taxable), (Some(true), Some(true)));
    assert_eq!(files(&blue.image.as_deref().unwrap()), "mug-blue");

    let board = &products[1];
    assert_eq!((board.options.len(), board.variants[0].option_values.len()), (0, 0));
    assert_eq!(board.variants[0].sku.as_deref(), Some("00417"));
    assert_eq!(board.variants[0].weight_unit, Some(WeightUnit::Pound));
    assert_eq!(board.variants[0].grams.unwrap().to_string(), "2267.96185");
    assert_eq!(board.variants[0].tax_code.as_deref(), Some("P0000000"));

    let scarf = &products[2];
    assert_eq!(scarf.options, ["Colour", "Length"]);
    assert_eq!(scarf.variants[2].option_values, ["Rust", "150 cm"]);
    assert_eq!(scarf.variants[2].sku, None);

    let tent = &products[3].variants[1];
    assert_eq!(
        (tent.inventory_quantity, tent.inventory_policy),
        (Some(-4), Some(InventoryPolicy::Continue))
    );

    let notebook = &products[4];
    assert_eq!(notebook.options, ["Cover", "Ruling", "Size"]);
    assert_eq!(notebook.variants[0].sku, notebook.variants[1].sku);
    assert_eq!(notebook.tags, ["paper", "writing"]);

    let voucher = &products[5];
    assert_eq!(voucher.gift_card, Some(true));
    assert_eq!(voucher.variants[0].requires_shipping, Some(false));
    assert_eq!(voucher.variants[0].taxable, Some(false));
    assert_eq!(
        (&voucher.variants[0].inventory_tracker, voucher.variants[0].inventory_quantity),
        (&None, None)
    );

    assert_eq!(
        (products[6].published, products[6].status),
        (Some(false), Some(ShopifyStatus::Draft))
    );
    assert_eq!(products[8].status, Some(ShopifyStatus::Archived));
    assert_eq!(products[9].status, Some(ShopifyStatus::Unlisted));
    assert!(products.iter().all(|product| !product.again));

    let unmapped: Vec<_> =
        unmapped.iter().map(|column| (column.name.as_str(), column.rows)).collect();
    assert_eq!(
        unmapped,
        [
            ("Option1 Linked To", 1),
            ("Google Shopping / Condition", 1),
            ("Care (product.metafields.custom.care)", 1),
            ("Price / International", 0),
        ]
    );
}

#[test]
fn todays_column_names_and_an_old_export_mean_the_same() {
    let old = "Handle,Title,Body (HTML),Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Weight Unit,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Taxable,Image Src,Variant Image\n\
        a,A,<p>a</p>,T,true,Size,L,S-1,5,g,3,continue,1.50,2,false,https://a.example/1,https://a.example/2\n";
    let new = "URL handle,title,Description,Type,Published on online store,Option1 name,Option1 value,SKU,Weight value (grams),Weight unit for display,Inventory quantity,Continue selling when out of stock,Price,Compare-at price,Charge tax,Product image URL,Variant image URL\r\n\
        a,A,<p>a</p>,T,TRUE,Size,L,S-1,5,g,3,CONTINUE,1.50,2,FALSE,https://a.example/1,https://a.example/2\r\n";
    assert_eq!(products(old), products(new));
    assert_eq!(products(old), products(new.replace(",CONTINUE,", ",TRUE,")));
    assert_eq!(products(old), products(format!("\u{feff}{old}")), "with a byte order mark");
}

#[test]
fn a_weight_in_its_unit_becomes_grams() {
    let head = "Handle,Title,Variant Price,Variant Weight,Variant Weight Unit,Variant Grams\n";
    let grams = |cells: &str| {
        let product = products(format!("{head}a,A,1,{cells}\n")).remove(0);
        product.variants[0].grams.unwrap().to_string()
    };
    assert_eq!(grams("2,lb,"), "907.18474");
    assert_eq!(grams("16,oz,"), "453.59237");
    assert_eq!(grams("0.5,kg,"), "500");
    assert_eq!(grams("2,lb,900"), "900", "grams are the truth");
    assert_eq!(
        problems(format!(
            "{head}a,A,1,2,,\nb,B,1,2,stone,\nc,C,1,9999999999,g,\nd,D,1,1000001,kg,\n"
        )),
        [
            problem(2, "Variant Weight Unit", Reason::WeightWithoutUnit),
            problem(3, "Variant Weight Unit", Reason::NotWeightUnit),
            problem(4, "Variant Weight", Reason::NotWeight),
            problem(5, "Variant Weight", Reason::NotWeight),
        ]
    );
}

#[test]
fn every_bad_cell_is_reported_and_good_products_still_arrive() {
    let file = "\
Handle,Title,Published,Status,Option1 Name,Option1 Value,Variant Price,Variant Compare At Price,Variant Grams,Variant Weight Unit,Variant Inventory Qty,Variant Inventory Policy,Variant Taxable,Image Src,Image Position,Gift Card,Tags
good,Good,true,active,Size,S,1.00,,,,,,,,,,
bad,Bad,maybe,gone,Size,S,$5,\"1,000\",heavy,st,1.5,sell,2,image.png,0,x,
bad,,,,,M,,,,,,,,,,,
bad,,,,,S,2,,,,,,,,,,
bad,,,,,,,,,,7,,,,,,
fine,Fine,,,,,2,,,,,,,,,,
";
    let items = read(file);
    assert_eq!(handles(&items), ["good", "fine"]);
    assert_eq!(
        problems(file),
        [
            problem(3, "Published", Reason::NotBoolean),
            problem(3, "Status", Reason::NotStatus),
            problem(3, "Gift Card", Reason::NotBoolean),
            problem(3, "Variant Price", Reason::NotPrice),
            problem(3, "Variant Compare At Price", Reason::NotPrice),
            problem(3, "Variant Grams", Reason::NotWeight),
            problem(3, "Variant Weight Unit", Reason::NotWeightUnit),
            problem(3, "Variant Inventory Qty", Reason::NotQuantity),
            problem(3, "Variant Inventory Policy", Reason::NotPolicy),
            problem(3, "Variant Taxable", Reason::NotBoolean),
            problem(3, "Image Src", Reason::NotUrl),
            problem(3, "Image Position", Reason::NotPosition),
            // "M" has no price, "S" another one than before, and 7 pieces are of no variant.
            problem(4, "Variant Price", Reason::Missing),
            problem(5, "", Reason::VariantRepeated { line: 3 }),
            problem(6, "", Reason::RowEmpty),
        ]
    );
    let failed = items[1].as_ref().unwrap_err();
    assert_eq!((failed.line, failed.last_line, failed.handle.as_deref()), (3, 6, Some("bad")));
    assert_eq!(
        failed.problems[3].to_string(),
        "line 3, column \"Variant Price\": must be a price in plain digits from 0 to \
         1000000000000, such as 19.99 (found \"$5\")"
    );
}

#[test]
fn values_are_shortened_and_problems_bounded() {
    let rows: String = (0..150).map(|i| format!("a,,o{i},{}\n", "9".repeat(500))).collect();
    let failed =
        read(format!("Handle,Title,Option1 Value,Variant Price\n{rows}")).remove(0).unwrap_err();
    assert_eq!((failed.problems.len(), failed.problems_total), (PROBLEMS_MAX, 151));
    let value = failed.problems[1].value.as_deref().unwrap();
    assert_eq!(value.chars().count(), Problem::VALUE_CHARS_MAX + 1);
    assert!(failed.to_string().ends_with("and 51 more"));
}

#[test]
fn rows_of_a_product_are_variants_and_images() {
    let head = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Image Src,Image Alt Text,Variant Taxable\n";
    let one = |rows: &str| products(format!("{head}{rows}")).remove(0);

    let repeated = one(
        "a,A,Size,L,,,S,5,https://a.example/1,,\na,A,Size,L,,,S,5,https://a.example/2,,\na,,,L,,,,,https://a.example/1,one,\n",
    );
    assert_eq!((repeated.variants.len(), repeated.images.len()), (1, 2));
    assert_eq!(repeated.images[0].alt.as_deref(), Some("one"));

    let titled = one("a,A,Title,Olive,,,S,5,,,\n");
    assert_eq!(
        (&titled.options[..], &titled.variants[0].option_values[..]),
        (&["Title".to_owned()][..], &["Olive".to_owned()][..])
    );

    let bare = one("a,A,,,,,,5,,,\na,,,,,,,,https://a.example/1,,\n");
    assert_eq!((bare.options.len(), bare.variants.len(), bare.images.len()), (0, 1, 1));
    assert_eq!(one("a,A,,Default Title,,,,5,,,\n").variants[0].option_values.len(), 0);

    let wrong = |rows: &str| problems(format!("{head}{rows}"));
    assert_eq!(wrong("a,,Size,L,,,,5,,,\n"), [problem(2, "Title", Reason::Missing)]);
    assert_eq!(
        wrong("a,A,Size,L,,,,5,,,\na,,,,,,S2,5,,,\n"),
        [problem(3, "Option1 Value", Reason::Missing)]
    );
    assert_eq!(
        wrong("a,A,Size,L,,,,5,,,\na,,,M,,Red,,5,,,\n"),
        [problem(3, "Option2 Value", Reason::OptionUnnamed)]
    );
    assert_eq!(
        wrong("a,A,Size,L,size,M,,5,,,\n"),
        [problem(2, "Option2 Name", Reason::OptionRepeated)]
    );
    assert_eq!(
        wrong("a,A,,,,,,5,,,\na,,,,,,,6,,,\n"),
        [problem(3, "", Reason::VariantRepeated { line: 2 })]
    );
    assert_eq!(
        wrong("a,A,,,,,,,https://a.example/1,,\n"),
        [problem(2, "Variant Price", Reason::VariantMissing)]
    );
    assert_eq!(wrong("a,A,,,,,,5,,,\na,,,,,,,,,lost,\n"), [problem(3, "", Reason::RowEmpty)]);
    assert_eq!(wrong("a,A,,,,,,5,,,\n,,,,,,,6,,,\n"), [problem(3, "Handle", Reason::Missing)]);
}

#[test]
fn values_without_a_place_are_counted() {
    let file = "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant Price,Variant Taxable,Image Src,Image Alt Text,Mystery\n\
        a,A,V,Size,L,5,true,,lost,\n\
        a,A,Other,Size,M,5,true,,,x\n\
        a,,V,,,,true,https://a.example/1,,\n";
    let (items, unmapped) = read_with(file, Encoding::Utf8);
    assert!(items[0].is_ok());
    let unmapped: Vec<_> =
        unmapped.iter().map(|column| (column.name.as_str(), column.rows)).collect();
    assert_eq!(
        unmapped,
        [("Vendor", 1), ("Variant Taxable", 1), ("Image Alt Text", 1), ("Mystery", 1)]
    );
}

#[test]
fn a_handle_that_comes_again_is_marked() {
    let head = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src\n";
    let [a, b, more, other] = products(format!(
        "{head}a,A,Size,S,1,\nb,B,,,2,\na,,,M,3,\na,,,,,https://a.example/1\nb,B again,,,4,\n"
    ))
    .try_into()
    .unwrap();
    assert_eq!((a.again, b.again, more.again, other.again), (false, false, true, true));
    assert_eq!((more.handle.as_str(), more.line, more.last_line), ("a", 4, 5));
    assert_eq!((more.title, more.options.len(), more.images.len()), (None, 0, 1));
    assert_eq!(more.variants[0].option_values, ["M"]);
    assert_eq!(other.title.as_deref(), Some("B again"));

    // Rows of a product that failed before cannot be added to it.
    let items = read(format!("{head}a,A,Size,S,x,\nb,B,,,2,\na,,,M,3,\n"));
    assert_eq!(handles(&items), ["b"]);
    assert_eq!(items[2].as_ref().unwrap_err().problems[0].reason, Reason::Missing);
}

#[test]
fn files_that_are_no_export_are_refused() {
    let error = |file: &[u8]| ShopifyReader::new(file).unwrap_err();
    assert!(matches!(error(b""), FileError::Empty));
    assert!(matches!(error(b"\xef\xbb\xbf\r\n\n  \n"), FileError::Empty));
    assert!(matches!(error(b"\xff\xfeH\0a\0"), FileError::Utf16));
    assert!(matches!(error(b"\xfe\xff\0H\0a"), FileError::Utf16));
    let workbook = error(b"PK\x03\x04\x14\0,\n");
    assert!(matches!(workbook, FileError::Archive));
    assert!(matches!(error(b"Handle;Title;Variant Price\n"), FileError::Separator(';')));
    assert!(matches!(error(b"Handle\tTitle\tPrice\n"), FileError::Separator('\t')));
    let FileError::MissingColumns { missing } = error(b"id,title,sku,price\n1,2,3,4\n") else {
        panic!()
    };
    assert_eq!(missing, ["Handle"]);
    let FileError::MissingColumns { missing } = error(b"one\n") else { panic!() };
    assert_eq!(missing, ["Handle", "Title"]);
    assert!(matches!(
        error(b"Handle,Title,Variant Price,Type,TYPE\n"),
        FileError::DuplicateColumn { first, second } if first == "Type" && second == "TYPE"
    ));
    assert!(matches!(
        error(b"\nHandle,\"Title\n"),
        FileError::Header { line: 2, reason: Reason::QuoteUnclosed }
    ));
    assert!(matches!(
        error(b"Handle,Title,Pr\xe9is\n"),
        FileError::Header { reason: Reason::NotUtf8, .. }
    ));
    assert!(matches!(
        error(b"Handle,\0\n"),
        FileError::Header { reason: Reason::ControlCharacter, .. }
    ));
    assert!(matches!(
        error(&[b'x'; 3 << 20]),
        FileError::Header { reason: Reason::FieldTooLong, .. }
    ));
}

const HEAD: &str = "Handle,Title,Body (HTML),Variant Price\n";

#[test]
fn a_row_that_cannot_be_read_costs_its_product_and_no_other() {
    let file = |middle: &str| format!("{HEAD}a,A,,1\n{middle}z,Z,,9\n");
    let cases: &[(&str, &str, Reason, u64)] = &[
        ("b,B,1\n", "", Reason::Columns { expected: 4, found: 3 }, 3),
        ("b,B,,1,5\n", "", Reason::Columns { expected: 4, found: 5 }, 3),
        ("b,B,6\" pipe,1\n", "Body (HTML)", Reason::QuoteMisplaced, 3),
        ("b,B,\"6\" pipe\",1\n", "Body (HTML)", Reason::QuoteMisplaced, 3),
        ("b,B,\"<p>\nopen\n,1\n", "Body (HTML)", Reason::QuoteUnclosed, 5),
        ("b,\"B\n<a href=\"x\">\n</a>\",x,1\n", "Title", Reason::QuoteMisplaced, 5),
    ];
    for (middle, column, reason, last_line) in cases {
        let items = read(file(middle));
        assert_eq!(handles(&items), ["a", "z"], "{middle}");
        let failed = items[1].as_ref().unwrap_err();
        assert_eq!((failed.handle.as_deref(), failed.problems.len()), (Some("b"), 1), "{middle}");
        let found = &failed.problems[0];
        assert_eq!((found.line, found.last_line), (3, *last_line), "{middle}");
        assert_eq!(found.column.as_deref().unwrap_or_default(), *column, "{middle}");
        assert_eq!(&found.reason, reason, "{middle}");
    }
}

#[test]
fn a_product_that_may_lack_a_row_fails() {
    // The second row of `a` is unreadable, by its handle or by its place.
    for row in ["a,,1\n", "\"a\"x,,,1\n"] {
        let items = read(format!("{HEAD}a,A,,1\n{row}z,Z,,9\n"));
        assert_eq!(handles(&items), ["z"], "{row}");
        assert_eq!(items[0].as_ref().unwrap_err().handle.as_deref(), Some("a"));
    }
    // The row with the title is unreadable: the others are not told to lack it.
    assert_eq!(
        problems(format!("{HEAD}a,A,1\na,,,1\n")),
        [problem(2, "", Reason::Columns { expected: 4, found: 3 })]
    );
}

#[test]
fn an_unclosed_quote_swallows_nothing() {
    let rows: String = (0..100).map(|i| format!("p{i},Product {i},plain text,{i}.00\n")).collect();
    let items = read(format!("{HEAD}bad,\"Title,,1\n{rows}"));
    assert_eq!(items.len(), 101);
    assert_eq!(handles(&items).len(), 100);
    let rows = rows.replace("plain text", "\"quoted, text\"");
    assert_eq!(handles(&read(format!("{HEAD}bad,\"Title,,1\n{rows}"))).len(), 100);
}

#[test]
fn a_cell_above_a_mebibyte_is_skipped() {
    for line in ["x".repeat(99), format!("{}\n", "x".repeat(98))] {
        let body = line.repeat(30_000);
        let items = read(format!("{HEAD}a,A,,1\nb,B,\"{body}\",2\nc,C,,3\n"));
        assert_eq!(handles(&items), ["a", "c"]);
        let failed = items[1].as_ref().unwrap_err();
        assert_eq!(failed.problems_total, 1);
        assert_eq!(failed.problems[0].reason, Reason::FieldTooLong);
        assert_eq!(failed.problems[0].column.as_deref(), Some("Body (HTML)"));
    }
    let body = "x".repeat(1 << 20);
    assert_eq!(
        products(format!("{HEAD}a,A,{body},1\n"))[0].body_html.as_ref().unwrap().len(),
        1 << 20
    );
}

#[test]
fn bytes_that_are_not_utf8() {
    let file = [HEAD.as_bytes(), b"a,Caf\xe9,,1\nb,B,\x80,2\nc,C,,3\n"].concat();
    assert_eq!(
        problems(&file),
        [problem(2, "Title", Reason::NotUtf8), problem(3, "Body (HTML)", Reason::NotUtf8)]
    );
    assert_eq!(handles(&read(&file)), ["c"]);
    let (items, _) = read_with(&file, Encoding::Windows1252);
    assert_eq!(items[0].as_ref().unwrap().title.as_deref(), Some("Café"));
    assert_eq!(items[1].as_ref().unwrap().body_html.as_deref(), Some("€"));
    assert_eq!(
        problems(format!("{HEAD}a,A\0,,1\n")),
        [problem(2, "Title", Reason::ControlCharacter)]
    );
    assert_eq!(
        problems([HEAD.as_bytes(), b"\xff,A,,1\n"].concat()),
        [problem(2, "Handle", Reason::NotUtf8)]
    );
}

#[test]
fn empty_rows_are_skipped_and_the_last_line_needs_no_end() {
    let file = format!("\r\n{HEAD}\n,,,\n \n a , A ,,1\n,,\n\"\",\"\n\",,\na,,,\nb,B,,2");
    let items = read(&file);
    assert_eq!(handles(&items), ["b"]);
    assert_eq!(problems(&file), [problem(10, "", Reason::RowEmpty)]);
    assert_eq!(items[1].as_ref().unwrap().line, 11);
}

#[test]
fn products_are_bounded() {
    let head = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src\n";
    let variants = |count: usize| -> String {
        (0..count).map(|i| format!("a,{},Size,{i},1,\n", if i == 0 { "A" } else { "" })).collect()
    };
    let good = products(format!("{head}{}z,Z,,,1,\n", variants(VARIANTS_MAX)));
    assert_eq!((good.len(), good[0].variants.len()), (2, VARIANTS_MAX));

    let many = read(format!("{head}{}z,Z,,,1,\n", variants(VARIANTS_MAX + 10)));
    assert_eq!(handles(&many), ["z"]);
    let failed = many[0].as_ref().unwrap_err();
    assert_eq!((failed.problems_total, &failed.problems[0].reason), (1, &Reason::VariantsTooMany));
    assert_eq!((failed.problems[0].line, failed.last_line), (2050, 2059));

    let images: String = (0..=ROWS_MAX).map(|i| format!("a,,,,,https://a.example/{i}\n")).collect();
    let many = problems(format!("{head}a,A,,,1,\n{images}"));
    assert_eq!(many, [problem(2502, "", Reason::RowsTooMany)]);

    let long = "x".repeat(1_000_000);
    let rows: String = (0..12).map(|i| format!("a,A,Size,{i},1,\"{long}\"\n")).collect();
    let many = problems(format!("{head}{rows}"));
    assert_eq!(many.last(), Some(&problem(10, "", Reason::ProductTooLong)));
}

#[test]
fn an_input_that_breaks_off_ends_the_reading() {
    struct Broken<'a>(&'a [u8]);
    impl Read for Broken<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            match self.0.read(room)? {
                0 => Err(io::Error::other("unplugged")),
                length => Ok(length),
            }
        }
    }
    let file = format!("{HEAD}a,A,,1\nb,B,,2\nb,,");
    let mut reader = ShopifyReader::new(Broken(file.as_bytes())).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().handle, "a");
    let error = reader.next().unwrap().unwrap_err();
    assert!(matches!(error, ReadError::Io { line: 3, .. }), "{error:?}");
    assert!(reader.next().is_none());
    assert!(matches!(ShopifyReader::new(Broken(b"Handle")).unwrap_err(), FileError::Io(_)));
}
