//! The last moment for answers: whoever was in by then stays in, and hosts are not bound by it.

use folkmoot_schemas::{
    records::{
        admission::{Decision, Standing},
        event::{RsvpMode, RsvpRules},
    },
    when,
};

use super::{
    lists::{ADA, BO, CY, Club, DEE, EVE, PLACE, choir, places},
    *,
};
use crate::store::tests::{WHOLE, pull};

const DAY: u64 = 86_400;

impl Club {
    /// Answers close now, and a day goes by.
    fn close(&mut self) {
        let now = self.people.iter().map(|person| person.clock.seconds()).max().unwrap();
        let closes = Some(Start::Local { local: when::local_at(now, "UTC").unwrap(), zone: "UTC".into() });
        self.edit(|event| event.rsvp.as_mut().unwrap().closes = closes);
        for person in &mut self.people {
            person.clock = clock_from(person.clock.micros() + DAY * 1_000_000);
        }
        self.spread();
    }

    /// By a program that asks nobody.
    fn force(&self, who: usize, rsvp: Rsvp) {
        let person = &self.people[who];
        let change = Change::Put { rkey: None, record: rsvp.into(), again: false };
        commit(&person.store, &person.me, &person.clock, &self.community, Audience::Members, vec![change]).unwrap();
    }

    /// Whose answers are late, as everybody reads it; guests by their name.
    fn late(&self, at: Option<&str>) -> Vec<String> {
        let of = |reader: usize| {
            let person = &self.people[reader];
            let view = person.store.view(Scope::Members).unwrap();
            let given = view.given(&person.entry(&self.gig), at).unwrap().into_iter().filter(|one| one.late);
            let name = |one: crate::store::answers::Given| match one.rsvp.guest_name {
                Some(guest) => guest,
                None => {
                    let who = self.people.iter().position(|person| person.me.did == one.entry.uri.did).unwrap();
                    ["Ada", "Bo", "Cy", "Dee", "Eve", "Fay"][who].to_owned()
                }
            };
            given.map(name).collect::<Vec<_>>()
        };
        assert_eq!(of(ADA), of(EVE));
        of(ADA)
    }

    fn is_closed(&self, who: usize, rsvp: Rsvp) -> bool {
        matches!(self.say(who, rsvp), Err(PublishError::Unanswerable(Unanswerable::Closed(_))))
    }
}

#[test]
fn who_was_in_in_time_stays_in_when_they_confirm_and_nobody_gains_a_place() {
    let mut club = Club::of(places(5));
    club.yes(CY, 2);
    club.yes(EVE, 1);
    club.run();
    club.close();
    assert!(club.is_closed(DEE, club.rsvp(DEE, 1, Answer::Going)));
    club.edit(|event| event.status = Status::Tentative);
    club.spread();
    assert!(club.is_closed(CY, club.rsvp(CY, 3, Answer::Going)));
    // Twice, as after two changes.
    club.yes(CY, 2);
    club.yes(CY, 2);
    club.force(DEE, club.rsvp(DEE, 1, Answer::Going));
    club.say(EVE, club.rsvp(EVE, 1, Answer::NotGoing)).unwrap();
    club.run();
    assert_eq!(club.late(None), ["Dee"]);
    let open = Some(Standing::Open);
    assert_eq!([CY, DEE].map(|who| club.standing(who)), [Some(Standing::Admitted(2, None)), open]);
    let bo = &club.people[BO];
    let decision = Decision { key: (club.people[DEE].me.did, None), admit: true };
    decide(&bo.store, &bo.me, &bo.clock, &bo.entry(&club.gig), None, &decision).unwrap();
    club.spread();
    assert_eq!(club.standing(DEE), PLACE, "whoever keeps the list can let them in");
    assert!(club.is_closed(EVE, club.rsvp(EVE, 1, Answer::Going)), "who said no is a new guest");
    club.yes(CY, 1);
    assert!(club.is_closed(CY, club.rsvp(CY, 2, Answer::Going)), "who let a place go asks for a new one");
}

