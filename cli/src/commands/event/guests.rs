//! Who comes, who has a place and who waits, who has answered since the plan changed; and giving somebody a place.

use folkmoot_node::request::{AnswerLine, AnswersInfo, Item, ListInfo, Reply, Request};
use folkmoot_schemas::{records::event::Event, when::words};
use serde_json::json;

use super::{coming, find, occurrence};
use crate::{
    commands::show::answers,
    error::{Error, Result},
    kept,
    output::{Line, Output, count},
    session::{Session, answer},
};

/// Dates of a series of which the counts are listed.
const DATES: usize = 8;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event guests \"Harbour Gig\"\n  moot event guests Choir --at 2026-12-24\n\nNotes, and the names of who wants it so, are shown to the hosts alone."
)]
pub(crate) struct Guests {
    /// Short id, whole title, address on our web page, URI or CID
    event: String,
    /// This date of a series
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
}

pub(crate) fn list(args: &Guests, session: &Session) -> Result<()> {
    let (found, event) = find(session, &args.event)?;
    let instance = match &args.at {
        Some(at) if event.recur.is_some() => Some(occurrence(session, &event, at)?),
        _ => None,
    };
    let said = answers(session, &found.item, instance.as_ref().map(|i| i.at.text()))?;
    if !said.known {
        return Err(Error::refused("only members of a community see who answered")
            .hint("ask a member for an invite link, then moot join LINK"));
    }
    let dates = match instance {
        None if event.recur.is_some() => coming(session, &event, DATES),
        _ => Vec::new(),
    };
    let kept = kept::read(session, &found.item.uri)?;
    let kept = match &instance {
        Some(instance) => kept::of_date(kept, &event, &instance.at.text()),
        None => kept,
    };
    let mut counts = Vec::new();
    for date in &dates {
        counts.push((date, answers(session, &found.item, Some(date.at.text()))?));
    }
    let mut value = json!({
        "uri": found.item.uri,
        "short": found.item.short,
        "name": event.name,
        "at": instance.as_ref().map(|i| i.at.text()),
        "sequence": event.sequence,
        "answers": said,
        "dates": counts.iter().map(|(date, answers)| json!({"at": date.at.text(), "answers": answers})).collect::<Vec<_>>(),
    });
    if !kept.is_empty() {
        value["kept_here"] = kept::as_json(&event, &kept);
    }
    session.out.object(&value);
    let when = instance.as_ref().map_or_else(|| event.when_words(), |i| words(&i.start, event.duration, event.days));
    session.out.line(Line::new().strong(&event.name).text("  ").text(when));
    if event.recur.is_some() && instance.is_none() {
        session.out.line(Line::new().faint("answers to every date:"));
    }
    print(&session.out, &said);
    for (date, answers) in &counts {
        let line = Line::new().faint("next  ").text(words(&date.start, event.duration, event.days)).text("  ");
        session.out.line(if date.cancelled { line.warn("cancelled") } else { line.text(in_numbers(answers)) });
    }
    kept::remind(session, &event, &kept, said.list.is_some());
    if !counts.is_empty() {
        session.out.note(Line::new().faint("--at DATE lists who comes then"));
    }
    Ok(())
}

/// "3 of 3 places taken, 2 wait, 1 maybe"; "14 said yes (not confirmed)"; "4 going".
pub(super) fn in_numbers(answers: &AnswersInfo) -> String {
    let people = |n: u32, what: &str| (n > 0).then(|| format!("{n} {what}"));
    let mut said = match &answers.list {
        Some(list) if list.written => vec![taken(list), people(list.waiting, wait(list))],
        Some(_) => vec![people(answers.going, "said yes (not confirmed)")],
        None => vec![people(answers.going, "going")],
    };
    said.extend([
        people(answers.maybe, "maybe"),
        people(answers.interested, "interested"),
        people(answers.not_going, "not going"),
    ]);
    let said: Vec<String> = said.into_iter().flatten().collect();
    if said.is_empty() { "none yet".to_owned() } else { said.join(", ") }
}

