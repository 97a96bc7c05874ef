use folkmoot_schemas::{
    records::{
        event::{Event, Place},
        poll::{Poll, PollOption},
        text::clean,
    },
    when::{self, Start},
};
use jiff::civil::{DateTime, Time};

use crate::{
    commands::event::{now_in, place::Where, zone_of},
    editor,
    error::{Error, Result},
    form::{self, Form},
    output::Line,
    record,
    session::Session,
    when::{Typed, amount},
};

#[derive(Debug, Default, PartialEq, clap::Args)]
#[command(
    after_help = "Examples:\n  moot poll add                      # a form in $EDITOR\n  moot poll add \"When do we play?\" --date \"fri 20:00\" --date \"sat 20:00\" --place Backyard --closes \"thu 18:00\"\n  moot poll add \"What do we eat?\" --option Soup --option Salad --option Cake --several"
)]
pub(crate) struct Args {
    /// What is asked; without it, a form opens in $EDITOR
    question: Option<String>,
    /// A date to choose from; 2 to 12 of them
    #[arg(long, value_name = "WHEN", conflicts_with = "option")]
    date: Vec<String>,
    /// Words to choose from; 2 to 12 of them
    #[arg(long, value_name = "WORDS")]
    option: Vec<String>,
    /// More than one of the words may be chosen
    #[arg(long, conflicts_with = "date")]
    several: bool,
    /// When voting ends: a time, or a day to its end
    #[arg(long, value_name = "WHEN")]
    closes: Option<String>,
    /// Time zone of the dates [default: the community's, else this machine's]
    #[arg(long)]
    zone: Option<String>,
    /// More about it (Markdown); - reads stdin
    #[arg(long)]
    text: Option<String>,
    /// How long it would take, e.g. 2h
    #[arg(long)]
    duration: Option<String>,
    #[command(flatten)]
    at: Where,
    /// Publish even if the same was published minutes ago
    #[arg(long)]
    again: bool,
}

pub(super) fn run(args: Args, session: &Session) -> Result<()> {
    if args != Args::default() || !session.out.is_conversation() {
        return ask(args, session);
    }
    let form = Form::new(&[
        "A poll among the members: dates or words to choose from, two to twelve. Save and close: it is published then.",
        "Lines that begin with # are left out. Nothing filled in, nothing published.",
        "Every flag of `moot poll add --help` is a field too.",
    ])
    .field("question", "", None)
    .fields("date", "one line each: fri 20:00 · 5 dec 20:00", vec![String::new(); 3])
    .fields(
        "option",
        "or words, one line each; \"several: yes\" if more than one may be chosen",
        vec![String::new(); 3],
    )
    .field("closes", "when voting ends: thu 18:00", None)
    .field("place", "of a date: where it would be", None)
    .field("duration", "2h", None);
    form::fill(session, "poll", None, &form, |filled, before| ask(filled.args(before, &["question"], None)?, session))
}

fn ask(args: Args, session: &Session) -> Result<()> {
    let Some(question) = &args.question else {
        return Err(Error::usage("could not publish the poll: nothing is asked").hint(
            "moot poll add \"When do we play?\" --date … --date …; on a terminal, moot poll add alone opens a form",
        ));
    };
    let community = session.pick_community(None)?;
    let zone = zone_of(session, &community, args.zone.as_deref())?;
    let now = now_in(session, &zone);
    let options = if args.option.is_empty() {
        dates(&args.date, now, &zone)?
    } else {
        let words = |text: &String| PollOption { start: None, text: Some(clean(text)) };
        args.option.iter().map(words).collect()
    };
    if options.len() < 2 {
        return Err(Error::refused("could not publish the poll: there is nothing to choose from")
            .hint("give two at least: --date \"fri 20:00\" --date \"sat 20:00\", or --option Soup --option Salad"));
    }
    let text = match args.text.as_deref() {
        Some("-") => Some(clean(&editor::stdin()?)),
        text => text.map(clean),
    };
    let poll = Poll {
        question: clean(question),
        text: text.filter(|text| !text.is_empty()),
        closes: args.closes.as_deref().map(|text| closes(text, now, &zone)).transpose()?,
        place: place(&args.at, options.iter().find_map(|option| option.start.as_ref()), session, &community.cid)?,
        duration: args.duration.as_deref().map(amount::duration).transpose()?,
        options,
        several: args.several,
        result: None,
    };
    let mut draft = record::draft("poll", poll.clone())?;
    draft.again = args.again;
    record::publish_one(session, Some(&community.cid), draft, "asked")?;
    for (at, option) in poll.options.iter().enumerate() {
        session.out.line(Line::new().faint(format!("  {:>2}  ", at + 1)).text(option.words()));
    }
    if let Some(closes) = &poll.closes {
        session.out.line(Line::new().faint("  voting ends ").text(when::words(closes, None, None)));
    }
    let past =
        |option: &PollOption| option.start.as_ref().is_some_and(|start| start.instant(&zone) < session.clock.seconds());
    if poll.options.iter().any(past) {
        session.out.note(Line::new().warn("  one of these dates is in the past"));
    }
    Ok(())
}

