//! What we write, read by others: generated series, the same in each of twelve zones, expanded by us and by calcard from
//! what we wrote. With `MOOT_SERIES=<folder>` the files and our lists go there, for the readers in other languages
//! (`integration-tests/interop/series`); `MOOT_SERIES_RULES` says how many rules, in place of the few the tests take.

use std::{collections::BTreeSet, fmt::Write as _, fs, ops::Range, path::Path};

use calcard::{
    common::timezone::Tz,
    icalendar::{ICalendar, ICalendarStatus},
};
use folkmoot_schemas::{
    kind::Kind,
    records::event::Override,
    recur::{self, BUDGET, Freq, Rule},
};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

use super::*;

/// Clocks that change in spring and autumn, in the far south, by half an hour, "backwards", at midnight, by the moon,
/// not at all, not any more; and one that left out a day.
const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Apia",
];
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/// Rules the tests take, and rules of one file.
const RULES: u64 = 24;
const CHUNK: u64 = 50;
/// Days of a window.
const WINDOW: i64 = 730;
const DAY: i64 = 86_400;

/// SplitMix64: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: i64) -> i64 {
        i64::try_from(self.roll() % n.unsigned_abs()).unwrap()
    }
    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(i64::try_from(list.len()).unwrap())).unwrap()]
    }
    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }
}

/// The first day of the window that rule `n` and its neighbours in the file are looked at in.
fn window(n: u64) -> Date {
    Date::constant(2008, 1, 1) + (i64::try_from(n / CHUNK).unwrap() % 21).years()
}

/// Rule `n` as an event in one zone; all else is the same in all of them.
fn series(n: u64, zone: &str) -> Event {
    let mut dice = Dice(n.wrapping_mul(0x2545_f491_4f6c_dd1d));
    // Most begin around the window, some long before it.
    let before = if dice.chance(80) { 400 } else { 4_400 };
    let mut first = window(n) + (dice.below(before + 200) - before).days();
    if dice.chance(15) {
        first = first.last_of_month();
    }
    // Hours at which clocks change, and quiet ones.
    const HOURS: [i8; 10] = [0, 1, 2, 2, 2, 3, 12, 19, 20, 23];
    let time = Time::constant(0, 0, 0, 0) + (i64::from(dice.one_of(&HOURS)) * 60 + dice.one_of(&[0, 15, 30])).minutes();
    let start = match dice.chance(15) {
        true => Start::Date { date: first },
        false => Start::Local { local: first.to_datetime(time), zone: zone.into() },
    };
    let mut event = Event::new(format!("Series {n}"), start);
    event.recur = Some(rule(&mut dice, first));
    match event.start {
        Start::Date { .. } => event.days = Some(u32::try_from(dice.below(3) + 1).unwrap()),
        Start::Local { .. } => event.duration = Some(u32::try_from(dice.below(40) * 900).unwrap()).filter(|s| *s > 0),
    }
    changes(&mut dice, &mut event, zone);
    assert_eq!(event.check(), Ok(()), "{event:?}");
    event
}

fn rule(dice: &mut Dice, first: Date) -> Rule {
    let code = |day: Weekday| DAYS[usize::try_from(day.to_monday_zero_offset()).unwrap()];
    let own = code(first.weekday());
    let mut rule = Rule {
        freq: dice.one_of(&[
            Freq::Daily,
            Freq::Weekly,
            Freq::Weekly,
            Freq::Monthly,
            Freq::Monthly,
            Freq::Monthly,
            Freq::Yearly,
        ]),
        interval: Some(dice.one_of(&[1, 1, 1, 2, 2, 3, 4, 5, 7, 13])).filter(|n| *n > 1),
        by_day: Vec::new(),
        by_month_day: Vec::new(),
        until: None,
        count: None,
    };
    let more = dice.below(3);
    match (rule.freq, dice.below(3)) {
        (Freq::Weekly, 1..) => {
            let days: BTreeSet<&str> = (0..more).map(|_| dice.one_of(&DAYS)).chain([own]).collect();
            rule.by_day = DAYS.iter().filter(|day| days.contains(*day)).map(|day| (*day).into()).collect();
        }
        (Freq::Monthly, 1) => {
            let front = (first.day() - 1) / 7 + 1;
            let back = -((first.days_in_month() - first.day()) / 7 + 1);
            let ours = format!("{}{own}", if dice.chance(50) { front } else { back });
            let others =
                (0..more).map(|_| format!("{}{}", dice.one_of(&[1, 2, 3, 4, 5, -1, -2, -5]), dice.one_of(&DAYS)));
            let days: BTreeSet<String> = others.chain([ours]).collect();
            rule.by_day = days.into_iter().collect();
        }
        (Freq::Monthly, 2) => {
            let last = first == first.last_of_month();
            let ours = if last && dice.chance(60) { -1 } else { first.day() };
            let days: BTreeSet<i8> =
                (0..more).map(|_| dice.one_of(&[-1, 1, 15, 28, 29, 30, 31])).chain([ours]).collect();
            rule.by_month_day = days.into_iter().collect();
        }
        _ => {}
    }
    match dice.below(3) {
        0 => rule.count = Some(u32::try_from(dice.below(200) + 1).unwrap()),
        1 => rule.until = Some((first + dice.below(2_000).days()).to_string()),
        _ => {}
    }
    rule
}

