//! Which option of a poll a person means.

use folkmoot_schemas::{records::poll::Poll, when::Start};
use jiff::civil::DateTime;

use crate::{
    error::{Error, Result},
    when::Typed,
};

/// By its number as lists show it, its words or their beginning, or its date.
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
    let typed = Typed::read(text, now).ok();
    let fits = |at: usize| match &poll.options[at].start {
        Some(start) => typed.is_some_and(|typed| same(start, typed)),
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

fn same(start: &Start, typed: Typed) -> bool {
    let day = typed.date.is_none_or(|date| date == start.civil_date());
    match start {
        Start::Local { local, .. } => day && typed.time.is_none_or(|time| time == local.time()),
        Start::Date { .. } => day && typed.time.is_none() && typed.date.is_some(),
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
    fn words_are_meant_by_their_beginning_and_numbers_by_themselves_first() {
        let option = |text: &str| PollOption { start: None, text: Some(text.into()) };
        let food = poll(vec![option("Soup"), option("Salad"), option("2")]);
        for (text, at) in [("so", Some(0)), ("SALAD", Some(1)), ("s", None), ("1", Some(0)), ("2", Some(2)), ("", None)]
        {
            assert_eq!(meant(&food, text), at, "{text}");
        }
    }
}
