//! Recurrence: a small tested subset of RFC 5545, expanded without a clock inside a window and a work budget.

use serde::{Deserialize, Serialize};

use crate::{error::Fault, when::Start};

mod expand;
mod pattern;
mod words;

pub(crate) use expand::end;
pub use expand::{Dates, expand, has, span};
use pattern::Pattern;

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
    pub fn check(&self, start: &Start) -> Result<(), Fault> {
        let first = start.civil_date();
        if Pattern::read(self, first)?.names(first) {
            return Ok(());
        }
        let reason =
            format!("gives \u{201c}{}\u{201d}, which the start {} does not match", self.in_words(), start.text());
        Err(Fault::new("recur", reason))
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

#[cfg(test)]
mod tests;
