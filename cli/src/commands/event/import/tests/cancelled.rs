//! Cancellations by mail: before and after their event, in one import or several.

use super::*;
use crate::commands::event::imported::mark;

#[test]
fn an_invitation_and_its_cancellation_come_to_the_same_in_any_order_and_again() {
    let invitation = file("REQUEST", 0, 1, GIG);
    let off = file("CANCEL", 1, 2, "SUMMARY:Gig\nCOMMENT:Storm");
    for files in [[&invitation[..], &off], [&off, &invitation]] {
        let mut world = World::default();
        assert_eq!(world.import(&files).act(), "added");
        assert_eq!((world.one().status, world.one().sequence), (Status::Cancelled, 0));
        assert_eq!(world.one().status_note.as_deref(), Some("Storm"));
        for again in [&files[..], &files[..1], &files[1..]] {
            let done = world.import(again);
            assert_eq!((done.act(), world.one().status), ("unchanged", Status::Cancelled), "{again:?}");
        }
    }
    // One by one it is the same.
    let mut world = World::after(&[&invitation]);
    assert_eq!(world.import(&[&off]).act(), "changed");
    let done = world.import(&[&invitation]);
    assert_eq!((done.act(), world.one().status), ("unchanged", Status::Cancelled));
    assert!(done.said.contains("older version") && done.said.contains("--older"), "{}", done.said);
    // And who knows better has it their way.
    assert_eq!(world.import_as(&[&invitation], true).act(), "changed");
    assert_eq!(world.one().status, Status::Confirmed);
}

#[test]
fn a_cancellation_that_does_not_count_itself_or_has_the_stamp_of_the_invitation_stands() {
    let invitation = file("REQUEST", 3, 1, GIG);
    for day in [1, 2] {
        let off = file("CANCEL", 0, day, "SUMMARY:Gig").replace("SEQUENCE:0\r\n", "");
        let mut world = World::after(&[&off, &invitation]);
        assert_eq!(world.one().status, Status::Cancelled);
        assert_eq!(world.import(&[&invitation]).act(), "unchanged");
        assert_eq!(world.import(&[&invitation, &off]).act(), "unchanged");
    }
    // An invitation after it is a new one.
    let mut world = World::after(&[&invitation, &file("CANCEL", 4, 2, "SUMMARY:Gig")]);
    world.import(&[&file("REQUEST", 5, 3, GIG)]);
    assert_eq!(world.one().status, Status::Confirmed);
    let done = world.import(&[&file("CANCEL", 4, 2, "SUMMARY:Gig")]);
    assert_eq!((done.act(), world.one().status), ("unchanged", Status::Confirmed));
    assert!(done.said.contains("older version"), "{}", done.said);
}

#[test]
fn what_a_message_called_off_stays_off_when_the_same_calendar_comes_again() {
    let bare = |file: String| file.replace("DTSTAMP:20261101T100000Z\r\n", "");
    for lines in [GIG, CHOIR] {
        let (calendar, off) = (file("", 0, 1, lines), file("CANCEL", 0, 1, "SUMMARY:x"));
        for (calendar, off) in
            [(calendar.clone(), off.clone()), (bare(calendar.clone()), off.clone()), (bare(calendar), bare(off))]
        {
            let mut world = World::after(&[&calendar, &off]);
            for _ in 0..2 {
                let done = world.import(&[&calendar]);
                assert_eq!((done.act(), world.one().status), ("unchanged", Status::Cancelled), "{calendar}{off}");
                assert!(done.said.contains("stays off (--older has it on)"), "{}", done.said);
            }
            assert_eq!(world.import_as(&[&calendar], true).act(), "changed");
            world.import(&[&off]);
            world.import(&[&file("", 1, 1, lines)]);
            assert_eq!(world.one().status, Status::Confirmed, "a newer one has it on again");
        }
        // A cancellation of which it is known when it was sent tells that the calendar was written later.
        let (later, sent) = (file("", 0, 3, lines), file("CANCEL", 0, 2, "SUMMARY:x"));
        let mut world = World::after(&[&bare(file("", 0, 1, lines)), &bare(file("CANCEL", 0, 1, "SUMMARY:x"))]);
        assert_eq!(world.import(&[&later]).act(), "unchanged");
        assert_eq!(world.import(&[&later, &sent]).act(), "changed");
        assert_eq!((world.import(&[&later, &sent]).act(), world.one().status), ("unchanged", Status::Confirmed));
        // What the calendar called off itself is on as soon as it says so.
        let mut world = World::after(&[&file("", 0, 1, &format!("{lines}\nSTATUS:CANCELLED"))]);
        world.import(&[&file("", 0, 1, lines)]);
        assert_eq!(world.one().status, Status::Confirmed);
    }
}

