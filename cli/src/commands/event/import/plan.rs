//! What becomes of all that the files say, before anything is published.
//!
//! Everything about one UID is judged together, as RFC 5546 §2.1.5 has it: of events, changes to single dates and
//! cancellations the newest counts, also against what an earlier import brought (`source.version`, `source.dates`). So the
//! order of files does not matter, and a file that was imported before changes nothing.

use std::collections::BTreeMap;

use folkmoot_node::request::Item;
use folkmoot_schemas::{
    records::event::{Event, SourceVersion, Status},
    recur,
};

use super::{
    Act, Step, Subject, dates,
    known::{Held, Known},
};
use crate::{
    commands::event::imported,
    error::Result,
    ics::{CalledOff, Dated, Entry, Reading, Skipped, alike, key},
    output::count,
    record,
};

/// An event as the files leave it.
#[derive(Debug)]
struct Draft<'k> {
    /// In which order it came up.
    place: usize,
    here: Option<(&'k Item, &'k Event)>,
    now: Event,
    /// It was planned here: the file is an echo.
    echo: bool,
    /// What the files have that it does not.
    said: Vec<String>,
    /// What it has that the files do not.
    left: Vec<String>,
    /// A file says something else of it, and is older; and one does that is not.
    older: bool,
    current: bool,
}

pub(super) struct Plan<'k> {
    known: &'k Known,
    /// Take what is older, too.
    older_too: bool,
    drafts: BTreeMap<String, Draft<'k>>,
    skipped: Vec<Skipped>,
}

/// What is to be done for events. What cannot be done goes to what was skipped.
pub(super) fn plan(reading: &mut Reading, known: &Known, older_too: bool) -> Result<Vec<Step>> {
    let mut plan = Plan { known, older_too, drafts: BTreeMap::new(), skipped: Vec::new() };
    for whole in reading.events.iter() {
        for entry in &whole.entries {
            plan.follow(entry, whole.message);
        }
    }
    let (whole, single): (Vec<_>, Vec<_>) = reading.called_off.iter().partition(|off| off.at.is_none());
    for off in whole {
        plan.call_off(off);
    }
    plan.dates(&reading.dates, &single);
    reading.skipped.append(&mut plan.skipped);
    plan.steps(&mut reading.said)
}

impl<'k> Plan<'k> {
    fn skip(&mut self, key: &str, name: &str, why: impl Into<String>) {
        self.skipped.push(Skipped { key: key.to_owned(), name: name.to_owned(), why: why.into() });
    }

