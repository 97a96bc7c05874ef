//! Imports one after the other, without a node: what each makes of what those before it left.

use folkmoot_node::request::{Item, May};
use folkmoot_schemas::{
    Uri,
    block::{RAW, cid_of},
    kind::Kind,
    records::{
        event::{Event, Status},
        rsvp::{Answer, Rsvp, ShowName},
    },
    recur,
    when::Start,
};

use proptest::prelude::*;

use super::{
    Act, Step, Subject,
    answers::{Guests, answer, in_order},
    known::Known,
    memory::Memory,
    plan::{Planned, plan},
};
use crate::ics::{self, Context, Reading};

const ME: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
/// 2026-11-24T12:00Z.
const NOW: i64 = 1_795_521_600;

#[derive(Default)]
struct World {
    events: Vec<(Item, Event)>,
    /// URIs of events that people answered.
    answered: Vec<String>,
    memory: Memory,
    next: usize,
}

/// What an import did, the events by their keys; and what it said besides.
struct Done {
    acts: Vec<(String, &'static str)>,
    said: String,
}

fn item(n: usize) -> Item {
    let community = cid_of(RAW, b"community");
    let uri = Uri::new(community, ME.parse().unwrap(), Event::NAME, &format!("{n}")).unwrap();
    Item {
        short: uri.short_id(),
        uri: uri.to_string(),
        cid: cid_of(RAW, format!("{n}").as_bytes()).to_string(),
        rev: String::new(),
        community: community.to_string(),
        community_name: "River Street".into(),
        did: ME.into(),
        author: "Ada".into(),
        device: String::new(),
        audience: "public".into(),
        created: 0,
        updated: 0,
        fault: None,
        block: Vec::new(),
        url: None,
        kept: false,
        revised: Vec::new(),
        shown: None,
        may: Some(May::Edit),
    }
}

impl World {
    fn import_as(&mut self, files: &[&str], older: bool) -> Done {
        self.import_with(files, older, false)
    }

    fn import_with(&mut self, files: &[&str], older: bool, again: bool) -> Done {
        let context = Context { zone: "Europe/Berlin".into(), now: NOW };
        let mut reading = Reading::default();
        for file in files {
            reading.and(ics::read(file, &context).unwrap()).unwrap();
        }
        let mut known = Known::of(ME.into(), self.events.clone()).unwrap();
        if !again {
            known.miss(self.memory.made());
        }
        let answered = |item: &Item| Ok(self.answered.contains(&item.uri));
        self.memory.bring(&mut reading);
        let Planned { steps, waiting } = plan(&mut reading, &known, older, &answered).unwrap();
        self.memory.wait(waiting);
        self.memory.note(&known, &steps);
        let said = steps.iter().flat_map(|step| step.said.clone()).chain(reading.said);
        let said = said.chain(reading.skipped.iter().map(|skipped| skipped.why.clone())).collect::<Vec<_>>().join("\n");
        let acts = steps.into_iter().map(|step| self.keep(step)).collect();
        Done { acts, said }
    }

    fn keep(&mut self, step: Step) -> (String, &'static str) {
        assert_eq!(step.draft.is_some(), matches!(step.act, Act::Added | Act::Changed), "what is new is published");
        let Subject::Event { key, event } = step.subject else { panic!("events alone") };
        assert_eq!(event.check(), Ok(()));
        match step.act {
            Act::Added => {
                let next = self.next;
                self.next += 1;
                self.events.push((item(next), *event));
            }
            Act::Replaced => {
                let uri = step.held.unwrap().0;
                self.events.retain(|(item, _)| item.uri != uri);
            }
            Act::Changed => {
                let uri = step.held.unwrap().0;
                self.events.iter_mut().filter(|(item, _)| item.uri == uri).for_each(|held| held.1 = *event.clone());
            }
            Act::Unchanged => {}
        }
        (key, step.act.word())
    }

    fn import(&mut self, files: &[&str]) -> Done {
        self.import_as(files, false)
    }

    fn one(&self) -> &Event {
        let [(_, event)] = &self.events[..] else { panic!("one event: {:?}", self.events) };
        event
    }

    fn after(files: &[&str]) -> Self {
        let mut world = Self::default();
        world.import(files);
        world
    }
}

impl Done {
    fn act(&self) -> &'static str {
        let [(_, act)] = self.acts[..] else { panic!("one event: {:?}", self.acts) };
        act
    }
}

