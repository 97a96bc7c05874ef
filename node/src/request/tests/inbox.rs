//! What a person is told they can do.

use folkmoot_schemas::records::{
    event::{Event, Host, HostRole, RsvpRules},
    rsvp::{Answer, Rsvp},
};

use super::*;
use crate::{
    publish::{readmit, remove},
    store::tests::{WHOLE, pull},
};

#[test]
fn a_host_is_told_what_they_may_do_today_and_not_what_they_might_have_done_once() {
    let [ada, bo] = [1, 2].map(Home::new);
    let club = ada.person.found("Club", Visibility::Public);
    bo.person.joins(&club, &ada.person, Role::Member);
    let did = bo.person.me.did;
    let event = Event {
        hosts: vec![Host { did: Some(did), name: "Bo".into(), role: HostRole::Cohost, edit: true }],
        rsvp: Some(RsvpRules { capacity: Some(9), anchor: Some(did), ..RsvpRules::default() }),
        ..gig()
    };
    ada.person.publish(&club, vec![draft(event)]).unwrap();
    let hint = || {
        bo.person.learn(&club, &ada.person);
        pull(&ada.person.store, &bo.person.store, club, Scope::Members, WHOLE);
        let Reply::Inbox(inbox) = bo.ask(Request::Inbox { community: None, all: true, limit: 9 }).reply else {
            panic!("no inbox")
        };
        inbox.items.into_iter().find(|item| item.kind == "host").unwrap().hint.unwrap()
    };
    let member = hint();
    assert!(member.contains("you may change it") && member.contains("your node says"), "{member}");
    let Person { store, me, clock } = &ada.person;
    remove(store, me, clock, &club, &did, None).unwrap();
    readmit(store, me, clock, &club, &did, Role::Guest, None).unwrap();
    let guest = hint();
    assert!(guest.starts_with("you hear of answers to it; who comes: moot event guests"), "{guest}");
}

#[test]
fn a_deleted_event_is_named_to_those_who_answered_it_only_where_a_pin_keeps_it() {
    let [ada, bo, cy] = [1, 2, 3].map(Home::new);
    let club = ada.person.found("Club", Visibility::Public);
    for home in [&bo, &cy] {
        home.person.joins(&club, &ada.person, Role::Member);
    }
    let learn = |home: &Home| {
        home.person.learn(&club, &ada.person);
        pull(&ada.person.store, &home.person.store, club, Scope::Members, WHOLE);
    };
    let event = ada.person.publish(&club, vec![draft(gig())]).unwrap().items.remove(0);
    for home in [&bo, &cy] {
        learn(home);
        let answer = Rsvp { note: Some("with\ncake".into()), ..Rsvp::new(event.uri.clone(), event.cid, Answer::Going) };
        home.person.publish(&club, vec![draft(answer)]).unwrap();
    }
    let pin = Request::PinAdd { target: event.uri.to_string(), community: None, name: None };
    assert!(matches!(cy.ask(pin).reply, Reply::Pinned { .. }));
    ada.ask(Request::Delete { target: event.uri.to_string(), community: None });
    let told = |home: &Home| {
        learn(home);
        let Reply::Inbox(inbox) = home.ask(Request::Inbox { community: None, all: true, limit: 9 }).reply else {
            panic!("no inbox")
        };
        inbox.items.into_iter().find(|item| item.kind == "deleted").unwrap()
    };
    let (ada, short) = (ada.person.me.did.short(), event.uri.short_id());
    let (bo, cy) = (told(&bo), told(&cy));
    assert_eq!(bo.headline, format!("an event you had answered was deleted by {ada}"));
    assert_eq!(cy.headline, format!("{}: deleted by {ada}", gig().name));
    for item in [bo, cy] {
        assert_eq!(item.short, short);
        assert_eq!(item.hint.as_deref(), Some("you said going: with cake"));
    }
    let one_date = Rsvp { occurrence: Some("2026-12-11".into()), ..Rsvp::new(event.uri, event.cid, Answer::NotGoing) };
    let said = crate::inbox::words::answered_once(&one_date);
    assert_eq!(said, "you said not going for Friday 11 December 2026");
}
