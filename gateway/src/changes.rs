//! What became of an event from one version to the next, as far as a page says it.
//!
//! The page of a history repeats no text that the event's own page does not have today: what somebody took off a page must
//! not come back by another, and a former name may have held the address that is hidden by now. What is told word by word
//! is what people plan by and no sentence can stand in: times, status, numbers. Of everything else only that it changed.

use folkmoot_schemas::{
    difference::{Difference, between},
    records::event::{Event, Override, Price, RsvpRules},
};

/// Characters of a value that are shown, and fields of one version.
const VALUE: usize = 200;
const FIELDS: usize = 16;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) told: Vec<Change>,
    /// Fields told by their names alone.
    pub(crate) others: Vec<String>,
    /// Fields there is no room for.
    pub(crate) more: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// "When", "Price".
    pub(crate) field: String,
    /// None: there was nothing, or there is nothing any more.
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

/// `now`: the event as it is shown today.
pub(crate) fn between_versions(older: &Event, newer: &Event, now: &Event) -> Changes {
    let differences = |a: &Event, b: &Event| between(Some(&a.clone().into()), &b.clone().into());
    let mut told = differences(&open(older, now), &open(newer, now));
    let named = |field: &str| told.iter().any(|one| one.field == field);
    let mut others: Vec<String> =
        differences(older, newer).into_iter().map(|one| one.field).filter(|field| !named(field)).collect();
    let more = told.len().saturating_sub(FIELDS) + others.len().saturating_sub(FIELDS);
    told.truncate(FIELDS);
    others.truncate(FIELDS);
    Changes { told: told.into_iter().map(Change::from).collect(), others, more }
}

impl From<Difference> for Change {
    fn from(difference: Difference) -> Self {
        let value = |text: Option<String>| text.map(|text| crate::markdown::shorten(&text, VALUE));
        let mut letters = difference.field.chars();
        let field = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        Self { field, from: value(difference.from), to: value(difference.to) }
    }
}

