use super::*;
use crate::{
    commit::{Audience, HeadRef, RepoId},
    roster::Cut,
};

/// The phone's public repository of `person`, at a head that is told by rev and a number.
pub(super) fn cut(person: u8, heads: &[(u64, u8)]) -> Cut {
    let repo = |n: usize| RepoId {
        did: did(person),
        device: if n == 0 { device(person) } else { tablet(person) }.did(),
        audience: Audience::Public,
    };
    let head =
        |(rev, n): &(u64, u8)| HeadRef { rev: at(*rev), cid: crate::block::cid_of(crate::block::DAG_CBOR, &[*n]) };
    heads.iter().enumerate().map(|(n, at)| (repo(n), head(at))).collect()
}

/// Effect is a solution of its own rules, and the only one: what an operation rests on never leads back to it.
pub(super) fn assert_well_founded(world: &World) -> Result<(), TestCaseError> {
    let identity = |c: &Cid| world.identities.get(c).cloned();
    let (fold, _) = take_all(&world.id, &world.charter, &world.ops, |c| world.blocks.get(c).cloned(), identity);
    let (mut scope, mut counted) = (Scope::default(), effect::Counted::new());
    scope.cover_all(&fold.taken);
    for place in 0..fold.taken.len() {
        fold.counts(place, &scope, &mut counted);
    }
    for place in 0..fold.taken.len() {
        prop_assert_eq!(fold.counts_on(place, &scope, &counted), counted[&place], "{:?}", fold.taken[place].op);
    }
    let mut rests: Vec<BTreeSet<Place>> =
        (0..fold.taken.len()).map(|n| fold.footing(n).into_iter().collect()).collect();
    let mut open: BTreeSet<Place> = (0..rests.len()).collect();
    while let Some(place) = open.iter().copied().find(|place| rests[*place].is_empty()) {
        open.remove(&place);
        rests.iter_mut().for_each(|rests| {
            rests.remove(&place);
        });
    }
    prop_assert!(open.is_empty(), "these rest on each other: {:?}", open);
    Ok(())
}

fn leave(author: u8, heads: &[(u64, u8)]) -> Act {
    Act::Leave { cut: cut(author, heads) }
}

/// Founder 0, stewards 1 and 2 (in this order), moderator 3, members 4 and 5; answers the last operation.
fn club() -> (World, Cid) {
    let mut world = World::new();
    let roles = [Role::Steward, Role::Steward, Role::Moderator, Role::Member, Role::Member];
    let mut last = world.id;
    for (person, role) in (1u8..).zip(roles) {
        last = world.write(0, person.into(), &[last], add(person, role));
    }
    (world, last)
}

#[test]
fn who_is_removed_is_out_and_their_repositories_stand_still() {
    let (mut world, club) = club();
    let act = Act::Remove { did: did(4), cut: cut(4, &[(7, 1)]), reason: Some("Sold tickets twice.".into()) };
    let removed = world.write(3, 10, &[club], act);
    let after = world.write(4, 11, &[removed], invite(Role::Member, 1));
    let state = world.state();
    let former = &state.former[&did(4)];
    assert_eq!((former.by, former.via, former.since), (did(3), removed, at(10)));
    assert_eq!((former.cut.clone(), former.reason.as_deref()), (cut(4, &[(7, 1)]), Some("Sold tickets twice.")));
    assert!(!state.is_member(&did(4)) && state.void.contains_key(&after));
}

#[test]
fn only_a_strictly_higher_rank_removes() {
    let cases = [(0, 1, true), (1, 2, true), (2, 1, false), (1, 0, false), (1, 1, false), (3, 4, true)];
    let cases = cases.into_iter().chain([(3, 3, false), (3, 2, false), (4, 5, false), (2, 3, true), (3, 9, false)]);
    for (by, whom, allowed) in cases {
        let (mut world, club) = club();
        let removed = world.write(by, 10, &[club], remove(whom, &[]));
        assert_eq!(!world.state().void.contains_key(&removed), allowed, "{by} removes {whom}");
    }
}

