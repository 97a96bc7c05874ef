//! The versions of a record: those that stand in repositories here, and older ones whose proof was kept.

use std::collections::BTreeSet;

use folkmoot_schemas::{Cid, Record, Uri, records::revision::Right};

use serde::{Deserialize, Serialize};

use super::{Failure, Reply, Side, handle::Answer, records::BUDGET, resolve::Reading};
use crate::store::reader::Lookup;

/// One version of a record, proven by a commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionInfo {
    pub rev: String,
    pub cid: String,
    pub by: Side,
    pub author: String,
    /// It is the one that counts.
    pub current: bool,
    /// It deletes.
    pub deleted: bool,
    /// CID of the commit that signs for it, where an older one had to be kept for that.
    pub commit: Option<String>,
    #[serde(with = "serde_bytes")]
    pub block: Vec<u8>,
    /// It is a revision of somebody else's event, by this right.
    #[serde(default)]
    pub right: Option<Right>,
    /// CID of the version that it changed, where that is here.
    #[serde(default)]
    pub base: Option<String>,
    /// CIDs of older versions that it was written without knowing of, newest first: on other devices of its author.
    #[serde(default)]
    pub apart: Vec<String>,
}

impl Reading<'_> {
    /// Newest first.
    pub(super) fn history(&self, target: &str, community: Option<&str>) -> Answer {
        let (Ok(uri) | Err(uri)) = self.lookup(target, community)?.map(|entry| entry.uri);
        let mut versions = self.versions_of(&uri, None)?;
        // What others changed in an event is part of what it was.
        if let Lookup::Found(entry) = self.view.get(&uri)? {
            for (right, revision) in self.view.written_revisions(&entry)? {
                versions.extend(self.versions_of(&revision.uri, Some(right))?);
            }
            let shown = entry.shown_cid().to_string();
            for version in &mut versions {
                version.current = version.cid == shown;
            }
        }
        if versions.is_empty() {
            return Err(Failure::refused(format!("nothing is kept here of {}", uri.short_id()))
                .because("it was deleted; older versions go with it"));
        }
        for version in &versions {
            if let Ok((_, _, record)) = Record::open(&version.block) {
                self.unveiled(&uri, &record)?;
            }
        }
        lay_over(&mut versions);
        versions.sort_by(|a, b| (&b.rev, b.current, &a.cid).cmp(&(&a.rev, a.current, &b.cid)));
        versions.dedup_by(|a, b| a.cid == b.cid);
        // The newest, where several people's versions are more than one answer holds.
        let mut bytes = 0;
        versions.retain(|version| {
            bytes += version.block.len();
            bytes <= BUDGET
        });
        Ok(Reply::History { item: self.subject(&uri)?, versions }.into())
    }

    /// Of one record, those that stand and those that are kept. `right`: of whom it revises somebody else's event by.
    fn versions_of(&self, uri: &Uri, right: Option<Right>) -> Result<Vec<VersionInfo>, Failure> {
        let author = self.view.name(&uri.community, &uri.did)?;
        let (standing, older) = (self.view.standing(uri)?, self.view.versions(uri)?);
        let origins = self.view.origins(uri, &standing, &older)?;
        let base = |cid: &Cid| origins.get(cid)?.base.as_ref().map(Cid::to_string);
        let apart = |cid: &Cid| origins.get(cid).into_iter().flat_map(|o| &o.apart).map(Cid::to_string).collect();
        let mut versions: Vec<VersionInfo> = Vec::new();
        for (n, entry) in standing.into_iter().enumerate() {
            versions.push(VersionInfo {
                rev: entry.rev.to_string(),
                cid: entry.cid.to_string(),
                by: self.by(&uri.did, entry.device, entry.rev)?,
                author: author.clone(),
                current: n == 0 && right.is_none(),
                deleted: matches!(entry.record, Record::Tombstone(_)),
                commit: None,
                block: entry.block.bytes().to_vec(),
                right,
                base: base(&entry.cid),
                apart: apart(&entry.cid),
            });
        }
        for old in older {
            versions.push(VersionInfo {
                rev: old.rev.to_string(),
                cid: old.cid.to_string(),
                by: self.by(&uri.did, old.device, old.rev)?,
                author: author.clone(),
                current: false,
                deleted: false,
                commit: Some(old.commit.to_string()),
                block: old.block.bytes().to_vec(),
                right,
                base: base(&old.cid),
                apart: apart(&old.cid),
            });
        }
        Ok(versions)
    }
}

/// What others changed in an event goes on from the author's version that it names, as it then stood with what had been
/// laid over it; and so does the author's next one.
fn lay_over(versions: &mut [VersionInfo]) {
    let seen = |version: &VersionInfo| {
        version.right?;
        let (_, _, record) = Record::open(&version.block).ok()?;
        record.as_revision().map(|revision| revision.seen.to_string())
    };
    let named: Vec<Option<String>> = versions.iter().map(seen).collect();
    let laid: Vec<(String, String, String)> = versions
        .iter()
        .zip(&named)
        .filter_map(|(version, named)| Some((named.clone()?, version.rev.clone(), version.cid.clone())))
        .collect();
    let here: BTreeSet<String> = versions.iter().map(|version| version.cid.clone()).collect();
    for (version, named) in versions.iter_mut().zip(named) {
        let Some(under) = named.filter(|named| here.contains(named)).or(version.base.take()) else { continue };
        let before = laid.iter().filter(|(of, rev, cid)| {
            *of == under && (rev, cid) < (&version.rev, &version.cid) && !version.apart.contains(cid)
        });
        version.base = Some(before.max().map_or(under, |(_, _, cid)| cid.clone()));
    }
}
