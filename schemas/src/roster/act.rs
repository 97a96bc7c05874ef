//! What an operation can do: its shape in the block, its limits, and who may write it.
//!
//! A new act is one variant, one arm each for reading and writing, one in [`Act::check`], one in [`may`] and one in the fold.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::Role;
use crate::{
    block::Cid,
    commit::{HeadRef, RepoId},
    error::Fault,
    key::{Did, Sig},
    limits,
    records::text,
    structure::typed,
    tid::Tid,
};

/// The heads at which the repositories of somebody who is out stand still, each by its `did/device/audience`.
pub type Cut = BTreeMap<RepoId, HeadRef>;

/// What an operation does. In the block: a map with one key, the operation's name. A name we do not know decodes
/// as [`Act::Unknown`]: stored and forwarded, without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Admits somebody, or raises them; never lowers. `was`: the person's earlier did, when paper and devices were lost.
    Add {
        did: Did,
        role: Role,
        was: Option<Did>,
    },
    /// Puts out somebody of lower rank. Of what they wrote here, what the heads in `cut` hold stays.
    Remove {
        did: Did,
        cut: Cut,
        /// Line ≤ 280.
        reason: Option<String>,
    },
    /// Goes out by oneself; `cut` as in a removal.
    Leave {
        cut: Cut,
    },
    /// What this device of the author wrote is over, as the linked identity says, which lists it no longer.
    Retire {
        device: Did,
    },
    /// `key`: public half of the one-time seed in the link. `expires` advisory, compared with the join's rev.
    Invite {
        key: Did,
        role: Role,
        expires: Option<Tid>,
        uses: u32,
    },
    /// `seed_sig` by the invite's key, prefix `folkmoot/join-seed/1`, over the operation without both signatures.
    Join {
        invite: Cid,
        did: Did,
        seed_sig: Sig,
    },
    Close {
        invite: Cid,
        joins: Vec<Cid>,
    },
    Describe(Describe),
    Unknown(String),
}

/// What a community says of itself; an absent field leaves the earlier value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Describe {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Markdown ≤ 2 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// IANA zone new events take by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// `#rrggbb`: the accent colour of the pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// Markdown ≤ 5 000: house rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<NamedLink>>,
    /// How the club is paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Vec<NamedLink>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLink {
    pub url: String,
    pub label: String,
}

#[derive(Serialize, Deserialize)]
struct AddFields {
    did: Did,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was: Option<Did>,
}

#[derive(Serialize, Deserialize)]
struct RemoveFields {
    did: Did,
    cut: Cut,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LeaveFields {
    cut: Cut,
}

#[derive(Serialize, Deserialize)]
struct RetireFields {
    device: Did,
}

#[derive(Serialize, Deserialize)]
struct InviteFields {
    key: Did,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Tid>,
    uses: u32,
}

#[derive(Serialize, Deserialize)]
struct JoinFields {
    #[serde(with = "crate::block::cid_text")]
    invite: Cid,
    did: Did,
    seed_sig: Sig,
}

#[derive(Serialize, Deserialize)]
struct CloseFields {
    #[serde(with = "crate::block::cid_text")]
    invite: Cid,
    joins: Vec<CidText>,
}

#[derive(Serialize, Deserialize)]
struct CidText(#[serde(with = "crate::block::cid_text")] Cid);

impl Act {
    /// The operation's name: its key in the block.
    pub fn name(&self) -> &str {
        match self {
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Leave { .. } => "leave",
            Self::Retire { .. } => "retire",
            Self::Invite { .. } => "invite",
            Self::Join { .. } => "join",
            Self::Close { .. } => "close",
            Self::Describe(_) => "describe",
            Self::Unknown(name) => name,
        }
    }

    /// Limits of the fields. Sealing refuses what is outside; in the fold it is void.
    pub fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Invite { uses, .. } if !(1..=limits::INVITE_USES).contains(uses) => {
                Err(Fault::new("uses", format!("is {uses}, 1 to {} are allowed", limits::INVITE_USES)))
            }
            Self::Remove { cut, reason, .. } => {
                reason.iter().try_for_each(|reason| text::line("reason", reason, 1, limits::REMOVE_REASON))?;
                check_cut(cut)
            }
            Self::Leave { cut } => check_cut(cut),
            Self::Describe(describe) => describe.check(),
            _ => Ok(()),
        }
    }

    /// `None`: the name is not known, or what is under it has not the shape we know.
    fn known(name: &str, value: &Ipld) -> Option<Self> {
        Some(match name {
            "add" => {
                let AddFields { did, role, was } = typed(value)?;
                Self::Add { did, role, was }
            }
            "remove" => {
                let RemoveFields { did, cut, reason } = typed(value)?;
                Self::Remove { did, cut, reason }
            }
            "leave" => {
                let LeaveFields { cut } = typed(value)?;
                Self::Leave { cut }
            }
            "retire" => {
                let RetireFields { device } = typed(value)?;
                Self::Retire { device }
            }
            "invite" => {
                let InviteFields { key, role, expires, uses } = typed(value)?;
                Self::Invite { key, role, expires, uses }
            }
            "join" => {
                let JoinFields { invite, did, seed_sig } = typed(value)?;
                Self::Join { invite, did, seed_sig }
            }
            "close" => {
                let CloseFields { invite, joins } = typed(value)?;
                Self::Close { invite, joins: joins.into_iter().map(|CidText(cid)| cid).collect() }
            }
            "describe" => Self::Describe(typed(value)?),
            _ => return None,
        })
    }
}

