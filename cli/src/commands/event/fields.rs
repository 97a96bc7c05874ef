//! The flags that say what an event is, shared by `event add` and `event edit`. An empty value takes a field away.

use folkmoot_node::request::{Reply, Request};
use folkmoot_schemas::{
    Uri,
    error::Fault,
    records::{
        event::{CATEGORIES, Event, EventLink, LinkKind, PerformingAct, Price, Status},
        text::clean,
    },
    recur::{Freq, Rule},
    when::Start,
};
use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time},
};

use super::{hosts::Hosts, place::Where, rules::Rules};
use crate::{
    commands::{community::labelled, post::parse_uri},
    error::{Error, Result},
    near::near,
    picture::Pictures,
    session::{Session, answer},
    when::{Typed, amount, repeat},
};

#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Fields {
    /// Time zone of the start [default: the community's, else this machine's]
    #[arg(long, help_heading = "When")]
    pub(crate) zone: Option<String>,
    /// When it ends, e.g. 23:00, 02:00 (that night) or "2026-12-06 02:00"
    #[arg(long, help_heading = "When", conflicts_with_all = ["duration", "days", "open_end"])]
    pub(super) end: Option<String>,
    /// How long it takes, e.g. 2h or 1h30
    #[arg(long, help_heading = "When", conflicts_with_all = ["days", "open_end"])]
    duration: Option<String>,
    /// It ends when it ends
    #[arg(long, help_heading = "When")]
    open_end: bool,
    /// Whole days, without a time
    #[arg(long, help_heading = "When")]
    all_day: bool,
    /// How many whole days
    #[arg(long, help_heading = "When", value_parser = clap::value_parser!(u32).range(1..=60))]
    days: Option<u32>,
    /// When doors open, e.g. 19:00
    #[arg(long, help_heading = "When")]
    doors: Option<String>,
    /// "weekly on thu until 2027-06-30", "every 2 weeks", "monthly on first sat", "yearly, 10 times"
    #[arg(long, help_heading = "When")]
    repeat: Option<String>,

    #[command(flatten)]
    pub(super) at: Where,

    /// One or two sentences, up to 280 characters
    #[arg(long, help_heading = "What")]
    summary: Option<String>,
    /// Everything else (Markdown); - reads stdin
    #[arg(long, help_heading = "What")]
    text: Option<String>,
    /// Who plays or speaks, with the time and a link where known: "21:30 The Herons=https://herons.example"; can be given several times
    #[arg(long, help_heading = "What", value_name = "NAME")]
    act: Vec<String>,
    /// Can be given several times
    #[arg(long, help_heading = "What", value_name = "TAG")]
    tag: Vec<String>,
    /// music, film, workshop, market …
    #[arg(long, help_heading = "What")]
    category: Option<String>,
    /// Language, e.g. de
    #[arg(long, help_heading = "What")]
    lang: Option<String>,
    /// Web page with more, as URL or LABEL=URL; can be given several times
    #[arg(long, alias = "url", help_heading = "What", value_name = "LABEL=URL")]
    link: Vec<String>,
    /// Where tickets are sold
    #[arg(long, help_heading = "What", value_name = "URL")]
    tickets: Option<String>,
    /// Where it can be watched or listened to afterwards
    #[arg(long, help_heading = "What", value_name = "URL")]
    recording: Option<String>,
    /// The festival or series of events it belongs to
    #[arg(long, help_heading = "What", value_name = "EVENT")]
    part_of: Option<String>,
    /// How to reach the organisers
    #[arg(long, help_heading = "What")]
    contact: Option<String>,
    /// Steps, hearing loop, toilets …
    #[arg(long, help_heading = "What")]
    access: Option<String>,
    /// Lowest age
    #[arg(long, help_heading = "What", value_name = "YEARS")]
    age: Option<u32>,
    /// "12 EUR", "5-12 EUR", "free", "donation", "12 EUR, concessions 8"
    #[arg(long, help_heading = "What")]
    price: Option<String>,
    /// Not certain yet
    #[arg(long, help_heading = "What")]
    tentative: bool,

    #[command(flatten)]
    pictures: Pictures,

    #[command(flatten)]
    pub(crate) hosts: Hosts,

    #[command(flatten)]
    pub(crate) rules: Rules,
}

