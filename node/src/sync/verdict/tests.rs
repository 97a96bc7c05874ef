use folkmoot_schemas::{
    Tid,
    identity::Device,
    key::{Secret, Sig},
    link::InviteLink,
    roster::{Describe, Role},
};

use super::*;
use crate::{
    home::meta,
    publish::{
        self,
        tests::{Person, draft, post},
    },
    store::{Batch, Scope},
};

fn picture(person: &Person, community: &Cid) -> Picture {
    Picture::of(&person.store.view(Scope::Members).unwrap(), community).unwrap().unwrap()
}

fn announced(person: &Person, community: &Cid, audience: Audience) -> Announce {
    let draft = publish::Draft { audience: Some(audience), ..draft(post("hello")) };
    person.publish(community, vec![draft]).unwrap().announces.remove(0).1
}

fn judge(picture: &Picture, community: &Cid, told: &Announce) -> Result<Did, Fault> {
    super::judge(picture, community, Audience::Public, &told.encode().unwrap())
}

#[test]
fn a_members_newer_commit_goes_on_and_an_old_one_does_not() {
    let (host, guest) = (Person::new(1), Person::new(2));
    let community = host.found("River", Visibility::Public);
    guest.joins(&community, &host, Role::Member);
    let told = announced(&guest, &community, Audience::Public);
    assert_eq!(judge(&picture(&host, &community), &community, &told), Ok(guest.me.did));
    assert_eq!(judge(&picture(&guest, &community), &community, &told), Err(Fault::Old));
}

#[test]
fn a_spoilt_signature_or_another_community_is_held_against_the_sender() {
    let host = Person::new(1);
    let (community, other) = (host.found("River", Visibility::Public), host.found("Hill", Visibility::Public));
    let before = picture(&host, &community);
    let told = announced(&host, &community, Audience::Public);
    assert_eq!(judge(&picture(&host, &other), &other, &told), Err(Fault::Wrong));
    let mut commit = told.commit.clone().unwrap().to_vec();
    let end = commit.len() - 1;
    commit[end] ^= 1;
    let spoilt = Announce { commit: Some(commit.into()), ..told };
    assert_eq!(judge(&before, &community, &spoilt), Err(Fault::Wrong));
    assert_eq!(super::judge(&before, &community, Audience::Public, b"\xa0"), Err(Fault::Wrong));
}

#[test]
fn what_is_for_members_never_passes_as_gossip() {
    let host = Person::new(1);
    let community = host.found("River", Visibility::Public);
    let before = picture(&host, &community);
    let told = announced(&host, &community, Audience::Members);
    assert_eq!(judge(&before, &community, &told), Err(Fault::Wrong));
    let bytes = told.encode().unwrap();
    assert_eq!(super::judge(&before, &community, Audience::Members, &bytes), Ok(host.me.did));
    let closed = host.found("Cellar", Visibility::Members);
    let (_, op) = publish::invite(&host.store, &host.me, &host.clock, &closed, Role::Member, 1, None).unwrap();
    assert_eq!(judge(&picture(&host, &closed), &closed, &op), Err(Fault::Wrong));
}

#[test]
fn a_joiner_nobody_knows_yet_passes_with_its_join_and_not_without() {
    let (host, guest) = (Person::new(1), Person::new(2));
    let community = host.found("River", Visibility::Public);
    let (link, _) = publish::invite(&host.store, &host.me, &host.clock, &community, Role::Member, 1, None).unwrap();
    let before = picture(&host, &community);
    let join = publish::join(&guest.store, &guest.me, &guest.clock, &link).unwrap();
    let (op, identity) = (join.bytes().clone(), guest.store.meta("identity").unwrap().unwrap());
    // Elsewhere the join was seen already, so that the guest could publish.
    guest.learn(&community, &host);
    let mut batch = crate::store::Batch::new(community, Audience::Public);
    batch.identities.push(Identity::open(&identity).unwrap().0);
    batch.ops.push(join);
    guest.store.apply(batch, 0).unwrap();
    let told = announced(&guest, &community, Audience::Public);
    assert_eq!(judge(&before, &community, &told), Err(Fault::Unknown));
    let with = Announce { identity: Some(identity.into()), ops: vec![op], ..told };
    let account = Secret::from_seed(link.seed).did();
    assert_eq!(judge(&before, &community, &with), Ok(account), "charged to the invite");
}

