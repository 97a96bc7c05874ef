//! What is ahead of a person.

use folkmoot_schemas::{
    records::event::Event,
    when::{Start, local_at},
};

use super::*;

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
