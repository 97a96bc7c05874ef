use std::{fs, path::Path};

use folkmoot_schemas::{
    kind::Kind,
    records::{event::Status, rsvp::Answer},
    recur::{self, BUDGET},
    when::Start,
};

use super::*;

/// 2026-11-24T12:00Z.
const NOW: i64 = 1_795_521_600;

fn context() -> Context {
    Context { zone: "Europe/Berlin".into(), now: NOW }
}

fn read_all(text: &str) -> Reading {
    let reading = read(text, &context()).unwrap();
    for entry in &reading.entries() {
        assert_eq!(entry.event.check(), Ok(()), "{}", entry.key);
    }
    reading
}

fn calendar(events: &str) -> Reading {
    read_all(&format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n"))
}

impl Reading {
    fn entries(&self) -> Vec<&Entry> {
        self.events.iter().flat_map(|whole| &whole.entries).collect()
    }

    fn into_entries(self) -> Vec<Entry> {
        self.events.into_iter().flat_map(|whole| whole.entries).collect()
    }
}

/// One event of these lines, which begins on a Thursday.
fn event(lines: &str) -> Reading {
    calendar(&format!(
        "BEGIN:VEVENT\r\nUID:one\r\nSUMMARY:Choir\r\nDTSTART;TZID=Europe/Berlin:20260108T193000\r\n{}\r\nEND:VEVENT\r\n",
        lines.replace('\n', "\r\n")
    ))
}

fn dates(event: &Event, from: i64, to: i64) -> Vec<String> {
    recur::expand(event, from..to, "UTC", BUDGET).instances.iter().map(|i| i.start.text()).collect()
}

fn said(reading: &Reading) -> String {
    reading.entries().into_iter().flat_map(|e| &e.said).cloned().collect::<Vec<_>>().join("\n")
}

fn fixture(name: &str) -> Option<String> {
    let root = std::env::var("MOOT_FIXTURES").unwrap_or_else(|_| "../../shared/fixtures".into());
    let path = Path::new(&root).join("calendars").join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => {
            println!("skipped: no fixture {}: {error}", path.display());
            None
        }
    }
}

#[test]
fn the_calendar_of_a_real_workshop_is_kept_whole() {
    let Some(text) = fixture("fablab_cottbus.ics") else { return };
    let reading = read_all(&text);
    assert_eq!((reading.entries().len(), reading.skipped.len()), (28, 0));
    let all_day: Vec<_> =
        reading.entries().into_iter().filter(|e| matches!(e.event.start, Start::Date { .. })).collect();
    assert_eq!(all_day.len(), 1);
    assert_eq!(all_day[0].event.days, None, "an exclusive end one day later is one day");
    let series: Vec<_> = reading.entries().into_iter().filter(|e| e.event.recur.is_some()).collect();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].event.name, "Repair Café");
    assert_eq!(dates(&series[0].event, NOW, NOW + 40 * 86_400), ["2026-12-05T14:00", "2027-01-02T14:00"]);
    let place = &series[0].event.places[0];
    assert_eq!((place.lat_e7, place.lon_e7), (Some(517_688_200), Some(143_232_100)));
    assert!(place.name.as_ref().is_some_and(|n| n.contains("Walther-Pauer-Straße 5, 03044 Cottbus")));
    assert!(
        reading.entries().into_iter().all(|e| e.said.iter().any(|s| s.contains("X-ALT-DESC"))),
        "what is lost is said"
    );
    assert!(reading.entries().into_iter().all(|e| e.event.start.zone().is_none_or(|z| z == "Europe/Berlin")));
}

#[test]
fn the_same_file_gives_the_same_keys_and_events() {
    let Some(text) = fixture("fablab_cottbus.ics") else { return };
    let keys = |r: Reading| r.into_entries().into_iter().map(|e| (e.key, e.event)).collect::<Vec<_>>();
    assert_eq!(keys(read_all(&text)), keys(read_all(&text)));
}

#[test]
fn series_of_other_programs_keep_their_dates() {
    for (name, from, want) in [
        (
            "each_week_but_one_deleted.ics",
            1_551_000_000,
            vec![
                "2019-03-04T00:30",
                "2019-03-18T00:30",
                "2019-03-25T00:30",
                "2019-04-01T00:30",
                "2019-04-08T00:30",
                "2019-04-15T00:30",
                "2019-04-22T00:30",
            ],
        ),
        (
            "three_events_one_edited.ics",
            1_552_000_000,
            vec!["2019-03-18T04:00", "2019-03-19T04:00", "2019-03-20T04:00"],
        ),
        (
            "issue_20_exdate_ignored.ics",
            1_570_000_000,
            vec![
                "2019-10-29T16:15",
                "2019-11-12T16:15",
                "2019-12-10T16:15",
                "2020-01-07T16:15",
                "2020-01-14T16:15",
                "2020-01-21T16:15",
                "2020-01-28T16:15",
            ],
        ),
    ] {
        let Some(text) = fixture(name) else { return };
        let reading = read_all(&text);
        assert_eq!(reading.entries().len(), 1, "{name}");
        assert_eq!(dates(&reading.entries()[0].event, from, from + 400 * 86_400), want, "{name}");
    }
    let Some(text) = fixture("event_10_times.ics") else { return };
    assert_eq!(dates(&read_all(&text).entries()[0].event, 1_570_000_000, 1_600_000_000).len(), 10);
}

