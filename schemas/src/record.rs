//! THE list of kinds. A new kind is one file in `records/` and one word here.

use bytes::Bytes;
use ipld_core::ipld::Ipld;
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    card::Card,
    commit::Audience,
    error::{Error, Fault, Refusal},
    kind::Kind,
    limits,
    records::{
        admission::Admission,
        event::Event,
        poll::Poll,
        post::{Post, PostKind},
        profile::Profile,
        revision::Revision,
        rsvp::Rsvp,
        tombstone::Tombstone,
        venue::Venue,
        vote::Vote,
    },
    roster::Role,
    tid::Tid,
    uri::Uri,
};

macro_rules! kinds {
    ($($name:ident),* $(,)?) => {
        /// A record's content, typed where we know its kind. A view over a block, never its source.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Record {
            $($name(Box<$name>),)*
            /// A kind of a later version, or of somebody else: kept, checked, forwarded, shown generically.
            Unknown { name: String, fields: Ipld },
        }

        /// NSIDs of the kinds this version knows.
        pub const KINDS: &[&str] = &[$($name::NAME),*];

        $(impl From<$name> for Record {
            fn from(value: $name) -> Self {
                Self::$name(Box::new(value))
            }
        })*

        impl Record {
            /// The NSID: `$type` and, tombstones excepted, the collection.
            pub fn name(&self) -> &str {
                match self { $(Self::$name(_) => $name::NAME,)* Self::Unknown { name, .. } => name }
            }
            /// Audience in a public community; an unknown kind is for members.
            pub fn audience(&self) -> Audience {
                match self { $(Self::$name(_) => $name::AUDIENCE,)* Self::Unknown { .. } => Audience::Members }
            }
            /// Bytes of the whole record.
            pub fn limit(&self) -> usize {
                match self { $(Self::$name(_) => $name::LIMIT,)* Self::Unknown { .. } => limits::RECORD }
            }
            /// Field limits. A record that names a kind we know without having its shape is at fault too.
            pub fn check(&self) -> Result<(), Fault> {
                match self {
                    $(Self::$name(r) => r.check(),)*
                    Self::Unknown { name, .. } if KINDS.contains(&name.as_str()) => {
                        Err(Fault::new("$type", format!("this is not the shape of {name}")))
                    }
                    Self::Unknown { .. } => Ok(()),
                }
            }
            /// See [`Kind::rkey`].
            pub fn rkey(&self) -> Option<String> {
                match self { $(Self::$name(r) => r.rkey(),)* Self::Unknown { .. } => None }
            }
            /// Blobs it links.
            pub fn links(&self) -> Vec<Cid> {
                match self { $(Self::$name(r) => r.links(),)* Self::Unknown { fields, .. } => ipld_links(fields) }
            }
            /// See [`Kind::about`].
            pub fn about(&self) -> Option<Uri> {
                match self { $(Self::$name(r) => r.about(),)* Self::Unknown { .. } => None }
            }
            /// Neutral display form.
            pub fn card(&self) -> Card {
                match self { $(Self::$name(r) => r.card(),)* Self::Unknown { name, fields } => generic_card(name, fields) }
            }

            fn known(name: &str, block: &Block) -> Option<Self> {
                match name {
                    $($name::NAME => block.view::<$name>().ok().map(Self::from),)*
                    _ => None,
                }
            }

            /// Bytes of its block, whatever its rev: all are written with as many characters.
            pub fn size(&self) -> Result<usize, Error> {
                let rev = Tid::new(0, 0);
                match self {
                    $(Self::$name(r) => Block::size_of(&Headed { name: $name::NAME, rev, fields: r.as_ref() }),)*
                    Self::Unknown { .. } => Ok(self.encode_fields(rev)?.bytes().len()),
                }
            }

            fn encode_fields(&self, rev: Tid) -> Result<Block, Error> {
                match self {
                    $(Self::$name(r) => Block::encode(&Headed { name: $name::NAME, rev, fields: r.as_ref() }),)*
                    Self::Unknown { name, fields: Ipld::Map(fields) } => {
                        let mut fields = fields.clone();
                        fields.insert("$type".into(), Ipld::String(name.clone()));
                        fields.insert("rev".into(), Ipld::String(rev.to_string()));
                        Block::encode(&fields)
                    }
                    Self::Unknown { .. } => Err(Refusal::Shape("a record is a map".into()).into()),
                }
            }
        }
    };
}

kinds!(Profile, Post, Event, Revision, Rsvp, Admission, Tombstone, Venue, Poll, Vote);

impl Record {
    /// Encodes with `$type` and `rev`. Refuses what is over the kind's size limit; field limits are [`Self::check`].
    pub fn encode(&self, rev: Tid) -> Result<Block, Error> {
        let block = self.encode_fields(rev)?;
        let (size, limit) = (block.bytes().len(), self.limit());
        if size > limit {
            return Err(Refusal::Size { size, limit }.into());
        }
        Ok(block)
    }

