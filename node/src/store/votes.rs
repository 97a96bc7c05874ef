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
            if live.get(&person).is_none_or(|(old, _)| is_newer(&entry, old)) {
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
        let Some(decided) = self.decided(event, fields)? else { return Ok(()) };
        for (entry, vote) in self.live_votes(&decided.uri)? {
            let Some((entry, rsvp)) = decided.as_answer(event, entry, &vote) else { continue };
            if !answered.contains(&today(&entry.uri.did)) {
                live.insert((entry.uri.did, None), (entry, rsvp));
            }
        }
        Ok(())
    }

    /// What somebody's vote says as an answer to the event that came of its poll. Of others' votes none is looked at.
    pub(crate) fn vote_as_answer(&self, event: &Entry, did: &Did) -> Result<Option<(Entry, Rsvp)>, StoreError> {
        let Some(fields) = event.record.as_event() else { return Ok(None) };
        let Some(decided) = self.decided(&event.uri, fields)? else { return Ok(None) };
        let vote = self.vote_by(&decided.uri, did)?;
        Ok(vote.and_then(|(entry, vote)| decided.as_answer(&event.uri, entry, &vote)))
    }

    /// The newest of one person, under whichever of their dids.
    fn vote_by(&self, poll: &Uri, did: &Did) -> Result<Option<(Entry, Vote)>, StoreError> {
        let Some(roster) = self.roster_in_scope(&poll.community) else { return Ok(None) };
        let mut newest: Option<(Entry, Vote)> = None;
        for did in roster.state.formerly(did).into_iter().chain([*did]) {
            let uri = Uri::new(poll.community, did, Vote::NAME, &Vote::key(poll))?;
            let Some(entry) = self.for_members(&uri)? else { continue };
            let Record::Vote(vote) = &entry.record else { continue };
            let vote = Vote::clone(vote);
            if newest.as_ref().is_none_or(|(old, _)| is_newer(&entry, old)) {
                newest = Some((entry, vote));
            }
        }
        Ok(newest)
    }

    /// The poll that the event came of: votes in it say something of the event until their authors answer. An answer is
    /// signed by who gives it, so nobody is counted whose own vote does not say so: the event names the poll and the poll
    /// the event, both are of one author, and each vote counted in the poll.
    fn decided(&self, uri: &Uri, event: &Event) -> Result<Option<Decided>, StoreError> {
        let named = event.poll.as_ref().filter(|poll| poll.community == uri.community && poll.did == uri.did);
        let Some(poll_uri) = named else { return Ok(None) };
        let Some(Record::Poll(poll)) = self.for_members(poll_uri)?.map(|entry| entry.record) else { return Ok(None) };
        let names = poll.result.as_ref().is_some_and(|result| result.event.as_ref() == Some(uri));
        let chosen = poll.chosen().and_then(|chosen| poll.options.iter().position(|option| option == chosen));
        let chosen = chosen.filter(|at| names && is_or_was_on(event, &poll.options[*at]));
        Ok(chosen.map(|chosen| Decided { uri: poll_uri.clone(), poll: *poll, chosen }))
    }

    /// What stands there for members, whatever this view may show, where it has no fault.
    pub(super) fn for_members(&self, uri: &Uri) -> Result<Option<Entry>, StoreError> {
        let (Some(roster), Some(did), Some(collection)) = (
            self.roster_in_scope(&uri.community),
            self.t.number(Name::Key(&uri.did))?,
            self.t.number(Name::Collection(&uri.collection))?,
        ) else {
            return Ok(None);
        };
        let Some((repo, leaf)) = self.current(Scope::Members, roster.number, did, collection, &uri.rkey)? else {
            return Ok(None);
        };
        let entry = self.entry(&uri.community, &repo, &uri.collection, collection, &uri.rkey, leaf)?;
        Ok(Some(entry).filter(|entry| entry.fault.is_none()))
    }
}

/// The one order.
fn is_newer(entry: &Entry, old: &Entry) -> bool {
    (entry.rev, &old.cid.to_bytes()) > (old.rev, &entry.cid.to_bytes())
}

/// A poll that was decided for the date of an event.
struct Decided {
    uri: Uri,
    poll: Poll,
    /// Which of its options.
    chosen: usize,
}

impl Decided {
    /// What a vote says of the event.
    fn as_answer(&self, event: &Uri, entry: Entry, vote: &Vote) -> Option<(Entry, Rsvp)> {
        let status = match (*self.poll.read(entry.rev, vote)?.get(self.chosen)?)? {
            Choice::Yes => Answer::Going,
            Choice::Maybe => Answer::Maybe,
            Choice::No => Answer::NotGoing,
        };
        // They saw a poll and no version of the event; of what was changed since they cannot know.
        let rsvp = Rsvp {
            note: Some("by their vote in the poll".into()),
            // As the votes of the poll are.
            show: ShowName::Members,
            ..Rsvp::new(event.clone(), entry.cid, status)
        };
        Some((entry, rsvp))
    }
}
