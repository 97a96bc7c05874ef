//! Names and links as text: each has one spelling.

use std::{fmt::Display, str::FromStr};

use crate::{
    Audience, Did, Tid, Uri,
    block::parse_cid,
    commit::RepoId,
    link::InviteLink,
    phrase::Phrase,
    uri::check_path,
    when::{parse_date, parse_local},
};

pub(super) fn text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let names = [
        parse_cid(text).is_ok_and(|cid| one_spelling(&cid, text)),
        parsed::<Tid>(text),
        parsed::<Did>(text),
        parsed::<Uri>(text),
        parsed::<RepoId>(text),
        parsed::<Audience>(text),
        check_path(text).is_ok_and(|(collection, rkey)| format!("{collection}/{rkey}") == text),
        parse_date(text).is_some_and(|date| one_spelling(&date, text)),
        parse_local(text).is_some(),
    ];
    let link = InviteLink::parse(text).is_ok_and(|link| {
        let payload = link.payload();
        assert!(text.contains(&payload), "a link has one payload");
        let again = InviteLink::parse(&link.to_link(Some("https://a.example")));
        assert_eq!(again.map(|again| again.payload()), Ok(payload));
        true
    });
    let phrase = Phrase::parse(text).is_ok_and(|phrase| {
        assert_eq!(Phrase::parse(&phrase.words()).map(|again| again.words()), Ok(phrase.words()));
        true
    });
    names.contains(&true) || link || phrase
}

fn parsed<T: FromStr + Display>(text: &str) -> bool {
    T::from_str(text).is_ok_and(|value| one_spelling(&value, text))
}

fn one_spelling(value: &impl Display, text: &str) -> bool {
    assert_eq!(value.to_string(), text, "a name has one spelling");
    true
}
