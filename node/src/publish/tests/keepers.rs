//! Who keeps the list when people go and come back, and which list then counts.

use folkmoot_schemas::records::{
    admission::{Decision, Standing},
    event::{Host, HostRole, RsvpMode, RsvpRules},
};

use super::{
    lists::{ADA, BO, CY, Club, DEE, EVE, FAY, PLACE, keep, places},
    *,
};
use crate::store::tests::{WHOLE, pull};

const DECLINED: Option<Standing> = Some(Standing::Declined);

/// The event is Bo's, and Cy edits it with him; places are given one by one.
fn co_hosted() -> Club {
    Club::new(|people| Event {
        hosts: vec![host(&people[CY], true)],
        rsvp: Some(RsvpRules { mode: RsvpMode::Approval, ..RsvpRules::default() }),
        ..gig()
    })
}

fn host(who: &Person, edit: bool) -> Host {
    Host { did: Some(who.me.did), name: "A host".into(), role: HostRole::Cohost, edit }
}

impl Club {
    /// A day goes by, and everybody's clock agrees.
    fn next_day(&mut self) {
        let now = self.people.iter().map(|person| person.clock.micros()).max().unwrap();
        for person in &mut self.people {
            person.clock = clock_from(now + 86_400_000_000);
        }
    }

    fn decide(&self, by: usize, who: usize, admit: bool) {
        let (by, key) = (&self.people[by], (self.people[who].me.did, None));
        decide(&by.store, &by.me, &by.clock, &by.entry(&self.gig), None, &Decision { key, admit }).unwrap();
        self.spread();
    }

    fn goes(&mut self, who: usize) {
        self.next_day();
        self.spread();
        let who = &self.people[who];
        leave(&who.store, &who.me, &who.clock, &self.community).unwrap();
        self.spread();
        self.next_day();
    }

    fn comes_back(&mut self, who: usize, role: Role) {
        self.next_day();
        let ada = &self.people[ADA];
        readmit(&ada.store, &ada.me, &ada.clock, &self.community, &self.people[who].me.did, role, None).unwrap();
        self.spread();
        self.spread();
        self.next_day();
    }

    fn chooses(&self, anchor: Option<usize>) {
        let anchor = anchor.map(|who| self.people[who].me.did);
        self.edit(|event| event.rsvp.as_mut().unwrap().anchor = anchor);
        self.spread();
    }

    fn keeper(&self) -> Did {
        let ada = &self.people[ADA];
        ada.store.view(Scope::Members).unwrap().anchor(&ada.entry(&self.gig)).unwrap()
    }
}

#[test]
fn where_the_author_is_gone_the_first_co_host_goes_on_with_the_list() {
    let mut club = Club::new(|people| Event {
        hosts: vec![host(&people[EVE], false), host(&people[FAY], true), host(&people[CY], true)],
        rsvp: Some(places(1)),
        ..gig()
    });
    club.yes(DEE, 1);
    club.yes(EVE, 1);
    club.run();
    club.goes(BO);
    let stand = |club: &Club| [DEE, EVE].map(|who| club.standing(who));
    assert_eq!(stand(&club), [PLACE, Some(Standing::Waiting(1))], "nobody loses anything meanwhile");
    assert_eq!((club.run(), club.run()), (1, 0));
    assert_eq!(stand(&club), [PLACE, Some(Standing::Waiting(1))]);
    club.say(DEE, club.rsvp(DEE, 1, Answer::NotGoing)).unwrap();
    assert_eq!(club.run(), 1);
    assert_eq!(club.standing(EVE), PLACE);
    assert_eq!(club.keeper(), club.people[CY].me.did, "no guest and no mere name");
}

#[test]
fn what_the_co_host_decided_stands_when_the_author_comes_back() {
    let mut club = co_hosted();
    for who in [DEE, EVE] {
        club.yes(who, 1);
    }
    club.run();
    club.decide(BO, DEE, true);
    club.decide(BO, EVE, false);
    club.goes(BO);
    club.run();
    club.decide(CY, EVE, true);
    club.decide(CY, DEE, false);
    club.comes_back(BO, Role::Member);
    assert_eq!(club.keeper(), club.people[BO].me.did);
    let stand = |club: &Club| [DEE, EVE].map(|who| club.standing(who));
    assert_eq!(stand(&club), [DECLINED, PLACE]);
    assert_eq!((club.run(), club.run()), (1, 0), "and becomes the author's word");
    assert_eq!(stand(&club), [DECLINED, PLACE]);
    // Who was only host for a while has no say any more.
    club.decide(BO, EVE, false);
    assert_eq!(keep(&club.people[CY]), 0);
    assert_eq!(stand(&club), [DECLINED, DECLINED]);
    // Made something else, they came back no second time.
    club.next_day();
    let ada = &club.people[ADA];
    readmit(&ada.store, &ada.me, &ada.clock, &club.community, &club.people[BO].me.did, Role::Moderator, None).unwrap();
    club.spread();
    assert_eq!(stand(&club), [DECLINED, DECLINED]);
}

