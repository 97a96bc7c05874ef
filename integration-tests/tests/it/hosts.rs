//! A gig with more friends than places, a host whose machine is off, and what nobody outside may read.

use std::collections::{BTreeSet, VecDeque};

use folkmoot_integration_tests::{Home, Running, eventually};
use serde_json::{Value, json};

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn person(name: &str) -> Home {
    let home = Home::new(&name.to_lowercase());
    let words = home.scratch("words");
    home.ok(&["init", "--name", name, "--phrase-file", words.to_str().expect("a UTF-8 path")]);
    home
}

fn snapshot(home: &Home) -> Result<String, String> {
    let community = home.status()["communities"][0].clone();
    match (community["complete"].as_bool(), community["snapshot_members"].as_str()) {
        (Some(true), Some(snapshot)) => Ok(snapshot.to_owned()),
        _ => Err(format!("incomplete: {community}")),
    }
}

fn level(homes: &[&Home]) -> Result<(), String> {
    let all = homes.iter().map(|home| snapshot(home)).collect::<Result<Vec<_>, _>>()?;
    if all.windows(2).all(|two| two[0] == two[1]) { Ok(()) } else { Err(format!("{all:?}")) }
}

/// Who said yes: (name or guest, how many, what of a place), by name.
fn list(home: &Home, event: &str) -> Vec<(String, u64, String)> {
    let guests = home.one(&["event", "guests", event]);
    let people = guests["answers"]["people"].as_array().cloned().unwrap_or_default();
    let going = people.iter().filter(|line| line["status"] == "going");
    let mut said: Vec<_> = going
        .map(|line| {
            let who = line["guest"].as_str().unwrap_or_else(|| text_of(line, "name"));
            let place = match (line["place"].as_str(), line["number"].as_u64()) {
                (Some("waiting"), Some(number)) => format!("waiting {number}"),
                (place, _) => place.unwrap_or("none").to_owned(),
            };
            (who.to_owned(), line["count"].as_u64().unwrap_or_default(), place)
        })
        .collect();
    said.sort();
    said
}

fn shows(home: &Home, event: &str, expected: &[(&str, u64, &str)]) -> Result<(), String> {
    let said = list(home, event);
    let same = said.iter().map(|(who, n, place)| (who.as_str(), *n, place.as_str())).eq(expected.iter().copied());
    if same { Ok(()) } else { Err(format!("{said:?} is not {expected:?}")) }
}

fn event(home: &Home, event: &str) -> Value {
    home.one(&["event", "show", event])
}

/// Their inbox says that the plan changed.
fn told(home: &Home, event: &str) {
    let inbox = home.json(&["inbox"]);
    let changed = |item: &&Value| item["kind"] == "changed" && item["event"]["uri"] == event;
    assert!(inbox.iter().any(|item| changed(&item)), "{inbox:?}");
}