    /// The draft of a key that is ours.
    fn draft(&mut self, key: &str) -> Option<&mut Draft<'k>> {
        if !self.drafts.contains_key(key) {
            let Held::Imported(item, event) = self.known.get(key) else { return None };
            self.start(key, Some((item, event)), event.clone(), Vec::new());
        }
        self.drafts.get_mut(key).filter(|draft| !draft.echo)
    }

    /// What was planned here, and comes back in a file.
    fn echo(&mut self, key: &str, item: &'k Item, event: &'k Event) {
        if !self.drafts.contains_key(key) {
            self.start(key, Some((item, event)), event.clone(), Vec::new());
            self.drafts.entry(key.to_owned()).and_modify(|draft| draft.echo = true);
        }
    }

    fn start(&mut self, key: &str, here: Option<(&'k Item, &'k Event)>, now: Event, said: Vec<String>) {
        let (place, left) = (self.drafts.len(), Vec::new());
        let draft = Draft { place, here, now, echo: false, said, left, older: false, current: false };
        self.drafts.insert(key.to_owned(), draft);
    }

    /// Keys of what is here of a UID, or will be.
    fn keys(&self, uid: &str) -> Vec<String> {
        let whole = key::whole(uid);
        let new = self.drafts.range(whole.clone()..).filter(|(_, draft)| !draft.echo).map(|(key, _)| key.as_str());
        let new = new.take_while(|key| key.starts_with(&whole)).filter(|key| key::parts(key).0 == uid);
        let mut keys: Vec<String> = self.known.imported(uid).into_iter().chain(new).map(ToOwned::to_owned).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Makes an event follow what its file says now.
    fn follow(&mut self, entry: &Entry, message: bool) {
        match self.known.get(&entry.key) {
            _ if self.drafts.contains_key(&entry.key) => {}
            Held::Nothing => return self.start(&entry.key, None, entry.event.clone(), entry.said.clone()),
            Held::Here(item, event) => return self.echo(&entry.key, item, event),
            Held::Theirs(item) => {
                let why = format!("{} imported it already ({})", item.author, item.short);
                return self.skip(&entry.key, &entry.event.name, why);
            }
            Held::Imported(..) => {}
        }
        let older_too = self.older_too;
        let Some(draft) = self.draft(&entry.key) else { return };
        let new = dates::kept(&draft.now, &entry.event, message);
        let older = draft.version().zip(version(&new)).is_some_and(|(held, word)| {
            // What was called off is not on again by the invitation that the message called off.
            let called_off = message && draft.now.status == Status::Cancelled && word.stamp.is_some();
            word.is_older_than(held) || (called_off && word == held)
        });
        if draft.take(&new, older && !older_too) {
            draft.said.extend(entry.said.iter().cloned());
        }
    }

    /// All that is here of an event is off.
    fn call_off(&mut self, off: &CalledOff) {
        let keys = self.keys(&off.uid);
        if keys.is_empty() {
            return self.not_ours(&off.uid, &off.name);
        }
        let older_too = self.older_too;
        for key in keys {
            let Some(draft) = self.draft(&key) else { continue };
            let mut new = draft.now.clone();
            new.status = Status::Cancelled;
            draft.call_off(new, off, older_too);
        }
    }

    fn not_ours(&mut self, uid: &str, name: &str) {
        let why = match self.known.get(&key::whole(uid)) {
            Held::Here(..) => "it was planned here: call it off with moot event cancel".into(),
            Held::Theirs(item) => format!("{} imported it, and calls it off", item.author),
            Held::Nothing | Held::Imported(..) => "it is not here, so there is nothing to call off".into(),
        };
        self.skip(uid, name, why);
    }

    /// Single dates that are changed or called off, the oldest word first.
    fn dates(&mut self, changed: &[Dated], off: &[&CalledOff]) {
        enum Word<'r> {
            Changed(&'r Dated),
            Off(&'r CalledOff),
        }
        let changed = changed.iter().map(|dated| (dated.version, Word::Changed(dated)));
        let mut words: Vec<_> = changed.chain(off.iter().map(|off| (off.beside(None), Word::Off(off)))).collect();
        words.sort_by_key(|(version, _)| (version.sequence, version.stamp));
        for (_, word) in words {
            match word {
                Word::Changed(dated) => self.change_date(dated),
                Word::Off(off) => self.call_off_date(off),
            }
        }
    }

    /// One date of a series that another file has, or had.
    fn change_date(&mut self, dated: &Dated) {
        let older_too = self.older_too;
        let whole = key::whole(&dated.uid);
        if let Some(series) = self.draft(&whole).filter(|draft| dates::is_of(&draft.now, &dated.at)) {
            let (new, said) = dates::changed(&series.now, dated);
            let older = dates::is_older(&series.now, &dated.at, dated.version) && !older_too;
            match older {
                true => series.pass_over(&new, &dated.at.text()),
                false if series.take(&new, false) => series.said.extend(said),
                false => {}
            }
            return;
        }
        match self.known.get(&whole) {
            Held::Here(item, event) => return self.echo(&whole, item, event),
            Held::Theirs(item) => {
                let why = format!("{} imported its series ({})", item.author, item.short);
                return self.skip(&whole, &dated.own.name, why);
            }
            _ => {}
        }
        let single = self.keys(&dated.uid).into_iter().find(|key| {
            let now = self.drafts.get(key).map(|draft| &draft.now);
            now.or_else(|| self.known.event(key)).is_some_and(|event| dates::is_single(key, event, &dated.at))
        });
        let key = single.unwrap_or_else(|| key::of_date(&dated.uid, &dated.at));
        let mut event = dated.own.clone();
        if let Some(source) = &mut event.source {
            source.uid = Some(key.clone());
        }
        let mut said = dated.said.clone();
        said.push(match self.drafts.contains_key(&whole) || self.known.event(&whole).is_some() {
            true => "a changed date that its series does not have, kept as an event of its own".into(),
            false => "its series is not here: kept as a single date".into(),
        });
        self.follow(&Entry { key, event, said }, true);
    }

    fn call_off_date(&mut self, off: &CalledOff) {
        let Some(at) = &off.at else { return };
        let keys = self.keys(&off.uid);
        if keys.is_empty() {
            return self.not_ours(&off.uid, &off.name);
        }
        let (older_too, mut found) = (self.older_too, false);
        for key in keys {
            let Some(draft) = self.draft(&key) else { continue };
            if draft.now.recur.is_none() {
                if dates::is_single(&key, &draft.now, at) {
                    found = true;
                    let new = Event { status: Status::Cancelled, ..draft.now.clone() };
                    draft.call_off(new, off, older_too);
                }
            } else if dates::is_of(&draft.now, at) {
                // One that was left out cannot be called off.
                let date = alike(at, &draft.now.start);
                found |= recur::has(&draft.now, &date);
                if recur::has(&draft.now, &date) {
                    let version = off.beside(dates::version(&draft.now, at).or(draft.version()));
                    let new = dates::called_off(&draft.now, at, off.note.as_deref(), version);
                    match dates::is_older(&draft.now, at, version) && !older_too {
                        true => draft.pass_over(&new, &date.text()),
                        false => drop(draft.take(&new, false)),
                    }
                }
            }
        }
        if !found {
            self.skip(&off.uid, &off.name, "it has no such date here");
        }
    }

    /// In the order in which they came up.
    fn steps(self, said: &mut Vec<String>) -> Result<Vec<Step>> {
        let mut drafts: Vec<(String, Draft<'_>)> = self.drafts.into_iter().collect();
        drafts.sort_by_key(|(_, draft)| draft.place);
        let tell = |n: usize, said: &mut Vec<String>, what: &str, rest: &str| {
            if n > 0 {
                said.push(format!("{} {what}", count(n as u64, "event is", "events are")) + rest);
            }
        };
        let copies = drafts.iter().filter(|(_, draft)| draft.echo).count();
        tell(copies, said, "exported from here, and stay as they are", ": change them with moot event edit");
        let older = drafts.iter().filter(|(_, draft)| draft.older && !draft.current).count();
        tell(older, said, "here in a newer version than the files have", " (--older takes the older one)");
        drafts.into_iter().map(|(key, draft)| draft.step(key)).collect()
    }
}

fn version(event: &Event) -> Option<SourceVersion> {
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
    fn version(&self) -> Option<SourceVersion> {
        version(&self.now)
    }

    /// Follows what a file says, unless that is older than what is here. True: something is another way now.
    fn take(&mut self, new: &Event, older: bool) -> bool {
        let (next, left) = imported::merge(&self.now, new);
        if older {
            self.older |= next.is_some();
            return false;
        }
        self.current = true;
        self.left.extend(left.filter(|left| !self.left.contains(left)));
        let changed = next.is_some();
        if let Some(next) = next {
            self.now = next;
        }
        changed
    }

    fn call_off(&mut self, mut new: Event, off: &CalledOff, older_too: bool) {
        let held = self.version();
        let version = off.beside(held);
        let older = held.is_some_and(|held| version.is_older_than(held)) && !older_too;
        if let Some(source) = &mut new.source {
            source.version = Some(version);
        }
        if self.take(&new, older) && self.now.status == Status::Cancelled {
            self.now.status_note = off.note.clone().or(self.now.status_note.take());
        }
    }

    /// A word about one date is older than what is here.
    fn pass_over(&mut self, new: &Event, date: &str) {
        if imported::merge(&self.now, new).0.is_some() {
            self.left.push(format!("what a file says of {date} is older than what is here, and changes nothing"));
        }
    }

    fn step(mut self, key: String) -> Result<Step> {
        let step = |act, said, event: Event, draft| Step {
            act,
            said,
            held: self.here.map(|(item, _)| (item.uri.clone(), item.short.clone())),
            subject: Subject::Event { key: key.clone(), event: Box::new(event) },
            draft,
        };
        let Some((item, base)) = self.here else {
            // Nobody has seen what led to it.
            (self.now.sequence, self.now.all_since) = (0, None);
            (self.now.previous, self.now.dates_since) = (Vec::new(), Vec::new());
            let draft = Some(record::draft("event", self.now.clone())?);
            self.said.append(&mut self.left);
            return Ok(step(Act::Added, self.said, self.now, draft));
        };
        self.now.follow(base);
        if self.echo || is_same(base, &self.now) {
            let mut left = self.left;
            if self.older && !self.current {
                left.push("the file has an older version of it than the one here, and changes nothing".into());
            }
            return Ok(step(Act::Unchanged, left, self.now, None));
        }
        self.said.append(&mut self.left);
        let draft = Some(record::redraft("event", item, self.now.clone())?);
        Ok(step(Act::Changed, self.said, self.now, draft))
    }
}
