//! Votes in a poll, and what they say of the event that a poll of dates became.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Did, Record, Uri,
    kind::Kind,
    records::{
        event::Event,
        poll::{Poll, PollOption},
        rsvp::{Answer, Rsvp, ShowName},
        vote::{Choice, Vote},
    },
};

use super::{
    Scope, StoreError, View,
    intern::{Name, Numbers},
    reader::{Entry, Lookup},
};

/// Is the event on that date, or was it, and says so? Else its author could count votes for one date as answers to another.
fn is_or_was_on(event: &Event, option: &PollOption) -> bool {
    let Some(start) = &option.start else { return false };
    event.start == *start || (event.sequence > 0 && event.previous.contains(start))
}

impl View {
    /// The newest vote of each person, under whichever of their dids they wrote. Empty in scope `Public`.
    pub fn votes(&self, poll: &Uri) -> Result<Vec<(Entry, Vote)>, StoreError> {
        match self.scope() {
            Scope::Public => Ok(Vec::new()),
            Scope::Members => self.live_votes(poll),
        }
    }

    fn live_votes(&self, poll: &Uri) -> Result<Vec<(Entry, Vote)>, StoreError> {
        let Some(roster) = self.roster_in_scope(&poll.community) else { return Ok(Vec::new()) };
        let mut live: BTreeMap<Did, (Entry, Vote)> = BTreeMap::new();
        for entry in self.about_in(Scope::Members, poll, Vote::NAME)? {
            let Record::Vote(vote) = &entry.record else { continue };
            let vote = Vote::clone(vote);
            let person = roster.state.today(&entry.uri.did);
            let newer = |old: &Entry| (entry.rev, &old.cid.to_bytes()) > (old.rev, &entry.cid.to_bytes());
            if live.get(&person).is_none_or(|(old, _)| newer(old)) {
                live.insert(person, (entry, vote));
            }
        }
        Ok(live.into_values().collect())
    }

    /// Adds, for those who have not answered an event, what their votes in its poll say.
    pub(super) fn let_votes_stand_in(
        &self,
        event: &Uri,
        live: &mut BTreeMap<(Did, Option<String>), (Entry, Rsvp)>,
    ) -> Result<(), StoreError> {
        let Some(roster) = self.roster_in_scope(&event.community) else { return Ok(()) };
        let Lookup::Found(entry) = self.get(event)? else { return Ok(()) };
        let Record::Event(fields) = &entry.record else { return Ok(()) };
        let today = |did: &Did| roster.state.today(did);
        let answered: BTreeSet<Did> =
            live.keys().filter(|(_, guest)| guest.is_none()).map(|(did, _)| today(did)).collect();
        for (entry, rsvp) in self.votes_as_answers(event, fields)? {
            if !answered.contains(&today(&entry.uri.did)) {
                live.insert((entry.uri.did, None), (entry, rsvp));
            }
        }
        Ok(())
    }

    /// What somebody's vote says as an answer to the event that came of its poll.
    pub(crate) fn vote_as_answer(&self, event: &Entry, did: &Did) -> Result<Option<(Entry, Rsvp)>, StoreError> {
        let (Some(roster), Some(fields)) = (self.roster_in_scope(&event.uri.community), event.record.as_event()) else {
            return Ok(None);
        };
        let of = |entry: &Entry| roster.state.today(&entry.uri.did) == *did;
        Ok(self.votes_as_answers(&event.uri, fields)?.into_iter().find(|(entry, _)| of(entry)))
    }

    /// What the votes for the date it was decided for say as answers to the event, until their authors answer. An answer is
    /// signed by who gives it, so nobody is counted whose own vote does not say so: the event names the poll and the poll the
    /// event, both are of one author, and each vote counted in the poll.
    fn votes_as_answers(&self, uri: &Uri, event: &Event) -> Result<Vec<(Entry, Rsvp)>, StoreError> {
        let Some(poll_uri) = event.poll.as_ref().filter(|poll| poll.community == uri.community && poll.did == uri.did)
        else {
            return Ok(Vec::new());
        };
        let Some(poll) = self.poll_of(poll_uri)? else { return Ok(Vec::new()) };
        let names = poll.result.as_ref().is_some_and(|result| result.event.as_ref() == Some(uri));
        let chosen = poll.chosen().and_then(|chosen| poll.options.iter().position(|option| option == chosen));
        let Some(chosen) = chosen.filter(|at| names && is_or_was_on(event, &poll.options[*at])) else {
            return Ok(Vec::new());
        };
        let said = |(entry, vote): (Entry, Vote)| {
            let status = match (*poll.read(entry.rev, &vote)?.get(chosen)?)? {
                Choice::Yes => Answer::Going,
                Choice::Maybe => Answer::Maybe,
                Choice::No => Answer::NotGoing,
            };
            // They saw a poll and no version of the event; of what was changed since they cannot know.
            let rsvp = Rsvp {
                note: Some("by their vote in the poll".into()),
                // As the votes of the poll are.
                show: ShowName::Members,
                ..Rsvp::new(uri.clone(), entry.cid, status)
            };
            Some((entry, rsvp))
        };
        Ok(self.live_votes(poll_uri)?.into_iter().filter_map(said).collect())
    }

    fn poll_of(&self, uri: &Uri) -> Result<Option<Poll>, StoreError> {
        let (Some(roster), Some(did), Some(collection)) = (
            self.roster_in_scope(&uri.community),
            self.t.number(Name::Key(&uri.did))?,
            self.t.number(Name::Collection(Poll::NAME))?,
        ) else {
            return Ok(None);
        };
        let Some((repo, leaf)) = self.current(Scope::Members, roster.number, did, collection, &uri.rkey)? else {
            return Ok(None);
        };
        let entry = self.entry(&uri.community, &repo, Poll::NAME, collection, &uri.rkey, leaf)?;
        Ok(match entry.record {
            Record::Poll(poll) if entry.fault.is_none() => Some(*poll),
            _ => None,
        })
    }
}