#[test]
fn who_came_back_under_another_did_goes_on_from_what_they_had_said() {
    let mut club = Club::of(places(5));
    club.yes(DEE, 2);
    club.spread();
    club.close();
    let (ada, dee) = (&club.people[ADA], club.people[DEE].me.did);
    let mut again = Person::new(7);
    again.clock = clock_from(ada.clock.micros());
    remove(&ada.store, &ada.me, &ada.clock, &club.community, &dee, None).unwrap();
    readmit(&ada.store, &ada.me, &ada.clock, &club.community, &again.me.did, Role::Member, Some(dee)).unwrap();
    again.learn(&club.community, ada);
    let identities = vec![newest_identity(&again.store, &again.me.did).unwrap().0];
    let batch = Batch { identities, ..Batch::new(club.community, Audience::Members) };
    again.store.apply(batch, again.clock.micros()).unwrap();
    pull(&ada.store, &again.store, club.community, Scope::Members, WHOLE);
    let yes = |count| {
        let rsvp = Rsvp { count, ..club.rsvp(ADA, 1, Answer::Going) };
        again.publish(&club.community, vec![draft(rsvp)])
    };
    assert!(matches!(yes(3), Err(PublishError::Unanswerable(Unanswerable::Closed(_)))));
    yes(2).unwrap();
    let view = again.store.view(Scope::Members).unwrap();
    let given = view.given(&again.entry(&club.gig), None).unwrap();
    assert_eq!(given.iter().map(|one| (one.rsvp.count, one.late)).collect::<Vec<_>>(), [(2, false)]);
}

#[test]
fn whoever_confirms_before_there_is_a_list_keeps_their_turn() {
    let club = Club::of(places(1));
    club.yes(CY, 1);
    for _ in 0..99 {
        club.people[DEE].clock.micros();
    }
    club.yes(DEE, 1);
    club.edit(|event| event.status = Status::Tentative);
    club.spread();
    for _ in 0..99 {
        club.people[CY].clock.micros();
    }
    club.yes(CY, 1);
    club.run();
    assert_eq!(club.standing(CY), PLACE);
}

#[test]
fn an_answer_to_one_date_goes_on_from_the_one_to_all_of_them() {
    let mut club = Club::new(choir);
    club.yes(EVE, 1);
    club.close();
    let to = |who: usize, at: &str| Rsvp { occurrence: Some(at.into()), ..club.rsvp(who, 1, Answer::Going) };
    club.say(EVE, to(EVE, "2026-10-10")).unwrap();
    assert!(club.is_closed(DEE, to(DEE, "2026-10-10")));
    club.force(DEE, to(DEE, "2026-10-10"));
    club.spread();
    assert_eq!(club.late(Some("2026-10-10T20:00")), ["Dee"]);
}

#[test]
fn closing_does_not_bind_the_hosts_but_what_a_guest_sent_too_late_is_late() {
    let mut club = Club::of(RsvpRules { mode: RsvpMode::Members, ..places(9) });
    let before = club.people[BO].clock.seconds();
    club.close();
    let after = club.people[BO].clock.seconds();
    let guest = |name: &str, given: Option<i64>| Rsvp {
        guest_name: Some(name.into()),
        given,
        ..club.rsvp(BO, 1, Answer::Going)
    };
    club.yes(BO, 2);
    club.say(BO, guest("Grandma", None)).unwrap();
    club.say(BO, guest("Uncle", Some(before))).unwrap();
    // They say the same of a later plan.
    club.say(BO, guest("Uncle", Some(after))).unwrap();
    assert!(club.is_closed(BO, guest("Aunt", Some(after))));
    club.force(BO, guest("Aunt", Some(after)));
    club.run();
    assert_eq!(club.late(None), ["Aunt"]);
    let list = club.people[ADA].store.view(Scope::Members).unwrap();
    let list = list.list_of(&club.people[ADA].entry(&club.gig), None).unwrap().unwrap();
    assert_eq!(list.admitted.iter().map(|party| party.2).sum::<u32>(), 4);
}
