//! Events as co-hosts and stewards change them: the same on every node, whatever came first, and nobody else's word counts.

use folkmoot_schemas::{
    kind::Kind,
    records::{
        event::{Event, Host, HostRole, Status},
        revision::{Revision, Right},
    },
    roster::Cut,
    when::{Start, parse_local},
};

use ipld_core::{ipld, serde::from_ipld};

use super::*;

const DAY: i64 = 86_400;
/// 2026-05-01 00:00 UTC in seconds.
const MAY: i64 = (NOON / SECOND) as i64 - DAY / 2;

pub(super) fn gig(name: &str, start: &str, hosts: &[&Person]) -> Event {
    let host =
        |person: &&Person| Host { did: Some(person.did()), name: "A host".into(), role: HostRole::Cohost, edit: true };
    let local = parse_local(start).unwrap();
    Event {
        hosts: hosts.iter().map(host).collect(),
        ..Event::new(name, Start::Local { local, zone: "Europe/Berlin".into() })
    }
}

/// Ada founded the community and is its steward; the gig is Bo's, with Cy as a co-host. Dee is a member.
pub(super) struct Club {
    pub(super) ada: Person,
    pub(super) bo: Person,
    pub(super) cy: Person,
    pub(super) dee: Person,
    pub(super) store: Store,
    pub(super) community: Cid,
    pub(super) gig: Uri,
}

impl Club {
    pub(super) fn new() -> Self {
        let [ada, bo, cy, dee] = [1, 2, 3, 4].map(Person::new);
        let store = ada.store();
        let community = found(&store, &ada, Visibility::Public, &[&bo, &cy, &dee]);
        let gig = bo.publish(&store, community, NOON, gig("Gig", "2026-05-02T20:00", &[&cy]));
        Self { ada, bo, cy, dee, store, community, gig }
    }

    pub(super) fn seen(&self) -> Cid {
        self.entry(Scope::Public).cid
    }

    pub(super) fn entry(&self, scope: Scope) -> Entry {
        found_entry(&self.store, scope, &self.gig).unwrap()
    }

    fn shown(&self) -> Event {
        let event = |scope| self.entry(scope).record.as_event().unwrap().clone();
        assert_eq!(event(Scope::Public), event(Scope::Members), "everybody sees the same");
        event(Scope::Public)
    }

    pub(super) fn write(&self, who: &Person, seconds: u64, seen: Cid, event: Event) {
        self.write_for(Audience::Public, who, seconds, seen, event);
    }

    pub(super) fn write_for(&self, audience: Audience, who: &Person, seconds: u64, seen: Cid, event: Event) {
        let revision = Revision { of: self.gig.clone(), seen, event };
        who.publish_for(&self.store, self.community, audience, NOON + seconds * SECOND, revision);
    }

    fn dates(&self, from: i64, to: i64) -> Vec<String> {
        let view = self.store.view(Scope::Public).unwrap();
        let (found, _) = view.events(&self.community, MAY + from * DAY..MAY + to * DAY, 100).unwrap();
        found.iter().map(|o| o.instance.at.text()).collect()
    }
}

#[test]
fn a_co_hosts_change_is_what_lists_and_lookups_show() {
    let club = Club::new();
    let moved = Event { sequence: 1, ..gig("Gig", "2026-06-20T21:00", &[]) };
    club.write(&club.cy, 1, club.seen(), moved);
    let shown = club.shown();
    assert_eq!((shown.start.text().as_str(), shown.sequence, shown.hosts.len()), ("2026-06-20T21:00", 1, 1));
    assert!(club.dates(0, 20).is_empty());
    assert_eq!(club.dates(40, 60), ["2026-06-20T21:00"]);

    let entry = club.entry(Scope::Public);
    let by: Vec<_> = entry.revised.iter().map(|one| (one.uri.did, one.right)).collect();
    assert_eq!(by, [(club.cy.did(), Right::Host)]);
    assert_ne!(entry.shown_cid(), entry.cid);
    assert_eq!((entry.updated, entry.created), (NOON + SECOND, NOON));
    let own = Record::view(&entry.block).unwrap().1;
    assert_eq!(own.as_event().unwrap().start.text(), "2026-05-02T20:00", "the author's record stays what it was");

    // Taken back, it is as if it had never been.
    let path = format!("{}/{}", Revision::NAME, Revision::key(&club.gig));
    let gone = vec![Change::Remove { path }];
    club.cy.commit(&club.store, club.community, Audience::Public, NOON + 2 * SECOND, gone);
    assert_eq!(club.shown().start.text(), "2026-05-02T20:00");
    assert_eq!((club.dates(0, 20).len(), club.dates(40, 60).len()), (1, 0));
    sound(&club.store);
}

