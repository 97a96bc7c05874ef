//! An imported event follows its calendar file, except in what was changed here: that stays, part by part and date by
//! date, until the file says the same. Which parts those are stands in the event itself (`source.edited`), since what
//! the file said the last time is kept nowhere.

use folkmoot_schemas::{
    kind::Kind,
    records::event::{Event, Override, Status},
    recur::{self, Dates},
};

/// Something a calendar file says of an event.
struct Part {
    name: &'static str,
    same: fn(&Event, &Event) -> bool,
    take: fn(&mut Event, &Event),
}

macro_rules! parts {
    ($($name:ident: $($field:ident)+;)*) => {
        const PARTS: &[Part] = &[$(Part {
            name: stringify!($name),
            same: |a, b| $(a.$field == b.$field)&&+,
            take: |to, from| { $(to.$field.clone_from(&from.$field);)+ },
        }),*];
    };
}

// The single dates of a series (`overrides`) stand beside these, each by its day.
parts! {
    name: name;
    text: text;
    // One part, since a length fits only its form of start, and a rule only its start.
    time: start duration days open_end recur;
    status: status;
    mode: mode;
    places: places;
    online: online;
    links: links;
    tags: tags;
    hosts: hosts;
    contact: contact;
}

/// The note on the status, of which no calendar says anything. A cancellation by mail may have one.
const NOTE: &str = "status_note";

/// Notes in an imported event in what it differs from `old`, the version a person just edited.
pub(super) fn mark(event: &mut Event, old: &Event) {
    let parts = PARTS.iter().filter(|part| !(part.same)(event, old)).map(|part| part.name);
    let days = event.overrides.iter().chain(&old.overrides).map(day).filter(|day| !same_day(event, old, day));
    let note = (event.status_note != old.status_note).then_some(NOTE);
    let changed: Vec<String> = parts.chain(days).chain(note).map(ToOwned::to_owned).collect();
    let has_note = event.status_note.is_some() || event.status == Status::Cancelled;
    if let Some(source) = &mut event.source {
        source.edited.extend(changed);
        source.edited.retain(|edited| edited != NOTE || has_note);
        source.edited.sort();
        source.edited.dedup();
    }
}

/// As if its status had been changed here.
pub(super) fn mark_status(event: &mut Event) {
    mark_part(event, "status");
}

/// As if the note on its status had been written here.
pub(super) fn mark_note(event: &mut Event) {
    mark_part(event, NOTE);
}

fn mark_part(event: &mut Event, part: &str) {
    if !is_edited(event, part)
        && let Some(source) = &mut event.source
    {
        source.edited.push(part.into());
        source.edited.sort();
    }
}

/// Was its status changed here, so that no file does?
pub(super) fn has_own_status(event: &Event) -> bool {
    is_edited(event, "status")
}

/// Is the note on the status what somebody here wrote, or took away? Also where its cancellation was theirs.
pub(super) fn has_own_note(event: &Event) -> bool {
    let own = has_own_status(event) && event.status == Status::Cancelled && event.status_note.is_some();
    own || is_edited(event, NOTE)
}

fn is_edited(event: &Event, part: &str) -> bool {
    event.source.iter().flat_map(|source| &source.edited).any(|edited| edited == part)
}