/// A message or, without a method, a calendar: with the day of November 2026 on which it was written.
fn file(method: &str, sequence: u32, day: u32, lines: &str) -> String {
    let method = if method.is_empty() { String::new() } else { format!("METHOD:{method}\n") };
    let event = format!("UID:gig\nSEQUENCE:{sequence}\nDTSTAMP:202611{day:02}T100000Z\n{lines}\n");
    format!("BEGIN:VCALENDAR\n{method}BEGIN:VEVENT\n{event}END:VEVENT\nEND:VCALENDAR\n").replace('\n', "\r\n")
}

const GIG: &str = "SUMMARY:Gig\nDTSTART;TZID=Europe/Berlin:20270107T200000";
const CHOIR: &str = "SUMMARY:Choir\nDTSTART;TZID=Europe/Berlin:20270107T193000\nRRULE:FREQ=WEEKLY";
const MOVED: &str = "SUMMARY:Choir\nRECURRENCE-ID:20270114T183000Z\nDTSTART;TZID=Europe/Berlin:20270115T203000";

fn starts(event: &Event) -> Vec<String> {
    let window = event.start.instant("UTC")..event.start.instant("UTC") + 15 * 86_400;
    recur::expand(event, window, "UTC", recur::BUDGET).instances.iter().map(|i| i.start.text()).collect()
}

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
    use crate::commands::event::imported::mark;
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
            assert!(done.acts[0].1 == "unchanged" || done.said.contains("the message says: Storm"), "{}", done.said);
        }
        // With the cancellation it goes, and the next one has its own words.
        world.import(&[&file("REQUEST", 2, 6, GIG)]);
        assert_eq!((world.one().status, note(&world)), (Status::Confirmed, None));
        world.import(&[&off("Flood", 7).replace("SEQUENCE:1", "SEQUENCE:3")]);
        assert_eq!(note(&world).as_deref(), Some("Flood"));
    }
}

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
    assert_eq!(refused_by(&known, &reply), "the event it answers was deleted here");
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
fn an_older_file_changes_nothing_and_an_equally_new_one_is_followed() {
    let named = |method, sequence, day, name: &str| file(method, sequence, day, &GIG.replace("Gig", name));
    for method in ["", "PUBLISH", "REQUEST"] {
        let mut world = World::after(&[&named(method, 1, 5, "New")]);
        for older in [named(method, 0, 9, "Old"), named(method, 1, 4, "Old")] {
            let done = world.import(&[&older]);
            assert_eq!((done.act(), world.one().name.as_str()), ("unchanged", "New"), "{method}");
            assert!(done.said.contains("older version"), "{}", done.said);
        }
        for (sequence, day, name) in [(1, 5, "Same"), (1, 6, "Later"), (2, 1, "Counted")] {
            assert_eq!(world.import(&[&named(method, sequence, day, name)]).act(), "changed", "{method}");
            assert_eq!(world.one().name, name);
        }
    }
    // A calendar without stamps, and one from the future, which is now.
    let bare = |name| named("", 0, 1, name).replace("DTSTAMP:20261101T100000Z\r\n", "");
    let mut world = World::after(&[&bare("One")]);
    world.import(&[&bare("Two")]);
    assert_eq!(world.one().name, "Two");
    world.import(&[&named("", 0, 1, "Three").replace("DTSTAMP:2026", "DTSTAMP:2099")]);
    world.import(&[&named("", 0, 1, "Four").replace("DTSTAMP:2026", "DTSTAMP:2098")]);
    assert_eq!(world.one().name, "Four");
}

#[test]
fn a_newer_stamp_alone_is_no_news() {
    let mut world = World::after(&[&file("", 0, 1, CHOIR)]);
    let before = world.one().clone();
    assert_eq!(world.import(&[&file("", 3, 9, CHOIR)]).act(), "unchanged");
    assert_eq!(*world.one(), before);
}

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
fn two_calendars_in_one_file_are_as_two_files() {
    let (old, new) = (file("", 0, 1, GIG), file("", 1, 2, &GIG.replace("Gig", "Concert")));
    for both in [format!("{old}{new}"), format!("{new}{old}")] {
        let world = World::after(&[&both]);
        assert_eq!(world.one().name, "Concert");
    }
}

#[test]
fn of_files_that_do_not_say_which_is_newer_the_same_one_is_taken_in_any_order_and_it_is_said() {
    let bare = |name: &str| file("", 0, 1, &GIG.replace("Gig", name)).replace("DTSTAMP:20261101T100000Z\r\n", "");
    let (one, other, stamped) = (bare("One"), bare("Other"), file("", 0, 1, GIG));
    for files in [[&one[..], &other], [&other, &one]] {
        let mut world = World::default();
        let done = world.import(&files);
        assert!(world.one().name == "Other" && done.said.contains("nothing tells which"), "{}", done.said);
    }
    for files in [[&one[..], &stamped, &other], [&other, &stamped, &one], [&stamped, &other, &one]] {
        assert_eq!(World::after(&files).one().name, "Gig", "what says when it was written is newer");
    }
}