#[test]
fn it_counts_only_while_what_it_was_made_from_is_the_authors_newest() {
    let club = Club::new();
    let first = club.seen();
    club.write(&club.cy, 1, first, gig("Later gig", "2026-05-03T20:00", &[]));
    let edited = gig("Edited", "2026-05-04T20:00", &[&club.cy]);
    let change = vec![edit(&club.gig.path(), edited)];
    club.bo.commit(&club.store, club.community, Audience::Public, NOON + 2 * SECOND, change);
    assert_eq!(club.shown().name, "Edited");
    // Nor one of an older version, however late.
    club.write(&club.cy, 9, first, gig("Of old", "2026-05-05T20:00", &[]));
    assert_eq!(club.shown().name, "Edited");
    club.write(&club.cy, 10, club.seen(), gig("Of today", "2026-05-05T20:00", &[]));
    assert_eq!(club.shown().name, "Of today");
    assert_eq!(club.dates(0, 20), ["2026-05-05T20:00"]);

    // Without the author's record there is no event.
    let gone = vec![Change::Remove { path: club.gig.path() }];
    club.bo.commit(&club.store, club.community, Audience::Public, NOON + 20 * SECOND, gone);
    assert!(found_entry(&club.store, Scope::Members, &club.gig).is_none() && club.dates(0, 60).is_empty());
}

#[test]
fn nobody_elses_revision_counts_and_none_gives_a_right() {
    let club = Club::new();
    let forged = || gig("Forged", "2026-06-20T21:00", &[&club.dee]);
    club.write(&club.dee, 1, club.seen(), forged());
    assert_eq!((club.shown().name.as_str(), club.dates(40, 60).len()), ("Gig", 0));
    // A co-host makes nobody else one.
    club.write(&club.cy, 2, club.seen(), Event { name: "By Cy".into(), ..forged() });
    club.write(&club.dee, 3, club.seen(), forged());
    assert_eq!((club.shown().name.as_str(), club.shown().hosts.len()), ("By Cy", 1));
    // Whom the author takes the right from has none, from then on.
    let change = vec![edit(&club.gig.path(), gig("Alone", "2026-05-02T20:00", &[]))];
    club.bo.commit(&club.store, club.community, Audience::Public, NOON + 4 * SECOND, change);
    club.write(&club.cy, 5, club.seen(), gig("Again", "2026-05-02T20:00", &[&club.cy]));
    assert_eq!(club.shown().name, "Alone");
}

#[test]
fn a_change_that_would_make_more_of_the_event_than_a_record_may_be_has_no_effect() {
    let club = Club::new();
    let hosts: Vec<Person> = (20..29).map(Person::new).collect();
    let mut many: Vec<&Person> = hosts.iter().collect();
    many.push(&club.cy);
    let change = vec![edit(&club.gig.path(), gig("Gig", "2026-05-02T20:00", &many))];
    club.bo.commit(&club.store, club.community, Audience::Public, NOON + SECOND, change);
    let text = |letters: usize| Event { text: Some("🎸".repeat(letters)), ..gig("Long", "2026-05-02T20:00", &[]) };
    let dates = |n: usize| -> Vec<folkmoot_schemas::records::event::Override> {
        let at = |n: usize| format!("2026-{:02}-{:02}T20:00", 5 + n / 28, 1 + n % 28);
        (0..n).map(|n| from_ipld(ipld!({"at": at(n), "text": "🎸".repeat(100)})).unwrap()).collect()
    };
    let long = |n: usize| Event {
        recur: Some(from_ipld(ipld!({"freq": "daily"})).unwrap()),
        overrides: dates(n),
        ..text(6000)
    };
    let fits = (0..100).rev().find(|n| {
        let revision = Revision { of: club.gig.clone(), seen: club.seen(), event: long(*n) };
        Record::from(revision).encode(Tid::new(0, 0)).is_ok()
    });
    club.write(&club.cy, 2, club.seen(), long(fits.unwrap()));
    assert_eq!(club.shown().name, "Gig");
    club.write(&club.cy, 3, club.seen(), long(10));
    assert_eq!(club.shown().name, "Long");
}

#[test]
fn one_for_members_changes_nothing_of_a_public_event() {
    let club = Club::new();
    club.write_for(Audience::Members, &club.cy, 1, club.seen(), gig("Secret", "2026-06-20T21:00", &[]));
    assert_eq!(club.shown().name, "Gig");
    club.write(&club.cy, 2, club.seen(), gig("Open", "2026-06-20T21:00", &[]));
    club.write_for(Audience::Members, &club.cy, 3, club.seen(), gig("Secret", "2026-06-21T21:00", &[]));
    assert_eq!(club.shown().name, "Open");
}

