//! Two stores and a file between them.

mod damage;
mod hostile;

use std::{collections::BTreeSet, fs, path::PathBuf};

use folkmoot_schemas::{
    Audience, Cid, Tid, Uri,
    block::{Block, cid_of},
    car::{self, Reader},
    charter::Visibility,
    identity::Device,
    key::Secret,
    records::{event::Image, post::Post, profile::Profile},
    roster::Role,
};

use super::*;
use crate::{
    publish::{
        Draft, Me, certify, delete, enter, invite, newest_identity, remove, succeed,
        tests::{Person, draft, gig, post},
    },
    store::{Applied, Batch, Scope, Store, StoreError},
};

/// Two people in a community: posts, an event, answers among members, a picture for all and one for members.
struct Village {
    ada: Person,
    bo: Person,
    community: Cid,
    first: Uri,
    picture: Block,
    /// Linked by a members' record.
    private: Block,
}

fn image(blob: &Block) -> Image {
    Image { blob: *blob.cid(), mime: "image/png".into(), width: 1, height: 1, alt: "a lantern".into() }
}

fn picture(blob: &Block, text: &str) -> Post {
    Post { images: vec![image(blob)], ..post(text) }
}

fn for_members(post: Post) -> Draft {
    Draft { audience: Some(Audience::Members), ..draft(post) }
}

impl Village {
    fn new(visibility: Visibility) -> Self {
        let (ada, bo) = (Person::new(1), Person::new(2));
        let community = ada.found("River Street", visibility);
        bo.joins(&community, &ada, Role::Member);
        let (shown, private) = (Block::raw(vec![5; 3000]), Block::raw(vec![6; 3000]));
        ada.store.put_blob(&shown, 0).unwrap();
        ada.store.put_blob(&private, 0).unwrap();
        let first = ada.post(&community, "first").uri;
        ada.publish(&community, vec![draft(picture(&shown, "look")), draft(gig())]).unwrap();
        let gone = ada.post(&community, "not for long");
        delete(&ada.store, &ada.me, &ada.clock, &gone.uri).unwrap();
        ada.publish(&community, vec![for_members(picture(&private, "between us"))]).unwrap();
        let village = Self { ada, bo, community, first, picture: shown, private };
        village.bo_writes();
        village
    }

    /// Bo posts too, and Ada holds it.
    fn bo_writes(&self) {
        let Self { ada, bo, community, .. } = self;
        carry(&ada.store, &bo.store, community);
        for n in 0..40 {
            bo.post(community, &format!("post {n} of Bo"));
        }
        bo.publish(community, vec![for_members(post("Bo, to members"))]).unwrap();
        carry(&bo.store, &ada.store, community);
    }

    fn export(&self, what: &What) -> Vec<u8> {
        let mut out = Vec::new();
        export(&self.ada.store, what, &mut out).unwrap();
        out
    }

    fn whole(&self, scope: Scope) -> Vec<u8> {
        self.export(&What::Community(self.community, scope))
    }
}

/// Brings everything of one store to another, by an archive.
fn carry(from: &Store, to: &Store, community: &Cid) {
    let mut out = Vec::new();
    export(from, &What::Community(*community, Scope::Members), &mut out).unwrap();
    let imported = take(to, &out);
    assert!(imported.is_whole(), "{imported:?}");
}

/// A file with these bytes, gone when it is dropped.
struct File(tempfile::TempDir);

impl File {
    fn new(bytes: &[u8]) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        fs::write(file.path(), bytes).unwrap();
        file
    }
    fn path(&self) -> PathBuf {
        self.0.path().join("archive.car")
    }
    fn open(&self) -> Result<Archive, ArchiveError> {
        Archive::open(&self.path(), &mut |_| ())
    }
}

const LATER: u64 = 1_900_000_000_000_000;

fn try_take(to: &Store, bytes: &[u8]) -> Result<Imported, ImportError<StoreError>> {
    let archive = File::new(bytes).open()?;
    import(archive, &mut Here { store: to, now: LATER }, &mut |_| ())
}

fn take(to: &Store, bytes: &[u8]) -> Imported {
    try_take(to, bytes).unwrap()
}

