//! What a test has heard, to be compared with what it hears on another store.

use std::{
    env,
    fmt::Write as _,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Mutex,
    thread::{self, ThreadId},
};

use super::Answer;

/// Names the folder that transcripts are kept in.
pub const VARIABLE: &str = "COMMERCE_TEST_TRANSCRIPTS";

/// The answers to one shop's requests, in their order. It is kept when the test has passed, unless
/// several threads have asked: what they hear depends on who was first.
#[derive(Debug)]
pub struct Transcript {
    folder: Option<PathBuf>,
    thread: ThreadId,
    /// `None` once another thread has asked.
    text: Mutex<Option<String>>,
}

impl Transcript {
    pub fn begin() -> Self {
        let text = Mutex::new(Some(String::new()));
        Self { folder: env::var_os(VARIABLE).map(Into::into), thread: thread::current().id(), text }
    }

    pub fn note(&self, method: &str, path: &str, answer: &Answer) {
        if self.folder.is_none() {
            return;
        }
        let mut text = format!("{method} {path}\n{}\n", answer.status);
        for (name, value) in &answer.headers {
            // These are not the store's.
            if !["date", "x-request-id"].contains(&name.as_str()) {
                writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
            }
        }
        // An id of the request stands in a problem, too.
        let id = answer.header("x-request-id");
        let body = String::from_utf8_lossy(&answer.body);
        let body = if id.is_empty() { body.into_owned() } else { body.replace(id, "ID") };
        writeln!(text, "{body}").unwrap();
        self.tell(&text);
    }

    /// Notes something else.
    pub fn tell(&self, what: &str) {
        if self.folder.is_none() {
            return;
        }
        let mut text = self.text.lock().unwrap();
        if thread::current().id() != self.thread {
            *text = None;
        }
        let Some(text) = &mut *text else { return };
        writeln!(text, "{what}").unwrap();
    }

    fn keep(&self, folder: &Path, text: &str) {
        let name = thread::current().name().unwrap_or("main").replace("::", ".");
        let file = OpenOptions::new().create(true).append(true).open(folder.join(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        let text = self.text.get_mut().map(Option::take);
        if let (Some(folder), Ok(Some(text)), false) = (&self.folder, text, thread::panicking()) {
            self.keep(folder, &text);
        }
    }
}
