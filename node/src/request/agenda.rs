//! What is ahead of a person.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use folkmoot_schemas::{
    Uri,
    kind::Kind,
    records::{
        admission::Standing,
        event::{Event, RsvpRules},
        profile::Profile,
        rsvp::Answer::Going,
    },
    recur,
};
use serde::{Deserialize, Serialize};

use super::{Failure, OccurrenceInfo, Reply, handle::Answer, records::BUDGET, resolve::Reading};
use crate::{
    inbox::{
        dates::{self, MyDate},
        words::one_line,
    },
    store::reader::{Community, Lookup, Occurrence},
};

/// Seconds for which an event nobody asked about is new.
const NEW: i64 = 7 * 86_400;
/// New events that are listed.
const NEWEST: usize = 20;
/// Dates in one answer.
const MOST: usize = 500;
/// Candidate dates looked at for each of them.
const STEPS: u32 = 2_000;
/// How far ahead the first date of a new event may be: 400 days, in seconds.
const AHEAD: i64 = 400 * 86_400;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgendaInfo {
    /// What the person answered or holds, in order.
    pub dates: Vec<AgendaDate>,
    /// There are more dates than that.
    pub cut: bool,
    /// Events of the last seven days that they neither answered nor hold, each with its next date, soonest first.
    pub new: Vec<OccurrenceInfo>,
    /// How many more of these there are; the last number counted is a hundred.
    pub more: u64,
    pub birthdays: Vec<BirthdayInfo>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgendaDate {
    pub date: OccurrenceInfo,
    /// `going`, `maybe`, `interested`, `notgoing`; None: only held.
    pub answer: Option<String>,
    pub count: u32,
    /// Where there are only so many places: `admitted`, `waiting`, `declined`, `open`; of those going.
    #[serde(default)]
    pub place: Option<String>,
    /// On the waiting list, from 1.
    #[serde(default)]
    pub number: Option<u32>,
    pub hosting: bool,
    /// It changed since it was answered.
    pub changed: bool,
    /// How: phrases, where that is still known.
    pub changes: Vec<String>,
    /// Of a series, this date alone is to be answered again, or was answered alone.
    #[serde(default)]
    pub alone: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BirthdayInfo {
    pub did: String,
    pub name: String,
    /// `--MM-DD`
    pub day: String,
}

impl Reading<'_> {
    /// Seconds since 1970.
    pub(super) fn agenda(&self, community: Option<&str>, window: Range<i64>) -> Answer {
        let communities = self.one_or_all(community)?;
        let (mut mine, mut cut) = (Vec::new(), false);
        for community in &communities {
            let (found, more) = dates::dates(&self.view, community, &self.desk.me.did, window.clone())?;
            cut |= more;
            mine.extend(found);
        }
        mine.sort_by_key(|mine| (mine.date.instance.from, mine.date.instance.to));
        cut |= mine.len() > MOST;
        let (mut dates, mut bytes) = (Vec::new(), 0);
        for date in mine.iter().take(MOST) {
            bytes += date.date.entry.block.bytes().len();
            if bytes > BUDGET / 2 {
                cut = true;
                break;
            }
            dates.push(self.agenda_date(date)?);
        }
        let (new, more) = self.new_events(&communities)?;
        let birthdays = self.birthdays(&communities)?;
        Ok(Reply::Agenda(Box::new(AgendaInfo { dates, cut, new, more, birthdays })).into())
    }

    fn agenda_date(&self, mine: &MyDate) -> Result<AgendaDate, Failure> {
        let changes = mine.changed(&self.view)?;
        let answer = mine.answer.as_ref().map(|(rsvp, _)| rsvp);
        let (place, number) = match answer.filter(|rsvp| rsvp.status == Going) {
            Some(_) => self.place_on(&mine.date)?,
            None => (None, None),
        };
        let alone = match (mine.date.entry.record.as_event(), answer) {
            (Some(event), Some(rsvp)) if event.recur.is_some() => {
                rsvp.occurrence.is_some() || !event.outdates(rsvp, None)
            }
            _ => false,
        };
        Ok(AgendaDate {
            alone,
            place,
            number,
            date: self.occurrence(&mine.date)?,
            answer: answer.map(|rsvp| super::answers::word(rsvp.status).to_owned()),
            count: answer.map_or(0, |rsvp| rsvp.count),
            hosting: mine.hosting,
            changed: changes.is_some(),
            changes: changes.unwrap_or_default().iter().map(|phrase| one_line(phrase)).collect(),
        })
    }

    fn place_on(&self, date: &Occurrence) -> Result<(Option<String>, Option<u32>), Failure> {
        let rules = date.entry.record.as_event().and_then(|event| event.rsvp.as_ref());
        if !rules.is_some_and(RsvpRules::needs_list) {
            return Ok((None, None));
        }
        let at = date.instance.at.text();
        let at = date.entry.record.as_event().and_then(|event| event.recur.as_ref()).map(|_| at.as_str());
        let given = self.view.given(&date.entry, at)?;
        let own = given.iter().find(|one| one.entry.uri.did == self.desk.me.did && one.rsvp.guest_name.is_none());
        Ok(match own.and_then(|own| own.standing) {
            None => (None, None),
            Some(Standing::Admitted(_, number)) => (Some("admitted".into()), number),
            Some(Standing::Waiting(number)) => (Some("waiting".into()), Some(number)),
            Some(Standing::Declined) => (Some("declined".into()), None),
            Some(Standing::Open) => (Some("open".into()), None),
        })
    }

    fn new_events(&self, communities: &[&Community]) -> Result<(Vec<OccurrenceInfo>, u64), Failure> {
        let (now, me) = (self.desk.clock.seconds(), &self.desk.me.did);
        let since = u64::try_from(now - NEW).unwrap_or_default().saturating_mul(1_000_000);
        let mut fresh = Vec::new();
        for community in communities.iter().filter(|community| community.joined) {
            let answered = dates::answers(&self.view, &community.id, me)?;
            let zone = community.state.describe.zone.as_deref().unwrap_or("UTC");
            for entry in self.view.list(&community.id, Event::NAME, None, 100)? {
                if entry.created < since {
                    break;
                }
                let state = &community.state;
                let Some(event) = entry.record.as_event() else { continue };
                if answered.contains_key(&entry.uri)
                    || self.view.vote_as_answer(&entry, me)?.is_some()
                    || dates::is_host(state, &entry, me)
                    || !state.is_member(&state.today(&entry.uri.did))
                {
                    continue;
                }
                let next = recur::expand(event, now..now + AHEAD, zone, STEPS).instances.into_iter();
                if let Some(instance) = next.into_iter().find(|instance| !instance.cancelled) {
                    fresh.push(Occurrence { entry: Arc::new(entry), instance });
                }
            }
        }
        fresh.sort_by(|a, b| {
            let when = |date: &Occurrence| (date.instance.from, date.instance.to);
            (when(a), &a.entry.uri).cmp(&(when(b), &b.entry.uri))
        });
        let more = fresh.len().saturating_sub(NEWEST) as u64;
        let new = fresh.iter().take(NEWEST).map(|date| self.occurrence(date)).collect::<Result<_, _>>()?;
        Ok((new, more))
    }

    /// Of everybody but oneself, by did: in several communities people are the same.
    fn birthdays(&self, communities: &[&Community]) -> Result<Vec<BirthdayInfo>, Failure> {
        let mut found = BTreeMap::new();
        for community in communities.iter().filter(|community| community.joined) {
            for did in community.state.members.keys().filter(|did| **did != self.desk.me.did) {
                let uri = Uri::new(community.id, *did, Profile::NAME, "self")?;
                let Lookup::Found(entry) = self.view.get(&uri)? else { continue };
                let Some(profile) = entry.record.as_profile().filter(|_| entry.fault.is_none()) else { continue };
                if let Some(day) = &profile.birthday {
                    found.insert(*did, (one_line(&profile.name), day.clone()));
                }
            }
        }
        let info = |(did, (name, day)): (folkmoot_schemas::Did, (String, String))| BirthdayInfo {
            did: did.to_string(),
            name,
            day,
        };
        Ok(found.into_iter().map(info).collect())
    }
}
