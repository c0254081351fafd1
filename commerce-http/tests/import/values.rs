//! Prices, stock and texts.

use super::*;

#[test]
fn prices_are_in_the_currency_that_is_named() {
    let shop = open();
    let file = "Handle,Title,Price,Compare-at price\na,A,1200.00,1500\nb,B,12.50,\n";
    let yen = Options { currency: Some(Currency::JPY), ..Options::default() };
    let (summary, findings) = import_with(&shop, file, &yen);
    assert_eq!(summary.products, counts(1, 0, 0, 1));
    assert_eq!((findings[0].line, findings[0].value.as_deref()), (3, Some("12.50")));
    assert_eq!(summary.shop_currency, Currency::USD);
    import(&shop, "Handle,Title,Price,Compare-at price\na,A,8.50,\n");
    let prices = &product(&shop, "a").variants[0].prices;
    assert_eq!(prices[0].amount, Money::new(1200, Currency::JPY));
    assert_eq!(prices[0].compare_at, Some(Money::new(1500, Currency::JPY)));
    assert_eq!(prices[1].amount, Money::new(850, Currency::USD));
}

#[test]
fn stock_is_never_below_zero_nor_below_what_orders_hold() {
    let shop = open();
    let file = |quantity: i64| {
        format!(
            "Handle,Title,Price,Variant Inventory Tracker,Variant Inventory Qty\nmug,Mug,5,shopify,{quantity}\n"
        )
    };
    let (_, findings) = import(&shop, file(-3));
    assert_eq!((findings.len(), on_hand(&shop, "mug")), (1, vec![0]));
    import(&shop, file(5));
    let variant = product(&shop, "mug").variants[0].id;
    let made = block_on(shop.create_cart(&Caller::anonymous(), &CreateCart::default())).unwrap();
    let secret: Secret = made.token.as_ref().unwrap().parse().unwrap();
    let guest = Caller::guest(&secret);
    let line = AddLine::new(variant, 3).unwrap();
    block_on(shop.add_line(&guest, made.cart.id, &line, None)).unwrap();
    let patch = serde_json::from_value(json!({
        "email": "a@example.com",
        "shipping_address": { "name": "A", "line1": "Street 1", "city": "Berlin", "country": "DE" },
    }));
    block_on(shop.patch_cart(&guest, made.cart.id, &patch.unwrap(), None)).unwrap();
    block_on(shop.place_order(&guest, made.cart.id, &PlaceOrder::default())).unwrap();
    let (summary, findings) = import(&shop, file(2).replace("Mug", "Cup"));
    assert_eq!((summary.stock_held, summary.products), (1, counts(0, 1, 0, 0)));
    assert_eq!((findings[0].severity, findings[0].line), (Severity::Warning, 2));
    assert_eq!(findings[0].detail, "orders hold 3 units; the stock of 5 was left");
    assert_eq!(&*product(&shop, "mug").title, "Cup", "the rest of the product arrives");
    import(&shop, file(3));
    assert_eq!(product(&shop, "mug").variants[0].available, Some(0));
}

#[test]
fn a_file_in_latin_1_is_read_as_such() {
    let file = b"Handle,Title,Price\nkettle,Kupferschmiede S\xfcd,1\nbowl,Bowl,1\n";
    let shop = open();
    let (summary, findings) = import(&shop, file);
    assert_eq!(summary.products, counts(1, 0, 0, 1));
    assert!(findings[0].detail.contains("Windows-1252"), "{}", findings[0]);
    let options = Options { encoding: Encoding::Windows1252, ..Options::default() };
    let (summary, _) = import_with(&shop, file, &options);
    assert_eq!(summary.products, counts(1, 0, 1, 0));
    assert_eq!(&*product(&shop, "kettle").title, "Kupferschmiede Süd");
}

#[test]
fn columns_of_markets_and_metafields_are_named_as_left_out() {
    let shop = open();
    let file = "\u{feff}Handle,Title,Product category,Price,Price / International,\
        Included / Germany,Weight value (grams),Weight unit for display,\
        Fabric (product.metafields.custom.fabric)\r\n\
        a,\"A\r\nb\",Apparel > Shirts,10,12,TRUE,250,kg,Wool\r\n\r\n,,,,,,,,\r\n";
    let (summary, findings) = import(&shop, file);
    assert_eq!((summary.products, findings.len()), (counts(1, 0, 0, 0), 0));
    let left: Vec<_> = summary.unmapped.iter().map(|c| (&*c.name, c.rows)).collect();
    let metafield = "Fabric (product.metafields.custom.fabric)";
    assert_eq!(left, [("Price / International", 1), ("Included / Germany", 1), (metafield, 1)]);
    let a = product(&shop, "a");
    assert_eq!((&*a.title, a.variants[0].weight_grams), ("A b", 250));
    assert_eq!(a.metadata["shopify_category"], "Apparel > Shirts");
    assert_eq!(a.variants[0].metadata["shopify_weight_unit"], "kg");
}
