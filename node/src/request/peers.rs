//! Whom this home is connected to, and the addresses it knows.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use folkmoot_schemas::Did;

use super::{
    Failure, PeerInfo, Reply,
    handle::{Answer, Live, News, Outcome},
    resolve::Reading,
};
pub(crate) use crate::home::meta::PEER;
use crate::{
    config::Multiaddr,
    publish,
    store::{Store, StoreError},
};

/// Meta: our addresses when a node last ran, one a line, so that an invite made without one still says where we are.
pub(crate) const ADDRESSES: &str = "addresses";
/// Addresses kept.
const MOST: usize = 64;
/// Addresses in a link made here: more would not fit a QR code.
const LINK_ADDRESSES: usize = 4;
/// Of them, so many of other nodes of this person.
const LINK_OTHERS: usize = 2;

/// Our addresses: the running node's, else those of the last one.
fn known_addresses(store: &Store, live: &Live) -> Result<Vec<String>, StoreError> {
    if live.running {
        return Ok(live.addresses.clone());
    }
    let bytes = store.meta(ADDRESSES)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// What an invite link names of them. A link is read from a poster: the first few that another machine can reach, and
/// loopback only when there is nothing else (two homes on one machine).
fn addresses_for_a_link(addrs: Vec<String>) -> Vec<String> {
    let (mut near, mut far): (Vec<_>, Vec<_>) = addrs
        .into_iter()
        .filter(|addr| !matches!(ip(addr), Some(IpAddr::V6(ip)) if ip.is_unicast_link_local() || ip.is_loopback()))
        .partition(|addr| ip(addr).is_some_and(|ip| ip.is_loopback()));
    let chosen = if far.is_empty() { &mut near } else { &mut far };
    chosen.truncate(LINK_ADDRESSES);
    std::mem::take(chosen)
}

/// The IP address a multiaddr begins with, if it begins with one.
fn ip(addr: &str) -> Option<IpAddr> {
    crate::net::ip_of(&addr.parse().ok()?)
}

impl Reading<'_> {
    /// What a link made here names: this node, and other nodes of this person, which let people in while it is off. Not
    /// those of others: a link may hang on a wall.
    pub(super) fn link_addresses(&self) -> Result<Vec<String>, StoreError> {
        let me = self.desk.me;
        let known = known_addresses(self.desk.store, self.desk.live)?;
        let own: Vec<Multiaddr> = known.iter().filter_map(|addr| addr.parse().ok()).collect();
        let mine = self.view.identity(&me.did)?;
        let other = |device: &Did| {
            *device != me.device.did() && mine.as_ref().is_some_and(|(_, identity)| identity.certifies(device))
        };
        let mut others = Vec::new();
        let mut words = self.desk.store.whereabouts()?;
        words.retain(|(_, said)| other(&said.device));
        // Who said it last is the likeliest to be on.
        words.sort_by_key(|(_, said)| Reverse(said.rev));
        for (_, said) in words {
            let worth = |addr: &&String| addr.parse().is_ok_and(|addr| crate::net::worth_dialling(&addr, &own));
            others.extend(said.addrs.iter().find(worth).map(|addr| format!("{addr}/p2p/{}", said.peer)));
        }
        others.truncate(LINK_OTHERS);
        let mut addrs = addresses_for_a_link(known);
        addrs.truncate(LINK_ADDRESSES - others.len());
        addrs.extend(others);
        Ok(addrs)
    }

    fn kept(&self) -> Result<Vec<String>, StoreError> {
        let kept = self.desk.store.metas(PEER)?;
        Ok(kept.into_iter().filter_map(|(key, _)| key.strip_prefix(PEER).map(str::to_owned)).collect())
    }

    pub(super) fn peer_add(&self, addr: &str) -> Answer {
        let addr = multiaddr(addr)?.to_string();
        let kept = self.kept()?;
        if !kept.contains(&addr) {
            if kept.len() >= MOST {
                return Err(Failure::refused(format!("{MOST} addresses are kept already"))
                    .hint("take one out with `moot peer remove ADDR`"));
            }
            self.desk.store.set_meta(&format!("{PEER}{addr}"), Some(b""))?;
        }
        Ok(Outcome::from(Reply::Done).and(News::Dial(addr)))
    }

    pub(super) fn peer_remove(&self, addr: &str) -> Answer {
        let addr = addr.trim();
        if !self.kept()?.iter().any(|k| k == addr) {
            return Err(Failure::refused(format!("{addr} is not kept")).hint("`moot peer list` shows those that are"));
        }
        self.desk.store.set_meta(&format!("{PEER}{addr}"), None)?;
        Ok(Reply::Done.into())
    }

    /// Who is connected, members' nodes that are known, and what else is kept: whom one can do something about first.
    pub(super) fn peer_list(&self) -> Answer {
        let mut peers: BTreeMap<String, PeerInfo> = BTreeMap::new();
        for peer in &self.desk.live.peers {
            let mut info = self.peer(&peer.peer_id, peer.did.zip(peer.device))?;
            (info.addr, info.connected, info.since) = (peer.addr.clone(), true, Some(peer.since));
            peers.insert(peer.peer_id.clone(), info);
        }
        let member = |did: &Did| self.communities.values().any(|known| known.state.is_member(did));
        for (peer, reached) in self.desk.store.reached()?.into_iter().filter(|(_, reached)| member(&reached.did)) {
            let info = self.entry(&mut peers, peer, (reached.did, reached.device))?;
            info.since = info.since.or(Some(reached.at));
            info.addrs.extend(reached.addrs);
        }
        let own = self.desk.me.device.did();
        for (_, said) in self.desk.store.whereabouts()? {
            if said.device != own && member(&said.did) {
                let info = self.entry(&mut peers, said.peer, (said.did, said.device))?;
                info.said = Some(said.rev.micros());
                info.addrs.extend(said.addrs);
            }
        }
        let mut kept = self.kept()?;
        kept.extend(self.desk.live.configured.iter().cloned());
        kept.extend(publish::joined_addresses(self.desk.store)?);
        kept.sort();
        kept.dedup();
        let mut nameless = Vec::new();
        for addr in kept {
            match addr.split_once("/p2p/") {
                Some((at, id)) => {
                    let none = self.peer(id, None)?;
                    let info = peers.entry(id.to_owned()).or_insert(none);
                    info.kept = true;
                    info.addrs.push(at.to_owned());
                }
                None => match peers.values_mut().find(|peer| peer.connected && is_at(&addr, &peer.addr)) {
                    Some(info) => info.kept = true,
                    None => nameless.push(PeerInfo { addr, kept: true, ..self.peer("", None)? }),
                },
            }
        }
        let own = self.desk.live.peer_id.as_ref();
        let mut listed: Vec<PeerInfo> =
            peers.into_iter().filter(|(id, _)| Some(id) != own).map(|(_, info)| info).collect();
        for info in &mut listed {
            let mut seen = BTreeSet::new();
            info.addrs.retain(|addr| seen.insert(addr.clone()));
            if info.addr.is_empty() {
                info.addr = info.addrs.first().cloned().unwrap_or_default();
            }
        }
        listed.sort_by_key(|info| (!info.connected, info.did.is_none(), Reverse(info.since.max(info.said))));
        listed.extend(nameless);
        Ok(Reply::Peers(listed).into())
    }

    /// Of two words about one node, who proved to be there counts.
    fn entry<'a>(
        &self,
        peers: &'a mut BTreeMap<String, PeerInfo>,
        peer: String,
        who: (Did, Did),
    ) -> Result<&'a mut PeerInfo, StoreError> {
        let fresh = self.peer(&peer, Some(who))?;
        let info = peers.entry(peer).or_insert_with(|| fresh.clone());
        if info.did.is_none() {
            (info.did, info.name, info.device, info.device_name) =
                (fresh.did, fresh.name, fresh.device, fresh.device_name);
        }
        Ok(info)
    }

    fn peer(&self, id: &str, who: Option<(Did, Did)>) -> Result<PeerInfo, StoreError> {
        let (mut name, mut device_name) = (None, None);
        if let Some((did, device)) = who {
            name = self.name_anywhere(&did)?;
            let devices = self.view.identity(&did)?.map(|(_, identity)| identity.devices).unwrap_or_default();
            device_name =
                devices.into_iter().find(|known| known.key == device && !known.name.is_empty()).map(|d| d.name);
        }
        Ok(PeerInfo {
            peer_id: (!id.is_empty()).then(|| id.to_owned()),
            addr: String::new(),
            addrs: Vec::new(),
            connected: false,
            kept: false,
            did: who.map(|(did, _)| did.to_string()),
            name,
            device: who.map(|(_, device)| device.to_string()),
            device_name,
            since: None,
            said: None,
        })
    }

    fn name_anywhere(&self, did: &Did) -> Result<Option<String>, StoreError> {
        match self.communities.values().find(|c| c.state.is_member(did)) {
            Some(community) => self.view.name(&community.id, did).map(Some),
            None => Ok(None),
        }
    }
}

