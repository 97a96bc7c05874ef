//! Publishing: build, sign, store in one transaction, and hand back the announcement for whoever can send it.
//!
//! What is checked here is checked so that a person is told before anything is written; replicas judge for themselves.

mod answer;
mod community;
mod delete;
mod devices;
mod going;
mod introduce;
mod invite;
mod lists;
mod tidy;

use folkmoot_schemas::{
    Audience, Cid, Did, Record, Tid, Uri,
    announce::Announce,
    block::Block,
    charter::Visibility,
    error::Fault,
    identity::Identity,
    key::Secret,
    records::{
        event::Event,
        revision::{Revision, Right},
    },
    roster::Role,
};

pub use answer::Unanswerable;
pub(crate) use community::widest;
pub use community::{found, operate};
pub use delete::delete;
pub use devices::{Succeeded, certify, enter, finish_retiring, succeed};
pub use going::{leave, readmit, remove};
pub use introduce::{introduce, nameless};
pub use invite::{
    await_community, awaited, close_spent, invite, join, joined_addresses, looks_at, pending_joins, seed, stop_awaiting,
};
pub use lists::{decide, keep_lists};
pub use tidy::{is_untidy, put_back, tidy};

use crate::{
    clock::Clock,
    home::meta,
    store::{
        OwnCommit, Scope, Store, StoreError, View,
        reader::{Community, Entry, Lookup},
        write::{Change, Committed},
    },
};

