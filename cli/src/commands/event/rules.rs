//! How people may answer an event: the flags of `event add` and `event edit` that say so.

use folkmoot_schemas::{
    records::{
        event::{Event, RsvpMode, RsvpRules, ShowAnswers},
        text::clean,
    },
    when::Start,
};
use jiff::{
    ToSpan,
    civil::{DateTime, time},
};

use crate::{
    error::{Error, Result},
    when::Typed,
};

#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Rules {
    /// How many people fit in; 0: as many as like. Who comes later waits, in order
    #[arg(long, help_heading = "Answers", value_name = "N")]
    capacity: Option<u32>,
    /// When all places are taken nobody waits: further answers are refused
    #[arg(long, help_heading = "Answers")]
    no_waitlist: bool,
    /// A waiting list after all
    #[arg(long, help_heading = "Answers", conflicts_with = "no_waitlist")]
    waitlist: bool,
    /// open; approval: each waits until they are given a place; members: no guests of the community; none; or the web
    /// address where answers are taken
    #[arg(long, help_heading = "Answers", value_name = "HOW")]
    answers: Option<String>,
    /// How many each answer may bring, 0 to 10
    #[arg(long, help_heading = "Answers", value_name = "N")]
    plus: Option<u32>,
    /// Until when answers are taken: "4 dec", "fri 18:00"; "" for as long as it lasts
    #[arg(long, help_heading = "Answers", value_name = "WHEN")]
    closes: Option<String>,
    /// Who may read the answers: names, count or hosts
    #[arg(long, help_heading = "Answers", value_name = "WHO", value_parser = ["names", "count", "hosts"])]
    show: Option<String>,
    /// Take no answers
    #[arg(long, help_heading = "Answers", conflicts_with_all = ["capacity", "plus", "show", "answers", "closes"])]
    no_answers: bool,
}

impl Rules {
    pub(crate) fn given(&self) -> bool {
        let flags = [self.no_waitlist, self.waitlist, self.no_answers].contains(&true);
        let texts = [&self.answers, &self.closes, &self.show].into_iter().any(Option::is_some);
        flags || texts || self.capacity.is_some() || self.plus.is_some()
    }

    /// `now` is local to the event's zone.
    pub(crate) fn apply(&self, event: &mut Event, now: DateTime) -> Result<()> {
        if self.no_answers {
            let anchor = event.rsvp.as_ref().and_then(|rules| rules.anchor);
            event.rsvp = Some(RsvpRules { mode: RsvpMode::None, anchor, ..RsvpRules::default() });
            return Ok(());
        }
        if !self.given() {
            return Ok(());
        }
        let closes = match self.closes.as_deref() {
            None => event.rsvp.as_ref().and_then(|rules| rules.closes.clone()),
            Some("") => None,
            Some(text) => Some(closing(text, &event.start, now)?),
        };
        let rules = event.rsvp.get_or_insert_default();
        rules.closes = closes;
        match self.answers.as_deref() {
            Some(how) => (rules.mode, rules.url) = mode(how)?,
            // Whoever says how many may answer takes answers.
            None if rules.mode == RsvpMode::None => rules.mode = RsvpMode::Open,
            None => {}
        }
        match self.capacity {
            Some(0) => (rules.capacity, rules.waitlist) = (None, false),
            Some(places) => {
                rules.waitlist |= rules.capacity.is_none();
                rules.capacity = Some(places);
            }
            None => {}
        }
        rules.waitlist = (rules.waitlist || self.waitlist) && !self.no_waitlist;
        if self.waitlist && rules.capacity.is_none() {
            return Err(Error::refused("could not use --waitlist: there are as many places as people like")
                .hint("say how many there are, --capacity 40"));
        }
        rules.plus_max = self.plus.or(rules.plus_max);
        match self.show.as_deref() {
            Some("names") => rules.show = ShowAnswers::Names,
            Some("count") => rules.show = ShowAnswers::Count,
            Some("hosts") => rules.show = ShowAnswers::Hosts,
            _ => {}
        }
        Ok(())
    }
}

fn mode(how: &str) -> Result<(RsvpMode, Option<String>)> {
    Ok(match how {
        "open" => (RsvpMode::Open, None),
        "approval" => (RsvpMode::Approval, None),
        "members" => (RsvpMode::Members, None),
        "none" => (RsvpMode::None, None),
        url if url.starts_with("http://") || url.starts_with("https://") => (RsvpMode::External, Some(clean(url))),
        other => {
            return Err(Error::refused(format!("could not understand how answers are taken: {other:?}"))
                .hint("write open, approval, members, none, or the web address where they are taken"));
        }
    })
}

/// A day alone is taken whole.
fn closing(text: &str, start: &Start, now: DateTime) -> Result<Start> {
    let typed = Typed::read(text, now)?;
    let day = typed.date.unwrap_or_else(|| start.civil_date());
    match (start.zone(), typed.time) {
        (Some(zone), time_of_day) => {
            let at = day.to_datetime(time_of_day.unwrap_or(time(23, 59, 0, 0)));
            Ok(Start::Local { local: at, zone: zone.to_owned() })
        }
        (None, None) => match day.checked_add(1.day()) {
            Ok(date) => Ok(Start::Date { date }),
            Err(_) => Err(Error::refused(format!("could not understand {text:?}")).hint("write a day, e.g. 4 dec")),
        },
        (None, Some(_)) => Err(Error::refused("could not use a time for --closes: the event takes whole days")
            .hint("give the last day on which answers are taken")),
    }
}
