//! What a person is shown of others' answers.

use folkmoot_schemas::{
    Record,
    records::{
        event::{Event, RsvpRules, ShowAnswers},
        rsvp::{Answer, Rsvp, ShowName},
    },
};

use super::*;
use crate::store::{
    Scope,
    tests::{WHOLE, pull},
};

/// Ada holds the event, Bo answered it, Cy looks.
fn answered(show: ShowAnswers, name: ShowName) -> ([Home; 3], folkmoot_schemas::Uri) {
    let [ada, bo, cy] = [1, 2, 3].map(Home::new);
    let club = ada.person.found("Club", Visibility::Public);
    for home in [&bo, &cy] {
        home.person.joins(&club, &ada.person, Role::Member);
    }
    let plan = Event { rsvp: Some(RsvpRules { show, ..RsvpRules::default() }), ..gig() };
    let event = ada.person.publish(&club, vec![draft(plan)]).unwrap().items.remove(0);
    let rsvp = Rsvp {
        event: event.uri,
        seen: event.cid,
        seen_sequence: 0,
        seen_plan: None,
        given: None,
        occurrence: None,
        status: Answer::Going,
        count: 2,
        note: Some("My ex must not know".into()),
        show: name,
        guest_name: None,
    };
    let answer = bo.person.publish(&club, vec![draft(rsvp)]).unwrap().items.remove(0).uri;
    for to in [&ada, &cy] {
        to.person.learn(&club, &ada.person);
        pull(&bo.person.store, &to.person.store, club, Scope::Members, WHOLE);
    }
    for to in [&bo, &cy] {
        pull(&ada.person.store, &to.person.store, club, Scope::Members, WHOLE);
    }
    ([ada, bo, cy], answer)
}

#[test]
fn no_way_to_an_answer_shows_a_member_what_is_for_the_hosts() {
    for (show, name, named) in [
        (ShowAnswers::Names, ShowName::Names, true),
        (ShowAnswers::Names, ShowName::Hosts, false),
        (ShowAnswers::Hosts, ShowName::Names, false),
    ] {
        let ([ada, bo, cy], answer) = answered(show, name);
        let (target, did) = (answer.short_id(), bo.person.me.did.to_string());
        let dir = tempfile::tempdir().unwrap();
        let ways = |home: &Home| {
            let path = dir.path().join(&home.person.me.did.to_string()[8..]).display().to_string();
            let (target, community) = (target.clone(), None);
            let all = [
                Request::Get { target: target.clone(), community: None },
                Request::About { target: "Gig".into(), community: None, collection: "org.folkmoot.rsvp".into() },
                Request::History { target: target.clone(), community: None },
                Request::Proof { target: target.clone(), community: None },
                Request::Export { what: Exports::Record(target), community, public: false, path },
            ];
            all.map(|request| home.ask(request).reply)
        };
        for home in [&ada, &bo] {
            let replies = ways(home);
            assert!(!replies.iter().any(|reply| matches!(reply, Reply::Failed(_))));
            match &replies[0] {
                Reply::Item(item) => assert!(item.did == did && item.shown.is_none()),
                other => panic!("{other:?}"),
            }
        }
        let replies = ways(&cy);
        let seen = match &replies {
            [Reply::Item(item), Reply::Items(items), rest @ ..] => {
                assert!(rest.iter().all(|reply| matches!(reply, Reply::Failed(_))), "{rest:?}");
                [item, &items[0]]
            }
            other => panic!("{other:?}"),
        };
        for item in seen {
            let (_, _, record) = Record::open(item.record()).unwrap();
            let rsvp = record.as_rsvp().unwrap();
            assert_eq!((rsvp.count, rsvp.note.as_deref(), item.did == did), (2, None, named));
            assert!(named || !format!("{} {} {}", item.uri, item.author, item.device).contains(&did));
        }
    }
}
