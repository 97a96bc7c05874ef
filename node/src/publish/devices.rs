//! Changing which devices are ours: the root key signs a new identity document, and what the devices it drops had written
//! goes over to this one.

use std::collections::BTreeSet;

use folkmoot_schemas::{
    Audience, Cid, Did, Tid,
    announce::Announce,
    block::Block,
    identity::{Device, Identity},
    key::Secret,
    limits,
    roster::{Act, State},
};

use super::{Me, PublishError, announce, await_community, community::operate_by, newest_identity, widest};
use crate::{
    clock::Clock,
    home::meta,
    store::{Batch, Scope, Store, StoreError, succession::Succession},
};

/// Prefix of a meta: a device that was taken out of our identity, with the document that first left it out. Its roster
/// operations are to be voided in every community, also in those that come here later, so this is noted for good.
const RETIRING: &str = "retiring/";

/// The document that follows `known`: the devices it lists without `dropped`, and `added`, under a name of its own. Only
/// the root key can sign it.
pub fn certify(
    known: &(Block, Identity),
    root: &Secret,
    added: Option<Device>,
    dropped: &BTreeSet<Did>,
) -> Result<Block, folkmoot_schemas::Error> {
    let (block, identity) = known;
    let mut devices = identity.devices.clone();
    let replaces = added.as_ref().map(|device| device.key);
    devices.retain(|device| !dropped.contains(&device.key) && Some(device.key) != replaces);
    let added = added.map(|device| Device { name: free_name(&device.name, &devices), ..device });
    devices.extend(added);
    Identity { did: identity.did, seq: identity.seq + 1, prev: Some(*block.cid()), devices }.seal(root)
}

/// `wanted`, or with a number behind it where a device has that name: machines of one make are all called the same.
fn free_name(wanted: &str, taken: &[Device]) -> String {
    let is_free = |name: &String| taken.iter().all(|device| device.name != *name);
    let numbered = (2..=taken.len() + 1).map(|n| {
        let number = format!(" {n}");
        let room = limits::DEVICE_NAME - number.len();
        wanted.chars().take(room).collect::<String>() + &number
    });
    std::iter::once(wanted.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| wanted.to_owned())
}

/// Makes a home that waited the person's: the document lists this device; what is theirs is fetched by a node. A home
/// that is theirs already and was out is in at once.
pub fn enter(
    store: &Store,
    clock: &Clock,
    document: &Block,
    communities: &[Cid],
    addrs: &[String],
) -> Result<(), PublishError> {
    let (document, identity) = Identity::open(document.bytes())?;
    let me = identity.did.to_string();
    if store.meta(meta::ME)?.is_some_and(|other| other != me.as_bytes()) {
        return Err(StoreError::Refused("this home is another identity's".into()).into());
    }
    for community in communities {
        await_community(store, community, addrs)?;
    }
    let own = store.meta(meta::DEVICE)?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<Did>().ok());
    if let Some(device) = identity.devices.iter().find(|device| Some(device.key) == own) {
        store.set_meta(meta::DEVICE_NAME, Some(device.name.as_bytes()))?;
    }
    let mut here = store.view(Scope::Members)?.communities()?.into_iter();
    if let Some(here) = here.find(|community| community.state.is_member(&identity.did)) {
        let mut batch = Batch::new(here.id, widest(here.visibility));
        batch.identities.push(document.clone());
        store.put_own(batch, clock.micros())?;
    }
    store.set_meta(meta::IDENTITY, Some(document.bytes()))?;
    store.set_meta(meta::ME, Some(me.as_bytes()))?;
    Ok(())
}

/// What came of a new identity document.
#[derive(Debug, Default)]
pub struct Succeeded {
    /// Devices that are ours no more.
    pub retired: Vec<Device>,
    /// Records that went over to this device.
    pub adopted: u64,
    /// Records that did not: dated too far ahead, or written or changed after the theft.
    pub left: u64,
    /// What was written before the theft could not be told by more than its date.
    pub unseen: bool,
    /// Names of the communities that are told.
    pub told: Vec<String>,
    pub announces: Vec<(Cid, Audience, Announce)>,
}

