//! One date of a series that differs from the rest: moved, renamed, with a note, or taking place after all.

use folkmoot_node::request::Item;
use folkmoot_schemas::{
    records::{
        event::{Event, Override, Status},
        text::clean,
    },
    recur::Instance,
    when::{Start, words},
};

use super::{answers, edit, fields, now_in, occurrence, places_line};
use crate::{
    error::{Error, Result},
    kept,
    output::Line,
    session::Session,
};

pub(super) fn edit(args: edit::Args, at: &str, item: &Item, old: &Event, session: &Session) -> Result<()> {
    if old.recur.is_none() {
        return Err(
            Error::refused("could not change one date: the event does not repeat").hint("leave out --at to change it")
        );
    }
    let instance = occurrence(session, old, at)?;
    let kept = kept::read(session, &item.uri)?;
    let mut full = old.clone();
    kept::fill(&mut full, &kept);
    let old = &full;
    let before = old.on(&instance);
    let mut day = before.clone();
    let zone = before.start.zone().unwrap_or("UTC");
    let now = now_in(session, zone);
    if let Some(name) = &args.name {
        day.name = clean(name);
    }
    if let Some(text) = &args.start {
        let whole_days = matches!(old.start, Start::Date { .. });
        day.start = fields::start(text, whole_days, Some(before.start.civil_date()), now, zone)?;
    }
    args.fields.apply(&mut day, now, session, &item.community)?;
    if args.confirmed {
        (day.status, day.status_note) = (Status::Confirmed, None);
    }
    if let Some(note) = &args.note {
        day.status_note = Some(clean(note)).filter(|n| !n.is_empty());
    }
    let change = difference(old, &instance, &before, &day)?;
    let mut event = old.clone();
    put(&mut event, change);
    let done = edit::publish(session, item, old, &event, &kept)?;
    for line in echoed(&instance, old, &before, &day) {
        session.out.line(line);
    }
    kept::say(session, &event, &done.kept);
    edit::say_marked(session, &done, answers::all(session, item)?.len());
    Ok(())
}

/// The date as it is now, and what else was changed on it.
fn echoed(instance: &Instance, old: &Event, before: &Event, day: &Event) -> Vec<Line> {
    let when = Line::new().text("  ").text(words(&day.start, day.duration, day.days));
    let mut when = if day.start != instance.at {
        when.text(", instead of ").text(words(&instance.at, None, None))
    } else if before.start != day.start {
        when.text(", as the series says")
    } else {
        when
    };
    if day.status != Status::Confirmed || before.status != day.status {
        when = when.warn(format!("  {}", day.status.word()));
    }
    let named =
        |label: &str, value: Option<&str>| Line::new().faint(format!("  {label}  ")).text(value.unwrap_or("none"));
    let mut lines = vec![when];
    let doors = old.doors_beside(&day.start);
    if doors != before.doors {
        lines.push(named("doors", doors.as_deref()).faint("  as long before the start"));
    }
    if day.name != before.name {
        lines.push(named("name", Some(&day.name)));
    }
    if day.places != before.places {
        let line = named("place", places_line(day).as_deref());
        lines.push(if day.places == old.places { line.text(", as the series says") } else { line });
    }
    if day.text != before.text {
        lines.push(named("text", day.text.as_deref()));
    }
    if day.status_note != before.status_note {
        lines.push(named("note", day.status_note.as_deref()));
    }
    lines
}

/// What makes `day` of the series `old`; refused where a date cannot have its own.
fn difference(old: &Event, instance: &Instance, before: &Event, day: &Event) -> Result<Override> {
    let rest = Event {
        name: before.name.clone(),
        text: before.text.clone(),
        start: before.start.clone(),
        duration: before.duration,
        open_end: if day.duration.is_some() { before.open_end } else { day.open_end },
        places: before.places.clone(),
        status: before.status,
        status_note: before.status_note.clone(),
        ..day.clone()
    };
    if rest != *before {
        return Err(Error::refused(
            "could not change one date: only start, length, place, name, text, status and note can be its own",
        )
        .hint("leave out --at to change the whole series"));
    }
    Ok(Override {
        status: Some(day.status).filter(|status| *status != old.status),
        start: Some(day.start.clone()).filter(|start| *start != instance.at),
        duration: day.duration.filter(|_| day.duration != old.duration),
        name: Some(day.name.clone()).filter(|name| *name != old.name),
        text: day.text.clone().filter(|_| day.text != old.text),
        places: Some(day.places.clone()).filter(|places| *places != old.places),
        note: day.status_note.clone().filter(|_| day.status_note != old.status_note),
        ..Override::new(instance.at.text())
    })
}

/// Lays `change` over its date; one that says nothing takes the old one away.
pub(super) fn put(event: &mut Event, change: Override) {
    event.overrides.retain(|other| other.at != change.at);
    if change != Override::new(change.at.clone()) {
        event.overrides.push(change);
    }
}