/// Up to six dates around the beginning of the window that are left out, cancelled, moved, renamed.
fn changes(dice: &mut Dice, event: &mut Event, zone: &str) {
    let from = event.start.instant("UTC").max(at(window_of(event), "UTC"));
    let dates = recur::expand(event, from..from + 300 * DAY, "UTC", BUDGET).instances;
    for _ in 0..dice.below(7) {
        if dates.is_empty() {
            return;
        }
        let start = dice.one_of(&(0..dates.len().min(40)).collect::<Vec<_>>());
        let start = dates[start].at.clone();
        if event.overrides.iter().any(|o| o.at == start.text()) {
            continue;
        }
        let hours = dice.below(200) - 100;
        let moved = match &start {
            Start::Local { local, .. } => {
                let zone = if dice.chance(20) { dice.one_of(&ZONES) } else { zone };
                Start::Local { local: *local + hours.hours(), zone: zone.to_owned() }
            }
            Start::Date { date } => Start::Date { date: *date + (hours / 24).days() },
        };
        let o = Override::new(start.text());
        event.overrides.push(match dice.below(5) {
            0 => Override { gone: true, ..o },
            1 => Override { status: Some(Status::Cancelled), note: Some("Ill".into()), ..o },
            2 => Override { start: Some(moved), ..o },
            3 => Override { start: Some(moved), status: Some(Status::Cancelled), ..o },
            _ => Override { name: Some(format!("{}, another", event.name)), status: Some(Status::Tentative), ..o },
        });
    }
}

fn window_of(event: &Event) -> Date {
    window(event.name.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap())
}

/// Midnight in seconds since 1970.
fn at(date: Date, zone: &str) -> i64 {
    Start::Date { date }.instant(zone)
}

/// One date as all readers print it, with its end; None outside the window.
fn row(from: i64, end: &str, whole_day: Option<Date>, on: &Event, days: &Range<Date>) -> Option<String> {
    let day = whole_day.unwrap_or_else(|| Timestamp::from_second(from).unwrap().to_zoned(TimeZone::UTC).date());
    let when = whole_day.map_or_else(|| minute(from), |day| day.to_string());
    let status = match on.status {
        Status::Cancelled => "CANCELLED",
        Status::Confirmed => "CONFIRMED",
        Status::Tentative | Status::Postponed => "TENTATIVE",
    };
    days.contains(&day).then(|| format!("{when}|{status}|{}|{end}", on.name))
}

