//! What stays and what goes: pins, sweeps and everything between them, against a model that says for every block
//! whether it has to be there. The blocks of a store must be exactly those, after every single step.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use folkmoot_schemas::{commit::Commit, follow::follow, mst, records::event::Image};
use proptest::prelude::*;
use redb::{ReadableTable, ReadableTableMetadata};

use super::*;
use crate::store::{blocks::Blocks, expiring, pins::Target, read_pins::Standing, tables::Tables};

const HOUR: u64 = 3600 * SECOND;

#[derive(Debug, Clone)]
enum Deed {
    Upload {
        at: usize,
        file: u8,
    },
    Post {
        who: usize,
        members: bool,
        file: Option<u8>,
    },
    Edit {
        who: usize,
        which: usize,
        file: Option<u8>,
    },
    Delete {
        who: usize,
        which: usize,
    },
    Pull {
        to: usize,
    },
    Fetch {
        to: usize,
        members: bool,
    },
    PinUri {
        at: usize,
        which: usize,
    },
    PinCid {
        at: usize,
        which: usize,
    },
    Unpin {
        at: usize,
        which: usize,
    },
    Sweep {
        at: usize,
        hours: u64,
    },
    /// Ada's phone.
    Retire,
    /// Bo, of whom nothing is to stay.
    Remove,
}

impl Deed {
    /// The store it happens in.
    fn at(&self) -> usize {
        match *self {
            Self::Post { who, .. } | Self::Edit { who, .. } | Self::Delete { who, .. } => World::home(who),
            Self::Pull { to } | Self::Fetch { to, .. } => to,
            Self::Upload { at, .. }
            | Self::PinUri { at, .. }
            | Self::PinCid { at, .. }
            | Self::Unpin { at, .. }
            | Self::Sweep { at, .. } => at,
            Self::Retire | Self::Remove => 0,
        }
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    let (who, at, which) = (0..3usize, 0..2usize, any::<usize>());
    let file = || prop::option::of(0..3u8);
    prop_oneof![
        1 => (at.clone(), 0..3u8).prop_map(|(at, file)| Deed::Upload { at, file }),
        4 => (who.clone(), any::<bool>(), file()).prop_map(|(who, members, file)| Deed::Post { who, members, file }),
        3 => (who.clone(), which, file()).prop_map(|(who, which, file)| Deed::Edit { who, which, file }),
        4 => (who, which).prop_map(|(who, which)| Deed::Delete { who, which }),
        4 => at.clone().prop_map(|to| Deed::Pull { to }),
        3 => (at.clone(), any::<bool>()).prop_map(|(to, members)| Deed::Fetch { to, members }),
        4 => (at.clone(), which).prop_map(|(at, which)| Deed::PinUri { at, which }),
        3 => (at.clone(), which).prop_map(|(at, which)| Deed::PinCid { at, which }),
        1 => (at.clone(), which).prop_map(|(at, which)| Deed::Unpin { at, which }),
        2 => (at, 0..30u64).prop_map(|(at, hours)| Deed::Sweep { at, hours }),
        1 => Just(Deed::Retire),
        1 => Just(Deed::Remove),
    ]
}

/// What a pin holds by itself, and what it waits for.
#[derive(Debug, Clone, Default)]
struct Kept {
    /// A moving pin: the last version's rev and record.
    version: Option<(Tid, Cid)>,
    held: BTreeSet<Cid>,
    wants: BTreeSet<Cid>,
}

/// What one store has to hold, apart from what its heads say.
#[derive(Debug, Default)]
struct Model {
    identities: BTreeSet<Cid>,
    /// When each goes.
    uploads: BTreeMap<Cid, u64>,
    /// Files whose bytes came under an audience that links them.
    arrived: BTreeSet<(Audience, Cid)>,
    pins: Vec<(Target, Kept)>,
    asides: Vec<Aside>,
    /// What Bo's own device had written when it heard that Bo is out.
    shelf: BTreeSet<Cid>,
}

/// What is kept for a time: older versions that one commit replaced, or what a head lost.
#[derive(Debug)]
struct Aside {
    until: u64,
    repo: RepoId,
    /// Commit, nodes, and whatever does not go before all of it does.
    blocks: BTreeSet<Cid>,
    /// By path; empty: it is of a lost head.
    versions: BTreeSet<(String, Cid)>,
}

struct World {
    stores: [Store; 2],
    models: [Model; 2],
    /// Ada's laptop, her phone, and Bo; the first two write at the first store.
    writers: [Person; 3],
    retired: bool,
    community: Cid,
    now: u64,
    /// Every block there ever was.
    all: BTreeMap<Cid, Block>,
    /// Every address there ever was, with its writer and audience.
    uris: Vec<(Uri, usize, Audience)>,
    read: Read,
}

/// What was read and verified once: these take longest of all.
#[derive(Default)]
struct Read {
    /// By root.
    trees: RefCell<BTreeMap<Cid, Rc<Tree>>>,
    commits: RefCell<BTreeMap<Cid, Rc<Commit>>>,
    /// None: the block is no identity.
    identities: RefCell<BTreeMap<Cid, Option<Rc<Identity>>>>,
}

struct Tree {
    entries: mst::Entries,
    nodes: Vec<Cid>,
}

fn file(n: u8) -> Block {
    Block::raw(vec![n; 600 + usize::from(n)])
}

fn picture(n: u64, file_no: Option<u8>) -> Post {
    let image = |f| Image { blob: *file(f).cid(), mime: "image/png".into(), width: 1, height: 1, alt: "x".into() };
    Post { images: file_no.map(image).into_iter().collect(), ..post(&format!("post {n}")) }
}

/// A version of a record, in the tree it stands in.
struct Version {
    rev: Tid,
    cid: Cid,
    commit: Cid,
    path: String,
}

impl World {
    fn new() -> Self {
        let mut ada = Person::new(1);
        let phone = ada.second_device(9);
        let bo = Person::new(2);
        let stores = [ada.store(), bo.store()];
        let community = found(&stores[0], &ada, Visibility::Public, &[&bo]);
        pull(&stores[0], &stores[1], community, Scope::Members, WHOLE);
        let identities = BTreeSet::from([*ada.identity.cid(), *bo.identity.cid()]);
        let model = || Model { identities: identities.clone(), ..Model::default() };
        let models = [model(), model()];
        let writers = [ada, phone, bo];
        let (all, uris, read) = (BTreeMap::new(), Vec::new(), Read::default());
        Self { stores, models, writers, retired: false, community, now: NOON, all, uris, read }
    }

