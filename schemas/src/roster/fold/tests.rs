use ipld_core::ipld::Ipld;
use proptest::prelude::*;

use super::*;
use crate::{
    charter::{Founder, Visibility},
    identity::Device,
    key::{Secret, Sig},
    roster::{Describe, Member, Retired, may},
    signed,
    tid::Tid,
};

mod people;

/// People are numbers; person 0 founded the community.
#[derive(Clone)]
struct World {
    id: Cid,
    charter: Charter,
    ops: BTreeMap<Cid, Op>,
    blocks: BTreeMap<Cid, Block>,
    identities: BTreeMap<Cid, Identity>,
}

fn root(person: u8) -> Secret {
    Secret::from_seed([person + 1; 32])
}

fn device(person: u8) -> Secret {
    Secret::from_seed([person + 101; 32])
}

/// A second device.
fn tablet(person: u8) -> Secret {
    Secret::from_seed([person + 151; 32])
}

fn did(person: u8) -> Did {
    root(person).did()
}

/// Every invite of these tests carries the same seed, as if all links had leaked to everybody.
fn seed() -> Secret {
    Secret::from_seed([250; 32])
}

fn at(rev: u64) -> Tid {
    Tid::new(1_700_000_000_000_000 + rev, 0)
}

/// First both devices, then the phone alone, then (somebody stole that) the tablet alone.
fn papers(person: u8) -> [(Cid, Identity); 3] {
    let phone = Device { key: device(person).did(), name: "phone".into(), added: at(0) };
    let tablet = Device { key: tablet(person).did(), name: "tablet".into(), added: at(0) };
    let mut prev = None;
    [vec![phone.clone(), tablet.clone()], vec![phone], vec![tablet]].map(|devices| {
        let identity =
            Identity { did: did(person), seq: prev.map_or(0, |(seq, _)| seq + 1), prev: prev.map(|p| p.1), devices };
        let cid = *identity.seal(&root(person)).unwrap().cid();
        prev = Some((identity.seq, cid));
        (cid, identity)
    })
}

fn identity_of(person: u8) -> (Cid, Identity) {
    papers(person)[0].clone()
}

fn add(person: u8, role: Role) -> Act {
    Act::Add { did: did(person), role, was: None }
}

fn invite(role: Role, uses: u32) -> Act {
    Act::Invite { key: seed().did(), role, expires: None, uses }
}

fn join(invite: Cid, person: u8) -> Act {
    Act::Join { invite, did: did(person), seed_sig: Sig([0; 64]) }
}

fn close(invite: Cid, joins: &[Cid]) -> Act {
    Act::Close { invite, joins: joins.to_vec() }
}

fn remove(person: u8, heads: &[(u64, u8)]) -> Act {
    Act::Remove { did: did(person), cut: people::cut(person, heads), reason: None }
}

fn describe(about: &str) -> Act {
    Act::Describe(Describe { about: Some(about.into()), ..Describe::default() })
}

impl World {
    fn new() -> Self {
        Self::founded_by(1)
    }

    fn founded_by(count: u8) -> Self {
        let identities: BTreeMap<Cid, Identity> = (0..16).flat_map(papers).collect();
        let founder = |n| Founder { did: did(n), device: device(n).did(), identity: identity_of(n).0 };
        let charter = Charter {
            name: "River Street".into(),
            nonce: [1; 16],
            visibility: Visibility::Public,
            created: at(0),
            founders: (0..count).map(founder).collect(),
        };
        let devices: Vec<Secret> = (0..count).map(device).collect();
        let id = *charter.seal(&devices.iter().collect::<Vec<_>>()).unwrap().cid();
        Self { id, charter, ops: BTreeMap::new(), blocks: BTreeMap::new(), identities }
    }

    fn op(&self, author: u8, rev: u64, deps: &[Cid], act: Act) -> Op {
        let deps = if deps.is_empty() { vec![self.id] } else { deps.to_vec() };
        let (did, device, identity) = (did(author), device(author).did(), self.first_paper(author));
        Op { community: self.id, did, device, identity, rev: at(rev), deps, act }
    }

