//! Arguments that are defined only for commands that can be meant. The whole command line has hundreds, and defining
//! them all was a fifth of what a short command takes.

use std::{collections::HashSet, ffi::OsString, mem, sync::OnceLock};

use clap::{ArgMatches, Args, Command, CommandFactory, Error, FromArgMatches, Id, Subcommand};

/// What was typed. Until it is said, all commands are defined.
static TYPED: OnceLock<HashSet<OsString>> = OnceLock::new();

/// Commands that speak of all the others.
const OF_ALL: [&str; 2] = ["help", "completions"];

/// From now on a command whose name is not among these words is known by its name alone.
pub(crate) fn expect(words: &[OsString]) {
    if !OF_ALL.iter().any(|name| words.iter().any(|word| word == name)) {
        TYPED.get_or_init(|| words.iter().cloned().collect());
    }
}

/// What these words say, where they are as they should be; None: they are not, or ask for help, which speaks of all
/// commands. Only those that can be meant are looked at, and nothing is taken apart in the end.
pub(crate) fn parse<T: CommandFactory + FromArgMatches>(words: &[OsString]) -> Option<T> {
    let mut whole = T::command();
    let meant: Vec<Command> = whole.get_subcommands_mut().filter(|c| can_be_meant(c)).map(mem::take).collect();
    let mut short = Command::new("moot").args(whole.get_arguments().cloned()).subcommands(meant);
    let read = short.try_get_matches_from_mut(words).and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    mem::forget((whole, short));
    read.ok()
}

fn can_be_meant(command: &Command) -> bool {
    TYPED.get().is_none_or(|words| words.contains(std::ffi::OsStr::new(command.get_name())))
}

/// The arguments, or the family, of one command.
#[derive(Debug)]
pub(crate) struct Deferred<T>(pub(crate) T);

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}

impl<T: Args> Args for Deferred<T> {
    fn group_id() -> Option<Id> {
        T::group_id()
    }

    fn augment_args(command: Command) -> Command {
        if can_be_meant(&command) { T::augment_args(command) } else { command }
    }

    fn augment_args_for_update(command: Command) -> Command {
        if can_be_meant(&command) { T::augment_args_for_update(command) } else { command }
    }
}

impl<T: Subcommand> Subcommand for Deferred<T> {
    fn augment_subcommands(command: Command) -> Command {
        if can_be_meant(&command) { T::augment_subcommands(command) } else { command }
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        if can_be_meant(&command) { T::augment_subcommands_for_update(command) } else { command }
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}