#[test]
fn a_founder_is_put_out_by_the_founders_before_them_and_whom_those_made_steward() {
    let mut world = World::founded_by(3);
    let steward = world.write(1, 1, &[], add(5, Role::Steward));
    let up = world.write(5, 2, &[steward], remove(0, &[]));
    let maker = world.write(5, 3, &[steward], remove(1, &[]));
    let down = world.write(5, 4, &[steward], remove(2, &[]));
    let state = world.state();
    assert_eq!(state.void.keys().copied().collect::<BTreeSet<_>>(), [up, maker].into());
    assert_eq!(state.former[&did(2)].via, down);
}

#[test]
fn of_two_stewards_who_remove_each_other_the_higher_stays() {
    let (mut world, club) = club();
    let by_lower = world.write(2, 6, &[club], remove(1, &[]));
    let by_higher = world.write(1, 20, &[club], remove(2, &[]));
    let state = world.state();
    // The lower one's does not pass by itself: whom they remove outranks them.
    assert!(state.void.contains_key(&by_lower) && state.former[&did(2)].via == by_higher);
    assert_eq!(state.role(&did(1)), Some(Role::Steward));
}

#[test]
fn what_the_removed_did_at_the_same_time_is_void_and_what_was_known_stays() {
    let (mut world, club) = club();
    let known = world.write(4, 6, &[club], invite(Role::Member, 9));
    let friend = world.write(8, 7, &[known], join(known, 8));
    let concurrent = world.write(4, 7, &[known], invite(Role::Member, 9));
    let by_concurrent = world.write(9, 8, &[concurrent], join(concurrent, 9));
    let removed = world.write(3, 10, &[friend], remove(4, &[]));
    // By the old link, before or after: nobody saw them come in.
    let late = world.write(10, 8, &[known], join(known, 10));
    let state = world.state();
    let void: BTreeSet<Cid> = state.void.keys().copied().collect();
    assert_eq!(void, [concurrent, by_concurrent, late].into());
    assert!(state.is_member(&did(8)) && state.invites[&known].closed && state.heads.contains(&removed));
}

#[test]
fn joins_prepared_in_secret_do_not_outlive_the_removal_of_the_inviter() {
    let (mut world, club) = club();
    let link = world.write(4, 6, &[club], invite(Role::Member, 9));
    let sleeper = world.write(9, 7, &[link], join(link, 9));
    // The closing names the join, which nobody else has.
    let closed = world.write(4, 8, &[link], close(link, &[sleeper]));
    world.write(3, 10, &[closed], remove(4, &[]));
    assert!(!world.state().is_member(&did(9)));
}

#[test]
fn a_removal_by_who_was_put_out_at_the_same_time_is_void() {
    let (mut world, club) = club();
    let by_moderator = world.write(3, 6, &[club], remove(4, &[]));
    let of_moderator = world.write(2, 30, &[club], remove(3, &[]));
    let state = world.state();
    assert!(state.void.contains_key(&by_moderator) && state.is_member(&did(4)));
    assert_eq!(state.former[&did(3)].via, of_moderator);
}

#[test]
fn whom_the_removed_let_in_unseen_falls_with_them() {
    let (mut world, club) = club();
    let unseen = world.write(2, 6, &[club], add(9, Role::Moderator));
    let theirs = world.write(9, 7, &[unseen], remove(4, &[]));
    world.write(1, 10, &[club], remove(2, &[]));
    let state = world.state();
    assert!(!state.is_member(&did(9)) && state.void.contains_key(&theirs) && state.is_member(&did(4)));
}

#[test]
fn a_promotion_from_higher_up_outlives_a_removal_from_below() {
    let (mut world, club) = club();
    world.write(2, 6, &[club], remove(3, &[]));
    // Promoted after steward 2 was, hence below them.
    world.write(0, 7, &[club], add(3, Role::Steward));
    assert!(!world.state().is_member(&did(3)));
    let backdated = world.write(0, 1, &[club], add(3, Role::Steward));
    assert_eq!(world.state().members[&did(3)].via, backdated);
}

