//! What changed between two versions of a plan, in words for those who had answered the older one.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Event, Mode, Override, Place, Status};
use crate::{
    recur::Dates,
    when::{self, Start},
};

/// Single dates that are told one by one.
const DATES: usize = 4;

impl Event {
    /// Everything that decides when, where and whether people meet, and is not as it was in `older`: the worst first, and
    /// what the hosts say of it. Phrases without a subject: "moved from Friday 4 December, 20:00 to Saturday 5 December,
    /// 19:00".
    pub fn changes_since(&self, older: &Self) -> Vec<String> {
        self.changes_since_but(older, &BTreeSet::new())
    }

    /// The same without what became of the single dates on these days, by the rule.
    pub fn changes_since_but(&self, older: &Self, days: &BTreeSet<String>) -> Vec<String> {
        let mut said: Vec<String> = self.status_change(older).into_iter().collect();
        if self.start != older.start {
            said.push(moved(&older.start, &self.start, self.start.zone()));
        }
        match (&older.recur, &self.recur) {
            (None, None) => {}
            (Some(_), None) => said.push("takes place once now, not repeatedly".into()),
            (before, Some(rule)) if before.as_ref() != Some(rule) => {
                said.push(format!("repeats {} now", lower_first(&rule.in_words())));
            }
            _ => {}
        }
        if (self.duration, self.days, self.open_end) != (older.duration, older.days, older.open_end) {
            said.push(match (older.end_words(), self.end_words()) {
                (Some(before), Some(after)) if before != after => format!("ends at {after}, not {before}"),
                (None, Some(after)) => format!("ends at {after}"),
                _ => "takes another time".into(),
            });
        }
        if self.mode != older.mode {
            said.push(match self.mode {
                Mode::Online => "online now".into(),
                Mode::Hybrid => "also online now".into(),
                Mode::InPerson => "no longer online".into(),
            });
        }
        if let Some(place) = place_change(&older.places, &self.places) {
            said.push(place);
        }
        let others = |(day, _): &(Date, String)| !days.contains(&Start::Date { date: *day }.text());
        let dates: Vec<String> = self.date_changes(older).into_iter().filter(others).map(|(_, said)| said).collect();
        let more = dates.len().saturating_sub(DATES);
        said.extend(dates.into_iter().take(DATES));
        if more > 0 {
            said.push(format!("{more} more date{} changed", if more == 1 { "" } else { "s" }));
        }
        let note = self.status_note.as_ref().filter(|note| Some(*note) != older.status_note.as_ref());
        if let Some(note) = note.filter(|note| !said.iter().any(|phrase| phrase.ends_with(note.as_str())))
            && !said.is_empty()
        {
            said.push(format!("note: {note}"));
        }
        said
    }

    /// Days, by the rule, of the single dates that changed, where nothing else of the plan did.
    pub fn only_dates_changed_since(&self, older: &Self) -> Vec<String> {
        if self.plan_as_a_whole() != older.plan_as_a_whole() {
            return Vec::new();
        }
        self.date_changes(older).into_iter().map(|(day, _)| Start::Date { date: day }.text()).collect()
    }

    fn status_change(&self, older: &Self) -> Option<String> {
        if self.status == older.status {
            return None;
        }
        let note = self.status_note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        Some(match (older.status, self.status) {
            (_, Status::Cancelled) => format!("cancelled{note}"),
            (_, Status::Postponed) => format!("postponed{note}"),
            (Status::Tentative, Status::Confirmed) => "confirmed".into(),
            (_, Status::Confirmed) => format!("takes place after all{note}"),
            (Status::Cancelled | Status::Postponed, Status::Tentative) => format!("may take place after all{note}"),
            (_, Status::Tentative) => format!("no longer certain{note}"),
        })
    }

    /// The time of day at which it ends, as far as it is known.
    fn end_words(&self) -> Option<String> {
        let (Start::Local { zone, .. }, Some(seconds)) = (&self.start, self.duration.filter(|_| !self.open_end)) else {
            return None;
        };
        let end = when::local_at(self.start.instant("UTC").saturating_add(i64::from(seconds)), zone)?;
        Some(when::clock(end))
    }

