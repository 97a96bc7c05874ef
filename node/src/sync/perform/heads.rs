//! Describing what is here, listing it for a peer, and finding what a peer has more.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Audience, Cid, charter::Visibility, commit::RepoId, roster::Keeps, snapshot::Snapshot};

use super::Performer;
use crate::{
    store::{
        Scope, StoreError, View,
        reader::{Community, RepoHead},
    },
    sync::{
        engine::{Compared, Lack, Proof},
        message::{Ask, Heads, Listed, Listing, Row},
    },
};

/// Rows (a repository, a person or a roster head) in one frame: about 250 bytes each, four times below its limit.
const ROWS: usize = 256;
/// Blobs asked for after one comparison.
const BLOBS: usize = 256;
/// Blocks that pins want: more of them, since nobody may have the first ones.
const PINNED: usize = 1024;

/// Our answer to a peer's heads.
#[derive(Debug, Default)]
pub(super) struct Answered {
    pub(super) frames: Vec<Listing>,
    pub(super) same: Vec<(Cid, Audience)>,
    pub(super) differs: Vec<(Cid, [u8; 32])>,
}

/// What a replica knows of a community, in one view's scope.
struct Known {
    repos: Vec<RepoHead>,
    snapshot: Snapshot,
    /// Every tree is here, and yet something is lacking: files that records link.
    lacks_files: bool,
}

impl Known {
    fn of(view: &View, community: &Community) -> Result<Self, StoreError> {
        let id = community.id;
        let repos = view.heads(&id)?;
        let snapshot = Snapshot {
            community: id,
            roster: community.state.heads.clone(),
            people: view.people(&id)?,
            repos: repos.iter().filter_map(|head| Some((head.repo, head.held?.cid))).collect(),
        };
        let trees = repos.iter().all(|head| head.held == Some(head.known));
        // Not what pins lack: whoever holds just what is held here has nothing more of it either.
        let lacks_files = trees && !view.complete(&id)?;
        Ok(Self { lacks_files, repos, snapshot })
    }

    /// Over held heads: whoever lacks a tree differs from whoever has it, even if both know of it.
    fn digest(&self) -> [u8; 32] {
        self.snapshot.digest()
    }
}

fn scope(audience: Audience) -> Scope {
    match audience {
        Audience::Public => Scope::Public,
        Audience::Members => Scope::Members,
    }
}

impl Performer {
    /// `ask`: community, audience, and whether null may ask for the list although only files are lacking, which the
    /// digest does not show.
    pub(super) fn describe(&self, ask: &[(Cid, Audience, bool)]) -> Result<Heads, StoreError> {
        let mut communities = Vec::with_capacity(ask.len());
        for (cid, audience, ask_for_files) in ask {
            let view = self.store.view(scope(*audience))?;
            let digest = match view.community(cid)? {
                Some(community) => {
                    let known = Known::of(&view, &community)?;
                    (!known.lacks_files || !ask_for_files).then(|| known.digest())
                }
                None => None,
            };
            communities.push(Ask { cid: *cid, audience: *audience, digest });
        }
        Ok(Heads { communities })
    }

    /// What is not here, or not for this peer, is left out of the answer.
    pub(super) fn list(&self, heads: &Heads, proofs: &BTreeMap<Cid, Proof>) -> Result<Answered, StoreError> {
        let mut answered = Answered::default();
        let mut pages = Pages::default();
        for ask in &heads.communities {
            let Some(admitted) = self.admit(&ask.cid, ask.audience, proofs.get(&ask.cid))? else { continue };
            let mut known = Known::of(&admitted.view, &admitted.community)?;
            known.repos.retain(|head| admitted.shows(&head.repo.did));
            let ours = known.digest();
            let lost = match proofs.get(&ask.cid).filter(|_| ask.audience == Audience::Members) {
                Some(proof) => lost(&admitted.view, &ask.cid, proof)?,
                None => Vec::new(),
            };
            if ask.digest == Some(ours) {
                answered.same.push((ask.cid, ask.audience));
                pages.push(Listed { same: true, lost, ..Listed::new(ask.cid, ask.audience) });
                continue;
            }
            answered.differs.extend(ask.digest.filter(|digest| *digest != ours).map(|digest| (ask.cid, digest)));
            let blank = || Listed::new(ask.cid, ask.audience);
            let Snapshot { roster, people, .. } = &known.snapshot;
            // Always at least one entry, or the asker would learn nothing of an empty community.
            pages.push(Listed { lost, ..blank() });
            for roster in chunks(roster.iter().copied()) {
                pages.push(Listed { roster, ..blank() });
            }
            for people in chunks(people.iter().map(|(did, cid)| (*did, *cid))) {
                pages.push(Listed { people, ..blank() });
            }
            for repos in chunks(known.repos.into_iter().map(Row)) {
                pages.push(Listed { repos, ..blank() });
            }
        }
        answered.frames = pages.frames();
        Ok(answered)
    }

