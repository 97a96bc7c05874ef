//! THE list of kinds. A new kind is one file in `records/` and one word here.

use ipld_core::ipld::Ipld;

use crate::{
    block::{Block, Cid},
    card::Card,
    commit::Audience,
    error::{Error, Fault},
    kind::Kind,
    records::{event::Event, post::Post, profile::Profile, rsvp::Rsvp, tombstone::Tombstone},
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
            pub fn name(&self) -> &str {
                match self { $(Self::$name(_) => $name::NAME,)* Self::Unknown { name, .. } => name }
            }
            /// Audience in a public community; an unknown kind is for members.
            pub fn audience(&self) -> Audience {
                match self { $(Self::$name(_) => $name::AUDIENCE,)* Self::Unknown { .. } => Audience::Members }
            }
            pub fn limit(&self) -> usize {
                match self { $(Self::$name(_) => $name::LIMIT,)* Self::Unknown { .. } => crate::limits::RECORD }
            }
            pub fn check(&self) -> Result<(), Fault> {
                match self { $(Self::$name(r) => r.check(),)* Self::Unknown { .. } => Ok(()) }
            }
            pub fn rkey(&self) -> Option<String> {
                match self { $(Self::$name(r) => r.rkey(),)* Self::Unknown { .. } => None }
            }
            pub fn links(&self) -> Vec<Cid> {
                match self { $(Self::$name(r) => r.links(),)* Self::Unknown { fields, .. } => ipld_links(fields) }
            }
            pub fn about(&self) -> Option<Uri> {
                match self { $(Self::$name(r) => r.about(),)* Self::Unknown { .. } => None }
            }
            pub fn card(&self) -> Card {
                match self { $(Self::$name(r) => r.card(),)* Self::Unknown { name, fields } => generic_card(name, fields) }
            }
        }
    };
}

kinds!(Profile, Post, Event, Rsvp, Tombstone);

impl Record {
    /// Encodes with `$type` and `rev`.
    pub fn encode(&self, _rev: Tid) -> Result<Block, Error> {
        todo!()
    }
    /// From outside bytes, through the one door. A known kind whose shape does not fit comes back as `Unknown`
    /// (kept and forwarded, hidden on pages), so that a version difference never splits replicas.
    pub fn open(_bytes: &[u8]) -> Result<(Block, Tid, Self), Error> {
        todo!()
    }
    /// From a block of our own store.
    pub fn view(_block: &Block) -> Result<(Tid, Self), Error> {
        todo!()
    }
    pub fn as_post(&self) -> Option<&Post> {
        if let Self::Post(p) = self { Some(p) } else { None }
    }
    pub fn as_event(&self) -> Option<&Event> {
        if let Self::Event(e) = self { Some(e) } else { None }
    }
    pub fn as_profile(&self) -> Option<&Profile> {
        if let Self::Profile(p) = self { Some(p) } else { None }
    }
    pub fn as_rsvp(&self) -> Option<&Rsvp> {
        if let Self::Rsvp(r) = self { Some(r) } else { None }
    }
}

fn ipld_links(_fields: &Ipld) -> Vec<Cid> {
    todo!()
}

/// Text-like fields of a kind we do not know, as facts.
fn generic_card(_name: &str, _fields: &Ipld) -> Card {
    todo!()
}
