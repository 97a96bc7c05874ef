//! Where a file now has a rule that we can say, the single dates that an earlier import made of the older one would stand
//! beside the series, each a second time.
//!
//! Such a date goes, and is one of the series from then on. One that people answered or wrote about, or to which something was added here,
//! stays an event of its own with all that hangs on it, and the series leaves that date to it.

use std::collections::BTreeSet;

use folkmoot_node::request::Item;
use folkmoot_schemas::{
    records::event::{Event, Override, Status},
    recur::Instance,
    when::Start,
};

use super::{super::imported, dates, plan::Plan};
use crate::{
    error::Result,
    ics::{Dated, Whole, alike, key},
};

/// Do other records speak of this event: answers, posts, events that are part of it?
pub(super) type InUse<'a> = &'a dyn Fn(&Item) -> Result<bool>;

impl Plan<'_> {
    pub(super) fn replace(&mut self, whole: &Whole, is_in_use: InUse<'_>) -> Result<()> {
        let made: BTreeSet<&str> = whole.entries.iter().map(|entry| entry.key.as_str()).collect();
        let series = key::whole(&whole.uid);
        if whole.taken_apart {
            return self.replace_series(&series, whole, is_in_use);
        }
        if self.draft(&series).is_none_or(|draft| draft.now.recur.is_none() || !draft.is_current()) {
            return Ok(());
        }
        let single: Vec<String> =
            self.keys(&whole.uid).into_iter().filter(|key| !made.contains(key.as_str())).collect();
        for key in single {
            let Some(now) = self.draft(&key).map(|draft| draft.now.clone()) else { continue };
            let Some(slot) = self.drafts.get(&series).and_then(|draft| slot(&key, &now, &draft.now)) else { continue };
            let stays = !imported::is_bare(&now) || self.known.item(&key).map_or(Ok(false), is_in_use)?;
            match stays {
                true => self.leave_to(&series, &key, &slot),
                false => self.move_into(&series, &key, &slot),
            }
        }
        Ok(())
    }

    /// The series leaves this date to an event of its own, which goes on following the file.
    fn leave_to(&mut self, series: &str, key: &str, slot: &Start) {
        let Some(draft) = self.drafts.get_mut(series) else { return };
        let (event, mut new) = (without_dates(on(&draft.now, slot)), draft.now.clone());
        new.overrides.retain(|change| change.at != slot.text());
        new.overrides.push(Override { gone: true, ..Override::new(slot.text()) });
        draft.take(&new, false);
        let Some(single) = self.drafts.get_mut(key) else { return };
        // A message about this date alone may be newer.
        if !dates::is_older_single(&single.now, &event) {
            single.take(&event, false);
        }
        single.leave("its series leaves this date to it, since somebody answered it or wrote about it, or something was set here".into());
    }

    /// The event goes, and what a message said of this date alone is a change of the series.
    fn move_into(&mut self, series: &str, key: &str, slot: &Start) {
        let Some(single) = self.drafts.get_mut(key) else { return };
        single.replaced = true;
        single.left = vec!["it is a date of its series now".into()];
        let own = single.now.clone();
        let Some(draft) = self.drafts.get_mut(series) else { return };
        let version = own.source.as_ref().and_then(|source| source.dates.first()).map(|date| date.version);
        let file = Event { recur: None, ..draft.now.clone() };
        if let Some(version) = version.filter(|_| dates::is_older_single(&own, &without_dates(file))) {
            let uid = key::parts(series).0.to_owned();
            let dated = Dated { uid, at: slot.clone(), own, version, said: Vec::new() };
            draft.take(&dates::changed(&draft.now, &dated).0, false);
        }
    }

    /// The other way round: a series that has become single dates.
    fn replace_series(&mut self, key: &str, whole: &Whole, is_in_use: InUse<'_>) -> Result<()> {
        let stays = match self.known.item(key) {
            Some(item) => is_in_use(item)?,
            None => return Ok(()),
        };
        let older_too = self.older_too;
        let Some(draft) = self.draft(key) else { return Ok(()) };
        if draft.version().is_some_and(|held| whole.version.is_older_than(held)) && !older_too {
            return Ok(());
        }
        let series = draft.now.clone();
        if stays || !imported::is_bare(&draft.now) {
            let why = "its calendar has single dates instead now, which stand beside it: it stays for its answers, what was written about it and what was set here";
            draft.leave(why.into());
        } else {
            draft.replaced = true;
            draft.left = vec!["its calendar has a rule now that only single dates can follow".into()];
        }
        self.hand_down(&series, whole);
        Ok(())
    }
}

impl Plan<'_> {
    /// What newer messages said of single dates of a series goes to the events that stand for these dates now.
    fn hand_down(&mut self, series: &Event, whole: &Whole) {
        let dates = series.source.iter().flat_map(|source| &source.dates);
        for date in dates.filter(|date| date.version.stands_beside(whole.version)) {
            let at = series.overrides.iter().find(|change| imported::day(change) == date.at);
            let Some(at) = at.and_then(|change| series.start.named(&change.at)) else { continue };
            let is_of = |key: &str| key::parts(key).1.is_some_and(|named| named.starts_with(&date.at));
            let Some(entry) = whole.entries.iter().find(|entry| is_of(&entry.key)) else { continue };
            let Some(single) = self.draft(&entry.key) else { continue };
            let mut event = on(series, &at);
            event.source.clone_from(&single.now.source);
            dates::note_single(&mut event, date.version);
            let older = dates::is_older_single(&single.now, &event);
            single.take(&event, older);
        }
    }
}

/// The date of the series for which this event stands.
fn slot(key: &str, single: &Event, series: &Event) -> Option<Start> {
    on_its_day(key, single, series).filter(|slot| dates::is_of(series, slot))
}

/// Does this event stand for that date of the series, in whatever form and zone it is given?
pub(super) fn stands_for(key: &str, single: &Event, series: &Event, at: &Start) -> bool {
    let at = alike(at, &series.start);
    on_its_day(key, single, series).is_some_and(|slot| slot == at && dates::is_of(series, &slot))
}

fn on_its_day(key: &str, single: &Event, series: &Event) -> Option<Start> {
    let at = single.start.named(key::parts(key).1?).unwrap_or_else(|| single.start.clone());
    single.recur.is_none().then(|| series.start.on(alike(&at, &series.start).civil_date()))
}

fn without_dates(mut event: Event) -> Event {
    if let Some(source) = &mut event.source {
        source.dates.clear();
    }
    event
}

/// What the series is on one of its dates, as an event of its own; off where it is left out.
fn on(series: &Event, at: &Start) -> Event {
    let change = series.overrides.iter().position(|change| change.at == at.text());
    let changed = change.and_then(|n| series.overrides.get(n));
    let start = changed.and_then(|change| change.start.clone()).unwrap_or_else(|| at.clone());
    let mut event = series.on(&Instance { at: at.clone(), start, change, cancelled: false, from: 0, to: 0 });
    if changed.is_some_and(|change| change.gone) {
        event.status = Status::Cancelled;
    }
    event
}
