//! The components of one UID together: a single event, a series with its changes, or dates where no rule of ours fits.

use std::collections::{BTreeMap, BTreeSet};

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarFrequency, ICalendarProperty, ICalendarRecurrenceRule, ICalendarValue,
};
use folkmoot_schemas::{
    kind::Kind,
    records::event::{Event, LinkKind, Source, SourceDate, SourceVersion, Status},
    recur,
    when::{Start, local_at},
};

use super::{
    Context, Dated, Entry, Group, Reading, Skipped, Whole,
    changes::{self, Changes, Moved},
    fields, key, rule,
    time::{Zones, alike, say},
    version,
};
use crate::{output::count, record};

/// Dates of a rule we cannot keep are taken from 30 days back to 400 ahead, as pages show them.
const BACK: i64 = 30 * 86_400;
const AHEAD: i64 = 400 * 86_400;
/// The most single dates one rule may become.
const DATES: usize = 400;
/// Overrides of an event.
const OVERRIDES: usize = 100;
/// Rules of one file that are worked out date by date, and days they may be followed over together: a rule that names
/// no date costs as much as one that names all.
const RULES: usize = 200;
pub(super) const DAYS: i64 = 500_000;

/// What the components of one UID become.
struct Taking<'a> {
    group: &'a Group<'a>,
    calendar: &'a ICalendar,
    zones: &'a Zones,
    context: &'a Context,
    reading: &'a mut Reading,
    entries: Vec<Entry>,
    /// Of the event or series.
    version: SourceVersion,
    taken_apart: bool,
}

pub(super) fn take(
    group: &Group<'_>,
    calendar: &ICalendar,
    zones: &Zones,
    context: &Context,
    message: bool,
    reading: &mut Reading,
) {
    let master = newest(&group.masters, zones);
    let none = SourceVersion { sequence: 0, stamp: None, message };
    let version = master.map_or(none, |master| SourceVersion { message, ..version::of(master, zones) });
    let mut taking =
        Taking { group, calendar, zones, context, reading, entries: Vec::new(), version, taken_apart: false };
    let Some(master) = master else { return taking.single_changes() };
    taking.event(master);
    let uid = group.uid.clone();
    let (entries, taken_apart) = (taking.entries, taking.taken_apart);
    if !entries.is_empty() {
        reading.event(Whole { uid, version, taken_apart, entries });
    }
}

