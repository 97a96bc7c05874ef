//! What an event's rules let a person answer, said before anything is written. Readers judge by the same rules.

use folkmoot_schemas::{
    records::{
        admission::Standing,
        event::{Event, RsvpMode, Status},
        rsvp::{Answer, Rsvp},
    },
    recur,
    roster::Role,
};

use super::{Me, PublishError};
use crate::store::{
    View,
    answers::is_host,
    reader::{Community, Entry, Lookup},
};

/// Why an answer would not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    #[error("it takes no answers")]
    Never,
    #[error("answers are taken elsewhere, at {0}")]
    Elsewhere(String),
    #[error("it is cancelled")]
    Cancelled,
    #[error("only members can answer, and you are a guest")]
    Guest,
    #[error("only its hosts answer for guests")]
    NotHost,
    #[error("answers were taken until {0}")]
    Closed(String),
    #[error("each answer may be for {0} at most, yourself included")]
    TooMany(u32),
    #[error("{}, and there is no waiting list", taken(*.0))]
    Full(u32),
    #[error("the event has no such date")]
    NoDate,
}

fn taken(places: u32) -> String {
    match places {
        1 => "the only place is taken".to_owned(),
        places => format!("all {places} places are taken"),
    }
}

/// `older`: what the same answer said until now. `now`: seconds.
pub(super) fn check(
    view: &View,
    me: &Me,
    community: &Community,
    role: Role,
    rsvp: &Rsvp,
    older: Option<&Entry>,
    now: i64,
) -> Result<(), PublishError> {
    // To an event that has not come here yet, readers who have it judge.
    let Lookup::Found(entry) = view.get(&rsvp.event)? else { return Ok(()) };
    let Some(event) = entry.record.as_event() else { return Ok(()) };
    if !has(event, rsvp.occurrence.as_deref()) {
        return Err(Unanswerable::NoDate.into());
    }
    let host = is_host(&me.did, &entry.uri, event, &community.state);
    if rsvp.guest_name.is_some() && !host {
        return Err(Unanswerable::NotHost.into());
    }
    // Whoever does not come says so in any case.
    if rsvp.status == Answer::NotGoing {
        return Ok(());
    }
    let rules = event.rsvp.clone().unwrap_or_default();
    let before = older.and_then(|older| older.record.as_rsvp()).filter(|older| older.status != Answer::NotGoing);
    let more = before.is_none_or(|older| rsvp.count > older.count || older.status != rsvp.status);
    match rules.mode {
        RsvpMode::None => return Err(Unanswerable::Never.into()),
        RsvpMode::External => return Err(Unanswerable::Elsewhere(rules.url.unwrap_or_default()).into()),
        RsvpMode::Members if role < Role::Member && !host => return Err(Unanswerable::Guest.into()),
        _ if event.status == Status::Cancelled => return Err(Unanswerable::Cancelled.into()),
        _ => {}
    }
    let most = rules.plus_max.map_or(11, |plus| plus.min(10) + 1);
    if more && rsvp.count > most {
        return Err(Unanswerable::TooMany(most).into());
    }
    if let Some(closes) = rules.closes.as_ref().filter(|_| more) {
        let zone = community.state.describe.zone.as_deref().unwrap_or("UTC");
        if now > closes.instant(zone) {
            return Err(Unanswerable::Closed(folkmoot_schemas::when::words(closes, None, None)).into());
        }
    }
    let Some(capacity) = rules.capacity.filter(|_| more && !rules.waitlist && rsvp.status == Answer::Going) else {
        return Ok(());
    };
    let Some(list) = view.list_of(&entry, rsvp.occurrence.as_deref())? else { return Ok(()) };
    let taken: u32 = list.admitted.iter().map(|party| party.2).sum();
    let mine = match list.standing(&(me.did, rsvp.guest_name.clone()), rsvp.count) {
        Standing::Admitted(places, _) => places,
        _ => 0,
    };
    match taken.saturating_sub(mine).saturating_add(rsvp.count) > capacity.max(taken) {
        true => Err(Unanswerable::Full(capacity).into()),
        false => Ok(()),
    }
}

/// A series has the date that is named, with whatever time of day; a single event's date has no name.
fn has(event: &Event, occurrence: Option<&str>) -> bool {
    let Some(at) = occurrence else { return true };
    let day = at.split('T').next().and_then(folkmoot_schemas::when::parse_date);
    let on = |day| recur::has(event, &event.start.on(day));
    event.recur.is_some() && day.is_some_and(on)
}
