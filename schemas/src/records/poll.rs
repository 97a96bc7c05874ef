//! `org.folkmoot.poll`: a question to the members, with dates or words to choose from. A poll of dates can become an event.
//!
//! When voting ends cannot be told from the votes: everybody dates their own. So `closes` is an announcement, by which votes that
//! are dated later do not count, and the author's `result` is the end: it says what was counted, and stands whatever comes after.

use serde::{Deserialize, Serialize};

use super::{
    event::{Place, check_place, event_uri, is_false},
    text::{line, line_if, lines_if, list},
    vote::{Choice, Vote},
};
use crate::{card::Card, commit::Audience, error::Fault, kind::Kind, limits, tid::Tid, uri::Uri, when::Start};

/// Options of a poll.
pub const OPTIONS: std::ops::RangeInclusive<usize> = 2..=12;
/// Longest `duration` in seconds: as of an event.
const DURATION: u32 = 14 * 24 * 60 * 60;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    pub question: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// 2–12, all starts or all words.
    pub options: Vec<PollOption>,
    /// Of words: a vote may name more than one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub several: bool,
    /// With a zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Start>,
    /// Of the event that a poll of dates becomes: where, and how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<PollResult>,
}

/// Exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollOption {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What the author counted when they closed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollResult {
    pub tally: Tally,
    /// Key of the option it was decided for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Uri>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub people: u32,
    /// One for each option, in its order.
    pub counts: Vec<Count>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub yes: u32,
    pub maybe: u32,
    pub no: u32,
}

impl PollOption {
    /// How votes name it, so that a vote keeps its meaning whatever the order.
    pub fn key(&self) -> String {
        self.start.as_ref().map_or_else(|| self.text.clone().unwrap_or_default(), Start::text)
    }
}

impl Kind for Poll {
    const NAME: &'static str = "org.folkmoot.poll";
    const AUDIENCE: Audience = Audience::Members;
    const LIMIT: usize = limits::POLL;
    fn check(&self) -> Result<(), Fault> {
        line("question", &self.question, 1, limits::EVENT_NAME)?;
        lines_if("text", self.text.as_deref(), limits::POST_TEXT)?;
        self.check_options()?;
        match &self.closes {
            Some(Start::Date { .. }) => return Err(Fault::new("closes", "has no time of day")),
            Some(start) => start.check("closes")?,
            None => {}
        }
        if let Some(place) = &self.place {
            check_place("place", place)?;
        }
        match self.duration {
            Some(_) if !self.is_dates() => return Err(Fault::new("duration", "belongs to a poll of dates")),
            Some(long) if !(1..=DURATION).contains(&long) => {
                return Err(Fault::new("duration", format!("is {long} seconds, 1 to {DURATION} are allowed")));
            }
            _ => {}
        }
        self.result.as_ref().map_or(Ok(()), |result| self.check_result(result))
    }
    fn card(&self) -> Card {
        let mut facts: Vec<(String, String)> =
            (1..).zip(&self.options).map(|(n, option)| (n.to_string(), option.words())).collect();
        facts.extend(self.closes.iter().map(|closes| ("Closes".to_owned(), crate::when::words(closes, None, None))));
        facts.extend(self.chosen().map(|option| ("Decided".to_owned(), option.words())));
        Card {
            kind: "poll".into(),
            title: Some(self.question.clone()),
            text: self.text.clone(),
            place: self.place.as_ref().and_then(Place::line),
            facts,
            ..Card::default()
        }
    }
}

impl Poll {
    /// Starts, not words.
    pub fn is_dates(&self) -> bool {
        self.options.iter().all(|option| option.start.is_some())
    }

    pub fn chosen(&self) -> Option<&PollOption> {
        let key = self.result.as_ref()?.chosen.as_ref()?;
        self.options.iter().find(|option| option.key() == *key)
    }

    /// May a vote of this rev still count? By its own word, which is all there is.
    pub fn in_time(&self, rev: Tid) -> bool {
        let end = self.closes.as_ref().map_or(i64::MAX, |closes| closes.instant("UTC"));
        i64::try_from(rev.micros() / 1_000_000).is_ok_and(|at| at <= end)
    }

    /// What a vote says of each option, in its order. None: it does not count, since it came late or names two where one may
    /// be named.
    pub fn read(&self, rev: Tid, vote: &Vote) -> Option<Vec<Option<Choice>>> {
        let said = |option: &PollOption| {
            let key = option.key();
            vote.choices.iter().find(|choice| choice.option == key).map(|choice| choice.answer)
        };
        let said: Vec<Option<Choice>> = self.options.iter().map(said).collect();
        let yes = said.iter().filter(|choice| **choice == Some(Choice::Yes)).count();
        let one = self.is_dates() || self.several || yes <= 1;
        (self.in_time(rev) && one && said.iter().any(Option::is_some)).then_some(said)
    }

