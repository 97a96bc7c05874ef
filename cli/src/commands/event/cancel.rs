use folkmoot_schemas::{
    records::{
        event::{Override, Status},
        text::clean,
    },
    when::words,
};

use super::{find_to_change, occurrence, send};
use crate::{
    error::{Error, Result},
    kept,
    output::Line,
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event cancel uyv3m2bq4kzjxw5a --note \"The singer is ill\"\n  moot event cancel uyv3m2bq4kzjxw5a --at 2026-12-24\n\nA cancelled event stays visible and says so, in every calendar that subscribed to it."
)]
pub(crate) struct Args {
    /// Your event, or one you are a co-host or steward of: short id, whole title, URI or CID
    event: String,
    /// Only this date of a series
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
    /// Why, up to 280 characters
    #[arg(long)]
    note: Option<String>,
}

/// Calls it off, or (`to` postponed) puts it off.
pub(crate) fn run(args: Args, to: Status, session: &Session) -> Result<()> {
    let act = if to == Status::Postponed { "postpone" } else { "cancel" };
    let (found, old) = find_to_change(session, &args.event, &format!("{act} it"))?;
    let mut event = old.clone();
    let note = args.note.as_deref().map(clean).filter(|n| !n.is_empty());
    let what = match &args.at {
        Some(_) if event.recur.is_none() => {
            return Err(Error::refused(format!("could not {act} one date: the event does not repeat"))
                .hint(format!("leave out --at to {act} it")));
        }
        Some(text) => {
            let instance = occurrence(session, &event, text)?;
            let at = instance.at.text();
            let known = event.overrides.iter().find(|change| change.at == at).cloned();
            let mut change = known.unwrap_or_else(|| Override::new(at));
            change.status = Some(to);
            // Without a new reason the one that was given stays.
            change.note = note.or(change.note);
            match event.overrides.iter_mut().find(|other| other.at == change.at) {
                Some(other) => *other = change,
                None => event.overrides.push(change),
            }
            words(&instance.start, None, None)
        }
        None => {
            event.status = to;
            event.status_note = note.or(event.status_note);
            match &event.recur {
                Some(rule) => format!("the whole series, every date: {} (one date alone: --at)", rule.in_words()),
                None => event.when_words(),
            }
        }
    };
    if event == old {
        let at = if args.at.is_some() { " --at DATE" } else { "" };
        return Err(Error::refused(format!("could not {act} it: it is {} already", to.word()))
            .because(what)
            .hint(format!("moot event edit EVENT{at} --confirmed takes that back")));
    }
    send(session, &found.item, &old, event, to.word(), &kept::read(session, &found.item.uri)?)?;
    session.out.line(Line::new().faint("  ").text(what));
    Ok(())
}