#[test]
fn a_steward_calls_off_what_a_co_host_moved_and_nothing_of_that_is_lost() {
    let club = Club::new();
    let off = |name: &str| Event { status: Status::Cancelled, ..gig(name, "2026-07-01T20:00", &[]) };
    club.write(&club.cy, 1, club.seen(), gig("Moved", "2026-05-03T21:00", &[]));
    club.write(&club.ada, 2, club.seen(), off("Stewards may not rename"));
    let shown = club.shown();
    assert_eq!((shown.name.as_str(), shown.status), ("Moved", Status::Cancelled));
    assert_eq!(shown.start.text(), "2026-05-03T21:00");
    let rights: Vec<Right> = club.entry(Scope::Public).revised.iter().map(|one| one.right).collect();
    assert_eq!(rights, [Right::Steward, Right::Host]);
    // What a co-host says after that stands alone.
    club.write(&club.cy, 3, club.seen(), gig("On again", "2026-05-03T21:00", &[]));
    let shown = club.shown();
    assert_eq!((shown.name.as_str(), shown.status), ("On again", Status::Confirmed));
}

#[test]
fn of_several_the_one_order_decides_whatever_came_first() {
    let club = Club::new();
    let both = gig("Two co-hosts", "2026-05-02T20:00", &[&club.cy, &club.dee]);
    let change = vec![edit(&club.gig.path(), both)];
    club.bo.commit(&club.store, club.community, Audience::Public, NOON + SECOND, change);
    // Each on a node of their own, without the other's, under one rev: the smaller CID is first.
    let stores = [club.cy.store(), club.dee.store()];
    for (person, (store, name)) in [&club.cy, &club.dee].into_iter().zip(stores.iter().zip(["By Cy", "By Dee"])) {
        pull(&club.store, store, club.community, Scope::Members, WHOLE);
        let event = gig(name, "2026-06-20T21:00", &[]);
        let revision = Revision { of: club.gig.clone(), seen: club.seen(), event };
        person.publish(store, club.community, NOON + 5 * SECOND, revision);
    }
    let mut shown = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let reader = Person::new(9).store();
        pull(&club.store, &reader, club.community, Scope::Public, WHOLE);
        for n in order {
            pull(&stores[n], &reader, club.community, Scope::Public, WHOLE);
        }
        let entry = found_entry(&reader, Scope::Public, &club.gig).unwrap();
        shown.push((entry.shown_cid(), entry.record));
    }
    assert_eq!(shown[0], shown[1]);
    let cids = stores.iter().map(|store| found_entry(store, Scope::Public, &club.gig).unwrap().shown_cid());
    assert_eq!(Some(shown[0].0), cids.min_by_key(|cid| cid.to_bytes()));
}

#[test]
fn what_a_co_host_said_stands_when_they_go_as_far_as_the_community_keeps_it() {
    let club = Club::new();
    let off = Event { status: Status::Cancelled, sequence: 1, ..gig("Off", "2026-05-02T20:00", &[]) };
    club.write(&club.cy, 1, club.seen(), off);
    let out = |who: &Person, at: u64, act: &dyn Fn(Cut) -> Act, by: &Person| {
        let view = club.store.view(Scope::Members).unwrap();
        let heads = view.heads(&club.community).unwrap().into_iter().filter(|h| h.repo.did == who.did());
        let cut: Cut = heads.filter_map(|h| Some((h.repo, h.held?))).collect();
        let deps = view.community(&club.community).unwrap().unwrap().state.deps(&by.did(), &[]);
        let mut batch = Batch::new(club.community, Audience::Members);
        batch.ops.push(by.op(club.community, deps, NOON + at * SECOND, act(cut), None));
        assert!(club.store.apply(batch, ARRIVAL).unwrap().refused.is_empty());
    };
    out(&club.cy, 2, &|cut| Act::Leave { cut }, &club.cy);
    let shown = club.shown();
    assert_eq!((shown.name.as_str(), shown.status, shown.sequence), ("Off", Status::Cancelled, 1));

    // What the author says after it counts as ever.
    let on = Event { sequence: 2, ..gig("On", "2026-05-02T20:00", &[]) };
    club.bo.commit(&club.store, club.community, Audience::Public, NOON + 3 * SECOND, vec![edit(&club.gig.path(), on)]);
    assert_eq!((club.shown().name.as_str(), club.shown().sequence), ("On", 2));

    // With what the community does not keep of somebody, their changes go.
    let edited = gig("Edited", "2026-05-02T20:00", &[&club.dee]);
    let change = vec![edit(&club.gig.path(), edited)];
    club.bo.commit(&club.store, club.community, Audience::Public, NOON + 4 * SECOND, change);
    club.write(&club.dee, 5, club.seen(), gig("By Dee", "2026-05-03T21:00", &[]));
    assert_eq!(club.shown().name, "By Dee");
    let nothing = |_| Act::Remove { did: club.dee.did(), cut: Cut::new(), reason: None };
    out(&club.dee, 6, &nothing, &club.ada);
    assert_eq!(club.shown().name, "Edited");
    sound(&club.store);
}
