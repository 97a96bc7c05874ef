//! How people may answer an event.

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::{key::Did, when::Start};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RsvpMode {
    None,
    #[default]
    Open,
    Approval,
    Members,
    External,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShowAnswers {
    Names,
    #[default]
    Count,
    Hosts,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RsvpRules {
    #[serde(default)]
    pub mode: RsvpMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub waitlist: bool,
    /// 0–10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plus_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Start>,
    #[serde(default)]
    pub show: ShowAnswers,
    /// Who signs admissions; the author when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Did>,
}
