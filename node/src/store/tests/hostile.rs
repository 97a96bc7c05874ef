use folkmoot_schemas::{commit::Commit, mst, roster::Describe};

use super::*;

/// A public and a private record of Ada's, in a community with Bo; Bo's store is the one under attack.
struct Scene {
    ada: Person,
    a: Store,
    b: Store,
    community: Cid,
    secret: Uri,
}

fn scene() -> Scene {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    ada.publish(&a, community, NOON, post("for everyone"));
    let secret = ada.publish_for(&a, community, Audience::Members, NOON, post("for members"));
    pull(&a, &b, community, Scope::Members, WHOLE);
    Scene { ada, a, b, community, secret }
}

/// A commit over any entries, signed by the person's device: what a member's modified client could send.
pub(super) fn forged(
    person: &Person,
    community: Cid,
    audience: Audience,
    at: u64,
    entries: &[(String, Block)],
) -> RepoUpdate {
    let tree = mst::build(&entries.iter().map(|(path, block)| (path.clone(), *block.cid())).collect()).unwrap();
    let commit = Commit {
        did: person.did(),
        device: person.device.did(),
        community,
        audience,
        rev: Tid::new(at, 0),
        data: tree.root,
        identity: *person.identity.cid(),
        count: entries.len() as u64,
        prev: None,
        seen: Default::default(),
    };
    RepoUpdate {
        commit: commit.seal(&person.device).unwrap(),
        since: None,
        put: entries.iter().map(|(path, block)| (path.clone(), *block.cid())).collect(),
        gone: vec![],
        blocks: entries.iter().map(|(_, block)| block.clone()).collect(),
        first: true,
        complete: true,
    }
}

pub(super) fn record(text: &str, at: u64) -> Block {
    Record::from(post(text)).encode(Tid::new(at, 0)).unwrap()
}

#[test]
fn members_records_are_invisible_in_the_public_scope() {
    let Scene { b, community, secret, .. } = scene();
    let entry = found_entry(&b, Scope::Members, &secret).unwrap();
    let view = b.view(Scope::Public).unwrap();
    assert!(matches!(view.get(&secret).unwrap(), Lookup::Absent));
    assert!(matches!(view.by_short(None, &secret.short_id()).unwrap(), Lookup::Absent));
    assert!(view.by_cid(&entry.cid).unwrap().is_none());
    assert!(view.block(&community, &entry.cid).unwrap().is_none());
    assert!(view.public_block(&entry.cid).unwrap().is_none());
    assert_eq!(texts(&b, Scope::Public, community), ["for everyone"]);
    assert_eq!(view.count(&community).unwrap(), 1);
    assert_eq!(view.heads(&community).unwrap().len(), 1);

    let all = b.view(Scope::Members).unwrap();
    let hidden = all.heads(&community).unwrap().into_iter().find(|h| h.repo.audience == Audience::Members).unwrap();
    assert!(view.delta(&community, &hidden.repo, None, None, WHOLE).unwrap().is_none());
    assert!(view.head_commit(&community, &hidden.repo).unwrap().is_none());
    let (commit, fields) = all.head_commit(&community, &hidden.repo).unwrap().unwrap();
    assert!(view.public_block(commit.cid()).unwrap().is_none());
    assert!(view.public_block(&fields.data).unwrap().is_none());
    assert!(all.block(&community, &fields.data).unwrap().is_some());
    assert_ne!(view.snapshot(&community).unwrap(), all.snapshot(&community).unwrap());
}

