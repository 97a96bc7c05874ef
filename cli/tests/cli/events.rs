use crate::home::Home;

#[test]
fn events_are_planned_moved_answered_and_called_off() {
    let home = Home::settled();
    let add =
        ["event", "add", "Gig", "2031-05-02 20:00", "--end", "23:00", "--place", "The Shed", "--price", "5-8 EUR"];
    let gig = home.json(&add).remove(0);
    let short = gig["short"].as_str().unwrap();
    home.ok(&["rsvp", short, "yes", "+2"]);
    home.ok(&["event", "edit", short, "--start", "2031-05-03 20:00"]);
    let shown = home.json(&["event", "show", short]).remove(0);
    assert_eq!(shown["record"]["start"], serde_json::json!({"local": "2031-05-03T20:00", "zone": "Europe/Berlin"}));
    assert_eq!(shown["record"]["duration"], 10_800);
    assert_eq!(shown["record"]["sequence"], 1);
    assert_eq!((&shown["answers"]["going"], &shown["answers"]["before_change"]), (&3.into(), &0.into()));
    home.ok(&["event", "cancel", short, "--note", "Storm"]);
    let listed = home.json(&["event", "list", "--from", "2031-05-01", "--to", "2031-05-31"]).remove(0);
    assert_eq!((&listed["cancelled"], &listed["name"]), (&true.into(), &"Gig".into()));
    assert!(home.refused(1, &["rsvp", short, "yes"]).contains("cancelled"));
}

#[test]
fn a_new_time_alone_keeps_the_day() {
    let home = Home::settled();
    let gig = home.json(&["event", "add", "Gig", "2031-05-02 20:00", "--end", "02:00"]).remove(0);
    let short = gig["short"].as_str().unwrap();
    let said = home.ok(&["event", "edit", short, "--start", "21:00", "--price", "5 EUR", "--place", "Shed"]);
    for words in ["Friday 2 May 2031, 21:00 – Saturday 3 May 2031, 03:00", "5 EUR", "Shed"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(home.refused(1, &["event", "add", "Bad", "20:00"]).contains("today 20:00"));
}

#[test]
fn what_was_understood_is_said_and_doors_open_before_the_start() {
    let home = Home::settled();
    let add = ["event", "add", "Gig", "2031-05-02 20:00", "--doors", "19:00", "--capacity", "80", "--plus", "2"];
    let said = home.ok(&add);
    for words in ["doors 19:00", "80 places", "each answer may bring 2 people"] {
        assert!(said.contains(words), "{said}");
    }
    let said = home.refused(1, &["event", "edit", "Gig", "--doors", "20:30"]);
    assert!(said.contains("doors would open after it starts") && said.contains("--doors"), "{said}");
    let moved = home.run(&["event", "edit", "Gig", "--start", "18:00"]);
    let said = String::from_utf8(moved.stderr).unwrap();
    assert!(said.contains("doors go with the start: 17:00, not 19:00"), "{said}");
    home.ok(&["event", "edit", "Gig", "--start", "19:00", "--doors", "18:30"]);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let home = Home::settled();
    let said = home.refused(1, &["event", "add", "Gig", "2026-05-01 20:00", "--end", "2026-05-01 02:00"]);
    assert!(said.contains("starts 2026-05-01 20:00, ends 2026-05-01 02:00 (Europe/Berlin)"), "{said}");
    assert!(said.contains("--end \"2026-05-02 02:00\""), "{said}");
    assert!(home.refused(1, &["event", "add", "Gig", "fri 20:00", "--zone", "berlin"]).contains("Europe/Berlin"));
    let said = home.refused(1, &["event", "add", "Gig", "2031-01-03 20:00", "--repeat", "weekly on thu"]);
    assert!(said.contains("Thursday"), "{said}");
    assert!(home.refused(1, &["post", &"ä".repeat(5_001)]).contains("5001"));
    home.refused(1, &["event", "add", "Gig", "soon"]);
    home.refused(1, &["join", "https://example.org/"]);
    home.refused(1, &["--community", "Elsewhere", "post", "hello"]);
    home.refused(1, &["peer", "add", "192.0.2.7:4700"]);
    assert!(home.ok(&["feed"]).is_empty() && home.json(&["event", "list"]).is_empty());
}

#[test]
fn an_event_is_cloned_to_another_day_and_forgets_what_was() {
    let home = Home::settled();
    home.ok(&["event", "add", "Gig", "2030-12-06 20:00", "--duration", "2h", "--price", "8 EUR"]);
    home.ok(&["event", "cancel", "Gig", "--note", "Ill"]);
    home.ok(&["event", "clone", "Gig", "2031-01-10", "--name", "Gig again", "--price", ""]);
    let again = &home.json(&["event", "show", "Gig again"])[0]["record"];
    assert_eq!(again["start"]["local"], "2031-01-10T20:00");
    assert_eq!(
        (&again["duration"], &again["status"], &again["sequence"]),
        (&7200.into(), &"confirmed".into(), &0.into())
    );
    assert!(again.get("price").is_none() && again.get("status_note").is_none());
    let twin = home.run(&["event", "clone", "Gig again", "2031-01-10", "--price", ""]);
    let said = String::from_utf8(twin.stderr).unwrap();
    assert!(said.contains("called so too: ") && said.contains("event: Gig again, Friday 10 January 2031"), "{said}");
    let refused = home.refused(1, &["event", "show", "Gig again"]);
    assert_eq!(refused.matches("event: Gig again, Friday 10 January 2031").count(), 2, "{refused}");
}

#[test]
fn an_event_is_named_by_its_title_unless_several_have_it() {
    let home = Home::settled();
    home.ok(&["event", "add", "Harbour Gig", "2031-05-02 20:00"]);
    let answer = home.json(&["rsvp", "harbour gig", "yes", "+1"]).remove(0);
    assert_eq!(answer["existed"], false);
    assert_eq!(home.json(&["event", "show", "Harbour Gig"])[0]["answers"]["going"], 2);
    home.ok(&["event", "add", "Harbour Gig", "2031-06-06 20:00"]);
    let said = home.refused(1, &["event", "cancel", "Harbour Gig"]);
    assert!(said.contains("2 May 2031") && said.contains("6 June 2031"), "{said}");
    assert!(home.refused(1, &["rsvp", "Harbour", "yes"]).contains("nothing called"));
}