    fn first_paper(&self, person: u8) -> Cid {
        *self.identities.iter().find(|(_, paper)| paper.did == did(person) && paper.seq == 0).unwrap().0
    }

    /// Signs and puts in; without `deps` the operation builds on the charter.
    fn write(&mut self, author: u8, rev: u64, deps: &[Cid], act: Act) -> Cid {
        self.write_with(author, rev, deps, act, &seed())
    }

    fn write_with(&mut self, author: u8, rev: u64, deps: &[Cid], act: Act, seed: &Secret) -> Cid {
        let op = self.op(author, rev, deps, act);
        let seed = matches!(op.act, Act::Join { .. }).then_some(seed);
        self.put(op.seal(&device(author), seed).unwrap())
    }

    /// Puts in unsigned: for histories by the thousand. The fold looks at signatures of joins alone.
    fn assume(&mut self, author: u8, rev: u64, deps: &[Cid], act: Act) -> Cid {
        let op = self.op(author, rev, deps, act);
        let cid = crate::block::cid_of(crate::block::DAG_CBOR, format!("{op:?}").as_bytes());
        self.ops.insert(cid, op);
        cid
    }

    /// From the tablet, linking the identity with this `seq`.
    fn write_on_tablet(&mut self, author: u8, seq: usize, rev: u64, deps: &[Cid], act: Act) -> Cid {
        let seed = matches!(act, Act::Join { .. }).then(seed);
        let (device, identity) = (tablet(author).did(), papers(author)[seq].0);
        let op = Op { device, identity, ..self.op(author, rev, deps, act) };
        self.put(op.seal(&tablet(author), seed.as_ref()).unwrap())
    }

    /// From the phone, linking the identity with this `seq`.
    fn write_on_phone(&mut self, author: u8, seq: usize, rev: u64, deps: &[Cid], act: Act) -> Cid {
        let seed = matches!(act, Act::Join { .. }).then(seed);
        let op = Op { identity: papers(author)[seq].0, ..self.op(author, rev, deps, act) };
        self.put(op.seal(&device(author), seed.as_ref()).unwrap())
    }

    /// An operation whose act this version does not know.
    fn write_unknown(&mut self, author: u8, rev: u64, deps: &[Cid]) -> Cid {
        let op = self.op(author, rev, deps, describe("")).seal(&device(author), None).unwrap();
        let mut map: BTreeMap<String, Ipld> = op.view().unwrap();
        map.remove("sig");
        map.insert("op".into(), Ipld::Map([("dance".to_string(), Ipld::Bool(true))].into()));
        self.put(signed::seal("roster", &map, &device(author)).unwrap())
    }

    fn put(&mut self, block: Block) -> Cid {
        let (block, op) = Op::open(block.bytes()).unwrap();
        self.ops.insert(*block.cid(), op);
        self.blocks.insert(*block.cid(), block.clone());
        *block.cid()
    }

    fn fold_of(&self, ops: &BTreeMap<Cid, Op>) -> Folded {
        fold(&self.id, &self.charter, ops, |c| self.blocks.get(c).cloned(), |c| self.identities.get(c).cloned())
    }

    fn fold(&self) -> Folded {
        self.fold_of(&self.ops)
    }

    fn state(&self) -> State {
        let folded = self.fold();
        assert_eq!(folded.missing, BTreeSet::new());
        folded.state
    }

    fn ancestors(&self, op: &Op) -> BTreeMap<Cid, Op> {
        let (mut found, mut open) = (BTreeMap::new(), op.deps.clone());
        while let Some(cid) = open.pop() {
            let Some(op) = self.ops.get(&cid) else { continue };
            if found.insert(cid, op.clone()).is_none() {
                open.extend(&op.deps);
            }
        }
        found
    }
}