/// The start that was typed. All-day when no time was given and none is wanted. A time alone is on the `known` day.
pub(crate) fn start(text: &str, all_day: bool, known: Option<Date>, now: DateTime, zone: &str) -> Result<Start> {
    let typed = Typed::read(text, now)?;
    let Some(date) = typed.date.or(known) else {
        return Err(Error::refused(format!("could not understand the start {text:?}: it has no day"))
            .hint(format!("write \"today {text}\", \"fri {text}\" or \"2026-12-05 {text}\"")));
    };
    match typed.time {
        _ if all_day => Ok(Start::Date { date }),
        Some(time) => Ok(Start::Local { local: date.to_datetime(time), zone: zone.to_owned() }),
        None => Err(Error::refused(format!("could not understand the start {text:?}: it has no time of day"))
            .hint(format!("write \"{text} 20:00\", or add --all-day"))),
    }
}

impl Fields {
    /// Was any of them?
    pub(crate) fn given(&self) -> bool {
        *self != Self::default()
    }

    pub(crate) fn whole_days(&self) -> bool {
        self.all_day || self.days.is_some()
    }

    /// Doors were typed.
    pub(super) fn doors(&self) -> bool {
        self.doors.is_some()
    }

    /// Puts what was given into `event` of `community`, whose start is already right. `now` is local to the event's zone.
    pub(crate) fn apply(self, event: &mut Event, now: DateTime, session: &Session, community: &str) -> Result<()> {
        self.apply_length(event, now)?;
        if let Some(doors) = &self.doors {
            event.doors = if doors.is_empty() { None } else { Some(clock(doors, now)?.strftime("%H:%M").to_string()) };
        }
        if let Some(phrase) = &self.repeat {
            event.recur = if phrase.is_empty() { None } else { Some(repeat::rule(phrase, now)?) };
        }
        if let Some(rule) = &event.recur
            && rule.check(&event.start).is_err()
        {
            return Err(outside(rule, event));
        }
        self.at.apply(event, session, community)?;
        self.hosts.apply(event, community, session)?;
        if let Some(target) = &self.part_of {
            event.parent = parent(target, session, community)?;
        }
        for (field, given) in [
            (&mut event.summary, &self.summary),
            (&mut event.contact, &self.contact),
            (&mut event.access, &self.access),
            (&mut event.lang, &self.lang),
        ] {
            set(field, given.as_deref());
        }
        match self.text.as_deref() {
            Some("-") => event.text = Some(clean(&crate::editor::stdin()?)).filter(|t| !t.is_empty()),
            text => set(&mut event.text, text),
        }
        if let Some(word) = &self.category {
            event.category = if word.is_empty() { None } else { Some(category(word)?) };
        }
        if !self.act.is_empty() {
            event.acts = self.act.iter().filter(|text| !text.trim().is_empty()).map(|text| act(text)).collect();
        }
        if !self.tag.is_empty() {
            event.tags = self.tag.iter().map(|t| clean(t.trim_start_matches('#'))).filter(|t| !t.is_empty()).collect();
        }
        self.apply_links(event);
        if let Some(price) = &self.price {
            event.price = if price.trim().is_empty() { None } else { Some(self::price(price, event, session)?) };
        }
        if let Some(pictures) = self.pictures.add(session)? {
            let mut pictures = pictures.into_iter();
            (event.image, event.images) = (pictures.next(), pictures.collect());
        }
        event.age_min = self.age.or(event.age_min);
        if self.tentative {
            event.status = Status::Tentative;
        }
        self.rules.apply(event, now)?;
        Ok(())
    }

