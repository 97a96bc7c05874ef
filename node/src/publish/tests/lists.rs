//! Who has a place: the anchor's node keeps the list, everybody else reads it.

use folkmoot_schemas::kind::Kind;
use folkmoot_schemas::records::{
    admission::{Admission, Decision, Party, Standing},
    event::{Host, HostRole, Override, RsvpMode, RsvpRules},
};

use super::*;
use crate::store::{
    answers::Given,
    tests::{WHOLE, pull},
};

/// Ada is steward, the event is Bo's; Cy, Dee and Eve are members, Fay is a guest.
pub(super) struct Club {
    pub(super) people: [Person; 6],
    pub(super) community: Cid,
    pub(super) gig: Uri,
}

pub(super) const ADA: usize = 0;
pub(super) const BO: usize = 1;
pub(super) const CY: usize = 2;
pub(super) const DEE: usize = 3;
pub(super) const EVE: usize = 4;
pub(super) const FAY: usize = 5;

impl Club {
    pub(super) fn new(event: impl FnOnce(&[Person]) -> Event) -> Self {
        let people = [1, 2, 3, 4, 5, 6].map(Person::new);
        let community = people[ADA].found("Club", Visibility::Public);
        for (n, person) in people.iter().enumerate().skip(BO) {
            person.joins(&community, &people[ADA], if n == FAY { Role::Guest } else { Role::Member });
        }
        let event = event(&people);
        people[BO].learn(&community, &people[ADA]);
        let gig = people[BO].publish(&community, vec![draft(event)]).unwrap().items.remove(0).uri;
        let club = Self { people, community, gig };
        club.spread();
        club
    }

    pub(super) fn of(rules: RsvpRules) -> Self {
        Self::new(|_| Event { rsvp: Some(rules), ..gig() })
    }

    pub(super) fn spread(&self) {
        for from in &self.people {
            for to in self.people.iter().filter(|to| to.me.did != from.me.did) {
                to.learn(&self.community, from);
                pull(&from.store, &to.store, self.community, Scope::Members, WHOLE);
            }
        }
    }

    pub(super) fn rsvp(&self, who: usize, count: u32, status: Answer) -> Rsvp {
        let entry = self.people[who].entry(&self.gig);
        Rsvp {
            seen_sequence: entry.record.as_event().unwrap().sequence,
            count,
            ..Rsvp::new(self.gig.clone(), entry.shown_cid(), status)
        }
    }

    pub(super) fn say(&self, who: usize, rsvp: Rsvp) -> Result<Published, PublishError> {
        self.people[who].publish(&self.community, vec![draft(rsvp)])
    }

    pub(super) fn yes(&self, who: usize, count: u32) {
        self.say(who, self.rsvp(who, count, Answer::Going)).unwrap();
    }

    pub(super) fn edit(&self, change: impl FnOnce(&mut Event)) {
        let mut event = self.people[BO].entry(&self.gig).record.as_event().unwrap().clone();
        change(&mut event);
        let rkey = Some(self.gig.rkey.clone());
        self.people[BO].publish(&self.community, vec![Draft { rkey, ..draft(event) }]).unwrap();
    }

    /// As if everybody's node ran for a while: how many lists were written.
    pub(super) fn run(&self) -> usize {
        self.spread();
        let kept = self.people.iter().map(keep);
        let written = kept.sum();
        self.spread();
        written
    }

    pub(super) fn given(&self, reader: usize) -> Vec<Given> {
        let person = &self.people[reader];
        person.store.view(Scope::Members).unwrap().given(&person.entry(&self.gig), None).unwrap()
    }

    pub(super) fn standing(&self, who: usize) -> Option<Standing> {
        let of = |reader| {
            let given = self.given(reader);
            given.iter().find(|one| one.entry.uri.did == self.people[who].me.did).and_then(|one| one.standing)
        };
        assert_eq!(of(ADA), of(FAY), "everybody reads the same");
        of(ADA)
    }
}

pub(super) fn keep(person: &Person) -> usize {
    let kept = keep_lists(&person.store, &person.me, &person.clock).unwrap();
    kept.iter().map(|(_, published)| published.items.len()).sum()
}

pub(super) fn places(capacity: u32) -> RsvpRules {
    RsvpRules { capacity: Some(capacity), waitlist: true, ..RsvpRules::default() }
}

