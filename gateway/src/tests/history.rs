//! What was changed in an event, as the web says it.

use axum::http::StatusCode;
use folkmoot_schemas::{charter::Visibility, records::revision::Revision, roster::Describe};
use serde_json::{Value, json};

use super::{ask, page};
use crate::sample::{Sample, event, river_street};

/// The text of a page without its tags.
fn words(html: &str) -> String {
    let texts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    texts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_event_that_was_changed_says_what_when_and_by_whom() {
    let river = river_street();
    let (sample, id) = (&river.sample, river.gig.uri.short_id());
    let shown = page(&sample.store, &format!("/e/{id}/history"));
    let said = words(&shown);
    assert!(
        said.contains(
            "When was Friday 25 September 2026, 20:00–23:30 (Europe/Berlin) , now Saturday 26 September 2026, 20:00–23:30 (Europe/Berlin)"
        ),
        "{said}"
    );
    assert!(
        said.find("Changed by The Low Tides When").unwrap() < said.find("Published by The Low Tides").unwrap(),
        "{said}"
    );
    assert!(shown.contains("noindex") && shown.matches("<h1").count() == 1 && shown.len() < 30_000);
    assert!(page(&sample.store, &format!("/e/{id}")).contains(&format!("href=\"/e/{id}/history\"")));

    // Of one that was not, there is nothing to lead to.
    let quiz = river.quiz.uri.short_id();
    assert!(!page(&sample.store, &format!("/e/{quiz}")).contains("/history"));
    assert_eq!(words(&page(&sample.store, &format!("/e/{quiz}/history"))).matches("Published by Cleo").count(), 1);
    for absent in ["aaaaaaaaaaaaaaaa".to_owned(), river.thread.uri.short_id()] {
        assert_eq!(ask(&sample.store, &format!("/e/{absent}/history")).status, StatusCode::NOT_FOUND);
    }
    sample.delete(&sample.somebody(4), &river.gig.uri);
    assert_eq!(ask(&sample.store, &format!("/e/{id}/history")).status, StatusCode::GONE);
}

#[test]
fn what_hosts_and_stewards_changed_stands_in_it_by_their_names() {
    let river = river_street();
    let (sample, ben, cleo) = (&river.sample, river.sample.somebody(2), river.sample.somebody(3));
    let fields = |start: &str, more: Value| {
        let mut fields = json!({
            "name": "Jam", "start": {"local": start, "zone": "Europe/Berlin"},
            "hosts": [{"name": "Ben", "role": "cohost", "did": ben.did().to_string(), "edit": true}],
        });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(fields)
    };
    let jam = sample.publish(&cleo, &river.community, fields("2026-09-30T19:30", json!({})));
    let revise =
        |who, seen, event| sample.publish(who, &river.community, Revision { of: jam.uri.clone(), seen, event });
    revise(&ben, jam.cid, fields("2026-09-30T20:30", json!({"doors": "20:00"})));
    let ada = sample.somebody(1);
    revise(
        &ada,
        jam.cid,
        fields("2026-09-30T20:30", json!({"doors": "20:00", "status": "cancelled", "status_note": "Flood"})),
    );
    let second = sample.edit(&cleo, &jam.uri, fields("2026-10-01T20:30", json!({"doors": "20:00"})));
    let said = words(&page(&sample.store, &format!("/e/{}/history", second.uri.short_id())));
    let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text} is not in {said}"));
    assert!(place("1 October 2026") < place("Changed by Ada , steward Status was confirmed , now cancelled"));
    assert!(place("Ada , steward") < place("Ben Okafor , co-host When was Wednesday 30 September 2026, 19:30"));
    assert!(place("Doors 20:00") < place("Published by Cleo"));
    assert!(!said.contains("Flood"), "the note was taken back: {said}");
}

#[test]
fn an_address_that_was_taken_off_and_hostile_names_do_no_harm_in_it() {
    const BAIT: &str = "\"'></del><script>alert(1)</script>";
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    let party = |name: &str, place: Value| {
        event(json!({"name": name, "start": {"date": "2026-10-01"}, "places": [place], "text": "Ring at Hidden Road"}))
    };
    let mill = |name: &str| json!({"name": name, "street": "Hidden Road 1", "locality": "Leeds"});
    let first = sample.publish(&ada, &community, party("Party", mill("Mill")));
    sample.edit(&ada, &first.uri, party(BAIT, mill(BAIT)));
    let path = format!("/e/{}/history", first.uri.short_id());
    let shown = page(&sample.store, &path);
    assert!(shown.contains("&#60;script&#62;") && shown.contains("name, where"), "{shown}");
    assert!(!shown.contains("<script") && !shown.contains("Hidden"), "{shown}");
    let hidden = event(json!({
        "name": "Party", "start": {"date": "2026-10-01"}, "places": [{"locality": "Leeds", "show": "ask"}],
    }));
    sample.edit(&ada, &first.uri, hidden);
    let shown = page(&sample.store, &path);
    assert!(!shown.contains("Hidden") && !shown.contains("Mill") && shown.contains("where, text"), "{shown}");
    // Nor by going somewhere that is for everybody.
    sample.edit(&ada, &first.uri, party("Fest", json!({"name": "Barn", "locality": "Leeds"})));
    let shown = page(&sample.store, &path);
    assert!(!["Hidden", "Mill", "Party"].iter().any(|gone| shown.contains(gone)), "{shown}");
}
