//! What an event's rules let a person answer, said before anything is written. Readers judge by the same rules.

use folkmoot_schemas::{
    Tid,
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
    answers::{is_host, is_late},
    reader::{Community, Lookup},
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

/// Says in `rsvp` since when it stands, where it goes on from what they had said. `now`: seconds.
pub(super) fn prepare(
    view: &View,
    me: &Me,
    community: &Community,
    role: Role,
    rsvp: &mut Rsvp,
    now: i64,
) -> Result<(), PublishError> {
    rsvp.since = None;
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
    let key = (me.did, rsvp.guest_name.clone());
    let before = view.standing_answer(&entry, &key, rsvp.occurrence.as_deref())?;
    let before = before.filter(|(_, before)| rsvp.goes_on_from(before));
    rsvp.since = before.map(|(entry, before)| before.stands_since(entry.rev));
    let more = rsvp.since.is_none();
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
        let rev = Tid::new(u64::try_from(now).unwrap_or_default().saturating_mul(1_000_000), 0);
        if is_late(rsvp, host, rev, closes.instant(zone)) {
            return Err(Unanswerable::Closed(folkmoot_schemas::when::words(closes, None, None)).into());
        }
    }
    let Some(capacity) = rules.capacity.filter(|_| !rules.waitlist && rsvp.status == Answer::Going) else {
        return Ok(());
    };
    let Some(list) = view.list_of(&entry, rsvp.occurrence.as_deref())? else { return Ok(()) };
    let taken: u32 = list.admitted.iter().map(|party| party.2).sum();
    let mine = match list.standing(&key, rsvp.count) {
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