#[test]
fn a_cancellation_that_comes_imports_before_its_event_calls_it_off_when_that_comes() {
    let (gig, choir) = (file("REQUEST", 1, 2, GIG), file("REQUEST", 1, 2, CHOIR));
    let date = "SUMMARY:Choir\nRECURRENCE-ID:20270114T183000Z\nCOMMENT:Ill";
    let whole = "SUMMARY:Gig\nCOMMENT:Storm";
    for (event, off) in [(&gig, whole), (&choir, whole), (&choir, date)] {
        let off = file("CANCEL", 1, 3, off);
        let mut world = World::default();
        for _ in 0..2 {
            let done = world.import(&[&off]);
            assert!(world.events.is_empty() && done.said.contains("not here; should it come"), "{}", done.said);
        }
        let other = file("", 0, 9, &GIG.replace("Gig", "Other")).replace("UID:gig", "UID:other");
        assert_eq!(world.import(&[&other]).said, "");
        world.import(&[event]);
        let both = World::after(&[&other, event, &off]);
        assert_eq!(world.of("gig").1, both.events[1].1);
        assert_eq!(world.memory, both.memory, "and it is no longer waited for");
        // A newer invitation was not called off.
        let mut world = World::after(&[&off]);
        let newer = event.replace("SEQUENCE:1", "SEQUENCE:2");
        world.import(&[&newer]);
        assert!(world.one().status == Status::Confirmed && world.one().overrides.is_empty());
        assert_eq!(world.memory, World::after(&[&newer]).memory);
    }
}

#[test]
fn what_a_host_says_of_a_cancellation_stays_beside_the_words_of_a_later_message() {
    let off = |note: &str, day| file("CANCEL", 1, day, &format!("SUMMARY:Gig\nCOMMENT:{note}"));
    let edit = |world: &mut World, edit: &dyn Fn(&mut Event)| {
        let (_, event) = &mut world.events[0];
        let old = event.clone();
        edit(event);
        event.follow(&old);
        mark(event, &old);
    };
    let note = |world: &World| world.one().status_note.clone();
    // It was called off here; or the note alone is of here.
    for first in [None, Some(off("Storm", 2))] {
        let mut world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
        first.iter().for_each(|first| drop(world.import(&[first])));
        edit(&mut world, &|e| (e.status, e.status_note) = (Status::Cancelled, Some("The band is ill".into())));
        // Of a message without words as well.
        world.import(&[&off("", 3)]);
        for day in 3..5 {
            let done = world.import(&[&off(&format!("Storm {day}"), day)]);
            assert_eq!(note(&world).as_deref(), Some("The band is ill"));
            assert_eq!(done.said.matches("the message says: Storm").count(), 1, "{}", done.said);
        }
        // With the cancellation it goes, and the next one has its own words.
        world.import(&[&file("REQUEST", 2, 6, GIG)]);
        assert_eq!((world.one().status, note(&world)), (Status::Confirmed, None));
        world.import(&[&off("Flood", 7).replace("SEQUENCE:1", "SEQUENCE:3")]);
        assert_eq!(note(&world).as_deref(), Some("Flood"));
    }
}

#[test]
fn what_a_host_called_off_follows_its_file_in_all_else_and_no_message_called_it_off() {
    let at = |place: &str| file("REQUEST", 0, 1, &format!("{GIG}\nLOCATION:{place}"));
    let mut world = World::after(&[&at("Shed")]);
    let (_, event) = &mut world.events[0];
    let old = event.clone();
    event.status = Status::Cancelled;
    event.follow(&old);
    mark(event, &old);
    let place = |world: &World| (world.one().places[0].name.clone().unwrap(), world.one().status);
    let done = world.import(&[&at("Barn")]);
    assert_eq!(place(&world), ("Barn".into(), Status::Cancelled));
    assert!(done.said.contains("stays as changed here: status") && !done.said.contains("message"), "{}", done.said);
}

#[test]
fn of_several_cancellations_the_newest_says_why_in_one_import_or_several() {
    let off = |note: &str, day| file("CANCEL", 1, day, &format!("SUMMARY:Gig\nCOMMENT:{note}"));
    let (gig, storm, flood) = (file("REQUEST", 0, 1, GIG), off("Storm", 2), off("Flood", 3));
    for files in [[&storm, &flood], [&flood, &storm]] {
        let mut world = World::after(&[&gig, files[0], files[1]]);
        assert_eq!(world.one().status_note.as_deref(), Some("Flood"));
        assert_eq!(world.import(&[files[0]]).act(), "unchanged");
        let mut world = World::after(&[&gig]);
        files.iter().for_each(|file| drop(world.import(&[file])));
        assert_eq!(world.one().status_note.as_deref(), Some("Flood"));
    }
}

#[test]
fn a_cancellation_that_does_not_say_when_it_was_sent_waits_for_no_later_invitation() {
    let bare = |file: String| file.replace("DTSTAMP:20261103T100000Z\r\n", "").replace("SEQUENCE:1\r\n", "");
    for (method, lines, date) in [("REQUEST", GIG, ""), ("", CHOIR, "\nRECURRENCE-ID:20270114T183000Z")] {
        let off = bare(file("CANCEL", 1, 3, &format!("SUMMARY:x{date}")));
        let mut world = World::after(&[&off]);
        let waiting = world.memory.clone();
        world.memory.now += 86_400;
        world.import(&[&off]);
        world.memory.now = NOW;
        assert_eq!(world.memory, waiting, "once, since the first time");
        world.memory.now = NOW + 400 * 86_400;
        let invited = |day: &str| file(method, 0, 1, lines).replace("20261101", day);
        world.import(&[&invited("20271201")]);
        assert!(world.one().status == Status::Confirmed && world.one().overrides.is_empty(), "{off}");
        let mut fresh = World::after(&[&invited("20271201")]);
        fresh.memory.now = world.memory.now;
        assert_eq!(world.memory, fresh.memory, "and it is no longer waited for");
        let before = World::after(&[&off, &invited("20261101")]);
        let event = before.one();
        assert!(event.status == Status::Cancelled || event.overrides.len() == 1, "{off}");
    }
}
