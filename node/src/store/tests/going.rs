//! What becomes of the repositories of who is put out or leaves: the same on every replica, whatever it saw before.

use folkmoot_schemas::{
    commit::RepoId,
    roster::{Cut, State},
};
use proptest::prelude::*;

use super::{
    hostile::{forged, record},
    *,
};

/// Founder, and two members; the posts of the first member are at stake.
struct Club {
    ada: Person,
    bo: Person,
    cy: Person,
    a: Store,
    community: Cid,
}

fn club() -> Club {
    let (ada, bo, cy) = (Person::new(1), Person::new(2), Person::new(3));
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Public, &[&bo, &cy]);
    Club { ada, bo, cy, a, community }
}

impl Club {
    /// A member's store that has what is in the founder's.
    fn store(&self, of: &Person) -> Store {
        let store = of.store();
        pull(&self.a, &store, self.community, Scope::Members, WHOLE);
        store
    }

    fn pull(&self, from: &Store, to: &Store) -> Applied {
        pull(from, to, self.community, Scope::Members, WHOLE)
    }

    fn state(&self, store: &Store) -> std::sync::Arc<State> {
        store.view(Scope::Members).unwrap().community(&self.community).unwrap().unwrap().state
    }

    fn heads_of(&self, store: &Store, whom: &Person) -> Cut {
        let heads = store.view(Scope::Members).unwrap().heads(&self.community).unwrap();
        heads.into_iter().filter(|h| h.repo.did == whom.did()).filter_map(|h| Some((h.repo, h.held?))).collect()
    }

    /// By the founder, on top of what is known in `store`, at the heads there.
    fn remove(&self, store: &Store, whom: &Person, at: u64) -> Block {
        let cut = self.heads_of(store, whom);
        self.operate(store, at, Act::Remove { did: whom.did(), cut, reason: None })
    }

    fn operate(&self, store: &Store, at: u64, act: Act) -> Block {
        let deps = self.state(store).deps(&self.ada.did(), &[]);
        let op = self.ada.op(self.community, deps, at, act, None);
        let applied = self.hear(store, &op);
        assert!(applied.refused.is_empty(), "{:?}", applied.refused);
        op
    }

    fn hear(&self, store: &Store, op: &Block) -> Applied {
        let mut batch = Batch::new(self.community, Audience::Public);
        batch.ops.push(op.clone());
        store.apply(batch, ARRIVAL).unwrap()
    }

    fn texts(&self, store: &Store) -> Vec<String> {
        texts(store, Scope::Public, self.community)
    }
}

#[test]
fn every_replica_goes_back_to_the_cut_and_takes_nothing_later() {
    let club = club();
    let (b, stray) = (club.store(&club.bo), club.bo.store());
    club.bo.publish(&b, club.community, NOON, post("early"));
    club.bo.publish_for(&b, club.community, Audience::Members, NOON + 1, post("between us"));
    club.pull(&b, &club.a);
    let c = club.store(&club.cy);
    // The founder does not hear of this one in time, and others do.
    club.bo.publish(&b, club.community, NOON + SECOND, post("late"));
    club.pull(&b, &c);
    club.pull(&b, &stray);
    assert_eq!(club.texts(&c), ["late", "early"]);

    let removal = club.remove(&club.a, &club.bo, NOON + 2 * SECOND);
    let applied = club.hear(&c, &removal);
    assert!(applied.roster_changed);
    assert!(club.texts(&c).is_empty(), "nothing is shown until the tree at the cut is here");
    assert!(!c.view(Scope::Members).unwrap().complete(&club.community).unwrap());
    for store in [&c, &b] {
        club.pull(&club.a, store);
        assert_eq!(club.texts(store), ["early"]);
        equal(&club.a, store, club.community, Scope::Members);
    }
    assert_eq!(club.a.size().unwrap().1, c.size().unwrap().1, "what was taken back is gone");
    assert!(b.size().unwrap().1 > c.size().unwrap().1, "but for its author, who may be let in again");

    // A device that has not heard of it goes on writing.
    club.bo.publish(&stray, club.community, NOON + 5 * SECOND, post("later still"));
    let applied = club.pull(&stray, &club.a);
    assert!(applied.advanced.is_empty() && !applied.refused.is_empty(), "{applied:?}");
    assert_eq!(club.texts(&club.a), ["early"]);
    club.pull(&club.a, &stray);
    equal(&club.a, &stray, club.community, Scope::Members);
    // And the home of who is out publishes nothing there any more.
    let plan = OwnCommit {
        community: club.community,
        did: club.bo.did(),
        device: &club.bo.device,
        audience: Audience::Public,
        changes: vec![put(post("still here"))],
        now: NOON + 9 * SECOND,
        random: 1,
    };
    assert!(stray.commit_own(plan).is_err());
}