    fn home(who: usize) -> usize {
        usize::from(who == 2)
    }

    fn stored(&self, at: usize) -> BTreeSet<Cid> {
        let (t, ..) = self.stores[at].reading().unwrap();
        let seqs = t.blocks().iter().unwrap().map(|row| row.unwrap().0.value());
        let cids: BTreeSet<Cid> = seqs.map(|seq| t.cid_at(seq).unwrap()).collect();
        assert_eq!(cids.len() as u64, t.digests().len().unwrap() + t.young().len().unwrap());
        cids
    }

    fn collect_blocks(&mut self) {
        for store in &self.stores {
            let (t, ..) = store.reading().unwrap();
            for row in t.blocks().iter().unwrap() {
                let block = t.block_at(row.unwrap().0.value()).unwrap();
                self.all.entry(*block.cid()).or_insert(block);
            }
        }
    }

    /// With a signature that holds.
    fn commit_of(&self, cid: &Cid) -> Rc<Commit> {
        let open = || Rc::new(Commit::open(self.all[cid].bytes()).unwrap().1);
        Rc::clone(self.read.commits.borrow_mut().entry(*cid).or_insert_with(open))
    }

    fn identity_of(&self, cid: &Cid) -> Option<Rc<Identity>> {
        let open = || Identity::open(self.all[cid].bytes()).ok().map(|(_, identity)| Rc::new(identity));
        self.read.identities.borrow_mut().entry(*cid).or_insert_with(open).clone()
    }

    fn tree(&self, commit: &Commit) -> Rc<Tree> {
        let read = || {
            let entries = mst::read(&commit.data, |cid| self.all.get(cid).cloned()).unwrap();
            let nodes = mst::build(&entries).unwrap().nodes.iter().map(|node| *node.cid()).collect();
            Rc::new(Tree { entries, nodes })
        };
        Rc::clone(self.read.trees.borrow_mut().entry(commit.data).or_insert_with(read))
    }

