//! What `show` says of the dates of a series and of the answers to them.

use folkmoot_node::request::{AnswersInfo, Item};
use folkmoot_schemas::{
    kind::Kind,
    records::event::Event,
    recur::Instance,
    when::{day_words, words},
};
use serde_json::json;

use super::{answers::DateAnswer, coming, guests, news, now_in, occurrence};
use crate::{
    commands::show::{answers, card},
    error::Result,
    kept,
    output::Line,
    record,
    session::Session,
    when::reader::WallClock,
};

/// One date of a series, as it is then, and who comes.
pub(super) fn print_date(session: &Session, item: &Item, event: &Event, at: &str) -> Result<()> {
    let instance = occurrence(session, event, at)?;
    let on = event.on(&instance);
    let answers = answers(session, item, event.recur.as_ref().map(|_| instance.at.text()))?;
    let kept = kept::of_date(kept::read(session, &item.uri)?, event, &instance.at.text());
    if session.out.json {
        let mut value = record::as_json(item);
        if !kept.is_empty() {
            value["kept_here"] = kept::as_json(event, &kept);
        }
        value["at"] = json!(instance.at.text());
        value["start"] = json!(instance.start);
        value["cancelled"] = json!(instance.cancelled);
        value["answers"] = json!(answers);
        session.out.object(&value);
        return Ok(());
    }
    let clock = WallClock::of(session)?;
    card(&session.out, &clock, item, &on.card());
    kept::say(session, event, &kept);
    guests::print(&session.out, &answers);
    if let Some(own) = guests::own_place(&answers, None) {
        session.out.line(own);
    }
    clock.remark(session, item.revised.iter().map(|one| (item.community.as_str(), one.at)));
    Ok(())
}

/// The next dates of a series, each as it will be and with who comes. None for a single event.
pub(crate) fn next_dates(session: &Session, item: &Item, event: &Event) -> Result<Vec<(Instance, AnswersInfo)>> {
    if event.recur.is_none() {
        return Ok(Vec::new());
    }
    let coming = coming(session, event, 5).into_iter();
    coming.map(|instance| answers(session, item, Some(instance.at.text())).map(|a| (instance, a))).collect()
}

pub(crate) fn print_dates(session: &Session, event: &Event, dates: &[(Instance, AnswersInfo)]) {
    for (instance, answers) in dates {
        let changed = event.on(instance);
        let line = Line::new().faint("next  ").text(words(&changed.start, changed.duration, changed.days));
        let line = news(&changed).map_or(line.clone(), |news| line.warn(format!("  {news}")));
        let line = match instance.change.and_then(|i| event.overrides.get(i)?.note.as_ref()) {
            Some(note) => line.text("  ").text(note),
            None => line,
        };
        session.out.line(match answers.going {
            0 => line,
            _ => line.text("  ").text(guests::in_numbers(answers)),
        });
    }
    if let Some(capacity) = event.rsvp.as_ref().and_then(|r| r.capacity) {
        session.out.line(Line::new().faint("capacity  ").text(capacity.to_string()));
    }
}

/// One line a date: "3 December: Ben not going (Family)".
pub(crate) fn print_single(session: &Session, event: &Event, answers: &[DateAnswer]) {
    let today = now_in(session, event.start.zone().unwrap_or("UTC")).date();
    for same in answers.chunk_by(|a, b| a.start == b.start) {
        let Some(first) = same.first() else { continue };
        let said: Vec<String> = same.iter().map(|answer| in_words(answer, event)).collect();
        let line = Line::new().text("  ").text(day_words(first.start.civil_date(), today));
        session.out.line(line.text(": ").text(said.join("; ")));
    }
}

fn in_words(answer: &DateAnswer, event: &Event) -> String {
    let rsvp = &answer.rsvp;
    let mut said = match &rsvp.guest_name {
        _ if answer.did.is_empty() => format!("somebody {}", rsvp.status.words()),
        Some(guest) => format!("{guest} (by {}) {}", answer.name, rsvp.status.words()),
        None => format!("{} {}", answer.name, rsvp.status.words()),
    };
    if rsvp.count > 1 {
        said += &format!(" with {} more", rsvp.count - 1);
    }
    if let Some(note) = &rsvp.note {
        said += &format!(" ({note})");
    }
    if event.outdates(rsvp, rsvp.day()) {
        said += ", before the change";
    }
    said
}
