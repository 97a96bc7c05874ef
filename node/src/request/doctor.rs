//! What is not as it should be, and what happened that the person should know.

use std::collections::BTreeMap;

use folkmoot_schemas::{Did, Record, Tid, Uri};

use serde::{Deserialize, Serialize};

use super::{
    Failure,
    failure::LET_IN_AGAIN,
    resolve::{Reading, headline},
};
use crate::{
    publish,
    store::notices::{Notice, Version, What},
};

/// How a home is, and what its person should know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkup {
    pub findings: Vec<Finding>,
    pub notices: Vec<NoticeInfo>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: one word, always the same.
    pub check: String,
    pub state: Health,
    pub message: String,
    pub detail: Vec<String>,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Fine,
    /// Nothing to do, or it mends itself.
    Note,
    /// The person has to do something.
    Wrong,
}

/// Something that happened to the person's own writing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoticeInfo {
    /// Microseconds since 1970; names the notice.
    pub at: u64,
    pub what: Told,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Two devices wrote at one place without knowing of each other. `deleted`: what counts is a deletion.
    Overruled { item: Subject, lost: Side, won: Side, deleted: bool },
    /// One device deleted what another changed without knowing of that: it is there again.
    Revived { item: Subject, deleted: Side, won: Side },
    /// An older copy of this device's disk had been in use: what it had written in between was put back from others.
    PutBack { community_name: String, device: String, records: u32, removed: u32 },
}

/// What a notice is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subject {
    pub uri: String,
    pub short: String,
    /// Kind and title, as far as they are known here.
    pub title: String,
    pub community_name: String,
}

/// A device and what it did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Side {
    pub device: String,
    /// As the identity names it, else the beginning of its key.
    pub name: String,
    pub here: bool,
    /// Microseconds since 1970, by that device's clock.
    pub at: u64,
}

impl Side {
    /// For a sentence.
    pub fn title(&self) -> &str {
        if self.here { "this device" } else { &self.name }
    }
}

/// Clocks may differ by this much before it is worth a word: 10 minutes, in microseconds.
const CLOCKS: u64 = 10 * 60 * 1_000_000;
const HOUR: u64 = 3600 * 1_000_000;

fn finding(check: &str, state: Health, message: impl Into<String>) -> Finding {
    Finding { check: check.into(), state, message: message.into(), detail: Vec::new(), hint: None }
}

impl Finding {
    fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}