#[test]
fn an_author_who_comes_back_under_another_did_goes_on_from_the_co_hosts_list() {
    let mut club = co_hosted();
    club.yes(EVE, 1);
    club.run();
    club.decide(BO, EVE, false);
    club.goes(BO);
    club.run();
    club.decide(CY, EVE, true);
    club.next_day();
    let (ada, bo) = (&club.people[ADA], club.people[BO].me.did);
    let mut again = Person::new(7);
    again.clock = clock_from(ada.clock.micros());
    readmit(&ada.store, &ada.me, &ada.clock, &club.community, &again.me.did, Role::Member, Some(bo)).unwrap();
    let identities = vec![newest_identity(&again.store, &again.me.did).unwrap().0];
    again.learn(&club.community, ada);
    for person in club.people.iter().chain([&again]) {
        let batch = Batch { identities: identities.clone(), ..Batch::new(club.community, Audience::Members) };
        person.store.apply(batch, person.clock.micros()).unwrap();
    }
    club.spread();
    for person in &club.people[ADA..=FAY] {
        pull(&person.store, &again.store, club.community, Scope::Members, WHOLE);
    }
    again.clock = clock_from(again.clock.micros() + 86_400_000_000);
    assert_eq!((club.keeper(), club.standing(EVE)), (again.me.did, PLACE));
    assert_eq!((keep(&again), keep(&again)), (1, 0));
    for person in &club.people {
        pull(&again.store, &person.store, club.community, Scope::Members, WHOLE);
    }
    assert_eq!(club.standing(EVE), PLACE);
}

#[test]
fn a_list_from_when_a_co_host_was_chosen_before_or_kept_one_unasked_does_not_come_to_life() {
    let mut club = co_hosted();
    for who in [DEE, EVE] {
        club.yes(who, 1);
    }
    club.chooses(Some(CY));
    club.run();
    club.decide(CY, DEE, false);
    club.chooses(None);
    club.next_day();
    club.decide(BO, DEE, true);
    // With a program of their own.
    club.next_day();
    let cy = &club.people[CY];
    let view = cy.store.view(Scope::Members).unwrap();
    let mut unasked = view.list_of(&cy.entry(&club.gig), None).unwrap().unwrap();
    drop(view);
    unasked.declined = unasked.admitted.drain(..).chain(unasked.waiting.drain(..)).collect();
    let change = Change::Put { rkey: None, record: unasked.into(), again: true };
    commit(&cy.store, &cy.me, &cy.clock, &club.community, Audience::Members, vec![change]).unwrap();
    club.goes(BO);
    let stand = |club: &Club| [DEE, EVE].map(|who| club.standing(who));
    assert_eq!(stand(&club), [PLACE, Some(Standing::Waiting(1))]);
    assert_eq!((club.run(), club.run()), (1, 0));
    assert_eq!(stand(&club), [PLACE, Some(Standing::Waiting(1))]);
}

#[test]
fn the_list_of_whoever_was_chosen_is_gone_on_from_when_they_and_the_author_are_gone() {
    let mut club = co_hosted();
    for who in [DEE, FAY] {
        club.yes(who, 1);
    }
    club.run();
    club.decide(BO, DEE, false);
    club.next_day();
    club.chooses(Some(EVE));
    club.run();
    club.decide(EVE, DEE, true);
    for who in [EVE, BO] {
        club.goes(who);
        assert_eq!(club.standing(DEE), PLACE);
    }
    assert_eq!((club.run(), club.run()), (1, 0));
    assert_eq!((club.standing(DEE), club.keeper()), (PLACE, club.people[CY].me.did));
}

#[test]
fn who_was_chosen_and_is_made_a_guest_keeps_no_list_and_what_they_kept_before_goes_on() {
    let mut club = co_hosted();
    club.yes(DEE, 1);
    club.run();
    club.decide(BO, DEE, false);
    club.next_day();
    club.chooses(Some(EVE));
    club.run();
    club.decide(EVE, DEE, true);
    club.next_day();
    let ada = &club.people[ADA];
    remove(&ada.store, &ada.me, &ada.clock, &club.community, &club.people[EVE].me.did, None).unwrap();
    club.spread();
    club.comes_back(EVE, Role::Guest);
    assert_eq!((club.keeper(), club.standing(DEE)), (club.people[BO].me.did, PLACE));
    assert_eq!((club.run(), club.run()), (1, 0));
    assert_eq!(club.standing(DEE), PLACE);
}

#[test]
fn by_a_clock_that_is_behind_nothing_is_written_that_would_not_count() {
    let mut club = co_hosted();
    club.yes(DEE, 1);
    club.run();
    let slow = club.people[CY].clock.micros();
    club.goes(BO);
    club.people[CY].clock = clock_from(slow);
    assert_eq!(keep(&club.people[CY]), 0);
    club.next_day();
    assert_eq!(club.run(), 1);
}
