//! When doors open: a time of day that goes with the start.

use jiff::{Unit, civil::Time};

use super::Event;
use crate::when::{Start, parse_time};

/// Doors open this long before the start at most, in seconds, where that is the evening before: beyond that they are rather
/// meant to open after it.
const EARLY: i64 = 6 * 60 * 60;
const DAY: i64 = 24 * 60 * 60;

/// Before a start at that time; 23:00 for a start at 00:30 is the evening before.
fn fit(doors: Time, start: Time) -> bool {
    doors <= start || seconds(doors, start) + DAY <= EARLY
}

fn seconds(from: Time, to: Time) -> i64 {
    (to - from).total(Unit::Second).unwrap_or_default() as i64
}

fn time_of(start: &Start) -> Option<Time> {
    match start {
        Start::Local { local, .. } => Some(local.time()),
        Start::Date { .. } => None,
    }
}

impl Event {
    /// Do they open before it starts? A record may say otherwise, so that calendars and older programs are not refused.
    pub fn doors_fit(&self) -> bool {
        match (self.doors.as_deref().and_then(parse_time), time_of(&self.start)) {
            (Some(doors), Some(start)) => fit(doors, start),
            _ => true,
        }
    }

    /// When they open if it starts at `start` instead: as long before, else as they did, where that is before the start.
    pub fn doors_beside(&self, start: &Start) -> Option<String> {
        let (Some(then), Some(now)) = (time_of(&self.start), time_of(start)) else { return self.doors.clone() };
        let Some(doors) = self.doors.as_deref().and_then(parse_time).filter(|_| then != now) else {
            return self.doors.clone();
        };
        let moved = doors.wrapping_add(jiff::Span::new().seconds(seconds(then, now)));
        let found = [moved, doors].into_iter().find(|doors| fit(*doors, now))?;
        Some(found.strftime("%H:%M").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::when::parse_local;

    fn at(time: &str) -> Start {
        Start::Local { local: parse_local(&format!("2026-12-05T{time}")).unwrap(), zone: "Europe/Berlin".into() }
    }

    #[test]
    fn doors_move_with_the_start_as_long_as_they_open_before_it() {
        let of = |doors: &str, then: &str, now: &str| {
            Event { doors: Some(doors.into()), ..Event::new("Gig", at(then)) }.doors_beside(&at(now))
        };
        for (doors, then, now, want) in [
            ("19:00", "20:00", "19:30", Some("18:30")),
            ("19:00", "20:00", "20:00", Some("19:00")),
            ("23:30", "00:30", "01:00", Some("00:00")),
            ("19:00", "20:00", "00:15", Some("23:15")),
            // A fair that opens in the morning, before a concert at noon.
            ("09:00", "20:00", "10:00", Some("09:00")),
            ("11:00", "20:00", "08:30", None),
            // What was odd before stays as it is while the time of day does.
            ("21:00", "20:00", "20:00", Some("21:00")),
        ] {
            assert_eq!(of(doors, then, now).as_deref(), want, "{doors} {then} {now}");
        }
    }

    #[test]
    fn whole_days_say_nothing_of_doors() {
        let day = Start::Date { date: at("20:00").civil_date() };
        let fair = Event { doors: Some("10:00".into()), ..Event::new("Fair", day.clone()) };
        assert!(fair.doors_fit());
        assert_eq!(fair.doors_beside(&at("09:00")).as_deref(), Some("10:00"));
        let gig = Event { doors: Some("21:00".into()), ..Event::new("Gig", at("20:00")) };
        assert!(!gig.doors_fit());
        assert_eq!(gig.doors_beside(&day).as_deref(), Some("21:00"));
    }
}
