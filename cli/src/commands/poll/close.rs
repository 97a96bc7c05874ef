use folkmoot_schemas::{
    records::{
        event::Event,
        poll::{Poll, PollResult, Tally},
        text::clean,
    },
    when::Start,
};

use super::{in_words, option, typed, votes};
use crate::{
    commands::{
        event::{add, fields, now_in},
        post::parse_uri,
    },
    error::{Error, Result},
    output::Line,
    record,
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot poll close \"What do we eat?\"\n  moot poll close uyv3m2bq4kzjxw5a --winner 2\n  moot poll close uyv3m2bq4kzjxw5a --event \"House concert\" --price \"8 EUR\"      # makes the event; votes count as answers"
)]
pub(crate) struct Args {
    /// Your poll: short id, whole question, URI or CID
    poll: String,
    /// What it is decided for [default: what is ahead, if one option alone is]
    #[arg(long, value_name = "OPTION")]
    winner: Option<String>,
    /// Make the date an event, with text and place of the poll and the flags of `event add` [default: called like the poll]
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    event: Option<String>,
    #[command(flatten)]
    fields: fields::Fields,
}

pub(super) fn run(args: Args, session: &Session) -> Result<()> {
    let (found, mut poll) = typed(record::find_own(session, &args.poll, "close it")?)?;
    if args.event.is_none() && args.fields.given() {
        return Err(Error::usage("could not close the poll: these flags are for the event it becomes")
            .hint("add --event NAME, or leave them out"));
    }
    let before = poll.result.take();
    if let Some(before) = &before {
        let again = args.event.is_some() && before.event.is_none();
        if !again {
            return Err(Error::refused("could not close the poll: it is closed already")
                .because(poll.question)
                .hint("moot poll show says how it ended; a new one is a new question: moot poll add"));
        }
    }
    let tally = match &before {
        Some(before) => before.tally.clone(),
        None => votes(session, &found)?.tally,
    };
    let zone = poll.options.iter().find_map(|option| option.start.as_ref()?.zone()).unwrap_or("UTC").to_owned();
    let now = now_in(session, &zone);
    let leading = tally.leading();
    let earlier = before.and_then(|before| poll.options.iter().position(|option| Some(option.key()) == before.chosen));
    let winner = match &args.winner {
        Some(text) => Some(option::find(&poll, text, now)?),
        None => {
            earlier.or_else(|| Some(leading.as_slice()).and_then(|l| if let [one] = l { Some(*one) } else { None }))
        }
    };
    let mut result = PollResult { chosen: winner.map(|at| poll.options[at].key()), event: None, tally };
    if let Some(name) = args.event {
        let Some(start) = winner.and_then(|at| poll.options[at].start.clone()) else {
            return Err(undecided(&poll, &result.tally, &leading));
        };
        let event = becomes(&poll, name.trim(), start, parse_uri(&found.item.uri)?);
        result.event = Some(plan(event, args.fields, session, &found.item.community, now)?);
    }
    poll.result = Some(result);
    let draft = record::redraft("poll", &found.item, poll.clone())?;
    record::publish_one(session, Some(&found.item.community), draft, "closed")?;
    say(session, &poll);
    Ok(())
}

/// The event as far as the poll says it.
fn becomes(poll: &Poll, name: &str, start: Start, uri: folkmoot_schemas::Uri) -> Event {
    let name = if name.is_empty() { poll.question.clone() } else { clean(name) };
    Event {
        text: poll.text.clone(),
        duration: poll.duration.filter(|_| start.zone().is_some()),
        places: poll.place.iter().cloned().collect(),
        poll: Some(uri),
        ..Event::new(name, start)
    }
}

fn plan(
    mut event: Event,
    fields: fields::Fields,
    session: &Session,
    community: &str,
    now: jiff::civil::DateTime,
) -> Result<folkmoot_schemas::Uri> {
    fields.apply(&mut event, now, session, community)?;
    fields::check_doors(&event)?;
    if event.recur.is_some() {
        return Err(Error::refused("could not plan the event: votes were for one date, and it would repeat")
            .hint("leave out --repeat"));
    }
    parse_uri(&add::publish(session, community, event, false)?)
}

fn undecided(poll: &Poll, tally: &Tally, leading: &[usize]) -> Error {
    if !poll.is_dates() {
        return Error::refused("could not make an event of the poll: it asks for no date")
            .hint("close it without --event, and plan the event with moot event add");
    }
    let why = if leading.is_empty() { "nobody said yes to a date" } else { "several dates are equally ahead" };
    let said = Error::refused(format!("could not make an event of the poll: {why}"));
    let shown: Vec<usize> = if leading.is_empty() { (0..poll.options.len()).collect() } else { leading.to_vec() };
    let line = |at: usize| {
        let count = tally.counts.get(at).copied().unwrap_or_default();
        format!("{}  {}  {}", at + 1, poll.options[at].words(), in_words(count, poll))
    };
    shown.into_iter().fold(said, |said, at| said.because(line(at))).hint("decide for one: --winner 1")
}

fn say(session: &Session, poll: &Poll) {
    let Some(result) = &poll.result else { return };
    for (at, option) in poll.options.iter().enumerate() {
        let count = result.tally.counts.get(at).copied().unwrap_or_default();
        let line = Line::new().faint(format!("  {:>2}  ", at + 1)).text(option.words()).text("  ");
        session.out.line(line.strong(in_words(count, poll)));
    }
    match poll.chosen() {
        Some(option) => session.out.line(Line::new().faint("  decided  ").strong(option.words())),
        None => session.out.note("  nothing is decided: no option alone is ahead; --winner decides"),
    }
    let yes = poll
        .options
        .iter()
        .zip(&result.tally.counts)
        .find(|(option, _)| poll.chosen() == Some(option))
        .map_or(0, |(_, c)| c.yes);
    if result.event.is_some() && yes > 0 {
        let votes = match yes {
            1 => "1 yes counts as an answer to the event, until that person answers".to_owned(),
            yes => format!("{yes} yes count as answers to the event, until those people answer"),
        };
        session.out.note(format!("  {votes}"));
    }
}
