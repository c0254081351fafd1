//! How those who wait for events hear that there may be some.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// What a store rings when its outbox may have grown.
///
/// It needs no runtime: whoever waits is woken through their own task. Clones are the same bell.
///
/// ```
/// use commerce_core::store::Bell;
/// let bell = Bell::default();
/// let mut listener = bell.listen();
/// bell.ring();
/// # pollster::block_on(async {
/// listener.rung().await;
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Mutex<Rings>>);

#[derive(Debug, Default)]
struct Rings {
    count: u64,
    waiting: Vec<Waker>,
}

impl Bell {
    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all who wait.
    pub fn ring(&self) {
        let waiting = {
            let mut rings = self.rings();
            rings.count = rings.count.wrapping_add(1);
            std::mem::take(&mut rings.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Somebody who hears each ring from now on, also those that come while they do something else.
    pub fn listen(&self) -> Listener {
        Listener { heard: self.rings().count, bell: self.clone() }
    }
}

/// Somebody who listens to a [`Bell`].
#[derive(Debug)]
pub struct Listener {
    bell: Bell,
    heard: u64,
}

impl Listener {
    /// Waits until the bell was rung since this was answered last, however often. A future that is
    /// dropped has heard nothing.
    pub async fn rung(&mut self) {
        std::future::poll_fn(|context| {
            let mut rings = self.bell.rings();
            if rings.count != self.heard {
                self.heard = rings.count;
                return Poll::Ready(());
            }
            let waker = context.waker();
            if !rings.waiting.iter().any(|known| known.will_wake(waker)) {
                rings.waiting.push(waker.clone());
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Wake},
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_ring_is_heard_once_by_each_who_listens_and_wakes_who_waits() {
        let woken = Arc::new(Woken::default());
        let waker = woken.clone().into();
        let mut context = Context::from_waker(&waker);
        let bell = Bell::default();
        bell.ring();
        let [mut one, mut other] = [bell.listen(), bell.clone().listen()];
        let mut hears =
            |listener: &mut Listener| pin!(listener.rung()).poll(&mut context).is_ready();
        assert!(!hears(&mut one) && !hears(&mut one), "what was before is not heard");
        bell.ring();
        bell.ring();
        assert_eq!(woken.0.load(Ordering::SeqCst), 1, "once, however often it waited");
        for listener in [&mut one, &mut other] {
            assert!(hears(listener));
            assert!(!hears(listener));
        }
    }
}
