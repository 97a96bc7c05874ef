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
        assert_eq!(club.a.size().unwrap().1, store.size().unwrap().1, "what was taken back is gone");
    }

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
fn a_replica_behind_the_cut_shows_what_it_has_and_goes_up_to_it() {
    let club = club();
    let b = club.store(&club.bo);
    club.bo.publish(&b, club.community, NOON, post("first"));
    club.pull(&b, &club.a);
    let c = club.store(&club.cy);
    club.bo.publish(&b, club.community, NOON + SECOND, post("second"));
    club.pull(&b, &club.a);
    let removal = club.remove(&club.a, &club.bo, NOON + 2 * SECOND);
    club.hear(&c, &removal);
    assert_eq!(club.texts(&c), ["first"]);
    let view = c.view(Scope::Members).unwrap();
    assert!(!view.complete(&club.community).unwrap());
    let since = view.heads(&club.community).unwrap()[0].held;
    let repo = view.heads(&club.community).unwrap()[0].repo;
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
