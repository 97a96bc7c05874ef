//! What is kept here and why: pins, quotas and what they put off, and the sweep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Failure, Reply,
    handle::{Answer, News, Outcome},
    resolve::{Reading, headline},
};
use crate::store::{
    StoreError,
    pins::Target,
    quota::{Bound, Excess},
    read_pins::{Pin, Standing},
    reader::Lookup,
    sweep::Swept,
};

/// Members named for each community in a status, the fullest first.
const FULLEST: usize = 8;
/// Bytes of a pin's name.
const NAME: usize = 200;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PinInfo {
    /// URI (it moves with what stands there) or CID (it stays).
    pub target: String,
    pub name: Option<String>,
    /// Microseconds since 1970.
    pub added: u64,
    /// `current`: something stands there; `gone`: kept here alone; `awaited`: not here yet; `fixed`: a CID.
    pub state: String,
    /// The version that is current or kept; of a fixed pin the CID itself.
    pub cid: Option<String>,
    /// A line that tells a record from others.
    pub title: Option<String>,
    pub complete: bool,
    /// What is here of it, proof included.
    pub blocks: u64,
    pub bytes: u64,
    /// Blocks known to be lacking.
    pub missing: u64,
    /// They are not fetched: it has as much as `quota_pin` lets it.
    #[serde(default)]
    pub full: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptInfo {
    /// What was kept for a time only, by sort.
    pub expired: BTreeMap<String, u64>,
    /// Counts that were wrong, one line each.
    pub mended: Vec<String>,
    pub blocks: u64,
    pub bytes: u64,
    /// Bytes by which the file itself is shorter.
    pub packed: u64,
}

/// In bytes; None: no bound.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct QuotaInfo {
    pub member: Option<u64>,
    pub community: Option<u64>,
    pub node: Option<u64>,
    #[serde(default)]
    pub pin: Option<u64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PinsInfo {
    pub count: u64,
    pub complete: u64,
    pub bytes: u64,
    pub missing: u64,
}

/// A community and its fullest members.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FillInfo {
    pub community: String,
    pub community_name: String,
    pub bytes: u64,
    pub members: Vec<MemberFill>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberFill {
    pub did: String,
    pub name: String,
    pub bytes: u64,
}

/// Something known here and not taken, for want of room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeferredInfo {
    pub community: String,
    pub community_name: String,
    pub did: String,
    pub author: String,
    pub device: String,
    pub audience: String,
    pub rev: String,
    /// `member`, `community` or `node`: whose quota; None: there is room again, and it is fetched.
    pub bound: Option<String>,
    /// Bytes it would fill with what is here, and may.
    pub needed: Option<u64>,
    pub quota: Option<u64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Keeping {
    pub quotas: QuotaInfo,
    /// Bytes of all blocks.
    pub bytes: u64,
    pub communities: Vec<FillInfo>,
    pub pins: PinsInfo,
    pub deferred: Vec<DeferredInfo>,
    /// Files without room, and their bytes.
    pub deferred_files: u64,
    pub deferred_bytes: u64,
    /// What a sweep would free now; not what a full mark might find.
    pub sweep: SweptInfo,
}

impl From<Swept> for SweptInfo {
    fn from(swept: Swept) -> Self {
        let Swept { expired, mended, blocks, bytes, packed } = swept;
        let expired = expired.into_iter().map(|(what, n)| (what.to_owned(), n)).collect();
        Self { expired, mended, blocks, bytes, packed }
    }
}

impl Reading<'_> {
    pub(super) fn pin_add(&self, target: &str, community: Option<&str>, name: Option<&str>) -> Answer {
        let name = name.unwrap_or_default().trim();
        if name.len() > NAME || name.contains(char::is_control) {
            return Err(Failure::refused("this name of a pin is too long, or more than one line"));
        }
        let target = self.pin_target(target, community)?;
        let (store, now) = (self.desk.store, self.desk.clock.micros());
        let fresh = match self.snapshot(&target)? {
            Some(snapshot) => store.pin_block(&snapshot, name, now)?,
            None => store.pin(&target, name, now).map_err(Failure::of_pin)?,
        };
        let again = self.again()?;
        let pin = again.view.pins()?.into_iter().find(|pin| pin.target == target);
        let pin = again.pin_info(pin.ok_or_else(|| Failure::bug("the pin was not stored"))?)?;
        Ok(Outcome::from(Reply::Pinned { pin, fresh }).and(News::Wanted))
    }

    pub(super) fn pin_remove(&self, target: &str, community: Option<&str>) -> Answer {
        let pins = self.view.pins()?;
        let text = target.trim();
        // Lists print the short id, also of what is gone elsewhere and found nowhere but here.
        let is_short = |pin: &Pin| matches!(&pin.target, Target::Moving(uri) if uri.short_id() == text);
        let is_named = |pin: &&Pin| pin.name == text || pin.target.to_string() == text || is_short(pin);
        let named: Vec<&Pin> = pins.iter().filter(is_named).collect();
        let target = match named.as_slice() {
            [one] => one.target.clone(),
            [] => self.pin_target(text, community).map_err(|why| why.hint("`moot pin list` shows them"))?,
            several => {
                let failure = Failure::refused(format!("{} pins are called {text:?}", several.len()));
                let failure = several.iter().fold(failure, |said, pin| said.because(pin.target.to_string()));
                return Err(failure.hint("name one by what it pins"));
            }
        };
        if !self.desk.store.unpin(&target)? {
            return Err(Failure::refused(format!("there is no pin of {target}")).hint("`moot pin list` shows them"));
        }
        Ok(Reply::Done.into())
    }

    pub(super) fn pin_list(&self) -> Answer {
        let pins = self.view.pins()?.into_iter().map(|pin| self.pin_info(pin)).collect::<Result<_, _>>()?;
        Ok(Reply::Pins(pins).into())
    }

    pub(super) fn sweep(&self, dry_run: bool) -> Answer {
        let (store, now) = (self.desk.store, self.desk.clock.micros());
        if dry_run {
            return Ok(Reply::Swept(store.would_sweep(now, true)?.into()).into());
        }
        let swept = store.sweep(now, &mut || ())?;
        // What is swept is swept, whatever hinders this.
        let packed = store.pack(u64::MAX).unwrap_or_else(|why| {
            tracing::warn!(%why, "the store was not packed");
            0
        });
        Ok(Reply::Swept(Swept { packed, ..swept }.into()).into())
    }

    /// An address stays one even where nothing has come yet; anything shorter must name what is here.
    fn pin_target(&self, text: &str, community: Option<&str>) -> Result<Target, Failure> {
        let text = text.trim();
        if let Ok(target) = text.parse::<Target>() {
            return Ok(target);
        }
        Ok(Target::Moving(match self.lookup(text, community)? {
            Ok(entry) => entry.uri,
            Err(gone) => gone,
        }))
    }

    /// The block of a snapshot that is current here: it exists only once somebody wants it.
    fn snapshot(&self, target: &Target) -> Result<Option<folkmoot_schemas::Block>, Failure> {
        let Target::Fixed(cid) = target else { return Ok(None) };
        for scope in [crate::store::Scope::Public, crate::store::Scope::Members] {
            let view = self.desk.store.view(scope)?;
            for community in view.communities()? {
                let snapshot = view.snapshot_block(&community.id)?;
                if snapshot.cid() == cid {
                    return Ok(Some(snapshot));
                }
            }
        }
        Ok(None)
    }

    fn pin_info(&self, pin: Pin) -> Result<PinInfo, Failure> {
        let entry = match (&pin.target, pin.standing) {
            (Target::Moving(uri), Standing::Current(_)) => match self.view.get(uri)? {
                Lookup::Found(entry) => Some(*entry),
                _ => None,
            },
            (Target::Moving(uri), Standing::Kept(_)) => self.view.kept(uri)?,
            _ => None,
        };
        let (state, cid) = match (pin.standing, &pin.target) {
            (Standing::Current(cid), _) => ("current", Some(cid)),
            (Standing::Kept(cid), _) => ("gone", Some(cid)),
            (Standing::Awaited, _) => ("awaited", None),
            (Standing::Fixed, Target::Fixed(cid)) => ("fixed", Some(*cid)),
            (Standing::Fixed, Target::Moving(_)) => ("fixed", None),
        };
        // The URI of an answer says whose it is.
        let target = match &entry {
            Some(entry) if self.veil(&entry.uri.did, &entry.record)?.is_some_and(|veiled| !veiled.named) => {
                entry.uri.short_id()
            }
            _ => pin.target.to_string(),
        };
        Ok(PinInfo {
            target,
            name: Some(pin.name.clone()).filter(|name| !name.is_empty()),
            added: pin.added,
            state: state.to_owned(),
            cid: cid.map(|cid| cid.to_string()),
            title: entry.as_ref().map(|entry| headline(&entry.record)),
            complete: pin.is_complete(),
            blocks: pin.blocks,
            bytes: pin.bytes,
            missing: pin.missing,
            full: pin.full,
        })
    }

    pub(super) fn keeping(&self) -> Result<Keeping, Failure> {
        let (store, view) = (self.desk.store, &self.view);
        let quotas = store.quotas();
        let pins = view.pins()?;
        let files = view.deferred_files()?;
        Ok(Keeping {
            quotas: QuotaInfo {
                member: quotas.member,
                community: quotas.community,
                node: quotas.node,
                pin: quotas.pin,
            },
            bytes: view.block_bytes()?,
            communities: self.fills()?,
            pins: PinsInfo {
                count: pins.len() as u64,
                complete: pins.iter().filter(|pin| pin.is_complete()).count() as u64,
                bytes: pins.iter().map(|pin| pin.bytes).sum(),
                missing: pins.iter().map(|pin| pin.missing).sum(),
            },
            deferred: self.deferred()?,
            deferred_files: files.len() as u64,
            deferred_bytes: files.iter().map(|file| file.bytes).sum(),
            sweep: store.would_sweep(self.desk.clock.micros(), false)?.into(),
        })
    }

    fn fills(&self) -> Result<Vec<FillInfo>, Failure> {
        let mut fills: BTreeMap<_, FillInfo> = BTreeMap::new();
        for usage in self.view.usage()? {
            let fill = fills.entry(usage.community).or_insert_with(|| FillInfo {
                community: usage.community.to_string(),
                community_name: self.community_name(&usage.community),
                bytes: 0,
                members: Vec::new(),
            });
            match usage.did {
                None => fill.bytes = usage.bytes,
                Some(did) => {
                    fill.members.push(MemberFill { did: did.to_string(), name: String::new(), bytes: usage.bytes })
                }
            }
        }
        for (community, fill) in &mut fills {
            fill.members.sort_by(|a, b| (b.bytes, &a.did).cmp(&(a.bytes, &b.did)));
            fill.members.truncate(FULLEST);
            for member in &mut fill.members {
                member.name = self.view.name(community, &member.did.parse()?)?;
            }
        }
        Ok(fills.into_values().collect())
    }

    fn deferred(&self) -> Result<Vec<DeferredInfo>, Failure> {
        let mut all = Vec::new();
        for deferred in self.view.deferred()? {
            let bound = |excess: Excess| match excess.bound {
                Bound::Member => "member",
                Bound::Community => "community",
                Bound::Node => "node",
            };
            all.push(DeferredInfo {
                community: deferred.community.to_string(),
                community_name: self.community_name(&deferred.community),
                did: deferred.repo.did.to_string(),
                author: self.view.name(&deferred.community, &deferred.repo.did)?,
                device: deferred.repo.device.to_string(),
                audience: deferred.repo.audience.to_string(),
                rev: deferred.head.rev.to_string(),
                bound: deferred.excess.map(|excess| bound(excess).to_owned()),
                needed: deferred.excess.map(|excess| excess.needed),
                quota: deferred.excess.map(|excess| excess.quota),
            });
        }
        Ok(all)
    }

    fn community_name(&self, id: &folkmoot_schemas::Cid) -> String {
        self.communities.get(id).map(|community| community.name.clone()).unwrap_or_default()
    }
}

/// A pin of an address whose community is not here says what to do.
impl Failure {
    pub(super) fn of_pin(error: StoreError) -> Self {
        let refused = matches!(error, StoreError::Refused(_));
        let failure = Self::from(error);
        if refused {
            failure.hint("join or follow the community first; `moot community list` shows yours")
        } else {
            failure
        }
    }
}