#[test]
fn a_newer_rule_that_we_have_leaves_none_of_the_dates_of_an_older_one_that_we_do_not() {
    let hard = file("", 0, 1, &CHOIR.replace("FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"));
    let mut world = World::default();
    let done = world.import(&[&hard, &file("", 1, 2, CHOIR)]);
    assert_eq!(done.acts, [("gig".to_owned(), "added")]);
    assert!(world.one().recur.is_some());
}

/// Takes answers as [`World::import`] takes events: what was done, the answer that is there then, and what was said.
fn answered(world: &World, guests: &mut Guests, files: &[String]) -> (&'static str, Answer, String) {
    let context = Context { zone: "Europe/Berlin".into(), now: NOW };
    let mut reading = Reading::default();
    for file in files {
        reading.and(ics::read(file, &context).unwrap()).unwrap();
    }
    let known = Known::of(ME.into(), world.events.clone()).unwrap();
    let [ref one] = reading.answers[..] else { panic!("one answer: {:?}", reading.answers) };
    let step = answer(&known, (guests, &mut Memory::default()), one, false).unwrap().unwrap();
    assert_eq!(step.draft.is_some(), step.act != Act::Unchanged);
    let held: Vec<Answer> = guests.values().map(|(rsvp, _)| rsvp.status).collect();
    (step.act.word(), held[0], step.said.join("\n"))
}

/// Why an answer is not taken.
fn refused(world: &World, file: &str) -> String {
    refused_by(&Known::of(ME.into(), world.events.clone()).unwrap(), file)
}

fn refused_by(known: &Known, file: &str) -> String {
    let reading = ics::read(file, &Context { zone: "Europe/Berlin".into(), now: NOW }).unwrap();
    answer(known, (&mut Guests::new(), &mut Memory::default()), &reading.answers[0], false).unwrap().unwrap_err()
}

#[test]
fn of_answers_by_mail_the_newest_counts_in_any_order_and_again() {
    let reply = |sequence, day, status| {
        file("REPLY", sequence, day, &format!("ATTENDEE;CN=Grandma;PARTSTAT={status}:mailto:g@example.org"))
    };
    let world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let (yes, no) = (reply(0, 2, "ACCEPTED"), reply(0, 3, "DECLINED"));
    for files in [[yes.clone(), no.clone()], [no.clone(), yes.clone()]] {
        let guests = &mut Guests::new();
        assert_eq!(answered(&world, guests, &files), ("added", Answer::NotGoing, String::new()));
        assert_eq!(answered(&world, guests, &files), ("unchanged", Answer::NotGoing, String::new()));
        let (act, held, said) = answered(&world, guests, std::slice::from_ref(&yes));
        assert!(
            (act, held) == ("unchanged", Answer::NotGoing) && said.contains("says going, which is older"),
            "{said}"
        );
        assert_eq!(answered(&world, guests, &[reply(0, 4, "ACCEPTED")]).0, "changed");
    }
    // Once the event has changed, an answer that came before does not confirm it; a new one does.
    let mut world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let guests = &mut Guests::new();
    answered(&world, guests, std::slice::from_ref(&yes));
    world.import(&[&file("REQUEST", 1, 3, &GIG.replace("T200000", "T210000"))]);
    assert_eq!(answered(&world, guests, &[yes]).0, "unchanged");
    assert_eq!(answered(&world, guests, &[reply(1, 4, "ACCEPTED")]).0, "changed");
    assert_eq!(guests.values().map(|(rsvp, _)| rsvp.seen_sequence).collect::<Vec<_>>(), [1]);
}

