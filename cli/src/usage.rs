//! What is wrong with a command line, in the form of every other failure: one sentence, its cause, one next step.

use std::{error::Error as _, ffi::OsString};

use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{args::Moot, error::Error};

/// `error` is none of the asked-for sorts (help, version); `typed` are the words it came of.
pub(crate) fn said(error: &clap::Error, typed: &[OsString]) -> Error {
    let context = |kind| error.get(kind).map(words).unwrap_or_default();
    let (arg, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    let (arg, value) = (arg.join(", "), value.join(", "));
    let usage = usage(error);
    let command = command(typed);
    let mut hints = Vec::new();
    let wrong = match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => format!("{command} has no option {arg}"),
        ErrorKind::UnknownArgument => format!("{command} takes nothing like {arg:?} there"),
        ErrorKind::InvalidSubcommand => {
            let typed = context(ContextKind::InvalidSubcommand).join(" ");
            format!("{command} has no command {typed:?}")
        }
        ErrorKind::MissingRequiredArgument => format!("{command} lacks {arg}"),
        ErrorKind::ArgumentConflict => match context(ContextKind::PriorArg).join(", ") {
            prior if prior.is_empty() || prior == arg => format!("{arg} is given more than once"),
            prior => format!("{arg} does not go together with {prior}"),
        },
        ErrorKind::InvalidValue if value.is_empty() => format!("{arg} lacks its value"),
        ErrorKind::InvalidValue => format!("{arg} cannot be {value:?}"),
        ErrorKind::ValueValidation => match error.source() {
            Some(why) => format!("{arg} cannot be {value:?}: {why}"),
            None => format!("{arg} cannot be {value:?}"),
        },
        _ => first_line(error),
    };
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue] {
        let near = context(kind);
        hints.extend((!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or "))));
    }
    let values = context(ContextKind::ValidValue);
    hints.extend((!values.is_empty()).then(|| format!("it is one of {}", values.join(", "))));
    hints.push(format!("{command} --help says more"));
    let said = Error::usage(format!("could not understand the command: {wrong}"));
    let said = if usage.is_empty() { said } else { said.because(format!("it is written: {usage}")) };
    said.hint(hints.join("; ").replace("?;", "?"))
}

fn words(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(text) => vec![text.clone()],
        ContextValue::Strings(all) => all.clone(),
        ContextValue::StyledStr(text) => vec![text.to_string()],
        ContextValue::StyledStrs(all) => all.iter().map(ToString::to_string).collect(),
        ContextValue::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
    .into_iter()
    .filter(|text| !text.is_empty())
    .collect()
}

/// `moot rsvp [OPTIONS] <EVENT> <ANSWER> [+N]`
fn usage(error: &clap::Error) -> String {
    let usage = error.get(ContextKind::Usage).map(words).unwrap_or_default().join(" ");
    let usage = usage.strip_prefix("Usage:").unwrap_or(&usage);
    usage.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `moot rsvp`: as far as the words name commands.
fn command(typed: &[OsString]) -> String {
    let mut command = &Moot::command();
    let mut path = command.get_name().to_owned();
    for word in typed.iter().skip(1) {
        if let Some(sub) = command.find_subcommand(word) {
            command = sub;
            path = format!("{path} {}", sub.get_name());
        }
    }
    path
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn of(line: &str) -> Error {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        match Moot::try_parse_from(words.clone()) {
            Ok(_) => panic!("{line} is understood"),
            Err(error) => said(&error, &words),
        }
    }

    #[test]
    fn a_command_line_that_makes_no_sense_is_told_in_one_sentence_with_its_form_and_a_next_step() {
        let date = of("moot rsvp Gig yes --date 2026-12-11");
        assert_eq!(date.message, "could not understand the command: moot rsvp has no option --date");
        assert!(date.detail[0].starts_with("it is written: moot rsvp "), "{date:?}");
        assert_eq!(date.hint.as_deref(), Some("did you mean --at? moot rsvp --help says more"));
        for (line, wrong, hint) in [
            ("moot member rmeove Bo", "moot member has no command \"rmeove\"", "did you mean remove?"),
            ("moot rsvp Gig", "moot rsvp lacks <ANSWER>", "moot rsvp --help says more"),
            ("moot whoami Bo", "moot whoami takes nothing like \"Bo\" there", "moot whoami --help says more"),
            ("moot rsvp Gig yes --show all", "--show <SHOW> cannot be \"all\"", "it is one of names, members, hosts"),
            ("moot rsvp Gig yes --at", "--at <DATE> lacks its value", "moot rsvp --help"),
            ("moot feed -n many", "--limit <LIMIT> cannot be \"many\": invalid digit", "moot feed --help"),
            ("moot feed -n 1 -n 2", "--limit <LIMIT> is given more than once", "moot feed --help"),
            (
                "moot community create X --public --members",
                "--public does not go together with --members",
                "create --help",
            ),
            ("moot post X --update", "moot post lacks --about <EVENT>", "moot post --help"),
        ] {
            let error = of(line);
            let said = error.message.strip_prefix("could not understand the command: ").unwrap_or_default();
            assert!(said.starts_with(wrong), "{line}: {error:?}");
            assert!(error.hint.as_ref().is_some_and(|said| said.contains(hint)), "{line}: {error:?}");
        }
    }
}
