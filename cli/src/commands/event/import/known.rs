//! What a community has already, as calendar files name it.

use std::collections::{BTreeMap, HashMap};

use folkmoot_gateway::calendar;
use folkmoot_node::request::{CommunityInfo, Item, Reply, Request};
use folkmoot_schemas::{
    kind::Kind,
    records::{event::Event, revision::Right, text::is_same_name},
    recur,
    when::{Start, parse_date},
};
use serde::{Deserialize, Serialize};

use super::super::imported;
use crate::{
    commands::post::parse_uri,
    error::Result,
    ics::key,
    record,
    session::{Session, answer},
};

#[derive(Debug)]
pub(super) struct Known {
    /// This person.
    pub(super) me: String,
    /// Ours that came from calendar files, by their key.
    imported: BTreeMap<String, (Item, Event)>,
    /// What others imported, by its key.
    theirs: HashMap<String, Item>,
    /// All events, by the UID under which we hand them out.
    ours: HashMap<String, (Item, Event)>,
    /// What was imported and deleted here.
    deleted: BTreeMap<String, Was>,
    /// Seconds since 1970 of this import.
    now: i64,
}

/// An imported event as it was the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Was {
    name: String,
    start: String,
    /// Seconds since 1970 by which its last date is over. None: it goes on for ever.
    ends: Option<i64>,
}

impl Was {
    pub(super) fn of(event: &Event) -> Self {
        Self { name: event.name.clone(), start: event.start.text(), ends: ends(event) }
    }

    pub(super) fn ends(&self) -> i64 {
        self.ends.unwrap_or(i64::MAX)
    }

    /// Does the calendar use its UID for another one now? Then people would know it by neither name nor start, or it is the
    /// next one, with the last one over.
    fn is_another(&self, event: &Event, now: i64) -> bool {
        let renamed = !is_same_name(&self.name, &event.name) && self.start != event.start.text();
        renamed || self.ends.is_some_and(|ends| ends < now && ends <= event.start.instant("UTC"))
    }

    /// Is it meant by this: its name, or its UID?
    fn is_called(&self, key: &str, word: &str) -> bool {
        is_same_name(&self.name, word) || key::parts(key).0 == word
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it was, for people to tell whether they want it, and what the file says now.
    pub(super) fn in_words(&self, now: Option<&Event>) -> String {
        let at = |start: &str| start.replace('T', " ");
        let was = format!("deleted here, where it was on {}", at(&self.start));
        match now.map(|event| (event.name.as_str(), event.start.text())) {
            Some((name, start)) if name != self.name => format!("{was}; the file has {name} on {}", at(&start)),
            Some((_, start)) if start != self.start => format!("{was}; the file has it on {}", at(&start)),
            _ => was,
        }
    }
}

fn ends(event: &Event) -> Option<i64> {
    if let Some(rule) = &event.recur
        && rule.count.is_none()
    {
        let after = parse_date(rule.until.as_deref()?)?.tomorrow().ok()?;
        return Some(Start::Date { date: after }.instant("UTC"));
    }
    let dates = recur::expand(event, i64::MIN..i64::MAX, "UTC", recur::BUDGET);
    dates.instances.iter().map(|date| date.to).max().filter(|_| !dates.cut)
}

/// What a UID, or one date of it, stands for here.
#[derive(Debug)]
pub(super) enum Held<'a> {
    Nothing,
    /// An event of ours that follows a calendar file.
    Imported(&'a Item, &'a Event),
    /// Somebody else imported it.
    Theirs(&'a Item),
    /// It was imported, and deleted here: under this key, which is that of its series where all of that was.
    Deleted(&'a str, &'a Was),
    /// It was planned here; the file is an echo of that.
    Here(&'a Item, &'a Event),
}

impl Known {
    pub(super) fn read(session: &Session, community: &CommunityInfo) -> Result<Self> {
        let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?.did;
        let mut events = Vec::new();
        for item in record::list(session, Some(&community.cid), Event::NAME, usize::MAX)? {
            if let Some(mut event) = record::open(&item)?.as_event().cloned() {
                // What a steward said cannot stand among the fields that were edited here; no file undoes it either.
                if item.revised.iter().any(|one| one.right == Right::Steward) {
                    imported::mark_status(&mut event);
                }
                events.push((item, event));
            }
        }
        Self::of(me, events)
    }

    pub(super) fn of(me: String, events: Vec<(Item, Event)>) -> Result<Self> {
        let mut known = Self {
            me,
            imported: BTreeMap::new(),
            theirs: HashMap::new(),
            ours: HashMap::new(),
            deleted: BTreeMap::new(),
            now: 0,
        };
        for (item, event) in events {
            match event.source.as_ref().filter(|s| s.kind == "ics").and_then(|s| s.uid.clone()) {
                Some(key) if item.did == known.me => {
                    known.imported.insert(key, (item.clone(), event.clone()));
                }
                Some(key) => {
                    known.theirs.insert(key, item.clone());
                }
                None => {}
            }
            known.ours.insert(calendar::uid(&parse_uri(&item.uri)?), (item, event));
        }
        Ok(known)
    }

