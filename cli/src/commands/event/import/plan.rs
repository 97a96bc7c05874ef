//! What becomes of all that the files say, before anything is published.
//!
//! Everything about one UID is judged together, as RFC 5546 §2.1.5 has it: of events, changes to single dates and
//! cancellations the newest counts, also against what an earlier import brought (`source.version`, `source.dates`). So the
//! order of files does not matter, and a file that was imported before changes nothing.

use std::collections::{BTreeMap, HashMap};

use folkmoot_node::request::Item;
use folkmoot_schemas::{
    records::event::{Event, SourceVersion, Status},
    recur,
    when::Start,
};

use super::{
    Step, dates,
    draft::{Draft, passed_over, version},
    known::{Held, Known, Was},
    replace::{self, InUse},
};
use crate::{
    error::Result,
    ics::{CalledOff, Dated, Entry, Reading, Skipped, Whole, Word as _, alike, key, rank},
    output::count,
};

/// Events of one UID that stand for one date.
#[derive(Debug, Default)]
struct Singles {
    /// Their keys, by the names of the date.
    named: HashMap<String, String>,
    /// The newest word about all of the UID, and what it made of it.
    whole: Option<(SourceVersion, Status)>,
    /// An event of the UID.
    any: Option<String>,
}

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

    /// Single dates that are changed or called off, the oldest word first.
    fn dates(&mut self, changed: &[Dated], off: &[&CalledOff]) {
        enum Word<'r> {
            Changed(&'r Dated),
            Off(&'r CalledOff),
        }
        let of_date = |uid: &str, at: &Start| (dates::name_of(at), uid.to_owned());
        let versions: HashMap<_, _> = changed.iter().map(|d| (of_date(&d.uid, &d.at), d.version)).collect();
        let mut words: Vec<_> = changed.iter().map(|d| (rank(d.version), false, d.about(), Word::Changed(d))).collect();
        for off in off {
            let Some(at) = &off.at else { continue };
            let version = off.beside(versions.get(&of_date(&off.uid, at)).copied());
            words.push((rank(version), true, off.about(), Word::Off(off)));
        }
        words.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
        for (.., word) in words {
            match word {
                Word::Changed(dated) => self.change_date(dated),
                Word::Off(off) => self.call_off_date(off),
            }
        }
    }

    /// One date of a series that another file has, or had.
    fn change_date(&mut self, dated: &Dated) {
        let whole = key::whole(&dated.uid);
        let single = self.single(&dated.uid, &dated.at);
        let mut said = dated.said.clone();
        let key = match single {
            Some(key) => key,
            None if self.change_date_of(&whole, dated) => return,
            None if self.is_overruled(dated) => return,
            None => {
                said.push(match self.draft(&whole).is_some() {
                    true => "a changed date that its series does not have, kept as an event of its own".into(),
                    false => "its series is not here: kept as a single date".into(),
                });
                key::of_date(&dated.uid, &dated.at)
            }
        };
        let mut event = dated.own.clone();
        if let Some(here) = self.draft(&key) {
            // In its zone, or the date that its key names would be another one.
            event.start = alike(&event.start, &here.now.start);
        }
        if let Some(source) = &mut event.source {
            source.uid = Some(key.clone());
        }
        self.follow(&Entry { key, event, said });
    }

    /// Is there a newer word about all of the UID, which has no such date?
    fn is_overruled(&mut self, dated: &Dated) -> bool {
        let singles = self.singles(&dated.uid);
        let overruled = singles.whole.is_some_and(|(whole, status)| dates::gives_way(dated.version, whole, status));
        let any = singles.any.clone().filter(|_| overruled && !self.older_too);
        let Some(draft) = any.and_then(|key| self.draft(&key)) else { return false };
        draft.leave(passed_over(&dated.at.text()));
        true
    }

    /// The same of a series that is here, or of which is known why it is not followed. False: neither.
    fn change_date_of(&mut self, series: &str, dated: &Dated) -> bool {
        match self.known.get(series) {
            Held::Here(item, event) => self.echo(series, item, event),
            Held::Theirs(item) => {
                let why = format!("{} imported its series ({})", item.author, item.short);
                self.skip(series, &dated.own.name, why);
            }
            Held::Deleted(key, was) => self.stay_away(key, was, None),
            Held::Nothing | Held::Imported(..) => {
                let older_too = self.older_too;
                let is_of = |draft: &&mut Draft<'_>| !draft.replaced && dates::is_of(&draft.now, &dated.at);
                let Some(draft) = self.draft(series).filter(is_of) else { return false };
                let (new, said) = dates::changed(&draft.now, dated);
                let older = dates::is_older(&draft.now, &dated.at, dated.version) && !older_too;
                match older {
                    true => draft.pass_over(&new, &dated.at.text()),
                    false if draft.take(&new, false) => draft.said.extend(said),
                    false => {}
                }
            }
        }
        true
    }

    /// The event that stands for one date of this UID: by its names, or since the series leaves that date to it.
    fn single(&mut self, uid: &str, at: &Start) -> Option<String> {
        if let Some(key) = self.singles(uid).named.get(&dates::name_of(at)) {
            return Some(key.clone());
        }
        let series = self.series(&key::whole(uid)).filter(|series| dates::is_left_out(series, at))?;
        let stands_for = |key: &String| {
            let (draft, known) = (self.drafts.get(key), self.known.event(key));
            let event =
                draft.filter(|draft| !draft.replaced).map(|draft| &draft.now).or(known.filter(|_| draft.is_none()));
            event.is_some_and(|event| replace::stands_for(key, event, series, at))
        };
        self.keys(uid).into_iter().find(stands_for)
    }

    fn singles(&mut self, uid: &str) -> &Singles {
        if !self.singles.contains_key(uid) {
            let mut singles = Singles::default();
            for key in self.keys(uid) {
                let draft = self.drafts.get(&key);
                if draft.is_some_and(|draft| draft.replaced) {
                    continue;
                }
                let Some(event) = draft.map(|draft| &draft.now).or_else(|| self.known.event(&key)) else { continue };
                if let Some(word) = version(event)
                    && singles.whole.is_none_or(|(held, _)| rank(held) < rank(word))
                {
                    singles.whole = Some((word, event.status));
                }
                if event.recur.is_none() {
                    singles.named.extend(dates::names(&key, event).map(|name| (name, key.clone())));
                }
                singles.any = Some(key);
            }
            self.singles.insert(uid.to_owned(), singles);
        }
        self.singles.entry(uid.to_owned()).or_default()
    }

    fn call_off_date(&mut self, off: &CalledOff) {
        let Some(at) = &off.at else { return };
        let (older_too, whole) = (self.older_too, key::whole(&off.uid));
        let single = self.single(&off.uid, at);
        if let Some(draft) = single.as_ref().and_then(|key| self.draft(key)) {
            let version = off.beside(dates::version(&draft.now, at).or(draft.version()));
            let older = dates::is_older(&draft.now, at, version) && !older_too;
            let mut new = Event { status: Status::Cancelled, ..draft.now.clone() };
            dates::note_single(&mut new, version);
            draft.call_off(&new, off, older);
        } else if self.series(&whole).is_some_and(|series| !recur::has(series, &alike(at, &series.start))) {
            self.not_here(off);
        } else if let Some(draft) = self.draft(&whole).filter(|draft| draft.now.recur.is_some()) {
            let date = alike(at, &draft.now.start);
            let version = off.beside(dates::version(&draft.now, at).or(draft.version()));
            let new = dates::called_off(&draft.now, at, off.note.as_deref(), version);
            match dates::is_older(&draft.now, at, version) && !older_too {
                true => draft.pass_over(&new, &date.text()),
                false => drop(draft.take(&new, false)),
            }
        } else {
            self.not_here(off);
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
