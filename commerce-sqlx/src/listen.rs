//! Hearing of what other servers tell.
//!
//! Whatever writes to the outbox notifies a channel that is called as the schema, within the same
//! transaction. A notification says only that there is something to look for; one that is lost is no
//! loss, because whoever waits for events looks now and then all the same.
//!
//! Of all transactions of a PostgreSQL server, those that notify commit one after the other: each takes a
//! lock for it. The writers of one shop do so anyway, as each holds the end of the outbox until then:
//! of three server processes with 128 callers, one waited for that lock in 4 of 3,000 looks. Several shops
//! on one PostgreSQL server wait for each other; with four writers at once that cost less than what
//! one run differs from the next by.

use std::{sync::OnceLock, time::Duration};

use commerce_core::store::Bell;
use sqlx::{
    Executor,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{runtime::Handle, task::AbortHandle, time::timeout};

use crate::{open::OpenOptions, pause::Pause};

/// After as long a silence the server is asked whether it is still there: a line that has broken
/// without a word looks just like one on which nothing is said.
const SILENCE: Duration = Duration::from_secs(30);

/// The bell of a store, and the task that rings it when others tell something. The task begins when
/// somebody wants to listen.
#[derive(Debug)]
pub(crate) struct Listening {
    bell: Bell,
    connect: PgConnectOptions,
    options: OpenOptions,
    runtime: Handle,
    task: OnceLock<AbortHandle>,
}

impl Listening {
    /// Within a runtime.
    pub(crate) fn new(connect: PgConnectOptions, options: OpenOptions) -> Self {
        let (bell, task) = (Bell::default(), OnceLock::new());
        Self { bell, connect, options, runtime: Handle::current(), task }
    }

    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    pub(crate) fn bell(&self) -> Bell {
        self.task.get_or_init(|| {
            let OpenOptions { schema, connect_timeout, .. } = self.options.clone();
            let (connect, bell) = (self.connect.clone(), self.bell.clone());
            self.runtime.spawn(listen(connect, schema, connect_timeout, bell)).abort_handle()
        });
        self.bell.clone()
    }

    pub(crate) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Rings a bell whenever something is told in a schema, for ever.
async fn listen(connect: PgConnectOptions, schema: String, patience: Duration, bell: Bell) {
    let mut pause = Pause::default();
    loop {
        if let Ok(Ok(listener)) = timeout(patience, begin(connect.clone(), &schema)).await {
            pause = Pause::default();
            hear(listener, patience, &bell).await;
        }
        pause.wait().await;
    }
}

async fn begin(connect: PgConnectOptions, schema: &str) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(connect);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(schema).await?;
    Ok(listener)
}

/// Listens until the connection is lost.
async fn hear(mut listener: PgListener, patience: Duration, bell: &Bell) {
    // What was told before is not heard any more.
    bell.ring();
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(_))) => bell.ring(),
            Ok(Ok(None) | Err(_)) => return,
            Err(_) => match timeout(patience, listener.execute("SELECT 1")).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return,
            },
        }
    }
}