#[test]
fn a_members_community_does_not_exist_in_the_public_scope() {
    let ada = Person::new(1);
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Members, &[]);
    let uri = ada.publish(&a, community, NOON, post("inside"));
    let cid = found_entry(&a, Scope::Members, &uri).unwrap().cid;
    let view = a.view(Scope::Public).unwrap();
    assert!(view.communities().unwrap().is_empty());
    assert!(view.community(&community).unwrap().is_none());
    assert!(view.charter(&community).unwrap().is_none());
    assert!(view.roster(&community).unwrap().0.is_empty() && view.roster(&community).unwrap().1.is_empty());
    assert!(view.identity(&ada.did()).unwrap().is_none());
    assert!(view.heads(&community).unwrap().is_empty());
    assert!(view.digest(&community).unwrap().is_none());
    assert!(matches!(view.get(&uri).unwrap(), Lookup::Absent));
    for cid in [cid, community, *ada.identity.cid()] {
        assert!(view.public_block(&cid).unwrap().is_none());
    }
}

#[test]
fn a_stranger_stores_nothing() {
    let Scene { b, community, .. } = scene();
    let before = (b.size().unwrap().1, b.generation(), held(&b, community));
    let mallory = Person::new(66);
    let path = format!("org.folkmoot.post/{}", Tid::new(NOON, 0));
    let mut batch = Batch::new(community, Audience::Members);
    batch.identities.push(mallory.identity.clone());
    batch.ops.push(mallory.op(
        community,
        vec![community],
        NOON,
        Act::Add { did: mallory.did(), role: Role::Steward, was: None },
        None,
    ));
    // One that could not be judged yet: it may wait in memory, not on the disk.
    batch.ops.push(mallory.op(
        community,
        vec![*mallory.identity.cid()],
        NOON,
        Act::Describe(Describe::default()),
        None,
    ));
    batch.repos.push(forged(&mallory, community, Audience::Public, NOON, &[(path, record("spam", NOON))]));
    batch.loose.push(Block::raw(vec![1; 1000]));
    let applied = b.apply(batch, NOON).unwrap();
    assert!(applied.advanced.is_empty() && applied.wanted.is_empty());
    assert!(applied.refused.len() >= 3, "{:?}", applied.refused);
    assert_eq!((b.size().unwrap().1, b.generation(), held(&b, community)), before);
    assert!(b.view(Scope::Members).unwrap().identity(&mallory.did()).unwrap().is_none());
}

#[test]
fn a_tree_that_does_not_add_up_is_refused_and_only_its_head_is_known() {
    let Scene { ada, a, b, community, .. } = scene();
    let before = held(&b, community);
    ada.publish(&a, community, NOON + SECOND, post("second"));
    let honest = update(&a, community, Audience::Public);
    let blocks = b.size().unwrap().1;

    let missing = RepoUpdate { put: honest.put[1..].to_vec(), ..honest.clone() };
    let swapped = {
        let mut put = honest.put.clone();
        (put[0].1, put[1].1) = (put[1].1, put[0].1);
        RepoUpdate { put, ..honest.clone() }
    };
    let stranger = record("not hers", NOON);
    let replaced = {
        let mut put = honest.put.clone();
        put[0].1 = *stranger.cid();
        RepoUpdate { put, blocks: vec![stranger, honest.blocks[1].clone()], ..honest.clone() }
    };
    let blockless = RepoUpdate { blocks: vec![], ..honest.clone() };
    for tampered in [missing, swapped, replaced, blockless] {
        let applied = apply(&b, community, Audience::Public, tampered);
        assert_eq!(applied.mismatched.len(), 1);
        assert!(applied.advanced.is_empty());
        assert_eq!(held(&b, community), before);
        assert_eq!(b.size().unwrap().1, blocks);
    }
    let view = b.view(Scope::Public).unwrap();
    assert_eq!(view.digest(&community).unwrap(), None, "a newer head is known than is held");
    assert_eq!(apply(&b, community, Audience::Public, honest).advanced.len(), 1);
    equal(&a, &b, community, Scope::Members);
}

