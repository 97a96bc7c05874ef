//! What messages from mail programs do: they call off what was imported, and answer for guests.

use std::collections::HashMap;

use folkmoot_node::request::{CommunityInfo, May};
use folkmoot_schemas::{
    kind::Kind,
    records::{
        event::{Event, Override, Status},
        revision::Right,
        rsvp::{Rsvp, ShowName},
    },
    recur,
    when::{Start, words},
};

use super::{
    super::{parse, unchanged},
    Act, Step, Subject,
    known::{Held, Known},
};
use crate::{
    commands::{event::imported, post::parse_uri},
    error::{Exit, Result},
    ics::{Answered, CalledOff, alike},
    record,
    session::Session,
};

/// One step for each event it concerns, or why there is none.
pub(super) fn call_off(known: &Known, off: &CalledOff) -> Result<Result<Vec<Step>, String>> {
    let targets = known.imported(&off.uid);
    if targets.is_empty() {
        return Ok(Err(match known.get(&off.uid) {
            Held::Here(_) => "it was planned here: call it off with moot event cancel".into(),
            Held::Theirs(item) => format!("{} imported it, and calls it off", item.author),
            Held::Nothing | Held::Imported(..) => "it is not here, so there is nothing to call off".into(),
        }));
    }
    let mut steps = Vec::new();
    for (key, item, old) in targets {
        let Some(new) = without(key, old, off) else { continue };
        let (next, left) = imported::merge(old, &new);
        let next = next.map(|mut next| {
            if off.at.is_none() && next.status == Status::Cancelled {
                next.status_note = off.note.clone().or(next.status_note);
            }
            next
        });
        steps.push(Step {
            act: if next.is_some() { Act::Changed } else { Act::Unchanged },
            said: left.into_iter().collect(),
            held: Some((item.uri.clone(), item.short.clone())),
            subject: Subject::Event {
                key: key.to_owned(),
                event: Box::new(next.clone().unwrap_or_else(|| old.clone())),
            },
            draft: next.map(|next| record::redraft("event", item, next)).transpose()?,
        });
    }
    match steps.is_empty() {
        true => Ok(Err("it has no such date here".into())),
        false => Ok(Ok(steps)),
    }
}

/// The event with that called off; None: it does not concern it.
fn without(key: &str, old: &Event, off: &CalledOff) -> Option<Event> {
    let mut new = old.clone();
    let Some(at) = &off.at else {
        new.status = Status::Cancelled;
        return Some(new);
    };
    let at = alike(at, &old.start);
    if old.recur.is_none() {
        let named = at == old.start || key.split_once('#').is_some_and(|(_, date)| date == at.text());
        new.status = Status::Cancelled;
        return named.then_some(new);
    }
    if !recur::has(old, &at) {
        return None;
    }
    let (status, note) = (Some(Status::Cancelled), off.note.clone());
    match new.overrides.iter_mut().find(|change| change.at == at.text()) {
        Some(change) => *change = Override { status, note: note.or(change.note.take()), ..change.clone() },
        None => new.overrides.push(Override { status, note, ..unchanged(at.text()) }),
    }
    Some(new)
}

/// Guests we answered for already, by the place of their answer.
pub(super) fn guests(session: &Session, community: &CommunityInfo, known: &Known) -> Result<HashMap<String, Rsvp>> {
    let mut guests = HashMap::new();
    for item in record::list(session, Some(&community.cid), Rsvp::NAME, usize::MAX)? {
        if item.did == known.me
            && let Some(rsvp) = record::open(&item)?.as_rsvp()
            && rsvp.guest_name.is_some()
        {
            guests.extend(rsvp.rkey().map(|rkey| (rkey, rsvp.clone())));
        }
    }
    Ok(guests)
}

/// An answer for a named guest, or why there is none.
pub(super) fn answer(
    known: &Known,
    guests: &mut HashMap<String, Rsvp>,
    answered: &Answered,
) -> Result<Result<Step, String>> {
    let Some((item, event)) = known.answered(&answered.uid) else {
        return Ok(Err(match known.imported(&answered.uid).is_empty() {
            true => "the event it answers is not here".into(),
            false => "it answers a series of which only single dates are here".into(),
        }));
    };
    if !matches!(item.may, Some(May::Edit | May::Revise(Right::Host))) {
        return Ok(Err(format!("{} is {}'s event: only its hosts answer for guests", event.name, item.author)));
    }
    let at = answered.at.as_ref().map(|at| alike(at, &event.start));
    if let Some(at) = at.as_ref().filter(|at| !recur::has(event, at)) {
        return Ok(Err(format!("{} has no date {}", event.name, at.text())));
    }
    let rsvp = Rsvp {
        event: parse_uri(&item.uri)?,
        seen: parse(item.shown_cid())?,
        // What we did not hand out counts its changes in its own way.
        seen_sequence: match event.source {
            None => answered.sequence.min(event.sequence),
            Some(_) => event.sequence,
        },
        // Mail names a plan by its number alone.
        seen_plan: None,
        occurrence: at.as_ref().filter(|_| event.recur.is_some()).map(Start::text),
        status: answered.status,
        count: answered.count,
        note: answered.note.clone(),
        // They answered the host, and nobody else.
        show: ShowName::Hosts,
        guest_name: Some(answered.guest.clone()),
    };
    let place = rsvp.rkey().unwrap_or_default();
    let mut said = answered.said.clone();
    let act = match guests.get(&place) {
        None => Act::Added,
        Some(old) if Rsvp { seen: rsvp.seen, ..old.clone() } == rsvp => Act::Unchanged,
        Some(old) if old.seen_sequence > rsvp.seen_sequence => {
            said.push("it answers an older plan than the answer that is here, which stays".into());
            Act::Unchanged
        }
        Some(_) => Act::Changed,
    };
    let draft = (act != Act::Unchanged).then(|| record::draft("answer", rsvp.clone())).transpose()?;
    let when = match at {
        Some(at) => words(&at, event.duration, event.days),
        None if event.recur.is_some() => "every date".to_owned(),
        None => event.when_words(),
    };
    let subject = Subject::Answer {
        key: answered.uid.clone(),
        to: format!("{}, {when}", event.name),
        rsvp: Box::new(rsvp.clone()),
    };
    if act != Act::Unchanged {
        guests.insert(place, rsvp);
    }
    Ok(Ok(Step { act, said, held: None, subject, draft }))
}

/// Each answer alone: the rules of the event may refuse one and not another.
pub(super) fn publish(session: &Session, community: &CommunityInfo, mut step: Step) -> Result<Result<Step, String>> {
    let Some(draft) = step.draft.take() else { return Ok(Ok(step)) };
    match record::publish(session, Some(&community.cid), vec![draft]) {
        Ok(published) => {
            step.held = published.into_iter().next().map(|info| (info.uri, info.short));
            Ok(Ok(step))
        }
        Err(error) if error.exit == Exit::Refused => Ok(Err(error.message)),
        Err(error) => Err(error),
    }
}
