//! Answers to single dates of a series, beside those to all of it.

use std::collections::BTreeMap;

use folkmoot_node::request::{Item, Reply, Request};
use folkmoot_schemas::{
    kind::Kind,
    records::{event::Event, rsvp::Rsvp, text::is_same_name},
    recur,
    when::Start,
};

use super::now_in;
use crate::{
    commands::show::about,
    error::Result,
    record,
    session::{Session, answer},
};

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

/// How a guest of this home's person is spelled in what was answered for them before: `rose` is the Rose there is.
pub(crate) fn guest_called(session: &Session, item: &Item, name: String) -> Result<String> {
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let ours = all(session, item)?.into_iter().filter(|(item, _)| item.did == me.did);
    Ok(spelled(ours.filter_map(|(_, rsvp)| rsvp.guest_name), name))
}

fn spelled(known: impl Iterator<Item = String>, name: String) -> String {
    let alike: Vec<String> = known.filter(|known| is_same_name(known, &name)).collect();
    match alike.contains(&name) {
        true => name,
        false => alike.into_iter().next().unwrap_or(name),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_spelled_as_before() {
        let of = |known: &[&str], name: &str| spelled(known.iter().map(|known| (*known).to_owned()), name.to_owned());
        assert_eq!(of(&["Grandma", "Aunt Rose"], "aunt  rose"), "Aunt Rose");
        assert_eq!(of(&["Rose", "rose"], "rose"), "rose");
        assert_eq!(of(&["Rose"], "Rosa"), "Rosa");
    }
}
