//! What differs between two versions of a record: field by field, in the words people know them by.

use crate::{card::Card, record::Record};

/// A field that is not as it was. None: it was not there, or is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub field: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// In the order in which people read a record; what is gone stands last. Without `older` all there is.
pub fn between(older: Option<&Record>, newer: &Record) -> Vec<Difference> {
    let (mut before, after) = (older.map(fields).unwrap_or_default(), fields(newer));
    let mut found = Vec::new();
    for (field, to) in after {
        let at = before.iter().position(|(known, _)| *known == field);
        let from = at.map(|at| before.remove(at).1);
        if from.as_ref() != Some(&to) {
            let (from, to) = match from {
                Some(from) => lines(&from, &to),
                None => (None, Some(to)),
            };
            found.push(Difference { field, from, to });
        }
    }
    found.extend(before.into_iter().map(|(field, from)| Difference { field, from: Some(from), to: None }));
    found
}

/// Is nothing of `lost` missing where only `won` counts, which was written without knowing of it? What an answer saw of its
/// event goes along by itself, and the next list of who has a place takes over what every list before it says.
pub fn nothing_is_missing(lost: &Record, won: &Record) -> bool {
    match (lost, won) {
        (Record::Rsvp(lost), Record::Rsvp(won)) => won.repeats(lost),
        (Record::Admission(_), Record::Admission(_)) => true,
        _ => lost == won,
    }
}

/// Of texts of several lines, those between what both begin with and what both end with. None: no lines are left there.
fn lines(from: &str, to: &str) -> (Option<String>, Option<String>) {
    if !from.contains('\n') && !to.contains('\n') {
        return (Some(from.to_owned()), Some(to.to_owned()));
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let begin = old.iter().zip(&new).take_while(same).count();
    let end = old[begin..].iter().rev().zip(new[begin..].iter().rev()).take_while(same).count();
    let middle = |all: &[&str]| {
        let text = all[begin..all.len() - end].join("\n").trim_matches('\n').to_owned();
        Some(text).filter(|text| !text.is_empty())
    };
    (middle(&old), middle(&new))
}

/// Each field once; what there is several of is one value.
fn fields(record: &Record) -> Vec<(String, String)> {
    let all = match record {
        Record::Event(event) => event.in_fields(),
        Record::Revision(revision) => revision.event.in_fields(),
        other => of_card(other.card()),
    };
    let mut grouped: Vec<(String, String)> = Vec::new();
    for (field, value) in all {
        match grouped.iter_mut().find(|(known, _)| *known == field) {
            Some((_, values)) => *values = format!("{values}; {value}"),
            None => grouped.push((field, value)),
        }
    }
    grouped
}

fn of_card(card: Card) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut field = |name: &str, value: Option<String>| all.extend(value.map(|value| (name.to_owned(), value)));
    field("title", card.title);
    field("summary", card.summary);
    field("when", card.start.map(|start| crate::when::words(&start, None, None)));
    field("where", card.place);
    for (label, value) in card.facts {
        field(&label.to_lowercase(), Some(value));
    }
    for image in card.images {
        field("picture", Some(format!("{} ({} × {})", image.alt, image.width, image.height)));
    }
    field("tags", Some(card.tags.join(", ")).filter(|tags| !tags.is_empty()));
    field("language", card.lang);
    field("text", card.text);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::post::Post;

    fn post(text: &str) -> Record {
        Post { text: text.into(), ..Post::default() }.into()
    }

    fn said(older: Option<&Record>, newer: &Record) -> Vec<(String, Option<String>, Option<String>)> {
        between(older, newer).into_iter().map(|d| (d.field, d.from, d.to)).collect()
    }

    #[test]
    fn the_first_version_is_told_whole_and_later_ones_by_what_differs() {
        let some = |text: &str| Some(text.to_owned());
        let old: Record = Post { title: some("Keys"), text: "Behind the bar".into(), ..Post::default() }.into();
        assert_eq!(said(None, &old)[0], ("title".into(), None, some("Keys")));
        assert_eq!(said(Some(&old), &old), []);
        let new = [("text".into(), some("Behind the bar"), some("In the shed")), ("title".into(), some("Keys"), None)];
        assert_eq!(said(Some(&old), &post("In the shed")), new);
    }

    #[test]
    fn an_answer_given_twice_misses_nothing_whatever_it_had_seen_and_another_word_does() {
        use crate::{
            block::{DAG_CBOR, cid_of},
            key::Secret,
            records::rsvp::{Answer, Rsvp},
            uri::Uri,
        };
        let cid = |name: &str| cid_of(DAG_CBOR, name.as_bytes());
        let gig = Uri::new(cid("c"), Secret::from_seed([1; 32]).did(), "org.folkmoot.event", "3l6oveex3ii2l").unwrap();
        let one = Rsvp::new(gig, cid("before"), Answer::Going);
        let again = Rsvp { seen: cid("after"), seen_sequence: 1, seen_plan: Some("plan".into()), ..one.clone() };
        let missing = |other: Rsvp| !nothing_is_missing(&one.clone().into(), &other.into());
        assert!(!missing(again.clone()));
        assert!(missing(Rsvp { status: Answer::Maybe, ..again.clone() }));
        assert!(missing(Rsvp { count: 2, ..again.clone() }));
        assert!(missing(Rsvp { note: Some("late".into()), ..again }));
        assert!(nothing_is_missing(&post("alike"), &post("alike")));
        assert!(!nothing_is_missing(&post("one"), &post("another")));
    }

    #[test]
    fn of_a_long_text_only_the_lines_that_differ_are_told() {
        let of = |from: &str, to: &str| between(Some(&post(from)), &post(to)).remove(0);
        let line = |text: &str| Some(text.to_owned());
        let one = of("a\n\nb\n\nc", "a\n\nB\n\nc");
        assert_eq!((one.from, one.to), (line("b"), line("B")));
        let more = of("a\nc", "a\nb\nc");
        assert_eq!((more.from, more.to), (None, line("b")));
        let fewer = of("a\na\na", "a\na");
        assert_eq!((fewer.from, fewer.to), (line("a"), None));
    }
}
