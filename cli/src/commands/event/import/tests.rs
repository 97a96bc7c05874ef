//! Imports one after the other, without a node: what each makes of what those before it left.

use folkmoot_node::request::{Item, May};
use folkmoot_schemas::{
    Uri,
    block::{RAW, cid_of},
    kind::Kind,
    records::event::{Event, Status},
    recur,
    when::Start,
};

use super::{
    Act, Step, Subject,
    known::Known,
    memory::Memory,
    plan::{Planned, plan},
};
use crate::ics::{self, Context, Reading};

mod answers;
mod cancelled;
mod dates;
mod deleted;
mod order;

const ME: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
/// 2026-11-24T12:00Z.
const NOW: i64 = 1_795_521_600;

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

impl Default for World {
    fn default() -> Self {
        Self { events: Vec::new(), answered: Vec::new(), memory: Memory::new(&[1; 32], NOW), next: 0 }
    }
}

impl World {
    fn import_as(&mut self, files: &[&str], older: bool) -> Done {
        self.import_with(files, older, None)
    }

    fn import_with(&mut self, files: &[&str], older: bool, again: Option<&str>) -> Done {
        let context = Context { zone: "Europe/Berlin".into(), now: self.memory.now };
        let mut reading = Reading::default();
        for file in files {
            reading.and(ics::read(file, &context).unwrap()).unwrap();
        }
        let mut known = Known::of(ME.into(), self.events.clone()).unwrap();
        let again: Vec<String> = again.map(ToOwned::to_owned).into_iter().collect();
        let unknown = known.miss(self.memory.made(), self.memory.now, &again);
        assert!(unknown.is_empty(), "{unknown:?}");
        let answered = |item: &Item| Ok(self.answered.contains(&item.uri));
        self.memory.bring(&mut reading);
        let Planned { steps, waiting } = plan(&mut reading, &known, older, &answered).unwrap();
        self.memory.wait(waiting);
        self.memory.note(&known, &steps);
        let said = steps.iter().flat_map(|step| step.said.clone()).chain(reading.said);
        let said = said
            .chain(reading.skipped.iter().map(|skipped| format!("{}: {}", skipped.name, skipped.why)))
            .collect::<Vec<_>>()
            .join("\n");
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
