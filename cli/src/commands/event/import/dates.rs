//! Single dates of a series, each with a version of its own beside that of the whole.

use folkmoot_schemas::{
    limits,
    records::event::{Event, Override, Source, SourceDate, SourceVersion, Status},
    recur,
    when::Start,
};

use super::super::imported::{carried, day};
use crate::ics::{Dated, alike, differs, key};

/// Does the rule name this date, left out or not?
pub(super) fn is_of(series: &Event, at: &Start) -> bool {
    let rule = Event { overrides: Vec::new(), ..series.clone() };
    series.recur.is_some() && recur::has(&rule, &alike(at, &series.start))
}

/// Does a series have this date, and not leave it out?
pub(super) fn is_there(series: &Event, at: &Start) -> bool {
    recur::has(series, &alike(at, &series.start)) && !is_left_out(series, at)
}

pub(super) fn is_left_out(series: &Event, at: &Start) -> bool {
    let at = alike(at, &series.start).text();
    series.overrides.iter().any(|change| change.gone && change.at == at)
}

/// The names by which a file may mean an event that stands for one date: the date it stands for, in any zone or without a
/// time, and its start.
pub(super) fn names(key: &str, event: &Event) -> impl Iterator<Item = String> {
    let date = key::parts(key).1.and_then(|date| event.start.named(date));
    let day = date.as_ref().unwrap_or(&event.start).civil_date().to_string();
    date.iter().chain([&event.start]).map(name_of).chain([day]).collect::<Vec<_>>().into_iter()
}

pub(super) fn name_of(at: &Start) -> String {
    match at {
        Start::Local { .. } => at.instant("UTC").to_string(),
        Start::Date { date } => date.to_string(),
    }
}

pub(super) fn version(series: &Event, at: &Start) -> Option<SourceVersion> {
    series.source.as_ref()?.of_date(&name(series, at))
}

/// Must a word about one date give way? To a newer one about the same date, to one about the whole series beside which it
/// does not stand, and to one as new that says it is off.
pub(super) fn is_older(series: &Event, at: &Start, word: SourceVersion) -> bool {
    let whole = series.source.as_ref().and_then(|source| source.version);
    let date = alike(at, &series.start).text();
    let off = series.overrides.iter().any(|change| change.at == date && change.status == Some(Status::Cancelled));
    version(series, at).is_some_and(|held| word.is_older_than(held) || (off && !held.is_older_than(word)))
        || whole.is_some_and(|whole| gives_way(word, whole, series.status))
}

/// The series with one date as another file has it, and what that cannot keep.
pub(super) fn changed(series: &Event, dated: &Dated) -> (Event, Vec<String>) {
    let mut said = dated.said.clone();
    let (_, change) = differs(series, &dated.at, &dated.own, &mut said);
    (with(series, change, dated.version), said)
}

/// The series without one date.
pub(super) fn called_off(series: &Event, at: &Start, note: Option<&str>, version: SourceVersion) -> Event {
    let at = alike(at, &series.start).text();
    let held = series.overrides.iter().find(|change| change.at == at);
    let mut change = held.cloned().unwrap_or_else(|| Override::new(at));
    change.status = Some(Status::Cancelled);
    change.note = note.map(ToOwned::to_owned).or(change.note);
    with(series, change, version)
}

fn with(series: &Event, change: Override, version: SourceVersion) -> Event {
    let mut new = series.clone();
    let date = day(&change).to_owned();
    new.overrides.retain(|held| held.at != change.at);
    if change != Override::new(change.at.clone()) {
        new.overrides.push(change);
    }
    note(&mut new, date, version);
    new
}

