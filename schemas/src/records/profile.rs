//! `org.folkmoot.profile/self`: how a person, band, venue or group shows itself in a community.

use serde::{Deserialize, Serialize};

use crate::{card::Card, commit::Audience, error::Fault, kind::Kind, limits, roster::NamedLink};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileKind {
    #[default]
    Person,
    Band,
    Venue,
    Group,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// 1–64 characters.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    #[serde(default)]
    pub kind: ProfileKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pronouns: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<super::event::Image>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<NamedLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// `--05-17`: month and day only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
}

impl Kind for Profile {
    const NAME: &'static str = "org.folkmoot.profile";
    const AUDIENCE: Audience = Audience::Public;
    const LIMIT: usize = limits::PROFILE;
    fn check(&self) -> Result<(), Fault> {
        todo!()
    }
    fn rkey(&self) -> Option<String> {
        Some("self".into())
    }
    fn card(&self) -> Card {
        todo!()
    }
}
