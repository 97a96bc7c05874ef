//! Who comes: answers as an event's rules let them count, and the list of those who have a place.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, btree_map},
};

use folkmoot_schemas::{
    Did, Record, Tid, Uri,
    kind::Kind,
    records::{
        admission::{Admission, Claim, Key, Standing},
        event::{Event, Plans, RsvpMode, RsvpRules, ShowAnswers},
        rsvp::{Answer, Rsvp, ShowName},
    },
    roster::{Role, State},
};

use super::{
    Scope, StoreError, View,
    intern::{Name, Numbers},
    reader::{Answers, Entry, Listed, Lookup},
    repos::Repos,
};

/// An answer that stands, by the rules of its event.
#[derive(Debug, Clone)]
pub struct Given {
    pub entry: Entry,
    /// Its `count` is no more than the event lets one bring, or than there are places for.
    pub rsvp: Rsvp,
    /// What it says itself.
    pub asked: u32,
    /// Promises more than was said before answers were closed.
    pub late: bool,
    /// To another plan than the one that is shown.
    pub before_change: bool,
    /// None: nobody keeps a list, or none was written yet.
    pub standing: Option<Standing>,
}

impl View {
    /// Answers to an event (or to one occurrence: those for it and those for the whole event). Counts and names are
    /// filtered by `show`; the only members-derived fact a public view gives, and only where this node is a member.
    pub fn answers(&self, event: &Entry, occurrence: Option<&str>) -> Result<Answers, StoreError> {
        let mut answers = Answers::default();
        let (Some(roster), Record::Event(fields)) = (self.roster_in_scope(&event.uri.community), &event.record) else {
            return Ok(answers);
        };
        let rules = rules(fields);
        let hidden = rules.show == ShowAnswers::Hosts && self.scope() == Scope::Public;
        if !self.joined(roster) || hidden || matches!(rules.mode, RsvpMode::None | RsvpMode::External) {
            return Ok(answers);
        }
        answers.known = true;
        answers.needs_list = rules.needs_list() && asks_one_date(fields, occurrence);
        let mut listed = None;
        for given in self.given_in_any_scope(event, occurrence)? {
            let Given { entry, rsvp, .. } = &given;
            let tally = match rsvp.status {
                Answer::Going => &mut answers.going,
                Answer::Maybe => &mut answers.maybe,
                Answer::Interested => &mut answers.interested,
                Answer::NotGoing => &mut answers.not_going,
            };
            *tally = tally.saturating_add(rsvp.count);
            if rsvp.status != Answer::Going {
                continue;
            }
            let comes = match given.standing {
                Some(standing) => listed.get_or_insert_with(Listed::default).count(standing, rsvp.count),
                None => true,
            };
            // Who has no place and waits for none need not be asked again.
            if !matches!(given.standing, Some(Standing::Declined | Standing::Open)) {
                let since = if given.before_change { &mut answers.before_change } else { &mut answers.confirmed };
                *since = since.saturating_add(rsvp.count);
            }
            let shown = match rsvp.show {
                ShowName::Names => true,
                ShowName::Members => self.scope() == Scope::Members,
                ShowName::Hosts => false,
            };
            if comes && rules.show == ShowAnswers::Names && shown {
                answers.names.push(match &rsvp.guest_name {
                    Some(guest) => guest.clone(),
                    None => self.name(&event.uri.community, &entry.uri.did)?,
                });
            }
        }
        answers.listed = listed;
        answers.names.sort();
        Ok(answers)
    }

    /// The newest answer per (person, guest name) as it stands, unfiltered by `show`. Empty in scope `Public`.
    pub fn given(&self, event: &Entry, occurrence: Option<&str>) -> Result<Vec<Given>, StoreError> {
        match self.scope() {
            Scope::Public => Ok(Vec::new()),
            Scope::Members => self.given_in_any_scope(event, occurrence),
        }
    }

    /// The newest live answer per (person, guest name), unfiltered. Empty in scope `Public`.
    pub fn rsvps(&self, event: &Uri, occurrence: Option<&str>) -> Result<Vec<(Entry, Rsvp)>, StoreError> {
        let Lookup::Found(event) = self.get(event)? else { return Ok(Vec::new()) };
        Ok(self.given(&event, occurrence)?.into_iter().map(|given| (given.entry, given.rsvp)).collect())
    }

