use std::fs;

use serde_json::Value;

use crate::home::Home;

#[test]
fn a_calendar_is_imported_once_and_its_changes_later() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let write = |name: &str| {
        let event = format!(
            "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:{name}\r\nDTSTART:20310102T190000\r\nDURATION:PT2H\r\nX-COLOUR:red\r\nEND:VEVENT\r\n"
        );
        fs::write(&file, format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{event}END:VCALENDAR\r\n")).unwrap();
    };
    let path = file.to_str().unwrap();
    write("Choir");
    let lines = home.json(&["event", "import", path]);
    assert_eq!((&lines[0]["action"], &lines[0]["said"][0]), (&"added".into(), &"not kept: X-COLOUR".into()));
    // Set here, unknown to the file: stays.
    home.ok(&["event", "edit", lines[0]["short"].as_str().unwrap(), "--price", "free"]);
    assert_eq!(summary(home.json(&["event", "import", path]))["unchanged"], 1);
    write("Choir and friends");
    assert_eq!(summary(home.json(&["event", "import", path]))["changed"], 1);
    let all = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
    assert_eq!((all.len(), &all[0]["name"]), (1, &"Choir and friends".into()));
    let shown = home.json(&["show", all[0]["short"].as_str().unwrap()]).remove(0);
    assert_eq!(shown["record"]["price"]["min"], 0);
    fs::write(&file, &fs::read(&file).unwrap()[..120]).unwrap();
    assert!(home.refused(1, &["event", "import", path]).contains("END:"));
}

/// A calendar file of these components.
pub(crate) fn calendar(events: impl IntoIterator<Item = String>) -> String {
    let events: String = events.into_iter().map(|event| format!("BEGIN:VEVENT\r\n{event}END:VEVENT\r\n")).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

pub(crate) fn summary(lines: Vec<Value>) -> Value {
    lines.into_iter().find(|line| line["summary"] == true).unwrap()
}

#[test]
fn a_single_date_with_a_post_about_it_stays_when_its_calendar_has_a_series_for_it() {
    let home = Home::settled();
    let file = home.dir().join("quiz.ics");
    let event =
        |stamp: u8, lines: &str| format!("UID:quiz\r\nSUMMARY:Quiz\r\nDTSTAMP:2030010{stamp}T000000Z\r\n{lines}\r\n");
    let days = ["20310103T193000", "20310110T193000", "20310117T193000"];
    fs::write(&file, calendar(days.map(|at| event(1, &format!("RECURRENCE-ID:{at}\r\nDTSTART:{at}"))))).unwrap();
    let import = ["event", "import", file.to_str().unwrap()];
    let added = home.json(&import);
    let [about, part] = [0, 1].map(|n| added[n]["short"].as_str().unwrap());
    home.ok(&["post", "--about", about, "The questions are about the harbour."]);
    home.ok(&["event", "add", "Prizes", "2031-01-10 22:00", "--part-of", part]);
    fs::write(&file, calendar([event(2, "DTSTART:20310103T193000\r\nRRULE:FREQ=WEEKLY;COUNT=4")])).unwrap();
    let lines = home.json(&import);
    assert_eq!(summary(lines.clone())["replaced"], 1, "{lines:?}");
    let kept = lines.iter().find(|line| line["short"] == about).unwrap();
    assert!(kept["said"][0].as_str().unwrap().contains("wrote about it"), "{kept}");
    assert!(home.ok(&["event", "show", about]).contains("the harbour"));
    home.ok(&["event", "show", part]);
}

#[test]
fn a_name_behind_again_without_an_equals_sign_brings_nothing_back() {
    let home = Home::settled();
    let file = home.dir().join("may.ics");
    let event = |name: &str| format!("UID:{name}\r\nSUMMARY:{name}\r\nDTSTART:20310501T060000\r\n");
    fs::write(&file, calendar(["May Day", "June Day"].map(event))).unwrap();
    let import = ["event", "import", file.to_str().unwrap()];
    home.ok(&import);
    for name in ["May Day", "June Day"] {
        home.ok(&["delete", name]);
    }
    let said = home.refused(1, &[&import[..], &["--again", "May Day"]].concat());
    assert!(said.contains("behind an equals sign"), "{said}");
    for name in ["May Day", "June Day"] {
        home.refused(1, &["event", "show", name]);
    }
    home.ok(&[&import[..], &["--again=May Day"]].concat());
    home.ok(&["event", "show", "May Day"]);
    home.refused(1, &["event", "show", "June Day"]);
}

#[test]
fn a_long_calendar_is_known_again_and_listed_whole() {
    // More than one answer of a store holds.
    const EVENTS: u64 = 520;
    let home = Home::settled();
    let file = home.0.path().join("long.ics");
    let event = |n| format!("UID:{n}\r\nSUMMARY:Gig {n}\r\nDTSTART:2031{:02}{:02}T200000\r\n", n % 12 + 1, n % 28 + 1);
    fs::write(&file, calendar((0..EVENTS).map(event))).unwrap();
    let import = ["event", "import", file.to_str().unwrap()];
    assert_eq!(summary(home.json(&import))["added"], EVENTS);
    let again = summary(home.json(&import));
    assert_eq!((&again["added"], &again["changed"], &again["unchanged"]), (&0.into(), &0.into(), &EVENTS.into()));
    let listed = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-12-31", "-n", "10000"]);
    assert_eq!(listed.len() as u64, EVENTS);
}

#[test]
fn what_was_changed_here_survives_the_next_import() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let import = ["event", "import", file.to_str().unwrap()];
    let write = |place: &str| {
        let choir = format!(
            "UID:choir\r\nSUMMARY:Choir\r\nDTSTART:20310102T193000\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\nLOCATION:{place}\r\n"
        );
        let gig = "UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\nDURATION:PT2H\r\n".to_owned();
        fs::write(&file, calendar([choir, gig])).unwrap();
    };
    write("Town hall");
    home.ok(&import);
    home.ok(&["event", "cancel", "Choir", "--at", "2031-01-16"]);
    home.ok(&["event", "cancel", "gig", "--note", "Storm"]);
    let unchanged = home.json(&import);
    assert_eq!(unchanged[1]["said"][0], "stays as changed here: status");
    assert_eq!(summary(unchanged)["unchanged"], 2);
    write("The Shed");
    home.ok(&["event", "edit", "Choir", "--name", "Choir of River Street"]);
    let changed = summary(home.json(&import));
    assert_eq!(
        (&changed["changed"], &changed["not_whole"]),
        (&1.into(), &0.into()),
        "what stays as it is here is no loss"
    );
    home.ok(&["event", "edit", "Choir of River Street", "--name", "Choir"]);

    let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
    let off: Vec<_> = dates.iter().filter(|d| d["cancelled"] == true).map(|d| d["at"].as_str().unwrap()).collect();
    assert_eq!(off, ["2031-01-05T20:00", "2031-01-16T19:30"]);
    assert!(dates.iter().filter(|d| d["name"] == "Choir").all(|d| d["place"].as_str().unwrap().contains("Shed")));
}

