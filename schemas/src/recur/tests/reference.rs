//! The same rules told as a question to every single day, against which the arithmetic is measured.

use jiff::{
    ToSpan,
    civil::{Date, Time, Weekday},
};
use proptest::{prelude::*, sample::subsequence};

use super::*;

const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Cairo", "Mars/Olympus"];
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/// Days after the start the reference looks at.
const HORIZON: i32 = 4000;

fn code(day: Weekday) -> &'static str {
    DAYS[usize::try_from(day.to_monday_zero_offset()).unwrap()]
}

/// Ordinal of a date's weekday in its month, from the front and from the back.
fn ordinals(date: Date) -> (i8, i8) {
    ((date.day() - 1) / 7 + 1, -((date.days_in_month() - date.day()) / 7 + 1))
}

fn matches(rule: &Rule, first: Date, date: Date) -> bool {
    let interval = i32::try_from(rule.interval.unwrap_or(1)).unwrap();
    let months = |d: Date| i32::from(d.year()) * 12 + i32::from(d.month());
    let days = (date - first).get_days();
    match rule.freq {
        Freq::Daily => days % interval == 0,
        Freq::Weekly => {
            let monday = |d: Date| d - i32::from(d.weekday().to_monday_zero_offset()).days();
            let weeks = (monday(date) - monday(first)).get_days() / 7;
            let named = rule.by_day.iter().any(|day| day == code(date.weekday()));
            weeks % interval == 0 && (named || rule.by_day.is_empty() && date.weekday() == first.weekday())
        }
        Freq::Monthly => {
            let (front, back) = ordinals(date);
            let day = code(date.weekday());
            let named = rule.by_day.iter().any(|d| *d == format!("{front}{day}") || *d == format!("{back}{day}"))
                || rule.by_month_day.contains(&date.day())
                || rule.by_month_day.contains(&-1) && date.day() == date.days_in_month()
                || rule.by_day.is_empty() && rule.by_month_day.is_empty() && date.day() == first.day();
            (months(date) - months(first)) % interval == 0 && named
        }
        Freq::Yearly => {
            (date.month(), date.day()) == (first.month(), first.day())
                && (i32::from(date.year()) - i32::from(first.year())) % interval == 0
        }
    }
}

/// Dates of the series up to the horizon.
fn dates(rule: &Rule, first: Date) -> Vec<Date> {
    let until = rule.until.as_deref().map(date);
    (0..HORIZON)
        .map(|n| first + n.days())
        .filter(|day| matches(rule, first, *day) && until.is_none_or(|until| *day <= until))
        .take(rule.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap()))
        .collect()
}

fn expected(event: &Event, window: &std::ops::Range<i64>, zone: &str) -> Vec<(i64, String, i64, bool)> {
    let mut list = Vec::new();
    for day in dates(event.recur.as_ref().unwrap(), event.start.civil_date()) {
        let at = event.start.on(day);
        let change = event.overrides.iter().find(|o| o.at == at.text());
        if change.is_some_and(|o| o.gone) {
            continue;
        }
        let start = change.and_then(|o| o.start.clone()).unwrap_or_else(|| at.clone());
        let from = start.instant(zone);
        let to = match &start {
            Start::Local { .. } => from + i64::from(change.and_then(|o| o.duration).or(event.duration).unwrap_or(7200)),
            Start::Date { date } => {
                Start::Date { date: *date + i64::from(event.days.unwrap_or(1)).days() }.instant(zone)
            }
        };
        if from < window.end && (to > window.start || from == to && from >= window.start) {
            list.push((from, at.text(), to, change.and_then(|o| o.status) == Some(Status::Cancelled)));
        }
    }
    list.sort();
    list
}