#[test]
fn a_member_may_announce_in_a_burst_and_then_ten_times_a_minute() {
    let mut rates = Rates::default();
    let did = Person::new(1).me.did;
    assert_eq!((0..100).filter(|_| rates.allow(0, did)).count(), 60);
    assert_eq!((0..100).filter(|_| rates.allow(60_000_000, did)).count(), 10);
    assert!(rates.allow(60_000_000, Person::new(2).me.did));
}

fn identity(person: &Person) -> Block {
    Identity::open(&person.store.meta(meta::IDENTITY).unwrap().unwrap()).unwrap().0
}

fn invite(host: &Person, community: &Cid, uses: u32) -> (InviteLink, Announce) {
    publish::invite(&host.store, &host.me, &host.clock, community, Role::Member, uses, None).unwrap()
}

fn op(author: &Person, community: &Cid, deps: Vec<Cid>, act: Act, seed: Option<&Secret>) -> Block {
    let Person { me, clock, .. } = author;
    let (did, device, rev) = (me.did, me.device.did(), Tid::new(clock.micros(), 0));
    Op { community: *community, did, device, identity: *identity(author).cid(), rev, deps, act }
        .seal(&me.device, seed)
        .unwrap()
}

/// What a joiner tells.
fn join(guest: &Person, link: &InviteLink) -> Announce {
    let act = Act::Join { invite: link.invite, did: guest.me.did, seed_sig: Sig([0; 64]) };
    let op = op(guest, &link.community, vec![link.invite], act, Some(&Secret::from_seed(link.seed)));
    told(&[&op], Some(&identity(guest)))
}

fn told(ops: &[&Block], identity: Option<&Block>) -> Announce {
    Announce {
        ops: ops.iter().map(|block| block.bytes().clone()).collect(),
        identity: identity.map(|block| block.bytes().clone()),
        ..Announce::default()
    }
}

fn take(person: &Person, community: &Cid, told: &Announce) {
    let mut batch = Batch::new(*community, Audience::Public);
    batch.ops = told.ops.iter().map(|bytes| Op::open(bytes).unwrap().0).collect();
    batch.identities = told.identity.iter().map(|bytes| Identity::open(bytes).unwrap().0).collect();
    person.store.apply(batch, person.clock.micros()).unwrap();
}

#[test]
fn news_goes_to_the_account_of_who_signed_it_and_a_join_to_its_invites() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let community = ada.found("River", Visibility::Public);
    let act = Act::Describe(Describe { about: Some("by the river".into()), ..Describe::default() });
    let op = op(&ada, &community, vec![community], act, None);
    assert_eq!(judge(&picture(&ada, &community), &community, &told(&[&op], None)), Ok(ada.me.did));
    let (link, _) = invite(&ada, &community, 2);
    let account = Secret::from_seed(link.seed).did();
    assert_eq!(judge(&picture(&ada, &community), &community, &join(&bo, &link)), Ok(account));
}