    pub(super) fn get(&self, key: &str) -> Held<'_> {
        // The date of a series that could only be kept as single dates.
        let (uid, _) = key::parts(key);
        if let Some((item, event)) = self.imported.get(key) {
            Held::Imported(item, event)
        } else if let Some((item, event)) = self.ours.get(uid) {
            Held::Here(item, event)
        } else {
            let deleted = |key: &str| self.deleted.get_key_value(key).map(|(key, was)| Held::Deleted(key, was));
            let theirs = self.theirs.get(key).map(Held::Theirs);
            theirs.or_else(|| deleted(key)).or_else(|| deleted(&key::whole(uid))).unwrap_or(Held::Nothing)
        }
    }

    /// What of these is not here any more was deleted here; `again`: names and UIDs of what is to come back. Returns those by
    /// which nothing is called.
    pub(super) fn miss<'a>(&mut self, made: &BTreeMap<String, Was>, now: i64, again: &'a [String]) -> Vec<&'a String> {
        let gone = |(key, _): &(&String, &Was)| !self.imported.contains_key(*key);
        let gone: Vec<(&String, &Was)> = made.iter().filter(gone).collect();
        let (again, unknown): (Vec<_>, _) =
            again.iter().partition(|word| gone.iter().any(|(key, was)| was.is_called(key, word)));
        let stays = |(key, was): &(&String, &Was)| !again.iter().any(|word| was.is_called(key, word));
        let deleted = gone.into_iter().filter(stays).map(|(key, was)| (key.clone(), was.clone())).collect();
        (self.deleted, self.now) = (deleted, now);
        unknown
    }

    /// Is this another event than the one that was deleted here under its key? No date is another than its deleted series.
    pub(super) fn is_another(&self, key: &str, event: &Event) -> bool {
        self.deleted.get(key).is_some_and(|was| was.is_another(event, self.now))
    }

    /// All that is here of ours from calendar files.
    pub(super) fn all_imported(&self) -> impl Iterator<Item = (&String, &Event)> {
        self.imported.iter().map(|(key, (_, event))| (key, event))
    }

    /// An event of ours that follows a calendar file.
    pub(super) fn event(&self, key: &str) -> Option<&Event> {
        self.imported.get(key).map(|(_, event)| event)
    }

    /// Its record.
    pub(super) fn item(&self, key: &str) -> Option<&Item> {
        self.imported.get(key).map(|(item, _)| item)
    }

    /// Keys of the events of ours that came from this UID: one, or its single dates.
    pub(super) fn imported(&self, uid: &str) -> Vec<&str> {
        key::all_of(uid, &self.imported)
    }

    /// The event that people answer under this UID.
    pub(super) fn answered(&self, uid: &str) -> Option<(&Item, &Event)> {
        let found = self.ours.get(uid).or_else(|| self.imported.get(&key::whole(uid)));
        found.map(|(item, event)| (item, event))
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{
        records::event::Override,
        recur::{Freq, Rule},
        when::parse_local,
    };

    use super::*;

    #[test]
    fn an_event_is_over_when_its_last_date_is() {
        let at = |text: &str| Start::Local { local: parse_local(text).unwrap(), zone: "UTC".into() };
        let rule = Rule {
            freq: Freq::Weekly,
            interval: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            until: None,
            count: None,
        };
        let mut event = Event { duration: Some(3_600), ..Event::new("Choir", at("2027-01-07T19:30")) };
        let ends = |event: &Event, text: &str| assert_eq!(ends(event), Some(at(text).instant("UTC")), "{event:?}");
        ends(&event, "2027-01-07T20:30");
        event.recur = Some(Rule { count: Some(400), ..rule.clone() });
        ends(&event, "2034-08-31T20:30");
        event.recur = Some(Rule { count: Some(3), ..rule.clone() });
        let moved = Override { start: Some(at("2028-03-01T19:30")), ..Override::new("2027-01-14T19:30") };
        event.overrides = vec![moved];
        ends(&event, "2028-03-01T20:30");
        event.recur = Some(Rule { until: Some("2031-12-31".into()), ..rule.clone() });
        ends(&event, "2032-01-01T00:00");
        event.recur = Some(rule);
        assert_eq!(Was::of(&event).ends, None);
        ends(&Event::new("Old", at("1950-01-01T10:00")), "1950-01-01T12:00");
    }
}
