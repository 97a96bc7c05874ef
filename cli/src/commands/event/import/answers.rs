//! Answers that came by mail: they become answers of guests.

use std::collections::HashMap;

use folkmoot_node::request::{CommunityInfo, Item, May};
use folkmoot_schemas::{
    Uri,
    kind::Kind,
    records::{
        event::Event,
        revision::Right,
        rsvp::{Answer, Rsvp, ShowName},
        text::{folded, is_same_name},
    },
    when::words,
};

use super::{
    super::{answers::spelled, parse},
    Act, Step, Subject, dates,
    known::{Held, Known},
    memory::Memory,
    replace,
};
use crate::{
    commands::post::parse_uri,
    error::{Exit, Result},
    ics::{Answered, alike, key},
    record,
    session::Session,
};

/// Guests we answered for already.
#[derive(Debug, Default)]
pub(super) struct Guests {
    /// By the place of their answer; and when that was given or entered.
    pub(super) answers: HashMap<String, (Rsvp, i64)>,
    /// By event and name in the form that all of its spellings share.
    spellings: HashMap<(Uri, String), Vec<String>>,
}

impl Guests {
    fn insert(&mut self, place: String, rsvp: Rsvp, when: i64) {
        let Some(name) = rsvp.guest_name.clone() else { return };
        let spellings = self.spellings.entry((rsvp.event.clone(), folded(&name))).or_default();
        if !spellings.contains(&name) {
            spellings.push(name);
        }
        self.answers.insert(place, (rsvp, when));
    }

    /// A name as it is among the answers to this event.
    fn spelled(&self, event: &Uri, name: &str) -> String {
        let held = self.spellings.get(&(event.clone(), folded(name)));
        spelled(held.into_iter().flatten().cloned(), name.to_owned())
    }
}

pub(super) fn guests(session: &Session, community: &CommunityInfo, known: &Known) -> Result<Guests> {
    let mut guests = Guests::default();
    for item in record::list(session, Some(&community.cid), Rsvp::NAME, usize::MAX)? {
        if item.did == known.me
            && let Some(rsvp) = record::open(&item)?.as_rsvp()
            && let Some(place) = rsvp.rkey()
        {
            let entered = i64::try_from(item.updated / 1_000_000).unwrap_or(i64::MAX);
            guests.insert(place, rsvp.clone(), rsvp.given.unwrap_or(entered));
        }
    }
    Ok(guests)
}

/// In the order in which they were given: of guests of one name the first has it for themselves.
pub(super) fn in_order(answers: &[Answered]) -> Vec<&Answered> {
    let mut answers: Vec<&Answered> = answers.iter().collect();
    answers.sort_by_key(|answered| (answered.version.stamp, &answered.address));
    answers
}

