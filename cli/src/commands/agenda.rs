use std::collections::BTreeMap;

use folkmoot_node::request::{AgendaDate, AgendaInfo, BirthdayInfo, OccurrenceInfo, Reply, Request};
use folkmoot_schemas::{
    records::event::{Event, Status},
    when::{Start, date_words},
};
use jiff::civil::Date;
use serde_json::json;

use super::event::list::{as_json, on_date};
use crate::{
    error::{Error, Result},
    output::Line,
    session::{Session, answer},
    when::{Typed, reader::WallClock, zone},
};

/// What is shown of one day.
const INDENT: &str = "  ";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot agenda\n  moot agenda --days 7\n  moot agenda --from 2026-12-01 --to 2026-12-31 --json"
)]
pub(crate) struct Args {
    /// How many days ahead
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=400), conflicts_with = "to")]
    days: u32,
    /// First day [default: today]
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
}

/// What is ahead of the person, over all communities unless one is named. Days are those of this machine's zone.
pub(crate) fn run(args: &Args, session: &Session) -> Result<()> {
    let clock = WallClock::of(session)?;
    let here = clock.zone();
    let today = zone::wall(session.clock.seconds(), here).date();
    let day = |text: &Option<String>| -> Result<Option<Date>> {
        let now = zone::wall(session.clock.seconds(), here);
        text.as_deref().map(|text| Typed::read_date(text, now)).transpose()
    };
    let from = day(&args.from)?.unwrap_or(today);
    let last = match day(&args.to)? {
        Some(to) => to,
        None => from.saturating_add(jiff::Span::new().days(i64::from(args.days) - 1)),
    };
    if last < from {
        return Err(Error::refused("could not show the agenda: the last day is before the first")
            .hint("give --from the earlier day"));
    }
    let begin = |date: Date| Start::Date { date }.instant(here);
    let request = Request::Agenda {
        community: session.named_community.clone(),
        from: begin(from),
        to: begin(last.tomorrow().unwrap_or(last)),
    };
    let info = answer!(session.ask(&request)?, Reply::Agenda(info) => info)?;
    let birthdays = birthdays(&info.birthdays, from, last);
    if session.out.json {
        return objects(session, &info, &birthdays);
    }
    print(session, &info, &birthdays, (from, last), today, here)
}

fn objects(session: &Session, info: &AgendaInfo, birthdays: &BTreeMap<Date, Vec<&BirthdayInfo>>) -> Result<()> {
    for date in &info.dates {
        let mut value = as_json(&date.date)?;
        value["kind"] = json!("date");
        value["answer"] = json!(date.answer);
        value["count"] = json!(date.count);
        value["hosting"] = json!(date.hosting);
        value["changed"] = json!(date.changed);
        value["changes"] = json!(date.changes);
        value["alone"] = json!(date.alone);
        // What `place` is, the event says.
        value["standing"] = json!(date.place);
        value["number"] = json!(date.number);
        session.out.object(&value);
    }
    for (date, people) in birthdays {
        for person in people {
            let value = json!({"kind": "birthday", "date": date.to_string(), "did": person.did, "name": person.name});
            session.out.object(&value);
        }
    }
    for new in &info.new {
        let mut value = as_json(new)?;
        value["kind"] = json!("new");
        session.out.object(&value);
    }
    Ok(())
}

fn print(
    session: &Session,
    info: &AgendaInfo,
    birthdays: &BTreeMap<Date, Vec<&BirthdayInfo>>,
    (from, last): (Date, Date),
    today: Date,
    here: &str,
) -> Result<()> {
    let out = &session.out;
    let mut days: BTreeMap<Date, Vec<&AgendaDate>> = BTreeMap::new();
    for date in &info.dates {
        // What began before goes on today.
        let day = match &date.date.start {
            Start::Date { date } => *date,
            Start::Local { .. } => zone::wall(date.date.from, here).date(),
        };
        days.entry(day.clamp(from, last)).or_default().push(date);
    }
    for day in birthdays.keys() {
        days.entry(*day).or_default();
    }
    if days.is_empty() {
        let until = date_words(last);
        out.note(format!("nothing until {until} that you answered or hold (moot event list shows what there is)"));
    }
    let several = info.dates.iter().any(|date| date.date.item.community != info.dates[0].date.item.community);
    for (n, (day, dates)) in days.iter().enumerate() {
        if n > 0 {
            out.line("");
        }
        let name = match (*day, today.tomorrow().ok()) {
            (day, _) if day == today => format!("Today, {}", date_words(day)),
            (day, Some(tomorrow)) if day == tomorrow => format!("Tomorrow, {}", date_words(day)),
            (day, _) => date_words(day),
        };
        out.line(Line::new().strong(name));
        for person in birthdays.get(day).into_iter().flatten() {
            let line = Line::new().text(INDENT).text("birthday of ").strong(&person.name);
            let leap = person.day == "--02-29" && !(day.month() == 2 && day.day() == 29);
            out.line(if leap { line.faint("  (29 February)") } else { line });
        }
        for date in dates {
            print_date(session, date, *day, several, here)?;
        }
    }
    if info.cut {
        out.note("there are more: narrow it with --days, or --from and --to");
    }
    if !info.new.is_empty() {
        if !days.is_empty() {
            out.line("");
        }
        out.line(Line::new().strong("New, and you have not answered"));
    }
    for new in &info.new {
        let Some(event) = on_date(new)? else { continue };
        let line = Line::new().text(INDENT).text(new_words(&event, here)).text("  ").strong(&event.name);
        let line = event.place_line().map_or(line.clone(), |place| line.text(", ").text(place));
        out.line(line.text("  ").id(&new.item.short));
    }
    if info.more > 0 {
        out.line(Line::new().text(INDENT).faint(format!("and {} more: moot event list", info.more)));
    }
    Ok(())
}