    fn heads(&self, at: usize) -> Vec<(HeadRef, Rc<Commit>)> {
        held(&self.stores[at], self.community).into_iter().map(|head| (head, self.commit_of(&head.cid))).collect()
    }

    fn links(&self, record: &Cid) -> Vec<Cid> {
        follow(&self.all[record]).unwrap()
    }

    /// Files that current records of an audience link.
    fn linked(&self, at: usize, audience: Audience) -> BTreeSet<Cid> {
        let mut linked = BTreeSet::new();
        for (_, commit) in self.heads(at).into_iter().filter(|(_, commit)| commit.audience == audience) {
            linked.extend(self.tree(&commit).entries.values().flat_map(|cid| self.links(cid)));
        }
        linked
    }

    /// What stands at an address.
    fn current(&self, at: usize, uri: &Uri) -> Option<Version> {
        let mut best: Option<Version> = None;
        for (head, commit) in self.heads(at).into_iter().filter(|(_, commit)| commit.did == uri.did) {
            if let Some(cid) = self.tree(&commit).entries.get(&uri.path()) {
                let (rev, _) = Record::view(&self.all[cid]).unwrap();
                if best.as_ref().is_none_or(|best| rev > best.rev) {
                    best = Some(Version { rev, cid: *cid, commit: head.cid, path: uri.path() });
                }
            }
        }
        best
    }

    /// A version with its files and its proof, as far as `present` has them.
    fn pieces(&self, at: usize, version: &Version, present: &BTreeSet<Cid>) -> Kept {
        let commit = self.commit_of(&version.commit);
        let mut held = BTreeSet::from([version.cid, version.commit]);
        let proof = mst::proof_with(&commit.data, &version.path, |cid| self.all.get(cid).cloned()).unwrap();
        held.extend(proof);
        let newest = self.stores[at].view(Scope::Members).unwrap().people(&self.community).unwrap()[&commit.did];
        held.insert(if self.models[at].identities.contains(&commit.identity) { commit.identity } else { newest });
        let (here, wants) = self.links(&version.cid).into_iter().partition(|cid| present.contains(cid));
        held.extend::<BTreeSet<Cid>>(here);
        Kept { version: Some((version.rev, version.cid)), held, wants }
    }

    /// Everything that has to be in a store but for its pins.
    fn required(&self, at: usize) -> BTreeSet<Cid> {
        let view = self.stores[at].view(Scope::Members).unwrap();
        let mut required = BTreeSet::from([self.community]);
        required.extend(view.roster(&self.community).unwrap().0.iter().map(|op| *op.cid()));
        let model = &self.models[at];
        required.extend(&model.identities);
        required.extend(model.uploads.keys());
        required.extend(model.arrived.iter().map(|(_, cid)| cid));
        for (head, commit) in self.heads(at) {
            let tree = self.tree(&commit);
            required.insert(head.cid);
            required.extend(tree.entries.values().chain(&tree.nodes));
        }
        required
    }

    /// With what pins hold and what is kept for a time: the whole of it. Pins take what they wait for as it comes.
    fn expected(&mut self, at: usize) -> BTreeSet<Cid> {
        let mut expected = self.required(at);
        for aside in &self.models[at].asides {
            expected.extend(aside.blocks.iter().chain(aside.versions.iter().map(|(_, cid)| cid)));
        }
        expected.extend(&self.models[at].shelf);
        expected.extend(self.models[at].pins.iter().flat_map(|(_, kept)| kept.held.iter().copied()));
        loop {
            let before = expected.len();
            let mut pins = std::mem::take(&mut self.models[at].pins);
            for (_, kept) in &mut pins {
                let mut here: Vec<Cid> = kept.wants.intersection(&expected).copied().collect();
                while let Some(cid) = here.pop() {
                    kept.wants.remove(&cid);
                    if kept.held.insert(cid) {
                        for link in self.links(&cid) {
                            match expected.contains(&link) {
                                true => here.push(link),
                                false => drop(kept.wants.insert(link)),
                            }
                        }
                    }
                }
                expected.extend(&kept.held);
            }
            self.models[at].pins = pins;
            if expected.len() == before {
                return expected;
            }
        }
    }