/// What the file says now, but for dates about which there is a newer word here. A calendar has all there is to say, and
/// a date that it does not mention any more is as the others; a message has not.
pub(super) fn kept(old: &Event, file: &Event) -> Event {
    let mut new = file.clone();
    let (Some(held), Some(theirs)) = (&old.source, &file.source) else { return new };
    if old.recur.is_none() || new.recur.is_none() {
        // A word about one date says nothing of the rest.
        if let Some(source) = &mut new.source {
            source.version = source.version.or(held.version);
        }
        return new;
    }
    let whole = theirs.version;
    for date in &held.dates {
        let stays = match (theirs.of_date(&date.at), whole) {
            (Some(word), _) => word.is_older_than(date.version),
            (None, Some(whole)) => date.version.stands_beside(whole),
            (None, None) => true,
        };
        if stays {
            let (ours, _) = carried(&new, old, |change| day(change) == date.at);
            new.overrides.retain(|change| day(change) != date.at);
            new.overrides.extend(ours);
            note(&mut new, date.at.clone(), date.version);
        } else if theirs.of_date(&date.at).is_none() {
            // The word that is overruled may come again.
            let stamp = date.version.stamp.max(whole.and_then(|whole| whole.stamp));
            note(&mut new, date.at.clone(), SourceVersion { stamp, ..date.version });
        }
    }
    new
}

/// An event that stands for one date and is as a newer message about that date has it, beside what a calendar says now of
/// all its series: only how new that is counts.
pub(super) fn stands_alone(here: &Event, word: &Event) -> Option<Event> {
    let (held, theirs) = (here.source.as_ref()?, word.source.as_ref()?);
    let (date, whole) = (held.dates.first()?.version, theirs.version.filter(|_| theirs.dates.is_empty())?);
    let older = held.version.is_some_and(|held| whole.is_older_than(held));
    let mut event = here.clone();
    event.source.as_mut()?.version = Some(whole);
    (here.recur.is_none() && word.recur.is_none() && !older && date.stands_beside(whole)).then_some(event)
}

/// Must a file's word about an event that stands for one date give way to what is here?
pub(super) fn is_older_single(here: &Event, word: &Event) -> bool {
    let (Some(held), Some(word)) = (&here.source, &word.source) else { return false };
    let date = |source: &Source| source.dates.first().map(|date| date.version);
    // What a message called off is not on again by the one that it called off.
    let off = here.status == Status::Cancelled && word.version.is_none();
    let older =
        |(held, word): (SourceVersion, SourceVersion)| word.is_older_than(held) || (off && !held.is_older_than(word));
    if date(held).zip(date(word)).is_some_and(older) {
        return true;
    }
    match (word.version, date(word), held.version) {
        (Some(word), _, Some(whole)) if word.is_older_than(whole) => true,
        (Some(word), None, _) => date(held).is_some_and(|held| held.stands_beside(word)),
        (None, Some(word), Some(whole)) => gives_way(word, whole, here.status),
        _ => false,
    }
}

/// Must a word about one date give way to what is known of all of its series? Where that is off, to all but newer ones.
pub(super) fn gives_way(date: SourceVersion, whole: SourceVersion, status: Status) -> bool {
    !date.stands_beside(whole) || (status == Status::Cancelled && !whole.is_older_than(date))
}

/// An event that stands for one date, as a word of this version has it.
pub(super) fn note_single(event: &mut Event, version: SourceVersion) {
    let Some(source) = &mut event.source else { return };
    let day = source.uid.as_deref().and_then(|key| key::parts(key).1).and_then(|at| at.get(..10));
    let at = day.map_or_else(|| event.start.civil_date().to_string(), ToOwned::to_owned);
    source.dates = vec![SourceDate { at, version }];
}

fn note(event: &mut Event, at: String, version: SourceVersion) {
    let Some(source) = &mut event.source else { return };
    source.dates.retain(|date| date.at != at);
    source.dates.push(SourceDate { at, version });
    source.dates.sort_by(|a, b| a.at.cmp(&b.at));
    // The earliest are over first.
    let surplus = source.dates.len().saturating_sub(limits::EVENT_CHANGES);
    source.dates.drain(..surplus);
}

/// The day by which a date goes; of an event that stands for one date, that which it stands for.
fn name(event: &Event, at: &Start) -> String {
    let own = event.source.as_ref().and_then(|source| source.dates.first()).filter(|_| event.recur.is_none());
    own.map_or_else(|| alike(at, &event.start).civil_date().to_string(), |own| own.at.clone())
}
