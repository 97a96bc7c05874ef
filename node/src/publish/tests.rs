mod closing;
mod devices;
mod keepers;
mod lists;
mod revisions;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use folkmoot_schemas::{
    block::Block,
    identity::Device,
    records::{
        event::{Event, Status},
        post::{Post, Reply},
        profile::Profile,
        rsvp::{Answer, Rsvp},
    },
    roster::{Act, Describe},
    uri::StrongRef,
    when::Start,
};

use super::*;
use crate::{clock::Source, store::Batch, sync::perform::Performer};

/// One second later at each look; "random" bytes that count.
struct Ticking(AtomicU64);

impl Source for Ticking {
    fn micros(&self) -> u64 {
        self.0.fetch_add(1_000_000, Ordering::Relaxed)
    }
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed) as u8;
        }
    }
}

pub(crate) fn clock_from(micros: u64) -> Clock {
    Clock::new(Arc::new(Ticking(AtomicU64::new(micros))))
}

/// A person with a store of their own.
pub(crate) struct Person {
    pub(crate) store: Store,
    pub(crate) me: Me,
    pub(crate) clock: Clock,
}

impl Person {
    pub(crate) fn new(number: u8) -> Self {
        let clock = clock_from(1_790_000_000_000_000 + u64::from(number));
        let (root, device) = (Secret::from_seed([number; 32]), Secret::from_seed([number + 100; 32]));
        let devices = vec![Device { key: device.did(), name: "laptop".into(), added: Tid::new(clock.micros(), 0) }];
        let identity = Identity { did: root.did(), seq: 0, prev: None, devices }.seal(&root).unwrap();
        let store = Store::in_memory().unwrap();
        store.set_meta(meta::ME, Some(root.did().to_string().as_bytes())).unwrap();
        store.set_meta(meta::IDENTITY, Some(identity.bytes())).unwrap();
        store.set_meta(meta::DEVICE_NAME, Some(b"laptop")).unwrap();
        let me = Me::load(&store, device).unwrap();
        Self { store, me, clock }
    }
    pub(crate) fn found(&self, name: &str, visibility: Visibility) -> Cid {
        found(&self.store, &self.me, &self.clock, name, visibility, Describe::default()).unwrap()
    }
    pub(crate) fn publish(&self, community: &Cid, drafts: Vec<Draft>) -> Result<Published, PublishError> {
        publish(&self.store, &self.me, &self.clock, community, drafts)
    }
    pub(crate) fn post(&self, community: &Cid, text: &str) -> PublishedItem {
        self.publish(community, vec![draft(post(text))]).unwrap().items.remove(0)
    }
    fn entry(&self, uri: &Uri) -> Entry {
        match self.store.view(Scope::Members).unwrap().get(uri).unwrap() {
            Lookup::Found(entry) => *entry,
            other => panic!("{uri}: {other:?}"),
        }
    }
    /// What a sync would bring: charter, identities, roster.
    pub(crate) fn learn(&self, community: &Cid, from: &Self) {
        let view = from.store.view(Scope::Members).unwrap();
        let (ops, identities) = view.roster(community).unwrap();
        let batch = Batch {
            charter: view.charter(community).unwrap(),
            identities,
            ops,
            ..Batch::new(*community, Audience::Members)
        };
        let applied = self.store.apply(batch, self.clock.micros()).unwrap();
        assert!(applied.refused.is_empty(), "{:?}", applied.refused);
    }
    /// Invited by a member, joined, and both know it.
    pub(crate) fn joins(&self, community: &Cid, host: &Self, role: Role) {
        let (link, _) = invite(&host.store, &host.me, &host.clock, community, role, 1, None).unwrap();
        let op = join(&self.store, &self.me, &self.clock, &link).unwrap();
        let identity = newest_identity(&self.store, &self.me.did).unwrap().0;
        let batch = Batch { identities: vec![identity], ops: vec![op], ..Batch::new(*community, Audience::Members) };
        let applied = host.store.apply(batch, host.clock.micros()).unwrap();
        assert!(applied.refused.is_empty(), "{:?}", applied.refused);
        self.learn(community, host);
    }
}

pub(crate) fn post(text: &str) -> Post {
    Post { text: text.into(), ..Post::default() }
}

pub(crate) fn draft(record: impl Into<Record>) -> Draft {
    Draft { audience: None, rkey: None, record: record.into(), again: false }
}