#[test]
fn a_new_community_is_its_founders_and_its_charter() {
    let world = World::new();
    let state = world.state();
    assert_eq!(state.heads, [world.id].into());
    assert_eq!((state.name.as_str(), state.role(&did(0))), ("River Street", Some(Role::Steward)));
    assert_eq!(state.members[&did(0)].via, world.id);
}

#[test]
fn a_stranger_joins_by_a_link_and_becomes_what_it_says() {
    let mut world = World::new();
    let link = world.write(0, 1, &[], invite(Role::Member, 2));
    let joined = world.write(1, 2, &[link], join(link, 1));
    let about = world.write(0, 3, &[joined], describe("a street"));
    let state = world.state();
    assert_eq!(
        state.members[&did(1)],
        Member { role: Role::Member, since: at(2), by: did(0), via: joined, returned: false }
    );
    assert_eq!((state.invites[&link].joins.as_slice(), state.invites[&link].closed), ([joined].as_slice(), false));
    assert_eq!(state.describe.about.as_deref(), Some("a street"));
    assert_eq!((state.heads, state.kept), ([about].into(), [link, joined, about].into()));
}

#[test]
fn a_later_description_leaves_what_it_does_not_name() {
    let mut world = World::new();
    let first = world.write(0, 1, &[], describe("a street"));
    let name = Describe { name: Some("Mill Lane".into()), ..Describe::default() };
    world.write(0, 2, &[first], Act::Describe(name));
    let state = world.state();
    assert_eq!((state.name.as_str(), state.describe.about.as_deref()), ("Mill Lane", Some("a street")));
}

#[test]
fn each_role_writes_what_the_table_allows_and_no_more() {
    let cases = [
        (Role::Steward, add(9, Role::Steward), true),
        (Role::Steward, describe("x"), true),
        (Role::Moderator, add(9, Role::Member), true),
        (Role::Moderator, add(9, Role::Moderator), false),
        (Role::Moderator, describe("x"), false),
        (Role::Moderator, invite(Role::Member, 1), true),
        (Role::Member, invite(Role::Member, 1), true),
        (Role::Member, invite(Role::Moderator, 1), false),
        (Role::Member, add(9, Role::Guest), false),
        (Role::Guest, invite(Role::Guest, 1), false),
    ];
    for (role, act, allowed) in cases {
        let mut world = World::new();
        let admitted = world.write(0, 1, &[], add(1, role));
        let op = world.write(1, 2, &[admitted], act.clone());
        assert_eq!(!world.state().void.contains_key(&op), allowed, "{role:?} {act:?}");
    }
}

#[test]
fn members_close_their_own_invites_moderators_those_of_members() {
    let mut world = World::new();
    let people = world.write(0, 1, &[], add(1, Role::Member));
    let people = world.write(0, 2, &[people], add(2, Role::Moderator));
    let people = world.write(0, 3, &[people], add(3, Role::Member));
    let members = world.write(1, 4, &[people], invite(Role::Member, 1));
    let stewards = world.write(0, 5, &[members], invite(Role::Steward, 1));
    let by_other = world.write(3, 6, &[stewards], close(members, &[]));
    let by_moderator = world.write(2, 7, &[stewards], close(members, &[]));
    let too_high = world.write(2, 8, &[stewards], close(stewards, &[]));
    let own = world.write(1, 9, &[stewards], close(members, &[]));
    let void: BTreeSet<Cid> = world.state().void.into_keys().collect();
    assert_eq!(void, [by_other, too_high].into());
    assert!(world.state().invites[&members].closed && !world.state().void.contains_key(&by_moderator));
    assert!(world.state().heads.contains(&own));
}

#[test]
fn of_too_many_joins_the_smallest_cids_count() {
    let mut world = World::new();
    let link = world.write(0, 1, &[], invite(Role::Member, 2));
    let mut joins: Vec<(Cid, u8)> =
        (1..6).map(|n| (world.write(n, 10 - u64::from(n), &[link], join(link, n)), n)).collect();
    joins.sort();
    let state = world.state();
    assert_eq!(state.invites[&link].joins, [joins[0].0, joins[1].0]);
    for (place, (cid, person)) in joins.into_iter().enumerate() {
        assert_eq!(state.is_member(&did(person)), place < 2);
        assert_eq!(state.void.get(&cid).is_some_and(|why| why.contains("used up")), place >= 2);
    }
}

