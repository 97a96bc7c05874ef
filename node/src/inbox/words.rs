//! An item in words: one plain line that may stand in a list or in the subject of a mail, whatever others put in names.

use folkmoot_schemas::{
    Record,
    records::{
        admission::Standing,
        event::{Event, HostRole, RsvpMode, Status},
        poll::{Poll, PollOption},
        rsvp::{Answer, Rsvp},
        vote::{Choice, Vote},
    },
    when::{self, date_words, parse_date},
};

use super::{Part, Why};

/// Longest line, in characters.
const LINE: usize = 300;

/// Further days named in a hint.
const MORE_DAYS: usize = 3;

/// One line without anything that ends it, steers a terminal or turns the direction of writing.
pub fn one_line(text: &str) -> String {
    let visible = |c: &char| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let spaced: String = text.chars().filter(visible).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = String::new();
    for word in spaced.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// "Bo is now going to Harbour Gig with 1 more (was: maybe)".
pub(crate) fn answered(who: &str, event: &Event, rsvp: &Rsvp, was: Option<&Rsvp>) -> String {
    let now = if was.is_some_and(|was| was.status != rsvp.status) { " now" } else { "" };
    let verb = match rsvp.status {
        Answer::Going => format!("is{now} going to"),
        Answer::Maybe => match now {
            "" => "may come to".to_owned(),
            _ => "may now come to".to_owned(),
        },
        Answer::Interested => format!("is{now} interested in"),
        Answer::NotGoing => match was {
            Some(was) if was.status != Answer::NotGoing => "is not coming any more to".to_owned(),
            _ => "is not coming to".to_owned(),
        },
    };
    let mut line = match &rsvp.guest_name {
        Some(guest) => format!("{guest} (by {who}) {verb} {}", event.name),
        None => format!("{who} {verb} {}", event.name),
    };
    if rsvp.count > 1 && rsvp.status != Answer::NotGoing {
        line += &format!(" with {} more", rsvp.count - 1);
    }
    if let Some(day) = occurrence(event, rsvp) {
        line += &format!(", {day}");
    }
    match was {
        Some(was) if was.status != rsvp.status => line += &format!(" (was: {})", was.status.words()),
        Some(was) if was.count == 1 && rsvp.count > 1 => line += " (was: alone)",
        Some(was) if was.count != rsvp.count => line += &format!(" (was: with {} more)", was.count - 1),
        _ if event.outdates(rsvp, rsvp.day()) => line += " (answered before the last change)",
        _ => {}
    }
    line
}

/// "Friday 11 December 2026", for an answer to one date: the day it is on now, whatever day the rule names it by.
fn occurrence(event: &Event, rsvp: &Rsvp) -> Option<String> {
    let day = rsvp.day()?;
    let on = event.on_day(day).map(|date| date.start.civil_date());
    Some(date_words(on.or_else(|| parse_date(day))?))
}

/// "Ada made you a co-host of Harbour Gig".
pub(crate) fn named(who: &str, event: &Event, part: &Part) -> String {
    let name = &event.name;
    let Some(host) = &part.host else {
        return format!("{who} chose you to keep the list of who has a place at {name}");
    };
    let said = match (host.edit, host.role) {
        (true, _) => format!("{who} made you a co-host of {name}"),
        (false, HostRole::Venue) => format!("{who} named you as the venue of {name}"),
        (false, _) => format!("{who} named you as a host of {name}"),
    };
    match part.keeps_list {
        true => format!("{said}, and chose you to keep the list of who has a place"),
        false => said,
    }
}

/// What that means for them today: "you may change it: moot event edit …; who comes: moot event guests …". `edits`,
/// `keeps_list`: what they may and have to do.
pub(crate) fn named_hint(short: &str, edits: bool, keeps_list: bool) -> String {
    let parts = [
        edits.then(|| format!("you may change it: moot event edit {short}")),
        keeps_list.then(|| "your node says who has a place, while it runs (moot serve)".to_owned()),
        (!edits && !keeps_list).then(|| "you hear of answers to it".to_owned()),
        Some(format!("who comes: moot event guests {short}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// "Bo, who said yes to Harbour Gig with 1 more, is no longer in River Street". Whether they would have had a place,
/// nobody says any more.
pub(crate) fn left(who: &str, event: &Event, going: Option<&Rsvp>, community: &str) -> String {
    let Some(rsvp) = going else {
        return format!("{who}, who holds {} with you, is no longer in {community}", event.name);
    };
    let more = if rsvp.count > 1 { format!(" with {} more", rsvp.count - 1) } else { String::new() };
    let day = occurrence(event, rsvp).map(|day| format!(" on {day}")).unwrap_or_default();
    format!("{who}, who said yes to {}{more}{day}, is no longer in {community}", event.name)
}

/// What a host can do where the author is out: `keeps_list` is whether their node says now who has a place.
pub(crate) fn carry_on(short: &str, keeps_list: bool) -> String {
    let list = if keeps_list { ", and your node says who has a place, while it runs" } else { "" };
    format!("you may carry on with it: moot event edit {short}{list}")
}

/// "Harbour Gig: you have a place", "you wait for a place, number 3". Where the hosts say who has one, numbers say nothing.
pub(crate) fn place(event: &Event, mine: &Rsvp, standing: Standing) -> String {
    let approval = event.rsvp.as_ref().is_some_and(|rules| rules.mode == RsvpMode::Approval);
    let said = match standing {
        Standing::Waiting(_) if approval => "you have no place yet: a host has to say yes".to_owned(),
        Standing::Admitted(places, Some(_)) if approval => {
            format!("you have {places} of {} places; for the others a host has to say yes", mine.count)
        }
        Standing::Admitted(places, None) if places >= mine.count && places == 1 => "you have a place".to_owned(),
        Standing::Admitted(places, None) => format!("you have {places} of {} places", mine.count),
        Standing::Admitted(places, Some(number)) => {
            format!("you have {places} of {} places; the others wait, number {number}", mine.count)
        }
        Standing::Waiting(number) => format!("you wait for a place, number {number}"),
        Standing::Declined => "there is no place for you".to_owned(),
        Standing::Open => "nobody has said yet whether you have a place".to_owned(),
    };
    match occurrence(event, mine) {
        Some(day) => format!("{}, {day}: {said}", event.name),
        None => format!("{}: {said}", event.name),
    }
}

/// "Harbour Gig: moved from …; at The Barn, not at The Shed".
pub(crate) fn changed(event: &Event, since: &[String]) -> String {
    if !since.is_empty() {
        return format!("{}: {}", event.name, since.join("; "));
    }
    let said = match (event.status_words(), event.was_words()) {
        (Some(status), Some(was)) => format!("{} (was {was})", status.to_lowercase()),
        (Some(status), None) => status.to_lowercase(),
        (None, _) => "changed".to_owned(),
    };
    let note = event.status_note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("{}: {said}{note}", event.name)
}

/// "you said going before the change: answer again with `moot rsvp … yes`". `days`: of a series, by the rule, where
/// nothing but these dates changed: an answer to all of it would be to more than was asked.
pub(crate) fn mine(event: &Event, short: &str, mine: &[Rsvp], days: &[String]) -> Option<String> {
    if mine.is_empty() {
        return None;
    }
    let said = said(mine);
    let all_no = mine.iter().all(|rsvp| rsvp.status == Answer::NotGoing);
    let status = |day: &String| event.on_day(day).map_or(Status::Cancelled, |date| date.status);
    let mut left: Vec<(&str, Status)> = match days.is_empty() {
        true => vec![("", event.status)],
        false => days.iter().map(|day| (day.as_str(), status(day))).collect(),
    };
    left.retain(|(_, status)| *status != Status::Cancelled);
    if left.is_empty() {
        return Some(format!("{said}: there is nothing to do"));
    }
    left.retain(|(_, status)| *status != Status::Postponed);
    let Some(((day, _), others)) = left.split_first() else {
        return Some(format!("{said}: you are told when there is a new date"));
    };
    let at = if day.is_empty() { String::new() } else { format!(" --at {day}") };
    let others = match others.len() {
        0 => String::new(),
        1..=MORE_DAYS => {
            format!(", and so for {}", others.iter().map(|(day, _)| *day).collect::<Vec<_>>().join(", "))
        }
        many => format!(", and so for {many} more dates"),
    };
    Some(match all_no {
        true => format!("{said} before the change: moot rsvp {short} yes{at}   if you can come now{others}"),
        false => format!("{said} before the change: answer again with moot rsvp {short} yes, maybe or no{at}{others}"),
    })
}

/// "you said going", "you said maybe and going".
pub(crate) fn said(mine: &[Rsvp]) -> String {
    let mut words: Vec<&str> = mine.iter().map(|rsvp| rsvp.status.words()).collect();
    words.dedup();
    format!("you said {}", words.join(" and "))
}

/// "Harbour Gig: deleted by Bo", as far as its name is here.
pub(crate) fn deleted(who: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{name}: deleted by {who}"),
        None => format!("an event you had answered was deleted by {who}"),
    }
}

/// "you said going for Friday 11 December 2026: with cake": what one's own answer tells of an event that is gone.
pub(crate) fn answered_once(mine: &Rsvp) -> String {
    let day = mine.day().and_then(parse_date).map(date_words);
    let (day, note) = (day.map(|day| format!(" for {day}")), mine.note.as_ref().map(|note| format!(": {note}")));
    format!("{}{}{}", said(std::slice::from_ref(mine)), day.unwrap_or_default(), note.unwrap_or_default())
}

pub(crate) fn posted(who: &str, why: Why, event: Option<&str>) -> String {
    match (why, event) {
        (Why::Update, Some(event)) => format!("{event}: news from {who}"),
        (Why::Mention, Some(event)) => format!("{who} mentioned you under {event}"),
        (Why::Mention, None) => format!("{who} mentioned you"),
        (Why::Reply, Some(event)) => format!("{who} replied to you under {event}"),
        (Why::Reply, None) => format!("{who} replied to you"),
        (Why::Thread, Some(event)) => format!("{who} wrote under {event}, where you wrote"),
        (Why::Thread, None) => format!("{who} replied in a thread you wrote in"),
        (Why::About, Some(event)) => format!("{who} wrote about {event}"),
        (Why::Update | Why::About, None) => format!("{who} wrote about an event"),
    }
}

/// "Ada asks: When do we play? (until Thursday 3 December 2026, 18:00 (Europe/Berlin))"
pub(crate) fn asked(who: &str, poll: &Poll) -> String {
    let until = poll.closes.as_ref().map(|closes| format!(" (until {})", when::words(closes, None, None)));
    format!("{who} asks: {}{}", poll.question, until.unwrap_or_default())
}

pub(crate) fn decided(who: &str, poll: &Poll) -> String {
    match poll.chosen() {
        Some(option) => format!("{}: {who} decided for {}", poll.question, option.words()),
        None => format!("{}: {who} closed it", poll.question),
    }
}

/// "Bo voted on When do we play?: yes to Friday …; maybe to …"
pub(crate) fn voted(who: &str, poll: &Poll, vote: &Vote) -> String {
    let mut said: Vec<String> = Vec::new();
    for answer in [Choice::Yes, Choice::Maybe] {
        let chosen = |option: &&PollOption| {
            vote.choices.iter().any(|choice| choice.option == option.key() && choice.answer == answer)
        };
        let options: Vec<String> = poll.options.iter().filter(chosen).map(PollOption::words).collect();
        if !options.is_empty() {
            said.push(format!("{} to {}", answer.word(), options.join(", ")));
        }
    }
    match (said.is_empty(), vote.choices.is_empty()) {
        (_, true) => format!("{who} took their vote back: {}", poll.question),
        (true, _) => format!("{who} said no to everything: {}", poll.question),
        _ => format!("{who} voted on {}: {}", poll.question, said.join("; ")),
    }
}

/// The first words of a record, to tell it from others. Of an answer not its note, which is not for everybody.
pub(crate) fn beginning(record: &Record) -> String {
    if let Some(rsvp) = record.as_rsvp() {
        return rsvp.status.words().to_owned();
    }
    let card = record.card();
    let text = one_line(&card.title.or(card.summary).or(card.text).unwrap_or_default());
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{
        Did, Uri,
        block::{DAG_CBOR, cid_of},
        kind::Kind,
        records::event::{Host, Override, RsvpRules},
        recur::{Freq, Rule},
        when::{Start, parse_local},
    };

    use super::*;

    fn at(text: &str) -> Start {
        Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
    }

    /// Thursdays; that of 31 December is on the day before.
    fn rehearsal() -> Event {
        let weekly = Rule {
            freq: Freq::Weekly,
            interval: None,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            until: None,
            count: None,
        };
        let moved = Override { start: Some(at("2026-12-30T18:00")), ..Override::new("2026-12-31T19:30") };
        Event { recur: Some(weekly), overrides: vec![moved], ..Event::new("Rehearsal", at("2026-12-03T19:30")) }
    }

    fn to(date: &str) -> Rsvp {
        Rsvp { occurrence: Some(date.into()), count: 1, ..answer() }
    }

    #[test]
    fn a_date_is_named_by_the_day_it_is_on() {
        let series = rehearsal();
        let moved = answered("Bo", &series, &to("2026-12-31T19:30"), None);
        assert_eq!(moved, "Bo is going to Rehearsal, Wednesday 30 December 2026");
        let as_ever = answered("Bo", &series, &to("2026-12-24T19:30"), None);
        assert_eq!(as_ever, "Bo is going to Rehearsal, Thursday 24 December 2026");
        let said = place(&series, &to("2026-12-31T19:30"), Standing::Admitted(1, None));
        assert_eq!(said, "Rehearsal, Wednesday 30 December 2026: you have a place");
        let never = answered("Bo", &series, &to("2026-12-25T19:30"), None);
        assert_eq!(never, "Bo is going to Rehearsal, Friday 25 December 2026");
    }

    fn answer() -> Rsvp {
        let cid = cid_of(DAG_CBOR, b"gig");
        let did: Did = folkmoot_schemas::key::Secret::from_seed([7; 32]).did();
        Rsvp { count: 2, ..Rsvp::new(Uri::new(cid, did, Event::NAME, "3l6oveex3ii2l").unwrap(), cid, Answer::Going) }
    }

    #[test]
    fn a_change_of_single_dates_asks_for_no_answer_to_the_whole_series() {
        let mut series = rehearsal();
        let off = Override { status: Some(Status::Cancelled), ..Override::new("2026-12-24T19:30") };
        series.overrides.push(off);
        let hint = |status, days: &[&str]| {
            let days: Vec<String> = days.iter().map(|day| (*day).to_owned()).collect();
            mine(&series, "abc", &[Rsvp { status, ..answer() }], &days).unwrap()
        };
        let again = "you said going before the change: answer again with moot rsvp abc yes, maybe or no";
        assert_eq!(hint(Answer::Going, &[]), again);
        assert_eq!(hint(Answer::Going, &["2026-12-24"]), "you said going: there is nothing to do");
        assert_eq!(hint(Answer::Going, &["2026-12-25"]), "you said going: there is nothing to do", "no date of it");
        assert_eq!(hint(Answer::Going, &["2026-12-24", "2026-12-31"]), format!("{again} --at 2026-12-31"));
        assert_eq!(
            hint(Answer::Going, &["2026-12-17", "2026-12-24", "2026-12-31"]),
            format!("{again} --at 2026-12-17, and so for 2026-12-31")
        );
        let no = hint(Answer::NotGoing, &["2026-12-31"]);
        assert!(no.ends_with("before the change: moot rsvp abc yes --at 2026-12-31   if you can come now"), "{no}");
    }

    #[test]
    fn whoever_is_made_a_host_is_told_what_they_can_do() {
        let event = Event::new("Gig", at("2026-12-05T20:00"));
        let part = |edit: Option<bool>, keeps_list| {
            let host = |edit| Host { did: None, name: "Bo".into(), role: HostRole::Host, edit };
            Part { host: edit.map(host), keeps_list }
        };
        let both = part(Some(true), true);
        assert_eq!(
            named("Ada", &event, &both),
            "Ada made you a co-host of Gig, and chose you to keep the list of who has a place"
        );
        assert_eq!(
            named_hint("abc", true, true),
            "you may change it: moot event edit abc; your node says who has a place, while it runs (moot serve); \
             who comes: moot event guests abc"
        );
        assert_eq!(named("Ada", &event, &part(Some(false), false)), "Ada named you as a host of Gig");
        let mere = named_hint("abc", false, false);
        assert_eq!(mere, "you hear of answers to it; who comes: moot event guests abc");
    }

    #[test]
    fn who_waits_is_told_a_number_where_that_says_something() {
        let start = Start::Date { date: parse_date("2026-12-05").unwrap() };
        let event =
            |mode| Event { rsvp: Some(RsvpRules { mode, ..RsvpRules::default() }), ..Event::new("Gig", start.clone()) };
        let mine = answer();
        let of = |mode, standing| place(&event(mode), &mine, standing);
        assert_eq!(of(RsvpMode::Open, Standing::Waiting(3)), "Gig: you wait for a place, number 3");
        assert_eq!(of(RsvpMode::Approval, Standing::Waiting(3)), "Gig: you have no place yet: a host has to say yes");
        assert_eq!(
            of(RsvpMode::Approval, Standing::Admitted(1, Some(2))),
            "Gig: you have 1 of 2 places; for the others a host has to say yes"
        );
    }

    #[test]
    fn what_others_write_stays_one_line_and_obeys_nobody() {
        assert_eq!(one_line("Gig\r\nBcc: all@example.org"), "Gig Bcc: all@example.org");
        assert_eq!(one_line("a\u{1b}[2J\u{202e}b\u{7}"), "a [2Jb");
        assert_eq!(one_line(&"ü".repeat(1000)).chars().count(), LINE + 1);
    }
}
