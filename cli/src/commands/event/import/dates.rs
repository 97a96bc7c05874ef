//! Single dates of a series, each with a version of its own beside that of the whole.

use folkmoot_schemas::{
    limits,
    records::event::{Event, Override, Source, SourceDate, SourceVersion, Status},
    recur,
    when::Start,
};

use super::super::{
    imported::{carried, day},
    unchanged,
};
use crate::ics::{Dated, alike, differs, key};

/// Does the rule name this date, left out or not?
pub(super) fn is_of(series: &Event, at: &Start) -> bool {
    let rule = Event { overrides: Vec::new(), ..series.clone() };
    series.recur.is_some() && recur::has(&rule, &alike(at, &series.start))
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

/// Must a word about one date give way? To one about the same date, to a higher count of the whole series (RFC 5546 §2.1.5:
/// it obsoletes all lower ones of the UID), and to anything newer where the whole series is off.
pub(super) fn is_older(series: &Event, at: &Start, word: SourceVersion) -> bool {
    let whole = series.source.as_ref().and_then(|source| source.version);
    let off = series.status == Status::Cancelled;
    version(series, at).is_some_and(|held| word.is_older_than(held))
        || whole.is_some_and(|whole| word.sequence < whole.sequence || (off && word.is_older_than(whole)))
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
    let mut change = held.cloned().unwrap_or_else(|| unchanged(at));
    change.status = Some(Status::Cancelled);
    change.note = note.map(ToOwned::to_owned).or(change.note);
    with(series, change, version)
}

fn with(series: &Event, change: Override, version: SourceVersion) -> Event {
    let mut new = series.clone();
    let date = day(&change).to_owned();
    new.overrides.retain(|held| held.at != change.at);
    if change != unchanged(change.at.clone()) {
        new.overrides.push(change);
    }
    note(&mut new, date, version);
    new
}

/// What the file says now, but for dates about which there is a newer word here. A calendar has all there is to say, and
/// a date that it does not mention any more is as the others; a message has not.
pub(super) fn kept(old: &Event, file: &Event, message: bool) -> Event {
    let mut new = file.clone();
    let (Some(held), Some(theirs)) = (&old.source, &file.source) else { return new };
    if old.recur.is_none() || new.recur.is_none() {
        return new;
    }
    let whole = theirs.version;
    for date in &held.dates {
        let stays = match (theirs.of_date(&date.at), whole) {
            (Some(word), _) => word.is_older_than(date.version),
            (None, Some(whole)) => outlasts(date.version, whole, message),
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

/// Does a word about one date stand beside a newer one about its series that does not name the date?
fn outlasts(date: SourceVersion, whole: SourceVersion, message: bool) -> bool {
    date.sequence >= whole.sequence && (message || date.stamp > whole.stamp)
}

/// Must a file's word about an event that stands for one date give way to what is here?
pub(super) fn is_older_single(held: &Event, word: &Event, message: bool) -> bool {
    let (Some(held), Some(word)) = (&held.source, &word.source) else { return false };
    let of_whole = held.version.zip(word.version).is_some_and(|(held, word)| word.is_older_than(held));
    let date = |source: &Source| source.dates.first().map(|date| date.version);
    of_whole
        || match (date(held), date(word)) {
            (Some(held), Some(word)) => word.is_older_than(held),
            (Some(held), None) => word.version.is_some_and(|word| outlasts(held, word, message)),
            (None, Some(date)) if word.version.is_none() => {
                held.version.is_some_and(|whole| date.sequence < whole.sequence)
            }
            (None, _) => false,
        }
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
