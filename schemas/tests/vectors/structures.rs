//! Vectors of what is signed or counted: identities, commits, charters, rosters, snapshots, announcements, tree nodes.

use std::collections::BTreeMap;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use folkmoot_schemas::{
    Block, Cid,
    announce::Announce,
    commit::{Audience, Commit, HeadRef, RepoId},
    identity::Identity,
    key::Sig,
    mst,
    roster::{Act, Cut, Describe, NamedLink, Op, Role},
    snapshot::Snapshot,
    whereabouts::Whereabouts,
};
use ipld_core::ipld::Ipld;

use crate::{Signature, Vector, cast::*, records};

impl Vector {
    /// Notes who signed, with the signature as it stands in the block.
    fn signed(mut self, block: &Block, seed: u8, kind: &str, without: &[&str], path: &[&str]) -> Self {
        let mut at: Ipld = block.view().unwrap();
        for step in path {
            at = match at {
                Ipld::Map(mut map) => map.remove(*step).unwrap(),
                Ipld::List(mut list) => list.remove(step.parse().unwrap()),
                other => panic!("no {step} in {other:?}"),
            };
        }
        let Ipld::Bytes(signature) = at else { panic!("a signature is bytes") };
        self.signatures.push(Signature {
            seed: HEXLOWER.encode(&[seed; 32]),
            signer: did(seed).to_string(),
            prefix: format!("folkmoot/{kind}/1"),
            without: without.iter().map(ToString::to_string).collect(),
            signature: HEXLOWER.encode(&signature),
        });
        self
    }
}

pub(crate) fn vectors() -> Vec<(&'static str, Vector)> {
    let mut vectors = vec![
        ("identity", identity("the first document of a person", &alice().1, ALICE)),
        ("identity-next", identity("its successor, with a second device", &alice_with_phone(), ALICE)),
        ("charter", charter_vector()),
        ("mst-empty", Vector::new("the tree without records", &tree(&mst::Entries::new()))),
        ("mst", Vector::new("the root of Alice's public tree", &public_tree())),
        ("commit", commit_vector("the first commit of a repository: prev is null", &first_commit())),
        ("commit-next", commit_vector("a commit that replaces it", &next_commit())),
        ("snapshot", snapshot_vector()),
        ("announce", announce_vector("a commit with its record inline", &announce_post())),
        ("announce-join", announce_vector("a join with the identity it links", &announce_join())),
        ("whereabouts", whereabouts()),
    ];
    vectors.extend(roster());
    vectors
}

fn identity(what: &str, block: &Block, root: u8) -> Vector {
    Vector::new(what, block).signed(block, root, "identity", &["sig"], &["sig"])
}

fn whereabouts() -> Vector {
    let here = Whereabouts {
        did: did(ALICE),
        device: did(ALICE_LAPTOP),
        rev: at(5_000),
        peer: "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5".into(),
        addrs: vec!["/dns4/moot.example.org/tcp/4700".into(), "/ip6/2001:db8::7/tcp/4700".into()],
    };
    let block = here.seal(&secret(ALICE_LAPTOP)).unwrap();
    Vector::new("where the node of a device can be reached", &block).signed(
        &block,
        ALICE_LAPTOP,
        "whereabouts",
        &["sig"],
        &["sig"],
    )
}

fn alice_with_phone() -> Block {
    let (identity, block) = alice();
    let mut devices = identity.devices;
    devices.push(device(ALICE_PHONE, "Alices Tölpel", at(3_600)));
    Identity { did: did(ALICE), seq: 1, prev: Some(*block.cid()), devices }.seal(&secret(ALICE)).unwrap()
}

fn charter_vector() -> Vector {
    let block = charter().1;
    Vector::new("a public community with one founder; its CID is the community's id", &block)
        .signed(&block, ALICE_LAPTOP, "charter", &["sigs"], &["sigs", "0"])
        .derived("topic", folkmoot_schemas::announce::topic(block.cid()))
}

fn tree(entries: &mst::Entries) -> Block {
    mst::build(entries).unwrap().nodes.pop().unwrap()
}

fn public_entries() -> mst::Entries {
    records::public().into_iter().map(|(path, block)| (path, *block.cid())).collect()
}

fn public_tree() -> Block {
    tree(&public_entries())
}

fn first_commit() -> Block {
    commit(Audience::Public, at(100), mst::Entries::new(), None)
}

fn next_commit() -> Block {
    let prev = HeadRef { rev: at(100), cid: *first_commit().cid() };
    commit(Audience::Public, at(2_000), public_entries(), Some(prev))
}

fn commit(audience: Audience, rev: folkmoot_schemas::Tid, entries: mst::Entries, prev: Option<HeadRef>) -> Block {
    let commit = Commit {
        did: did(ALICE),
        device: did(ALICE_LAPTOP),
        community: community(),
        audience,
        rev,
        data: *tree(&entries).cid(),
        identity: *alice().1.cid(),
        count: entries.len() as u64,
        prev,
        seen: Default::default(),
    };
    commit.seal(&secret(ALICE_LAPTOP)).unwrap()
}

fn commit_vector(what: &str, block: &Block) -> Vector {
    Vector::new(what, block).signed(block, ALICE_LAPTOP, "commit", &["sig"], &["sig"])
}

fn op(seconds: u64, deps: &[Cid], act: Act) -> Block {
    let (did, device, identity) = (did(ALICE), did(ALICE_LAPTOP), *alice().1.cid());
    let op = Op { community: community(), did, device, identity, rev: at(seconds), deps: deps.to_vec(), act };
    op.seal(&secret(ALICE_LAPTOP), None).unwrap()
}

