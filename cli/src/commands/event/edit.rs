use folkmoot_schemas::{records::text::clean, when::Start};

use super::{echo, fields, find_own, now_in};
use crate::{
    error::{Error, Result},
    record,
    session::Session,
    when::zone,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event edit uyv3m2bq4kzjxw5a --start \"sat 20:00\" --end 23:00\n  moot event edit uyv3m2bq4kzjxw5a --place \"Town hall\" --price \"\"      # moves it, takes the price away"
)]
pub(crate) struct Args {
    /// Your event: URI, CID or short id
    event: String,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// A new start; the length stays
    #[arg(long)]
    start: Option<String>,
    #[command(flatten)]
    fields: fields::Fields,
    /// It is certain again: neither tentative, cancelled nor postponed
    #[arg(long, conflicts_with = "tentative")]
    confirmed: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let (found, old) = find_own(session, &args.event, "edit it")?;
    let mut event = old.clone();
    let zone = match (&args.fields.zone, old.start.zone()) {
        (Some(name), _) => zone::check(name)?,
        (None, Some(zone)) => zone.to_owned(),
        (None, None) => zone::of_this_machine().unwrap_or_else(|| "UTC".into()),
    };
    let now = now_in(session, &zone);
    if let Some(name) = &args.name {
        event.name = clean(name);
    }
    if let Some(text) = &args.start {
        let whole_days = args.fields.whole_days() || (matches!(old.start, Start::Date { .. }) && !text.contains(':'));
        event.start = fields::start(text, whole_days, now, &zone)?;
    } else if let Start::Local { local, .. } = &old.start {
        // Another zone moves the event: 20:00 there instead of 20:00 here.
        event.start = if args.fields.whole_days() {
            Start::Date { date: local.date() }
        } else {
            Start::Local { local: *local, zone }
        };
    }
    args.fields.apply(&mut event, now)?;
    if args.confirmed {
        event.status = folkmoot_schemas::records::event::Status::Confirmed;
        event.status_note = None;
    }
    if event == old {
        return Err(Error::refused("could not publish the change: nothing was changed")
            .hint("moot event edit --help lists what can be"));
    }
    event.follow(&old);
    let draft = record::redraft("event", &found.item, event.clone())?;
    record::publish_one(session, Some(&found.item.community), draft, "changed")?;
    echo(session, &event);
    if old.material_change(&event) {
        session.out.note("those who answered before are asked to confirm");
    }
    Ok(())
}
