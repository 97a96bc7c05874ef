use std::{fs, os::unix::fs::PermissionsExt};

use crate::home::Home;

#[test]
fn an_address_that_is_kept_back_is_in_nothing_that_is_published() {
    let home = Home::settled();
    let told = |args: &[&str]| home.ok(args).contains("only on this machine  Hidden Road 1, 03046 Leeds");
    let place = ["--place", "Ada's flat", "--street", "Hidden Road 1", "--postcode", "03046", "--locality", "Leeds"];
    let add = |more: &[&'static str]| [&["event", "add", "Party", "2030-12-05 20:00"], &place[..], more].concat();
    let said = home.refused(1, &add(&["--show-place", "ask", "--text", "Hidden  road 1, third floor"]));
    assert!(said.contains("the text of the event names the street"), "{said}");
    assert!(told(&add(&["--show-place", "ask", "--repeat", "weekly"])) && told(&["event", "show", "Party"]));
    assert!(told(&["event", "edit", "Party", "--price", "free"]));
    let said = home.ok(&["event", "edit", "Party", "--price", "3 EUR"]);
    assert!(said.contains("\n  Ada's flat, Leeds\n") && said.matches("Hidden Road").count() == 1, "{said}");
    assert!(told(&["event", "edit", "Party", "--at", "2030-12-12", "--street", "Secret Lane 2"]));
    let unnamed = ["event", "edit", "Party", "--at", "2030-12-19", "--place", "", "--street", "Secret Lane 3"];
    let said = home.ok(&unnamed);
    assert!(said.contains("  place  Leeds\n") && said.matches("Secret Lane 3").count() == 1, "{said}");
    let date = home.ok(&["event", "show", "Party", "--at", "2030-12-12"]);
    assert!(date.contains("Secret Lane 2") && !date.contains("Hidden Road"), "{date}");
    for (args, field) in [
        (&["event", "cancel", "Party", "--note", "Hidden Road 1 burned"][..], "the note"),
        (&["event", "postpone", "Party", "--at", "2030-12-26", "--note", "hidden road 1"], "a changed date"),
        (&["event", "edit", "Party", "--tag", "HiddenRoad1"], "a tag"),
        (&["event", "edit", "Party", "--act", "The Hidden Road 1 Band"], "an act"),
        (&["event", "edit", "Party", "--link", "Map=https://maps.example/?q=Hidden+Road+1"], "a link"),
        (&["event", "edit", "Party", "--online", "https://maps.example/Hidden%20Road%201"], "an online link"),
        (&["event", "edit", "Party", "--host", "Hidden Road 1"], "a host"),
        (&["event", "clone", "Party", "2031-01-08", "--summary", "Hidden Road 1"], "the summary"),
    ] {
        let said = home.refused(1, args);
        assert!(said.contains(&format!("{field} of the event names the street")), "{said}");
    }
    for more in [&["--update"][..], &["--title", "Come"]] {
        let said = home.refused(1, &[&["post", "--about", "Party", "Ring at Hidden Road 1"], more].concat());
        assert!(said.contains("names the street") && said.contains("read by everybody"), "{said}");
    }
    home.refused(1, &["reply", "Party", "Ring at Hidden Road 1"]);
    let post = home.json(&["post", "--about", "Party", "--update", "Ring twice"]);
    home.refused(1, &["edit", post[0]["short"].as_str().unwrap(), "Ring twice at Hidden Road 1"]);
    let guests = home.ok(&["event", "guests", "Party", "--at", "2030-12-12"]);
    assert!(guests.contains("address for those who come (tell them yourself)  Secret Lane 2"), "{guests}");
    let kept = fs::read_dir(home.dir().join("addresses")).unwrap().next().unwrap().unwrap();
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let store = fs::read(home.dir().join("store.redb")).unwrap();
    let holds = |text: &str| store.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("Ada's flat") && holds("Leeds"));
    assert!(!holds("Hidden Road") && !holds("Secret Lane") && !holds("03046"));

    // The neighbour's street is named before it is kept back: whatever mends that is possible.
    home.ok(&["event", "edit", "Party", "--note", "Beside Other Road 5"]);
    for change in [["--street", "Other Road 5"], ["--price", "4 EUR"]] {
        let output = home.run(&[&["event", "edit", "Party"], &change[..]].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains("the note of the event names the street"), "{said}");
    }
    home.refused(1, &["event", "edit", "Party", "--note", "In Other Road 5"]);
    home.ok(&["event", "edit", "Party", "--note", "Ill"]);
    home.ok(&["event", "edit", "Party", "--street", "Hidden Road 1"]);

    let output = home.run(&["event", "edit", "Party", "--show-place", "public"]);
    assert!(output.status.success());
    let shown = &home.json(&["event", "show", "Party"])[0];
    assert_eq!(shown["record"]["places"][0]["street"], "Hidden Road 1");
    home.ok(&["delete", "Party"]);
    assert_eq!(fs::read_dir(home.dir().join("addresses")).unwrap().count(), 0);
}

#[test]
fn an_event_whose_calendar_names_the_street_that_is_kept_back_is_named_and_the_others_are_taken_over() {
    let home = Home::settled();
    let file = home.dir().join("party.ics");
    let write = |stamp: u8, text: &str| {
        let lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//x//x",
            "BEGIN:VEVENT",
            "UID:party@example.org",
            &format!("DTSTAMP:2030010{stamp}T000000Z"),
            "DTSTART:20301205T200000Z",
            "SUMMARY:Party",
            &format!("DESCRIPTION:{text}"),
            "END:VEVENT",
            "BEGIN:VEVENT",
            &format!("UID:{stamp}@example.org"),
            "DTSTART:20301206T200000Z",
            &format!("SUMMARY:Other {stamp}"),
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ];
        fs::write(&file, lines.join("\r\n")).unwrap();
    };
    let import = ["event", "import", file.to_str().unwrap()];
    write(1, "Come");
    home.ok(&import);
    let place = ["--street", "Hidden Road 1", "--locality", "Leeds", "--show-place", "area"];
    home.ok(&[&["event", "edit", "Party"], &place[..]].concat());
    write(2, "Come to Hidden Road 1");
    let output = home.run(&import);
    assert_eq!(output.status.code(), Some(1));
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.contains("added  Other 2") && listed.contains("not imported  Party: could not keep"), "{listed}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("could not import 1 event; the rest was") && said.contains("--show-place public"), "{said}");
    assert!(said.contains("Party") && said.contains("the text of the event names the street"), "{said}");
    assert!(home.ok(&["event", "show", "Party"]).contains("Come\n"));
    home.ok(&["event", "show", "Other 2"]);
    write(3, "Come and sing");
    home.ok(&import);
    let shown = home.ok(&["event", "show", "Party"]);
    assert!(shown.contains("Come and sing") && shown.contains("only on this machine  Hidden Road 1"), "{shown}");
    // Where the address cannot be read nobody can say what would tell it.
    let addresses = fs::read_dir(home.dir().join("addresses")).unwrap();
    addresses.for_each(|kept| fs::write(kept.unwrap().path(), "{").unwrap());
    write(4, "Come to Hidden Road 1");
    let said = home.refused(1, &import);
    assert!(said.contains("could not read the address") && !said.contains("--show-place"), "{said}");
    assert!(!home.ok(&["event", "list"]).contains("Other 4"), "nothing is imported");
}
