//! What was deleted here, and what an import takes away itself.

use super::*;

#[test]
fn what_was_deleted_here_stays_away_until_it_is_asked_for_or_its_uid_is_another_event() {
    for lines in [GIG, CHOIR, HARD] {
        let mut world = World::after(&[&file("", 0, 1, lines)]);
        let all = world.events.len();
        let last = world.events.pop().unwrap();
        for (file, n) in [(file("", 0, 1, lines), 1), (file("REQUEST", 3, 5, lines), 2)] {
            let done = world.import(&[&file]);
            assert_eq!(world.events.len(), all - 1, "{n}");
            assert!(done.said.contains("1 event was deleted here") && done.said.contains("--again"), "{}", done.said);
        }
        assert_eq!(world.import_with(&[&file("", 3, 5, lines)], false, true).acts.last().unwrap().1, "added");
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
    known.miss(world.memory.made());
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
