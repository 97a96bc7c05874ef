//! Answers to single dates of a series, beside those to all of it.

use std::collections::BTreeMap;

use folkmoot_node::request::{Item, Reply, Request};
use folkmoot_schemas::{
    Cid,
    kind::Kind,
    records::{
        event::{Event, RsvpMode, Status},
        rsvp::{Answer, Rsvp},
        text::is_same_name,
    },
    recur,
    when::Start,
};

use super::now_in;
use crate::{
    commands::show::about,
    error::Result,
    output::Line,
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

/// Gives this person's own answers anew, to the plan of `item` as it is after they changed it, so that they need not answer
/// what they did themselves. How many.
pub(super) fn carry(session: &Session, item: &Item) -> Result<usize> {
    let (found, event) = super::find(session, &item.uri)?;
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let own = all(session, item)?.into_iter().filter(|(item, _)| item.did == me.did && item.fault.is_none());
    let own = own.map(|(item, rsvp)| ((item.updated, item.rev), rsvp));
    let anew = to_plan(own, &event, super::parse(found.item.shown_cid())?);
    let mut drafts = Vec::with_capacity(anew.len());
    for rsvp in &anew {
        drafts.push(record::draft("answer", rsvp.clone())?);
    }
    if drafts.is_empty() {
        return Ok(0);
    }
    record::publish(session, Some(&item.community), drafts)?;
    let said = match anew.as_slice() {
        [one] => format!("your own answer goes along: {}", one.status.words()),
        several => format!("your own {} answers go along", several.len()),
    };
    session.out.line(Line::new().faint("  ").text(said));
    Ok(anew.len())
}

/// Of these answers, those of somebody who means to come and answered another plan than `event`, seen as `seen`.
/// Each comes with when it was given: of several to one day the last one counts.
fn to_plan<T: Ord>(own: impl Iterator<Item = (T, Rsvp)>, event: &Event, seen: Cid) -> Vec<Rsvp> {
    let mode = event.rsvp.as_ref().map(|rules| rules.mode).unwrap_or_default();
    if event.status == Status::Cancelled || matches!(mode, RsvpMode::None | RsvpMode::External) {
        return Vec::new();
    }
    let mut live: BTreeMap<Option<String>, (T, Rsvp)> = BTreeMap::new();
    for (given, rsvp) in own.filter(|(_, rsvp)| rsvp.guest_name.is_none()) {
        let day = rsvp.day().map(str::to_owned);
        if live.get(&day).is_none_or(|(other, _)| *other < given) {
            live.insert(day, (given, rsvp));
        }
    }
    let comes = |rsvp: &Rsvp| rsvp.status != Answer::NotGoing;
    let dated = |rsvp: &Rsvp| match rsvp.day() {
        Some(day) => event.on_day(day).is_some_and(|date| date.status != Status::Cancelled),
        None => true,
    };
    let outdated = |rsvp: &Rsvp| event.outdates(rsvp, rsvp.day());
    let anew = |(day, (_, rsvp)): (Option<String>, (T, Rsvp))| {
        let plan = Some(event.plan_id(day.as_deref()));
        Rsvp { seen, seen_sequence: event.sequence, seen_plan: plan, occurrence: day, ..rsvp }
    };
    live.into_iter().filter(|(_, (_, rsvp))| comes(rsvp) && dated(rsvp) && outdated(rsvp)).map(anew).collect()
}

/// How a guest of this home's person is spelled in what was answered for them before: `rose` is the Rose there is.
pub(crate) fn guest_called(session: &Session, item: &Item, name: String) -> Result<String> {
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let ours = all(session, item)?.into_iter().filter(|(item, _)| item.did == me.did);
    Ok(spelled(ours.filter_map(|(_, rsvp)| rsvp.guest_name), name))
}

/// The same, of the names given.
pub(super) fn spelled(known: impl Iterator<Item = String>, name: String) -> String {
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
        // Of several to the same day, as of a time when the series had another one, the newest.
        let rank = (item.updated, item.rev.clone());
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
    fn what_one_changed_oneself_needs_no_new_answer() {
        use folkmoot_schemas::{
            Uri,
            block::{DAG_CBOR, cid_of},
            key::Secret,
            records::rsvp::ShowName,
            when::{parse_date, parse_local},
        };
        let at = |text: &str| Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() };
        let event = Event { sequence: 2, ..Event::new("Gig", at("2026-12-05T20:00")) };
        let (old, new) = (cid_of(DAG_CBOR, b"old"), cid_of(DAG_CBOR, b"new"));
        let going = Rsvp {
            seen_sequence: 1,
            count: 2,
            note: Some("With Bo".into()),
            show: ShowName::Hosts,
            ..Rsvp::new(
                Uri::new(old, Secret::from_seed([7; 32]).did(), Event::NAME, "3l6oveex3ii2l").unwrap(),
                old,
                Answer::Going,
            )
        };
        let of = |rsvp: &Rsvp, event: &Event| to_plan(std::iter::once((0, rsvp.clone())), event, new);
        let want = Rsvp { seen: new, seen_sequence: 2, seen_plan: Some(event.plan_id(None)), ..going.clone() };
        assert_eq!(of(&going, &event), std::slice::from_ref(&want));
        for stays in [
            want,
            Rsvp { status: Answer::NotGoing, ..going.clone() },
            Rsvp { guest_name: Some("Rose".into()), ..going.clone() },
            Rsvp { occurrence: Some("2026-12-12T20:00".into()), ..going.clone() },
        ] {
            assert_eq!(of(&stays, &event), [], "{stays:?}");
        }
        assert_eq!(of(&going, &Event { status: Status::Cancelled, ..event.clone() }), []);
        let day = Start::Date { date: parse_date("2026-12-05").unwrap() };
        assert_eq!(of(&going, &Event { start: day, ..event }).len(), 1);
    }

    #[test]
    fn a_guest_is_spelled_as_before() {
        let of = |known: &[&str], name: &str| spelled(known.iter().map(|known| (*known).to_owned()), name.to_owned());
        assert_eq!(of(&["Grandma", "Aunt Rose"], "aunt  rose"), "Aunt Rose");
        assert_eq!(of(&["Rose", "rose"], "rose"), "rose");
        assert_eq!(of(&["Rose"], "Rosa"), "Rosa");
    }
}