/// An answer for a named guest, or why there is none.
pub(super) fn answer(
    known: &Known,
    (guests, memory): (&mut Guests, &mut Memory),
    answered: &Answered,
    older_too: bool,
) -> Result<Result<Step, String>> {
    let (item, event) = match reached(known, answered) {
        Ok(reached) => reached,
        Err(why) => return Ok(Err(why)),
    };
    if !matches!(item.may, Some(May::Edit | May::Revise(Right::Host))) {
        return Ok(Err(format!("{} is {}'s event: only its hosts answer for guests", event.name, item.author)));
    }
    let at = answered.at.as_ref().filter(|_| event.recur.is_some()).map(|at| alike(at, &event.start));
    let counted = answered.version.sequence;
    let uri = parse_uri(&item.uri)?;
    let (guest, first) =
        memory.guest(&answered.uid, answered.address.as_deref(), &answered.guest, |name| guests.spelled(&uri, name));
    let mut rsvp = Rsvp {
        seen_sequence: match event.source.as_ref().map(|source| source.version) {
            None => counted.min(event.sequence),
            // What we did not hand out counts its changes in its own way.
            Some(Some(version)) if counted < version.sequence => event.sequence.saturating_sub(1),
            Some(_) => event.sequence,
        },
        occurrence: at.as_ref().map(|at| at.civil_date().to_string()),
        count: answered.count.unwrap_or(1),
        note: answered.note.clone(),
        // They answered the host, and nobody else.
        show: ShowName::Hosts,
        guest_name: Some(guest),
        given: answered.version.stamp,
        // Mail names a plan by its number alone.
        ..Rsvp::new(uri, parse(item.shown_cid())?, answered.status)
    };
    let place = rsvp.rkey().unwrap_or_default();
    let mut said = answered.said.clone();
    if rsvp.guest_name.as_deref().is_some_and(|guest| !is_same_name(guest, &answered.guest)) {
        said.push(format!("in the mail: {} (guests are told apart by their address)", answered.guest));
    }
    let mut act = Act::Added;
    if let Some((old, when)) = guests.answers.get(&place) {
        rsvp.show = old.show;
        // Of what the message says nothing, what was entered here stays.
        if rsvp.status != Answer::NotGoing && old.status != Answer::NotGoing {
            rsvp.count = answered.count.unwrap_or(old.count);
        }
        rsvp.note = rsvp.note.or_else(|| old.note.clone());
        act = Act::Unchanged;
        match beside(old, *when, &rsvp) {
            Beside::Same => said.clear(),
            Beside::Older(why) if !older_too => {
                let word = rsvp.status.words();
                said = vec![format!("a file says {word}, {why}, and changes nothing (--older takes it)")];
                rsvp = old.clone();
            }
            Beside::Older(_) | Beside::Newer => {
                act = Act::Changed;
                // The mark of who gave it may be on another device, or was lost with one.
                if first && old.given.is_some() {
                    said.push(format!(
                        "in place of an answer by mail ({}) of which this device knows no address: where that was of another \
                         {}, enter one of them under another name: moot rsvp EVENT yes --guest NAME",
                        old.status.words(),
                        answered.guest
                    ));
                }
            }
        }
    }
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
        guests.insert(place, rsvp, answered.version.stamp.unwrap_or(i64::MIN));
    }
    Ok(Ok(Step { act, said, lost: answered.said.len(), held: None, subject, draft }))
}

/// The event that is answered, or why none is. A date that its series leaves to an event of its own is that event.
fn reached<'k>(known: &'k Known, answered: &Answered) -> Result<(&'k Item, &'k Event), String> {
    let whole = known.answered(&answered.uid);
    let all = known.imported(&answered.uid).into_iter();
    let all = all.filter_map(|key| Some((key, known.item(key)?, known.event(key)?)));
    let singles: Vec<_> = all.filter(|(.., event)| event.recur.is_none()).collect();
    let Some(at) = &answered.at else {
        return whole.ok_or_else(|| match singles.is_empty() {
            true => absent(known, &answered.uid),
            false => "it answers a series of which only single dates are here".into(),
        });
    };
    let single = |is: &dyn Fn(&str, &Event) -> bool| {
        singles.iter().find(|(key, _, event)| is(key, event)).map(|(_, item, event)| (*item, *event))
    };
    let found = match whole {
        Some((_, series)) if series.recur.is_some() => {
            let has = dates::is_there(series, at);
            whole.filter(|_| has).or_else(|| single(&|key, event| replace::stands_for(key, event, series, at)))
        }
        _ => whole.filter(|(_, event)| event.start == alike(at, &event.start)),
    };
    let name = dates::name_of(at);
    let by_name = || single(&|key, event| dates::names(key, event).any(|other| other == name));
    found.or_else(by_name).ok_or_else(|| match whole {
        Some((_, event)) => format!("{} has no date {}", event.name, alike(at, &event.start).text()),
        None if singles.is_empty() => absent(known, &answered.uid),
        None => format!("of the series it answers the date {} is not here", at.text()),
    })
}

fn absent(known: &Known, uid: &str) -> String {
    match known.get(&key::whole(uid)) {
        Held::Deleted(..) => "the event it answers was deleted here".into(),
        _ => "the event it answers is not here".into(),
    }
}

/// What an answer is beside the one of the same guest that is here, which was given or entered at `when`.
enum Beside {
    Newer,
    Same,
    /// Why.
    Older(&'static str),
}

fn beside(old: &Rsvp, when: i64, new: &Rsvp) -> Beside {
    let later = new.given.is_some_and(|given| given > when);
    if (old.status, old.count, &old.note) == (new.status, new.count, &new.note) {
        // Whoever says the same once more, of a later plan, confirms it.
        return if later && old.seen_sequence < new.seen_sequence { Beside::Newer } else { Beside::Same };
    }
    match new.given {
        Some(given) if given < when => Beside::Older("which is older"),
        _ if old.seen_sequence > new.seen_sequence => Beside::Older("of an older plan"),
        _ => Beside::Newer,
    }
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