    pub(super) fn compare(
        &self,
        listing: &Listing,
        asked: &BTreeMap<Cid, Audience>,
    ) -> Result<Vec<Compared>, StoreError> {
        let mut found = Vec::new();
        for listed in &merged(listing, asked) {
            let (community, audience) = (listed.cid, listed.audience);
            let view = self.store.view(scope(audience))?;
            let mut lack = if listed.same { Lack::default() } else { lacking(&view, listed)? };
            let own = |row: &&Row| row.0.repo.did == self.me.did && row.0.repo.device == self.me.device.did();
            let lost = listed.lost.iter().filter(own).map(|row| ((row.0.repo, row.0.known.cid), row.0.known));
            lack.lost.extend(lost.filter(|_| audience == Audience::Members));
            let known = view.community(&community)?;
            // A members community refuses whoever asks it for something public.
            let public = known.as_ref().is_some_and(|known| known.visibility == Visibility::Public);
            let incomplete = match known {
                Some(_) => !view.complete(&community)?,
                None => true,
            };
            if !lack.charter {
                for audience in [Audience::Public, audience].into_iter().skip(usize::from(!public)) {
                    let missing = match incomplete {
                        true => self.store.view(scope(audience))?.lacking_blobs(&community, BLOBS)?,
                        false => Vec::new(),
                    };
                    let pins = view.wanted_by_pins(&community, audience, PINNED)?;
                    lack.blobs.extend(missing.into_iter().chain(pins).map(|cid| (audience, cid)));
                }
            }
            found.push(Compared { community, audience, same: listed.same, lack, incomplete });
        }
        Ok(found)
    }
}

/// What was asked for, each community once: looking one up costs as much as it is large, a further entry in a frame
/// costs its sender a few bytes.
fn merged(listing: &Listing, asked: &BTreeMap<Cid, Audience>) -> Vec<Listed> {
    let mut whole: BTreeMap<Cid, Listed> = BTreeMap::new();
    for listed in listing.communities.iter().filter(|listed| asked.get(&listed.cid) == Some(&listed.audience)) {
        let first = || Listed { same: true, ..Listed::new(listed.cid, listed.audience) };
        let sum = whole.entry(listed.cid).or_insert_with(first);
        sum.same &= listed.same;
        sum.roster.extend(&listed.roster);
        sum.people.extend(&listed.people);
        sum.repos.extend(listed.repos.iter().cloned());
        sum.lost.extend(listed.lost.iter().cloned());
    }
    whole.into_values().collect()
}

/// What is kept here for exactly this device.
fn lost(view: &View, community: &Cid, proof: &Proof) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for audience in [Audience::Public, Audience::Members] {
        let repo = RepoId { did: proof.did, device: proof.device, audience };
        let heads = view.lost_heads(community, &repo)?.into_iter();
        rows.extend(heads.map(|head| Row(RepoHead { repo, known: head, held: Some(head) })));
    }
    Ok(rows)
}

/// What this list offers beyond what is here.
fn lacking(view: &View, listed: &Listed) -> Result<Lack, StoreError> {
    let mut lack = Lack::default();
    let Some(community) = view.community(&listed.cid)? else {
        lack.charter = true;
        lack.roster = listed.roster.iter().copied().collect();
        lack.people = listed.people.iter().copied().collect();
        lack.repos = offers(listed).collect();
        return Ok(lack);
    };
    let known: BTreeSet<Cid> = community.state.kept.iter().copied().chain([community.id]).collect();
    lack.roster = listed.roster.iter().filter(|cid| !known.contains(cid)).copied().collect();
    for (did, cid) in &listed.people {
        // Which of two differing documents is newer shows only once both are here.
        if view.identity(did)?.is_none_or(|(block, _)| block.cid() != cid) {
            lack.people.insert(*did, *cid);
        }
    }
    let held: BTreeMap<_, _> =
        view.heads(&community.id)?.into_iter().filter_map(|head| Some((head.repo, head.held?))).collect();
    for (repo, head) in offers(listed) {
        let wanted = match (community.state.keeps(&repo), held.get(&repo)) {
            (Keeps::Until(cut), ours) => head == cut && ours != Some(&head),
            (Keeps::Nothing, _) if community.state.former.contains_key(&repo.did) => false,
            (_, ours) => ours.is_none_or(|ours| head.beats(ours)),
        };
        if wanted && !view.defers(&community.id, &repo, &head)? {
            lack.repos.insert(repo, head);
        }
    }
    Ok(lack)
}

/// Heads whose tree the peer holds, as far as they belong to the audience that was asked for.
fn offers(listed: &Listed) -> impl Iterator<Item = crate::sync::engine::Offer> {
    let audience = listed.audience;
    listed
        .repos
        .iter()
        .filter(move |row| audience == Audience::Members || row.0.repo.audience == Audience::Public)
        .filter_map(|row| Some((row.0.repo, row.0.held?)))
}

fn chunks<T>(items: impl Iterator<Item = T>) -> Vec<Vec<T>> {
    let mut chunks: Vec<Vec<T>> = Vec::new();
    for item in items {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < ROWS => chunk.push(item),
            _ => chunks.push(vec![item]),
        }
    }
    chunks
}

/// Entries spread over frames of bounded size.
#[derive(Default)]
struct Pages {
    frames: Vec<Vec<Listed>>,
    weight: usize,
}

impl Pages {
    fn push(&mut self, listed: Listed) {
        let weight = 1 + listed.roster.len() + listed.people.len() + listed.repos.len() + listed.lost.len();
        if self.frames.is_empty() || self.weight + weight > 2 * ROWS {
            self.frames.push(Vec::new());
            self.weight = 0;
        }
        self.weight += weight;
        if let Some(frame) = self.frames.last_mut() {
            frame.push(listed);
        }
    }

    /// Always at least one, so that the asker knows it was answered.
    fn frames(mut self) -> Vec<Listing> {
        if self.frames.is_empty() {
            self.frames.push(Vec::new());
        }
        let last = self.frames.len() - 1;
        let more = |n| n < last;
        self.frames.into_iter().enumerate().map(|(n, communities)| Listing { communities, more: more(n) }).collect()
    }
}