pub(super) const PLACE: Option<Standing> = Some(Standing::Admitted(1, None));

fn waits(number: u32) -> Option<Standing> {
    Some(Standing::Waiting(number))
}

#[test]
fn the_anchors_node_gives_places_in_order_and_moves_the_waiting_up() {
    let club = Club::of(places(2));
    for who in [CY, DEE, EVE] {
        club.yes(who, 1);
    }
    assert_eq!(club.standing(CY), None, "saying yes is not having a place");
    assert_eq!(club.run(), 1);
    assert_eq!([CY, DEE, EVE].map(|who| club.standing(who)), [PLACE, PLACE, waits(1)]);
    assert_eq!(club.run(), 0, "nothing changed, nothing is written");

    club.say(CY, club.rsvp(CY, 1, Answer::NotGoing)).unwrap();
    assert_eq!(club.run(), 1);
    assert_eq!(club.standing(EVE), PLACE);
    let view = club.people[ADA].store.view(Scope::Public).unwrap();
    let answers = view.answers(&club.people[ADA].entry(&club.gig), None).unwrap();
    assert_eq!(answers.listed.map(|listed| (listed.admitted, listed.waiting)), Some((2, 0)));
}

#[test]
fn a_list_by_anybody_else_is_no_list_whatever_it_says() {
    let club = Club::of(places(1));
    club.yes(CY, 1);
    club.yes(DEE, 1);
    club.run();
    let forged = Admission {
        admitted: vec![Party(club.people[DEE].me.did, None, 1)],
        ..Admission::empty(club.gig.clone(), None)
    };
    club.people[DEE].publish(&club.community, vec![draft(forged.clone())]).unwrap();
    club.people[ADA].publish(&club.community, vec![draft(forged)]).unwrap();
    assert_eq!(club.run(), 0);
    assert_eq!([CY, DEE].map(|who| club.standing(who)), [PLACE, waits(1)]);
    let decision = Decision { key: (club.people[DEE].me.did, None), admit: true };
    let dee = &club.people[DEE];
    let decided = decide(&dee.store, &dee.me, &dee.clock, &dee.entry(&club.gig), None, &decision);
    assert!(matches!(decided, Err(PublishError::NotAnchor)));
}

#[test]
fn another_anchor_goes_on_with_the_list_of_the_author() {
    let club = Club::of(places(1));
    club.yes(CY, 1);
    club.run();
    club.yes(DEE, 1);
    let fay = club.people[ADA].me.did;
    club.edit(|event| event.rsvp.as_mut().unwrap().anchor = Some(fay));
    club.spread();
    assert_eq!(keep(&club.people[BO]), 0, "it is not the author's any more");
    assert_eq!(keep(&club.people[ADA]), 1);
    club.spread();
    assert_eq!([CY, DEE].map(|who| club.standing(who)), [PLACE, waits(1)]);
}

#[test]
fn with_approval_places_are_given_one_by_one() {
    let club = Club::of(RsvpRules { mode: RsvpMode::Approval, ..RsvpRules::default() });
    club.yes(CY, 1);
    club.yes(DEE, 2);
    club.run();
    assert_eq!([CY, DEE].map(|who| club.standing(who)), [waits(1), waits(2)]);
    let bo = &club.people[BO];
    let decide = |who: usize, admit| {
        let decision = Decision { key: (club.people[who].me.did, None), admit };
        decide(&bo.store, &bo.me, &bo.clock, &bo.entry(&club.gig), None, &decision).unwrap();
        club.spread();
    };
    decide(DEE, true);
    decide(CY, false);
    assert_eq!(club.standing(DEE), Some(Standing::Admitted(2, None)));
    assert_eq!(club.standing(CY), Some(Standing::Declined));
    assert_eq!(club.run(), 0, "the node goes on from what was decided");
}