/// Takes a new document of ours into use: adopts what the devices it drops had written (nothing newer than `until`: what a
/// thief wrote), then retires them in every roster.
pub fn succeed(
    store: &Store,
    me: &Me,
    clock: &Clock,
    document: &Block,
    until: Option<Tid>,
) -> Result<Succeeded, PublishError> {
    let (document, identity) = Identity::open(document.bytes())?;
    let (before, known) = newest_identity(store, &me.did)?;
    if identity.did != me.did || !(before == document || identity.beats(document.cid(), &known, before.cid())) {
        return Err(PublishError::Overtaken);
    }
    if !identity.certifies(&me.device.did()) {
        return Err(PublishError::Retired);
    }
    let retired: Vec<_> = known.devices.into_iter().filter(|device| !identity.certifies(&device.key)).collect();
    for device in &retired {
        store.set_meta(&format!("{RETIRING}{}", device.key), Some(document.bytes()))?;
    }
    let inherited = store.succeed(Succession {
        identity: &document,
        device: &me.device,
        until,
        now: clock.micros(),
        random: clock.tid_bits(),
    })?;
    store.set_meta(meta::IDENTITY, Some(document.bytes()))?;

    let (adopted, left, unseen) = (inherited.records, inherited.left, inherited.unseen);
    let mut done = Succeeded { retired, adopted, left, unseen, ..Succeeded::default() };
    // First what was taken over, as far as this device was known before: who hears of the document first drops what the
    // others had written, files too, and fetches all of it again.
    for (community, audience, committed) in inherited.commits {
        done.announces.extend(announce(committed).map(|told| (community, audience, told)));
    }
    for community in store.view(Scope::Members)?.communities()?.into_iter().filter(|c| c.state.is_member(&me.did)) {
        done.told.push(community.name);
        let told = Announce { identity: Some(document.bytes().clone()), ..Announce::default() };
        done.announces.push((community.id, widest(community.visibility), told));
    }
    done.announces.extend(finish_retiring(store, me, clock)?);
    Ok(done)
}

/// Writes the roster operations of devices that were taken out of our identity, in each community whose roster has none by
/// a document as new: a cut may have kept it from being written, the community may have come here since, and the
/// device may have been in again after it was retired there. It links the document that took the device out, not the
/// newest: whoever holds the device learns that one (`sync::perform::overtaken`).
pub fn finish_retiring(store: &Store, me: &Me, clock: &Clock) -> Result<Vec<(Cid, Audience, Announce)>, PublishError> {
    let mut announces = Vec::new();
    for (key, noted) in store.metas(RETIRING)? {
        let Some(Ok(device)) = key.strip_prefix(RETIRING).map(str::parse::<Did>) else { continue };
        let (newest, known) = newest_identity(store, &me.did)?;
        if known.certifies(&device) {
            continue;
        }
        // A version that kept no document noted none.
        let (document, identity) = match noted.is_empty() {
            true => (newest.clone(), known),
            false => Identity::open(&noted)?,
        };
        if noted.is_empty() {
            store.set_meta(&key, Some(document.bytes()))?;
        }
        // In a home that was restored the note is older than this device.
        let document = if identity.certifies(&me.device.did()) { document } else { newest };
        let retired = |state: &State| state.retired.get(&(me.did, device)).is_some_and(|by| by.seq >= identity.seq);
        let communities = store.view(Scope::Members)?.communities()?.into_iter();
        for community in communities.filter(|c| c.state.is_member(&me.did) && !retired(&c.state)) {
            match operate_by(store, me, clock, &community.id, Act::Retire { device }, document.clone()) {
                Ok((_, told)) => announces.push((community.id, widest(community.visibility), told)),
                // The document alone keeps the device from writing records.
                Err(PublishError::Store(StoreError::Refused(why))) => {
                    tracing::debug!(community = %community.id, why, "a retired device's operations stay valid");
                }
                Err(other) => return Err(other),
            }
        }
    }
    Ok(announces)
}