#[test]
fn anyone_may_leave_and_only_an_add_readmits() {
    for person in 0..6 {
        let (mut world, club) = club();
        let link = world.write(1, 6, &[club], invite(Role::Member, 9));
        let left = world.write(person, 10, &[link], leave(person, &[(8, 1)]));
        let state = world.state();
        assert_eq!(
            (state.former[&did(person)].by, &state.former[&did(person)].cut),
            (did(person), &cut(person, &[(8, 1)]))
        );
        let by_link = world.write(person, 11, &[left], join(link, person));
        let unseen = world.write(person, 12, &[link], join(link, person));
        assert!(!world.state().is_member(&did(person)), "{person}");
        assert!(world.state().void.contains_key(&by_link) && !world.state().void.contains_key(&unseen));
        let steward = if person == 1 { 2 } else { 1 };
        let readmitted = world.write(steward, 13, &[left], add(person, Role::Guest));
        let after = world.write(person, 14, &[readmitted], leave(person, &[]));
        assert!(world.ops.contains_key(&after) && world.state().former[&did(person)].via == after);
    }
}

#[test]
fn who_is_readmitted_is_what_the_add_says_and_writes_again() {
    let (mut world, club) = club();
    let removed = world.write(0, 10, &[club], remove(1, &[(9, 1)]));
    let beside = world.write(2, 11, &[club], add(1, Role::Member));
    assert!(!world.state().is_member(&did(1)), "an add that does not know the removal");
    let back = world.write(2, 12, &[removed], add(1, Role::Member));
    let link = world.write(1, 13, &[back], invite(Role::Member, 1));
    let state = world.state();
    assert_eq!((state.role(&did(1)), state.members[&did(1)].via), (Some(Role::Member), back));
    assert!(state.former.is_empty() && state.invites.contains_key(&link) && state.heads.contains(&beside));
}

#[test]
fn of_concurrent_removals_the_lowest_head_wins_and_what_one_leaves_out_is_gone() {
    let (mut world, club) = club();
    world.write(1, 10, &[club], remove(4, &[(9, 1), (5, 5)]));
    world.write(3, 11, &[club], remove(4, &[(8, 9)]));
    world.write(4, 12, &[club], leave(4, &[(20, 1), (20, 2)]));
    // The leave was concurrent, and void: of the others, the moderator's head is the lower.
    assert_eq!(world.state().former[&did(4)].cut, cut(4, &[(8, 9)]));
}

#[test]
fn a_later_removal_stands_alone() {
    let (mut world, club) = club();
    let first = world.write(3, 10, &[club], remove(4, &[(5, 1)]));
    let back = world.write(3, 11, &[first], add(4, Role::Member));
    let second = world.write(3, 12, &[back], remove(4, &[(9, 1)]));
    let former = &world.state().former[&did(4)];
    assert_eq!((former.via, former.cut.clone()), (second, cut(4, &[(9, 1)])));
}

#[test]
fn a_cut_names_repositories_of_that_person_alone_and_not_too_many() {
    let (mut world, club) = club();
    let others = Act::Remove { did: did(4), cut: cut(5, &[(1, 1)]), reason: None };
    let others = world.write(3, 10, &[club], others);
    let left = world.write(4, 10, &[club], leave(5, &[(1, 1)]));
    assert_eq!(world.state().void.into_keys().collect::<BTreeSet<_>>(), [others, left].into());
    let many = (0..=crate::limits::CUT as u8).map(|n| {
        let repo = RepoId { did: did(4), device: Secret::from_seed([n; 32]).did(), audience: Audience::Public };
        (repo, HeadRef { rev: at(1), cid: seed_community() })
    });
    let many = Act::Remove { did: did(4), cut: many.collect(), reason: None };
    assert!(many.check().unwrap_err().to_string().contains("repositories"));
}

#[test]
fn who_is_let_in_again_has_come_back_and_who_is_made_something_else_has_not() {
    let (mut world, club) = club();
    let made = world.write(0, 10, &[club], add(4, Role::Moderator));
    assert!(!world.state().members[&did(4)].returned);
    let left = world.write(4, 11, &[made], leave(4, &[]));
    let back = world.write(0, 12, &[left], add(4, Role::Member));
    let member = world.state().members[&did(4)].clone();
    assert_eq!((member.returned, member.since), (true, at(12)));
    // A removal that counts for nothing puts nobody out.
    let void = world.write(5, 13, &[back], remove(1, &[]));
    world.write(0, 14, &[void], add(1, Role::Steward));
    assert!(!world.state().members[&did(1)].returned);
}

