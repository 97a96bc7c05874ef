use std::collections::HashSet;

use folkmoot_node::request::{OccurrenceInfo, Reply, Request};
use folkmoot_schemas::{
    records::event::{Event, Status},
    recur::Instance,
    when::Start,
};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{AHEAD, news};
use crate::{
    commands::community::say_nothing_here,
    error::{Error, Result},
    output::Line,
    record,
    session::{Session, answer},
    when::{Typed, period, reader::WallClock, zone},
};

/// The year 1900: no start is earlier.
const BEGINNING: i64 = -2_208_988_800;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event list\n  moot event list next month\n  moot event list --from 2026-12-01 --to 2026-12-31 --json\n  moot event list --past"
)]
pub(crate) struct Args {
    /// Which days: "next month", "this week", "weekend", "december", "fri"
    #[arg(value_name = "DAYS", conflicts_with_all = ["from", "to"])]
    days: Vec<String>,
    /// First day [default: today]
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day [default: 400 days on]
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// What was, newest first
    #[arg(long)]
    past: bool,
    /// How many at most
    #[arg(long, short = 'n', default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Over all communities unless one is named.
pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let clock = WallClock::of(session)?;
    let here = clock.zone();
    let now = session.clock.seconds();
    let day = |text: &Option<String>| -> Result<Option<Date>> {
        text.as_deref().map(|text| Typed::read_date(text, zone::wall(now, here))).transpose()
    };
    let begin = |date: Date| Start::Date { date }.instant(here);
    let (from, to) = match args.days.as_slice() {
        [] => (day(&args.from)?, day(&args.to)?),
        words => {
            let (first, last) = period::read(&words.join(" "), zone::wall(now, here))?;
            (Some(first), Some(last))
        }
    };
    let from = from.map(begin);
    let to = to.map(|date| date.tomorrow().map_or(i64::MAX, begin));
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        return Err(Error::refused("could not list events: the last day is before the first")
            .hint("give --from the earlier day"));
    }
    let limit = args.limit as usize;
    let (items, cut) = if args.past {
        past(session, from.unwrap_or(BEGINNING), to.unwrap_or(now).min(now), limit)?
    } else {
        let from = from.unwrap_or(now);
        ask(session, from, to.unwrap_or(from.max(now) + AHEAD), limit)?
    };
    if items.is_empty() {
        let otherwise = if args.past { "no past events" } else { "nothing is planned: moot event add NAME WHEN" };
        say_nothing_here(session, otherwise)?;
    }
    let mut rows = Vec::new();
    for occurrence in &items {
        rows.extend(row(session, occurrence, here)?);
    }
    // Dates stand in one column, so that names begin below each other.
    let width = rows.iter().map(|row| row.when.chars().count()).max().unwrap_or(0);
    for row in rows {
        let line = Line::new().text(format!("{:width$}  ", row.when)).strong(row.name);
        let line = row.place.map_or(line.clone(), |place| line.text("  ").text(place));
        let line = row.status.map_or(line.clone(), |status| line.warn(format!("  {status}")));
        let line = row.note.map_or(line.clone(), |note| line.text("  ").text(note));
        session.out.line(line.text("  ").id(row.id));
    }
    if cut {
        session.out.note("there are more: narrow it with --from and --to, or raise --limit");
    }
    Ok(())
}