#[test]
fn a_changed_date_is_a_change_of_the_series() {
    let Some(text) = fixture("three_events_one_edited.ics") else { return };
    let reading = read_all(&text);
    let [change] = &reading.entries()[0].event.overrides[..] else { panic!("one change") };
    assert_eq!((change.at.as_str(), change.name.as_deref()), ("2019-03-19T04:00", Some("test7 - edited")));
    assert_eq!(change.start, None);
    assert!(change.places.is_some());
}

#[test]
fn descriptions_in_html_become_text() {
    let Some(text) = fixture("issue_48_daylight_aware_repeats.ics") else { return };
    let reading = read_all(&text);
    let text = reading.entries()[0].event.text.clone().unwrap();
    assert!(text.starts_with("https://videoconf-colibri.zoom.us/") && !text.contains('<'), "{text}");
}

#[test]
fn a_series_ends_on_its_last_real_day() {
    let before = event("RRULE:FREQ=WEEKLY;UNTIL=20260129T182959Z");
    assert_eq!(before.entries()[0].event.recur.as_ref().unwrap().until.as_deref(), Some("2026-01-28"));
    let on = event("RRULE:FREQ=WEEKLY;UNTIL=20260129T183000Z");
    assert_eq!(on.entries()[0].event.recur.as_ref().unwrap().until.as_deref(), Some("2026-01-29"));
    let day = event("RRULE:FREQ=WEEKLY;UNTIL=20260129");
    assert_eq!(day.entries()[0].event.recur.as_ref().unwrap().until.as_deref(), Some("2026-01-29"));
}

#[test]
fn a_start_outside_its_rule_is_an_event_and_the_series_another() {
    let reading = event("RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=4");
    let [first, series] = reading.entries()[..] else { panic!("{reading:?}") };
    assert_eq!((first.key.as_str(), first.event.recur.is_none()), ("one#2026-01-08T19:30", true));
    assert_eq!((series.key.as_str(), series.event.start.text().as_str()), ("one", "2026-01-13T19:30"));
    // RFC 5545 counts the start as the first of four.
    assert_eq!(series.event.recur.as_ref().unwrap().count, Some(3));
}

#[test]
fn weeks_are_counted_from_the_week_of_the_start() {
    let reading = event("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO");
    let series = reading.entries().into_iter().find(|e| e.key == "one").unwrap();
    assert_eq!(series.event.start.text(), "2026-01-19T19:30");
}

#[test]
fn a_rule_we_do_not_have_becomes_single_dates_and_says_so() {
    let reading = event("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1");
    let starts: Vec<String> = reading.entries().into_iter().map(|e| e.event.start.text()).collect();
    assert_eq!(starts[0], "2026-10-30T19:30");
    assert_eq!(starts[1], "2026-11-30T19:30");
    assert_eq!(starts.len(), 14, "to the end of November 2027");
    assert!(
        reading.entries().into_iter().all(|e| e.event.recur.is_none() && e.said[0].contains("BYSETPOS")),
        "{}",
        said(&reading)
    );
}

#[test]
fn the_first_date_of_a_rule_that_becomes_single_dates_is_its_start_and_counts() {
    // A Tuesday: the last working day of the month is another one.
    let reading = |start: &str, rest: &str| {
        let rule = format!("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1{rest}");
        calendar(&format!("BEGIN:VEVENT\r\nUID:one\r\nSUMMARY:x\r\nDTSTART:{start}T193000\r\n{rule}\r\nEND:VEVENT\r\n"))
    };
    let starts = |reading: Reading| -> Vec<String> {
        reading.entries().iter().map(|e| e.event.start.text()[..10].to_owned()).collect()
    };
    assert_eq!(starts(reading("20261201", ";COUNT=3")), ["2026-12-01", "2026-12-31", "2027-01-29"]);
    assert_eq!(starts(reading("20261231", ";COUNT=3")), ["2026-12-31", "2027-01-29", "2027-02-26"]);
    assert_eq!(starts(reading("20261201", ";UNTIL=20261230")), ["2026-12-01"]);
    assert_eq!(starts(reading("20261201", ";COUNT=3\r\nEXDATE:20261201T193000")), ["2026-12-31", "2027-01-29"]);
}

#[test]
fn a_first_date_outside_its_rule_can_be_left_out_or_changed() {
    let rule = "RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=4";
    let without = event(&format!("{rule}\nEXDATE;TZID=Europe/Berlin:20260108T193000"));
    assert_eq!(without.entries().iter().map(|e| e.key.as_str()).collect::<Vec<_>>(), ["one"]);
    let moved = "END:VEVENT\nBEGIN:VEVENT\nUID:one\nSUMMARY:Moved\nRECURRENCE-ID;TZID=Europe/Berlin:20260108T193000\nDTSTART;TZID=Europe/Berlin:20260109T193000";
    let moved = event(&format!("{rule}\n{moved}"));
    let [first, _] = moved.entries()[..] else { panic!("{moved:?}") };
    assert_eq!((first.event.name.as_str(), first.event.start.text().as_str()), ("Moved", "2026-01-09T19:30"));
}

