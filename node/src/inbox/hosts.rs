//! Who holds an event: that the person was made one of them, and that somebody they count on is out.

use std::{
    collections::{BTreeMap, btree_map},
    sync::Arc,
};

use folkmoot_schemas::{
    Did, Record,
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

/// How far behind somebody's leaving a date is looked for: 400 days, in seconds; and candidate dates looked at.
const AHEAD: i64 = 400 * 86_400;
const STEPS: u32 = 2_000;

impl Gathering<'_> {
    /// By the author's own word: nobody else says who the hosts are.
    pub(super) fn named(&mut self, event: &Arc<Entry>) -> Result<(), StoreError> {
        let by = self.state.today(&event.uri.did);
        let Some(fields) = event.record.as_event().filter(|_| !self.is_me(&by)) else { return Ok(()) };
        let Some(part) = self.part(fields) else { return Ok(()) };
        let mut at = event.created.max(event.rev.micros()).min(event.updated);
        for old in self.view.versions(&event.uri)? {
            let same = |event: &Event| self.part(event).as_ref() == Some(&part);
            if !Record::view(&old.block)?.1.as_event().is_some_and(same) {
                break;
            }
            at = old.rev.micros().min(at);
        }
        let role = match &part.host {
            None => 0,
            Some(host) if host.edit => 1,
            Some(host) if host.role == HostRole::Venue => 2,
            Some(_) => 3,
        };
        let stamp = role * 2 + u64::from(part.keeps_list);
        self.push(key("host", &event.uri), stamp, at, by, What::Named { event: Arc::clone(event), part });
        Ok(())
    }

    fn part(&self, event: &Event) -> Option<Part> {
        let host = event.hosts.iter().find(|host| host.did.is_some_and(|did| self.is_me(&did))).cloned();
        let rules = event.rsvp.as_ref().filter(|rules| rules.needs_list());
        let keeps_list = rules.and_then(|rules| rules.anchor).is_some_and(|anchor| self.is_me(&anchor));
        (host.is_some() || keeps_list).then_some(Part { host, keeps_list })
    }

    /// Of an event that the person holds: other hosts, and whoever was going, once each.
    pub(super) fn left(&mut self, event: &Arc<Entry>) -> Result<(), StoreError> {
        let Some(fields) = event.record.as_event().filter(|event| event.status != Status::Cancelled) else {
            return Ok(());
        };
        let mut gone: BTreeMap<Did, Option<Rsvp>> = BTreeMap::new();
        let hosts = fields.hosts.iter().filter_map(|host| host.did).chain([event.uri.did]);
        gone.extend(hosts.filter(|did| self.is_out(did)).map(|did| (did, None)));
        for answer in self.going_who_are_out(event)? {
            let (did, Some(rsvp)) = (answer.uri.did, answer.record.as_rsvp()) else { continue };
            match gone.entry(did) {
                btree_map::Entry::Vacant(place) => {
                    place.insert(Some(rsvp.clone()));
                }
                btree_map::Entry::Occupied(mut place) => {
                    if let Some(other) = place.get_mut() {
                        other.occurrence = None;
                    }
                }
            }
        }
        for (did, going) in gone {
            let Some(former) = self.state.former.get(&did).filter(|former| !self.is_me(&former.by)) else { continue };
            let since = former.since;
            if self.was_to_come(fields, going.as_ref().and_then(Rsvp::day), (since.micros() / 1_000_000) as i64) {
                let what = What::Left { event: Arc::clone(event), going: going.map(Box::new) };
                self.push(key(&format!("left {did}"), &event.uri), since.as_u64(), since.micros(), did, what);
            }
        }
        Ok(())
    }

    fn going_who_are_out(&self, event: &Entry) -> Result<Vec<Entry>, StoreError> {
        if self.state.former.is_empty() {
            return Ok(Vec::new());
        }
        let (uri, bounds) = (&event.uri, (ANSWERS, OF_ONE));
        let text = uri.to_string();
        let mut answers =
            self.view.about_since_by(&uri.community, &text, Rsvp::NAME, 0, bounds, |did| self.is_out(did))?;
        answers.retain(|answer| {
            answer
                .record
                .as_rsvp()
                .is_some_and(|rsvp| rsvp.event == *uri && rsvp.status == Answer::Going && rsvp.guest_name.is_none())
        });
        Ok(answers)
    }

    fn is_out(&self, did: &Did) -> bool {
        self.state.former.contains_key(did) && !self.state.is_member(&self.state.today(did))
    }

    /// The event, or its date on `day`, was still to come at that moment (seconds).
    fn was_to_come(&self, event: &Event, day: Option<&str>, moment: i64) -> bool {
        let zone = self.state.describe.zone.as_deref().unwrap_or("UTC");
        match day {
            Some(day) => event
                .on_day(day)
                .is_some_and(|date| date.status != Status::Cancelled && date.start.instant(zone) > moment),
            None => {
                let dates = recur::expand(event, moment..moment.saturating_add(AHEAD), zone, STEPS);
                dates.instances.iter().any(|date| !date.cancelled)
            }
        }
    }
}
