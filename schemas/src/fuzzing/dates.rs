//! Rules of repetition that want to cost more than they may.

use jiff::{ToSpan, civil::DateTime};

use crate::{
    records::event::{Event, Override, Status},
    recur::{self, BUDGET, Freq, INSTANCES, Rule},
    when::Start,
};

/// Builds an event out of the bytes, field by field: most of these rules are at the edge of what is allowed.
pub(super) fn recurrence(bytes: &[u8]) -> bool {
    let mut from = Bytes(bytes);
    let first = DateTime::constant(1900, 1, 1, 0, 0, 0, 0);
    let moment = |from: &mut Bytes<'_>| {
        let seconds = i64::from(from.word()) * 3;
        first.saturating_add(seconds.seconds())
    };
    const ZONES: [&str; 6] =
        ["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca", "UTC", "No/Where"];
    let zone = ZONES[from.below(ZONES.len())];
    let start = |from: &mut Bytes<'_>, dated: bool| match moment(from) {
        at if dated => Start::Date { date: at.date() },
        local => Start::Local { local, zone: zone.into() },
    };
    let dated = from.byte() % 3 == 0;
    let mut event = Event::new("x", start(&mut from, dated));
    event.duration = from.maybe(|from| from.word());
    event.days = from.maybe(|from| from.word());
    event.recur = Some(Rule {
        freq: [Freq::Daily, Freq::Weekly, Freq::Monthly, Freq::Yearly][from.below(4)],
        interval: from.maybe(|from| from.small()),
        by_day: from.list(|from| {
            const NTH: [&str; 13] = ["", "", "", "1", "2", "3", "4", "5", "-1", "-2", "-5", "6", "0"];
            const DAYS: [&str; 8] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU", "XX"];
            format!("{}{}", NTH[from.below(NTH.len())], DAYS[from.below(DAYS.len())])
        }),
        by_month_day: from.list(|from| i8::from_be_bytes([from.byte()])),
        until: from.maybe(|from| moment(from).date().to_string()),
        count: from.maybe(Bytes::small),
    });
    let rule = event.recur.clone();
    let accepted = rule.is_some_and(|rule| rule.check(&event.start).is_ok());
    event.overrides = from.list(|from| {
        let date = moment(from).date();
        Override {
            at: event.start.on(date).text(),
            status: from.maybe(|_| Status::Cancelled),
            start: from.maybe(|from| start(from, dated)),
            duration: from.maybe(Bytes::word),
            name: None,
            text: None,
            places: None,
            note: None,
            gone: from.byte() % 4 == 0,
        }
    });
    let window = i64::from(from.word()) * 3 - 2_208_988_800;
    of(&event, &[window, i64::MIN, i64::MAX]);
    accepted
}

/// Looks at an event's dates from each of these moments on.
pub(super) fn of(event: &Event, windows: &[i64]) {
    let (first, last) = recur::span(event, "Europe/Berlin");
    for from in windows {
        for length in [0, 86_400, 31_536_000, i64::MAX] {
            let found = recur::expand(event, *from..from.saturating_add(length), "Europe/Berlin", BUDGET);
            assert!(found.instances.len() <= INSTANCES);
            assert!(found.instances.is_sorted_by_key(|instance| instance.from));
            for instance in &found.instances {
                assert!(first <= instance.from, "nothing begins before the span");
                assert!(last.is_none_or(|last| instance.to <= last), "nothing ends after the span");
            }
        }
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    /// 0 after the last.
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }
    fn word(&mut self) -> u32 {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }
    /// Mostly near the bounds of interval and count, now and then anything.
    fn small(&mut self) -> u32 {
        match self.byte() {
            255 => self.word(),
            n if n > 200 => 300 + u32::from(n),
            n => n.into(),
        }
    }
    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 2 == 1).then(|| value(self))
    }
    fn list<T>(&mut self, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % 12).map(|_| value(self)).collect()
    }
}
