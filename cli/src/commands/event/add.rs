use folkmoot_node::request::{PublishedInfo, Request};
use folkmoot_schemas::records::{event::Event, text::clean};
use jiff::civil::DateTime;

use super::{echo, fields, now_in, zone_of};
use crate::{
    error::{Error, Result},
    form, kept, leak, record,
    session::Session,
    when::Typed,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event add                     # a form in $EDITOR\n  moot event add \"Night Herons live\" \"fri 20:00\" --end 23:00 --place \"Backyard\" --price \"8 EUR\"\n  moot event add \"Repair café\" \"2026-12-05 14:00\" --duration 3h --repeat \"monthly on first sat\"\n  moot event add \"Street festival\" \"5 jun\" --all-day --days 2"
)]
pub(crate) struct Args {
    /// What it is called; without name and time, a form opens in $EDITOR
    name: Option<String>,
    /// When it starts: "fri 20:00", "2026-12-05 20:00", "tomorrow 8pm", "in 2 weeks 19:30"
    start: Option<String>,
    /// Words that were meant to be in quotes
    #[arg(hide = true)]
    rest: Vec<String>,
    #[command(flatten)]
    fields: fields::Fields,
    /// Publish even if the same was published minutes ago
    #[arg(long)]
    again: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    match (&args.name, &args.start) {
        (None, None) if session.out.is_conversation() && args.fields == fields::Fields::default() => {
            form::fill(session, "event", None, &super::form::blank(), |filled, before| {
                if filled.one("name").is_none() || filled.one("start").is_none() {
                    return Err(lacking());
                }
                plan(filled.args(before, &["name", "start"], None)?, session)
            })
        }
        _ => plan(args, session),
    }
}

fn lacking() -> Error {
    Error::usage("could not plan the event: it needs a name and a time")
        .hint("moot event add \"Band night\" \"fri 20:00\"; on a terminal, moot event add alone opens a form")
}

fn plan(args: Args, session: &Session) -> Result<()> {
    let (Some(name), Some(typed)) = (&args.name, &args.start) else { return Err(lacking()) };
    let community = session.pick_community(None)?;
    let zone = zone_of(session, &community, args.fields.zone.as_deref())?;
    let now = now_in(session, &zone);
    check_words(&args.rest, name, typed, now)?;
    let start = fields::start(typed, args.fields.whole_days(), None, now, &zone)?;
    let mut event = Event::new(clean(name), start);
    args.fields.apply(&mut event, now, session, &community.cid)?;
    fields::check_doors(&event)?;
    publish(session, &community.cid, event, args.again).map(|_| ())
}

/// A new event, with the addresses that stay here. Its URI.
pub(crate) fn publish(session: &Session, community: &str, mut event: Event, again: bool) -> Result<String> {
    let whole = kept::split(&mut event)?;
    leak::check(session, &event, None, &whole)?;
    let mut draft = record::draft("event", event.clone())?;
    draft.again = again;
    let infos = record::publish_each(session, Some(community), vec![draft], "planned")?;
    for info in infos.iter().filter(|_| !whole.is_empty()) {
        kept::write(session, &info.uri, &whole)?;
    }
    echo(session, &event);
    kept::say(session, &event, &whole);
    for info in &infos {
        say_namesakes(session, &event.name, info);
    }
    infos
        .first()
        .map(|info| info.uri.clone())
        .ok_or_else(|| Error::bug("the node published nothing and did not say why"))
}

/// What else is called so now, and would be meant by the name as well.
fn say_namesakes(session: &Session, name: &str, info: &PublishedInfo) {
    let request = Request::Get { target: name.to_owned(), community: Some(info.community.clone()) };
    let Err(several) = session.ask(&request) else { return };
    let others: Vec<_> = several.detail.iter().filter(|line| !line.starts_with(&info.short)).collect();
    if others.is_empty() || others.len() == several.detail.len() {
        return;
    }
    for other in others {
        session.out.note(format!("  called so too: {other}"));
    }
    session.out.note(format!("  the name alone says not which: in commands give the id, {}", info.short));
}

/// Quotes that were forgotten, and a name and a time in each other's place.
fn check_words(rest: &[String], name: &str, start: &str, now: DateTime) -> Result<()> {
    if !rest.is_empty() {
        return Err(Error::usage(format!("could not understand {:?}: there are too many words", rest.join(" ")))
            .hint("put the name and the time in quotes each: moot event add \"Band night\" \"fri 20:00\""));
    }
    if Typed::read(start, now).is_err() && Typed::read(name, now).is_ok() {
        return Err(Error::refused(format!("could not understand the time {start:?}"))
            .because(format!("{name:?} is a time"))
            .hint(format!("did you swap name and time? moot event add {start:?} {name:?}")));
    }
    Ok(())
}
