//! Reads foreign calendars (RFC 5545, with calcard as the parser) into events of ours.
//!
//! Promise: nothing is silently lost. What an event cannot keep is said beside it; an event that cannot be kept at all is
//! said with its reason. The same file gives the same keys, so that a second import finds what the first one made.

mod changes;
mod days;
mod fields;
mod html;
pub(crate) mod key;
mod message;
mod offsets;
mod rule;
mod series;
mod shape;
mod time;
mod version;

use std::collections::HashMap;

use calcard::{
    Entry as Parsed, Parser,
    icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarMethod, ICalendarProperty},
};
use folkmoot_schemas::{
    derive, limits,
    records::event::{Event, SourceVersion},
    when::Start,
};

use crate::{
    error::{Error, Result},
    output::count,
};

pub(crate) use changes::differs;
pub(crate) use message::{Answered, CalledOff};
pub(crate) use time::alike;
use version::Newest;
pub(crate) use version::{Word, rank};

/// What the file cannot say itself.
#[derive(Debug)]
pub(crate) struct Context {
    /// Of times without a zone.
    pub(crate) zone: String,
    /// Seconds since 1970: single dates of rules we cannot keep are taken around it.
    pub(crate) now: i64,
}

/// An event of ours, and what of the original it does not hold.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Goes into `source.uid` (see [`key`]).
    pub(crate) key: String,
    pub(crate) event: Event,
    pub(crate) said: Vec<String>,
}

/// What a file says of a UID: an event or a series, and dates beside it that had to become events of their own.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) uid: String,
    pub(crate) version: SourceVersion,
    /// Its rule is none of ours, so that there are only single dates.
    pub(crate) taken_apart: bool,
    pub(crate) entries: Vec<Entry>,
}

impl Whole {
    fn says_the_same(&self, other: &Self) -> bool {
        let same = |(a, b): (&Entry, &Entry)| {
            let b = Event { source: a.event.source.clone(), ..b.event.clone() };
            a.event == b
        };
        self.entries.len() == other.entries.len() && self.entries.iter().zip(&other.entries).all(same)
    }
}

impl Word for Whole {
    fn about(&self) -> String {
        self.uid.clone()
    }
    fn version(&self) -> SourceVersion {
        self.version
    }
    fn says(&self) -> String {
        format!("{:?}", self.entries.iter().map(|entry| &entry.event).collect::<Vec<_>>())
    }
}

/// One date of a series that is not in the file itself.
#[derive(Debug)]
pub(crate) struct Dated {
    pub(crate) uid: String,
    /// Which date, in whatever form and zone the file has it.
    pub(crate) at: Start,
    /// It as an event of its own.
    pub(crate) own: Event,
    pub(crate) version: SourceVersion,
    pub(crate) said: Vec<String>,
}

impl Word for Dated {
    fn about(&self) -> String {
        format!("{}\n{}", message::moment(Some(&self.at)), self.uid)
    }
    fn version(&self) -> SourceVersion {
        self.version
    }
    fn says(&self) -> String {
        format!("{:?} {:?}", self.at, self.own)
    }
}

/// An event that could not be kept.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) why: String,
}

#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) events: Newest<Whole>,
    /// Of all of them.
    entries: usize,
    pub(crate) dates: Newest<Dated>,
    /// Answers by mail, of a REPLY.
    pub(crate) answers: Newest<Answered>,
    pub(crate) called_off: Newest<CalledOff>,
    pub(crate) skipped: Vec<Skipped>,
    /// About the files as a whole.
    pub(crate) said: Vec<String>,
    /// Rules that were worked out date by date.
    rules: usize,
    /// Days over which they were followed.
    days: i64,
}

impl Reading {
    fn bounded(&self) -> Result<()> {
        let words = self.entries + self.dates.len() + self.answers.len() + self.called_off.len();
        if words + self.skipped.len() <= limits::CALENDAR_EVENTS {
            return Ok(());
        }
        Err(Error::refused(format!("could not import: that is more than {} events", limits::CALENDAR_EVENTS))
            .hint("import it in parts, or export a shorter span of time"))
    }

    fn event(&mut self, whole: Whole) {
        self.entries += whole.entries.len();
        self.entries -= chosen(self.events.push(whole));
    }

