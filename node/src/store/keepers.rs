//! Whose list of who has a place counts, and the list itself.
//!
//! First in line is the anchor, then the author, then the co-hosts in their order; the first of them who is at least a
//! member keeps the list (a guest may keep none). When one of them goes, or comes back, it falls to another. What that
//! one wrote before has no say then: it may be from years ago, when they kept it last. Until they write one, that of who
//! kept it before goes on. All of that by `rev`, which is the word of whoever writes: an old list does no harm by
//! accident, and one dated ahead is a lie of somebody whom the author trusted.

use std::{cmp::Reverse, collections::BTreeSet};

use folkmoot_schemas::{
    Did, Record, Tid,
    kind::Kind,
    records::{admission::Admission, event::Event},
    roster::{Role, State},
};

use super::{
    Scope, StoreError, View,
    answers::{asks_one_date, date_of},
    index,
    intern::{Name, Numbers},
    reader::Entry,
    repos::Repos,
};

/// What is known of who has a place.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Of each device of whoever wrote it, the one that counts first.
    pub lists: Vec<Admission>,
    /// When it fell to whoever keeps it now, where it was another's: theirs count from then on.
    pub since: Option<Tid>,
    /// It is still that of another, or from before.
    pub inherited: bool,
}

/// Who may keep the list of an event, the first one first.
fn line(event: &Entry) -> Vec<Did> {
    let Some(fields) = event.record.as_event() else { return Vec::new() };
    let named = fields.rsvp.as_ref().and_then(|rules| rules.anchor);
    let hosts = fields.hosts.iter().filter(|host| host.edit).filter_map(|host| host.did);
    named.into_iter().chain([event.uri.did]).chain(hosts).collect()
}

fn keeper(line: &[Did], state: &State) -> Option<usize> {
    line.iter().position(|did| state.role(&state.today(did)).is_some_and(|role| role >= Role::Member))
}

/// When somebody who kept the list stopped to be a member.
fn went(did: &Did, state: &State) -> Option<Tid> {
    let person = state.today(did);
    match state.members.get(&person) {
        Some(member) => (member.role < Role::Member && member.returned).then_some(member.since),
        None => state.former.get(&person).map(|former| former.since),
    }
}

/// When somebody came back, under whatever did.
fn came_back(person: &Did, state: &State) -> Option<Tid> {
    let member = state.members.get(person)?;
    (member.returned || !state.formerly(person).is_empty()).then_some(member.since)
}

impl View {
    /// Whose word on places counts: the anchor, else the author, else the first co-host, of whom one is a member (a guest
    /// may keep no list).
    pub fn anchor(&self, event: &Entry) -> Option<Did> {
        let state = &self.roster_in_scope(&event.uri.community)?.state;
        let line = line(event);
        keeper(&line, state).map(|at| state.today(&line[at]))
    }

    /// The list for an event, or for one date of a series. None: none is needed, or none was written.
    pub fn list_of(&self, event: &Entry, occurrence: Option<&str>) -> Result<Option<Admission>, StoreError> {
        Ok(self.lists_of(event, occurrence)?.lists.into_iter().next())
    }

