//! Does the engine's errands, which need the store or our key. Blocking, and knows no network: the driver calls it on
//! blocking threads, the simulation directly.
//!
//! Rights are read from the current roster each time something is given: what a peer proved earlier only says who it is.

mod heads;
mod hear;
mod heirs;
mod hello;
mod lost;
mod nodes;
mod overtaken;
mod receive;
mod serve;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use folkmoot_schemas::{Audience, Cid, Did, charter::Visibility};

use self::hello::Judged;
use super::{
    book::Book,
    engine::{Checked, Errand, Input, Ours, Proof, StreamId},
    message::Frame,
    verdict::Picture,
};
use crate::{
    clock::Clock,
    home::meta,
    net::PeerId,
    publish::Me,
    store::{Applied, Scope, Store, StoreError, View},
};

/// What came of an errand.
#[derive(Debug, Default)]
pub struct Done {
    pub inputs: Vec<Input>,
    /// Frames for session streams, in order.
    pub frames: Vec<(PeerId, StreamId, Frame)>,
}

/// Store and key, and the picture of rosters that gossip verdicts use.
#[derive(Debug)]
pub struct Performer {
    store: Store,
    me: Me,
    clock: Clock,
    /// Held from reading the store until the picture of it is in place, so that no older one replaces a newer.
    drawing: Mutex<()>,
    /// Locked for moments only: verdicts on gossip wait for it.
    pictures: Mutex<BTreeMap<Cid, Arc<Picture>>>,
    /// Where members' nodes are. Locked for moments only.
    book: Mutex<Book>,
    /// Devices of ours that said hello by a document which lost, and their names. Locked for moments only.
    apart: Mutex<BTreeMap<Did, String>>,
}

impl Performer {
    pub fn new(store: Store, me: Me, clock: Clock) -> Self {
        Self {
            store,
            me,
            clock,
            drawing: Mutex::default(),
            pictures: Mutex::default(),
            book: Mutex::default(),
            apart: Mutex::default(),
        }
    }

    pub fn perform(&self, errand: Errand) -> Result<Done, StoreError> {
        let mut done = Done::default();
        match errand {
            Errand::Greet { peer, session, community, tag, binding, knows } => {
                let hello = self.greet(&community, tag, &binding, knows)?;
                done.frames.extend(hello.map(|hello| (peer, session, Frame::Hello(Box::new(hello)))));
            }
            Errand::Check { peer, community, hello, binding, again } => {
                let Judged { result, overtaken, inputs } = self.check(&community, &hello, &binding)?;
                done.inputs = inputs;
                done.inputs
                    .push(Input::Checked { peer, checked: Checked { community, hello, result, overtaken, again } });
            }
            Errand::StepOut { community, identity } => done.inputs = self.step_out(community, &identity)?,
            Errand::Describe { peer, session, ask } => {
                done.frames.push((peer, session, Frame::Heads(self.describe(&ask)?)));
            }
            Errand::List { peer, session, heads, proofs } => {
                let listed = self.list(&heads, &proofs)?;
                done.frames.extend(listed.frames.into_iter().map(|frame| (peer, session, Frame::Listing(frame))));
                done.inputs.push(Input::Listed { peer, same: listed.same, differs: listed.differs });
            }
            Errand::Compare { peer, listing, asked } => {
                let found = self.compare(&listing, &asked)?;
                done.inputs.push(Input::Compared { peer, found });
            }
            Errand::Tell { peer, session, since, proofs } => {
                let told = self.tell(&peer, since, &proofs);
                done.frames.extend(told.into_iter().map(|frame| (peer, session, frame)));
            }
            Errand::Learn { peer, shared, said } => done.inputs = self.learn(peer, &shared, said)?,
            Errand::Hear { peer, community, announce } => done.inputs = self.notified(peer, community, announce)?,
        }
        Ok(done)
    }

    /// Everything here, and where we have something to prove.
    pub fn communities(&self) -> Result<BTreeMap<Cid, Ours>, StoreError> {
        let mut ours: BTreeMap<Cid, Ours> = BTreeMap::new();
        for prefix in [meta::JOIN, meta::AWAITED] {
            for (key, _) in self.store.metas(prefix)? {
                if let Some(Ok(community)) = key.strip_prefix(prefix).map(folkmoot_schemas::block::parse_cid) {
                    ours.insert(community, Ours { visibility: None, proves: true });
                }
            }
        }
        for community in self.store.view(Scope::Members)?.communities()? {
            let member = community.state.is_member(&self.me.did);
            // A join that is here and did not admit us has failed; one that no roster holds may still be presented.
            let ours = ours.entry(community.id).or_insert(Ours { visibility: None, proves: false });
            *ours = Ours { visibility: Some(community.visibility), proves: ours.proves || member };
        }
        Ok(ours)
    }