/// "4 wait for a host's yes", "4 on the waiting list".
fn wait(list: &ListInfo) -> &'static str {
    match (list.approval, list.waiting) {
        (true, 1) => "waits for a host's yes",
        (true, _) => "wait for a host's yes",
        (false, _) => "on the waiting list",
    }
}

fn taken(list: &ListInfo) -> Option<String> {
    Some(match list.capacity {
        Some(capacity) => format!("{} of {} taken", list.admitted, count(capacity.into(), "place", "places")),
        None => format!("{} with a place", list.admitted),
    })
}

pub(crate) fn print(out: &Output, answers: &AnswersInfo) {
    if !answers.known {
        return;
    }
    out.line(Line::new().faint("answers  ").strong(in_numbers(answers)));
    if let Some(list) = answers.list.as_ref().filter(|list| !list.written && answers.going > 0) {
        let keeper = if list.mine { "your own".to_owned() } else { format!("{}'s", list.keeper) };
        out.line(Line::new().faint("  who has a place is said by ").text(keeper).faint(" node, while it runs"));
    }
    if answers.list.as_ref().is_some_and(|list| list.full) {
        out.line(Line::new().warn("  the list is full: who answers now has no place until somebody withdraws"));
    }
    if answers.before_change > 0 {
        // People, not answers: one answer can be for several.
        let line = format!("  {} of those going answered before the last change", answers.before_change);
        let line = Line::new().warn(line);
        out.line(match answers.confirmed {
            0 => line,
            some => line.text(format!(", {some} since")),
        });
    }
    if answers.late > 0 {
        out.line(Line::new().warn(format!("  {} of those going answered too late", answers.late)));
    }
    let mut people: Vec<&AnswerLine> = answers.people.iter().collect();
    people.sort_by_cached_key(|line| (turn(line), line.number, line.name.to_lowercase(), line.guest.clone()));
    let approval = answers.list.as_ref().is_some_and(|list| list.approval);
    for line in people {
        out.line(person(line, approval));
    }
    if answers.more > 0 {
        out.line(Line::new().faint(format!("  and {}", count(answers.more as u64, "more answer", "more answers"))));
    }
}

/// Who has a place comes first, then who waits, then the other answers.
fn turn(line: &AnswerLine) -> u8 {
    match (line.status.as_str(), line.place.as_deref()) {
        ("going", Some("admitted")) => 0,
        ("going", Some("waiting")) => 1,
        ("going", Some("declined")) => 3,
        ("going", _) => 2,
        ("maybe", _) => 4,
        ("interested", _) => 5,
        _ => 6,
    }
}

fn person(line: &AnswerLine, approval: bool) -> Line {
    let name = match &line.guest {
        Some(guest) if line.did.is_empty() => guest.clone(),
        Some(guest) => format!("{guest} (by {})", line.name),
        None => line.name.clone(),
    };
    let status = if line.status == "notgoing" { "not going" } else { &line.status };
    let row = Line::new().text("  ").strong(name).text("  ").text(status);
    let row = if line.count > 1 { row.text(format!(" with {} more", line.count - 1)) } else { row };
    let row = match place(line, approval) {
        Some(place) => row.text("  ").text(place),
        None => row,
    };
    let row = match (line.before_change, line.confirmed) {
        (true, _) => row.warn("  before the change"),
        (_, true) => row.faint("  since the change"),
        _ => row,
    };
    let row = if line.late { row.warn("  too late") } else { row };
    match &line.note {
        Some(note) => row.faint("  ").text(note),
        None => row,
    }
}