#[test]
fn a_steward_says_that_two_dids_are_one_person_once_the_old_one_is_out() {
    let (mut world, club) = club();
    let was = |who: u8, was: u8| Act::Add { did: did(who), role: Role::Member, was: Some(did(was)) };
    let early = world.write(1, 6, &[club], was(9, 4));
    let removed = world.write(1, 10, &[club], remove(4, &[(9, 1)]));
    let by_moderator = world.write(3, 11, &[removed], was(9, 4));
    let of_nobody = world.write(1, 11, &[removed], was(9, 12));
    let again = world.write(1, 12, &[removed], was(9, 4));
    let state = world.state();
    let void: BTreeSet<Cid> = state.void.keys().copied().collect();
    assert_eq!(void, [early, by_moderator, of_nobody].into());
    assert_eq!((state.today(&did(4)), state.formerly(&did(9))), (did(9), vec![did(4)]));
    assert_eq!(state.former[&did(4)].cut, cut(4, &[(9, 1)]));

    let lost_again = world.write(1, 13, &[again], remove(9, &[]));
    world.write(1, 14, &[lost_again], was(10, 9));
    let state = world.state();
    assert_eq!((state.today(&did(4)), state.today(&did(9)), state.today(&did(10))), (did(10), did(10), did(10)));
    assert_eq!(state.formerly(&did(10)).len(), 2);
}

#[test]
fn a_person_who_is_a_member_again_is_nobody_else() {
    let (mut world, club) = club();
    let removed = world.write(1, 10, &[club], remove(4, &[]));
    let heir = world.write(1, 11, &[removed], Act::Add { did: did(9), role: Role::Member, was: Some(did(4)) });
    let removed = world.write(1, 12, &[heir], remove(9, &[]));
    let back = Act::Add { did: did(4), role: Role::Member, was: Some(did(9)) };
    world.write(1, 13, &[removed], back);
    let state = world.state();
    assert_eq!((state.today(&did(4)), state.today(&did(9))), (did(4), did(4)));
}

#[test]
fn a_retired_device_is_void_from_where_the_retirement_did_not_see_it() {
    let (mut world, club) = club();
    let known = world.write_on_tablet(4, 0, 6, &[club], invite(Role::Member, 1));
    let stolen = world.write_on_tablet(4, 0, 7, &[club], invite(Role::Member, 1));
    let phone = world.write(4, 8, &[club], invite(Role::Member, 1));
    let tablet_of_5 = world.write_on_tablet(5, 0, 8, &[club], invite(Role::Member, 1));
    let retire = Act::Retire { device: tablet(4).did() };
    let retired = world.write_on_phone(4, 1, 9, &[known], retire.clone());
    let later = world.write_on_tablet(4, 0, 10, &[retired], invite(Role::Member, 1));
    let left = world.write_on_tablet(4, 0, 11, &[club], leave(4, &[]));
    // By a document that lists the device again.
    let again = world.write_on_tablet(4, 2, 12, &[retired], invite(Role::Member, 1));
    let state = world.state();
    let void: BTreeSet<Cid> = state.void.keys().copied().collect();
    assert_eq!(void, [stolen, later, left].into());
    assert!(state.is_member(&did(4)) && [known, phone, tablet_of_5, again].iter().all(|cid| state.kept.contains(cid)));
}

#[test]
fn a_device_that_was_let_in_again_is_retired_by_the_newest_document_that_retires_it_whichever_comes_first() {
    let (world, club) = club();
    let retire = || Act::Retire { device: tablet(4).did() };
    for newest_first in [false, true] {
        let mut world = world.clone();
        // The tablet is in by the third document again, and out by a fourth.
        let [_, (_, second), (third, _)] = papers(4);
        let fourth = Identity { seq: 3, prev: Some(third), ..second };
        let last = *fourth.seal(&root(4)).unwrap().cid();
        world.identities.insert(last, fourth);
        let (first, again) = if newest_first { (30, 20) } else { (20, 30) };
        world.write_on_phone(4, 1, first, &[club], retire());
        let by_thief = world.write_on_tablet(4, 2, 10, &[club], invite(Role::Member, 1));
        assert!(!world.state().void.contains_key(&by_thief), "it was in again");
        let op = Op { identity: last, ..world.op(4, again, &[club], retire()) };
        world.put(op.seal(&device(4), None).unwrap());
        let state = world.state();
        assert_eq!(state.retired[&(did(4), tablet(4).did())], Retired { seq: 3, identity: last });
        assert!(state.void.contains_key(&by_thief));
    }
}

