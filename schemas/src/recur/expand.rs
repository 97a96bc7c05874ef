//! From a rule to dates: inside a window, within a budget.

use std::{collections::BTreeMap, ops::Range};

use jiff::{ToSpan, civil::Date};

use super::{BUDGET, Expansion, INSTANCES, Instance, pattern::Pattern};
use crate::{
    records::event::{Event, Status},
    when::Start,
};

const DAY: i64 = 24 * 60 * 60;
/// How long an event counts when its end is open or unknown.
const UNKNOWN: i64 = 2 * 60 * 60;
/// The longest an instance may last, whatever a record that was never checked says.
const LONGEST_DAYS: u32 = 60;
/// Days by which a local date and a UTC window may be apart: zones reach 14 hours, and a whole day can be skipped.
const SLACK_DAYS: i64 = 3;

/// Instances whose [from, to) meets the window (seconds since 1970). `fallback_zone` places all-day events.
/// `gone` overrides (deleted dates) are left out; cancelled ones stay and say so.
///
/// Looks at no more than `budget` candidate dates. A series that began long ago costs nothing for its past, except that
/// one with a `count` is counted out from its start (≤ 400 dates). Where the record breaks the rules of
/// [`Rule::check`](super::Rule::check), only the event's own start is shown.
pub fn expand(event: &Event, window: Range<i64>, fallback_zone: &str, budget: u32) -> Expansion {
    let mut budget = Budget::new(budget);
    let series = Series::new(event, fallback_zone, &mut budget);
    let mut instances = series.changed(&mut budget);
    instances.retain(|instance| meets(instance, &window));
    // One more than fits is enough to know that the list was cut.
    let room = INSTANCES + 1;
    let long = DAY * i64::from(LONGEST_DAYS);
    let from = date_of(window.start.saturating_sub(long)).saturating_sub(SLACK_DAYS.days());
    let to = date_of(window.end).saturating_add(SLACK_DAYS.days());
    let mut found = 0;
    series.walk(from, to, &mut budget, |date| {
        if !series.overrides.contains_key(&date) {
            let instance = series.plain(date);
            if meets(&instance, &window) {
                instances.push(instance);
                found += 1;
            }
        }
        found < room
    });
    instances.sort_by_key(|instance| (instance.from, instance.at.civil_date()));
    let cut = budget.cut || instances.len() > INSTANCES;
    instances.truncate(INSTANCES);
    Expansion { instances, cut }
}

/// Is `at` a date of the event by its rule, whatever the overrides make of it?
pub fn has(event: &Event, at: &Start) -> bool {
    Dates::of(event).has(at)
}

/// The dates of an event by its rule, read once for any number of questions.
#[derive(Debug)]
pub struct Dates<'a>(Series<'a>);

impl<'a> Dates<'a> {
    pub fn of(event: &'a Event) -> Self {
        Self(Series::new(event, "UTC", &mut Budget::new(BUDGET)))
    }

    /// See [`has`].
    pub fn has(&self, at: &Start) -> bool {
        let Self(series) = self;
        let (start, date) = (&series.event.start, at.civil_date());
        *at == start.on(date) && if series.pattern.is_some() { series.has(date) } else { at == start }
    }
}

/// The span over which an event can have instances: (first start, last end); None = open series.
pub fn span(event: &Event, fallback_zone: &str) -> (i64, Option<i64>) {
    let mut budget = Budget::new(BUDGET);
    let series = Series::new(event, fallback_zone, &mut budget);
    let own = series.plain(event.start.civil_date());
    let changed = series.changed(&mut budget);
    let first = changed.iter().map(|i| i.from).fold(own.from, i64::min);
    let last = match series.last {
        Last::Open => None,
        Last::Date(date) => {
            let end = series.plain(date).to.max(own.to);
            Some(changed.iter().map(|i| i.to).fold(end, i64::max))
        }
    };
    (first, last)
}

/// End of an instance that starts at `start`, in seconds since 1970.
pub(crate) fn end(start: &Start, duration: Option<u32>, days: Option<u32>, fallback_zone: &str) -> i64 {
    match start {
        Start::Local { .. } => {
            let longest = i64::from(LONGEST_DAYS) * DAY;
            start.instant(fallback_zone) + duration.map_or(UNKNOWN, |seconds| i64::from(seconds).min(longest))
        }
        Start::Date { date } => {
            let days = i64::from(days.unwrap_or(1).clamp(1, LONGEST_DAYS));
            let after = date.saturating_add(days.days());
            Start::Date { date: after }.instant(fallback_zone)
        }
    }
}

/// Candidate dates that may still be looked at. A period without any costs one as well.
struct Budget {
    left: u32,
    cut: bool,
}

impl Budget {
    fn new(left: u32) -> Self {
        Self { left, cut: false }
    }
    /// False when there is not enough left.
    fn spend(&mut self, units: usize) -> bool {
        match u32::try_from(units).ok().and_then(|units| self.left.checked_sub(units)) {
            Some(left) => self.left = left,
            None => self.cut = true,
        }
        !self.cut
    }
}