/// Who is publishing: this device of this person.
#[derive(Debug, Clone)]
pub struct Me {
    pub did: Did,
    pub device: Secret,
}

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("this home is not a member of {0}")]
    NotMember(String),
    #[error("a {} may not do this in {community}", role.as_str())]
    NotAllowed { role: Role, community: String },
    #[error("this device was taken out of your identity")]
    Retired,
    /// A home made for a further device, before a device of the person let it in.
    #[error("this device was not let into an identity yet")]
    Waiting,
    /// Somebody signed another document meanwhile.
    #[error("your identity was changed elsewhere meanwhile")]
    Overtaken,
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the {kind} is {size} bytes long, {limit} are allowed")]
    TooLarge { kind: String, size: usize, limit: usize },
    #[error("there is no record {0} here")]
    Absent(String),
    #[error("{0} was written by someone else")]
    NotYours(String),
    /// Of somebody else's event.
    #[error("only its author and the hosts who may edit it can change it")]
    NotHost,
    #[error("only its author says who {0}")]
    AuthorsPart(&'static str),
    #[error("a steward may change only whether it takes place, and the note on that")]
    StewardsPart,
    #[error(transparent)]
    Unanswerable(#[from] Unanswerable),
    #[error("only who keeps its list can say who has a place")]
    NotAnchor,
    #[error("no list is kept for it")]
    NoList,
    #[error("the list has no room for one more")]
    ListFull,
    /// Made from a version that is the newest no more.
    #[error("its author changed it meanwhile")]
    Superseded,
    #[error("the store could not take it")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Schemas(#[from] folkmoot_schemas::Error),
}

/// A record to publish. `rkey` None: fresh, or the kind's own; else it replaces our record there.
#[derive(Debug, Clone)]
pub struct Draft {
    /// None: the kind's audience, or that of the record it replaces. `Public` never widens a kind that is for members.
    pub audience: Option<Audience>,
    pub rkey: Option<String>,
    pub record: Record,
    pub again: bool,
}

#[derive(Debug, Clone)]
pub struct Published {
    /// In the order of the drafts.
    pub items: Vec<PublishedItem>,
    /// What peers are told, one per audience written.
    pub announces: Vec<(Audience, Announce)>,
}

#[derive(Debug, Clone)]
pub struct PublishedItem {
    pub uri: Uri,
    pub cid: Cid,
    pub rev: Tid,
    pub audience: Audience,
    pub existed: bool,
}

impl Me {
    /// From the store's `me` and the device key; refuses when the identity no longer lists this device.
    pub fn load(store: &Store, device: Secret) -> Result<Self, PublishError> {
        match Self::listed(store, device)? {
            (me, true) => Ok(me),
            (_, false) => Err(PublishError::Retired),
        }
    }

    /// The same of a device that may be out: it reads what is here, and whatever it would sign is refused.
    pub fn of(store: &Store, device: Secret) -> Result<Self, PublishError> {
        Ok(Self::listed(store, device)?.0)
    }

    /// And whether the identity lists the device.
    fn listed(store: &Store, device: Secret) -> Result<(Self, bool), PublishError> {
        let did = store.meta(meta::ME)?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
        let did = did.ok_or(PublishError::Waiting)?;
        let own = device.did().to_string();
        if store.meta(meta::DEVICE)?.as_deref() != Some(own.as_bytes()) {
            store.set_meta(meta::DEVICE, Some(own.as_bytes()))?;
        }
        let (block, identity) = held_identity(store, &did)?;
        let listed = identity.certifies(&device.did());
        if !listed {
            // Nobody is told so by a document that was damaged.
            Identity::open(block.bytes())?;
        }
        Ok((Self { did, device }, listed))
    }

    /// The person by their root key, to recover the identity: may ask for what is theirs, signs nothing but identities.
    pub fn root(root: Secret) -> Self {
        Self { did: root.did(), device: root }
    }

    pub fn is_root(&self) -> bool {
        self.did == self.device.did()
    }
}

/// Our own document, from the home's own copy or from a community that has a newer one. Verified again: what the root
/// key signs next goes on from it.
pub(crate) fn newest_identity(store: &Store, did: &Did) -> Result<(Block, Identity), PublishError> {
    let (block, _) = held_identity(store, did)?;
    Ok(Identity::open(block.bytes())?)
}

/// Whether our newest document does not list this device.
pub(crate) fn is_out(store: &Store, me: &Me) -> Result<bool, PublishError> {
    Ok(!held_identity(store, &me.did)?.1.certifies(&me.device.did()))
}

/// Our newest document, to sign something by: it lists this device.
pub(crate) fn document_of(store: &Store, me: &Me) -> Result<Block, PublishError> {
    match newest_identity(store, &me.did)? {
        (block, identity) if identity.certifies(&me.device.did()) => Ok(block),
        _ => Err(PublishError::Retired),
    }
}

/// The newest as it is held. Every command without a node reads it, and a signature takes longer than all the rest of it.
fn held_identity(store: &Store, did: &Did) -> Result<(Block, Identity), PublishError> {
    let known = store.view(Scope::Members)?.identity(did)?;
    let own = store.meta(meta::IDENTITY)?;
    // Mostly they are one and the same.
    let own = own.filter(|own| known.as_ref().is_none_or(|(block, _)| *own != **block.bytes()));
    let own = own.map(|bytes| Identity::open(&bytes)).transpose()?;
    if known.iter().chain(&own).any(|(_, identity)| identity.did != *did) {
        return Err(StoreError::Damaged("the identity document here is another person's".into()).into());
    }
    match (known, own) {
        (Some((block, known)), Some((own_block, own))) => match known.beats(block.cid(), &own, own_block.cid()) {
            true => Ok((block, known)),
            false => Ok((own_block, own)),
        },
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => Err(StoreError::Damaged("our identity document is missing".into()).into()),
    }
}

/// The community, and our role in it.
fn member(store: &Store, view: &View, me: &Me, community: &Cid) -> Result<(Community, Role), PublishError> {
    let found = view.community(community)?.ok_or_else(|| PublishError::NotMember(community.to_string()))?;
    if is_out(store, me)? {
        return Err(PublishError::Retired);
    }
    match found.state.role(&me.did) {
        Some(role) => Ok((found, role)),
        None => Err(PublishError::NotMember(found.name)),
    }
}

/// Checks fields, sizes, membership and role; one commit per audience for all drafts.
pub fn publish(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    drafts: Vec<Draft>,
) -> Result<Published, PublishError> {
    let view = store.view(Scope::Members)?;
    let (known, role) = member(store, &view, me, community)?;
    let mut plans = [(Audience::Public, Vec::new()), (Audience::Members, Vec::new())];
    let mut places = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let (audience, change) = prepare(&view, me, &known, role, draft, clock.seconds())?;
        let plan = &mut plans[usize::from(audience == Audience::Members)].1;
        places.push((audience, plan.len()));
        plan.push(change);
    }
    drop(view);

    let mut announces = Vec::new();
    let mut written = [Vec::new(), Vec::new()];
    for (audience, changes) in plans {
        if changes.is_empty() {
            continue;
        }
        let mut committed = commit(store, me, clock, community, audience, changes)?;
        written[usize::from(audience == Audience::Members)] = std::mem::take(&mut committed.puts);
        announces.extend(announce(committed).map(|a| (audience, a)));
    }
    let mut items = Vec::with_capacity(places.len());
    for (audience, at) in places {
        let put = written[usize::from(audience == Audience::Members)]
            .get(at)
            .ok_or_else(|| StoreError::Damaged("a record was not stored".into()))?;
        let (collection, rkey) = folkmoot_schemas::uri::check_path(&put.path)?;
        let uri = Uri::new(*community, me.did, collection, rkey)?;
        items.push(PublishedItem { uri, cid: put.cid, rev: put.rev, audience, existed: put.existed });
    }
    Ok(Published { items, announces })
}