    /// All communities seen anew: at the start, and when one was added.
    pub fn refresh_all(&self) -> Result<Vec<Input>, StoreError> {
        let communities = self.communities()?;
        let mut inputs = Vec::with_capacity(communities.len() + 1);
        for community in communities.keys() {
            inputs.extend(self.draw(community)?);
        }
        inputs.push(Input::Communities(communities));
        self.open_book()?;
        inputs.extend(self.learn_again()?);
        inputs.push(Input::Known { seq: self.book().seq() });
        Ok(inputs)
    }

    /// One roster changed.
    fn refresh(&self, community: Cid) -> Result<Vec<Input>, StoreError> {
        let drawn = self.draw(&community)?.into_iter();
        let known = Input::Known { seq: self.book().seq() };
        let changed = [Input::Communities(self.communities()?), Input::Changed { community }, known];
        Ok(drawn.chain(changed).chain(self.learn_again()?).collect())
    }

    /// An identity changed: its person's devices are the same in every community.
    fn refresh_people(&self, community: Cid) -> Result<Vec<Input>, StoreError> {
        let mut inputs = self.refresh_all()?;
        inputs.push(Input::Changed { community });
        Ok(inputs)
    }

    /// The picture that verdicts on gossip of this community are given by.
    pub fn picture(&self, community: &Cid) -> Option<Arc<Picture>> {
        self.pictures().get(community).cloned()
    }

    fn pictures(&self) -> MutexGuard<'_, BTreeMap<Cid, Arc<Picture>>> {
        // Pictures are replaced whole: a panic elsewhere leaves none half drawn.
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drawing(&self) -> MutexGuard<'_, ()> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the picture that of the store now, and tells who is in it.
    fn draw(&self, community: &Cid) -> Result<Option<Input>, StoreError> {
        let _drawing = self.drawing();
        let view = self.store.view(Scope::Members)?;
        let Some(picture) = Picture::of(&view, community)? else { return Ok(None) };
        let (as_of, devices) = (view.generation(), picture.devices());
        let before = self.pictures().insert(*community, Arc::new(picture));
        if let Some(before) = before {
            let known = before.devices();
            let gained = devices.difference(&known).map(|proof| proof.device).collect();
            self.book().tell_again(&gained);
        }
        Ok(Some(Input::Members { community: *community, as_of, devices }))
    }

    /// Logs what was refused, keeps the picture current.
    fn applied(&self, community: Cid, applied: &Applied) -> Result<Vec<Input>, StoreError> {
        for (cid, why) in &applied.refused {
            tracing::debug!(%community, %cid, why, "refused");
        }
        if applied.people_changed {
            return self.refresh_people(community);
        }
        if applied.roster_changed {
            return self.refresh(community);
        }
        let _drawing = self.drawing();
        if let Some(picture) = self.pictures().get_mut(&community) {
            let picture = Arc::make_mut(picture);
            for (repo, head) in applied.advanced.iter().chain(&applied.wanted).chain(&applied.deferred) {
                picture.learn(*repo, *head);
            }
        }
        Ok(Vec::new())
    }

    /// What this peer may see of this audience; None: nothing.
    fn admit(
        &self,
        community: &Cid,
        audience: Audience,
        proof: Option<&Proof>,
    ) -> Result<Option<Admitted>, StoreError> {
        let scope = match audience {
            Audience::Public => Scope::Public,
            Audience::Members => Scope::Members,
        };
        let view = self.store.view(scope)?;
        let Some(known) = view.community(community)? else { return Ok(None) };
        let admitted = match (audience, proof) {
            (Audience::Public, _) => known.visibility == Visibility::Public,
            (Audience::Members, Some(proof)) if proof.is_root() => known.state.is_member(&proof.did),
            (Audience::Members, Some(proof)) => is_member_device(&view, &known, proof)?,
            (Audience::Members, None) => false,
        };
        let only = proof.filter(|proof| audience == Audience::Members && proof.is_root()).map(|proof| proof.did);
        Ok(admitted.then_some(Admitted { view, community: known, only }))
    }
}

/// What a peer is let see.
struct Admitted {
    view: View,
    community: crate::store::reader::Community,
    /// Of repositories, this person's alone: see [`Proof::is_root`].
    only: Option<Did>,
}

impl Admitted {
    fn shows(&self, did: &Did) -> bool {
        self.only.is_none_or(|only| only == *did)
    }
}

/// Still a member, and the device still in the newest identity.
fn is_member_device(
    view: &View,
    community: &crate::store::reader::Community,
    proof: &Proof,
) -> Result<bool, StoreError> {
    Ok(community.state.is_member(&proof.did)
        && view.identity(&proof.did)?.is_some_and(|(_, identity)| identity.certifies(&proof.device)))
}

/// The audience of a community's charter, roster and identities.
fn widest(visibility: Visibility) -> Audience {
    match visibility {
        Visibility::Public => Audience::Public,
        Visibility::Members => Audience::Members,
    }
}
