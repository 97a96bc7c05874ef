use serde_json::Value;

use crate::home::Home;

#[test]
fn one_date_of_a_series_is_called_off_alone() {
    let home = Home::settled();
    let add = ["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "weekly on thu until 2031-01-23"];
    let choir = home.json(&add).remove(0);
    let short = choir["short"].as_str().unwrap();
    home.ok(&["event", "cancel", short, "--at", "2031-01-16"]);
    let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-12-31"]);
    let said: Vec<_> = dates.iter().map(|d| (d["at"].as_str().unwrap(), d["cancelled"].as_bool().unwrap())).collect();
    assert_eq!(
        said,
        [
            ("2031-01-02T19:30", false),
            ("2031-01-09T19:30", false),
            ("2031-01-16T19:30", true),
            ("2031-01-23T19:30", false)
        ]
    );
    home.refused(1, &["event", "cancel", short, "--at", "2031-01-17"]);
}

fn choir(home: &Home) -> String {
    let add = ["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "weekly until 2031-01-23"];
    home.json(&add).remove(0)["short"].as_str().unwrap().to_owned()
}

/// Start and status of the choir's dates, in order.
fn dates(home: &Home) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-12-31"]);
    listed.iter().map(|d| (text(&d["start"]["local"]), text(&d["status"]))).collect()
}

#[test]
fn one_date_of_a_series_is_moved_and_put_back() {
    let home = Home::settled();
    let short = choir(&home);
    let edit = |args: &[&str]| home.ok(&[&["event", "edit", &short, "--at", "2031-01-16"], args].concat());
    let said = edit(&["--start", "20:15", "--duration", "1h", "--note", "Later"]);
    assert!(said.contains("Thursday 16 January 2031, 20:15–21:15") && said.contains("instead of"), "{said}");
    assert_eq!(dates(&home)[2], ("2031-01-16T20:15".into(), "confirmed".into()));
    home.ok(&["event", "cancel", &short, "--at", "2031-01-16"]);
    let listed = home.ok(&["event", "list", "--from", "2031-01-10", "--to", "2031-01-17"]);
    assert!(listed.contains("cancelled") && listed.contains("Later"), "the reason stays and is shown: {listed}");
    let again = home.refused(1, &["event", "cancel", &short, "--at", "2031-01-16"]);
    assert!(again.contains("cancelled already") && again.contains("--confirmed"), "{again}");
    edit(&["--confirmed", "--start", "19:30"]);
    assert_eq!(dates(&home)[2], ("2031-01-16T19:30".into(), "confirmed".into()));
    let said = home.refused(1, &["event", "edit", &short, "--at", "2031-01-16", "--price", "5 EUR"]);
    assert!(said.contains("whole series"), "{said}");
    assert!(home.ok(&["event", "cancel", &short]).contains("the whole series, every date"));
}

#[test]
fn a_series_that_moves_keeps_its_single_dates_or_says_what_is_lost() {
    let home = Home::settled();
    let short = choir(&home);
    home.ok(&["event", "cancel", &short, "--at", "2031-01-16", "--note", "Storm"]);
    home.ok(&["rsvp", &short, "yes", "--at", "2031-01-09"]);
    home.ok(&["event", "edit", &short, "--start", "20:00"]);
    assert_eq!(dates(&home)[2], ("2031-01-16T20:00".into(), "cancelled".into()));
    let shown = home.json(&["event", "show", &short]).remove(0);
    assert_eq!(shown["record"]["overrides"][0]["at"], "2031-01-16T20:00");

    let friday = ["event", "edit", &short, "--start", "2031-01-03 20:00"];
    let said = home.refused(1, &friday);
    assert!(said.contains("Thursday 16 January 2031, cancelled: Storm") && said.contains("--drop-changes"), "{said}");
    let moved = home.run(&[&friday[..], &["--drop-changes"]].concat());
    let said = String::from_utf8(moved.stderr).unwrap();
    assert!(moved.status.success() && said.contains("1 answer to a single date no longer applies"), "{said}");
    assert!(dates(&home).iter().all(|(_, status)| status == "confirmed"));
}

#[test]
fn earlier_answers_are_said_to_be_marked_only_where_there_are_some() {
    let home = Home::settled();
    let gig = home.json(&["event", "add", "Gig", "2031-05-02 20:00"]).remove(0);
    let short = gig["short"].as_str().unwrap();
    let edit = |start: &str| {
        let output = home.run(&["event", "edit", short, "--start", start]);
        String::from_utf8(output.stderr).unwrap().contains("given before the change")
    };
    assert!(!edit("21:00"));
    home.ok(&["rsvp", short, "YES", "2"]);
    assert!(!edit("20:30"), "whoever changes it knows of it");
    let own = &home.json(&["event", "guests", short])[0]["answers"];
    assert_eq!((&own["going"], &own["before_change"], &own["confirmed"]), (&3.into(), &0.into(), &3.into()));
    home.ok(&["rsvp", short, "yes", "--guest", "Rose"]);
    assert!(edit("20:00"));
    let all = &home.json(&["event", "guests", short])[0]["answers"];
    assert_eq!((&all["going"], &all["before_change"]), (&4.into(), &1.into()));
    assert!(!home.ok(&["event", "list", "--from", "2031-05-01"]).contains("new time"), "there and back is no news");
}

#[test]
fn a_moved_date_says_where_it_was_and_is_named_by_either_day() {
    let home = Home::settled();
    let short = choir(&home);
    let edit = |args: &[&str]| home.ok(&[&["event", "edit", &short, "--at"], args].concat());
    edit(&["2031-01-16", "--start", "2031-01-15 19:30"]);
    let listed = home.ok(&["event", "list", "--from", "2031-01-10", "--to", "2031-01-17"]);
    assert!(listed.contains("new date, was 16 January"), "{listed}");
    let said = edit(&["2031-01-15", "--place", "Church"]);
    assert!(said.contains("place  Church") && said.contains("instead of Thursday 16 January"), "{said}");
    let said = edit(&["2031-01-09", "--place", "Church"]);
    assert!(said.contains("place  Church") && !said.contains("as the series says"), "{said}");
    let said = home.refused(1, &["event", "cancel", &short, "--at", "2031-01-14"]);
    assert!(said.contains("Wednesday 15 January 2031, 19:30 (Europe/Berlin), new date, was 16 January"), "{said}");
    let shown = home.ok(&["event", "show", &short, "--at", "2031-01-15"]);
    assert!(shown.contains("was  16 January") && shown.contains("none yet"), "{shown}");
    home.ok(&["event", "edit", &short, "--at", "2031-01-02", "--start", "18:30"]);
    assert!(home.ok(&["event", "show", &short, "--at", "2031-01-02"]).contains("New time"));
}

#[test]
fn answers_to_single_dates_are_shown_beside_those_to_every_date() {
    let home = Home::settled();
    let short = choir(&home);
    home.ok(&["rsvp", &short, "no", "--at", "2031-01-09", "--note", "Family"]);
    let said = home.ok(&["rsvp", &short, "yes", "+1"]);
    assert!(said.contains("9 January 2031 stays: not going"), "{said}");
    let shown = home.ok(&["event", "show", &short]);
    assert!(shown.contains("9 January 2031: Ada not going (Family)"), "{shown}");
    assert!(shown.contains("2 going") && !shown.contains("notgoing"), "{shown}");
    let date = home.ok(&["event", "show", &short, "--at", "2031-01-09"]);
    assert!(date.contains("1 not going") && date.contains("Ada  not going") && !date.contains("2 going"), "{date}");
    home.ok(&["event", "edit", &short, "--start", "20:00"]);
    let shown = home.ok(&["event", "show", &short]);
    assert!(shown.contains("2 going") && !shown.contains("before the last change"), "{shown}");
    let date = home.json(&["event", "show", &short, "--at", "2031-01-09"]).remove(0);
    assert_eq!((&date["at"], &date["answers"]["not_going"]), (&"2031-01-09T20:00".into(), &1.into()));
}

#[test]
fn words_in_the_wrong_place_are_noticed() {
    let home = Home::settled();
    let said = home.refused(1, &["event", "add", "fri 20:00", "Band night"]);
    assert!(said.contains("did you swap name and time?"), "{said}");
    assert!(home.refused(2, &["event", "add", "Band", "night", "fri", "20:00"]).contains("in quotes"));
    let short = choir(&home);
    assert!(home.refused(2, &["rsvp", "yes", &short]).contains(&format!("moot rsvp {short} yes")));
    assert!(home.refused(2, &["rsvp", &short, "perhaps"]).contains("yes, maybe, interested or no"));
}