#[test]
fn an_operation_in_a_members_name_by_a_key_that_is_not_theirs_goes_nowhere() {
    let (ada, mallory) = (Person::new(1), Person::new(66));
    let community = ada.found("River", Visibility::Public);
    let forged = Op {
        community,
        did: ada.me.did,
        device: mallory.me.device.did(),
        identity: *identity(&ada).cid(),
        rev: Tid::new(ada.clock.micros(), 0),
        deps: vec![community],
        act: Act::Describe(Describe::default()),
    };
    let forged = forged.seal(&mallory.me.device, None).unwrap();
    let picture = picture(&ada, &community);
    assert_eq!(judge(&picture, &community, &told(&[&forged], None)), Err(Fault::Unknown));
    // Nor with Mallory's own document beside it: an announcement tells of one person.
    let with = told(&[&forged], Some(&identity(&mallory)));
    assert_eq!(judge(&picture, &community, &with), Err(Fault::Wrong));
}

#[test]
fn what_is_known_already_is_nobodys_news() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let community = ada.found("River", Visibility::Public);
    let (link, invite) = invite(&ada, &community, 2);
    let join = join(&bo, &link);
    take(&ada, &community, &join);
    let post = announced(&ada, &community, Audience::Public);
    let picture = picture(&ada, &community);
    for replayed in [&invite, &join, &post, &told(&[], Some(&identity(&ada)))] {
        assert_eq!(judge(&picture, &community, replayed), Err(Fault::Old));
    }
    // A known commit does not become news by an old operation beside it.
    assert_eq!(judge(&picture, &community, &Announce { ops: invite.ops, ..post }), Err(Fault::Old));
}

#[test]
fn joins_by_an_invite_that_is_used_up_or_closed_are_ignored() {
    let (ada, bo, eve) = (Person::new(1), Person::new(2), Person::new(3));
    let community = ada.found("River", Visibility::Public);
    let (link, _) = invite(&ada, &community, 1);
    assert!(judge(&picture(&ada, &community), &community, &join(&eve, &link)).is_ok());
    take(&ada, &community, &join(&bo, &link));
    assert_eq!(judge(&picture(&ada, &community), &community, &join(&eve, &link)), Err(Fault::Old));

    let (open, _) = invite(&ada, &community, 5);
    let heads = picture(&ada, &community).state.heads.iter().copied().collect();
    let close = op(&ada, &community, heads, Act::Close { invite: open.invite, joins: vec![] }, None);
    take(&ada, &community, &told(&[&close], None));
    assert_eq!(judge(&picture(&ada, &community), &community, &join(&eve, &open)), Err(Fault::Old));
}

#[test]
fn an_endless_supply_of_joiners_has_one_account() {
    let ada = Person::new(1);
    let community = ada.found("River", Visibility::Public);
    let (link, _) = invite(&ada, &community, 128);
    let picture = picture(&ada, &community);
    let mut rates = Rates::default();
    let accounts = (10..90).map(|n| judge(&picture, &community, &join(&Person::new(n), &link)).unwrap());
    assert_eq!(accounts.filter(|account| rates.allow(0, *account)).count() as u64, Rates::BURST);
    assert!(rates.allow(0, ada.me.did), "the inviter is not silenced by it");
}

#[test]
fn an_old_document_does_not_bring_back_a_retired_device() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let community = ada.found("River", Visibility::Public);
    // A replica that learns of the retirement before it sees the commit.
    bo.learn(&community, &ada);
    let stolen = announced(&ada, &community, Audience::Public);
    assert_eq!(judge(&picture(&bo, &community), &community, &stolen), Ok(ada.me.did));
    let (root, device) = (Secret::from_seed([1; 32]), Secret::from_seed([200; 32]).did());
    let devices = vec![Device { key: device, name: "new".into(), added: Tid::new(1, 0) }];
    let newer = Identity { did: root.did(), seq: 1, prev: Some(*identity(&ada).cid()), devices }.seal(&root).unwrap();
    take(&bo, &community, &told(&[], Some(&newer)));
    let picture = picture(&bo, &community);
    assert_eq!(judge(&picture, &community, &stolen), Err(Fault::Unknown));
    let presented = Announce { identity: Some(identity(&ada).bytes().clone()), ..stolen };
    assert_eq!(judge(&picture, &community, &presented), Err(Fault::Unknown));
}