#[test]
fn a_full_gig_a_co_host_who_moves_it_and_one_cancelled_night_are_the_same_on_four_nodes() {
    let [ada, ben, cleo, dee] = ["Ada", "Ben", "Cleo", "Dee"].map(person);
    let all = [&ada, &ben, &cleo, &dee];
    let a = ada.start(&["quickstart", "Club", "--public"]);
    for guest in [&ben, &cleo, &dee] {
        guest.ok(&["join", text_of(&ada.one(&["invite"]), "link")]);
    }
    let (b, c, d) = (ben.start(&["serve"]), cleo.start(&["serve"]), dee.start(&["serve"]));
    for home in [&ada, &cleo, &dee] {
        home.ok(&["peer", "add", &b.address()]);
    }
    eventually("everybody is there", || level(&all));

    // Ben's machine is always on: he may change the gig, and his node keeps the list.
    let gig = ada.one(&[
        "event",
        "add",
        "Harbour Gig",
        "in 2 weeks 20:00",
        "--capacity",
        "3",
        "--plus",
        "1",
        "--cohost",
        "Ben",
        "--anchor",
        "Ben",
    ]);
    let gig = text_of(&gig, "uri").to_owned();
    let choir = ada.one(&["event", "add", "Choir", "in 1 weeks 19:00", "--repeat", "weekly"]);
    let choir = text_of(&choir, "uri").to_owned();
    eventually("the plans are everywhere", || level(&all));

    // Five answers, two of them written while their machine is on its own.
    cleo.ok(&["rsvp", &gig, "yes", "+1"]);
    eventually("cleo has places", || shows(&ben, &gig, &[("Cleo", 2, "admitted")]));
    assert!(d.stop().success());
    dee.ok(&["rsvp", &gig, "yes", "+1", "--note", "We may be late"]);
    ben.ok(&["rsvp", &gig, "yes"]);
    eventually("ben has one", || shows(&ada, &gig, &[("Ben", 1, "admitted"), ("Cleo", 2, "admitted")]));
    let said = ada.ok(&["rsvp", &gig, "yes"]);
    // Ben's node may have been faster.
    assert!(said.contains("a place is said by Ben's node") || said.contains("waiting list, number 1"), "{said}");
    eventually("ada waits", || {
        shows(&ada, &gig, &[("Ada", 1, "waiting 1"), ("Ben", 1, "admitted"), ("Cleo", 2, "admitted")])
    });
    ada.ok(&["rsvp", &gig, "yes", "--guest", "Grandma", "--show", "names"]);
    eventually("her guest waits behind her", || {
        let end = ("Grandma", 1, "waiting 2");
        shows(&ben, &gig, &[("Ada", 1, "waiting 1"), ("Ben", 1, "admitted"), ("Cleo", 2, "admitted"), end])
    });
    let d = dee.start(&["serve"]);
    let full = [
        ("Ada", 1, "waiting 1"),
        ("Ben", 1, "admitted"),
        ("Cleo", 2, "admitted"),
        ("Dee", 2, "waiting 3"),
        ("Grandma", 1, "waiting 2"),
    ];
    eventually("dee is last, whatever her clock says", || {
        [&ada, &ben].iter().try_for_each(|home| shows(home, &gig, &full))
    });
    eventually("dee is told", || match dee.ok(&["event", "show", &gig]) {
        shown if shown.contains("you are on the waiting list, number 3") => Ok(()),
        shown => Err(shown),
    });

    let ahead = dee.json(&["agenda"]);
    let date = ahead.iter().find(|date| date["uri"] == gig.as_str()).expect("the gig");
    assert_eq!((&date["standing"], &date["number"]), (&json!("waiting"), &json!(3)), "{date}");
    assert_eq!((&date["answer"], &date["alone"]), (&json!("going"), &json!(false)));

    // Cleo withdraws on her own; the first two move up by themselves when Ben's node hears of it.
    assert!(c.stop().success());
    cleo.ok(&["rsvp", &gig, "no"]);
    let c = cleo.start(&["serve"]);
    let moved_up =
        [("Ada", 1, "admitted"), ("Ben", 1, "admitted"), ("Dee", 2, "waiting 1"), ("Grandma", 1, "admitted")];
    eventually("the waiting move up", || [&ada, &ben].iter().try_for_each(|home| shows(home, &gig, &moved_up)));
    let page = b.page(&format!("/e/{}", text_of(&event(&ben, &gig), "short")));
    assert!(page.contains("3 with a place · 2 on the waiting list"), "{page}");

    // The author's machine is off; the co-host moves the start.
    eventually("all have it", || level(&all));
    assert!(a.stop().success());
    ben.ok(&["event", "edit", &gig, "--start", "21:30", "--note", "Soundcheck takes longer"]);
    for home in [&cleo, &dee] {
        eventually("they see it", || {
            let shown = event(home, &gig);
            match (shown["revised"][0]["name"].as_str(), shown["record"]["sequence"].as_u64()) {
                (Some("Ben"), Some(1)) if text_of(&shown["record"]["start"], "local").ends_with("T21:30") => Ok(()),
                _ => Err(shown.to_string()),
            }
        });
    }
    assert!(dee.ok(&["event", "guests", &gig]).contains("before the change"));
    told(&dee, &gig);
    dee.ok(&["rsvp", &gig, "yes", "+1"]);
    ben.ok(&["rsvp", &gig, "yes"]);
    let a = ada.start(&["serve"]);
    eventually("the host sees who has confirmed since", || {
        let answers = ada.one(&["event", "guests", &gig])["answers"].clone();
        match (answers["before_change"].as_u64(), answers["confirmed"].as_u64()) {
            (Some(2), Some(3)) => Ok(()),
            _ => Err(answers.to_string()),
        }
    });
    told(&ada, &gig);
    let guests = ada.ok(&["event", "guests", &gig]);
    assert!(guests.contains("We may be late") || guests.contains("Dee"), "{guests}");
    assert!(ada.ok(&["history", &gig]).contains("Ben, co-host"));

    // What the author changes next goes on from there.
    ada.ok(&["event", "edit", &gig, "--name", "Harbour Gig, indoors"]);
    // One night of the series is off, the others stand.
    let nights = ada.json(&["event", "list"]);
    let night = nights.iter().filter(|date| date["uri"] == choir.as_str()).nth(1).expect("a second date");
    let night = text_of(night, "at").to_owned();
    ada.ok(&["event", "cancel", &choir, "--at", &night[..10], "--note", "The hall is taken"]);
    eventually("all nodes agree", || {
        level(&all)?;
        for home in all {
            shows(home, &gig, &moved_up)?;
            let shown = event(home, &gig);
            let record = &shown["record"];
            if record["name"] != "Harbour Gig, indoors" || record["sequence"] != 1 || shown["revised"] != json!([]) {
                return Err(shown.to_string());
            }
            let dates = home.json(&["event", "list"]);
            let mut dates = dates.iter().filter(|date| date["uri"] == choir.as_str());
            if dates.clone().count() < 10
                || dates.any(|date| (date["cancelled"] == true) != (date["at"] == night.as_str()))
            {
                return Err(format!("{dates:?}"));
            }
        }
        Ok(())
    });
    for node in [a, b, c, d] {
        assert!(node.stop().success());
    }
}

