//! `moot poll`: asking the members, for a date or for anything else.

mod add;
mod close;
mod option;
mod vote;

use clap::Subcommand;
use folkmoot_node::request::{Reply, Request, VotesInfo};
use folkmoot_schemas::{
    kind::Kind,
    records::{
        poll::{Count, Poll},
        vote::Choice,
    },
    when,
};
use serde_json::json;

use super::community::say_nothing_here;
use crate::{
    error::{Error, Result},
    output::{Line, count},
    record::{self, Found},
    session::{Session, answer},
};

/// Polls looked through for a list.
const MOST: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask the members: for a date, or for anything else
    Add(Box<add::Args>),
    /// Open polls, newest first
    #[command(after_help = "Examples:\n  moot poll list\n  moot poll list --all")]
    List {
        /// Closed ones too
        #[arg(long)]
        all: bool,
    },
    /// What was asked, and who said what
    #[command(after_help = "Example:\n  moot poll show \"When do we play?\"")]
    Show {
        /// Short id, whole question, URI or CID
        poll: String,
    },
    /// Say what suits you; replaces what you said before
    Vote(vote::Args),
    /// End a poll of yours and settle its result; a date can become the event
    Close(Box<close::Args>),
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Add(args) => add::run(*args, session),
        Command::List { all } => list(all, session),
        Command::Show { poll } => show(&poll, session),
        Command::Vote(args) => vote::run(args, session),
        Command::Close(args) => close::run(*args, session),
    }
}

/// What `target` names, which must be a poll.
fn find(session: &Session, target: &str) -> Result<(Found, Poll)> {
    typed(record::find(session, target)?)
}

fn typed(found: Found) -> Result<(Found, Poll)> {
    match found.record.as_poll().cloned() {
        Some(poll) => Ok((found, poll)),
        None => Err(Error::refused(format!("could not use {}: it is not a poll", found.item.short))
            .because(found.item.uri)
            .hint("moot poll list --all shows the ids of polls")),
    }
}

fn votes(session: &Session, found: &Found) -> Result<VotesInfo> {
    let request = Request::Votes { target: found.item.uri.clone(), community: Some(found.item.community.clone()) };
    answer!(session.ask(&request)?, Reply::Votes(votes) => votes)
}

fn show(target: &str, session: &Session) -> Result<()> {
    let (found, poll) = find(session, target)?;
    print(session, &found, &poll)
}

/// The poll as it stands.
pub(crate) fn print(session: &Session, found: &Found, poll: &Poll) -> Result<()> {
    let votes = votes(session, found)?;
    if session.out.json {
        let mut value = record::as_json(&found.item);
        value["tally"] = json!(votes.tally);
        value["votes"] = json!(votes.people);
        value["open"] = json!(is_open(session, poll));
        session.out.object(&value);
        return Ok(());
    }
    let (out, item) = (&session.out, &found.item);
    out.line(Line::new().strong(&poll.question));
    let head = Line::new()
        .text("poll by ")
        .strong(&item.author)
        .text(" in ")
        .text(&item.community_name)
        .faint(", members only");
    out.line(head);
    if let Some(fault) = &item.fault {
        out.line(Line::new().warn("hidden in lists: ").text(fault));
    }
    if let Some(text) = &poll.text {
        out.block("  ", text);
    }
    if let Some(line) = poll.place.as_ref().and_then(|place| place.line()) {
        out.line(Line::new().faint("where  ").text(line));
    }
    out.line(Line::new().faint("voting  ").text(until(session, poll)));
    let width = poll.options.iter().map(|option| option.words().chars().count()).max().unwrap_or(0);
    let chosen = poll.chosen();
    for (at, option) in poll.options.iter().enumerate() {
        let count = votes.tally.counts.get(at).copied().unwrap_or_default();
        let words = format!("{:width$}", option.words());
        let line = Line::new().faint(format!("{:>2}  ", at + 1));
        let line = if chosen == Some(option) { line.strong(words) } else { line.text(words) };
        let line = line.text("  ").strong(in_words(count, poll));
        let names = named(poll, &votes, &option.key());
        out.line(if names.is_empty() { line } else { line.faint("  ").text(names) });
    }
    if let Some(option) = chosen {
        out.line(Line::new().faint("decided  ").strong(option.words()));
    }
    if let Some(event) = poll.result.as_ref().and_then(|result| result.event.as_ref()) {
        out.line(Line::new().faint("event  ").id(event.short_id()));
    }
    let people = match votes.tally.people {
        0 if poll.result.is_some() => "nobody voted".to_owned(),
        0 => "nobody has voted yet".to_owned(),
        people => count(people.into(), "person voted", "people voted"),
    };
    let left = votes.people.iter().filter(|vote| vote.late).count();
    let line = Line::new().faint("votes  ").text(people);
    out.line(match (left, &poll.result) {
        (_, Some(_)) => line.text(", as counted when it was closed"),
        (0, None) => line,
        (n, None) => line.text(format!(", {n} more too late")),
    });
    out.line(Line::new().faint("id  ").id(&item.short).faint("  cid  ").id(&item.cid));
    out.line(Line::new().faint("uri  ").id(&item.uri));
    if is_open(session, poll) {
        out.note(format!("to vote: moot poll vote {} {}", item.short, example(poll)));
    }
    Ok(())
}

