//! Time as people plan it: local time and an IANA zone, or a date. Never a bare UTC instant.

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Fault;

/// `{local:"2026-12-05T20:00", zone:"Europe/Berlin"}` or `{date:"2026-12-05"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    Local { local: DateTime, zone: String },
    Date { date: Date },
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, _s: S) -> Result<S::Ok, S::Error> {
        todo!()
    }
}
impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
        todo!()
    }
}

impl Start {
    /// Syntax only: years 1900–2200, whole minutes or seconds, a zone *name* that is well formed. An unknown zone passes.
    pub fn check(&self, _field: &str) -> Result<(), Fault> {
        todo!()
    }
    /// Seconds since 1970 of this start; an all-day start counts from midnight in `fallback_zone`; an unknown zone counts as UTC.
    /// A local time that does not exist shifts forward; one that exists twice is the first.
    pub fn instant(&self, _fallback_zone: &str) -> i64 {
        todo!()
    }
    /// `2026-12-05T20:00` or `2026-12-05`: names an occurrence.
    pub fn text(&self) -> String {
        todo!()
    }
    pub fn zone(&self) -> Option<&str> {
        match self {
            Self::Local { zone, .. } => Some(zone),
            Self::Date { .. } => None,
        }
    }
    pub fn civil_date(&self) -> Date {
        match self {
            Self::Local { local, .. } => local.date(),
            Self::Date { date } => *date,
        }
    }
}

/// Is this name in the bundled zone data?
pub fn zone_known(_zone: &str) -> bool {
    todo!()
}

/// UTC offset in seconds of a local time in a zone, by the same gap and fold rule as [`Start::instant`]. None: unknown zone.
pub fn offset_at(_local: DateTime, _zone: &str) -> Option<i32> {
    todo!()
}