fn check(bytes: &[u8]) -> Result<Verified, ArchiveError> {
    verify(File::new(bytes).open()?, &mut |_| ())
}

fn blocks_of(bytes: &[u8]) -> (Vec<Cid>, Vec<Block>) {
    let mut reader = Reader::new(bytes).unwrap();
    let roots = reader.roots().to_vec();
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        blocks.push(block);
    }
    (roots, blocks)
}

fn names(bytes: &[u8]) -> BTreeSet<Cid> {
    blocks_of(bytes).1.iter().map(|block| *block.cid()).collect()
}

fn snapshot(store: &Store, community: &Cid, scope: Scope) -> Cid {
    store.view(scope).unwrap().snapshot(community).unwrap()
}

#[test]
fn what_is_exported_on_one_home_is_the_same_on_another() {
    let village = Village::new(Visibility::Public);
    for scope in [Scope::Public, Scope::Members] {
        let bytes = village.whole(scope);
        let other = Store::in_memory().unwrap();
        let imported = take(&other, &bytes);
        assert!(imported.is_whole() && imported.strangers.is_empty(), "{imported:?}");
        let [share] = imported.communities.as_slice() else { panic!("{imported:?}") };
        assert_eq!((share.equal, share.joined, share.name.as_str()), (Some(true), false, "River Street"));
        assert_eq!(
            snapshot(&other, &village.community, scope),
            snapshot(&village.ada.store, &village.community, scope)
        );
        assert!(other.view(scope).unwrap().complete(&village.community).unwrap());
        // And it can leave again: the very same bytes.
        let mut again = Vec::new();
        export(&other, &What::Community(village.community, scope), &mut again).unwrap();
        assert!(again == bytes, "the second generation differs");
        // A second run changes nothing.
        let generation = other.generation();
        let second = take(&other, &bytes);
        assert_eq!((second.communities[0].taken, second.communities[0].equal), (0, Some(true)));
        assert_eq!(other.generation(), generation);
    }
}

#[test]
fn a_members_community_leaves_as_one_file_too() {
    let village = Village::new(Visibility::Members);
    let bytes = village.whole(Scope::Members);
    let other = Store::in_memory().unwrap();
    let imported = take(&other, &bytes);
    assert!(imported.is_whole(), "{imported:?}");
    assert_eq!(imported.communities[0].equal, Some(true));
    assert!(other.view(Scope::Public).unwrap().communities().unwrap().is_empty(), "nothing of it is public");
    for block in blocks_of(&bytes).1 {
        assert!(other.view(Scope::Public).unwrap().public_block(block.cid()).unwrap().is_none());
    }
    let mut out = Vec::new();
    let refused = export(&village.ada.store, &What::Community(village.community, Scope::Public), &mut out);
    assert!(matches!(refused, Err(ExportError::Absent(_))));
}

#[test]
fn an_archive_is_a_set_of_distinct_blocks_behind_its_roots() {
    let village = Village::new(Visibility::Public);
    let bytes = village.whole(Scope::Members);
    let (roots, blocks) = blocks_of(&bytes);
    assert_eq!(roots, [snapshot(&village.ada.store, &village.community, Scope::Members)]);
    assert_eq!(blocks[0].cid(), &roots[0]);
    assert_eq!(names(&bytes).len(), blocks.len(), "no block twice");
    assert_eq!(bytes, village.whole(Scope::Members), "equal stores, equal files");
}

#[test]
fn what_is_for_members_is_written_only_where_it_was_asked_for() {
    let village = Village::new(Visibility::Public);
    let (public, members) = (names(&village.whole(Scope::Public)), names(&village.whole(Scope::Members)));
    assert!(public.contains(village.picture.cid()) && !public.contains(village.private.cid()));
    assert!(members.contains(village.picture.cid()) && members.contains(village.private.cid()));
    let ada = village.ada.me.did;
    let person = |scope| names(&village.export(&What::Person(ada, vec![(village.community, scope)])));
    assert!(person(Scope::Members).contains(village.private.cid()));
    assert!(!person(Scope::Public).contains(village.private.cid()));
    let view = village.ada.store.view(Scope::Public).unwrap();
    let seen: BTreeSet<Cid> = public.iter().copied().filter(|cid| view.public_block(cid).unwrap().is_none()).collect();
    assert_eq!(seen, [snapshot(&village.ada.store, &village.community, Scope::Public)].into());
}

