//! Answers to single dates of a series, beside those to all of it.

use std::collections::BTreeMap;

use folkmoot_node::request::Item;
use folkmoot_schemas::{
    kind::Kind,
    records::{event::Event, rsvp::Rsvp},
    recur,
    when::Start,
};

use super::now_in;
use crate::{commands::show::about, error::Result, record, session::Session};

/// Somebody's answer to one date.
pub(crate) struct DateAnswer {
    /// When that date is, also after a move.
    pub(crate) start: Start,
    pub(crate) did: String,
    pub(crate) name: String,
    pub(crate) rsvp: Rsvp,
}

/// Every answer this node holds, to the event or to one of its dates.
pub(super) fn all(session: &Session, item: &Item) -> Result<Vec<(Item, Rsvp)>> {
    let read = |item: Item| {
        let rsvp = record::open(&item).ok()?.as_rsvp()?.clone();
        Some((item, rsvp))
    };
    Ok(about(session, item, Rsvp::NAME)?.into_iter().filter_map(read).collect())
}

/// The answers to single coming dates, in the order of the dates.
pub(crate) fn to_single_dates(session: &Session, item: &Item, event: &Event) -> Result<Vec<DateAnswer>> {
    if event.recur.is_none() {
        return Ok(Vec::new());
    }
    let today = now_in(session, event.start.zone().unwrap_or("UTC")).date();
    let mut live = BTreeMap::new();
    for (item, rsvp) in all(session, item)? {
        let Some(named) = rsvp.occurrence.as_deref().filter(|_| item.fault.is_none()) else { continue };
        // An answer stays with its day when the series gets another time.
        let day = named.split('T').next().unwrap_or(named);
        let Some(at) = folkmoot_schemas::when::parse_date(day).map(|day| event.start.on(day)) else { continue };
        let change = event.overrides.iter().find(|change| change.at == at.text());
        if !recur::has(event, &at) || change.is_some_and(|change| change.gone) {
            continue;
        }
        let start = change.and_then(|change| change.start.clone()).unwrap_or_else(|| at.clone());
        if start.civil_date() < today {
            continue;
        }
        // The one that names the time as it is now stands before others to the same day, else the newest.
        let rank = (named == at.text(), item.updated, item.rev.clone());
        // Answers that do not say whose they are have nothing in common.
        let whose = if item.did.is_empty() { item.uri.clone() } else { item.did.clone() };
        let key = (start.instant("UTC"), item.author.clone(), whose, rsvp.guest_name.clone());
        let answer = DateAnswer { start, did: item.did, name: item.author, rsvp };
        if live.get(&key).is_none_or(|(other, _)| *other < rank) {
            live.insert(key, (rank, answer));
        }
    }
    Ok(live.into_values().map(|(_, answer)| answer).collect())
}
