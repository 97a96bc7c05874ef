//! Lists of dates: upcoming and past by day, and one month.

use askama::Template;
use folkmoot_node::store::reader::Occurrence;
use folkmoot_schemas::when::Start;
use jiff::civil::Date;

use super::{DATES, Shown, filter::Filter, html, items};
use crate::{
    answer::Caching,
    html::{Choice, Frame, Group, Link, Section},
    reading::Reading,
    route::{Page, Query},
    words,
};

const DAY: i64 = 86_400;
const AHEAD: i64 = 400 * DAY;
/// 1 January 1900: no date is older.
const OLDEST: i64 = -2_208_988_800;

#[derive(Debug, Template)]
#[template(path = "events.html")]
struct Events {
    frame: Frame,
    heading: String,
    groups: Vec<Group>,
    /// What to say when there are none.
    empty: &'static str,
    earlier: Option<Link>,
    later: Option<Link>,
    upcoming: bool,
    /// To narrow the list by, what is chosen first.
    choices: Vec<Choice>,
    /// Of what is listed, where it was narrowed.
    subscribe: Option<Subscribe>,
}

#[derive(Debug)]
struct Subscribe {
    words: String,
    webcal: String,
    calendar: String,
    feed: String,
}

pub(super) fn upcoming(reading: &Reading<'_>, query: &Query) -> Shown {
    let filter = match Filter::of(reading, query)? {
        Ok(filter) => filter,
        Err(answer) => return Ok(answer),
    };
    let from = query.from.unwrap_or(reading.now).max(reading.now);
    let (dates, more) = page_of_dates(reading, &filter, from, reading.now + AHEAD, query.from)?;
    let later = more.map(|from| link(filter.suffix(&format!("from={from}")), "Later dates"));
    let empty = match (&later, filter.is_empty()) {
        (Some(_), _) => "Nothing so far; there may be more later.",
        (None, true) => "Nothing is planned at the moment.",
        (None, false) => "Nothing of this is planned.",
    };
    let page = Events {
        frame: frame(reading, &filter, "Events", ("Upcoming events", &dates), &Page::Events),
        heading: "Upcoming events".into(),
        groups: by_day(reading, &dates),
        empty,
        earlier: Some(to(reading, &filter, &Page::Past, "Past events")),
        later,
        upcoming: true,
        choices: filter.choices(reading, &(reading.own_prefix() + &Page::Events.path()))?,
        subscribe: subscribe(reading, &filter),
    };
    html(&page, Caching::List)
}

pub(super) fn month(reading: &Reading<'_>, year: i16, month: i8, query: &Query) -> Shown {
    let page = Page::Month { year, month };
    let Ok(first) = Date::new(year, month, 1) else { return Ok(super::notice::not_found(Some(reading))) };
    let next = first.saturating_add(jiff::Span::new().months(1));
    let last = first.saturating_sub(jiff::Span::new().days(1));
    let zone = reading.community().map_or("UTC", |c| reading.fallback_zone(&c.id));
    let midnight = |date: Date| Start::Date { date }.instant(zone);
    let from = query.from.unwrap_or(i64::MIN).max(midnight(first));
    let (dates, more) = page_of_dates(reading, &Filter::default(), from, midnight(next), query.from)?;
    let title = words::month(first);
    let to = |date: Date| {
        let page = Page::Month { year: date.year(), month: date.month() };
        (1900..=2200).contains(&date.year()).then(|| link(reading.own_prefix() + &page.path(), &words::month(date)))
    };
    let page = Events {
        frame: reading.frame(Section::Events, &title, &describe(reading, &title, &dates), &page),
        heading: title,
        groups: by_day(reading, &dates),
        empty: "Nothing in this month.",
        earlier: to(last),
        later: more.map(|from| link(format!("?from={from}"), "More of this month")).or_else(|| to(next)),
        upcoming: false,
        choices: Vec::new(),
        subscribe: None,
    };
    html(&page, Caching::List)
}

/// The frame of a list; what is narrowed has a title and an address of its own. Anybody can make up a tag: where nothing
/// has it, search engines need not know.
fn frame(
    reading: &Reading<'_>,
    filter: &Filter,
    title: &str,
    (what, dates): (&str, &[Occurrence]),
    page: &Page,
) -> Frame {
    let title = filter.words().map_or_else(|| title.to_owned(), |words| format!("{title}: {words}"));
    Frame {
        canonical: Some(reading.own_address(&(page.path() + &filter.suffix("")))),
        listed: filter.is_empty() || !dates.is_empty(),
        ..reading.frame(Section::Events, &title, &describe(reading, what, dates), page)
    }
}

fn to(reading: &Reading<'_>, filter: &Filter, page: &Page, label: &str) -> Link {
    link(reading.own_prefix() + &page.path() + &filter.suffix(""), label)
}