#[test]
fn a_retirement_counts_only_by_an_identity_that_lists_the_device_no_longer() {
    let (mut world, club) = club();
    let stolen = world.write_on_tablet(4, 0, 7, &[club], invite(Role::Member, 1));
    let listed = world.write_on_phone(4, 0, 9, &[club], Act::Retire { device: tablet(4).did() });
    let by_other = world.write_on_phone(5, 1, 9, &[club], Act::Retire { device: tablet(4).did() });
    let by_stranger = world.write_on_phone(9, 1, 9, &[club], Act::Retire { device: tablet(9).did() });
    let state = world.state();
    assert_eq!(state.void.keys().copied().collect::<BTreeSet<_>>(), [listed, by_stranger].into());
    assert!(state.kept.contains(&stolen) && state.kept.contains(&by_other));
}

#[test]
fn the_later_identity_decides_between_devices_that_retire_each_other() {
    let (mut world, club) = club();
    let by_phone = world.write_on_phone(4, 1, 9, &[club], Act::Retire { device: tablet(4).did() });
    let by_tablet = world.write_on_tablet(4, 2, 9, &[club], Act::Retire { device: device(4).did() });
    let phone = world.write_on_phone(4, 1, 10, &[by_phone], invite(Role::Member, 1));
    let tablet = world.write_on_tablet(4, 2, 10, &[by_tablet], invite(Role::Member, 1));
    let state = world.state();
    assert!(state.void.contains_key(&phone) && state.kept.contains(&tablet));
}

/// Every history of three operations from a menu of quarrels, each on top of some of those before it, forwards and
/// backwards in time, on a small club. What does not count can be left out, one by one or together, and stores that
/// hear everything in opposite orders, and keep only what counts, end equal once they have met.
#[test]
fn every_small_quarrel_ends_the_same_in_whatever_order_it_is_heard() {
    let mut base = World::new();
    let one = base.write(0, 1, &[], add(1, Role::Steward));
    let two = base.write(0, 2, &[one], add(2, Role::Steward));
    let three = base.write(1, 3, &[two], add(3, Role::Member));
    let link = base.write(3, 4, &[three], invite(Role::Member, 1));
    let by_link = base.write(5, 5, &[link], join(link, 5));
    let club = base.write(0, 6, &[by_link], describe("club"));
    let sealed = base.write(7, 5, &[link], join(link, 7));
    let late_join = base.ops.remove(&sealed).unwrap();
    let menu: Vec<(u8, Act)> = vec![
        (1, remove(2, &[(9, 1)])),
        (2, remove(1, &[(8, 1)])),
        (0, remove(1, &[(7, 2)])),
        (2, remove(3, &[(7, 3)])),
        (1, add(4, Role::Steward)),
        (4, remove(2, &[(6, 1)])),
        (1, leave(1, &[(9, 9)])),
        (0, add(1, Role::Member)),
        (2, close(link, &[sealed])),
        (3, invite(Role::Guest, 1)),
        (0, Act::Add { did: did(9), role: Role::Member, was: Some(did(1)) }),
    ];
    let all = std::env::var_os("MOOT_EXHAUSTIVE").is_some();
    let count = menu.len();
    let mut seen = 0;
    for case in 0..count.pow(3) * 8 * 2 {
        // An odd stride that meets every operation, every shape and both directions.
        if !all && case % 29 != 0 {
            continue;
        }
        let (shape, backwards) = (case / 2 % 8, case % 2 == 1);
        let chosen = [case / 16 % count, case / 16 / count % count, case / 16 / count / count % count];
        let mut world = base.clone();
        let mut made: Vec<Cid> = Vec::new();
        for (n, which) in chosen.into_iter().enumerate() {
            let (author, act) = menu[which].clone();
            let on: Vec<Cid> = match n {
                0 => vec![],
                1 => made.iter().filter(|_| shape & 1 == 1).copied().collect(),
                _ => (0..2).filter(|at| shape >> (at + 1) & 1 == 1).map(|at| made[at]).collect(),
            };
            let deps = if on.is_empty() { vec![club] } else { on };
            let rev = if backwards { 30 - n as u64 } else { 10 + n as u64 };
            made.push(world.assume(author, rev, &deps, act));
        }
        world.ops.insert(sealed, late_join.clone());
        assert_well_founded(&world).unwrap_or_else(|why| panic!("case {case}: {why}"));
        let state = world.state();
        let full = effect(state.clone());
        let void: Vec<Cid> = state.void.keys().filter(|cid| !state.kept.contains(cid)).copied().collect();
        for part in 1u32..1 << void.len() {
            let dropped = |cid: &Cid| void.iter().position(|v| v == cid).is_some_and(|at| part >> at & 1 == 1);
            let kept = world.ops.iter().filter(|(cid, _)| !dropped(cid)).map(|(c, o)| (*c, o.clone())).collect();
            assert_eq!(effect(world.fold_of(&kept).state), full, "case {case}, without {part:b}");
        }
        let hear = |order: Vec<Cid>| {
            let mut ops = base.ops.clone();
            for cid in order {
                ops.insert(cid, world.ops[&cid].clone());
                sweep(&world, &mut ops);
            }
            ops
        };
        let order: Vec<Cid> = made.iter().copied().chain([sealed]).collect();
        let (mut a, mut b) = (hear(order.clone()), hear(order.into_iter().rev().collect()));
        for _ in 0..3 {
            b.extend(a.clone());
            sweep(&world, &mut b);
            a.extend(b.clone());
            sweep(&world, &mut a);
        }
        assert_eq!(effect(world.fold_of(&a).state), effect(world.fold_of(&b).state), "case {case}");
        seen += 1;
    }
    assert!(seen > 600);
}