    /// Files of an audience whose last link went are gone from it.
    fn forget_unlinked(&mut self, at: usize) {
        for audience in [Audience::Public, Audience::Members] {
            let linked = self.linked(at, audience);
            self.models[at].arrived.retain(|(of, cid)| *of != audience || linked.contains(cid));
        }
    }

    /// Runs something that may change a store, and moves its moving pins.
    fn during(&mut self, at: usize, act: impl FnOnce(&mut Self)) {
        let present = self.expected(at);
        let pins = self.models[at].pins.clone();
        let before: Vec<Option<Kept>> = pins
            .iter()
            .map(|(target, _)| match target {
                Target::Moving(uri) => self.current(at, uri).map(|version| self.pieces(at, &version, &present)),
                Target::Fixed(_) => None,
            })
            .collect();
        let heads: BTreeMap<RepoId, (HeadRef, Rc<Commit>)> = self.repos(at);
        act(self);
        self.collect_blocks();
        self.keep_aside(at, &heads);
        self.forget_unlinked(at);
        for (n, before) in before.into_iter().enumerate() {
            let Some((Target::Moving(uri), kept)) = self.models[at].pins.get(n) else { continue };
            let (current, kept) = (self.current(at, uri), kept.version);
            let next = match (current, kept) {
                (Some(current), Some((rev, _))) if current.rev < rev => None,
                (Some(_), _) => Some(Kept::default()),
                (None, None) => before,
                (None, Some(_)) => None,
            };
            if let Some(next) = next {
                self.models[at].pins[n].1 = next;
            }
        }
    }

    fn repos(&self, at: usize) -> BTreeMap<RepoId, (HeadRef, Rc<Commit>)> {
        self.heads(at).into_iter().map(|(head, commit)| (commit.repo(), (head, commit))).collect()
    }

    fn rev(&self, cid: &Cid) -> u64 {
        Record::view(&self.all[cid]).unwrap().0.as_u64()
    }

    fn way(&self, commit: &Commit, path: &str) -> Vec<Cid> {
        mst::proof_with(&commit.data, path, |cid| self.all.get(cid).cloned()).unwrap()
    }

    /// What a step that changed repositories puts away, and forgets. Devices have no paths in common here.
    fn keep_aside(&mut self, at: usize, before: &BTreeMap<RepoId, (HeadRef, Rc<Commit>)>) {
        let after = self.repos(at);
        for (repo, (head, commit)) in before {
            let old = self.tree(commit).entries.clone();
            let new = match after.get(repo) {
                Some((now, _)) if now == head => continue,
                Some((_, commit)) => self.tree(commit).entries.clone(),
                None => {
                    self.models[at].asides.retain(|aside| aside.repo != *repo || !aside.versions.is_empty());
                    Default::default()
                }
            };
            for path in old.keys().filter(|path| !new.contains_key(*path)) {
                for aside in self.models[at].asides.iter_mut().filter(|aside| aside.repo.did == repo.did) {
                    let some = !aside.versions.is_empty();
                    aside.versions.retain(|(of, _)| of != path);
                    if some && aside.versions.is_empty() {
                        aside.blocks.clear();
                    }
                }
            }
            let own = self.writers.iter().enumerate().any(|(who, writer)| {
                Self::home(who) == at && (writer.did(), writer.device.did()) == (repo.did, repo.device)
            });
            let since = if own { self.now } else { ARRIVAL };
            let mut blocks = BTreeSet::from([head.cid]);
            let mut versions = BTreeSet::new();
            for (path, cid) in &new {
                if let Some(was) = old.get(path).filter(|was| *was != cid && self.rev(was) < self.rev(cid)) {
                    blocks.extend(self.way(commit, path));
                    versions.insert((path.clone(), *was));
                }
            }
            if !versions.is_empty() {
                let until = since + 90 * 24 * HOUR;
                self.models[at].asides.push(Aside { until, repo: *repo, blocks, versions });
            }
            if let Some((_, next)) = after.get(repo).filter(|_| !own) {
                self.lose(at, *repo, (*head, commit), next, &old, &new);
            }
        }
    }