    /// From outside bytes, through the one door. A known kind whose shape does not fit comes back as `Unknown`
    /// (kept and forwarded, hidden on pages), so that a version difference never splits replicas.
    pub fn open(bytes: &[u8]) -> Result<(Block, Tid, Self), Error> {
        if bytes.len() > limits::RECORD {
            return Err(Refusal::Size { size: bytes.len(), limit: limits::RECORD }.into());
        }
        let (block, head) = Block::decode::<Head>(Bytes::copy_from_slice(bytes), limits::RECORD)?;
        let record = Self::from_block(head.name, &block)?;
        Ok((block, head.rev, record))
    }

    /// From a block of our own store.
    pub fn view(block: &Block) -> Result<(Tid, Self), Error> {
        let head = block.view::<Head>()?;
        Ok((head.rev, Self::from_block(head.name, block)?))
    }

    /// The table role × kind: who may write this, by the role they have now. Publishing refuses the rest; replicas take
    /// it like any field fault, and readers hide it.
    ///
    /// | kind | least role |
    /// |---|---|
    /// | RSVP, profile, reply, tombstone | guest |
    /// | post, update, event, revision, admission, venue, poll, vote, kinds of later versions | member |
    pub fn allowed(&self, role: Role) -> bool {
        let least = match self {
            Self::Rsvp(_) | Self::Profile(_) | Self::Tombstone(_) => Role::Guest,
            Self::Post(post) if post.reply.is_some() && post.kind != PostKind::Update => Role::Guest,
            Self::Post(_)
            | Self::Event(_)
            | Self::Revision(_)
            | Self::Admission(_)
            | Self::Venue(_)
            | Self::Poll(_)
            | Self::Vote(_)
            | Self::Unknown { .. } => Role::Member,
        };
        role >= least
    }

    /// Known kinds are read straight from the bytes, without a generic value in between.
    fn from_block(name: String, block: &Block) -> Result<Self, Error> {
        match Self::known(&name, block) {
            Some(record) if block.bytes().len() <= record.limit() => Ok(record),
            _ => Ok(Self::Unknown { name, fields: block.view()? }),
        }
    }

    pub fn as_post(&self) -> Option<&Post> {
        if let Self::Post(p) = self { Some(p) } else { None }
    }
    pub fn as_event(&self) -> Option<&Event> {
        if let Self::Event(e) = self { Some(e) } else { None }
    }
    pub fn as_revision(&self) -> Option<&Revision> {
        if let Self::Revision(r) = self { Some(r) } else { None }
    }
    pub fn as_profile(&self) -> Option<&Profile> {
        if let Self::Profile(p) = self { Some(p) } else { None }
    }
    pub fn as_rsvp(&self) -> Option<&Rsvp> {
        if let Self::Rsvp(r) = self { Some(r) } else { None }
    }
    pub fn as_poll(&self) -> Option<&Poll> {
        if let Self::Poll(p) = self { Some(p) } else { None }
    }
    pub fn as_venue(&self) -> Option<&Venue> {
        if let Self::Venue(v) = self { Some(v) } else { None }
    }
}

/// What every record carries besides the fields of its kind.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "$type")]
    name: String,
    rev: Tid,
}

#[derive(Serialize)]
struct Headed<'a, T> {
    #[serde(rename = "$type")]
    name: &'static str,
    rev: Tid,
    #[serde(flatten)]
    fields: &'a T,
}

/// All links of a record we cannot read. The one decoder bounded its depth, and the walk keeps its own stack.
fn ipld_links(fields: &Ipld) -> Vec<Cid> {
    let (mut links, mut stack) = (Vec::new(), vec![fields]);
    while let Some(value) = stack.pop() {
        match value {
            Ipld::Link(cid) => links.push(*cid),
            Ipld::List(items) => stack.extend(items.iter().rev()),
            Ipld::Map(map) => stack.extend(map.values().rev()),
            _ => {}
        }
    }
    links
}

/// Facts shown of a kind we do not know, and characters of each.
const GENERIC_FACTS: usize = 16;
const GENERIC_CHARS: usize = 280;