#[test]
fn a_changed_commit_is_refused_and_not_even_known() {
    let Scene { ada, a, b, community, .. } = scene();
    ada.publish(&a, community, NOON + SECOND, post("second"));
    let honest = update(&a, community, Audience::Public);
    let mut bytes = honest.commit.bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let flipped = Block::trusted(*honest.commit.cid(), bytes);
    let applied = apply(&b, community, Audience::Public, RepoUpdate { commit: flipped, ..honest });
    assert_eq!(applied.refused.len(), 1);
    assert!(applied.wanted.is_empty());
    assert!(b.view(Scope::Public).unwrap().digest(&community).unwrap().is_some());
}

#[test]
fn a_record_that_breaks_the_rules_of_trees_is_refused() {
    let Scene { ada, b, community, .. } = scene();
    let later = NOON + 10 * SECOND;
    let path = |collection: &str| format!("{collection}/{}", Tid::new(NOON, 1));
    for (at, entries) in [
        (later, [(path("org.folkmoot.event"), record("a post among events", NOON))]),
        (later, [(path("org.folkmoot.post"), record("newer than its commit", later + SECOND))]),
    ] {
        let applied = apply(&b, community, Audience::Public, forged(&ada, community, Audience::Public, at, &entries));
        assert_eq!(applied.refused.len(), 1);
        assert!(applied.advanced.is_empty() && applied.wanted.is_empty());
    }
}

#[test]
fn a_members_record_cannot_be_drawn_into_the_public_by_naming_it() {
    let Scene { b, community, secret, .. } = scene();
    let bo = Person::new(2);
    let private = found_entry(&b, Scope::Members, &secret).unwrap();
    let entries = [(format!("org.folkmoot.post/{}", Tid::new(NOON, 3)), private.block.clone())];
    let mut update = forged(&bo, community, Audience::Public, NOON + SECOND, &entries);
    update.blocks.clear();
    let applied = apply(&b, community, Audience::Public, update);
    assert_eq!(applied.mismatched.len(), 1);
    assert!(b.view(Scope::Public).unwrap().public_block(&private.cid).unwrap().is_none());
}

#[test]
fn a_members_commit_is_not_taken_from_a_public_answer() {
    let Scene { ada, a, b, community, .. } = scene();
    ada.publish_for(&a, community, Audience::Members, NOON + SECOND, post("more for members"));
    let applied = apply(&b, community, Audience::Public, update(&a, community, Audience::Members));
    assert_eq!(applied.refused.len(), 1);
    assert!(applied.advanced.is_empty());
}

#[test]
fn a_faulty_record_is_kept_and_forwarded_but_not_listed() {
    let Scene { ada, a, b, community, .. } = scene();
    let path = format!("org.folkmoot.post/{}", Tid::new(NOON + SECOND, 0));
    let long = Record::from(post(&"x".repeat(6000))).encode(Tid::new(NOON + SECOND, 0)).unwrap();
    let update = forged(&ada, community, Audience::Public, NOON + SECOND, &[(path.clone(), long)]);
    assert_eq!(apply(&b, community, Audience::Public, update).advanced.len(), 1);
    assert!(texts(&b, Scope::Public, community).is_empty());
    let entry = found_entry(&b, Scope::Public, &ada.uri(community, &path)).unwrap();
    assert!(entry.fault.is_some());
    pull(&b, &a, community, Scope::Members, WHOLE);
    equal(&a, &b, community, Scope::Members);
}

#[test]
fn a_link_of_another_codec_to_known_bytes_spoils_nothing() {
    let Scene { ada, b, community, .. } = scene();
    let mallory = Person::new(66);
    // The same digest as the identity of a member, as if it named a file.
    let link = Cid::new_v1(folkmoot_schemas::block::RAW, *ada.identity.cid().hash());
    let poison = Op {
        community,
        did: mallory.did(),
        device: mallory.device.did(),
        identity: link,
        rev: Tid::new(NOON, 0),
        deps: vec![community],
        act: Act::Describe(Describe::default()),
    };
    let mut batch = Batch::new(community, Audience::Public);
    batch.ops.push(poison.seal(&mallory.device, None).unwrap());
    assert!(!b.apply(batch, ARRIVAL).unwrap().roster_changed);

    let heads = b.view(Scope::Members).unwrap().community(&community).unwrap().unwrap().state.heads.clone();
    let act = Act::Describe(Describe { about: Some("after".into()), ..Describe::default() });
    let mut batch = Batch::new(community, Audience::Public);
    batch.ops.push(ada.op(community, heads.into_iter().collect(), NOON + SECOND, act, None));
    assert!(b.apply(batch, ARRIVAL).unwrap().roster_changed);
}