/// "has a place", "number 2 on the waiting list". With `approval` numbers say nothing.
fn place(line: &AnswerLine, approval: bool) -> Option<String> {
    Some(match (line.place.as_deref()?, line.places, line.number) {
        ("waiting", ..) if approval => "waits for a host's yes".to_owned(),
        ("admitted", Some(places), Some(_)) if approval => {
            format!("{places} with a place, the others wait for a host's yes")
        }
        ("admitted", Some(places), Some(number)) => {
            format!("{} with a place, the others number {number} on the waiting list", places)
        }
        ("admitted", Some(places), None) if places < line.count => format!("{places} with a place"),
        ("admitted", ..) => "has a place".to_owned(),
        ("waiting", _, Some(number)) => format!("number {number} on the waiting list"),
        ("declined", ..) => "declined".to_owned(),
        _ => "no place yet".to_owned(),
    })
}

/// What our own answer came to: "you have a place", "you are on the waiting list, number 2".
pub(crate) fn own_place(answers: &AnswersInfo, guest: Option<&str>) -> Option<Line> {
    let list = answers.list.as_ref()?;
    let own = answers.people.iter().find(|line| line.me && line.guest.as_deref() == guest && line.status == "going")?;
    let who = if guest.is_some() { "they" } else { "you" };
    let (have, are) = if guest.is_some() { ("they have", "they are") } else { ("you have", "you are") };
    Some(match (own.place.as_deref(), own.places, own.number) {
        (Some("admitted"), Some(places), number) if places < own.count => {
            let line = Line::new().text(format!("{have} {}", count(places.into(), "place", "places")));
            match number {
                Some(_) if list.approval => line.warn("; for the others a host has to say yes"),
                Some(number) => line.warn(format!("; the others are number {number} on the waiting list")),
                // What is new it has not looked at yet.
                None if list.mine => line.faint("; whether there is room for the others is said by your own node"),
                None => line.faint(format!("; whether there is room for the others is said by {}'s node", list.keeper)),
            }
        }
        (Some("admitted"), ..) => Line::new().strong(format!("{have} a place")),
        (Some("waiting"), ..) if list.approval => {
            Line::new().warn(format!("{have} no place yet: a host has to say yes"))
        }
        (Some("waiting"), _, Some(number)) => Line::new().warn(format!("{are} on the waiting list, number {number}")),
        (Some("declined"), ..) => Line::new().warn(format!("the hosts have no place for {who}")),
        _ if list.mine => Line::new().faint(format!("whether {have} a place is said by your own node, while it runs")),
        _ if list.approval => Line::new().faint(format!("{have} no place yet: a host has to say yes")),
        _ => Line::new().faint(format!("whether {have} a place is said by {}'s node", list.keeper)),
    })
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event admit \"House concert\" Ben\n  moot event admit \"House concert\" Ben --decline\n  moot event admit \"House concert\" Grandma            # a guest that a host answered for\n  moot event admit Choir Ben --at 2026-12-24\n\nWho was given a place has it, also where that makes one more than the capacity."
)]
pub(crate) struct Admit {
    /// An event whose list you keep: short id, whole title, URI or CID
    event: String,
    /// Who said yes: name or did; the name of a guest does, where nobody else is called so
    who: String,
    /// A guest that WHO answered for
    #[arg(long, value_name = "NAME")]
    guest: Option<String>,
    /// There is no place for them
    #[arg(long)]
    decline: bool,
    /// This date of a series
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
}

