use folkmoot_schemas::Tid;
use serde_json::json;

use super::*;
use crate::occasion::tests as sample;

fn item<'a>(event: &'a Event) -> Item<'a> {
    Item {
        event,
        uid: "abc@folkmoot".into(),
        parent: None,
        url: "https://a.example/e/abc".into(),
        origin: "https://a.example",
        rev: Tid::new(1_790_000_000_000_000, 7),
        zone: "Europe/Berlin",
        lang: None,
    }
}

fn ics(event: &Event) -> String {
    Calendar { name: "River, Street", url: "https://a.example/calendar.ics", items: vec![item(event)] }.to_ics()
}

fn unfolded(event: &Event) -> String {
    ics(event).replace("\r\n ", "").replace("\r\n", "\n")
}

#[test]
fn two_renders_are_equal_byte_by_byte_and_end_lines_with_crlf() {
    let quiz = sample::weekly();
    let text = ics(&quiz);
    assert_eq!(text, ics(&quiz));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert!(text.split("\r\n").all(|line| line.len() <= 75));
    for never in ["METHOD", "VALARM", "ATTENDEE"] {
        assert!(!text.contains(never), "{never}");
    }
}

#[test]
fn a_series_keeps_its_local_time_and_says_what_differs() {
    let text = unfolded(&sample::weekly());
    assert!(text.contains("\nDTSTART;TZID=Europe/Berlin:20261001T200000\nDTEND;TZID=Europe/Berlin:20261001T220000\nRRULE:FREQ=WEEKLY;BYDAY=TH;COUNT=8\n") || text.contains("RRULE:FREQ=WEEKLY;COUNT=8;BYDAY=TH\n"), "{text}");
    assert!(text.contains("\nEXDATE;TZID=Europe/Berlin:20261022T200000\n"), "{text}");
    assert!(text.contains("DTSTART;TZID=Europe/Berlin:20261016T190000\nDTEND;TZID=Europe/Berlin:20261016T210000\nRECURRENCE-ID;TZID=Europe/Berlin:20261015T200000\nSUMMARY:Big quiz\n"), "{text}");
    let cancelled = text
        .split("BEGIN:VEVENT")
        .find(|part| part.contains("RECURRENCE-ID;TZID=Europe/Berlin:20261008T200000"))
        .unwrap();
    assert!(
        cancelled.contains("STATUS:CANCELLED") && cancelled.contains("DESCRIPTION:CANCELLED: Holiday\\n"),
        "{cancelled}"
    );
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 3);
    assert!(text.contains("BEGIN:VTIMEZONE\nTZID:Europe/Berlin\n"));
}

#[test]
fn a_change_to_a_date_that_never_was_adds_none() {
    let mut quiz = sample::weekly();
    quiz.overrides = vec![sample::change("2026-10-02T20:00")];
    assert_eq!(unfolded(&quiz).matches("BEGIN:VEVENT").count(), 1);
}

#[test]
fn whole_days_end_on_the_morning_after() {
    let event = sample::event(json!({"name": "Fair", "start": {"date": "2026-12-30"}, "days": 3}));
    let text = unfolded(&event);
    assert!(text.contains("DTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20270102\n"), "{text}");
    assert!(!text.contains("VTIMEZONE"));
}

#[test]
fn a_night_that_crosses_a_clock_change_ends_by_the_clock_on_the_wall() {
    let event = sample::event(json!({
        "name": "Night", "start": {"local": "2026-10-24T22:00", "zone": "Europe/Berlin"}, "duration": 8 * 3600,
    }));
    assert!(unfolded(&event).contains("DTEND;TZID=Europe/Berlin:20261025T050000\n"));
}

#[test]
fn an_open_end_and_an_unknown_zone_are_not_made_up() {
    let event = sample::event(json!({
        "name": "Jam", "start": {"local": "2026-10-24T22:00", "zone": "Mars/Olympus"}, "duration": 3600, "open_end": true,
    }));
    let text = unfolded(&event);
    assert!(text.contains("DTSTART:20261024T220000Z\n") && !text.contains("DTEND") && !text.contains("TZID"), "{text}");
}

#[test]
fn hostile_text_adds_no_property() {
    let event = sample::event(json!({
        "name": "x\r\nATTENDEE:mailto:a@b", "start": {"date": "2026-12-30"}, "contact": "c\nBEGIN:VALARM",
        "tags": ["a,b\nX:y"], "online": [{"url": "https://a.example/\r\nX-EVIL:1", "label": "l\":x\r\nX-EVIL:2"}],
        "text": "t\u{0}\r\nEND:VEVENT",
    }));
    let text = unfolded(&event);
    for bad in ["\nATTENDEE", "\nBEGIN:VALARM", "\nX:", "\nX-EVIL", "\u{0}"] {
        assert!(!text.contains(bad), "{bad}: {text}");
    }
    assert_eq!(text.matches("\nEND:VEVENT\n").count(), 1);
}
