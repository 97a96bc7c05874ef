//! What becomes of all that the files say, before anything is published.
//!
//! Everything about one UID is judged together, as RFC 5546 §2.1.5 has it: of events, changes to single dates and
//! cancellations the newest counts, also against what an earlier import brought (`source.version`, `source.dates`). So the
//! order of files does not matter, and a file that was imported before changes nothing.

use std::collections::{BTreeMap, HashMap};

use folkmoot_node::request::Item;
use folkmoot_schemas::records::event::{Event, Status};

use super::{
    Step, dates,
    draft::{Draft, version},
    known::{Held, Known, Was},
    replace::InUse,
};
use crate::{
    error::Result,
    ics::{CalledOff, Entry, Reading, Skipped, Whole, Word as _, key, rank},
    output::count,
};
use singles::Singles;

mod singles;

pub(super) struct Plan<'k> {
    pub(super) known: &'k Known,
    /// Take what is older, too.
    pub(super) older_too: bool,
    pub(super) drafts: BTreeMap<String, Draft<'k>>,
    /// By UID.
    singles: HashMap<String, Singles>,
    skipped: Vec<Skipped>,
    waiting: Vec<CalledOff>,
    /// What the files have and was deleted here, by its key: its name, and in words what it was.
    deleted: BTreeMap<&'k str, (&'k str, String)>,
}

/// What is to be done.
pub(super) struct Planned {
    pub(super) steps: Vec<Step>,
    /// Cancellations of what is not here.
    pub(super) waiting: Vec<CalledOff>,
}

/// What is to be done for events. What cannot be done goes to what was skipped.
pub(super) fn plan(reading: &mut Reading, known: &Known, older_too: bool, is_in_use: InUse<'_>) -> Result<Planned> {
    let mut plan = Plan {
        known,
        older_too,
        drafts: BTreeMap::new(),
        singles: HashMap::new(),
        skipped: Vec::new(),
        waiting: Vec::new(),
        deleted: BTreeMap::new(),
    };
    let (mut whole, single): (Vec<_>, Vec<_>) = reading.called_off.iter().partition(|off| off.at.is_none());
    // What does not say how new it is counts as what is there by then.
    whole.sort_by_key(|off| (off.sequence.is_none(), off.stamp.is_none(), rank(off.version())));
    let mut before: HashMap<&str, Vec<&CalledOff>> = HashMap::new();
    for off in whole.iter().filter(|off| off.sequence.is_some() && off.stamp.is_some()) {
        before.entry(&off.uid).or_default().push(off);
    }
    for whole in reading.events.iter() {
        // An older cancellation comes first: what is here may not say itself how new it is.
        for off in before.get(whole.uid.as_str()).into_iter().flatten() {
            if rank(off.version()) < rank(whole.version) && !plan.keys(&whole.uid).is_empty() {
                plan.call_off(off);
            }
        }
        if plan.whole(whole) {
            plan.replace(whole, is_in_use)?;
        }
    }
    // Before single dates, which are judged by it; and after them, since they may have come just now.
    for off in &whole {
        if !plan.keys(&off.uid).is_empty() {
            plan.call_off(off);
        }
    }
    plan.dates(&reading.dates, &single);
    whole.into_iter().for_each(|off| plan.call_off(off));
    for (key, (name, why)) in plan.deleted.clone() {
        plan.skip(key, name, why);
    }
    reading.skipped.append(&mut plan.skipped);
    let waiting = std::mem::take(&mut plan.waiting);
    Ok(Planned { steps: plan.steps(&mut reading.said)?, waiting })
}

impl<'k> Plan<'k> {
    fn skip(&mut self, key: &str, name: &str, why: impl Into<String>) {
        self.skipped.push(Skipped { key: key.to_owned(), name: name.to_owned(), why: why.into() });
    }

