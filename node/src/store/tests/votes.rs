use folkmoot_schemas::records::{
    event::Event,
    poll::Poll,
    rsvp::{Answer, Rsvp},
    vote::Vote,
};
use ipld_core::{ipld, ipld::Ipld, serde::from_ipld};

use super::*;

const DATE: &str = "2026-05-02T20:00";

fn gig(poll: &Uri) -> Event {
    from_ipld(ipld!({
        "name": "Gig", "start": {"local": DATE, "zone": "Europe/Berlin"}, "rsvp": {"show": "names"},
        "poll": poll.to_string(),
    }))
    .unwrap()
}

/// Open; with `event` closed for it.
fn poll(event: Option<&Uri>) -> Poll {
    let start = |local: &str| ipld!({"start": {"local": local, "zone": "Europe/Berlin"}});
    let mut fields = ipld!({"question": "When?", "options": [start(DATE), start("2026-05-03T20:00")]});
    if let (Ipld::Map(map), Some(event)) = (&mut fields, event) {
        let none = ipld!({"yes": 0, "maybe": 0, "no": 0});
        let tally = ipld!({"people": 0, "counts": [none.clone(), none]});
        map.insert("result".into(), ipld!({"tally": tally, "chosen": DATE, "event": event.to_string()}));
    }
    from_ipld(fields).unwrap()
}

fn vote(poll: &Uri, option: &str, answer: &str) -> Vote {
    from_ipld(ipld!({"poll": poll.to_string(), "choices": [{"option": option, "answer": answer}]})).unwrap()
}

/// Going, maybe, not going; as `scope` sees them.
fn counts(store: &Store, scope: Scope, event: &Uri) -> (u32, u32, u32) {
    let view = store.view(scope).unwrap();
    let answers = view.answers(&found_entry(store, scope, event).unwrap(), None).unwrap();
    assert!(
        scope == Scope::Members || answers.names.is_empty(),
        "who voted for members has not asked to be named to everybody"
    );
    (answers.going, answers.maybe, answers.not_going)
}

#[test]
fn votes_for_the_date_stand_as_answers_until_their_authors_answer() {
    let (ada, bo, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let (a, b, c) = (ada.store(), bo.store(), cleo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo, &cleo]);
    let asked = ada.publish_for(&a, community, Audience::Members, NOON, poll(None));
    for store in [&b, &c] {
        pull(&a, store, community, Scope::Members, WHOLE);
    }
    bo.publish_for(&b, community, Audience::Members, NOON + SECOND, vote(&asked, DATE, "yes"));
    cleo.publish_for(&c, community, Audience::Members, NOON + SECOND, vote(&asked, DATE, "maybe"));
    let event = ada.publish(&a, community, NOON + 2 * SECOND, gig(&asked));
    let close = |event: &Uri, at: u64| {
        let change = edit(&asked.path(), poll(Some(event)));
        ada.commit(&a, community, Audience::Members, at, vec![change]);
    };
    pull(&b, &a, community, Scope::Members, WHOLE);
    pull(&c, &a, community, Scope::Members, WHOLE);
    assert_eq!(counts(&a, Scope::Members, &event), (0, 0, 0), "the poll does not name it yet");
    close(&event, NOON + 3 * SECOND);
    for scope in [Scope::Members, Scope::Public] {
        assert_eq!(counts(&a, scope, &event), (1, 1, 0));
    }
    // Whatever came first, and by whatever way.
    pull(&a, &c, community, Scope::Members, WHOLE);
    pull(&a, &b, community, Scope::Members, WHOLE);
    assert_eq!(counts(&b, Scope::Members, &event), counts(&c, Scope::Members, &event));

    // An answer goes on from the vote.
    let entry = found_entry(&b, Scope::Members, &event).unwrap();
    let before = b.view(Scope::Members).unwrap().standing_answer(&entry, &(bo.did(), None), None).unwrap().unwrap();
    assert_eq!((before.0.uri.collection.as_str(), before.1.status), ("org.folkmoot.vote", Answer::Going));

    let seen = found_entry(&b, Scope::Public, &event).unwrap().cid;
    let no = Rsvp::new(event.clone(), seen, Answer::NotGoing);
    bo.publish_for(&b, community, Audience::Members, NOON + 4 * SECOND, no);
    assert_eq!(counts(&b, Scope::Members, &event), (0, 1, 1));
}

#[test]
fn nobody_gathers_answers_from_a_poll_of_others_or_with_two_events() {
    let (ada, mallory) = (Person::new(1), Person::new(2));
    let (a, m) = (ada.store(), mallory.store());
    let community = found(&a, &ada, Visibility::Public, &[&mallory]);
    let asked = ada.publish_for(&a, community, Audience::Members, NOON, poll(None));
    ada.publish_for(&a, community, Audience::Members, NOON + SECOND, vote(&asked, DATE, "yes"));
    let event = ada.publish(&a, community, NOON + 2 * SECOND, gig(&asked));
    let second = ada.publish(&a, community, NOON + 3 * SECOND, Event { name: "Other".into(), ..gig(&asked) });
    let change = edit(&asked.path(), poll(Some(&event)));
    ada.commit(&a, community, Audience::Members, NOON + 4 * SECOND, vec![change]);
    pull(&a, &m, community, Scope::Members, WHOLE);
    let stolen = mallory.publish(&m, community, NOON + 5 * SECOND, gig(&asked));
    let own = mallory.publish_for(&m, community, Audience::Members, NOON + 6 * SECOND, poll(Some(&event)));
    assert_ne!(own, asked);
    pull(&m, &a, community, Scope::Members, WHOLE);
    assert_eq!(counts(&a, Scope::Members, &event), (1, 0, 0));
    // Votes for one day are none for another; where the plan says that it moved, they were given before the change.
    let later = || folkmoot_schemas::when::Start::Local {
        local: folkmoot_schemas::when::parse_local("2026-05-09T20:00").unwrap(),
        zone: "Europe/Berlin".into(),
    };
    let moved = Event { start: later(), ..gig(&asked) };
    ada.commit(&a, community, Audience::Public, NOON + 7 * SECOND, vec![edit(&event.path(), moved.clone())]);
    assert_eq!(counts(&a, Scope::Members, &event), (0, 0, 0));
    let told = Event { sequence: 1, previous: vec![gig(&asked).start], ..moved };
    ada.commit(&a, community, Audience::Public, NOON + 8 * SECOND, vec![edit(&event.path(), told)]);
    assert_eq!(counts(&a, Scope::Members, &event), (1, 0, 0));
    for event in [&second, &stolen] {
        assert_eq!(counts(&a, Scope::Members, event), (0, 0, 0));
    }
}

#[test]
fn of_a_persons_votes_the_newest_counts_once() {
    let ada = Person::new(1);
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Public, &[]);
    let asked = ada.publish_for(&a, community, Audience::Members, NOON, poll(None));
    for (n, answer) in ["yes", "no", "maybe"].into_iter().enumerate() {
        ada.publish_for(&a, community, Audience::Members, NOON + n as u64 * SECOND + 1, vote(&asked, DATE, answer));
    }
    let view = a.view(Scope::Members).unwrap();
    let votes = view.votes(&asked).unwrap();
    let tally = poll(None).tally(votes.iter().map(|(entry, vote)| (entry.rev, vote)));
    assert_eq!((tally.people, tally.counts[0].maybe, tally.counts[0].yes), (1, 1, 0));
    assert!(a.view(Scope::Public).unwrap().votes(&asked).unwrap().is_empty());
}
