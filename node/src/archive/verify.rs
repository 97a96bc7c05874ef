//! Is an archive true? Everything is judged from its bytes alone: hashes, trees, signatures, the newest identity in it,
//! the roster in it. What it cannot tell (whether there is something newer, say) is for who holds more.

use std::collections::BTreeMap;

use folkmoot_schemas::{
    Audience, Cid, Did, Error, Record, Tid, Uri,
    block::{Block, DAG_CBOR},
    charter::Visibility,
    commit::Commit,
    identity::Identity,
    kind::Kind as _,
    mst::{self, Visitor},
    records::tombstone::Tombstone,
    roster::{Former, Op, Role, State, fold},
    uri,
};

use super::{
    Archive, ArchiveError, Damage, Listed, Missing,
    index::{Progress, USED},
    survey::{Community, Kind, Shown, Survey},
};

/// What an archive says, and what of it does not hold.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    pub blocks: u64,
    pub bytes: u64,
    /// The record it proves; None: it holds whole repositories.
    pub claim: Option<Claim>,
    /// Repositories, in whole archives.
    pub checked: Vec<Checked>,
    pub damaged: Listed<Damage>,
    pub missing: Listed<Missing>,
    /// What contradicts itself: block or repository, and why.
    pub wrong: Listed<(String, String)>,
    pub strangers: Listed<(Cid, u64)>,
    /// Files that records name and that are not in the archive; a proof may do without them.
    pub files_missing: u64,
}

/// Who signed a commit, and by what right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub did: Did,
    /// As the profile says that the archive holds with its proof.
    pub name: Option<String>,
    pub device: Did,
    /// As the person named it.
    pub device_name: String,
    pub community: Cid,
    /// None: the charter is not in the archive.
    pub community_name: Option<String>,
    pub visibility: Option<Visibility>,
    pub audience: Audience,
    pub right: Right,
    /// When, as the device said.
    pub signed: Tid,
    pub commit: Cid,
}

/// By the roster in the archive, as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Member(Role),
    /// No member any more; what stood when they left still stands.
    Former,
    /// The roster is not (wholly) in the archive.
    Unchecked,
}

/// One record that is proved.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub author: Author,
    pub uri: Uri,
    pub cid: Cid,
    pub rev: Tid,
    pub record: Record,
    /// Tree nodes between commit and record.
    pub nodes: u64,
}

/// One repository, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub author: Author,
    pub records: u64,
}

impl Verified {
    /// Nothing in it is damaged, missing or wrong, and it says something at all.
    pub fn holds(&self) -> bool {
        self.damaged.is_empty()
            && self.missing.is_empty()
            && self.wrong.is_empty()
            && (self.claim.is_some() || !self.checked.is_empty())
    }
}

pub fn verify(mut archive: Archive, progress: Progress<'_>) -> Result<Verified, ArchiveError> {
    let survey = Survey::new(&mut archive, progress)?;
    let mut verified = Verified {
        blocks: archive.blocks(),
        bytes: archive.size,
        damaged: archive.damaged.clone(),
        files_missing: survey.files_missing.total,
        ..Verified::default()
    };
    verified.wrong.extend(survey.refused.shown.iter().map(|(cid, why)| (cid.to_string(), why.clone())));
    let rosters: BTreeMap<Cid, Option<State>> =
        survey.communities.iter().map(|(id, community)| (*id, folded(id, community, &survey))).collect();
    match survey.kind {
        Kind::Proof { commit, record } => {
            verified.claim = claim(&mut archive, &survey, &rosters, &commit, &record, &mut verified.wrong)?;
            // The profile that may be beside it names files of its own.
            let files = verified.claim.iter().flat_map(|claim| claim.record.links());
            let lacking = files.filter(|file| file.codec() != DAG_CBOR && !archive.has(file)).count();
            verified.files_missing = lacking as u64;
            if !archive.has(&record) {
                verified.missing.push(Missing { cid: record, what: "the record" });
            }
        }
        Kind::Whole => {
            verified.missing = survey.missing.clone();
            verified.missing.total += survey.files_missing.total;
            verified.missing.shown.extend(survey.files_missing.shown.iter().cloned());
            for repo in survey.communities.values().flat_map(|community| &community.repos) {
                let judged = author(&survey, &rosters, &repo.block, &repo.commit)
                    .and_then(|author| repo.state.clone().map(|()| author));
                match judged {
                    Ok(author) => verified.checked.push(Checked { author, records: repo.records }),
                    Err(why) => verified.wrong.push((format!("{} of {}", repo.id, repo.commit.community), why)),
                }
            }
            if verified.checked.is_empty() && verified.wrong.is_empty() {
                verified.wrong.push(("the archive".into(), "nothing in it is signed by anybody".into()));
            }
        }
    }
    let names = names(&survey);
    let checked = verified.checked.iter_mut().map(|checked| &mut checked.author);
    for author in checked.chain(verified.claim.as_mut().map(|claim| &mut claim.author)) {
        author.name = names.get(&(author.community, author.did)).cloned();
    }
    verified.strangers = archive.strangers()?;
    Ok(verified)
}

