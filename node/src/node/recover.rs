//! Taking up an identity by its root key. The paper holds no address and a new device is not certified yet, so a node that
//! lives only for this says hello as the person themselves, and fetches the newest identity document, the rosters and what
//! the person wrote. Only then is a document signed: on top of an old one it would undo what was signed since.

use std::{collections::BTreeSet, time::Duration};

use folkmoot_schemas::{
    Cid, Did, Tid,
    block::Block,
    identity::{Device, Identity},
    key::Secret,
    link::InviteLink,
};
use tokio::time::{Instant, timeout};

use super::{JOIN_WAIT, Node, NodeError, open_store};
use crate::{
    clock::Clock,
    config::{Multiaddr, NetConfig},
    home::{Home, meta},
    publish::{self, Me, Succeeded},
    request::{Failure, could_not},
    store::{Scope, Store, StoreError},
};

/// Without any connection after this, nobody will answer.
const REACH_WAIT: Duration = Duration::from_secs(20);
/// Who is connected and knows the person has answered by then; one that does not says as little as a stranger.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// Nothing more came for so long, and nothing is under way: taken for all there is.
const SETTLE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(100);

/// What a recovery was given and found.
#[derive(Debug)]
pub struct Recovered {
    /// Names of the communities in which the person was found.
    pub communities: Vec<String>,
    /// Nodes that were asked what is newest and answered.
    pub asked: u32,
    /// Devices of the newest document, before it is changed.
    pub devices: Vec<Device>,
    newest: (Block, Identity),
    store: Store,
}

/// Fetches what is the person's in the communities of these links and in those the home knows already. `home` is a new
/// one, or one whose device was taken out.
pub async fn recover(
    home: &Home,
    root: &Secret,
    links: &[InviteLink],
    via: &[Multiaddr],
    clock: Clock,
    mut net: NetConfig,
) -> Result<Recovered, Failure> {
    let store = open_store(home).await.map_err(failure)?;
    check_whose(&store, &root.did())?;
    store.set_meta(meta::ME, Some(root.did().to_string().as_bytes()))?;
    let named: Vec<String> = via.iter().map(Multiaddr::to_string).collect();
    for link in links {
        publish::await_community(&store, &link.community, &[&link.addrs[..], &named].concat())?;
    }
    net.listen.clear();
    net.peers.extend(via.iter().cloned());
    let node = Node::start_as(home, store.clone(), Me::root(root.clone()), clock, net).await.map_err(failure)?;
    let wanted: BTreeSet<Cid> = links.iter().map(|link| link.community).chain(known(&store, &root.did())?).collect();
    let wanted: Vec<Cid> = wanted.into_iter().collect();
    let found = node.fetch_own(&wanted).await;
    node.stop().await;
    recovered(store, &root.did(), found?)
}

/// A home or a backup is one person's: with another's words nothing in it may be changed.
fn check_whose(store: &Store, did: &Did) -> Result<(), Failure> {
    match store.meta(meta::ME)? {
        Some(me) if me != did.to_string().as_bytes() => {
            Err(Failure::refused("could not recover the identity: these are the 12 words of another identity")
                .because(format!("what is here belongs to {}", String::from_utf8_lossy(&me)))
                .hint("take the paper of that identity; nothing was made or signed"))
        }
        _ => Ok(()),
    }
}

/// Communities here that hold this person.
fn known(store: &Store, did: &Did) -> Result<Vec<Cid>, StoreError> {
    let all = store.view(Scope::Members)?.communities()?.into_iter();
    Ok(all.filter(|community| community.state.is_member(did)).map(|community| community.id).collect())
}

/// The same from what a backup holds.
pub fn recovered_offline(home: &Home, root: &Did) -> Result<Recovered, Failure> {
    let store = home.open_store().map_err(|why| failure(why.into()))?;
    check_whose(&store, root)?;
    recovered(store, root, 0)
}

fn recovered(store: Store, did: &Did, asked: u32) -> Result<Recovered, Failure> {
    let newest = publish::newest_identity(&store, did).map_err(could_not("recover the identity"))?;
    let communities = store.view(Scope::Members)?.communities()?.into_iter().filter(|c| c.state.is_member(did));
    Ok(Recovered {
        communities: communities.map(|community| community.name).collect(),
        asked,
        devices: newest.1.devices.clone(),
        newest,
        store,
    })
}

