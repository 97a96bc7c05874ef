//! `org.folkmoot.event`: a thing people attend.

use serde::{Deserialize, Serialize};

use crate::{
    block::Cid, card::Card, commit::Audience, error::Fault, key::Did, kind::Kind, limits, recur::Rule, uri::Uri,
    when::Start,
};

mod answers;
mod change;
mod check;
mod difference;
mod doors;
mod facts;
mod fields;
mod place;
mod plan;
mod show;

pub use answers::{RsvpMode, RsvpRules, ShowAnswers};
pub use check::CATEGORIES;
pub(crate) use check::{event_uri, image as check_image, place as check_place};
pub use facts::{EventLink, Host, HostRole, Image, LinkKind, PerformingAct, Price, Source, SourceDate, SourceVersion};
pub use place::{OnlineLink, Place, ShowPlace};
pub use plan::Plans;
pub(crate) use plan::is_plan_id;
pub use show::{asks_donations, minor_digits};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Tentative,
    #[default]
    Confirmed,
    Cancelled,
    Postponed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    InPerson,
    Online,
    Hybrid,
}

/// Field limits: the table in `docs/format.md`. Absent fields are absent in the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub start: Start,
    /// Seconds, ≤ 14 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// 1–60 whole days, for an all-day start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub open_end: bool,
    /// Local time `19:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doors: Option<String>,
    #[serde(default)]
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_note: Option<String>,
    /// ≤ 5 earlier starts, newest last; filled automatically when the start changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<Start>,
    #[serde(default)]
    pub mode: Mode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub online: Vec<OnlineLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<EventLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Host>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<PerformingAct>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recur: Option<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uri>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsvp: Option<RsvpRules>,
    /// The poll that chose its date: votes for it count as answers until those who gave them answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Uri>,
    /// Material changes so far (start, duration, place, mode, status).
    #[serde(default)]
    pub sequence: u32,
    /// Of a series: `sequence` of the last change that touched every date. Absent: the last one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_since: Option<u32>,
    /// Single dates that changed after that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates_since: Vec<DateSince>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

pub(crate) fn is_false(b: &bool) -> bool {
    !*b
}

/// A date of a series, and the `sequence` since which it is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateSince {
    /// The day by the rule, `2026-12-24`.
    pub at: String,
    pub sequence: u32,
}

/// One date of a series that differs from the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The start by the rule, as `Start::text`. One that names no date of the series has no effect.
    pub at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<Place>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The date does not take place and never did (an EXDATE); not the same as cancelled.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gone: bool,
}

impl Override {
    /// One that changes nothing yet.
    pub fn new(at: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            status: None,
            start: None,
            duration: None,
            name: None,
            text: None,
            places: None,
            note: None,
            gone: false,
        }
    }
}

impl Event {
    /// An event with only the two required fields.
    pub fn new(name: impl Into<String>, start: Start) -> Self {
        Self {
            name: name.into(),
            summary: None,
            text: None,
            start,
            duration: None,
            days: None,
            open_end: false,
            doors: None,
            status: Status::default(),
            status_note: None,
            previous: Vec::new(),
            mode: Mode::default(),
            places: Vec::new(),
            online: Vec::new(),
            image: None,
            images: Vec::new(),
            links: Vec::new(),
            price: None,
            tags: Vec::new(),
            category: None,
            lang: None,
            hosts: Vec::new(),
            acts: Vec::new(),
            contact: None,
            access: None,
            age_min: None,
            recur: None,
            overrides: Vec::new(),
            parent: None,
            rsvp: None,
            poll: None,
            sequence: 0,
            all_since: None,
            dates_since: Vec::new(),
            source: None,
        }
    }
}

impl Event {
    /// Is an event of `did` listed as a part of this one, which `author` wrote? Only what they or a host they name adds, so
    /// that nobody puts their own on somebody else's programme.
    pub fn has_part_by(&self, author: &Did, did: &Did) -> bool {
        did == author || self.hosts.iter().any(|host| host.did.as_ref() == Some(did))
    }
}

impl Kind for Event {
    const NAME: &'static str = "org.folkmoot.event";
    const AUDIENCE: Audience = Audience::Public;
    const LIMIT: usize = limits::RECORD;
    fn check(&self) -> Result<(), Fault> {
        check::event(self)
    }
    fn card(&self) -> Card {
        show::card(self)
    }
    /// The festival or series of events it belongs to.
    fn about(&self) -> Option<Uri> {
        self.parent.clone()
    }
    fn links(&self) -> Vec<Cid> {
        self.image.iter().chain(&self.images).map(|image| image.blob).collect()
    }
}

#[cfg(test)]
mod tests;
