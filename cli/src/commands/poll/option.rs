//! Which option of a poll a person means.

use folkmoot_schemas::{records::poll::Poll, when::Start};
use jiff::civil::{DateTime, Weekday};

use crate::{
    error::{Error, Result},
    when::{Typed, weekday},
};

/// By its number as lists show it, its words or their beginning, its date or its weekday.
pub(super) fn find(poll: &Poll, text: &str, now: DateTime) -> Result<usize> {
    let folded = text.trim().to_lowercase();
    let words: Vec<String> = poll.options.iter().map(|option| option.words().to_lowercase()).collect();
    // Options may be numbers themselves: what is written exactly so goes first.
    if let Some(at) = words.iter().position(|words| *words == folded) {
        return Ok(at);
    }
    if let Some(at) = folded.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|at| *at < words.len()) {
        return Ok(at);
    }
    let meant = Meant::read(text, now);
    let fits = |at: usize| match &poll.options[at].start {
        Some(start) => meant.is_some_and(|meant| meant.fits(start)),
        None => !folded.is_empty() && words[at].starts_with(&folded),
    };
    let found: Vec<usize> = (0..words.len()).filter(|at| fits(*at)).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        several => {
            let why = if several.is_empty() { "none of the options is called so" } else { "it could be any of these" };
            let shown = if several.is_empty() { (0..words.len()).collect() } else { found };
            let said = Error::refused(format!("could not tell what {text:?} means: {why}"));
            let said =
                shown.iter().fold(said, |said, at| said.because(format!("{}  {}", at + 1, poll.options[*at].words())));
            Err(said.hint("give its number"))
        }
    }
}

/// What was typed for a date. A weekday is that of an option, however far away: not the next day called so.
#[derive(Debug, Clone, Copy)]
struct Meant {
    weekday: Option<Weekday>,
    typed: Typed,
}

impl Meant {
    /// `fri`, `Friday 20:00`, `8pm fri`, `Friday 11 December`, `11 dec`, `20:00`.
    fn read(text: &str, now: DateTime) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let cut = |word: &str| weekday(word.trim_matches(','));
        let (first, last) = (text.split_once(' '), text.rsplit_once(' '));
        let parts = [
            (cut(&text), ""),
            first.map_or((None, ""), |(word, rest)| (cut(word), rest)),
            last.map_or((None, ""), |(rest, word)| (cut(word), rest)),
        ];
        for (weekday, rest) in parts.into_iter().filter(|(weekday, _)| weekday.is_some()) {
            let rest = rest.trim_matches([' ', ',']);
            let typed = match rest {
                "" => Some(Typed { date: None, time: None }),
                rest => Typed::read(rest, now).ok(),
            };
            if let Some(typed) = typed {
                return Some(Self { weekday, typed });
            }
        }
        Typed::read(&text, now).ok().map(|typed| Self { weekday: None, typed })
    }

    fn fits(self, start: &Start) -> bool {
        let date = start.civil_date();
        let day = self.typed.date.is_none_or(|typed| typed == date)
            && self.weekday.is_none_or(|weekday| weekday == date.weekday());
        match start {
            Start::Local { local, .. } => day && self.typed.time.is_none_or(|time| time == local.time()),
            Start::Date { .. } => day && self.typed.time.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{records::poll::PollOption, when::parse_local};
    use jiff::civil::datetime;

    use super::*;

    fn poll(options: Vec<PollOption>) -> Poll {
        Poll {
            question: "?".into(),
            text: None,
            options,
            several: false,
            closes: None,
            place: None,
            duration: None,
            result: None,
        }
    }

    fn meant(poll: &Poll, text: &str) -> Option<usize> {
        find(poll, text, datetime(2026, 11, 24, 18, 30, 0, 0)).ok()
    }

    #[test]
    fn a_date_is_meant_by_its_number_its_day_or_its_time() {
        let option = |text: &str| PollOption {
            start: Some(Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }),
            text: None,
        };
        let poll = poll(vec![option("2026-11-27T20:00"), option("2026-11-28T20:00"), option("2026-11-28T15:00")]);
        for (text, at) in [
            ("2", Some(1)),
            ("fri", Some(0)),
            ("28.11. 15:00", Some(2)),
            ("15:00", Some(2)),
            ("sat", None),
            ("20:00", None),
            ("4", None),
            ("0", None),
            ("sun", None),
        ] {
            assert_eq!(meant(&poll, text), at, "{text}");
        }
    }

    #[test]
    fn a_weekday_is_that_of_an_option_however_far_away_and_doubt_lists_the_options() {
        let option = |text: &str| PollOption {
            start: Some(Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }),
            text: None,
        };
        let poll = poll(vec![
            option("2026-12-11T20:00"),
            option("2026-12-12T20:00"),
            option("2026-12-18T20:00"),
            option("2026-12-18T18:00"),
        ]);
        for (text, at) in [
            ("sat", Some(1)),
            ("Saturday", Some(1)),
            ("sa 20:00", Some(1)),
            ("8pm saturday", Some(1)),
            ("Saturday, 12 December", Some(1)),
            ("Friday 11 December 2026, 20:00", Some(0)),
            ("fri 18:00", Some(3)),
            ("fri", None),
            ("Friday 20:00", None),
            ("sat 12 dec 19:00", None),
            ("sunday 12 dec", None),
            ("next fri", None),
            ("thu", None),
            ("s", None),
        ] {
            assert_eq!(meant(&poll, text), at, "{text}");
        }
        let said = |text: &str| find(&poll, text, datetime(2026, 11, 24, 18, 30, 0, 0)).unwrap_err().detail.join("\n");
        let (several, none) = (said("fri 20:00"), said("thu"));
        assert!(several.contains("3  Friday 18") && !several.contains("2  Saturday"), "{several}");
        assert!(none.contains("2  Saturday") && none.contains("4  Friday"), "{none}");
    }

    #[test]
    fn words_are_meant_by_their_beginning_and_numbers_by_themselves_first() {
        let option = |text: &str| PollOption { start: None, text: Some(text.into()) };
        let food = poll(vec![option("Soup"), option("Salad"), option("2")]);
        for (text, at) in [("so", Some(0)), ("SALAD", Some(1)), ("s", None), ("1", Some(0)), ("2", Some(2)), ("", None)]
        {
            assert_eq!(meant(&food, text), at, "{text}");
        }
    }
}
