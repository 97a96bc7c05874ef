//! Who belongs to a community, and who did: listing them, putting them out, letting them in again.

use folkmoot_schemas::{
    Cid, Did,
    announce::Announce,
    roster::{Former, Member, Role},
};

use serde::{Deserialize, Serialize};

use super::{
    Failure, Reply,
    communities::role_name,
    failure::could_not,
    handle::{Answer, News, Outcome},
    resolve::{Reading, SHOWN},
};
use crate::{
    publish::{self, PublishError},
    store::reader::Community,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberInfo {
    pub did: String,
    pub name: String,
    pub role: String,
    /// Seconds since 1970.
    pub since: i64,
    pub by: String,
    pub devices: u32,
    /// did:keys of them, by the newest identity document here.
    #[serde(default)]
    pub device_keys: Vec<String>,
    pub me: bool,
    /// Earlier dids of the same person, as a steward said.
    pub formerly: Vec<String>,
    /// Of somebody who was put out or left: when, by whom (they themselves when they left), why.
    pub out: Option<OutInfo>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutInfo {
    /// Seconds since 1970.
    pub since: i64,
    pub by: String,
    pub left: bool,
    pub reason: Option<String>,
}

/// Shortest end of a did that names somebody.
const DID_END: usize = 6;

/// Somebody, and what they are called.
type Named = (Did, String);

/// Among whom somebody is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Among {
    Members,
    Former,
    Both,
}

impl Reading<'_> {
    /// Members by role, then who is out, whoever went last first.
    pub(super) fn members(&self, community: Option<&str>) -> Answer {
        let community = self.community(community)?;
        let mut members: Vec<(&Did, &Member)> = community.state.members.iter().collect();
        members.sort_by_key(|(did, member)| (std::cmp::Reverse(member.role), member.since, **did));
        let mut former: Vec<(&Did, &Former)> = community.state.former.iter().collect();
        former.sort_by_key(|(did, former)| (std::cmp::Reverse(former.since), **did));
        let dids = members.into_iter().map(|(did, _)| did).chain(former.into_iter().map(|(did, _)| did));
        let infos: Vec<Option<MemberInfo>> =
            dids.map(|did| self.member_info(community, did)).collect::<Result<_, _>>()?;
        Ok(Reply::Members(infos.into_iter().flatten().collect()).into())
    }

    pub(super) fn member(&self, community: Option<&str>, who: &str) -> Answer {
        let community = self.community(community)?;
        let did = self.person(community, who, Among::Both)?;
        let info = self.member_info(community, &did)?;
        Ok(Reply::Member(info.ok_or_else(|| Failure::bug("somebody was found and is not there"))?).into())
    }

    fn member_info(&self, community: &Community, did: &Did) -> Result<Option<MemberInfo>, Failure> {
        let (role, since, by, out) = match (community.state.members.get(did), community.state.former.get(did)) {
            (Some(member), _) => (member.role, member.since, member.by, None),
            (None, Some(former)) => {
                let since = (former.since.micros() / 1_000_000) as i64;
                let by = self.view.name(&community.id, &former.by)?;
                let out = OutInfo { since, by, left: former.by == *did, reason: former.reason.clone() };
                (former.role, former.since, former.by, Some(out))
            }
            (None, None) => return Ok(None),
        };
        let identity = self.view.identity(did)?;
        let keys: Vec<String> =
            identity.iter().flat_map(|(_, identity)| &identity.devices).map(|device| device.key.to_string()).collect();
        Ok(Some(MemberInfo {
            did: did.to_string(),
            name: self.view.name(&community.id, did)?,
            role: role_name(role).to_owned(),
            since: (since.micros() / 1_000_000) as i64,
            by: self.view.name(&community.id, &by)?,
            devices: keys.len() as u32,
            device_keys: keys,
            me: *did == self.desk.me.did,
            formerly: community.state.formerly(did).iter().map(ToString::to_string).collect(),
            out,
        }))
    }

    /// By name, did, or the end of a did.
    fn person(&self, community: &Community, who: &str, among: Among) -> Result<Did, Failure> {
        let who = who.trim();
        let state = &community.state;
        let members = state.members.keys().filter(|_| among != Among::Former);
        let former = state.former.keys().filter(|_| among != Among::Members);
        let mut named: Vec<Named> = Vec::new();
        for did in members.chain(former) {
            named.push((*did, self.view.name(&community.id, did)?));
        }
        let present = |found: &[&Named]| -> Vec<Did> {
            found.iter().map(|(did, _)| *did).filter(|did| state.is_member(did)).collect()
        };
        let folded = who.to_lowercase();
        let steps: [&dyn Fn(&Named) -> bool; 4] = [
            &|(did, _)| did.to_string() == who,
            &|(_, name)| name == who,
            &|(_, name)| name.to_lowercase() == folded,
            &|(did, _)| who.len() >= DID_END && did.to_string().ends_with(who),
        ];
        for step in steps {
            let found: Vec<&Named> = named.iter().filter(|one| step(one)).collect();
            match found.as_slice() {
                [] => {}
                [(did, _)] => return Ok(*did),
                // Who came back under another did has the same name as before.
                many if let [did] = present(many)[..] => return Ok(did),
                many => {
                    let said = Failure::refused(format!("{who:?} could be more than one person"));
                    let lines = many.iter().take(SHOWN).map(|(did, name)| format!("{name}  {did}"));
                    return Err(lines.fold(said, Failure::because).hint("give the did, or its last characters"));
                }
            }
        }
        let what = if among == Among::Former { "nobody called this is out of" } else { "nobody called this is in" };
        Err(Failure::refused(format!("{what} {}: {who:?}", community.name))
            .hint("`moot member list` shows everybody, with their did"))
    }

    pub(super) fn remove_member(&self, community: Option<&str>, who: &str, reason: Option<String>) -> Answer {
        let community = self.community(community)?;
        let did = self.person(community, who, Among::Members)?;
        if did == self.desk.me.did {
            return Err(Failure::refused("this is you").hint("`moot leave` leaves a community"));
        }
        let desk = &self.desk;
        let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        let told = publish::remove(desk.store, desk.me, desk.clock, &community.id, &did, reason);
        self.done(community, &did, "remove them", told.map(|announce| vec![announce]))
    }

    pub(super) fn readmit(&self, community: Option<&str>, who: &str, role: Role, was: Option<&str>) -> Answer {
        let community = self.community(community)?;
        let was = was.map(|was| self.person(community, was, Among::Former)).transpose()?;
        let did = match was {
            None => self.person(community, who, Among::Former)?,
            // Usually nobody here has heard of the new did.
            Some(_) => match who.trim().parse::<Did>() {
                Ok(did) => did,
                Err(_) => self.person(community, who, Among::Both)?,
            },
        };
        let desk = &self.desk;
        let told = publish::readmit(desk.store, desk.me, desk.clock, &community.id, &did, role, was);
        self.done(community, &did, "let them in", told.map(|announce| vec![announce]))
    }

    pub(super) fn leave(&self, community: Option<&str>) -> Answer {
        let community = self.community(community)?;
        let desk = &self.desk;
        let told = publish::leave(desk.store, desk.me, desk.clock, &community.id);
        self.done(community, &desk.me.did, "leave", told)
    }

    /// The person as they are listed afterwards, and what the others are told.
    fn done(&self, community: &Community, did: &Did, what: &str, told: Result<Vec<Announce>, PublishError>) -> Answer {
        let told = told.map_err(could_not(what))?;
        let id: Cid = community.id;
        let again = self.again()?;
        let now = again.communities.get(&id).ok_or_else(|| Failure::bug("the community is gone"))?;
        let info = again.member_info(now, did)?.ok_or_else(|| Failure::bug("the change was not stored"))?;
        let audience = publish::widest(community.visibility);
        let news = told.into_iter().map(|announce| News::Announce(id, audience, announce));
        Ok(Outcome { reply: Reply::Member(info), news: news.collect() })
    }
}