/// The roster in the archive. None: part of it is lacking.
fn folded(id: &Cid, community: &Community, survey: &Survey) -> Option<State> {
    let (_, charter) = community.charter.as_ref()?;
    let ops: BTreeMap<Cid, Op> = community.ops.iter().map(|(block, op)| (*block.cid(), op.clone())).collect();
    let blocks: BTreeMap<&Cid, &Block> = community.ops.iter().map(|(block, _)| (block.cid(), block)).collect();
    let identity = |cid: &Cid| survey.identities.get(cid).map(|(_, identity)| identity.clone());
    let folded = fold(id, charter, &ops, |cid| blocks.get(cid).map(|block| (*block).clone()), identity);
    folded.missing.is_empty().then_some(folded.state)
}

/// The newest identity of a person in the archive.
fn newest<'s>(survey: &'s Survey, did: &Did) -> Option<&'s Identity> {
    let mut best: Option<(&Cid, &Identity)> = None;
    for (cid, (_, identity)) in survey.identities.iter().filter(|(_, (_, identity))| identity.did == *did) {
        if best.is_none_or(|(other_cid, other)| identity.beats(cid, other, other_cid)) {
            best = Some((cid, identity));
        }
    }
    best.map(|(_, identity)| identity)
}

/// What people call themselves, by community: of the profiles in trees that hold, the newest that a device of theirs signed.
fn names(survey: &Survey) -> BTreeMap<(Cid, Did), String> {
    let mut best: BTreeMap<(Cid, Did), &Shown> = BTreeMap::new();
    for repo in survey.communities.values().flat_map(|community| &community.repos) {
        // The tree of a proof is never whole, and what is in it is proved all the same.
        let holds = repo.state.is_ok() || survey.kind != Kind::Whole;
        let theirs = newest(survey, &repo.id.did).is_some_and(|identity| identity.certifies(&repo.id.device));
        let Some(shown) = repo.profile.as_ref().filter(|_| holds && theirs) else { continue };
        let known = best.entry((repo.commit.community, repo.id.did)).or_insert(shown);
        if shown.rev > known.rev || (shown.rev == known.rev && shown.cid.to_bytes() < known.cid.to_bytes()) {
            *known = shown;
        }
    }
    best.into_iter().filter_map(|(whose, shown)| Some((whose, shown.name.clone()?))).collect()
}

/// Judges a commit whose signature holds: is the device its author's, and the author a member?
fn author(
    survey: &Survey,
    rosters: &BTreeMap<Cid, Option<State>>,
    block: &Block,
    commit: &Commit,
) -> Result<Author, String> {
    let identity = newest(survey, &commit.did)
        .ok_or_else(|| format!("the identity of its author {} is not in the archive", commit.did))?;
    let device = (identity.devices.iter().find(|device| device.key == commit.device))
        .ok_or_else(|| format!("it was signed by {}, which is no device of its author", commit.device))?;
    let state = rosters.get(&commit.community).and_then(Option::as_ref);
    let right = match state {
        Some(state) => right(state, block, commit).ok_or("its author is no member, by the roster in the archive")?,
        None => Right::Unchecked,
    };
    let charter = survey.communities.get(&commit.community).and_then(|community| community.charter.as_ref());
    let visibility = charter.map(|(_, charter)| charter.visibility);
    if visibility == Some(Visibility::Members) && commit.audience == Audience::Public {
        return Err("its community has no public audience".into());
    }
    Ok(Author {
        did: commit.did,
        name: None,
        device: commit.device,
        device_name: device.name.clone(),
        community: commit.community,
        community_name: state.map(|state| state.name.clone()).or(charter.map(|(_, charter)| charter.name.clone())),
        visibility,
        audience: commit.audience,
        right,
        signed: commit.rev,
        commit: *block.cid(),
    })
}

