//! Which date of a series a typed one means.

use folkmoot_schemas::{
    records::event::Event,
    recur::{self, BUDGET, Instance},
    when::{Start, date_words, words},
};
use jiff::civil::{Date, Time};

use super::{AHEAD, coming, now_in};
use crate::{
    error::{Error, Result},
    session::Session,
    when::Typed,
};

/// How many dates are suggested where none fits.
const SUGGESTED: usize = 3;

/// The date of a series that `text` means: `fri`, `2026-12-05`, or with its time.
pub(crate) fn occurrence(session: &Session, event: &Event, text: &str) -> Result<Instance> {
    let zone = event.start.zone().unwrap_or("UTC");
    let now = now_in(session, zone);
    let typed = Typed::read(text, now)?;
    let day = typed.date.unwrap_or(now.date());
    // A moved date is found by where it is now, which can be far from its name.
    let middle = Start::Date { date: day }.instant(zone);
    let window = middle.saturating_sub(AHEAD)..middle.saturating_add(AHEAD);
    let all = recur::expand(event, window, zone, BUDGET).instances;
    let (found, why) = match fitting(&all, day, typed.time).as_slice() {
        [only] => return Ok((*only).clone()),
        [] => {
            let near = nearest(&all, day).into_iter().cloned().collect::<Vec<_>>();
            let near = if near.is_empty() { coming(session, event, SUGGESTED) } else { near };
            (near, format!("{:?} does not take place on {}", event.name, date_words(day)))
        }
        several => {
            let several = several.iter().map(|i| (*i).clone()).collect();
            (several, format!("{:?} takes place more than once on {}", event.name, date_words(day)))
        }
    };
    let said = Error::refused(format!("could not find the date: {why}"));
    let said = found.iter().fold(said, |said, instance| said.because(in_words(event, instance)));
    Err(match found.first() {
        Some(first) => {
            said.hint(format!("name a date by its day, or by the day it had, e.g. --at {}", first.at.text()))
        }
        None => said.hint("moot event show EVENT lists the next dates"),
    })
}

/// The dates meant by a day and perhaps a time. The rule's own date goes before one that was moved there: it is the name
/// which pages, answers and calendars use. A time that fits nothing is passed over, since a series has one date a day.
fn fitting(all: &[Instance], day: Date, time: Option<Time>) -> Vec<&Instance> {
    let whole = |start: &Start| {
        let fits = |time| matches!(start, Start::Local { local, .. } if local.time() == time);
        start.civil_date() == day && time.is_none_or(fits)
    };
    let ways: [&dyn Fn(&Instance) -> bool; 4] =
        [&|i| whole(&i.at), &|i| whole(&i.start), &|i| i.at.civil_date() == day, &|i| i.start.civil_date() == day];
    let found = ways.into_iter().map(|fits| all.iter().filter(|i| fits(i)).collect::<Vec<_>>());
    found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

/// The dates closest to `day`, in their order.
fn nearest(all: &[Instance], day: Date) -> Vec<&Instance> {
    let away = |start: &Start| (start.civil_date() - day).get_days().abs();
    let mut near: Vec<&Instance> = all.iter().collect();
    near.sort_by_key(|i| away(&i.start));
    near.truncate(SUGGESTED);
    near.sort_by_key(|i| i.from);
    near
}

fn in_words(event: &Event, instance: &Instance) -> String {
    let on = event.on(instance);
    let words = words(&on.start, on.duration, on.days);
    super::news(&on).map_or(words.clone(), |news| format!("{words}, {news}"))
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{records::event::Override, when::parse_local};

    use super::*;

    fn local(text: &str) -> Start {
        Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
    }

    /// Thursdays at 20:00 from 3 December 2026; `moved` from one start to another.
    fn thursdays(moved: &[(&str, &str)]) -> Vec<Instance> {
        let mut event = Event::new("Choir", local("2026-12-03T20:00"));
        event.recur = Some(crate::when::repeat::rule("weekly", parse_local("2026-11-23T12:00").unwrap()).unwrap());
        event.overrides = moved
            .iter()
            .map(|(at, start)| {
                let mut change = Override::new(*at);
                change.start = Some(local(start));
                change
            })
            .collect();
        let from = event.start.instant("UTC");
        recur::expand(&event, from..from + 60 * 86_400, "UTC", BUDGET).instances
    }

    fn meant(all: &[Instance], text: &str) -> Vec<String> {
        let now = parse_local("2026-11-23T12:00").unwrap();
        let typed = Typed::read(text, now).unwrap();
        fitting(all, typed.date.unwrap(), typed.time).iter().map(|i| i.at.text()).collect()
    }

    #[test]
    fn a_moved_date_is_named_by_its_old_day_and_its_new_one() {
        let all = thursdays(&[("2026-12-31T20:00", "2026-12-30T19:00")]);
        for text in ["2026-12-31", "2026-12-31 20:00", "2026-12-30", "2026-12-30 19:00", "2026-12-30 20:00"] {
            assert_eq!(meant(&all, text), ["2026-12-31T20:00"], "{text}");
        }
        assert!(meant(&all, "2026-12-29").is_empty());
    }

    #[test]
    fn a_day_means_the_rules_own_date_unless_the_time_says_the_one_moved_there() {
        let all = thursdays(&[("2026-12-24T20:00", "2026-12-31T17:00")]);
        assert_eq!(meant(&all, "2026-12-31"), ["2026-12-31T20:00"]);
        assert_eq!(meant(&all, "2026-12-31 17:00"), ["2026-12-24T20:00"]);
        let both = thursdays(&[("2026-12-24T20:00", "2026-12-29T17:00"), ("2026-12-31T20:00", "2026-12-29T20:00")]);
        assert_eq!(meant(&both, "2026-12-29").len(), 2);
        assert_eq!(meant(&both, "2026-12-29 20:00"), ["2026-12-31T20:00"]);
    }

    #[test]
    fn the_nearest_dates_are_those_on_both_sides() {
        let all = thursdays(&[]);
        let days: Vec<_> = nearest(&all, "2026-12-16".parse().unwrap()).iter().map(|i| i.at.text()).collect();
        assert_eq!(days, ["2026-12-10T20:00", "2026-12-17T20:00", "2026-12-24T20:00"]);
    }
}
