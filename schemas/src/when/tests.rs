use jiff::civil::{date, datetime};

use super::*;

fn local(text: &str, zone: &str) -> Start {
    Start::Local { local: parse_local(text).unwrap(), zone: zone.into() }
}

fn utc(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

#[test]
fn both_forms_survive_dag_cbor_and_json() {
    let cases = [
        (local("2026-12-05T20:00", "Europe/Berlin"), r#"{"zone":"Europe/Berlin","local":"2026-12-05T20:00"}"#),
        (local("2026-12-05T20:00:30", "UTC"), r#"{"zone":"UTC","local":"2026-12-05T20:00:30"}"#),
        (Start::Date { date: date(2026, 12, 5) }, r#"{"date":"2026-12-05"}"#),
    ];
    for (start, json) in cases {
        assert_eq!(serde_json::to_string(&start).unwrap(), json);
        assert_eq!(serde_json::from_str::<Start>(json).unwrap(), start);
        let bytes = serde_ipld_dagcbor::to_vec(&start).unwrap();
        assert_eq!(serde_ipld_dagcbor::from_slice::<Start>(&bytes).unwrap(), start);
    }
}

#[test]
fn mixed_half_and_misspelt_starts_are_refused() {
    for json in [
        r#"{}"#,
        r#"{"local":"2026-12-05T20:00"}"#,
        r#"{"zone":"Europe/Berlin"}"#,
        r#"{"local":"2026-12-05T20:00","zone":"UTC","date":"2026-12-05"}"#,
        r#"{"date":"2026-12-05","zone":"UTC"}"#,
        r#"{"date":"2026-12-05","local":null}"#,
        r#"{"date":"2026-12-05","time":"20:00"}"#,
        r#"{"date":"2026-2-5"}"#,
        r#"{"date":"2026-02-30"}"#,
        r#"{"date":"+026-02-03"}"#,
        r#"{"local":"2026-12-05 20:00","zone":"UTC"}"#,
        r#"{"local":"2026-12-05T20:00:00","zone":"UTC"}"#,
        r#"{"local":"2026-12-05T24:00","zone":"UTC"}"#,
        r#"{"local":"2026-12-05T20:00Z","zone":"UTC"}"#,
        r#"{"local":"2026-12-05T20:00:30.5","zone":"UTC"}"#,
        r#"{"local":"２026-12-05T20:00","zone":"UTC"}"#,
    ] {
        assert!(serde_json::from_str::<Start>(json).is_err(), "{json}");
    }
}

#[test]
fn a_time_in_a_gap_shifts_forward_and_one_in_a_fold_is_the_first() {
    let cases = [
        ("2026-12-05T20:00", "Europe/Berlin", "2026-12-05T19:00:00Z"),
        ("2026-07-05T20:00", "Europe/Berlin", "2026-07-05T18:00:00Z"),
        // Clocks go from 02:00 to 03:00: 02:30 is taken as 03:30 summer time.
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00Z"),
        // 02:30 happens twice; the first is still summer time.
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-03-08T02:30", "America/New_York", "2026-03-08T07:30:00Z"),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00Z"),
        // Samoa skipped this whole day.
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00:00Z"),
        // A gap at midnight.
        ("2018-11-04T00:00", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ];
    for (text, zone, instant) in cases {
        assert_eq!(local(text, zone).instant("UTC"), utc(instant), "{text} {zone}");
    }
}

#[test]
fn an_offset_follows_the_same_rule_as_the_instant() {
    assert_eq!(offset_at(datetime(2026, 10, 25, 2, 30, 0, 0), "Europe/Berlin"), Some(7200));
    assert_eq!(offset_at(datetime(2026, 12, 5, 20, 0, 0, 0), "Europe/Berlin"), Some(3600));
    assert_eq!(offset_at(datetime(2026, 12, 5, 20, 0, 0, 0), "Mars/Olympus"), None);
}

#[test]
fn an_unknown_zone_passes_the_check_and_counts_as_utc() {
    let start = local("2026-12-05T20:00", "Mars/Olympus_Mons");
    assert!(!zone_known("Mars/Olympus_Mons") && zone_known("America/Argentina/Salta") && zone_known("UTC"));
    assert_eq!(start.check("start"), Ok(()));
    assert_eq!(start.instant("Europe/Berlin"), utc("2026-12-05T20:00:00Z"));
}

#[test]
fn an_all_day_start_counts_from_midnight_of_the_fallback_zone() {
    let start = Start::Date { date: date(2026, 12, 5) };
    assert_eq!(start.instant("Europe/Berlin"), utc("2026-12-04T23:00:00Z"));
    assert_eq!(start.instant("nowhere"), utc("2026-12-05T00:00:00Z"));
}

#[test]
fn malformed_zones_and_far_years_are_faults() {
    for zone in
        ["", "Europe/", "/Berlin", "Europe/../etc", "Europe Berlin", "Europe/Ber\u{0}lin", "1/2", &"a".repeat(65)]
    {
        assert!(local("2026-12-05T20:00", zone).check("start").is_err(), "{zone:?}");
    }
    for zone in ["Etc/GMT+5", "America/Port-au-Prince", "GMT0", "W-SU"] {
        assert_eq!(local("2026-12-05T20:00", zone).check("start"), Ok(()), "{zone}");
    }
    let fault = Start::Date { date: date(1899, 12, 31) }.check("start").unwrap_err();
    assert_eq!(fault.to_string(), "start: is in the year 1899, 1900 to 2200 are allowed");
    assert!(Start::Date { date: date(2201, 1, 1) }.check("start").is_err());
}

#[test]
fn the_last_moments_of_time_have_an_instant() {
    assert!(local("9999-12-31T23:59", "America/New_York").instant("UTC") > 253_402_000_000);
    assert!(local("0000-01-01T00:00", "Asia/Tokyo").instant("UTC") < -62_000_000_000);
    assert_eq!(local_at(i64::MAX, "UTC"), None);
}

#[test]
fn an_occurrence_is_named_in_the_form_of_its_event() {
    let start = local("2026-12-05T20:00", "Europe/Berlin");
    assert_eq!(start.named("2027-01-05T20:00"), Some(local("2027-01-05T20:00", "Europe/Berlin")));
    assert_eq!(start.named("2027-01-05"), None);
    assert_eq!(Start::Date { date: date(2026, 12, 5) }.named("2027-01-05T20:00"), None);
}

#[test]
fn words_say_the_day_the_clock_and_the_zone() {
    let start = local("2026-12-05T20:00", "Europe/Berlin");
    let cases = [
        (words(&start, None, None), "Saturday 5 December 2026, 20:00 (Europe/Berlin)"),
        (words(&start, Some(3 * 3600), None), "Saturday 5 December 2026, 20:00–23:00 (Europe/Berlin)"),
        (
            words(&start, Some(6 * 3600), None),
            "Saturday 5 December 2026, 20:00 – Sunday 6 December 2026, 02:00 (Europe/Berlin)",
        ),
        // Four hours over the night on which the clocks go back end at 01:00 + 4 h − 1 h.
        (
            words(&local("2026-10-25T01:00", "Europe/Berlin"), Some(4 * 3600), None),
            "Sunday 25 October 2026, 01:00–04:00 (Europe/Berlin)",
        ),
        (words(&Start::Date { date: date(2026, 12, 5) }, None, Some(1)), "Saturday 5 December 2026"),
        (
            words(&Start::Date { date: date(2026, 12, 5) }, None, Some(2)),
            "Saturday 5 December 2026 – Sunday 6 December 2026",
        ),
    ];
    for (said, expected) in cases {
        assert_eq!(said, expected);
    }
}

#[test]
fn a_day_is_as_long_as_the_clocks_make_it_and_an_hour_always_an_hour() {
    let at = |text: &str| Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() };
    const HOUR: i64 = 3600;
    for (start, days, seconds, hours) in [
        ("2027-03-27T18:00", 1, 0, 23),
        ("2027-10-30T18:00", 1, 0, 25),
        ("2027-10-30T18:00", 0, 24 * HOUR, 24),
        ("2027-03-26T18:00", 7, 2 * HOUR, 7 * 24 - 1 + 2),
        ("2027-06-01T18:00", 3, 0, 72),
        ("2027-03-28T18:00", -1, 0, -23),
    ] {
        assert_eq!(at(start).lasting(days, seconds), hours * HOUR, "{start} {days}");
    }
    let date = Start::Date { date: parse_date("2027-03-27").unwrap() };
    assert_eq!(date.lasting(1, 0), 24 * HOUR);
    for most in [i32::MAX, i32::MIN] {
        at("2027-03-27T18:00").lasting(most, i64::MAX);
    }
}
