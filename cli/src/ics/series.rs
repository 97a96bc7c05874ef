//! The components of one UID together: a single event, a series with its changes, or dates where no rule of ours fits.

use std::collections::{BTreeMap, BTreeSet};

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarFrequency, ICalendarParameterName, ICalendarProperty,
    ICalendarRecurrenceRule, ICalendarValue,
};
use folkmoot_schemas::{
    kind::Kind,
    records::event::{Event, LinkKind, Override, Source, Status},
    recur,
    when::{Start, local_at},
};

use super::{
    Context, Entry, Group, Reading, Skipped, fields, rule,
    time::{Zones, alike, say},
};
use crate::{commands::event::unchanged, output::count};

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

pub(super) fn take(group: &Group<'_>, calendar: &ICalendar, zones: &Zones, context: &Context, reading: &mut Reading) {
    let before = reading.entries.len();
    take_all(group, calendar, zones, context, reading);
    let version = group.masters.iter().chain(&group.changes).map(|component| sequence(component)).max().unwrap_or(0);
    reading.entries.iter_mut().skip(before).for_each(|entry| entry.sequence = version);
}

fn take_all(group: &Group<'_>, calendar: &ICalendar, zones: &Zones, context: &Context, reading: &mut Reading) {
    let mut said = Vec::new();
    let Some(master) = newest(&group.masters) else {
        // Only single dates of a series whose rule is not in the file.
        for change in &group.changes {
            let mut said = vec!["its series is not in the file: kept as a single date".to_owned()];
            let at = change.property(&ICalendarProperty::RecurrenceId).and_then(|entry| zones.start(entry, &mut said));
            let key = key(&group.uid, at.as_ref());
            match fields::event(change, calendar, zones, &mut said) {
                Ok(event) => push(reading, context, key, event, said),
                Err(why) => skip(reading, key, change, why),
            }
        }
        return;
    };
    if group.masters.len() > 1 {
        said.push(format!("the file holds it {} times: the newest is kept", group.masters.len()));
    }
    let event = match fields::event(master, calendar, zones, &mut said) {
        Ok(event) => event,
        Err(why) => return skip(reading, group.uid.clone(), master, why),
    };
    let mut extra = extra_dates(master, &event, zones, &mut said);
    let rules: Vec<&ICalendarValue> =
        master.properties(&ICalendarProperty::Rrule).filter_map(|e| e.values.first()).collect();
    let series = match rules.as_slice() {
        [] => None,
        [ICalendarValue::RecurrenceRule(theirs)] if !master.has_property(&ICalendarProperty::Exrule) => Some(theirs),
        _ => {
            say(&mut said, "its repetition could not be read: only its first date is kept".into());
            None
        }
    };
    let mut changes = Changes::read(group, master, &event, calendar, zones, &mut said);
    let mut own = std::mem::take(&mut changes.own);
    extra.retain(|start| !changes.gone.contains(&start.text()));
    let base = event.clone();
    let before = reading.entries.len();
    match series {
        None => {
            // The one date there is may be changed as well.
            let same = own.iter().position(|(at, _)| *at == event.start);
            let mut event = same.map_or(event, |n| own.swap_remove(n).1);
            event.start = zones.at_home(event.start);
            push(reading, context, group.uid.clone(), event, said);
        }
        Some(theirs) => repeat(group, theirs, event, changes, zones, context, said, reading),
    }
    let made: BTreeMap<&str, &Event> =
        reading.entries.iter().skip(before).map(|entry| (entry.key.as_str(), &entry.event)).collect();
    // Where a rule was taken apart into single dates, its changes went with them.
    let Some(whole) = made.get(group.uid.as_str()) else { return };
    let is_new = |at: &Start| !recur::has(whole, at) && !made.contains_key(key(&group.uid, Some(at)).as_str());
    let mut single = BTreeMap::new();
    for at in extra.into_iter().filter(is_new) {
        let event = Event { start: at.clone(), recur: None, overrides: Vec::new(), ..base.clone() };
        single.insert(at.text(), (event, "an extra date of its series, kept as an event of its own"));
    }
    for (at, event) in own.into_iter().filter(|(at, _)| is_new(at)) {
        single.insert(at.text(), (event, "a changed date that its series does not have, kept as an event of its own"));
    }
    for (at, (event, note)) in single {
        push(reading, context, format!("{}#{at}", group.uid), event, vec![note.to_owned()]);
    }
}

/// What single dates of a series differ in, by the name of the date.
#[derive(Debug, Default)]
struct Changes {
    gone: BTreeSet<String>,
    moved: BTreeMap<String, Override>,
    /// The changed dates as events of their own.
    own: Vec<(Start, Event)>,
}

