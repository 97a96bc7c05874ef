use folkmoot_schemas::{
    block::{DAG_CBOR, cid_of},
    key::Secret,
    kind::Kind,
    records::event::Override,
};
use serde_json::{Value, json};

use super::*;
use crate::occasion::tests as sample;

/// Of nothing in particular.
pub(super) fn uri(rkey: &str) -> Uri {
    let did = Secret::from_seed([7; 32]).did();
    Uri { community: cid_of(DAG_CBOR, b"charter"), did, collection: Event::NAME.into(), rkey: rkey.into() }
}

fn item<'a>(event: &'a Event, uri: &'a Uri) -> Item<'a> {
    Item {
        event,
        uri,
        author: "Ada".into(),
        url: Some("https://a.example/e/abc".into()),
        origin: Some("https://a.example"),
        rev: Tid::new(1_790_000_000_000_000, 7),
        zone: "Europe/Berlin",
        lang: None,
    }
}

fn ics(event: &Event) -> String {
    let uri = uri("1");
    let items = vec![item(event, &uri)];
    Calendar { name: "River, Street", url: Some("https://a.example/calendar.ics"), items }.to_ics()
}

/// Lines of a Thursday evening in Berlin that is said more about.
fn with(fields: Value) -> String {
    let mut all = json!({"name": "Gig", "start": {"local": "2026-10-01T20:00", "zone": "Europe/Berlin"}});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let event = sample::event(all);
    assert_eq!(event.check(), Ok(()));
    unfolded(&event)
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
    quiz.overrides = vec![Override::new("2026-10-02T20:00")];
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
    let night = json!({"start": {"local": "2026-10-24T22:00", "zone": "Europe/Berlin"}, "duration": 8 * 3600});
    assert!(with(night).contains("DTEND;TZID=Europe/Berlin:20261025T050000\n"));
}

#[test]
fn an_end_in_the_hour_that_comes_twice_is_a_length_which_no_reader_can_mistake() {
    // 02:15, the second: readers would take the first, and the night would end before it began.
    let night = json!({"start": {"local": "2026-10-25T02:30", "zone": "Europe/Berlin"}, "duration": 45 * 60});
    let text = with(night);
    assert!(text.contains("\nDURATION:PT45M\n") && !text.contains("DTEND"), "{text}");
}

#[test]
fn a_series_whose_first_night_crosses_a_clock_change_has_its_length_on_every_date() {
    let nights = json!({
        "start": {"local": "2026-10-24T22:00", "zone": "Europe/Berlin"}, "duration": 8 * 3600 + 1, "recur": {"freq": "weekly"},
    });
    let text = with(nights);
    assert!(text.contains("\nDURATION:PT8H1S\n") && !text.contains("DTEND"), "{text}");
}

#[test]
fn a_series_is_never_in_utc() {
    let london = json!({"start": {"local": "2026-10-01T20:00", "zone": "UTC"}, "recur": {"freq": "daily", "until": "2026-10-09"}});
    let text = with(london);
    assert!(
        text.contains("\nDTSTART;TZID=UTC:20261001T200000\n") && text.contains("BEGIN:VTIMEZONE\nTZID:UTC\n"),
        "{text}"
    );
    // But its end is, as RFC 5545 (3.3.10) wants it for any zone.
    assert!(text.contains("UNTIL=20261009T235959Z"), "{text}");
}

#[test]
fn every_zone_that_is_named_is_described() {
    let mut quiz = sample::weekly();
    quiz.overrides[1].start =
        Some(Start::Local { local: "2026-10-16T19:00".parse().unwrap(), zone: "America/St_Johns".into() });
    let text = unfolded(&quiz);
    for zone in ["Europe/Berlin", "America/St_Johns"] {
        assert!(text.contains(&format!("DTSTART;TZID={zone}:")), "{zone}");
        assert_eq!(text.matches(&format!("BEGIN:VTIMEZONE\nTZID:{zone}\n")).count(), 1, "{zone}");
    }
}

#[test]
fn stamps_are_those_of_the_record_and_the_sequence_counts_what_makes_people_think_again() {
    let text = with(json!({"sequence": 3}));
    assert!(text.contains("\nDTSTAMP:20260921T141320Z\nLAST-MODIFIED:20260921T141320Z\nSEQUENCE:3\n"), "{text}");
}

#[test]
fn the_uid_is_that_of_the_place_where_the_event_stands_whatever_becomes_of_it() {
    let line = |text: String| text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned();
    let first = line(with(json!({})));
    assert_eq!(first, line(with(json!({"name": "Another", "sequence": 9, "status": "cancelled"}))));
    assert_eq!(first, format!("UID:{}", uid(&uri("1"))));
    assert!(uid(&uri("1")) != uid(&uri("2")) && uid(&uri("1")).len() == 35);
}

#[test]
fn a_feed_says_its_name_and_when_to_come_again_and_a_file_only_its_name() {
    let event = sample::weekly();
    let feed = ics(&event);
    let uri = uri("1");
    let file = Calendar { name: "River, Street", url: None, items: vec![item(&event, &uri)] }.to_ics();
    for line in ["NAME:River\\, Street", "X-WR-CALNAME:River\\, Street", "VERSION:2.0", "CALSCALE:GREGORIAN"] {
        assert!(feed.contains(&format!("\r\n{line}\r\n")) && file.contains(&format!("\r\n{line}\r\n")), "{line}");
    }
    for line in [
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "SOURCE;VALUE=URI:https://a.example/calendar.ics",
        "URL;VALUE=URI:https://a.example/calendar.ics",
    ] {
        assert!(feed.contains(&format!("\r\n{line}\r\n")) && !file.contains(line), "{line}");
    }
    let events = |text: &str| text[text.find("BEGIN:VTIMEZONE").unwrap()..].to_owned();
    assert_eq!(events(&feed), events(&file), "but for that they are the same");
}

