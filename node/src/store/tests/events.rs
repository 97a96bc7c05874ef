use folkmoot_schemas::records::{
    event::Event,
    profile::Profile,
    rsvp::{Answer, Rsvp, ShowName},
};
use ipld_core::{ipld, ipld::Ipld, serde::from_ipld};

use super::*;
use crate::store::{
    answers::stands_before,
    reader::{Entry, Lookup},
};

const DAY: i64 = 86_400;
/// 2026-05-01 00:00 UTC in seconds.
const MAY: i64 = (NOON / SECOND) as i64 - DAY / 2;

fn event(fields: Ipld) -> Event {
    from_ipld(fields).unwrap()
}

fn local(name: &str, start: &str) -> Event {
    event(ipld!({
        "name": name, "start": {"local": start, "zone": "Europe/Berlin"}, "duration": 7200,
    }))
}

fn names(store: &Store, community: Cid, from: i64, to: i64) -> Vec<String> {
    let (found, _) = store.view(Scope::Public).unwrap().events(&community, from..to, 100).unwrap();
    let name = |o: &crate::store::reader::Occurrence| o.entry.record.as_event().unwrap().name.clone();
    found.iter().map(|o| format!("{} {}", name(o), o.instance.at.text())).collect()
}

#[test]
fn events_of_a_window_are_found_whether_short_long_or_repeating() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let open = event(ipld!({
        "name": "Stammtisch", "start": {"local": "2019-03-07T19:00", "zone": "Europe/Berlin"}, "duration": 7200,
        "recur": {"freq": "weekly"},
    }));
    let all_day = event(ipld!({"name": "Fête", "start": {"date": "2026-05-02"}, "days": 1}));
    let festival = event(ipld!({"name": "Festival", "start": {"date": "2026-04-20"}, "days": 60}));
    for (n, event) in [local("Gig", "2026-05-01T20:00"), local("Past", "2025-01-01T20:00"), open, all_day, festival]
        .into_iter()
        .enumerate()
    {
        ada.publish(&store, community, NOON + n as u64, event);
    }
    assert_eq!(
        names(&store, community, MAY, MAY + 7 * DAY),
        ["Festival 2026-04-20", "Gig 2026-05-01T20:00", "Fête 2026-05-02", "Stammtisch 2026-05-07T19:00"]
    );
    assert_eq!(names(&store, community, MAY + 365 * 10 * DAY, MAY + (365 * 10 + 7) * DAY).len(), 1);
    assert_eq!(names(&store, community, MAY - 485 * DAY, MAY - 484 * DAY), ["Past 2025-01-01T20:00"]);
    let view = store.view(Scope::Public).unwrap();
    let (first, cut) = view.events(&community, MAY..MAY + 7 * DAY, 2).unwrap();
    assert_eq!((first.len(), cut), (2, true));
}

#[test]
fn an_event_that_moves_leaves_its_old_date() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let uri = ada.publish(&store, community, NOON, local("Gig", "2026-05-01T20:00"));
    let moved = local("Gig", "2026-06-01T20:00");
    ada.commit(&store, community, Audience::Public, NOON + SECOND, vec![edit(&uri.path(), moved)]);
    assert!(names(&store, community, MAY, MAY + 7 * DAY).is_empty());
    assert_eq!(names(&store, community, MAY, MAY + 60 * DAY), ["Gig 2026-06-01T20:00"]);
    ada.commit(&store, community, Audience::Public, NOON + 2 * SECOND, vec![Change::Remove { path: uri.path() }]);
    assert!(names(&store, community, MAY, MAY + 60 * DAY).is_empty());
}

fn answer(event: &Uri, seen: Cid, status: Answer) -> Rsvp {
    Rsvp::new(event.clone(), seen, status)
}

