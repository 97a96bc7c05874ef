//! Whom the blocks that pins lack may be asked of.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{block::DAG_CBOR, block::cid_of, snapshot::Snapshot};

use super::{files::picture, *};
use crate::store::pins::Target;

/// Ada in two public communities and one for members, on a node that holds the records and no file.
struct Scene {
    ada: Person,
    store: Store,
    public: Cid,
    other: Cid,
    closed: Cid,
}

fn scene() -> Scene {
    let ada = Person::new(1);
    let store = ada.store();
    let public = found(&store, &ada, Visibility::Public, &[]);
    let closed = found(&store, &ada, Visibility::Members, &[]);
    let bo = Person::new(2);
    let other = found(&store, &bo, Visibility::Public, &[&ada]);
    Scene { ada, store, public, other, closed }
}

impl Scene {
    /// (community, audience) in which somebody is asked for this block.
    fn asked(&self, cid: &Cid) -> Vec<(&'static str, Audience)> {
        let view = self.store.view(Scope::Members).unwrap();
        let names = [("public", self.public), ("other", self.other), ("closed", self.closed)];
        let all = names.iter().flat_map(|one| [Audience::Public, Audience::Members].map(|audience| (one, audience)));
        let wanted = |community: &Cid, audience| view.wanted_by_pins(community, audience, 99).unwrap().contains(cid);
        all.filter(|((_, id), audience)| wanted(id, *audience)).map(|((name, _), audience)| (*name, audience)).collect()
    }
}

#[test]
fn a_file_that_a_pinned_record_lacks_is_asked_of_who_could_read_the_record() {
    let scene = scene();
    let blob = |n: u8| Block::raw(vec![n; 2000]);
    let places = [
        (scene.public, Audience::Public, vec![("public", Audience::Public), ("public", Audience::Members)]),
        (scene.public, Audience::Members, vec![("public", Audience::Members)]),
        (scene.closed, Audience::Members, vec![("closed", Audience::Members)]),
    ];
    for (n, (community, audience, asked)) in (7..).zip(places) {
        let at = NOON + u64::from(n) * SECOND;
        let record = picture(&blob(n), "between us");
        let uri = scene.ada.publish_for(&scene.store, community, audience, at, record);
        scene.store.pin(&Target::Moving(uri.clone()), "", at).unwrap();
        assert!(scene.asked(blob(n).cid()).is_empty(), "it stands: its head says what is lacking");
        let removed = vec![Change::Remove { path: uri.path() }];
        scene.ada.commit(&scene.store, community, audience, at + SECOND, removed);
        assert_eq!(scene.asked(blob(n).cid()), asked);
    }
}

#[test]
fn what_hangs_on_a_snapshot_is_asked_for_in_its_community_alone() {
    let scene = scene();
    let gone = |n: u8| cid_of(DAG_CBOR, &[n]);
    let snapshot = |n, audience| {
        let repo = RepoId { did: scene.ada.did(), device: scene.ada.device.did(), audience };
        let (community, repos) = (scene.public, BTreeMap::from([(repo, gone(n))]));
        Snapshot { community, roster: BTreeSet::new(), people: BTreeMap::new(), repos }.encode().unwrap()
    };
    scene.store.pin_block(&snapshot(1, Audience::Public), "", NOON).unwrap();
    scene.store.pin_block(&snapshot(2, Audience::Members), "", NOON).unwrap();
    assert_eq!(scene.asked(&gone(1)), [("public", Audience::Public), ("public", Audience::Members)]);
    assert_eq!(scene.asked(&gone(2)), [("public", Audience::Members)]);
    // What a person typed is asked of everybody.
    scene.store.pin(&Target::Fixed(gone(3)), "", NOON).unwrap();
    assert_eq!(scene.asked(&gone(3)).len(), 6);
}
