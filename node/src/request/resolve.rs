//! Forgiving texts to exact things: communities by name, CID or beginning; records by URI, CID, page address, short id
//! or title.

use std::collections::BTreeMap;

use folkmoot_schemas::{
    Audience, Cid, Record, Uri,
    block::parse_cid,
    kind::Kind,
    records::{event::Event, post::Post, profile::Profile, rsvp::Rsvp, venue::Venue},
};

use super::{Failure, Item, May, RevisedInfo, handle::Desk, veil::Veiled};
use crate::{
    config::Config,
    publish,
    store::{
        Scope, View,
        reader::{Community, Entry, Lookup, Revised},
    },
};

/// Every dag-cbor CID starts with these; a shorter beginning says nothing.
const CID_START: usize = "bafyrei".len();
/// Shortest beginning of a short id that is looked for.
const SHORT_START: usize = 4;
/// How many candidates a refusal lists.
pub(super) const SHOWN: usize = 8;

/// One request's picture of the store.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(super) desk: Desk<'a>,
    pub(super) view: View,
    pub(super) communities: BTreeMap<Cid, Community>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(desk: &Desk<'a>) -> Result<Self, Failure> {
        let view = desk.store.view(Scope::Members)?;
        let communities = view.communities()?.into_iter().map(|c| (c.id, c)).collect();
        Ok(Self { desk: *desk, view, communities })
    }

    /// The same after something was written.
    pub(super) fn again(&self) -> Result<Self, Failure> {
        Self::new(&self.desk)
    }

    /// `None`: the only one, else the home's default, else a refusal that lists them.
    pub(super) fn community(&self, text: Option<&str>) -> Result<&Community, Failure> {
        if let Some(text) = text {
            return self.named(text.trim());
        }
        let mut all = self.communities.values();
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(self.none()),
            _ => {
                let config = Config::load(&self.desk.dir.join("config.toml"), |_| None)?;
                match config.community() {
                    Some(name) => self.named(name),
                    None => Err(listing(Failure::refused("say which community is meant"), self.communities.values())
                        .hint("add --community NAME, or choose one for good with `moot use NAME`")),
                }
            }
        }
    }

    /// One, or all of them.
    pub(super) fn one_or_all(&self, text: Option<&str>) -> Result<Vec<&Community>, Failure> {
        match text {
            Some(text) => Ok(vec![self.named(text.trim())?]),
            None => Ok(self.communities.values().collect()),
        }
    }

    fn named(&self, text: &str) -> Result<&Community, Failure> {
        if let Some(found) = parse_cid(text).ok().and_then(|cid| self.communities.get(&cid)) {
            return Ok(found);
        }
        let folded = text.to_lowercase();
        let by_cid = |c: &Community| text.len() > CID_START && c.id.to_string().starts_with(text);
        let steps: [&dyn Fn(&Community) -> bool; 3] =
            [&|c| c.name == text, &|c| c.name.to_lowercase() == folded, &|c| {
                !folded.is_empty() && (c.name.to_lowercase().starts_with(&folded) || by_cid(c))
            }];
        for step in steps {
            let mut found = self.communities.values().filter(|c| step(c));
            match (found.next(), found.next()) {
                (None, _) => {}
                (Some(one), None) => return Ok(one),
                (Some(_), Some(_)) => {
                    let found = self.communities.values().filter(|c| step(c));
                    return Err(listing(Failure::refused(format!("{text:?} could be more than one community")), found)
                        .hint("give more of the name, or the id: `moot community list`"));
                }
            }
        }
        match self.communities.is_empty() {
            true => Err(self.none()),
            false => Err(listing(
                Failure::refused(format!("this home knows no community {text:?}")),
                self.communities.values(),
            )
            .hint("check the name, or join it with `moot join LINK`")),
        }
    }

    fn none(&self) -> Failure {
        // A further device, or one that was restored: nobody has to admit it.
        if publish::awaited(self.desk.store, &self.desk.me.did).is_ok_and(|awaited| !awaited.is_empty()) {
            return Failure::refused("what you wrote and joined is not here yet: no node that holds it has answered")
                .hint(
                    "`moot serve` keeps trying; `moot sync --via ADDR` asks a node now, your other device's for one",
                );
        }
        match publish::pending_joins(self.desk.store, &self.desk.me.did) {
            Ok(pending) if !pending.is_empty() => {
                Failure::refused("the community you joined has not answered yet").hint("`moot serve` keeps trying")
            }
            _ => Failure::refused("you are in no community yet")
                .hint("join one with `moot join LINK`, or start one with `moot community create NAME`"),
        }
    }

    /// The record a person means. Also tells what was deleted: its URI.
    pub(super) fn lookup(&self, target: &str, community: Option<&str>) -> Result<Result<Entry, Uri>, Failure> {
        let target = target.trim();
        let within = community.map(|c| self.named(c.trim())).transpose()?.map(|c| c.id);
        if target.starts_with("moot://") {
            let uri: Uri = target.parse().map_err(|why: folkmoot_schemas::Error| {
                Failure::refused(format!("{target:?} is not a record's address"))
                    .because(why.to_string())
                    .hint("copy it as a whole from a list or from `moot show`, or give the short id")
            })?;
            return self.single(target, self.view.get(&uri)?);
        }
        if target.starts_with("http://") || target.starts_with("https://") {
            let (id, named) = page(target).ok_or_else(|| {
                Failure::refused(format!("{target} is not the page of a post, an event or a venue"))
                    .hint("such addresses have /n/, /e/ or /v/ and sixteen letters and digits in them")
            })?;
            return self.single(target, self.view.by_short(named.or(within).as_ref(), id)?);
        }
        if let Ok(cid) = parse_cid(target) {
            let entry = self.view.by_cid(&cid)?.ok_or_else(|| absent(target))?;
            return Ok(Ok(entry));
        }
        let short = target.to_ascii_lowercase();
        let id = short.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
        if id && short.len() >= SHORT_START {
            let found = self.view.by_short(within.as_ref(), &short)?;
            if !matches!(found, Lookup::Absent) {
                return self.single(target, found);
            }
        }
        match self.titled(target, within.as_ref())? {
            Some(entry) => Ok(Ok(entry)),
            None if id && short.len() < SHORT_START => {
                Err(Failure::refused(format!("{target:?} is too short to tell what is meant"))
                    .hint("give at least four characters of the id, or the whole title"))
            }
            None => Err(absent(target)),
        }
    }

    /// The record a person means. Of a deleted one the version that a pin keeps, else a refusal.
    pub(super) fn record(&self, target: &str, community: Option<&str>) -> Result<Entry, Failure> {
        match self.lookup(target, community)? {
            Ok(entry) => Ok(entry),
            Err(uri) => self.view.kept(&uri)?.ok_or_else(|| {
                let gone = Failure::refused(format!("{} was deleted", uri.short_id()));
                // The address says whose answer it was.
                if uri.collection == Rsvp::NAME { gone } else { gone.because(uri.to_string()) }
            }),
        }
    }

    fn single(&self, target: &str, lookup: Lookup) -> Result<Result<Entry, Uri>, Failure> {
        match lookup {
            Lookup::Found(entry) => Ok(Ok(*entry)),
            Lookup::Gone(uri) => Ok(Err(uri)),
            Lookup::Absent => Err(absent(target)),
            Lookup::Ambiguous(uris) => {
                let mut failure = Failure::refused(format!("{target:?} could be more than one record"));
                for uri in uris.iter().take(SHOWN) {
                    let title = match self.view.get(uri)? {
                        Lookup::Found(entry) => headline(&entry.record),
                        _ => String::new(),
                    };
                    failure = failure.because(format!("{}  {title}", uri.short_id()));
                }
                Err(failure.hint("give more characters of the id"))
            }
        }
    }

    pub(super) fn item(&self, entry: &Entry) -> Result<Item, Failure> {
        let community = &entry.uri.community;
        let mut item = Item {
            uri: entry.uri.to_string(),
            short: entry.uri.short_id(),
            cid: entry.cid.to_string(),
            rev: entry.rev.to_string(),
            community: community.to_string(),
            community_name: self.communities.get(community).map(|c| c.name.clone()).unwrap_or_default(),
            did: entry.uri.did.to_string(),
            author: self.view.name(community, &entry.uri.did)?,
            device: entry.device.to_string(),
            audience: entry.audience.to_string(),
            created: entry.created,
            updated: entry.updated,
            fault: entry.fault.clone(),
            block: entry.block.bytes().to_vec(),
            url: self.url(&entry.uri, entry.audience).filter(|_| !entry.kept),
            kept: entry.kept,
            revised: self.revised(entry)?,
            shown: match entry.revised.is_empty() {
                true => None,
                false => Some(entry.record.encode(entry.rev)?.bytes().to_vec()),
            },
            may: self.may(entry)?,
        };
        if let Some(Veiled { record, named }) = self.veil(&entry.uri.did, &entry.record)? {
            item.shown = Some(record.encode(entry.rev)?.bytes().to_vec());
            if !named {
                (item.author, item.uri) = ("somebody".to_owned(), entry.uri.short_id());
                (item.did, item.device) = (String::new(), String::new());
            }
        }
        Ok(item)
    }

    pub(super) fn revised(&self, entry: &Entry) -> Result<Vec<RevisedInfo>, Failure> {
        let info = |one: &Revised| {
            Ok(RevisedInfo {
                uri: one.uri.to_string(),
                cid: one.cid.to_string(),
                rev: one.rev.to_string(),
                did: one.uri.did.to_string(),
                name: self.view.name(&one.uri.community, &one.uri.did)?,
                right: one.right,
                at: one.updated,
            })
        };
        entry.revised.iter().map(info).collect()
    }

    fn may(&self, entry: &Entry) -> Result<Option<May>, Failure> {
        Ok(match &entry.record {
            _ if entry.kept => None,
            _ if entry.uri.did == self.desk.me.did => Some(May::Edit),
            Record::Event(_) => self.view.right(entry)?.map(May::Revise),
            _ => None,
        })
    }

    /// Page on our gateway, when one runs and the record is public.
    pub(super) fn url(&self, uri: &Uri, audience: Audience) -> Option<String> {
        let base = self.desk.live.public_url.as_ref().or(self.desk.live.http.as_ref())?.trim_end_matches('/');
        let page = match uri.collection.as_str() {
            Event::NAME => format!("e/{}", uri.short_id()),
            Post::NAME => format!("n/{}", uri.short_id()),
            Venue::NAME => format!("v/{}", uri.short_id()),
            Profile::NAME => format!("p/{}", uri.did),
            _ => return None,
        };
        let public = |c: &&Community| c.visibility == folkmoot_schemas::charter::Visibility::Public;
        match (audience, self.communities.values().filter(public).count()) {
            (Audience::Members, _) => None,
            (Audience::Public, 0 | 1) => Some(format!("{base}/{page}")),
            (Audience::Public, _) => Some(format!("{base}/c/{}/{page}", uri.community)),
        }
    }
}

