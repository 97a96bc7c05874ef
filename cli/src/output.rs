//! The only room that prints. Results go to stdout, everything else to stderr; with `--json` a result is one object
//! per line. Colour only where a terminal reads it and `NO_COLOR` is not set.

use std::{
    cell::RefCell,
    fmt::Write as _,
    io::{self, BufRead, IsTerminal, Read, Write},
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Error, Exit};

/// Bytes of an answer that are read; nobody types so much.
const MOST_TYPED: u64 = 4096;

/// How results are wanted.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    /// First write that failed; a closed pipe is not a failure.
    broken: RefCell<Option<io::Error>>,
}

/// One line made of styled pieces. Every piece loses its control characters: names and texts come from other people,
/// and a terminal obeys what it is shown.
#[derive(Debug, Default, Clone)]
pub(crate) struct Line(String);

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn text(self, piece: impl AsRef<str>) -> Self {
        self.styled(Style::new(), piece.as_ref())
    }
    pub(crate) fn strong(self, piece: impl AsRef<str>) -> Self {
        self.styled(Style::new().bold(), piece.as_ref())
    }
    pub(crate) fn faint(self, piece: impl AsRef<str>) -> Self {
        self.styled(Style::new().dimmed(), piece.as_ref())
    }
    /// For ids and addresses a person may copy.
    pub(crate) fn id(self, piece: impl AsRef<str>) -> Self {
        self.styled(AnsiColor::Cyan.on_default(), piece.as_ref())
    }
    pub(crate) fn warn(self, piece: impl AsRef<str>) -> Self {
        self.styled(AnsiColor::Yellow.on_default().bold(), piece.as_ref())
    }
    /// This line, and another behind it.
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.0.push_str(&more.0);
        self
    }
    fn styled(mut self, style: Style, piece: &str) -> Self {
        let piece = plain(piece);
        if !piece.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(self.0, "{style}{piece}{style:#}");
        }
        self
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}
impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet, broken: RefCell::default() }
    }

    /// A result for people; nothing with `--json`.
    pub(crate) fn line(&self, line: impl Into<Line>) {
        if !self.json {
            self.write(anstream::stdout(), &line.into().0);
        }
    }

    /// Several lines of text (a post, say), each indented.
    pub(crate) fn block(&self, indent: &str, text: &str) {
        for row in text.lines() {
            self.line(if row.is_empty() { Line::new() } else { Line::new().text(indent).text(row) });
        }
    }

    /// A result for programs; nothing without `--json`.
    pub(crate) fn object(&self, value: &impl Serialize) {
        if self.json {
            match serde_json::to_string(value) {
                Ok(text) => self.write(io::stdout(), &text),
                Err(error) => self.remember(io::Error::other(error)),
            }
        }
    }

    /// A result that is a file of its own, byte for byte.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        if let Err(error) = io::stdout().write_all(bytes) {
            self.remember(error);
        }
    }

    /// Something worth knowing that is not the result.
    pub(crate) fn note(&self, line: impl Into<Line>) {
        if !self.quiet {
            self.write(anstream::stderr(), &line.into().0);
        }
    }

    /// Shown even with `--quiet`: it will not be shown again.
    pub(crate) fn once(&self, line: impl Into<Line>) {
        self.write(anstream::stderr(), &line.into().0);
    }

    /// Asks the person at the terminal; what they typed, without the white space around it.
    pub(crate) fn ask(&self, question: &str) -> Result<String, Error> {
        let failed = |error: io::Error| Error::refused(format!("could not read the answer: {error}"));
        let mut to = anstream::stderr();
        write!(to, "{} ", Line::from(question).0).and_then(|()| to.flush()).map_err(failed)?;
        let mut answer = String::new();
        io::stdin().lock().take(MOST_TYPED).read_line(&mut answer).map_err(failed)?;
        Ok(answer.trim().to_owned())
    }

    /// Asks for something that must not stay on the screen.
    pub(crate) fn ask_hidden(&self, question: &str) -> Result<Zeroizing<String>, Error> {
        rpassword::prompt_password(format!("{question} "))
            .map(Zeroizing::new)
            .map_err(|error| Error::refused(format!("could not read the answer: {error}")))
    }

    /// Can a person read what we say and answer it?
    pub(crate) fn is_conversation(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// For work that takes its time.
    pub(crate) fn progress(&self) -> Progress {
        Progress { on: !self.quiet && io::stderr().is_terminal(), shown: None }
    }

    /// The first failed write, unless the reader simply went away.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        match self.broken.take() {
            Some(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::refused(format!("could not write the result: {cause}")))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, mut to: impl Write, line: &str) {
        if let Err(error) = writeln!(to, "{line}").and_then(|()| to.flush()) {
            self.remember(error);
        }
    }

    fn remember(&self, error: io::Error) {
        self.broken.borrow_mut().get_or_insert(error);
    }
}

