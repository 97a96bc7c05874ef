//! What an operation's own ancestors say to it.

use super::{Fold, Standing, Taken, order::Scope};
use crate::{
    block::{Block, Cid},
    key::Did,
    roster::{Act, Op, Role, may},
};

impl<'a> Fold<'a> {
    /// Whether its ancestors allow an operation, and what it stands on; else why not.
    pub(super) fn judge(
        &self,
        cid: &Cid,
        op: &Op,
        scope: &Scope,
        blocks: &impl Fn(&Cid) -> Option<Block>,
    ) -> Result<Standing, String> {
        op.act.check().map_err(|fault| fault.to_string())?;
        if let Act::Join { invite, did, .. } = &op.act {
            return self.judge_join(cid, op, invite, did, scope, blocks);
        }
        let Some(author) = self.standing(&op.did, scope) else {
            return Err(format!("{} was no member when writing it", op.did.short()));
        };
        if !may(author.role, &op.act) {
            return Err(format!("a {} may not write this {}", author.role.as_str(), op.act.name()));
        }
        match &op.act {
            Act::Close { invite, .. } => self.judge_close(op, invite, author, scope),
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
        let Act::Invite { key, role, expires, .. } = &invited.op.act else {
            return Err("what it joins by is no invite".into());
        };
        if expires.is_some_and(|expires| op.rev > expires) {
            return Err("the invite had expired".into());
        }
        if blocks(cid).is_none_or(|block| Op::verify_seed(&block, key).is_err()) {
            return Err("the signature by the invite's seed is wrong".into());
        }
        let youngest = inviter.youngest.max(Some((invited.op.rev, *invite)));
        Ok(Standing { role: *role, via: None, youngest })
    }

    /// One's own invite is closed by whom one was when writing it, whatever one became since.
    fn judge_close(&self, op: &Op, invite: &Cid, author: Standing, scope: &Scope) -> Result<Standing, String> {
        let (invited, inviter) = self.invite(invite, scope)?;
        if invited.op.did == op.did {
            return Ok(inviter);
        }
        match (author.role, &invited.op.act) {
            (Role::Steward, _) => {}
            (Role::Moderator, Act::Invite { role, .. }) if *role <= Role::Member => {}
            (role, _) => return Err(format!("a {} may not close this invite", role.as_str())),
        }
        if author.youngest >= Some((invited.op.rev, *invite)) {
            return Err("its author came in by a younger invite than the one it closes".into());
        }
        Ok(author)
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