#[test]
fn hostile_rules_end_soon_and_lose_no_event() {
    for rule in [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;BYSECOND=0;BYMINUTE=0;BYHOUR=3;BYMONTHDAY=30;BYMONTH=2",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYHOUR=1,2,3,4,5",
        "FREQ=YEARLY;INTERVAL=30000;BYWEEKNO=53;BYDAY=MO",
        "FREQ=WEEKLY;UNTIL=19700101",
        "FREQ=NEVER",
        "",
    ] {
        let reading = event(&format!("RRULE:{rule}"));
        assert!(!reading.entries().is_empty(), "{rule}");
        assert!(!said(&reading).is_empty(), "{rule}");
    }
}

#[test]
fn a_rule_without_an_end_is_followed_no_further_than_its_dates_are_kept() {
    for end in ["", ";UNTIL=99991231", ";UNTIL=99991231T235959Z"] {
        followed(end);
    }
}

fn followed(end: &str) {
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20261101T200000\r\nRRULE:FREQ=DAILY;BYMONTHDAY=31{end}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let calendar = calcard::icalendar::ICalendar::parse(text).unwrap();
    let rule = calendar.components.iter().flat_map(|c| &c.entries).flat_map(|e| &e.values).find_map(|v| match v {
        calcard::icalendar::ICalendarValue::RecurrenceRule(rule) => Some(rule),
        _ => None,
    });
    let start = Start::Local { local: "2026-11-01T20:00".parse().unwrap(), zone: "UTC".into() };
    let last = jiff::civil::date(2027, 3, 30);
    let dates: Vec<String> = rule::dates(rule.unwrap(), &start, Some(last), rule::LOOKED_AT)
        .iter()
        .map(|at| at.date().to_string())
        .collect();
    assert!(dates.ends_with(&["2026-12-31".to_owned(), "2027-01-31".to_owned()]) && dates.len() < 5, "{dates:?}");
}

#[test]
fn more_than_400_times_ends_on_the_last_day_instead() {
    let reading = event("RRULE:FREQ=DAILY;COUNT=730");
    let rule = reading.entries()[0].event.recur.clone().unwrap();
    assert_eq!((rule.count, rule.until.as_deref()), (None, Some("2028-01-07")));
}

#[test]
fn working_days_are_a_weekly_rule() {
    let reading = event("RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR");
    assert_eq!(reading.entries()[0].event.recur.as_ref().unwrap().by_day, ["MO", "TU", "WE", "TH", "FR"]);
}

#[test]
fn zones_of_every_kind_are_understood() {
    let start = |head: &str, dtstart: &str| {
        let text = format!("{head}BEGIN:VEVENT\r\nUID:z\r\nSUMMARY:z\r\nDTSTART{dtstart}\r\nEND:VEVENT\r\n");
        calendar(&text).into_entries().remove(0)
    };
    let zone = |head: &str, dtstart: &str| start(head, dtstart).event.start.zone().map(ToOwned::to_owned);
    let berlin = Some("Europe/Berlin".to_owned());
    assert_eq!(zone("", ";TZID=W. Europe Standard Time:20260108T193000"), berlin);
    assert_eq!(zone("", ";TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260108T193000"), berlin);
    assert_eq!(zone("", ";TZID=/citadel.org/20210210_1/Europe/Berlin:20260108T193000"), berlin);
    assert_eq!(zone("", ":20260108T193000"), berlin, "floating: the default");
    assert_eq!(zone("X-WR-TIMEZONE:Europe/Lisbon\r\n", ":20260108T193000").as_deref(), Some("Europe/Lisbon"));
    assert_eq!(zone("", ":20260108T193000Z").as_deref(), Some("UTC"));
    let own = "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nX-LIC-LOCATION:Europe/Berlin\r\nEND:VTIMEZONE\r\n";
    assert_eq!(zone(own, ";TZID=Ours:20260108T193000"), berlin);
    let lost = start("", ";TZID=Middle-earth/Shire:20260108T193000");
    assert!(lost.said[0].contains("Middle-earth/Shire"), "{:?}", lost.said);
    let google = start("X-WR-TIMEZONE:Europe/Berlin\r\n", ":20260108T183000Z").event.start;
    assert_eq!((google.text().as_str(), google.zone()), ("2026-01-08T19:30", Some("Europe/Berlin")));
}

#[test]
fn lengths_are_taken_from_end_or_duration() {
    let long = |lines: &str| event(lines).into_entries().remove(0);
    assert_eq!(long("DTEND;TZID=Europe/Berlin:20260108T213000").event.duration, Some(7200));
    assert_eq!(long("DTEND:20260108T203000Z").event.duration, Some(7200));
    assert_eq!(long("DURATION:PT1H30M").event.duration, Some(5400));
    assert_eq!(long("X-NOTHING:").event.duration, None);
    let wrong = long("DTEND;TZID=Europe/Berlin:20260107T213000");
    assert_eq!(wrong.event.duration, None);
    assert!(wrong.said[0].contains("before its start"));
    let days = calendar(
        "BEGIN:VEVENT\r\nUID:d\r\nSUMMARY:d\r\nDTSTART;VALUE=DATE:20260613\r\nDTEND;VALUE=DATE:20260615\r\nEND:VEVENT\r\n",
    );
    assert_eq!(days.entries()[0].event.days, Some(2));
}

