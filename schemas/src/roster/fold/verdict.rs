//! What an operation's own ancestors say to it.

use super::{Fold, Paper, Taken, effect::Counted, order::Scope, rank::Standing};
use crate::{
    block::{Block, Cid},
    key::Did,
    roster::{Act, Cut, Op, Role, may},
};

impl<'a> Fold<'a> {
    /// Whether its ancestors allow an operation, and what it stands on; else why not.
    pub(super) fn judge(
        &self,
        cid: &Cid,
        op: &Op,
        paper: Paper,
        scope: &Scope,
        blocks: &impl Fn(&Cid) -> Option<Block>,
    ) -> Result<Standing, String> {
        op.act.check().map_err(|fault| fault.to_string())?;
        let mut counted = Counted::new();
        if let Act::Join { invite, did, .. } = &op.act {
            if self.is_out(&op.did, scope, &mut counted) {
                return Err("who left or was put out is let in again by name, not by a link".into());
            }
            return self.judge_join(cid, op, invite, did, scope, blocks);
        }
        let Some(author) = self.standing(&op.did, scope, &mut counted) else {
            return Err(format!("{} was no member when writing it", op.did.short()));
        };
        if !may(author.role, &op.act) {
            return Err(format!("a {} may not write this {}", author.role.as_str(), op.act.name()));
        }
        match &op.act {
            Act::Close { invite, .. } => self.judge_close(op, invite, author, scope),
            Act::Remove { did, cut, .. } => {
                let Some(whom) = self.standing(did, scope, &mut counted) else {
                    return Err(format!("{} was no member", did.short()));
                };
                if !self.outranks(&author, &whom) {
                    return Err(format!("its author does not outrank {}", did.short()));
                }
                only_of(cut, did).map(|()| author)
            }
            Act::Leave { cut } => only_of(cut, &op.did).map(|()| author),
            Act::Retire { .. } if paper.lists => Err("the identity it links still lists the device".into()),
            Act::Add { did, was: Some(was), .. } if did == was || !self.is_out(was, scope, &mut counted) => {
                Err(format!("{} is not somebody who went", was.short()))
            }
            _ => Ok(author),
        }
    }

    fn judge_join(
        &self,
        cid: &Cid,
        op: &Op,
        invite: &Cid,
        did: &Did,
        scope: &Scope,
        blocks: &impl Fn(&Cid) -> Option<Block>,
    ) -> Result<Standing, String> {
        if *did != op.did {
            return Err("one can only join oneself".into());
        }
        let (invited, inviter) = self.invite(invite, scope)?;
        let Act::Invite { key, expires, .. } = &invited.op.act else {
            return Err("what it joins by is no invite".into());
        };
        if expires.is_some_and(|expires| op.rev > expires) {
            return Err("the invite had expired".into());
        }
        if blocks(cid).is_none_or(|block| Op::verify_seed(&block, key).is_err()) {
            return Err("the signature by the invite's seed is wrong".into());
        }
        Ok(inviter)
    }

    /// One's own invite is closed by whom one was when writing it, whatever one became since. Everybody else has to
    /// outrank whoever comes in by it.
    fn judge_close(&self, op: &Op, invite: &Cid, author: Standing, scope: &Scope) -> Result<Standing, String> {
        let (invited, inviter) = self.invite(invite, scope)?;
        if invited.op.did == op.did {
            return Ok(inviter);
        }
        match &invited.op.act {
            Act::Invite { role: Role::Steward, .. }
                if author.role == Role::Steward && !self.outranks(&inviter, &author) =>
            {
                Ok(author)
            }
            Act::Invite { role, .. } if author.role >= Role::Moderator && author.role > *role => Ok(author),
            _ => Err(format!("this {} does not outrank whom the invite lets in", author.role.as_str())),
        }
    }

    /// An invite that passed and that the operation in question builds on.
    fn invite(&self, cid: &Cid, scope: &Scope) -> Result<(&Taken<'a>, Standing), String> {
        let taken = self.places.get(cid).filter(|place| scope.contains(**place)).map(|place| &self.taken[*place]);
        match taken {
            Some(Taken { op: Op { act: Act::Invite { .. }, .. }, verdict: Ok(by), .. }) => {
                Ok((&self.taken[self.places[cid]], *by))
            }
            _ => Err("it names no invite that it builds on and that counts".into()),
        }
    }
}

fn only_of(cut: &Cut, did: &Did) -> Result<(), String> {
    match cut.keys().all(|repo| repo.did == *did) {
        true => Ok(()),
        false => Err("it names repositories of somebody else".into()),
    }
}