/// A vote that could be given, with options there are.
fn example(poll: &Poll) -> &'static str {
    match (poll.is_dates(), poll.options.len()) {
        (true, 2) => "1 --maybe 2",
        (true, _) => "1 --maybe 2 --no 3",
        (false, _) if poll.several => "1 2",
        (false, _) => "1",
    }
}

/// "3 yes · 1 maybe", or "3" of words.
fn in_words(count: Count, poll: &Poll) -> String {
    if !poll.is_dates() {
        return count.yes.to_string();
    }
    let said = [(count.yes, "yes"), (count.maybe, "maybe"), (count.no, "no")];
    let said: Vec<String> = said.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    if said.is_empty() { "–".to_owned() } else { said.join(" · ") }
}

/// "Ada, Ben; maybe Carol": of votes that count.
fn named(poll: &Poll, votes: &VotesInfo, key: &str) -> String {
    let who = |answer: Choice| {
        let says = |vote: &&folkmoot_node::request::VoteLine| {
            vote.counts && vote.choices.iter().any(|choice| choice.option == key && choice.answer == answer)
        };
        votes.people.iter().filter(says).map(|vote| vote.name.clone()).collect::<Vec<_>>().join(", ")
    };
    let mut said = vec![who(Choice::Yes)];
    if poll.is_dates() {
        said.extend([(Choice::Maybe, "maybe"), (Choice::No, "not")].map(|(choice, word)| match who(choice) {
            names if names.is_empty() => names,
            names => format!("{word} {names}"),
        }));
    }
    said.retain(|names| !names.is_empty());
    said.join("; ")
}

/// May votes still come in, as far as this clock tells?
fn is_open(session: &Session, poll: &Poll) -> bool {
    let now = session.clock.seconds();
    poll.result.is_none() && poll.closes.as_ref().is_none_or(|closes| closes.instant("UTC") >= now)
}

fn until(session: &Session, poll: &Poll) -> String {
    let closes = poll.closes.as_ref().map(|closes| when::words(closes, None, None));
    match (closes, is_open(session, poll)) {
        _ if poll.result.is_some() => "closed".to_owned(),
        (Some(words), true) => format!("open until {words}"),
        (Some(words), false) => format!("ended {words}; its author has not closed it yet"),
        (None, _) => "open".to_owned(),
    }
}

/// Over all communities unless one is named.
fn list(all: bool, session: &Session) -> Result<()> {
    let community = match &session.named_community {
        Some(name) => Some(session.pick_community(Some(name))?.cid),
        None => None,
    };
    let mut any = false;
    for item in record::list(session, community.as_deref(), Poll::NAME, MOST)? {
        let Some(poll) = record::open(&item)?.as_poll().cloned() else { continue };
        if poll.result.is_some() && !all {
            continue;
        }
        any = true;
        let mut value = record::as_json(&item);
        value["open"] = json!(is_open(session, &poll));
        session.out.object(&value);
        let line = Line::new().strong(&poll.question).faint("  by ").text(&item.author).text("  ");
        let line = match poll.chosen() {
            Some(option) => line.text("decided: ").text(option.words()),
            None => line.text(until(session, &poll)),
        };
        session.out.line(line.text("  ").id(&item.short));
    }
    if !any {
        say_nothing_here(session, "no polls: moot poll add QUESTION --date … --date …, or --option … --option …")?;
    }
    Ok(())
}
