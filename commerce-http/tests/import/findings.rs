//! What the person who imports is told.

use super::{
    faults::{Fault, Shared},
    *,
};

/// An input that breaks in the middle.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room)? {
            0 => Err(io::Error::other("the disk is gone")),
            length => Ok(length),
        }
    }
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_the_import_would() {
    let again = "\nmerino-scarf,,,,,,,,,Sand,,,150 cm,,,MUG-BLUE,180,shopify,3,deny,manual,49.00,,true,true,,,,,,,,,,,g,,,\n\
                 merino-scarf,,,,,,,,,Lone,,,,,,,180,shopify,3,deny,manual,49.00,,true,true,,,,,,,,,,,g,,,\n";
    let file = format!("{}{again}", FIXTURE.trim_end());
    for file in [FIXTURE, &file] {
        for repeated_skus in [RepeatedSkus::Derive, RepeatedSkus::Refuse] {
            let shop = open();
            let options = Options { repeated_skus, ..Options::default() };
            let dry = Options { dry_run: true, ..options.clone() };
            let (mut first, told) = import_with(&shop, file, &dry);
            assert_eq!(commits(&shop), 1);
            assert!(HANDLES.iter().all(|handle| find(&shop, handle).is_none()));
            assert!(first.dry_run);
            first.dry_run = false;
            let (real, found) = import_with(&shop, file, &options);
            assert_eq!((told, first), (found, real));
            let position = commits(&shop);
            let (mut second, told) = import_with(&shop, file, &dry);
            second.dry_run = false;
            let (real, found) = import_with(&shop, file, &options);
            assert_eq!((told, second), (found, real));
            assert_eq!(commits(&shop), position);
        }
    }
}

#[test]
fn what_is_wrong_is_reported_and_the_rest_arrives() {
    let (alt, long) = ("x".repeat(512), "x".repeat(513));
    let body = "y".repeat(524_289);
    let file = format!(
        "Handle,Title,Body (HTML),Variant Price,Cost per item,Variant Grams,Image Src,Image Alt Text\n\
         good,Good,,1,,,https://a.example/a.png,{alt}\n\
         a,A,,1.005,0.0001,,,\n\
         b,B,,1,,,https://a.example/b.png,{long}\n\
         c,C,{body},1,,,,\n\
         d,D,,1,,100000001,,\n\
         ™,E,,1,,,,\n\
         f,F,,free,,,,\n\
         last,Last,,1,,,,\n"
    );
    let shop = open();
    let (summary, findings) = import(&shop, &file);
    assert_eq!((summary.products, summary.errors), (counts(2, 0, 0, 6), 7));
    let said = said(&findings);
    let places: Vec<_> = said.iter().map(|(line, column, _)| (*line, column.as_str())).collect();
    assert_eq!(
        places,
        [
            (3, "Variant Price"),
            (3, "Cost per item"),
            (4, "Image Alt Text"),
            (5, "Body (HTML)"),
            (6, "Variant Grams"),
            (7, "Handle"),
            (8, "Variant Price"),
        ]
    );
    assert!(said[0].2.contains("USD"), "{}", said[0].2);
    assert!(said[2].2.contains("512"), "{}", said[2].2);
    assert!(said[3].2.contains("524,288"), "{}", said[3].2);
    assert_eq!(findings[0].value.as_deref(), Some("1.005"));
    assert_eq!(findings[3].value.as_deref().unwrap().chars().count(), 61);
    assert_eq!(product(&shop, "good").images[0].alt.as_deref(), Some(&*alt));
    assert!(find(&shop, "last").is_some());
    for handle in ["a", "b", "c", "d", "f"] {
        assert!(find(&shop, handle).is_none(), "{handle}");
    }
}