fn invite() -> Block {
    let act = Act::Invite { key: did(INVITE), role: Role::Member, expires: Some(at(604_800)), uses: 16 };
    op(20, &[community()], act)
}

fn join() -> Block {
    let invite = *invite().cid();
    let op = Op {
        community: community(),
        did: did(BOB),
        device: did(BOB_LAPTOP),
        identity: *bob().1.cid(),
        rev: at(30),
        deps: vec![invite],
        act: Act::Join { invite, did: did(BOB), seed_sig: Sig([0; 64]) },
    };
    op.seal(&secret(BOB_LAPTOP), Some(&secret(INVITE))).unwrap()
}

fn add() -> Block {
    op(40, &[*join().cid()], Act::Add { did: did(0x07), role: Role::Moderator, was: Some(did(0x08)) })
}

fn close() -> Block {
    op(50, &[*add().cid()], Act::Close { invite: *invite().cid(), joins: vec![*join().cid()] })
}

fn bobs_head(audience: Audience) -> Cut {
    let repo = RepoId { did: did(BOB), device: did(BOB_LAPTOP), audience };
    [(repo, HeadRef { rev: at(45), cid: elsewhere("Bob's commit") })].into()
}

fn remove() -> Block {
    let cut = bobs_head(Audience::Public);
    op(70, &[*describe().cid()], Act::Remove { did: did(BOB), cut, reason: Some("Sold tickets twice.".into()) })
}

fn leave() -> Vector {
    let op = Op {
        community: community(),
        did: did(BOB),
        device: did(BOB_LAPTOP),
        identity: *bob().1.cid(),
        rev: at(80),
        deps: vec![*join().cid()],
        act: Act::Leave { cut: bobs_head(Audience::Members) },
    };
    let block = op.seal(&secret(BOB_LAPTOP), None).unwrap();
    Vector::new("a member goes", &block).signed(&block, BOB_LAPTOP, "roster", &["sig"], &["sig"])
}

fn retire() -> Block {
    op(90, &[*remove().cid()], Act::Retire { device: did(ALICE_PHONE) })
}

fn describe() -> Block {
    let text = |text: &str| Some(text.to_string());
    let link = |url: &str, label: &str| NamedLink { url: url.into(), label: label.into() };
    let describe = Describe {
        name: text("Flussstraße"),
        about: text("Neighbours between the mill and the bridge."),
        zone: text("Europe/Berlin"),
        lang: text("de"),
        colour: text("#1f6f5c"),
        rules: text("Be kind.\n\nNo selling."),
        links: Some(vec![link("https://example.org/", "Website")]),
        support: Some(vec![link("https://example.org/give", "Give")]),
    };
    op(60, &[*add().cid(), *close().cid()], Act::Describe(describe))
}

fn roster() -> Vec<(&'static str, Vector)> {
    let by_alice =
        |what, block: &Block| Vector::new(what, block).signed(block, ALICE_LAPTOP, "roster", &["sig"], &["sig"]);
    let joined = Vector::new("a join: the invite's seed signs first, then the device signs that too", &join())
        .signed(&join(), INVITE, "join-seed", &["sig", "op.join.seed_sig"], &["op", "join", "seed_sig"])
        .signed(&join(), BOB_LAPTOP, "roster", &["sig"], &["sig"]);
    vec![
        ("roster-invite", by_alice("the first operation: its deps name the charter", &invite())),
        ("roster-join", joined),
        ("roster-add", by_alice("an addition that says who it was before", &add())),
        ("roster-close", by_alice("a closing that names the joins it lets in", &close())),
        ("roster-remove", by_alice("a removal with a reason, and where a repository stands still", &remove())),
        ("roster-leave", leave()),
        ("roster-retire", by_alice("a device is over: the linked identity lists it no longer", &retire())),
        ("roster-describe", by_alice("a description with every field, on two heads", &describe())),
    ]
}

fn snapshot() -> Snapshot {
    let repo = |audience| RepoId { did: did(ALICE), device: did(ALICE_LAPTOP), audience };
    let members = commit(Audience::Members, at(1_000), mst::Entries::new(), None);
    Snapshot {
        community: community(),
        roster: [*close().cid(), *describe().cid()].into(),
        people: [(did(ALICE), *alice().1.cid()), (did(BOB), *bob().1.cid())].into(),
        repos: BTreeMap::from([
            (repo(Audience::Public), *next_commit().cid()),
            (repo(Audience::Members), *members.cid()),
        ]),
    }
}

fn snapshot_vector() -> Vector {
    Vector::new("the members' snapshot of a community", &snapshot().encode().unwrap())
        .derived("digest", HEXLOWER.encode(&snapshot().digest()))
}

fn announce_post() -> Announce {
    let (path, post) = records::public().into_iter().next().unwrap();
    Announce {
        commit: Some(next_commit().bytes().clone()),
        records: vec![(path, post.bytes().clone())],
        gone: vec!["org.folkmoot.post/3mbdnfw2k2222".into()],
        ..Announce::default()
    }
}

fn announce_join() -> Announce {
    let (identity, ops) = (Some(bob().1.bytes().clone()), vec![join().bytes().clone()]);
    Announce { identity, ops, ..Announce::default() }
}

fn announce_vector(what: &str, announce: &Announce) -> Vector {
    let bytes: Bytes = announce.encode().unwrap();
    let (block, _) = Block::decode::<Ipld>(bytes, folkmoot_schemas::limits::ANNOUNCE).unwrap();
    Vector::new(what, &block).derived("message_id", HEXLOWER.encode(&announce.message_id()))
}