    /// Takes what another file says as well. Where both have the same thing, the newer word stays.
    pub(crate) fn and(&mut self, other: Self) -> Result<()> {
        for whole in other.events {
            self.entries += whole.entries.len();
            self.entries -= chosen(self.events.join(whole));
        }
        other.dates.into_iter().for_each(|dated| drop(self.dates.join(dated)));
        other.answers.into_iter().for_each(|answer| drop(self.answers.join(answer)));
        other.called_off.into_iter().for_each(|off| drop(self.called_off.join(off)));
        self.skipped.extend(other.skipped);
        other.said.into_iter().for_each(|said| time::say(&mut self.said, said));
        self.bounded()
    }
}

/// Says of an event that there was another version, where it was another. How many entries go with that.
fn chosen(two: Option<(&mut Whole, Whole)>) -> usize {
    let Some((held, other)) = two else { return 0 };
    if !held.says_the_same(&other) {
        let note = match version::rank(held.version) == version::rank(other.version) {
            true => "there are several versions of it, and nothing tells which is the newest: import that one alone",
            false => "there are several versions of it: the newest is kept",
        };
        held.entries.iter_mut().for_each(|entry| time::say(&mut entry.said, note.into()));
    }
    other.entries.len()
}

/// The components that share a UID: an event or series, and changes to single dates of it.
#[derive(Debug, Default)]
struct Group<'a> {
    uid: String,
    masters: Vec<&'a ICalendarComponent>,
    changes: Vec<&'a ICalendarComponent>,
}

pub(crate) fn read(text: &str, context: &Context) -> Result<Reading> {
    shape::check(text)?;
    let mut reading = Reading::default();
    let mut parser = Parser::new(text);
    loop {
        match parser.entry() {
            Parsed::ICalendar(calendar) => take(&calendar, context, &mut reading)?,
            Parsed::Eof => break,
            // Cards between calendars, or lines that are none.
            _ => time::say(&mut reading.said, "parts of the file are not calendar data and were left out".into()),
        }
    }
    Ok(reading)
}

fn take(calendar: &ICalendar, context: &Context, reading: &mut Reading) -> Result<()> {
    let mut zones = time::Zones::of(calendar, context);
    reading.said.append(&mut zones.said);
    let method = message::method(calendar);
    match method {
        None | Some(ICalendarMethod::Publish | ICalendarMethod::Request) => {}
        Some(method) => {
            message::take(method, calendar, &zones, reading);
            return Ok(());
        }
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut by_uid: HashMap<String, usize> = HashMap::new();
    let mut others = 0;
    for component in &calendar.components {
        match component.component_type {
            ICalendarComponentType::VEvent => {
                let uid = uid(component);
                let at = *by_uid.entry(uid.clone()).or_insert_with(|| {
                    groups.push(Group { uid, ..Group::default() });
                    groups.len() - 1
                });
                match component.has_property(&ICalendarProperty::RecurrenceId) {
                    true => groups[at].changes.push(component),
                    false => groups[at].masters.push(component),
                }
            }
            ICalendarComponentType::VTodo | ICalendarComponentType::VJournal | ICalendarComponentType::VFreebusy => {
                others += 1
            }
            _ => {}
        }
    }
    if others > 0 {
        let what = count(others, "task or journal entry was", "tasks or journal entries were");
        time::say(&mut reading.said, format!("{what} left out: only events are taken over"));
    }
    for group in &groups {
        series::take(group, calendar, &zones, context, method == Some(&ICalendarMethod::Request), reading);
        // One rule can become hundreds of events, each with its own texts.
        reading.bounded()?;
    }
    Ok(())
}

/// The file's own key, or one derived from what makes an event recognisable when it has none or an unusable one.
fn uid(component: &ICalendarComponent) -> String {
    let given = component.uid().map(fields::one_line).unwrap_or_default();
    if !given.is_empty() && given.chars().count() <= 400 {
        return given;
    }
    let name = fields::text(component, &ICalendarProperty::Summary).unwrap_or_default();
    let start =
        component.property(&ICalendarProperty::Dtstart).and_then(|e| e.values.first()).map(|v| format!("{v:?}"));
    format!("no-uid-{}", derive::id(&[Some(&given), Some(&name), start.as_deref()], 26))
}

#[cfg(test)]
mod tests;
