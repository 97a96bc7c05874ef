//! Words about single dates: each changes its series, or the event that stands for that date, or makes one.

use std::collections::HashMap;

use folkmoot_schemas::{
    records::event::{Event, SourceVersion, Status},
    recur,
    when::Start,
};

use super::{
    super::{
        dates,
        draft::{Draft, passed_over, version},
        known::Held,
        replace,
    },
    Plan,
};
use crate::ics::{CalledOff, Dated, Entry, Word as _, alike, key, rank};

/// Events of one UID that stand for one date.
#[derive(Debug, Default)]
pub(super) struct Singles {
    /// Their keys, by the names of the date.
    pub(super) named: HashMap<String, String>,
    /// The newest word about all of the UID, and what it made of it.
    whole: Option<(SourceVersion, Status)>,
    /// An event of the UID.
    any: Option<String>,
}

impl Plan<'_> {
    /// Single dates that are changed or called off, the oldest word first.
    pub(super) fn dates(&mut self, changed: &[Dated], off: &[&CalledOff]) {
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
}