#[test]
fn two_devices_that_give_the_last_place_away_take_it_from_nobody() {
    let club = Club::of(places(1));
    // A second device of Bo's, let in everywhere.
    let bo = &club.people[BO];
    let phone = Secret::from_seed([77; 32]);
    let (_, first) = newest_identity(&bo.store, &bo.me.did).unwrap();
    let both = first.devices.iter().cloned().chain([Device {
        key: phone.did(),
        name: "phone".into(),
        added: Tid::new(bo.clock.micros(), 0),
    }]);
    let (block, _) = newest_identity(&bo.store, &bo.me.did).unwrap();
    let identity = Identity { did: bo.me.did, seq: first.seq + 1, prev: Some(*block.cid()), devices: both.collect() };
    let identity = identity.seal(&Secret::from_seed([2; 32])).unwrap();
    let second = Person::new(2);
    let batch = || Batch { identities: vec![identity.clone()], ..Batch::new(club.community, Audience::Members) };
    second.learn(&club.community, bo);
    for person in club.people.iter().chain([&second]) {
        person.store.apply(batch(), person.clock.micros()).unwrap();
    }
    second.store.set_meta(meta::DEVICE, None).unwrap();
    second.store.set_meta(meta::IDENTITY, Some(identity.bytes())).unwrap();
    let me = Me::load(&second.store, phone).unwrap();
    let second = Person { me, ..second };

    // Each hears of one answer, and gives the place away.
    let give = |from: &Person, to: &Person| {
        pull(&from.store, &to.store, club.community, Scope::Members, WHOLE);
    };
    give(&club.people[BO], &second);
    club.yes(CY, 1);
    give(&club.people[CY], &club.people[BO]);
    club.yes(DEE, 1);
    give(&club.people[DEE], &second);
    assert_eq!((keep(&club.people[BO]), keep(&second)), (1, 1));
    for _ in 0..2 {
        give(&club.people[BO], &second);
        give(&second, &club.people[BO]);
        for who in [CY, DEE] {
            give(&club.people[who], &second);
            give(&club.people[who], &club.people[BO]);
        }
        keep(&club.people[BO]);
        keep(&second);
    }
    give(&second, &club.people[BO]);
    give(&club.people[BO], &second);
    assert_eq!((keep(&club.people[BO]), keep(&second)), (0, 0), "they agree");
    for who in [BO, ADA] {
        give(&club.people[BO], &club.people[who]);
        give(&second, &club.people[who]);
    }
    for person in [&club.people[BO], &second] {
        let view = person.store.view(Scope::Members).unwrap();
        let list = view.list_of(&person.entry(&club.gig), None).unwrap().unwrap();
        assert_eq!((list.admitted.len(), list.waiting.len()), (2, 0), "one more than there are places, and nobody out");
    }
}

#[test]
fn who_is_on_the_list_stays_there_until_their_answer_has_come_and_goes_when_it_is_taken_back() {
    let club = Club::of(places(1));
    club.yes(CY, 1);
    club.yes(DEE, 1);
    club.run();
    // Another device of the anchor has the list before it has the answers.
    let bo = &club.people[BO];
    let view = bo.store.view(Scope::Members).unwrap();
    let list = view.list_of(&bo.entry(&club.gig), None).unwrap().unwrap();
    let fresh = Person::new(2);
    fresh.learn(&club.community, bo);
    let only = |from: &Person| pull(&from.store, &fresh.store, club.community, Scope::Members, WHOLE);
    for audience in [Audience::Public, Audience::Members] {
        let update = view
            .heads(&club.community)
            .unwrap()
            .into_iter()
            .find(|head| (head.repo.did, head.repo.audience) == (bo.me.did, audience));
        let delta = view.delta(&club.community, &update.unwrap().repo, None, None, WHOLE).unwrap().unwrap();
        let update = crate::store::RepoUpdate {
            commit: delta.commit,
            since: None,
            put: delta.put,
            gone: delta.gone,
            blocks: delta.blocks,
            first: true,
            complete: true,
        };
        let batch = Batch { repos: vec![update], ..Batch::new(club.community, audience) };
        assert!(fresh.store.apply(batch, fresh.clock.micros()).unwrap().refused.is_empty());
    }
    assert_eq!(keep(&fresh), 0, "it waits for what it has not seen");
    let there = fresh.store.view(Scope::Members).unwrap().list_of(&fresh.entry(&club.gig), None).unwrap();
    assert_eq!(there, Some(list));
    only(&club.people[CY]);
    assert_eq!(keep(&fresh), 0);

    // Deleted, an answer is no unseen one.
    let cy = &club.people[CY];
    let rsvp = cy.store.view(Scope::Members).unwrap().about(&club.gig, Rsvp::NAME).unwrap();
    let own = rsvp.iter().find(|entry| entry.uri.did == cy.me.did).unwrap().uri.clone();
    delete(&cy.store, &cy.me, &cy.clock, &own).unwrap();
    club.run();
    assert_eq!((club.standing(CY), club.standing(DEE)), (None, PLACE));
}

