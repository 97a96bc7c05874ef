//! Addresses this home keeps a connection to.

use std::net::IpAddr;

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

/// Our addresses: the running node's, else those of the last one.
pub(crate) fn known_addresses(store: &Store, live: &Live) -> Result<Vec<String>, StoreError> {
    if live.running {
        return Ok(live.addresses.clone());
    }
    let bytes = store.meta(ADDRESSES)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// What an invite link names of them. A link is read from a poster: the first few that another machine can reach, and
/// loopback only when there is nothing else (two homes on one machine).
pub(crate) fn addresses_for_a_link(addrs: Vec<String>) -> Vec<String> {
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

    pub(super) fn peer_list(&self) -> Answer {
        let mut kept = self.kept()?;
        kept.extend(self.desk.live.configured.iter().cloned());
        kept.extend(publish::joined_addresses(self.desk.store)?);
        kept.sort();
        kept.dedup();
        let mut peers = Vec::new();
        for peer in &self.desk.live.peers {
            let before = kept.len();
            kept.retain(|addr| !names(addr, &peer.peer_id, &peer.addr));
            let name = match peer.did {
                Some(did) => self.name_anywhere(&did)?,
                None => None,
            };
            peers.push(PeerInfo {
                peer_id: Some(peer.peer_id.clone()),
                addr: peer.addr.clone(),
                connected: true,
                kept: kept.len() < before,
                did: peer.did.map(|d| d.to_string()),
                name,
            });
        }
        peers.extend(kept.into_iter().map(|addr| PeerInfo {
            peer_id: addr.split_once("/p2p/").map(|(_, id)| id.to_owned()),
            addr,
            connected: false,
            kept: true,
            did: None,
            name: None,
        }));
        Ok(Reply::Peers(peers).into())
    }

    fn name_anywhere(&self, did: &folkmoot_schemas::Did) -> Result<Option<String>, StoreError> {
        match self.communities.values().find(|c| c.state.is_member(did)) {
            Some(community) => self.view.name(&community.id, did).map(Some),
            None => Ok(None),
        }
    }
}

/// Is this address one of that peer?
fn names(addr: &str, peer_id: &str, at: &str) -> bool {
    match addr.split_once("/p2p/") {
        Some((_, id)) => id == peer_id,
        None => at == addr || at.strip_prefix(addr).is_some_and(|rest| rest.starts_with("/p2p/")),
    }
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