#[test]
fn a_closing_decides_which_joins_count_whatever_the_order() {
    let mut world = World::new();
    let link = world.write(0, 1, &[], invite(Role::Member, 1));
    let joins: Vec<Cid> = (1..4).map(|n| world.write(n, 2, &[link], join(link, n))).collect();
    let largest = *joins.iter().max().unwrap();
    world.write(0, 9, &[largest], close(link, &[largest]));
    let state = world.state();
    assert_eq!((state.invites[&link].joins.as_slice(), state.invites[&link].closed), ([largest].as_slice(), true));
    assert_eq!(state.members.len(), 2);
    assert!(state.void.values().all(|why| why.contains("closed without it")));
}

#[test]
fn a_leaked_link_cannot_be_carried_past_its_closing() {
    let mut world = World::new();
    let link = world.write(0, 10, &[], invite(Role::Member, 1));
    let joined = world.write(1, 11, &[link], join(link, 1));
    world.write(0, 12, &[joined], close(link, &[joined]));
    // Backdated, by somebody who still has the link.
    let crept_in = world.write(2, 2, &[link], join(link, 2));
    let side_door = world.write(2, 3, &[crept_in], invite(Role::Member, 100));
    let friend = world.write(3, 4, &[side_door], join(side_door, 3));
    let state = world.state();
    assert_eq!(state.void.keys().copied().collect::<BTreeSet<_>>(), [crept_in, side_door, friend].into());
    assert_eq!(state.members.keys().copied().collect::<BTreeSet<_>>(), [did(0), did(1)].into());
}

#[test]
fn nobody_confirms_themselves_by_closing_the_invite_they_came_by() {
    let mut world = World::new();
    let link = world.write(0, 10, &[], invite(Role::Steward, 1));
    let joined = world.write(1, 11, &[link], join(link, 1));
    world.write(0, 12, &[joined], close(link, &[joined]));
    let crept_in = world.write(2, 11, &[link], join(link, 2));
    world.write(2, 12, &[crept_in], close(link, &[crept_in]));
    assert!(!world.state().is_member(&did(2)));
}

#[test]
fn two_leaked_links_cannot_confirm_each_other() {
    let mut world = World::new();
    let one = world.write(0, 1, &[], invite(Role::Steward, 1));
    let two = world.write(0, 2, &[one], invite(Role::Steward, 1));
    world.write(0, 3, &[two], close(one, &[]));
    world.write(0, 4, &[two], close(two, &[]));
    let by_one = world.write(1, 5, &[two], join(one, 1));
    let by_two = world.write(2, 6, &[two], join(two, 2));
    world.write(1, 7, &[by_one], close(two, &[by_two]));
    world.write(2, 8, &[by_two], close(one, &[by_one]));
    assert_eq!(world.state().members.len(), 1);
}

#[test]
fn an_invite_is_closed_by_whoever_outranks_all_it_lets_in() {
    let mut world = World::new();
    let older = world.write(0, 1, &[], add(1, Role::Steward));
    let younger = world.write(0, 2, &[older], add(2, Role::Steward));
    let moderator = world.write(0, 3, &[younger], add(3, Role::Moderator));
    let member = world.write(1, 4, &[moderator], invite(Role::Member, 5));
    let steward = world.write(1, 5, &[member], invite(Role::Steward, 1));
    let by_moderator = world.write(3, 6, &[steward], close(member, &[]));
    let too_high = world.write(3, 6, &[steward], close(steward, &[]));
    let by_younger = world.write(2, 6, &[steward], close(steward, &[]));
    let void: BTreeSet<Cid> = world.state().void.into_keys().collect();
    assert_eq!(void, [too_high, by_younger].into());
    assert!(world.state().invites[&member].closed && world.state().heads.contains(&by_moderator));
    assert!(!world.state().invites[&steward].closed);
    world.write(0, 7, &[steward], close(steward, &[]));
    assert!(world.state().invites[&steward].closed);
}

