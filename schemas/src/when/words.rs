//! Dates and times in plain English, the same on the command line and on pages.

use jiff::{
    ToSpan,
    civil::{Date, DateTime},
};

use super::{Start, local_at};

/// "Saturday 5 December 2026, 20:00–23:00 (Europe/Berlin)"; "Saturday 5 December 2026 – Sunday 6 December 2026".
///
/// `duration` in seconds belongs to a local start, `days` to an all-day one; absent: only the start is said.
pub fn words(start: &Start, duration: Option<u32>, days: Option<u32>) -> String {
    match start {
        Start::Date { date } => match i32::try_from(days.unwrap_or(1)) {
            Ok(more @ 2..=366) => {
                format!("{} – {}", date_words(*date), date_words(date.saturating_add((more - 1).days())))
            }
            _ => date_words(*date),
        },
        Start::Local { local, zone } => {
            let day = date_words(local.date());
            let end = duration
                .filter(|seconds| *seconds > 0)
                .and_then(|seconds| local_at(start.instant("UTC").saturating_add(i64::from(seconds)), zone));
            let span = match end {
                None => clock(*local),
                Some(end) if end.date() == local.date() => format!("{}–{}", clock(*local), clock(end)),
                Some(end) => format!("{} – {}, {}", clock(*local), date_words(end.date()), clock(end)),
            };
            format!("{day}, {span} ({zone})")
        }
    }
}

/// "Saturday 5 December 2026".
pub fn date_words(date: Date) -> String {
    date.strftime("%A %-d %B %Y").to_string()
}

/// "5 December", beside another date that tells the year; with the year where it is another one.
pub fn day_words(date: Date, beside: Date) -> String {
    date.strftime(if date.year() == beside.year() { "%-d %B" } else { "%-d %B %Y" }).to_string()
}

pub(crate) fn clock(at: DateTime) -> String {
    at.strftime(if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
}
