//! Who this home is and how it is.

use super::{Failure, Reply, Status, Whoami, handle::Answer, resolve::Reading};
use crate::home::meta;

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
