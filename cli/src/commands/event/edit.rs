use folkmoot_node::request::Item;
use folkmoot_schemas::{
    records::{
        event::{Event, Override, Status},
        rsvp::Rsvp,
        text::clean,
    },
    recur,
    when::{Start, date_words},
};
use jiff::civil::Date;

use super::{answers, date, echo, fields, find_to_change, now_in, send};
use crate::{
    error::{Error, Result},
    form,
    kept::{self, Kept},
    leak,
    output::{Line, count},
    record,
    session::Session,
    when::zone,
};

#[derive(Debug, Default, PartialEq, clap::Args)]
#[command(
    after_help = "Examples:\n  moot event edit uyv3m2bq4kzjxw5a                                      # a form in $EDITOR\n  moot event edit uyv3m2bq4kzjxw5a --start \"sat 20:00\" --end 23:00\n  moot event edit uyv3m2bq4kzjxw5a --start 19:30                        # the day stays\n  moot event edit uyv3m2bq4kzjxw5a --place \"Town hall\" --price \"\"      # moves it, takes the price away\n  moot event edit uyv3m2bq4kzjxw5a --at 2026-12-24 --start \"23 dec 20:00\" --note \"A day earlier\"\n  moot event edit uyv3m2bq4kzjxw5a --at 2026-12-24 --confirmed          # that date takes place after all"
)]
pub(crate) struct Args {
    /// Your event, or one you are a co-host of: short id, whole title, URI or CID
    event: String,
    /// A new name
    #[arg(long)]
    pub(super) name: Option<String>,
    /// A new start; the length stays, doors go along, and with a time alone the day stays too
    #[arg(long)]
    pub(super) start: Option<String>,
    /// Only this date of a series
    #[arg(long, value_name = "DATE")]
    pub(super) at: Option<String>,
    /// A word on what changed, up to 280 characters
    #[arg(long)]
    pub(super) note: Option<String>,
    #[command(flatten)]
    pub(super) fields: fields::Fields,
    /// It is certain again: neither tentative, cancelled nor postponed
    #[arg(long, conflicts_with = "tentative")]
    pub(super) confirmed: bool,
    /// Give up what was changed on single dates that the series no longer has
    #[arg(long)]
    drop_changes: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let bare = args == Args { event: args.event.clone(), ..Args::default() };
    if bare && session.out.is_conversation() {
        let (found, mut event) = find_to_change(session, &args.event, "edit it")?;
        kept::fill(&mut event, &kept::read(session, &found.item.uri)?);
        return form::fill(session, "event", Some(&found.item.cid), &super::form::of(&event), |filled, before| {
            change(filled.args(&super::form::meant(filled, before), &[], Some(&found.item.uri))?, session)
        });
    }
    change(args, session)
}

fn change(args: Args, session: &Session) -> Result<()> {
    let (found, old) = find_to_change(session, &args.event, "edit it")?;
    if args.at.is_some() && args.fields.hosts.given() {
        return Err(Error::refused("could not change one date: its hosts are those of the whole series")
            .hint("leave out --at to change them"));
    }
    if let Some(at) = args.at.clone() {
        return date::edit(args, &at, &found.item, &old, session);
    }
    let kept = kept::read(session, &found.item.uri)?;
    let mut event = old.clone();
    kept::fill(&mut event, &kept);
    let old = event.clone();
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
        event.start = fields::start(text, whole_days, Some(old.start.civil_date()), now, &zone)?;
    } else if let Start::Local { local, .. } = &old.start {
        // Another zone moves the event: 20:00 there instead of 20:00 here.
        event.start = if args.fields.whole_days() {
            Start::Date { date: local.date() }
        } else {
            Start::Local { local: *local, zone }
        };
    }
    event.doors = old.doors_beside(&event.start);
    let typed_doors = args.fields.doors();
    args.fields.apply(&mut event, now, session, &found.item.community)?;
    if typed_doors {
        fields::check_doors(&event)?;
    }
    if args.confirmed {
        event.status = Status::Confirmed;
        event.status_note = None;
    }
    if let Some(note) = &args.note {
        event.status_note = Some(clean(note)).filter(|n| !n.is_empty());
    }
    if event.start != old.start || event.recur != old.recur {
        let mut lost = event.carry_overrides(&old);
        lost.retain(|change| old.start.named(&change.at).is_some_and(|at| at.civil_date() >= now.date()));
        if !lost.is_empty() && !args.drop_changes {
            return Err(would_lose(&old, &lost));
        }
    }
    if event.parent.as_ref().is_some_and(|parent| parent.to_string() == found.item.uri) {
        return Err(Error::refused("could not publish the change: the event would be part of itself")
            .hint("--part-of names the festival or series it belongs to"));
    }
    let done = publish(session, &found.item, &old, &event, &kept)?;
    echo(session, &event);
    if !typed_doors {
        fields::say_doors(session, old.doors.as_deref(), event.doors.as_deref());
    }
    kept::say(session, &event, &done.kept);
    let answers = answers::all(session, &found.item)?;
    say_marked(session, &done, answers.len());
    let stray = answers.iter().filter(|(_, answer)| strays(answer, &old, &event, now.date())).count();
    if stray > 0 {
        let n =
            count(stray as u64, "answer to a single date no longer applies", "answers to single dates no longer apply");
        session.out.note(format!("{n}: the series has no such dates any more"));
    }
    Ok(())
}

