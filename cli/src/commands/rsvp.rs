use clap::ValueEnum;
use folkmoot_node::request::{Item, Reply, Request};
use folkmoot_schemas::{
    block::parse_cid,
    records::{
        event::{Event, RsvpMode, ShowAnswers, Status},
        rsvp::{Answer, Rsvp, ShowName},
        text::clean,
    },
    when::{day_words, words},
};

use super::{event, post::parse_uri, show::answers};
use crate::{
    error::{Error, Result},
    output::{Line, count},
    record,
    session::{Session, answer},
    when::zone,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot rsvp \"Harbour Gig\" yes +1\n  moot rsvp uyv3m2bq4kzjxw5a no --at 2026-12-24 --note \"Family\"\n  moot rsvp \"Harbour Gig\" yes --guest \"Grandma\"        # as a host\n\nAnswering yes again after a change of plan confirms; what is not given stays as it was (+0 and --note \"\" take it away). Answers are for members; a public page shows counts or names as the event says."
)]
pub(crate) struct Args {
    /// Short id, whole title, address on our web page, URI or CID
    event: String,
    /// yes, maybe, interested or no
    answer: String,
    /// How many you bring, e.g. +1
    #[arg(value_name = "+N")]
    plus: Option<String>,
    /// Only this date of a series
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
    /// A word to the hosts, who alone are shown it; up to 500 characters
    #[arg(long)]
    note: Option<String>,
    /// Who may see the name [default: whom the event shows names to now; of a guest: hosts]
    #[arg(long)]
    show: Option<Who>,
    /// As a host: answer for somebody who has no account here
    #[arg(long, value_name = "NAME")]
    guest: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Yes,
    Maybe,
    Interested,
    No,
}