#[test]
fn a_person_leaves_with_what_is_theirs_alone() {
    let village = Village::new(Visibility::Public);
    let ada = village.ada.me.did;
    let bytes = village.export(&What::Person(ada, vec![(village.community, Scope::Members)]));
    let other = Store::in_memory().unwrap();
    let imported = take(&other, &bytes);
    assert!(imported.is_whole() && imported.strangers.is_empty(), "{imported:?}");
    assert_eq!((imported.communities[0].taken, imported.communities[0].equal), (2, None));
    let view = other.view(Scope::Members).unwrap();
    let heads = view.heads(&village.community).unwrap();
    assert!(heads.len() == 2 && heads.iter().all(|head| head.repo.did == ada));
    assert_eq!(imported.roots, heads.iter().map(|head| head.held.unwrap().cid).collect::<Vec<_>>());
    let stranger = What::Person(Person::new(9).me.did, vec![(village.community, Scope::Members)]);
    assert!(matches!(export(&village.ada.store, &stranger, &mut Vec::new()), Err(ExportError::Absent(_))));
}

#[test]
fn a_record_leaves_with_its_proof_which_is_no_repository() {
    let village = Village::new(Visibility::Public);
    let bytes = village.export(&What::Record(village.first.clone(), Scope::Public));
    let verified = check(&bytes).unwrap();
    assert!(verified.holds() && verified.strangers.is_empty(), "{verified:?}");
    let claim = verified.claim.unwrap();
    assert_eq!((claim.uri, claim.author.did), (village.first.clone(), village.ada.me.did));
    assert_eq!((claim.author.right, claim.author.device_name.as_str()), (Right::Member(Role::Steward), "laptop"));
    assert_eq!(claim.author.community_name.as_deref(), Some("River Street"));
    assert_eq!(claim.record.as_post().unwrap().text, "first");
    assert!(matches!(try_take(&Store::in_memory().unwrap(), &bytes), Err(ImportError::Proof)));
    // A page gives the same without files.
    let view = village.ada.store.view(Scope::Public).unwrap();
    for entry in view.list(&village.community, "org.folkmoot.post", None, 100).unwrap() {
        let proved = check(&proof(&view, &entry).unwrap().unwrap()).unwrap();
        assert!(proved.holds(), "{proved:?}");
        assert_eq!(proved.claim.unwrap().uri, entry.uri);
    }
}

#[test]
fn an_archive_gives_its_authors_the_names_it_proves() {
    let village = Village::new(Visibility::Public);
    let names = |what: &What| -> Vec<Option<String>> {
        let verified = check(&village.export(what)).unwrap();
        assert!(verified.holds() && verified.strangers.is_empty(), "{verified:?}");
        let authors = verified.claim.map(|claim| claim.author).into_iter();
        authors.chain(verified.checked.into_iter().map(|checked| checked.author)).map(|author| author.name).collect()
    };
    let ada = |name: &str| {
        let face = Block::raw(vec![8; 9]);
        village.ada.store.put_blob(&face, 0).unwrap();
        let avatar = Some(image(&face));
        let profile = Profile { name: name.into(), avatar, ..Profile::default() };
        village.ada.publish(&village.community, vec![draft(profile)]).unwrap().items.remove(0).uri
    };
    let record = What::Record(village.first.clone(), Scope::Public);
    let whole = What::Community(village.community, Scope::Public);
    assert_eq!(names(&record), [None]);
    ada("Ada");
    assert_eq!(names(&record), [Some("Ada".to_owned())]);
    assert_eq!(check(&village.export(&record)).unwrap().files_missing, 0, "of the post");
    let uri = ada("Ada of River Street");
    assert_eq!(names(&record), [Some("Ada of River Street".to_owned())]);
    assert!(names(&What::Community(village.community, Scope::Members)).len() > names(&whole).len());
    assert!(names(&whole).contains(&Some("Ada of River Street".to_owned())));
    delete(&village.ada.store, &village.ada.me, &village.ada.clock, &uri).unwrap();
    assert_eq!(names(&record), [None]);
}

