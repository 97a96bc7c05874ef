//! VTIMEZONE from the bundled zone data. Where the zone follows a yearly rule at the end of the years written, that
//! rule is written as such and holds for ever; what came before it is written date by date. So the text depends on the
//! years the events span and on nothing else.

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan,
    civil::{DateTime, Weekday, date},
    tz::{Dst, Offset, TimeZone},
};

use super::line::{self, Lines};

/// Rules are looked for up to here at least: far enough to tell "the last" from "the fourth" Sunday.
const HORIZON: i16 = 2_040;
/// Years after the last event that count as well.
const BEYOND: i16 = 10;
/// Years in a row that make a rule.
const RULE_YEARS: usize = 4;

/// A change of the clocks of one kind: from this offset to that one under this name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    summer: bool,
    from: i32,
    to: i32,
    name: String,
}

pub(super) fn write(out: &mut Lines, name: &str, (first, last): (i16, i16)) {
    let Ok(zone) = TimeZone::get(name) else { return };
    out.raw("BEGIN", "VTIMEZONE");
    out.raw("TZID", &line::parameter(name));
    let begin = date(first.clamp(1900, 2200) - 1, 1, 1).at(0, 0, 0, 0);
    let end = date(last.saturating_add(BEYOND).clamp(HORIZON, 2400), 12, 31).at(0, 0, 0, 0);
    let changes = changes(&zone, begin, end);
    // Until the first change there is something to be said as well.
    let info = zone.to_offset_info(at(begin));
    let offset = info.offset().seconds();
    let summer = info.dst() == Dst::Yes;
    observance(out, &Kind { summer, from: offset, to: offset, name: info.abbreviation().to_owned() }, &[begin], None);
    for (kind, dates) in &changes {
        let (single, rule) = split(dates, end.year());
        if !single.is_empty() {
            observance(out, kind, single, None);
        }
        if let Some((rule, since)) = rule {
            observance(out, kind, &[since], Some(&rule));
        }
    }
    out.raw("END", "VTIMEZONE");
}

fn at(local: DateTime) -> Timestamp {
    Offset::UTC.to_timestamp(local).unwrap_or_default()
}

/// Changes between two dates, by kind, as the clock showed just before each.
fn changes(zone: &TimeZone, begin: DateTime, end: DateTime) -> BTreeMap<Kind, Vec<DateTime>> {
    let mut kinds: BTreeMap<Kind, Vec<DateTime>> = BTreeMap::new();
    let mut before = zone.to_offset_info(at(begin)).offset();
    for change in zone.following(at(begin)).take_while(|change| change.timestamp() < at(end)).take(2_000) {
        let kind = Kind {
            summer: change.dst() == Dst::Yes,
            from: before.seconds(),
            to: change.offset().seconds(),
            name: change.abbreviation().to_owned(),
        };
        kinds.entry(kind).or_default().push(before.to_datetime(change.timestamp()));
        before = change.offset();
    }
    kinds
}

/// Dates that stand for themselves, and the rule of the years up to `end` with its first date.
fn split(dates: &[DateTime], end: i16) -> (&[DateTime], Option<(String, DateTime)>) {
    let mut start = dates.len();
    let mut nth = [true; 4];
    let mut is_last = true;
    for (i, local) in dates.iter().enumerate().rev() {
        let newest = dates[dates.len() - 1];
        let year = newest.year() - i16::try_from(dates.len() - 1 - i).unwrap_or(i16::MAX);
        let alike = local.year() == year
            && (local.month(), local.weekday(), local.time()) == (newest.month(), newest.weekday(), newest.time());
        let (nth_now, last_now) = position(*local);
        let kept: Vec<bool> = nth.iter().enumerate().map(|(n, ok)| *ok && n + 1 == nth_now).collect();
        let still_last = is_last && last_now;
        if !alike || (!still_last && !kept.contains(&true)) {
            break;
        }
        nth.copy_from_slice(&kept);
        is_last = still_last;
        start = i;
    }
    let whole = dates.last().is_some_and(|newest| newest.year() == end) && dates.len() - start >= RULE_YEARS;
    let Some(since) = dates.get(start).filter(|_| whole) else { return (dates, None) };
    let nth = if is_last { Some(-1) } else { (1..=4_i8).zip(nth).find(|(_, ok)| *ok).map(|(n, _)| n) };
    let Some(nth) = nth else { return (dates, None) };
    let day = match since.weekday() {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    };
    (&dates[..start], Some((format!("FREQ=YEARLY;BYMONTH={};BYDAY={nth}{day}", since.month()), *since)))
}

