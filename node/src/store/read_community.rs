//! Communities and people, as a view's scope lets them be seen.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Audience, Cid, Did, Record,
    block::Block,
    commit::RepoId,
    identity::Identity,
    kind::Kind,
    records::profile::Profile,
    roster::{Op, State},
};

use redb::ReadableTable;

use super::{
    Scope, StoreError, View,
    blocks::Blocks,
    intern::{Name, Numbers},
    people::People,
    reader::Community,
    repos::Repos,
    roster::Roster,
    tables::Tables,
};

/// Operations and identities.
type OpsAndIdentities = (Vec<Block>, Vec<Block>);

impl View {
    /// Sorted by name, then id. In scope `Public`: public communities only.
    pub fn communities(&self) -> Result<Vec<Community>, StoreError> {
        let mut all: Vec<Community> = self
            .rosters
            .iter()
            .filter(|(_, roster)| self.scope().sees(roster.audience()))
            .map(|(id, roster)| self.describe(id, roster))
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        Ok(all)
    }

    pub fn community(&self, id: &Cid) -> Result<Option<Community>, StoreError> {
        Ok(self.roster_in_scope(id).map(|roster| self.describe(id, roster)))
    }

    fn describe(&self, id: &Cid, roster: &Roster) -> Community {
        Community {
            id: *id,
            name: roster.state.name.clone(),
            visibility: roster.charter.visibility,
            state: roster.state.clone(),
            joined: self.joined(roster),
        }
    }

    pub(super) fn joined(&self, roster: &Roster) -> bool {
        self.me.is_some_and(|me| roster.state.is_member(&me))
    }

    /// Newest identity document known of a person. In scope `Public`: of present and former members of public communities.
    pub fn identity(&self, did: &Did) -> Result<Option<(Block, Identity)>, StoreError> {
        let belongs = |state: &State| state.is_member(did) || state.former.contains_key(did);
        let public = || self.rosters.values().any(|r| r.audience() == Audience::Public && belongs(&r.state));
        if self.scope() == Scope::Public && !public() {
            return Ok(None);
        }
        self.t.newest(did)
    }

    /// An identity document that is named somewhere, newest or not.
    pub(crate) fn document(&self, cid: &Cid) -> Result<Option<Block>, StoreError> {
        self.t.identity_block(cid)
    }

    /// The name a person gave in this community's profile, else the short key. An earlier did of a member has the
    /// member's name.
    pub fn name(&self, community: &Cid, did: &Did) -> Result<String, StoreError> {
        let roster = self.roster_in_scope(community);
        let today = roster.map_or(*did, |roster| roster.state.today(did));
        if let Some(name) = self.own_name(community, &today)? {
            return Ok(name);
        }
        // Who came back without a profile yet is known by the one they had.
        let earlier = roster.map(|roster| roster.state.formerly(&today)).unwrap_or_default();
        for did in earlier {
            if let Some(name) = self.own_name(community, &did)? {
                return Ok(name);
            }
        }
        Ok(did.short())
    }

    fn own_name(&self, community: &Cid, did: &Did) -> Result<Option<String>, StoreError> {
        if let Some(roster) = self.roster_in_scope(community)
            && let (Some(did), Some(profile)) =
                (self.t.number(Name::Key(did))?, self.t.number(Name::Collection(Profile::NAME))?)
            && let Some((repo, leaf)) = self.current(self.scope(), roster.number, did, profile, "self")?
        {
            let entry = self.entry(community, &repo, Profile::NAME, profile, "self", leaf)?;
            if let (None, Record::Profile(profile)) = (entry.fault, entry.record) {
                return Ok(Some(profile.name));
            }
        }
        Ok(None)
    }