    /// Of one vote for each person.
    pub fn tally<'a>(&self, votes: impl IntoIterator<Item = (Tid, &'a Vote)>) -> Tally {
        let mut tally = Tally { people: 0, counts: vec![Count::default(); self.options.len()] };
        for said in votes.into_iter().filter_map(|(rev, vote)| self.read(rev, vote)) {
            tally.people = tally.people.saturating_add(1);
            for (count, choice) in tally.counts.iter_mut().zip(said) {
                let field = match choice {
                    Some(Choice::Yes) => &mut count.yes,
                    Some(Choice::Maybe) => &mut count.maybe,
                    Some(Choice::No) => &mut count.no,
                    None => continue,
                };
                *field = field.saturating_add(1);
            }
        }
        tally
    }

    fn check_options(&self) -> Result<(), Fault> {
        let n = self.options.len();
        if !OPTIONS.contains(&n) {
            let (least, most) = (OPTIONS.start(), OPTIONS.end());
            return Err(Fault::new("options", format!("are {n}, {least} to {most} are allowed")));
        }
        list("options", &self.options, *OPTIONS.end(), |field, option| {
            line_if(&format!("{field}.text"), option.text.as_deref(), limits::POLL_OPTION)?;
            match (&option.start, &option.text) {
                (Some(start), None) => start.check(&format!("{field}.start")),
                (None, Some(_)) => Ok(()),
                _ => Err(Fault::new(field, "is neither a start nor words")),
            }
        })?;
        let sort = |option: &PollOption| option.start.as_ref().map(|start| start.zone().map(str::to_owned));
        if self.options.iter().any(|option| sort(option) != sort(&self.options[0])) {
            return Err(Fault::new("options", "are not all words, or all starts of one form and zone"));
        }
        if self.several && self.is_dates() {
            return Err(Fault::new("several", "belongs to a poll of words"));
        }
        let mut keys: Vec<String> = self.options.iter().map(PollOption::key).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Fault::new("options", format!("name {:?} twice", pair[0]))),
            None => Ok(()),
        }
    }

    fn check_result(&self, result: &PollResult) -> Result<(), Fault> {
        if result.tally.counts.len() != self.options.len() {
            return Err(Fault::new("result.tally.counts", "does not have one count for each option"));
        }
        if result.chosen.is_some() && self.chosen().is_none() {
            return Err(Fault::new("result.chosen", "is none of the options"));
        }
        match &result.event {
            Some(_) if !self.is_dates() || result.chosen.is_none() => {
                Err(Fault::new("result.event", "belongs to a poll of dates with one that was chosen"))
            }
            Some(uri) => event_uri("result.event", uri),
            None => Ok(()),
        }
    }
}

impl PollOption {
    /// For people: the date in words, or the words.
    pub fn words(&self) -> String {
        self.start
            .as_ref()
            .map_or_else(|| self.text.clone().unwrap_or_default(), |start| crate::when::words(start, None, None))
    }
}

impl Tally {
    /// The options with the most yes, of those the fewest no, of those the most maybe. More than one: a tie.
    pub fn leading(&self) -> Vec<usize> {
        let rank = |count: &Count| (count.yes, std::cmp::Reverse(count.no), count.maybe);
        let Some(best) = self.counts.iter().map(rank).max().filter(|best| best.0 > 0) else { return Vec::new() };
        (0..self.counts.len()).filter(|at| rank(&self.counts[*at]) == best).collect()
    }
}

