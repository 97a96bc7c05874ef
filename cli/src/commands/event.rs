//! `moot event`: a thing people attend, from planning it to calling it off.

pub(crate) mod add;
mod answers;
pub(crate) mod cancel;
mod clone;
mod date;
pub(crate) mod edit;
pub(crate) mod export;
pub(crate) mod fields;
mod form;
mod guests;
mod hosts;
pub(crate) mod import;
mod imported;
pub(crate) mod list;
mod occurrence;
pub(crate) mod place;
mod rules;
mod show;

use clap::Subcommand;
use folkmoot_node::request::{CommunityInfo, Item, May, PublishedInfo};
use folkmoot_schemas::{
    Cid,
    block::parse_cid,
    records::{
        event::{Event, Place, Price, RsvpMode, ShowPlace, Status},
        revision::{Revision, Right},
    },
    recur::{self, BUDGET, Instance, Rule},
    when::words,
};
use jiff::civil::DateTime;

pub(crate) use self::{
    answers::{guest_called, to_single_dates},
    guests::{own_place, print as print_answers},
    occurrence::occurrence,
    show::{next_dates, print_dates, print_single},
};
use super::post::parse_uri;
use crate::{
    deferred::Deferred,
    error::{Error, Result},
    kept::Kept,
    leak,
    output::{Line, count},
    record::{self, Found},
    session::Session,
    when::zone,
};

/// How far lists and pages look ahead.
const AHEAD: i64 = 400 * 86_400;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plan an event
    Add(Deferred<Box<add::Args>>),
    /// Change an event of yours, or one you are a co-host of; what is not given stays
    Edit(Deferred<Box<edit::Args>>),
    /// Call an event off, or one date of a series
    Cancel(cancel::Args),
    /// Plan an event like one that was; what is not given is taken over
    Clone(Deferred<Box<clone::Args>>),
    /// Put an event off, or one date of a series, until there is another date
    #[command(
        after_help = "Examples:\n  moot event postpone uyv3m2bq4kzjxw5a --note \"A new date follows\"\n  moot event postpone uyv3m2bq4kzjxw5a --at 2026-12-24\n\nOnce there is a new date: moot event edit EVENT --start \"12 feb 20:00\" --confirmed"
    )]
    Postpone(cancel::Args),
    /// Who comes, who has a place, who answered since the last change
    Guests(guests::Guests),
    /// Give somebody a place, or decline
    Admit(guests::Admit),
    /// Who of those who answered has the last change
    Reach(guests::Reach),
    /// What comes, series as single dates
    List(list::Args),
    /// Everything about one event, and who comes
    #[command(
        after_help = "Examples:\n  moot event show uyv3m2bq4kzjxw5a\n  moot event show uyv3m2bq4kzjxw5a --at 2026-12-24"
    )]
    Show {
        /// Short id, whole title, address on our web page, URI or CID
        event: String,
        /// Only this date of a series, and who comes then
        #[arg(long, value_name = "DATE")]
        at: Option<String>,
    },
    /// Take over events from calendar files
    Import(import::Args),
    /// Write events to a calendar file
    Export(export::Args),
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Add(Deferred(args)) => add::run(*args, session),
        Command::Edit(Deferred(args)) => edit::run(*args, session),
        Command::Clone(Deferred(args)) => clone::run(*args, session),
        Command::Cancel(args) => cancel::run(args, Status::Cancelled, session),
        Command::Postpone(args) => cancel::run(args, Status::Postponed, session),
        Command::Guests(args) => guests::list(&args, session),
        Command::Admit(args) => guests::admit(args, session),
        Command::Reach(args) => guests::reach(&args, session),
        Command::List(args) => list::run(args, session),
        Command::Show { event, at } => {
            let (found, planned) = find(session, &event)?;
            match at {
                Some(at) => show::print_date(session, &found.item, &planned, &at),
                None => super::show::print(session, &found),
            }
        }
        Command::Import(args) => import::run(args, session),
        Command::Export(args) => export::run(args, session),
    }
}

/// What `target` names, which must be an event.
pub(crate) fn find(session: &Session, target: &str) -> Result<(Found, Event)> {
    typed(record::find(session, target)?)
}

/// The same, refused unless it is ours to change.
fn find_to_change(session: &Session, target: &str, act: &str) -> Result<(Found, Event)> {
    let (found, event) = find(session, target)?;
    if found.item.may.is_none() {
        return Err(Error::refused(format!("could not {act}: it is {}'s", found.item.author))
            .because(&found.item.uri)
            .hint("they can make you a co-host: moot event edit EVENT --cohost YOU; moot reply reaches them"));
    }
    Ok((found, event))
}

