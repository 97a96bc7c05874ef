//! Recurrence: a small tested subset of RFC 5545, expanded without a clock inside a window and a work budget.

use serde::{Deserialize, Serialize};

use crate::{error::Fault, records::event::Event, when::Start};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freq {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// `events` §3 of the format. Weeks start on Monday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub freq: Freq,
    /// 1–52; absent = 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// Weekly: `MO`…`SU`. Monthly: ordinal ±1…±5 and day, `1SA`, `-1FR`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_day: Vec<String>,
    /// ≤ 4 of 1–31 or −1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_month_day: Vec<i8>,
    /// Local date, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// ≤ 400, excludes `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl Rule {
    /// Limits and combinations; and the start itself must match the rule.
    pub fn check(&self, _start: &Start) -> Result<(), Fault> {
        todo!()
    }
    /// RRULE value, e.g. `FREQ=MONTHLY;BYDAY=1SA`. UNTIL is written as RFC 5545 wants it for this start (UTC for a zoned start, DATE for all-day).
    pub fn to_rrule(&self, _start: &Start) -> String {
        todo!()
    }
    /// "every month on the first Saturday until 30 June 2027".
    pub fn in_words(&self) -> String {
        todo!()
    }
}

/// One date of an event, overrides applied. A single event has exactly one, with `at` = its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The start by the rule: names the occurrence (`Start::text`).
    pub at: Start,
    /// The actual start, after a move.
    pub start: Start,
    /// Index into `Event::overrides` when one applies.
    pub change: Option<usize>,
    pub cancelled: bool,
    /// Seconds since 1970 of `start` and of its end (start + duration; days; or start + 2 h when open-ended or unknown).
    pub from: i64,
    pub to: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Expansion {
    /// In order of `from`.
    pub instances: Vec<Instance>,
    /// True when the limit of instances or the work budget cut the list.
    pub cut: bool,
}

/// Work units a single expansion may spend (candidate dates looked at).
pub const BUDGET: u32 = 20_000;
/// Instances per window.
pub const INSTANCES: usize = 400;

/// Instances whose [from, to) meets the window (seconds since 1970). `fallback_zone` places all-day events.
/// `gone` overrides (deleted dates) are left out; cancelled ones stay and say so.
pub fn expand(_event: &Event, _window: std::ops::Range<i64>, _fallback_zone: &str, _budget: u32) -> Expansion {
    todo!()
}

/// The span over which an event can have instances: (first start, last end); None = open series.
pub fn span(_event: &Event, _fallback_zone: &str) -> (i64, Option<i64>) {
    todo!()
}