    /// The same of every device.
    pub fn lists_of(&self, event: &Entry, occurrence: Option<&str>) -> Result<Kept, StoreError> {
        let (Some(roster), Record::Event(fields)) = (self.roster_in_scope(&event.uri.community), &event.record) else {
            return Ok(Kept::default());
        };
        let needed = fields.rsvp.as_ref().is_some_and(|rules| rules.needs_list());
        let (state, line) = (&roster.state, line(event));
        let Some(at) = keeper(&line, state).filter(|_| needed && asks_one_date(fields, occurrence)) else {
            return Ok(Kept::default());
        };
        let (before, after) = (&line[..at], &line[at + 1..]);
        let person = state.today(&line[at]);
        let back = came_back(&person, state);
        let since = before.iter().filter_map(|did| went(did, state)).chain(back).max();
        let written = |did: &Did| self.lists_by(did, event, fields, occurrence);
        let only = |lists: Vec<(Tid, Admission)>| lists.into_iter().map(|(_, list)| list).collect::<Vec<_>>();
        let mut own = written(&person)?;
        own.retain(|(rev, _)| since.is_none_or(|since| *rev > since));
        if !own.is_empty() {
            return Ok(Kept { lists: only(own), since, inherited: false });
        }
        // Who came back had left it to anybody in line; who comes to it, only to those before. Where none of those has
        // one, another was named before, whom nobody remembers: the author, or a host of the author's trust.
        let turns: Vec<&[Did]> = match back {
            Some(_) => vec![&line],
            None => [before, &line[at..=at]].into_iter().chain(after.chunks(1)).collect(),
        };
        for turn in turns {
            let dids = turn.iter().flat_map(|did| {
                let person = state.today(did);
                state.formerly(&person).into_iter().chain([person, *did])
            });
            let mut newest: Option<(Tid, Vec<(Tid, Admission)>)> = None;
            for did in dids.collect::<BTreeSet<_>>() {
                let Some((until, lists)) = self.had_say(&did, state, written(&did)?) else { continue };
                let Some(rev) = lists.first().map(|(rev, _)| (*rev).min(until)) else { continue };
                if newest.as_ref().is_none_or(|(other, _)| rev > *other) {
                    newest = Some((rev, lists));
                }
            }
            if let Some((_, lists)) = newest {
                return Ok(Kept { lists: only(lists), since, inherited: true });
            }
        }
        Ok(Kept { since, ..Kept::default() })
    }

    /// What somebody wrote while they could keep a list, and since when they cannot: of who is out, nothing is later than
    /// that, whatever it says of itself.
    fn had_say(
        &self,
        did: &Did,
        state: &State,
        mut lists: Vec<(Tid, Admission)>,
    ) -> Option<(Tid, Vec<(Tid, Admission)>)> {
        match (state.members.get(did), state.former.get(did)) {
            (Some(member), _) if member.role >= Role::Member => Some((lists.first()?.0, lists)),
            (Some(member), _) => {
                lists.retain(|(rev, _)| member.returned && *rev <= member.since);
                Some((member.since, lists))
            }
            (None, Some(former)) if former.role >= Role::Member && !former.left_apart => Some((former.since, lists)),
            _ => None,
        }
    }

    /// Those of each device of one did, the one that counts first, whether or not it is theirs to keep one.
    fn lists_by(
        &self,
        did: &Did,
        event: &Entry,
        fields: &Event,
        occurrence: Option<&str>,
    ) -> Result<Vec<(Tid, Admission)>, StoreError> {
        let community = &event.uri.community;
        let (Some(roster), Some(did), Some(collection)) = (
            self.roster_in_scope(community),
            self.t.number(Name::Key(did))?,
            self.t.number(Name::Collection(Admission::NAME))?,
        ) else {
            return Ok(Vec::new());
        };
        let rkey = Admission::key(&event.uri, date_of(fields, occurrence).as_deref());
        let repos = self.repos_of_person(Scope::Members, roster.number, did)?;
        let Some((first, _)) = self.t.first_of(&repos, collection, &rkey)? else { return Ok(Vec::new()) };
        let mut lists = Vec::new();
        let others = repos.iter().filter(|repo| repo.number != first.number);
        for repo in [&first].into_iter().chain(others) {
            let Some(leaf) = self.t.leaf(repo.number, collection, &rkey)? else { continue };
            let entry = self.entry(community, repo, Admission::NAME, collection, &rkey, leaf)?;
            // Of somebody who may keep none today, what they wrote before is still to be read.
            let is_sound = index::fault(&entry.record, &entry.uri.path(), entry.block.bytes().len()).is_none();
            match entry.record {
                Record::Admission(list) if is_sound && list.event == event.uri => {
                    lists.push((entry.rev, entry.cid, *list));
                }
                // What counts is no list: then there is none, whatever stood before it.
                _ if lists.is_empty() => return Ok(Vec::new()),
                _ => {}
            }
        }
        // The first one is what the view shows; among the others the one order decides.
        if let Some((_, others)) = lists.split_first_mut() {
            others.sort_by_key(|(rev, cid, _)| (Reverse(*rev), cid.to_bytes()));
        }
        Ok(lists.into_iter().map(|(rev, _, list)| (rev, list)).collect())
    }
}