/// What an import makes of an event that is there: `old` as it is here, `new` as the file has it now. The next version
/// if there is something to publish, and what of the file was left out for the sake of what was changed here.
pub(super) fn merge(old: &Event, new: &Event) -> (Option<Event>, Option<String>) {
    let edited = old.source.as_ref().map_or(&[][..], |source| &source.edited);
    let is_edited = |name: &str| edited.iter().any(|edited| edited == name);
    let (mut next, mut kept) = (old.clone(), Vec::new());
    for part in PARTS.iter().filter(|part| !(part.same)(old, new)) {
        match is_edited(part.name) {
            true => kept.push(part.name.to_owned()),
            false => (part.take)(&mut next, new),
        }
    }
    let on_again = old.status == Status::Cancelled && next.status != Status::Cancelled;
    if on_again {
        // It said why.
        next.status_note = None;
    }
    let days: Vec<&str> = new
        .overrides
        .iter()
        .chain(&old.overrides)
        .map(day)
        .filter(|d| is_edited(d) && !same_day(old, new, d))
        .collect();
    let (mut changes, _) = carried(&next, new, |change| !days.contains(&day(change)));
    let (ours, lost) = carried(&next, old, |change| days.contains(&day(change)));
    changes.extend(ours);
    let by_date = |a: &Override, b: &Override| a.at.cmp(&b.at);
    changes.sort_by(by_date);
    let mut before = old.overrides.clone();
    before.sort_by(by_date);
    // Another order alone is no news.
    if changes != before {
        next.overrides = changes;
    }
    let lost: Vec<&str> = lost.iter().map(day).collect();
    kept.extend(days.into_iter().filter(|day| !lost.contains(day)).map(ToOwned::to_owned));
    kept.sort();
    kept.dedup();

    if let (Some(next), Some(new)) = (&mut next.source, &new.source) {
        next.url.clone_from(&new.url);
        next.edited.retain(|edited| kept.contains(edited) || (edited == NOTE && !on_again));
    }
    let mut said = Vec::new();
    if !kept.is_empty() {
        said.push(format!("stays as changed here: {}", kept.join(", ")));
    }
    if !lost.is_empty() {
        said.push(format!("changed here, and no date of it any more: {}", lost.join(", ")));
    }
    let (off, other) = missed(&next, new);
    if !off.is_empty() {
        let hint = "moot event cancel EVENT --at DATE calls off the one that is meant";
        said.push(format!("off in the file, and no date of it here: {} ({hint})", off.join(", ")));
    }
    if !other.is_empty() {
        said.push(format!("changed in the file, and no date of it here: {}", other.join(", ")));
    }
    let said = Some(said.join("; ")).filter(|said| !said.is_empty());
    // Having looked again is no news.
    if next == *old {
        return (None, said);
    }
    if let (Some(next), Some(new)) = (&mut next.source, &new.source) {
        (next.fetched, next.version) = (new.fetched, new.version);
        next.dates.clone_from(&new.dates);
    }
    next.follow(old);
    match next.check() {
        Ok(()) => (Some(next), said),
        Err(why) => {
            (None, Some(format!("stays as it is: what the file says now does not fit what was set here ({why})")))
        }
    }
}

/// Coming dates that a file calls off or leaves out, and dates that it changes, which a series moved here does not have.
/// Which of its own is meant is for people to say: a holiday is on one day, a flood on both.
fn missed<'f>(here: &Event, file: &'f Event) -> (Vec<&'f str>, Vec<&'f str>) {
    let dates = Dates::of(here);
    let read = file.source.as_ref().and_then(|source| source.fetched).unwrap_or(0);
    let is_missed = |change: &&Override| {
        let at = file.start.named(&change.at).filter(|at| recur::has(file, at) && at.instant("UTC") >= read);
        here.recur.is_some() && at.is_some_and(|at| !dates.has(&here.start.on(at.civil_date())))
    };
    let is_off = |change: &&Override| change.gone || change.status == Some(Status::Cancelled);
    let (off, other): (Vec<_>, Vec<_>) = file.overrides.iter().filter(is_missed).partition(is_off);
    (off.into_iter().map(day).collect(), other.into_iter().map(day).collect())
}

/// Is there nothing in an imported event that was set here?
pub(super) fn is_bare(event: &Event) -> bool {
    let mut bare = Event {
        status_note: event.status_note.clone(),
        previous: event.previous.clone(),
        overrides: event.overrides.clone(),
        sequence: event.sequence,
        all_since: event.all_since,
        dates_since: event.dates_since.clone(),
        source: event.source.clone(),
        ..Event::new("", event.start.clone())
    };
    PARTS.iter().for_each(|part| (part.take)(&mut bare, event));
    bare == *event && event.source.as_ref().is_some_and(|source| source.edited.is_empty())
}

