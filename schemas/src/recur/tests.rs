use jiff::{ToSpan, civil::Date};

use super::*;
use crate::{
    kind::Kind,
    records::event::{Event, Override, Status},
    when::{parse_date, parse_local},
};

mod reference;

/// Enough to hold every series here.
const ALWAYS: std::ops::Range<i64> = -4_000_000_000..8_000_000_000;

fn date(text: &str) -> Date {
    parse_date(text).unwrap()
}

fn local(text: &str, zone: &str) -> Start {
    Start::Local { local: parse_local(text).unwrap(), zone: zone.into() }
}

fn rule(freq: Freq) -> Rule {
    Rule { freq, interval: None, by_day: vec![], by_month_day: vec![], until: None, count: None }
}

/// Reads the part of RRULE the subset covers; `until` as a date.
fn parse(text: &str) -> Rule {
    let mut rule = rule(Freq::Daily);
    for part in text.split(';') {
        let (key, value) = part.split_once('=').unwrap();
        let words = || value.split(',').map(str::to_owned).collect();
        match key {
            "FREQ" => rule.freq = serde_json::from_value(value.to_lowercase().into()).unwrap(),
            "INTERVAL" => rule.interval = Some(value.parse().unwrap()),
            "BYDAY" => rule.by_day = words(),
            "BYMONTHDAY" => rule.by_month_day = value.split(',').map(|day| day.parse().unwrap()).collect(),
            "UNTIL" => rule.until = Some(value.to_owned()),
            "COUNT" => rule.count = Some(value.parse().unwrap()),
            _ => panic!("{key}"),
        }
    }
    rule
}

fn series(start: Start, text: &str) -> Event {
    let event = Event { recur: Some(parse(text)), ..Event::new("Series", start) };
    assert_eq!(event.check(), Ok(()), "{text}");
    event
}

