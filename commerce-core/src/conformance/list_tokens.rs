//! Lists of API tokens.

use super::{
    Bench,
    make::{Make, at, commit},
    read::pages,
};
use crate::access::ApiToken;

pub(super) async fn come_the_newest_first(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut all = [5, 1, 3, 3, -4].map(|n| ApiToken { created_at: at(n), ..make.token() });
    all[1].revoked_at = Some(at(9));
    let mut inserts = commit();
    for token in &all {
        inserts.insert(token.clone());
    }
    t.commit(&inserts).await;
    all.sort_by_key(|token| std::cmp::Reverse((token.created_at, token.id)));
    for limit in [1, 2, 100] {
        let store = t.store();
        let found = pages(limit, |page| async move { store.api_tokens(&page).await.unwrap() });
        let found: Vec<_> = found.await.iter().map(|token| (*token.value).clone()).collect();
        assert_eq!(found, all, "{limit} at a time");
    }
}
