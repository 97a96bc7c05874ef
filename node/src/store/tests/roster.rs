use folkmoot_schemas::limits;
use redb::ReadableTable;

use super::*;
use crate::store::{blocks::digest_of, tables::Tables};

#[test]
fn a_charter_alone_is_a_community_and_another_ones_charter_is_refused() {
    let ada = Person::new(1);
    let (a, b) = (ada.store(), ada.store());
    let community = found(&a, &ada, Visibility::Public, &[]);
    let view = a.view(Scope::Public).unwrap();
    assert!(view.community(&community).unwrap().unwrap().state.is_member(&ada.did()));
    assert_eq!(view.people(&community).unwrap().len(), 1);

    let mut batch = Batch::new(*ada.identity.cid(), Audience::Public);
    batch.charter = view.charter(&community).unwrap();
    assert!(b.apply(batch, NOON).is_err());
    assert!(b.apply(Batch::new(community, Audience::Public), NOON).is_err());
    assert_eq!(b.size().unwrap().1, 0);
}

#[test]
fn joining_by_a_link_makes_a_member_and_both_rosters_are_equal() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[]);
    let seed = Secret::from_seed([42; 32]);
    let act = Act::Invite { key: seed.did(), role: Role::Member, expires: None, uses: 4 };
    let invite = ada.op(community, vec![community], NOON, act, None);
    let mut batch = Batch::new(community, Audience::Public);
    batch.ops.push(invite.clone());
    assert!(a.put_own(batch, NOON).unwrap().roster_changed);

    let act = Act::Join { invite: *invite.cid(), did: bo.did(), seed_sig: UNSIGNED };
    let join = bo.op(community, vec![*invite.cid()], NOON + SECOND, act, Some(&seed));
    let mut batch = Batch::new(community, Audience::Members);
    batch.ops.push(join);
    batch.identities.push(bo.identity.clone());
    let applied = a.apply(batch, NOON).unwrap();
    assert!(applied.roster_changed && applied.people_changed && applied.refused.is_empty(), "{applied:?}");
    pull(&a, &b, community, Scope::Members, WHOLE);
    assert!(b.view(Scope::Members).unwrap().community(&community).unwrap().unwrap().joined);
    bo.publish(&b, community, NOON, post("hello"));
    pull(&b, &a, community, Scope::Members, WHOLE);
    equal(&a, &b, community, Scope::Members);
    let (ops, identities) = a.view(Scope::Public).unwrap().roster(&community).unwrap();
    assert_eq!((ops.len(), identities.len()), (2, 2));
    assert_eq!(ops[0], invite, "ancestors first");
}

#[test]
fn an_operation_before_its_ancestor_waits_and_counts_once_that_is_here() {
    let (ada, bo, cy) = (Person::new(1), Person::new(2), Person::new(3));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[]);
    pull(&a, &b, community, Scope::Members, WHOLE);
    let add = |deps, at, whom: &Person| {
        ada.op(community, deps, at, Act::Add { did: whom.did(), role: Role::Member, was: None }, None)
    };
    let first = add(vec![community], NOON, &bo);
    let second = add(vec![*first.cid()], NOON + 1, &cy);
    let batch = |op: &Block| {
        let mut batch = Batch::new(community, Audience::Public);
        batch.ops.push(op.clone());
        batch
    };
    let blocks = b.size().unwrap().1;
    let applied = b.apply(batch(&second), NOON).unwrap();
    assert_eq!(applied.missing, [*first.cid()]);
    assert!(!applied.roster_changed);
    assert_eq!(b.size().unwrap().1, blocks, "what waits is not on the disk");
    let applied = b.apply(batch(&first), NOON).unwrap();
    assert!(applied.roster_changed && applied.missing.is_empty());
    let state = b.view(Scope::Public).unwrap().community(&community).unwrap().unwrap().state;
    assert!(state.is_member(&bo.did()) && state.is_member(&cy.did()));
}

#[test]
fn a_retired_devices_repositories_are_dropped_whole_on_every_node() {
    let mut ada = Person::new(1);
    let bo = Person::new(2);
    let phone = ada.second_device(9);
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    ada.publish(&a, community, NOON, post("from the laptop"));
    phone.publish(&a, community, NOON + 1, post("from the phone"));
    pull(&a, &b, community, Scope::Members, WHOLE);
    assert_eq!(texts(&b, Scope::Public, community).len(), 2);

    let newer = identity(&ada.root, Some(&ada.identity), &[&ada.device]);
    for store in [&a, &b] {
        let mut batch = Batch::new(community, Audience::Public);
        batch.identities.push(newer.clone());
        assert!(store.apply(batch, NOON).unwrap().people_changed);
        assert_eq!(texts(store, Scope::Public, community), ["from the laptop"]);
        assert_eq!(store.view(Scope::Members).unwrap().heads(&community).unwrap().len(), 1);
    }
    equal(&a, &b, community, Scope::Members);
    assert_eq!(a.size().unwrap().1, b.size().unwrap().1);

    // An older document does not bring it back, nor does a commit of that device.
    let mut batch = Batch::new(community, Audience::Public);
    batch.identities.push(ada.identity.clone());
    b.apply(batch, NOON).unwrap();
    assert_eq!(b.view(Scope::Public).unwrap().people(&community).unwrap()[&ada.did()], *newer.cid());
}

