//! When to run the owner's command, and for what: pure, so that it can be tested without running anything.
//!
//! A command that ended well is not run again for the same thing. The mark is written before it runs: what was under way
//! when the machine stopped counts as given. A command that fails is run again a few times, with growing pauses.

pub mod run;

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Block, Uri, derive};
use serde::{Deserialize, Serialize};

use crate::store::told::{ItemKey, Marks};

/// Runs in one hour. What is more than that is told as one, with its number.
pub const AN_HOUR: usize = 30;
/// Things that are given one by one when they come at once.
pub const AT_ONCE: usize = 20;
/// Seconds after which a run that failed is tried again; after the last one it is given up.
pub const PAUSES: [i64; 4] = [60, 300, 1_800, 7_200];
/// What `meta` holds while a hook is set: since when, microseconds since 1970.
pub(crate) const SET: &str = "hook/set";
/// How it failed last; gone once it ends well.
pub(crate) const TROUBLE: &str = "hook/trouble";
const TROUBLE_BYTES: usize = 4_096;

/// The last failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// Microseconds since 1970.
    pub(crate) at: u64,
    pub(crate) why: String,
    /// Things it was not given in the end, since it last ended well.
    pub(crate) given_up: u64,
}

impl Trouble {
    pub(crate) fn read(bytes: Vec<u8>) -> Option<Self> {
        Block::decode(bytes, TROUBLE_BYTES).ok().map(|(_, trouble)| trouble)
    }
}

/// How many more runs there may be, by when the last ones were: seconds since 1970, any order.
pub fn allowed(runs: &mut Vec<i64>, now: i64) -> usize {
    runs.retain(|at| (now - 3_600..=now).contains(at));
    AN_HOUR.saturating_sub(runs.len())
}

/// What is to be given of new things, newest last: each, or all of them as one.
#[derive(Debug, PartialEq, Eq)]
pub enum Portion {
    Each(usize),
    AllAsOne,
    /// The hour is full.
    Later,
}

/// `new` things wait and `allowed` runs are left of this hour.
pub fn portion(new: usize, allowed: usize) -> Portion {
    match (new, allowed) {
        (0, _) | (_, 0) => Portion::Later,
        (new, _) if new > AT_ONCE => Portion::AllAsOne,
        // The last run of the hour tells of everything that would not fit.
        (new, allowed) if new > allowed => match allowed {
            1 => Portion::AllAsOne,
            allowed => Portion::Each(allowed - 1),
        },
        (new, _) => Portion::Each(new),
    }
}

/// Runs that failed: how often, and when to try again.
#[derive(Debug, Default)]
pub struct Tries(BTreeMap<ItemKey, (usize, i64)>);

impl Tries {
    /// True: it is to be tried again, later. False: it is given up.
    pub fn failed(&mut self, key: ItemKey, now: i64) -> bool {
        let (times, at) = self.0.entry(key).or_default();
        match PAUSES.get(*times) {
            Some(pause) => {
                *times += 1;
                *at = now + pause;
                true
            }
            None => {
                self.0.remove(&key);
                false
            }
        }
    }
    pub fn done(&mut self, key: &ItemKey) {
        self.0.remove(key);
    }
    pub fn waits(&self, key: &ItemKey, now: i64) -> bool {
        self.0.get(key).is_some_and(|(_, at)| *at > now)
    }
}

/// A date a person means to be at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    pub event: Uri,
    /// Names the date.
    pub at: String,
    /// When it begins, seconds since 1970.
    pub from: i64,
    /// When it was answered; for who holds it, when it was written.
    pub since: i64,
}

/// A reminder that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Of `dates`.
    pub date: usize,
    /// Seconds before the beginning: the shortest span that is due.
    pub span: i64,
    /// What to mark when it was given: also longer spans, which say nothing more.
    pub keys: Vec<ItemKey>,
}

/// Reminders that are due now and were not given. A date that moved is another date. A span that lay behind already when
/// the date was answered says nothing new.
pub fn due(dates: &[Ahead], spans: &[i64], told: &Marks, now: i64) -> Vec<Due> {
    let mut found = Vec::new();
    for (date, ahead) in dates.iter().enumerate().filter(|(_, ahead)| ahead.from > now) {
        let mut passed: Vec<i64> = spans
            .iter()
            .copied()
            .filter(|span| (ahead.since..=now).contains(&ahead.from.saturating_sub(*span)))
            .collect();
        passed.sort_unstable();
        let Some(span) = passed.first().copied() else { continue };
        if told.contains_key(&key(ahead, span)) {
            continue;
        }
        found.push(Due { date, span, keys: passed.iter().map(|span| key(ahead, *span)).collect() });
    }
    found
}

/// Marks of dates that are behind, or moved away, may go.
pub fn keys(dates: &[Ahead], spans: &[i64]) -> BTreeSet<ItemKey> {
    dates.iter().flat_map(|ahead| spans.iter().map(|span| key(ahead, *span))).collect()
}