impl Serialize for Act {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(1))?;
        match self {
            Self::Add { did, role, was } => {
                map.serialize_entry("add", &AddFields { did: *did, role: *role, was: *was })?;
            }
            Self::Remove { did, cut, reason } => {
                let fields = RemoveFields { did: *did, cut: cut.clone(), reason: reason.clone() };
                map.serialize_entry("remove", &fields)?;
            }
            Self::Leave { cut } => map.serialize_entry("leave", &LeaveFields { cut: cut.clone() })?,
            Self::Retire { device } => map.serialize_entry("retire", &RetireFields { device: *device })?,
            Self::Invite { key, role, expires, uses } => {
                let fields = InviteFields { key: *key, role: *role, expires: *expires, uses: *uses };
                map.serialize_entry("invite", &fields)?;
            }
            Self::Join { invite, did, seed_sig } => {
                map.serialize_entry("join", &JoinFields { invite: *invite, did: *did, seed_sig: *seed_sig })?;
            }
            Self::Close { invite, joins } => {
                let joins = joins.iter().copied().map(CidText).collect();
                map.serialize_entry("close", &CloseFields { invite: *invite, joins })?;
            }
            Self::Describe(describe) => map.serialize_entry("describe", describe)?,
            // What it held is not kept in the view; the block itself is what gets stored and forwarded.
            Self::Unknown(_) => return Err(serde::ser::Error::custom("an unknown operation cannot be written")),
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Act {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let Ipld::Map(map) = Ipld::deserialize(d)? else {
            return Err(de::Error::custom("an operation's act is a map"));
        };
        let mut entries = map.into_iter();
        match (entries.next(), entries.next()) {
            (Some((name, value)), None) => Ok(Self::known(&name, &value).unwrap_or(Self::Unknown(name))),
            _ => Err(de::Error::custom("an operation's act is a map with one key, its name")),
        }
    }
}

fn check_cut(cut: &Cut) -> Result<(), Fault> {
    match cut.len() {
        n if n > limits::CUT => Err(Fault::new("cut", format!("names {n} repositories, {} are allowed", limits::CUT))),
        _ => Ok(()),
    }
}

impl Describe {
    fn check(&self) -> Result<(), Fault> {
        let Self { name, about, zone, lang, colour, rules, links, support } = self;
        if let Some(name) = name {
            text::line("name", name, 1, limits::COMMUNITY_NAME)?;
        }
        if let Some(about) = about {
            text::lines("about", about, limits::COMMUNITY_ABOUT)?;
        }
        if let Some(zone) = zone {
            text::line("zone", zone, 1, 64)?;
        }
        if let Some(lang) = lang {
            text::line("lang", lang, 2, 35)?;
        }
        if let Some(colour) = colour {
            let hex = colour.strip_prefix('#').unwrap_or_default();
            if hex.len() != 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Fault::new("colour", format!("{colour:?} is not written #rrggbb")));
            }
        }
        if let Some(rules) = rules {
            text::lines("rules", rules, limits::COMMUNITY_RULES)?;
        }
        for (field, list) in [("links", links), ("support", support)] {
            let list = list.as_deref().unwrap_or_default();
            if list.len() > 10 {
                return Err(Fault::new(field, format!("has {} links, 10 are allowed", list.len())));
            }
            for (index, link) in list.iter().enumerate() {
                text::link(&format!("{field}[{index}].url"), &link.url)?;
                text::line(&format!("{field}[{index}].label"), &link.label, 1, 100)?;
            }
        }
        Ok(())
    }

    /// What `later` says replaces what `self` said; what it leaves out stays.
    pub(super) fn update(&mut self, later: &Self) {
        let Self { name, about, zone, lang, colour, rules, links, support } = later;
        replace(&mut self.name, name);
        replace(&mut self.about, about);
        replace(&mut self.zone, zone);
        replace(&mut self.lang, lang);
        replace(&mut self.colour, colour);
        replace(&mut self.rules, rules);
        replace(&mut self.links, links);
        replace(&mut self.support, support);
    }
}

fn replace<T: Clone>(field: &mut Option<T>, later: &Option<T>) {
    if later.is_some() {
        field.clone_from(later);
    }
}

/// The table role × operation: which acts a role may write. Printed in `docs/format.md`.
///
/// | act | steward | moderator | member | guest |
/// |---|---|---|---|---|
/// | add | any role | up to member | – | – |
/// | add with `was` | yes | – | – | – |
/// | remove | whom one outranks | up to member | – | – |
/// | leave | yes | yes | yes | yes |
/// | retire | yes | yes | yes | yes |
/// | invite | any role | up to member | up to member | – |
/// | close | whose joiners one outranks | invites up to member | own invites | – |
/// | describe | yes | – | – | – |
/// | join | whoever holds an open invite and was not put out | | | |
/// | of a later version | kept without effect | same | same | same |
///
/// Rank, and which invites a `close` may name, are the fold's business.
pub fn may(role: Role, act: &Act) -> bool {
    match act {
        Act::Add { was: Some(_), .. } => role == Role::Steward,
        Act::Add { role: granted, .. } => match role {
            Role::Steward => true,
            Role::Moderator => *granted <= Role::Member,
            Role::Member | Role::Guest => false,
        },
        Act::Remove { .. } => role >= Role::Moderator,
        Act::Invite { role: granted, .. } => match role {
            Role::Steward => true,
            Role::Moderator | Role::Member => *granted <= Role::Member,
            Role::Guest => false,
        },
        Act::Close { .. } => role >= Role::Member,
        Act::Describe(_) => role == Role::Steward,
        Act::Leave { .. } | Act::Retire { .. } | Act::Join { .. } | Act::Unknown(_) => true,
    }
}
