//! What changed between two versions of a plan, in words for those who had answered the older one.

use super::{Event, Mode, Override, Place, Status};
use crate::when::{self, Start};

/// Single dates that are told one by one.
const DATES: usize = 4;

impl Event {
    /// Everything that decides when, where and whether people meet, and is not as it was in `older`: the worst first, and
    /// what the hosts say of it. Phrases without a subject: "moved from Friday 4 December, 20:00 to Saturday 5 December,
    /// 19:00".
    pub fn changes_since(&self, older: &Self) -> Vec<String> {
        let mut said: Vec<String> = self.status_change(older).into_iter().collect();
        if self.start != older.start {
            said.push(moved(&older.start, &self.start));
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
        let dates: Vec<String> = self.date_changes(older);
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

    /// Of a series: single dates that are not as they were.
    fn date_changes(&self, older: &Self) -> Vec<String> {
        let find = |event: &Self, at: &str| event.overrides.iter().find(|change| change.at == at).cloned();
        let mut names: Vec<&String> = self.overrides.iter().chain(&older.overrides).map(|change| &change.at).collect();
        names.sort();
        names.dedup();
        names.into_iter().filter_map(|at| date_change(self, at, find(older, at), find(self, at))).collect()
    }
}

fn date_change(event: &Event, at: &str, before: Option<Override>, after: Option<Override>) -> Option<String> {
    let date = event.start.named(at)?;
    let off =
        |change: &Option<Override>| change.as_ref().is_some_and(|c| c.gone || c.status == Some(Status::Cancelled));
    let start = |change: &Option<Override>| change.as_ref().and_then(|c| c.start.clone()).unwrap_or(date.clone());
    let day = when::date_words(date.civil_date());
    let note = after.as_ref().and_then(|c| c.note.as_ref()).map(|note| format!(": {note}")).unwrap_or_default();
    Some(match (off(&before), off(&after)) {
        (false, true) => format!("{day} is cancelled{note}"),
        (true, false) => format!("{day} takes place after all{note}"),
        (true, true) => return None,
        (false, false) if start(&before) != start(&after) => {
            format!("{day}: {}{note}", moved(&start(&before), &start(&after)))
        }
        (false, false) => {
            let places = |change: &Option<Override>| {
                change.as_ref().and_then(|c| c.places.clone()).unwrap_or_else(|| event.places.clone())
            };
            let duration = |change: &Option<Override>| change.as_ref().and_then(|c| c.duration).or(event.duration);
            match place_change(&places(&before), &places(&after)) {
                Some(place) => format!("{day}: {place}{note}"),
                None if duration(&before) != duration(&after) => format!("{day} takes another time{note}"),
                None => return None,
            }
        }
    })
}

/// "moved from Friday 4 December, 20:00 to Saturday 5 December, 19:00"; "moved from 20:00 to 19:00" on the same day.
fn moved(before: &Start, after: &Start) -> String {
    let (then, now) = (before.civil_date(), after.civil_date());
    let zones = (before.zone(), after.zone());
    let point = |start: &Start, beside: &Start| {
        let day = (then != now || zones.0.is_none() != zones.1.is_none()).then(|| {
            let weekday = start.civil_date().strftime("%A").to_string();
            format!("{weekday} {}", when::day_words(start.civil_date(), beside.civil_date()))
        });
        let clock = match start {
            Start::Local { local, zone } if zones.0.is_some() && zones.1.is_some() && zones.0 != zones.1 => {
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
        let change = |at: &str| Override {
            at: at.into(),
            status: Some(Status::Cancelled),
            start: None,
            duration: None,
            name: None,
            text: None,
            places: None,
            note: None,
            gone: false,
        };
        let mut off = series.clone();
        off.overrides = vec![change("2026-12-11T20:00")];
        off.overrides[0].note = Some("Holiday".into());
        assert_eq!(off.changes_since(&series), ["Friday 11 December 2026 is cancelled: Holiday"]);
        assert_eq!(series.changes_since(&off), ["Friday 11 December 2026 takes place after all"]);
        off.overrides = (1..=9).map(|month| change(&format!("2027-0{month}-01T20:00"))).collect();
        assert_eq!(off.changes_since(&series).last().unwrap(), "5 more dates changed");
    }
}