#[test]
fn an_import_that_stops_says_so_and_goes_on_next_time() {
    let shop = open();
    let cut = FIXTURE.find("voucher").unwrap();
    let (done, _) = try_import(&shop, Broken(&FIXTURE.as_bytes()[..cut]), &Options::default());
    let stopped = done.unwrap_err();
    assert!(matches!(stopped.cause, StopCause::Read(_)), "{stopped}");
    assert_eq!(stopped.summary.products.created, 4);
    assert_eq!(import(&shop, FIXTURE).0.products, counts(6, 0, 4, 0));

    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap());
    let unopened = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    let (done, _) = try_import(&unopened, FIXTURE.as_bytes(), &Options::default());
    assert!(matches!(done.unwrap_err().cause, StopCause::Shop { .. }));
}

#[test]
fn a_shop_that_is_busy_for_a_moment_stops_no_import() {
    let store = Shared::new();
    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap());
    let shop = Commerce::new(store.clone(), clock, SeededIds::new(1));
    block_on(shop.open(Shop::new("Test", Currency::USD).unwrap())).unwrap();
    let mut commits = 0;
    store.roll(move || {
        commits += 1;
        (commits % 3 != 0).then_some(Fault::Unavailable)
    });
    assert_eq!(import(&shop, FIXTURE).0.products, counts(10, 0, 0, 0));
    // One that does not answer at all ends it.
    store.roll(|| Some(Fault::Unavailable));
    let file = "Handle,Title,Variant Price\nnew,New,1\n";
    let (done, findings) = try_import(&shop, file.as_bytes(), &Options::default());
    let stopped = done.unwrap_err();
    assert!(matches!(stopped.cause, StopCause::Shop { line: 2, .. }), "{stopped}");
    assert_eq!(findings[0].detail, "this product did not arrive: the connection was lost");
}

#[test]
fn a_file_is_imported_with_a_report() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let shop = open();
    let folder = std::env::temp_dir().join(format!("import-report-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("shop.csv");
    let import = |options: &Options, is_terminal| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let file = ShopifyFile::open(&path, options).unwrap();
        let done = import_file(&shop, file, options, &mut out, &mut err, is_terminal);
        let ending = block_on(is_send(done)).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ending, text(out), text(err))
    };
    std::fs::write(&path, FIXTURE).unwrap();
    let dry = Options { dry_run: true, ..Options::default() };
    let (ending, out, err) = import(&dry, false);
    assert_eq!(ending, Ending::Complete);
    assert!(out.starts_with("Dry run: nothing was written."), "{out}");
    assert!(out.contains("products: 10 created, 0 updated, 0 unchanged, 0 failed"), "{out}");
    assert!(out.contains("  \"Google Shopping / Condition\": 1\n"), "{out}");
    assert!(err.lines().all(|line| line.starts_with("warning: line ")), "{err}");
    assert!(!err.contains('\x1b'));
    let (_, _, err) = import(&Options::default(), true);
    assert!(err.contains("100 %") && err.ends_with("\r\x1b[K"), "{err:?}");

    std::fs::write(&path, format!("{FIXTURE}bad,Bad,,,,,\n")).unwrap();
    let (ending, out, err) = import(&Options::default(), false);
    assert_eq!(ending, Ending::Partial);
    assert!(out.contains("10 unchanged, 1 failed"), "{out}");
    assert!(err.lines().last().unwrap().starts_with("error: line 31, product \"bad\""), "{err}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_arrives_otherwise_than_it_stands_in_the_file_is_told() {
    let file = "Handle,Title,Body (HTML),SKU,Price,Vendor\n\
                tape,Tape,<p>3M\u{99} \u{2122}</p>,T,1,Caf\u{e9}\n";
    let shop = open();
    let (summary, findings) = import(&shop, file);
    let said = said(&findings);
    let detail = "has control characters, which were read as Windows-1252".to_owned();
    assert_eq!(said, [(2, "Body (HTML)".to_owned(), detail)]);
    assert_eq!(findings[0].value.as_deref(), Some("\u{99}"));
    assert_eq!((summary.warnings, summary.products), (1, counts(1, 0, 0, 0)));
    let tape = product(&shop, "tape");
    assert_eq!((&*tape.description, tape.vendor.as_deref()), ("<p>3M™ ™</p>", Some("Café")));
}
