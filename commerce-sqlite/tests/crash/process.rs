//! Processes of their own, which run a part of this test's program until they are killed.

use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::{common::Dice, disk, host, store, two};

/// Tells a process of its own which part it is to run, and on which file.
const PART: &str = "COMMERCE_SQLITE_PART";
const FILE: &str = "COMMERCE_SQLITE_FILE";

/// What a process says before anything when it panics.
const PANIC: &str = "panic";

/// The process that other tests start. By itself it has nothing to do.
#[test]
fn child() {
    let Ok(part) = env::var(PART) else { return };
    let file = PathBuf::from(env::var_os(FILE).unwrap());
    // Whoever started it hears of a panic, also if this process is killed before it ends.
    std::panic::set_hook(Box::new(|panic| say(&format!("{PANIC}: {panic}"))));
    match part.as_str() {
        "disk" => disk::work(&file),
        "host" => host::work(&file),
        "store" => store::work(&file),
        "two" => two::work(&file),
        other => unreachable!("{other}"),
    }
}

/// Tells the test that started this process something, by one write: it arrives whole or not at all.
pub(crate) fn say(what: &str) {
    std::io::stdout().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// Waits for a word of the test that started this process.
pub(crate) fn listen() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// How many processes a test kills.
pub(crate) fn kills(unless_told: u64) -> u64 {
    env::var("KILLS").map_or(unless_told, |kills| kills.parse().unwrap())
}

/// What happens to a process that would make a file longer than so many bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FileLimit {
    /// It can, as far as this test is concerned.
    None,
    /// The system kills it in the middle of that write.
    Kills(u64),
    /// The write fails, as on a disk without room, once there is a limit.
    Fails,
}

pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn start(part: &str, file: &Path, limit: FileLimit) -> Self {
        let limit = match limit {
            FileLimit::None => String::new(),
            // A shell counts in blocks of 512 bytes.
            FileLimit::Kills(bytes) => format!("ulimit -S -f {};", bytes / 512),
            FileLimit::Fails => "trap '' XFSZ;".to_owned(),
        };
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -c 0; {limit} exec \"$@\""), "sh"])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "process::child", "--nocapture"])
            .env(PART, part)
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go on.
    pub(crate) fn tell(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// The next thing that it says; `None` once it has ended.
    pub(crate) fn hear(&mut self) -> Option<String> {
        self.lines.next().map(Result::unwrap)
    }

    /// Hears the process until it has said so many things that begin with `word`, kills it some
    /// microseconds later, and gives all that it said up to its death.
    pub(crate) fn kill_after(
        mut self,
        count: u64,
        word: &str,
        dice: &mut Dice,
    ) -> (Vec<String>, ExitStatus) {
        let mut heard = Vec::new();
        let mut left = count;
        while left > 0 {
            let Some(line) = self.hear() else { break };
            left -= u64::from(line.starts_with(word));
            assert!(!line.starts_with(PANIC), "{line}");
            heard.push(line);
        }
        let pause = Duration::from_micros(dice.below(1_500));
        let heard_at = Instant::now();
        while heard_at.elapsed() < pause {
            std::hint::spin_loop();
        }
        self.child.kill().unwrap();
        let (rest, status) = self.end();
        heard.extend(rest);
        (heard, status)
    }

    /// Hears the process to its end.
    pub(crate) fn end(mut self) -> (Vec<String>, ExitStatus) {
        let mut heard = Vec::new();
        while let Some(line) = self.hear() {
            heard.push(line);
        }
        let status = self.child.wait().unwrap();
        let panicked = heard.iter().any(|line| line.starts_with(PANIC));
        assert!(!panicked && (status.success() || status.code().is_none()), "{heard:#?}");
        (heard, status)
    }
}

/// What was said after a word.
pub(crate) fn said<'a>(heard: &'a [String], word: &'a str) -> impl Iterator<Item = &'a str> {
    heard.iter().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
}