impl Taking<'_> {
    /// Only single dates of a series whose rule is not in the file.
    fn single_changes(&mut self) {
        for change in &self.group.changes {
            let mut said = Vec::new();
            match changes::date(change, self.calendar, self.zones, &mut said) {
                Ok((at, own)) => {
                    let (uid, version) = (self.group.uid.clone(), version::of(change, self.zones));
                    let at = alike(&at, &own.start);
                    let key = key::of_date(&uid, &at);
                    let dates = vec![SourceDate { at: at.civil_date().to_string(), version }];
                    match self.fit(key.clone(), own, (None, dates), &mut said) {
                        Ok(own) => drop(self.reading.dates.push(Dated { uid, at, own, version, said })),
                        Err(why) => self.skip(key, change, why),
                    }
                }
                Err(why) => self.skip(key::whole(&self.group.uid), change, why),
            }
        }
    }

    fn event(&mut self, master: &ICalendarComponent) {
        let (group, zones) = (self.group, self.zones);
        let mut said = Vec::new();
        if group.masters.len() > 1 {
            said.push(format!("the file holds it {} times: the newest is kept", group.masters.len()));
        }
        let event = match fields::event(master, self.calendar, zones, &mut said) {
            Ok(event) => event,
            Err(why) => return self.skip(key::whole(&group.uid), master, why),
        };
        let mut extra = extra_dates(master, &event, zones, &mut said);
        let rules: Vec<&ICalendarValue> =
            master.properties(&ICalendarProperty::Rrule).filter_map(|e| e.values.first()).collect();
        let series = match rules.as_slice() {
            [] => None,
            [ICalendarValue::RecurrenceRule(theirs)] if !master.has_property(&ICalendarProperty::Exrule) => {
                Some(theirs)
            }
            _ => {
                say(&mut said, "its repetition could not be read: only its first date is kept".into());
                None
            }
        };
        let changes = Changes::read(group, master, &event, self.calendar, zones, &mut said);
        extra.retain(|start| !changes.gone.contains(&start.text()));
        match series {
            None => {
                // The one date there is may be changed as well.
                let moved = changes.moved.get(&event.start.text());
                let dates = moved.map(Moved::version_of_date).into_iter().collect();
                let mut event = moved.map_or_else(|| event.clone(), |moved| moved.own.clone());
                event.start = zones.at_home(event.start);
                self.push(key::whole(&group.uid), event, dates, said);
            }
            Some(theirs) => self.repeat(theirs, event.clone(), &changes, said),
        }
        let made: BTreeMap<&str, &Event> = self.entries.iter().map(|e| (e.key.as_str(), &e.event)).collect();
        // Where a rule was taken apart into single dates, its changes went with them.
        let Some(whole) = made.get(key::whole(&group.uid).as_str()) else { return };
        let is_new = |at: &Start| !recur::has(whole, at) && !made.contains_key(key::of_date(&group.uid, at).as_str());
        let mut single = BTreeMap::new();
        for at in extra.into_iter().filter(is_new) {
            let event = Event { start: at.clone(), ..event.clone() };
            single
                .insert(at.text(), (at, event, Vec::new(), "an extra date of its series, kept as an event of its own"));
        }
        let of_none = changes
            .moved
            .into_values()
            .filter(|moved| is_new(&moved.at) && (series.is_some() || moved.at != event.start));
        for moved in of_none {
            let note = "a changed date that its series does not have, kept as an event of its own";
            let dates = vec![moved.version_of_date()];
            single.insert(moved.at.text(), (moved.at, moved.own, dates, note));
        }
        for (at, event, dates, note) in single.into_values() {
            self.push(key::of_date(&group.uid, &at), event, dates, vec![note.to_owned()]);
        }
    }

    /// A series: by our rule, or date by date.
    fn repeat(&mut self, theirs: &ICalendarRecurrenceRule, mut event: Event, changes: &Changes, mut said: Vec<String>) {
        let group = self.group;
        let ours = match rule::read(theirs, &event.start, self.zones) {
            Ok(ours) if ours.count == Some(1) => return self.push(key::whole(&group.uid), event, Vec::new(), said),
            Ok(_) if changes.gone.len() + changes.moved.len() > OVERRIDES => {
                Err("more than 100 of its dates are changed or left out")
            }
            ours => ours,
        };
        let why = match ours {
            Ok(mut ours) => {
                let fits = ours.check(&event.start).is_ok();
                if !fits {
                    // The first date stands outside the rule: it becomes an event, the series begins at its first own date.
                    let first = rule::first_match(&ours, &event.start);
                    let Some(first) =
                        first.filter(|first| ours.until.as_ref().is_none_or(|until| first.to_string() <= *until))
                    else {
                        say(&mut said, "its rule names no further date: only its start is kept".into());
                        return self.push(key::whole(&group.uid), event, Vec::new(), said);
                    };
                    let at = event.start.text();
                    let moved = changes.moved.get(&at);
                    if !changes.gone.contains(&at) {
                        let single = moved.map_or_else(|| event.clone(), |moved| moved.own.clone());
                        let dates = moved.map(Moved::version_of_date).into_iter().collect();
                        let note = "its first date is not one of its rule: kept as an event of its own".to_owned();
                        self.push(key::of_date(&group.uid, &event.start), single, dates, vec![note]);
                    }
                    ours.count = ours.count.map(|n| n.saturating_sub(1).max(1));
                    event.start = event.start.on(first);
                }
                event.recur = Some(ours);
                event.overrides = changes.list();
                self.push(key::whole(&group.uid), event, changes.versions(), said);
                return;
            }
            Err(why) => why,
        };
        let rule = fields::quoted(&theirs.to_string());
        self.reading.rules += 1;
        self.reading.days += (self.context.now + AHEAD - event.start.instant("UTC")).max(0) / 86_400;
        if self.reading.rules > RULES || self.reading.days > DAYS {
            let note = format!(
                "its repetition is not kept, {why} ({rule}), and the file holds too many of its kind: only its first date is kept"
            );
            say(&mut said, note);
            return self.push(key::whole(&group.uid), event, Vec::new(), said);
        }
        let (dates, more) = single_dates(theirs, &event, changes, self.context);
        if dates.is_empty() {
            say(
                &mut said,
                format!(
                    "its repetition is not kept, {why} ({rule}), and has no dates around now: only its first date is kept"
                ),
            );
            return self.push(key::whole(&group.uid), event, Vec::new(), said);
        }
        let n = count(dates.len() as u64, "single date is", "single dates are");
        say(
            &mut said,
            format!(
                "its repetition is not kept, {why} ({rule}): {n} kept, up to 400 days ahead; import again later for more"
            ),
        );
        if more > 0 {
            let more = count(more as u64, "more date of it is", "more dates of it are");
            say(&mut said, format!("{more} left out: a rule becomes {DATES} single dates at most"));
        }
        self.taken_apart = true;
        for (at, single) in dates {
            let moved = changes.moved.get(&at.text()).map(Moved::version_of_date);
            self.push(key::of_date(&group.uid, &at), single, moved.into_iter().collect(), said.clone());
        }
    }

    /// `dates`: of single dates that have a version of their own.
    fn push(&mut self, key: String, event: Event, dates: Vec<SourceDate>, mut said: Vec<String>) {
        let name = event.name.clone();
        if event.status == Status::Cancelled && event.recur.is_some() {
            say(&mut said, "the whole series is cancelled".into());
        }
        match self.fit(key.clone(), event, (Some(self.version), dates), &mut said) {
            Ok(event) => self.entries.push(Entry { key, event, said }),
            Err(why) => self.reading.skipped.push(Skipped { key, name, why }),
        }
    }

    /// With its source, and within the limits.
    fn fit(
        &self,
        key: String,
        mut event: Event,
        (version, dates): (Option<SourceVersion>, Vec<SourceDate>),
        said: &mut Vec<String>,
    ) -> Result<Event, String> {
        let url = event.links.iter().find(|link| link.kind == LinkKind::Info).map(|link| link.url.clone());
        event.source = Some(Source {
            kind: "ics".into(),
            url,
            uid: Some(key),
            fetched: Some(self.context.now),
            edited: Vec::new(),
            version,
            dates,
        });
        fields::mend(&mut event, said)?;
        event.check().map_err(|_| "it does not fit the format")?;
        if !record::fits(event.clone()) {
            say(said, "the texts of its changed dates are left out: together they are too long".into());
            event.overrides.iter_mut().for_each(|change| change.text = None);
        }
        if !record::fits(event.clone()) {
            say(said, "its description is left out: with its changed dates it is too long".into());
            event.text = None;
        }
        if record::fits(event.clone()) { Ok(event) } else { Err("it is too long".into()) }
    }

    fn skip(&mut self, key: String, component: &ICalendarComponent, why: String) {
        let name = fields::text(component, &ICalendarProperty::Summary);
        let name = name.map(|text| fields::quoted(&text)).unwrap_or_default();
        self.reading.skipped.push(Skipped { key, name, why });
    }
}