    fn apply_length(&self, event: &mut Event, now: DateTime) -> Result<()> {
        match event.start {
            Start::Date { date } => {
                (event.duration, event.open_end) = (None, false);
                if self.duration.is_some() || self.open_end {
                    return Err(Error::refused("could not use --duration or --open-end: the event takes whole days")
                        .hint("give --days or --end"));
                }
                if let Some(end) = &self.end {
                    event.days = Some(days_until(date, end, now)?);
                }
                event.days = self.days.or(event.days).filter(|n| *n > 1);
            }
            Start::Local { .. } => {
                event.days = None;
                if let Some(end) = &self.end {
                    event.duration = Some(until(&event.start, end, now)?);
                } else if let Some(long) = &self.duration {
                    // The dates of a series are all as long.
                    let repeats = self.repeat.as_ref().map_or(event.recur.is_some(), |phrase| !phrase.is_empty());
                    event.duration = Some(if repeats { amount::duration(long)? } else { lasting(&event.start, long)? });
                }
                if self.end.is_some() || self.duration.is_some() {
                    event.open_end = false;
                }
                if self.open_end {
                    (event.duration, event.open_end) = (None, true);
                }
            }
        }
        Ok(())
    }

    fn apply_links(&self, event: &mut Event) {
        if !self.link.is_empty() {
            event.links.retain(|link| link.kind != LinkKind::Info);
            for text in self.link.iter().filter(|text| !text.is_empty()) {
                let (label, url) = labelled(text);
                event.links.push(EventLink { url, label: clean(&label), kind: LinkKind::Info });
            }
        }
        let single =
            [(&self.tickets, LinkKind::Tickets, "Tickets"), (&self.recording, LinkKind::Recording, "Recording")];
        for (given, kind, label) in single {
            let Some(url) = given else { continue };
            event.links.retain(|link| link.kind != kind);
            if !url.is_empty() {
                event.links.push(EventLink { url: clean(url), label: label.into(), kind });
            }
        }
    }
}

/// A sum alone is in the currency the event had before, else in euros, which is said.
fn price(text: &str, event: &Event, session: &Session) -> Result<Price> {
    let before = event.price.as_ref().map(|price| price.currency.as_str());
    let (price, assumed) = amount::price(text, before.unwrap_or("EUR"))?;
    if assumed && before.is_none() {
        session.out.note("the price is taken in euros; for another currency name it, e.g. --price \"5 GBP\"");
    }
    Ok(price)
}

/// Tells a start that is no date of its series from other faults of the rule, which the rule itself names best.
fn outside(rule: &Rule, event: &Event) -> Error {
    let fault = rule.check(&event.start).map_or_else(|fault| fault, |()| Fault::new("recur", "does not fit"));
    if fault.field != "recur" || !fault.reason.contains("match") {
        return Error::refused(format!("could not publish the event: {fault}"))
            .hint("moot event add --help shows repetitions that work");
    }
    Error::refused("could not publish the event: its start is not one of the dates it repeats on")
        .because(format!("starts {}", event.when_words()))
        .because(format!("repeats {}", rule.in_words()))
        .hint(match rule.freq {
            // "every 2nd thursday" is both in English.
            Freq::Monthly if !rule.by_day.is_empty() => {
                "give the first of those dates as the start; for every other week write \"every 2 weeks\""
            }
            _ => "give the first of those dates as the start",
        })
}

/// Doors do not open after the start; only what is typed here is refused.
pub(crate) fn check_doors(event: &Event) -> Result<()> {
    if event.doors_fit() {
        return Ok(());
    }
    let doors = event.doors.as_deref().unwrap_or_default();
    Err(Error::refused("could not publish the event: its doors would open after it starts")
        .because(format!("doors {doors}, starts {}", event.when_words()))
        .hint("give --doors a time before the start; --doors \"\" takes it away"))
}

/// What became of the doors that went with another start, unless they were typed.
pub(super) fn say_doors(session: &Session, before: Option<&str>, after: Option<&str>) {
    match (before, after) {
        (Some(before), Some(after)) if before != after => {
            session.out.note(format!("  doors go with the start: {after}, not {before} (for another time: --doors)"));
        }
        (Some(before), None) => {
            session.out.note(format!(
                "  doors at {before} would open after the start, and are taken away (for another time: --doors)"
            ));
        }
        _ => {}
    }
}