    /// What another device's head seems to have lost.
    fn lose(
        &mut self,
        at: usize,
        repo: RepoId,
        (head, commit): (HeadRef, &Commit),
        next: &Commit,
        old: &mst::Entries,
        new: &mst::Entries,
    ) {
        let me = self.writers[if at == 0 { 0 } else { 2 }].did();
        let view = self.stores[at].view(Scope::Members).unwrap();
        let member = view.community(&self.community).unwrap().unwrap().state.is_member(&me);
        let base = next.prev.map_or(0, |prev| prev.rev.as_u64());
        let provable = base < head.rev.as_u64();
        let latest = if provable { base } else { head.rev.as_u64() };
        let left = old.iter().filter(|(path, cid)| new.get(*path) == Some(cid)).map(|(_, cid)| self.rev(cid)).max();
        let least = if provable && base > 0 { base } else { left.unwrap_or(0) };
        let mut blocks = BTreeSet::from([head.cid]);
        if member && next.prev != Some(head) {
            let lost = |path: &String, was: &Cid| new.get(path).is_none_or(|now| self.rev(now) < self.rev(was));
            for (path, was) in old.iter().filter(|(path, was)| lost(path, was) && self.rev(was) > least) {
                blocks.extend(self.way(commit, path));
                blocks.insert(*was);
                let came = |cid: &Cid| self.models[at].arrived.contains(&(repo.audience, *cid));
                blocks.extend(self.links(was).into_iter().filter(came));
            }
            for (path, _) in new.iter().filter(|(path, now)| !old.contains_key(*path) && self.rev(now) <= latest) {
                blocks.extend(self.way(commit, path));
            }
        }
        if blocks.len() > 1 {
            let until = ARRIVAL + 30 * 24 * HOUR;
            self.models[at].asides.push(Aside { until, repo, blocks, versions: BTreeSet::new() });
            let of_it = |aside: &Aside| aside.repo == repo && aside.versions.is_empty() && !aside.blocks.is_empty();
            while self.models[at].asides.iter().filter(|aside| of_it(aside)).count() > 4 {
                let oldest = self.models[at].asides.iter().position(of_it).unwrap();
                self.models[at].asides.remove(oldest);
            }
        }
        let lost = self.models[at].asides.iter().filter(|aside| aside.repo == repo && aside.versions.is_empty());
        let lost: BTreeSet<Cid> = lost.flat_map(|aside| aside.blocks.iter().copied()).collect();
        for (_, cid) in new.iter().filter(|(path, cid)| old.get(*path) != Some(cid)) {
            let back = self.links(cid).into_iter().filter(|file| lost.contains(file)).map(|file| (repo.audience, file));
            let back: Vec<_> = back.collect();
            self.models[at].arrived.extend(back);
        }
    }

    fn write(&mut self, who: usize, audience: Audience, changes: Vec<Change>, file_no: Option<u8>) {
        let at = Self::home(who);
        let (now, community) = (self.now, self.community);
        self.during(at, |w| {
            let committed = w.writers[who].commit(&w.stores[at], community, audience, now, changes);
            for put in committed.puts {
                let uri = w.writers[who].uri(community, &put.path);
                if !w.uris.iter().any(|(known, ..)| *known == uri) {
                    w.uris.push((uri, who, audience));
                }
            }
            if let Some(cid) = file_no.map(|n| *file(n).cid())
                && !w.models[at].arrived.contains(&(audience, cid))
                && w.models[at].uploads.remove(&cid).is_some()
            {
                w.models[at].arrived.insert((audience, cid));
            }
        });
    }

    /// One of a writer's records that is there.
    fn pick(&self, who: usize, which: usize) -> Option<(Uri, Audience)> {
        let at = Self::home(who);
        let standing = |uri: &Uri| self.current(at, uri).is_some();
        let own: Vec<_> = self.uris.iter().filter(|(uri, by, _)| *by == who && standing(uri)).collect();
        let (uri, _, audience) = own.get(which.checked_rem(own.len())?)?;
        Some((uri.clone(), *audience))
    }