pub(crate) fn gig() -> Event {
    let start = Start::Local { local: "2026-12-05T20:00".parse().unwrap(), zone: "Europe/Berlin".into() };
    serde_like(start)
}

/// An event with nothing but a name and a start.
fn serde_like(start: Start) -> Event {
    #[derive(serde::Serialize)]
    struct Least {
        name: &'static str,
        start: Start,
    }
    Block::encode(&Least { name: "Gig", start }).unwrap().view().unwrap()
}

fn answer(event: &PublishedItem) -> Rsvp {
    Rsvp::new(event.uri.clone(), event.cid, Answer::Going)
}

#[test]
fn who_founds_a_community_is_its_steward_and_can_describe_it() {
    let ada = Person::new(1);
    let describe = Describe { zone: Some("Europe/Berlin".into()), ..Describe::default() };
    let id = found(&ada.store, &ada.me, &ada.clock, "River Street", Visibility::Public, describe).unwrap();
    let about = Describe { about: Some("Music".into()), ..Describe::default() };
    operate(&ada.store, &ada.me, &ada.clock, &id, Act::Describe(about)).unwrap();
    let known = ada.store.view(Scope::Public).unwrap().community(&id).unwrap().unwrap();
    assert_eq!((known.name.as_str(), known.state.role(&ada.me.did)), ("River Street", Some(Role::Steward)));
    assert_eq!(known.state.describe.zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(known.state.describe.about.as_deref(), Some("Music"));
}

#[test]
fn an_audience_follows_the_community_and_the_kind_and_is_never_widened() {
    let ada = Person::new(1);
    let open = ada.found("Open", Visibility::Public);
    let closed = ada.found("Closed", Visibility::Members);
    let event = ada.publish(&open, vec![draft(gig())]).unwrap().items.remove(0);
    let mut widened = draft(answer(&event));
    widened.audience = Some(Audience::Public);
    let mut narrowed = draft(post("for us"));
    narrowed.audience = Some(Audience::Members);
    let published = ada.publish(&open, vec![widened, draft(post("for all")), narrowed]).unwrap();
    let audiences: Vec<_> = published.items.iter().map(|i| i.audience).collect();
    assert_eq!(audiences, [Audience::Members, Audience::Public, Audience::Members]);
    assert_eq!(published.announces.len(), 2);
    for item in &published.items {
        assert_eq!(ada.entry(&item.uri).audience, item.audience);
    }
    assert_eq!(ada.post(&closed, "inside").audience, Audience::Members);
}

#[test]
fn an_announcement_carries_the_commit_and_what_it_put() {
    let ada = Person::new(1);
    let id = ada.found("River Street", Visibility::Public);
    let published = ada.publish(&id, vec![draft(post("hello"))]).unwrap();
    let (audience, announce) = &published.announces[0];
    assert_eq!(*audience, Audience::Public);
    let (_, commit) = folkmoot_schemas::commit::Commit::open(announce.commit.as_ref().unwrap()).unwrap();
    assert_eq!((commit.did, commit.device, commit.count), (ada.me.did, ada.me.device.did(), 1));
    let (path, bytes) = &announce.records[0];
    assert_eq!(*path, published.items[0].uri.path());
    assert_eq!(*Record::open(bytes).unwrap().0.cid(), published.items[0].cid);
}

#[test]
fn a_stranger_publishes_nothing() {
    let (ada, bob) = (Person::new(1), Person::new(2));
    let id = ada.found("River Street", Visibility::Public);
    bob.learn(&id, &ada);
    let why = bob.publish(&id, vec![draft(post("hi"))]).unwrap_err();
    assert!(matches!(&why, PublishError::NotMember(name) if name == "River Street"), "{why}");
    let why = operate(&bob.store, &bob.me, &bob.clock, &id, Act::Describe(Describe::default())).unwrap_err();
    assert!(matches!(why, PublishError::NotMember(_)));
}

#[test]
fn a_guest_may_answer_reply_and_have_a_name_but_not_begin() {
    let (ada, bob) = (Person::new(1), Person::new(2));
    let id = ada.found("River Street", Visibility::Public);
    let event = ada.publish(&id, vec![draft(gig())]).unwrap().items.remove(0);
    bob.joins(&id, &ada, Role::Guest);
    let root = StrongRef { uri: event.uri.clone(), cid: event.cid };
    let reply = Post { reply: Some(Reply { root: root.clone(), parent: root }), ..post("nice") };
    let profile = Profile { name: "Bob".into(), ..Profile::default() };
    bob.publish(&id, vec![draft(answer(&event)), draft(reply), draft(profile)]).unwrap();
    for record in [Record::from(post("hi")), Record::from(gig())] {
        let refused = bob.publish(&id, vec![draft(record)]);
        assert!(matches!(refused, Err(PublishError::NotAllowed { role: Role::Guest, .. })));
    }
    assert!(invite(&bob.store, &bob.me, &bob.clock, &id, Role::Guest, 1, None).is_err());
}

#[test]
fn a_name_is_given_once_and_not_again_after_it_was_taken_away() {
    let ada = Person::new(1);
    let id = ada.found("River Street", Visibility::Public);
    assert_eq!(nameless(&ada.store, &ada.me).unwrap(), [id]);
    let profile = introduce(&ada.store, &ada.me, &ada.clock, &id, " Ada ").unwrap().items.remove(0);
    assert_eq!(ada.entry(&profile.uri).record.as_profile().unwrap().name, "Ada");
    assert!(nameless(&ada.store, &ada.me).unwrap().is_empty());
    delete(&ada.store, &ada.me, &ada.clock, &profile.uri).unwrap();
    assert!(nameless(&ada.store, &ada.me).unwrap().is_empty());
}

#[test]
fn a_changed_event_follows_the_one_it_replaces_even_if_the_caller_forgot() {
    let ada = Person::new(1);
    let id = ada.found("River Street", Visibility::Public);
    let item = ada.publish(&id, vec![draft(gig())]).unwrap().items.remove(0);
    let mut change = Draft { rkey: Some(item.uri.rkey.clone()), ..draft(Event { name: "Big gig".into(), ..gig() }) };
    ada.publish(&id, vec![change.clone()]).unwrap();
    assert_eq!(ada.entry(&item.uri).record.as_event().unwrap().sequence, 0);
    let start = Start::Local { local: "2026-12-06T20:00".parse().unwrap(), zone: "Europe/Berlin".into() };
    change.record = Event { start, status: Status::Confirmed, ..gig() }.into();
    let moved = ada.publish(&id, vec![change]).unwrap().items.remove(0);
    assert_eq!(moved.uri, item.uri);
    let entry = ada.entry(&item.uri);
    let event = entry.record.as_event().unwrap();
    assert_eq!((event.sequence, event.previous.len()), (1, 1));
    assert!(entry.rev > item.rev);
}

#[test]
fn a_record_can_only_be_replaced_where_it_is_and_for_whom_it_is() {
    let ada = Person::new(1);
    let id = ada.found("River Street", Visibility::Public);
    let item = ada.post(&id, "one");
    let at = |rkey: &str| Draft { rkey: Some(rkey.into()), ..draft(post("two")) };
    assert!(matches!(ada.publish(&id, vec![at("3jzfcijpj2z2a")]), Err(PublishError::Absent(_))));
    let mut hidden = at(&item.uri.rkey);
    hidden.audience = Some(Audience::Members);
    assert!(matches!(ada.publish(&id, vec![hidden]), Err(PublishError::Fault(f)) if f.field == "audience"));
    ada.publish(&id, vec![at(&item.uri.rkey)]).unwrap();
    assert_eq!(ada.entry(&item.uri).record.as_post().unwrap().text, "two");
    let profile = Draft { rkey: Some("other".into()), ..draft(Profile { name: "Ada".into(), ..Profile::default() }) };
    assert!(matches!(ada.publish(&id, vec![profile]), Err(PublishError::Fault(f)) if f.field == "rkey"));
}

#[test]
fn one_bad_draft_keeps_all_from_being_written() {
    let ada = Person::new(1);
    let id = ada.found("River Street", Visibility::Public);
    let long = ada.publish(&id, vec![draft(post("fine")), draft(post(&"x".repeat(30_000)))]);
    assert!(matches!(long, Err(PublishError::Fault(_) | PublishError::TooLarge { .. })));
    assert!(ada.publish(&id, vec![draft(post(""))]).is_err());
    assert_eq!(ada.store.view(Scope::Members).unwrap().count(&id).unwrap(), 0);
}

#[test]
fn an_answer_belongs_to_the_community_of_its_event() {
    let ada = Person::new(1);
    let (here, there) = (ada.found("Here", Visibility::Public), ada.found("There", Visibility::Public));
    let event = ada.publish(&here, vec![draft(gig())]).unwrap().items.remove(0);
    assert!(matches!(ada.publish(&there, vec![draft(answer(&event))]), Err(PublishError::Fault(_))));
}

#[test]
fn the_same_post_again_is_the_first_unless_it_is_meant() {
    let ada = Person::new(1);
    let id = ada.found("River Street", Visibility::Public);
    let first = ada.post(&id, "hello");
    let second = ada.publish(&id, vec![draft(post("hello"))]).unwrap();
    assert!(second.items[0].existed && second.announces.is_empty());
    assert_eq!(second.items[0].uri, first.uri);
    let third = ada.publish(&id, vec![Draft { again: true, ..draft(post("hello")) }]).unwrap().items.remove(0);
    assert!(!third.existed && third.uri != first.uri);
}

#[test]
fn only_the_author_deletes_and_twice_is_once() {
    let (ada, bob) = (Person::new(1), Person::new(2));
    let id = ada.found("River Street", Visibility::Public);
    bob.joins(&id, &ada, Role::Member);
    let item = ada.post(&id, "hello");
    assert!(matches!(delete(&bob.store, &bob.me, &bob.clock, &item.uri), Err(PublishError::NotYours(_))));
    let deleted = delete(&ada.store, &ada.me, &ada.clock, &item.uri).unwrap();
    assert_eq!(deleted.announces[0].1.gone, [item.uri.path()]);
    let again = delete(&ada.store, &ada.me, &ada.clock, &item.uri);
    assert!(again.is_ok_and(|d| d.announces.is_empty()));
    let view = ada.store.view(Scope::Members).unwrap();
    assert!(matches!(view.get(&item.uri).unwrap(), Lookup::Gone(_)));
}

#[test]
fn a_link_admits_and_the_same_join_is_never_signed_twice() {
    let (ada, bob) = (Person::new(1), Person::new(2));
    let id = ada.found("River Street", Visibility::Members);
    let (mut link, _) = invite(&ada.store, &ada.me, &ada.clock, &id, Role::Member, 1, Some(3600)).unwrap();
    assert_eq!(seed(&ada.store, &link.invite).unwrap(), Some(link.seed));
    link.addrs = vec!["/ip4/192.0.2.7/tcp/4700".into()];
    let first = join(&bob.store, &bob.me, &bob.clock, &link).unwrap();
    assert_eq!(join(&bob.store, &bob.me, &bob.clock, &link).unwrap(), first);
    assert_eq!(pending_joins(&bob.store, &bob.me.did).unwrap(), [id].into());
    assert_eq!(joined_addresses(&bob.store).unwrap(), link.addrs);
    bob.joins(&id, &ada, Role::Member);
    assert!(pending_joins(&bob.store, &bob.me.did).unwrap().is_empty());
    bob.post(&id, "here I am");
}

#[test]
fn a_used_up_invite_is_closed_by_who_made_it_and_nobody_else() {
    let (ada, bob) = (Person::new(1), Person::new(2));
    let id = ada.found("River Street", Visibility::Public);
    let (open, _) = invite(&ada.store, &ada.me, &ada.clock, &id, Role::Member, 2, None).unwrap();
    bob.joins(&id, &ada, Role::Member);
    assert!(close_spent(&bob.store, &bob.me, &bob.clock).unwrap().is_empty());
    let closed = close_spent(&ada.store, &ada.me, &ada.clock).unwrap();
    assert_eq!(closed.len(), 1);
    assert!(close_spent(&ada.store, &ada.me, &ada.clock).unwrap().is_empty());
    let state = ada.store.view(Scope::Members).unwrap().community(&id).unwrap().unwrap().state;
    assert!(state.is_member(&bob.me.did) && !state.invites[&open.invite].closed);
    assert_eq!(state.invites.values().filter(|i| i.closed).count(), 1);
}

#[test]
fn an_invite_beyond_its_limits_is_refused() {
    let ada = Person::new(1);
    let id = ada.found("River Street", Visibility::Public);
    for (uses, expires) in [(0, None), (129, None), (1, Some(u64::MAX))] {
        let refused = invite(&ada.store, &ada.me, &ada.clock, &id, Role::Member, uses, expires);
        assert!(matches!(refused, Err(PublishError::Fault(_))), "{uses} {expires:?}");
    }
}

#[test]
fn a_device_its_identity_no_longer_lists_is_refused() {
    let ada = Person::new(1);
    assert!(matches!(Me::load(&ada.store, Secret::from_seed([9; 32])), Err(PublishError::Retired)));
}

#[test]
fn a_device_that_is_out_signs_nothing() {
    let (ada, bob) = (Person::new(1), Person::new(2));
    let river = ada.found("River Street", Visibility::Members);
    let choir = bob.found("Choir", Visibility::Members);
    let (link, _) = invite(&bob.store, &bob.me, &bob.clock, &choir, Role::Member, 1, None).unwrap();
    let me = Me::of(&ada.store, Secret::from_seed([9; 32])).unwrap();
    let (store, clock) = (&ada.store, &ada.clock);
    let refused = |error: PublishError| assert!(matches!(error, PublishError::Retired), "{error:?}");
    refused(publish(store, &me, clock, &river, vec![draft(post("hello"))]).unwrap_err());
    refused(invite(store, &me, clock, &river, Role::Member, 1, None).unwrap_err());
    refused(leave(store, &me, clock, &river).unwrap_err());
    refused(found(store, &me, clock, "Allotments", Visibility::Public, Describe::default()).unwrap_err());
    refused(join(store, &me, clock, &link).unwrap_err());
    for (me, said) in [(&me, 0), (&ada.me, 1)] {
        Performer::new(store.clone(), me.clone(), clock.clone()).here("peer".into(), Vec::new()).unwrap();
        assert_eq!(store.whereabouts().unwrap().len(), said, "where it can be reached, only who is in");
    }
    assert!(pending_joins(store, &me.did).unwrap().is_empty());
}

#[test]
fn who_is_put_out_or_leaves_publishes_nothing_more_and_is_told_who_can_help() {
    let (ada, bob, cy) = (Person::new(1), Person::new(2), Person::new(3));
    let id = ada.found("River Street", Visibility::Public);
    bob.joins(&id, &ada, Role::Moderator);
    cy.joins(&id, &ada, Role::Member);
    bob.learn(&id, &ada);
    let why = remove(&cy.store, &cy.me, &cy.clock, &id, &bob.me.did, None).unwrap_err();
    assert!(matches!(why, PublishError::NotAllowed { role: Role::Member, .. }), "{why}");
    let why = remove(&bob.store, &bob.me, &bob.clock, &id, &ada.me.did, None).unwrap_err();
    assert!(why.to_string().contains("could not take it"), "{why}");
    let long = Some("x".repeat(300));
    assert!(matches!(remove(&bob.store, &bob.me, &bob.clock, &id, &cy.me.did, long), Err(PublishError::Fault(_))));

    remove(&bob.store, &bob.me, &bob.clock, &id, &cy.me.did, Some("Spam.".into())).unwrap();
    cy.learn(&id, &bob);
    assert!(matches!(cy.publish(&id, vec![draft(post("hi"))]), Err(PublishError::NotMember(_))));
    readmit(&bob.store, &bob.me, &bob.clock, &id, &cy.me.did, Role::Guest, None).unwrap();
    let state = bob.store.view(Scope::Public).unwrap().community(&id).unwrap().unwrap().state;
    assert_eq!(state.role(&cy.me.did), Some(Role::Guest));
}

#[test]
fn leaving_closes_ones_open_invites_and_keeps_what_one_published() {
    let (ada, bob) = (Person::new(1), Person::new(2));
    let id = ada.found("River Street", Visibility::Public);
    bob.joins(&id, &ada, Role::Member);
    let post = bob.post(&id, "so long");
    let (link, _) = invite(&bob.store, &bob.me, &bob.clock, &id, Role::Guest, 5, None).unwrap();
    assert_eq!(leave(&bob.store, &bob.me, &bob.clock, &id).unwrap().len(), 2);
    let state = bob.store.view(Scope::Public).unwrap().community(&id).unwrap().unwrap().state;
    assert!(state.invites[&link.invite].closed && !state.is_member(&bob.me.did));
    let cut = &state.former[&bob.me.did].cut;
    assert_eq!(cut.len(), 1);
    assert_eq!(bob.entry(&post.uri).cid, post.cid);
    assert!(pending_joins(&bob.store, &bob.me.did).unwrap().is_empty(), "and waits for no answer any more");
    assert!(matches!(leave(&bob.store, &bob.me, &bob.clock, &id), Err(PublishError::NotMember(_))));
}