/// All with a time of day, or all without.
fn dates(texts: &[String], now: DateTime, zone: &str) -> Result<Vec<PollOption>> {
    let typed = texts.iter().map(|text| Typed::read(text, now)).collect::<Result<Vec<_>>>()?;
    let whole_days = typed.iter().all(|typed| typed.time.is_none());
    let mut options = Vec::new();
    let mut day = None;
    for (text, typed) in texts.iter().zip(typed) {
        // "fri 18:00" and then "20:00" are on one day.
        day = typed.date.or(day);
        let date = day.ok_or_else(|| {
            Error::refused(format!("could not understand the date {text:?}: it has no day"))
                .hint(format!("write \"fri {text}\""))
        })?;
        let start = match typed.time {
            Some(time) => Start::Local { local: date.to_datetime(time), zone: zone.to_owned() },
            None if whole_days => Start::Date { date },
            None => {
                return Err(Error::refused(format!("could not understand the date {text:?}: it has no time of day"))
                    .hint("give all dates with a time, or none of them"));
            }
        };
        options.push(PollOption { start: Some(start), text: None });
    }
    Ok(options)
}

/// A day alone is meant to its end.
fn closes(text: &str, now: DateTime, zone: &str) -> Result<Start> {
    let typed = Typed::read(text, now)?;
    let date = typed.date.unwrap_or(now.date());
    let local = date.to_datetime(typed.time.unwrap_or(Time::constant(23, 59, 0, 0)));
    if local <= now {
        return Err(Error::refused("could not publish the poll: voting would end in the past")
            .because(format!("ends {}, it is {}", local.strftime("%Y-%m-%d %H:%M"), now.strftime("%Y-%m-%d %H:%M")))
            .hint("give --closes a time that is still to come"));
    }
    Ok(Start::Local { local, zone: zone.to_owned() })
}

/// Where the dates would be.
fn place(at: &Where, start: Option<&Start>, session: &Session, community: &str) -> Result<Option<Place>> {
    let start = start.cloned().unwrap_or(Start::Date { date: jiff::civil::Date::constant(2000, 1, 1) });
    let mut event = Event::new("", start);
    at.apply(&mut event, session, community)?;
    let odd = event.places.len() > 1 || !event.online.is_empty() || event.places.iter().any(Place::hides_address);
    match odd {
        false => Ok(event.places.pop()),
        true => Err(Error::refused(
            "could not publish the poll: it has one place, with an address for all members or none",
        )
        .hint(
            "give --show-place, --also-at and --online when it becomes an event: moot poll close POLL --event NAME …",
        )),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    fn now() -> DateTime {
        datetime(2026, 11, 24, 18, 30, 0, 0)
    }

    #[test]
    fn dates_have_all_a_time_or_none_and_a_time_alone_stays_on_its_day() {
        let read = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            dates(&texts, now(), "UTC").ok().map(|all| all.iter().map(PollOption::key).collect::<Vec<_>>())
        };
        let of = |keys: &[&str]| Some(keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&["fri", "sat"]), of(&["2026-11-27", "2026-11-28"]));
        assert_eq!(
            read(&["fri 18:00", "20:00", "sat 15:00"]),
            of(&["2026-11-27T18:00", "2026-11-27T20:00", "2026-11-28T15:00"])
        );
        assert_eq!(read(&["fri 18:00", "sat"]), None);
        assert_eq!(read(&["18:00", "fri 20:00"]), None);
    }

    #[test]
    fn a_day_closes_at_its_end_and_never_in_the_past() {
        let read = |text: &str| closes(text, now(), "UTC").ok().map(|start| start.text());
        assert_eq!(read("fri").as_deref(), Some("2026-11-27T23:59"));
        assert_eq!(read("20:00").as_deref(), Some("2026-11-24T20:00"));
        assert_eq!((read("18:00"), read("yesterday")), (None, None));
    }
}
