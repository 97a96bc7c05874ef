//! Who holds an event: that the person was made one of them, and that somebody they count on is out.

use std::{
    collections::{BTreeMap, HashMap, btree_map},
    sync::Arc,
};

use folkmoot_schemas::{
    Did, Record, Tid,
    kind::Kind,
    records::{
        event::{Event, HostRole, Status},
        rsvp::{Answer, Rsvp},
    },
    recur,
};

use super::{
    OF_ONE, Part, What,
    gather::{ANSWERS, Gathering, key},
};
use crate::store::{StoreError, reader::Entry};

/// How far ahead the last date of a series is looked for: 400 days, in seconds; and candidate dates looked at.
const AHEAD: i64 = 400 * 86_400;
const STEPS: u32 = 2_000;
/// Versions of an event looked at for when the person was named, newest: each one is proven anew.
const VERSIONS: usize = 8;

impl Gathering<'_> {
    /// By the author's own word: nobody else says who the hosts are. Since when, in microseconds, as far as is known.
    pub(super) fn named(&mut self, event: &Arc<Entry>) -> Result<u64, StoreError> {
        let by = self.state.today(&event.uri.did);
        let mut at = event.created;
        let Some(fields) = event.record.as_event().filter(|_| !self.is_me(&by)) else { return Ok(at) };
        let Some(part) = self.part(fields) else { return Ok(at) };
        at = at.max(event.rev.micros()).min(event.updated);
        let mut since = None;
        for (n, old) in self.view.newest_versions(&event.uri, VERSIONS)?.iter().enumerate() {
            let same = |event: &Event| self.part(event).as_ref() == Some(&part);
            if !Record::view(&old.block)?.1.as_event().is_some_and(same) {
                break;
            }
            at = old.rev.micros().min(at);
            // Since long ago then, and perhaps since ever.
            since = (n + 1 == VERSIONS).then_some(event.created);
        }
        let role = match &part.host {
            None => 0,
            Some(host) if host.edit => 1,
            Some(host) if host.role == HostRole::Venue => 2,
            Some(_) => 3,
        };
        let stamp = role * 2 + u64::from(part.keeps_list);
        self.push(key("host", &event.uri), stamp, at, by, What::Named { event: Arc::clone(event), part });
        Ok(since.unwrap_or(at))
    }

    fn part(&self, event: &Event) -> Option<Part> {
        let host = event.hosts.iter().find(|host| host.did.is_some_and(|did| self.is_me(&did))).cloned();
        let rules = event.rsvp.as_ref().filter(|rules| rules.needs_list());
        let keeps_list = rules.and_then(|rules| rules.anchor).is_some_and(|anchor| self.is_me(&anchor));
        (host.is_some() || keeps_list).then_some(Part { host, keeps_list })
    }

    /// Of an event that the person has held since then (microseconds): other hosts, and whoever was going, once each, as
    /// long as a post would stay.
    pub(super) fn left(&mut self, event: &Arc<Entry>, since: u64) -> Result<(), StoreError> {
        let Some(fields) = event.record.as_event().filter(|event| event.status != Status::Cancelled) else {
            return Ok(());
        };
        let since = since.max(event.created).max(self.since);
        let mut dates = Dates {
            event: fields,
            zone: self.state.describe.zone.as_deref().unwrap_or("UTC"),
            since,
            last: HashMap::new(),
        };
        let mut gone: BTreeMap<Did, (Tid, Option<Rsvp>)> = BTreeMap::new();
        for host in fields.hosts.iter().filter_map(|host| host.did).chain([event.uri.did]) {
            if let Some((person, left)) = self.went(&host, since).filter(|(_, left)| dates.is_one_after(None, *left)) {
                gone.insert(person, (left, None));
            }
        }
        for answer in self.going_who_are_out(event, since)? {
            let (Some((person, left)), Some(rsvp)) = (self.went(&answer.uri.did, since), answer.record.as_rsvp())
            else {
                continue;
            };
            if !dates.is_one_after(rsvp.day(), left) {
                continue;
            }
            match gone.entry(person) {
                btree_map::Entry::Vacant(place) => {
                    place.insert((left, Some(rsvp.clone())));
                }
                btree_map::Entry::Occupied(mut place) => {
                    // Of several dates, or under several dids, no one number is true of all.
                    if let Some(other) = &mut place.get_mut().1 {
                        (other.occurrence, other.count) = (None, 1);
                    }
                }
            }
        }
        for (person, (left, going)) in gone {
            let what = What::Left { event: Arc::clone(event), going: going.map(Box::new) };
            self.push(key(&format!("left {person}"), &event.uri), left.as_u64(), left.micros(), person, what);
        }
        Ok(())
    }

    fn going_who_are_out(&self, event: &Entry, since: u64) -> Result<Vec<Entry>, StoreError> {
        if self.state.former.is_empty() {
            return Ok(Vec::new());
        }
        let (uri, bounds) = (&event.uri, (ANSWERS, OF_ONE));
        let (text, wanted) = (uri.to_string(), |did: &Did| self.went(did, since).is_some());
        let mut answers = self.view.about_since_by(&uri.community, &text, Rsvp::NAME, 0, bounds, wanted)?;
        answers.retain(|answer| {
            answer
                .record
                .as_rsvp()
                .is_some_and(|rsvp| rsvp.event == *uri && rsvp.status == Answer::Going && rsvp.guest_name.is_none())
        });
        Ok(answers)
    }

    /// Who is out since that moment (microseconds) or later, by their last did, and since when; not whom the person put
    /// out.
    fn went(&self, did: &Did, since: u64) -> Option<(Did, Tid)> {
        let person = self.state.today(did);
        let former = self.state.former.get(&person)?;
        (former.since.micros() >= since && !self.is_me(&former.by)).then_some((person, former.since))
    }
}

/// When the dates of an event are, each looked up once.
struct Dates<'a> {
    event: &'a Event,
    zone: &'a str,
    /// Nothing before that is asked for. Microseconds.
    since: u64,
    /// By day, the last start in seconds; None: of all of it. Of what does not take place there is none.
    last: HashMap<Option<String>, Option<i64>>,
}

impl Dates<'_> {
    /// The event, or its date on `day`, was still to come at that moment.
    fn is_one_after(&mut self, day: Option<&str>, moment: Tid) -> bool {
        let key = day.map(str::to_owned);
        let last = match self.last.get(&key) {
            Some(last) => *last,
            None => {
                let last = self.last(day);
                *self.last.entry(key).or_insert(last)
            }
        };
        last.is_some_and(|last| last > (moment.micros() / 1_000_000) as i64)
    }

    fn last(&self, day: Option<&str>) -> Option<i64> {
        match day {
            Some(day) => {
                let date = self.event.on_day(day).filter(|date| date.status != Status::Cancelled)?;
                Some(date.start.instant(self.zone))
            }
            None => {
                // A series that has not begun is looked at from its beginning.
                let from = self.event.start.instant(self.zone).max((self.since / 1_000_000) as i64);
                let dates = recur::expand(self.event, from..from.saturating_add(AHEAD), self.zone, STEPS);
                dates.instances.iter().filter(|date| !date.cancelled).map(|date| date.from).max()
            }
        }
    }
}
