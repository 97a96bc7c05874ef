//! Two stores and everything between them: what one publishes, what the other takes, what a stranger sees.

mod converge;
mod events;
mod failing;
mod files;
mod going;
mod history;
mod hostile;
mod keeping;
mod kept;
mod own;
mod pack;
mod pins;
mod quotas;
mod revisions;
mod roster;
mod succession;
mod tampered;
mod votes;

use folkmoot_schemas::{
    Audience, Cid, Did, Record, Tid, Uri,
    block::Block,
    charter::{Charter, Founder, Visibility},
    commit::{HeadRef, RepoId},
    identity::{Device, Identity},
    key::{Secret, Sig},
    records::post::Post,
    roster::{Act, Op, Role},
};

use super::{
    Applied, Batch, OwnCommit, RepoUpdate, Scope, Store, View,
    reader::{Entry, Lookup},
    write::{Change, Committed},
};

/// 2026-05-01 12:00 UTC in microseconds.
pub(crate) const NOON: u64 = 1_777_636_800_000_000;
pub(crate) const SECOND: u64 = 1_000_000;
/// When what others wrote arrives: later than all of it.
const ARRIVAL: u64 = NOON + 3_600 * SECOND;

/// Every count of the store is what the full mark finds.
fn sound(store: &Store) {
    assert_eq!(store.mark(&mut || ()).unwrap(), Vec::<String>::new());
}

pub(crate) struct Person {
    root: Secret,
    device: Secret,
    pub(crate) identity: Block,
}

impl Person {
    pub(crate) fn new(n: u8) -> Self {
        let (root, device) = (Secret::from_seed([n; 32]), Secret::from_seed([n ^ 0x80; 32]));
        let identity = identity(&root, None, &[&device]);
        Self { root, device, identity }
    }

    /// The same person on a further device, with the document that lists both.
    fn second_device(&mut self, n: u8) -> Self {
        let device = Secret::from_seed([n; 32]);
        self.identity = identity(&self.root, Some(&self.identity), &[&self.device, &device]);
        Self { root: self.root.clone(), device, identity: self.identity.clone() }
    }

    pub(crate) fn did(&self) -> Did {
        self.root.did()
    }

    pub(crate) fn store(&self) -> Store {
        let store = Store::in_memory().unwrap();
        store.set_meta("me", Some(self.did().to_string().as_bytes())).unwrap();
        store.set_meta("device", Some(self.device.did().to_string().as_bytes())).unwrap();
        store
    }

    pub(crate) fn op(&self, community: Cid, deps: Vec<Cid>, at: u64, act: Act, seed: Option<&Secret>) -> Block {
        Op {
            community,
            did: self.did(),
            device: self.device.did(),
            identity: *self.identity.cid(),
            rev: Tid::new(at, 0),
            deps,
            act,
        }
        .seal(&self.device, seed)
        .unwrap()
    }

    pub(crate) fn commit(
        &self,
        store: &Store,
        community: Cid,
        audience: Audience,
        now: u64,
        changes: Vec<Change>,
    ) -> Committed {
        let plan = OwnCommit { community, did: self.did(), device: &self.device, audience, changes, now, random: 7 };
        store.commit_own(plan).unwrap()
    }

    pub(crate) fn publish(&self, store: &Store, community: Cid, now: u64, record: impl Into<Record>) -> Uri {
        let audience = match store.view(Scope::Members).unwrap().community(&community).unwrap().unwrap().visibility {
            Visibility::Public => Audience::Public,
            Visibility::Members => Audience::Members,
        };
        self.publish_for(store, community, audience, now, record)
    }

    fn publish_for(
        &self,
        store: &Store,
        community: Cid,
        audience: Audience,
        now: u64,
        record: impl Into<Record>,
    ) -> Uri {
        let committed = self.commit(store, community, audience, now, vec![put(record)]);
        self.uri(community, &committed.puts[0].path)
    }

    fn uri(&self, community: Cid, path: &str) -> Uri {
        let (collection, rkey) = path.split_once('/').unwrap();
        Uri::new(community, self.did(), collection, rkey).unwrap()
    }
}

/// The document after `prev`.
fn identity(root: &Secret, prev: Option<&Block>, devices: &[&Secret]) -> Block {
    let seq = prev.map_or(0, |prev| Identity::view(prev).unwrap().seq + 1);
    let devices = devices
        .iter()
        .map(|device| Device { key: device.did(), name: "laptop".into(), added: Tid::new(NOON, 0) })
        .collect();
    Identity { did: root.did(), seq, prev: prev.map(|prev| *prev.cid()), devices }.seal(root).unwrap()
}

pub(crate) fn put(record: impl Into<Record>) -> Change {
    Change::Put { rkey: None, record: record.into(), again: false }
}

pub(crate) fn edit(path: &str, record: impl Into<Record>) -> Change {
    let rkey = path.split_once('/').unwrap().1.to_owned();
    Change::Put { rkey: Some(rkey), record: record.into(), again: false }
}

pub(crate) fn post(text: &str) -> Post {
    Post { text: text.into(), ..Post::default() }
}