#[test]
fn junk_of_a_stolen_device_cannot_crowd_out_its_own_retirement() {
    let (mut world, club) = club();
    let junk: Vec<Cid> = (0..=PER_KIND as u64)
        .map(|n| {
            let device = Secret::from_seed([n as u8; 32]).did();
            world.write_on_tablet(4, 0, 10 + n, &[club], Act::Retire { device })
        })
        .collect();
    let mut rev = 1000;
    // The greatest CID of all, as if the thief had looked for smaller ones.
    let retired = loop {
        let mut tried = world.clone();
        let cid = tried.write_on_phone(4, 1, rev, &[club], Act::Retire { device: tablet(4).did() });
        if junk.iter().all(|other| *other < cid) {
            world = tried;
            break cid;
        }
        rev += 1;
    };
    let by_thief = world.write_on_tablet(4, 0, 5000, &[club], invite(Role::Member, 1));
    let state = world.state();
    assert!(state.kept.contains(&retired), "{:?}", state.void.get(&retired));
    assert!(state.retired.contains_key(&(did(4), tablet(4).did())));
    assert!(state.void.contains_key(&by_thief));
    assert_eq!(junk.iter().filter(|cid| state.kept.contains(cid)).count(), PER_KIND - 1);
}

#[test]
fn who_goes_goes_as_what_they_were_then() {
    let (mut world, club) = club();
    for (person, was) in [(0, Role::Steward), (1, Role::Steward), (3, Role::Moderator), (4, Role::Member)] {
        let mut world = world.clone();
        let left = world.write(person, 10, &[club], leave(person, &[]));
        let former = world.state().former[&did(person)].clone();
        assert_eq!((former.role, former.left_apart), (was, false), "{person}");
        let back = world.write(2, 11, &[left], add(person, Role::Member));
        world.write(person, 12, &[back], leave(person, &[]));
        assert_eq!(world.state().former[&did(person)].role, Role::Member, "{person}, who came back as a member");
    }
    // Who writes a second leave, as if there were none, can have written anything else after the first.
    world.write(2, 10, &[club], leave(2, &[(8, 1)]));
    world.write(2, 20, &[club], leave(2, &[(7, 1)]));
    assert!(world.state().former[&did(2)].left_apart);
}
