//! `org.folkmoot.admission`: who has a place at an event, who waits for one and who was declined, signed by the person
//! who keeps the list (`rsvp.anchor`, else the author). Other people's clocks can lie about who came first; one list
//! cannot contradict itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{event::event_uri, text};
use crate::{
    card::Card, commit::Audience, error::Fault, key::Did, kind::Kind, limits, records::event::RsvpRules, uri::Uri, when,
};

mod next;

pub use next::{Claim, Decision};

/// One answer on the list: `[did, guest name or null, how many of them]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party(pub Did, pub Option<String>, pub u32);

/// Whose answer it is: the person, and the guest if it is for one.
pub type Key = (Did, Option<String>);

impl Party {
    pub fn key(&self) -> Key {
        (self.0, self.1.clone())
    }

    pub(super) fn is(&self, key: &Key) -> bool {
        (self.0, &self.1) == (key.0, &key.1)
    }

    /// The most bytes one can take: a did is 56 characters long, a name 4 bytes each.
    const MOST: usize = 1 + 2 + 56 + 1 + 3 + 4 * limits::PERSON_NAME;

    /// Bytes it takes in the record, at most.
    fn bytes(&self) -> usize {
        // List head, did with its head, count; null or text with its head.
        1 + 2 + self.0.to_string().len() + 1 + self.1.as_ref().map_or(1, |guest| 3 + guest.len())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    pub event: Uri,
    /// The day by the rule of one date of a series, `2026-12-03`; null for a single event; never absent. Without the
    /// time of day, which may change while the list stays.
    #[serde(deserialize_with = "Option::deserialize")]
    pub occurrence: Option<String>,
    /// In the order in which they got their places. One who brings more than there was room for stands here with part of
    /// their number and waits with the rest.
    #[serde(default)]
    pub admitted: Vec<Party>,
    /// First come, first.
    #[serde(default)]
    pub waiting: Vec<Party>,
    #[serde(default)]
    pub declined: Vec<Party>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// So many of them have a place; number on the waiting list for the others, if any wait.
    Admitted(u32, Option<u32>),
    /// Number on the waiting list, from 1.
    Waiting(u32),
    Declined,
    /// Whoever keeps the list has not seen it, or there was no room and nobody waits.
    Open,
}

impl Admission {
    pub fn empty(event: Uri, occurrence: Option<String>) -> Self {
        Self { event, occurrence, admitted: Vec::new(), waiting: Vec::new(), declined: Vec::new() }
    }

    /// 26 characters of sha256([event uri, occurrence]).
    pub fn key(event: &Uri, occurrence: Option<&str>) -> String {
        crate::derive::id(&[Some(&event.to_string()), occurrence], 26)
    }

    /// Of an answer for `count` that still stands.
    pub fn standing(&self, key: &Key, count: u32) -> Standing {
        let of = |list: &[Party]| list.iter().position(|party| party.is(key));
        let number = of(&self.waiting).map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX));
        match of(&self.admitted).and_then(|at| self.admitted.get(at)) {
            Some(party) => {
                let places = party.2.min(count);
                Standing::Admitted(places, number.filter(|_| places < count))
            }
            None => match (number, of(&self.declined)) {
                (Some(number), _) => Standing::Waiting(number),
                (None, Some(_)) => Standing::Declined,
                (None, None) => Standing::Open,
            },
        }
    }

    fn lists(&self) -> [(&'static str, &Vec<Party>); 3] {
        [("admitted", &self.admitted), ("waiting", &self.waiting), ("declined", &self.declined)]
    }
}

impl RsvpRules {
    /// Somebody has to say who has a place.
    pub fn needs_list(&self) -> bool {
        use super::event::RsvpMode::{Approval, Members, Open};
        match self.mode {
            Approval => true,
            Open | Members => self.capacity.is_some(),
            _ => false,
        }
    }
}

impl Kind for Admission {
    const NAME: &'static str = "org.folkmoot.admission";
    const AUDIENCE: Audience = Audience::Members;
    const LIMIT: usize = limits::RECORD;
    fn check(&self) -> Result<(), Fault> {
        event_uri("event", &self.event)?;
        if self.occurrence.as_deref().is_some_and(|day| when::parse_date(day).is_none()) {
            return Err(Fault::new("occurrence", "is not a day such as 2026-12-05"));
        }
        for (field, list) in self.lists() {
            let mut seen = BTreeSet::new();
            for (n, party) in list.iter().enumerate() {
                let field = format!("{field}[{n}]");
                text::line_if(&field, party.1.as_deref(), limits::PERSON_NAME)?;
                if !(1..=11).contains(&party.2) {
                    return Err(Fault::new(field, format!("is for {}, 1 to 11 are allowed", party.2)));
                }
                if !seen.insert((party.0, party.1.as_deref())) {
                    return Err(Fault::new(field, "is on the list twice"));
                }
            }
        }
        Ok(())
    }
    fn rkey(&self) -> Option<String> {
        Some(Self::key(&self.event, self.occurrence.as_deref()))
    }
    fn card(&self) -> Card {
        let people = |list: &[Party]| list.iter().map(|party| u64::from(party.2)).sum::<u64>();
        let mut facts: Vec<(String, String)> = self.occurrence.iter().map(|day| ("Date".into(), day.clone())).collect();
        for (label, list) in [("Admitted", &self.admitted), ("Waiting", &self.waiting), ("Declined", &self.declined)] {
            facts.push((label.into(), people(list).to_string()));
        }
        Card { kind: "list".into(), facts, about: self.about(), ..Card::default() }
    }
    fn about(&self) -> Option<Uri> {
        Some(self.event.clone())
    }
}
