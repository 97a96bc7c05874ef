use std::fs;

use serde_json::Value;

use crate::{
    home::Home,
    import::{calendar, summary},
};

/// A message from a mail program about one event.
fn message(method: &str, uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20300101T000000Z\r\n\
         {lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn a_cancellation_by_mail_calls_off_what_was_imported_and_nothing_else() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let import = |text: &str| {
        fs::write(&file, text).unwrap();
        home.json(&["event", "import", file.to_str().unwrap()])
    };
    let choir =
        "UID:choir\r\nSUMMARY:Choir\r\nDTSTART;TZID=Europe/Berlin:20310102T193000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n";
    import(&calendar([choir.to_owned(), "UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\n".to_owned()]));
    let one = import(&message("CANCEL", "choir", "RECURRENCE-ID:20310109T183000Z\r\nCOMMENT:Ill"));
    assert_eq!(one[0]["action"], "changed");
    assert_eq!(import(&message("CANCEL", "gig", "STATUS:CANCELLED"))[0]["action"], "changed");
    let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
    let off: Vec<_> = dates.iter().filter(|d| d["cancelled"] == true).map(|d| (&d["at"], &d["note"])).collect();
    assert_eq!(off, [(&"2031-01-05T20:00".into(), &Value::Null), (&"2031-01-09T19:30".into(), &"Ill".into())]);
    assert_eq!(import(&message("CANCEL", "gig", "STATUS:CANCELLED"))[0]["action"], "unchanged");

    for (uid, lines, why) in [("nobody", "", "not here"), ("choir", "RECURRENCE-ID:20310110T183000Z", "no such date")] {
        let lines = import(&message("CANCEL", uid, lines));
        assert!(lines[0]["said"][0].as_str().is_some_and(|said| said.contains(why)), "{lines:?}");
    }
    let own = home.json(&["event", "add", "Own", "2031-02-02 20:00"]).remove(0);
    let ics = home.ok(&["event", "export", own["short"].as_str().unwrap()]);
    let uid = ics.lines().find_map(|line| line.strip_prefix("UID:")).unwrap().trim();
    let lines = import(&message("CANCEL", uid, "STATUS:CANCELLED"));
    assert!(lines[0]["said"][0].as_str().unwrap().contains("moot event cancel"), "{lines:?}");
}

#[test]
fn an_answer_to_one_date_stays_with_its_day_however_often_the_series_gets_another_time() {
    let home = Home::settled();
    home.ok(&["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "every week", "--duration", "2h"]);
    home.ok(&["rsvp", "Choir", "yes", "+2", "--at", "2031-01-09", "--note", "With the twins", "--guest", "Rose"]);
    let rose = || {
        let said = home.json(&["event", "guests", "Choir", "--at", "2031-01-09"]).remove(0);
        let people = said["answers"]["people"].as_array().unwrap().clone();
        assert_eq!(people.len(), 1, "{people:?}");
        (people[0]["status"].clone(), people[0]["count"].clone(), people[0]["note"].clone())
    };
    let stands = ("going".into(), 3.into(), "With the twins".into());
    for start in ["19:00", "19:30", "18:00", "18:15", "18:30", "18:45", "20:00"] {
        home.ok(&["event", "edit", "Choir", "--start", start]);
        assert_eq!(rose(), stands, "at {start}");
    }
    home.ok(&["rsvp", "Choir", "no", "--at", "2031-01-09", "--guest", "Rose"]);
    home.ok(&["event", "edit", "Choir", "--start", "19:30"]);
    assert_eq!(rose().0, "notgoing");
}

#[test]
fn an_answer_and_the_event_it_answers_come_in_one_import() {
    let home = Home::settled();
    let (event, reply) = (home.0.path().join("b.ics"), home.0.path().join("a.ics"));
    fs::write(&event, calendar(["UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\n".to_owned()])).unwrap();
    fs::write(&reply, message("REPLY", "gig", "ATTENDEE;CN=Rose;PARTSTAT=ACCEPTED:mailto:rose@example.org")).unwrap();
    let import = || home.json(&["event", "import", event.to_str().unwrap(), reply.to_str().unwrap()]).pop().unwrap();
    assert_eq!(import()["answers"]["added"], 1);
    assert_eq!(import()["answers"]["unchanged"], 1);
    // What was entered of her here stays, as far as a later message says nothing else.
    home.ok(&["rsvp", "Gig", "maybe", "+2", "--guest", "Rose", "--note", "Needs the ramp"]);
    let later = message("REPLY", "gig", "ATTENDEE;CN=Rose;PARTSTAT=ACCEPTED:mailto:rose@example.org");
    fs::write(&reply, later.replace("20300101T", "20400101T")).unwrap();
    assert_eq!(import()["answers"]["changed"], 1);
    let rose = home.json(&["event", "guests", "Gig"]).remove(0)["answers"]["people"][0].clone();
    assert_eq!((&rose["status"], &rose["count"]), (&"going".into(), &3.into()), "{rose}");
    assert_eq!(rose["note"], "Needs the ramp");
}

#[test]
fn an_answer_by_mail_is_a_guests_and_the_newest_counts() {
    let home = Home::settled();
    let file = home.0.path().join("reply.ics");
    let reply = |uid: &str, lines: &str| {
        fs::write(&file, message("REPLY", uid, lines)).unwrap();
        home.json(&["event", "import", file.to_str().unwrap()])
    };
    let choir = home
        .json(&["event", "add", "Choir", "2031-01-02 19:30", "--repeat", "every week", "--duration", "2h"])
        .remove(0);
    let short = choir["short"].as_str().unwrap();
    let ics = home.ok(&["event", "export", short]);
    let uid = ics.lines().find_map(|line| line.strip_prefix("UID:")).unwrap().trim();
    let grandma = |status: &str| {
        format!("ATTENDEE;CN=Grandma;PARTSTAT={status};X-NUM-GUESTS=1:mailto:g@example.org\r\nCOMMENT:With cake")
    };

    let yes = reply(uid, &grandma("ACCEPTED"));
    assert_eq!(
        (&yes[0]["action"], &yes[0]["guest"], &yes[0]["count"]),
        (&"added".into(), &"Grandma".into(), &2.into())
    );
    assert_eq!(reply(uid, &grandma("ACCEPTED"))[0]["action"], "unchanged");
    let answers = || home.json(&["event", "show", short])[0]["answers"].clone();
    assert_eq!((&answers()["going"], &answers()["people"][0]["note"]), (&2.into(), &"With cake".into()));
    // One date alone, by its moment in UTC.
    let one = reply(uid, &format!("RECURRENCE-ID:20310109T183000Z\r\n{}", grandma("TENTATIVE")));
    assert_eq!((&one[0]["action"], &one[0]["occurrence"]), (&"added".into(), &"2031-01-09".into()));
    assert_eq!(reply(uid, &grandma("DECLINED"))[0]["action"], "changed");
    assert_eq!(answers()["going"], 0);
    let summary = summary(reply(uid, &grandma("DECLINED")));
    assert_eq!(summary["answers"]["unchanged"], 1);

    let dry = home.json(&["event", "import", "--dry-run", file.to_str().unwrap()]);
    assert_eq!(dry[0]["action"], "unchanged");
    // After a change of the plan, an answer to the old one does not overrule one to the new one.
    home.ok(&["event", "edit", short, "--start", "20:00"]);
    assert_eq!(reply(uid, &format!("SEQUENCE:1\r\n{}", grandma("ACCEPTED")))[0]["action"], "changed");
    let late = reply(uid, &format!("SEQUENCE:0\r\n{}", grandma("DECLINED")));
    assert!(
        late[0]["action"] == "unchanged" && late[0]["said"][0].as_str().unwrap().contains("older plan"),
        "{late:?}"
    );
    assert_eq!(answers()["going"], 2);

    for (uid, lines, why) in [
        ("nobody@example.org", grandma("ACCEPTED"), "not here"),
        (uid, format!("RECURRENCE-ID:20310110T183000Z\r\n{}", grandma("ACCEPTED")), "has no date"),
    ] {
        let lines = reply(uid, &lines);
        assert!(lines[0]["said"][0].as_str().unwrap().contains(why), "{lines:?}");
    }
}