#[test]
fn nobody_is_lowered_by_being_added_or_joining_again() {
    let mut world = World::new();
    let steward = world.write(0, 1, &[], add(1, Role::Steward));
    let link = world.write(0, 2, &[steward], invite(Role::Member, 5));
    let again = world.write(1, 3, &[link], join(link, 1));
    world.write(0, 4, &[again], add(1, Role::Guest));
    assert_eq!(world.state().members[&did(1)].via, steward);
    assert_eq!(world.state().role(&did(1)), Some(Role::Steward));
}

#[test]
fn authority_is_what_an_operation_builds_on_not_what_was_folded_before_it() {
    let mut world = World::new();
    let admitted = world.write(0, 1, &[], add(1, Role::Steward));
    let beside = world.write(1, 2, &[], describe("beside"));
    let on_top = world.write(1, 3, &[admitted], describe("on top"));
    let state = world.state();
    assert_eq!(state.void.keys().collect::<Vec<_>>(), [&beside]);
    assert_eq!((state.heads, state.describe.about.as_deref()), ([on_top].into(), Some("on top")));
}

#[test]
fn a_join_needs_the_right_seed_in_time_and_for_oneself() {
    let mut world = World::new();
    let act = Act::Invite { key: seed().did(), role: Role::Member, expires: Some(at(5)), uses: 9 };
    let link = world.write(0, 1, &[], act);
    let wrong = world.write_with(1, 2, &[link], join(link, 1), &Secret::from_seed([9; 32]));
    let late = world.write(2, 6, &[link], join(link, 2));
    let other = world.write(3, 3, &[link], join(link, 4));
    let unseen = world.write(5, 3, &[], join(link, 5));
    let good = world.write(6, 5, &[link], join(link, 6));
    let state = world.state();
    assert_eq!(state.void.keys().copied().collect::<BTreeSet<_>>(), [wrong, late, other, unseen].into());
    assert_eq!(state.invites[&link].joins, [good]);
}

#[test]
fn a_device_its_identity_does_not_list_writes_nothing() {
    let mut world = World::new();
    let op = Op { device: device(1).did(), ..world.op(0, 1, &[], describe("x")) };
    let cid = world.put(op.seal(&device(1), None).unwrap());
    assert!(world.state().void[&cid].contains("does not certify"));
}

#[test]
fn an_operation_of_another_community_is_void() {
    let mut world = World::new();
    let op = Op { community: seed_community(), ..world.op(0, 1, &[], describe("x")) };
    let cid = world.put(op.seal(&device(0), None).unwrap());
    assert!(world.state().void.contains_key(&cid));
}

fn seed_community() -> Cid {
    crate::block::cid_of(crate::block::DAG_CBOR, b"another")
}

#[test]
fn acts_of_a_later_version_are_kept_without_effect() {
    let mut world = World::new();
    let first = world.write_unknown(0, 1, &[]);
    let by_stranger = world.write_unknown(1, 2, &[first]);
    let state = world.state();
    assert_eq!((state.heads, state.void.keys().collect::<Vec<_>>()), ([first].into(), vec![&by_stranger]));
}

#[test]
fn a_known_act_of_another_shape_counts_as_unknown() {
    let mut world = World::new();
    let op = world.op(0, 1, &[], describe("")).seal(&device(0), None).unwrap();
    let mut map: BTreeMap<String, Ipld> = op.view().unwrap();
    map.remove("sig");
    let fields = BTreeMap::from([
        ("did".to_string(), Ipld::String(did(1).to_string())),
        ("role".to_string(), Ipld::String("treasurer".into())),
    ]);
    map.insert("op".into(), Ipld::Map([("add".to_string(), Ipld::Map(fields))].into()));
    let cid = world.put(signed::seal("roster", &map, &device(0)).unwrap());
    assert_eq!(world.ops[&cid].act, Act::Unknown("add".into()));
    assert_eq!(world.state().heads, [cid].into());
    map.insert("op".into(), Ipld::Map(BTreeMap::new()));
    assert!(Op::open(signed::seal("roster", &map, &device(0)).unwrap().bytes()).is_err());
}

