//! The clock of this machine beside that of the database, by which the servers of a shop know one another's.

use std::time::{Duration, Instant, SystemTime};

use commerce_core::Commerce;
use sqlx::{PgConnection, Row};

use crate::error::OpenError;

/// By how much a server's clock may differ from the database's: one that is behind it and one that is ahead
/// differ by twice as much.
pub(crate) const DIFFERS_MAX: Duration =
    Duration::from_millis(1_000 * Commerce::CLOCKS_DIFFER_MAX.as_secs() / 2);
/// How often the database is asked at most: of an answer that was long on its way nobody knows how old it is.
const TRIES: usize = 5;
/// What is not long.
const SOON: Duration = Duration::from_millis(100);

/// Refuses a machine whose clock differs from the database's by more than servers bear. What is found is wrong
/// by half of what the quickest answer took, at most.
pub(crate) async fn check(connection: &mut PgConnection) -> Result<(), OpenError> {
    const ITS_TIME: &str = "SELECT (1000 * extract(epoch FROM clock_timestamp()))::bigint";
    let (mut quickest, mut ahead) = (Duration::MAX, 0);
    for _ in 0..TRIES {
        let (now, asked) = (SystemTime::now(), Instant::now());
        // One round trip, so that it looks at its clock somewhere in the middle.
        let row = sqlx::raw_sql(ITS_TIME).fetch_one(&mut *connection).await?;
        let took = asked.elapsed();
        if took < quickest {
            (quickest, ahead) = (took, millis_ahead(now + took / 2, row.try_get(0)?));
        }
        if took < SOON {
            break;
        }
    }
    if differs(ahead) { Err(OpenError::Clock { millis: ahead }) } else { Ok(()) }
}

/// Whether so many milliseconds are too many.
fn differs(millis: i64) -> bool {
    u128::from(millis.unsigned_abs()) > DIFFERS_MAX.as_millis()
}

/// How many milliseconds a clock is ahead of another, which says its milliseconds since 1970.
fn millis_ahead(of_this_machine: SystemTime, of_the_server: i64) -> i64 {
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let now = of_this_machine
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or_else(|before| -millis(before.duration()), millis);
    now.saturating_sub(of_the_server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_that_are_taken_differ_by_no_more_than_leases_bear() {
        assert_eq!(2 * DIFFERS_MAX, Commerce::CLOCKS_DIFFER_MAX);
        let most = i64::try_from(DIFFERS_MAX.as_millis()).unwrap();
        for (millis, too_many) in
            [(0, false), (most, false), (-most, false), (most + 1, true), (-most - 1, true)]
        {
            assert_eq!(differs(millis), too_many, "{millis}");
        }
        let error = OpenError::Clock { millis: -1_234 };
        assert!(error.to_string().contains("is 1.2 s behind that of the database, and"), "{error}");
        assert!(error.to_string().contains(" 1 s "), "{error}");
    }

    #[test]
    fn a_clock_may_stand_anywhere() {
        let at = |millis: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        for (here, there, ahead) in
            [(5, 5, 0), (1_061, 1_000, 61), (1_000, 1_061, -61), (0, i64::MIN, i64::MAX)]
        {
            assert_eq!(millis_ahead(at(here), there), ahead, "{here} {there}");
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(90);
        assert_eq!(millis_ahead(before, 0), -90_000);
    }
}