#[test]
fn folders_several_files_and_stdin_are_imported_together() {
    let home = Home::settled();
    let at = |name: &str| home.0.path().join(name);
    let event =
        |uid: &str, name: &str, day: u8| format!("UID:{uid}\r\nSUMMARY:{name}\r\nDTSTART:203101{day:02}T190000\r\n");
    fs::create_dir_all(at("club/inner")).unwrap();
    fs::write(at("club/a.ics"), calendar([event("a", "Choir", 2)])).unwrap();
    fs::write(at("club/inner/b.ICS"), calendar([event("b", "Quiz", 3)])).unwrap();
    fs::write(at("club/.hidden.ics"), calendar([event("h", "Hidden", 4)])).unwrap();
    fs::write(at("club/notes.txt"), "no calendar").unwrap();
    fs::write(at("more.ics"), calendar([event("c", "Gig", 5), event("a", "Choir", 2)])).unwrap();
    let paths = [at("club"), at("more.ics")].map(|path| path.to_str().unwrap().to_owned());
    let lines = home.json(&["event", "import", &paths[0], &paths[1]]);
    let names: Vec<_> = lines.iter().filter_map(|line| line["name"].as_str()).collect();
    assert_eq!(names, ["Choir", "Quiz", "Gig"], "what is in two files is one event");
    assert_eq!(summary(home.json(&["event", "import", &paths[1], &paths[0]]))["unchanged"], 3);

    // Of several, what can be read is imported, and what cannot be is named.
    fs::write(at("club/cut.ics"), "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n").unwrap();
    fs::write(at("club/new.ics"), calendar([event("n", "New", 6)])).unwrap();
    let output = home.run(&["event", "import", &paths[0]]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("cut.ics") && said.contains("could not read 1 file\n"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("added  New"));

    fs::create_dir(at("empty")).unwrap();
    assert!(home.refused(1, &["event", "import", at("empty").to_str().unwrap()]).contains("without a calendar file"));
    let mut piped = home.command(&["event", "import", "-"]);
    let piped = piped.stdin(fs::File::open(at("more.ics")).unwrap()).output().unwrap();
    assert!(String::from_utf8(piped.stdout).unwrap().contains("2 events: 0 added, 0 changed, 2 unchanged"));
}

#[test]
fn what_is_gone_at_the_source_stays_and_what_is_called_off_there_is_called_off_here() {
    let home = Home::settled();
    let file = home.0.path().join("c.ics");
    let import = ["event", "import", file.to_str().unwrap()];
    let gig = |status: &str| format!("UID:gig\r\nSUMMARY:Gig\r\nDTSTART:20310105T200000\r\n{status}");
    let choir = "UID:choir\r\nSUMMARY:Choir\r\nDTSTART:20310106T200000\r\n".to_owned();
    fs::write(&file, calendar([gig(""), choir.clone()])).unwrap();
    home.ok(&import);
    fs::write(&file, calendar([gig("STATUS:CANCELLED\r\n")])).unwrap();
    assert_eq!(summary(home.json(&import))["changed"], 1);
    let statuses = || -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let dates = home.json(&["event", "list", "--from", "2031-01-01", "--to", "2031-01-31"]);
        dates.iter().map(|date| (word(&date["name"]), word(&date["status"]))).collect()
    };
    let expected = [("Gig", "cancelled"), ("Choir", "confirmed")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(statuses(), expected);
    assert_eq!(summary(home.json(&import))["unchanged"], 1);
}