#[derive(Debug)]
enum Last {
    Open,
    /// No date of the series lies after this one (by the rule, before moves).
    Date(Date),
}

#[derive(Debug)]
struct Series<'a> {
    event: &'a Event,
    zone: &'a str,
    /// None: a single date.
    pattern: Option<Pattern>,
    last: Last,
    /// Index into `Event::overrides` by the date they change.
    overrides: BTreeMap<Date, usize>,
}

impl<'a> Series<'a> {
    fn new(event: &'a Event, zone: &'a str, budget: &mut Budget) -> Self {
        let first = event.start.civil_date();
        let pattern = event
            .recur
            .as_ref()
            .and_then(|rule| Pattern::read(rule, first).ok())
            .filter(|pattern| pattern.names(first));
        let last = match &pattern {
            None => Last::Date(first),
            Some(pattern) => match (pattern.count, pattern.until) {
                (Some(count), _) => Last::Date(counted(pattern, first, count, budget)),
                (None, Some(until)) => Last::Date(pattern.last(until)),
                (None, None) => Last::Open,
            },
        };
        let mut overrides = BTreeMap::new();
        if pattern.is_some() {
            for (i, change) in event.overrides.iter().enumerate().take(100) {
                // A date of the series has the time of day of its start; anything else names no date.
                let at = event.start.named(&change.at).filter(|at| *at == event.start.on(at.civil_date()));
                if let Some(at) = at {
                    overrides.entry(at.civil_date()).or_insert(i);
                }
            }
        }
        Self { event, zone, pattern, last, overrides }
    }

    fn has(&self, date: Date) -> bool {
        let in_time = match self.last {
            Last::Open => true,
            Last::Date(last) => date <= last,
        };
        in_time && self.pattern.as_ref().is_some_and(|pattern| pattern.names(date))
    }

    /// Calls `each` with the dates of the series from about `from` to `to`, in order, until it answers false.
    fn walk(&self, from: Date, to: Date, budget: &mut Budget, mut each: impl FnMut(Date) -> bool) {
        let to = match self.last {
            Last::Open => to,
            Last::Date(last) => to.min(last),
        };
        let Some(pattern) = &self.pattern else {
            each(self.event.start.civil_date());
            return;
        };
        for n in pattern.period_of(from).. {
            match pattern.begin(n) {
                Some(begin) if begin <= to && budget.spend(1) => {
                    let dates = pattern.dates(begin);
                    for date in &dates {
                        if *date > to || (*date >= from && !each(*date)) {
                            return;
                        }
                    }
                    if !budget.spend(dates.len().saturating_sub(1)) {
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    /// The date as the rule gives it.
    fn plain(&self, date: Date) -> Instance {
        let start = self.event.start.on(date);
        Instance {
            from: start.instant(self.zone),
            to: self.end(&start, None),
            at: start.clone(),
            start,
            change: None,
            cancelled: self.event.status == Status::Cancelled,
        }
    }

    /// The dates that overrides change, wherever they were moved to; without those that are gone.
    fn changed(&self, budget: &mut Budget) -> Vec<Instance> {
        let mut changed = Vec::new();
        for (date, index) in &self.overrides {
            let Some(change) = self.event.overrides.get(*index).filter(|change| !change.gone) else { continue };
            if !budget.spend(1) {
                break;
            }
            if !self.has(*date) {
                continue;
            }
            let at = self.event.start.on(*date);
            let start = change.start.clone().unwrap_or_else(|| at.clone());
            changed.push(Instance {
                from: start.instant(self.zone),
                to: self.end(&start, change.duration),
                at,
                start,
                change: Some(*index),
                cancelled: change.status.unwrap_or(self.event.status) == Status::Cancelled,
            });
        }
        changed
    }

    fn end(&self, start: &Start, duration: Option<u32>) -> i64 {
        end(start, duration.or(self.event.duration), self.event.days, self.zone)
    }
}

/// The `count`-th date; when the budget ends first, the last one reached.
fn counted(pattern: &Pattern, first: Date, count: u32, budget: &mut Budget) -> Date {
    let mut left = usize::try_from(count).unwrap_or(usize::MAX);
    let mut last = first;
    for n in 0.. {
        let Some(begin) = pattern.begin(n).filter(|_| left > 0) else { break };
        let dates = pattern.dates(begin);
        if !budget.spend(dates.len().max(1)) {
            break;
        }
        last = dates.iter().take(left).next_back().copied().unwrap_or(last);
        left = left.saturating_sub(dates.len());
    }
    last
}

fn meets(instance: &Instance, window: &Range<i64>) -> bool {
    let begins = instance.from < window.end;
    let ends = instance.to > window.start || (instance.to == instance.from && instance.from >= window.start);
    begins && ends
}

/// UTC date of an instant, held inside the years a date can have.
fn date_of(instant: i64) -> Date {
    // 9999-12-31; as far back is early enough for any event.
    const LAST: i64 = 2_932_896;
    let days = instant.div_euclid(DAY).clamp(-LAST, LAST);
    Date::constant(1970, 1, 1).saturating_add(days.days())
}