/// The dates of a foreign rule around now, each as its own event with the changes to that date; and how many more there are.
fn single_dates(
    theirs: &ICalendarRecurrenceRule,
    event: &Event,
    changes: &Changes,
    context: &Context,
) -> (Vec<(Start, Event)>, usize) {
    let sub_daily =
        matches!(theirs.freq, ICalendarFrequency::Hourly | ICalendarFrequency::Minutely | ICalendarFrequency::Secondly);
    if sub_daily || !(theirs.byhour.is_empty() && theirs.byminute.is_empty() && theirs.bysecond.is_empty()) {
        return (Vec::new(), 0);
    }
    let window = context.now - BACK..context.now + AHEAD;
    let zone = event.start.zone().unwrap_or(&context.zone);
    // Days later than the window in any zone.
    let last = local_at(window.end + 2 * 86_400, "UTC").map(|end| end.date());
    let named = rule::dates(theirs, &event.start, last, rule::LOOKED_AT).into_iter().map(|local| match &event.start {
        Start::Local { zone, .. } => Start::Local { local, zone: zone.clone() },
        Start::Date { .. } => Start::Date { date: local.date() },
    });
    let mut dates: Vec<Start> =
        named.filter(|at| window.contains(&at.instant(zone)) && !changes.gone.contains(&at.text())).collect();
    let more = dates.len().saturating_sub(DATES);
    dates.truncate(DATES);
    let dates = dates
        .into_iter()
        .map(|at| {
            let mut single = Event { start: at.clone(), ..event.clone() };
            if let Some(moved) = changes.moved.get(&at.text()) {
                let change = moved.change.clone();
                single.start = change.start.unwrap_or(single.start);
                single.duration = change.duration.or(single.duration);
                single.status = change.status.unwrap_or(single.status);
                single.name = change.name.unwrap_or(single.name);
                single.text = change.text.or(single.text);
                single.places = change.places.unwrap_or(single.places);
            }
            (at, single)
        })
        .collect();
    (dates, more)
}

/// RDATE, without what the start says already.
fn extra_dates(master: &ICalendarComponent, event: &Event, zones: &Zones, said: &mut Vec<String>) -> Vec<Start> {
    let (mut extra, mut seen) = (Vec::new(), BTreeSet::new());
    for entry in master.properties(&ICalendarProperty::Rdate) {
        if entry.values.iter().any(|value| matches!(value, ICalendarValue::Period(_))) {
            say(said, "extra dates with their own length are not kept".into());
        }
        for point in zones.points(entry, said) {
            let at = alike(&point, &event.start);
            if at != event.start && seen.insert(at.text()) && extra.len() < DATES {
                extra.push(at);
            }
        }
    }
    let more = seen.len() - extra.len();
    if more > 0 {
        let more = count(more as u64, "extra date is", "extra dates are");
        say(said, format!("{more} left out: {DATES} are kept at most"));
    }
    extra
}

/// Of several versions of one event the newest, of equally new ones the last.
fn newest<'a>(masters: &[&'a ICalendarComponent], zones: &Zones) -> Option<&'a ICalendarComponent> {
    let versions = masters.iter().map(|component| (*component, version::of(component, zones)));
    versions.max_by_key(|(_, version)| version::rank(*version)).map(|(component, _)| component)
}