pub(crate) fn poll_uri(field: &str, uri: &Uri) -> Result<(), Fault> {
    if uri.collection == Poll::NAME { Ok(()) } else { Err(Fault::new(field, "does not name a poll")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{records::vote::tests::vote, when::parse_local};

    fn local(text: &str) -> Start {
        Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
    }

    fn words(texts: &[&str]) -> Poll {
        let option = |text: &&str| PollOption { start: None, text: Some((*text).into()) };
        Poll {
            question: "What do we eat?".into(),
            text: None,
            options: texts.iter().map(option).collect(),
            several: false,
            closes: None,
            place: None,
            duration: None,
            result: None,
        }
    }

    fn dates(starts: &[&str]) -> Poll {
        let option = |text: &&str| PollOption { start: Some(local(text)), text: None };
        Poll { options: starts.iter().map(option).collect(), ..words(&[]) }
    }

    fn rev(seconds: u64) -> Tid {
        Tid::new(seconds * 1_000_000, 0)
    }

    #[test]
    fn every_limit_names_its_field() {
        let (soup, days) = (words(&["soup", "cake"]), dates(&["2026-12-04T20:00", "2026-12-05T20:00"]));
        let elsewhere = PollOption {
            start: Some(Start::Local { local: parse_local("2026-12-06T20:00").unwrap(), zone: "Europe/Paris".into() }),
            text: None,
        };
        let result = |n: usize, chosen: &str| {
            let tally = Tally { people: 0, counts: vec![Count::default(); n] };
            Some(PollResult { tally, chosen: Some(chosen.into()), event: None })
        };
        assert_eq!((soup.check(), days.check()), (Ok(()), Ok(())));
        for (poll, field) in [
            (Poll { question: " ".into(), ..soup.clone() }, "question"),
            (words(&["soup"]), "options"),
            (words(&["x"; 13]), "options"),
            (words(&["soup", "soup"]), "options"),
            (words(&["soup", ""]), "options[1].text"),
            (Poll { options: vec![soup.options[0].clone(), days.options[0].clone()], ..soup.clone() }, "options"),
            (Poll { options: vec![days.options[0].clone(), elsewhere], ..days.clone() }, "options"),
            (Poll { options: vec![PollOption { start: None, text: None }; 2], ..soup.clone() }, "options[0]"),
            (Poll { several: true, ..days.clone() }, "several"),
            (Poll { duration: Some(60), ..soup.clone() }, "duration"),
            (Poll { duration: Some(0), ..days.clone() }, "duration"),
            (
                Poll {
                    closes: Some(Start::Date { date: crate::when::parse_date("2026-12-01").unwrap() }),
                    ..soup.clone()
                },
                "closes",
            ),
            (Poll { result: result(1, "soup"), ..soup.clone() }, "result.tally.counts"),
            (Poll { result: result(2, "pie"), ..soup.clone() }, "result.chosen"),
        ] {
            assert_eq!(poll.check().unwrap_err().field, field, "{poll:?}");
        }
        assert_eq!(Poll { result: result(2, "cake"), ..soup }.check(), Ok(()));
    }

    #[test]
    fn votes_are_counted_by_their_own_word_and_late_ones_not() {
        let mut poll = dates(&["2026-12-04T20:00", "2026-12-05T20:00"]);
        poll.closes = Some(local("2026-12-01T12:00"));
        let end = poll.closes.as_ref().unwrap().instant("UTC") as u64;
        let votes = [
            (rev(end), vote(&[("2026-12-04T20:00", Choice::Yes), ("2026-12-05T20:00", Choice::Maybe)])),
            (rev(end - 9), vote(&[("2026-12-04T20:00", Choice::No), ("1999-01-01T00:00", Choice::Yes)])),
            (rev(end + 1), vote(&[("2026-12-05T20:00", Choice::Yes)])),
            (rev(end - 1), vote(&[("1999-01-01T00:00", Choice::Yes)])),
        ];
        let tally = poll.tally(votes.iter().map(|(rev, vote)| (*rev, vote)));
        let count = |yes, maybe, no| Count { yes, maybe, no };
        assert_eq!(tally, Tally { people: 2, counts: vec![count(1, 0, 1), count(0, 1, 0)] });
    }

    #[test]
    fn where_one_may_be_chosen_a_vote_for_two_does_not_count() {
        let (one, two) = (vote(&[("soup", Choice::Yes)]), vote(&[("soup", Choice::Yes), ("cake", Choice::Yes)]));
        let poll = words(&["soup", "cake"]);
        let people = |poll: &Poll| poll.tally([(rev(1), &one), (rev(1), &two)]).people;
        assert_eq!((people(&poll), people(&Poll { several: true, ..poll.clone() })), (1, 2));
    }

    #[test]
    fn the_leading_option_is_the_one_fewest_are_against_and_a_tie_is_told() {
        let of = |counts: &[(u32, u32, u32)]| {
            let counts = counts.iter().map(|(yes, maybe, no)| Count { yes: *yes, maybe: *maybe, no: *no }).collect();
            Tally { people: 9, counts }.leading()
        };
        assert_eq!(of(&[(2, 0, 0), (3, 0, 2)]), [1]);
        assert_eq!(of(&[(3, 1, 1), (3, 0, 0)]), [1]);
        assert_eq!(of(&[(3, 1, 0), (3, 1, 0), (1, 9, 0)]), [0, 1]);
        assert!(of(&[(0, 5, 0), (0, 0, 0)]).is_empty());
    }

    #[test]
    fn a_choice_is_named_so_that_another_order_changes_no_vote() {
        let vote = vote(&[("cake", Choice::Yes)]);
        let yes = |poll: &Poll| poll.read(rev(1), &vote).unwrap().iter().position(|c| *c == Some(Choice::Yes));
        assert_eq!((yes(&words(&["soup", "cake"])), yes(&words(&["cake", "soup"]))), (Some(1), Some(0)));
    }
}