#[test]
fn a_new_replica_takes_the_head_in_the_cut_although_its_author_is_out() {
    let club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("early"));
    club.pull(&b, &club.a);
    club.remove(&club.a, &club.bo, NOON + SECOND);
    let c = club.store(&club.cy);
    assert_eq!(club.texts(&c), ["early"]);
    equal(&club.a, &c, club.community, Scope::Members);
    equal(&club.a, &c, club.community, Scope::Public);
    let stranger = Store::in_memory().unwrap();
    pull(&club.a, &stranger, club.community, Scope::Public, WHOLE);
    assert_eq!(club.texts(&stranger), ["early"]);
}

#[test]
fn a_replica_behind_the_cut_shows_nothing_and_goes_up_to_it_from_what_it_has() {
    let club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("first"));
    club.pull(&b, &club.a);
    let c = club.store(&club.cy);
    club.bo.publish(&b, club.community, NOON + SECOND, post("second"));
    club.pull(&b, &club.a);
    let removal = club.remove(&club.a, &club.bo, NOON + 2 * SECOND);
    club.hear(&c, &removal);
    assert!(club.texts(&c).is_empty());
    let view = c.view(Scope::Members).unwrap();
    assert!(!view.complete(&club.community).unwrap());
    assert_eq!(view.count(&club.community).unwrap(), 0);
    let [head] = &view.heads(&club.community).unwrap()[..] else { panic!("one repository") };
    assert_eq!(head.held, None);
    assert!(view.delta(&club.community, &head.repo, None, None, WHOLE).unwrap().is_none(), "nothing is given on");
    let repo = head.repo;
    let since = view.trees(&club.community).unwrap().get(&repo).copied();
    let delta = club.a.view(Scope::Members).unwrap().delta(&club.community, &repo, since.as_ref(), None, WHOLE);
    assert_eq!(delta.unwrap().unwrap().put.len(), 1, "a delta, as for anybody");
    club.pull(&club.a, &c);
    equal(&club.a, &c, club.community, Scope::Members);
}

#[test]
fn a_cut_vouches_for_no_device_that_was_never_its_persons() {
    let club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("by Bo"));
    club.pull(&b, &club.a);
    // A key that whoever puts Bo out made up, and a document of their own that lists it.
    let key = Secret::from_seed([99; 32]);
    let made_up = Person { root: club.bo.root.clone(), device: key.clone(), identity: club.bo.identity.clone() };
    let entries = [(format!("org.folkmoot.post/{}", Tid::new(NOON, 0)), record("never said", NOON))];
    let update = forged(&made_up, club.community, Audience::Public, NOON + SECOND, &entries);
    let head = HeadRef { rev: Tid::new(NOON + SECOND, 0), cid: *update.commit.cid() };
    let repo = RepoId { did: club.bo.did(), device: key.did(), audience: Audience::Public };
    let act = Act::Remove { did: club.bo.did(), cut: Cut::from([(repo, head)]), reason: None };
    let removal = club.operate(&club.a, NOON + 2 * SECOND, act);
    let c = club.store(&club.cy);
    club.hear(&c, &removal);
    let theirs = identity(&Secret::from_seed([98; 32]), None, &[&key]);
    for store in [&club.a, &c] {
        let mut batch = Batch::new(club.community, Audience::Public);
        batch.identities.push(theirs.clone());
        batch.repos.push(update.clone());
        let applied = store.apply(batch, ARRIVAL).unwrap();
        assert!(applied.advanced.is_empty() && applied.refused.len() == 1, "{applied:?}");
        assert_eq!(applied.missing, [*club.bo.identity.cid()], "what would prove it is asked for");
        assert!(club.texts(store).is_empty());
    }
}