#[test]
fn void_operations_are_kept_only_beneath_ones_that_count() {
    let mut world = World::new();
    let void = world.write(1, 1, &[], describe("x"));
    let alone = world.write(1, 2, &[void], describe("y"));
    let good = world.write(0, 3, &[void], describe("z"));
    let state = world.state();
    assert_eq!((state.kept, state.heads), ([void, good].into(), [good].into()));
    assert_eq!(state.void.into_keys().collect::<BTreeSet<_>>(), [void, alone].into());
}

#[test]
fn below_moderator_only_the_smallest_256_of_a_kind_count() {
    let mut world = World::new();
    let mut last = world.write(0, 1, &[], add(1, Role::Member));
    let mut written = Vec::new();
    for n in 0..PER_KIND as u64 + 3 {
        last = world.write(1, 2 + n, &[last], invite(Role::Guest, 1));
        written.push(last);
    }
    written.sort();
    let void: Vec<Cid> = world.state().void.into_keys().collect();
    assert_eq!(void, written[PER_KIND..]);
}

#[test]
fn what_is_missing_is_named_and_waits() {
    let mut world = World::new();
    let admitted = world.write(0, 1, &[], add(1, Role::Steward));
    let waiting = world.write(1, 2, &[admitted], describe("x"));
    let after = world.write(0, 3, &[waiting], describe("y"));
    let (first_identity, _) = identity_of(1);
    let identity = world.identities.remove(&first_identity).unwrap();
    let folded = world.fold();
    assert_eq!((folded.missing, folded.state.heads), ([first_identity].into(), [admitted].into()));
    assert!(!folded.state.kept.contains(&after) && !folded.state.void.contains_key(&after));

    world.identities.insert(first_identity, identity);
    let gone = world.ops.remove(&admitted).unwrap();
    let folded = world.fold();
    assert_eq!((folded.missing, folded.state.heads), ([admitted].into(), [world.id].into()));

    world.ops.insert(admitted, gone);
    world.identities.remove(&identity_of(0).0);
    let folded = world.fold();
    assert_eq!((folded.missing, folded.state.members.len()), ([identity_of(0).0].into(), 0));
}

#[test]
fn deps_beyond_the_limit_keep_what_the_operation_needs() {
    let mut world = World::new();
    let link = world.write(0, 1, &[], invite(Role::Member, 1));
    let admitted = world.write(0, 1, &[], add(1, Role::Moderator));
    for n in 0..80 {
        world.write(0, 2 + n, &[], describe("x"));
    }
    let state = world.state();
    let deps = state.deps(&did(1), &[link]);
    assert_eq!(deps.len(), crate::limits::ROSTER_DEPS);
    let closed = world.write(1, 100, &deps, close(link, &[]));
    assert!(deps.contains(&admitted) && !world.state().void.contains_key(&closed));
}

#[test]
fn a_long_history_in_one_line_folds() {
    let mut world = World::new();
    let mut last = world.write(0, 1, &[], invite(Role::Member, 128));
    let link = last;
    for n in 0..2_000u64 {
        last = match n % 4 {
            0 => world.write((n % 15) as u8 + 1, n + 2, &[last], join(link, (n % 15) as u8 + 1)),
            1 => world.write(0, n + 2, &[last], add((n % 15) as u8 + 1, Role::Member)),
            _ => world.write(0, n + 2, &[last], describe("x")),
        };
    }
    let state = world.state();
    assert_eq!((state.members.len(), state.heads), (16, [last].into()));
}

/// One random step of a history: who, what, at which rev, on top of what, about whom.
type Step = (u8, u8, u8, [u8; 3], u8);