/// Every page and file of a gateway that its own pages lead to, with its path.
fn crawl(node: &Running<'_>, from: &[String]) -> Vec<(String, String)> {
    let (mut seen, mut queue) = (BTreeSet::new(), VecDeque::from(from.to_vec()));
    let mut found = Vec::new();
    while let Some(path) = queue.pop_front() {
        if !seen.insert(path.clone()) || seen.len() > 400 {
            continue;
        }
        let (status, body) = node.get(&path);
        if status != 200 {
            continue;
        }
        for part in body.split("href=\"").skip(1).chain(body.split("src=\"").skip(1)) {
            let href = part.split('"').next().unwrap_or_default().replace("&amp;", "&");
            if href.starts_with('/') && !href.starts_with("//") {
                queue.push_back(href.split('#').next().unwrap_or_default().to_owned());
            }
        }
        found.push((path, body));
    }
    found
}

#[test]
fn with_answers_for_the_hosts_no_name_and_no_note_leaves_the_club() {
    let [ada, ben] = ["Ada", "Zebulon"].map(person);
    let a = ada.start(&["quickstart", "Club", "--public"]);
    ben.ok(&["join", text_of(&ada.one(&["invite"]), "link")]);
    let b = ben.start(&["serve"]);
    eventually("both are there", || level(&[&ada, &ben]));
    let gig = ada.one(&["event", "add", "House concert", "in 2 weeks 20:00", "--capacity", "5", "--show", "hosts"]);
    let open = ada.one(&["event", "add", "Open house", "in 3 weeks 20:00", "--show", "names"]);
    let series = ada.one(&["event", "add", "Choir", "in 1 weeks 19:00", "--repeat", "weekly", "--show", "hosts"]);
    eventually("ben has the plans", || level(&[&ada, &ben]));
    let uri = |event: &Value| text_of(event, "uri").to_owned();
    for event in [&gig, &series] {
        ben.ok(&["rsvp", &uri(event), "yes", "+1", "--note", "NOTE-FOR-HOSTS"]);
        ada.ok(&["rsvp", &uri(event), "yes", "--guest", "GUEST-OF-ADA", "--show", "names", "--note", "NOTE-FOR-HOSTS"]);
    }
    // Whoever wants their name for the hosts alone is named nowhere either, and notes never are.
    ben.ok(&["rsvp", &uri(&open), "yes", "--show", "hosts", "--note", "NOTE-FOR-HOSTS"]);
    ada.ok(&["rsvp", &uri(&open), "yes", "--guest", "GUEST-OF-ADA"]);
    eventually("the list is written", || {
        let guests = ada.one(&["event", "guests", &uri(&gig)]);
        match guests["answers"]["list"]["admitted"].as_u64() {
            Some(3) => level(&[&ada, &ben]),
            _ => Err(guests.to_string()),
        }
    });

    for node in [&a, &b] {
        let mut from: Vec<String> =
            ["/", "/events/", "/posts/", "/calendar.ics", "/feed.atom", "/events.atom", "/about", "/subscribe"]
                .map(str::to_owned)
                .into();
        for event in [&gig, &open, &series] {
            let short = text_of(event, "short");
            from.extend(["", ".ics", ".car", ".json"].map(|kind| format!("/e/{short}{kind}")));
        }
        let pages = crawl(node, &from);
        assert!(pages.len() > 12, "{:?}", pages.iter().map(|(path, _)| path).collect::<Vec<_>>());
        for (path, body) in &pages {
            assert!(!body.contains("NOTE-FOR-HOSTS") && !body.contains("GUEST-OF-ADA"), "{path}");
            // A member's own page names them; what they answered does not.
            assert!(path.contains("/p/") || !body.contains("Zebulon"), "{path}: {body}");
            assert!(!path.contains(text_of(&gig, "short")) || !body.contains("with a place"), "{path}: {body}");
        }
        let counted = node.page(&format!("/e/{}", text_of(&open, "short")));
        assert!(counted.contains("2 going"), "counts are for all where `show` says so: {counted}");
    }

    // Nor is it in what anybody may take away.
    let file = ada.scratch("public.car");
    ada.ok(&["export", "--all", "--public", "-o", file.to_str().expect("a UTF-8 path")]);
    let bytes = std::fs::read(&file).expect("the archive");
    let holds = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds("House concert") && !holds("NOTE-FOR-HOSTS") && !holds("GUEST-OF-ADA"));
    assert!(!holds("org.folkmoot.rsvp") && !holds("org.folkmoot.admission"), "not even that somebody answered");
    // Among members, notes and such names are for the hosts.
    let other = ben.ok(&["event", "show", &uri(&open)]);
    assert!(!other.contains("GUEST-OF-ADA"), "{other}");
    for ask in [&["event", "reach"][..], &["event", "admit"]] {
        let who = ["Nobody"].into_iter().filter(|_| ask[1] == "admit");
        let said = ben.refused(1, &[ask, &[uri(&gig).as_str()], &who.collect::<Vec<_>>()].concat());
        assert!(said.contains("only the hosts") && !said.contains("Zebulon"), "{said}");
    }
    let host = ada.ok(&["event", "guests", &uri(&open)]);
    assert!(host.contains("NOTE-FOR-HOSTS") && host.contains("Zebulon") && host.contains("GUEST-OF-ADA"), "{host}");
    for node in [a, b] {
        assert!(node.stop().success());
    }
}