#[test]
fn a_head_that_is_kept_proves_its_device_by_what_comes_with_it() {
    let mut club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("for all"));
    club.bo.publish_for(&b, club.community, Audience::Members, NOON + 1, post("between us"));
    club.pull(&b, &club.a);
    club.remove(&club.a, &club.bo, NOON + SECOND);
    // Elsewhere Bo has another device by now, and this one does not count any more.
    let other = Secret::from_seed([77; 32]);
    let linked = club.bo.identity.clone();
    club.bo.identity = identity(&club.bo.root, Some(&linked), &[&other]);
    let c = club.cy.store();
    let away = found(&c, &club.cy, Visibility::Members, &[&club.bo]);
    assert_ne!(away, club.community);
    club.pull(&club.a, &c);
    assert_eq!(texts(&c, Scope::Members, club.community), ["between us", "for all"]);
    equal(&club.a, &c, club.community, Scope::Members);
    // And gives it on.
    let d = Person::new(4).store();
    club.pull(&c, &d);
    equal(&club.a, &d, club.community, Scope::Members);

    // Without it there is nothing that says whose device it was.
    let e = Person::new(5).store();
    pull_roster(&club.a, &e, club.community, Scope::Members);
    let refused = apply(&e, club.community, Audience::Public, update(&club.a, club.community, Audience::Public));
    assert!(refused.advanced.is_empty() && refused.missing == [*linked.cid()], "{refused:?}");
}

#[test]
fn what_a_cut_does_not_name_keeps_nothing() {
    let club = club();
    let b = club.store(&club.bo);
    let before = club.a.size().unwrap().1;
    club.bo.publish(&b, club.community, NOON, post("early"));
    let c = club.store(&club.cy);
    club.pull(&b, &c);
    club.remove(&club.a, &club.bo, NOON + SECOND);
    club.pull(&b, &club.a);
    club.pull(&club.a, &c);
    assert!(club.texts(&club.a).is_empty() && club.texts(&c).is_empty());
    equal(&club.a, &c, club.community, Scope::Members);
    assert_eq!(c.size().unwrap().1, before + 1, "all that came is the removal");
}

#[test]
fn a_new_identity_of_who_is_out_changes_nothing_that_is_kept() {
    let mut club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("early"));
    club.pull(&b, &club.a);
    club.remove(&club.a, &club.bo, NOON + SECOND);
    let other = Secret::from_seed([77; 32]);
    club.bo.identity = identity(&club.bo.root, Some(&club.bo.identity), &[&other]);
    let mut batch = Batch::new(club.community, Audience::Public);
    batch.identities.push(club.bo.identity.clone());
    club.a.apply(batch, ARRIVAL).unwrap();
    assert_eq!(club.texts(&club.a), ["early"]);
}

#[test]
fn who_is_readmitted_publishes_again_and_what_was_cut_comes_back_with_it() {
    let club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("early"));
    club.pull(&b, &club.a);
    let stray = club.bo.store();
    club.pull(&b, &stray);
    club.bo.publish(&stray, club.community, NOON + SECOND, post("late"));
    club.remove(&club.a, &club.bo, NOON + 2 * SECOND);
    club.operate(&club.a, NOON + 3 * SECOND, Act::Add { did: club.bo.did(), role: Role::Member, was: None });
    club.bo.publish(&stray, club.community, NOON + 4 * SECOND, post("back"));
    club.pull(&stray, &club.a);
    assert_eq!(club.texts(&club.a), ["back", "late", "early"]);
    club.pull(&club.a, &b);
    equal(&club.a, &b, club.community, Scope::Members);
}

/// Bo's posts: one that the removal keeps, one that Bo takes back, and what the founder does not hear of: an edit, a
/// post with a picture, the taking back, a post for members.
fn put_out_too_early() -> (Club, Store, Block) {
    use folkmoot_schemas::records::event::Image;
    let club = club();
    let b = club.store(&club.bo);
    let edited = club.bo.publish(&b, club.community, NOON, post("first"));
    let slip = club.bo.publish(&b, club.community, NOON + 1, post("a slip"));
    club.bo.publish_for(&b, club.community, Audience::Members, NOON + 2, post("between us"));
    club.pull(&b, &club.a);
    let at = NOON + SECOND;
    club.bo.commit(&b, club.community, Audience::Public, at, vec![edit(&edited.path(), post("first, better"))]);
    club.bo.commit(&b, club.community, Audience::Public, at + 1, vec![Change::Remove { path: slip.path() }]);
    let picture = Block::raw(vec![7; 3000]);
    b.put_blob(&picture, at).unwrap();
    let image = Image { blob: *picture.cid(), mime: "image/png".into(), width: 1, height: 1, alt: "a square".into() };
    club.bo.publish(&b, club.community, at + 2, Post { text: "look".into(), images: vec![image], ..Post::default() });
    club.bo.publish_for(&b, club.community, Audience::Members, at + 3, post("between us, late"));
    let removal = club.remove(&club.a, &club.bo, NOON + 2 * SECOND);
    club.hear(&b, &removal);
    (club, b, picture)
}