/// One draft, judged and made into a change of one of our repositories. `now`: seconds.
fn prepare(
    view: &View,
    me: &Me,
    community: &Community,
    role: Role,
    draft: Draft,
    now: i64,
) -> Result<(Audience, Change), PublishError> {
    let Draft { audience, rkey, mut record, again } = draft;
    if let Record::Unknown { name, .. } = &record {
        return Err(Fault::new("$type", format!("{name} has a shape this version cannot publish")).into());
    }
    if matches!(record, Record::Tombstone(_)) {
        return Err(Fault::new("$type", "a tombstone is written by deleting").into());
    }
    if !record.allowed(role) {
        return Err(PublishError::NotAllowed { role, community: community.name.clone() });
    }
    if record.about().is_some_and(|about| about.community != community.id) {
        return Err(Fault::new("about", "it answers a record of another community").into());
    }
    let fixed = record.rkey();
    if let (Some(fixed), Some(given)) = (&fixed, &rkey)
        && fixed != given
    {
        return Err(Fault::new("rkey", format!("must be {fixed:?}")).into());
    }
    let older = match fixed.as_ref().or(rkey.as_ref()) {
        Some(at) => older(view, me, community, record.name(), at, fixed.is_some())?,
        None => None,
    };
    if let (Record::Event(new), Some(Entry { record: Record::Event(old), .. })) = (&mut record, &older) {
        new.follow(old);
    }
    if let Record::Rsvp(rsvp) = &mut record {
        answer::prepare(view, me, community, role, rsvp, now)?;
    }
    let revised = match &mut record {
        Record::Revision(revision) => Some(revise(view, me, community, revision)?),
        _ => None,
    };
    record.check()?;
    let size = record.size()?;
    if size > record.limit() {
        return Err(PublishError::TooLarge { kind: record.card().kind, size, limit: record.limit() });
    }
    let narrowest = match community.visibility {
        Visibility::Members => Audience::Members,
        Visibility::Public => record.audience(),
    };
    let audience = match &older {
        // A revision is seen by whoever sees the event.
        _ if revised.is_some() => revised.unwrap_or(narrowest),
        Some(older) if audience.is_some_and(|a| a != older.audience) && narrowest == Audience::Public => {
            return Err(Fault::new("audience", format!("this was published for {}", reach(older.audience))).into());
        }
        Some(older) => older.audience,
        None => audience.unwrap_or(narrowest).max(narrowest),
    };
    Ok((audience, Change::Put { rkey, record, again }))
}

/// Judges a revision as every reader will, and makes it the successor of the event as it is shown now. Whose audience.
fn revise(view: &View, me: &Me, community: &Community, revision: &mut Revision) -> Result<Audience, PublishError> {
    let Lookup::Found(event) = view.get(&revision.of)? else {
        return Err(PublishError::Absent(revision.of.to_string()));
    };
    let (Record::Event(old), Record::Event(own)) = (&event.record, Record::view(&event.block)?.1) else {
        return Err(Fault::new("of", "does not name an event").into());
    };
    let right = Right::of(&me.did, &event.uri, &own, &community.state).ok_or(PublishError::NotHost)?;
    if revision.seen != event.cid {
        return Err(PublishError::Superseded);
    }
    revision.event.follow(old);
    let bound = right.bound(old, &revision.event);
    let derived = Event {
        previous: bound.previous.clone(),
        sequence: bound.sequence,
        all_since: bound.all_since,
        dates_since: bound.dates_since.clone(),
        ..revision.event.clone()
    };
    match right {
        Right::Steward if derived != bound => Err(PublishError::StewardsPart),
        Right::Host if revision.event.hosts != bound.hosts => Err(PublishError::AuthorsPart("the hosts are")),
        Right::Host if derived != bound => Err(PublishError::AuthorsPart("keeps the list")),
        _ => Ok(event.audience),
    }
}

fn reach(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "everyone; delete it to take it back",
        Audience::Members => "members; publish it anew to show it to everyone",
    }
}

/// Our record at this place. A kind that takes fresh rkeys can only be replaced where it is.
fn older(
    view: &View,
    me: &Me,
    community: &Community,
    collection: &str,
    rkey: &str,
    may_be_new: bool,
) -> Result<Option<Entry>, PublishError> {
    let uri = Uri::new(community.id, me.did, collection, rkey)?;
    match view.get(&uri)? {
        Lookup::Found(entry) => Ok(Some(*entry)),
        _ if may_be_new => Ok(None),
        _ => Err(PublishError::Absent(uri.to_string())),
    }
}

fn commit(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    audience: Audience,
    changes: Vec<Change>,
) -> Result<Committed, StoreError> {
    store.commit_own(plan(me, clock, community, audience, changes))
}

fn plan<'a>(me: &'a Me, clock: &Clock, community: &Cid, audience: Audience, changes: Vec<Change>) -> OwnCommit<'a> {
    OwnCommit {
        community: *community,
        did: me.did,
        device: &me.device,
        audience,
        changes,
        now: clock.micros(),
        random: clock.tid_bits(),
    }
}

fn announce(committed: Committed) -> Option<Announce> {
    committed.wrote.then(|| Announce {
        commit: Some(committed.commit.bytes().clone()),
        records: committed.blocks.into_iter().map(|(path, block)| (path, block.bytes().clone())).collect(),
        gone: committed.gone,
        ..Announce::default()
    })
}

#[cfg(test)]
pub(crate) mod tests;
