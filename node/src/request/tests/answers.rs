//! What a person is shown of others' answers.

use folkmoot_schemas::{
    Record,
    records::{
        event::{Event, RsvpMode, RsvpRules, ShowAnswers},
        poll::Poll,
        post::{Post, Reply as PostReply},
        rsvp::{Answer, Rsvp, ShowName},
        vote::Vote,
    },
    uri::StrongRef,
};

use super::*;
use crate::{
    publish::tests::clock_from,
    store::{
        Scope,
        tests::{NOON, SECOND, WHOLE, pull},
    },
};

/// Ada holds the event, Bo answered it, Cy looks.
fn answered(show: ShowAnswers, name: ShowName) -> ([Home; 3], folkmoot_schemas::Uri) {
    let [ada, bo, cy] = [1, 2, 3].map(Home::new);
    let club = ada.person.found("Club", Visibility::Public);
    for home in [&bo, &cy] {
        home.person.joins(&club, &ada.person, Role::Member);
    }
    let plan = Event { rsvp: Some(RsvpRules { show, mode: RsvpMode::Approval, ..RsvpRules::default() }), ..gig() };
    let event = ada.person.publish(&club, vec![draft(plan)]).unwrap().items.remove(0);
    let rsvp = Rsvp {
        count: 2,
        note: Some("My ex must not know".into()),
        show: name,
        ..Rsvp::new(event.uri, event.cid, Answer::Going)
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

#[test]
fn a_pin_of_somebodys_hidden_answer_does_not_say_whose_it_is_while_it_stands_or_when_it_is_gone() {
    for (name, named) in [(ShowName::Names, true), (ShowName::Hosts, false)] {
        let ([ada, bo, cy], answer) = answered(ShowAnswers::Names, name);
        let did = bo.person.me.did.to_string();
        let list = |home: &Home| match home.ask(Request::Pins).reply {
            Reply::Pins(pins) => pins,
            other => panic!("{other:?}"),
        };
        for home in [&ada, &cy] {
            let request = Request::PinAdd { target: answer.short_id(), community: None, name: None };
            let pin = match home.ask(request).reply {
                Reply::Pinned { pin, .. } => pin,
                other => panic!("{other:?}"),
            };
            assert_eq!(pin.title.as_deref(), Some("answer: going"), "its note is for the hosts");
        }
        let says = |home: &Home| format!("{:?}", list(home)).contains(&did);
        assert_eq!((says(&ada), says(&cy)), (true, named));
        let gone = Request::Delete { target: answer.to_string(), community: None };
        assert!(matches!(bo.ask(gone).reply, Reply::Deleted { .. }));
        pull(&bo.person.store, &cy.person.store, answer.community, Scope::Members, WHOLE);
        assert_eq!((list(&cy)[0].state.as_str(), says(&cy)), ("gone", named));
    }
}

#[test]
fn a_reply_to_an_answer_names_nobody_whom_the_answer_does_not_name() {
    for (name, named) in [(ShowName::Names, true), (ShowName::Hosts, false)] {
        let ([ada, mut bo, mut cy], answer) = answered(ShowAnswers::Names, name);
        let cid = match ada.person.store.view(Scope::Members).unwrap().get(&answer).unwrap() {
            crate::store::reader::Lookup::Found(entry) => entry.cid,
            other => panic!("{other:?}"),
        };
        let strong = StrongRef { uri: answer.clone(), cid };
        let reply = |parent: &StrongRef, text: &str| {
            let reply = Some(PostReply { root: strong.clone(), parent: parent.clone() });
            let members = crate::publish::Draft {
                audience: Some(folkmoot_schemas::Audience::Members),
                ..draft(Post { reply, ..post(text) })
            };
            ada.person.publish(&answer.community, vec![members]).unwrap().items.remove(0)
        };
        let first = reply(&strong, "Get well soon");
        let second = reply(&StrongRef { uri: first.uri.clone(), cid: first.cid }, "And bring the cables");
        for home in [&bo, &cy] {
            pull(&ada.person.store, &home.person.store, answer.community, Scope::Members, WHOLE);
        }
        let read = |home: &Home, uri: &folkmoot_schemas::Uri| match home.ask(home.get(&uri.to_string())).reply {
            Reply::Item(item) => Record::open(item.record()).unwrap().2.as_post().unwrap().reply.clone(),
            other => panic!("{other:?}"),
        };
        let roots = |home: &Home| [&first.uri, &second.uri].map(|uri| read(home, uri).map(|reply| reply.root.uri));
        let plain = [Some(answer.clone()), Some(answer.clone())];
        assert_eq!((roots(&ada), roots(&bo)), (plain.clone(), plain.clone()));
        let seen = if named { plain } else { [None, Some(first.uri.clone())] };
        assert_eq!(roots(&cy), seen);
        for request in [
            Request::History { target: first.uri.to_string(), community: None },
            Request::Proof { target: first.uri.to_string(), community: None },
        ] {
            assert_eq!(matches!(cy.ask(request.clone()).reply, Reply::Failed(_)), !named);
            assert!(!matches!(bo.ask(request).reply, Reply::Failed(_)));
        }
        // What is pulled in these tests arrives in May.
        for home in [&mut bo, &mut cy] {
            home.person.clock = clock_from(NOON + 7200 * SECOND);
        }
        // Whoever gave it hears of it, by the name of the event; its note is for nobody else.
        let inbox = |home: &Home| match home.ask(Request::Inbox { community: None, all: true, limit: 9 }).reply {
            Reply::Inbox(inbox) => inbox.items,
            other => panic!("{other:?}"),
        };
        let heard = inbox(&bo).into_iter().map(|item| (item.kind, item.headline)).collect::<Vec<_>>();
        let ada_name =
            bo.person.store.view(Scope::Members).unwrap().name(&answer.community, &ada.person.me.did).unwrap();
        assert!(
            heard.contains(&("reply".into(), format!("{ada_name} replied to you under Gig: \u{201c}going\u{201d}"))),
            "{heard:?}"
        );
        assert!(!format!("{:?}", inbox(&cy)).contains(&bo.person.me.did.to_string()));
    }
}

#[test]
fn a_vote_that_stands_as_an_answer_is_named_to_whoever_sees_the_poll() {
    use ipld_core::{ipld, serde::from_ipld};
    let ([ada, bo, cy], answer) = answered(ShowAnswers::Count, ShowName::Names);
    let club = answer.community;
    let start = ipld!({"local": "2026-12-05T20:00", "zone": "Europe/Berlin"});
    let second = ipld!({"start": {"local": "2026-12-06T20:00", "zone": "Europe/Berlin"}});
    let mut poll: Poll =
        from_ipld(ipld!({"question": "When?", "options": [{"start": start.clone()}, second]})).unwrap();
    let asked = ada.person.publish(&club, vec![draft(poll.clone())]).unwrap().items.remove(0).uri;
    let plan = Event { name: "Concert".into(), poll: Some(asked.clone()), ..gig() };
    let event = ada.person.publish(&club, vec![draft(plan)]).unwrap().items.remove(0).uri;
    let none = ipld!({"yes": 0, "maybe": 0, "no": 0});
    let tally = ipld!({"people": 0, "counts": [none.clone(), none]});
    let result = ipld!({"tally": tally, "chosen": "2026-12-05T20:00", "event": event.to_string()});
    poll.result = Some(from_ipld(result).unwrap());
    pull(&ada.person.store, &bo.person.store, club, Scope::Members, WHOLE);
    let vote = ipld!({"poll": asked.to_string(), "choices": [{"option": "2026-12-05T20:00", "answer": "yes"}]});
    bo.person.publish(&club, vec![draft(from_ipld::<Vote>(vote).unwrap())]).unwrap();
    let rkey = Some(asked.rkey.clone());
    ada.person.publish(&club, vec![crate::publish::Draft { rkey, ..draft(poll) }]).unwrap();
    for from in [&ada, &bo] {
        pull(&from.person.store, &cy.person.store, club, Scope::Members, WHOLE);
    }
    let request = Request::Answers { target: event.to_string(), community: None, occurrence: None };
    match cy.ask(request).reply {
        Reply::Answers(answers) => assert_eq!(answers.people[0].did, bo.person.me.did.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_gets_a_place_by_their_own_name_where_nobody_else_is_called_so() {
    let ([ada, bo, _], answer) = answered(ShowAnswers::Count, ShowName::Names);
    let view = ada.person.store.view(Scope::Members).unwrap();
    let event = match view.get(&answer).unwrap() {
        crate::store::reader::Lookup::Found(entry) => entry.record.as_rsvp().unwrap().clone(),
        other => panic!("{other:?}"),
    };
    let for_guest = |name: &str| {
        let rsvp = Rsvp { guest_name: Some(name.into()), ..event.clone() };
        ada.person.publish(&answer.community, vec![draft(rsvp)]).unwrap();
    };
    let admit = |who: &str, guest: Option<&str>| Request::Admit {
        target: event.event.to_string(),
        community: None,
        occurrence: None,
        who: who.into(),
        guest: guest.map(str::to_owned),
        admit: true,
    };
    let ada_did = ada.person.me.did.to_string();
    for_guest("Hans");
    let placed = |request: Request| match ada.ask(request).reply {
        Reply::Answers(said) => {
            let placed = said.people.into_iter().filter(|line| line.place.as_deref() == Some("admitted"));
            placed.map(|line| line.guest.unwrap_or(line.did)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(placed(admit("hans", None)), ["Hans"]);
    assert!(ada.refused(admit("Hanna", None)).detail[0].contains("Hans (by "));
    for_guest("hans");
    assert_eq!(ada.refused(admit("hans", None)).detail.len(), 2);
    assert_eq!(placed(admit(&ada_did, Some("hans"))).len(), 2);
    assert_eq!(placed(admit(&bo.person.me.did.to_string(), None)).len(), 3);
}
