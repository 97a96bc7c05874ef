//! One repository's news from elsewhere: is the commit its author's and newer, and is its tree here (`verify`), or a
//! part of it?

use folkmoot_schemas::{
    Audience, Cid, Tid,
    block::Block,
    commit::{Commit, HeadRef},
    limits,
    roster::Keeps,
};

use super::{
    Applied, RepoUpdate, StoreError,
    advance::Step,
    blocks::Blocks,
    intern::Numbers,
    people::People,
    quota::{Excess, Used},
    repos::{Repo, Repos},
    roster::Roster,
    staging::Stage,
    verify::{Place, Stop, Wanted, refused},
    writer::Writer,
};

impl Writer<'_> {
    pub(super) fn take_update(
        &mut self,
        roster: &Roster,
        audience: Audience,
        update: &RepoUpdate,
        identities: &[Block],
        now: u64,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let named = *update.commit.cid();
        let (commit, mut repo) = match self.judge_commit(roster, audience, &update.commit, identities, applied) {
            Ok(Some(taken)) => taken,
            Ok(None) => return Ok(()),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Refused(why)) => {
                applied.refused.push((named, why));
                return Ok(());
            }
            Err(Stop::Mismatch | Stop::OtherBase | Stop::NoRoom(_)) => return Ok(()),
        };
        let head = HeadRef { rev: commit.rev, cid: named };
        // Further parts of what had no room; a head with other blocks is another head.
        if let Some(excess) = self.t.still_deferred(&self.quotas, &repo, Some(&head))? {
            return self.put_off(&repo, &head, &excess, applied);
        }
        let outcome = if update.complete {
            self.complete(&mut repo, &commit, update, now)
        } else {
            self.stage_part(&repo, &commit, update, now).map(|()| None)
        };
        match outcome {
            Ok(Some(lacking)) => {
                applied.blobs.extend(lacking);
                applied.advanced.push((commit.repo(), head));
                return Ok(());
            }
            Ok(None) | Err(Stop::OtherBase) => {}
            Err(Stop::Mismatch) => applied.mismatched.push(commit.repo()),
            Err(Stop::Refused(why)) => {
                // Asking again would bring the same.
                applied.refused.push((named, why));
                return Ok(());
            }
            Err(Stop::NoRoom(excess)) => {
                return self.put_off(&repo, &head, &excess, applied);
            }
            Err(Stop::Error(error)) => return Err(error),
        }
        applied.wanted.push((commit.repo(), repo.known));
        Ok(())
    }

    /// Notes that the tree of a commit had no room. What was staged of it goes: it would fill what is lacking.
    pub(super) fn put_off_update(
        &mut self,
        roster: &Roster,
        audience: Audience,
        block: &Block,
        identities: &[Block],
        excess: &Excess,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        match self.judge_commit(roster, audience, block, identities, applied) {
            Ok(Some((commit, repo))) => {
                let head = HeadRef { rev: commit.rev, cid: *block.cid() };
                self.clear_stage(&repo)?;
                self.put_off(&repo, &head, excess, applied)
            }
            Err(Stop::Error(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Everything about a commit but its tree, and its head noted as known. None: old news. `identities`: what came with
    /// it, for the device of somebody who is out.
    fn judge_commit(
        &mut self,
        roster: &Roster,
        audience: Audience,
        block: &Block,
        identities: &[Block],
        applied: &mut Applied,
    ) -> Result<Option<(Commit, Repo)>, Stop> {
        if block.bytes().len() > limits::COMMIT {
            return refused(format!("a commit of {} bytes", block.bytes().len()));
        }
        let commit = Commit::view(block).or_else(|why| refused(why.to_string()))?;
        let community = self.t.community_of(roster.number)?;
        if commit.community != community {
            return refused("a commit of another community");
        }
        if commit.audience == Audience::Members && audience == Audience::Public {
            return refused("a members' commit among public ones");
        }
        if commit.audience == Audience::Public && roster.audience() == Audience::Members {
            return refused("this community has no public audience");
        }
        let head = HeadRef { rev: commit.rev, cid: *block.cid() };
        let keeps = roster.state.keeps(&commit.repo());
        match keeps {
            Keeps::All => self.by_own_device(&commit, applied)?,
            Keeps::Until(cut) if cut == head => {}
            Keeps::Until(_) => return refused("its author is out, and their repository stands still at another head"),
            Keeps::Nothing => return refused("its author is no member"),
        }
        let before = self.t.repo(roster.number, &commit.repo())?;
        if let Some(held) = before.as_ref().and_then(|repo| repo.held)
            && !head.beats(&held.head)
        {
            return Ok(None);
        }
        // Hashes the bytes again, so that a block merely said to be this one is found out here too.
        let (opened, _) = Commit::open(block.bytes()).or_else(|why| refused(why.to_string()))?;
        if opened.cid() != block.cid() {
            return refused("its bytes were changed");
        }
        let witness = match keeps {
            Keeps::Until(_) => {
                let repo = before.as_ref().map(|repo| repo.number);
                let witness = self.take_witness(roster, &commit, repo, identities)?;
                if witness.is_none() {
                    applied.missing.push(commit.identity);
                    return refused("no identity of its author that lists its device is here");
                }
                witness
            }
            _ => None,
        };
        let repo = match before {
            Some(mut repo) => {
                if head.beats(&repo.known) {
                    repo.known = head;
                    self.save_repo(&repo)?;
                    self.dirty = true;
                }
                repo
            }
            None => {
                let repo = self.new_repo(roster.number, &commit.repo(), head)?;
                self.save_repo(&repo)?;
                self.dirty = true;
                repo
            }
        };
        if let Some(witness) = witness {
            self.note_witness(&repo, &witness)?;
        }
        Ok(Some((commit, repo)))
    }

    /// Does the newest identity of a commit's author list its device?
    fn by_own_device(&self, commit: &Commit, applied: &mut Applied) -> Result<(), Stop> {
        let Some((_, identity)) = self.t.newest(&commit.did)? else {
            applied.missing.push(commit.identity);
            return refused("its author's identity is not here yet");
        };
        if !identity.certifies(&commit.device) {
            if self.t.identity_block(&commit.identity)?.is_none() {
                applied.missing.push(commit.identity);
            }
            return refused("its device is not one of its author's");
        }
        Ok(())
    }

    /// Tries the update alone, then with what was staged of the same answer before it.
    fn complete(
        &mut self,
        repo: &mut Repo,
        commit: &Commit,
        update: &RepoUpdate,
        now: u64,
    ) -> Result<Option<Vec<Cid>>, Stop> {
        let stage = self.stage(repo.number)?.filter(|_| !update.first);
        let step = self.find_step(repo, commit, update, stage, now);
        match step {
            Ok(step) => {
                let lacking = self.advance(repo, step)?;
                self.clear_stage(repo)?;
                Ok(Some(lacking))
            }
            Err(stop) => {
                self.give_up(repo, stage, update)?;
                Err(stop)
            }
        }
    }

    fn find_step(
        &self,
        repo: &Repo,
        commit: &Commit,
        update: &RepoUpdate,
        stage: Option<Stage>,
        now: u64,
    ) -> Result<Step, Stop> {
        let wanted = self.wanted(repo, commit, update)?;
        match self.check_tree(repo, commit, update, &wanted) {
            Err(Stop::Mismatch) if stage.is_some_and(|stage| stage.since_is(update.since.as_ref())) => {
                let staged = self.staged_entries(repo.number)?.into_iter();
                let mut joined: Wanted = staged.map(|(path, leaf)| (path, leaf.map(Place::Stored))).collect();
                joined.extend(wanted);
                let checked = self.check_tree(repo, commit, update, &joined)?;
                checked.step(commit, &update.commit, joined, now)
            }
            checked => checked?.step(commit, &update.commit, wanted, now),
        }
    }

    /// Parts that did not add up are worthless; those of another answer may still be completed.
    fn give_up(&mut self, repo: &Repo, stage: Option<Stage>, update: &RepoUpdate) -> Result<(), StoreError> {
        match stage {
            Some(stage) if stage.since_is(update.since.as_ref()) => self.clear_stage(repo),
            _ => Ok(()),
        }
    }

    fn stage_part(&mut self, repo: &Repo, commit: &Commit, update: &RepoUpdate, now: u64) -> Result<(), Stop> {
        if update.put.is_empty() && update.gone.is_empty() {
            return Ok(());
        }
        let wanted = self.wanted(repo, commit, update)?;
        let mut stage = match self.stage(repo.number)? {
            Some(stage) if !update.first && stage.since_is(update.since.as_ref()) => stage,
            // Whatever is there may be another's, and wrong.
            _ => {
                self.clear_stage(repo)?;
                Stage { bytes: 0, since: update.since.map(|head| (head.rev, head.cid)) }
            }
        };
        let mut puts: Vec<(&str, Tid, Block)> = Vec::with_capacity(wanted.len());
        for (path, place) in &wanted {
            match place {
                Some(Place::New { block, rev, .. }) => puts.push((path, *rev, block.clone())),
                Some(Place::Stored(leaf)) => puts.push((path, leaf.rev, self.t.block_named(leaf.seq, leaf.cid)?)),
                None => self.stage_gone(repo, path)?,
            }
        }
        if let Some(excess) = self.stage_puts(repo, &mut stage, &puts)? {
            self.save_stage(repo, stage, now)?;
            self.clear_stage(repo)?;
            return Err(Stop::NoRoom(excess));
        }
        self.save_stage(repo, stage, now)?;
        Ok(())
    }
}