    /// Of a series: single dates that changed beyond what the change of the series itself makes of them. By day, since
    /// an override names its date by the start, which moves with the time of day. Days that are not dates of both
    /// come or go with the rule.
    fn date_changes(&self, older: &Self) -> Vec<(Date, String)> {
        let named = |event: &Self| -> Vec<Date> {
            let dates = event.overrides.iter().filter_map(|change| event.start.named(&change.at));
            dates.map(|start| start.civil_date()).collect()
        };
        let days: BTreeSet<Date> = named(older).into_iter().chain(named(self)).collect();
        if days.is_empty() {
            return Vec::new();
        }
        let (then, now) = (Dates::of(older), Dates::of(self));
        let both = |day: &Date| then.has(&older.start.on(*day)) && now.has(&self.start.on(*day));
        days.into_iter().filter(both).filter_map(|day| Some((day, date_change(older, self, day)?))).collect()
    }
}

/// When, where and whether people meet on one date of a series.
struct DatePlan<'a> {
    status: Status,
    start: Start,
    duration: Option<u32>,
    places: &'a [Place],
}

impl<'a> DatePlan<'a> {
    /// `own`: what the date has of its own, else it is as the series says.
    fn new(series: &'a Event, day: Date, own: Option<&'a Override>) -> Self {
        let gone = own.is_some_and(|own| own.gone);
        Self {
            status: if gone { Status::Cancelled } else { own.and_then(|own| own.status).unwrap_or(series.status) },
            start: own.and_then(|own| own.start.clone()).unwrap_or_else(|| series.start.on(day)),
            duration: own.and_then(|own| own.duration).or(series.duration),
            places: own.and_then(|own| own.places.as_deref()).unwrap_or(&series.places),
        }
    }
}

fn date_change(older: &Event, newer: &Event, day: Date) -> Option<String> {
    let own = |event: &Event| {
        let at = event.start.on(day).text();
        event.overrides.iter().find(|change| change.at == at).cloned()
    };
    let (own_before, own_after) = (own(older), own(newer));
    // What the date had of its own, in the series as it is now: so it would be if the series alone had changed.
    let kept = own_before
        .clone()
        .map(|own| Override { start: own.start.map(|start| start.in_form_of(&older.start, &newer.start)), ..own });
    let before = DatePlan::new(older, day, own_before.as_ref());
    let kept = DatePlan::new(newer, day, kept.as_ref());
    let after = DatePlan::new(newer, day, own_after.as_ref());
    let note = own_after.as_ref().and_then(|own| own.note.as_ref()).map(|note| format!(": {note}")).unwrap_or_default();
    // By the day on which people know it.
    let [was_on, is_on] = [&before, &after].map(|date| when::date_words(date.start.civil_date()));
    let moved = (kept.start != after.start && before.start != after.start)
        .then(|| moved(&before.start, &after.start, newer.start.zone()));
    let status = match (kept.status, after.status) {
        (_, Status::Cancelled) if kept.status == Status::Cancelled => return None,
        (_, Status::Cancelled) => return Some(format!("{was_on} is cancelled{note}")),
        (before, after) if before == after => None,
        (_, Status::Postponed) => Some("is postponed"),
        (Status::Tentative, Status::Confirmed) => Some("is confirmed"),
        (_, Status::Confirmed) => Some("takes place after all"),
        (Status::Cancelled | Status::Postponed, Status::Tentative) => Some("may take place after all"),
        (_, Status::Tentative) => Some("is no longer certain"),
    };
    let place = place_change(kept.places, after.places).and_then(|_| place_change(before.places, after.places));
    let lasts = kept.duration != after.duration && before.duration != after.duration;
    let day = if moved.is_some() || after.status == Status::Postponed { was_on } else { is_on };
    // A status and a length are verbs, and what stands first joins the day.
    let colon = if status.is_none() && (moved.is_some() || place.is_some()) { ":" } else { "" };
    let length = lasts.then(|| "takes another time".to_owned());
    let said: Vec<String> = status.map(str::to_owned).into_iter().chain(moved).chain(place).chain(length).collect();
    (!said.is_empty()).then(|| format!("{day}{colon} {}{note}", said.join(", ")))
}