#[test]
fn what_somebody_wrote_on_a_second_device_is_true_after_they_went() {
    let village = Village::new(Visibility::Public);
    let Village { ada, bo, community, .. } = &village;
    let phone = Secret::from_seed([77; 32]);
    let added = Device { key: phone.did(), name: "phone".into(), added: Tid::new(bo.clock.micros(), 0) };
    let known = newest_identity(&bo.store, &bo.me.did).unwrap();
    let document = certify(&known, &Secret::from_seed([2; 32]), Some(added), &BTreeSet::new()).unwrap();
    succeed(&bo.store, &bo.me, &bo.clock, &document, None).unwrap();
    let phone = {
        let store = Store::in_memory().unwrap();
        enter(&store, &bo.clock, &document, &[], &[]).unwrap();
        let me = Me::load(&store, phone).unwrap();
        Person { store, me, clock: bo.clock.clone() }
    };
    carry(&bo.store, &phone.store, community);
    phone.post(community, "from my phone");
    carry(&phone.store, &ada.store, community);
    remove(&ada.store, &ada.me, &ada.clock, community, &bo.me.did, None).unwrap();
    for scope in [Scope::Public, Scope::Members] {
        let verified = check(&village.whole(scope)).unwrap();
        assert!(verified.holds(), "{verified:?}");
        let by_phone = verified.checked.iter().find(|checked| checked.author.device == phone.me.device.did()).unwrap();
        assert_eq!((by_phone.records, by_phone.author.right), (1, Right::Former));
    }
}

#[test]
fn a_roster_is_gathered_once_for_the_proofs_of_one_state_and_not_read_where_it_is_too_large() {
    let village = Village::new(Visibility::Public);
    let Village { ada, community, .. } = &village;
    let (proofs, before) = (Proofs::default(), ada.store.view(Scope::Public).unwrap());
    let entry = before.list(community, "org.folkmoot.post", None, 1).unwrap().remove(0);
    let first = proofs.proof(1, &before, &entry).unwrap().unwrap();
    assert!(first == proof(&before, &entry).unwrap().unwrap());
    invite(&ada.store, &ada.me, &ada.clock, community, Role::Member, 1, None).unwrap();
    let after = ada.store.view(Scope::Public).unwrap();
    assert!(proofs.proof(1, &after, &entry).unwrap().unwrap() == first);
    let second = proofs.proof(2, &after, &entry).unwrap().unwrap();
    assert!(second == proof(&after, &entry).unwrap().unwrap() && second != first);

    let (ops, identities) = after.roster(community).unwrap();
    let bytes = ops.iter().chain(&identities).map(|block| block.bytes().len()).sum();
    assert_eq!(after.roster_within(community, bytes).unwrap(), Some((ops, identities)));
    assert_eq!(after.roster_within(community, bytes - 1).unwrap(), None);
    assert_eq!(after.roster_within(community, 10).unwrap(), None);
}

#[test]
fn every_changed_byte_of_a_proof_is_found_out() {
    let village = Village::new(Visibility::Public);
    let bytes = village.export(&What::Record(village.first.clone(), Scope::Public));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        if let Ok(verified) = check(&changed) {
            assert!(!verified.holds(), "byte {at}: {verified:?}");
        }
    }
    for end in 0..bytes.len() {
        assert!(check(&bytes[..end]).map_or(true, |verified| !verified.holds()), "cut at {end}");
    }
}

#[test]
fn a_whole_archive_is_verified_repository_by_repository() {
    let village = Village::new(Visibility::Public);
    let verified = check(&village.whole(Scope::Members)).unwrap();
    assert!(verified.holds() && verified.strangers.is_empty(), "{verified:?}");
    assert_eq!(verified.checked.len(), 4);
    assert!(verified.checked.iter().all(|checked| checked.author.right != Right::Unchecked));
    assert_eq!(verified.checked.iter().map(|checked| checked.records).sum::<u64>(), 3 + 1 + 40 + 1);
}

/// Fails after so many portions, as a process that is killed does.
struct Dying<'a>(Here<'a>, usize);