impl Recovered {
    /// Signs the document that lets this home's device in and drops `lost`, and takes it into use. `name`: a new one for
    /// the device.
    pub fn take_up(
        self,
        home: &Home,
        root: &Secret,
        name: Option<&str>,
        lost: &BTreeSet<Did>,
        clock: &Clock,
    ) -> Result<Succeeded, Failure> {
        let key = home.device_key().map_err(|why| failure(why.into()))?;
        if let Some(name) = name {
            self.store.set_meta(meta::DEVICE_NAME, Some(name.as_bytes()))?;
        }
        let name = self.store.meta(meta::DEVICE_NAME)?.unwrap_or_default();
        let name = String::from_utf8_lossy(&name).into_owned();
        let added = Device { key: key.did(), name, added: Tid::new(clock.micros(), clock.tid_bits()) };
        let document = publish::certify(&self.newest, root, Some(added), lost)?;
        // Another device that stays may have the name already.
        let identity = Identity::view(&document)?;
        if let Some(device) = identity.devices.iter().find(|device| device.key == key.did()) {
            self.store.set_meta(meta::DEVICE_NAME, Some(device.name.as_bytes()))?;
        }
        let me = Me { did: root.did(), device: key };
        publish::succeed(&self.store, &me, clock, &document, None).map_err(could_not("recover the identity"))
    }
}

fn failure(error: NodeError) -> Failure {
    match error {
        NodeError::Publish(error) => could_not("recover the identity")(error),
        other => Failure::refused(format!("could not recover the identity: {other}")),
    }
}

impl Node {
    /// Waits until everything of ours is here that anybody reachable has. How many answered.
    async fn fetch_own(&self, communities: &[Cid]) -> Result<u32, Failure> {
        let begun = Instant::now();
        let (mut asked, mut connected) = (0, None);
        let mut quiet: Option<Instant> = None;
        let mut changes = self.inner.changes.clone();
        let fetched = async {
            loop {
                let changed = changes.has_changed().unwrap_or(false);
                changes.borrow_and_update();
                let progress = self.inner.driver.progress();
                asked = asked.max(progress.compared);
                let answered = asked > 0;
                if !answered || changed || progress.busy || !self.has_own(communities).await? {
                    quiet = None;
                } else if quiet.get_or_insert_with(Instant::now).elapsed() > SETTLE {
                    return Ok(());
                }
                let given_up = match self.inner.net.peers().is_empty() {
                    true => self.reaches_nobody(begun, REACH_WAIT),
                    false => !answered && connected.get_or_insert_with(Instant::now).elapsed() > ANSWER_WAIT,
                };
                if given_up {
                    return Ok(());
                }
                timeout(LOOK, changes.changed()).await.ok();
            }
        };
        if let Ok(Err(failed)) = timeout(JOIN_WAIT, fetched).await {
            return Err(failed);
        }
        if asked > 0 && self.has_any(communities).await? {
            return Ok(asked);
        }
        Err(match asked > 0 || connected.is_some() {
            false => Failure::network("could not recover the identity: no node of the community can be reached")
                .because("nothing was made or signed; your words are written as such words are, but nobody could be asked whose they are")
                .hint("a node of any other member will do: give its address too, --via /ip4/192.0.2.7/tcp/4700"),
            true => Failure::refused("could not recover the identity: the nodes reached do not know it")
                .because("either the words are another identity's, or the link is of a community it is no member of")
                .hint("compare the words with your paper, and ask a member for a link (moot invite)"),
        })
    }

    /// In every one of these communities all of ours that is known is here.
    async fn has_own(&self, communities: &[Cid]) -> Result<bool, Failure> {
        let (node, communities) = (self.clone(), communities.to_vec());
        self.blocking(move || {
            let view = node.inner.store.view(Scope::Members)?;
            let did = node.inner.me.did;
            for id in &communities {
                let member = view.community(id)?.is_some_and(|known| known.state.is_member(&did));
                let ours = view.heads(id)?.into_iter().filter(|head| head.repo.did == did).collect::<Vec<_>>();
                if !member || view.identity(&did)?.is_none() || ours.iter().any(|head| head.held != Some(head.known)) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    /// The identity was found in one of them at least.
    async fn has_any(&self, communities: &[Cid]) -> Result<bool, Failure> {
        for community in communities {
            if self.has_own(&[*community]).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