#[test]
fn what_the_rules_do_not_allow_is_said_before_it_is_written() {
    let why = |said: Result<Published, PublishError>| match said {
        Err(PublishError::Unanswerable(why)) => why,
        other => panic!("{other:?}"),
    };
    let club = Club::of(RsvpRules { plus_max: Some(1), mode: RsvpMode::Members, ..RsvpRules::default() });
    assert_eq!(why(club.say(CY, club.rsvp(CY, 3, Answer::Going))), Unanswerable::TooMany(2));
    assert_eq!(why(club.say(FAY, club.rsvp(FAY, 1, Answer::Going))), Unanswerable::Guest);
    let guest = |who| Rsvp { guest_name: Some("Grandma".into()), ..club.rsvp(who, 1, Answer::Going) };
    assert_eq!(why(club.say(CY, guest(CY))), Unanswerable::NotHost);
    club.say(BO, guest(BO)).unwrap();
    let dated = |at: &str| Rsvp { occurrence: Some(at.into()), ..club.rsvp(CY, 1, Answer::Going) };
    assert_eq!(why(club.say(CY, dated("2026-12-05T20:00"))), Unanswerable::NoDate);
    club.edit(|event| event.rsvp.as_mut().unwrap().mode = RsvpMode::None);
    club.spread();
    assert_eq!(why(club.say(CY, club.rsvp(CY, 1, Answer::Maybe))), Unanswerable::Never);
    club.say(CY, club.rsvp(CY, 1, Answer::NotGoing)).unwrap();

    let full = Club::of(RsvpRules { capacity: Some(1), ..RsvpRules::default() });
    full.yes(CY, 1);
    full.run();
    assert_eq!(why(full.say(DEE, full.rsvp(DEE, 1, Answer::Going))), Unanswerable::Full(1));
    full.yes(CY, 1);
}

#[test]
fn who_has_no_place_on_any_date_is_refused_one_where_all_are_taken_whatever_they_said_before() {
    let club = Club::new(|people| Event { rsvp: Some(RsvpRules { waitlist: false, ..places(1) }), ..choir(people) });
    club.yes(CY, 1);
    club.run();
    club.yes(DEE, 1);
    club.run();
    let to = |who| Rsvp { occurrence: Some("2026-10-10".into()), ..club.rsvp(who, 1, Answer::Going) };
    let full = club.say(DEE, to(DEE));
    assert!(matches!(full, Err(PublishError::Unanswerable(Unanswerable::Full(1)))), "{full:?}");
    club.say(CY, to(CY)).unwrap();
}

#[test]
fn readers_count_no_guests_but_the_hosts_and_no_more_than_one_may_bring() {
    let club = Club::new(|people| Event {
        hosts: vec![Host { did: Some(people[CY].me.did), name: "Cy".into(), role: HostRole::Host, edit: false }],
        rsvp: Some(RsvpRules { plus_max: Some(0), ..RsvpRules::default() }),
        ..gig()
    });
    let forced = |who: usize, rsvp: Rsvp| {
        let person = &club.people[who];
        let change = Change::Put { rkey: None, record: rsvp.into(), again: false };
        commit(&person.store, &person.me, &person.clock, &club.community, Audience::Members, vec![change]).unwrap();
    };
    let guest = |who, name: &str| Rsvp { guest_name: Some(name.into()), ..club.rsvp(who, 1, Answer::Going) };
    forced(DEE, club.rsvp(DEE, 11, Answer::Going));
    forced(DEE, guest(DEE, "Stowaway"));
    forced(CY, guest(CY, "Grandma"));
    club.spread();
    let view = club.people[ADA].store.view(Scope::Members).unwrap();
    assert_eq!(view.answers(&club.people[ADA].entry(&club.gig), None).unwrap().going, 2);
}

