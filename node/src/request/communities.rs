//! Communities and invites.

use folkmoot_schemas::{
    Cid,
    charter::Visibility,
    link::InviteLink,
    roster::{self, Act, Describe, Role},
};

use serde::{Deserialize, Serialize};

use super::{
    Failure, Reply,
    failure::could_not,
    handle::{Answer, News, Outcome},
    resolve::Reading,
};
use crate::{
    publish,
    store::{Scope, reader::Community},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommunityInfo {
    pub name: String,
    pub cid: String,
    pub public: bool,
    pub members: u64,
    /// In the scope this home may see.
    pub records: u64,
    /// `steward`, `moderator`, `member`, `guest`; None: not a member.
    pub role: Option<String>,
    pub describe: folkmoot_schemas::roster::Describe,
    /// Snapshot CID of the public audience; None for a members community.
    pub snapshot: Option<String>,
    /// None for strangers.
    pub snapshot_members: Option<String>,
    pub complete: bool,
    /// Peers that said they hold the same.
    pub held_by: u32,
    /// A join of ours no roster holds yet, or `awaited`.
    pub pending: bool,
    /// We are a member by what another device of ours said, and nothing of it is here yet.
    #[serde(default)]
    pub awaited: bool,
}

impl CommunityInfo {
    /// It is here, and its person is no member and is not about to be one.
    pub fn is_only_read(&self) -> bool {
        self.role.is_none() && !self.pending && !self.awaited
    }

    /// Its name, as far as that is here.
    pub fn title(&self) -> &str {
        if self.name.is_empty() { &self.cid } else { &self.name }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteInfo {
    pub cid: String,
    pub community: String,
    pub community_name: String,
    pub role: String,
    pub uses: u32,
    pub used: u32,
    /// Seconds since 1970.
    pub expires: Option<i64>,
    pub closed: bool,
    /// Only when this home holds the seed.
    pub link: Option<String>,
    pub by: String,
}

impl Reading<'_> {
    /// Every community of this home, joins that wait for an answer included; by name.
    pub(super) fn infos(&self) -> Result<Vec<CommunityInfo>, Failure> {
        let pending = publish::pending_joins(self.desk.store, &self.desk.me.did)?;
        let mut infos = self.communities.values().map(|c| self.info(c)).collect::<Result<Vec<_>, _>>()?;
        infos.sort_by(|a, b| (&a.name, &a.cid).cmp(&(&b.name, &b.cid)));
        for cid in pending {
            let text = cid.to_string();
            match infos.iter_mut().find(|i| i.cid == text) {
                Some(info) => info.pending = true,
                None => infos.push(unanswered(text)),
            }
        }
        let awaited = publish::awaited(self.desk.store, &self.desk.me.did)?;
        for info in &mut infos {
            info.awaited = awaited.iter().any(|cid| cid.to_string() == info.cid);
        }
        Ok(infos)
    }

    pub(super) fn info(&self, community: &Community) -> Result<CommunityInfo, Failure> {
        let public = community.visibility == Visibility::Public;
        let snapshot = match public {
            true => Some(self.desk.store.view(Scope::Public)?.snapshot(&community.id)?.to_string()),
            false => None,
        };
        let snapshot_members = match community.joined {
            true => Some(self.view.snapshot(&community.id)?.to_string()),
            false => None,
        };
        Ok(CommunityInfo {
            name: community.name.clone(),
            cid: community.id.to_string(),
            public,
            members: community.state.members.len() as u64,
            records: self.view.count(&community.id)?,
            role: community.state.role(&self.desk.me.did).map(|r| role_name(r).to_owned()),
            describe: community.state.describe.clone(),
            snapshot,
            snapshot_members,
            complete: self.view.complete(&community.id)?,
            held_by: self.desk.live.held_by.get(&community.id).copied().unwrap_or_default(),
            pending: false,
            awaited: false,
        })
    }

    /// The info of a community as it is after something was written.
    fn fresh_info(&self, id: &Cid) -> Result<CommunityInfo, Failure> {
        let again = self.again()?;
        let community = again.communities.get(id).ok_or_else(|| Failure::bug("the community was not stored"))?;
        again.info(community)
    }

    pub(super) fn found(&self, name: &str, public: bool, describe: Describe) -> Answer {
        let visibility = if public { Visibility::Public } else { Visibility::Members };
        let desk = &self.desk;
        let id = publish::found(desk.store, desk.me, desk.clock, name.trim(), visibility, describe)
            .map_err(could_not("found the community"))?;
        Ok(Outcome::from(Reply::Community(self.fresh_info(&id)?)).and(News::Added(id)))
    }

    pub(super) fn describe(&self, community: Option<&str>, describe: Describe) -> Answer {
        let community = self.community(community)?;
        let announce = self.operate(community, Act::Describe(describe), "describe the community")?;
        Ok(Outcome::from(Reply::Community(self.fresh_info(&community.id)?)).and(announce))
    }

    fn operate(&self, community: &Community, act: Act, what: &str) -> Result<News, Failure> {
        let desk = &self.desk;
        let (_, announce) =
            publish::operate(desk.store, desk.me, desk.clock, &community.id, act).map_err(could_not(what))?;
        Ok(News::Announce(community.id, publish::widest(community.visibility), announce))
    }

    pub(super) fn invite(&self, community: Option<&str>, role: Role, uses: u32, expires_s: Option<u64>) -> Answer {
        let community = self.community(community)?;
        let desk = &self.desk;
        let (link, announce) = publish::invite(desk.store, desk.me, desk.clock, &community.id, role, uses, expires_s)
            .map_err(could_not("make the invite"))?;
        let again = self.again()?;
        let infos = match again.communities.get(&community.id) {
            Some(community) => again.invite_infos(community)?,
            None => Vec::new(),
        };
        let made = link.invite.to_string();
        let info =
            infos.into_iter().find(|i| i.cid == made).ok_or_else(|| Failure::bug("the invite was not stored"))?;
        let news = News::Announce(community.id, publish::widest(community.visibility), announce);
        Ok(Outcome::from(Reply::Invite(info)).and(news))
    }

    pub(super) fn invites(&self, community: Option<&str>) -> Answer {
        Ok(Reply::Invites(self.invite_infos(self.community(community)?)?).into())
    }

    fn invite_infos(&self, community: &Community) -> Result<Vec<InviteInfo>, Failure> {
        let now = self.desk.clock.seconds();
        let mut infos = Vec::new();
        for (cid, invite) in &community.state.invites {
            let expires = invite.expires.map(|e| (e.micros() / 1_000_000) as i64);
            let used = invite.joins.len() as u32;
            let closed = invite.closed || used >= invite.uses || expires.is_some_and(|e| e <= now);
            let link = match (closed, publish::seed(self.desk.store, cid)?) {
                (false, Some(seed)) => Some(self.link(community, cid, seed)?),
                _ => None,
            };
            infos.push(InviteInfo {
                cid: cid.to_string(),
                community: community.id.to_string(),
                community_name: community.name.clone(),
                role: role_name(invite.role).to_owned(),
                uses: invite.uses,
                used,
                expires,
                closed,
                link,
                by: self.view.name(&community.id, &invite.by)?,
            });
        }
        Ok(infos)
    }

    fn link(&self, community: &Community, invite: &Cid, seed: [u8; 32]) -> Result<String, Failure> {
        let addrs = self.link_addresses()?;
        let gateway = self.desk.live.public_url.as_deref().filter(|u| u.starts_with("https://"));
        Ok(InviteLink { community: community.id, invite: *invite, seed, addrs }.to_link(gateway))
    }

    pub(super) fn close_invite(&self, community: Option<&str>, text: &str) -> Answer {
        let community = self.community(community)?;
        let text = text.trim();
        let from_link = InviteLink::parse(text).ok().map(|l| l.invite.to_string());
        let wanted = from_link.as_deref().unwrap_or(text);
        let mut found = community.state.invites.iter().filter(|(cid, _)| {
            let cid = cid.to_string();
            cid == wanted || (wanted.len() > "bafyrei".len() && (cid.starts_with(wanted) || cid.ends_with(wanted)))
        });
        let (cid, invite) = match (found.next(), found.next()) {
            (Some(one), None) => one,
            (Some(_), Some(_)) => {
                return Err(Failure::refused(format!("{wanted:?} could be more than one invite"))
                    .hint("give more of it: `moot invite list`"));
            }
            (None, _) => {
                return Err(Failure::refused(format!("{} has no invite {wanted:?}", community.name))
                    .hint("`moot invite list` shows them"));
            }
        };
        if invite.closed {
            return Ok(Reply::Done.into());
        }
        let act = Act::Close { invite: *cid, joins: Vec::new() };
        let announce = self.operate(community, act, "close the invite")?;
        Ok(Outcome::from(Reply::Done).and(announce))
    }
}

fn unanswered(cid: String) -> CommunityInfo {
    CommunityInfo {
        name: String::new(),
        cid,
        public: false,
        members: 0,
        records: 0,
        role: None,
        describe: Describe::default(),
        snapshot: None,
        snapshot_members: None,
        complete: false,
        held_by: 0,
        pending: true,
        awaited: false,
    }
}

pub(super) fn role_name(role: roster::Role) -> &'static str {
    match role {
        Role::Guest => "guest",
        Role::Member => "member",
        Role::Moderator => "moderator",
        Role::Steward => "steward",
    }
}
