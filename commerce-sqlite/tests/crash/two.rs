//! Two processes that sell from one file at the same time.

use std::path::Path;

use commerce_core::{access::Caller, error::Rejection};
use pollster::block_on;

use crate::{
    common::{check_books, sell, try_cart},
    process::{FileLimit, Process, listen, said, say},
    store::{find, open},
};

/// Sells as long as there is anything, and counts what it sells as received of something else.
pub(crate) fn work(file: &Path) {
    let shop = &open(file);
    let (scarce, tally) = (find(shop, "SCARCE"), find(shop, "TALLY"));
    say("ready");
    listen();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                loop {
                    let placed =
                        try_cart(shop, &[(scarce, 1)]).and_then(|cart| cart.check_out(shop));
                    match placed {
                        Ok(placed) => say(&format!("sold {}", placed.order.id)),
                        Err(error) => {
                            let short = error.rejection();
                            assert!(
                                matches!(short, Some(Rejection::InsufficientStock { .. })),
                                "{error:?}"
                            );
                            return;
                        }
                    }
                    let office = Caller::system();
                    block_on(shop.receive_stock(&office, None, &[(tally, 1)], None)).unwrap();
                }
            });
        }
    });
}

#[test]
fn two_processes_sell_what_there_is_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let shop = open(&path);
    sell(&shop, "SCARCE", 80);
    sell(&shop, "TALLY", 1);
    let mut processes = [(); 2].map(|()| Process::start("two", &path, FileLimit::None));
    for process in &mut processes {
        while process.hear().unwrap() != "ready" {}
    }
    processes.iter_mut().for_each(Process::tell);
    let sold = processes.map(|process| said(&process.end().0, "sold").count());
    assert_eq!(sold[0] + sold[1], 80);
    assert!(sold.iter().all(|sold| *sold > 0), "they took turns: {sold:?}");
    let stock = |sku| block_on(shop.stock_of(&Caller::system(), find(&shop, sku))).unwrap();
    assert_eq!((stock("SCARCE").on_hand, stock("SCARCE").available), (80, 0));
    assert_eq!(stock("TALLY").on_hand, 81, "no movement is lost");
    drop(shop);
    check_books(&path);
}