fn minute(at: i64) -> String {
    Timestamp::from_second(at).unwrap().strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// Our own list, and what recurring-ical-events and ical.js have to make of what we write. They depart from us so:
/// - to ical.js a time that the clocks skip lies before the gap, and one that they show twice is the second; RFC 5545
///   (3.3.5) says the opposite, as do we and recurring-ical-events;
/// - to both a date of a series that lies across a clock change lasts as long as the clock on the wall says. RFC 5545
///   (3.8.5.3) says that it lasts exactly as long as the others, and so do we.
fn lists(event: &Event, days: &Range<Date>) -> [BTreeSet<String>; 3] {
    let [mut ours, mut python, mut js] = [(); 3].map(|()| BTreeSet::new());
    // No more fits one expansion than a year has days.
    let (begin, end) = (at(days.start, "UTC") - 3 * DAY, at(days.end, "UTC") + 3 * DAY);
    for from in (begin..end).step_by(300 * 86_400) {
        let found = recur::expand(event, from..(from + 300 * DAY).min(end), "UTC", BUDGET);
        assert!(!found.cut);
        for instance in &found.instances {
            let on = Occasion::new(event, instance).event;
            let (local, zone) = match &on.start {
                Start::Local { local, zone } => (*local, zone),
                Start::Date { date } => {
                    let end = (*date + i64::from(on.days.unwrap_or(1)).days()).to_string();
                    let row = row(instance.from, &end, Some(*date), &on, days);
                    [&mut ours, &mut python, &mut js].into_iter().for_each(|list| list.extend(row.clone()));
                    continue;
                }
            };
            let seconds = i64::from(on.duration.unwrap_or(0));
            let exact = instance.from + seconds;
            let on_the_wall = Start::Local { local: local + seconds.seconds(), zone: zone.clone() };
            // A changed date has its own end in the file, unless that hour comes twice.
            let written = instance.change.is_some() && when::is_shown_once(when::local_at(exact, zone).unwrap(), zone);
            let [first, second] = match written {
                true => [exact, exact],
                false => [on_the_wall.instant("UTC"), otherwise(&on_the_wall)],
            };
            ours.extend(row(instance.from, &minute(exact), None, &on, days));
            python.extend(row(instance.from, &minute(first), None, &on, days));
            js.extend(row(otherwise(&on.start), &minute(second), None, &on, days));
        }
    }
    [ours, python, js]
}

/// When ical.js thinks that a local time is.
fn otherwise(start: &Start) -> i64 {
    let Start::Local { local, zone } = start else { return start.instant("UTC") };
    let ambiguous = TimeZone::get(zone).unwrap().to_ambiguous_timestamp(*local);
    let at = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => return start.instant("UTC"),
        AmbiguousOffset::Gap { .. } => ambiguous.earlier(),
        AmbiguousOffset::Fold { .. } => ambiguous.later(),
    };
    at.unwrap().as_second()
}

fn item<'a>(event: &'a Event, uri: &'a Uri) -> Item<'a> {
    let rev = Tid::new(1_790_000_000_000_000, 7);
    Item { event, uri, author: "Ada".into(), url: None, origin: None, rev, zone: "UTC", lang: None }
}

fn written(items: Vec<Item<'_>>) -> String {
    Calendar { name: "Series", url: None, items }.to_ics()
}

/// What calcard makes of it; None where it makes nothing of it, and the readers in other languages alone decide:
/// - the fifth weekday from the end of a month, which it refuses and RFC 5545 (3.3.10) does not;
/// - a start, a changed or a left-out date at a time that the clocks skip or show twice, which it does not place.
///
/// Only its wall times and zones count: what the clocks did it looks up in zone data older than ours. Ends are left out.
fn calcards(event: &Event, uri: &Uri, days: &Range<Date>) -> Option<BTreeSet<String>> {
    let fifth = event.recur.iter().flat_map(|rule| &rule.by_day).any(|day| day.starts_with("-5"));
    let named = event.overrides.iter().filter_map(|o| event.start.named(&o.at));
    let mut starts = named.chain(event.overrides.iter().filter_map(|o| o.start.clone())).chain([event.start.clone()]);
    let once = |start: Start| match start {
        Start::Local { local, zone } => when::is_shown_once(local, &zone),
        Start::Date { .. } => true,
    };
    if fifth || !starts.all(once) {
        return None;
    }
    let mut text = written(vec![item(event, uri)]).replace("\r\n ", "");
    if let (Some(rule), Start::Local { .. }) = (&event.recur, &event.start)
        && let Some(until) = &rule.until
    {
        // It takes the end in UTC, which RFC 5545 wants there, for local time; in local time it means what we mean.
        let rrule = rule.to_rrule(&event.start);
        let (front, _) = rrule.rsplit_once("UNTIL=").unwrap();
        text = text.replace(&rrule, &format!("{front}UNTIL={}T235959", until.replace('-', "")));
    }
    let calendar = ICalendar::parse(text).unwrap();
    // It ends with a number of dates alone: an open rule would go on for ever.
    let expanded = calendar.expand_dates(Tz::Floating, dates_until(event, days.end + 200.days()));
    assert!(expanded.errors.is_empty(), "{:?}", expanded.errors);
    let mut rows = BTreeSet::new();
    for found in &expanded.events {
        let component = &calendar.components[found.comp_id as usize];
        let name = component.property(&calcard::icalendar::ICalendarProperty::Summary).unwrap();
        let status = match component.status() {
            Some(ICalendarStatus::Cancelled) => Status::Cancelled,
            Some(ICalendarStatus::Tentative) => Status::Tentative,
            _ => Status::Confirmed,
        };
        let local = Timestamp::from_second(found.start.naive_local().and_utc().timestamp()).unwrap();
        let local = local.to_zoned(TimeZone::UTC).datetime();
        let whole_day = matches!(event.start, Start::Date { .. }).then(|| local.date());
        let zone = match found.start.timezone() {
            Tz::Tz(zone) => zone.name(),
            _ => event.start.zone().unwrap_or("UTC"),
        };
        let from = Start::Local { local, zone: zone.to_owned() }.instant("UTC");
        let on = Event { status, ..Event::new(name.values[0].as_text().unwrap(), event.start.clone()) };
        rows.extend(row(from, "", whole_day, &on, days));
    }
    Some(rows)
}

