//! What people answer to: when, where and whether. Everything else of an event may change without asking them again.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::{Event, Mode, Override, Place, Status};
use crate::{
    block::Block,
    derive,
    records::rsvp::Rsvp,
    recur::{self, Dates, Instance, Rule},
    when::{Start, parse_date},
};

/// Characters of a plan's id.
const PLAN_ID: usize = 16;

/// The rule of a series and the fields of single dates count too, as RFC 5546 §2.1.4 asks of SEQUENCE. Notes on a place
/// (access, how much is shown, which venue's page it is linked to) do not: nobody has to go elsewhere.
#[derive(PartialEq, Serialize)]
pub(super) struct Plan<'a> {
    start: &'a Start,
    duration: Option<u32>,
    days: u32,
    open_end: bool,
    status: Status,
    mode: Mode,
    places: Vec<Place>,
    recur: Option<&'a Rule>,
    /// In an order that does not depend on the event's list.
    pub(super) overrides: Vec<Override>,
}

impl Event {
    pub(super) fn plan(&self) -> Plan<'_> {
        Plan { overrides: self.planned_overrides(), ..self.plan_as_a_whole() }
    }

    /// Without what single dates have of their own.
    pub(super) fn plan_as_a_whole(&self) -> Plan<'_> {
        Plan {
            start: &self.start,
            duration: self.duration,
            days: self.days.unwrap_or(1),
            open_end: self.open_end,
            status: self.status,
            mode: self.mode,
            places: bare(&self.places),
            recur: self.recur.as_ref(),
            overrides: Vec::new(),
        }
    }

    /// What decides of the overrides when and where people meet.
    fn planned_overrides(&self) -> Vec<Override> {
        let places = bare(&self.places);
        let plan_of = |change: &Override| Override {
            name: None,
            text: None,
            note: None,
            // Saying what already holds is no change.
            status: change.status.filter(|status| *status != self.status),
            places: change.places.as_deref().map(bare).filter(|own| *own != places),
            ..change.clone()
        };
        let says = |o: &Override| {
            o.gone || o.status.is_some() || o.start.is_some() || o.duration.is_some() || o.places.is_some()
        };
        let mut list: Vec<Override> = self.overrides.iter().map(plan_of).filter(says).collect();
        list.sort_by(|a, b| a.at.cmp(&b.at));
        list
    }

    /// See [`Plans::id`].
    pub fn plan_id(&self, day: Option<&str>) -> String {
        Plans::of(self).id(day).to_owned()
    }

    /// Another one for every plan of the event with all its dates.
    pub fn plan_stamp(&self) -> u64 {
        let cid = Block::encode(&self.plan()).ok().map(|block| block.cid().to_string());
        let digest = derive::digest(&[Some(&self.sequence.to_string()), cid.as_deref()]);
        digest.iter().take(8).fold(0, |stamp, byte| stamp << 8 | u64::from(*byte))
    }

    /// The event as it is on the date of that day by its rule. None: it has no such date.
    pub fn on_day(&self, day: &str) -> Option<Self> {
        let at = self.start.on(parse_date(day)?);
        recur::has(self, &at).then(|| self.on_date(at))
    }

    /// The same of a date that it has.
    fn on_date(&self, at: Start) -> Self {
        let name = at.text();
        let change = self.overrides.iter().position(|change| change.at == name);
        let fields = change.and_then(|i| self.overrides.get(i));
        let start = fields.and_then(|change| change.start.clone()).unwrap_or_else(|| at.clone());
        let gone = fields.is_some_and(|change| change.gone);
        let (from, to) = (start.instant("UTC"), start.instant("UTC"));
        let mut date = self.on(&Instance { at, start, change, cancelled: gone, from, to });
        if gone {
            date.status = Status::Cancelled;
        }
        date
    }
}

/// The plans of an event by what answers name, each worked out once: there can be very many answers.
#[derive(Debug)]
pub struct Plans<'a> {
    event: &'a Event,
    dates: Dates<'a>,
    /// By day; None: of the event as a whole.
    ids: BTreeMap<Option<String>, String>,
}

impl<'a> Plans<'a> {
    pub fn of(event: &'a Event) -> Self {
        Self { event, dates: Dates::of(event), ids: BTreeMap::new() }
    }

    /// Names the plan that somebody answers: of the event, or of the date of a series on `day`. Two people can count
    /// their changes alike who do not know of each other's; the plans they made have different names. Of a series as a
    /// whole, without what single dates have of their own. The first 16 characters of [`derive::id`] over the CID of
    /// the plan.
    pub fn id(&mut self, day: Option<&str>) -> &str {
        let Self { event, dates, ids } = self;
        ids.entry(day.map(str::to_owned)).or_insert_with(|| {
            let planned = match day {
                None => Some(Cow::Borrowed(*event)),
                Some(day) => {
                    let at = parse_date(day).map(|day| event.start.on(day));
                    at.filter(|at| dates.has(at)).map(|at| Cow::Owned(event.on_date(at)))
                }
            };
            let block = planned.and_then(|planned| Block::encode(&planned.plan_as_a_whole()).ok());
            // None: the series has no such date.
            derive::id(&[block.map(|block| block.cid().to_string()).as_deref()], PLAN_ID)
        })
    }

    /// `answer` was to another plan than the event's; `day`: of that date of a series, by the rule.
    pub fn outdates(&mut self, answer: &Rsvp, day: Option<&str>) -> bool {
        let seen = answer.seen_sequence;
        match answer.seen_plan.as_ref().map(|plan| plan == self.id(answer.day())) {
            Some(false) => true,
            // A change of the series left that date as it was; of changes of the date itself the number tells.
            Some(true) if answer.day().is_some() => self.event.outdates_date(seen, day),
            _ => self.event.outdates_sequence(seen, day),
        }
    }
}

fn bare(places: &[Place]) -> Vec<Place> {
    places.iter().map(|place| Place { access: None, show: None, venue: None, ..place.clone() }).collect()
}

pub(crate) fn is_plan_id(text: &str) -> bool {
    text.len() == PLAN_ID && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
}