/// Any history: mostly plausible, with branches, backdating, strangers, quarrels about invites and stewards, stolen
/// devices. Persons 0 and 1 are founders.
fn history(steps: &[Step]) -> World {
    let mut world = World::founded_by(2);
    let (mut all, mut invites, mut joins) = (Vec::new(), Vec::new(), Vec::new());
    let mut own: BTreeMap<u8, Cid> = BTreeMap::new();
    let roles = [Role::Guest, Role::Member, Role::Moderator, Role::Steward];
    for (author, what, rev, on, whom) in steps {
        let pick = |list: &[Cid], n: u8| list.get(usize::from(n) % list.len().max(1)).copied();
        // Half of the time on top of the newest, so that histories grow long.
        let newest = all.last().copied().filter(|_| on[0] < 128);
        let (author, person, rev) = (author % 5, whom % 5, u64::from(*rev));
        // People know what they wrote themselves; often nothing else.
        let known = own.get(&author).copied().filter(|_| on[2] < 200);
        let mut deps: Vec<Cid> =
            newest.into_iter().chain(pick(&all, on[1]).filter(|_| on[2] % 2 == 0)).chain(known).collect();
        let role = roles[usize::from(*whom / 5) % 4];
        let act = match what % 16 {
            0 | 1 => add(person, role),
            2 | 3 => invite(role, u32::from(whom % 2) + 1),
            4 | 5 => {
                let Some(link) = pick(&invites, *whom) else { continue };
                deps.push(link);
                join(link, author)
            }
            6 | 7 => {
                let Some(link) = pick(&invites, *whom) else { continue };
                deps.push(link);
                let named: Vec<Cid> = joins.iter().copied().filter(|_| on[0] % 3 == 0).take(2).collect();
                close(link, &named)
            }
            8..=10 => remove(person, &[(u64::from(on[0]), person)]),
            11 => Act::Leave { cut: people::cut(author, &[(u64::from(on[0]), author)]) },
            12 => Act::Retire { device: if on[0] % 2 == 0 { tablet(author) } else { device(author) }.did() },
            13 => Act::Add { did: did(person), role, was: Some(did(on[0] % 5)) },
            14 => {
                let cid = world.write_unknown(author, rev, &deps);
                all.push(cid);
                continue;
            }
            _ => describe(&format!("{rev}")),
        };
        let retired = matches!(&act, Act::Retire { device } if *device == self::device(author).did());
        let kind = act.name().to_string();
        let cid = match (retired || on[1] % 3 == 0, &act) {
            (true, _) => world.write_on_tablet(author, usize::from(on[1] % 2 == 0 || retired) * 2, rev, &deps, act),
            (_, Act::Retire { .. }) => world.write_on_phone(author, 1, rev, &deps, act),
            _ => world.write_on_phone(author, usize::from(on[2] % 2), rev, &deps, act),
        };
        match kind.as_str() {
            "invite" => invites.push(cid),
            "join" => joins.push(cid),
            _ => {}
        }
        all.push(cid);
        own.insert(author, cid);
    }
    world
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Founders write most of it, or little would ever count.
    let author = prop_oneof![2 => Just(0u8), 3 => any::<u8>()];
    prop::collection::vec((author, any::<u8>(), any::<u8>(), any::<[u8; 3]>(), any::<u8>()), 1..60)
}