impl Changes {
    fn read(
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
        for change in &group.changes {
            match Self::one(change, event, calendar, zones, said) {
                Ok((at, own, change)) => {
                    changes.moved.insert(change.at.clone(), change);
                    changes.own.retain(|(other, _)| *other != at);
                    changes.own.push((at, own));
                }
                Err(why) => say(said, format!("a change to one of its dates is not kept: {why}")),
            }
        }
        changes.gone.retain(|at| !changes.moved.contains_key(at));
        changes.own.sort_by_key(|(at, _)| at.text());
        changes
    }

    /// A component with RECURRENCE-ID, as what it changes.
    fn one(
        change: &ICalendarComponent,
        event: &Event,
        calendar: &ICalendar,
        zones: &Zones,
        said: &mut Vec<String>,
    ) -> Result<(Start, Event, Override), String> {
        let entry = change.property(&ICalendarProperty::RecurrenceId).ok_or("it names no date")?;
        let at = zones.start(entry, said).ok_or("its date could not be read")?;
        let at = alike(&at, &event.start);
        if entry.has_parameter(&ICalendarParameterName::Range) {
            say(said, format!("the change from {} on is kept for that date only", at.text()));
        }
        let own = fields::event(change, calendar, zones, said)?;
        let start = alike(&own.start, &event.start);
        if own.contact != event.contact || own.links != event.links || own.tags != event.tags || own.days != event.days
        {
            say(
                said,
                format!("{} has its own contact, link, categories or length in days, which are not kept", at.text()),
            );
        }
        let change = Override {
            status: Some(own.status).filter(|s| *s != event.status),
            start: Some(start).filter(|s| *s != at),
            duration: own.duration.filter(|d| Some(*d) != event.duration),
            name: Some(own.name.clone()).filter(|n| *n != event.name),
            text: own.text.clone().filter(|t| Some(t) != event.text.as_ref()),
            places: Some(own.places.clone()).filter(|p| !p.is_empty() && *p != event.places),
            ..unchanged(at.text())
        };
        Ok((at, own, change))
    }

    fn list(self) -> Vec<Override> {
        let gone = self.gone.into_iter().map(|at| Override { gone: true, ..unchanged(at) });
        let mut list: Vec<Override> = gone.chain(self.moved.into_values()).collect();
        list.sort_by(|a, b| a.at.cmp(&b.at));
        list
    }
}

/// A series: by our rule, or date by date.
#[expect(clippy::too_many_arguments, reason = "all of one step of the import; a struct would only rename them")]
fn repeat(
    group: &Group<'_>,
    theirs: &ICalendarRecurrenceRule,
    mut event: Event,
    changes: Changes,
    zones: &Zones,
    context: &Context,
    mut said: Vec<String>,
    reading: &mut Reading,
) {
    let ours = match rule::read(theirs, &event.start, zones) {
        Ok(ours) if ours.count == Some(1) => return push(reading, context, group.uid.clone(), event, said),
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
                    return push(reading, context, group.uid.clone(), event, said);
                };
                let single = Event { recur: None, ..event.clone() };
                let note = "its first date is not one of its rule: kept as an event of its own".to_owned();
                push(reading, context, key(&group.uid, Some(&event.start)), single, vec![note]);
                ours.count = ours.count.map(|n| n.saturating_sub(1).max(1));
                event.start = match &event.start {
                    Start::Local { local, zone } => {
                        Start::Local { local: first.to_datetime(local.time()), zone: zone.clone() }
                    }
                    Start::Date { .. } => Start::Date { date: first },
                };
            }
            event.recur = Some(ours);
            event.overrides = changes.list();
            return push(reading, context, group.uid.clone(), event, said);
        }
        Err(why) => why,
    };
    reading.rules += 1;
    reading.days += (context.now + AHEAD - event.start.instant("UTC")).max(0) / 86_400;
    if reading.rules > RULES || reading.days > DAYS {
        let note = format!(
            "its repetition is not kept, {why} ({theirs}), and the file holds too many of its kind: only its first date is kept"
        );
        say(&mut said, note);
        return push(reading, context, group.uid.clone(), event, said);
    }
    let dates = single_dates(theirs, &event, &changes, context);
    if dates.is_empty() {
        say(
            &mut said,
            format!(
                "its repetition is not kept, {why} ({theirs}), and has no dates around now: only its first date is kept"
            ),
        );
        return push(reading, context, group.uid.clone(), event, said);
    }
    let n = count(dates.len() as u64, "single date is", "single dates are");
    say(
        &mut said,
        format!(
            "its repetition is not kept, {why} ({theirs}): {n} kept, up to 400 days ahead; import again later for more"
        ),
    );
    for (at, single) in dates {
        push(reading, context, key(&group.uid, Some(&at)), single, said.clone());
    }
}

