//! Work that finishes although nobody waits for it.

use std::panic::resume_unwind;

use tokio_util::task::TaskTracker;

/// The work in progress that must not be cut off: when a client hangs up, axum drops the future
/// of its handler, and with it whatever that awaits.
#[derive(Debug, Clone, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` on a task of its own and waits for what it gives. Dropping the returned future
    /// leaves the work running; a panic in it goes on in the caller.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let tasks = commerce_http::tasks::Tasks::new();
    /// assert_eq!(tasks.run_to_end(async { 1 + 1 }).await, 2);
    /// # });
    /// ```
    pub async fn run_to_end<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        match self.0.spawn(work).await {
            Ok(output) => output,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // Only a runtime that shuts down cancels tasks; then it drops this future, too.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Begins `work` on a task of its own, and waits for nothing.
    pub fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work);
    }

    /// Waits until no work is in progress. Work may still be begun meanwhile.
    pub async fn ended(&self) {
        self.0.close();
        self.0.wait().await;
        self.0.reopen();
    }
}
