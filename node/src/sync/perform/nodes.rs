//! Where members' nodes are: saying where we are, passing on what others said, taking what is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{MutexGuard, PoisonError},
};

use bytes::Bytes;
use folkmoot_schemas::{Cid, Tid, whereabouts::Whereabouts};
use serde_bytes::ByteBuf;

use super::Performer;
use crate::{
    net::PeerId,
    store::StoreError,
    sync::{
        book::{Book, Rows, Word},
        engine::{Input, Proof},
        message::{Frame, NODES_TOLD, Nodes},
    },
};

/// Said again although nothing changed, so that who lives is not forgotten; microseconds.
const REPEATED: u64 = 7 * 86_400 * 1_000_000;
/// Shortest time between two different words of ours: an address that comes and goes is not told each time.
const PAUSE: u64 = 30 * 1_000_000;
/// A word of ours that is dated further ahead is of a clock that was wrong.
const CLOCK: u64 = 60 * 1_000_000;

impl Performer {
    /// The newest word of every member's device that is known here, ours among them.
    pub fn nodes(&self) -> Vec<Whereabouts> {
        self.book().all().cloned().collect()
    }

    /// In a roster here, on a device that is theirs; None: the rosters have not been read yet.
    pub fn is_member(&self, proof: &Proof) -> Option<bool> {
        let read = self.book().is_open();
        read.then(|| self.held(proof))
    }

    /// Does a member of the community say that this peer is their node?
    pub(super) fn is_node_of(&self, community: &Cid, peer: &str) -> bool {
        let Some(picture) = self.picture(community) else { return false };
        self.book().all().any(|said| said.peer == peer && picture.holds(&Proof { did: said.did, device: said.device }))
    }

    /// In a community here in which we are a member too; None: the rosters have not been read yet.
    pub fn is_fellow(&self, proof: &Proof) -> Option<bool> {
        let (read, us) = (self.book().is_open(), Proof { did: self.me.did, device: self.me.device.did() });
        read.then(|| self.pictures().values().any(|picture| picture.holds(proof) && picture.holds(&us)))
    }

    fn held(&self, proof: &Proof) -> bool {
        self.pictures().values().any(|picture| picture.holds(proof))
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        // Changed by single statements; a panic elsewhere leaves it whole.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an earlier run knew. After the rosters were read.
    pub(super) fn open_book(&self) -> Result<(), StoreError> {
        if self.book().is_open() {
            return Ok(());
        }
        let mut kept = self.store.whereabouts()?;
        // Whoever could write into the file is no member's device.
        kept.retain(|(block, said)| said.verify(block).is_ok());
        self.book().open(kept);
        Ok(())
    }

    /// We can be reached at these addresses; said anew if that changed or was said long ago.
    pub fn here(&self, peer: String, addrs: Vec<String>) -> Result<Vec<Input>, StoreError> {
        if self.me.is_root() {
            return Ok(Vec::new());
        }
        let mut inputs = self.tidy_book()?;
        // Who is out signs nothing.
        if !self.is_in()? {
            return Ok(inputs);
        }
        let (now, device) = (self.clock.micros(), self.me.device.did());
        let last = self.book().get(&device).cloned();
        let mut rev = Tid::new(now, self.clock.tid_bits());
        if let Some(last) = last {
            let age = now.saturating_sub(last.rev.micros());
            let same = last.peer == peer && last.addrs == addrs;
            let ahead = last.rev.micros() > now + CLOCK;
            if (same && age < REPEATED) || (!same && age < PAUSE && !ahead) {
                return Ok(inputs);
            }
            // Others may have taken it: of a clock that was a little ahead and was set back. What is dated further ahead
            // they did not, and the book has let it go.
            rev = rev.max(Tid::new(last.rev.micros() + 1, self.clock.tid_bits()));
        }
        let said = Whereabouts { did: self.me.did, device, rev, peer, addrs };
        let block = said.seal(&self.me.device)?;
        inputs.extend(self.keep(vec![Word { block, said, from: None }])?);
        Ok(inputs)
    }

    /// Of the communities that a peer's proofs still admit to, what came since `since`; not what it said itself.
    pub(super) fn tell(&self, to: &PeerId, since: u64, proofs: &BTreeMap<Cid, Proof>) -> Vec<Frame> {
        let pictures: Vec<_> = (proofs.iter())
            .filter_map(|(cid, proof)| self.picture(cid).filter(|picture| picture.holds(proof)))
            .collect();
        let told = self.book().since(since, to, |said| {
            let of = Proof { did: said.did, device: said.device };
            !proofs.values().any(|proof| *proof == of) && pictures.iter().any(|picture| picture.holds(&of))
        });
        let frame = |said: &[Bytes]| Nodes { said: said.iter().map(|bytes| ByteBuf::from(bytes.to_vec())).collect() };
        told.chunks(NODES_TOLD).map(|said| Frame::Nodes(frame(said))).collect()
    }

    /// Takes what a member of these communities tells. Cheapest check first: shape, age, signature, roster. Of somebody
    /// who tells a forged word no more is looked at.
    pub(super) fn learn(
        &self,
        from: PeerId,
        shared: &BTreeSet<Cid>,
        said: Vec<Bytes>,
    ) -> Result<Vec<Input>, StoreError> {
        let (mut news, mut forged) = (BTreeMap::new(), None);
        for bytes in said.into_iter().take(NODES_TOLD) {
            let Ok((block, word)) = Whereabouts::read(&bytes) else { continue };
            if !word.is_numeric()
                || word.device == self.me.device.did()
                || !self.book().is_news(&block, &word, self.clock.micros())
            {
                continue;
            }
            if word.verify(&block).is_err() {
                forged = Some(Input::Forged { peer: from });
                break;
            }
            let of = Proof { did: word.did, device: word.device };
            match shared.iter().any(|cid| self.picture(cid).is_some_and(|picture| picture.holds(&of))) {
                true => drop(news.insert(word.device, Word { block, said: word, from: Some(from) })),
                false => self.book().set_aside(shared.clone(), from, bytes),
            }
        }
        let mut inputs = self.keep(news.into_values().collect())?;
        inputs.extend(forged);
        Ok(inputs)
    }

    /// A roster changed: it may know whom it did not, and not know any more whom it did.
    pub(super) fn learn_again(&self) -> Result<Vec<Input>, StoreError> {
        let mut inputs = self.tidy_book()?;
        let aside = self.book().take_aside();
        for (shared, from, bytes) in aside {
            inputs.extend(self.learn(from, &shared, vec![bytes])?);
        }
        Ok(inputs)
    }

    fn keep(&self, news: Vec<Word>) -> Result<Vec<Input>, StoreError> {
        let (now, own) = (self.clock.micros(), self.me.device.did());
        let mut rows = BTreeMap::new();
        for word in news {
            rows.extend(self.book().put(word, now, &own));
        }
        self.write_down(rows.into_iter().collect())
    }

    fn tidy_book(&self) -> Result<Vec<Input>, StoreError> {
        let (own, now) = (self.me.device.did(), self.clock.micros());
        let member =
            |said: &Whereabouts| said.device == own || self.held(&Proof { did: said.did, device: said.device });
        let rows = self.book().tidy(now, member);
        self.write_down(rows)
    }

    fn write_down(&self, rows: Rows) -> Result<Vec<Input>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.store.set_whereabouts(&rows)?;
        Ok(vec![Input::Known { seq: self.book().seq() }])
    }
}
