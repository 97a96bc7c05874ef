//! Single dates of a series: changed or called off by mail, and as events of their own.

use super::*;

#[test]
fn a_date_moved_by_mail_is_a_change_of_its_series_in_any_order() {
    let (choir, moved) = (file("REQUEST", 0, 1, CHOIR), file("REQUEST", 1, 2, MOVED));
    let want = ["2027-01-07T19:30", "2027-01-15T20:30", "2027-01-21T19:30"];
    for files in [[&choir[..], &moved], [&moved, &choir]] {
        let mut world = World::after(&files);
        assert_eq!(starts(world.one()), want);
        // Neither the series nor the message brings anything new.
        for again in [&files[..], &files[..1], &files[1..]] {
            let done = world.import(again);
            assert_eq!((done.act(), done.said.as_str()), ("unchanged", ""), "{again:?}");
        }
    }
    let mut world = World::after(&[&choir]);
    assert_eq!(world.import(&[&moved]).act(), "changed");
    assert_eq!(starts(world.one()), want);
    assert_eq!(world.one().sequence, 1);
    // An older message about the date, and one about the whole series that does not name it.
    let done = world.import(&[&file("REQUEST", 0, 9, &MOVED.replace("T203000", "T213000"))]);
    assert!(done.act() == "unchanged" && done.said.contains("2027-01-14T19:30"), "{}", done.said);
    world.import(&[&file("REQUEST", 1, 3, &CHOIR.replace("Choir", "Big choir"))]);
    assert_eq!((world.one().name.as_str(), starts(world.one())), ("Big choir", want.map(str::to_owned).to_vec()));
    // The calendar of its source knows all dates there are.
    world.import(&[&file("", 1, 4, CHOIR)]);
    assert_eq!(starts(world.one())[1], "2027-01-14T19:30");
    assert_eq!(world.import(&[&moved]).act(), "unchanged", "and the message has been overruled");
}

#[test]
fn a_date_called_off_by_mail_stays_off() {
    let choir = file("REQUEST", 0, 1, CHOIR);
    let off = file("CANCEL", 1, 3, "SUMMARY:Choir\nRECURRENCE-ID:20270114T183000Z\nCOMMENT:Ill");
    let cancelled = |world: &World| {
        let event = world.one();
        let all = recur::expand(event, NOW..NOW + 60 * 86_400, "UTC", recur::BUDGET).instances;
        all.iter().filter(|date| date.cancelled).map(|date| date.at.text()).collect::<Vec<_>>()
    };
    for files in [[&choir[..], &off], [&off, &choir]] {
        let mut world = World::after(&files);
        assert_eq!(cancelled(&world), ["2027-01-14T19:30"]);
        assert_eq!(world.one().overrides[0].note.as_deref(), Some("Ill"));
        for again in [&choir, &off, &file("REQUEST", 0, 2, MOVED)] {
            assert_eq!(world.import(&[again]).act(), "unchanged");
            assert_eq!(cancelled(&world), ["2027-01-14T19:30"]);
        }
        world.import(&[&file("REQUEST", 2, 4, MOVED)]);
        assert!(cancelled(&world).is_empty());
    }
}

#[test]
fn a_series_that_messages_would_make_too_long_stays_as_it_is_and_says_so() {
    let mut world = World::after(&[&file("REQUEST", 0, 1, CHOIR)]);
    let long = |n: u32| {
        let text = "\u{1f3b5}".repeat(9_000);
        file(
            "REQUEST",
            1,
            2,
            &format!("SUMMARY:Choir\nRECURRENCE-ID:202701{n}T183000Z\nDTSTART:202701{n}T190000Z\nDESCRIPTION:{text}"),
        )
    };
    let done = world.import(&[&long(14), &long(21)]);
    assert_eq!((done.act(), world.one().overrides.len()), ("changed", 1));
    assert!(done.said.contains("too long"), "{}", done.said);
}

#[test]
fn a_moved_date_of_a_series_that_is_not_here_is_an_event_of_its_own_and_says_so() {
    let mut world = World::default();
    let done = world.import(&[&file("REQUEST", 1, 2, MOVED)]);
    assert_eq!(done.acts, [("gig#2027-01-14T19:30".to_owned(), "added")]);
    assert!(done.said.contains("its series is not here"), "{}", done.said);
    let later = file(
        "REQUEST",
        2,
        3,
        &MOVED.replace("TZID=Europe/Berlin:20270115T203000", "TZID=Europe/Berlin:20270116T190000"),
    );
    assert_eq!(world.import(&[&later]).act(), "changed");
    assert_eq!(world.one().start.text(), "2027-01-16T19:00");
    assert_eq!(world.import(&[&file("REQUEST", 1, 2, MOVED)]).act(), "unchanged");
    // One of a series that has no such date.
    let mut world = World::after(&[&file("", 0, 1, CHOIR)]);
    let done = world.import(&[&file("REQUEST", 1, 2, &MOVED.replace("20270114", "20270116"))]);
    assert!(done.said.contains("its series does not have"), "{}", done.said);
    assert_eq!(world.events.len(), 2);
    assert!(matches!(world.events[1].1.start, Start::Local { .. }));
}