/// Which of its weekday in the month, and whether it is the last.
fn position(local: DateTime) -> (usize, bool) {
    let nth = (usize::from(local.day().unsigned_abs()) - 1) / 7 + 1;
    (nth, local.date().saturating_add(7.days()).month() != local.month())
}

fn observance(out: &mut Lines, kind: &Kind, dates: &[DateTime], rule: Option<&str>) {
    let Some(first) = dates.first() else { return };
    let part = if kind.summer { "DAYLIGHT" } else { "STANDARD" };
    out.raw("BEGIN", part);
    out.raw("DTSTART", &super::compact(*first));
    out.raw("TZOFFSETFROM", &offset(kind.from));
    out.raw("TZOFFSETTO", &offset(kind.to));
    out.text("TZNAME", &kind.name);
    if let Some(rule) = rule {
        out.raw("RRULE", rule);
    }
    // ical.js, which is in Thunderbird, forgets the DTSTART where there is an RDATE: it is named once more.
    for date in dates.iter().filter(|_| dates.len() > 1) {
        out.raw("RDATE", &super::compact(*date));
    }
    out.raw("END", part);
}

fn offset(seconds: i32) -> String {
    let (sign, s) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let text = format!("{sign}{:02}{:02}", s / 3600, s / 60 % 60);
    if s % 60 == 0 { text } else { format!("{text}{:02}", s % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str, years: (i16, i16)) -> String {
        let mut out = Lines::default();
        write(&mut out, name, years);
        out.finish().replace("\r\n", "\n")
    }

    #[test]
    fn a_zone_with_a_yearly_rule_is_written_as_that_rule() {
        let berlin = zone("Europe/Berlin", (2016, 2026));
        assert!(berlin.contains("BEGIN:DAYLIGHT\nDTSTART:20150329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n"), "{berlin}");
        assert!(berlin.contains("DTSTART:20151025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nTZNAME:CET\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n"), "{berlin}");
        assert!(!berlin.contains("RDATE"));
        let york = zone("America/New_York", (2026, 2026));
        assert!(york.contains("BYMONTH=3;BYDAY=2SU") && york.contains("BYMONTH=11;BYDAY=1SU"), "{york}");
    }

    #[test]
    fn changes_before_the_rule_are_written_date_by_date() {
        let york = zone("America/New_York", (2004, 2026));
        assert!(york.contains("DTSTART:20030406T020000"), "{york}");
        assert!(york.contains("RDATE:20030406T020000\nRDATE:20040404T020000\n"), "{york}");
        assert!(york.contains("RDATE:20060402T020000"), "{york}");
        assert!(york.contains("DTSTART:20070311T020000"), "{york}");
    }

    #[test]
    fn a_zone_without_changes_has_its_one_offset() {
        let kolkata = zone("Asia/Kolkata", (2026, 2026));
        assert_eq!(kolkata.matches("BEGIN:STANDARD").count(), 1);
        assert!(kolkata.contains("TZOFFSETTO:+0530"));
        assert!(!zone("Asia/Kolkata", (2026, 2026)).contains("DAYLIGHT"));
    }

    #[test]
    fn a_zone_that_gave_up_its_summer_time_keeps_its_last_dates() {
        let moscow = zone("Europe/Moscow", (2012, 2026));
        assert!(moscow.contains("DTSTART:20141026T020000\nTZOFFSETFROM:+0400\nTZOFFSETTO:+0300"), "{moscow}");
        assert!(!moscow.contains("RRULE"));
    }
}