/// Is that the address a peer is reached at?
fn is_at(addr: &str, at: &str) -> bool {
    at == addr || at.strip_prefix(addr).is_some_and(|rest| rest.starts_with("/p2p/"))
}

/// An address as people type it.
pub(crate) fn multiaddr(text: &str) -> Result<Multiaddr, Failure> {
    text.trim().parse::<Multiaddr>().map_err(|why| {
        Failure::refused(format!("{text:?} is not the address of a node")).because(why.to_string()).hint(
            "such an address looks like /ip4/192.0.2.7/tcp/4700; `moot status` on the other machine prints its own",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(addrs: &[&str]) -> Vec<String> {
        addresses_for_a_link(addrs.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_link_names_what_other_machines_can_reach() {
        let all = ["/dns4/moot.example.org/tcp/4700", "/ip4/192.168.1.7/tcp/4700", "/ip6/fe80::1/tcp/4700"];
        assert_eq!(linked(&[&all[..], &["/ip4/127.0.0.1/tcp/4700", "/ip6/::1/tcp/4700"]].concat()), all[..2]);
        let many: Vec<String> = (1..9).map(|n| format!("/ip4/192.0.2.{n}/tcp/4700")).collect();
        assert_eq!(addresses_for_a_link(many.clone()), many[..4]);
    }

    #[test]
    fn loopback_is_named_when_there_is_nothing_else() {
        assert_eq!(linked(&["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"]), ["/ip4/127.0.0.1/tcp/1"]);
        assert!(linked(&["/ip6/fe80::1/tcp/1"]).is_empty());
    }
}
