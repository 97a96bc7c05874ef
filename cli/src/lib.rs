//! `moot`: publish, read and keep what your community says, from the command line.
//!
//! A command turns arguments into [`folkmoot_node::request::Request`]s, `session` brings them to the data, `output`
//! prints the answer. Only `serve`, `quickstart`, `join` and `sync` start a runtime.

mod args;
mod commands;
mod deferred;
mod draft;
mod editor;
mod error;
mod fetch;
mod form;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod ics;
mod kept;
mod leak;
mod mention;
mod near;
mod output;
mod picture;
mod record;
mod session;
mod usage;
mod venues;
mod when;

use std::{ffi::OsString, panic, process::ExitCode, sync::Mutex, thread};

use clap::{Parser, error::ErrorKind};
use folkmoot_node::clock::Clock;

use crate::{
    error::{Error, Exit, Result},
    output::Output,
    session::Session,
};

/// The whole program: reads the command line, acts, says what came of it.
pub fn main() -> ExitCode {
    confess_panics();
    match panic::catch_unwind(run) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            output::error(&error);
            ExitCode::from(error.exit as u8)
        }
        Err(_) => {
            let said = PANIC.lock().ok().and_then(|mut said| said.take()).unwrap_or_default();
            let error =
                Error::bug(format!("could not go on: {said}")).because(concat!("moot ", env!("CARGO_PKG_VERSION")));
            output::error(&error);
            ExitCode::from(Exit::Bug as u8)
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<OsString> = std::env::args_os().map(not_a_flag).collect();
    deferred::expect(&words);
    let args = match deferred::parse(&words) {
        Some(args) => args,
        None => parse_whole(&words)?,
    };
    let out = Output::new(args.json, args.quiet);
    let (session, config) = Session::new(args.home, args.community, out, Clock::system())?;
    log_to_stderr(args.verbose, config.log());
    commands::run(args.command, &session)?;
    session.out.finish()?;
    session.leave()
}

fn parse_whole(words: &[OsString]) -> Result<args::Moot> {
    match args::Moot::try_parse_from(words) {
        Ok(args) => Ok(args),
        Err(error) if is_misunderstood(&error) => Err(usage::said(&error, words)),
        // Help and version, asked for or in place of nothing.
        Err(error) => error.exit(),
    }
}

fn is_misunderstood(error: &clap::Error) -> bool {
    error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// A text that begins with a list item, `- like this`, is no flag. The space before it is trimmed where texts are read.
fn not_a_flag(arg: OsString) -> OsString {
    match arg.to_str() {
        Some(text) if text.starts_with("- ") => format!(" {text}").into(),
        _ => arg,
    }
}

/// What the main thread panicked about, until somebody catches it.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A panic is our bug and is told in the form of every other failure. In the main thread it is told by whoever catches
/// it (opening a damaged store is allowed to); in a task of a running node it goes to the log, and the node goes on.
fn confess_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
        let payload = info.payload();
        let text =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let cause = format!("{}{place}", text.unwrap_or("no reason given"));
        if thread::current().name() != Some("main") {
            tracing::error!(%cause, "a task failed; this is our bug, please report it");
        } else if let Ok(mut said) = PANIC.lock() {
            *said = Some(cause);
        }
    }));
}

/// `MOOT_LOG`, else `-v`, else the setting `log`: levels, of all or by target, as `RUST_LOG` is mostly written. (Filters by
/// span and field would bring an engine for regular expressions, whose tables every command would pay for.)
fn log_to_stderr(verbose: u8, setting: Option<&str>) {
    use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};
    let level = match verbose {
        0 => setting.unwrap_or("warn"),
        1 => "info,libp2p=warn",
        2 => "debug,libp2p=info",
        _ => "trace",
    };
    let said = std::env::var("MOOT_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter =
        said.or_else(|| level.parse().ok()).unwrap_or_else(|| Targets::new().with_default(tracing::Level::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never);
    tracing_subscriber::registry().with(lines).with(filter).init();
}
