//! Publishing: build, sign, store in one transaction, and hand back the announcement for whoever can send it.

use folkmoot_schemas::{
    Audience, Cid, Did, Record, Tid, Uri,
    announce::Announce,
    charter::Visibility,
    key::Secret,
    link::InviteLink,
    roster::{Act, Describe, Role},
};

use crate::{
    clock::Clock,
    store::{Store, StoreError},
};

/// Who is publishing: this device of this person.
#[derive(Debug, Clone)]
pub struct Me {
    pub did: Did,
    pub device: Secret,
    /// Newest identity document of ours.
    pub identity: Cid,
}

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("this home is not a member of {0}")]
    NotMember(String),
    #[error("a {role:?} may not do this in {community}")]
    NotAllowed { role: Role, community: String },
    #[error(transparent)]
    Fault(#[from] folkmoot_schemas::error::Fault),
    #[error("the {kind} is {size} bytes long, {limit} are allowed")]
    TooLarge { kind: String, size: usize, limit: usize },
    #[error("there is no record {0} here")]
    Absent(String),
    #[error("{0} was written by someone else")]
    NotYours(String),
    #[error("the store could not take it")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Schemas(#[from] folkmoot_schemas::Error),
}

/// A record to publish. `rkey` None: fresh, or the kind's own.
#[derive(Debug, Clone)]
pub struct Draft {
    pub audience: Option<Audience>,
    pub rkey: Option<String>,
    pub record: Record,
    pub again: bool,
}

#[derive(Debug, Clone)]
pub struct Published {
    pub items: Vec<PublishedItem>,
    /// What peers are told, one per audience written.
    pub announces: Vec<(Audience, Announce)>,
}

#[derive(Debug, Clone)]
pub struct PublishedItem {
    pub uri: Uri,
    pub cid: Cid,
    pub rev: Tid,
    pub existed: bool,
}

impl Me {
    /// From the store's `me` and the device key; refuses when the identity no longer lists this device.
    pub fn load(_store: &Store, _device: Secret) -> Result<Self, PublishError> {
        todo!()
    }
}

/// Checks fields, sizes, membership and role; one commit per audience for all drafts.
pub fn publish(
    _store: &Store,
    _me: &Me,
    _clock: &Clock,
    _community: &Cid,
    _drafts: Vec<Draft>,
) -> Result<Published, PublishError> {
    todo!()
}

/// Removes our own record. Writes nothing when it is already gone.
pub fn delete(_store: &Store, _me: &Me, _clock: &Clock, _uri: &Uri) -> Result<Published, PublishError> {
    todo!()
}

/// Founds a community with us as first steward, and describes it when there is something to say.
pub fn found(
    _store: &Store,
    _me: &Me,
    _clock: &Clock,
    _name: &str,
    _visibility: Visibility,
    _describe: Describe,
) -> Result<Cid, PublishError> {
    todo!()
}

/// Signs and stores one roster operation; its CID and the announcement.
pub fn operate(
    _store: &Store,
    _me: &Me,
    _clock: &Clock,
    _community: &Cid,
    _act: Act,
) -> Result<(Cid, Announce), PublishError> {
    todo!()
}

/// Makes an invite; keeps the seed so that the link can be printed again. `expires_s` from now. Addresses are added by the caller.
pub fn invite(
    _store: &Store,
    _me: &Me,
    _clock: &Clock,
    _community: &Cid,
    _role: Role,
    _uses: u32,
    _expires_s: Option<u64>,
) -> Result<(InviteLink, Announce), PublishError> {
    todo!()
}

/// Signs the join that an invite link admits to. The community need not be known yet: the operation is kept (`meta`)
/// and presented in `hello` until a roster that holds it is here. Joining twice returns the first join.
pub fn join(
    _store: &Store,
    _me: &Me,
    _clock: &Clock,
    _link: &InviteLink,
) -> Result<folkmoot_schemas::block::Block, PublishError> {
    todo!()
}