    pub fn charter(&self, community: &Cid) -> Result<Option<Block>, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(None) };
        match self.t.charters().get(roster.number)? {
            Some(seq) => Ok(Some(self.t.block_named(seq.value(), *community)?)),
            None => Ok(None),
        }
    }

    /// All kept roster operations, ancestors first, and the identities they, the charter and the members name, and
    /// those by which the heads that are kept of former members are theirs.
    pub fn roster(&self, community: &Cid) -> Result<OpsAndIdentities, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(Default::default()) };
        let mut ops = BTreeMap::new();
        for block in self.t.op_blocks(roster.number)? {
            ops.insert(*block.cid(), (Op::view(&block)?, block));
        }
        let mut named: BTreeSet<Cid> = roster.charter.founders.iter().map(|founder| founder.identity).collect();
        named.extend(ops.values().map(|(op, _)| op.identity));
        named.extend(self.people(community)?.into_values());
        for repo in roster.state.former.values().flat_map(|former| former.cut.keys()) {
            named.extend(self.witness(community, repo)?.map(|block| *block.cid()));
        }
        let mut identities = Vec::new();
        for cid in named {
            identities.extend(self.t.identity_block(&cid)?);
        }
        Ok((ancestors_first(ops), identities))
    }

    /// The same where it is no more than `most` bytes; not read further than that.
    pub fn roster_within(&self, community: &Cid, most: usize) -> Result<Option<OpsAndIdentities>, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(Some(Default::default())) };
        let mut bytes = 0;
        for row in self.t.ops().range((roster.number, &[0; 32])..=(roster.number, &[0xff; 32]))? {
            bytes += self.t.block_len(row?.1.value())?;
            if bytes > most as u64 {
                return Ok(None);
            }
        }
        let (ops, identities) = self.roster(community)?;
        let whole: usize = ops.iter().chain(&identities).map(|block| block.bytes().len()).sum();
        Ok((whole <= most).then_some((ops, identities)))
    }

    /// Of a head that is held here, the document of its person that lists its device.
    pub fn witness(&self, community: &Cid, repo: &RepoId) -> Result<Option<Block>, StoreError> {
        let Some((_, commit)) = self.head_commit(community, repo)? else { return Ok(None) };
        let Some(roster) = self.roster_in_scope(community) else { return Ok(None) };
        let repo = self.t.repo(roster.number, repo)?.map(|repo| repo.number);
        self.t.witness(&commit, repo)
    }

    /// Newest identity of each member.
    pub fn people(&self, community: &Cid) -> Result<BTreeMap<Did, Cid>, StoreError> {
        let mut people = BTreeMap::new();
        if let Some(roster) = self.roster_in_scope(community) {
            for did in roster.state.members.keys() {
                if let Some((block, _)) = self.t.newest(did)? {
                    people.insert(*did, *block.cid());
                }
            }
        }
        Ok(people)
    }
}

/// Operations such that each comes after those it depends on; among the ready ones the smallest CID first.
fn ancestors_first(mut ops: BTreeMap<Cid, (Op, Block)>) -> Vec<Block> {
    let mut followers: BTreeMap<Cid, Vec<Cid>> = BTreeMap::new();
    let mut lacking: BTreeMap<Cid, usize> = BTreeMap::new();
    for (cid, (op, _)) in &ops {
        let deps: BTreeSet<&Cid> = op.deps.iter().filter(|dep| ops.contains_key(*dep)).collect();
        lacking.insert(*cid, deps.len());
        for dep in deps {
            followers.entry(*dep).or_default().push(*cid);
        }
    }
    let mut ready: BTreeSet<Cid> = lacking.iter().filter(|(_, n)| **n == 0).map(|(cid, _)| *cid).collect();
    let mut sorted = Vec::with_capacity(ops.len());
    while let Some(cid) = ready.pop_first() {
        sorted.extend(ops.remove(&cid).map(|(_, block)| block));
        for follower in followers.remove(&cid).unwrap_or_default() {
            if let Some(n) = lacking.get_mut(&follower) {
                *n -= 1;
                if *n == 0 {
                    ready.insert(follower);
                }
            }
        }
    }
    sorted
}
