use folkmoot_schemas::{
    records::{event::Status, text::clean},
    when::words,
};

use super::{find_own, occurrence};
use crate::{
    error::{Error, Result},
    output::Line,
    record,
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event cancel uyv3m2bq4kzjxw5a --note \"The singer is ill\"\n  moot event cancel uyv3m2bq4kzjxw5a --at 2026-12-24\n\nA cancelled event stays visible and says so, in every calendar that subscribed to it."
)]
pub(crate) struct Args {
    /// Your event: URI, CID or short id
    event: String,
    /// Only this date of a series
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
    /// Why, up to 280 characters
    #[arg(long)]
    note: Option<String>,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let (found, old) = find_own(session, &args.event, "cancel it")?;
    let mut event = old.clone();
    let note = args.note.as_deref().map(clean).filter(|n| !n.is_empty());
    let what = match &args.at {
        Some(_) if event.recur.is_none() => {
            return Err(Error::refused("could not cancel one date: the event does not repeat")
                .hint("leave out --at to cancel it"));
        }
        Some(text) => {
            let instance = occurrence(session, &event, text)?;
            let at = instance.at.text();
            let change = match event.overrides.iter_mut().find(|o| o.at == at) {
                Some(change) => change,
                None => {
                    event.overrides.push(super::unchanged(at));
                    let last = event.overrides.len() - 1;
                    &mut event.overrides[last]
                }
            };
            change.status = Some(Status::Cancelled);
            change.note = note;
            words(&instance.start, None, None)
        }
        None => {
            event.status = Status::Cancelled;
            event.status_note = note;
            event.when_words()
        }
    };
    if event == old {
        return Err(Error::refused("could not cancel it: it is cancelled already")
            .hint("moot event edit EVENT --confirmed takes that back"));
    }
    event.follow(&old);
    let draft = record::redraft("event", &found.item, event)?;
    record::publish_one(session, Some(&found.item.community), draft, "cancelled")?;
    session.out.line(Line::new().faint("  ").text(what));
    Ok(())
}
