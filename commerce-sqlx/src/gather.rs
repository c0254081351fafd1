//! Carts that are to be checked out, read together: whoever asks while others are being read is read with
//! all who ask meanwhile, in one statement.
//!
//! A checkout needs much, and most of what a statement costs is the same for one cart and for many.
//! Nobody waits for others to come: where nobody is being read, one cart is read at once. What is
//! read is never older than the question, because a statement begins only after all that it answers
//! were asked.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use commerce_core::{
    cart::CheckoutInputs,
    id::{CartId, VariantId},
    store::{StoreError, StoreResult},
};
use futures_util::FutureExt;
use tokio::{
    runtime::Handle,
    sync::{Mutex, mpsc, oneshot},
    time::timeout,
};

use crate::{
    error::{Error, Meaning, Result},
    readers::{Readers, tried},
    table::checkout::{self, Wanted},
};

/// The statements that are on their way at once. With more of them fewer would be read together.
const AT_ONCE: usize = 2;
/// The carts that are read together.
const TOGETHER_MAX: usize = 64;
/// The carts that can wait; whoever comes after them waits to be let in.
const QUEUE: usize = 1_024;

type Answer = StoreResult<Option<CheckoutInputs>>;

/// A cart that waits to be read.
#[derive(Debug)]
struct Asked {
    wanted: Wanted,
    until: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The way to those who read carts.
#[derive(Debug)]
pub(crate) struct Checkouts {
    queue: mpsc::Sender<Asked>,
    runtime: Handle,
    /// How long to wait for a turn.
    wait: Duration,
}

impl Checkouts {
    /// Starts those who read, on the runtime of the caller. They end when this is dropped.
    pub(crate) fn start(readers: &Arc<Readers>) -> Self {
        let (queue, asked) = mpsc::channel(QUEUE);
        let (runtime, asked) = (Handle::current(), Arc::new(Mutex::new(asked)));
        for _ in 0..AT_ONCE {
            runtime.spawn(serve(Arc::clone(readers), Arc::clone(&asked)));
        }
        Self { queue, runtime, wait: readers.wait() }
    }

    /// A cart with all that pricing and placing it need, and what `also` names besides.
    pub(crate) async fn inputs(&self, cart: CartId, also: Vec<VariantId>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let asked =
            Asked { wanted: Wanted { cart, also }, until: Instant::now() + self.wait, answer };
        let sending = {
            // Whoever waits may do so by any executor.
            let _inside = self.runtime.enter();
            timeout(self.wait, self.queue.send(asked))
        };
        match sending.await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Error::Closed.into()),
            Err(_) => return Err(Error::Late.into()),
        }
        answered.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }
}

async fn serve(readers: Arc<Readers>, asked: Arc<Mutex<mpsc::Receiver<Asked>>>) {
    let mut batch = Vec::with_capacity(TOGETHER_MAX);
    while asked.lock().await.recv_many(&mut batch, TOGETHER_MAX).await > 0 {
        let now = Instant::now();
        let (batch, old): (Vec<_>, Vec<_>) = batch.drain(..).partition(|it| it.until > now);
        for Asked { answer, .. } in old {
            let _ = answer.send(Err(Error::Late.into()));
        }
        // Whoever has gone away need not be read.
        let batch = batch.into_iter().filter(|it| !it.answer.is_closed());
        let (wanted, answers): (Vec<_>, Vec<_>) =
            batch.map(|Asked { wanted, answer, .. }| (wanted, answer)).unzip();
        // A panic drops the channels, which tells those who wait.
        let reading = AssertUnwindSafe(read(&readers, &wanted)).catch_unwind().await;
        for (answer, read) in answers.into_iter().zip(reading.unwrap_or_default()) {
            let _ = answer.send(read);
        }
    }
}

/// Reads carts, together if that is possible.
async fn read(readers: &Readers, wanted: &[Wanted]) -> Vec<Answer> {
    match together(readers, wanted).await {
        Ok(read) => read.into_iter().map(Ok).collect(),
        Err(error) if wanted.len() <= 1 => vec![Err(error.into())],
        Err(error)
            if matches!(error.meaning(), Meaning::Lost) || matches!(error, Error::Closed) =>
        {
            let why = error.to_string();
            wanted.iter().map(|_| Err(StoreError::unavailable(why.clone()))).collect()
        }
        // One of which nothing can be made is to fail alone.
        Err(_) => {
            let mut answers = Vec::with_capacity(wanted.len());
            for one in wanted.chunks(1) {
                let read = together(readers, one).await;
                answers.push(read.map(|mut read| read.pop().flatten()).map_err(StoreError::from));
            }
            answers
        }
    }
}

async fn together(readers: &Readers, wanted: &[Wanted]) -> Result<Vec<Option<CheckoutInputs>>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let _place = readers.place().await?;
    tried!(readers, |connection| checkout::inputs(connection, wanted))
}