#[test]
fn a_length_in_days_ends_at_the_same_time_of_day_also_across_a_clock_change() {
    let long = |start: &str, lines: &str| {
        let lines = lines.replace('\n', "\r\n");
        let start = format!("DTSTART;TZID=Europe/Berlin:{start}T180000");
        let entry = calendar(&format!("BEGIN:VEVENT\r\nUID:d\r\nSUMMARY:d\r\n{start}\r\n{lines}\r\nEND:VEVENT\r\n"));
        let entry = entry.into_entries().remove(0);
        (entry.event.duration.map(|seconds| seconds / 3600), entry.said.join(" "))
    };
    assert_eq!(long("20270327", "DURATION:P1D").0, Some(23));
    assert_eq!(long("20271030", "DURATION:P1D").0, Some(25));
    assert_eq!(long("20271030", "DURATION:PT24H").0, Some(24));
    assert_eq!(long("20271030", "DURATION:P1W").0, Some(7 * 24 + 1));
    assert_eq!(long("20270601", "DURATION:P2DT3H").0, Some(51));
    let (hours, said) = long("20271030", "DURATION:P1D\nRRULE:FREQ=WEEKLY");
    assert!(hours == Some(24) && said.contains("24 hours each"), "{said}");
    assert_eq!(
        long("20271030", "DURATION:P4294967295W"),
        (None, "it lasts longer than 14 days: kept without its end".into())
    );
}

#[test]
fn what_cannot_be_kept_is_named() {
    let reading = event(
        "URL:javascript:alert(1)\nATTACH:https://example.org/a.pdf\nATTENDEE:mailto:a@example.org\nORGANIZER;CN=Ada:mailto:ada@example.org\n\
         X-COST-TYPE:free\nX-EMPTY:\nSTATUS:TENTATIVE\nCATEGORIES:Music,music,Open Stage\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM",
    );
    let event = &reading.entries()[0].event;
    assert_eq!(event.status, Status::Tentative);
    assert_eq!(event.tags, ["Music", "Open Stage"]);
    assert_eq!(event.hosts[0].name, "Ada");
    assert!(event.links.is_empty());
    let said = said(&reading);
    for word in ["links", "ATTACH", "ATTENDEE", "X-COST-TYPE", "alarms", "mail address"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains("X-EMPTY"), "an empty property says nothing: {said}");
}

#[test]
fn texts_over_the_limits_are_cut_with_a_word() {
    let reading = event(&format!("DESCRIPTION:{}\nLOCATION:{}", "ä".repeat(12_000), "b".repeat(300)));
    assert_eq!(reading.entries()[0].event.text.as_ref().unwrap().chars().count(), 10_000);
    assert!(said(&reading).contains("12000") && said(&reading).contains("its place is 300"), "{}", said(&reading));
}

#[test]
fn private_events_and_events_without_a_start_are_left_out_aloud() {
    let reading = calendar(
        "BEGIN:VEVENT\r\nUID:p\r\nSUMMARY:Doctor\r\nCLASS:PRIVATE\r\nDTSTART:20260108T193000Z\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:n\r\nSUMMARY:Nowhen\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\n",
    );
    assert!(reading.entries().is_empty());
    let why: Vec<_> = reading.skipped.iter().map(|s| (s.name.as_str(), s.why.as_str())).collect();
    assert_eq!(
        why,
        [("Doctor", "it is marked private; take the mark off to import it"), ("Nowhen", "it has no start")]
    );
    assert!(reading.said[0].contains("task"));
}

#[test]
fn cancelled_and_moved_dates_are_kept_as_such() {
    let reading = calendar(
        "BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Choir\r\nDTSTART;TZID=Europe/Berlin:20260108T193000\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Choir\r\nRECURRENCE-ID:20260115T183000Z\r\nDTSTART;TZID=Europe/Berlin:20260116T200000\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Choir\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260122T193000\r\nDTSTART;TZID=Europe/Berlin:20260122T193000\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:orphan\r\nSUMMARY:Lost\r\nRECURRENCE-ID:20260115T183000Z\r\nDTSTART:20260116T183000Z\r\nEND:VEVENT\r\n",
    );
    let overrides = &reading.entries()[0].event.overrides;
    assert_eq!(overrides[0].at, "2026-01-15T19:30");
    assert_eq!(overrides[0].start.as_ref().map(Start::text).as_deref(), Some("2026-01-16T20:00"));
    assert_eq!((overrides[1].at.as_str(), overrides[1].status), ("2026-01-22T19:30", Some(Status::Cancelled)));
    let orphan = &reading.dates[0];
    assert_eq!((orphan.uid.as_str(), orphan.at.text().as_str()), ("orphan", "2026-01-15T18:30"));
    assert_eq!(orphan.own.source.as_ref().unwrap().uid.as_deref(), Some("orphan#2026-01-15T18:30"));
}

#[test]
fn extra_dates_become_events_of_their_own() {
    let reading = event("RRULE:FREQ=WEEKLY;COUNT=2\nRDATE;TZID=Europe/Berlin:20260301T193000");
    assert_eq!(
        reading.entries().into_iter().map(|e| e.key.as_str()).collect::<Vec<_>>(),
        ["one", "one#2026-03-01T19:30"]
    );
}

#[test]
fn of_two_versions_of_an_event_the_newer_is_kept() {
    let reading = calendar(
        "BEGIN:VEVENT\r\nUID:v\r\nSEQUENCE:2\r\nSUMMARY:New\r\nDTSTART:20260108T193000Z\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:v\r\nSEQUENCE:1\r\nSUMMARY:Old\r\nDTSTART:20260108T193000Z\r\nEND:VEVENT\r\n",
    );
    assert_eq!(reading.entries().len(), 1);
    assert_eq!(reading.entries()[0].event.name, "New");
}