fn rules(first: Date) -> impl Strategy<Value = Rule> {
    let (front, back) = ordinals(first);
    let own = code(first.weekday());
    let weekly = subsequence(DAYS.to_vec(), 0..4).prop_map(move |days| {
        let days = days.into_iter().chain([own]).map(str::to_owned).collect();
        Rule { by_day: days, ..rule(Freq::Weekly) }
    });
    let nth = (any::<bool>(), prop::collection::vec((1..=5_i8, any::<bool>(), 0..7_usize), 0..3)).prop_map(
        move |(from_front, others)| {
            let others = others.into_iter().map(|(n, last, day)| format!("{}{}", if last { -n } else { n }, DAYS[day]));
            let own = format!("{}{own}", if from_front { front } else { back });
            Rule { by_day: others.chain([own]).collect(), ..rule(Freq::Monthly) }
        },
    );
    let month_days = prop::collection::vec(prop_oneof![Just(-1), 1..=31_i8], 0..3).prop_map(move |others| Rule {
        by_month_day: others.into_iter().chain([first.day()]).collect(),
        ..rule(Freq::Monthly)
    });
    let plain =
        prop_oneof![Just(Freq::Daily), Just(Freq::Weekly), Just(Freq::Monthly), Just(Freq::Yearly)].prop_map(rule);
    let bound = prop_oneof![
        Just((None, None)),
        (1..=400_u32).prop_map(|count| (Some(count), None)),
        (0..3000_i32).prop_map(move |days| (None, Some((first + days.days()).to_string()))),
    ];
    (prop_oneof![plain, weekly, nth, month_days], prop::option::of(1..=7_u32), bound)
        .prop_map(|(rule, interval, (count, until))| Rule { interval, count, until, ..rule })
}

fn events() -> impl Strategy<Value = Event> {
    let first = (0..8000_i32).prop_map(|n| Date::constant(2008, 1, 1) + n.days());
    // The last days of a month are where rules go wrong.
    let late = (2008..2030_i16, 1..=12_i8).prop_map(|(year, month)| Date::constant(year, month, 1).last_of_month());
    let time = (0..24_i8, prop_oneof![Just(0_i8), Just(30)]).prop_map(|(h, m)| Time::constant(h, m, 0, 0));
    let start =
        (prop_oneof![3 => first, 1 => late], prop::option::weighted(0.8, time), prop::sample::select(&ZONES[..]))
            .prop_map(|(date, time, zone)| match time {
                Some(time) => Start::Local { local: date.to_datetime(time), zone: zone.into() },
                None => Start::Date { date },
            });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, -2000..2000_i32), 0..6);
    (start, 0..100_000_u32, 1..=60_u32, changes)
        .prop_flat_map(|(start, duration, days, changes)| {
            let rules = rules(start.civil_date());
            (Just(start), Just(duration), Just(days), Just(changes), rules)
        })
        .prop_map(|(start, duration, days, changes, rule)| {
            let whole_days = matches!(start, Start::Date { .. });
            let mut event = Event {
                duration: (!whole_days && duration % 3 > 0).then_some(duration),
                days: whole_days.then_some(days),
                recur: Some(rule),
                ..Event::new("Series", start)
            };
            let dates = dates(event.recur.as_ref().unwrap(), event.start.civil_date());
            for (index, what, hours) in changes {
                event.overrides.extend(changed(&event, *index.get(&dates), what, hours));
            }
            event
        })
}

/// Kind `what` of change to the date on `day`; None when it is changed already.
fn changed(event: &Event, day: Date, what: u8, hours: i32) -> Option<Override> {
    let at = event.start.on(day);
    if event.overrides.iter().any(|o| o.at == at.text()) {
        return None;
    }
    let moved = match &at {
        Start::Local { local, zone } => Start::Local { local: *local + hours.hours(), zone: zone.clone() },
        Start::Date { date } => Start::Date { date: *date + (hours / 24).days() },
    };
    let o = change(&at.text());
    Some(match what {
        0 => Override { gone: true, ..o },
        1 => Override { status: Some(Status::Cancelled), ..o },
        2 => Override { start: Some(moved), ..o },
        _ => Override {
            start: Some(moved),
            duration: matches!(at, Start::Local { .. }).then_some(hours.unsigned_abs() * 60),
            ..o
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// In order, within the window, and exactly the dates that asking every day gives.
    #[test]
    fn expansion_equals_asking_every_day(
        event in events(),
        offset in -200..3000_i64,
        length in 0..500_i64,
        fallback in prop::sample::select(&ZONES[..]),
    ) {
        prop_assert_eq!(event.check(), Ok(()));
        let from = event.start.instant("UTC") + offset * 86_400 + 1;
        let window = from..from + length * 86_400;
        let mut expected = expected(&event, &window, fallback);
        let found = expand(&event, window, fallback, BUDGET);
        prop_assert_eq!(found.cut, expected.len() > INSTANCES);
        expected.truncate(INSTANCES);
        let got: Vec<_> = found.instances.iter().map(|i| (i.from, i.at.text(), i.to, i.cancelled)).collect();
        prop_assert_eq!(got, expected);
        // The span holds every date of the window.
        let (first, last) = span(&event, fallback);
        prop_assert!(found.instances.iter().all(|i| i.from >= first && last.is_none_or(|last| i.to <= last)));
    }
}
