//! Calendars of others: one that is larger than one message to a running node, and real ones of many programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use folkmoot_integration_tests::{Home, fixture};
use serde_json::Value;

#[test]
fn a_calendar_beyond_one_request_is_imported_through_a_running_node_and_known_again() {
    // 8.6 MB of texts at their limit: a frame of the control socket holds 8 MiB.
    const EVENTS: u64 = 240;
    let home = Home::new("archive");
    let _node = home.start(&["quickstart", "Archive", "--public"]);
    let text = "\u{1f3b5}".repeat(9_000);
    let event = |n| {
        let day = n % 28 + 1;
        format!(
            "BEGIN:VEVENT\r\nUID:{n}\r\nSUMMARY:Gig {n}\r\nDTSTART:203105{day:02}T200000\r\nDESCRIPTION:{text}\r\nEND:VEVENT\r\n"
        )
    };
    let events: String = (0..EVENTS).map(event).collect();
    let file = home.scratch("archive.ics");
    fs::write(&file, format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")).expect("a file");
    let import = || {
        let lines = home.json(&["event", "import", file.to_str().expect("a UTF-8 path")]);
        let summary = lines.into_iter().find(|line| line["summary"] == true).expect("a summary");
        (summary["added"].as_u64(), summary["unchanged"].as_u64())
    };
    assert_eq!(import(), (Some(EVENTS), Some(0)));
    assert_eq!(import(), (Some(0), Some(EVENTS)));
}

/// Calendar files of other programs, from outside the project.
fn foreign() -> Vec<PathBuf> {
    let Some(folder) = fixture("calendars") else { return Vec::new() };
    let found = fs::read_dir(folder).expect("a folder of calendars");
    let mut files: Vec<PathBuf> = found.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// How many were added, changed and left as they are.
fn counts(lines: &[Value]) -> [u64; 3] {
    let summary = lines.iter().find(|line| line["summary"] == true).expect("a summary");
    ["added", "changed", "unchanged"].map(|word| summary[word].as_u64().expect("a number"))
}

#[test]
fn every_calendar_of_others_is_taken_once_and_follows_its_source_event_by_event() {
    for file in foreign() {
        let name = file.display().to_string();
        let home = Home::new("import");
        home.ok(&["init", "--name", "Ada", "--phrase-file", home.scratch("words").to_str().expect("a UTF-8 path")]);
        home.ok(&["community", "create", "Import", "--public", "--zone", "Europe/Berlin"]);
        let copy = home.scratch("copy.ics");
        let text = fs::read_to_string(&file).expect("a calendar");
        let import = |text: &str| {
            fs::write(&copy, text).expect("a file");
            home.json(&["event", "import", copy.to_str().expect("a UTF-8 path")])
        };
        // By URI: which version it is.
        let versions = || -> BTreeMap<String, String> {
            let all = home.json(&["event", "list", "--from", "2000-01-01", "--to", "2035-01-01", "-n", "10000"]);
            let uris: BTreeSet<String> =
                all.iter().map(|date| date["uri"].as_str().expect("a URI").to_owned()).collect();
            let cid = |uri: &String| home.json(&["show", uri])[0]["cid"].as_str().expect("a CID").to_owned();
            uris.iter().map(|uri| (uri.clone(), cid(uri))).collect()
        };
        let [added, 0, 0] = counts(&import(&text)) else { panic!("{name}: all of it is new") };
        assert!(added > 0, "{name}");
        let before = versions();
        assert_eq!(before.len() as u64, added, "{name}");
        assert_eq!(counts(&import(&text)), [0, 0, added], "{name}: a second import changes nothing");
        assert_eq!(versions(), before, "{name}");

        // The first event gets another name at the source, and nothing else does.
        let events = text.find("BEGIN:VEVENT").expect("an event");
        let begin = events + text[events..].find("\nSUMMARY").expect("a name") + 1;
        let colon = begin + text[begin..].find(':').expect("a name") + 1;
        let changed = format!("{}Another name for {}", &text[..colon], &text[colon..]);
        assert_eq!(counts(&import(&changed)), [0, 1, added - 1], "{name}");
        let after = versions();
        assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{name}");
        assert_eq!(after.iter().filter(|(uri, cid)| before[*uri] != **cid).count(), 1, "{name}: exactly that one");
        assert_eq!(counts(&import(&text)), [0, 1, added - 1], "{name}: and back");
    }
}

#[test]
fn dates_that_came_alone_give_way_to_their_series_but_for_one_that_somebody_answered() {
    let home = Home::new("replaced");
    home.ok(&["init", "--name", "Ada", "--phrase-file", home.scratch("words").to_str().expect("a UTF-8 path")]);
    home.ok(&["community", "create", "Import", "--public", "--zone", "Europe/Berlin"]);
    let file = home.scratch("quiz.ics");
    let import = |method: &str, events: &[String]| {
        let event = |lines: &String| format!("BEGIN:VEVENT\r\nUID:quiz\r\nSUMMARY:Quiz\r\n{lines}END:VEVENT\r\n");
        let events: String = events.iter().map(event).collect();
        fs::write(&file, format!("BEGIN:VCALENDAR\r\n{method}{events}END:VCALENDAR\r\n")).expect("a file");
        home.json(&["event", "import", file.to_str().expect("a UTF-8 path")])
    };
    let dates = || -> Vec<(String, String)> {
        let all = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        all.iter().map(|date| (text(&date["at"]), text(&date["uri"]))).collect()
    };
    let alone = ["20310103T193000", "20310110T193000"];
    let alone = alone.map(|at| format!("DTSTAMP:20261101T100000Z\r\nRECURRENCE-ID:{at}\r\nDTSTART:{at}\r\n"));
    assert_eq!(counts(&import("METHOD:REQUEST\r\n", &alone)), [2, 0, 0]);
    let answered = dates().remove(1);
    home.ok(&["rsvp", &answered.1, "yes", "--guest", "Grandma"]);

    let series = ["DTSTAMP:20261102T100000Z\r\nDTSTART:20310103T193000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n".to_owned()];
    let lines = import("", &series);
    let replaced = lines.iter().find(|line| line["summary"] == true).expect("a summary")["replaced"].clone();
    assert_eq!((counts(&lines), replaced), ([1, 0, 1], 1.into()), "{lines:?}");
    let after = dates();
    let days: Vec<&str> = after.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(days, ["2031-01-03T19:30", "2031-01-10T19:30", "2031-01-17T19:30"], "each once");
    assert!(after.contains(&answered), "with its answers: {after:?}");
    assert_eq!(counts(&import("", &series)), [0, 0, 2], "a second import changes nothing");
}

#[test]
fn an_exported_event_is_the_one_on_its_page_and_one_for_members_is_exported_as_well() {
    let home = Home::new("export");
    let node = home.start(&["quickstart", "Export", "--public"]);
    let gig = home.json(&["event", "add", "Gig", "2031-01-05 20:00", "--duration", "2h", "--place", "Shed"]).remove(0);
    let short = gig["short"].as_str().expect("an id");
    let page = node.page(&format!("/e/{short}.ics"));
    // But for what only a subscription has.
    let events = |text: &str| text[text.find("BEGIN:VTIMEZONE").expect("a zone")..].to_owned();
    assert_eq!(events(&home.ok(&["event", "export", short])), events(&page));

    home.ok(&["community", "create", "Inner circle", "--members", "--zone", "Europe/Berlin"]);
    home.ok(&["--community", "Inner circle", "event", "add", "Secret", "2031-01-06 20:00"]);
    let all = home.ok(&["event", "export", "--all"]);
    assert!(all.contains("SUMMARY:Secret") && all.contains("SUMMARY:Gig"), "{all}");
    let one = home.ok(&["--community", "Inner circle", "event", "export", "--all"]);
    assert!(
        one.contains("X-WR-CALNAME:Inner circle") && !one.contains("SUMMARY:Gig") && !one.contains("\nURL"),
        "{one}"
    );
}
