//! `moot`: publish, read and keep what your community says, from the command line.
//!
//! A command turns arguments into [`folkmoot_node::request::Request`]s, `session` brings them to the data, `output`
//! prints the answer. Only `serve`, `quickstart`, `join` and `sync` start a runtime.

mod args;
mod commands;
mod editor;
mod error;
mod ics;
mod near;
mod output;
mod record;
mod session;
mod when;

use std::{io::Write, panic, process::ExitCode};

use clap::Parser;
use folkmoot_node::{clock::Clock, home::Home};

use crate::{error::Exit, output::Output, session::Session};

fn main() -> ExitCode {
    confess_panics();
    let args = args::Moot::parse();
    log_to_stderr(args.verbose);
    let dir = args.home.unwrap_or_else(Home::default_dir);
    let out = Output::new(args.json, args.quiet);
    let done = Session::new(dir, args.community, out, Clock::system())
        .and_then(|session| commands::run(args.command, &session).and_then(|()| session.out.finish()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::from(error.exit as u8)
        }
    }
}

/// A panic is our bug, and says so instead of a backtrace of ours.
fn confess_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        let payload = info.payload();
        let text =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let cause = text.unwrap_or("no reason given");
        // The process ends here; a closed stderr cannot be told about.
        let _ = writeln!(
            std::io::stderr(),
            "moot: could not go on: {cause}\n  moot {}{place}\nhint: this is our bug; please report it with the command you ran",
            env!("CARGO_PKG_VERSION"),
        );
        std::process::exit(Exit::Bug as i32);
    }));
}

/// Warnings by default; `-v` tells more; `MOOT_LOG` takes the filter syntax of `tracing-subscriber`.
fn log_to_stderr(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let level = match verbose {
        0 => "warn",
        1 => "info,libp2p=warn",
        2 => "debug,libp2p=info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("MOOT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
        .init();
}
