//! `moot event`: a thing people attend, from planning it to calling it off.

pub(crate) mod add;
pub(crate) mod cancel;
mod date;
pub(crate) mod edit;
pub(crate) mod fields;
pub(crate) mod import;
mod imported;
pub(crate) mod list;

use clap::Subcommand;
use folkmoot_node::request::{AnswersInfo, CommunityInfo, Item};
use folkmoot_schemas::{
    records::event::{Event, Override, Price},
    recur::{self, BUDGET, Instance, Rule},
    when::{date_words, words},
};
use jiff::{ToSpan, civil::DateTime};

use crate::{
    error::{Error, Result},
    output::Line,
    record::{self, Found},
    session::Session,
    when::{Typed, zone},
};

/// How far lists and pages look ahead.
const AHEAD: i64 = 400 * 86_400;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plan an event
    Add(Box<add::Args>),
    /// Change an event of yours; what is not given stays
    Edit(Box<edit::Args>),
    /// Call an event off, or one date of a series
    Cancel(cancel::Args),
    /// What comes, series as single dates
    List(list::Args),
    /// Everything about one event, and who comes
    #[command(after_help = "Example:\n  moot event show uyv3m2bq4kzjxw5a")]
    Show {
        /// Short id, whole title, address on our web page, URI or CID
        event: String,
    },
    /// Take over events from a calendar file
    Import(import::Args),
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Add(args) => add::run(*args, session),
        Command::Edit(args) => edit::run(*args, session),
        Command::Cancel(args) => cancel::run(args, session),
        Command::List(args) => list::run(args, session),
        Command::Show { event } => {
            let (found, _) = find(session, &event)?;
            super::show::print(session, &found)
        }
        Command::Import(args) => import::run(args, session),
    }
}

/// What `target` names, which must be an event.
pub(crate) fn find(session: &Session, target: &str) -> Result<(Found, Event)> {
    typed(record::find(session, target)?)
}

/// The same, of ours.
fn find_own(session: &Session, target: &str, act: &str) -> Result<(Found, Event)> {
    typed(record::find_own(session, target, act)?)
}

fn typed(found: Found) -> Result<(Found, Event)> {
    match found.record.as_event().cloned() {
        Some(event) => Ok((found, event)),
        None => Err(Error::refused(format!("could not use {}: it is not an event", found.item.short))
            .because(found.item.uri)
            .hint("moot event list shows the ids of events")),
    }
}

/// The zone a typed time means.
fn zone_of(session: &Session, community: &CommunityInfo, flag: Option<&str>) -> Result<String> {
    if let Some(name) = flag {
        return zone::check(name);
    }
    if let Some(name) = session.config()?.zone() {
        return zone::check(name);
    }
    let theirs = community.describe.zone.clone().filter(|name| folkmoot_schemas::when::zone_known(name));
    Ok(theirs.or_else(zone::of_this_machine).unwrap_or_else(|| {
        session.out.note(
            Line::new()
                .warn("times are taken as UTC: ")
                .text("neither the community nor this machine names a zone; give one with --zone"),
        );
        "UTC".into()
    }))
}

fn now_in(session: &Session, zone: &str) -> DateTime {
    zone::wall(session.clock.seconds(), zone)
}

/// The date of a series that `text` means: `fri`, `2026-12-05`, or with its time.
pub(crate) fn occurrence(session: &Session, event: &Event, text: &str) -> Result<Instance> {
    let zone = event.start.zone().unwrap_or("UTC");
    let now = now_in(session, zone);
    let typed = Typed::read(text, now)?;
    let day = typed.date.unwrap_or(now.date());
    let around = |days: i64| {
        let date = day.saturating_add(days.days());
        folkmoot_schemas::when::Start::Date { date }.instant(zone)
    };
    // A moved date is named by the day the rule gives, which can be elsewhere: look there by name first.
    let found = recur::expand(event, around(-45)..around(46), zone, BUDGET);
    let fits = |i: &&Instance| {
        i.at.civil_date() == day
            && match (&i.at, typed.time) {
                (folkmoot_schemas::when::Start::Local { local, .. }, Some(time)) => local.time() == time,
                _ => true,
            }
    };
    if let Some(instance) = found.instances.iter().find(fits) {
        return Ok(instance.clone());
    }
    let said =
        Error::refused(format!("could not find the date: {:?} does not take place on {}", event.name, date_words(day)));
    let next = coming(session, event, 3);
    Err(next.iter().fold(said, |said, i| said.because(words(&i.start, event.duration, event.days))))
}

/// Makes `event` the next version of `old`, edited by hand.
fn succeed(event: &mut Event, old: &Event) {
    event.follow(old);
    imported::mark(event, old);
}

/// An override that changes nothing yet.
pub(crate) fn unchanged(at: String) -> Override {
    Override {
        at,
        status: None,
        start: None,
        duration: None,
        name: None,
        text: None,
        places: None,
        note: None,
        gone: false,
    }
}

/// The next dates from now on.
fn coming(session: &Session, event: &Event, n: usize) -> Vec<Instance> {
    let now = session.clock.seconds();
    let mut found = recur::expand(event, now..now + AHEAD, event.start.zone().unwrap_or("UTC"), BUDGET).instances;
    found.truncate(n);
    found
}

/// Echoes what a writing command understood: when, how it repeats, where, and what it costs.
fn echo(session: &Session, event: &Event) {
    let price = event.price.as_ref().map(Price::words);
    let facts = [Some(event.when_words()), event.recur.as_ref().map(Rule::in_words), event.place_line(), price];
    for fact in facts.into_iter().flatten() {
        session.out.line(Line::new().faint("  ").text(fact));
    }
    if event.recur.is_none() && event.start.instant(event.start.zone().unwrap_or("UTC")) < session.clock.seconds() {
        session.out.note(Line::new().warn("  this is in the past"));
    }
}

/// The next dates of a series, each as it will be and with who comes. None for a single event.
pub(crate) fn next_dates(session: &Session, item: &Item, event: &Event) -> Result<Vec<(Instance, AnswersInfo)>> {
    if event.recur.is_none() {
        return Ok(Vec::new());
    }
    let coming = coming(session, event, 5).into_iter();
    coming
        .map(|instance| super::show::answers(session, item, Some(instance.at.text())).map(|a| (instance, a)))
        .collect()
}

pub(crate) fn print_dates(session: &Session, event: &Event, dates: &[(Instance, AnswersInfo)]) {
    for (instance, answers) in dates {
        let changed = event.on(instance);
        let line = Line::new().faint("next  ").text(words(&changed.start, changed.duration, changed.days));
        let line = if instance.cancelled { line.warn("  cancelled") } else { line };
        let line = if changed.start == instance.at { line } else { line.warn("  new date") };
        let line = match instance.change.and_then(|i| event.overrides.get(i)?.note.as_ref()) {
            Some(note) => line.text("  ").text(note),
            None => line,
        };
        session.out.line(if answers.going > 0 { line.text(format!("  {} going", answers.going)) } else { line });
    }
    if let Some(capacity) = event.rsvp.as_ref().and_then(|r| r.capacity) {
        session.out.line(Line::new().faint("capacity  ").text(capacity.to_string()));
    }
}
