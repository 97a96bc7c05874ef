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

use crate::{args::Command, error::Result, session::Session};

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Quickstart(args) => quickstart::run(args, session),
        Command::Init(args) => init::run(args, session),
        Command::Restore(args) => restore::run(args, session),
        Command::Device(command) => device::run(command, session),
        Command::Whoami(_) => whoami::run(session),
        Command::Community(command) => community::run(command, session),
        Command::Use(args) => choose::run(args, session),
        Command::Invite(args) => invite::run(args, session),
        Command::Join(args) => join::run(args, session),
        Command::Leave(args) => leave::run(args, session),
        Command::Member(command) => member::run(command, session),
        Command::Post(args) => post::run(args, session),
        Command::Reply(args) => reply::run(args, session),
        Command::Edit(args) => edit::run(args, session),
        Command::Delete(args) => delete::run(args, session),
        Command::Profile(command) => profile::run(command, session),
        Command::Event(command) => event::run(command, session),
        Command::Poll(command) => poll::run(command, session),
        Command::Venue(command) => venue::run(command, session),
        Command::Rsvp(args) => rsvp::run(args, session),
        Command::Feed(args) => feed::run(args, session),
        Command::Agenda(args) => agenda::run(&args, session),
        Command::Inbox(args) => inbox::run(&args, session),
        Command::Show(args) => show::run(args, session),
        Command::Verify(args) => verify::run(args, session),
        Command::Export(args) => export::run(args, session),
        Command::Import(args) => import::run(args, session),
        Command::History(args) => history::run(args, session),
        Command::Serve(args) => serve::run(args, session),
        Command::Status(_) => status::run(session),
        Command::Pin(command) => pin::run(command, session),
        Command::Sweep(args) => sweep::run(args, session),
        Command::Doctor(args) => doctor::run(&args, session),
        Command::Peer(command) => peer::run(command, session),
        Command::Sync(args) => sync::run(args, session),
        Command::Backup(args) => backup::run(args, session),
        Command::Config(args) => config::run(args, session),
        Command::Limits(_) => limits::run(session),
        Command::Completions(args) => completions::run(args, session),
    }
}
