//! Which version of a record was made from which. A version goes on from the newest one that its device knew: what it had
//! written itself, and of the person's other devices what its commit says it had `seen`. An older version that it did not
//! know was written apart from it, and what differs there is nobody's change.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use folkmoot_schemas::{Audience, Cid, Did, Record, Tid, Uri, commit::Commit};

use super::{
    StoreError, View,
    advance::Step,
    blocks::Blocks,
    intern::{Name, Numbers},
    reader::Entry,
    repos::{Leaf, Repo, Repos},
    versions::OldVersion,
    writer::Writer,
};

/// Records of one step that are put away because they were written apart: proofs are work.
const MOST: usize = 1024;

/// Where a version comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The version it changed, of those that are here.
    pub base: Option<Cid>,
    /// Older ones that it did not know of, newest first.
    pub apart: Vec<Cid>,
}

/// A version by one device, with what a commit that holds it says of the others.
struct Strand {
    rev: Tid,
    cid: Cid,
    device: Did,
    audience: Audience,
    deletes: bool,
    /// Of the earliest such commit: a later one may have seen more.
    signed: Tid,
    seen: BTreeMap<Did, Tid>,
}

impl Strand {
    /// Greatest first.
    fn order(&self) -> (Reverse<Tid>, Vec<u8>) {
        (Reverse(self.rev), self.cid.to_bytes())
    }

    /// `devices`: the person's today. Nothing is seen of one that was taken out, whose records another took over.
    fn knew(&self, older: &Self, devices: &BTreeSet<Did>) -> bool {
        self.device == older.device
            || self.audience != older.audience
            || match self.seen.get(&older.device) {
                Some(seen) => older.rev <= *seen,
                None => !devices.contains(&older.device),
            }
    }
}

fn origins(mut strands: Vec<Strand>, devices: &BTreeSet<Did>) -> BTreeMap<Cid, Origin> {
    strands.sort_by_key(|strand| (strand.order(), strand.signed));
    let mut origins = BTreeMap::new();
    for newer in &strands {
        // Of one that several devices hold, who wrote it is not known: what any of them knew counts.
        let same: Vec<&Strand> = strands.iter().filter(|strand| strand.cid == newer.cid).collect();
        let knew = |older: &Strand| {
            let holders = strands.iter().filter(|strand| strand.cid == older.cid);
            holders.into_iter().any(|older| same.iter().any(|newer| newer.knew(older, devices)))
        };
        let mut origin = Origin::default();
        for older in strands.iter().filter(|older| older.cid != newer.cid && older.order() > newer.order()) {
            match knew(older) {
                true if older.deletes => {}
                true => origin.base = origin.base.or(Some(older.cid)),
                false if origin.apart.contains(&older.cid) => {}
                false => origin.apart.push(older.cid),
            }
        }
        origins.entry(newer.cid).or_insert(origin);
    }
    origins
}

impl View {
    /// Of the versions at `uri`, those that stand in repositories and those that were kept.
    pub fn origins(
        &self,
        uri: &Uri,
        standing: &[Entry],
        older: &[OldVersion],
    ) -> Result<BTreeMap<Cid, Origin>, StoreError> {
        let (Some(roster), Some(did)) = (self.roster_in_scope(&uri.community), self.t.number(Name::Key(&uri.did))?)
        else {
            return Ok(BTreeMap::new());
        };
        let mut heads = BTreeMap::new();
        for repo in self.repos_of_person(self.scope(), roster.number, did)? {
            if let Some(held) = repo.tree() {
                let commit = Commit::view(&self.t.block_named(held.commit, held.head.cid)?)?;
                heads.insert((commit.device, commit.audience), commit);
            }
        }
        let mut strands: Vec<Strand> = Vec::new();
        for old in older {
            strands.push(Strand {
                rev: old.rev,
                cid: old.cid,
                device: old.device,
                audience: old.audience,
                deletes: false,
                signed: old.signed,
                seen: old.seen.clone(),
            });
        }
        for entry in standing {
            let Some(head) = heads.get(&(entry.device, entry.audience)) else { continue };
            if strands.iter().any(|strand| (strand.cid, strand.device) == (entry.cid, entry.device)) {
                continue;
            }
            strands.push(Strand {
                rev: entry.rev,
                cid: entry.cid,
                device: entry.device,
                audience: entry.audience,
                deletes: matches!(entry.record, Record::Tombstone(_)),
                signed: head.rev,
                seen: head.seen.clone(),
            });
        }
        let devices = self.identity(&uri.did)?.map(|(_, identity)| identity.devices).unwrap_or_default();
        Ok(origins(strands, &devices.into_iter().map(|device| device.key).collect()))
    }
}

