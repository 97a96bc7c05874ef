//! The versions of a record: those that stand in repositories here, and older ones whose proof was kept.

use folkmoot_schemas::{Record, Uri, records::revision::Right};

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
        let mut versions: Vec<VersionInfo> = Vec::new();
        for (n, entry) in self.view.standing(uri)?.into_iter().enumerate() {
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
            });
        }
        for old in self.view.versions(uri)? {
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
            });
        }
        Ok(versions)
    }
}
