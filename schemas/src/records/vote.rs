//! `org.folkmoot.vote`: what one person says to a poll. One live vote for each person and poll; the newest counts.

use serde::{Deserialize, Serialize};

use super::{
    poll::{OPTIONS, poll_uri},
    text::{line, list},
};
use crate::{card::Card, commit::Audience, error::Fault, kind::Kind, limits, uri::Uri};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub poll: Uri,
    /// ≤ 12, each option at most once. One that the poll does not have says nothing.
    pub choices: Vec<Chosen>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Key of the option: `Start::text`, or its words.
    pub option: String,
    pub answer: Choice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    Yes,
    Maybe,
    No,
}

impl Choice {
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Maybe => "maybe",
            Self::No => "no",
        }
    }
}

impl Vote {
    /// The rkey of everybody's vote in one poll: 26 characters of sha256([poll uri]).
    pub fn key(poll: &Uri) -> String {
        crate::derive::id(&[Some(&poll.to_string())], 26)
    }
}

impl Kind for Vote {
    const NAME: &'static str = "org.folkmoot.vote";
    const AUDIENCE: Audience = Audience::Members;
    const LIMIT: usize = limits::VOTE;
    fn check(&self) -> Result<(), Fault> {
        poll_uri("poll", &self.poll)?;
        list("choices", &self.choices, *OPTIONS.end(), |field, choice| {
            line(&format!("{field}.option"), &choice.option, 1, limits::POLL_OPTION)
        })?;
        let mut names: Vec<&str> = self.choices.iter().map(|choice| choice.option.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Fault::new("choices", format!("name {:?} twice", pair[0]))),
            None => Ok(()),
        }
    }
    fn rkey(&self) -> Option<String> {
        Some(Self::key(&self.poll))
    }
    fn card(&self) -> Card {
        let facts =
            self.choices.iter().map(|choice| (choice.option.clone(), choice.answer.word().to_owned())).collect();
        Card { kind: "vote".into(), facts, about: self.about(), ..Card::default() }
    }
    fn about(&self) -> Option<Uri> {
        Some(self.poll.clone())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        block::{DAG_CBOR, cid_of},
        key::Secret,
        records::{event::Event, poll::Poll},
    };

    fn uri(collection: &str) -> Uri {
        Uri::new(cid_of(DAG_CBOR, b"charter"), Secret::from_seed([1; 32]).did(), collection, "3jzfcijpj2z2a").unwrap()
    }

    pub(in crate::records) fn vote(choices: &[(&str, Choice)]) -> Vote {
        let chosen = |(option, answer): &(&str, Choice)| Chosen { option: (*option).into(), answer: *answer };
        Vote { poll: uri(Poll::NAME), choices: choices.iter().map(chosen).collect() }
    }

    #[test]
    fn a_person_has_one_vote_in_a_poll_and_names_each_option_once() {
        let (yes, no) = (vote(&[("soup", Choice::Yes)]), vote(&[("soup", Choice::No)]));
        assert_eq!(yes.rkey(), no.rkey());
        assert_eq!(yes.check(), Ok(()));
        let twice = vote(&[("soup", Choice::Yes), ("soup", Choice::No)]);
        let many: Vec<String> = (0..13).map(|n| n.to_string()).collect();
        let many: Vec<(&str, Choice)> = many.iter().map(|n| (n.as_str(), Choice::Yes)).collect();
        for (vote, field) in [
            (twice, "choices"),
            (vote(&many), "choices"),
            (vote(&[("", Choice::Yes)]), "choices[0].option"),
            (Vote { poll: uri(Event::NAME), ..yes }, "poll"),
        ] {
            assert_eq!(vote.check().unwrap_err().field, field);
        }
    }
}