/// `21:30 The Herons=https://herons.example`: a time before the name, a link behind it.
fn act(text: &str) -> PerformingAct {
    let text = clean(text);
    let (name, url) = match text.split_once("=http") {
        Some((name, rest)) => (name.to_owned(), Some(format!("http{rest}"))),
        None => (text, None),
    };
    let timed = |name: &str| {
        let (time, rest) = name.split_once(' ').filter(|(time, _)| time.len() == 5)?;
        folkmoot_schemas::when::parse_time(time).map(|_| (time.to_owned(), rest.trim().to_owned()))
    };
    match timed(&name) {
        Some((at, name)) => PerformingAct { name, url, did: None, at: Some(at) },
        None => PerformingAct { name: name.trim().to_owned(), url, did: None, at: None },
    }
}

/// The event that `target` names, in the same community; nothing when it is empty.
fn parent(target: &str, session: &Session, community: &str) -> Result<Option<Uri>> {
    if target.is_empty() {
        return Ok(None);
    }
    let (found, whole) = super::find(session, target)?;
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    if let (Ok(author), Ok(me)) = (found.item.did.parse(), me.did.parse())
        && !whole.has_part_by(&author, &me)
    {
        session.out.note(format!("{} lists it once its author names you among the hosts", whole.name));
    }
    if found.item.community != community {
        return Err(Error::refused(format!("could not use {target}: it is in another community"))
            .because(found.item.community_name)
            .hint("an event is part of one in its own community"));
    }
    parse_uri(&found.item.uri).map(Some)
}

pub(super) fn set(field: &mut Option<String>, given: Option<&str>) {
    if let Some(given) = given {
        *field = Some(clean(given)).filter(|text| !text.is_empty());
    }
}

fn clock(text: &str, now: DateTime) -> Result<Time> {
    match Typed::read(text, now)? {
        Typed { date: None, time: Some(time) } => Ok(time),
        _ => Err(Error::refused(format!("could not understand the time of day {text:?}")).hint("write it like 19:00")),
    }
}

fn category(word: &str) -> Result<String> {
    let word = word.to_lowercase();
    if CATEGORIES.iter().any(|(known, _)| *known == word) {
        return Ok(word);
    }
    let names = || CATEGORIES.iter().map(|(known, _)| *known);
    let said = Error::refused(format!("could not use the category {word:?}: there is none of that name"));
    Err(match near(&word, names(), 2).as_slice() {
        [] => said.hint(format!("it is one of {}", names().collect::<Vec<_>>().join(", "))),
        nearest => said.hint(format!("did you mean {}?", nearest.join(" or "))),
    })
}

/// A time alone that lies before the start is on the next day when that makes a night of less than this, in seconds.
const NIGHT: i64 = 12 * 60 * 60;

