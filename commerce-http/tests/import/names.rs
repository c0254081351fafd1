//! SKUs and addresses.

use super::*;

#[test]
fn the_first_in_the_file_keeps_a_repeated_sku() {
    let file = "Handle,Title,Option1 Name,Option1 Value,SKU,Price\n\
                a,A,Size,S,ONE,1\na,,,M,ONE,1\nb,B,,,ONE,1\nc,C,,,TWO,1\n";
    let shop = open();
    for _ in 0..2 {
        let (summary, findings) = import(&shop, file);
        assert_eq!((summary.skus_repeated, summary.products.failed), (2, 0));
        let detail = |sku: &str| format!("another variant has this SKU; this one is {sku:?}");
        let column = || "SKU".to_owned();
        assert_eq!(said(&findings), [(3, column(), detail("a/M")), (4, column(), detail("b"))]);
        assert_eq!(
            (skus(&shop, "a"), skus(&shop, "b")),
            (vec!["ONE".into(), "a/M".into()], vec!["b".into()])
        );
    }
    let shop = open();
    let refuse = Options { repeated_skus: RepeatedSkus::Refuse, ..Options::default() };
    for lines in [&[3][..], &[2, 3]] {
        let (summary, findings) = import_with(&shop, file, &refuse);
        assert_eq!(summary.products.failed, 1, "`a` is refused whole, so `b` comes first");
        assert!(findings.iter().all(|f| f.detail == "\"ONE\" is in use"), "{findings:?}");
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), lines);
        assert!(find(&shop, "a").is_none());
        assert_eq!(skus(&shop, "b"), ["ONE"]);
    }
    let (_, findings) = import(&shop, "Handle,Title,Price,SKU\nd,D,1,c2\nc2,C,1,\n");
    let detail = "\"c2\" is in use".to_owned();
    assert_eq!(said(&findings), [(3, "SKU".to_owned(), detail)], "a derived one may be in use too");
    // A SKU that the back office gave stays, as the file has none of its own for the variant.
    let shop = open();
    import(&shop, file);
    let patch = PatchVariant { sku: Some("B-1".parse().unwrap()), ..PatchVariant::default() };
    let id = product(&shop, "b").variants[0].id;
    block_on(shop.patch_variant(&Caller::system(), id, &patch, None)).unwrap();
    assert_eq!(import(&shop, file).0.products, counts(0, 0, 3, 0));
    assert_eq!(skus(&shop, "b"), ["B-1"]);
}

#[test]
fn a_sku_moves_from_one_product_to_another_in_one_import() {
    let head = "Handle,Title,Option1 Name,Option1 Value,SKU,Price\n";
    let shop = open();
    import(&shop, format!("{head}a,A,,,ONE,1\nb,B,,,TWO,1\nc,C,,,THREE,1\n"));
    let moved = format!(
        "{head}new,N,Size,S,NEW,1\nnew,,,M,ONE,1\nc,C,,,TWO,1\nb,B,,,ONE,1\na,A,,,FOUR,1\n"
    );
    let (summary, findings) = import(&shop, &moved);
    // `new` comes first in the file, so that it has `ONE` and not `b`.
    let detail = "another variant has this SKU; this one is \"TWO\"".to_owned();
    assert_eq!(
        said(&findings),
        [
            (4, "SKU".to_owned(), "another variant has this SKU; this one is \"THREE\"".to_owned()),
            (5, "SKU".to_owned(), detail),
        ]
    );
    assert_eq!(summary.products, counts(1, 1, 2, 0));
    assert_eq!(skus(&shop, "new"), ["NEW", "ONE"]);
    let chain = format!("{head}c,C,,,TWO,1\nb,B,,,FIVE,2\n");
    let (summary, findings) = import(&shop, &chain);
    assert_eq!((summary.products, findings.len()), (counts(0, 2, 0, 0), 0));
    assert_eq!((skus(&shop, "c"), skus(&shop, "b")), (vec!["TWO".into()], vec!["FIVE".into()]));
    assert_eq!(import(&shop, &chain).0.products, counts(0, 0, 2, 0));
}

#[test]
fn skus_that_products_swap_arrive() {
    let head = "Handle,Title,Option1 Name,Option1 Value,SKU,Price\n";
    let row = |handle: &str, sku: &str| format!("{handle},{handle},,,{sku},1\n");
    let file = |rows: &[(&str, &str)]| {
        let rows: String = rows.iter().map(|(handle, sku)| row(handle, sku)).collect();
        format!("{head}{rows}")
    };
    let shop = open();
    let all = ["a", "b", "c", "d", "e"];
    import(&shop, file(&all.map(|handle| (handle, handle))));
    let has = || all.map(|handle| skus(&shop, handle).join(" "));
    let (summary, findings) =
        import(&shop, file(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "e"), ("e", "c")]));
    assert_eq!((summary.variants, findings.len()), (counts(0, 5, 0, 0), 0));
    assert_eq!(has(), ["b", "a", "d", "e", "c"]);
    // Each frees what the one above it waits for, the last one first.
    let (summary, findings) = import(&shop, file(&[("a", "d"), ("c", "e"), ("d", "new")]));
    assert_eq!((summary.variants, findings.len()), (counts(0, 3, 0, 0), 0));
    assert_eq!(has(), ["d", "a", "e", "new", "c"]);
    // The first that wants what another gives up gets it.
    let (_, findings) = import(&shop, file(&[("a", "a"), ("b", "d"), ("c", "a"), ("d", "c")]));
    let detail = |sku: &str| format!("another variant has this SKU; this one is {sku:?}");
    let column = || "SKU".to_owned();
    assert_eq!(said(&findings), [(4, column(), detail("e")), (5, column(), detail("new"))]);
    assert_eq!(has(), ["a", "d", "e", "new", "c"]);
}

#[test]
fn handles_become_slugs() {
    let shop = open();
    let file = "Handle,Title,Price\nRed-Shirt™,Shirt,1\nüber-cup,Cup,1\nred-shirt,Other,1\n";
    for _ in 0..2 {
        let (summary, findings) = import(&shop, file);
        assert_eq!(summary.products.failed, 1);
        assert_eq!((findings[0].line, findings[0].column.as_deref()), (4, Some("Handle")));
        let shirt = product(&shop, "red-shirt");
        assert_eq!(
            (&*shirt.title, &shirt.metadata["shopify_handle"]),
            ("Shirt", &json!("Red-Shirt™"))
        );
        assert!(product(&shop, "über-cup").metadata.is_empty());
    }
    // Nobody would find it there.
    let (summary, findings) = import(&shop, "Handle,Title,Price\nsearch,Search,1\nlast,Last,1\n");
    assert_eq!(summary.products, counts(1, 0, 0, 1));
    let detail = "must not be \"search\", which means something else".to_owned();
    assert_eq!(said(&findings), [(2, "Handle".to_owned(), detail)]);
}
