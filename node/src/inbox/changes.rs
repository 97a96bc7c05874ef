//! What became of a plan since somebody answered it.

use std::collections::BTreeSet;

use folkmoot_schemas::{
    Block, Cid, Record,
    records::{event::Event, rsvp::Rsvp},
};

use crate::store::{StoreError, View, reader::Entry};

/// What changed, for whom.
#[derive(Debug)]
pub(super) struct Changes {
    /// Phrases.
    pub(super) said: Vec<String>,
    /// The answers they concern.
    pub(super) mine: Vec<Rsvp>,
    /// Days, by the rule, where for all of `mine` nothing but these dates changed; none: all of it did.
    pub(super) days: Vec<String>,
}

/// Which of `mine` the change concerns, and what changed for them. None: it concerns none of them, as when another date
/// of a series moved. Where the version they saw is not here any more, nobody can tell, and no phrases are given.
pub(super) fn since(view: &View, event: &Entry, newer: &Event, mine: Vec<Rsvp>) -> Result<Option<Changes>, StoreError> {
    let versions = versions(view, event)?;
    let (mut said, mut concerned) = (Vec::new(), Vec::new());
    // Of each that is concerned.
    let mut dates: Vec<Vec<String>> = Vec::new();
    for rsvp in mine {
        let older = seen(&versions, &rsvp);
        // Nothing was changed that counts.
        if older.as_ref().is_some_and(|older| rsvp.seen_sequence == newer.sequence && !older.material_change(newer)) {
            continue;
        }
        let Some(older) = older else {
            if rsvp.seen_sequence != newer.sequence || newer.outdates(&rsvp, rsvp.day()) {
                dates.push(rsvp.day().map(str::to_owned).into_iter().collect());
                concerned.push(rsvp);
            }
            continue;
        };
        let changes = match rsvp.day() {
            Some(day) => match (older.on_day(day), newer.on_day(day)) {
                (Some(older), Some(newer)) => newer.changes_since(&older),
                (Some(_), None) => vec!["that date is no longer part of it".to_owned()],
                (None, _) => Vec::new(),
            },
            None => newer.changes_since(&older),
        };
        if !changes.is_empty() {
            said.extend(changes);
            dates.push(match rsvp.day() {
                Some(day) => vec![day.to_owned()],
                None => newer.only_dates_changed_since(&older),
            });
            concerned.push(rsvp);
        }
    }
    let mut seen = std::collections::HashSet::new();
    said.retain(|phrase| seen.insert(phrase.clone()));
    let alone = dates.iter().all(|days| !days.is_empty());
    let days: BTreeSet<String> = dates.into_iter().flatten().filter(|_| alone).collect();
    let changes = Changes { said, mine: concerned, days: days.into_iter().collect() };
    Ok((!changes.mine.is_empty()).then_some(changes))
}

/// What the event was and is, by its author and by those who may revise it, as far as that is here.
fn versions(view: &View, event: &Entry) -> Result<Vec<(Cid, Event)>, StoreError> {
    let open = |cid: Cid, block: &Block| match Record::view(block) {
        Ok((_, Record::Event(event))) => Some((cid, *event)),
        Ok((_, Record::Revision(revision))) => Some((cid, revision.event.clone())),
        _ => None,
    };
    let mut found: Vec<_> = open(event.cid, &event.block).into_iter().collect();
    found.extend(view.versions(&event.uri)?.iter().filter_map(|old| open(old.cid, &old.block)));
    for (_, revision) in view.written_revisions(event)? {
        found.extend(open(revision.cid, &revision.block));
        found.extend(view.versions(&revision.uri)?.iter().filter_map(|old| open(old.cid, &old.block)));
    }
    Ok(found)
}

/// The version that was answered, else one of the same plan.
fn seen(versions: &[(Cid, Event)], rsvp: &Rsvp) -> Option<Event> {
    let exact = versions.iter().find(|(cid, _)| *cid == rsvp.seen);
    let planned = |event: &Event| rsvp.seen_plan.as_ref().is_none_or(|plan| *plan == event.plan_id(rsvp.day()));
    let same = || versions.iter().find(|(_, event)| event.sequence == rsvp.seen_sequence && planned(event));
    exact.or_else(same).map(|(_, event)| event.clone())
}