/// What is told of an event: no words but notes that still stand.
fn open(event: &Event, now: &Event) -> Event {
    let note = |text: &Option<String>, stands: Option<&String>| text.clone().filter(|text| Some(text) == stands);
    let date = |change: &Override| {
        let today = now.overrides.iter().find(|today| today.at == change.at && !today.gone);
        let told = Override {
            status: change.status,
            start: change.start.clone(),
            duration: change.duration,
            note: note(&change.note, today.and_then(|today| today.note.as_ref())),
            gone: change.gone,
            ..Override::new(&change.at)
        };
        // One of whose words nothing is told has only its name.
        (told != Override::new(&change.at)).then_some(told)
    };
    let price = |price: &Price| Price {
        note: note(&price.note, now.price.as_ref().and_then(|price| price.note.as_ref())),
        ..price.clone()
    };
    let rules = |rules: &RsvpRules| RsvpRules { anchor: None, url: None, ..rules.clone() };
    Event {
        status: event.status,
        status_note: note(&event.status_note, now.status_note.as_ref()),
        duration: event.duration,
        days: event.days,
        open_end: event.open_end,
        doors: event.doors.clone(),
        mode: event.mode,
        price: event.price.as_ref().map(price),
        age_min: event.age_min,
        recur: event.recur.clone(),
        overrides: event.overrides.iter().filter_map(date).collect(),
        rsvp: event.rsvp.as_ref().map(rules),
        ..Event::new("", event.start.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::occasion::tests::event;

    fn party(fields: Value) -> Event {
        let mut all = json!({"name": "Party", "start": {"local": "2026-10-09T20:00", "zone": "Europe/Berlin"}});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event(all)
    }

    #[test]
    fn what_people_plan_by_is_told_and_of_the_rest_that_it_changed() {
        let place = |street: &str| json!([{"name": "Mill", "street": street, "locality": "Leeds"}]);
        let old = party(json!({
            "places": place("Lane 1"), "text": "Call Eve: 0151 5550123", "contact": "eve@a.example",
            "price": {"min": 800, "currency": "EUR"},
        }));
        let new = party(json!({
            "start": {"local": "2026-10-10T20:00", "zone": "Europe/Berlin"}, "places": place("Lane 2"), "text": "Come",
            "price": {"min": 500, "currency": "EUR"}, "doors": "19:00",
        }));
        let changes = between_versions(&old, &new, &new);
        let told: Vec<(&str, Option<&str>, Option<&str>)> =
            changes.told.iter().map(|c| (c.field.as_str(), c.from.as_deref(), c.to.as_deref())).collect();
        assert_eq!(
            told,
            [
                (
                    "When",
                    Some("Friday 9 October 2026, 20:00 (Europe/Berlin)"),
                    Some("Saturday 10 October 2026, 20:00 (Europe/Berlin)")
                ),
                ("Doors", None, Some("19:00")),
                ("Price", Some("8 EUR"), Some("5 EUR")),
            ]
        );
        assert_eq!(changes.others, ["where", "text", "contact"]);
        assert_eq!(between_versions(&new, &new, &new), Changes::default());
    }

    #[test]
    fn nothing_that_is_not_on_the_page_today_comes_back_whatever_became_of_it_since() {
        let old = party(json!({
            "name": "Party at Hidden Road 1", "status_note": "Hidden Road 1", "places": [{"name": "Hidden Road 1"}],
            "price": {"min": 100, "currency": "EUR", "note": "Hidden Road 1"},
            "recur": {"freq": "weekly"},
            "overrides": [{"at": "2026-10-16T20:00", "status": "cancelled", "note": "Hidden Road 1", "text": "Hidden Road 1",
                           "name": "Hidden Road 1", "places": [{"name": "Hidden Road 1", "street": "Hidden Road 1"}]}],
        }));
        let new = party(json!({
            "places": [{"locality": "Leeds", "show": "ask"}], "status": "tentative", "recur": {"freq": "weekly"},
            "overrides": [{"at": "2026-10-16T20:00", "status": "postponed"}],
        }));
        let changes = between_versions(&old, &new, &new);
        assert!(!format!("{changes:?}").contains("Hidden"), "{changes:#?}");
        let told: Vec<&str> = changes.told.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(told, ["Status", "Friday 16 October 2026", "Price"]);
        assert!(changes.others.iter().any(|field| field == "where"), "{changes:?}");
        // Nor when it is elsewhere by then, nowhere, or under another name.
        for now in [
            json!({"places": [{"name": "Mill", "locality": "Leeds"}]}),
            json!({"mode": "online", "online": [{"url": "https://meet.example/party"}]}),
            json!({"name": "Another party", "recur": {"freq": "weekly"}, "overrides": [{"at": "2026-10-16T20:00", "gone": true}]}),
        ] {
            let now = party(now);
            for (from, to) in [(&old, &now), (&new, &old), (&old, &new)] {
                let changes = between_versions(from, to, &now);
                assert!(!format!("{changes:?}").contains("Hidden"), "{changes:#?}");
                assert!(changes.others.iter().any(|field| field == "where"), "{changes:?}");
            }
        }
        let named = between_versions(&party(json!({"name": "Party at Hidden Road 1"})), &new, &new);
        assert_eq!(named.others[0], "name");
    }

    #[test]
    fn a_note_is_told_as_long_as_it_stands() {
        let (none, ill) = (party(json!({})), party(json!({"status": "postponed", "status_note": "Eve is ill"})));
        let told = |now: &Event| -> Vec<Option<String>> {
            between_versions(&none, &ill, now).told.into_iter().map(|change| change.to).collect()
        };
        assert_eq!(told(&ill), [Some("postponed".into()), Some("Eve is ill".into())]);
        assert_eq!(told(&none), [Some("postponed".into())]);
        assert_eq!(between_versions(&none, &ill, &none).others, ["note"]);
    }

    #[test]
    fn a_version_that_changes_very_much_is_told_in_bounds() {
        let day = |n: usize| json!({"at": format!("2026-{:02}-{:02}T20:00", 10 + n / 28, n % 28 + 1), "note": "x".repeat(500)});
        let new = party(json!({"recur": {"freq": "daily"}, "overrides": (0..80).map(day).collect::<Vec<_>>()}));
        let changes = between_versions(&party(json!({"recur": {"freq": "daily"}})), &new, &new);
        assert_eq!((changes.told.len(), changes.more), (FIELDS, 80 - FIELDS));
        assert!(changes.told.iter().all(|change| change.to.as_ref().is_some_and(|to| to.chars().count() <= VALUE + 1)));
    }
}
