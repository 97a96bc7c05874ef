//! What is ahead of a person, and where they stand.

use folkmoot_schemas::{
    Record,
    records::{
        event::{Event, RsvpRules},
        rsvp::{Answer, Rsvp},
    },
    when::{Start, local_at},
};

use super::*;
use crate::{
    publish::keep_lists,
    store::tests::{WHOLE, pull},
};

#[test]
fn the_agenda_is_in_the_order_of_time_and_says_where_one_stands() {
    let [ada, bo, cy] = [1, 2, 3].map(Home::new);
    let club = ada.person.found("Club", Visibility::Public);
    for home in [&bo, &cy] {
        home.person.joins(&club, &ada.person, Role::Member);
    }
    let on = |name: &str, local: &str, capacity: Option<u32>| {
        let start = Start::Local { local: local.parse().unwrap(), zone: "Europe/Berlin".into() };
        let rsvp = Some(RsvpRules { capacity, waitlist: capacity.is_some(), ..RsvpRules::default() });
        let event = Event { rsvp, ..Event::new(name, start) };
        ada.person.publish(&club, vec![draft(event)]).unwrap().items.remove(0)
    };
    let gig = on("Gig", "2026-12-05T20:00", Some(1));
    let late = on("Late show", "2026-12-05T22:00", None);
    let early = on("Rehearsal", "2026-12-04T19:00", None);
    let spread = || {
        for home in [&bo, &cy] {
            ada.person.learn(&club, &home.person);
            home.person.learn(&club, &ada.person);
            pull(&home.person.store, &ada.person.store, club, Scope::Members, WHOLE);
            pull(&ada.person.store, &home.person.store, club, Scope::Members, WHOLE);
        }
    };
    spread();
    let yes = |home: &Home, event: &crate::publish::PublishedItem| {
        let rsvp = Rsvp::new(event.uri.clone(), event.cid, Answer::Going);
        home.person.publish(&club, vec![draft(rsvp)]).unwrap();
        spread();
        keep_lists(&ada.person.store, &ada.person.me, &ada.person.clock).unwrap();
        spread();
    };
    yes(&cy, &gig);
    for event in [&late, &gig, &early] {
        yes(&bo, event);
    }
    let ahead = |home: &Home| {
        let request = Request::Agenda { community: None, from: 1_796_000_000, to: 1_798_000_000 };
        let Reply::Agenda(agenda) = home.ask(request).reply else { panic!("no agenda") };
        let name = |date: AgendaDate| {
            let (_, _, record) = Record::open(date.date.item.record()).unwrap();
            (record.as_event().unwrap().name.clone(), date.place, date.number)
        };
        agenda.dates.into_iter().map(name).collect::<Vec<_>>()
    };
    let plain = |name: &str| (name.to_owned(), None, None);
    let waits = ("Gig".to_owned(), Some("waiting".to_owned()), Some(1));
    assert_eq!(ahead(&bo), [plain("Rehearsal"), waits, plain("Late show")]);
    assert_eq!(ahead(&cy), [("Gig".to_owned(), Some("admitted".to_owned()), None)]);
    assert_eq!(ahead(&ada), [plain("Rehearsal"), plain("Gig"), plain("Late show")], "who holds it needs no place");
}

#[test]
fn new_events_come_soonest_first_whenever_they_were_written() {
    let [ada, bo] = [1, 2].map(Home::new);
    let club = ada.person.found("Club", Visibility::Public);
    bo.person.joins(&club, &ada.person, Role::Member);
    let now = bo.person.clock.seconds();
    let on = |name: &str, days: i64| {
        let local =
            local_at(now + days * 86_400, "UTC").unwrap().with().second(0).subsec_nanosecond(0).build().unwrap();
        Event::new(name, Start::Local { local, zone: "UTC".into() })
    };
    for (name, days) in [("In spring", 90), ("Tomorrow", 1), ("Next week", 7), ("Next week too", 7)] {
        ada.person.publish(&club, vec![draft(on(name, days))]).unwrap();
    }
    // Bo looks at what is in Ada's store.
    let desk = Desk {
        store: &ada.person.store,
        me: &bo.person.me,
        clock: &bo.person.clock,
        dir: bo.dir.path(),
        live: &bo.live,
    };
    let request = || Request::Agenda { community: None, from: now, to: now + 86_400 };
    let ask = || match handle(&desk, request()).reply {
        Reply::Agenda(info) => {
            info.new.iter().map(|date| ((date.from - now) / 86_400, date.item.uri.clone())).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let said = ask();
    assert_eq!(said.iter().map(|(days, _)| *days).collect::<Vec<_>>(), [1, 7, 7, 90].map(|days| days - 1), "{said:?}");
    assert!(said[1].1 < said[2].1 && said == ask(), "of one time always in the same order: {said:?}");
}
