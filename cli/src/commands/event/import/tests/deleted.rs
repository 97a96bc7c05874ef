//! What was deleted here, and what an import takes away itself.

use super::*;

#[test]
fn what_was_deleted_here_stays_away_until_it_is_asked_for_or_its_uid_is_another_event() {
    for (lines, again) in [(GIG, "gig"), (CHOIR, "CHOIR"), (HARD, "Choir")] {
        let mut world = World::after(&[&file("", 0, 1, lines)]);
        let all = world.events.len();
        let last = world.events.pop().unwrap();
        for (file, n) in [(file("", 0, 1, lines), 1), (file("REQUEST", 3, 5, lines), 2)] {
            let done = world.import(&[&file]);
            assert_eq!(world.events.len(), all - 1, "{n}");
            assert!(done.said.contains("1 event was deleted here") && done.said.contains("--again"), "{}", done.said);
        }
        assert_eq!(world.import_with(&[&file("", 3, 5, lines)], false, Some(again)).acts.last().unwrap().1, "added");
        let known: Vec<_> = world.events.iter().map(|(_, event)| &event.start).collect();
        assert!(known.contains(&&last.1.start) && known.len() == all);
        assert!(!world.import(&[&file("", 3, 5, lines)]).said.contains("deleted"), "it is here");
    }
    // Nothing brings a deleted series back in parts, nor waits for it.
    let mut world = World::after(&[&file("", 0, 1, CHOIR)]);
    world.events.clear();
    let off = file("CANCEL", 1, 3, "SUMMARY:Choir\nRECURRENCE-ID:20270114T183000Z");
    let hard = file("", 0, 3, &CHOIR.replace("FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=TH;BYSETPOS=1;COUNT=5"));
    for part in [&file("REQUEST", 1, 2, MOVED), &off, &hard] {
        let done = world.import(&[part]);
        assert!(world.events.is_empty() && done.said.contains("deleted here"), "{}", done.said);
    }
    let reply = file("REPLY", 0, 5, "ATTENDEE;CN=Grandma;PARTSTAT=ACCEPTED:mailto:g@example.org");
    let mut known = Known::of(ME.into(), Vec::new()).unwrap();
    known.miss(world.memory.made(), NOW, &[]);
    assert_eq!(answers::refused_by(&known, &reply), "the event it answers was deleted here");
    // A calendar that gives the UID to something else means that.
    let other = GIG.replace("Gig", "Market").replace("20270107", "20270601");
    assert_eq!(world.import(&[&file("", 0, 4, &other)]).act(), "added");
    assert_eq!(world.one().name, "Market");
}

#[test]
fn what_an_import_replaces_itself_was_not_deleted() {
    let mut world = World::after(&[&file("", 0, 1, HARD)]);
    world.import(&[&file("", 0, 2, EASY)]);
    world.import(&[&file("", 0, 3, HARD)]);
    assert_eq!(world.events.len(), 4);
}

#[test]
fn what_was_deleted_is_named_and_the_next_one_after_it_comes() {
    let fest = |year: u32, name: &str| GIG.replace("20270107", &format!("{year}0620")).replace("Gig", name);
    let delete = |lines: &str| {
        let mut world = World::after(&[&file("", 0, 1, lines)]);
        world.events.clear();
        world
    };
    let mut world = delete(&fest(2027, "Fest"));
    // Put off: that it was deleted holds.
    let done = world.import(&[&file("", 1, 2, &fest(2028, "Fest"))]);
    let want = "Fest: deleted here, where it was on 2027-06-20 20:00; the file has it on 2028-06-20 20:00";
    assert!(world.events.is_empty() && done.said.contains(want), "{}", done.said);
    let done = world.import(&[&file("", 1, 2, &fest(2027, "Party"))]);
    assert!(done.said.contains("Fest: deleted here") && done.said.contains("has Party on 2027-06-20"), "{}", done.said);
    // Once it is over, the same stays away and the next one comes.
    world.memory.now = NOW + 300 * 86_400;
    assert!(world.import(&[&file("", 1, 2, &fest(2027, "Fest"))]).said.contains("deleted here"));
    assert_eq!(world.import(&[&file("", 1, 2, &fest(2028, "Fest"))]).act(), "added");
    // So it is with a series; one that goes on for ever is never over.
    for (rule, acts) in [(";UNTIL=20270301T000000Z", 1), (";COUNT=5", 1), ("", 0)] {
        let choir = format!("{CHOIR}{rule}");
        let mut world = delete(&choir);
        world.memory.now = NOW + 300 * 86_400;
        let next = CHOIR.replace("20270107", "20270909");
        assert_eq!(world.import(&[&file("", 1, 2, &choir)]).acts.len(), 0);
        assert_eq!(world.import(&[&file("", 1, 2, &next)]).acts.len(), acts, "{rule}");
    }
}

#[test]
fn no_date_of_a_deleted_series_comes_back_whatever_it_is_called() {
    let mut world = World::after(&[&file("", 0, 1, &format!("{CHOIR};COUNT=5"))]);
    world.events.clear();
    let moved = MOVED.replace("Choir", "Choir: open rehearsal");
    let hard = HARD.replace("Choir", "Rehearsal");
    for now in [NOW, NOW + 100 * 86_400] {
        world.memory.now = now;
        for file in [file("REQUEST", 1, 2, &moved), file("REQUEST", 2, 3, &hard)] {
            let done = world.import(&[&file]);
            assert!(world.events.is_empty() && done.said.contains("Choir: deleted here"), "{}", done.said);
        }
    }
}

#[test]
fn of_what_was_deleted_that_alone_comes_back_which_is_asked_for() {
    let both = [file("", 0, 1, GIG), file("", 0, 1, CHOIR).replace("UID:gig", "UID:choir")];
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    for (again, name) in [("gig", "Gig"), ("GIG", "Gig"), ("Choir", "Choir"), ("choir", "Choir")] {
        let mut world = World::after(&both);
        world.events.clear();
        let done = world.import_with(&both, false, Some(again));
        assert_eq!((done.act(), world.one().name.as_str()), ("added", name));
        assert!(done.said.contains("1 event was deleted here"), "{}", done.said);
    }
    let mut known = Known::of(ME.into(), Vec::new()).unwrap();
    let asked = ["Gig".to_owned(), "Nothing".to_owned()];
    assert_eq!(known.miss(World::after(&both).memory.made(), NOW, &asked), ["Nothing"]);
}
