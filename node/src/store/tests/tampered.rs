//! Backups into which somebody put what nobody signed.

use ipld_core::ipld::Ipld;

use super::*;
use crate::store::{
    StoreError,
    backup::{Backup, restore},
    blocks::{Blocks, Why, digest_of},
    intern::{Name, Numbers},
    repos::{Held, Repos},
    writer::Writer,
};

const THIEF: u8 = 66;

struct Scene {
    ada: Person,
    store: Store,
    community: Cid,
    between_us: Uri,
}

fn scene() -> Scene {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let store = ada.store();
    store.set_meta("identity", Some(ada.identity.bytes())).unwrap();
    let community = found(&store, &ada, Visibility::Public, &[&bo]);
    ada.publish(&store, community, NOON, post("hello"));
    let between_us = ada.publish_for(&store, community, Audience::Members, NOON, post("between us"));
    Scene { ada, store, community, between_us }
}

/// The block with one field changed, as nobody signed it.
fn changed(block: &Block, field: &str, to: impl FnOnce(Ipld) -> Ipld) -> Block {
    let Ipld::Map(mut map) = block.view().unwrap() else { panic!("no map") };
    let value = map.remove(field).unwrap();
    map.insert(field.to_owned(), to(value));
    Block::encode(&map).unwrap()
}

fn later(rev: Ipld) -> Ipld {
    let Ipld::String(rev) = rev else { panic!("no rev") };
    Ipld::String(Tid::from_u64(rev.parse::<Tid>().unwrap().as_u64() + 1).unwrap().to_string())
}