const KEPT_BY_BO: [&str; 4] = ["between us, late", "look", "between us", "first, better"];

#[test]
fn what_was_published_before_one_heard_of_ones_removal_comes_back_with_ones_return() {
    // With what stands there meanwhile, or without: members' trees are fetched by members alone.
    for fetched in [false, true] {
        let (club, b, picture) = put_out_too_early();
        assert!(texts(&b, Scope::Members, club.community).is_empty(), "nothing beyond the cut is shown");
        assert!(b.view(Scope::Members).unwrap().block(&club.community, picture.cid()).unwrap().is_none());
        if fetched {
            club.pull(&club.a, &b);
            equal(&club.a, &b, club.community, Scope::Members);
        }
        let add = Act::Add { did: club.bo.did(), role: Role::Member, was: None };
        let back = club.operate(&club.a, NOON + 3 * SECOND, add);
        club.hear(&b, &back);
        for audience in [Audience::Public, Audience::Members] {
            let at = NOON + 4 * SECOND;
            let plan = OwnCommit {
                community: club.community,
                did: club.bo.did(),
                device: &club.bo.device,
                audience,
                changes: vec![],
                now: at,
                random: 1,
            };
            let id = RepoId { did: club.bo.did(), device: club.bo.device.did(), audience };
            assert!(b.view(Scope::Members).unwrap().is_untidy(&club.community, &id).unwrap());
            assert!(b.tidy_own(plan).unwrap().is_some());
            assert!(!b.view(Scope::Members).unwrap().is_untidy(&club.community, &id).unwrap());
        }
        assert_eq!(texts(&b, Scope::Members, club.community), KEPT_BY_BO);
        club.pull(&b, &club.a);
        assert_eq!(texts(&club.a, Scope::Members, club.community), KEPT_BY_BO);
        let mut batch = Batch::new(club.community, Audience::Public);
        batch.loose.push(picture.clone());
        club.a.apply(batch, ARRIVAL).unwrap();
        equal(&club.a, &b, club.community, Scope::Members);
        assert!(b.would_sweep(ARRIVAL, true).unwrap().mended.is_empty());
    }
}

#[test]
fn the_first_post_after_ones_return_loses_nothing() {
    let (club, b, _) = put_out_too_early();
    let add = Act::Add { did: club.bo.did(), role: Role::Member, was: None };
    let back = club.operate(&club.a, NOON + 3 * SECOND, add);
    club.hear(&b, &back);
    // Of a tree that stood aside too, and newer than what it replaces.
    let first = format!("org.folkmoot.post/{}", Tid::new(NOON, 7));
    let changes = vec![put(post("back")), edit(&first, post("first, best"))];
    club.bo.commit(&b, club.community, Audience::Public, NOON, changes);
    let expected = ["look", "back", "first, best"];
    let sorted = |store: &Store| {
        let mut texts = club.texts(store);
        texts.sort();
        texts
    };
    assert_eq!(sorted(&b), ["back", "first, best", "look"], "{expected:?}");
    club.pull(&b, &club.a);
    assert_eq!(sorted(&club.a), sorted(&b));
}

#[test]
fn a_device_whose_own_tree_is_not_here_writes_nothing_over_it() {
    let club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("early"));
    // The same device, from a disk that knows of the head and not the tree.
    let bare = club.store(&club.bo);
    let whole = update(&b, club.community, Audience::Public);
    apply(&bare, club.community, Audience::Public, RepoUpdate { put: vec![], blocks: vec![], ..whole });
    let [head] = &bare.view(Scope::Members).unwrap().heads(&club.community).unwrap()[..] else { panic!("known") };
    assert_eq!(head.held, None);
    assert!(!bare.view(Scope::Members).unwrap().knows_own(&club.community, &head.repo, &head.known).unwrap());
    let plan = |now| OwnCommit {
        community: club.community,
        did: club.bo.did(),
        device: &club.bo.device,
        audience: Audience::Public,
        changes: vec![put(post("over it"))],
        now,
        random: 1,
    };
    assert!(bare.commit_own(plan(NOON + SECOND)).is_err());
    club.pull(&b, &bare);
    bare.commit_own(plan(NOON + SECOND)).unwrap();
    assert_eq!(club.texts(&bare), ["over it", "early"]);
}

