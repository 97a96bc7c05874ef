//! Foreign files, for whoever tries to break their reading. See the module of the same name in `folkmoot-schemas`.

use folkmoot_schemas::{Record, Tid, kind::Kind, limits};

use crate::ics::{self, Context};

/// Takes any bytes; true: they were accepted.
pub type Target = fn(&[u8]) -> bool;

pub const TARGETS: &[(&str, Target)] = &[("calendar", calendar)];

fn calendar(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let context = Context { zone: "Europe/Berlin".into(), now: 1_767_225_600 };
    let Ok(reading) = ics::read(text, &context) else { return false };
    let dates = reading.dates.iter().map(|dated| &dated.own);
    for event in reading.events.iter().flat_map(|whole| &whole.entries).map(|entry| &entry.event).chain(dates) {
        assert_eq!(event.check(), Ok(()), "what is imported can be published");
        let record = Record::from(event.clone()).encode(Tid::new(1, 1));
        record.expect("what is imported fits into a record");
    }
    for answer in reading.answers.iter() {
        assert!(
            answer.guest.chars().count() <= limits::PERSON_NAME
                && answer.count.is_none_or(|count| (1..=11).contains(&count))
        );
        assert!(!answer.guest.contains('@'), "an address is nobody else's business");
    }
    let again = ics::read(text, &context).map(|again| format!("{again:?}"));
    assert_eq!(again.ok(), Some(format!("{reading:?}")), "a second reading gives the same keys and events");
    let plans = !(reading.events.is_empty() && reading.dates.is_empty());
    plans || !(reading.answers.is_empty() && reading.called_off.is_empty())
}

#[cfg(test)]
#[path = "../../integration-tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn every_stored_input_is_taken_or_refused_as_its_name_says() {
    replay::all(TARGETS);
}
