//! What single dates of a series differ in.

use std::collections::{BTreeMap, BTreeSet};

use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarParameterName, ICalendarProperty};
use folkmoot_schemas::{
    records::event::{Event, Override, SourceDate, SourceVersion},
    when::Start,
};

use super::{
    Group, fields,
    time::{Zones, alike, say},
    version,
};

/// By the name of the date.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) gone: BTreeSet<String>,
    pub(super) moved: BTreeMap<String, Moved>,
}

/// A component with RECURRENCE-ID.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) at: Start,
    /// The date as an event of its own.
    pub(super) own: Event,
    pub(super) change: Override,
    pub(super) version: SourceVersion,
}

impl Changes {
    pub(super) fn read(
        group: &Group<'_>,
        master: &ICalendarComponent,
        event: &Event,
        calendar: &ICalendar,
        zones: &Zones,
        said: &mut Vec<String>,
    ) -> Self {
        let mut changes = Self::default();
        for entry in master.properties(&ICalendarProperty::Exdate) {
            for point in zones.points(entry, said) {
                let at = alike(&point, &event.start);
                // A time at which the series never is excludes nothing.
                let real = match (&at, &event.start) {
                    (Start::Local { local, .. }, Start::Local { local: first, .. }) => local.time() == first.time(),
                    _ => true,
                };
                if real {
                    changes.gone.insert(at.text());
                }
            }
        }
        for component in &group.changes {
            let version = version::of(component, zones);
            match date(component, calendar, zones, said) {
                Ok((at, own)) => {
                    let (at, change) = differs(event, &at, &own, said);
                    let held = changes.moved.get(&at.text());
                    if held.is_none_or(|held| version::rank(version) >= version::rank(held.version)) {
                        changes.moved.insert(at.text(), Moved { at, own, change, version });
                    }
                }
                Err(why) => say(said, format!("a change to one of its dates is not kept: {why}")),
            }
        }
        changes.gone.retain(|at| !changes.moved.contains_key(at));
        changes
    }

    pub(super) fn list(&self) -> Vec<Override> {
        let gone = self.gone.iter().map(|at| Override { gone: true, ..Override::new(at.clone()) });
        let mut list: Vec<Override> = gone.chain(self.moved.values().map(|moved| moved.change.clone())).collect();
        list.sort_by(|a, b| a.at.cmp(&b.at));
        list
    }

    pub(super) fn versions(&self) -> Vec<SourceDate> {
        self.moved.values().map(Moved::version_of_date).collect()
    }
}

impl Moved {
    pub(super) fn version_of_date(&self) -> SourceDate {
        SourceDate { at: self.at.civil_date().to_string(), version: self.version }
    }
}

/// Which date a component with RECURRENCE-ID is about, in whatever form and zone it has it, and what it says of it.
pub(super) fn date(
    component: &ICalendarComponent,
    calendar: &ICalendar,
    zones: &Zones,
    said: &mut Vec<String>,
) -> Result<(Start, Event), String> {
    let entry = component.property(&ICalendarProperty::RecurrenceId).ok_or("it names no date")?;
    let at = zones.start(entry, said).ok_or("its date could not be read")?;
    if entry.has_parameter(&ICalendarParameterName::Range) {
        say(said, format!("the change from {} on is kept for that date only", at.text()));
    }
    Ok((at, fields::event(component, calendar, zones, said)?))
}

/// A date in the form and zone of its series, and in what `own` differs from the series there.
pub(crate) fn differs(series: &Event, at: &Start, own: &Event, said: &mut Vec<String>) -> (Start, Override) {
    let at = alike(at, &series.start);
    let start = alike(&own.start, &series.start);
    if own.contact != series.contact || own.links != series.links || own.tags != series.tags || own.days != series.days
    {
        let date = at.text();
        say(said, format!("{date} has its own contact, link, categories or length in days, which are not kept"));
    }
    let change = Override {
        status: Some(own.status).filter(|s| *s != series.status),
        start: Some(start).filter(|s| *s != at),
        duration: own.duration.filter(|d| Some(*d) != series.duration),
        name: Some(own.name.clone()).filter(|n| *n != series.name),
        text: own.text.clone().filter(|t| Some(t) != series.text.as_ref()),
        places: Some(own.places.clone()).filter(|p| !p.is_empty() && *p != series.places),
        ..Override::new(at.text())
    };
    (at, change)
}