/// "moved from Friday 4 December, 20:00 to Saturday 5 December, 19:00"; "moved from 20:00 to 19:00" on the same day. `home`:
/// the zone that goes without saying.
fn moved(before: &Start, after: &Start, home: Option<&str>) -> String {
    let (then, now) = (before.civil_date(), after.civil_date());
    let zones = (before.zone(), after.zone());
    let both = zones.0.is_some() && zones.1.is_some();
    let point = |start: &Start, beside: &Start| {
        let day = (then != now || zones.0.is_none() != zones.1.is_none()).then(|| {
            let weekday = start.civil_date().strftime("%A").to_string();
            format!("{weekday} {}", when::day_words(start.civil_date(), beside.civil_date()))
        });
        let clock = match start {
            Start::Local { local, zone } if both && (zones.0 != zones.1 || home != Some(zone)) => {
                Some(format!("{} ({zone})", when::clock(*local)))
            }
            Start::Local { local, .. } => Some(when::clock(*local)),
            Start::Date { .. } => None,
        };
        [day, clock].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    format!("moved from {} to {}", point(before, after), point(after, before))
}

/// How much of a place is shown, and its access notes, send nobody elsewhere.
fn place_change(before: &[Place], after: &[Place]) -> Option<String> {
    let bare = |places: &[Place]| -> Vec<Place> {
        places.iter().map(|place| Place { access: None, show: None, ..place.clone() }).collect()
    };
    if bare(before) == bare(after) {
        return None;
    }
    let line = |places: &[Place]| {
        let lines: Vec<String> = places.iter().filter_map(Place::line).collect();
        (!lines.is_empty()).then(|| lines.join(" and "))
    };
    Some(match (line(before), line(after)) {
        (Some(before), Some(after)) if before != after => format!("at {after}, not at {before}"),
        (_, Some(after)) if before.is_empty() => format!("at {after}"),
        (Some(before), None) => format!("no longer at {before}"),
        _ => "the address changed".into(),
    })
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::when::{parse_date, parse_local};

    fn at(text: &str) -> Start {
        Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
    }
    fn gig() -> Event {
        Event {
            duration: Some(3 * 3600),
            places: vec![Place { name: Some("The Shed".into()), ..Place::default() }],
            ..Event::new("Gig", at("2026-12-04T20:00"))
        }
    }

    #[test]
    fn a_move_says_from_when_to_when_and_the_year_only_where_it_differs() {
        let to = |start: Start| Event { start, ..gig() }.changes_since(&gig());
        assert_eq!(to(at("2026-12-05T20:00")), ["moved from Friday 4 December, 20:00 to Saturday 5 December, 20:00"]);
        assert_eq!(to(at("2026-12-04T19:30")), ["moved from 20:00 to 19:30"]);
        assert_eq!(
            to(at("2027-01-08T20:00")),
            ["moved from Friday 4 December 2026, 20:00 to Friday 8 January 2027, 20:00"]
        );
        let day =
            Event { duration: None, ..Event::new("Gig", Start::Date { date: parse_date("2026-12-04").unwrap() }) };
        let all_day = day.changes_since(&Event { places: Vec::new(), duration: None, ..gig() });
        assert_eq!(all_day, ["moved from Friday 4 December, 20:00 to Friday 4 December"]);
    }

    #[test]
    fn a_cancellation_comes_first_with_its_note() {
        let off = Event {
            status: Status::Cancelled,
            status_note: Some("Storm warning".into()),
            start: at("2026-12-05T20:00"),
            ..gig()
        };
        let said = off.changes_since(&gig());
        assert_eq!((said[0].as_str(), said.len()), ("cancelled: Storm warning", 2));
        assert_eq!(gig().changes_since(&Event { status: Status::Cancelled, ..gig() }), ["takes place after all"]);
    }

    #[test]
    fn what_the_hosts_say_of_a_change_is_told_with_it_and_an_old_word_is_not() {
        let note = |text: &str| Some(text.to_owned());
        let moved = Event { start: at("2026-12-04T19:30"), status_note: note("The hall closes early"), ..gig() };
        assert_eq!(moved.changes_since(&gig()), ["moved from 20:00 to 19:30", "note: The hall closes early"]);
        let again = Event { start: at("2026-12-04T19:00"), ..moved.clone() };
        assert_eq!(again.changes_since(&moved), ["moved from 19:30 to 19:00"]);
        assert_eq!(Event { status_note: note("Bring chairs"), ..gig() }.changes_since(&gig()), Vec::<String>::new());
    }

    #[test]
    fn another_place_and_the_way_of_meeting_are_said() {
        let barn = Place { name: Some("The Barn".into()), ..Place::default() };
        let elsewhere = Event { places: vec![barn], mode: Mode::Hybrid, ..gig() };
        assert_eq!(elsewhere.changes_since(&gig()), ["also online now", "at The Barn, not at The Shed"]);
        let mut noted = gig();
        noted.places[0].access = Some("Ring twice".into());
        assert_eq!(noted.changes_since(&gig()), Vec::<String>::new());
        assert_eq!(Event { duration: Some(7200), ..gig() }.changes_since(&gig()), ["ends at 22:00, not 23:00"]);
    }

    #[test]
    fn single_dates_of_a_series_are_named_and_many_are_counted() {
        let rule = crate::recur::Rule {
            freq: crate::recur::Freq::Weekly,
            interval: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            until: None,
            count: None,
        };
        let series = Event { recur: Some(rule), ..gig() };
        let change = |at: &str| Override { status: Some(Status::Cancelled), ..Override::new(at) };
        let mut off = series.clone();
        off.overrides = vec![change("2026-12-11T20:00")];
        off.overrides[0].note = Some("Holiday".into());
        assert_eq!(off.changes_since(&series), ["Friday 11 December 2026 is cancelled: Holiday"]);
        assert_eq!(series.changes_since(&off), ["Friday 11 December 2026 takes place after all"]);
        assert_eq!(off.only_dates_changed_since(&series), ["2026-12-11"]);
        let longer = Event { duration: Some(4 * 3600), ..off.clone() };
        assert!(longer.only_dates_changed_since(&series).is_empty());
        let week = |n: i64| series.start.on(series.start.civil_date().saturating_add(jiff::Span::new().weeks(n)));
        off.overrides = (1..=9).map(|n| change(&week(n).text())).collect();
        assert_eq!(off.changes_since(&series).last().unwrap(), "5 more dates changed");
    }

    #[test]
    fn a_single_date_that_is_postponed_or_uncertain_is_told_with_what_the_hosts_say_of_it() {
        let rule = crate::recur::Rule {
            freq: crate::recur::Freq::Weekly,
            interval: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            until: None,
            count: None,
        };
        let series = Event { recur: Some(rule), ..gig() };
        let date = |status, start: Option<&str>| Event {
            overrides: vec![Override {
                at: "2026-12-11T20:00".into(),
                status: Some(status),
                start: start.map(at),
                duration: None,
                name: None,
                text: None,
                places: None,
                note: Some("Ask Bo".into()),
                gone: false,
            }],
            ..series.clone()
        };
        let friday = "Friday 11 December 2026";
        for (status, said, back) in [
            (Status::Postponed, "is postponed", "takes place after all"),
            (Status::Tentative, "is no longer certain", "is confirmed"),
            (Status::Cancelled, "is cancelled", "takes place after all"),
        ] {
            assert_eq!(date(status, None).changes_since(&series), [format!("{friday} {said}: Ask Bo")]);
            assert_eq!(date(status, None).only_dates_changed_since(&series), ["2026-12-11"]);
            assert_eq!(series.changes_since(&date(status, None)), [format!("{friday} {back}")]);
            let days = ["2026-12-11".to_owned()].into();
            assert!(date(status, None).changes_since_but(&series, &days).is_empty());
        }
        let found = date(Status::Confirmed, Some("2026-12-12T20:00")).changes_since(&date(Status::Postponed, None));
        let moved = "moved from Friday 11 December, 20:00 to Saturday 12 December, 20:00";
        assert_eq!(found, [format!("{friday} takes place after all, {moved}: Ask Bo")]);
        let found = date(Status::Postponed, Some("2026-12-12T20:00")).changes_since(&series);
        assert_eq!(found, [format!("{friday} is postponed, {moved}: Ask Bo")]);
        for off in [Status::Cancelled, Status::Postponed] {
            let found = date(Status::Tentative, None).changes_since(&date(off, None));
            assert_eq!(found, [format!("{friday} may take place after all: Ask Bo")]);
            let (off, maybe) =
                (Event { status: off, ..series.clone() }, Event { status: Status::Tentative, ..series.clone() });
            assert_eq!(maybe.changes_since(&off), ["may take place after all"]);
        }
        // A series that is postponed as a whole is told as such.
        let off = Event { status: Status::Postponed, ..series.clone() };
        assert_eq!(off.changes_since(&series), ["postponed"]);
    }

    #[test]
    fn everything_that_became_of_a_single_date_is_told_unless_it_is_off() {
        let rule = crate::recur::Rule {
            freq: crate::recur::Freq::Weekly,
            interval: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            until: None,
            count: None,
        };
        let series = Event { recur: Some(rule), ..gig() };
        let date = |status: Option<Status>, start: Option<&str>, place: bool, duration: Option<u32>| Event {
            overrides: vec![Override {
                at: "2026-12-11T20:00".into(),
                status,
                start: start.map(at),
                duration,
                name: None,
                text: None,
                places: place.then(|| vec![Place { name: Some("The Barn".into()), ..Place::default() }]),
                note: None,
                gone: false,
            }],
            ..series.clone()
        };
        let (barn, length) = ("at The Barn, not at The Shed", "takes another time");
        let later = Some("2026-12-11T21:00");
        let moved = "moved from 20:00 to 21:00";
        let off = Some(Status::Cancelled);
        for (new, said) in [
            (date(None, later, true, Some(60)), format!(": {moved}, {barn}, {length}")),
            (date(None, None, true, Some(60)), format!(": {barn}, {length}")),
            (date(None, None, false, Some(60)), format!(" {length}")),
            (date(Some(Status::Tentative), None, true, None), format!(" is no longer certain, {barn}")),
            (date(Some(Status::Tentative), None, false, Some(60)), format!(" is no longer certain, {length}")),
            (date(Some(Status::Postponed), later, true, None), format!(" is postponed, {moved}, {barn}")),
            (date(off, later, true, Some(60)), " is cancelled".to_owned()),
        ] {
            assert_eq!(new.changes_since(&series), [format!("Friday 11 December 2026{said}")]);
        }
        let again = date(None, later, true, None).changes_since(&date(off, None, false, None));
        assert_eq!(again, [format!("Friday 11 December 2026 takes place after all, {moved}, {barn}")]);
        assert!(date(off, later, true, None).changes_since(&date(off, None, false, None)).is_empty());
    }

    #[test]
    fn a_change_of_the_series_is_told_once_and_not_of_dates_that_stay_as_they_were() {
        let off = |at: &str| Override { status: Some(Status::Cancelled), ..Override::new(at) };
        let elsewhen = |date: &str, start: &str| Override { start: Some(at(start)), ..Override::new(date) };
        let rule = crate::recur::Rule {
            freq: crate::recur::Freq::Weekly,
            interval: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            until: None,
            count: None,
        };
        let series = Event {
            recur: Some(rule.clone()),
            overrides: vec![
                off("2026-12-17T19:30"),
                Override { gone: true, ..Override::new("2026-12-24T19:30") },
                elsewhen("2026-12-31T19:30", "2026-12-30T18:00"),
            ],
            ..Event::new("Rehearsal", at("2026-12-03T19:30"))
        };
        let mut earlier = Event { start: at("2026-12-03T19:00"), ..series.clone() };
        earlier.carry_overrides(&series);
        let told = |event: &Event| event.changes_since(&series);
        assert_eq!(told(&earlier), ["moved from 19:30 to 19:00"]);
        let with = |overrides: Vec<Override>| Event { overrides, ..earlier.clone() };
        let [seventeenth, gone, moved] = <[_; 3]>::try_from(earlier.overrides.clone()).unwrap();
        assert_eq!(
            told(&with(vec![off("2026-12-10T19:00"), gone.clone(), moved.clone()]))[1..],
            ["Thursday 10 December 2026 is cancelled", "Thursday 17 December 2026 takes place after all"]
        );
        assert_eq!(
            told(&with(vec![seventeenth.clone(), gone.clone()]))[1..],
            ["Wednesday 30 December 2026: moved from Wednesday 30 December, 18:00 to Thursday 31 December, 19:00"]
        );
        assert_eq!(
            told(&with(vec![seventeenth.clone(), gone.clone(), off("2026-12-31T19:00")]))[1..],
            ["Wednesday 30 December 2026 is cancelled"]
        );
        // All of it is off, and what was off before is no news of its own.
        let none = Event { status: Status::Cancelled, ..earlier.clone() };
        assert_eq!(told(&none), ["cancelled", "moved from 19:30 to 19:00"]);
        // Dates that the rule has no more do not take place after all.
        let short = Event { recur: Some(crate::recur::Rule { count: Some(2), ..rule }), ..with(Vec::new()) };
        assert_eq!(told(&short).len(), 2, "{:?}", told(&short));
    }

    #[test]
    fn a_date_by_another_clock_than_that_of_its_series_says_so() {
        let rule = crate::recur::Rule {
            freq: crate::recur::Freq::Weekly,
            interval: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            until: None,
            count: None,
        };
        let in_london = |text: &str| Event {
            recur: Some(rule.clone()),
            overrides: vec![Override {
                start: Some(Start::Local { local: parse_local(text).unwrap(), zone: "Europe/London".into() }),
                ..Override::new("2026-12-11T20:00")
            }],
            ..gig()
        };
        assert_eq!(
            in_london("2026-12-11T18:00").changes_since(&in_london("2026-12-11T19:00")),
            ["Friday 11 December 2026: moved from 19:00 (Europe/London) to 18:00 (Europe/London)"]
        );
    }
}
