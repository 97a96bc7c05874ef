//! Keeping the lists of who has a place at the events this person is the anchor of.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Cid, Tid, Uri,
    records::{
        admission::{Admission, Decision, Party},
        event::Status,
    },
};

use super::{Draft, Me, PublishError, Published, publish};
use crate::{
    clock::Clock,
    store::{Scope, Store, View, answers::date_of, keepers::Kept, reader::Entry},
};

/// How far back and ahead dates are looked at, in seconds: an evening that has begun may still fill up.
const BACK: i64 = 12 * 60 * 60;
const AHEAD: i64 = 400 * 86_400;
/// Dates looked at in one community.
const MOST: usize = 4000;
/// Of a series, so many of the next dates have a list before anybody answers to one of them alone.
const NEXT: usize = 4;
/// And so many in all, the nearest.
const DATES: usize = 24;

/// Brings every list of ours up to date with the answers that came, and writes those that changed. The same answers make
/// the same list, so a second look writes nothing.
pub fn keep_lists(store: &Store, me: &Me, clock: &Clock) -> Result<Vec<(Cid, Published)>, PublishError> {
    let view = store.view(Scope::Members)?;
    let mut due = Vec::new();
    for community in view.communities()?.into_iter().filter(|community| community.joined) {
        let lists = changed(&view, me, &community.id, clock.micros())?;
        due.extend((!lists.is_empty()).then_some((community.id, lists)));
    }
    drop(view);
    let mut done = Vec::new();
    for (community, lists) in due {
        let drafts = lists.into_iter().map(draft).collect();
        match publish(store, me, clock, &community, drafts) {
            Ok(published) => done.push((community, published)),
            Err(why @ PublishError::Retired) => return Err(why),
            // Another community's lists do not wait for it.
            Err(why) => tracing::warn!(%community, %why, "who has a place could not be written down"),
        }
    }
    Ok(done)
}

/// Writes down what the anchor decided of one answer.
pub fn decide(
    store: &Store,
    me: &Me,
    clock: &Clock,
    event: &Entry,
    occurrence: Option<&str>,
    decision: &Decision,
) -> Result<Published, PublishError> {
    let view = store.view(Scope::Members)?;
    if view.anchor(event) != Some(me.did) {
        return Err(PublishError::NotAnchor);
    }
    let before = before(&view, event, occurrence)?.ok_or(PublishError::NoList)?;
    let list = next(&view, event, occurrence, Some(decision))?.ok_or(PublishError::NoList)?;
    drop(view);
    let said = |parties: &[Party]| parties.iter().map(Party::key).collect::<BTreeSet<_>>();
    let (mut declined, now) = (said(&before.declined), said(&list.declined));
    let stands =
        if decision.admit { said(&list.admitted).contains(&decision.key) } else { now.contains(&decision.key) };
    declined.remove(&decision.key);
    if !stands || !declined.is_subset(&now) {
        return Err(PublishError::ListFull);
    }
    publish(store, me, clock, &event.uri.community, vec![draft(list)])
}

fn draft(list: Admission) -> Draft {
    // The content may be that of a list some minutes ago, and still has to be the newest.
    Draft { audience: None, rkey: None, record: list.into(), again: true }
}

/// `now`: microseconds.
fn changed(view: &View, me: &Me, community: &Cid, now: u64) -> Result<Vec<Admission>, PublishError> {
    let seconds = (now / 1_000_000) as i64;
    let (dates, _) = view.events(community, seconds - BACK..seconds + AHEAD, MOST)?;
    let mut events: BTreeMap<Uri, (&Entry, Vec<String>)> = BTreeMap::new();
    for date in &dates {
        let Some(event) = date.entry.record.as_event() else { continue };
        let needs = event.rsvp.as_ref().is_some_and(|rules| rules.needs_list());
        if !needs || date.instance.cancelled || event.status == Status::Cancelled {
            continue;
        }
        let known = events.entry(date.entry.uri.clone()).or_insert_with(|| (&*date.entry, Vec::new()));
        known.1.push(date.instance.at.text());
    }
    let mut lists = Vec::new();
    for (event, dates) in events.into_values().filter(|(event, _)| view.anchor(event) == Some(me.did)) {
        for at in worth_a_list(view, event, dates)? {
            let Kept { lists: before, since, inherited } = view.lists_of(event, at.as_deref())?;
            // By a clock that is behind those of others it would not count.
            if since.is_some_and(|since| Tid::new(now, 0) <= since) {
                continue;
            }
            let Some(list) = next(view, event, at.as_deref(), None)? else { continue };
            let empty = list.admitted.len() + list.waiting.len() + list.declined.len() == 0;
            // What another wrote becomes this person's own word.
            if (inherited || before.first() != Some(&list)) && !(empty && before.is_empty()) {
                lists.push(list);
            }
        }
    }
    Ok(lists)
}

/// The dates of one event that have a list: a single event's one, of a series the next ones and those with answers of
/// their own.
fn worth_a_list(view: &View, event: &Entry, dates: Vec<String>) -> Result<Vec<Option<String>>, PublishError> {
    if event.record.as_event().is_none_or(|fields| fields.recur.is_none()) {
        return Ok(vec![None]);
    }
    let answered = view.answered_dates(event, &dates)?;
    let worth = |(n, at): (usize, String)| (n < NEXT || answered.contains(&at)).then_some(at);
    Ok(dates.into_iter().enumerate().filter_map(worth).take(DATES).map(Some).collect())
}

fn next(
    view: &View,
    event: &Entry,
    occurrence: Option<&str>,
    decision: Option<&Decision>,
) -> Result<Option<Admission>, PublishError> {
    let Some(before) = before(view, event, occurrence)? else { return Ok(None) };
    let claims = view.claims(event, occurrence, &before)?;
    let rules = event.record.as_event().and_then(|fields| fields.rsvp.as_ref());
    Ok(rules.map(|rules| Admission::next(rules, &claims, &before, decision)))
}

/// The list as it stands, of all devices and of whoever kept it. None: none is to be kept.
fn before(view: &View, event: &Entry, occurrence: Option<&str>) -> Result<Option<Admission>, PublishError> {
    let Some(fields) = event.record.as_event() else { return Ok(None) };
    let needs = fields.rsvp.as_ref().is_some_and(|rules| rules.needs_list());
    if !needs || (fields.recur.is_some() && occurrence.is_none()) {
        return Ok(None);
    }
    let before = view.lists_of(event, occurrence)?.lists;
    let empty = || Admission::empty(event.uri.clone(), date_of(fields, occurrence));
    Ok(Some(Admission::merged(before.iter()).unwrap_or_else(empty)))
}
