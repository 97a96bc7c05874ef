use serde_json::Value;

use crate::home::Home;

#[test]
fn a_poll_of_dates_becomes_the_event_and_votes_count_until_people_answer() {
    let home = Home::settled();
    home.ok(&[
        "poll",
        "add",
        "When?",
        "--date",
        "2030-12-06 20:00",
        "--date",
        "2030-12-07 20:00",
        "--place",
        "Backyard",
    ]);
    assert!(home.refused(1, &["poll", "vote", "When?", "3"]).contains("1  Friday 6 December 2030"));
    home.ok(&["poll", "vote", "When?", "1", "2"]);
    let tie = home.refused(1, &["poll", "close", "When?", "--event", "Gig"]);
    assert!(tie.contains("several dates are equally ahead") && tie.contains("--winner"), "{tie}");
    home.ok(&["poll", "vote", "When?", "2030-12-06", "--maybe", "2"]);
    let shown = &home.json(&["poll", "show", "When?"])[0];
    assert_eq!((&shown["audience"], &shown["tally"]["counts"][0]["yes"]), (&Value::from("members"), &Value::from(1)));
    home.ok(&["poll", "close", "When?", "--event", "Gig", "--price", "8 EUR"]);
    let gig = &home.json(&["event", "show", "Gig"])[0];
    assert_eq!(
        (&gig["answers"]["going"], &gig["record"]["start"]["local"]),
        (&Value::from(1), &Value::from("2030-12-06T20:00"))
    );
    assert_eq!(gig["record"]["places"][0]["name"], "Backyard");
    home.ok(&["rsvp", "Gig", "no"]);
    assert_eq!(home.json(&["event", "show", "Gig"])[0]["answers"]["going"], 0);
    home.refused(1, &["poll", "vote", "When?", "2"]);
    home.refused(1, &["poll", "close", "When?"]);
    assert!(home.ok(&["poll", "list"]).is_empty() && home.ok(&["poll", "list", "--all"]).contains("decided"));
}
