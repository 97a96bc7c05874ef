use std::fs;

use crate::{home::Home, import::summary};

#[test]
fn events_are_exported_as_they_are_and_a_copy_that_comes_back_changes_nothing() {
    let home = Home::settled();
    home.ok(&["event", "add", "Choir", "2020-01-02 19:30", "--repeat", "every week", "--duration", "2h"]);
    let gig = home.json(&["event", "add", "Gig", "2031-01-05 20:00"]).remove(0);
    home.ok(&["event", "cancel", "Choir", "--at", "2031-01-09"]);
    let one = home.ok(&["event", "export", gig["short"].as_str().unwrap()]);
    assert!(one.starts_with("BEGIN:VCALENDAR\r\n") && one.matches("BEGIN:VEVENT").count() == 1 && !one.contains("URL"));
    let file = home.0.path().join("all.ics");
    let path = file.to_str().unwrap();
    assert_eq!(home.json(&["event", "export", "--all", "-o", path])[0]["events"], 2);
    let all = fs::read_to_string(&file).unwrap();
    assert_eq!(all, home.ok(&["event", "export", "--all"]), "two renders are equal");
    assert_eq!(all, home.ok(&["event", "export", "Gig", "choir", "Gig"]), "whatever the order they are named in");
    assert!(all.contains("STATUS:CANCELLED") && all.contains("RRULE:FREQ=WEEKLY"));
    assert!(home.refused(1, &["event", "export", "--all", "-o", path]).contains("already"));
    home.ok(&["event", "export", "--all", "-o", path, "--force"]);
    home.refused(2, &["event", "export"]);
    let back = home.json(&["event", "import", path]);
    let summary = summary(back);
    assert_eq!((&summary["unchanged"], &summary["added"]), (&2.into(), &0.into()));

    // In another home they are new, and the export of that holds the same dates.
    let other = Home::settled();
    other.ok(&["event", "import", path]);
    let dates = |home: &Home| {
        let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-03-01"]);
        dates
            .into_iter()
            .map(|d| (d["name"].clone(), d["from"].clone(), d["to"].clone(), d["status"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(dates(&home), dates(&other));
}