#[test]
fn a_superseded_document_stays_only_while_something_here_names_it() {
    let (ada, mut bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    pull(&a, &b, community, Scope::Members, WHOLE);
    bo.publish(&b, community, NOON, post("hello"));
    pull(&b, &a, community, Scope::Members, WHOLE);
    let documents = || {
        let (t, ..) = a.reading().unwrap();
        t.identities().iter().unwrap().count()
    };
    let first = bo.identity.clone();
    for n in 0..20 {
        bo.identity = identity(&bo.root, Some(&bo.identity), &[&bo.device, &Secret::from_seed([100 + n; 32])]);
        for store in [&a, &b] {
            let mut batch = Batch::new(community, Audience::Members);
            batch.identities.push(bo.identity.clone());
            assert!(store.apply(batch, NOON).unwrap().people_changed);
        }
    }
    assert_eq!(documents(), 3, "hers, his newest, and the one his commit links");
    let uri = bo.publish(&b, community, NOON + SECOND, post("and on"));
    pull(&b, &a, community, Scope::Members, WHOLE);
    assert_eq!(documents(), 2);
    // An older version links the document by which it is proven.
    let second = bo.identity.clone();
    bo.identity = identity(&bo.root, Some(&bo.identity), &[&bo.device]);
    for store in [&a, &b] {
        let mut batch = Batch::new(community, Audience::Members);
        batch.identities.push(bo.identity.clone());
        store.apply(batch, NOON).unwrap();
    }
    bo.commit(&b, community, Audience::Public, NOON + 2 * SECOND, vec![edit(&uri.path(), post("edited"))]);
    pull(&b, &a, community, Scope::Members, WHOLE);
    assert_eq!(documents(), 3);
    // So does an operation.
    let state = a.view(Scope::Members).unwrap().community(&community).unwrap().unwrap().state;
    let deps = state.heads.iter().copied().collect();
    let act = Act::Leave { cut: Default::default() };
    let op = bo.op(community, deps, NOON + 3 * SECOND, act, None);
    let mut batch = Batch::new(community, Audience::Members);
    batch.ops.push(op);
    assert!(a.apply(batch, NOON).unwrap().roster_changed);
    a.sweep(NOON + 3 * SECOND, &mut || ()).unwrap();
    assert_eq!(documents(), 2, "his last one, which his leaving names");
    for gone in [&first, &second] {
        assert!(a.reading().unwrap().0.identities().get(&digest_of(gone.cid())).unwrap().is_none());
    }
    sound(&a);
}

#[test]
fn what_is_remembered_of_a_repository_is_bounded_and_goes_with_it() {
    let mut ada = Person::new(1);
    let phone = ada.second_device(9);
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Public, &[]);
    ada.publish(&a, community, NOON, post("from the laptop"));
    phone.publish(&a, community, NOON + 1, post("from the phone"));
    let head = held(&a, community);
    a.write(|w| {
        let (number, _) = w.t.past.iter()?.next().unwrap()?.0.value();
        for n in 1..=limits::PAST as u64 + 50 {
            w.t.past.insert((number, n), &[0; 32])?;
            w.t.changes.insert((number, n, 1, b"x".as_slice()), ())?;
        }
        w.dirty = true;
        Ok(())
    })
    .unwrap();
    a.sweep(NOON, &mut || ()).unwrap();
    let rows = || {
        let (t, ..) = a.reading().unwrap();
        (t.past().iter().unwrap().count(), t.tidied().iter().unwrap().count())
    };
    assert_eq!(rows(), (limits::PAST + 1, 0), "of the other device one");
    assert_eq!(held(&a, community), head);
    let plan = OwnCommit {
        community,
        did: ada.did(),
        device: &ada.device,
        audience: Audience::Public,
        changes: vec![],
        now: NOON + SECOND,
        random: 0,
    };
    assert!(a.tidy_own(plan).unwrap().is_none());
    assert_eq!(rows().1, 1);
    let mut batch = Batch::new(community, Audience::Public);
    batch.identities.push(identity(&ada.root, Some(&ada.identity), &[&ada.device]));
    assert!(a.apply(batch, NOON).unwrap().people_changed);
    assert_eq!(rows().1, 0);
}