impl Scene {
    /// Backs up and restores what `tamper` makes of the store.
    fn restored(&self, tamper: impl FnMut(&mut Writer<'_>) -> Result<(), StoreError>) -> Result<Store, StoreError> {
        let mut tamper = tamper;
        self.store
            .write(|w| {
                w.dirty = true;
                tamper(w)
            })
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (file, to) = (dir.path().join("backup"), dir.path().join("restored"));
        self.store.backup_to(&file, &Backup { made: NOON, device: String::new(), config: None }).unwrap();
        let restored = restore(&file, &to);
        assert!(restored.is_ok() || !to.exists());
        restored.map(|_| Store::open(&to).unwrap())
    }

    fn refused(&self, tamper: impl FnMut(&mut Writer<'_>) -> Result<(), StoreError>) {
        match self.restored(tamper) {
            Err(StoreError::Damaged(why)) => assert!(why.contains("not signed by whom it names"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_honest_backup_is_restored() {
    let scene = scene();
    let restored = scene.restored(|_| Ok(())).unwrap();
    equal(&restored, &scene.store, scene.community, Scope::Members);
}

#[test]
fn a_document_that_lists_a_thief_s_device_is_refused_wherever_it_lies() {
    let thief = Secret::from_seed([THIEF; 32]);
    let forge = |ada: &Person| {
        let by_thief = identity(&thief, Some(&ada.identity), &[&ada.device, &Secret::from_seed([67; 32])]);
        changed(&by_thief, "did", |_| Ipld::String(ada.did().to_string()))
    };
    let one = scene();
    let document = forge(&one.ada);
    one.refused(|w| {
        let seq = w.put_block(&document)?;
        w.hold(seq, 0, Why::Pinned)?;
        let digest = digest_of(document.cid());
        w.t.identities.insert(&digest, seq)?;
        let did = w.intern(Name::Key(&one.ada.did()))?;
        w.t.people.insert(did, (&digest, 1))?;
        Ok(())
    });
    // A document of the thief's own, rightly signed, in the place of ours.
    for document in [forge(&one.ada), identity(&thief, None, &[&thief_device()])] {
        let two = scene();
        two.refused(|w| {
            w.t.meta.insert("identity", document.bytes().as_ref())?;
            Ok(())
        });
    }
}

fn thief_device() -> Secret {
    Secret::from_seed([67; 32])
}

#[test]
fn an_operation_nobody_signed_is_refused() {
    let scene = scene();
    let op = scene.store.view(Scope::Members).unwrap().roster(&scene.community).unwrap().0.remove(0);
    let forged = changed(&op, "rev", later);
    scene.refused(|w| {
        let community = w.t.number(Name::Community(&scene.community))?.unwrap();
        let seq = w.put_block(&forged)?;
        w.hold(seq, community, Why::Reach(Audience::Public))?;
        w.t.ops.insert((community, &digest_of(forged.cid())), seq)?;
        Ok(())
    });
}

#[test]
fn a_repository_of_a_device_its_person_never_listed_is_refused() {
    let scene = scene();
    let ada = &scene.ada;
    let by_thief = Person { root: ada.root.clone(), device: thief_device(), identity: ada.identity.clone() };
    // What the thief's own store holds once it lists the device.
    let listed = identity(&ada.root, Some(&ada.identity), &[&ada.device, &by_thief.device]);
    let theirs = Person { identity: listed.clone(), ..by_thief };
    let elsewhere = theirs.store();
    pull(&scene.store, &elsewhere, scene.community, Scope::Members, WHOLE);
    let mut batch = Batch::new(scene.community, Audience::Public);
    batch.identities.push(listed);
    elsewhere.apply(batch, ARRIVAL).unwrap();
    theirs.publish(&elsewhere, scene.community, NOON + SECOND, post("I give everything to the thief"));
    let head = elsewhere.view(Scope::Members).unwrap().heads(&scene.community).unwrap();
    let head = head.into_iter().find(|head| head.repo.device == theirs.device.did()).unwrap();
    let view = elsewhere.view(Scope::Members).unwrap();
    let delta = view.delta(&scene.community, &head.repo, None, None, WHOLE).unwrap().unwrap();
    let tree = folkmoot_schemas::mst::build(&delta.put.iter().cloned().collect()).unwrap();
    scene.refused(|w| {
        let community = w.t.number(Name::Community(&scene.community))?.unwrap();
        let mut repo = w.new_repo(community, &head.repo, head.known)?;
        let commit = w.put_block(&delta.commit)?;
        w.hold(commit, community, Why::Reach(Audience::Public))?;
        repo.held = Some(Held { head: head.known, commit, records: delta.put.len() as u64 });
        w.save_repo(&repo)?;
        w.add_nodes(&repo, &tree.nodes)?;
        for ((path, _), block) in delta.put.iter().zip(&delta.blocks) {
            let (collection, rkey) = path.split_once('/').unwrap();
            let collection = w.intern(Name::Collection(collection))?;
            let seq = w.put_block(block)?;
            w.hold(seq, community, Why::Reach(Audience::Public))?;
            let (rev, _) = Record::view(block).unwrap();
            w.t.leaves.insert((repo.number, collection, rkey.as_bytes()), (seq, rev.as_u64(), 0))?;
        }
        Ok(())
    });
}

#[test]
fn a_commit_that_was_changed_and_a_record_no_commit_signs_are_refused() {
    let tampered = |tamper: &dyn Fn(&mut Writer<'_>, u32) -> Result<(), StoreError>| {
        let scene = scene();
        scene.refused(|w| {
            let community = w.t.number(Name::Community(&scene.community))?.unwrap();
            tamper(w, community)
        });
    };
    tampered(&|w, community| {
        let mut repo = w.t.repos_of(community, None)?.remove(0);
        let held = repo.held.unwrap();
        let forged = changed(&w.t.block_named(held.commit, held.head.cid)?, "rev", later);
        let commit = w.put_block(&forged)?;
        w.hold(commit, community, Why::Reach(Audience::Public))?;
        let head = HeadRef { rev: Tid::from_u64(held.head.rev.as_u64() + 1).unwrap(), cid: *forged.cid() };
        (repo.known, repo.held) = (head, Some(Held { head, commit, ..held }));
        w.save_repo(&repo)
    });
    tampered(&|w, community| {
        let repo = w.t.repos_of(community, None)?.remove(0);
        let record = Record::from(post("never said")).encode(Tid::new(NOON, 0))?;
        let seq = w.put_block(&record)?;
        w.hold(seq, community, Why::Reach(Audience::Public))?;
        let collection = w.t.number(Name::Collection("org.folkmoot.post"))?.unwrap();
        let value = (seq, Tid::new(NOON, 0).as_u64(), 0);
        w.t.leaves.insert((repo.number, collection, b"3mabcdefghijk".as_slice()), value)?;
        Ok(())
    });
}

#[test]
fn counts_that_would_give_a_members_record_to_everyone_are_put_right() {
    let scene = scene();
    let cid = found_entry(&scene.store, Scope::Members, &scene.between_us).unwrap().cid;
    let reaches = |store: &Store| store.view(Scope::Public).unwrap().block(&scene.community, &cid).unwrap().is_some();
    assert!(!reaches(&scene.store));
    let restored = scene.restored(|w| {
        let community = w.t.number(Name::Community(&scene.community))?.unwrap();
        let seq = w.t.seq(&cid)?.unwrap();
        w.hold(seq, community, Why::Reach(Audience::Public))
    });
    assert!(reaches(&scene.store), "the test gives it away");
    let restored = restored.unwrap();
    assert!(!reaches(&restored) && restored.mark(&mut || ()).unwrap().is_empty());
}