impl Taker for Dying<'_> {
    type Error = StoreError;
    fn held(&mut self, community: &Cid) -> Result<Option<Held>, StoreError> {
        self.0.held(community)
    }
    fn take(&mut self, batch: Batch) -> Result<Applied, StoreError> {
        self.1 = self.1.checked_sub(1).ok_or_else(|| StoreError::Refused("killed".into()))?;
        self.0.take(batch)
    }
}

#[test]
fn an_import_that_was_cut_goes_on_where_it_ended() {
    let village = Village::new(Visibility::Public);
    let ada = &village.ada;
    // Larger than a portion, so that a tree comes in parts.
    for n in 0..3 {
        let posts = (0..500).map(|m| draft(post(&format!("{n} {m} {}", "long ".repeat(700))))).collect();
        ada.publish(&village.community, posts).unwrap();
    }
    let file = File::new(&village.whole(Scope::Members));
    let store = Store::in_memory().unwrap();
    let mut runs = 0;
    for portions in 0.. {
        runs += 1;
        let mut dying = Dying(Here { store: &store, now: LATER }, portions);
        match import(file.open().unwrap(), &mut dying, &mut |_| ()) {
            Ok(imported) => {
                assert_eq!(imported.communities[0].equal, Some(true));
                break;
            }
            Err(ImportError::Taker(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(runs > 4, "{runs} runs");
    let (ours, theirs) = (&ada.store, &store);
    for scope in [Scope::Public, Scope::Members] {
        assert_eq!(snapshot(ours, &village.community, scope), snapshot(theirs, &village.community, scope));
    }
    let mut again = Vec::new();
    export(theirs, &What::Community(village.community, Scope::Members), &mut again).unwrap();
    assert!(again == fs::read(file.path()).unwrap(), "something is left over or lacking");
}

#[test]
fn an_older_archive_changes_nothing_and_a_newer_one_goes_on() {
    let village = Village::new(Visibility::Public);
    let old = village.whole(Scope::Members);
    village.ada.post(&village.community, "newer");
    let new = village.whole(Scope::Members);
    let store = Store::in_memory().unwrap();
    take(&store, &old);
    assert_eq!(take(&store, &new).communities[0].taken, 1);
    let back = take(&store, &old);
    assert!(back.is_whole() && back.communities[0].taken == 0 && back.communities[0].equal == Some(false));
    assert_eq!(snapshot(&store, &village.community, Scope::Members), {
        snapshot(&village.ada.store, &village.community, Scope::Members)
    });
}

/// Bo, a member, links a picture that is for members from a public post. His own node would not serve it publicly, nor
/// does a home that takes in an archive with both.
#[test]
fn an_import_never_makes_public_what_the_archive_holds_for_members() {
    let village = Village::new(Visibility::Public);
    let Village { ada, bo, community, private, .. } = &village;
    bo.publish(community, vec![draft(picture(private, "stolen"))]).unwrap();
    carry(&bo.store, &ada.store, community);
    let bytes = village.whole(Scope::Members);
    assert!(names(&bytes).contains(private.cid()));
    let store = Store::in_memory().unwrap();
    let imported = take(&store, &bytes);
    assert_eq!((imported.communities[0].equal, imported.communities[0].lacking), (Some(true), 1), "{imported:?}");
    assert!(store.view(Scope::Public).unwrap().public_block(private.cid()).unwrap().is_none());
    assert!(store.view(Scope::Members).unwrap().block(community, private.cid()).unwrap().is_some());
    let public = village.whole(Scope::Public);
    assert!(!names(&public).contains(private.cid()));
    assert_eq!(
        take(&Store::in_memory().unwrap(), &public).missing.total,
        1,
        "and the public archive says what it lacks"
    );
}

#[test]
fn bytes_under_a_name_of_another_codec_are_another_block() {
    let village = Village::new(Visibility::Public);
    let bytes = village.export(&What::Record(village.first.clone(), Scope::Public));
    let (roots, mut blocks) = blocks_of(&bytes);
    let record = blocks.pop().unwrap();
    blocks.push(Block::raw(record.bytes().clone()));
    assert_eq!(cid_of(0x55, record.bytes()), *blocks.last().unwrap().cid());
    assert!(!check(&car::to_vec(&roots, &blocks)).unwrap().holds());
}
