//! The command line itself. Each command's arguments and examples stand in its own file under `commands/`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::*;

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
    Quickstart(quickstart::Args),
    /// Make an identity for this person on this device
    Init(init::Args),
    /// Your devices: list, let in, take out
    #[command(subcommand)]
    Device(device::Command),
    /// Say who you are and on which device
    Whoami(whoami::Args),
    /// Found and describe communities
    #[command(subcommand)]
    Community(community::Command),
    /// Choose the community commands speak about
    Use(choose::Args),
    /// Make, list and close invite links
    Invite(invite::Args),
    /// Join a community by an invite link
    Join(join::Args),
    /// Leave a community
    Leave(leave::Args),
    /// Who belongs to a community, and who is let in or put out
    #[command(subcommand)]
    Member(member::Command),
    /// Publish a post
    Post(post::Args),
    /// Answer a post
    Reply(reply::Args),
    /// Change a post of yours
    Edit(edit::Args),
    /// Delete something of yours
    Delete(delete::Args),
    /// How you show yourself
    #[command(subcommand)]
    Profile(profile::Command),
    /// Plan, change and list events
    #[command(subcommand)]
    Event(event::Command),
    /// Ask the members: for a date, or for anything else
    #[command(subcommand)]
    Poll(poll::Command),
    /// Places that events go back to
    #[command(subcommand)]
    Venue(venue::Command),
    /// Answer an event
    Rsvp(rsvp::Args),
    /// Read the newest posts
    Feed(feed::Args),
    /// What is ahead of you: what you answered, hold, and what is new
    Agenda(agenda::Args),
    /// What came for you: answers, changes, news, replies
    Inbox(inbox::Args),
    /// Show what a URI names
    Show(show::Args),
    /// Say whether something is true: who signed it, when, and by what right
    Verify(verify::Args),
    /// Write a record, a person or a community to one file
    Export(export::Args),
    /// Take in what such a file holds
    Import(import::Args),
    /// What it was before: who changed what, when, on which device
    History(history::Args),
    /// Run the node and its web page until stopped
    Serve(serve::Args),
    /// What the node holds and whom it reaches
    Status(status::Args),
    /// Keep things, whatever becomes of them elsewhere
    #[command(subcommand)]
    Pin(pin::Command),
    /// Free what is over, and check every count of the store
    Sweep(sweep::Args),
    /// What needs you: look, explain, say what to do
    Doctor(doctor::Args),
    /// Other nodes to stay connected to
    #[command(subcommand)]
    Peer(peer::Command),
    /// Bring communities up to date now
    Sync(sync::Args),
    /// Copy everything but the keys into one file
    Backup(backup::Args),
    /// Make a home of a backup, as a further device of yours
    Restore(restore::Args),
    /// Settings and where each came from
    Config(config::Args),
    /// Every limit and what happens beyond it
    Limits(limits::Args),
    /// Completions for your shell
    Completions(completions::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Moot::command().debug_assert();
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