/// The dates of a foreign rule around now, each as its own event with the changes to that date.
fn single_dates(
    theirs: &ICalendarRecurrenceRule,
    event: &Event,
    changes: &Changes,
    context: &Context,
) -> Vec<(Start, Event)> {
    let sub_daily =
        matches!(theirs.freq, ICalendarFrequency::Hourly | ICalendarFrequency::Minutely | ICalendarFrequency::Secondly);
    if sub_daily || !(theirs.byhour.is_empty() && theirs.byminute.is_empty() && theirs.bysecond.is_empty()) {
        return Vec::new();
    }
    let window = context.now - BACK..context.now + AHEAD;
    let zone = event.start.zone().unwrap_or(&context.zone);
    // Days later than the window in any zone.
    let last = local_at(window.end + 2 * 86_400, "UTC").map(|end| end.date());
    let named = rule::dates(theirs, &event.start, last, rule::LOOKED_AT).into_iter().map(|local| match &event.start {
        Start::Local { zone, .. } => Start::Local { local, zone: zone.clone() },
        Start::Date { .. } => Start::Date { date: local.date() },
    });
    named
        .filter(|at| window.contains(&at.instant(zone)) && !changes.gone.contains(&at.text()))
        .take(DATES)
        .map(|at| {
            let mut single = Event { start: at.clone(), ..event.clone() };
            if let Some(change) = changes.moved.get(&at.text()) {
                single.start = change.start.clone().unwrap_or(single.start);
                single.duration = change.duration.or(single.duration);
                single.status = change.status.unwrap_or(single.status);
                single.name = change.name.clone().unwrap_or(single.name);
                single.text = change.text.clone().or(single.text);
                single.places = change.places.clone().unwrap_or(single.places);
            }
            (at, single)
        })
        .collect()
}

/// RDATE, without what the start says already.
fn extra_dates(master: &ICalendarComponent, event: &Event, zones: &Zones, said: &mut Vec<String>) -> Vec<Start> {
    let mut extra = Vec::new();
    for entry in master.properties(&ICalendarProperty::Rdate) {
        if entry.values.iter().any(|value| matches!(value, ICalendarValue::Period(_))) {
            say(said, "extra dates with their own length are not kept".into());
        }
        for point in zones.points(entry, said) {
            let at = alike(&point, &event.start);
            if at != event.start && !extra.contains(&at) && extra.len() < DATES {
                extra.push(at);
            }
        }
    }
    extra
}

/// Of several versions of one event the one with the highest SEQUENCE, else the last.
fn newest<'a>(masters: &[&'a ICalendarComponent]) -> Option<&'a ICalendarComponent> {
    masters.iter().copied().max_by_key(|c| sequence(c))
}

fn sequence(component: &ICalendarComponent) -> i64 {
    component.property(&ICalendarProperty::Sequence).and_then(|e| e.values.first()?.as_integer()).unwrap_or(0)
}

fn key(uid: &str, at: Option<&Start>) -> String {
    at.map_or_else(|| uid.to_owned(), |at| format!("{uid}#{}", at.text()))
}

fn push(reading: &mut Reading, context: &Context, key: String, mut event: Event, mut said: Vec<String>) {
    let url = event.links.iter().find(|link| link.kind == LinkKind::Info).map(|link| link.url.clone());
    let (uid, fetched) = (Some(key.clone()), Some(context.now));
    event.source = Some(Source { kind: "ics".into(), url, uid, fetched, edited: Vec::new() });
    if event.status == Status::Cancelled && event.recur.is_some() {
        say(&mut said, "the whole series is cancelled".into());
    }
    match fields::mend(&mut event, &mut said) {
        Ok(()) if event.check().is_ok() => reading.entries.push(Entry { key, event, sequence: 0, said }),
        Ok(()) => reading.skipped.push(Skipped { key, name: event.name, why: "it does not fit the format".into() }),
        Err(why) => reading.skipped.push(Skipped { key, name: event.name, why }),
    }
}

fn skip(reading: &mut Reading, key: String, component: &ICalendarComponent, why: String) {
    let name = fields::text(component, &ICalendarProperty::Summary).map(|t| fields::one_line(&t)).unwrap_or_default();
    reading.skipped.push(Skipped { key, name, why });
}