#[test]
fn a_steward_calls_off_what_a_member_imported_and_the_calendar_does_not_undo_it() {
    let [ada, ben] = ["Ada", "Ben"].map(person);
    let _a = ada.start(&["quickstart", "Club", "--public"]);
    ben.ok(&["join", text_of(&ada.one(&["invite"]), "link")]);
    let _b = ben.start(&["serve"]);
    let file = ben.scratch("fair.ics");
    let import = |text: &str| {
        let event = format!(
            "BEGIN:VEVENT\r\nUID:fair@example.org\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Summer fair\r\n\
             DESCRIPTION:{text}\r\nDTSTART;VALUE=DATE:20300706\r\nEND:VEVENT\r\n"
        );
        let calendar =
            format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//fair//EN\r\n{event}END:VCALENDAR\r\n");
        std::fs::write(&file, calendar).expect("a file");
        ben.json(&["event", "import", file.to_str().expect("a UTF-8 path")])
    };
    let lines = import("Bring a cup");
    let fair = text_of(&lines[0], "uri").to_owned();
    eventually("it arrives", || {
        let shown = ada.moot(&["event", "show", &fair]);
        if shown.status.success() { Ok(()) } else { Err(folkmoot_integration_tests::text(&shown)) }
    });
    ada.ok(&["event", "cancel", &fair, "--note", "Storm"]);
    let is = |home: &Home, text: &str| {
        let shown = event(home, &fair);
        let record = &shown["record"];
        match (record["status"].as_str(), record["status_note"].as_str(), record["text"].as_str()) {
            (Some("cancelled"), Some("Storm"), Some(said)) if said == text => Ok(()),
            _ => Err(shown.to_string()),
        }
    };
    for home in [&ben, &ada] {
        eventually("it is off", || is(home, "Bring a cup"));
    }
    import("Bring a plate");
    for home in [&ben, &ada] {
        eventually("it is off, whatever the calendar says", || is(home, "Bring a plate"));
    }
}
