//! Does what is about to be published name a street that is kept back? Every event, and every post about one, is asked.

use folkmoot_schemas::records::{event::Event, post::Post};
use serde::Serialize;
use serde_json::Value;

use crate::{
    error::{Error, Result},
    kept::{self, Kept},
    output::Line,
    session::Session,
};

/// A shorter street says nothing where it stands in a text.
const TELLING: usize = 6;

/// Refuses `new` where a text that `old` did not have names a street that is kept back.
pub(crate) fn check(session: &Session, new: &Event, old: Option<&Event>, kept: &[Kept]) -> Result<()> {
    match told(session, new, old, kept)? {
        Some(said) => {
            Err(Error::refused(said).hint("take it out there, or publish the address with --show-place public"))
        }
        None => Ok(()),
    }
}

/// In words what of `new` names a street that is kept back, where `old` did not. What `old` named already can only be
/// pointed out, as otherwise nothing could be mended but everything at once.
pub(crate) fn told(session: &Session, new: &Event, old: Option<&Event>, kept: &[Kept]) -> Result<Option<String>> {
    let found = find(new, old, kept)?;
    if let Some(field) = found.new {
        return Ok(Some(format!("could not keep the address back: {} of the event names the street", words(&field))));
    }
    for field in found.old {
        let line = format!("{} of the event names the street, for everybody to read: take it out", words(&field));
        session.out.note(Line::new().warn(line));
    }
    Ok(None)
}

/// The same of a post about the event at `uri`.
pub(crate) fn check_post(session: &Session, uri: &str, new: &Post, old: Option<&Post>) -> Result<()> {
    match find(new, old, &kept::read(session, uri)?)?.new {
        Some(_) => Err(Error::refused("could not publish the post: it names the street that the event keeps back")
            .because("updates and posts are read by everybody who may read the event, not by those who come alone")
            .hint("take it out, and tell the address to each who comes: by mail, telephone or messenger")),
        None => Ok(()),
    }
}

/// The fields that name a street: one by a text that was not there before, and those that did so already.
#[derive(Debug, Default, PartialEq)]
struct Leaks {
    new: Option<String>,
    old: Vec<String>,
}

fn find(new: &impl Serialize, old: Option<&impl Serialize>, kept: &[Kept]) -> Result<Leaks> {
    let streets: Vec<_> = kept.iter().filter_map(|kept| Some(folded(kept.street()?))).collect();
    let names = |text: &str| streets.iter().any(|street| says(text, street));
    let before = old.map_or(Ok(Vec::new()), texts)?;
    let mut leaks = Leaks::default();
    for (field, text) in texts(new)?.into_iter().filter(|(_, text)| names(text)) {
        match before.contains(&(field.clone(), text)) {
            false => leaks.new = leaks.new.or(Some(field)),
            true if !leaks.old.contains(&field) => leaks.old.push(field),
            true => {}
        }
    }
    Ok(leaks)
}

/// Every text of a record, with the field it stands in, however deep.
fn texts(record: &impl Serialize) -> Result<Vec<(String, String)>> {
    fn walk(field: &str, value: &Value, all: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => all.push((field.to_owned(), text.clone())),
            Value::Array(list) => list.iter().for_each(|value| walk(field, value, all)),
            Value::Object(map) => map.values().for_each(|value| walk(field, value, all)),
            _ => {}
        }
    }
    let value = serde_json::to_value(record).map_err(|error| Error::bug(format!("a record has no JSON: {error}")))?;
    let mut all = Vec::new();
    for (field, value) in value.as_object().into_iter().flatten() {
        walk(field, value, &mut all);
    }
    Ok(all)
}

/// `street` is folded.
fn says(text: &str, street: &str) -> bool {
    let joined = street.replace(' ', "");
    let within = |text: &str| {
        let text = folded(text);
        // As a tag writes it: #HiddenRoad1.
        text.contains(street) || text.split(' ').any(|word| word.contains(&joined))
    };
    street.chars().count() >= TELLING && (within(text) || within(&decoded(text)))
}

/// The words alone, as "hidden road 1", however they are parted and written.
fn folded(text: &str) -> String {
    let text = text.to_lowercase();
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Without the %20 of addresses on the web.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = after.get(2..).unwrap_or_default()).0,
            None => (bytes.push(*first), rest = after).0,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What people call the field.
fn words(field: &str) -> &str {
    match field {
        "status_note" => "the note",
        "name" => "the name",
        "summary" => "the summary",
        "text" => "the text",
        "contact" => "the contact",
        "access" => "the access",
        "places" => "the place",
        "overrides" => "a changed date",
        "tags" => "a tag",
        "acts" => "an act",
        "hosts" => "a host",
        "price" => "the price",
        "links" => "a link",
        "online" => "an online link",
        "image" | "images" => "a picture",
        "source" => "the source",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use folkmoot_schemas::{
        records::event::{Override, Place},
        when::{Start, parse_date},
    };

    #[test]
    fn only_what_is_new_is_refused_and_every_text_is_read() {
        let party = Event::new("Party", Start::Date { date: parse_date("2026-12-05").unwrap() });
        let place = Place { street: Some("Hidden Road 1".into()), ..Place::default() };
        let kept = [Kept::new(place)];
        let leaks = |new: &Event, old: Option<&Event>| find(new, old, &kept).unwrap();
        assert_eq!(leaks(&party, None), Leaks::default());
        let tagged = Event { tags: vec!["gig".into(), "hidden-road-1".into()], ..party.clone() };
        let mut noted = party.clone();
        noted.overrides = vec![Override::new("2026-12-12")];
        noted.overrides[0].note = Some("Not at Hidden Road 1".into());
        for (event, field) in [(&tagged, "tags"), (&noted, "overrides")] {
            assert_eq!(leaks(event, Some(&party)), Leaks { new: Some(field.into()), old: vec![] });
            let named = Leaks { new: None, old: vec![field.into()] };
            assert_eq!(leaks(&Event { summary: Some("Ill".into()), ..event.clone() }, Some(event)), named);
            assert_eq!(leaks(&party, Some(event)), Leaks::default());
        }
    }

    #[test]
    fn a_street_is_found_however_it_is_written() {
        let street = folded("Hidden Road 1");
        for text in [
            "Come to\nhidden  road 1!",
            "https://maps.example/?q=Hidden+Road+1",
            "https://maps.example/Hidden%20Road%201,Leeds",
            "Hidden-Road_1",
            "#HiddenRoad1",
            "100% at %zz Hidden Road 1 %",
        ] {
            assert!(says(text, &street), "{text}");
        }
        assert!(!says("A hidden road", &street) && !says("a 1 b", &folded("A 1")));
    }
}