#[test]
fn an_answer_to_a_date_that_its_series_left_to_an_event_of_its_own_reaches_that_event() {
    let reply = |at: &str| {
        file("REPLY", 0, 5, &format!("RECURRENCE-ID:{at}\nATTENDEE;CN=Grandma;PARTSTAT=ACCEPTED:mailto:g@example.org"))
    };
    let mut world = World::after(&[&file("", 0, 1, HARD)]);
    let single = world.of("gig#2027-01-01T19:30").0.uri.clone();
    // Of a series that is not here, and of one that is and meets half an hour later now.
    let answers = |world: &World, at: &str| {
        let guests = &mut Guests::new();
        let act = answered(world, guests, &[reply(at)]).0;
        let (rsvp, _) = guests.values().next().unwrap();
        (act, rsvp.event.to_string(), rsvp.occurrence.clone())
    };
    assert_eq!(answers(&world, "20270101T183000Z"), ("added", single.clone(), None));
    world.answered.push(single.clone());
    world.import(&[&file("", 0, 2, EASY)]);
    assert_eq!(answers(&world, "20270101T190000Z"), ("added", single, None));
    let series = world.of("gig").0.uri.clone();
    assert_eq!(answers(&world, "20270205T190000Z"), ("added", series, Some("2027-02-05".into())));
    // A date that is left out and is no event either is none.
    let world = World::after(&[&file("", 0, 1, &format!("{EASY}\nEXDATE:20270101T190000Z"))]);
    assert_eq!(refused(&world, &reply("20270101T190000Z")), "Choir has no date 2027-01-01T20:00");
}

#[test]
fn guests_of_one_name_are_as_many_as_their_addresses_and_one_guest_is_one_however_they_are_spelled() {
    let reply = |day, who: &str| file("REPLY", 0, day, &format!("ATTENDEE;PARTSTAT=ACCEPTED;{who}")).replace(";:", ":");
    let first = [reply(2, "CN=Rose:mailto:rose@example.org"), reply(3, "CN=Rose:mailto:r@example.com")];
    let nameless = [reply(2, ":mailto:info@example.org"), reply(3, ":mailto:info@example.com")];
    let again = [reply(2, "CN=ROSE:MAILTO:Rose@Example.org"), reply(3, "CN=R. Smith:mailto:r@example.com")];
    let world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let known = Known::of(ME.into(), world.events.clone()).unwrap();
    for back in [false, true] {
        let (mut guests, mut memory) = (Guests::new(), Memory::default());
        let mut take = |files: &[&[String]]| {
            let mut files = files.concat();
            if back {
                files.reverse();
            }
            let mut reading = Reading::default();
            for file in files {
                reading.and(ics::read(&file, &Context { zone: "UTC".into(), now: NOW }).unwrap()).unwrap();
            }
            let mut acts = Vec::new();
            for answered in in_order(&reading.answers) {
                acts.push(answer(&known, (&mut guests, &mut memory), answered, false).unwrap().unwrap().act);
            }
            acts
        };
        assert_eq!(take(&[&first, &nameless]), [Act::Added; 4]);
        assert_eq!(take(&[&first, &nameless]), [Act::Unchanged; 4]);
        assert_eq!(take(&[&again]), [Act::Unchanged; 2]);
        let mut names: Vec<_> = guests.values().filter_map(|(rsvp, _)| rsvp.guest_name.clone()).collect();
        names.sort();
        assert_eq!(names, ["Rose", "Rose (2)", "info", "info (2)"]);
        assert!(guests.values().all(|(rsvp, _)| !format!("{rsvp:?}").contains("example")), "no address in a record");
    }
}

#[test]
fn what_a_host_entered_by_hand_after_an_answer_by_mail_stays() {
    let world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let reply = |day| file("REPLY", 0, day, "ATTENDEE;CN=Grandma;PARTSTAT=ACCEPTED:mailto:g@example.org");
    let guests = &mut Guests::new();
    answered(&world, guests, &[reply(2)]);
    // She rang on the 3rd.
    let entered = Start::Date { date: "2026-11-03".parse().unwrap() }.instant("UTC");
    for (rsvp, when) in guests.values_mut() {
        *rsvp = Rsvp { status: Answer::NotGoing, show: ShowName::Names, given: None, ..rsvp.clone() };
        *when = entered;
    }
    assert_eq!(answered(&world, guests, &[reply(2)]).1, Answer::NotGoing);
    assert_eq!(answered(&world, guests, &[reply(4)]).1, Answer::Going);
    assert!(guests.values().all(|(rsvp, _)| rsvp.show == ShowName::Names), "a mail does not say who may see it");
}

/// Fridays and Saturdays alternately, which is no rule of ours; and one that is.
const HARD: &str = "SUMMARY:Choir\nDTSTART;TZID=Europe/Berlin:20261204T193000\n\
                    RRULE:FREQ=MONTHLY;BYDAY=FR;BYSETPOS=1;COUNT=4";
const EASY: &str = "SUMMARY:Choir\nDTSTART;TZID=Europe/Berlin:20261204T200000\nRRULE:FREQ=MONTHLY;BYDAY=1FR;COUNT=4";