/// Seconds of a typed length: a day ends at the same time of day, also where clocks change.
fn lasting(start: &Start, text: &str) -> Result<u32> {
    let long = amount::length(text)?;
    let seconds = start.lasting(i32::try_from(long.days).unwrap_or(i32::MAX), long.seconds.into());
    // Longer than any event, which is what the check says.
    Ok(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// Seconds from `start` to the typed end, which stands in the start's zone; a time alone is on the start's day, or in
/// the night that follows it.
fn until(start: &Start, end: &str, now: DateTime) -> Result<u32> {
    let Start::Local { local, zone } = start else { return Ok(0) };
    let typed = Typed::read(end, now)?;
    let time = typed.time.ok_or_else(|| {
        Error::refused(format!("could not understand the end {end:?}: it has no time of day"))
            .hint("write it like 23:00 or \"2026-12-06 02:00\"")
    })?;
    let end = typed.date.unwrap_or(local.date()).to_datetime(time);
    let next = local.date().saturating_add(1.day()).to_datetime(time);
    let long = |end: DateTime| Start::Local { local: end, zone: zone.clone() }.instant(zone) - start.instant(zone);
    let seconds = match typed.date {
        None if long(end) <= 0 && long(next) < NIGHT => long(next),
        _ => long(end),
    };
    u32::try_from(seconds).ok().filter(|s| *s > 0).ok_or_else(|| {
        let said = Error::refused("could not publish the event: its end is before its start").because(format!(
            "starts {}, ends {} ({zone})",
            local.strftime("%Y-%m-%d %H:%M"),
            end.strftime("%Y-%m-%d %H:%M")
        ));
        said.hint(format!(
            "for a night that passes midnight give the next day, e.g. --end \"{}\"",
            next.strftime("%Y-%m-%d %H:%M")
        ))
    })
}

/// Whole days up to and with the typed last one.
fn days_until(first: Date, end: &str, now: DateTime) -> Result<u32> {
    let last = Typed::read_date(end, now)?;
    let days = (last - first).get_days() + 1;
    u32::try_from(days).ok().filter(|n| *n > 0).ok_or_else(|| {
        Error::refused("could not publish the event: its end is before its start")
            .because(format!("starts {first}, ends {last}"))
            .hint(format!("the last day counts, e.g. --end {first} for one day"))
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    const ZONE: &str = "Europe/Berlin";

    fn now() -> DateTime {
        datetime(2026, 11, 24, 18, 30, 0, 0)
    }

    fn at(text: &str) -> Start {
        start(text, false, None, now(), ZONE).unwrap()
    }

    #[test]
    fn a_time_alone_is_on_the_day_that_is_known_and_else_refused() {
        let known = Some(jiff::civil::date(2027, 7, 3));
        assert_eq!(start("17:00", false, known, now(), ZONE).unwrap(), at("2027-07-03 17:00"));
        let refused = start("17:00", false, None, now(), ZONE).unwrap_err();
        assert!(refused.hint.unwrap().contains("today 17:00"));
    }

    #[test]
    fn doors_open_before_the_start_or_in_the_evening_before() {
        let fits = |doors: &str, start: &str| {
            let event = Event { doors: Some(doors.into()), ..Event::new("Gig", at(start)) };
            check_doors(&event).is_ok()
        };
        for (doors, start) in [("19:00", "20:00"), ("20:00", "20:00"), ("09:00", "20:00"), ("23:00", "00:30")] {
            assert!(fits(doors, &format!("2027-07-03 {start}")), "{doors} {start}");
        }
        for (doors, start) in [("21:00", "20:00"), ("20:01", "20:00"), ("23:00", "10:00")] {
            assert!(!fits(doors, &format!("2027-07-03 {start}")), "{doors} {start}");
        }
    }

    #[test]
    fn an_act_may_have_a_time_before_its_name_and_a_link_behind_it() {
        let read = |text: &str| {
            let act = act(text);
            (act.at.unwrap_or_default(), act.name, act.url.unwrap_or_default())
        };
        let of = |at: &str, name: &str, url: &str| (at.to_owned(), name.to_owned(), url.to_owned());
        assert_eq!(read("The Herons"), of("", "The Herons", ""));
        assert_eq!(
            read("21:30 The Herons=https://a.example/?x=http://b"),
            of("21:30", "The Herons", "https://a.example/?x=http://b")
        );
        assert_eq!(read("99:99 Red Balloons"), of("", "99:99 Red Balloons", ""));
        assert_eq!(read("1+1=2"), of("", "1+1=2", ""));
    }

    #[test]
    fn an_end_in_the_small_hours_is_in_the_night_that_follows() {
        let start = at("2027-07-03 20:00");
        let hours = |end: &str| until(&start, end, now()).ok().map(|s| s / 3600);
        assert_eq!(hours("23:00"), Some(3));
        assert_eq!(hours("02:00"), Some(6));
        assert_eq!(hours("2027-07-04 10:00"), Some(14));
        for end in ["20:00", "08:00", "19:00", "2027-07-03 02:00"] {
            assert_eq!(hours(end), None, "{end}");
        }
    }
}
