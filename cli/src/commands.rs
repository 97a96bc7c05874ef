//! One file per command, or per family: its arguments, its examples, and what it does.

pub(crate) mod agenda;
pub(crate) mod backup;
pub(crate) mod choose;
pub(crate) mod community;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod delete;
pub(crate) mod device;
pub(crate) mod doctor;
pub(crate) mod edit;
pub(crate) mod event;
pub(crate) mod export;
pub(crate) mod feed;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod inbox;
pub(crate) mod init;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod leave;
pub(crate) mod limits;
pub(crate) mod member;
pub(crate) mod peer;
pub(crate) mod pin;
pub(crate) mod poll;
pub(crate) mod post;
pub(crate) mod profile;
pub(crate) mod quickstart;
pub(crate) mod recover;
pub(crate) mod reply;
pub(crate) mod restore;
pub(crate) mod rsvp;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod sweep;
pub(crate) mod sync;
pub(crate) mod venue;
pub(crate) mod verify;
pub(crate) mod whoami;

use crate::{args::Command, deferred::Deferred, error::Result, session::Session};

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Quickstart(Deferred(args)) => quickstart::run(args, session),
        Command::Init(Deferred(args)) => init::run(args, session),
        Command::Restore(Deferred(args)) => restore::run(args, session),
        Command::Device(Deferred(command)) => device::run(command, session),
        Command::Whoami(_) => whoami::run(session),
        Command::Community(Deferred(command)) => community::run(command, session),
        Command::Use(Deferred(args)) => choose::run(args, session),
        Command::Invite(Deferred(args)) => invite::run(args, session),
        Command::Join(Deferred(args)) => join::run(args, session),
        Command::Leave(Deferred(args)) => leave::run(args, session),
        Command::Member(Deferred(command)) => member::run(command, session),
        Command::Post(Deferred(args)) => post::run(args, session),
        Command::Reply(Deferred(args)) => reply::run(args, session),
        Command::Edit(Deferred(args)) => edit::run(args, session),
        Command::Delete(Deferred(args)) => delete::run(args, session),
        Command::Profile(Deferred(command)) => profile::run(command, session),
        Command::Event(Deferred(command)) => event::run(command, session),
        Command::Poll(Deferred(command)) => poll::run(command, session),
        Command::Venue(Deferred(command)) => venue::run(command, session),
        Command::Rsvp(Deferred(args)) => rsvp::run(args, session),
        Command::Feed(Deferred(args)) => feed::run(args, session),
        Command::Agenda(Deferred(args)) => agenda::run(&args, session),
        Command::Inbox(Deferred(args)) => inbox::run(&args, session),
        Command::Show(Deferred(args)) => show::run(args, session),
        Command::Verify(Deferred(args)) => verify::run(args, session),
        Command::Export(Deferred(args)) => export::run(args, session),
        Command::Import(Deferred(args)) => import::run(args, session),
        Command::History(Deferred(args)) => history::run(args, session),
        Command::Serve(Deferred(args)) => serve::run(args, session),
        Command::Status(_) => status::run(session),
        Command::Pin(Deferred(command)) => pin::run(command, session),
        Command::Sweep(Deferred(args)) => sweep::run(args, session),
        Command::Doctor(Deferred(args)) => doctor::run(&args, session),
        Command::Peer(Deferred(command)) => peer::run(command, session),
        Command::Sync(Deferred(args)) => sync::run(args, session),
        Command::Backup(Deferred(args)) => backup::run(args, session),
        Command::Config(Deferred(args)) => config::run(args, session),
        Command::Limits(_) => limits::run(session),
        Command::Completions(Deferred(args)) => completions::run(args, session),
    }
}