impl Word {
    fn read(text: &str) -> Option<Self> {
        Some(match text.to_lowercase().as_str() {
            "yes" | "y" | "going" => Self::Yes,
            "maybe" => Self::Maybe,
            "interested" => Self::Interested,
            "no" | "n" | "notgoing" | "not going" => Self::No,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Who {
    /// Everyone the event shows names to
    Names,
    /// Members of the community, also where pages show names
    Members,
    /// Only the hosts
    Hosts,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let word = word(&args)?;
    let (found, planned) = event::find(session, &args.event)?;
    let instance = args.at.as_deref().map(|text| event::occurrence(session, &planned, text)).transpose()?;
    if let Some(instance) = instance.as_ref().filter(|i| i.cancelled && word != Word::No) {
        return Err(Error::refused("could not answer: that date is cancelled").because(words(
            &instance.start,
            planned.duration,
            planned.days,
        )));
    }
    // A single event has one date; naming it would make a second answer beside the one for the event.
    // By its day, which stays when the series gets another time.
    let occurrence = instance.as_ref().filter(|_| planned.recur.is_some()).map(|i| i.at.civil_date().to_string());
    let guest = args.guest.as_deref().map(clean).filter(|name| !name.is_empty());
    let guest = guest.map(|name| event::guest_called(session, &found.item, name)).transpose()?;
    // Who confirms need not remember what they had said.
    let said = answers(session, &found.item, occurrence.clone())?;
    let own = said.people.iter().find(|line| line.me && line.guest == guest && line.show.is_some());
    let earlier = own.filter(|own| word != Word::No && own.status != "notgoing");
    let most = planned.rsvp.as_ref().and_then(|rules| rules.plus_max).unwrap_or(u32::MAX);
    let bring = match (&args.plus, &earlier) {
        (Some(plus), _) => bring(plus)?,
        (None, earlier) => earlier.map_or(0, |earlier| earlier.count - 1).min(most),
    };
    check(&planned, word, bring)?;
    let cid = parse_cid(found.item.shown_cid())
        .map_err(|error| Error::bug(format!("the node gave a CID that is none: {error}")))?;
    let (status, said) = match word {
        Word::Yes => (Answer::Going, "going"),
        Word::Maybe => (Answer::Maybe, "coming, perhaps"),
        Word::Interested => (Answer::Interested, "interested"),
        Word::No => (Answer::NotGoing, "not going"),
    };
    let mut answer = Rsvp {
        seen_sequence: planned.sequence,
        occurrence,
        count: 1 + bring,
        note: match &args.note {
            Some(note) => Some(clean(note)).filter(|note| !note.is_empty()),
            None => earlier.and_then(|earlier| earlier.note.clone()),
        },
        show: match args.show {
            Some(Who::Names) => ShowName::Names,
            Some(Who::Members) => ShowName::Members,
            Some(Who::Hosts) => ShowName::Hosts,
            None if let Some(show) = own.and_then(|own| own.show) => show,
            // Who never asked to be named here is not.
            None if guest.is_some() => ShowName::Hosts,
            None => ShowName::as_promised(planned.rsvp.as_ref().map_or(ShowAnswers::default(), |rules| rules.show)),
        },
        guest_name: guest.clone(),
        ..Rsvp::new(parse_uri(&found.item.uri)?, cid, status)
    };
    answer.seen_plan = Some(planned.plan_id(answer.day()));
    let kept_note = answer.note.clone().filter(|_| args.note.is_none());
    record::publish_one(session, Some(&found.item.community), record::draft("answer", answer)?, "answered")?;
    let who = guest.as_ref().map_or_else(|| "you are ".to_owned(), |guest| format!("{guest} is "));
    let line = Line::new().text("  ").text(who).text(said).text(": ").strong(&planned.name);
    let line = if bring > 0 { line.text(format!(" with {bring} more")) } else { line };
    session.out.line(match &instance {
        Some(instance) => line.text(", ").text(words(&instance.start, planned.duration, planned.days)),
        None if planned.recur.is_some() => line.text(", every date (one date alone: --at)"),
        None => line.text(", ").text(planned.when_words()),
    });
    if let Some(note) = kept_note {
        session.out.line(Line::new().faint("  note as before: ").text(note));
    }
    if word == Word::Yes && !session.out.json {
        let at = instance.as_ref().filter(|_| planned.recur.is_some()).map(|i| i.at.text());
        let answers = answers(session, &found.item, at)?;
        if let Some(place) = event::own_place(&answers, guest.as_deref()) {
            session.out.line(Line::new().text("  ").and(place));
        }
    }
    if instance.is_none() && !session.out.json {
        say_what_stays(session, &found.item, &planned)?;
    }
    Ok(())
}

/// Our answers to single dates, which one to every date leaves as they are.
fn say_what_stays(session: &Session, item: &Item, event: &Event) -> Result<()> {
    let single = event::to_single_dates(session, item, event)?;
    if single.is_empty() {
        return Ok(());
    }
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let today = zone::wall(session.clock.seconds(), event.start.zone().unwrap_or("UTC")).date();
    for answer in single.iter().filter(|answer| answer.did == me.did && answer.rsvp.guest_name.is_none()) {
        let day = day_words(answer.start.civil_date(), today);
        session.out.line(Line::new().text("  ").text(day).text(" stays: ").text(answer.rsvp.status.words()));
    }
    Ok(())
}

/// The answer; the event and the answer in each other's place are noticed.
fn word(args: &Args) -> Result<Word> {
    Word::read(&args.answer).ok_or_else(|| {
        let said = Error::usage(format!("could not understand the answer {:?}", args.answer));
        match Word::read(&args.event) {
            Some(_) => said.hint(format!("the event comes first: moot rsvp {} {}", args.answer, args.event)),
            None => said.hint("answer yes, maybe, interested or no"),
        }
    })
}

/// `+2`, or `2`.
fn bring(text: &str) -> Result<u32> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|n| plain && *n <= 10).ok_or_else(|| {
        Error::refused(format!("could not understand {text:?}")).hint("write how many you bring as +1 to +10")
    })
}

/// What the event itself rules out.
fn check(event: &Event, answer: Word, bring: u32) -> Result<()> {
    let rules = event.rsvp.clone().unwrap_or_default();
    let refuse = |why: &str| Error::refused(format!("could not answer {:?}: {why}", event.name));
    if matches!(answer, Word::No) {
        return Ok(());
    }
    if event.status == Status::Cancelled {
        return Err(refuse("it is cancelled").hint("nothing to answer: it does not take place"));
    }
    match (rules.mode, rules.url) {
        (RsvpMode::None, _) => return Err(refuse("it takes no answers").hint("just come")),
        (RsvpMode::External, Some(url)) => {
            return Err(refuse("answers are taken elsewhere").because(url).hint("answer there"));
        }
        _ => {}
    }
    match rules.plus_max {
        Some(0) if bring > 0 => Err(refuse("nobody may bring others")),
        Some(most) if bring > most => {
            Err(refuse(&format!("each answer may bring {}", count(u64::from(most), "person", "people"))))
        }
        _ => Ok(()),
    }
}