fn key(ahead: &Ahead, span: i64) -> ItemKey {
    let mut key = ItemKey::default();
    let parts = [ahead.event.to_string(), ahead.at.clone(), ahead.from.to_string(), span.to_string()];
    key.copy_from_slice(&derive::digest(&parts.each_ref().map(|part| Some(part.as_str())))[..10]);
    key
}

/// "in 2 hours", "in a day", "in 3 days".
pub fn until(seconds: i64) -> String {
    let (n, unit) = match seconds {
        ..90 => return "in a minute".to_owned(),
        90..5_400 => ((seconds + 30) / 60, "minute"),
        5_400..129_600 => ((seconds + 1_800) / 3_600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    if n == 1 { format!("in one {unit}") } else { format!("in {n} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn ahead(from: i64, since: i64) -> Ahead {
        let did = folkmoot_schemas::key::Secret::from_seed([7; 32]).did();
        let community = *Block::encode(&"a charter").unwrap().cid();
        let event = Uri::new(community, did, "org.folkmoot.event", "3l6oveex3ii2l").unwrap();
        Ahead { event, at: "2026-12-05T20:00".into(), from, since }
    }

    fn spans(dates: &[Ahead], told: &Marks, now: i64) -> Vec<i64> {
        due(dates, &[24 * HOUR, 2 * HOUR], told, now).into_iter().map(|due| due.span / HOUR).collect()
    }

    #[test]
    fn each_span_is_told_once_and_only_the_nearest_of_those_that_were_missed() {
        let date = [ahead(100 * HOUR, 0)];
        let mut told = Marks::new();
        assert_eq!(spans(&date, &told, 75 * HOUR), Vec::<i64>::new());
        assert_eq!(spans(&date, &told, 76 * HOUR), [24]);
        for key in due(&date, &[24 * HOUR, 2 * HOUR], &told, 76 * HOUR).remove(0).keys {
            told.insert(key, 0);
        }
        assert_eq!(spans(&date, &told, 97 * HOUR), Vec::<i64>::new());
        assert_eq!(spans(&date, &told, 98 * HOUR), [2]);
        // A node that was off for both tells the nearer one, and that is all.
        let missed = due(&date, &[24 * HOUR, 2 * HOUR], &Marks::new(), 99 * HOUR);
        assert_eq!((missed.len(), missed[0].span, missed[0].keys.len()), (1, 2 * HOUR, 2));
        assert_eq!(spans(&date, &Marks::new(), 100 * HOUR), Vec::<i64>::new(), "it has begun");
    }

    #[test]
    fn who_answers_an_hour_before_is_not_reminded_of_the_day_before() {
        assert_eq!(spans(&[ahead(100 * HOUR, 99 * HOUR)], &Marks::new(), 99 * HOUR), Vec::<i64>::new());
        assert_eq!(spans(&[ahead(100 * HOUR, 90 * HOUR)], &Marks::new(), 99 * HOUR), [2]);
    }

    #[test]
    fn a_date_that_moved_is_told_again() {
        let told: Marks = due(&[ahead(100 * HOUR, 0)], &[2 * HOUR], &Marks::new(), 99 * HOUR)
            .remove(0)
            .keys
            .into_iter()
            .map(|k| (k, 0))
            .collect();
        assert_eq!(spans(&[ahead(100 * HOUR, 0)], &told, 99 * HOUR), Vec::<i64>::new());
        assert_eq!(spans(&[ahead(150 * HOUR, 0)], &told, 149 * HOUR), [2]);
    }

    #[test]
    fn a_flood_is_told_as_one() {
        assert_eq!(portion(0, 30), Portion::Later);
        assert_eq!(portion(5, 30), Portion::Each(5));
        assert_eq!(portion(5, 3), Portion::Each(2));
        assert_eq!(portion(5, 1), Portion::AllAsOne);
        assert_eq!(portion(AT_ONCE + 1, 30), Portion::AllAsOne);
        assert_eq!(portion(1_000_000, 0), Portion::Later);
        let mut runs: Vec<i64> = (0..AN_HOUR as i64).collect();
        assert_eq!(allowed(&mut runs, 100), 0);
        assert_eq!(allowed(&mut runs, 3_610), 10);
        // A clock that was set back does not stop it for long.
        assert_eq!(allowed(&mut vec![9_999_999], 100), AN_HOUR);
    }

    #[test]
    fn a_failure_is_tried_again_with_growing_pauses_and_given_up() {
        let (mut tries, key) = (Tries::default(), [1; 10]);
        let mut now = 0;
        for pause in PAUSES {
            assert!(tries.failed(key, now));
            assert!(tries.waits(&key, now + pause - 1) && !tries.waits(&key, now + pause));
            now += pause;
        }
        assert!(!tries.failed(key, now));
        assert!(!tries.waits(&key, now));
    }
}
