use folkmoot_schemas::records::{event::Event, text::clean};

use super::{echo, fields, now_in, zone_of};
use crate::{error::Result, record, session::Session};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event add \"Night Herons live\" \"fri 20:00\" --end 23:00 --place \"Backyard\" --price \"8 EUR\"\n  moot event add \"Repair café\" \"2026-12-05 14:00\" --duration 3h --repeat \"monthly on first sat\"\n  moot event add \"Street festival\" \"5 jun\" --all-day --days 2"
)]
pub(crate) struct Args {
    /// What it is called
    name: String,
    /// When it starts: "fri 20:00", "2026-12-05 20:00", "tomorrow 8pm", "in 2 weeks 19:30"
    start: String,
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
    let start = fields::start(&args.start, args.fields.whole_days(), now, &zone)?;
    let mut event = Event::new(clean(&args.name), start);
    args.fields.apply(&mut event, now)?;
    let mut draft = record::draft("event", event.clone())?;
    draft.again = args.again;
    record::publish_one(session, Some(&community.cid), draft, "planned")?;
    echo(session, &event);
    Ok(())
}
