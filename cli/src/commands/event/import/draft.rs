//! One event on its way through an import: as it is here, and as the files leave it.

use folkmoot_node::request::Item;
use folkmoot_schemas::records::event::{Event, SourceVersion, Status};

use super::{Act, Step, Subject};
use crate::{commands::event::imported, error::Result, ics::CalledOff, record};

/// An event as the files leave it.
#[derive(Debug)]
pub(super) struct Draft<'k> {
    /// In which order it came up.
    pub(super) place: usize,
    pub(super) here: Option<(&'k Item, &'k Event)>,
    pub(super) now: Event,
    /// It was planned here: the file is an echo.
    pub(super) echo: bool,
    /// What the files have that it does not.
    pub(super) said: Vec<String>,
    /// What it has that the files do not.
    pub(super) left: Vec<String>,
    /// It is one of the dates of its series now, and goes.
    pub(super) replaced: bool,
    /// A file says something else of it, and is older; and one does that is not.
    pub(super) older: bool,
    pub(super) current: bool,
}

/// Of a word about one date.
pub(super) fn passed_over(date: &str) -> String {
    format!("what a file says of {date} is older than what is here, and changes nothing")
}

/// Of all that it follows.
pub(super) fn version(event: &Event) -> Option<SourceVersion> {
    event.source.as_ref().and_then(|source| source.version)
}

/// But for when and in which version it was read: that alone is no news.
fn is_same(old: &Event, new: &Event) -> bool {
    let mut new = new.clone();
    if let (Some(source), Some(old)) = (&mut new.source, &old.source) {
        (source.fetched, source.version) = (old.fetched, old.version);
        source.dates.clone_from(&old.dates);
    }
    new == *old
}

impl Draft<'_> {
    pub(super) fn version(&self) -> Option<SourceVersion> {
        version(&self.now)
    }

    /// Is it as a file says it is?
    pub(super) fn is_current(&self) -> bool {
        self.here.is_none() || self.current
    }

    /// What a message called off is on again only by a newer word: calendars that never count say the same for ever. What
    /// was called off here is not the message's.
    pub(super) fn stays_off(&self, new: &Event) -> bool {
        let by_message = self.version().filter(|held| held.message && !imported::has_own_status(&self.now));
        let off = self.now.status == Status::Cancelled && new.status != Status::Cancelled;
        off && by_message.zip(version(new)).is_some_and(|(held, word)| !held.is_older_than(word))
    }

    /// Follows what a file says, unless that is older than what is here. True: something is another way now.
    pub(super) fn take(&mut self, new: &Event, older: bool) -> bool {
        let (next, left) = imported::merge(&self.now, new);
        if older {
            self.older |= next.is_some();
            return false;
        }
        self.current = true;
        let (next, left) = match next {
            Some(next) if !record::fits(next.clone()) => {
                (None, Some("stays as it is: with what the file says now it would be too long".into()))
            }
            next => (next, left),
        };
        left.into_iter().for_each(|left| self.leave(left));
        let changed = next.is_some();
        match (next, &mut self.now.source, &new.source) {
            (Some(next), ..) => self.now = next,
            // No news, but what comes after it in this import is measured by it.
            (None, Some(source), Some(new)) => {
                source.version = new.version;
                source.dates.clone_from(&new.dates);
            }
            _ => {}
        }
        changed
    }

    /// Says once what stays as it is here: a cancellation may be weighed before single dates and after them.
    pub(super) fn leave(&mut self, said: String) {
        if !self.left.contains(&said) {
            self.left.push(said);
        }
    }

    /// One's own words about it stay.
    pub(super) fn call_off(&mut self, new: &Event, off: &CalledOff, older: bool) {
        let own = imported::has_own_note(&self.now);
        self.take(new, older);
        if older || self.now.status != Status::Cancelled {
            return;
        }
        if own {
            imported::mark_note(&mut self.now);
        }
        let Some(note) = off.note.as_ref().filter(|note| self.now.status_note.as_ref() != Some(note)) else { return };
        match own {
            true => self.leave(format!("its note stays as set here; the message says: {note}")),
            false => self.now.status_note = Some(note.clone()),
        }
    }

    /// A word about one date is older than what is here.
    pub(super) fn pass_over(&mut self, new: &Event, date: &str) {
        if imported::merge(&self.now, new).0.is_some() {
            self.leave(passed_over(date));
        }
    }

    /// What is to be done.
    pub(super) fn step(mut self, key: String) -> Result<Step> {
        let (lost, left) = (self.said.len(), self.left);
        let step = |act, said: Vec<String>, event: Event, draft| Step {
            act,
            said,
            lost,
            held: self.here.map(|(item, _)| (item.uri.clone(), item.short.clone())),
            subject: Subject::Event { key: key.clone(), event: Box::new(event) },
            draft,
        };
        let Some((item, base)) = self.here else {
            // Nobody has seen what led to it.
            (self.now.sequence, self.now.all_since) = (0, None);
            (self.now.previous, self.now.dates_since) = (Vec::new(), Vec::new());
            let draft = Some(record::draft("event", self.now.clone())?);
            self.said.extend(left);
            return Ok(step(Act::Added, self.said, self.now, draft));
        };
        if self.replaced {
            return Ok(step(Act::Replaced, left, self.now, None));
        }
        self.now.follow(base);
        if self.echo || is_same(base, &self.now) {
            let mut left = left;
            if self.older && !self.current {
                left.push("the file has an older version of it than the one here, and changes nothing".into());
            }
            return Ok(step(Act::Unchanged, left, self.now, None));
        }
        self.said.extend(left);
        let draft = Some(record::redraft("event", item, self.now.clone())?);
        Ok(step(Act::Changed, self.said, self.now, draft))
    }
}