/// Publishes `event` as what follows `old`: the author in the event itself, others by a revision of it. Whoever changes
/// the plan knows of it: how many of their own answers went along. `kept`: what of the addresses stays here.
fn send(session: &Session, item: &Item, old: &Event, mut event: Event, verb: &str, kept: &[Kept]) -> Result<usize> {
    leak::check(session, &event, Some(old), kept)?;
    event.follow(old);
    let changed = event.sequence != old.sequence;
    // A steward says whether it takes place, and changes nothing else of it.
    if item.may != Some(May::Revise(Right::Steward)) {
        imported::mark(&mut event, old);
    }
    let draft = match item.may {
        Some(May::Edit) => record::redraft("event", item, event)?,
        _ => record::draft("change", Revision { of: parse_uri(&item.uri)?, seen: parse(&item.cid)?, event })?,
    };
    for info in record::publish(session, Some(&item.community), vec![draft])? {
        session.out.object(&info);
        // Whoever changes it, it is the event that people know.
        let shown = PublishedInfo { short: item.short.clone(), url: item.url.clone(), ..info };
        session.out.line(record::said(session, &shown, verb));
    }
    if changed { answers::carry(session, item) } else { Ok(0) }
}

fn parse(cid: &str) -> Result<Cid> {
    parse_cid(cid).map_err(|error| Error::bug(format!("the node gave a CID that is none: {error}")))
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
pub(crate) fn zone_of(session: &Session, community: &CommunityInfo, flag: Option<&str>) -> Result<String> {
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

pub(crate) fn now_in(session: &Session, zone: &str) -> DateTime {
    zone::wall(session.clock.seconds(), zone)
}

/// The next dates from now on.
fn coming(session: &Session, event: &Event, n: usize) -> Vec<Instance> {
    let now = session.clock.seconds();
    let mut found = recur::expand(event, now..now + AHEAD, event.start.zone().unwrap_or("UTC"), BUDGET).instances;
    found.truncate(n);
    found
}

/// What people must know before the date: "new date, was 31 December", "cancelled".
pub(crate) fn news(event: &Event) -> Option<String> {
    let status = event.status_words()?.to_lowercase();
    Some(match event.was_words() {
        Some(was) => format!("{status}, was {was}"),
        None => status,
    })
}

/// All places, as far as they are published.
fn places_line(event: &Event) -> Option<String> {
    // With the address, so that one left over from another place is seen.
    let line = |place: &Place| {
        let place = if place.hides_address() { &place.area() } else { place };
        let parts = [place.name.clone(), place.address()];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", ")).filter(|line| !line.is_empty())
    };
    let online = event.place_line().filter(|_| event.places.is_empty());
    let all = event.places.iter().filter_map(line).chain(online).collect::<Vec<_>>().join("; ");
    Some(all).filter(|all| !all.is_empty())
}

/// Echoes what a writing command understood: when, how it repeats, where, what it costs, and how many may come.
fn echo(session: &Session, event: &Event) {
    let rules = event.rsvp.as_ref();
    let facts = [
        Some(event.when_words()),
        event.recur.as_ref().map(Rule::in_words),
        event.doors.as_ref().map(|doors| format!("doors {doors}")),
        places_line(event),
        event.price.as_ref().map(Price::words),
        event.image.as_ref().map(|image| format!("picture: {}", image.alt)),
        (!event.hosts.is_empty()).then(|| {
            let named = event.hosts.iter().map(|host| match host.edit {
                true => format!("{}, who may change it", host.name),
                false => host.name.clone(),
            });
            format!("hosts: {}", named.collect::<Vec<_>>().join("; "))
        }),
        rules.and_then(|rules| rules.capacity).map(|n| count(n.into(), "place", "places")),
        rules.and_then(|rules| rules.plus_max).map(|n| match n {
            0 => "nobody may bring others".to_owned(),
            n => format!("each answer may bring {}", count(n.into(), "person", "people")),
        }),
        rules.filter(|rules| rules.capacity.is_some() && !rules.waitlist).map(|_| "no waiting list".to_owned()),
        rules.filter(|rules| rules.mode == RsvpMode::Approval).map(|_| "the hosts say who has a place".to_owned()),
        rules
            .and_then(|rules| rules.closes.as_ref())
            .map(|closes| format!("answers until {}", words(closes, None, None))),
    ];
    for fact in facts.into_iter().flatten() {
        session.out.line(Line::new().faint("  ").text(fact));
    }
    if event.contact.is_none() && event.places.iter().any(|place| place.show == Some(ShowPlace::Ask)) {
        session.out.note("  the address is given on request: --contact says whom to ask");
    }
    if let Some(closes) = rules.and_then(|rules| rules.closes.as_ref())
        && closes.instant(closes.zone().unwrap_or("UTC")) < session.clock.seconds()
    {
        session.out.note(Line::new().warn("  no answers are taken any more"));
    }
    if event.recur.is_none() && event.start.instant(event.start.zone().unwrap_or("UTC")) < session.clock.seconds() {
        session.out.note(Line::new().warn("  this is in the past"));
    }
}