    fn may_write(&self, who: usize) -> bool {
        let view = self.stores[Self::home(who)].view(Scope::Members).unwrap();
        let state = view.community(&self.community).unwrap().unwrap().state;
        state.is_member(&self.writers[who].did()) && !(who == 1 && self.retired)
    }

    fn upload(&mut self, at: usize, n: u8) {
        self.stores[at].put_blob(&file(n), self.now).unwrap();
        self.models[at].uploads.insert(*file(n).cid(), self.now + expiring::UPLOAD);
        self.all.insert(*file(n).cid(), file(n));
    }

    fn act(&mut self, deed: Deed) {
        self.now += SECOND;
        let (now, community) = (self.now, self.community);
        match deed {
            Deed::Upload { at, file } => self.upload(at, file),
            Deed::Post { who, .. } | Deed::Edit { who, .. } | Deed::Delete { who, .. } if !self.may_write(who) => {}
            Deed::Post { who, members, file } => {
                let audience = if members { Audience::Members } else { Audience::Public };
                if let Some(file) = file {
                    self.upload(Self::home(who), file);
                }
                let record = picture(self.now, file).into();
                self.write(who, audience, vec![Change::Put { rkey: None, record, again: true }], file);
            }
            Deed::Edit { who, which, file } => {
                let Some((uri, audience)) = self.pick(who, which) else { return };
                if let Some(file) = file {
                    self.upload(Self::home(who), file);
                }
                self.write(who, audience, vec![edit(&uri.path(), picture(self.now, file))], file);
            }
            Deed::Delete { who, which } => {
                let Some((uri, audience)) = self.pick(who, which) else { return };
                self.write(who, audience, vec![Change::Remove { path: uri.path() }], None);
            }
            // Each of its transactions is a step of its own: what one lets go of, the next does not find.
            Deed::Pull { to } => {
                self.during(to, |w| {
                    let own = w.records_of_bo(to);
                    pull_roster(&w.stores[1 - to], &w.stores[to], community, Scope::Members);
                    if to == World::home(2) && !own.is_empty() && w.records_of_bo(to).is_empty() {
                        w.models[to].shelf = own;
                    }
                    let theirs = w.stores[1 - to].view(Scope::Members).unwrap().roster(&community).unwrap().1;
                    w.models[to].identities.extend(theirs.iter().map(|identity| *identity.cid()));
                });
                for head in self.stores[1 - to].view(Scope::Members).unwrap().heads(&community).unwrap() {
                    self.during(to, |w| {
                        let (from, to) = (&w.stores[1 - to], &w.stores[to]);
                        pull_repo(from, to, community, Scope::Members, WHOLE, &head.repo);
                    });
                }
            }
            Deed::Fetch { to, members } => self.during(to, |w| w.fetch(to, members)),
            Deed::PinUri { at, which } => {
                let Some((uri, ..)) = self.uris.get(which % self.uris.len().max(1)).cloned() else { return };
                self.pin(at, Target::Moving(uri));
            }
            Deed::PinCid { at, which } => {
                let Some(cid) = self.all.keys().nth(which % self.all.len().max(1)).copied() else { return };
                self.pin(at, Target::Fixed(cid));
            }
            Deed::Unpin { at, which } => {
                let pins = &mut self.models[at].pins;
                if pins.is_empty() {
                    return;
                }
                let (target, _) = pins.remove(which % pins.len());
                assert!(self.stores[at].unpin(&target).unwrap());
                assert!(!self.stores[at].unpin(&target).unwrap());
            }
            Deed::Sweep { at, hours } => {
                self.now += hours * HOUR;
                let store = &self.stores[at];
                let foretold = store.would_sweep(self.now, true).unwrap();
                let (before, swept) = (store.size().unwrap().1, store.sweep(self.now, &mut || ()).unwrap());
                assert_eq!(swept, foretold);
                assert_eq!(before - store.size().unwrap().1, swept.blocks);
                let now = self.now;
                self.models[at].uploads.retain(|_, due| *due > now);
                self.models[at].asides.retain(|aside| aside.until > now);
            }
            Deed::Remove => {
                let state = self.stores[0].view(Scope::Members).unwrap().community(&community).unwrap().unwrap().state;
                let bo = self.writers[2].did();
                if state.is_member(&bo) {
                    let act = Act::Remove { did: bo, cut: Default::default(), reason: None };
                    let op = self.writers[0].op(community, state.heads.iter().copied().collect(), now, act, None);
                    self.during(0, |w| {
                        let mut batch = Batch::new(community, Audience::Public);
                        batch.ops.push(op);
                        assert!(w.stores[0].apply(batch, now).unwrap().roster_changed);
                    });
                }
            }
            Deed::Retire if self.retired => {}
            Deed::Retire => {
                self.retired = true;
                let ada = &self.writers[0];
                let newer = identity(&ada.root, Some(&ada.identity), &[&ada.device]);
                self.writers[0].identity = newer.clone();
                self.during(0, |w| {
                    w.models[0].identities.insert(*newer.cid());
                    let mut batch = Batch::new(community, Audience::Public);
                    batch.identities.push(newer);
                    assert!(w.stores[0].apply(batch, now).unwrap().people_changed);
                });
            }
        }
    }

