//! What else an event says about itself: pictures, links, price, hosts, acts, where it was imported from.

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::{block::Cid, key::Did};

/// A picture: the blob is a real link; `alt` is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub blob: Cid,
    pub mime: String,
    pub width: u32,
    pub height: u32,
    pub alt: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    Tickets,
    Info,
    Recording,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLink {
    pub url: String,
    pub label: String,
    pub kind: LinkKind,
}

/// Minor units of an ISO 4217 currency; `max` absent = exactly `min`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub min: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    pub currency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostRole {
    Host,
    Cohost,
    Venue,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did: Option<Did>,
    pub name: String,
    pub role: HostRole,
    #[serde(default, skip_serializing_if = "is_false")]
    pub edit: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerformingAct {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did: Option<Did>,
    /// Local time `21:30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Where an imported event came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `ics`.
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<i64>,
    /// What its author changed since, which a later import leaves as it is: parts of the event by name, and dates of a
    /// series as `2026-12-24`. ≤ 120 lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edited: Vec<String>,
    /// Of what the event follows now; of a series, of all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<SourceVersion>,
    /// Of single dates of a series that came with a version of their own. ≤ 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<SourceDate>,
}

/// How new a calendar's word about an event is, by RFC 5546 §2.1.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceVersion {
    /// `SEQUENCE`, 0 where there is none.
    pub sequence: u32,
    /// The later of `DTSTAMP` and `LAST-MODIFIED`, in seconds since 1970, and no later than when it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<i64>,
    /// Of a whole series: it came as a message, which says nothing of single dates that it does not name. A calendar has
    /// all there is to say.
    #[serde(default, skip_serializing_if = "is_false")]
    pub message: bool,
}

/// A date of a series and how new the word is by which it is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDate {
    /// The day by the rule, `2026-12-24`.
    pub at: String,
    pub version: SourceVersion,
}

impl SourceVersion {
    /// Must this give way to `other`? Only what is certainly older does: many calendars never raise `SEQUENCE` and never
    /// change their stamp, and what they say next is nevertheless news.
    pub fn is_older_than(self, other: Self) -> bool {
        match (self.stamp, other.stamp) {
            _ if self.sequence != other.sequence => self.sequence < other.sequence,
            (Some(ours), Some(theirs)) => ours < theirs,
            _ => false,
        }
    }

    /// Of the word about one date of a series: does it stand beside `whole`, the newest about the series, which does not
    /// name the date? A higher count of the series obsoletes all others (RFC 5546 §2.1.5), a calendar written later as well.
    pub fn stands_beside(self, whole: Self) -> bool {
        let later = self.stamp.zip(whole.stamp).is_some_and(|(ours, theirs)| ours < theirs);
        self.sequence >= whole.sequence && (whole.message || !later)
    }
}

impl Source {
    /// The version of one date of a series that has its own.
    pub fn of_date(&self, day: &str) -> Option<SourceVersion> {
        self.dates.iter().find(|date| date.at == day).map(|date| date.version)
    }
}
