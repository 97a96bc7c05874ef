//! A person's new identity document, and with it the end of devices it no longer lists: this device takes over what they
//! wrote, record by record, before their repositories go. One transaction: a cut leaves the old state or the new.

use std::collections::BTreeMap;

use folkmoot_schemas::{Audience, Cid, Tid, block::Block, commit::RepoId, identity::Identity, key::Secret};

use super::{
    OwnCommit, Store, StoreError,
    commit::Seen,
    intern::{Name, Numbers},
    repos::{Leaf, Repo, Repos},
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
    /// Records of the dropped devices that are newer than this are not taken over.
    pub until: Option<Tid>,
    /// Microseconds, and 10 random bits for the commits' TIDs.
    pub now: u64,
    pub random: u16,
}

impl Store {
    /// Answers the commits by which records were taken over. Durable when this returns.
    pub fn succeed(&self, plan: Succession<'_>) -> Result<Vec<(Cid, Audience, Committed)>, StoreError> {
        self.write(|w| w.succeed(&plan))
    }
}

impl Writer<'_> {
    fn succeed(&mut self, plan: &Succession<'_>) -> Result<Vec<(Cid, Audience, Committed)>, StoreError> {
        let identity = Identity::view(plan.identity)?;
        let homes: Vec<_> = self.rosters.values().filter(|r| r.state.is_member(&identity.did)).cloned().collect();
        // Wherever the person is a member, whichever community is named.
        let Some(any) = homes.first() else { return Ok(Vec::new()) };
        let fresh = BTreeMap::from([(*plan.identity.cid(), (plan.identity.clone(), identity.clone()))]);
        let renewed = self.keep_identities(any, fresh, &Default::default())?;

        let mut commits = Vec::new();
        for roster in &homes {
            for audience in [Audience::Public, Audience::Members] {
                let changes = self.inheritance(roster.number, audience, plan, &identity)?;
                if changes.is_empty() {
                    continue;
                }
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
                commits.push((community, audience, self.commit_own(commit, Seen::Now)?));
            }
        }
        self.drop_outsiders(any, &renewed)?;
        Ok(commits)
    }

    /// The entries of dropped devices that count now, in one audience.
    fn inheritance(
        &self,
        community: u32,
        audience: Audience,
        plan: &Succession<'_>,
        identity: &Identity,
    ) -> Result<Vec<Change>, StoreError> {
        let Some(did) = self.t.number(Name::Key(&identity.did))? else { return Ok(Vec::new()) };
        let repos: Vec<Repo> =
            self.t.repos_of(community, Some(did))?.into_iter().filter(|repo| repo.audience == audience).collect();
        let mut dropped = Vec::new();
        let mut kept = Vec::new();
        for repo in repos {
            let RepoId { device, .. } = self.t.repo_id(&repo)?;
            if identity.certifies(&device) { kept.push(repo) } else { dropped.push(repo) }
        }
        let mut changes = Vec::new();
        for (at, repo) in dropped.iter().enumerate() {
            // Of equal entries one is taken over, and none that a device which stays holds too.
            let (before, after) = (dropped[..at].iter().chain(&kept), &dropped[at + 1..]);
            let before: Vec<&Repo> = before.collect();
            self.t.walk(repo.number, None, |path, leaf| {
                let trusted = plan.until.is_none_or(|until| leaf.rev <= until);
                if trusted
                    && self.none_holds(&path, before.iter().copied(), |theirs| !leaf.beats(theirs))?
                    && self.none_holds(&path, after.iter(), |theirs| theirs.beats(&leaf))?
                {
                    changes.push(Change::Adopt { path, cid: leaf.cid, rev: leaf.rev });
                }
                Ok(true)
            })?;
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
