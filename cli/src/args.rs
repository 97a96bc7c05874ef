//! The command line itself. Each command's arguments and examples stand in its own file under `commands/`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{commands::*, deferred::Deferred};

/// Posts and events for communities that run themselves: signed, content-addressed, on your own machines.
#[derive(Debug, Parser)]
#[command(
    name = "moot",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Example:\n  moot quickstart \"River Street\" --public\n\nA post or an event can be named by its short id as lists print it, its whole title, its address on our own web page, its URI or CID."
)]
pub(crate) struct Moot {
    // Not clap's `env`: with the variable set, usage lines would show the option as required.
    /// Folder that holds keys, settings and data [default: $MOOT_HOME, else moot among your data]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(crate) home: Option<PathBuf>,
    /// Community by name or CID [default: the one of `moot use`, else the only one]
    #[arg(long, short = 'c', global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub(crate) community: Option<String>,
    /// Print results as JSON, one object per line
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Print results only
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub(crate) quiet: bool,
    /// Tell more while working; twice for even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make what is missing and start: identity, community, web page, invite link
    Quickstart(Deferred<quickstart::Args>),
    /// Make an identity for this person on this device
    Init(Deferred<init::Args>),
    /// Your devices: list, let in, take out
    #[command(subcommand)]
    Device(Deferred<device::Command>),
    /// Say who you are and on which device
    Whoami(Deferred<whoami::Args>),
    /// Found and describe communities
    #[command(subcommand)]
    Community(Deferred<community::Command>),
    /// Choose the community commands speak about
    Use(Deferred<choose::Args>),
    /// Make, list and close invite links
    Invite(Deferred<invite::Args>),
    /// Join a community by an invite link
    Join(Deferred<join::Args>),
    /// Leave a community
    Leave(Deferred<leave::Args>),
    /// Who belongs to a community, and who is let in or put out
    #[command(subcommand)]
    Member(Deferred<member::Command>),
    /// Publish a post
    Post(Deferred<post::Args>),
    /// Answer a post
    Reply(Deferred<reply::Args>),
    /// Change a post of yours
    Edit(Deferred<edit::Args>),
    /// Delete something of yours
    Delete(Deferred<delete::Args>),
    /// How you show yourself
    #[command(subcommand)]
    Profile(Deferred<profile::Command>),
    /// Plan, change and list events
    #[command(subcommand)]
    Event(Deferred<event::Command>),
    /// Ask the members: for a date, or for anything else
    #[command(subcommand)]
    Poll(Deferred<poll::Command>),
    /// Places that events go back to
    #[command(subcommand)]
    Venue(Deferred<venue::Command>),
    /// Answer an event
    Rsvp(Deferred<rsvp::Args>),
    /// Read the newest posts
    Feed(Deferred<feed::Args>),
    /// What is ahead of you: what you answered, hold, and what is new
    Agenda(Deferred<agenda::Args>),
    /// What came for you: answers, changes, news, replies
    Inbox(Deferred<inbox::Args>),
    /// Show what a URI names
    Show(Deferred<show::Args>),
    /// Say whether something is true: who signed it, when, and by what right
    Verify(Deferred<verify::Args>),
    /// Write a record, a person or a community to one file
    Export(Deferred<export::Args>),
    /// Take in what such a file holds
    Import(Deferred<import::Args>),
    /// What it was before: who changed what, when, on which device
    History(Deferred<history::Args>),
    /// Run the node and its web page until stopped
    Serve(Deferred<serve::Args>),
    /// What the node holds and whom it reaches
    Status(Deferred<status::Args>),
    /// Keep things, whatever becomes of them elsewhere
    #[command(subcommand)]
    Pin(Deferred<pin::Command>),
    /// Free what is over, and check every count of the store
    Sweep(Deferred<sweep::Args>),
    /// What needs you: look, explain, say what to do
    Doctor(Deferred<doctor::Args>),
    /// Other nodes to stay connected to
    #[command(subcommand)]
    Peer(Deferred<peer::Command>),
    /// Bring communities up to date now
    Sync(Deferred<sync::Args>),
    /// Copy everything but the keys into one file
    Backup(Deferred<backup::Args>),
    /// Make a home of a backup, as a further device of yours
    Restore(Deferred<restore::Args>),
    /// Settings and where each came from
    Config(Deferred<config::Args>),
    /// Every limit and what happens beyond it
    Limits(Deferred<limits::Args>),
    /// Completions for your shell
    Completions(Deferred<completions::Args>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Moot::command().debug_assert();
    }

    /// A command is known to be meant by its name among the words, see [`crate::deferred`].
    #[test]
    fn commands_have_one_name() {
        for command in Moot::command().get_subcommands() {
            assert_eq!(command.get_all_aliases().count(), 0, "{}", command.get_name());
        }
    }

    #[test]
    fn every_command_has_an_example() {
        fn visit(command: &clap::Command, path: &str) {
            let leaf = command.get_subcommands().next().is_none();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!leaf || help.contains("Example"), "{path} has no example");
            for sub in command.get_subcommands() {
                visit(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        visit(&Moot::command(), "moot");
    }
}