#[test]
fn what_a_guest_may_not_write_is_taken_and_hidden_until_they_are_raised() {
    use folkmoot_schemas::{kind::Kind, records::post::Reply, uri::StrongRef, when::Start};
    let (ada, eve) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), eve.store());
    let community = found(&a, &ada, Visibility::Public, &[]);
    let admit = |role, deps, at| {
        let op = ada.op(community, deps, at, Act::Add { did: eve.did(), role, was: None }, None);
        let batch = Batch {
            identities: vec![eve.identity.clone()],
            ops: vec![op.clone()],
            ..Batch::new(community, Audience::Members)
        };
        assert!(a.put_own(batch, NOON).unwrap().refused.is_empty());
        *op.cid()
    };
    let guest = admit(Role::Guest, vec![community], NOON);
    let root = ada.publish(&a, community, NOON, post("Who brings chairs?"));
    pull(&a, &b, community, Scope::Members, WHOLE);

    // A changed client does not ask `publish`.
    let to = StrongRef { uri: root.clone(), cid: found_entry(&b, Scope::Public, &root).unwrap().cid };
    let reply = Post { reply: Some(Reply { root: to.clone(), parent: to }), ..post("I do") };
    let gig = folkmoot_schemas::records::event::Event::new("Gig", Start::Date { date: "2026-05-02".parse().unwrap() });
    let loud = eve.publish(&b, community, NOON, post("Buy this"));
    let gig = eve.publish(&b, community, NOON + SECOND, gig);
    let reply = eve.publish(&b, community, NOON + 2 * SECOND, reply);
    assert!(pull(&b, &a, community, Scope::Members, WHOLE).refused.is_empty());
    equal(&a, &b, community, Scope::Members);

    let shown = |scope| {
        let view = a.view(scope).unwrap();
        let day = NOON as i64 / SECOND as i64;
        let dates = view.events(&community, day - 86_400..day + 2 * 86_400, 10).unwrap().0.len();
        let replies = view.about(&root, Post::NAME).unwrap().into_iter().map(|entry| entry.uri).collect::<Vec<_>>();
        (texts(&a, scope, community), dates, replies)
    };
    for scope in [Scope::Public, Scope::Members] {
        let (texts, dates, replies) = shown(scope);
        assert_eq!((texts.as_slice(), dates), (&["I do".to_owned(), "Who brings chairs?".to_owned()][..], 0));
        assert_eq!(replies, std::slice::from_ref(&reply));
        for hidden in [&loud, &gig] {
            let fault = found_entry(&a, scope, hidden).unwrap().fault.unwrap();
            assert!(fault.contains("guest"), "{fault}");
        }
    }
    admit(Role::Member, vec![guest], NOON + SECOND);
    let (texts, dates, _) = shown(Scope::Public);
    assert_eq!((texts.len(), dates), (3, 1));
}