fn print_date(session: &Session, date: &AgendaDate, day: Date, several: bool, here: &str) -> Result<()> {
    let Some(event) = on_date(&date.date)? else { return Ok(()) };
    let out = &session.out;
    let line = Line::new().text(INDENT).text(format!("{:<13}", hours(&event, &date.date, day, here))).text("  ");
    let line = line.strong(&event.name);
    let line = event.place_line().map_or(line.clone(), |place| line.text(", ").text(place));
    let line = if several { line.faint(format!("  {}", date.date.item.community_name)) } else { line };
    let with = match date.count {
        0 | 1 => String::new(),
        n => format!(" with {} more", n - 1),
    };
    let mine = match (date.hosting, date.answer.as_deref()) {
        (true, _) => "you hold it".to_owned(),
        (false, Some("notgoing") | None) => String::new(),
        (false, Some(answer)) => format!("{answer}{with}"),
    };
    // Who has no place would stand before a closed door.
    let place = match (date.place.as_deref(), date.number) {
        (Some("waiting"), Some(number)) => format!(", number {number} on the waiting list"),
        (Some("admitted"), Some(number)) => format!(", some of you number {number} on the waiting list"),
        (Some("declined"), _) => ", but there is no place for you".to_owned(),
        (Some("open"), _) => ", nobody has said yet whether there is a place".to_owned(),
        _ => String::new(),
    };
    let line = line.text("  ").faint(mine).warn(place).text("  ").id(&date.date.item.short);
    let off = date.date.cancelled || event.status == Status::Cancelled;
    out.line(line);
    let below = |line: Line| out.line(line);
    let begin = || Line::new().text(format!("{INDENT}{:<13}  ", ""));
    if off {
        let note = date.date.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        below(begin().warn(format!("cancelled{note}")));
    } else if let Some(news) = super::event::news(&event).filter(|_| date.changes.is_empty()) {
        let note = date.date.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        below(begin().warn(format!("{news}{note}")));
    }
    if date.changed && !off {
        let what = if date.changes.is_empty() { "changed".to_owned() } else { date.changes.join("; ") };
        below(begin().warn(format!("since you answered: {what}")));
        // An answer without a date is one to the whole series.
        let day = date.date.at.split('T').next().unwrap_or_default();
        let at = if date.alone { format!(" --at {day}") } else { String::new() };
        below(begin().text(format!("answer again: moot rsvp {} yes, maybe or no{at}", date.date.item.short)));
    }
    Ok(())
}

/// "20:00–23:00"; "20:00–23:00 (America/New_York), 02:00 here"; "all day"; "since Thursday 3 December 2026".
fn hours(event: &Event, date: &OccurrenceInfo, day: Date, here: &str) -> String {
    let clock = |at: jiff::civil::DateTime| at.strftime("%H:%M").to_string();
    match &event.start {
        Start::Date { date } if *date < day => format!("since {}", date_words(*date)),
        Start::Date { date } => match i64::from(event.days.unwrap_or(1)) {
            1 => "all day".to_owned(),
            n => format!("until {}", date_words(date.saturating_add(jiff::Span::new().days(n - 1)))),
        },
        Start::Local { local, zone } => {
            if zone::wall(date.from, here).date() < day {
                return format!("since {}", date_words(local.date()));
            }
            let end = event.duration.filter(|_| !event.open_end).map(|_| clock(zone::wall(date.to, zone)));
            let span = end.map_or_else(|| clock(*local), |end| format!("{}–{end}", clock(*local)));
            let mine = zone::wall(date.from, here);
            match mine == *local {
                true => span,
                // There it may be another day.
                false if mine.date() != local.date() => {
                    format!("{} {span} ({zone}), {} here", local.strftime("%A"), clock(mine))
                }
                false => format!("{span} ({zone}), {} here", clock(mine)),
            }
        }
    }
}

fn new_words(event: &Event, here: &str) -> String {
    super::event::list::short_words(event, here)
}

/// On which days of the window whose birthday is. Who was born on 29 February has it on the 28th in other years.
fn birthdays(people: &[BirthdayInfo], from: Date, last: Date) -> BTreeMap<Date, Vec<&BirthdayInfo>> {
    let mut found: BTreeMap<Date, Vec<&BirthdayInfo>> = BTreeMap::new();
    for person in people {
        let Some((month, day)) = person.day.strip_prefix("--").and_then(|day| day.split_once('-')) else { continue };
        let (Ok(month), Ok(day)) = (month.parse::<i8>(), day.parse::<i8>()) else { continue };
        for year in from.year()..=last.year() {
            let date = Date::new(year, month, day).or_else(|why| match (month, day) {
                (2, 29) => Date::new(year, 2, 28),
                _ => Err(why),
            });
            if let Ok(date) = date
                && (from..=last).contains(&date)
            {
                found.entry(date).or_default().push(person);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthday_comes_every_year_and_that_of_a_leap_day_a_day_early() {
        let person = |day: &str| BirthdayInfo { did: day.into(), name: day.into(), day: day.into() };
        let people = [person("--02-29"), person("--01-01"), person("--13-01"), person("nonsense")];
        let date = |y, m, d| Date::new(y, m, d).unwrap_or_default();
        let days = |from, last| birthdays(&people, from, last).into_keys().collect::<Vec<_>>();
        assert_eq!(days(date(2026, 12, 1), date(2027, 3, 1)), [date(2027, 1, 1), date(2027, 2, 28)]);
        assert_eq!(days(date(2028, 2, 1), date(2028, 3, 1)), [date(2028, 2, 29)]);
    }
}
