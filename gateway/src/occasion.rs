//! An event as it is on one of its dates: the record with that date's changes laid over it.

use folkmoot_schemas::{
    records::event::{Event, Place, Status},
    recur::{self, Instance},
};

/// Seconds for which an event is looked for around its own start: longer than any event lasts.
const LONGEST: i64 = 61 * 24 * 60 * 60;

#[derive(Debug, Clone)]
pub(crate) struct Occasion {
    /// As it is on this date; its rule is that of the series.
    pub(crate) event: Event,
    pub(crate) instance: Instance,
}

impl Occasion {
    pub(crate) fn new(event: &Event, instance: &Instance) -> Self {
        let mut on = Event { recur: event.recur.clone(), ..event.on(instance) };
        if instance.cancelled {
            on.status = Status::Cancelled;
        }
        Self { event: on, instance: instance.clone() }
    }

    /// Where it is on one date, without a copy of all the rest: asked of every date that a list is narrowed from.
    pub(crate) fn places<'a>(event: &'a Event, instance: &Instance) -> &'a [Place] {
        let change = instance.change.and_then(|at| event.overrides.get(at));
        change.and_then(|change| change.places.as_deref()).unwrap_or(&event.places)
    }

    /// The date that stands for the whole event: the next one, else the last one there was. None: it never takes place.
    pub(crate) fn main(event: &Event, now: i64, zone: &str) -> Option<Self> {
        let (first, last) = recur::span(event, zone);
        let next = recur::expand(event, now..now.saturating_add(800 * 86_400), zone, recur::BUDGET);
        let next = next.instances.iter().find(|i| !i.cancelled).or(next.instances.first());
        let instance = match next {
            Some(next) => next.clone(),
            None => {
                let end = last.unwrap_or(now).max(first + 1);
                let near = recur::expand(event, end.saturating_sub(LONGEST)..end.max(now), zone, recur::BUDGET);
                let found = near.instances.last().cloned();
                found.or_else(|| recur::expand(event, first..end, zone, recur::BUDGET).instances.pop())?
            }
        };
        Some(Self::new(event, &instance))
    }

    /// The date with this name, wherever it was moved to.
    pub(crate) fn at(event: &Event, name: &str, zone: &str) -> Option<Self> {
        let start = event.start.named(name)?;
        let moved = event.overrides.iter().find(|o| o.at == name).and_then(|o| o.start.clone());
        let from = moved.unwrap_or(start).instant(zone);
        let near = recur::expand(event, from..from.saturating_add(1), zone, recur::BUDGET);
        near.instances.iter().find(|i| i.at.text() == name).map(|instance| Self::new(event, instance))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use folkmoot_schemas::{
        records::event::Override,
        recur::{Freq, Rule},
        when::{Start, parse_local},
    };

    use super::*;

    pub(crate) fn at(local: &str) -> Start {
        Start::Local { local: parse_local(local).unwrap(), zone: "Europe/Berlin".into() }
    }

    pub(crate) fn event(json: serde_json::Value) -> Event {
        serde_json::from_value(json).unwrap()
    }

    pub(crate) fn weekly() -> Event {
        let mut event = event(serde_json::json!({
            "name": "Quiz", "start": {"local": "2026-10-01T20:00", "zone": "Europe/Berlin"}, "duration": 7200,
        }));
        event.recur = Some(Rule {
            freq: Freq::Weekly,
            interval: None,
            by_day: vec!["TH".into()],
            by_month_day: Vec::new(),
            until: None,
            count: Some(8),
        });
        event.overrides = vec![
            Override {
                status: Some(Status::Cancelled),
                note: Some("Holiday".into()),
                ..Override::new("2026-10-08T20:00")
            },
            Override {
                start: Some(at("2026-10-16T19:00")),
                name: Some("Big quiz".into()),
                ..Override::new("2026-10-15T20:00")
            },
            Override { gone: true, ..Override::new("2026-10-22T20:00") },
        ];
        event
    }

    #[test]
    fn a_date_has_its_own_status_note_name_and_former_start() {
        let quiz = weekly();
        let cancelled = Occasion::at(&quiz, "2026-10-08T20:00", "UTC").unwrap().event;
        assert_eq!((cancelled.status, cancelled.status_note.as_deref()), (Status::Cancelled, Some("Holiday")));
        let moved = Occasion::at(&quiz, "2026-10-15T20:00", "UTC").unwrap().event;
        assert_eq!((moved.name.as_str(), &moved.start), ("Big quiz", &at("2026-10-16T19:00")));
        assert_eq!(moved.previous, [at("2026-10-15T20:00")]);
    }

    #[test]
    fn a_date_is_where_the_whole_of_it_says() {
        let mut quiz = weekly();
        let place = |name: &str| vec![Place { name: Some(name.into()), ..Place::default() }];
        quiz.places = place("Kitchen");
        quiz.overrides[1].places = Some(place("Harbour"));
        for (name, there) in [("2026-10-08T20:00", "Kitchen"), ("2026-10-15T20:00", "Harbour")] {
            let date = Occasion::at(&quiz, name, "UTC").unwrap();
            assert_eq!(Occasion::places(&quiz, &date.instance), place(there));
            assert_eq!(date.event.places, place(there));
        }
    }

    #[test]
    fn doors_and_end_of_a_date_are_those_of_that_date() {
        let mut quiz = Event { doors: Some("19:30".into()), open_end: true, duration: None, ..weekly() };
        quiz.overrides[1].duration = Some(3600);
        let on = |name: &str| Occasion::at(&quiz, name, "UTC").unwrap().event;
        let (as_ever, moved) = (on("2026-10-29T20:00"), on("2026-10-15T20:00"));
        assert_eq!((as_ever.doors.as_deref(), as_ever.open_end), (Some("19:30"), true));
        assert_eq!((moved.doors.as_deref(), moved.open_end, moved.duration), (Some("18:30"), false, Some(3600)));
        assert!(moved.recur.is_some(), "it is still one of a series");
    }

    #[test]
    fn dates_that_are_gone_or_never_were_are_not_found() {
        for name in ["2026-10-22T20:00", "2026-10-02T20:00", "2026-10-01", "2027-10-07T20:00"] {
            assert!(Occasion::at(&weekly(), name, "UTC").is_none(), "{name}");
        }
    }

    #[test]
    fn the_next_date_that_takes_place_stands_for_a_series_and_the_last_one_after_its_end() {
        let quiz = weekly();
        let day = |instant| Occasion::main(&quiz, instant, "UTC").unwrap().instance.at.text();
        assert_eq!(day(at("2026-09-01T00:00").instant("UTC")), "2026-10-01T20:00");
        assert_eq!(day(at("2026-10-02T00:00").instant("UTC")), "2026-10-15T20:00");
        assert_eq!(day(at("2030-01-01T00:00").instant("UTC")), "2026-11-19T20:00");
    }
}