#[test]
fn an_identity_is_given_out_where_its_person_belongs_whichever_way_it_came() {
    let (ada, mut bo) = (Person::new(1), Person::new(2));
    let store = ada.store();
    let private = found(&store, &ada, Visibility::Members, &[&bo]);
    let public = found(&store, &ada, Visibility::Public, &[]);
    bo.second_device(22);
    let newer = *bo.identity.cid();
    let mut batch = Batch::new(public, Audience::Public);
    batch.identities.push(bo.identity.clone());
    assert!(store.apply(batch, ARRIVAL).unwrap().people_changed);
    let view = store.view(Scope::Members).unwrap();
    assert_eq!(view.identity(&bo.did()).unwrap().unwrap().0.cid(), &newer);
    assert!(view.block(&private, &newer).unwrap().is_some());
    assert!(view.block(&public, &newer).unwrap().is_none());
    let view = store.view(Scope::Public).unwrap();
    assert!(view.identity(&bo.did()).unwrap().is_none());
    assert!(view.block(&public, &newer).unwrap().is_none());
}

/// A tombstone that says more than tombstones do.
fn padded_grave(at: u64, pad: usize) -> Block {
    #[derive(serde::Serialize)]
    struct Padded {
        #[serde(rename = "$type")]
        kind: &'static str,
        rev: Tid,
        pad: String,
    }
    Block::encode(&Padded { kind: "org.folkmoot.tombstone", rev: Tid::new(at, 0), pad: "x".repeat(pad) }).unwrap()
}

#[test]
fn tombstones_fill_no_room_there_is_not_unless_they_stand_for_what_is_deleted() {
    let Scene { ada, a, b, community, .. } = scene();
    let path = update(&a, community, Audience::Public).put[0].clone();
    let narrow = crate::store::quota::Quotas { member: Some(1), ..Default::default() };
    b.set_quotas(narrow);
    let at = |n: u64| NOON + n * SECOND;
    let invented =
        (0..20).map(|n| (format!("org.folkmoot.post/{}", Tid::new(at(1) + n, 0)), padded_grave(at(1), 4000)));
    let invented: Vec<_> = invented.collect();
    let applied = apply(&b, community, Audience::Public, forged(&ada, community, Audience::Public, at(2), &invented));
    assert_eq!((applied.advanced.len(), applied.deferred.len()), (0, 1), "where there was nothing");
    let fat = [(path.0.clone(), padded_grave(at(3), 4000))];
    let applied = apply(&b, community, Audience::Public, forged(&ada, community, Audience::Public, at(3), &fat));
    assert_eq!((applied.advanced.len(), applied.deferred.len()), (0, 1), "larger than what it deletes");
    let grave = [(path.0, padded_grave(at(4), 0))];
    let applied = apply(&b, community, Audience::Public, forged(&ada, community, Audience::Public, at(4), &grave));
    assert_eq!(applied.advanced.len(), 1, "deleting is heeded");
    assert!(texts(&b, Scope::Public, community).is_empty());
}

#[test]
fn parts_of_a_liar_do_not_spoil_the_next_answer() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    pull(&a, &b, community, Scope::Members, WHOLE);
    ada.commit(&a, community, Audience::Public, NOON, (0..20).map(|n| put(post(&format!("{n}")))).collect());
    let honest = update(&a, community, Audience::Public);
    for budget in [WHOLE, 1000] {
        let invented = record("never written", NOON);
        let path = format!("org.folkmoot.post/{}", Tid::new(NOON, 999));
        let liar = RepoUpdate {
            put: vec![(path, *invented.cid())],
            blocks: vec![invented],
            complete: false,
            ..honest.clone()
        };
        assert!(apply(&b, community, Audience::Public, liar).mismatched.is_empty(), "it is a part so far");
        let taken = pull(&a, &b, community, Scope::Public, budget);
        assert!(taken.mismatched.is_empty() && taken.advanced.len() == 1, "in answers of {budget} bytes");
        ada.publish(&a, community, NOON + SECOND, post("and on"));
        pull(&a, &b, community, Scope::Public, WHOLE);
        equal(&a, &b, community, Scope::Public);
        ada.commit(
            &a,
            community,
            Audience::Public,
            NOON + 2 * SECOND,
            (0..20).map(|n| put(post(&format!("again {n}")))).collect(),
        );
    }
    sound(&b);
}
