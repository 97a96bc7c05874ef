//! Asking with what is held here, and storing what comes: one transaction per part and audience.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Audience, Cid, Did,
    block::Block,
    car,
    charter::{Charter, Visibility},
    identity::Identity,
    limits,
};

use super::{Performer, widest};
use crate::{
    store::{Applied, Batch, RepoUpdate, Scope, StoreError},
    sync::{
        engine::{Input, Order, Pulled},
        message::{Blocks, DeltaHead, OwnHead, Part, Pull, Want},
    },
};

/// Why a part was not taken at all.
#[derive(Debug, thiserror::Error)]
pub enum Untaken {
    #[error("the answer does not fit the question: {0}")]
    Unasked(&'static str),
    #[error("the blocks of an answer are damaged: {0}")]
    Car(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<car::CarError> for Untaken {
    fn from(error: car::CarError) -> Self {
        Self::Car(error.to_string())
    }
}

impl From<folkmoot_schemas::Error> for Untaken {
    fn from(error: folkmoot_schemas::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Performer {
    /// The request for what is lacking, as of what is held now.
    pub fn prepare(&self, order: &Order) -> Result<Pull, StoreError> {
        let Order { community, audience, lack, whole, after, .. } = order;
        let view = self.store.view(Scope::Members)?;
        let known = view.community(community)?;
        let held = view.trees(community)?;
        let want = (lack.repos.keys())
            .map(|repo| Want {
                did: repo.did,
                device: repo.device,
                audience: repo.audience,
                since: held.get(repo).filter(|_| !whole.contains(repo)).copied(),
                after: after.get(repo).cloned(),
            })
            .collect();
        let (mut lost, mut own) = (Vec::new(), Vec::new());
        for ((repo, _), head) in &lack.lost {
            let named = OwnHead::new(repo, *head);
            if view.knows_own(community, repo, head)? { own.push(named) } else { lost.push(named) }
        }
        let roster = (!lack.roster.is_empty() || lack.charter)
            .then(|| known.map(|known| known.state.heads.iter().copied().collect()).unwrap_or_default());
        Ok(Pull {
            community: *community,
            audience: *audience,
            roster,
            charter: lack.charter,
            people: lack.people.keys().copied().collect(),
            want,
            max: limits::PULL_ANSWER as u64,
            lost,
            known: own,
        })
    }

    /// Stores one part of the answer to `pull` and adds to `pulled` what it brought.
    pub fn receive(&self, pull: &Pull, part: Part, pulled: &mut Pulled) -> Result<Vec<Input>, Untaken> {
        let mut blocks = blocks_of(&part)?;
        let charter = part.charter.filter(|cid| *cid == pull.community).and_then(|cid| blocks.get(&cid)).cloned();
        let visibility = match self.store.view(Scope::Members)?.community(&pull.community)? {
            Some(known) => known.visibility,
            None => match &charter {
                Some(block) => Charter::view(block)?.visibility,
                None => return Err(Untaken::Unasked("the charter has to come first")),
            },
        };
        let mut roster = Batch::new(pull.community, widest(visibility));
        roster.charter = charter;
        roster.identities = part.identities.iter().filter_map(|cid| blocks.get(cid)).cloned().collect();
        roster.ops = part.ops.iter().filter_map(|cid| blocks.get(cid)).cloned().collect();
        let mut members = Batch::new(pull.community, Audience::Members);
        // Who is out is known by nothing but what comes with their head.
        let authors: BTreeSet<Did> =
            (part.deltas.iter()).filter(|delta| delta.audience == Audience::Members).map(|delta| delta.did).collect();
        let of_authors = |block: &&Block| Identity::view(block).is_ok_and(|identity| authors.contains(&identity.did));
        members.identities = roster.identities.iter().filter(of_authors).cloned().collect();
        for delta in part.deltas {
            let repo = delta.repo();
            let update = update(pull, delta, &mut blocks, pulled)?;
            // What can go with the roster does: an identity and what follows from it are seen in one moment.
            match (repo.audience, visibility) {
                (Audience::Public, Visibility::Public) | (_, Visibility::Members) => roster.repos.push(update),
                (Audience::Members, Visibility::Public) => members.repos.push(update),
            }
        }
        let mut inputs = Vec::new();
        for lost in part.lost {
            inputs.extend(self.take_back(pull, lost, &blocks, pulled)?);
        }
        // Roster first: it decides which repositories count.
        for batch in [roster, members] {
            if batch.charter.is_some()
                || !batch.identities.is_empty()
                || !batch.ops.is_empty()
                || !batch.repos.is_empty()
            {
                let was_new = batch.charter.is_some();
                let audience = batch.audience;
                let applied = self.store.apply_received(batch, self.clock.micros())?;
                note(pulled, audience, &applied);
                pulled.changed |= was_new;
                if was_new {
                    inputs.extend(self.refresh(pull.community)?);
                }
                inputs.extend(self.applied(pull.community, &applied)?);
            }
        }
        Ok(inputs)
    }

    /// Stores blocks that were asked for by CID.
    pub fn receive_blocks(&self, asked: &Blocks, part: &Part, pulled: &mut Pulled) -> Result<Vec<Input>, Untaken> {
        let blocks = blocks_of(part)?;
        let mut batch = Batch::new(asked.community, asked.audience);
        batch.loose = asked.cids.iter().filter_map(|cid| blocks.get(cid)).cloned().collect();
        pulled.got.extend(batch.loose.iter().map(|block| (asked.audience, *block.cid())));
        let applied = self.store.apply_received(batch, self.clock.micros())?;
        for (cid, _) in &applied.refused {
            pulled.got.remove(&(asked.audience, *cid));
        }
        note(pulled, asked.audience, &applied);
        Ok(self.applied(asked.community, &applied)?)
    }
}

/// The archive's blocks, each verified against its CID.
fn blocks_of(part: &Part) -> Result<BTreeMap<Cid, Block>, Untaken> {
    let mut blocks = BTreeMap::new();
    let mut reader = car::Reader::new(part.car.as_slice())?;
    while let Some(block) = reader.next_block()? {
        blocks.insert(*block.cid(), block);
    }
    Ok(blocks)
}

fn update(
    pull: &Pull,
    delta: DeltaHead,
    blocks: &mut BTreeMap<Cid, Block>,
    pulled: &mut Pulled,
) -> Result<RepoUpdate, Untaken> {
    let repo = delta.repo();
    let Some(want) = pull.want.iter().find(|want| want.repo() == repo) else {
        return Err(Untaken::Unasked("it gives a repository nobody asked for"));
    };
    if delta.since.is_some() && delta.since != want.since {
        return Err(Untaken::Unasked("it starts from another head"));
    }
    let Some(commit) = blocks.get(&delta.commit).cloned() else {
        return Err(Untaken::Unasked("a commit is missing"));
    };
    let first = pulled.served.insert(repo) && want.after.is_none();
    match &delta.more {
        Some(path) => pulled.after.insert(repo, path.clone()),
        None => pulled.after.remove(&repo),
    };
    let records = delta.put.iter().filter_map(|(_, cid)| blocks.get(cid)).cloned().collect();
    Ok(RepoUpdate {
        commit,
        since: delta.since,
        put: delta.put,
        gone: delta.gone,
        blocks: records,
        first,
        complete: delta.more.is_none(),
    })
}

fn note(pulled: &mut Pulled, audience: Audience, applied: &Applied) {
    pulled.changed |= applied.roster_changed || applied.people_changed;
    pulled.advanced.extend(applied.advanced.iter().copied());
    pulled.mismatched.extend(applied.mismatched.iter().copied());
    // What has no room is not gone on with.
    for (repo, _) in &applied.deferred {
        pulled.after.remove(repo);
    }
    // A head that is wanted still although its last part was here: the tree it starts from is not ours any more.
    let overtaken = applied.wanted.iter().map(|(repo, _)| *repo);
    pulled
        .overtaken
        .extend(overtaken.filter(|repo| !applied.mismatched.contains(repo) && !pulled.after.contains_key(repo)));
    pulled.blobs.extend(applied.blobs.iter().map(|cid| (audience, *cid)));
}