/// Weekly from Saturday 3 October 2026 on, a few days after the clock of these tests begins.
pub(super) fn choir(people: &[Person]) -> Event {
    #[derive(serde::Serialize)]
    struct Weekly {
        freq: &'static str,
    }
    let start = Start::Local { local: "2026-10-03T20:00".parse().unwrap(), zone: "Europe/Berlin".into() };
    Event {
        start,
        recur: Some(Block::encode(&Weekly { freq: "weekly" }).unwrap().view().unwrap()),
        rsvp: Some(places(1)),
        hosts: vec![Host { did: Some(people[CY].me.did), name: "Cy".into(), role: HostRole::Host, edit: false }],
        ..gig()
    }
}

#[test]
fn each_date_of_a_series_has_its_own_list_and_its_own_changes() {
    let club = Club::new(choir);
    let dated = |who: usize, at: &str| Rsvp { occurrence: Some(at.into()), ..club.rsvp(who, 1, Answer::Going) };
    club.yes(CY, 1);
    club.say(DEE, dated(DEE, "2026-10-10T20:00")).unwrap();
    club.say(EVE, dated(EVE, "2027-03-06T20:00")).unwrap();
    assert_eq!(club.run(), 5, "the next four dates, and the one that somebody answered to");
    assert_eq!(club.run(), 0);
    let on = |at: &str| {
        let ada = &club.people[ADA];
        let view = ada.store.view(Scope::Members).unwrap();
        let given = view.given(&ada.entry(&club.gig), Some(at)).unwrap();
        let of = |who: usize| given.iter().find(|one| one.entry.uri.did == club.people[who].me.did);
        [CY, DEE, EVE].map(|who| of(who).map(|one| (one.standing, one.before_change)))
    };
    let (place, first, none) = (Some((PLACE, false)), Some((waits(1), false)), None);
    assert_eq!(on("2026-10-03T20:00"), [place, none, none]);
    assert_eq!(on("2026-10-10T20:00"), [place, first, none]);
    assert_eq!(on("2027-03-06T20:00"), [place, none, first]);

    // One night is off: who answered to it hears of that, the others need not.
    club.edit(|event| event.overrides = vec![off("2026-10-10T20:00")]);
    club.spread();
    assert_eq!(on("2026-10-03T20:00"), [place, none, none]);
    assert_eq!(on("2026-10-10T20:00"), [Some((PLACE, true)), Some((waits(1), true)), none]);

    // At another time of day all have to think again, and each keeps their place in the list of that day.
    let start = Start::Local { local: "2026-10-03T21:00".parse().unwrap(), zone: "Europe/Berlin".into() };
    club.edit(|event| (event.start, event.overrides) = (start, Vec::new()));
    club.spread();
    assert_eq!(on("2027-03-06T21:00"), [Some((PLACE, true)), none, Some((waits(1), true))]);
    assert_eq!(club.run(), 0, "lists are of days");
}

/// That night is cancelled.
fn off(at: &str) -> Override {
    Override { status: Some(Status::Cancelled), ..Override::new(at) }
}

#[test]
fn answers_to_dates_that_do_not_exist_and_for_guests_one_does_not_have_count_nowhere() {
    let club = Club::new(choir);
    let dee = &club.people[DEE];
    let junk = (0..300).map(|n| Rsvp {
        occurrence: Some(format!("{}-01-02T03:04", 2000 + n % 150)),
        guest_name: Some(format!("Nobody {n}")),
        count: 11,
        ..club.rsvp(DEE, 1, Answer::Going)
    });
    let bare = (0..150)
        .map(|n| Rsvp { occurrence: Some(format!("{}-01-02T03:04", 2000 + n)), ..club.rsvp(DEE, 11, Answer::Going) });
    let changes = junk.chain(bare).map(|rsvp| Change::Put { rkey: None, record: rsvp.into(), again: false }).collect();
    commit(&dee.store, &dee.me, &dee.clock, &club.community, Audience::Members, changes).unwrap();
    assert_eq!(club.run(), 0, "nobody keeps a list for them");
    let ada = &club.people[ADA];
    let view = ada.store.view(Scope::Members).unwrap();
    for at in [None, Some("2026-10-03T20:00"), Some("2026-10-10")] {
        assert!(view.given(&ada.entry(&club.gig), at).unwrap().is_empty(), "{at:?}");
    }
}