fn change(at: &str) -> Override {
    Override {
        at: at.into(),
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

fn all(event: &Event) -> Vec<Instance> {
    let expansion = expand(event, ALWAYS, "UTC", BUDGET);
    assert!(!expansion.cut);
    expansion.instances
}

fn starts(instances: &[Instance]) -> Vec<String> {
    instances.iter().map(|instance| instance.start.text()).collect()
}

fn utc(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap().to_string()
}

#[test]
fn rules_give_the_dates_a_calendar_gives() {
    let cases = [
        ("2026-01-30", "FREQ=DAILY;INTERVAL=2;COUNT=3", "2026-01-30 2026-02-01 2026-02-03"),
        ("2026-01-30", "FREQ=DAILY;UNTIL=2026-02-01", "2026-01-30 2026-01-31 2026-02-01"),
        // Weeks begin on Monday: the Sunday belongs to the week of the Tuesday before it.
        (
            "2026-12-22",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=5",
            "2026-12-22 2026-12-27 2027-01-05 2027-01-10 2027-01-19",
        ),
        // The start is in the middle of its week; days before it do not count.
        ("2026-12-31", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=4", "2026-12-31 2027-01-11 2027-01-14 2027-01-25"),
        ("2026-12-24", "FREQ=WEEKLY;COUNT=3", "2026-12-24 2026-12-31 2027-01-07"),
        ("2026-12-05", "FREQ=MONTHLY;BYDAY=1SA;COUNT=3", "2026-12-05 2027-01-02 2027-02-06"),
        ("2026-12-25", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "2026-12-25 2027-01-29 2027-02-26"),
        ("2026-01-30", "FREQ=MONTHLY;BYDAY=5FR;COUNT=4", "2026-01-30 2026-05-29 2026-07-31 2026-10-30"),
        ("2026-01-02", "FREQ=MONTHLY;BYDAY=-5FR;COUNT=2", "2026-01-02 2026-05-01"),
        ("2026-01-08", "FREQ=MONTHLY;BYDAY=3TU,2TH;COUNT=4", "2026-01-08 2026-01-20 2026-02-12 2026-02-17"),
        ("2026-01-31", "FREQ=MONTHLY;COUNT=4", "2026-01-31 2026-03-31 2026-05-31 2026-07-31"),
        ("2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=4", "2026-01-31 2026-02-28 2026-03-31 2026-04-30"),
        ("2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=31,-1;COUNT=3", "2026-01-31 2026-02-28 2026-03-31"),
        (
            "2026-01-29",
            "FREQ=MONTHLY;BYMONTHDAY=30,29,1;COUNT=5",
            "2026-01-29 2026-01-30 2026-02-01 2026-03-01 2026-03-29",
        ),
        ("2026-11-30", "FREQ=MONTHLY;INTERVAL=3;UNTIL=2027-08-30", "2026-11-30 2027-05-30 2027-08-30"),
        ("2024-02-29", "FREQ=YEARLY;COUNT=3", "2024-02-29 2028-02-29 2032-02-29"),
        ("2096-02-29", "FREQ=YEARLY;UNTIL=2104-02-29", "2096-02-29 2104-02-29"),
        ("2026-12-31", "FREQ=YEARLY;INTERVAL=2;UNTIL=2030-12-30", "2026-12-31 2028-12-31"),
        ("2026-12-31", "FREQ=DAILY;COUNT=1", "2026-12-31"),
    ];
    for (start, text, expected) in cases {
        let event = series(Start::Date { date: date(start) }, text);
        assert_eq!(starts(&all(&event)).join(" "), expected, "{start} {text}");
        // The same dates when the window begins just before the last of them.
        let last = date(expected.rsplit(' ').next().unwrap());
        let from = Start::Date { date: last }.instant("UTC");
        let late = expand(&event, from..ALWAYS.end, "UTC", BUDGET).instances;
        assert_eq!(starts(&late), [last.to_string()], "{start} {text}");
    }
}

#[test]
fn rules_outside_the_subset_are_faults() {
    let start = Start::Date { date: date("2026-12-05") };
    let cases = [
        ("FREQ=DAILY;INTERVAL=0", "recur.interval"),
        ("FREQ=DAILY;INTERVAL=53", "recur.interval"),
        ("FREQ=DAILY;COUNT=0", "recur.count"),
        ("FREQ=DAILY;COUNT=401", "recur.count"),
        ("FREQ=DAILY;COUNT=4;UNTIL=2027-01-01", "recur"),
        ("FREQ=DAILY;UNTIL=2026-12-04", "recur.until"),
        ("FREQ=DAILY;UNTIL=20270101T000000Z", "recur.until"),
        ("FREQ=DAILY;BYDAY=SA", "recur.by_day"),
        ("FREQ=YEARLY;BYDAY=SA", "recur.by_day"),
        ("FREQ=WEEKLY;BYDAY=1SA", "recur.by_day"),
        ("FREQ=WEEKLY;BYDAY=SA,ÖÖ", "recur.by_day"),
        ("FREQ=WEEKLY;BYMONTHDAY=5", "recur.by_month_day"),
        ("FREQ=MONTHLY;BYDAY=SA", "recur.by_day"),
        ("FREQ=MONTHLY;BYDAY=6SA", "recur.by_day"),
        ("FREQ=MONTHLY;BYDAY=0SA", "recur.by_day"),
        ("FREQ=MONTHLY;BYMONTHDAY=0,5", "recur.by_month_day"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2,5", "recur.by_month_day"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,2,3,4,5", "recur.by_month_day"),
        ("FREQ=MONTHLY;BYDAY=1SA;BYMONTHDAY=5", "recur"),
        // The start itself does not match.
        ("FREQ=WEEKLY;BYDAY=SU", "recur"),
        ("FREQ=MONTHLY;BYDAY=2SA", "recur"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "recur"),
    ];
    for (text, field) in cases {
        assert_eq!(parse(text).check(&start).map_err(|fault| fault.field), Err(field.to_owned()), "{text}");
    }
    let fault = parse("FREQ=WEEKLY;BYDAY=SU").check(&start).unwrap_err();
    assert_eq!(fault.reason, "gives “every week on Sunday”, which the start 2026-12-05 does not match");
}

#[test]
fn a_series_keeps_its_wall_time_over_clock_changes() {
    let cases = [
        ("2026-10-18T20:00", "Europe/Berlin", ["2026-10-18T18:00:00Z", "2026-10-25T19:00:00Z"]),
        ("2026-03-01T02:30", "America/New_York", ["2026-03-01T07:30:00Z", "2026-03-08T07:30:00Z"]),
        // In the gap: 02:30 becomes 03:30 summer time. In the fold: the first 02:30.
        ("2026-03-22T02:30", "Europe/Berlin", ["2026-03-22T01:30:00Z", "2026-03-29T01:30:00Z"]),
        ("2026-10-18T02:30", "Europe/Berlin", ["2026-10-18T00:30:00Z", "2026-10-25T00:30:00Z"]),
        // A day that did not exist.
        ("2011-12-23T20:00", "Pacific/Apia", ["2011-12-24T06:00:00Z", "2011-12-31T06:00:00Z"]),
        ("2026-10-18T20:00", "Mars/Olympus", ["2026-10-18T20:00:00Z", "2026-10-25T20:00:00Z"]),
    ];
    for (start, zone, expected) in cases {
        let event = series(local(start, zone), "FREQ=WEEKLY;COUNT=2");
        let instants: Vec<String> = all(&event).iter().map(|instance| utc(instance.from)).collect();
        assert_eq!(instants, expected, "{start} {zone}");
    }
}

#[test]
fn an_end_is_exact_time_after_the_start_and_days_end_at_midnight() {
    let night = Event { duration: Some(4 * 3600), ..Event::new("Night", local("2026-10-25T01:00", "Europe/Berlin")) };
    assert_eq!(utc(all(&night)[0].to), "2026-10-25T03:00:00Z");
    let open = Event { open_end: true, ..Event::new("Open", local("2026-12-05T20:00", "UTC")) };
    assert_eq!(utc(all(&open)[0].to), "2026-12-05T22:00:00Z");
    // Two days, one of them 25 hours long.
    let fair = Event { days: Some(2), ..Event::new("Fair", Start::Date { date: date("2026-10-24") }) };
    let instance = &expand(&fair, ALWAYS, "Europe/Berlin", BUDGET).instances[0];
    assert_eq!((utc(instance.from), utc(instance.to)), ("2026-10-23T22:00:00Z".into(), "2026-10-25T23:00:00Z".into()));
}

#[test]
fn an_event_under_way_belongs_to_the_window_and_one_that_just_ended_does_not() {
    let event = Event { duration: Some(3600), ..Event::new("Hour", local("2026-12-05T20:00", "UTC")) };
    let from = event.start.instant("UTC");
    let within = |window| expand(&event, window, "UTC", BUDGET).instances.len();
    assert_eq!(within(from + 3599..from + 9999), 1);
    assert_eq!(within(from + 3600..from + 9999), 0);
    assert_eq!(within(from - 9999..from), 0);
    assert_eq!(within(from - 9999..from + 1), 1);
    let moment = Event { duration: Some(0), ..event.clone() };
    assert_eq!(expand(&moment, from..from + 1, "UTC", BUDGET).instances.len(), 1);
    assert_eq!(expand(&moment, from + 1..from + 2, "UTC", BUDGET).instances.len(), 0);
}

#[test]
fn overrides_drop_mark_and_move_dates_and_a_count_still_counts_them() {
    let mut event = series(local("2026-12-05T20:00", "Europe/Berlin"), "FREQ=WEEKLY;COUNT=4");
    event.overrides = vec![
        Override { gone: true, ..change("2026-12-05T20:00") },
        Override { status: Some(Status::Cancelled), ..change("2026-12-12T20:00") },
        Override {
            start: Some(local("2026-12-27T18:00", "Europe/Berlin")),
            duration: Some(60),
            ..change("2026-12-19T20:00")
        },
        // Names no date of the series: other time of day, other day, after the last.
        Override { gone: true, ..change("2026-12-26T19:00") },
        Override { start: Some(local("2026-12-06T20:00", "UTC")), ..change("2026-12-13T20:00") },
        Override { start: Some(local("2026-12-06T20:00", "UTC")), ..change("2027-01-02T20:00") },
    ];
    let instances = all(&event);
    assert_eq!(starts(&instances), ["2026-12-12T20:00", "2026-12-26T20:00", "2026-12-27T18:00"]);
    assert_eq!(instances.iter().map(|i| i.cancelled).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(instances[2].at.text(), "2026-12-19T20:00");
    assert_eq!(instances[2].change, Some(2));
    assert_eq!(instances[2].to - instances[2].from, 60);
}

#[test]
fn a_date_moved_into_the_window_appears_and_one_moved_out_does_not() {
    let mut event = series(local("2026-12-05T20:00", "UTC"), "FREQ=MONTHLY;BYDAY=1SA");
    let far = local("2029-07-20T20:00", "UTC");
    event.overrides = vec![Override { start: Some(far.clone()), ..change("2027-01-02T20:00") }];
    let on = |text: &str| {
        let from = local(&format!("{text}T00:00"), "UTC").instant("UTC");
        starts(&expand(&event, from..from + 86_400, "UTC", BUDGET).instances)
    };
    assert_eq!(on("2029-07-20"), [far.text()]);
    assert_eq!(on("2027-01-02"), [""; 0]);
    // An earlier start than the first date is found as well.
    event.overrides[0].start = Some(local("2020-01-01T20:00", "UTC"));
    assert_eq!(starts(&expand(&event, 0..1_600_000_000, "UTC", BUDGET).instances), ["2020-01-01T20:00"]);
    assert_eq!(span(&event, "UTC"), (local("2020-01-01T20:00", "UTC").instant("UTC"), None));
}

#[test]
fn a_cancelled_event_cancels_every_date_but_one_that_says_otherwise() {
    let mut event = series(local("2026-12-05T20:00", "UTC"), "FREQ=WEEKLY;COUNT=2");
    event.status = Status::Cancelled;
    event.overrides = vec![Override { status: Some(Status::Confirmed), ..change("2026-12-12T20:00") }];
    assert_eq!(all(&event).iter().map(|i| i.cancelled).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn an_old_series_costs_nothing_for_its_past() {
    let from = local("2026-12-01T00:00", "UTC").instant("UTC");
    for text in ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "FREQ=DAILY;UNTIL=2200-01-01"] {
        let event = series(local("1990-01-01T20:00", "UTC"), text);
        let week = expand(&event, from..from + 7 * 86_400, "UTC", 100);
        assert_eq!((week.instances.len(), week.cut), (7, false), "{text}");
    }
}

#[test]
fn a_window_holds_at_most_400_dates_and_says_when_it_was_cut() {
    let event = series(local("2026-12-05T20:00", "UTC"), "FREQ=DAILY");
    let expansion = expand(&event, ALWAYS, "UTC", BUDGET);
    assert_eq!((expansion.instances.len(), expansion.cut), (INSTANCES, true));
    let full = series(local("2026-12-05T20:00", "UTC"), "FREQ=DAILY;COUNT=400");
    assert_eq!(all(&full).len(), INSTANCES);
    let poor = expand(&event, ALWAYS, "UTC", 10);
    assert_eq!((poor.instances.len(), poor.cut), (10, true));
}

#[test]
fn hostile_records_end_within_the_budget() {
    let start = local("2024-02-29T20:00", "UTC");
    let hostile = [
        Rule { interval: Some(u32::MAX), ..rule(Freq::Daily) },
        Rule { count: Some(u32::MAX), ..rule(Freq::Daily) },
        Rule { by_day: vec!["TH".into(); 10_000], ..rule(Freq::Weekly) },
        Rule { by_month_day: vec![i8::MIN; 4], ..rule(Freq::Monthly) },
        Rule { until: Some("-9999".into()), ..rule(Freq::Daily) },
        Rule { interval: Some(0), ..rule(Freq::Yearly) },
        Rule { interval: Some(51), count: Some(400), ..rule(Freq::Yearly) },
    ];
    for recur in hostile {
        let text = format!("{recur:?}");
        let mut event = Event { recur: Some(recur), duration: Some(u32::MAX), ..Event::new("Hostile", start.clone()) };
        event.overrides = vec![Override { start: Some(start.clone()), ..change("9999-12-31T20:00") }; 200];
        for window in [ALWAYS, i64::MIN..i64::MAX, i64::MAX - 1..i64::MAX, i64::MIN..i64::MIN + 1, 5..5] {
            assert!(expand(&event, window, "UTC", BUDGET).instances.len() <= INSTANCES, "{text}");
        }
        let _ = (span(&event, "UTC"), event.check(), event.card(), event.recur.as_ref().map(|r| r.to_rrule(&start)));
    }
    // One that never meets the window again: every fourth year is looked at, and no more than the budget.
    let rare = series(start, "FREQ=YEARLY;INTERVAL=51");
    let expansion = expand(&rare, 2_000_000_000..i64::MAX, "UTC", 50);
    assert!(expansion.cut);
}

#[test]
fn no_rule_costs_more_than_its_budget_and_a_fixed_part() {
    // To find the last date before an end, and to ask of each changed date whether it is one: whatever the budget.
    const FIXED: u32 = 400 + 2 * 100 + 3;
    let first = date("2024-02-29");
    let shapes = [
        rule(Freq::Daily),
        rule(Freq::Yearly),
        Rule { by_day: ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].map(String::from).to_vec(), ..rule(Freq::Weekly) },
        Rule { by_day: vec!["5TH".into(); 10], ..rule(Freq::Monthly) },
        Rule { by_day: vec!["-1TH".into(), "-5MO".into()], ..rule(Freq::Monthly) },
        Rule { by_month_day: vec![29, 30, 31, -1], ..rule(Freq::Monthly) },
    ];
    let ends = [(None, None), (Some(400), None), (None, Some("2199-12-31".to_owned())), (Some(u32::MAX), None)];
    let mut most = 0;
    for shape in &shapes {
        for interval in [None, Some(51), Some(52), Some(u32::MAX)] {
            for (count, until) in &ends {
                let recur = Rule { interval, count: *count, until: until.clone(), ..shape.clone() };
                let mut event = Event { recur: Some(recur), ..Event::new("Hostile", local("2024-02-29T20:00", "UTC")) };
                event.overrides = (0..100)
                    .map(|n| Override {
                        start: Some(local("2190-01-01T20:00", "UTC")),
                        ..change(&format!("{}T20:00", first + (n * 366).days()))
                    })
                    .collect();
                for window in [ALWAYS, i64::MIN..i64::MAX, 7_000_000_000..7_000_000_001, 0..1] {
                    for budget in [0, 10, 1_000, BUDGET] {
                        pattern::PERIODS.set(0);
                        expand(&event, window.clone(), "UTC", budget);
                        let looked = pattern::PERIODS.get();
                        assert!(
                            looked <= budget + FIXED,
                            "{looked} periods for a budget of {budget}: {:?}",
                            event.recur
                        );
                        most = most.max(looked);
                    }
                }
                pattern::PERIODS.set(0);
                let _ = (span(&event, "UTC"), event.check().is_ok());
                assert!(pattern::PERIODS.get() <= BUDGET + 2 * FIXED);
            }
        }
    }
    assert!(most > 400, "some of these are hostile indeed: {most}");
}

#[test]
fn at_the_end_of_time_nothing_overflows() {
    for start in [local("9999-12-31T23:00", "America/New_York"), Start::Date { date: date("9999-12-31") }] {
        let event = Event {
            recur: Some(rule(Freq::Daily)),
            duration: Some(u32::MAX),
            days: Some(u32::MAX),
            ..Event::new("Last", start)
        };
        assert_eq!(expand(&event, i64::MIN..i64::MAX, "America/New_York", BUDGET).instances.len(), 1);
        span(&event, "America/New_York");
    }
}

#[test]
fn a_span_reaches_from_the_first_start_to_the_last_end() {
    let start = local("2026-12-05T20:00", "UTC");
    let end = |text: &str| Some(local(text, "UTC").instant("UTC"));
    let cases = [
        ("FREQ=WEEKLY;COUNT=3", end("2026-12-19T22:00")),
        ("FREQ=WEEKLY;UNTIL=2027-01-01", end("2026-12-26T22:00")),
        ("FREQ=MONTHLY;BYDAY=1SA;UNTIL=2027-03-31", end("2027-03-06T22:00")),
        ("FREQ=YEARLY;UNTIL=2027-12-04", end("2026-12-05T22:00")),
        ("FREQ=DAILY", None),
    ];
    for (text, expected) in cases {
        let event = series(start.clone(), text);
        assert_eq!(span(&event, "UTC"), (start.instant("UTC"), expected), "{text}");
    }
    let single = Event { duration: Some(60), ..Event::new("Single", start.clone()) };
    assert_eq!(span(&single, "UTC"), (start.instant("UTC"), Some(start.instant("UTC") + 60)));
}

#[test]
fn a_written_until_lies_after_the_last_date_and_before_the_next() {
    let berlin = local("2026-12-05T20:00", "Europe/Berlin");
    let cases = [
        (berlin.clone(), "FREQ=MONTHLY;BYDAY=1SA", "FREQ=MONTHLY;BYDAY=1SA"),
        (berlin.clone(), "FREQ=WEEKLY;INTERVAL=1;COUNT=10", "FREQ=WEEKLY;COUNT=10"),
        (berlin.clone(), "FREQ=WEEKLY;INTERVAL=2;UNTIL=2027-06-30", "FREQ=WEEKLY;INTERVAL=2;UNTIL=20270630T215959Z"),
        (
            berlin,
            "FREQ=MONTHLY;BYMONTHDAY=5,-1;UNTIL=2027-01-31",
            "FREQ=MONTHLY;BYMONTHDAY=5,-1;UNTIL=20270131T225959Z",
        ),
        (Start::Date { date: date("2026-12-05") }, "FREQ=DAILY;UNTIL=2026-12-06", "FREQ=DAILY;UNTIL=20261206"),
    ];
    for (start, text, expected) in cases {
        assert_eq!(parse(text).to_rrule(&start), expected);
    }
    for (start, zone) in [
        ("2026-12-05T00:00", "Pacific/Kiritimati"),
        ("2026-12-05T23:59", "Pacific/Pago_Pago"),
        ("2026-10-20T02:30", "Europe/Berlin"),
        ("2026-03-25T23:30", "Africa/Cairo"),
    ] {
        let start = local(start, zone);
        let open = series(start.clone(), "FREQ=DAILY");
        for pair in expand(&open, ALWAYS, "UTC", 20).instances.windows(2) {
            let until = pair[0].at.civil_date().to_string();
            let written = Rule { until: Some(until), ..rule(Freq::Daily) }.to_rrule(&start);
            let value = written.rsplit_once("UNTIL=").unwrap().1;
            let until = jiff::Timestamp::strptime("%Y%m%dT%H%M%S%#z", value.replace('Z', "+0000")).unwrap().as_second();
            assert!(pair[0].from <= until && until < pair[1].from, "{written} {zone}");
        }
    }
}

#[test]
fn a_rule_is_said_in_words() {
    let cases = [
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "every 2 weeks on Thursday"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=10", "every week on Monday, Wednesday and Friday, 10 times"),
        ("FREQ=MONTHLY;BYDAY=1SA", "every month on the first Saturday"),
        (
            "FREQ=MONTHLY;BYDAY=1SA,-1FR;UNTIL=2027-06-30",
            "every month on the first Saturday and the last Friday until 30 June 2027",
        ),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1,22,-1", "every 3 months on the 1st, the 22nd and the last day"),
        ("FREQ=YEARLY;COUNT=1", "every year, once"),
    ];
    for (text, words) in cases {
        assert_eq!(parse(text).in_words(), words);
    }
}
