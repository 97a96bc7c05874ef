//! `org.folkmoot.rsvp`: one live answer per (person, event, occurrence, guest name), bound to the revision it saw.

use serde::{Deserialize, Serialize};

use crate::{block::Cid, card::Card, commit::Audience, error::Fault, kind::Kind, limits, uri::Uri};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Going,
    Maybe,
    Interested,
    NotGoing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShowName {
    #[default]
    Names,
    Hosts,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rsvp {
    pub event: Uri,
    /// The revision it saw, as text.
    #[serde(with = "crate::block::cid_text")]
    pub seen: Cid,
    pub seen_sequence: u32,
    /// `Start::text` of the occurrence, or null for the whole event.
    pub occurrence: Option<String>,
    pub status: Answer,
    /// 1–11: the person and up to ten they bring.
    pub count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub show: ShowName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_name: Option<String>,
}

impl Kind for Rsvp {
    const NAME: &'static str = "org.folkmoot.rsvp";
    const AUDIENCE: Audience = Audience::Members;
    const LIMIT: usize = limits::RSVP;
    fn check(&self) -> Result<(), Fault> {
        todo!()
    }
    /// 26 characters of sha256([event uri, occurrence, guest name]).
    fn rkey(&self) -> Option<String> {
        Some(crate::derive::id(
            &[Some(&self.event.to_string()), self.occurrence.as_deref(), self.guest_name.as_deref()],
            26,
        ))
    }
    fn card(&self) -> Card {
        todo!()
    }
    fn about(&self) -> Option<Uri> {
        Some(self.event.clone())
    }
}