/// What counts, leaving out the notes on what does not.
fn effect(state: State) -> State {
    State { void: BTreeMap::new(), ..state }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn an_author_acts_exactly_as_who_the_ancestors_make_them(steps in steps()) {
        let world = history(&steps);
        let state = world.state();
        for (cid, op) in &world.ops {
            let before = world.fold_of(&world.ancestors(op)).state;
            let allowed = before.role(&op.did).is_some_and(|role| may(role, &op.act));
            let counts = !state.void.contains_key(cid);
            prop_assert!(!counts || allowed || matches!(op.act, Act::Join { .. }), "{op:?}");
            // The first founder stands on nothing that could fall, and nobody puts them out.
            let plain = matches!(op.act, Act::Add { was: None, .. } | Act::Invite { .. } | Act::Describe(_));
            let retires = world.ops.values().any(|op| op.did == did(0) && matches!(op.act, Act::Retire { .. }));
            if op.did == did(0) && allowed && plain && !retires && before.members[&did(0)].via == world.id {
                prop_assert!(counts || state.void[cid].contains("certify"));
            }
        }
        let left = world.ops.values().any(|op| matches!(op.act, Act::Leave { .. }) && op.did == did(0));
        prop_assert!(left || state.is_member(&did(0)));
        for (who, former) in &state.former {
            prop_assert!(!state.is_member(who) && former.cut.keys().all(|repo| repo.did == *who));
        }
    }

    #[test]
    fn what_does_not_count_can_be_dropped_in_part_or_whole(steps in steps(), holes in any::<u64>()) {
        let world = history(&steps);
        let state = world.state();
        for holes in [0, holes] {
            let kept = |n: usize, cid: &Cid| state.kept.contains(cid) || holes >> (n % 64) & 1 == 1;
            let kept: BTreeMap<Cid, Op> = world.ops.iter().enumerate()
                .filter(|(n, (cid, _))| kept(*n, cid)).map(|(_, (c, o))| (*c, o.clone())).collect();
            prop_assert_eq!(effect(world.fold_of(&kept).state), effect(state.clone()));
        }
    }

    #[test]
    fn effect_rests_on_nothing_that_rests_on_it(steps in steps()) {
        people::assert_well_founded(&history(&steps))?;
    }

    #[test]
    fn replicas_that_hear_in_any_order_and_keep_only_what_counts_end_equal(
        steps in steps(), shuffles in any::<[[u8; 8]; 2]>(),
    ) {
        let world = history(&steps);
        let mut replicas = [BTreeMap::new(), BTreeMap::new()];
        for (ops, shuffle) in replicas.iter_mut().zip(shuffles) {
            let mut heard: Vec<Cid> = world.ops.keys().copied().collect();
            heard.sort_by_key(|cid| cid.hash().digest().iter().zip(shuffle).map(|(a, b)| a ^ b).collect::<Vec<_>>());
            for cid in &heard {
                ops.insert(*cid, world.ops[cid].clone());
                sweep(&world, ops);
            }
        }
        // They tell each other what they keep and ask for what is named, until nothing is new.
        let [mut a, mut b] = replicas;
        for _ in 0..4 {
            b.extend(a.clone());
            sweep(&world, &mut b);
            a.extend(b.clone());
            sweep(&world, &mut a);
        }
        let (a, b) = (world.fold_of(&a), world.fold_of(&b));
        prop_assert!(a.missing.is_empty() && b.missing.is_empty());
        prop_assert_eq!(effect(a.state), effect(b.state));
    }

    #[test]
    fn any_part_of_a_history_names_what_it_lacks(steps in steps(), holes in any::<u64>()) {
        let world = history(&steps);
        let part: BTreeMap<Cid, Op> =
            world.ops.iter().enumerate().filter(|(n, _)| holes >> (n % 64) & 1 == 0).map(|(_, (c, o))| (*c, o.clone())).collect();
        let folded = world.fold_of(&part);
        let lacking = |cid: &&Cid| **cid != world.id && !part.contains_key(*cid);
        let expected: BTreeSet<Cid> = part.values().flat_map(|op| &op.deps).filter(lacking).copied().collect();
        prop_assert_eq!(&folded.missing, &expected);
        prop_assert!(folded.state.kept.iter().all(|cid| !world.ops[cid].deps.iter().any(|dep| expected.contains(dep))));
    }
}

/// Drops what is void, as a store does, and fetches what is missing.
fn sweep(world: &World, ops: &mut BTreeMap<Cid, Op>) {
    loop {
        let folded = world.fold_of(ops);
        if folded.missing.is_empty() {
            ops.retain(|cid, _| folded.state.kept.contains(cid));
            return;
        }
        ops.extend(folded.missing.iter().map(|cid| (*cid, world.ops[cid].clone())));
    }
}