    /// Every answer to the event or to one of its dates, of whoever still means to come or has not said no.
    pub fn about_event(&self, event: &Entry) -> Result<Vec<(Did, Rsvp)>, StoreError> {
        if self.scope() == Scope::Public {
            return Ok(Vec::new());
        }
        let answers = self.about_in(Scope::Members, &event.uri, Rsvp::NAME)?.into_iter();
        let answers = answers.filter_map(|entry| Some((entry.uri.did, entry.record.as_rsvp()?.clone())));
        Ok(answers.filter(|(_, rsvp)| rsvp.status != Answer::NotGoing && rsvp.guest_name.is_none()).collect())
    }

    fn given_in_any_scope(&self, event: &Entry, occurrence: Option<&str>) -> Result<Vec<Given>, StoreError> {
        let (Some(roster), Record::Event(fields)) = (self.roster_in_scope(&event.uri.community), &event.record) else {
            return Ok(Vec::new());
        };
        let (state, rules) = (&roster.state, rules(fields));
        let closes = rules.closes.as_ref().map(|at| at.instant(state.describe.zone.as_deref().unwrap_or("UTC")));
        let most = rules.plus_max.map_or(11, |plus| plus.min(10) + 1);
        let (list, date) = (self.list_of(event, occurrence)?, date_of(fields, occurrence));
        let (mut given, mut plans) = (Vec::new(), Plans::of(fields));
        let mut live = self.live_answers(event, fields, state, occurrence)?;
        self.let_votes_stand_in(&event.uri, &mut live)?;
        for (entry, mut rsvp) in live.into_values() {
            if !counts(&event.uri, fields, &rules, &entry, &rsvp, state) {
                continue;
            }
            let key = (entry.uri.did, rsvp.guest_name.clone());
            let asked = rsvp.count;
            let standing = list.as_ref().map(|list| list.standing(&key, asked));
            // Whom a place was given to keeps it when fewer may be brought than before.
            let places = if let Some(Standing::Admitted(places, _)) = standing { places } else { 0 };
            rsvp.count = asked.min(most.max(places));
            given.push(Given {
                asked,
                standing,
                late: closes.is_some_and(|closes| {
                    let host = is_host(&entry.uri.did, &event.uri, fields, state);
                    is_late(&rsvp, host, entry.rev, closes)
                }),
                before_change: plans.outdates(&rsvp, date.as_deref()),
                entry,
                rsvp,
            });
        }
        Ok(given)
    }

    /// What somebody's next answer to the event or to one date of it goes on from: an answer, of an earlier did of theirs
    /// if need be, or a vote that stands in.
    pub(crate) fn standing_answer(
        &self,
        event: &Entry,
        (did, guest): &Key,
        occurrence: Option<&str>,
    ) -> Result<Option<(Entry, Rsvp)>, StoreError> {
        let (Some(roster), Record::Event(fields)) = (self.roster_in_scope(&event.uri.community), &event.record) else {
            return Ok(None);
        };
        let mut found: Option<(Entry, Rsvp)> = None;
        for author in roster.state.formerly(did).into_iter().chain([*did]) {
            let mut newest: Option<(Entry, Rsvp)> = None;
            for at in names_of(fields, occurrence) {
                let uri = Uri::new(
                    event.uri.community,
                    author,
                    Rsvp::NAME,
                    &rkey(&event.uri, at.as_deref(), guest.as_deref()),
                )?;
                let Some(entry) = self.for_members(&uri)? else { continue };
                let Record::Rsvp(rsvp) = &entry.record else { continue };
                let rsvp = Rsvp::clone(rsvp);
                if newest.as_ref().is_none_or(|newest| stands_before((&entry, &rsvp), newest)) {
                    newest = Some((entry, rsvp));
                }
            }
            // What they say under their did of today stands alone, else the newest of before.
            if newest.as_ref().is_some_and(|(entry, _)| {
                author == *did || found.as_ref().is_none_or(|(other, _)| entry.rev > other.rev)
            }) {
                found = newest;
            }
        }
        match found {
            None if guest.is_none() => self.vote_as_answer(event, did),
            answer => Ok(answer),
        }
    }

    /// For an occurrence, an answer to that date stands before the same person's answer to the whole event. One person
    /// has one record per (event, occurrence, guest): the rkey is derived from them, and others have a fault.
    ///
    /// A series has one occurrence a day, so an answer stays with its date when the time of day moves: it is named by its
    /// day. Of several to one day, as answers that name a time of day can be, the newest counts.
    fn live_answers(
        &self,
        event: &Entry,
        fields: &Event,
        state: &State,
        occurrence: Option<&str>,
    ) -> Result<BTreeMap<Key, (Entry, Rsvp)>, StoreError> {
        let mut live: BTreeMap<Key, (Entry, Rsvp)> = BTreeMap::new();
        let asked: BTreeSet<String> =
            names_of(fields, occurrence).map(|at| rkey(&event.uri, at.as_deref(), None)).collect();
        let wanted = |did: &Did, rkey: &str| asked.contains(rkey) || is_host(did, &event.uri, fields, state);
        for entry in self.answers_where(&event.uri, wanted)? {
            let Record::Rsvp(rsvp) = &entry.record else { continue };
            let rsvp = Rsvp::clone(rsvp);
            if rsvp.occurrence.is_some() && rsvp.occurrence.as_deref().map(day) != occurrence.map(day) {
                continue;
            }
            let key = (entry.uri.did, rsvp.guest_name.clone());
            if live.get(&key).is_none_or(|other| stands_before((&entry, &rsvp), other)) {
                live.insert(key, (entry, rsvp));
            }
        }
        Ok(live)
    }