fn right(state: &State, block: &Block, commit: &Commit) -> Option<Right> {
    let stood = |former: &Former| former.cut.get(&commit.repo()).is_some_and(|head| head.cid == *block.cid());
    match (state.role(&commit.did), state.former.get(&commit.did)) {
        (Some(role), _) => Some(Right::Member(role)),
        (None, Some(former)) if stood(former) => Some(Right::Former),
        (None, _) => None,
    }
}

fn claim(
    archive: &mut Archive,
    survey: &Survey,
    rosters: &BTreeMap<Cid, Option<State>>,
    commit_cid: &Cid,
    record_cid: &Cid,
    wrong: &mut Listed<(String, String)>,
) -> Result<Option<Claim>, ArchiveError> {
    let Some(block) = archive.get(record_cid)? else { return Ok(None) };
    let Some(commit_block) = archive.get(commit_cid)? else { return Ok(None) };
    let judged = Commit::open(commit_block.bytes())
        .map_err(|why| why.to_string())
        .and_then(|(block, commit)| author(survey, rosters, &block, &commit).map(|author| (commit, author)));
    let (commit, author) = match judged {
        Ok(judged) => judged,
        Err(why) => {
            wrong.push((format!("commit {commit_cid}"), why));
            return Ok(None);
        }
    };
    archive.mark(commit_cid, USED);
    archive.mark(record_cid, USED);
    let mut path = Path { archive, record: record_cid, nodes: 0, found: None };
    match mst::visit(&commit.data, &mut path) {
        Ok(()) => {}
        Err(Stop::Archive(error)) => return Err(error),
        Err(Stop::Tree(why)) => {
            wrong.push((format!("commit {commit_cid}"), why.to_string()));
            return Ok(None);
        }
    }
    let (nodes, found) = (path.nodes, path.found);
    let stands = match found {
        Some(path) => stands(&block, &commit, &path).map(|(rev, record)| (path, rev, record)),
        None => Err("the tree its commit signs does not lead to it with the nodes in the archive".to_owned()),
    };
    match stands {
        Ok((path, rev, record)) => {
            for file in record.links() {
                archive.mark(&file, USED);
            }
            let (collection, rkey) = path.split_once('/').unwrap_or_default();
            match Uri::new(commit.community, commit.did, collection, rkey) {
                Ok(uri) => return Ok(Some(Claim { author, uri, cid: *record_cid, rev, record, nodes })),
                Err(why) => wrong.push((format!("record {record_cid}"), why.to_string())),
            }
        }
        Err(why) => wrong.push((format!("record {record_cid}"), why)),
    }
    Ok(None)
}

/// What a tree may hold at a path.
fn stands(block: &Block, commit: &Commit, path: &str) -> Result<(Tid, Record), String> {
    let (collection, _) = uri::check_path(path).map_err(|why| why.to_string())?;
    let (rev, record) = Record::view(block).map_err(|why| why.to_string())?;
    if record.name() != collection && record.name() != Tombstone::NAME {
        return Err(format!("{} stands under {collection}", record.name()));
    }
    if rev > commit.rev { Err("it is newer than its commit".into()) } else { Ok((rev, record)) }
}

/// Follows the nodes that are here until the record is found.
struct Path<'a> {
    archive: &'a mut Archive,
    record: &'a Cid,
    nodes: u64,
    found: Option<String>,
}

enum Stop {
    Archive(ArchiveError),
    Tree(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Tree(error)
    }
}

impl Visitor for Path<'_> {
    type Error = Stop;

    fn node(&mut self, cid: &Cid) -> Result<Option<Block>, Stop> {
        let node = self.archive.get(cid).map_err(Stop::Archive)?;
        if node.is_some() {
            self.nodes += 1;
            self.archive.mark(cid, USED);
        }
        Ok(node)
    }

    fn entry(&mut self, path: String, cid: Cid) -> Result<(), Stop> {
        if cid == *self.record && self.found.is_none() {
            self.found = Some(path);
        }
        Ok(())
    }
}
