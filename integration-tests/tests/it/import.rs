//! A calendar that is larger than one message to a running node.

use std::fs;

use folkmoot_integration_tests::Home;

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