/// Earliest first, in as many requests as that takes: one answer holds a few hundred dates and goes on at the last.
fn ask(session: &Session, from: i64, to: i64, limit: usize) -> Result<(Vec<OccurrenceInfo>, bool)> {
    let (mut all, mut seen, mut start) = (Vec::new(), HashSet::new(), from);
    loop {
        let request = Request::Events {
            community: session.named_community.clone(),
            from: start,
            to,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        let (items, cut) = answer!(session.ask(&request)?, Reply::Occurrences { items, cut } => (items, cut))?;
        let next = items.last().map_or(start, |last| last.from);
        // Asked again from the last date on, what is still going on then comes again.
        let before = all.len();
        all.extend(items.into_iter().filter(|o| seen.insert((o.item.uri.clone(), o.at.clone()))));
        if !cut || all.len() == before || all.len() > limit {
            let cut = cut || all.len() > limit;
            all.truncate(limit);
            return Ok((all, cut));
        }
        start = start.max(next);
    }
}

/// Newest first: answers count from the earliest, so it is asked in spans that grow into the past.
fn past(session: &Session, from: i64, to: i64, limit: usize) -> Result<(Vec<OccurrenceInfo>, bool)> {
    let (mut all, mut end, mut span) = (Vec::<OccurrenceInfo>::new(), to, AHEAD);
    let mut seen = HashSet::new();
    while end > from && all.len() <= limit {
        let begin = end.saturating_sub(span).max(from);
        let (items, _) = ask(session, begin, end, usize::MAX)?;
        // What reaches over the border of two spans is in both.
        let over = items.into_iter().rev().filter(|o| o.to <= to);
        all.extend(over.filter(|o| seen.insert((o.item.uri.clone(), o.at.clone()))));
        (end, span) = (begin, span.saturating_mul(2));
    }
    let cut = all.len() > limit;
    all.truncate(limit);
    Ok((all, cut))
}

/// One date as a person reads it.
struct Row {
    when: String,
    name: String,
    place: Option<String>,
    status: Option<String>,
    note: Option<String>,
    id: String,
}

/// Prints the date for programs, and gives what people read.
fn row(session: &Session, occurrence: &OccurrenceInfo, here: &str) -> Result<Option<Row>> {
    let Some(on) = on_date(occurrence)? else { return Ok(None) };
    session.out.object(&as_json(occurrence)?);
    Ok(Some(Row {
        when: short_words(&on, here),
        place: on.place_line(),
        status: news(&on),
        note: occurrence.note.clone(),
        id: occurrence.item.short.clone(),
        name: on.name,
    }))
}

/// The event as it is on that date. None: not an event.
pub(crate) fn on_date(occurrence: &OccurrenceInfo) -> Result<Option<Event>> {
    let record = record::open(&occurrence.item)?;
    let Some(event) = record.as_event() else { return Ok(None) };
    let change = event.overrides.iter().position(|change| change.at == occurrence.at);
    Ok(Some(event.on(&Instance {
        at: event.start.named(&occurrence.at).unwrap_or_else(|| occurrence.start.clone()),
        start: occurrence.start.clone(),
        change,
        cancelled: occurrence.cancelled,
        from: occurrence.from,
        to: occurrence.to,
    })))
}

pub(crate) fn as_json(occurrence: &OccurrenceInfo) -> Result<Value> {
    let (record, on) = (record::open(&occurrence.item)?, on_date(occurrence)?);
    Ok(json!({
        "uri": occurrence.item.uri,
        "short": occurrence.item.short,
        "community": occurrence.item.community,
        "name": on.as_ref().map(|on| &on.name),
        "at": occurrence.at,
        "start": occurrence.start,
        "from": occurrence.from,
        "to": occurrence.to,
        "status": if occurrence.cancelled { Some(Status::Cancelled) } else { on.as_ref().map(|on| on.status) },
        "cancelled": occurrence.cancelled,
        "note": occurrence.note,
        "series": record.as_event().is_some_and(|event| event.recur.is_some()),
        "place": on.as_ref().and_then(Event::place_line),
    }))
}

/// The date in words; the zone only where it is not the reader's.
pub(crate) fn short_words(event: &Event, here: &str) -> String {
    let words = event.when_words();
    if event.start.zone() == Some(here) { words.replacen(&format!(" ({here})"), "", 1) } else { words }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::when::parse_local;

    use super::*;

    #[test]
    fn the_zone_is_said_only_where_it_is_not_the_readers() {
        let local = parse_local("2026-12-05T20:00").unwrap();
        let event = Event::new("Gig", Start::Local { local, zone: "Europe/Berlin".into() });
        assert_eq!(short_words(&event, "Europe/Berlin"), "Saturday 5 December 2026, 20:00");
        assert_eq!(short_words(&event, "UTC"), "Saturday 5 December 2026, 20:00 (Europe/Berlin)");
    }
}