impl Reading<'_> {
    pub(super) fn checkup(&self) -> Result<Checkup, Failure> {
        let mut findings = vec![self.disk(), self.node(), self.own_devices()?];
        findings.extend(self.apart()?);
        findings.push(self.clock()?);
        findings.extend(self.lacking()?);
        findings.extend(self.hook_finding()?);
        Ok(Checkup { findings, notices: self.told()? })
    }

    pub(super) fn told(&self) -> Result<Vec<NoticeInfo>, Failure> {
        self.desk.store.notices()?.iter().map(|notice| self.notice(notice)).collect()
    }

    fn notice(&self, notice: &Notice) -> Result<NoticeInfo, Failure> {
        let what = match &notice.what {
            What::Overruled { uri, lost, won, deleted } => Told::Overruled {
                item: self.subject(uri)?,
                lost: self.side(lost)?,
                won: self.side(won)?,
                deleted: *deleted,
            },
            What::Revived { uri, deleted, won } => {
                Told::Revived { item: self.subject(uri)?, deleted: self.side(deleted)?, won: self.side(won)? }
            }
            What::PutBack { community, device, records, removed, .. } => {
                let known = self.communities.values().find(|known| known.id.to_string() == *community);
                Told::PutBack {
                    community_name: known.map_or_else(|| community.clone(), |known| known.name.clone()),
                    device: device.to_string(),
                    records: *records,
                    removed: *removed,
                }
            }
        };
        Ok(NoticeInfo { at: notice.at, what })
    }

    pub(super) fn subject(&self, uri: &Uri) -> Result<Subject, Failure> {
        let record = |entry: &&crate::store::reader::Entry| !matches!(entry.record, Record::Tombstone(_));
        let title = match self.view.standing(uri)?.iter().find(record) {
            Some(entry) => Some(headline(&entry.record)),
            None => match self.view.versions(uri)?.first() {
                Some(old) => Some(headline(&Record::view(&old.block)?.1)),
                None => None,
            },
        };
        let bare = || format!("{} {}", uri.collection.rsplit('.').next().unwrap_or_default(), uri.short_id());
        Ok(Subject {
            uri: uri.to_string(),
            short: uri.short_id(),
            title: title.unwrap_or_else(bare),
            community_name: self.communities.get(&uri.community).map(|c| c.name.clone()).unwrap_or_default(),
        })
    }

    pub(super) fn by(&self, did: &Did, device: Did, rev: Tid) -> Result<Side, Failure> {
        let name = self.device_names(did)?.remove(&device).unwrap_or_else(|| device.short());
        let here = device == self.desk.me.device.did();
        Ok(Side { device: device.to_string(), name, here, at: rev.micros() })
    }

    fn side(&self, version: &Version) -> Result<Side, Failure> {
        self.by(&self.desk.me.did, version.device, version.rev)
    }

    fn device_names(&self, did: &Did) -> Result<BTreeMap<Did, String>, Failure> {
        let devices = self.view.identity(did)?.map(|(_, identity)| identity.devices).unwrap_or_default();
        Ok(devices.into_iter().filter(|d| !d.name.is_empty()).map(|device| (device.key, device.name)).collect())
    }

    fn disk(&self) -> Finding {
        match self.desk.store.probe() {
            true => finding("disk", Health::Fine, "the disk takes what is written"),
            false => finding("disk", Health::Wrong, "the disk did not take the last write: nothing new is stored")
                .hint("make space on the disk, or look for its errors in the system log"),
        }
    }

    fn node(&self) -> Finding {
        let live = self.desk.live;
        match (live.running, live.peers.len()) {
            (false, _) => {
                finding("node", Health::Note, "no node is running: nothing is sent or fetched").hint("moot serve")
            }
            (true, 0) => finding("node", Health::Note, "no other node is connected")
                .hint("name one with `moot peer add ADDR`; another member's `moot status` shows where it listens"),
            (true, peers) => finding("node", Health::Fine, format!("connected to {peers} other nodes")),
        }
    }

    /// Which devices speak for this person, and whether this one still does.
    fn own_devices(&self) -> Result<Finding, Failure> {
        let me = self.desk.me;
        let (_, identity) = publish::newest_identity(self.desk.store, &me.did)?;
        let own = me.device.did();
        let mut found = match (identity.certifies(&own), identity.devices.len()) {
            (false, _) => finding(
                "devices",
                Health::Wrong,
                "this device was taken out of your identity: what it writes reaches nobody",
            )
            .hint(LET_IN_AGAIN),
            (true, 1) => finding("devices", Health::Fine, "this device alone"),
            (true, devices) => finding("devices", Health::Fine, format!("{devices} devices of yours")),
        };
        found.detail = identity
            .devices
            .iter()
            .map(|device| {
                let here = if device.key == own { " (this one)" } else { "" };
                format!("{}{here}  {}", device.name, device.key)
            })
            .collect();
        if found.state == Health::Wrong {
            let why =
                "by another device of yours, or because a backup was restored twice. Nothing here is lost. Yours now:";
            found.detail.insert(0, why.into());
        }
        Ok(found)
    }

    /// Devices of this person that others of theirs know nothing of. One that a roster retires was meant to go, and may be
    /// a thief's: what it said before the retirement came here is no reason to let it in.
    fn apart(&self) -> Result<Option<Finding>, Failure> {
        let (_, identity) = publish::newest_identity(self.desk.store, &self.desk.me.did)?;
        let retired =
            |key: &Did| self.communities.values().any(|known| known.state.retired.contains_key(&(identity.did, *key)));
        let apart = self.desk.live.apart.iter().filter(|(key, _)| !identity.certifies(key) && !retired(key));
        let detail: Vec<String> = apart.map(|(key, name)| format!("{name}  {key}")).collect();
        let message = "your words let in a device that is out again, as when a backup is restored twice";
        let found = finding("devices", Health::Note, message);
        Ok((!detail.is_empty()).then(|| {
            Finding { detail, ..found }.hint(
                "to keep it: on that machine, with its node stopped, moot init --recover; else delete its home there",
            )
        }))
    }

    /// This device is not in its person's newest identity document.
    pub(super) fn is_out(&self) -> Result<bool, Failure> {
        Ok(publish::is_out(self.desk.store, self.desk.me)?)
    }

    /// Others' clocks tell whether ours is right.
    fn clock(&self) -> Result<Finding, Failure> {
        let now = self.desk.clock.micros();
        let mut newest: BTreeMap<Did, u64> = BTreeMap::new();
        for community in self.communities.keys() {
            for head in self.view.heads(community)? {
                let at = newest.entry(head.repo.did).or_default();
                *at = (*at).max(head.known.rev.micros());
            }
        }
        newest.retain(|_, at| *at > now + CLOCKS);
        let own = newest.remove(&self.desk.me.did);
        let hours = |at: u64| match (at - now) / HOUR {
            0 => "less than an hour".to_owned(),
            1 => "an hour".to_owned(),
            hours @ 2..48 => format!("{hours} hours"),
            hours => format!("{} days", hours / 24),
        };
        let ahead = newest.values().min().copied();
        Ok(match (newest.len(), ahead, own) {
            (0, _, None) => finding("clock", Health::Fine, "nobody's clock is ahead of this one"),
            (0, _, Some(own)) => {
                finding("clock", Health::Note, format!("you published with a clock {} ahead of this one", hours(own)))
            }
            (1, Some(ahead), _) => {
                let whom = newest.keys().next().map(Did::short).unwrap_or_default();
                let message = format!("{whom} publishes with a clock {} ahead of this one", hours(ahead));
                finding("clock", Health::Note, message)
            }
            (people, ahead, _) => {
                let behind = hours(ahead.unwrap_or(now));
                let message = format!("this machine's clock seems {behind} behind those of {people} other people");
                finding("clock", Health::Wrong, message).hint("set the clock of this machine")
            }
        })
    }

    fn lacking(&self) -> Result<Vec<Finding>, Failure> {
        let mut found = Vec::new();
        for community in self.communities.values() {
            if !self.view.complete(&community.id)? {
                let message = format!("{}: not everything that is known of is here yet", community.name);
                found.push(finding("community", Health::Note, message).hint("moot sync"));
            }
        }
        for community in publish::pending_joins(self.desk.store, &self.desk.me.did)? {
            let message = format!("the join of {community} has not been answered yet");
            found.push(finding("join", Health::Note, message).hint("moot sync"));
        }
        Ok(found)
    }
}