fn subscribe(reading: &Reading<'_>, filter: &Filter) -> Option<Subscribe> {
    let calendar = to(reading, filter, &Page::Calendar, "").href;
    Some(Subscribe {
        words: filter.words()?,
        webcal: reading.origin.webcal(&calendar),
        calendar,
        feed: to(reading, filter, &Page::EventsFeed, "").href,
    })
}

/// Dates between two instants, from `from` on; and where the next page begins. All dates that begin at the same second
/// stay on one page, so that none is lost between two.
fn page_of_dates(
    reading: &Reading<'_>,
    filter: &Filter,
    from: i64,
    to: i64,
    continued: Option<i64>,
) -> Result<(Vec<Occurrence>, Option<i64>), super::PageError> {
    let (mut dates, cut) = filter.dates(reading, from..to, DATES * 3)?;
    let seen = dates.last().map(|o| o.instance.from).filter(|_| cut);
    // On a later page, what began before it was shown on an earlier one.
    dates.retain(|o| continued.is_none_or(|from| o.instance.from >= from));
    let full = dates.get(DATES).map(|o| o.instance.from);
    let next = full.and_then(|at| {
        let first = dates.first().map(|o| o.instance.from);
        // Only whole groups move to the next page; one group that fills a page by itself is shown as far as it came.
        let end = if first == Some(at) { DATES * 3 } else { dates.iter().position(|o| o.instance.from == at)? };
        let next = dates.get(end).map(|o| o.instance.from).or((first == Some(at)).then_some(at + 1));
        dates.truncate(end);
        next
    });
    let next = next.or_else(|| seen.map(|at| at + 1));
    Ok((dates, next))
}

pub(super) fn past(reading: &Reading<'_>, query: &Query) -> Shown {
    let filter = match Filter::of(reading, query)? {
        Ok(filter) => filter,
        Err(answer) => return Ok(answer),
    };
    let before = query.before.unwrap_or(reading.now).min(reading.now);
    let (mut dates, mut rest) = dates_before(reading, &filter, before)?;
    if let Some(at) = dates.get(DATES).map(|o| o.instance.from) {
        let keep = dates.iter().position(|o| o.instance.from == at).filter(|n| *n > 0);
        dates.truncate(keep.unwrap_or(DATES));
        rest = dates.last().map(|o| o.instance.from);
    }
    let earlier = rest.map(|before| link(filter.suffix(&format!("before={before}")), "Earlier dates"));
    let empty = match (&earlier, filter.is_empty()) {
        (Some(_), _) => "Nothing so far; there may be more in earlier years.",
        (None, true) => "Nothing has taken place yet.",
        (None, false) => "Nothing of this has taken place.",
    };
    let page = Events {
        frame: frame(reading, &filter, "Past events", ("Past events", &dates), &Page::Past),
        heading: "Past events".into(),
        groups: by_day(reading, &dates),
        empty,
        earlier,
        later: Some(to(reading, &filter, &Page::Events, "Upcoming events")),
        upcoming: false,
        choices: filter.chosen(&(reading.own_prefix() + &Page::Past.path())),
        subscribe: None,
    };
    html(&page, Caching::List)
}

/// Dates that are over and began before an instant, newest first: at least a page of them, if there are as many; and
/// before which instant others were not looked for. The store gives oldest first, so the window reaches back in growing
/// steps until it holds enough.
fn dates_before(
    reading: &Reading<'_>,
    filter: &Filter,
    before: i64,
) -> Result<(Vec<Occurrence>, Option<i64>), super::PageError> {
    const STEPS: usize = 12;
    const MOST: usize = 400;
    let mut found: Vec<Occurrence> = Vec::new();
    let (mut end, mut length) = (before, 60 * DAY);
    for _ in 0..STEPS {
        let start = end.saturating_sub(length).max(OLDEST);
        let (mut dates, cut) = filter.dates(reading, start..end, MOST)?;
        if cut && length > DAY {
            length /= 4;
            continue;
        }
        dates.retain(|o| o.instance.to <= reading.now && (start..end).contains(&o.instance.from));
        dates.reverse();
        found.extend(dates);
        end = start;
        if found.len() > DATES || start == OLDEST {
            break;
        }
        length = length.saturating_mul(4);
    }
    Ok((found, Some(end).filter(|end| *end > OLDEST)))
}

fn by_day(reading: &Reading<'_>, dates: &[Occurrence]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for item in items::event_items(reading, dates) {
        let heading = item.day.clone();
        match groups.last_mut().filter(|g| g.heading == heading) {
            Some(group) => group.items.push(item),
            None => groups.push(Group { heading, items: vec![item] }),
        }
    }
    groups
}

fn describe(reading: &Reading<'_>, what: &str, dates: &[Occurrence]) -> String {
    let names = dates.iter().take(4).filter_map(|o| o.entry.record.as_event()).map(|e| e.name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    let of = format!("{what} of {}", reading.site_name());
    if names.is_empty() { of } else { format!("{of}: {names}") }
}

fn link(href: String, label: &str) -> Link {
    Link { href, label: label.to_owned() }
}