/// A community in `store`, founded by `founder` with `others` added as members.
pub(crate) fn found(store: &Store, founder: &Person, visibility: Visibility, others: &[&Person]) -> Cid {
    let charter = Charter {
        name: "River Street".into(),
        nonce: [7; 16],
        visibility,
        created: Tid::new(NOON - SECOND, 0),
        founders: vec![Founder { did: founder.did(), device: founder.device.did(), identity: *founder.identity.cid() }],
    };
    let charter = charter.seal(&[&founder.device]).unwrap();
    let community = *charter.cid();
    let mut batch = Batch::new(community, Audience::Members);
    batch.charter = Some(charter);
    batch.identities.push(founder.identity.clone());
    let mut head = community;
    for (n, other) in others.iter().enumerate() {
        let act = Act::Add { did: other.did(), role: Role::Member, was: None };
        let op = founder.op(community, vec![head], NOON - SECOND / 2 + n as u64, act, None);
        head = *op.cid();
        batch.ops.push(op);
        batch.identities.push(other.identity.clone());
    }
    let applied = store.put_own(batch, NOON).unwrap();
    assert!(applied.refused.is_empty(), "{:?}", applied.refused);
    community
}

/// What a pull gives: roster, then every repository of the scope that is behind, in answers of `budget` bytes.
pub(crate) fn pull(from: &Store, to: &Store, community: Cid, scope: Scope, budget: usize) -> Applied {
    let mut all = pull_roster(from, to, community, scope);
    for head in from.view(scope).unwrap().heads(&community).unwrap() {
        all.add(pull_repo(from, to, community, scope, budget, &head.repo));
    }
    all
}

fn pull_roster(from: &Store, to: &Store, community: Cid, scope: Scope) -> Applied {
    let source = from.view(scope).unwrap();
    let mut batch = Batch::new(community, audience(scope));
    batch.charter = source.charter(&community).unwrap();
    (batch.ops, batch.identities) = source.roster(&community).unwrap();
    to.apply(batch, ARRIVAL).unwrap()
}

fn pull_repo(from: &Store, to: &Store, community: Cid, scope: Scope, budget: usize, repo: &RepoId) -> Applied {
    let source = from.view(scope).unwrap();
    let target = to.view(Scope::Members).unwrap();
    let held = |view: &View| view.heads(&community).unwrap().into_iter().find(|h| h.repo == *repo).and_then(|h| h.held);
    let theirs = held(&source);
    let mut all = Applied::default();
    if theirs.is_none_or(|theirs| held(&target).is_some_and(|ours| !theirs.beats(&ours))) {
        return all;
    }
    let ours = target.trees(&community).unwrap().remove(repo);
    let mut after: Option<String> = None;
    loop {
        let first = after.is_none();
        let delta = source.delta(&community, repo, ours.as_ref(), after.as_deref(), budget).unwrap().unwrap();
        after = delta.more.clone();
        let mut batch = Batch::new(community, audience(scope));
        batch.identities.extend(source.witness(&community, repo).unwrap());
        batch.repos.push(RepoUpdate {
            commit: delta.commit,
            since: delta.since,
            put: delta.put,
            gone: delta.gone,
            blocks: delta.blocks,
            first,
            complete: delta.more.is_none(),
        });
        all.add(to.apply(batch, ARRIVAL).unwrap());
        if after.is_none() {
            return all;
        }
    }
}

fn audience(scope: Scope) -> Audience {
    if scope == Scope::Public { Audience::Public } else { Audience::Members }
}

pub(crate) const WHOLE: usize = usize::MAX;

/// A repository whole, as one update.
fn update(from: &Store, community: Cid, audience: Audience) -> RepoUpdate {
    let view = from.view(Scope::Members).unwrap();
    let head = view.heads(&community).unwrap().into_iter().find(|h| h.repo.audience == audience).unwrap();
    let delta = view.delta(&community, &head.repo, None, None, WHOLE).unwrap().unwrap();
    RepoUpdate {
        commit: delta.commit,
        since: None,
        put: delta.put,
        gone: delta.gone,
        blocks: delta.blocks,
        first: true,
        complete: true,
    }
}

fn apply(to: &Store, community: Cid, audience: Audience, update: RepoUpdate) -> Applied {
    let mut batch = Batch::new(community, audience);
    batch.repos.push(update);
    to.apply(batch, ARRIVAL).unwrap()
}

fn found_entry(store: &Store, scope: Scope, uri: &Uri) -> Option<Entry> {
    match store.view(scope).unwrap().get(uri).unwrap() {
        Lookup::Found(entry) => Some(*entry),
        _ => None,
    }
}

fn texts(store: &Store, scope: Scope, community: Cid) -> Vec<String> {
    let entries = store.view(scope).unwrap().list(&community, "org.folkmoot.post", None, 1000).unwrap();
    entries.iter().map(|entry| entry.record.as_post().unwrap().text.clone()).collect()
}

fn held(store: &Store, community: Cid) -> Vec<HeadRef> {
    store.view(Scope::Members).unwrap().heads(&community).unwrap().iter().filter_map(|h| h.held).collect()
}

fn equal(a: &Store, b: &Store, community: Cid, scope: Scope) {
    let (a, b) = (a.view(scope).unwrap(), b.view(scope).unwrap());
    assert!(a.complete(&community).unwrap() && b.complete(&community).unwrap());
    assert_eq!(a.snapshot(&community).unwrap(), b.snapshot(&community).unwrap());
    assert_eq!(a.digest(&community).unwrap().unwrap(), b.digest(&community).unwrap().unwrap());
}

/// Placeholder: `Op::seal` puts the seed's signature here.
const UNSIGNED: Sig = Sig([0; 64]);
