//! Invites and joins: a link carries a one-time seed; the join it admits to is signed here, with nobody else online.

use std::collections::BTreeSet;

use folkmoot_schemas::{
    Audience, Cid, Did, Tid,
    announce::Announce,
    block::Block,
    error::Fault,
    key::{Secret, Sig},
    limits,
    link::InviteLink,
    roster::{Act, Op, Role},
};

use super::{
    Me, PublishError,
    community::{operate, sign, widest},
    document_of, member,
};
use crate::{
    clock::Clock,
    home::meta,
    store::{Scope, Store, StoreError},
};

/// Metas: the seed of an invite made here; where the link of a join said that the community is.
const SEED: &str = "seed/";
const JOIN_ADDRESSES: &str = "join_addresses/";
/// Ten years: beyond it a TID would not hold the time for long, and nobody means it.
const LONGEST_INVITE_S: u64 = 10 * 366 * 24 * 3600;

/// Makes an invite; keeps the seed so that the link can be printed again. `expires_s` from now. Addresses are added by the caller.
pub fn invite(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    role: Role,
    uses: u32,
    expires_s: Option<u64>,
) -> Result<(InviteLink, Announce), PublishError> {
    if uses == 0 || uses > limits::INVITE_USES {
        return Err(Fault::new("uses", format!("{uses} is not between 1 and {}", limits::INVITE_USES)).into());
    }
    let (known, own) = member(store, &store.view(Scope::Members)?, me, community)?;
    if role > own {
        return Err(PublishError::NotAllowed { role: own, community: known.name });
    }
    if expires_s.is_some_and(|s| s > LONGEST_INVITE_S) {
        return Err(Fault::new("expires", "more than ten years ahead").into());
    }
    let seed: [u8; 32] = clock.random();
    let expires = expires_s.map(|s| Tid::new(clock.micros().saturating_add(s.saturating_mul(1_000_000)), 0));
    let act = Act::Invite { key: Secret::from_seed(seed).did(), role, expires, uses };
    let signed = sign(store, me, clock, community, act)?;
    let invite = *signed.op.cid();
    // The seed first: an invite without its seed could never be printed again.
    store.set_meta(&format!("{SEED}{invite}"), Some(&seed))?;
    let announce = signed.put(store, clock)?;
    Ok((InviteLink { community: *community, invite, seed, addrs: Vec::new() }, announce))
}

/// The seed of an invite made here.
pub fn seed(store: &Store, invite: &Cid) -> Result<Option<[u8; 32]>, StoreError> {
    Ok(store.meta(&format!("{SEED}{invite}"))?.and_then(|bytes| bytes.try_into().ok()))
}

/// Signs the join that an invite link admits to. The community need not be known yet: the operation is kept (`meta`)
/// and presented in `hello` until a roster that holds it is here. Joining twice returns the first join; another
/// invite replaces it, since the earlier one may have been used up.
pub fn join(store: &Store, me: &Me, clock: &Clock, link: &InviteLink) -> Result<Block, PublishError> {
    let key = format!("{}{}", meta::JOIN, link.community);
    if let Some(bytes) = store.meta(&key)? {
        let (block, op) = Op::open(&bytes)?;
        if matches!(op.act, Act::Join { invite, .. } if invite == link.invite) {
            remember(store, &link.community, &link.addrs)?;
            return Ok(block);
        }
    }
    let identity = document_of(store, me)?;
    let op = Op {
        community: link.community,
        did: me.did,
        device: me.device.did(),
        identity: *identity.cid(),
        rev: Tid::new(clock.micros(), clock.tid_bits()),
        deps: vec![link.invite],
        // `seal` puts the seed's signature in this place.
        act: Act::Join { invite: link.invite, did: me.did, seed_sig: Sig([0; 64]) },
    };
    let block = op.seal(&me.device, Some(&Secret::from_seed(link.seed)))?;
    remember(store, &link.community, &link.addrs)?;
    store.set_meta(&key, Some(block.bytes()))?;
    Ok(block)
}

/// Notes a community we are a member of already, on a device that holds nothing of it yet, and where to ask for it.
pub fn await_community(store: &Store, community: &Cid, addrs: &[String]) -> Result<(), StoreError> {
    remember(store, community, addrs)?;
    store.set_meta(&format!("{}{community}", meta::AWAITED), Some(b""))
}

/// Forgets that communities were awaited that are here.
pub fn stop_awaiting(store: &Store, me: &Did) -> Result<(), StoreError> {
    let awaited = awaited(store, me)?;
    for (key, community) in named(store, meta::AWAITED)? {
        if !awaited.contains(&community) {
            store.set_meta(&key, None)?;
        }
    }
    Ok(())
}