fn listing<'c>(failure: Failure, communities: impl Iterator<Item = &'c Community>) -> Failure {
    let mut names: Vec<_> = communities.map(|c| format!("{}  {}", c.name, c.id)).collect();
    names.sort();
    if names.len() > SHOWN {
        names.splice(SHOWN.., [format!("… and {} more", names.len() - SHOWN)]);
    }
    names.into_iter().fold(failure, Failure::because)
}

fn absent(target: &str) -> Failure {
    Failure::refused(format!("there is nothing called {target:?} here"))
        .hint("`moot feed` and `moot event list` show ids; `moot sync` fetches what is new")
}

/// A line that tells a record from others, whoever reads it: of an answer it says nothing but which.
pub(super) fn headline(record: &Record) -> String {
    let card = record.card();
    let text = match record.as_rsvp() {
        Some(rsvp) => rsvp.status.words().to_owned(),
        None => card.title.or(card.summary).or(card.text).unwrap_or_default(),
    };
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    format!("{}: {line}", card.kind)
}

/// Short id and community in the address of a page: `…[/c/<community>]/{e,n,v}/<id>[.ics][/at/…]`.
fn page(address: &str) -> Option<(&str, Option<Cid>)> {
    let path = address.split_once("://")?.1.split(['?', '#']).next()?;
    let mut segments = path.split('/').skip(1);
    let mut community = None;
    let mut first = segments.next()?;
    if first == "c" {
        community = Some(parse_cid(segments.next()?).ok()?);
        first = segments.next()?;
    }
    let id = segments.next()?;
    let id = id.split_once('.').map_or(id, |(id, _)| id);
    let known = matches!(first, "e" | "n" | "v") && id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    known.then_some((id, community))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_address_gives_the_id_whatever_surrounds_it() {
        let id = "abcdefghijklmn23";
        for address in [
            "http://127.0.0.1:4780/e/abcdefghijklmn23",
            "https://moot.example.org/e/abcdefghijklmn23.ics?x=1",
            "https://moot.example.org/e/abcdefghijklmn23/at/2026-12-05#top",
            "https://moot.example.org/n/abcdefghijklmn23/",
            "https://moot.example.org/v/abcdefghijklmn23.atom",
        ] {
            assert_eq!(page(address), Some((id, None)), "{address}");
        }
        let cid = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
        let address = format!("https://a.example/c/{cid}/n/{id}");
        assert_eq!(page(&address), Some((id, Some(cid.parse().unwrap()))));
        for address in ["https://a.example/", "https://a.example/p/x", "https://a.example/c/nope/e/x", "http:///e/ab"] {
            assert_eq!(page(address), None, "{address}");
        }
    }
}