    /// The answers about an event whose author and rkey are `wanted`. Others are not looked into: one person can write
    /// any number of them, to dates that do not exist and for guests they do not have.
    fn answers_where(&self, event: &Uri, wanted: impl Fn(&Did, &str) -> bool) -> Result<Vec<Entry>, StoreError> {
        let (Some(roster), Some(collection)) =
            (self.roster_in_scope(&event.community), self.t.number(Name::Collection(Rsvp::NAME))?)
        else {
            return Ok(Vec::new());
        };
        let mut authors: BTreeMap<u32, Option<Did>> = BTreeMap::new();
        let mut found = Vec::new();
        for (repo, rkey) in self.about_rows(roster.number, event, collection)? {
            let author = match authors.entry(repo) {
                btree_map::Entry::Occupied(known) => *known.get(),
                btree_map::Entry::Vacant(free) => {
                    let did = self.t.repo_at(repo)?.map(|repo| self.t.key_of(repo.did)).transpose()?;
                    *free.insert(did)
                }
            };
            if author.is_some_and(|did| wanted(&did, &rkey)) {
                let entry = self.listed(Scope::Members, &event.community, repo, Rsvp::NAME, collection, &rkey)?;
                found.extend(entry.filter(|entry| entry.record.about().as_ref() == Some(event)));
            }
        }
        Ok(found)
    }

    /// Those of the dates of a series, as they are named, to which somebody has answered alone.
    pub fn answered_dates(&self, event: &Entry, dates: &[String]) -> Result<BTreeSet<String>, StoreError> {
        let (Some(roster), Record::Event(fields), Some(collection)) =
            (self.roster_in_scope(&event.uri.community), &event.record, self.t.number(Name::Collection(Rsvp::NAME))?)
        else {
            return Ok(BTreeSet::new());
        };
        let mut by_rkey: BTreeMap<String, &String> = BTreeMap::new();
        for date in dates {
            for at in names_of(fields, Some(date)).flatten() {
                by_rkey.insert(rkey(&event.uri, Some(&at), None), date);
            }
        }
        let rows = self.about_rows(roster.number, &event.uri, collection)?;
        Ok(rows.into_iter().filter_map(|(_, rkey)| by_rkey.get(&rkey).map(|date| (*date).clone())).collect())
    }

    /// What the list after `before` is made from. Whose answer has not come to this device, while another one of the same
    /// person has seen it and put them on the list, stays as they are there.
    pub fn claims(
        &self,
        event: &Entry,
        occurrence: Option<&str>,
        before: &Admission,
    ) -> Result<Vec<Claim>, StoreError> {
        let given = self.given(event, occurrence)?;
        let mut unseen: BTreeMap<Key, u32> = BTreeMap::new();
        for party in before.admitted.iter().chain(&before.waiting) {
            *unseen.entry(party.key()).or_default() += party.2;
        }
        let mut claims = Vec::new();
        for Given { entry, rsvp, asked, late, .. } in given {
            let (did, guest) = (entry.uri.did, rsvp.guest_name.clone());
            unseen.remove(&(did, guest.clone()));
            if rsvp.status == Answer::Going {
                claims.push(Claim { did, guest, count: asked, since: rsvp.stands_since(entry.rev), late });
            }
        }
        for ((did, guest), count) in unseen {
            if !self.has_answered(event, occurrence, &did, guest.as_deref())? {
                claims.push(Claim { did, guest, count: count.min(11), since: Tid::new(0, 0), late: false });
            }
        }
        Ok(claims)
    }