/// Plain fields of a kind we do not know, as facts. All of it is shown as plain text: nothing is known of its markup.
fn generic_card(name: &str, fields: &Ipld) -> Card {
    let short = name.rsplit('.').next().unwrap_or(name);
    let mut card = Card { kind: short.into(), ..Card::default() };
    let Ipld::Map(map) = fields else { return card };
    for (key, value) in map {
        let text = match value {
            Ipld::String(text) => text.chars().take(GENERIC_CHARS).collect(),
            Ipld::Integer(number) => number.to_string(),
            Ipld::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
            _ => continue,
        };
        match key.as_str() {
            "$type" | "rev" => {}
            "title" | "name" if card.title.is_none() => card.title = Some(text),
            "summary" => card.summary = Some(text),
            "lang" => card.lang = Some(text),
            _ if card.facts.len() < GENERIC_FACTS => card.facts.push((key.clone(), text)),
            _ => {}
        }
    }
    card
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const CID: &str = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
    const DID: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

    fn rev() -> Tid {
        Tid::new(1_700_000_000_000_000, 7)
    }

    fn post() -> Record {
        Post { text: "See you on Thursday".into(), ..Post::default() }.into()
    }

    fn changed(record: &Record, field: &str, value: Ipld) -> Block {
        let mut map: BTreeMap<String, Ipld> = record.encode(rev()).unwrap().view().unwrap();
        map.insert(field.into(), value);
        Block::encode(&map).unwrap()
    }

    #[test]
    fn a_record_reads_back_with_its_kind_and_rev() {
        let block = post().encode(rev()).unwrap();
        assert_eq!(Record::open(block.bytes()).unwrap(), (block.clone(), rev(), post()));
        assert_eq!(Record::view(&block).unwrap(), (rev(), post()));
        assert_eq!(post().size().unwrap(), block.bytes().len());
    }

    #[test]
    fn a_field_of_a_later_version_is_ignored_by_the_view_and_stays_in_the_block() {
        let block = changed(&post(), "mood", Ipld::String("bright".into()));
        let (opened, _, record) = Record::open(block.bytes()).unwrap();
        assert_eq!((record, opened), (post(), block));
    }

    #[test]
    fn a_known_kind_of_another_shape_is_kept_whole_and_hidden() {
        let block = changed(&post(), "text", Ipld::Integer(7));
        let (_, _, record) = Record::open(block.bytes()).unwrap();
        assert_eq!(record.name(), Post::NAME);
        assert!(matches!(record, Record::Unknown { .. }) && record.check().is_err());
        assert_eq!(record.encode(rev()).unwrap(), block);
    }

    #[test]
    fn a_guest_answers_and_shows_a_name_and_begins_nothing() {
        let post = Post { text: "See you".into(), ..Post::default() };
        let uri: Uri = format!("moot://{}/{}/{}/3jzfcijpj2z2a", CID, DID, Post::NAME).parse().unwrap();
        let to = crate::uri::StrongRef { uri: uri.clone(), cid: CID.parse().unwrap() };
        let reply = Some(crate::records::post::Reply { root: to.clone(), parent: to });
        let answer = Post { reply: reply.clone(), ..post.clone() };
        let update = Post { reply, kind: PostKind::Update, about: Some(uri), ..post.clone() };
        let profile = Profile { name: "Ben".into(), ..Profile::default() };
        let unknown = Record::Unknown { name: "org.example.recipe".into(), fields: Ipld::Map(BTreeMap::new()) };
        for (record, guest) in [
            (Record::from(answer), true),
            (profile.into(), true),
            (Tombstone::default().into(), true),
            (post.into(), false),
            (update.into(), false),
            (unknown, false),
        ] {
            assert_eq!((record.allowed(Role::Guest), record.allowed(Role::Member)), (guest, true), "{record:?}");
        }
    }

    #[test]
    fn a_known_kind_over_its_own_limit_is_kept_and_hidden() {
        let long = Post { text: "x".repeat(limits::POST), ..Post::default() };
        assert!(matches!(Record::from(long.clone()).encode(rev()), Err(Error::Decode(Refusal::Size { .. }))));
        let block = changed(&post(), "text", Ipld::String(long.text));
        let (_, _, record) = Record::open(block.bytes()).unwrap();
        assert!(matches!(record, Record::Unknown { .. }) && record.check().is_err());
    }

    #[test]
    fn an_unknown_kind_shows_plain_facts_and_gives_its_links() {
        let blob = crate::block::cid_of(crate::block::RAW, b"photo");
        let map = BTreeMap::from([
            ("$type".to_string(), Ipld::String("org.example.recipe".into())),
            ("rev".to_string(), Ipld::String(rev().to_string())),
            ("name".to_string(), Ipld::String("Soup".into())),
            ("serves".to_string(), Ipld::Integer(40)),
            ("steps".to_string(), Ipld::List(vec![Ipld::Map([("image".to_string(), Ipld::Link(blob))].into())])),
        ]);
        let block = Block::encode(&map).unwrap();
        let (_, _, record) = Record::open(block.bytes()).unwrap();
        let card = record.card();
        assert_eq!((card.kind.as_str(), card.title.as_deref()), ("recipe", Some("Soup")));
        assert_eq!(card.facts, [("serves".to_string(), "40".to_string())]);
        assert_eq!(record.links(), [blob]);
        assert_eq!((record.check(), record.audience()), (Ok(()), Audience::Members));
    }

    #[test]
    fn a_record_without_type_or_rev_is_refused() {
        for missing in ["$type", "rev"] {
            let mut map: BTreeMap<String, Ipld> = post().encode(rev()).unwrap().view().unwrap();
            map.remove(missing);
            let block = Block::encode(&map).unwrap();
            assert!(matches!(Record::open(block.bytes()), Err(Error::Decode(Refusal::Shape(_)))), "{missing}");
        }
        assert!(Record::open(&vec![0; limits::RECORD + 1]).is_err());
    }
}