    /// And their files, as far as they are here.
    fn records_of_bo(&self, at: usize) -> BTreeSet<Cid> {
        let (bo, view) = (self.writers[2].did(), self.stores[at].view(Scope::Members).unwrap());
        let mut all = BTreeSet::new();
        for head in view.heads(&self.community).unwrap().into_iter().filter(|head| head.repo.did == bo) {
            let delta = view.delta(&self.community, &head.repo, None, None, WHOLE).unwrap().unwrap();
            for (_, cid) in delta.put {
                all.insert(cid);
                let arrived = |file: &Cid| self.models[at].arrived.contains(&(head.repo.audience, *file));
                all.extend(self.links(&cid).into_iter().filter(arrived));
            }
        }
        all
    }

    fn pin(&mut self, at: usize, target: Target) {
        let fresh = self.stores[at].pin(&target, "", self.now).unwrap();
        assert_eq!(fresh, self.models[at].pins.iter().all(|(known, _)| *known != target));
        if fresh {
            let wants = match &target {
                Target::Fixed(cid) => BTreeSet::from([*cid]),
                Target::Moving(_) => BTreeSet::new(),
            };
            self.models[at].pins.push((target, Kept { wants, ..Kept::default() }));
        }
    }

    /// Asks the other store for missing files of one audience and for what pins want, as sync does.
    fn fetch(&mut self, to: usize, members: bool) {
        let (scope, audience) =
            if members { (Scope::Members, Audience::Members) } else { (Scope::Public, Audience::Public) };
        let view = self.stores[to].view(scope).unwrap();
        let missing = view.lacking_blobs(&self.community, 100).unwrap();
        let wanted = view.wanted_by_pins(&self.community, audience, 100).unwrap();
        let theirs = self.stores[1 - to].view(scope).unwrap();
        let give = |cid: &Cid| theirs.block(&self.community, cid).unwrap();
        let mut batch = Batch::new(self.community, audience);
        batch.loose = missing.iter().chain(&wanted).filter_map(give).collect();
        for block in &batch.loose {
            let model = &mut self.models[to];
            if missing.contains(block.cid()) {
                model.arrived.insert((audience, *block.cid()));
            }
        }
        let given: BTreeSet<Cid> = batch.loose.iter().map(|block| *block.cid()).collect();
        let applied = self.stores[to].apply(batch, ARRIVAL).unwrap();
        assert!(applied.refused.is_empty(), "{:?}", applied.refused);
        let mut pins = std::mem::take(&mut self.models[to].pins);
        for (_, kept) in &mut pins {
            let here: Vec<Cid> = kept.wants.intersection(&given).copied().collect();
            for cid in here {
                kept.wants.remove(&cid);
                if kept.held.insert(cid) {
                    let held = &kept.held;
                    kept.wants.extend(self.links(&cid).into_iter().filter(|link| !held.contains(link)));
                }
            }
        }
        self.models[to].pins = pins;
    }

    fn check(&mut self, stores: &[usize]) {
        self.collect_blocks();
        for at in stores.iter().copied() {
            let (expected, stored) = (self.expected(at), self.stored(at));
            let kind = |cid: &Cid| format!("{cid} {:?}", self.all.get(cid).map(|block| block.bytes().len()));
            let lost: Vec<String> = expected.difference(&stored).map(kind).collect();
            let left: Vec<String> = stored.difference(&expected).map(kind).collect();
            assert!(lost.is_empty() && left.is_empty(), "store {at}: lost {lost:?}, left over {left:?}");
            self.check_pins(at, &stored);
        }
    }