    /// An answer of theirs is here, counts or not, or was: then nothing is left to wait for. So it is of who is out.
    fn has_answered(
        &self,
        event: &Entry,
        occurrence: Option<&str>,
        did: &Did,
        guest: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (Some(roster), Record::Event(fields)) = (self.roster_in_scope(&event.uri.community), &event.record) else {
            return Ok(true);
        };
        if !roster.state.is_member(did) {
            return Ok(true);
        }
        for at in names_of(fields, occurrence) {
            let rkey = rkey(&event.uri, at.as_deref(), guest);
            let uri = Uri::new(event.uri.community, *did, Rsvp::NAME, &rkey)?;
            if !matches!(self.get(&uri)?, Lookup::Absent) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Listed {
    /// True: somebody of this answer has a place.
    fn count(&mut self, standing: Standing, count: u32) -> bool {
        let (places, waits) = match standing {
            Standing::Admitted(places, waiting) => (places, waiting.map_or(0, |_| count.saturating_sub(places))),
            Standing::Waiting(_) => (0, count),
            Standing::Declined | Standing::Open => (0, 0),
        };
        self.admitted = self.admitted.saturating_add(places);
        self.waiting = self.waiting.saturating_add(waits);
        places > 0
    }
}

fn rules(event: &Event) -> RsvpRules {
    event.rsvp.clone().unwrap_or_default()
}

/// What an answer to one date may call it, and None for one to every date: the date itself, or with the time of day that
/// the series has or had.
fn names_of(event: &Event, occurrence: Option<&str>) -> impl Iterator<Item = Option<String>> {
    let date = occurrence.map(day).and_then(folkmoot_schemas::when::parse_date);
    let starts: Vec<String> = match date {
        Some(date) => [&event.start].into_iter().chain(&event.previous).map(|start| start.on(date).text()).collect(),
        None => Vec::new(),
    };
    let exact = occurrence.into_iter().flat_map(|at| [at.to_owned(), day(at).to_owned()]);
    let named: BTreeSet<String> = exact.chain(starts).collect();
    [None].into_iter().chain(named.into_iter().map(Some))
}

/// Of two answers of one person: one to a single date, else by the one order.
pub(super) fn stands_before((entry, rsvp): (&Entry, &Rsvp), (other, theirs): &(Entry, Rsvp)) -> bool {
    let rank = |entry: &Entry, rsvp: &Rsvp| (rsvp.occurrence.is_some(), entry.rev, Reverse(entry.cid.to_bytes()));
    rank(entry, rsvp) > rank(other, theirs)
}

fn rkey(event: &Uri, occurrence: Option<&str>, guest: Option<&str>) -> String {
    folkmoot_schemas::derive::id(&[Some(&event.to_string()), occurrence, guest], 26)
}

/// Lists are for dates: of a whole series there is none.
pub(super) fn asks_one_date(event: &Event, occurrence: Option<&str>) -> bool {
    event.recur.is_none() || occurrence.is_some()
}

/// As lists name it.
pub(crate) fn date_of(event: &Event, occurrence: Option<&str>) -> Option<String> {
    occurrence.filter(|_| event.recur.is_some()).map(|at| day(at).to_owned())
}

/// Answers for guests are the hosts' to give, and some events are for members alone.
fn counts(uri: &Uri, event: &Event, rules: &RsvpRules, entry: &Entry, rsvp: &Rsvp, state: &State) -> bool {
    // Whoever is out does not come; under another did they have answered anew.
    if !state.is_member(&entry.uri.did) {
        return false;
    }
    let host = || is_host(&entry.uri.did, uri, event, state);
    match (&rsvp.guest_name, rules.mode) {
        (Some(_), _) => host(),
        (None, RsvpMode::Members) => state.role(&entry.uri.did).is_some_and(|role| role >= Role::Member) || host(),
        (None, _) => true,
    }
}

/// Of one written as `rev`, by one of the hosts or not; `closes`: seconds. Who does not come may say so at any time. Hosts
/// answer for whom they like whenever they like; what a guest sent them by mail is dated by the mail.
pub(crate) fn is_late(rsvp: &Rsvp, host: bool, rev: Tid, closes: i64) -> bool {
    let bound = rsvp.status != Answer::NotGoing && (!host || rsvp.sent().is_some());
    bound && (rsvp.stands_since(rev).micros() / 1_000_000) as i64 > closes
}

/// The author, whoever is named as a host, and who keeps the list: they enter guests, and read what is for hosts alone.
pub fn is_host(did: &Did, uri: &Uri, event: &Event, state: &State) -> bool {
    let anchor = event.rsvp.as_ref().and_then(|rules| rules.anchor);
    let hosts = event.hosts.iter().filter_map(|host| host.did).chain(anchor).chain([uri.did]);
    hosts.into_iter().any(|host| state.today(&host) == *did)
}

/// The day an occurrence's name begins with, with or without a time behind it.
fn day(occurrence: &str) -> &str {
    occurrence.split_once('T').map_or(occurrence, |(day, _)| day)
}