pub(crate) fn admit(args: Admit, session: &Session) -> Result<()> {
    let (found, event) = find(session, &args.event)?;
    let at = match &args.at {
        Some(_) if event.recur.is_none() => {
            return Err(Error::refused("could not admit to one date: the event does not repeat").hint("leave out --at"));
        }
        Some(at) => Some(occurrence(session, &event, at)?.at.text()),
        None => None,
    };
    let request = Request::Admit {
        target: found.item.uri.clone(),
        community: Some(found.item.community.clone()),
        occurrence: at,
        who: args.who.clone(),
        guest: args.guest.clone(),
        admit: !args.decline,
    };
    let said = answer!(session.ask(&request)?, Reply::Answers(answers) => answers)?;
    session.out.object(&json!({"uri": found.item.uri, "who": args.who, "guest": args.guest, "admitted": !args.decline, "answers": said}));
    let who = args.guest.as_ref().unwrap_or(&args.who);
    let (did, to) = if args.decline { ("declined ", " for ") } else { ("admitted ", " to ") };
    let line = Line::new().strong(did).text(who);
    session.out.line(line.text(to).strong(&event.name).text(": ").text(in_numbers(&said)));
    if let Some(list) = said.list.filter(|list| list.capacity.is_some_and(|capacity| list.admitted > capacity)) {
        let more = list.admitted - list.capacity.unwrap_or_default();
        session.out.note(Line::new().warn(format!("that is {more} more than there are places")));
    }
    Ok(())
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  moot event reach \"Harbour Gig\"\n\nKnown is who answered since the last change, and whose node is connected and holds all that this one holds. Of others it is not known, which does not mean that they have not got it."
)]
pub(crate) struct Reach {
    /// Short id, whole title, address on our web page, URI or CID
    event: String,
}

/// "23 of 27 have the cancellation; not known of: …"
pub(crate) fn reach(args: &Reach, session: &Session) -> Result<()> {
    let (found, event) = find(session, &args.event)?;
    let request = Request::Reach { target: found.item.uri.clone(), community: Some(found.item.community.clone()) };
    let reach = answer!(session.ask(&request)?, Reply::Reach(reach) => reach)?;
    session.out.object(&json!({
        "uri": found.item.uri, "cid": reach.cid, "sequence": reach.sequence, "running": reach.running,
        "people": reach.people,
        "more": reach.more,
        "reached": reach.reached,
    }));
    if reach.people.is_empty() {
        session.out.line(Line::new().text("nobody has answered ").strong(&event.name).text(" yet"));
        return Ok(());
    }
    let (has, unknown): (Vec<_>, Vec<_>) = reach.people.iter().partition(|line| line.has);
    session.out.line(
        Line::new()
            .strong(format!("{} of {}", reach.reached, reach.people.len() + reach.more))
            .text(" who answered have ")
            .text(what(&event, &found.item)),
    );
    for line in &has {
        let how = match line.how.as_deref() {
            Some("here") => "this is you",
            Some("answered") => "answered since",
            _ => "connected now, and holds all we hold",
        };
        session.out.line(Line::new().text("  ").strong(&line.name).faint(format!("  {how}")));
    }
    for line in &unknown {
        session.out.line(Line::new().text("  ").strong(&line.name).warn("  not known"));
    }
    if !reach.running {
        session.out.note("no node is running here: whose node holds it is known only while one does (moot serve)");
    }
    Ok(())
}

fn what(event: &Event, item: &Item) -> &'static str {
    use folkmoot_schemas::records::event::Status::{Cancelled, Postponed};
    match event.status {
        Cancelled => "the cancellation",
        Postponed => "word that it is postponed",
        _ if event.sequence > 0 || !item.revised.is_empty() => "the last change",
        _ => "it as it is",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_hosts_say_who_has_a_place_no_number_is_told() {
        let line = AnswerLine {
            did: String::new(),
            name: "Bo".into(),
            guest: None,
            status: "going".into(),
            count: 2,
            note: None,
            before_change: false,
            me: true,
            late: false,
            confirmed: false,
            place: Some("waiting".into()),
            places: None,
            number: Some(1),
            show: None,
        };
        assert_eq!(place(&line, false).as_deref(), Some("number 1 on the waiting list"));
        assert_eq!(place(&line, true).as_deref(), Some("waits for a host's yes"));
        let part = AnswerLine { place: Some("admitted".into()), places: Some(1), ..line };
        assert_eq!(place(&part, true).as_deref(), Some("1 with a place, the others wait for a host's yes"));
    }
}