#[test]
fn any_text_is_read_or_refused() {
    for text in [
        "",
        "\u{feff}BEGIN:VCALENDAR\nEND:VCALENDAR",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:99999999T999999\nRRULE:FREQ=DAILY;INTERVAL=0;COUNT=-1\nEND:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=RECUR:FREQ=DAILY\nDTEND;VALUE=DATE:x\nGEO:1;2;3\nGEO:NaN;inf\nEND:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:\u{0}\u{1b}[2J\nSUMMARY:\u{202e}x\nDTSTART:20260229T000000\nEND:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:22000101T000000\nDURATION:P99999999W\nRRULE:FREQ=YEARLY;UNTIL=99991231T235959Z\nEXDATE:,,,\nEND:VEVENT\nEND:VCALENDAR\n",
    ] {
        let _ = read(text, &context());
    }
}

#[test]
fn a_file_full_of_rules_that_become_dates_is_refused_before_it_fills_the_memory() {
    let hard = |n: usize| {
        format!(
            "BEGIN:VEVENT\r\nUID:{n}\r\nSUMMARY:Choir\r\nDTSTART:20260108T193000\r\n\
             RRULE:FREQ=YEARLY;BYMONTH=1,2,3;BYDAY=MO,TU,WE,TH\r\nEND:VEVENT\r\n"
        )
    };
    let text = format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", (0..400).map(hard).collect::<String>());
    assert!(read(&text, &context()).unwrap_err().to_string().contains("more than 10000 events"));
}

#[test]
fn a_date_left_out_a_hundred_thousand_times_is_left_out_once() {
    let reading = event(&format!("RRULE:FREQ=WEEKLY\nEXDATE:{}20260115T193000", "20260115T193000,".repeat(100_000)));
    assert_eq!(reading.entries().len(), 1);
    assert_eq!(reading.entries()[0].event.overrides.len(), 1);
}

#[test]
fn remarks_end_where_nobody_would_read_on() {
    let zones: String = (0..1000).map(|n| format!("\nEXDATE;TZID=Nowhere/{n}:20260115T193000")).collect();
    let reading = event(&format!("RRULE:FREQ=WEEKLY{zones}"));
    let said = &reading.entries()[0].said;
    assert!(said.len() <= 101 && said.iter().any(|s| s.starts_with("and more")), "{}", said.len());
}

#[test]
fn zone_names_of_windows_and_outlook_are_understood() {
    let zone = |name: &str| {
        let text =
            format!("BEGIN:VEVENT\r\nUID:z\r\nSUMMARY:z\r\nDTSTART;TZID=\"{name}\":20260108T193000\r\nEND:VEVENT\r\n");
        let entry = calendar(&text).into_entries().remove(0);
        (entry.event.start.zone().map(ToOwned::to_owned), entry.said)
    };
    // By CLDR's table, for the territory 001.
    for (windows, iana) in [
        ("GMT Standard Time", "Europe/London"),
        ("Romance Standard Time", "Europe/Paris"),
        ("Central Europe Standard Time", "Europe/Budapest"),
        ("Central European Standard Time", "Europe/Warsaw"),
        ("GTB Standard Time", "Europe/Bucharest"),
        ("FLE Standard Time", "Europe/Kiev"),
        ("Russian Standard Time", "Europe/Moscow"),
        ("Turkey Standard Time", "Europe/Istanbul"),
        ("Eastern Standard Time", "America/New_York"),
        ("Central Standard Time", "America/Chicago"),
        ("Mountain Standard Time", "America/Denver"),
        ("US Mountain Standard Time", "America/Phoenix"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Newfoundland Standard Time", "America/St_Johns"),
        ("E. South America Standard Time", "America/Sao_Paulo"),
        ("South Africa Standard Time", "Africa/Johannesburg"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
        ("China Standard Time", "Asia/Shanghai"),
        ("India Standard Time", "Asia/Calcutta"),
        ("AUS Eastern Standard Time", "Australia/Sydney"),
        ("New Zealand Standard Time", "Pacific/Auckland"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
        ("(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"),
    ] {
        assert_eq!(zone(windows), (Some(iana.to_owned()), vec![]), "{windows}");
    }
}

/// A calendar with one event in a zone that it describes itself.
fn in_zone(parts: &str) -> Reading {
    calendar(&format!(
        "BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone 1\r\n{}END:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:z\r\nSUMMARY:z\r\n\
         DTSTART;TZID=Customized Time Zone 1:20260708T193000\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n",
        parts.replace('\n', "\r\n")
    ))
}

/// A part of a zone's description, with a yearly rule or without one.
fn part(kind: &str, start: &str, from: &str, to: &str, rule: &str) -> String {
    let rule = if rule.is_empty() { String::new() } else { format!("RRULE:FREQ=YEARLY;{rule}\n") };
    format!("BEGIN:{kind}\nDTSTART:{start}\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\n{rule}END:{kind}\n")
}

#[test]
fn a_zone_under_a_name_of_its_own_is_known_by_its_clock_changes() {
    // As Outlook writes them: rules since the year 1601.
    let two = |[summer, winter]: [(&str, &str); 2], [standard, daylight]: [&str; 2]| {
        part("STANDARD", winter.0, daylight, standard, winter.1)
            + &part("DAYLIGHT", summer.0, standard, daylight, summer.1)
    };
    let europe = [("16010325T020000", "BYDAY=-1SU;BYMONTH=3"), ("16011028T030000", "BYDAY=-1SU;BYMONTH=10")];
    let america = [("20070311T020000", "BYDAY=2SU;BYMONTH=3"), ("20071104T020000", "BYDAY=1SU;BYMONTH=11")];
    let south = [("16011007T020000", "BYDAY=1SU;BYMONTH=10"), ("16010401T030000", "BYDAY=1SU;BYMONTH=4")];
    for (parts, zone) in [
        (two(europe, ["+0100", "+0200"]), "Europe/Berlin"),
        (two(america, ["-0500", "-0400"]), "America/New_York"),
        (two(america, ["-0800", "-0700"]), "America/Los_Angeles"),
        (two(south, ["+1000", "+1100"]), "Australia/Sydney"),
        // No summer time: what the file says and nothing more, but for half hours.
        (part("STANDARD", "19700101T000000", "-0300", "-0300", ""), "Etc/GMT+3"),
        (part("STANDARD", "19700101T000000", "+0000", "+0000", ""), "UTC"),
        (part("STANDARD", "19700101T000000", "+0530", "+0530", ""), "Asia/Kolkata"),
    ] {
        let reading = in_zone(&parts);
        assert_eq!(reading.entries()[0].event.start.zone(), Some(zone), "{parts}");
        assert_eq!(reading.entries()[0].event.start.text(), "2026-07-08T19:30");
        let said = format!("the zone \"Customized Time Zone 1\" has the clocks of {zone}: its times are taken as such");
        assert_eq!(reading.said, [said]);
    }
}

#[test]
fn a_zone_with_clocks_that_no_place_has_is_said() {
    for parts in [
        String::new(),
        part("STANDARD", "19700101T000000", "+0117", "+0117", ""),
        part("STANDARD", "16011028T030000", "+0200", "+0100", "BYDAY=-1SU;BYMONTH=9")
            + &part("DAYLIGHT", "16010325T020000", "+0100", "+0200", "BYDAY=-1SU;BYMONTH=3"),
        // Rules nobody writes are not followed.
        part("STANDARD", "19700101T000000", "+0100", "+0200", "BYSECOND=1").replace("YEARLY", "SECONDLY"),
    ] {
        let reading = in_zone(&parts);
        assert_eq!(reading.entries()[0].event.start.zone(), Some("Europe/Berlin"), "the default");
        assert!(said(&reading).contains("\"Customized Time Zone 1\" is not known"), "{parts}: {}", said(&reading));
        assert!(reading.said.is_empty());
    }
}

#[test]
fn an_offset_for_a_name_does_not_hide_the_summer_time_that_the_file_describes() {
    let file = |id: &str| {
        let parts = part("STANDARD", "16011028T030000", "+0200", "+0100", "BYDAY=-1SU;BYMONTH=10")
            + &part("DAYLIGHT", "16010325T020000", "+0100", "+0200", "BYDAY=-1SU;BYMONTH=3");
        let text = format!(
            "BEGIN:VTIMEZONE\r\nTZID:{id}\r\n{}END:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:z\r\nSUMMARY:z\r\n\
             DTSTART;TZID=\"{id}\":20260708T193000\r\nEND:VEVENT\r\n",
            parts.replace('\n', "\r\n")
        );
        calendar(&text).into_entries().remove(0).event.start.zone().unwrap().to_owned()
    };
    assert_eq!(file("(GMT+01:00)"), "Europe/Berlin");
    assert_eq!(file("Etc/GMT-1"), "Etc/GMT-1", "a zone's own name is never doubted");
}

#[test]
fn a_changed_date_that_the_series_does_not_have_is_an_event_of_its_own() {
    let reading = calendar(
        "BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Choir\r\nDTSTART:20260108T193000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n\
         RDATE:20260301T193000,20260308T193000\r\nEXDATE:20260308T193000\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Festival\r\nRECURRENCE-ID:20260301T193000\r\nDTSTART:20260302T200000\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Summer\r\nRECURRENCE-ID:20260601T193000\r\nDTSTART:20260601T180000\r\nEND:VEVENT\r\n",
    );
    let all: Vec<_> =
        reading.entries().into_iter().map(|e| (e.key.as_str(), e.event.name.as_str(), e.event.start.text())).collect();
    assert_eq!(
        all,
        [
            ("s", "Choir", "2026-01-08T19:30".to_owned()),
            ("s#2026-03-01T19:30", "Festival", "2026-03-02T20:00".into()),
            ("s#2026-06-01T19:30", "Summer", "2026-06-01T18:00".into()),
        ]
    );
}

fn message(method: &str, lines: &str) -> Reading {
    let event = format!("UID:choir\nDTSTAMP:20260101T000000Z\n{lines}\n").replace('\n', "\r\n");
    calendar(&format!("METHOD:{method}\r\nBEGIN:VEVENT\r\n{event}END:VEVENT\r\n"))
}

#[test]
fn a_reply_is_the_answer_of_a_guest() {
    let reading = message(
        "REPLY",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260115T193000\nSEQUENCE:2\nCOMMENT:With cake\n\
         ATTENDEE;PARTSTAT=ACCEPTED;CN=\"Grandma \";X-NUM-GUESTS=2:mailto:g@example.org",
    );
    assert!(reading.entries().is_empty(), "it plans nothing");
    let answer = &reading.answers[0];
    assert_eq!((answer.uid.as_str(), answer.guest.as_str(), answer.count), ("choir", "Grandma", Some(3)));
    assert_eq!((answer.status, answer.version.sequence), (Answer::Going, 2));
    assert_eq!(answer.at.as_ref().map(Start::text).as_deref(), Some("2026-01-15T19:30"));
    assert_eq!(answer.note.as_deref(), Some("With cake"));
}

#[test]
fn a_guest_is_named_and_their_address_is_not() {
    for (attendee, guest) in [
        ("ATTENDEE;PARTSTAT=DECLINED;X-NUM-GUESTS=3:mailto:jo.smith@example.org", "jo.smith"),
        ("ATTENDEE;PARTSTAT=DECLINED;CN=jo.smith@example.org:MAILTO:jo.smith@example.org", "jo.smith"),
        ("ATTENDEE;PARTSTAT=DECLINED;CN=\"mailto:jo@example.org\":mailto:jo@example.org", "jo"),
    ] {
        let answer = message("REPLY", attendee).answers.into_iter().next().unwrap();
        assert_eq!((answer.guest.as_str(), answer.status, answer.count), (guest, Answer::NotGoing, None));
    }
    let long = message("REPLY", &format!("ATTENDEE;PARTSTAT=TENTATIVE;CN={}:mailto:x@y", "ä".repeat(200)))
        .answers
        .into_iter()
        .next()
        .unwrap();
    assert_eq!((long.guest.chars().count(), long.status), (64, Answer::Maybe));
}

#[test]
fn a_reply_that_answers_nothing_is_said() {
    for (lines, why) in [
        ("SUMMARY:x", "does not say who"),
        ("ATTENDEE;CN=Jo:mailto:jo@example.org", "gives no answer"),
        ("ATTENDEE;CN=Jo;PARTSTAT=NEEDS-ACTION:mailto:jo@example.org", "has not answered"),
        ("ATTENDEE;CN=Jo;PARTSTAT=DELEGATED:mailto:jo@example.org", "sends somebody else"),
    ] {
        let reading = message("REPLY", lines);
        assert!(reading.answers.is_empty() && reading.skipped[0].why.contains(why), "{lines}: {:?}", reading.skipped);
    }
    let counter =
        message("COUNTER", "ATTENDEE;CN=Jo;PARTSTAT=TENTATIVE:mailto:jo@example.org\nDTSTART:20260115T193000Z");
    assert!(counter.answers.is_empty() && counter.entries().is_empty() && counter.said[0].contains("COUNTER"));
}

#[test]
fn of_several_replies_of_one_guest_the_last_counts() {
    let reply = |status: &str| {
        format!("BEGIN:VEVENT\r\nUID:c\r\nATTENDEE;CN=Jo;PARTSTAT={status}:mailto:jo@x\r\nEND:VEVENT\r\n")
    };
    let reading = calendar(&format!("METHOD:REPLY\r\n{}{}", reply("ACCEPTED"), reply("DECLINED")));
    assert_eq!(reading.answers.iter().map(|a| a.status).collect::<Vec<_>>(), [Answer::NotGoing]);
}

#[test]
fn a_cancellation_plans_nothing_and_names_what_is_off() {
    let reading = message("CANCEL", "RECURRENCE-ID:20260115T183000Z\nSUMMARY:Choir\nCOMMENT:Ill");
    assert!(reading.entries().is_empty());
    let off = &reading.called_off[0];
    assert_eq!((off.uid.as_str(), off.name.as_str(), off.note.as_deref()), ("choir", "Choir", Some("Ill")));
    assert_eq!(off.at.as_ref().map(Start::text).as_deref(), Some("2026-01-15T18:30"));
    assert!(message("REQUEST", "SUMMARY:x\nDTSTART:20260115T183000Z").entries().len() == 1, "a request is an event");
}

#[test]
fn of_one_event_in_several_files_the_newest_version_is_kept() {
    let file = |sequence: u32, name: &str| {
        let event = format!("UID:1\r\nSEQUENCE:{sequence}\r\nSUMMARY:{name}\r\nDTSTART:20260108T193000Z\r\n");
        calendar(&format!("BEGIN:VEVENT\r\n{event}END:VEVENT\r\n"))
    };
    for order in [[(2, "New"), (1, "Old")], [(1, "Old"), (2, "New")]] {
        let [first, second] = order.map(|(sequence, name)| file(sequence, name));
        let mut all = first;
        all.and(second).unwrap();
        let [one] = all.entries()[..] else { panic!("one event") };
        assert_eq!(one.event.name, "New");
        assert!(one.said[0].contains("several versions"), "{:?}", one.said);
    }
}

#[test]
fn rules_that_would_be_followed_for_centuries_are_given_up_in_time() {
    let rule = "DTSTART:19000101T193000\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=99991231T235959Z";
    let event = |n: usize| format!("BEGIN:VEVENT\r\nUID:{n}\r\nSUMMARY:Never\r\n{rule}\r\nEND:VEVENT\r\n");
    let reading = calendar(&(0..40).map(event).collect::<String>());
    assert_eq!(reading.entries().len(), 40, "each keeps its first date");
    assert!(reading.days > series::DAYS, "it is more than is followed");
    let given_up =
        reading.entries().into_iter().filter(|e| e.said.iter().any(|s| s.contains("too many of its kind"))).count();
    assert_eq!(given_up, 30, "and 10 were followed over 46 000 days each");
}

#[test]
fn what_is_left_out_for_being_too_much_is_said() {
    let extra: Vec<String> =
        (0..450).map(|n| format!("{}{:02}{:02}T193000", 2027 + n / 336, n / 28 % 12 + 1, n % 28 + 1)).collect();
    let reading = event(&format!("RRULE:FREQ=YEARLY\nRDATE;TZID=Europe/Berlin:{}", extra.join(",")));
    assert!(said(&reading).contains("50 extra dates are left out"), "{}", said(&reading));
    let reading = event("RRULE:FREQ=DAILY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12");
    assert_eq!(reading.entries().len(), 400);
    assert!(said(&reading).contains("30 more dates of it are left out"), "{}", reading.entries()[0].said.join(" "));
}

#[test]
fn what_a_remark_quotes_can_be_read() {
    let long = "1,".repeat(100_000);
    let zone = "Z".repeat(50_000);
    let reading = event(&format!(
        "RRULE:FREQ=YEARLY;BYSETPOS={long}1;BYDAY=MO\nCONFERENCE:http://x/{zone}\nEXDATE;TZID={zone}:20260115T193000"
    ));
    assert!(!reading.entries().is_empty());
    assert!(reading.entries().iter().flat_map(|e| &e.said).all(|said| said.chars().count() < 400), "cut");
    let reading = calendar(&format!("BEGIN:VEVENT\r\nUID:x\r\nSUMMARY:{zone}\r\nEND:VEVENT\r\n"));
    assert!(reading.skipped[0].name.chars().count() < 100);
    let crossed = format!("BEGIN:VCALENDAR\nBEGIN:{zone}\nEND:{zone}X\nEND:VCALENDAR\n");
    assert!(read(&crossed, &context()).unwrap_err().to_string().len() < 1000);
}

#[test]
fn a_time_that_clocks_skip_or_show_twice_is_said() {
    let at = |lines: &str| {
        let entry = calendar(&format!("BEGIN:VEVENT\r\nUID:x\r\nSUMMARY:x\r\n{lines}\r\nEND:VEVENT\r\n"))
            .into_entries()
            .remove(0);
        (entry.event.start, entry.said.join("\n"))
    };
    let (_, said) = at("DTSTART;TZID=Europe/Berlin:20270328T023000");
    assert!(said.contains("2027-03-28T02:30, is skipped") && said.contains("taken as 2027-03-28T03:30"), "{said}");
    let (_, said) = at("DTSTART;TZID=Europe/Berlin:20271031T023000");
    assert!(said.contains("comes twice") && said.contains("the first"), "{said}");
    let (_, said) = at("DTSTART;TZID=Europe/Berlin:20271030T203000\r\nDTEND;TZID=Europe/Berlin:20271031T023000");
    assert!(said.contains("its end, 2027-10-31T02:30, comes twice"), "{said}");
    assert_eq!(at("DTSTART;TZID=Europe/Berlin:20271031T033000").1, "");
    // A moment is no such time, and stays that moment.
    let text = "X-WR-TIMEZONE:Europe/Berlin\r\nBEGIN:VEVENT\r\nUID:x\r\nSUMMARY:x\r\nDTSTART:20271031T013000Z\r\nEND:VEVENT\r\n";
    let start = calendar(text).into_entries().remove(0).event.start;
    assert_eq!((start.text().as_str(), start.zone()), ("2027-10-31T01:30", Some("UTC")));
}

#[test]
fn no_direction_of_writing_comes_out_of_a_file_that_was_not_closed() {
    let reading = event(
        "DESCRIPTION:a\u{202e}b\nLOCATION:\u{2067}c\nURL:https://x.example/\u{202e}gpj.exe\u{200f}\nORGANIZER;CN=\u{202b}d:mailto:x@y",
    );
    let event = &reading.entries()[0].event;
    assert_eq!((event.text.as_deref(), event.places[0].name.as_deref()), (Some("ab"), Some("c")));
    assert_eq!((event.hosts[0].name.as_str(), event.links[0].url.as_str()), ("d", "https://x.example/gpj.exe"));
    let hebrew = "\u{2067}שלום\u{2069} \u{200f}(12)";
    let reading =
        calendar(&format!("BEGIN:VEVENT\r\nUID:h\r\nSUMMARY:{hebrew}\r\nDTSTART:20260108T193000Z\r\nEND:VEVENT\r\n"));
    assert_eq!(reading.entries()[0].event.name, hebrew);
}

#[test]
fn a_series_too_long_for_a_record_loses_texts_and_not_the_import() {
    let long = "\u{1f3b5}".repeat(9_000);
    let date = |n: usize| {
        format!(
            "BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:s\r\nRECURRENCE-ID:202701{n:02}T100000Z\r\nDTSTART:202701{n:02}T110000Z\r\nDESCRIPTION:{n}{long}\r\nEND:VEVENT\r\n"
        )
    };
    let series = "BEGIN:VEVENT\r\nUID:s\r\nSUMMARY:s\r\nDTSTART:20270101T100000Z\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n";
    let reading = calendar(&(series.to_owned() + &(2..6).map(date).collect::<String>()));
    let [entry] = reading.entries()[..] else { panic!("one series") };
    assert!(crate::record::fits(entry.event.clone()) && entry.event.overrides.len() == 4);
    assert!(said(&reading).contains("texts of its changed dates are left out"), "{}", said(&reading));
}