/// Adds addresses to those we look for the community at.
fn remember(store: &Store, community: &Cid, addrs: &[String]) -> Result<(), StoreError> {
    let mut all = join_addresses(store, community)?;
    all.extend(addrs.iter().cloned());
    all.sort();
    all.dedup();
    all.truncate(32);
    store.set_meta(&format!("{JOIN_ADDRESSES}{community}"), Some(all.join("\n").as_bytes()))
}

/// Where the link of a join said that the community can be reached.
fn join_addresses(store: &Store, community: &Cid) -> Result<Vec<String>, StoreError> {
    let bytes = store.meta(&format!("{JOIN_ADDRESSES}{community}"))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// Is the node of this id one at which the person looks for a community: named by the link of the join, or kept by them? Addresses
/// that name no node could be anybody's, and where there are none, whoever is connected has to do.
pub fn looks_at(store: &Store, community: &Cid, peer: &str) -> Result<bool, StoreError> {
    let mut addrs = join_addresses(store, community)?;
    addrs.extend(
        store.metas(meta::PEER)?.into_iter().filter_map(|(key, _)| Some(key.strip_prefix(meta::PEER)?.to_owned())),
    );
    Ok(addrs.is_empty() || addrs.iter().any(|addr| addr.rsplit_once("/p2p/").is_none_or(|(_, id)| id == peer)))
}

/// Communities we signed a join for or are known to belong to, and of which no roster is here that says so.
pub fn pending_joins(store: &Store, me: &Did) -> Result<BTreeSet<Cid>, StoreError> {
    let mut pending = absent(store, me, meta::JOIN)?;
    pending.append(&mut awaited(store, me)?);
    let view = store.view(Scope::Members)?;
    let mut waiting = BTreeSet::new();
    for community in pending {
        // Whoever left, or was put out, waits for nothing.
        if !view.community(&community)?.is_some_and(|found| found.state.former.contains_key(me)) {
            waiting.insert(community);
        }
    }
    Ok(waiting)
}

/// Those of them we are known to belong to.
pub fn awaited(store: &Store, me: &Did) -> Result<BTreeSet<Cid>, StoreError> {
    absent(store, me, meta::AWAITED)
}

/// Communities that a meta names and of which no roster is here that holds us.
fn absent(store: &Store, me: &Did, prefix: &str) -> Result<BTreeSet<Cid>, StoreError> {
    let view = store.view(Scope::Members)?;
    let mut absent = BTreeSet::new();
    for (_, community) in named(store, prefix)? {
        if !view.community(&community)?.is_some_and(|c| c.state.is_member(me)) {
            absent.insert(community);
        }
    }
    Ok(absent)
}

/// The metas of this prefix, and the community each names.
fn named(store: &Store, prefix: &str) -> Result<Vec<(String, Cid)>, StoreError> {
    let metas = store.metas(prefix)?.into_iter();
    let named = metas.filter_map(|(key, _)| {
        let community = folkmoot_schemas::block::parse_cid(key.strip_prefix(prefix)?).ok()?;
        Some((key, community))
    });
    Ok(named.collect())
}

/// Where the links of all joins said that their communities can be reached.
pub fn joined_addresses(store: &Store) -> Result<Vec<String>, StoreError> {
    let lists = store.metas(JOIN_ADDRESSES)?;
    Ok(lists
        .iter()
        .flat_map(|(_, l)| String::from_utf8_lossy(l).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect())
}

/// Closes invites made here that are used up or over, naming the joins that count.
pub fn close_spent(store: &Store, me: &Me, clock: &Clock) -> Result<Vec<(Cid, Audience, Announce)>, PublishError> {
    let now = clock.micros();
    let mut closed = Vec::new();
    for community in store.view(Scope::Members)?.communities()? {
        for (cid, invite) in &community.state.invites {
            let spent = invite.joins.len() >= invite.uses as usize || invite.expires.is_some_and(|e| e.micros() <= now);
            if invite.closed || invite.by != me.did || !spent || seed(store, cid)?.is_none() {
                continue;
            }
            let act = Act::Close { invite: *cid, joins: Vec::new() };
            match operate(store, me, clock, &community.id, act) {
                Ok((_, announce)) => {
                    closed.push((community.id, widest(community.visibility), announce));
                    store.set_meta(&format!("{SEED}{cid}"), None)?;
                }
                // No longer ours to close.
                Err(PublishError::NotMember(_) | PublishError::NotAllowed { .. }) => {}
                Err(other) => return Err(other),
            }
        }
    }
    Ok(closed)
}