#[test]
fn a_device_that_was_retired_while_its_person_was_out_is_gone_on_every_node_after_their_return() {
    let mut club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("from the old device"));
    club.pull(&b, &club.a);
    club.remove(&club.a, &club.bo, NOON + SECOND);
    let c = club.store(&club.cy);
    assert_eq!(club.texts(&c), ["from the old device"]);
    let new = Secret::from_seed([77; 32]);
    club.bo = Person {
        root: club.bo.root.clone(),
        identity: identity(&club.bo.root, Some(&club.bo.identity), &[&new]),
        device: new,
    };
    club.operate(&club.a, NOON + 2 * SECOND, Act::Add { did: club.bo.did(), role: Role::Member, was: None });
    let mut batch = Batch::new(club.community, Audience::Public);
    batch.identities.push(club.bo.identity.clone());
    // One node hears of the new document first, while Bo is out; the other of the return.
    c.apply(batch.clone(), ARRIVAL).unwrap();
    club.pull(&club.a, &c);
    c.apply(batch.clone(), ARRIVAL).unwrap();
    club.a.apply(batch, ARRIVAL).unwrap();
    assert!(club.texts(&club.a).is_empty() && club.texts(&c).is_empty());
    equal(&club.a, &c, club.community, Scope::Members);
}

#[test]
fn a_cut_that_nobody_has_makes_no_two_replicas_differ() {
    let club = club();
    let b = club.store(&club.bo);
    let c = club.store(&club.cy);
    club.bo.publish(&b, club.community, NOON, post("first"));
    club.pull(&b, &c);
    club.bo.publish(&b, club.community, NOON + SECOND, post("second"));
    club.pull(&b, &club.a);
    let (repo, _) = club.heads_of(&club.a, &club.bo).into_iter().next().unwrap();
    let made_up = HeadRef { rev: Tid::from_u64((1 << 63) - 1).unwrap(), cid: *Block::encode("nothing").unwrap().cid() };
    let act = Act::Remove { did: club.bo.did(), cut: Cut::from([(repo, made_up)]), reason: None };
    let removal = club.operate(&club.a, NOON + 3 * SECOND, act);
    club.hear(&b, &removal);
    assert!(club.texts(&b).is_empty());
    club.pull(&club.a, &c);
    club.pull(&c, &club.a);
    let fresh = club.store(&Person::new(9));
    let snapshot = |store: &Store| store.view(Scope::Members).unwrap().snapshot(&club.community).unwrap();
    for store in [&c, &fresh] {
        assert_eq!(snapshot(store), snapshot(&club.a));
        assert!(club.texts(store).is_empty());
    }
    // What nobody could hide for good: with the return it is there again, and grows.
    let add = Act::Add { did: club.bo.did(), role: Role::Member, was: None };
    let back = club.operate(&club.a, NOON + 4 * SECOND, add);
    assert_eq!(club.texts(&club.a), ["second", "first"]);
    club.hear(&b, &back);
    club.bo.publish(&b, club.community, NOON + 5 * SECOND, post("back"));
    club.pull(&b, &club.a);
    club.pull(&b, &c);
    club.hear(&fresh, &back);
    club.pull(&b, &fresh);
    assert_eq!(club.texts(&c), ["back", "second", "first"]);
    equal(&club.a, &fresh, club.community, Scope::Members);
    equal(&club.a, &c, club.community, Scope::Members);
}