#[test]
fn status_is_said_in_the_word_calendars_have_and_first_in_the_description() {
    for (status, word, said) in [
        ("confirmed", "CONFIRMED", "DESCRIPTION;LANGUAGE=en:Bring a cup"),
        ("tentative", "TENTATIVE", "DESCRIPTION;LANGUAGE=en:TENTATIVE\\nBring a cup"),
        ("postponed", "TENTATIVE", "DESCRIPTION;LANGUAGE=en:POSTPONED\\nBring a cup"),
        ("cancelled", "CANCELLED", "DESCRIPTION;LANGUAGE=en:CANCELLED\\nBring a cup"),
    ] {
        let text = with(json!({"status": status, "lang": "en", "summary": "Bring a cup"}));
        assert!(text.contains(&format!("\nSTATUS:{word}\n")), "{text}");
        assert!(text.replace("\\n\\n", "\\n").contains(said), "{text}");
    }
}

#[test]
fn the_author_is_named_before_those_who_host_with_them_and_only_there() {
    let ben = || json!({"name": "Ben", "role": "cohost"});
    assert!(with(json!({"hosts": [ben()]})).contains("\nCONTACT:Ada\\, Ben\n"));
    assert!(with(json!({"hosts": [ben(), {"name": "Ada", "role": "host"}]})).contains("\nCONTACT:Ben\\, Ada\n"));
    let self_named = json!({"name": "A.", "role": "host", "did": uri("1").did.to_string()});
    assert!(with(json!({"hosts": [self_named]})).contains("\nCONTACT:A.\n"));
    let venue = json!({"name": "The Shed", "role": "venue"});
    assert!(with(json!({"hosts": [venue]})).contains("\nCONTACT:The Shed\n"));
    assert!(!with(json!({})).contains("CONTACT"));
    let imported = json!({"hosts": [ben()], "source": {"kind": "ics", "uid": "1"}});
    assert!(with(imported).contains("\nCONTACT:Ben\n"));
}

#[test]
fn what_a_calendar_has_words_for_is_said_in_them() {
    let picture = cid_of(folkmoot_schemas::block::RAW, b"poster");
    let parent = uri("festival");
    let mut event = sample::event(json!({
        "name": "Gig", "start": {"local": "2026-10-01T20:00", "zone": "Europe/Berlin"}, "lang": "de", "mode": "hybrid",
        "places": [{"name": "Shed", "street": "Road 3", "locality": "Berlin", "lat_e7": 525_130_000, "lon_e7": -134_130_001}],
        "online": [{"url": "https://meet.example/gig", "label": "Video, call"}],
        "contact": "stage@a.example", "tags": ["jazz", "late; night"], "hosts": [{"name": "River Street", "role": "host"}],
        "doors": "19:00", "price": {"min": 800, "currency": "EUR"}, "acts": [{"name": "The Low Tides", "at": "21:00"}],
        "links": [{"url": "https://t.example/", "label": "Tickets", "kind": "tickets"}], "age_min": 16, "access": "Step-free",
    }));
    event.parent = Some(parent.clone());
    event.image = Some(folkmoot_schemas::records::event::Image {
        blob: picture,
        mime: "image/png".into(),
        width: 80,
        height: 100,
        alt: "Poster".into(),
    });
    assert_eq!(event.check(), Ok(()));
    let text = unfolded(&event);
    for line in [
        "SUMMARY;LANGUAGE=de:Gig".to_owned(),
        "LOCATION:Shed\\, Road 3\\, Berlin".into(),
        "GEO:52.513000;-13.413000".into(),
        "CONFERENCE;VALUE=URI;FEATURE=VIDEO;LABEL=\"Video, call\":https://meet.example/gig".into(),
        format!("IMAGE;VALUE=URI;DISPLAY=BADGE;FMTTYPE=image/png:https://a.example/b/{picture}"),
        "CONTACT:Ada\\, River Street".into(),
        "CONTACT:stage@a.example".into(),
        "CATEGORIES:jazz,late\\; night".into(),
        "URL;VALUE=URI:https://a.example/e/abc".into(),
        format!("RELATED-TO:{}", uid(&parent)),
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line} in\n{text}");
    }
    let description = text.lines().find(|line| line.starts_with("DESCRIPTION")).unwrap();
    for words in [
        "Doors: 19:00",
        "Price: ",
        "With: The Low Tides (21:00)",
        "From age 16",
        "Access: Step-free",
        "Tickets: https://t.example/",
    ] {
        assert!(description.contains(words), "{words} in {description}");
    }
    for never in ["ORGANIZER", "ATTENDEE", "VALARM", "METHOD"] {
        assert!(!text.contains(never), "{never}");
    }
}

#[test]
fn the_spot_of_a_place_that_is_not_for_everybody_is_not_in_the_calendar() {
    // A record that says so is not taken, but one from elsewhere may be shown all the same.
    let mut event = sample::weekly();
    event.places = vec![Place {
        locality: Some("Berlin".into()),
        street: Some("Road 3".into()),
        lat_e7: Some(1),
        lon_e7: Some(1),
        show: Some(ShowPlace::Area),
        access: Some("The key is under the mat".into()),
        ..Place::default()
    }];
    let text = unfolded(&event);
    assert!(text.contains("\nLOCATION:Berlin\n"), "{text}");
    assert!(!text.contains("GEO") && !text.contains("Road 3") && !text.contains("under the mat"), "{text}");
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
