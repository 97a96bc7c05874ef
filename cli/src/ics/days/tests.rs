use calcard::{
    common::timezone::Tz,
    icalendar::{ICalendar, ICalendarValue},
};
use proptest::{prelude::*, sample::subsequence};

use super::*;

/// The rule as read from a file, and what the parser's own expansion finds up to a day.
fn both(rule: &str, start: Date, last: Date) -> (Vec<Date>, Vec<Date>) {
    let stamp = start.strftime("%Y%m%d");
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:{stamp}T120000\r\nRRULE:{rule}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let calendar = ICalendar::parse(&text).unwrap();
    let values = calendar.components.iter().flat_map(|component| &component.entries).flat_map(|entry| &entry.values);
    let read = values.into_iter().find_map(|value| match value {
        ICalendarValue::RecurrenceRule(rule) => Some((**rule).clone()),
        _ => None,
    });
    let ours = days(&read.unwrap(), start, Some(last), 20_000);
    let mut theirs: Vec<Date> = Vec::new();
    for event in calendar.expand_dates(Tz::Floating, 1_000).events {
        // It goes on beyond the year 9999.
        theirs.extend(event.start.naive_local().format("%Y-%m-%d").to_string().parse::<Date>());
    }
    theirs.sort_unstable();
    theirs.retain(|day| *day <= last);
    (ours, theirs)
}

fn list<T: ToString + Clone + std::fmt::Debug + 'static>(
    name: &'static str,
    from: Vec<T>,
    most: usize,
) -> impl Strategy<Value = String> {
    let most = most.min(from.len());
    let part = move |chosen: Vec<T>| match chosen.is_empty() {
        true => String::new(),
        false => format!(";{name}={}", chosen.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    };
    prop_oneof![2 => Just(String::new()), 1 => subsequence(from, 1..=most).prop_map(part)]
}

fn rule() -> impl Strategy<Value = String> {
    let weekdays = vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    // Theirs finds no fifth weekday from the end.
    let nth: Vec<String> = (-4..=4)
        .filter(|n| *n != 0)
        .flat_map(|n| weekdays.iter().map(move |day| format!("{n}{day}")).collect::<Vec<_>>())
        .collect();
    let of_week = list("BYDAY", weekdays.clone(), 3);
    let of_month = prop_oneof![list("BYDAY", weekdays.clone(), 3), list("BYDAY", nth, 2)];
    let months = || list("BYMONTH", (1..=12).collect(), 3);
    let month_days = || list("BYMONTHDAY", vec![1, 13, 28, 29, 30, 31, -1, -3, -29], 3);
    let places = || list("BYSETPOS", vec![1, 2, 5, -1, -2], 2);
    let weeks = list("WKST", vec!["MO", "SU", "TH"], 1);
    let rule = prop_oneof![
        (months(), month_days(), list("BYDAY", weekdays.clone(), 3)).prop_map(|(a, b, c)| format!("DAILY{a}{b}{c}")),
        // Without places: theirs leaves out of the first week what lies before the start, and counts what is left.
        (months(), of_week).prop_map(|(a, b)| format!("WEEKLY{a}{b}")),
        (months(), month_days(), of_month, places()).prop_map(|(a, b, c, d)| {
            let d = if b.is_empty() && c.is_empty() { String::new() } else { d };
            format!("MONTHLY{a}{b}{c}{d}")
        }),
        (months(), month_days(), list("BYDAY", vec!["2TU", "-1FR", "53SU", "20MO"], 2))
            .prop_map(|(a, b, c)| format!("YEARLY{a}{b}{c}")),
        list("BYYEARDAY", vec![1, 60, 100, 366, -1, -366], 3).prop_map(|a| format!("YEARLY{a}")),
        // A week without a weekday is left out: theirs takes all its days, ours the start's weekday, as the RFC has it.
        (list("BYWEEKNO", vec![1, 20, 52, 53, -1], 2), list("BYDAY", weekdays, 2)).prop_map(|(a, b)| {
            let both = !a.is_empty() && !b.is_empty();
            // Nor with another start of the week: theirs misses the days of a week that reaches into the next year.
            if both { format!("YEARLY{a}{b};WKST=MO") } else { "YEARLY".to_owned() }
        }),
    ];
    (rule, 1..=4_u8, weeks, prop_oneof![Just(0_u8), 1..40_u8]).prop_map(|(rule, interval, weeks, count)| {
        let count = if count == 0 { String::new() } else { format!(";COUNT={count}") };
        let weeks = if rule.contains("WKST") { "" } else { &weeks };
        format!("FREQ={rule};INTERVAL={interval}{weeks}{count}")
    })
}

proptest! {
    #[test]
    fn the_parsers_own_expansion_finds_the_same_days(rule in rule(), ahead in 0..800_i32) {
        let start = jiff::civil::date(2023, 1, 1).saturating_add(ahead.days());
        let last = start.saturating_add(8.years());
        let (ours, theirs) = both(&rule, start, last);
        prop_assert_eq!(ours.iter().take(900).collect::<Vec<_>>(), theirs.iter().take(900).collect::<Vec<_>>(), "{}", rule);
    }
}

#[test]
fn a_rule_that_names_no_day_ends() {
    let (ours, _) = both(
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        jiff::civil::date(2026, 1, 1),
        jiff::civil::date(9999, 1, 1),
    );
    assert!(ours.is_empty());
}