impl Writer<'_> {
    /// Before `step` changes the tree of `repo`: puts away what other devices of its person have and it did not know of.
    /// Answers where it brings what one of them did not know of, or the other way round. While they are here as they were
    /// first met, with the commits of then; a later commit of either will have seen the other.
    pub(super) fn keep_apart(&mut self, repo: &Repo, step: &Step) -> Result<Vec<String>, StoreError> {
        let mut met = BTreeSet::new();
        if step.own {
            return Ok(Vec::new());
        }
        let seen = |commit: &Commit, device: &Did| commit.seen.get(device).map_or(0, |rev| rev.as_u64());
        let theirs = Commit::view(&step.commit)?;
        for other in self.t.repos_of(repo.community, Some(repo.did))? {
            let Some(held) = other.tree().filter(|_| other.audience == repo.audience && other.number != repo.number)
            else {
                continue;
            };
            let ours = Commit::view(&self.t.block_named(held.commit, held.head.cid)?)?;
            let (they, we) = (seen(&theirs, &ours.device), seen(&ours, &theirs.device));
            let stands = self.t.leaves_at(other.number, step.puts.iter().map(|put| put.path.as_str()))?;
            let mut apart = Vec::new();
            for put in &step.puts {
                let Some(leaf) = stands.get(put.path.as_str()).filter(|leaf| leaf.cid != put.cid) else { continue };
                let new = Leaf { seq: 0, rev: put.rev, cid: put.cid };
                let knew = if new.beats(leaf) { leaf.rev.as_u64() <= they } else { put.rev.as_u64() <= we };
                if !knew && met.len() < MOST {
                    apart.push(put.path.as_str());
                    met.insert(put.path.clone());
                }
            }
            self.put_versions_away(&other, &apart, step.now)?;
        }
        Ok(met.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{
        block::{DAG_CBOR, cid_of},
        key::Secret,
    };

    use super::*;

    fn device(n: u8) -> Did {
        Secret::from_seed([n; 32]).did()
    }

    fn cid(rev: u64) -> Cid {
        cid_of(DAG_CBOR, &rev.to_be_bytes())
    }

    fn tid(rev: u64) -> Tid {
        Tid::new(rev, 0)
    }

    fn strand(rev: u64, by: u8, seen: &[(u8, u64)]) -> Strand {
        Strand {
            rev: tid(rev),
            cid: cid(rev),
            device: device(by),
            audience: Audience::Public,
            deletes: false,
            signed: tid(rev),
            seen: seen.iter().map(|(by, rev)| (device(*by), tid(*rev))).collect(),
        }
    }

    /// Rev of what each goes on from and revs of what it was written apart from, oldest version first.
    fn read(strands: Vec<Strand>, devices: &[u8]) -> Vec<(u64, Option<u64>, Vec<u64>)> {
        let revs: Vec<u64> = strands.iter().map(|strand| strand.rev.micros()).collect();
        let of = |wanted: &Cid| revs.iter().copied().find(|rev| cid(*rev) == *wanted).unwrap();
        let all = origins(strands, &devices.iter().copied().map(device).collect());
        let mut read: Vec<_> = all
            .iter()
            .map(|(cid, origin)| (of(cid), origin.base.as_ref().map(of), origin.apart.iter().map(of).collect()))
            .collect();
        read.sort();
        read
    }

    #[test]
    fn a_version_goes_on_from_the_newest_that_its_device_knew_and_is_apart_from_the_rest() {
        let first = || strand(10, 1, &[]);
        let all = vec![first(), strand(20, 1, &[]), strand(30, 2, &[(1, 10)]), strand(40, 1, &[(2, 35)])];
        let expected =
            vec![(10, None, vec![]), (20, Some(10), vec![]), (30, Some(10), vec![20]), (40, Some(30), vec![])];
        assert_eq!(read(all, &[1, 2]), expected);
        let followed = vec![first(), strand(20, 1, &[]), strand(30, 2, &[(1, 20)])];
        assert_eq!(read(followed, &[1, 2])[2], (30, Some(20), vec![]));
        let third = vec![first(), strand(20, 1, &[]), strand(30, 2, &[(1, 10)]), strand(40, 3, &[(1, 20), (2, 11)])];
        assert_eq!(read(third, &[1, 2, 3])[3], (40, Some(20), vec![30]));
    }

    #[test]
    fn what_a_device_wrote_that_was_taken_out_is_gone_on_from() {
        let all = || vec![strand(10, 1, &[]), strand(20, 2, &[])];
        assert_eq!(read(all(), &[2])[1], (20, Some(10), vec![]));
        assert_eq!(read(all(), &[1, 2])[1], (20, None, vec![10]), "it never held anything of it");
    }

    #[test]
    fn nothing_goes_on_from_a_deletion() {
        let deleted = Strand { deletes: true, ..strand(20, 2, &[(1, 10)]) };
        let all = vec![strand(10, 1, &[]), deleted, strand(30, 1, &[(2, 20)])];
        assert_eq!(read(all, &[1, 2])[2], (30, Some(10), vec![]));
    }
}