/// The day that an override changes: no series has two dates on one.
pub(super) fn day(change: &Override) -> &str {
    change.at.get(..10).unwrap_or(&change.at)
}

fn same_day(a: &Event, b: &Event, wanted: &str) -> bool {
    let of = |event: &Event| -> Vec<Override> {
        let found = event.overrides.iter().filter(|o| day(o) == wanted);
        found.map(|o| Override { at: String::new(), ..o.clone() }).collect()
    };
    of(a) == of(b)
}

/// Some of the changes `series` has for single dates, as `next` names these dates; and those whose date it lacks.
pub(super) fn carried(
    next: &Event,
    series: &Event,
    wanted: impl Fn(&Override) -> bool,
) -> (Vec<Override>, Vec<Override>) {
    let overrides = series.overrides.iter().filter(|change| wanted(change)).cloned().collect();
    if (&next.start, &next.recur) == (&series.start, &series.recur) {
        return (overrides, Vec::new());
    }
    let mut next = next.clone();
    let lost = next.carry_overrides(&Event { overrides, ..series.clone() });
    (next.overrides, lost)
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{records::event::Source, recur::Rule, when::Start};

    use super::*;

    fn source() -> Source {
        Source {
            kind: "ics".into(),
            url: None,
            uid: Some("1".into()),
            fetched: Some(1),
            edited: Vec::new(),
            version: None,
            dates: Vec::new(),
        }
    }

    /// Thursdays at 19:30, as a calendar file has it.
    fn choir(start: &str) -> Event {
        let start = Start::Local { local: start.parse().unwrap(), zone: "Europe/Berlin".into() };
        let weekly: Rule = serde_json::from_str(r#"{"freq": "weekly"}"#).unwrap();
        Event { recur: Some(weekly), source: Some(source()), ..Event::new("Choir", start) }
    }

    fn cancelled(at: &str) -> Override {
        Override { status: Some(Status::Cancelled), ..Override::new(at) }
    }

    /// An edit by hand.
    fn edited(old: &Event, edit: impl FnOnce(&mut Event)) -> Event {
        let mut event = old.clone();
        edit(&mut event);
        event.follow(old);
        mark(&mut event, old);
        event
    }

    #[test]
    fn what_was_called_off_here_stays_so_while_the_rest_follows_the_file() {
        let mut file = choir("2031-01-02T19:30");
        file.overrides.push(cancelled("2031-01-30T19:30"));
        let here = edited(&file, |e| e.overrides.push(cancelled("2031-01-16T19:30")));
        assert_eq!(here.source.as_ref().unwrap().edited, ["2031-01-16"]);
        let here = edited(&here, |e| e.status = Status::Tentative);
        let said = Some("stays as changed here: 2031-01-16, status".to_owned());
        assert_eq!(merge(&here, &file), (None, said.clone()));

        // The file calls off another date instead, and everything moves by half an hour.
        let mut later = choir("2031-01-02T20:00");
        later.overrides.push(cancelled("2031-01-09T20:00"));
        let (next, said_again) = merge(&here, &later);
        let next = next.unwrap();
        assert_eq!(said_again, said);
        assert_eq!((next.status, &next.start), (Status::Tentative, &later.start));
        let dates: Vec<_> = next.overrides.iter().map(|o| o.at.as_str()).collect();
        assert_eq!(dates, ["2031-01-09T20:00", "2031-01-16T20:00"]);
        assert!(next.overrides.iter().all(|o| o.status == Some(Status::Cancelled)));
        assert_eq!(merge(&next, &later).0, None, "a second look changes nothing");
    }

    #[test]
    fn a_date_called_off_here_that_the_series_no_longer_has_is_said() {
        let here = edited(&choir("2031-01-02T19:30"), |e| e.overrides.push(cancelled("2031-01-16T19:30")));
        let fridays = choir("2031-01-03T19:30");
        let (next, said) = merge(&here, &fridays);
        assert_eq!(said.as_deref(), Some("changed here, and no date of it any more: 2031-01-16"));
        let next = next.unwrap();
        assert!(next.overrides.is_empty() && next.check().is_ok());
        assert_eq!(merge(&next, &fridays), (None, None));
    }

    #[test]
    fn a_date_that_the_file_calls_off_is_named_where_the_series_was_moved_to_other_days_here() {
        let fridays = edited(&choir("2031-01-02T19:30"), |e| e.start = choir("2031-01-03T19:30").start);
        let mut file = choir("2031-01-02T19:30");
        file.overrides.extend([cancelled("2031-01-16T19:30"), cancelled("2031-01-09T19:30")]);
        file.overrides.push(Override { gone: true, ..Override::new("2031-01-23T19:30") });
        file.overrides.push(Override { name: Some("Guests".into()), ..Override::new("2031-01-30T19:30") });
        // Of what is over nobody is told.
        file.source.as_mut().unwrap().fetched =
            Some(Start::Date { date: "2031-01-12".parse().unwrap() }.instant("UTC"));
        let (next, said) = merge(&fridays, &file);
        let said = said.unwrap();
        assert_eq!(next, None);
        assert!(
            said.contains("off in the file, and no date of it here: 2031-01-16, 2031-01-23 (moot event cancel EVENT"),
            "{said}"
        );
        assert!(said.ends_with("changed in the file, and no date of it here: 2031-01-30"), "{said}");
        // By half an hour it is the same date.
        let later = edited(&choir("2031-01-02T19:30"), |e| e.start = choir("2031-01-02T20:00").start);
        let (next, said) = merge(&later, &file);
        assert_eq!((next.unwrap().overrides.len(), said.as_deref()), (4, Some("stays as changed here: time")));
    }

    #[test]
    fn what_is_called_off_at_the_source_is_called_off_here_and_can_be_taken_back_there() {
        let file = choir("2031-01-02T19:30");
        let renamed = edited(&file, |e| e.name = "Choir of River Street".into());
        let off = Event { status: Status::Cancelled, ..file.clone() };
        let next = merge(&renamed, &off).0.unwrap();
        assert_eq!((next.status, next.name.as_str(), next.sequence), (Status::Cancelled, "Choir of River Street", 1));
        let off = Event { status_note: Some("Storm".into()), ..next };
        let on = merge(&off, &file).0.unwrap();
        assert_eq!((on.status, on.status_note), (Status::Confirmed, None), "what was said of it went with it");
    }

    #[test]
    fn once_the_file_says_the_same_it_is_followed_again() {
        let file = choir("2031-01-02T19:30");
        let here = edited(&file, |e| e.status = Status::Cancelled);
        let off = Event { status: Status::Cancelled, ..file.clone() };
        let agreed = merge(&here, &off).0.unwrap();
        assert!(agreed.source.as_ref().unwrap().edited.is_empty() && agreed.sequence == here.sequence);
        assert_eq!(merge(&agreed, &file).0.unwrap().status, Status::Confirmed);
    }

    #[test]
    fn a_new_look_at_the_same_file_is_no_news() {
        let file = choir("2031-01-02T19:30");
        let mut again = file.clone();
        again.source.as_mut().unwrap().fetched = Some(2);
        assert_eq!(merge(&file, &again), (None, None));
    }

    #[test]
    fn a_change_that_does_not_fit_what_was_set_here_is_said_and_not_taken() {
        let file = choir("2031-01-02T19:30");
        let here = edited(&file, |e| e.doors = Some("19:00".into()));
        assert!(here.source.as_ref().unwrap().edited.is_empty(), "a file says nothing of doors");
        let all_day = Event { start: Start::Date { date: "2031-01-02".parse().unwrap() }, ..file };
        let (next, said) = merge(&here, &all_day);
        assert!(next.is_none() && said.is_some_and(|why| why.contains("doors")));
    }
}
