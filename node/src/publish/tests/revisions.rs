//! Changing somebody else's event.

use folkmoot_schemas::records::event::{Host, HostRole};

use super::*;
use crate::store::tests::{WHOLE, pull};

/// Ada is steward; Bo's gig has Cy as a co-host; Dee is a member. Everybody has everything.
struct Club {
    people: [Person; 4],
    community: Cid,
    gig: Uri,
}

const ADA: usize = 0;
const BO: usize = 1;
const CY: usize = 2;
const DEE: usize = 3;

impl Club {
    fn new() -> Self {
        let people = [1, 2, 3, 4].map(Person::new);
        let community = people[ADA].found("Club", Visibility::Public);
        for person in &people[BO..] {
            person.joins(&community, &people[ADA], Role::Member);
        }
        let cy = Host { did: Some(people[CY].me.did), name: "Cy".into(), role: HostRole::Cohost, edit: true };
        let event = Event { hosts: vec![cy], ..gig() };
        let gig = people[BO].publish(&community, vec![draft(event)]).unwrap().items.remove(0).uri;
        let club = Self { people, community, gig };
        club.spread();
        club
    }

    fn spread(&self) {
        for from in &self.people {
            for to in self.people.iter().filter(|to| to.me.did != from.me.did) {
                to.learn(&self.community, from);
                pull(&from.store, &to.store, self.community, Scope::Members, WHOLE);
            }
        }
    }

    fn event(&self, of: usize) -> Event {
        self.people[of].entry(&self.gig).record.as_event().unwrap().clone()
    }

    /// A change of what `who` sees.
    fn revise(&self, who: usize, change: impl FnOnce(&mut Event)) -> Result<Published, PublishError> {
        let entry = self.people[who].entry(&self.gig);
        let mut event = entry.record.as_event().unwrap().clone();
        change(&mut event);
        let revision = Revision { of: self.gig.clone(), seen: entry.cid, event };
        self.people[who].publish(&self.community, vec![draft(revision)])
    }
}

fn later(event: &mut Event) {
    event.start = Start::Local { local: "2026-12-05T21:00".parse().unwrap(), zone: "Europe/Berlin".into() };
}

#[test]
fn what_the_author_writes_next_builds_on_a_co_hosts_change() {
    let club = Club::new();
    let published = club.revise(CY, later).unwrap();
    assert_eq!((published.items[0].audience, published.announces.len()), (Audience::Public, 1));
    club.spread();
    let moved = club.event(BO);
    assert_eq!((moved.start.text().as_str(), moved.sequence, moved.previous.len()), ("2026-12-05T21:00", 1, 1));

    let next = Event { status: Status::Postponed, ..moved };
    let rkey = Some(club.gig.rkey.clone());
    club.people[BO].publish(&club.community, vec![Draft { rkey, ..draft(next) }]).unwrap();
    club.spread();
    for of in [ADA, BO, CY, DEE] {
        let event = club.event(of);
        assert_eq!((event.start.text().as_str(), event.sequence), ("2026-12-05T21:00", 2));
        assert!(club.people[of].entry(&club.gig).revised.is_empty(), "it is the author's own now");
    }
}

#[test]
fn a_second_change_of_a_co_host_goes_on_from_the_first() {
    let club = Club::new();
    club.revise(CY, later).unwrap();
    club.revise(CY, |event| event.status = Status::Tentative).unwrap();
    let event = club.event(CY);
    assert_eq!((event.start.text().as_str(), event.status, event.sequence), ("2026-12-05T21:00", Status::Tentative, 2));
}

#[test]
fn a_person_is_told_what_no_reader_would_count() {
    let club = Club::new();
    assert!(matches!(club.revise(DEE, later), Err(PublishError::NotHost)));
    assert!(matches!(club.revise(BO, later), Err(PublishError::NotHost)), "the author edits the event itself");
    assert!(matches!(club.revise(ADA, later), Err(PublishError::StewardsPart)));
    club.revise(ADA, |event| event.status = Status::Cancelled).unwrap();
    for (what, change) in [
        ("the hosts are", (|event| event.hosts.clear()) as fn(&mut Event)),
        ("keeps the list", |event| event.rsvp.get_or_insert_default().anchor = event.hosts[0].did),
    ] {
        match club.revise(CY, change) {
            Err(PublishError::AuthorsPart(said)) => assert_eq!(said, what),
            other => panic!("{other:?}"),
        }
    }
    let seen = club.people[CY].entry(&club.gig).cid;
    club.people[BO]
        .publish(&club.community, vec![Draft { rkey: Some(club.gig.rkey.clone()), ..draft(club.event(CY)) }])
        .unwrap();
    club.spread();
    let late = Revision { of: club.gig.clone(), seen, event: gig() };
    let late = club.people[CY].publish(&club.community, vec![draft(late)]);
    assert!(matches!(late, Err(PublishError::Superseded)));
}

#[test]
fn a_change_of_an_event_for_members_is_for_members() {
    let people = [Person::new(1), Person::new(2)];
    let community = people[0].found("Club", Visibility::Public);
    people[1].joins(&community, &people[0], Role::Member);
    let host = Host { did: Some(people[1].me.did), name: "Bo".into(), role: HostRole::Cohost, edit: true };
    let event = Event { hosts: vec![host], ..gig() };
    let secret = Draft { audience: Some(Audience::Members), ..draft(event.clone()) };
    let item = people[0].publish(&community, vec![secret]).unwrap().items.remove(0);
    people[1].learn(&community, &people[0]);
    pull(&people[0].store, &people[1].store, community, Scope::Members, WHOLE);
    let revision = Revision { of: item.uri, seen: item.cid, event: Event { name: "Changed".into(), ..event } };
    let published = people[1].publish(&community, vec![draft(revision)]).unwrap();
    assert_eq!(published.items[0].audience, Audience::Members);
}
