//! What a person is told they can do.

use folkmoot_schemas::records::event::{Event, Host, HostRole, RsvpRules};

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