#[test]
fn answers_are_counted_for_the_public_and_named_as_both_sides_wish() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let with_names = event(ipld!({
        "name": "Gig", "start": {"local": "2026-05-02T20:00", "zone": "Europe/Berlin"}, "rsvp": {"show": "names"},
        "hosts": [{"name": "Bo", "role": "host", "did": bo.did().to_string()}],
    }));
    let uri = ada.publish(&a, community, NOON, with_names.clone());
    pull(&a, &b, community, Scope::Members, WHOLE);
    let seen = found_entry(&b, Scope::Public, &uri).unwrap().cid;
    bo.publish(&b, community, NOON, Profile { name: "Bo".into(), ..from_ipld(ipld!({"name": "Bo"})).unwrap() });
    let rsvps = [
        Rsvp { count: 2, ..answer(&uri, seen, Answer::Going) },
        Rsvp { guest_name: Some("Grandma".into()), ..answer(&uri, seen, Answer::Going) },
        Rsvp { guest_name: Some("Shy".into()), show: ShowName::Hosts, ..answer(&uri, seen, Answer::Going) },
        Rsvp { guest_name: Some("Club".into()), show: ShowName::Members, ..answer(&uri, seen, Answer::Going) },
        Rsvp { guest_name: Some("Perhaps".into()), ..answer(&uri, seen, Answer::Maybe) },
    ];
    bo.commit(&b, community, Audience::Members, NOON, rsvps.map(put).into());
    pull(&b, &a, community, Scope::Members, WHOLE);

    let at = |store: &Store, scope| {
        let view = store.view(scope).unwrap();
        view.answers(&found_entry(store, scope, &uri).unwrap(), None).unwrap()
    };
    let answers = at(&a, Scope::Public);
    assert_eq!((answers.going, answers.maybe, answers.before_change, answers.known), (5, 1, 0, true));
    assert_eq!(answers.names, ["Bo", "Grandma"]);
    assert_eq!(at(&a, Scope::Members).names, ["Bo", "Club", "Grandma"]);
    assert!(a.view(Scope::Public).unwrap().about(&uri, "org.folkmoot.rsvp").unwrap().is_empty());
    assert!(a.view(Scope::Public).unwrap().rsvps(&uri, None).unwrap().is_empty());
    assert_eq!(a.view(Scope::Members).unwrap().rsvps(&uri, None).unwrap().len(), 5);

    // A second answer replaces the first; a material change makes both "before the change".
    bo.commit(&b, community, Audience::Members, NOON + SECOND, vec![put(answer(&uri, seen, Answer::Going))]);
    let later = Event { sequence: 1, ..with_names };
    ada.commit(&a, community, Audience::Public, NOON + SECOND, vec![edit(&uri.path(), later)]);
    pull(&b, &a, community, Scope::Members, WHOLE);
    let answers = at(&a, Scope::Members);
    assert_eq!((answers.going, answers.before_change), (4, 4));

    // A node that is no member knows nothing, and says so.
    let mirror = Store::in_memory().unwrap();
    pull(&a, &mirror, community, Scope::Public, WHOLE);
    assert!(!at(&mirror, Scope::Public).known);
}

#[test]
fn an_answer_for_one_date_stands_before_the_one_for_all() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let uri = ada.publish(&a, community, NOON, local("Choir", "2026-05-02T20:00"));
    let entry = found_entry(&a, Scope::Members, &uri).unwrap();
    let date = |at: &str, status| Rsvp { occurrence: Some(at.into()), ..answer(&uri, entry.cid, status) };
    let answers = [
        date("2026-05-09T20:00", Answer::NotGoing),
        answer(&uri, entry.cid, Answer::Going),
        date("2026-05-16T20:00", Answer::Maybe),
    ];
    ada.commit(&a, community, Audience::Members, NOON, answers.map(put).into());
    let view = a.view(Scope::Members).unwrap();
    let on = |occurrence| {
        let answers = view.answers(&entry, occurrence).unwrap();
        (answers.going, answers.maybe, answers.not_going)
    };
    assert_eq!(on(None), (1, 0, 0));
    assert_eq!(on(Some("2026-05-09T20:00")), (0, 0, 1));
    assert_eq!(on(Some("2026-05-16T20:00")), (0, 1, 0));
    assert_eq!(on(Some("2026-05-23T20:00")), (1, 0, 0));
    // After the series moved to another time of day, answers stay with their date until they are given anew.
    assert_eq!(on(Some("2026-05-16T21:30")), (0, 1, 0));
    let again = date("2026-05-16T21:30", Answer::Going);
    ada.commit(&a, community, Audience::Members, NOON, vec![put(again)]);
    let view = a.view(Scope::Members).unwrap();
    assert_eq!(view.answers(&entry, Some("2026-05-16T21:30")).unwrap().going, 1);
}

#[test]
fn which_of_two_answers_to_one_day_counts_does_not_depend_on_when_they_came() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let event = ada.publish(&store, community, NOON, local("Gig", "2026-05-08T20:00"));
    let answered = |at: &str, rev: u64, updated: u64| {
        let rsvp = Rsvp { occurrence: Some(at.into()), ..answer(&event, community, Answer::Going) };
        let Lookup::Found(entry) = store.view(Scope::Members).unwrap().get(&event).unwrap() else { panic!("no event") };
        (Entry { rev: Tid::new(rev, 0), updated, record: rsvp.clone().into(), ..*entry }, rsvp)
    };
    // One from a device that is ahead of its time counts as of when it came.
    for came in [5, 20] {
        let (ahead, now) = (answered("2026-05-08T20:00", 30, came), answered("2026-05-08", 10, 10));
        assert!(stands_before((&ahead.0, &ahead.1), &now) && !stands_before((&now.0, &now.1), &ahead));
    }
}

#[test]
fn replies_are_found_by_what_they_answer_oldest_first() {
    use folkmoot_schemas::{records::post::Reply, uri::StrongRef};
    let ada = Person::new(1);
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Public, &[]);
    let root = ada.publish(&a, community, NOON, post("root"));
    let cid = found_entry(&a, Scope::Public, &root).unwrap().cid;
    let to = StrongRef { uri: root.clone(), cid };
    for (n, text) in ["one", "two"].into_iter().enumerate() {
        let reply = Reply { root: to.clone(), parent: to.clone() };
        ada.publish(&a, community, NOON + (n as u64 + 1) * SECOND, Post { reply: Some(reply), ..post(text) });
    }
    let replies = a.view(Scope::Public).unwrap().about(&root, "org.folkmoot.post").unwrap();
    let texts: Vec<&str> = replies.iter().map(|entry| entry.record.as_post().unwrap().text.as_str()).collect();
    assert_eq!(texts, ["one", "two"]);
}