#[test]
fn a_date_that_came_by_mail_before_its_series_is_a_change_of_it_then() {
    let mut world = World::after(&[&file("REQUEST", 1, 2, MOVED)]);
    let done = world.import(&[&file("REQUEST", 0, 1, CHOIR)]);
    assert_eq!(done.acts.len(), 2);
    assert_eq!(starts(world.one()), ["2027-01-07T19:30", "2027-01-15T20:30", "2027-01-21T19:30"]);
    assert_eq!(world.import(&[&file("REQUEST", 1, 2, MOVED)]).act(), "unchanged");
    // Of a calendar written later, which does not have it, it is gone.
    let mut world = World::after(&[&file("REQUEST", 0, 2, MOVED)]);
    world.import(&[&file("", 0, 3, CHOIR)]);
    assert_eq!(starts(world.one())[1], "2027-01-14T19:30");
}

#[test]
fn each_of_many_dates_that_came_by_mail_is_known_again() {
    let date = |n: usize| {
        let day = format!("{}{:02}{:02}", 2000 + n / 336, n / 28 % 12 + 1, n % 28 + 1);
        format!(
            "BEGIN:VEVENT\r\nUID:gig\r\nSUMMARY:x\r\nRECURRENCE-ID:{day}T100000Z\r\nDTSTART:{day}T110000Z\r\nEND:VEVENT\r\n"
        )
    };
    let all = |method: &str| {
        format!("BEGIN:VCALENDAR\r\nMETHOD:{method}\r\n{}END:VCALENDAR\r\n", (0..500).map(date).collect::<String>())
    };
    let mut world = World::default();
    assert_eq!(world.import(&[&all("REQUEST")]).acts.len(), 500);
    assert!(world.import(&[&all("REQUEST")]).acts.iter().all(|(_, act)| *act == "unchanged"));
    assert!(world.import(&[&all("CANCEL")]).acts.iter().all(|(_, act)| *act == "changed"));
}

#[test]
fn single_dates_of_a_rule_are_replaced_once_it_is_one_of_ours() {
    let mut world = World::after(&[&file("", 0, 1, HARD)]);
    assert_eq!(world.events.len(), 4);
    let done = world.import(&[&file("", 0, 2, EASY)]);
    assert_eq!(world.keys(), ["gig"]);
    assert_eq!(done.acts.iter().filter(|(_, act)| *act == "replaced").count(), 4);
    assert!(done.said.contains("a date of its series now"), "{}", done.said);
    assert_eq!(world.import(&[&file("", 0, 2, EASY)]).act(), "unchanged");
    // An older calendar does not bring them back.
    let done = world.import(&[&file("", 0, 1, HARD)]);
    assert!(done.act() == "unchanged" && done.said.contains("older version"), "{}", done.said);
    assert_eq!(world.keys(), ["gig"]);
}

#[test]
fn a_single_date_that_people_answered_stays_and_follows_the_series_which_leaves_it_that_date() {
    for own in [false, true] {
        let mut world = World::after(&[&file("", 0, 1, HARD)]);
        let key = "gig#2027-01-01T19:30";
        let (item, event) = world.of(key);
        let uri = item.uri.clone();
        match own {
            true => event.doors = Some("18:00".into()),
            false => world.answered.push(uri),
        }
        for act in ["changed", "unchanged"] {
            let done = world.import(&[&file("", 0, 2, EASY)]);
            assert!(done.acts.contains(&(key.to_owned(), act)), "{:?}", done.acts);
            assert!(done.said.contains("its series leaves this date to it"), "{}", done.said);
            assert_eq!(world.keys(), ["gig", key]);
            assert_eq!(world.of(key).1.start.text(), "2027-01-01T20:00", "it moved with its series");
            let dates = starts_of(&world.of("gig").1);
            assert_eq!(dates, ["2026-12-04T20:00", "2027-02-05T20:00", "2027-03-05T20:00"]);
        }
        // What is said of that date alone goes to it, and what is off, is off.
        let date = "SUMMARY:With guests\nRECURRENCE-ID:20270101T190000Z\nDTSTART:20270101T200000Z";
        world.import(&[&file("REQUEST", 1, 3, date)]);
        assert_eq!(world.of(key).1.name, "With guests");
        // Also once it is at another time than the series, and when it is called off.
        let later = date.replace("T200000Z", "T203000Z").replace("With guests", "Later");
        for (word, status) in [("REQUEST", Status::Confirmed), ("CANCEL", Status::Cancelled)] {
            world.import(&[&file(word, 2, 3, &later)]);
            let single = &world.of(key).1;
            assert_eq!((single.name.as_str(), single.status), ("Later", status));
            assert_eq!(starts_of(&world.of("gig").1)[1], "2027-02-05T20:00", "its series has it no second time");
        }
        world.import(&[&file("", 1, 4, &format!("{EASY}\nEXDATE;TZID=Europe/Berlin:20270101T200000"))]);
        assert_eq!(world.of(key).1.status, Status::Cancelled);
    }
}

#[test]
fn a_series_whose_rule_is_none_of_ours_any_more_is_replaced_unless_somebody_answered() {
    let mut world = World::after(&[&file("", 0, 1, EASY)]);
    let mut answered = World::after(&[&file("", 0, 1, EASY)]);
    answered.answered.push(answered.events[0].0.uri.clone());
    world.import(&[&file("", 0, 2, HARD)]);
    assert!(world.events.len() == 4 && !world.keys().contains(&"gig"), "{:?}", world.keys());
    let done = answered.import(&[&file("", 0, 2, HARD)]);
    assert!(answered.keys().contains(&"gig") && done.said.contains("it stays for its answers"), "{}", done.said);
}
