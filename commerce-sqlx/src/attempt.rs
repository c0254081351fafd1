//! A batch in one transaction: how it is tried, and what became of it.

use std::time::Duration;

use commerce_core::store::Commit;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use crate::{
    batch::{self, Verdict, Way},
    error::{Error, Meaning},
};

/// What became of a batch that was tried.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It is durable, but for the commits that did not hold, each with its reason.
    Done(Vec<Verdict>),
    /// Nothing of it was written.
    Undone(Error),
    /// Nobody knows what became of those that hold.
    Unknown(Vec<Verdict>, Error),
}

/// How long a transaction may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For each lock that another transaction has.
    pub(crate) lock: Duration,
    /// For an answer of the server, which is to give up before.
    pub(crate) answer: Duration,
}

/// Writes a batch in one transaction.
pub(crate) async fn attempt(
    connection: &mut PgConnection,
    commits: &[&Commit],
    way: Way,
    patience: Patience,
) -> Attempt {
    let Patience { lock, answer } = patience;
    let written = timeout(answer, async {
        let mut transaction = connection.begin().await?;
        let verdicts = batch::write(&mut transaction, commits, way, Some(lock)).await;
        Ok::<_, Error>((transaction, verdicts))
    })
    .await;
    let (transaction, verdicts) = match written {
        Ok(Ok((transaction, Ok(verdicts)))) => (transaction, verdicts),
        Ok(Ok((transaction, Err(error)))) => {
            return match timeout(answer, transaction.rollback()).await {
                Ok(Ok(())) => Attempt::Undone(error),
                // The connection is gone, and its transaction with it.
                Ok(Err(_)) | Err(_) => Attempt::Undone(Error::Late),
            };
        }
        Ok(Err(error)) => return Attempt::Undone(error),
        Err(_) => return Attempt::Undone(Error::Late),
    };
    if !verdicts.contains(&Verdict::Holds) {
        return match timeout(answer, transaction.rollback()).await {
            Ok(Ok(())) => Attempt::Done(verdicts),
            Ok(Err(_)) | Err(_) => Attempt::Undone(Error::Late),
        };
    }
    let error = match timeout(answer, transaction.commit()).await {
        Ok(Ok(())) => return Attempt::Done(verdicts),
        Ok(Err(error)) => Error::Database(error),
        Err(_) => Error::Late,
    };
    match error.meaning() {
        // What the server itself takes back, it has not done.
        Meaning::Conflict | Meaning::Blocked | Meaning::Constraint => Attempt::Undone(error),
        Meaning::Lost | Meaning::Other => Attempt::Unknown(verdicts, error),
    }
}
