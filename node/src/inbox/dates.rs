//! The dates a person means to be at: what they answered and what they hold. For the agenda, and for reminders.

use std::{cmp::Reverse, collections::HashMap, ops::Range};

use folkmoot_schemas::{
    Cid, Did, Uri,
    kind::Kind,
    records::{
        event::Event,
        rsvp::{Answer, Rsvp},
    },
    roster::State,
};

use super::changes;
use crate::store::{
    StoreError, View,
    reader::{Community, Entry, Occurrence},
};

/// Dates of all events in a window that are looked through.
const DATES: usize = 20_000;

/// A date, and what the person has to do with it.
#[derive(Debug, Clone)]
pub struct MyDate {
    pub date: Occurrence,
    /// The answer that counts for this date, and when it was given (microseconds).
    pub answer: Option<(Rsvp, u64)>,
    pub hosting: bool,
}

/// Answers of one person, by event, the one that counts last by the one order.
pub(crate) type Mine = HashMap<Uri, Vec<(Rsvp, u64)>>;

/// For themselves, not those for guests.
pub(crate) fn answers(view: &View, community: &Cid, me: &Did) -> Result<Mine, StoreError> {
    let mut mine = Mine::new();
    let mut own = view.by_person(community, me, Rsvp::NAME, usize::MAX)?;
    own.sort_by_cached_key(|entry| (entry.rev, Reverse(entry.cid.to_bytes())));
    for entry in own {
        if let Some(rsvp) = entry.record.as_rsvp().filter(|rsvp| rsvp.guest_name.is_none()) {
            mine.entry(rsvp.event.clone()).or_default().push((rsvp.clone(), entry.updated));
        }
    }
    Ok(mine)
}

/// In order; what they said no to is left out, unless they hold it. `true`: there are more.
pub fn dates(
    view: &View,
    community: &Community,
    me: &Did,
    window: Range<i64>,
) -> Result<(Vec<MyDate>, bool), StoreError> {
    if !community.joined {
        return Ok((Vec::new(), false));
    }
    let mine = answers(view, &community.id, me)?;
    let (all, cut) = view.events(&community.id, window, DATES)?;
    let mut dates = Vec::new();
    // Of each event once, not of each of its dates.
    let mut votes: HashMap<Uri, Option<(Rsvp, u64)>> = HashMap::new();
    for date in all {
        let hosting = is_host(&community.state, &date.entry, me);
        let answer = match mine.get(&date.entry.uri) {
            Some(mine) => answer_for(mine, &date.instance.at.text()).cloned(),
            None => match votes.get(&date.entry.uri) {
                Some(vote) => vote.clone(),
                None => {
                    let vote = view.vote_as_answer(&date.entry, me)?.map(|(entry, rsvp)| (rsvp, entry.updated));
                    votes.entry(date.entry.uri.clone()).or_insert(vote).clone()
                }
            },
        };
        let coming = answer.as_ref().is_some_and(|(rsvp, _)| rsvp.status != Answer::NotGoing);
        if hosting || coming {
            dates.push(MyDate { date, answer, hosting });
        }
    }
    Ok((dates, cut))
}

/// An answer to that date stands before one to the whole event; it stays with its day when the time of day changes.
fn answer_for<'m>(mine: &'m [(Rsvp, u64)], at: &str) -> Option<&'m (Rsvp, u64)> {
    let day = |at: &str| at.split('T').next().unwrap_or_default().to_owned();
    let fits = mine.iter().filter(|(rsvp, _)| rsvp.occurrence.as_deref().is_none_or(|named| day(named) == day(at)));
    fits.max_by_key(|(rsvp, _)| rsvp.occurrence.is_some())
}

/// Author or named host, by the author's own record.
pub(crate) fn is_host(state: &State, event: &Entry, did: &Did) -> bool {
    let did = state.today(did);
    let named = |event: &Event| event.hosts.iter().any(|host| host.did.is_some_and(|d| state.today(&d) == did));
    state.today(&event.uri.did) == did || event.record.as_event().is_some_and(named)
}

impl MyDate {
    /// What changed for this date since it was answered: phrases, none where that is not known any more. None: nothing.
    pub fn changed(&self, view: &View) -> Result<Option<Vec<String>>, StoreError> {
        let (Some(event), Some((rsvp, _))) = (self.date.entry.record.as_event(), &self.answer) else { return Ok(None) };
        // Of an answer to a whole series, this date alone.
        let at = event.recur.as_ref().map(|_| self.date.instance.at.text());
        let day = at.as_deref().and_then(|at| at.split('T').next());
        if self.hosting || !event.outdates(rsvp, day) {
            return Ok(None);
        }
        let rsvp = match at {
            Some(at) if rsvp.occurrence.is_none() => Rsvp { occurrence: Some(at), seen_plan: None, ..rsvp.clone() },
            _ => rsvp.clone(),
        };
        let none = changes::Answered::new();
        Ok(changes::since(view, &self.date.entry, event, vec![rsvp], &none, |_| false)?.map(|changes| changes.said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_one_date_stands_before_one_to_all_and_stays_with_its_day() {
        let rsvp = |occurrence: Option<&str>, status| Rsvp {
            occurrence: occurrence.map(str::to_owned),
            ..Rsvp::new(Uri::new(community(), did(), Event::NAME, "3l6oveex3ii2l").unwrap(), Cid::default(), status)
        };
        let mine = [(rsvp(None, Answer::Going), 9), (rsvp(Some("2026-12-24T20:00"), Answer::NotGoing), 1)];
        let status = |at: &str| answer_for(&mine, at).map(|(rsvp, _)| rsvp.status);
        assert_eq!(status("2026-12-17T20:00"), Some(Answer::Going));
        assert_eq!(status("2026-12-24T19:00"), Some(Answer::NotGoing));
        assert_eq!(answer_for(&mine[1..], "2026-12-17T20:00").map(|(rsvp, _)| rsvp.status), None);
    }

    fn community() -> Cid {
        *folkmoot_schemas::Block::encode(&"a charter").unwrap().cid()
    }

    fn did() -> Did {
        folkmoot_schemas::key::Secret::from_seed([7; 32]).did()
    }
}