/// What a published change came to.
pub(super) struct Done {
    /// Places of which the address stays here.
    pub(super) kept: Vec<Kept>,
    /// Earlier answers have to be given again.
    material: bool,
    /// All but so many of this person's own.
    carried: usize,
}

/// Publishes `event` as what follows `old`, unless nothing differs. Both have their whole addresses; what stays here was
/// `known` so far.
pub(super) fn publish(session: &Session, item: &Item, old: &Event, event: &Event, known: &[Kept]) -> Result<Done> {
    if event == old {
        return Err(Error::refused("could not publish the change: nothing was changed")
            .hint("moot event edit --help lists what can be"));
    }
    let (full, mut event) = (event, event.clone());
    let whole = kept::split(&mut event)?;
    let gave_away = kept::gave_away(old, &whole);
    let kept = kept::keep(old, full, known, whole);
    let old = kept::published(old);
    let material = old.material_change(&event);
    let carried = if event == old {
        leak::check(session, &event, Some(&old), &kept)?;
        let line = Line::new().strong("address changed on this machine").text(": nothing of ").id(&item.short);
        record::unchanged_but(session, item, line.text(" had to be published"));
        0
    } else {
        send(session, item, &old, event, "changed", &kept)?
    };
    if kept != known {
        kept::write(session, &item.uri, &kept)?;
    }
    if gave_away {
        session.out.note("the address was public until now: who has the earlier version still has it");
    }
    Ok(Done { kept, material, carried })
}

/// What becomes of the answers that were given before a change which makes people think again.
/// `answers`: how many there are.
pub(super) fn say_marked(session: &Session, done: &Done, answers: usize) {
    if done.material && answers > done.carried {
        session
            .out
            .note("earlier answers are marked as given before the change; those who gave them find it in their inbox");
    }
}

fn would_lose(old: &Event, lost: &[Override]) -> Error {
    let said = Error::refused(format!(
        "could not publish the change: the series would no longer have {}",
        count(lost.len() as u64, "date that was changed on its own", "dates that were changed on their own")
    ));
    let words = |change: &Override| {
        let day = old.start.named(&change.at).map_or_else(|| change.at.clone(), |at| date_words(at.civil_date()));
        let what = change.status.map_or("changed", Status::word);
        let note = change.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        format!("{day}, {what}{note}")
    };
    lost.iter()
        .fold(said, |said, change| said.because(words(change)))
        .hint("--drop-changes gives them up; a time alone, e.g. --start 19:30, keeps every date")
}

/// Is this an answer to a coming date that the series had and has no longer?
fn strays(answer: &Rsvp, old: &Event, new: &Event, today: Date) -> bool {
    let at = answer.day().and_then(folkmoot_schemas::when::parse_date).map(|day| old.start.on(day));
    at.is_some_and(|at| {
        let day = at.civil_date();
        day >= today && recur::has(old, &old.start.on(day)) && !recur::has(new, &new.start.on(day))
    })
}
