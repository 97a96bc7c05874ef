use folkmoot_schemas::records::{event::Event, text::clean};
use jiff::civil::DateTime;

use super::{echo, fields, now_in, zone_of};
use crate::{
    error::{Error, Result},
    kept, record,
    session::Session,
    when::Typed,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event add \"Night Herons live\" \"fri 20:00\" --end 23:00 --place \"Backyard\" --price \"8 EUR\"\n  moot event add \"Repair café\" \"2026-12-05 14:00\" --duration 3h --repeat \"monthly on first sat\"\n  moot event add \"Street festival\" \"5 jun\" --all-day --days 2"
)]
pub(crate) struct Args {
    /// What it is called
    name: String,
    /// When it starts: "fri 20:00", "2026-12-05 20:00", "tomorrow 8pm", "in 2 weeks 19:30"
    start: String,
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
    let community = session.pick_community(None)?;
    let zone = zone_of(session, &community, args.fields.zone.as_deref())?;
    let now = now_in(session, &zone);
    check_words(&args, now)?;
    let start = fields::start(&args.start, args.fields.whole_days(), None, now, &zone)?;
    let mut event = Event::new(clean(&args.name), start);
    args.fields.apply(&mut event, now, session, &community.cid)?;
    fields::check_doors(&event)?;
    publish(session, &community.cid, event, args.again)
}

/// A new event, with the addresses that stay here.
pub(super) fn publish(session: &Session, community: &str, mut event: Event, again: bool) -> Result<()> {
    let whole = kept::split(&mut event)?;
    let mut draft = record::draft("event", event.clone())?;
    draft.again = again;
    let infos = record::publish_each(session, Some(community), vec![draft], "planned")?;
    for info in infos.iter().filter(|_| !whole.is_empty()) {
        kept::write(session, &info.uri, &whole)?;
    }
    echo(session, &event);
    kept::say(session, &whole);
    Ok(())
}

/// Quotes that were forgotten, and a name and a time in each other's place.
fn check_words(args: &Args, now: DateTime) -> Result<()> {
    if !args.rest.is_empty() {
        return Err(Error::usage(format!("could not understand {:?}: there are too many words", args.rest.join(" ")))
            .hint("put the name and the time in quotes each: moot event add \"Band night\" \"fri 20:00\""));
    }
    if Typed::read(&args.start, now).is_err() && Typed::read(&args.name, now).is_ok() {
        return Err(Error::refused(format!("could not understand the time {:?}", args.start))
            .because(format!("{:?} is a time", args.name))
            .hint(format!("did you swap name and time? moot event add {:?} {:?}", args.start, args.name)));
    }
    Ok(())
}
