//! `org.folkmoot.rsvp`: one live answer per (person, event, occurrence, guest name), bound to the revision it saw.

use serde::{Deserialize, Serialize};

use super::{
    event::{ShowAnswers, event_uri, is_plan_id},
    text,
};
use crate::{block::Cid, card::Card, commit::Audience, error::Fault, kind::Kind, limits, tid::Tid, uri::Uri, when};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Going,
    Maybe,
    Interested,
    NotGoing,
}

impl Answer {
    /// For people: "not going".
    pub fn words(self) -> &'static str {
        match self {
            Self::Going => "going",
            Self::Maybe => "maybe",
            Self::Interested => "interested",
            Self::NotGoing => "not going",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShowName {
    /// Everybody the event shows names to.
    #[default]
    Names,
    /// Members of the community, also where the event shows names on pages.
    Members,
    Hosts,
}

impl ShowName {
    /// What somebody says who has chosen nothing, of an event that shows `answers` so: whoever may change that later
    /// shows their name to nobody else.
    pub fn as_promised(answers: ShowAnswers) -> Self {
        match answers {
            ShowAnswers::Names => Self::Names,
            ShowAnswers::Count => Self::Members,
            ShowAnswers::Hosts => Self::Hosts,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rsvp {
    pub event: Uri,
    /// The revision it saw, as text.
    #[serde(with = "crate::block::cid_text")]
    pub seen: Cid,
    pub seen_sequence: u32,
    /// [`Event::plan_id`](super::event::Event::plan_id) of what it saw. None: whoever answered could not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_plan: Option<String>,
    /// The day of one date of a series by its rule, `2026-12-24`, or null for the whole event; never absent. With a time of
    /// day behind it is the same date: the series can have another time since.
    #[serde(deserialize_with = "Option::deserialize")]
    pub occurrence: Option<String>,
    pub status: Answer,
    /// 1–11: the person and up to ten they bring.
    pub count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub show: ShowName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_name: Option<String>,
    /// When the guest gave it, in seconds since 1970, where that is known: of an answer that came by mail. Of two the
    /// later is the newer, whenever they were entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<i64>,
    /// The `rev` of the version since which it has promised no less, where this one but goes on from that: after a change
    /// of plan, say. As much the word of whoever answers as `rev` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Tid>,
}

impl Rsvp {
    /// For oneself, to all of the event as it was before any change, and shown wherever it shows names.
    pub fn new(event: Uri, seen: Cid, status: Answer) -> Self {
        Self {
            event,
            seen,
            seen_sequence: 0,
            seen_plan: None,
            occurrence: None,
            status,
            count: 1,
            note: None,
            show: ShowName::default(),
            guest_name: None,
            given: None,
            since: None,
        }
    }

    /// Since when it stands, of one that was written as `rev`.
    pub fn stands_since(&self, rev: Tid) -> Tid {
        let sent = self.sent().map(|seconds| u64::try_from(seconds).unwrap_or_default().saturating_mul(1_000_000));
        self.since.into_iter().chain(sent.map(|micros| Tid::new(micros, 0))).fold(rev, Tid::min)
    }

    /// When the guest gave it that it is for: of one's own answer only `rev` and `since` say when.
    pub fn sent(&self) -> Option<i64> {
        self.given.filter(|_| self.guest_name.is_some())
    }

    /// It says no more than `older` did: that they come, with as many or fewer.
    pub fn goes_on_from(&self, older: &Self) -> bool {
        self.status == older.status && self.status != Answer::NotGoing && self.count <= older.count
    }

    /// It says what `other` says, if not of the same plan.
    pub fn repeats(&self, other: &Self) -> bool {
        let Self { status, count, note, show, given, .. } = self;
        (status, count, note, show, given) == (&other.status, &other.count, &other.note, &other.show, &other.given)
    }

    /// Of an answer to one date of a series, its day by the rule.
    pub fn day(&self) -> Option<&str> {
        self.occurrence.as_deref().and_then(|at| at.split('T').next())
    }
}

impl Kind for Rsvp {
    const NAME: &'static str = "org.folkmoot.rsvp";
    const AUDIENCE: Audience = Audience::Members;
    const LIMIT: usize = limits::RSVP;
    fn check(&self) -> Result<(), Fault> {
        event_uri("event", &self.event)?;
        if self.seen_plan.as_deref().is_some_and(|plan| !is_plan_id(plan)) {
            return Err(Fault::new("seen_plan", "is not the id of a plan"));
        }
        match self.occurrence.as_deref() {
            Some(at) if when::parse_local(at).is_none() && when::parse_date(at).is_none() => {
                return Err(Fault::new("occurrence", "is not a start such as 2026-12-05T20:00"));
            }
            _ => {}
        }
        if !(1..=11).contains(&self.count) {
            return Err(Fault::new("count", format!("is {}, 1 to 11 are allowed", self.count)));
        }
        if self.given.is_some_and(|at| !(0..=limits::INTEGER).contains(&at)) {
            return Err(Fault::new("given", "is not a time"));
        }
        text::lines_if("note", self.note.as_deref(), limits::RSVP_NOTE)?;
        text::line_if("guest_name", self.guest_name.as_deref(), limits::PERSON_NAME)
    }
    /// 26 characters of sha256([event uri, occurrence, guest name]).
    fn rkey(&self) -> Option<String> {
        Some(crate::derive::id(
            &[Some(&self.event.to_string()), self.occurrence.as_deref(), self.guest_name.as_deref()],
            26,
        ))
    }
    fn card(&self) -> Card {
        let mut facts = vec![("Answer".to_owned(), self.status.words().to_owned())];
        facts.extend((self.count > 1).then(|| ("People".to_owned(), self.count.to_string())));
        facts.extend(self.guest_name.iter().map(|name| ("For".to_owned(), name.clone())));
        facts.extend(self.occurrence.iter().map(|at| ("Date".to_owned(), at.clone())));
        let since = self.since.and_then(|since| when::local_at((since.micros() / 1_000_000) as i64, "UTC"));
        facts.extend(since.map(|at| ("Stands since".to_owned(), at.strftime("%Y-%m-%d %H:%M UTC").to_string())));
        Card { kind: "answer".into(), text: self.note.clone(), facts, about: self.about(), ..Card::default() }
    }
    fn about(&self) -> Option<Uri> {
        Some(self.event.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ipld_core::ipld::Ipld;

    use super::*;
    use crate::{
        Block, Record, Tid,
        block::{DAG_CBOR, cid_of},
        key::Secret,
    };

    fn rsvp() -> Rsvp {
        let uri = |kind: &str| Uri {
            community: cid_of(DAG_CBOR, b"charter"),
            did: Secret::from_seed([7; 32]).did(),
            collection: kind.into(),
            rkey: "3l6oveex3ii2l".into(),
        };
        Rsvp::new(uri("org.folkmoot.event"), cid_of(DAG_CBOR, b"event"), Answer::Going)
    }

    #[test]
    fn an_answer_is_for_one_to_eleven_people() {
        for (count, good) in [(0, false), (1, true), (11, true), (12, false)] {
            assert_eq!(Rsvp { count, ..rsvp() }.check().is_ok(), good, "{count}");
        }
    }

    #[test]
    fn an_answer_names_an_event_and_an_occurrence_by_its_start() {
        let mut post = rsvp();
        post.event.collection = "org.folkmoot.post".into();
        assert_eq!(post.check().unwrap_err().field, "event");
        for (at, good) in
            [("2026-12-05T20:00", true), ("2026-12-05", true), ("2026-12-05T20:00:00", false), ("soon", false)]
        {
            assert_eq!(Rsvp { occurrence: Some(at.into()), ..rsvp() }.check().is_ok(), good, "{at}");
        }
    }

    #[test]
    fn a_guest_has_a_name_of_one_line() {
        for (name, good) in [("Grandma", true), ("", false), ("A\nB", false)] {
            assert_eq!(Rsvp { guest_name: Some(name.into()), ..rsvp() }.check().is_ok(), good, "{name:?}");
        }
    }

    #[test]
    fn an_answer_was_given_at_some_time_or_none_is_known() {
        for (given, good) in [(0, true), (limits::INTEGER, true), (-1, false), (limits::INTEGER + 1, false)] {
            assert_eq!(Rsvp { given: Some(given), ..rsvp() }.check().is_ok(), good, "{given}");
        }
    }

    #[test]
    fn an_answer_stands_since_what_it_goes_on_from_or_since_the_guest_gave_it_and_never_later_than_it_is_there() {
        let at = |seconds: u64| Tid::new(seconds * 1_000_000, 0);
        let guest_name = Some("Grandma".to_owned());
        let guest = Rsvp { guest_name, ..rsvp() };
        let since =
            |since: Option<u64>, given| Rsvp { since: since.map(at), given, ..guest.clone() }.stands_since(at(50));
        assert_eq!(Rsvp { given: Some(10), ..rsvp() }.stands_since(at(50)), at(50), "one's own is not taken from mail");
        assert_eq!(since(None, None), at(50));
        assert_eq!(since(Some(20), None), at(20));
        assert_eq!(since(Some(20), Some(10)), at(10));
        assert_eq!(since(Some(60), Some(limits::INTEGER)), at(50));
    }

    #[test]
    fn of_an_answer_that_goes_on_from_another_people_read_since_when_it_stands() {
        let since = Some(Tid::new(1_796_500_800_000_000, 0));
        let (old, new) = (Record::from(rsvp()), Record::from(Rsvp { since, ..rsvp() }));
        let said = crate::difference::between(Some(&old), &new);
        assert_eq!(said.len(), 1);
        assert_eq!((said[0].field.as_str(), said[0].to.as_deref()), ("stands since", Some("2026-12-05 20:00 UTC")));
    }

    #[test]
    fn who_says_yes_to_as_many_or_fewer_goes_on_from_what_they_said() {
        let yes = |count| Rsvp { count, ..rsvp() };
        assert!(yes(2).goes_on_from(&yes(2)) && yes(1).goes_on_from(&yes(2)));
        assert!(!yes(3).goes_on_from(&yes(2)));
        let maybe = Rsvp { status: Answer::Maybe, ..rsvp() };
        assert!(!yes(1).goes_on_from(&maybe) && !maybe.goes_on_from(&yes(1)));
        let no = Rsvp { status: Answer::NotGoing, ..rsvp() };
        assert!(!no.goes_on_from(&no));
    }

    #[test]
    fn an_answer_that_does_not_say_which_date_it_is_for_is_not_taken_for_one_to_the_whole_event() {
        let whole = Record::from(Rsvp { occurrence: None, ..rsvp() });
        let block = whole.encode(Tid::new(1, 1)).unwrap();
        assert_eq!(Record::view(&block).unwrap().1, whole);
        let mut map: BTreeMap<String, Ipld> = block.view().unwrap();
        map.remove("occurrence");
        let (_, record) = Record::view(&Block::encode(&map).unwrap()).unwrap();
        assert!(record.as_rsvp().is_none() && record.check().is_err());
    }
}