impl World {
    fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> =
            self.events.iter().filter_map(|(_, event)| event.source.as_ref()?.uid.as_deref()).collect();
        keys.sort_unstable();
        keys
    }

    fn of(&mut self, key: &str) -> &mut (Item, Event) {
        let of = |event: &Event| event.source.as_ref().and_then(|source| source.uid.clone());
        self.events.iter_mut().find(|(_, event)| of(event).as_deref() == Some(key)).unwrap()
    }
}

fn starts_of(series: &Event) -> Vec<String> {
    let dates = recur::expand(series, NOW..NOW + 400 * 86_400, "UTC", recur::BUDGET).instances;
    dates.iter().map(|date| date.at.text()).collect()
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
fn a_series_whose_rule_is_none_of_ours_any_more_is_replaced_unless_somebody_answered() {
    let mut world = World::after(&[&file("", 0, 1, EASY)]);
    let mut answered = World::after(&[&file("", 0, 1, EASY)]);
    answered.answered.push(answered.events[0].0.uri.clone());
    world.import(&[&file("", 0, 2, HARD)]);
    assert!(world.events.len() == 4 && !world.keys().contains(&"gig"), "{:?}", world.keys());
    let done = answered.import(&[&file("", 0, 2, HARD)]);
    assert!(answered.keys().contains(&"gig") && done.said.contains("it stays for its answers"), "{}", done.said);
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

/// One of many things a file can say, by numbers; on day 0 without saying when.
fn word((kind, sequence, day): (u8, u32, u32), n: usize) -> String {
    let hard = CHOIR.replace("FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=TH;BYSETPOS=1;COUNT=5");
    let named = |lines: &str| lines.replace("Choir", &format!("Choir {n}"));
    let date = if n.is_multiple_of(2) { "20270114" } else { "20270204" };
    let moved = format!("SUMMARY:Date {n}\nRECURRENCE-ID:{date}T183000Z\nDTSTART:{date}T{:02}0000Z", 10 + n);
    let off = format!("SUMMARY:Choir\nRECURRENCE-ID:{date}T183000Z");
    let text = match kind {
        0 => file("", sequence, day, &named(CHOIR)),
        1 => file("REQUEST", sequence, day, &named(CHOIR)),
        2 => file("", sequence, day, &named(&hard)),
        3 => file("REQUEST", sequence, day, &moved),
        4 => file("CANCEL", sequence, day, &off),
        5 => file("CANCEL", sequence, day, "SUMMARY:Choir"),
        6 => file("CANCEL", sequence, day, "SUMMARY:Choir").replace(&format!("SEQUENCE:{sequence}\r\n"), ""),
        7 => file("", sequence, day, &format!("{}\nEXDATE:{date}T183000Z", named(CHOIR))),
        8 => file("CANCEL", sequence, day, &off).replace(&format!("SEQUENCE:{sequence}\r\n"), ""),
        _ => file("", sequence, day, &named(&CHOIR.replace("\nRRULE:FREQ=WEEKLY", ""))),
    };
    text.replace("DTSTAMP:20261100T100000Z\r\n", "")
}

fn words(most: usize) -> impl Strategy<Value = Vec<String>> {
    let one = (0u8..10, 0u32..3, 0u32..5);
    let texts = |words: Vec<_>| words.into_iter().zip(1..).map(|(of, n)| word(of, n)).collect();
    proptest::collection::vec(one, 0..most).prop_map(texts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_second_import_of_the_same_files_changes_nothing(files in words(7), before in words(4)) {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let mut world = World::default();
        for file in &before {
            world.import(&[file]);
        }
        world.import(&files);
        let events: Vec<Event> = world.events.iter().map(|(_, event)| event.clone()).collect();
        let done = world.import(&files);
        prop_assert!(done.acts.iter().all(|(_, act)| *act == "unchanged"), "{:?}\n{}", done.acts, done.said);
        prop_assert_eq!(events, world.events.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_files_does_not_matter(files in words(6), shuffle in any::<u64>()) {
        let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
        let one = World::after(&files);
        let by = files.len();
        for n in 0..by {
            files.swap(n, (shuffle >> (8 * n)) as usize % by);
        }
        let other = World::after(&files);
        prop_assert_eq!(one.keys(), other.keys());
        for key in one.keys() {
            let of = |world: &World| world.events.iter().find(|(_, e)| e.source.as_ref().unwrap().uid.as_deref() == Some(key)).unwrap().1.clone();
            prop_assert_eq!(of(&one), of(&other), "{}", key);
        }
    }
}
