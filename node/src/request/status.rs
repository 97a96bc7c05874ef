//! Who this home is and how it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CommunityInfo, Failure, HookInfo, Keeping, NoticeInfo, Reply, handle::Answer, resolve::Reading};
use crate::home::meta;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Whoami {
    pub did: String,
    pub device: String,
    pub device_name: String,
    /// This device is none of the person's any more.
    #[serde(default)]
    pub out: bool,
    pub name: Option<String>,
    pub home: String,
    pub peer_id: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Status {
    pub running: bool,
    pub did: String,
    /// This device is none of the person's any more.
    #[serde(default)]
    pub out: bool,
    pub peers: u32,
    pub communities: Vec<CommunityInfo>,
    pub store_bytes: u64,
    pub store_blocks: u64,
    /// The disk takes no writes: nothing is stored until it does.
    pub read_only: bool,
    pub uptime_s: u64,
    pub listen: Vec<String>,
    /// `http://127.0.0.1:4780`
    pub http: Option<String>,
    /// Counters of the network: what was dropped, refused, pulled.
    pub counters: BTreeMap<String, u64>,
    /// Pins, quotas, and what they put off.
    pub keeping: Keeping,
    /// What the person has not been told yet, oldest first.
    #[serde(default)]
    pub notices: Vec<NoticeInfo>,
    /// None: no hook is set.
    #[serde(default)]
    pub hook: Option<HookInfo>,
}

impl Reading<'_> {
    pub(super) fn whoami(&self) -> Answer {
        let me = self.desk.me;
        let device_name = self.desk.store.meta(meta::DEVICE_NAME)?.unwrap_or_default();
        let mut name = None;
        for community in self.communities.values().filter(|c| c.joined) {
            let uri = folkmoot_schemas::Uri::new(community.id, me.did, "org.folkmoot.profile", "self")?;
            if let crate::store::reader::Lookup::Found(entry) = self.view.get(&uri)? {
                name = entry.record.as_profile().map(|p| p.name.clone());
                break;
            }
        }
        Ok(Reply::Whoami(Whoami {
            did: me.did.to_string(),
            device: me.device.did().to_string(),
            device_name: String::from_utf8_lossy(&device_name).into_owned(),
            out: self.is_out()?,
            name,
            home: self.desk.dir.display().to_string(),
            peer_id: self.desk.live.peer_id.clone(),
        })
        .into())
    }

    pub(super) fn status(&self) -> Result<Status, Failure> {
        let live = self.desk.live;
        let (store_bytes, store_blocks) = self.desk.store.size()?;
        Ok(Status {
            running: live.running,
            did: self.desk.me.did.to_string(),
            out: self.is_out()?,
            peers: live.peers.len() as u32,
            communities: self.infos()?,
            store_bytes,
            store_blocks,
            read_only: !self.desk.store.probe(),
            uptime_s: live.uptime_s,
            listen: live.addresses.clone(),
            http: live.http.clone(),
            counters: live.counters.clone(),
            keeping: self.keeping()?,
            notices: self.told()?,
            hook: self.hook()?,
        })
    }
}