    /// The draft of a key that is ours.
    pub(super) fn draft(&mut self, key: &str) -> Option<&mut Draft<'k>> {
        if !self.drafts.contains_key(key) {
            let Held::Imported(item, event) = self.known.get(key) else { return None };
            self.start(key, Some((item, event)), event.clone(), Vec::new());
        }
        self.drafts.get_mut(key).filter(|draft| !draft.echo)
    }

    /// The series of a key that is ours, as it is planned until now.
    fn series(&self, key: &str) -> Option<&Event> {
        let event = match (self.drafts.get(key), self.known.get(key)) {
            (Some(draft), _) if !draft.echo => &draft.now,
            (None, Held::Imported(_, event)) => event,
            _ => return None,
        };
        event.recur.is_some().then_some(event)
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
        let (uid, _) = key::parts(key);
        if now.recur.is_none()
            && let Some(singles) = self.singles.get_mut(uid)
        {
            singles.named.extend(dates::names(key, &now).map(|name| (name, key.to_owned())));
        }
        let draft = Draft { place, here, now, echo: false, said, left, replaced: false, older: false, current: false };
        self.drafts.insert(key.to_owned(), draft);
    }

    /// Keys of what is here of a UID, or will be.
    pub(super) fn keys(&self, uid: &str) -> Vec<String> {
        let new = key::all_of(uid, &self.drafts).into_iter().filter(|key| !self.drafts[*key].echo);
        let mut keys: Vec<String> = self.known.imported(uid).into_iter().chain(new).map(ToOwned::to_owned).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// An older version of an event brings back none of the dates that a newer one replaced. False: it is older.
    fn whole(&mut self, whole: &Whole) -> bool {
        let keys = self.keys(&whole.uid);
        let held = keys.iter().filter_map(|key| version(self.known.event(key)?));
        let older = !self.older_too && held.into_iter().any(|held| whole.version.is_older_than(held));
        for entry in &whole.entries {
            if !older || !matches!(self.known.get(&entry.key), Held::Nothing) {
                self.follow(entry);
            } else if let Some(draft) = keys.first().and_then(|key| self.draft(key)) {
                draft.older = true;
            }
        }
        !older
    }

    /// Makes an event follow what its file says now.
    fn follow(&mut self, entry: &Entry) {
        match self.known.get(&entry.key) {
            _ if self.drafts.contains_key(&entry.key) => {}
            Held::Nothing => return self.start(&entry.key, None, entry.event.clone(), entry.said.clone()),
            Held::Deleted(..) if self.known.is_another(&entry.key, &entry.event) => {
                return self.start(&entry.key, None, entry.event.clone(), entry.said.clone());
            }
            Held::Deleted(key, was) => {
                return self.stay_away(key, was, Some(&entry.event).filter(|_| key == entry.key));
            }
            Held::Here(item, event) => return self.echo(&entry.key, item, event),
            Held::Theirs(item) => {
                let why = format!("{} imported it already ({})", item.author, item.short);
                return self.skip(&entry.key, &entry.event.name, why);
            }
            Held::Imported(..) => {}
        }
        let older_too = self.older_too;
        let Some(draft) = self.draft(&entry.key) else { return };
        if let Some(new) = dates::stands_alone(&draft.now, &entry.event) {
            draft.take(&new, false);
            return;
        }
        let new = dates::kept(&draft.now, &entry.event);
        let older = match draft.now.recur.is_none() && new.recur.is_none() {
            true => dates::is_older_single(&draft.now, &entry.event),
            false => draft.version().zip(version(&new)).is_some_and(|(held, word)| word.is_older_than(held)),
        };
        if !older && !older_too && draft.stays_off(&new) {
            let note =
                "a message called it off, and nothing tells that the file is newer: it stays off (--older has it on)";
            return draft.leave(note.into());
        }
        if draft.take(&new, older && !older_too) {
            draft.said.extend(entry.said.iter().cloned());
        }
    }

    /// It was deleted here.
    fn stay_away(&mut self, key: &'k str, was: &'k Was, now: Option<&Event>) {
        self.deleted.entry(key).or_insert_with(|| (was.name(), was.in_words(now)));
    }

    /// All that is here of an event is off.
    fn call_off(&mut self, off: &CalledOff) {
        let keys = self.keys(&off.uid);
        if keys.is_empty() {
            return self.not_here(off);
        }
        let older_too = self.older_too;
        for key in keys {
            let Some(draft) = self.draft(&key) else { continue };
            let dated = draft.now.source.as_ref().and_then(|source| source.dates.first()).map(|date| date.version);
            let held = draft.version().or(dated.filter(|_| draft.now.recur.is_none()));
            let version = off.beside(held);
            let older = held.is_some_and(|held| version.is_older_than(held)) && !older_too;
            let mut new = Event { status: Status::Cancelled, ..draft.now.clone() };
            if let Some(source) = &mut new.source {
                source.version = Some(version);
            }
            draft.call_off(&new, off, older);
        }
    }

    /// Nothing is here that this calls off, now.
    fn not_here(&mut self, off: &CalledOff) {
        let why = match self.known.get(&key::whole(&off.uid)) {
            Held::Here(..) => "it was planned here: call it off with moot event cancel".into(),
            Held::Theirs(item) => format!("{} imported it, and calls it off", item.author),
            Held::Deleted(key, was) => return self.stay_away(key, was, None),
            Held::Nothing | Held::Imported(..) => {
                let has_others = !self.keys(&off.uid).is_empty();
                self.waiting.push(off.clone());
                match has_others {
                    true => "it has no such date here; should that come, it comes called off".into(),
                    false => "it is not here; should it come, it comes called off".into(),
                }
            }
        };
        if off.since.is_none() {
            self.skip(&off.uid, &off.name, why);
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
        let deleted = self.deleted.len();
        let again = ": --again=NAME brings it back, and --again all that were deleted";
        match deleted {
            0 => {}
            1 => said.push(format!("1 event was deleted here, and stays away{again}")),
            n => said.push(format!("{n} events were deleted here, and stay away{}", again.replace("it", "one"))),
        }
        let older = drafts.iter().filter(|(_, draft)| draft.older && !draft.current).count();
        tell(older, said, "here in a newer version than the files have", " (--older takes the older one)");
        drafts.into_iter().map(|(key, draft)| draft.step(key)).collect()
    }
}
