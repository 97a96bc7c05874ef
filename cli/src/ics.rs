//! Reads foreign calendars (RFC 5545, with calcard as the parser) into events of ours.
//!
//! Promise: nothing is silently lost. What an event cannot keep is said beside it; an event that cannot be kept at all is
//! said with its reason. The same file gives the same keys, so that a second import finds what the first one made.

mod days;
mod fields;
mod html;
mod message;
mod offsets;
mod rule;
mod series;
mod shape;
mod time;

use std::collections::HashMap;

use calcard::{
    Entry as Parsed, Parser,
    icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarMethod, ICalendarProperty},
};
use folkmoot_schemas::{derive, records::event::Event};

use crate::{
    error::{Error, Result},
    output::count,
};

pub(crate) use message::{Answered, CalledOff};
pub(crate) use time::alike;

/// Bytes of a calendar file.
pub(crate) const FILE: usize = 16 * 1024 * 1024;
/// Events of a file, and events made from it.
pub(crate) const EVENTS: usize = 10_000;

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
    /// Goes into `source.uid`: the file's UID, with `#<date>` for a date that had to become an event of its own.
    pub(crate) key: String,
    pub(crate) event: Event,
    /// The file's own count of changes: of two versions the higher one is the newer.
    pub(crate) sequence: i64,
    pub(crate) said: Vec<String>,
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
    pub(crate) entries: Vec<Entry>,
    /// Answers by mail, of a REPLY.
    pub(crate) answers: Vec<Answered>,
    pub(crate) called_off: Vec<CalledOff>,
    pub(crate) skipped: Vec<Skipped>,
    /// About the file as a whole.
    pub(crate) said: Vec<String>,
    /// Rules that were worked out date by date.
    rules: usize,
    /// Days over which they were followed.
    days: i64,
}

impl Reading {
    fn bounded(&self) -> Result<()> {
        if self.entries.len() + self.skipped.len() + self.answers.len() + self.called_off.len() <= EVENTS {
            return Ok(());
        }
        Err(Error::refused(format!("could not import: that is more than {EVENTS} events"))
            .hint("import it in parts, or export a shorter span of time"))
    }

    /// Takes what another file says as well. Where both have the same event, the newer version stays.
    pub(crate) fn and(&mut self, other: Self) -> Result<()> {
        let mut at: HashMap<String, usize> = self.entries.iter().enumerate().map(|(n, e)| (e.key.clone(), n)).collect();
        for mut entry in other.entries {
            match at.get(&entry.key).and_then(|n| self.entries.get_mut(*n)) {
                Some(held) => {
                    let newer = entry.sequence >= held.sequence;
                    if newer {
                        std::mem::swap(held, &mut entry);
                    }
                    if held.event != entry.event {
                        time::say(&mut held.said, "it is in several files: the newest version is kept".into());
                    }
                }
                None => {
                    at.insert(entry.key.clone(), self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
        self.answers.extend(other.answers);
        self.called_off.extend(other.called_off);
        self.skipped.extend(other.skipped);
        other.said.into_iter().for_each(|said| time::say(&mut self.said, said));
        self.bounded()
    }
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
    match message::method(calendar) {
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
        series::take(group, calendar, &zones, context, reading);
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
