//! A rule as others read it: iCalendar and English.

use jiff::{
    Timestamp,
    civil::{Time, Weekday},
};

use super::{Freq, Rule, pattern::nth_weekday};
use crate::when::{Start, parse_date};

impl Rule {
    /// RRULE value, e.g. `FREQ=MONTHLY;BYDAY=1SA`. UNTIL is written as RFC 5545 wants it for this start (UTC for a zoned start, DATE for all-day).
    pub fn to_rrule(&self, start: &Start) -> String {
        let freq = match self.freq {
            Freq::Daily => "DAILY",
            Freq::Weekly => "WEEKLY",
            Freq::Monthly => "MONTHLY",
            Freq::Yearly => "YEARLY",
        };
        let mut parts = vec![format!("FREQ={freq}")];
        parts.extend(self.interval.filter(|n| *n > 1).map(|n| format!("INTERVAL={n}")));
        if !self.by_day.is_empty() {
            parts.push(format!("BYDAY={}", self.by_day.join(",")));
        }
        if !self.by_month_day.is_empty() {
            let days: Vec<String> = self.by_month_day.iter().map(i8::to_string).collect();
            parts.push(format!("BYMONTHDAY={}", days.join(",")));
        }
        parts.extend(self.count.map(|n| format!("COUNT={n}")));
        parts.extend(self.until.as_deref().and_then(|until| until_value(until, start)));
        parts.join(";")
    }

    /// "every month on the first Saturday until 30 June 2027".
    pub fn in_words(&self) -> String {
        let unit = match self.freq {
            Freq::Daily => "day",
            Freq::Weekly => "week",
            Freq::Monthly => "month",
            Freq::Yearly => "year",
        };
        let mut words = match self.interval.unwrap_or(1) {
            0 | 1 => format!("every {unit}"),
            n => format!("every {n} {unit}s"),
        };
        let days: Vec<String> = match self.freq {
            Freq::Monthly => {
                let weekdays = self.by_day.iter().map(|text| match nth_weekday(text) {
                    Some((nth, day)) => format!("the {} {}", nth_word(nth), day_word(day)),
                    None => text.clone(),
                });
                weekdays.chain(self.by_month_day.iter().map(|day| day_of_month_words(*day))).collect()
            }
            _ => self
                .by_day
                .iter()
                .map(|text| short_day(text).map_or(text.clone(), |day| day_word(day).into()))
                .collect(),
        };
        if !days.is_empty() {
            words.push_str(" on ");
            words.push_str(&and(&days));
        }
        if let Some(until) = &self.until {
            words.push_str(" until ");
            words.push_str(&parse_date(until).map_or(until.clone(), |date| date.strftime("%-d %B %Y").to_string()));
        }
        if let Some(count) = self.count {
            words.push_str(if count == 1 { ", once" } else { ", " });
            if count != 1 {
                words.push_str(&format!("{count} times"));
            }
        }
        words
    }
}

/// The end of the last day in the zone of the start: not before the last date, and before any date of the next day.
fn until_value(until: &str, start: &Start) -> Option<String> {
    let date = parse_date(until)?;
    let value = match start {
        Start::Date { .. } => date.strftime("%Y%m%d").to_string(),
        Start::Local { zone, .. } => {
            let last = Start::Local { local: date.to_datetime(Time::constant(23, 59, 59, 0)), zone: zone.clone() };
            Timestamp::from_second(last.instant("UTC")).ok()?.strftime("%Y%m%dT%H%M%SZ").to_string()
        }
    };
    Some(format!("UNTIL={value}"))
}

fn short_day(text: &str) -> Option<Weekday> {
    nth_weekday(&format!("1{text}")).map(|(_, day)| day)
}

fn day_word(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn nth_word(nth: i8) -> &'static str {
    match nth {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        5 => "fifth",
        -1 => "last",
        -2 => "second to last",
        -3 => "third to last",
        -4 => "fourth to last",
        _ => "fifth to last",
    }
}

fn day_of_month_words(day: i8) -> String {
    match day {
        -1 => "the last day".into(),
        1 | 21 | 31 => format!("the {day}st"),
        2 | 22 => format!("the {day}nd"),
        3 | 23 => format!("the {day}rd"),
        _ => format!("the {day}th"),
    }
}

/// "Monday", "Monday and Friday", "Monday, Wednesday and Friday".
fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}
