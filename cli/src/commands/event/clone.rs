//! A new event after the pattern of one that was.

use folkmoot_schemas::{
    records::{
        event::{Event, LinkKind, Status},
        text::clean,
    },
    when::Start,
};
use jiff::{ToSpan, Unit, civil::DateTime};

use super::{add, fields, now_in};
use crate::{
    error::{Error, Result},
    kept,
    session::Session,
    when::zone,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event clone \"Night Herons live\" \"fri 20:00\"\n  moot event clone uyv3m2bq4kzjxw5a \"8 jan\"                      # the same time of day\n  moot event clone Choir \"7 jan 2027\" --repeat \"weekly until 2027-06-30\" --price free"
)]
pub(crate) struct Args {
    /// The event to begin with: short id, whole title, URI or CID
    event: String,
    /// When the new one starts; a day alone keeps the time of day [default: as it was, if that is still to come]
    start: Option<String>,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fields: fields::Fields,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let (found, old) = super::find(session, &args.event)?;
    let mut whole = old.clone();
    kept::fill(&mut whole, &kept::read(session, &found.item.uri)?);
    let zone = match (&args.fields.zone, old.start.zone()) {
        (Some(name), _) => zone::check(name)?,
        (None, Some(zone)) => zone.to_owned(),
        (None, None) => zone::of_this_machine().unwrap_or_else(|| "UTC".into()),
    };
    let now = now_in(session, &zone);
    let start = start(args.start.as_deref(), &old.start, args.fields.whole_days(), now, &zone)?;
    // What the old one was part of, or its place, may be in another community; the new one is where it is written.
    let community = session.pick_community(Some(&found.item.community))?;
    let mut event = fresh(&whole, start);
    if let Some(name) = &args.name {
        event.name = clean(name);
    }
    let typed_doors = args.fields.doors();
    args.fields.apply(&mut event, now, session, &community.cid)?;
    if typed_doors {
        fields::check_doors(&event)?;
    }
    let doors = event.doors.clone();
    add::publish(session, &community.cid, event, true)?;
    if !typed_doors {
        fields::say_doors(session, old.doors.as_deref(), doors.as_deref());
    }
    if !old.overrides.is_empty() {
        session.out.note("  changes to single dates were not taken over");
    }
    Ok(())
}

/// The day and time that are meant, as far as they are said.
fn start(text: Option<&str>, old: &Start, whole_days: bool, now: DateTime, zone: &str) -> Result<Start> {
    let known = old.civil_date();
    let Some(text) = text else {
        if known < now.date() {
            return Err(Error::refused("could not plan the event: the old one is over")
                .hint("say when the new one starts: moot event clone EVENT \"fri 20:00\""));
        }
        return Ok(match old {
            Start::Local { local, .. } if !whole_days => Start::Local { local: *local, zone: zone.to_owned() },
            _ => Start::Date { date: known },
        });
    };
    let typed = crate::when::Typed::read(text, now)?;
    match (old, typed.time) {
        (Start::Local { local, .. }, None) if !whole_days => {
            let date = typed.date.unwrap_or(known);
            Ok(Start::Local { local: date.to_datetime(local.time()), zone: zone.to_owned() })
        }
        (Start::Date { .. }, None) => Ok(Start::Date { date: typed.date.unwrap_or(known) }),
        _ => fields::start(text, whole_days, Some(known), now, zone),
    }
}

/// What of an event is true of the next one of its kind. Nobody has answered it, it was never moved or called off, and it
/// comes from no calendar and no poll.
fn fresh(old: &Event, start: Start) -> Event {
    let mut event = Event {
        doors: old.doors_beside(&start),
        start,
        status: if old.status == Status::Tentative { Status::Tentative } else { Status::Confirmed },
        status_note: None,
        previous: Vec::new(),
        overrides: Vec::new(),
        sequence: 0,
        all_since: None,
        dates_since: Vec::new(),
        source: None,
        poll: None,
        ..old.clone()
    };
    event.links.retain(|link| link.kind != LinkKind::Recording);
    if let Some(rules) = &mut event.rsvp {
        rules.closes = rules.closes.take().and_then(|closes| moved(&closes, &old.start, &event.start));
    }
    event
}

/// Answers close as long before the start as they did.
fn moved(closes: &Start, old: &Start, new: &Start) -> Option<Start> {
    let days = (new.civil_date() - old.civil_date()).total((Unit::Day, old.civil_date())).ok()? as i64;
    match closes {
        Start::Local { local, zone } => {
            Some(Start::Local { local: local.checked_add(days.days()).ok()?, zone: zone.clone() })
        }
        Start::Date { date } => Some(Start::Date { date: date.checked_add(days.days()).ok()? }),
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{
        kind::Kind,
        records::event::{EventLink, RsvpRules, Source},
        when::{parse_date, parse_local},
    };
    use jiff::civil::datetime;

    use super::*;

    fn at(text: &str) -> Start {
        Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
    }

    #[test]
    fn a_clone_keeps_what_will_be_and_forgets_what_has_been() {
        let rules = RsvpRules { capacity: Some(9), closes: Some(at("2026-12-04T12:00")), ..RsvpRules::default() };
        let link = |kind| EventLink { url: "https://a.example".into(), label: "x".into(), kind };
        let old = Event {
            status: Status::Cancelled,
            status_note: Some("Ill".into()),
            previous: vec![at("2026-12-03T20:00")],
            sequence: 4,
            source: Some(Source {
                kind: "ics".into(),
                url: None,
                uid: None,
                fetched: None,
                edited: Vec::new(),
                version: None,
                dates: Vec::new(),
            }),
            links: vec![link(LinkKind::Recording), link(LinkKind::Info)],
            rsvp: Some(rules.clone()),
            ..Event::new("Gig", at("2026-12-05T20:00"))
        };
        let want = Event {
            links: vec![link(LinkKind::Info)],
            rsvp: Some(RsvpRules { closes: Some(at("2027-01-07T12:00")), ..rules }),
            ..Event::new("Gig", at("2027-01-08T20:00"))
        };
        let new = fresh(&old, at("2027-01-08T20:00"));
        assert_eq!((&new, new.check()), (&want, Ok(())));
    }

    #[test]
    fn a_day_alone_keeps_the_time_of_day() {
        let now = datetime(2026, 11, 24, 18, 30, 0, 0);
        let of = |text: Option<&str>, old: &Start| start(text, old, false, now, "Europe/Berlin").ok();
        let gig = at("2026-12-05T20:00");
        assert_eq!(of(Some("8 jan"), &gig), Some(at("2027-01-08T20:00")));
        assert_eq!(of(Some("8 jan 19:00"), &gig), Some(at("2027-01-08T19:00")));
        assert_eq!(of(Some("19:00"), &gig), Some(at("2026-12-05T19:00")));
        assert_eq!(of(None, &gig), Some(gig.clone()));
        assert_eq!(of(None, &at("2026-11-01T20:00")), None);
        let fair = Start::Date { date: parse_date("2026-12-05").unwrap() };
        assert_eq!(of(Some("8 jan"), &fair), Some(Start::Date { date: parse_date("2027-01-08").unwrap() }));
        assert_eq!(of(Some("8 jan 19:00"), &fair), Some(at("2027-01-08T19:00")));
    }
}