/// How many dates the rule gives until then, left-out ones among them.
fn dates_until(event: &Event, end: Date) -> usize {
    let plain = Event { overrides: Vec::new(), ..event.clone() };
    let (mut n, mut from) = (0, event.start.instant("UTC"));
    let end = at(end, "UTC");
    while from < end {
        n += recur::expand(&plain, from..(from + 300 * DAY).min(end), "UTC", BUDGET).instances.len();
        from += 300 * DAY;
    }
    n
}

fn without_end(row: &str) -> String {
    let (row, _) = row.rsplit_once('|').unwrap();
    format!("{row}|")
}

#[test]
fn series_we_wrote_are_read_with_the_dates_we_show() {
    let number = |name| std::env::var(name).ok().map(|n| n.parse::<u64>().unwrap());
    let rules = number("MOOT_SERIES_RULES").unwrap_or(RULES);
    let folder = std::env::var("MOOT_SERIES").ok();
    let (mut dates, mut compared, mut list) = (0, 0, String::new());
    for begin in (0..rules).step_by(usize::try_from(CHUNK).unwrap()) {
        let days = window(begin)..window(begin) + WINDOW.days();
        for zone in ZONES {
            let numbers = begin..rules.min(begin + CHUNK);
            let events: Vec<(Uri, Event)> =
                numbers.map(|n| (tests::uri(&format!("{n:013}")), series(n, zone))).collect();
            let mut all = [(); 3].map(|()| BTreeSet::new());
            for (uri, event) in &events {
                let lists = lists(event, &days);
                if let Some(theirs) = calcards(event, uri, &days) {
                    let rows: BTreeSet<String> = lists[0].iter().map(|row| without_end(row)).collect();
                    let missing: Vec<_> = rows.difference(&theirs).collect();
                    let extra: Vec<_> = theirs.difference(&rows).collect();
                    assert_eq!((missing, extra), (vec![], vec![]), "{zone}: {event:#?}");
                    compared += 1;
                }
                all.iter_mut().zip(lists).for_each(|(all, rows)| all.extend(rows));
            }
            dates += all[0].len();
            if let Some(folder) = &folder {
                let name = format!("{begin:05}-{}", zone.replace('/', "-"));
                let items = events.iter().map(|(uri, event)| item(event, uri)).collect();
                let file = |suffix: &str| Path::new(folder).join(format!("{name}.{suffix}"));
                fs::write(file("ics"), written(items)).unwrap();
                for (suffix, rows) in ["ours", "python.expected", "js.expected"].iter().zip(&all) {
                    fs::write(file(suffix), rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
                }
                writeln!(list, "{name} {} {}", days.start, days.end).unwrap();
            }
        }
    }
    if let Some(folder) = &folder {
        fs::write(Path::new(folder).join("list"), list).unwrap();
    }
    println!("{rules} rules in {} zones, {dates} dates: calcard reads {compared} series as we show them", ZONES.len());
}
