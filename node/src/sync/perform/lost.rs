//! What others kept for us of a head that our own later ones lost: taken back after everything about it is verified.

use std::collections::BTreeMap;

use folkmoot_schemas::{Cid, block::Block};

use super::{Performer, receive::Untaken};
use crate::{
    publish,
    store::lost::{LostPart, verify_lost},
    sync::{
        engine::{Input, Pulled},
        message::{LostHead, Pull},
    },
};

impl Performer {
    pub(super) fn take_back(
        &self,
        pull: &Pull,
        lost: LostHead,
        blocks: &BTreeMap<Cid, Block>,
        pulled: &mut Pulled,
    ) -> Result<Vec<Input>, Untaken> {
        let repo = lost.repo();
        let ours = repo.did == self.me.did && repo.device == self.me.device.did();
        if !ours || !pull.lost.iter().any(|asked| asked.repo() == repo && asked.head.cid == lost.commit) {
            return Err(Untaken::Unasked("it gives a lost head nobody asked for"));
        }
        let LostHead { commit, put, gone, last, .. } = lost;
        let part = LostPart { commit, put, gone, blocks: Vec::new() };
        let back = verify_lost(&pull.community, &repo, &part, |cid| blocks.get(cid).cloned()).map_err(|why| {
            tracing::debug!(%commit, why, "what is said to be lost is not proven");
            Untaken::Unasked("what is said to be lost is not proven")
        })?;
        let announce =
            publish::put_back(&self.store, &self.me, &self.clock, &pull.community, repo.audience, &back, last)?;
        if last {
            pulled.restored.insert((repo, commit));
        }
        match announce {
            Some(announce) => Ok(self.outgoing(pull.community, repo.audience, announce)?),
            None => Ok(Vec::new()),
        }
    }
}
