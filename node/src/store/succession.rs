//! A person's new identity document, and with it the end of devices it no longer lists: this device takes over what they
//! wrote, record by record, before their repositories go. One transaction: a cut leaves the old state or the new.
//!
//! A device may be in a thief's hands. What it dates far into the future is not taken over, or no commit of this device
//! could ever be newer than the one that took it. Where the moment of the theft is known, neither is what its commits
//! after it touched, whatever date the records bear: there the older version counts that was put away here.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Audience, Cid, Did, Tid, Uri, block::Block, commit::RepoId, identity::Identity, key::Secret};
use redb::ReadableTable;

use super::{
    OwnCommit, Scope, Store, StoreError, View,
    advance::History,
    commit::{Seen, latest},
    intern::{Name, Numbers},
    people::People,
    repos::{Leaf, Repo, Repos},
    roster::Roster,
    write::{Change, Committed},
    writer::Writer,
};

/// What a new document asks for.
#[derive(Debug)]
pub struct Succession<'a> {
    /// The new document. Its signature was checked.
    pub identity: &'a Block,
    /// This device, which the document lists.
    pub device: &'a Secret,
    /// When the dropped devices were stolen: what they wrote or changed later is not taken over.
    pub until: Option<Tid>,
    /// Microseconds, and 10 random bits for the commits' TIDs.
    pub now: u64,
    pub random: u16,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Inherited {
    /// Commits by which records were taken over.
    pub commits: Vec<(Cid, Audience, Committed)>,
    /// Records that were taken over.
    pub records: u64,
    /// Records that were not: dated too far ahead, or written or changed after the theft.
    pub left: u64,
    /// This node had seen nothing of some repository before the theft, so only the dates of its records could be judged.
    pub unseen: bool,
}

impl Store {
    /// Durable when this returns.
    pub fn succeed(&self, plan: Succession<'_>) -> Result<Inherited, StoreError> {
        let view = self.view(Scope::Members)?;
        self.write(|w| w.succeed(&plan, &view))
    }
}

impl Writer<'_> {
    /// `view`: of the moment before, for what was put away.
    fn succeed(&mut self, plan: &Succession<'_>, view: &View) -> Result<Inherited, StoreError> {
        let identity = Identity::view(plan.identity)?;
        let homes: Vec<_> = self.rosters.values().filter(|r| r.state.is_member(&identity.did)).cloned().collect();
        let mut inherited = Inherited::default();
        // Wherever the person is a member, whichever community is named.
        let Some(any) = homes.first() else { return Ok(inherited) };
        let own = plan.device.did();
        let known = self.t.newest(&identity.did)?.map(|(_, known)| known);
        let aside = known.filter(|known| !known.certifies(&own));
        let fresh = BTreeMap::from([(*plan.identity.cid(), (plan.identity.clone(), identity.clone()))]);
        let mut renewed = self.keep_identities(any, fresh, &Default::default())?;
        // What stayed here while this device was out goes now, also where the document came before.
        renewed.insert(identity.did);

        for roster in &homes {
            for audience in [Audience::Public, Audience::Members] {
                let changes = self.inheritance(roster, audience, plan, aside.as_ref(), view, &mut inherited)?;
                if changes.is_empty() {
                    continue;
                }
                inherited.records += changes.len() as u64;
                let community = roster.state.community;
                let commit = OwnCommit {
                    community,
                    did: identity.did,
                    device: plan.device,
                    audience,
                    changes,
                    now: plan.now,
                    random: plan.random,
                };
                inherited.commits.push((community, audience, self.commit_own(commit, Seen::Now)?));
            }
        }
        self.drop_outsiders(any, &renewed)?;
        Ok(inherited)
    }

    /// The entries of dropped devices that count now, in one audience: of several the newest, and none that a device
    /// which stays overrules or holds too. `aside`: the document by which this device is out until now.
    fn inheritance(
        &self,
        roster: &Roster,
        audience: Audience,
        plan: &Succession<'_>,
        aside: Option<&Identity>,
        view: &View,
        inherited: &mut Inherited,
    ) -> Result<Vec<Change>, StoreError> {
        let identity = Identity::view(plan.identity)?;
        let Some(did) = self.t.number(Name::Key(&identity.did))? else { return Ok(Vec::new()) };
        let own = plan.device.did();
        // Whoever took this device out on purpose also decided what of others that are out is still wanted.
        let aside = aside.filter(|_| roster.state.retired.contains_key(&(identity.did, own)));
        let decided = |device: &Did| *device != own && aside.is_some_and(|aside| !aside.certifies(device));
        let (mut dropped, mut kept) = (Vec::new(), Vec::new());
        for repo in self.t.repos_of(roster.number, Some(did))?.into_iter().filter(|repo| repo.audience == audience) {
            let RepoId { device, .. } = self.t.repo_id(&repo)?;
            match identity.certifies(&device) {
                true => kept.push(repo),
                false if decided(&device) => {}
                false => dropped.push((repo, device)),
            }
        }
        let latest = latest(plan.now).min(plan.until.unwrap_or(latest(plan.now)));
        let mut best: BTreeMap<String, (Leaf, Option<Block>)> = BTreeMap::new();
        let mut offer = |path: String, leaf: Leaf, block: Option<Block>| {
            if best.get(&path).is_none_or(|(other, _)| leaf.beats(other)) {
                best.insert(path, (leaf, block));
            }
        };
        for (repo, device) in &dropped {
            let touched = match plan.until {
                Some(until) => self.t.changed_after(repo.number, until.as_u64())?,
                None => BTreeSet::new(),
            };
            if let Some(until) = plan.until {
                inherited.unseen |=
                    self.t.past.range((repo.number, 0)..=(repo.number, until.as_u64()))?.next().is_none();
            }
            self.t.walk(repo.number, None, |path, leaf| {
                if leaf.rev <= latest && !touched.contains(&path) {
                    offer(path, leaf, None);
                } else {
                    inherited.left += 1;
                }
                Ok(true)
            })?;
            for path in touched {
                let (collection, rkey) = path.split_once('/').unwrap_or((&path, ""));
                let uri = Uri::new(roster.state.community, identity.did, collection, rkey)?;
                let older = view.versions(&uri)?.into_iter().find(|version| {
                    version.device == *device
                        && version.audience == audience
                        && version.signed.max(version.rev) <= latest
                });
                if let Some(older) = older {
                    offer(path, Leaf { seq: 0, rev: older.rev, cid: older.cid }, Some(older.block));
                }
            }
        }
        let mut changes = Vec::new();
        for (path, (leaf, block)) in best {
            if self.none_holds(&path, kept.iter(), |theirs| !leaf.beats(theirs))? {
                changes.push(match block {
                    Some(block) => Change::Back { path, block },
                    None => Change::Adopt { path, cid: leaf.cid, rev: leaf.rev },
                });
            }
        }
        Ok(changes)
    }

    fn none_holds<'r>(
        &self,
        path: &str,
        repos: impl Iterator<Item = &'r Repo>,
        such: impl Fn(&Leaf) -> bool,
    ) -> Result<bool, StoreError> {
        for repo in repos {
            if self.t.leaf_at(repo.number, path)?.is_some_and(|leaf| such(&leaf)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
