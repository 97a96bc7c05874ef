//! What became of a plan since somebody answered it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use folkmoot_schemas::{
    Block, Cid, Did, Record,
    records::{
        event::{Event, Status},
        rsvp::{Answer, Rsvp},
    },
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

/// Days of a series, by the rule, that have an answer of their own: of each guest, and of the person themselves.
pub(super) type Answered = HashMap<Option<String>, BTreeSet<String>>;

/// Which of `mine` the change concerns, and what changed for them since they were given or, if that was later, since the
/// person wrote a version of their own. None: it concerns none of them, as when another date of a series moved. Where
/// the version they saw is not here any more, nobody can tell, and no phrases are given. `answered`: dates of a series, by
/// whom they are answered for and day, whose own answer stands before one to all of it.
pub(super) fn since(
    view: &View,
    event: &Entry,
    newer: &Event,
    mine: Vec<Rsvp>,
    answered: &Answered,
    is_me: impl Fn(&Did) -> bool,
) -> Result<Option<Changes>, StoreError> {
    let none = BTreeSet::new();
    let versions = versions(view, event)?;
    let own = own(&versions, is_me);
    // Of the event and of each date, what changed since the latest version they answered: what they knew before that was
    // told of then.
    let mut told: BTreeMap<Option<String>, (u32, Vec<String>)> = BTreeMap::new();
    let mut concerned = Vec::new();
    // Of each that is concerned.
    let mut dates: Vec<Vec<String>> = Vec::new();
    for rsvp in mine {
        let day = rsvp.day().map(str::to_owned);
        let Some(seen) = seen(&versions, &rsvp) else {
            // Of a date the plan may tell that it is as it was; for the whole of a series every change is one.
            let changed = day.is_none() && rsvp.seen_sequence != newer.sequence;
            if changed || newer.outdates(&rsvp, rsvp.day()) {
                dates.push(day.into_iter().collect());
                concerned.push(rsvp);
            }
            continue;
        };
        let older = own.filter(|own| own.sequence > seen.sequence).unwrap_or(seen);
        // Nothing was changed that counts.
        if older.sequence == newer.sequence && !older.material_change(newer) {
            continue;
        }
        let apart = answered.get(&rsvp.guest_name).unwrap_or(&none);
        let no = rsvp.status == Answer::NotGoing;
        let changes = match &day {
            Some(day) => match (older.on_day(day), newer.on_day(day)) {
                // Who cannot come then need not know that perhaps nobody does, but that it is at another time.
                (Some(_), Some(newer)) if no && newer.status == Status::Cancelled => Vec::new(),
                (Some(older), Some(newer)) if no && newer.status != Status::Confirmed => {
                    newer.changes_since(&Event { status: newer.status, ..older })
                }
                (Some(older), Some(newer)) => newer.changes_since(&older),
                (Some(_), None) => vec!["that date is no longer part of it".to_owned()],
                (None, _) => Vec::new(),
            },
            None => newer.changes_since_but(older, apart),
        };
        if !changes.is_empty() {
            dates.push(match &day {
                Some(day) => vec![day.clone()],
                None => {
                    let days = newer.only_dates_changed_since(older).into_iter();
                    days.filter(|day| !apart.contains(day)).collect()
                }
            });
            let latest = told.entry(day).or_default();
            if latest.1.is_empty() || latest.0 < older.sequence {
                *latest = (older.sequence, changes);
            }
            concerned.push(rsvp);
        }
    }
    let mut said: Vec<String> = told.into_values().flat_map(|(_, changes)| changes).collect();
    let mut once = HashSet::new();
    said.retain(|phrase| once.insert(phrase.clone()));
    let alone = dates.iter().all(|days| !days.is_empty());
    let days: BTreeSet<String> = dates.into_iter().flatten().filter(|_| alone).collect();
    let changes = Changes { said, mine: concerned, days: days.into_iter().collect() };
    Ok((!changes.mine.is_empty()).then_some(changes))
}

/// What changed since the person themselves last wrote a version, else since its author did: for a host.
pub(super) fn for_host(
    view: &View,
    event: &Entry,
    newer: &Event,
    is_me: impl Fn(&Did) -> bool,
) -> Result<Vec<String>, StoreError> {
    let versions = versions(view, event)?;
    let authors = || versions.iter().find(|version| version.cid == event.cid).map(|version| &version.event);
    Ok(own(&versions, is_me).or_else(authors).map(|older| newer.changes_since(older)).unwrap_or_default())
}

struct Version {
    cid: Cid,
    by: Did,
    event: Event,
}

/// What the event was and is, by its author and by those who may revise it, as far as that is here.
fn versions(view: &View, event: &Entry) -> Result<Vec<Version>, StoreError> {
    let open = |by: Did, cid: Cid, block: &Block| match Record::view(block) {
        Ok((_, Record::Event(event))) => Some(Version { cid, by, event: *event }),
        Ok((_, Record::Revision(revision))) => Some(Version { cid, by, event: revision.event.clone() }),
        _ => None,
    };
    let by = event.uri.did;
    let mut found: Vec<_> = open(by, event.cid, &event.block).into_iter().collect();
    found.extend(view.versions(&event.uri)?.iter().filter_map(|old| open(by, old.cid, &old.block)));
    for (_, revision) in view.written_revisions(event)? {
        let by = revision.uri.did;
        found.extend(open(by, revision.cid, &revision.block));
        found.extend(view.versions(&revision.uri)?.iter().filter_map(|old| open(by, old.cid, &old.block)));
    }
    Ok(found)
}

/// The version that was answered, else one of the same plan.
fn seen<'v>(versions: &'v [Version], rsvp: &Rsvp) -> Option<&'v Event> {
    let exact = versions.iter().find(|version| version.cid == rsvp.seen).map(|version| &version.event);
    let planned = |event: &Event| rsvp.seen_plan.as_ref().is_none_or(|plan| *plan == event.plan_id(rsvp.day()));
    let mut all = versions.iter().map(|version| &version.event);
    exact.or_else(|| all.find(|event| event.sequence == rsvp.seen_sequence && planned(event)))
}

/// The newest by the person themselves.
fn own(versions: &[Version], is_me: impl Fn(&Did) -> bool) -> Option<&Event> {
    // Of those that count alike the first is the one that stands.
    let mine = versions.iter().rev().filter(|version| is_me(&version.by)).map(|version| &version.event);
    mine.max_by_key(|event| event.sequence)
}