/// One line on the terminal that is written over as work goes on, and gone at its end. Nothing where nobody looks.
#[derive(Debug)]
pub(crate) struct Progress {
    on: bool,
    shown: Option<Instant>,
}

/// Between two writings.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

impl Progress {
    pub(crate) fn say(&mut self, text: impl FnOnce() -> String) {
        if self.on && self.shown.is_none_or(|at| at.elapsed() >= PROGRESS_EVERY) {
            self.shown = Some(Instant::now());
            let line = Line::new().faint(text()).0;
            let _ = write!(anstream::stderr(), "\r\u{1b}[2K{line}").and_then(|()| io::stderr().flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(anstream::stderr(), "\r\u{1b}[2K").and_then(|()| io::stderr().flush());
        }
    }
}

/// `moot: could not …: …`, the cause indented, one next step.
pub(crate) fn error(error: &Error) {
    let mut to = anstream::stderr();
    let message = without_number(&error.message);
    let head = Line::new().styled(AnsiColor::Red.on_default().bold(), "moot:").text(" ").text(message);
    let cause = error.detail.iter().map(|detail| Line::new().text("  ").text(without_number(detail)));
    let hint = error.hint.as_deref().unwrap_or(match error.exit {
        Exit::Network => "try again when a node of another member is running",
        _ => "`moot COMMAND --help` shows how it is meant",
    });
    let hint = Line::new().styled(AnsiColor::Green.on_default(), "hint:").text(" ").text(hint);
    for line in std::iter::once(head).chain(cause).chain([hint]) {
        // Nobody is left to be told when stderr is closed.
        let _ = writeln!(to, "{}", line.0);
    }
}

/// "No such file or directory (os error 2)" without the number, which tells a person nothing.
fn without_number(text: &str) -> String {
    match text.split_once(" (os error ") {
        Some((before, rest)) => {
            let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}{}", after.strip_prefix(')').unwrap_or(after))
        }
        None => text.to_owned(),
    }
}

/// Without control characters and without the invisible ones that turn the direction of writing.
fn plain(text: &str) -> String {
    let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter_map(|c| if c == '\n' || c == '\t' { Some(' ') } else { Some(c).filter(|c| !hidden(*c)) })
        .collect()
}

/// "1 event", "3 events".
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// 1 536 → "1.5 KiB".
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return count(n, "byte", "bytes");
    }
    let (mut tenths, mut unit) = (n.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        let line = Line::from("a\u{1b}[2Jb\u{7}\u{202e}c\nd");
        assert_eq!(line.0, "a[2Jbc d");
    }

    #[test]
    fn the_numbers_of_the_system_are_not_said() {
        assert_eq!(without_number("no such file (os error 2): a.ics"), "no such file: a.ics");
    }

    #[test]
    fn sizes_are_said_in_the_unit_people_read() {
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(48 * 1024 * 1024), "48.0 MiB");
    }
}