#[test]
fn two_dids_of_one_person_have_one_name() {
    let club = club();
    let b = club.store(&club.bo);
    let profile = |name: &str| folkmoot_schemas::records::profile::Profile { name: name.into(), ..Default::default() };
    club.bo.publish(&b, club.community, NOON, profile("Bo"));
    club.pull(&b, &club.a);
    club.remove(&club.a, &club.bo, NOON + SECOND);
    let new = Person::new(9);
    let act = Act::Add { did: new.did(), role: Role::Member, was: Some(club.bo.did()) };
    club.operate(&club.a, NOON + 2 * SECOND, act);
    let name = |of: &Person| club.a.view(Scope::Public).unwrap().name(&club.community, &of.did()).unwrap();
    assert_eq!((name(&club.bo), name(&new)), ("Bo".into(), "Bo".into()));
    let n = new.store();
    club.pull(&club.a, &n);
    let mut batch = Batch::new(club.community, Audience::Public);
    batch.identities.push(new.identity.clone());
    for store in [&n, &club.a] {
        store.apply(batch.clone(), ARRIVAL).unwrap();
    }
    new.publish(&n, club.community, NOON + 3 * SECOND, profile("Bodo"));
    club.pull(&n, &club.a);
    assert_eq!((name(&club.bo), name(&new)), ("Bodo".into(), "Bodo".into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Commits of somebody, two removals that do not know of each other, in any order on each replica, with any of
    /// them left out at first: once they have met, all are equal, and stand at the lower of the two heads.
    #[test]
    fn removals_among_posts_in_any_order_end_in_the_same_state(
        commits in 1usize..5, cuts in [any::<prop::sample::Index>(), any::<prop::sample::Index>()],
        orders in [Just((0..9).collect::<Vec<usize>>()).prop_shuffle(), Just((0..9).collect::<Vec<usize>>()).prop_shuffle()],
        left_out in any::<[u16; 2]>(), late in any::<bool>(),
    ) {
        let club = club();
        let b = club.store(&club.bo);
        let mut updates = Vec::new();
        let mut heads: Vec<Cut> = Vec::new();
        let mut sources = Vec::new();
        for n in 0..commits {
            club.bo.publish(&b, club.community, NOON + n as u64 * SECOND, post(&format!("post {n}")));
            updates.push(update(&b, club.community, Audience::Public));
            heads.push(club.heads_of(&b, &club.bo));
            let source = club.store(&club.cy);
            club.pull(&b, &source);
            sources.push(source);
        }
        let chosen = cuts.map(|cut| cut.index(commits));
        let deps = club.state(&club.a).deps(&club.ada.did(), &[]);
        let removals = [0, 1].map(|n| {
            let act = Act::Remove { did: club.bo.did(), cut: heads[chosen[n]].clone(), reason: None };
            club.ada.op(club.community, deps.clone(), NOON + 20 * SECOND + n as u64, act, None)
        });
        let replicas = [club.store(&club.cy), club.store(&club.cy)];
        for (n, store) in replicas.iter().enumerate() {
            for what in orders[n].iter().filter(|what| left_out[n] >> **what & 1 == 0) {
                match what {
                    0 | 1 => { club.hear(store, &removals[*what]); }
                    n => { apply(store, club.community, Audience::Public, updates[n % commits].clone()); }
                }
            }
        }
        // The remover holds the head it named, and others come by.
        let source = &sources[*chosen.iter().min().unwrap()];
        for removal in &removals {
            club.hear(source, removal);
        }
        if late {
            club.pull(&replicas[0], &replicas[1]);
        }
        for (from, to) in [(source, &replicas[0]), (source, &replicas[1]), (&replicas[0], &replicas[1]), (source, &club.a)] {
            club.pull(from, to);
        }
        let lowest = &heads[*chosen.iter().min().unwrap()];
        for store in replicas.iter().chain([source]) {
            equal(&club.a, store, club.community, Scope::Members);
            prop_assert_eq!(&club.heads_of(store, &club.bo), lowest);
            prop_assert_eq!(club.texts(store), club.texts(&club.a));
            prop_assert_eq!(store.size().unwrap().1, club.a.size().unwrap().1);
        }

        // Who wrote all of it hears of both, with or without what is kept, comes back and has lost nothing.
        for removal in removals.iter().rev() {
            club.hear(&b, removal);
        }
        if late {
            club.pull(source, &b);
        }
        let add = Act::Add { did: club.bo.did(), role: Role::Member, was: None };
        let back = club.operate(source, NOON + 30 * SECOND, add);
        club.hear(&b, &back);
        club.bo.publish(&b, club.community, NOON + 40 * SECOND, post("back"));
        for store in replicas.iter().chain([source]) {
            club.pull(source, store);
            club.pull(&b, store);
            equal(&b, store, club.community, Scope::Members);
            prop_assert_eq!(club.texts(store).len(), commits + 1);
        }
    }
}

#[test]
fn a_cut_is_by_device_and_audience() {
    let club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("for all"));
    club.bo.publish_for(&b, club.community, Audience::Members, NOON + 1, post("between us"));
    club.pull(&b, &club.a);
    let all = club.heads_of(&club.a, &club.bo);
    let only: Cut = all.into_iter().filter(|(repo, _)| repo.audience == Audience::Public).collect();
    let repo: RepoId = *only.keys().next().unwrap();
    club.operate(&club.a, NOON + SECOND, Act::Remove { did: club.bo.did(), cut: only, reason: None });
    assert_eq!(texts(&club.a, Scope::Members, club.community), ["for all"]);
    assert_eq!(repo.device, club.bo.device.did());
}