    /// What is pinned or stands is wholly readable, with its proof; what is only pinned is given to nobody.
    fn check_pins(&self, at: usize, stored: &BTreeSet<Cid>) {
        let view = self.stores[at].view(Scope::Members).unwrap();
        let pins = view.pins().unwrap();
        assert_eq!(pins.len(), self.models[at].pins.len());
        for pin in pins {
            let (_, kept) = self.models[at].pins.iter().find(|(target, _)| *target == pin.target).unwrap();
            match &pin.target {
                Target::Fixed(_) => {
                    assert_eq!((pin.blocks, pin.missing), (kept.held.len() as u64, kept.wants.len() as u64));
                    for cid in &kept.held {
                        assert!(view.pinned_block(cid).unwrap().is_some());
                    }
                }
                Target::Moving(uri) => {
                    let current = self.current(at, uri).map(|version| (version.cid, version.commit));
                    match pin.standing {
                        Standing::Current(cid) => {
                            assert_eq!(Some(cid), current.map(|(cid, _)| cid));
                            self.check_proof(uri, &cid, &current.unwrap().1, stored);
                        }
                        Standing::Kept(cid) => {
                            assert_eq!(Some(cid), kept.version.map(|(_, cid)| cid));
                            let entry = view.kept(uri).unwrap().unwrap();
                            assert_eq!((entry.cid, &entry.uri), (cid, uri));
                            let signed = |cid: &&Cid| {
                                let commit = Commit::view(&self.all[*cid]).ok();
                                commit.is_some_and(|c| self.tree(&c).entries.get(&uri.path()) == Some(&entry.cid))
                            };
                            let commit = kept.held.iter().find(signed).unwrap();
                            self.check_proof(uri, &cid, commit, stored);
                            assert_eq!((pin.blocks, pin.missing), (kept.held.len() as u64, kept.wants.len() as u64));
                            for cid in &kept.held {
                                assert!(view.pinned_block(cid).unwrap().is_some());
                            }
                        }
                        Standing::Awaited => assert!(current.is_none() && kept.version.is_none()),
                        Standing::Fixed => panic!("{uri} moves"),
                    }
                }
            }
        }
        let reachable = self.required(at);
        for cid in stored.iter().filter(|cid| !reachable.contains(*cid)) {
            assert!(view.block(&self.community, cid).unwrap().is_none(), "{cid} is only pinned");
            assert!(view.public_block(cid).unwrap().is_none());
        }
    }

    /// From stored blocks alone: signature, path through the tree, and a document that lists the device.
    fn check_proof(&self, uri: &Uri, record: &Cid, commit: &Cid, stored: &BTreeSet<Cid>) {
        let get = |cid: &Cid| stored.contains(cid).then(|| self.all[cid].clone());
        assert!(stored.contains(commit));
        let commit = self.commit_of(commit);
        let proof = mst::proof_with(&commit.data, &uri.path(), get).unwrap();
        assert!(proof.iter().any(|node| get(node).unwrap().links().unwrap().contains(record)));
        assert!(get(record).is_some());
        let mut documents = stored.iter().filter_map(|cid| self.identity_of(cid));
        assert!(documents.any(|identity| identity.did == commit.did && identity.certifies(&commit.device)));
    }
}

fn cases() -> u32 {
    std::env::var("MOOT_PINS").ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

/// In a history: long ones are for long runs.
fn longest() -> usize {
    if cases() > 500 { 40 } else { 16 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_stands_or_is_pinned_is_kept_whatever_happens(deeds in prop::collection::vec(deed(), 1..longest())) {
        let mut world = World::new();
        world.collect_blocks();
        for deed in deeds {
            let at = deed.at();
            world.act(deed);
            world.check(&[at]);
        }
        world.check(&[0, 1]);
        for store in &world.stores {
            prop_assert_eq!(store.mark(&mut || ()).unwrap(), Vec::<String>::new());
        }
    }
}
