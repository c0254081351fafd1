//! What befalls a program where it meets the outside: at every point at which it reads, commits or
//! asks a provider, it can go on, be told no, be left without an answer, or die.

use std::{
    fmt,
    future::{pending, poll_fn},
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use pollster::block_on;

/// What befalls it at one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It dies before anything happens.
    DiesBefore,
    /// It dies when it has happened, and nobody hears of it.
    DiesAfter,
    /// It is told that nothing happened.
    Fails,
    /// Nothing happens, and it is not told.
    LostBefore,
    /// It happens, and it is not told.
    LostAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 5] =
        [Self::DiesBefore, Self::DiesAfter, Self::Fails, Self::LostBefore, Self::LostAfter];
}

/// A point at which a program meets the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point<'a> {
    /// Its name, such as `commit order.placed` or `gateway capture`.
    pub(crate) name: &'a str,
    /// Whether something happens there. What only asks cannot be half done.
    pub(crate) acts: bool,
}

/// An answer that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Nothing happened, which is known.
    Failed,
    /// What happened is not known.
    Lost,
}

type Dice = Box<dyn FnMut(Point<'_>) -> Option<Fault> + Send>;
/// Something that several do at once.
pub(crate) type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Default)]
struct State {
    dice: Option<Dice>,
    /// Whether several are under way, which take turns at each point.
    racing: bool,
    /// Whether whoever was under way let the others go on.
    yielded: bool,
    /// Whether whoever was under way has died.
    died: bool,
    story: Vec<String>,
}

/// Decides what befalls whoever shares it, and remembers what did.
#[derive(Clone, Default)]
pub(crate) struct Fate(Arc<Mutex<State>>);

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fate")
    }
}

impl Fate {
    // What a panic leaves behind is still told.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides the fault of each point from now on.
    pub(crate) fn roll(&self, dice: impl FnMut(Point<'_>) -> Option<Fault> + Send + 'static) {
        self.state().dice = Some(Box::new(dice));
    }

    /// Nothing goes wrong from now on.
    pub(crate) fn calm(&self) {
        self.state().dice = None;
    }

    /// Does something in which nothing goes wrong.
    pub(crate) fn calmly<T>(&self, act: impl FnOnce() -> T) -> T {
        let dice = self.state().dice.take();
        let answer = act();
        self.state().dice = dice;
        answer
    }

    /// Adds to the story.
    pub(crate) fn tell(&self, line: impl Into<String>) {
        self.state().story.push(line.into());
    }

    pub(crate) fn story(&self) -> String {
        self.state().story.join("\n")
    }

    /// Does something at a point, as far as fate lets it.
    pub(crate) async fn meet<T>(
        &self,
        point: Point<'_>,
        act: impl Future<Output = T>,
    ) -> Result<T, NoAnswer> {
        let racing = self.state().racing;
        if racing {
            self.take_turns().await;
        }
        let fault = {
            let mut state = self.state();
            let fault = state.dice.as_mut().and_then(|dice| dice(point));
            if point.acts || fault.is_some() {
                let ends = fault.map_or_else(String::new, |fault| format!(": {fault:?}"));
                state.story.push(format!("    {}{ends}", point.name));
            }
            fault
        };
        match fault {
            None => Ok(act.await),
            Some(Fault::Fails) => Err(NoAnswer::Failed),
            Some(Fault::LostBefore) => Err(NoAnswer::Lost),
            Some(Fault::LostAfter) => {
                act.await;
                Err(NoAnswer::Lost)
            }
            Some(Fault::DiesBefore) => self.die().await,
            Some(Fault::DiesAfter) => {
                act.await;
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.state().died = true;
        pending().await
    }

    async fn take_turns(&self) {
        let mut went = false;
        poll_fn(|_| {
            if mem::replace(&mut went, true) {
                return Poll::Ready(());
            }
            self.state().yielded = true;
            Poll::Pending
        })
        .await;
    }

    /// Does something to its end; `None` if it died on the way.
    pub(crate) fn run<'a, T: 'a>(&self, task: Task<'a, T>) -> Option<T> {
        self.race(vec![task], &mut |_| 0).pop().flatten()
    }

    /// Does several things at once: at each point, `choose` says which of so many that are not at
    /// their end goes on. Those that died on the way are `None`.
    pub(crate) fn race<'a, T: 'a>(
        &self,
        tasks: Vec<Task<'a, T>>,
        choose: &mut dyn FnMut(usize) -> usize,
    ) -> Vec<Option<T>> {
        self.state().racing = tasks.len() > 1;
        let mut done: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
        let mut left: Vec<(usize, Task<'a, T>)> = tasks.into_iter().enumerate().collect();
        while !left.is_empty() {
            let turn = choose(left.len());
            let (at, task) = &mut left[turn];
            // Until it is at its end, has died, or lets others go on: meanwhile it may well wait for
            // a real answer.
            let answer = block_on(poll_fn(|cx| match task.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(Some(answer))),
                Poll::Pending => {
                    let mut state = self.state();
                    if mem::take(&mut state.died) {
                        Poll::Ready(Some(None))
                    } else if mem::take(&mut state.yielded) {
                        Poll::Ready(None)
                    } else {
                        Poll::Pending
                    }
                }
            }));
            if let Some(end) = answer {
                done[*at] = end;
                drop(left.swap_remove(turn));
            }
        }
        self.state().racing = false;
        done
    }
}
