//! The devices of this person.

use std::collections::BTreeMap;

use folkmoot_schemas::{Tid, block::Block, identity::Identity};

use serde::{Deserialize, Serialize};

use super::{
    Failure, Reply,
    failure::could_not,
    handle::{Answer, News, Outcome},
    resolve::Reading,
};
use crate::publish;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Devices {
    /// The newest identity document known here, its exact bytes.
    #[serde(with = "serde_bytes")]
    pub identity: Vec<u8>,
    pub devices: Vec<DeviceInfo>,
    /// Communities the person is a member of, and addresses at which a further device finds them.
    pub communities: Vec<String>,
    pub addresses: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceInfo {
    pub key: String,
    pub name: String,
    /// Seconds since 1970.
    pub added: i64,
    /// When it last wrote something that is here.
    pub wrote: Option<i64>,
    pub records: u64,
    pub this: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Succeeded {
    /// Names of the devices that are this person's no more.
    pub retired: Vec<String>,
    /// Records taken over from them.
    pub adopted: u64,
    /// Records that were not: dated far ahead, or written or changed after the theft.
    pub left: u64,
    /// Not all that was written before the theft was seen here in time: of that, only the dates could be judged.
    pub unseen: bool,
    /// Names of the communities whose rosters say so now; others hear of it when they come here.
    pub told: Vec<String>,
    pub sent: bool,
}

impl Succeeded {
    pub fn of(done: &crate::publish::Succeeded, sent: bool) -> Self {
        Self {
            retired: done.retired.iter().map(|device| device.name.clone()).collect(),
            adopted: done.adopted,
            left: done.left,
            unseen: done.unseen,
            told: done.told.clone(),
            sent,
        }
    }
}

impl Reading<'_> {
    pub(super) fn devices(&self) -> Answer {
        let me = self.desk.me;
        let (block, identity) =
            publish::newest_identity(self.desk.store, &me.did).map_err(could_not("read the identity"))?;
        // Newest rev and number of records of each device, over all communities.
        let mut written: BTreeMap<_, (Tid, u64)> = BTreeMap::new();
        for community in self.communities.keys() {
            for head in self.view.heads(community)?.into_iter().filter(|head| head.repo.did == me.did) {
                let records = self.view.head_commit(community, &head.repo)?.map_or(0, |(_, commit)| commit.count);
                let (newest, count) = written.entry(head.repo.device).or_insert((head.known.rev, 0));
                *newest = (*newest).max(head.known.rev);
                *count += records;
            }
        }
        let seconds = |tid: Tid| (tid.micros() / 1_000_000) as i64;
        let devices = identity.devices.iter().map(|device| DeviceInfo {
            key: device.key.to_string(),
            name: device.name.clone(),
            added: seconds(device.added),
            wrote: written.get(&device.key).map(|(newest, _)| seconds(*newest)),
            records: written.get(&device.key).map_or(0, |(_, count)| *count),
            this: device.key == me.device.did(),
        });
        let communities = self.communities.values().filter(|c| c.joined).map(|c| c.id.to_string());
        let mut addresses = self.link_addresses()?;
        // The other nodes of its communities, in case this one sleeps when the new device asks.
        let mut others: Vec<_> = self.desk.store.reached()?.into_iter().collect();
        others.sort_by_key(|(_, reached)| std::cmp::Reverse(reached.at));
        let first = others.iter().filter_map(|(peer, reached)| Some(format!("{}/p2p/{peer}", reached.addrs.first()?)));
        addresses.extend(first);
        addresses.truncate(folkmoot_schemas::limits::LINK_ADDRS);
        Ok(Reply::Devices(Devices {
            identity: block.bytes().to_vec(),
            devices: devices.collect(),
            communities: communities.collect(),
            addresses,
        })
        .into())
    }

    pub(super) fn succeed(&self, identity: &[u8], until: Option<u64>) -> Answer {
        let desk = &self.desk;
        let document: Block = match Identity::open(identity) {
            Ok((block, _)) => block,
            Err(why) => return Err(Failure::refused("this is not an identity document").because(why.to_string())),
        };
        let until = until.map(|micros| Tid::new(micros, 0x3ff));
        let done = publish::succeed(desk.store, desk.me, desk.clock, &document, until)
            .map_err(could_not("change your devices"))?;
        let reply = Reply::Succeeded(Succeeded::of(&done, !desk.live.peers.is_empty()));
        let news = done.announces.into_iter().map(|(community, audience, a)| News::Announce(community, audience, a));
        Ok(Outcome { reply, news: news.collect() })
    }
}
