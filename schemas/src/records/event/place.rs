//! Where: a place, or a link for those who are elsewhere.

use serde::{Deserialize, Serialize};

use crate::uri::Uri;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShowPlace {
    Public,
    Area,
    Ask,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Degrees × 10^7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat_e7: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lon_e7: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<ShowPlace>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Uri>,
}

impl Place {
    /// Readers are given the area alone.
    pub fn hides_address(&self) -> bool {
        matches!(self.show, Some(ShowPlace::Area | ShowPlace::Ask))
    }

    /// What must not leave the author's machine where [`Self::hides_address`]; None: nothing of it is said.
    ///
    /// A venue's name goes with it: anybody can look its address up.
    pub fn kept_back(&self) -> Option<Self> {
        let kept = Self {
            name: self.name.clone().filter(|_| self.venue.is_some()),
            street: self.street.clone(),
            postcode: self.postcode.clone(),
            lat_e7: self.lat_e7,
            lon_e7: self.lon_e7,
            access: self.access.clone(),
            venue: self.venue.clone(),
            ..Self::default()
        };
        (kept != Self::default()).then_some(kept)
    }

    /// What is left without [`Self::kept_back`].
    pub fn area(&self) -> Self {
        Self {
            name: self.name.clone().filter(|_| self.venue.is_none()),
            street: None,
            postcode: None,
            lat_e7: None,
            lon_e7: None,
            access: None,
            venue: None,
            ..self.clone()
        }
    }

    /// [`Self::area`] with what was kept back of it.
    pub fn with(&self, kept: &Self) -> Self {
        let or = |kept: &Option<String>, ours: &Option<String>| kept.clone().or_else(|| ours.clone());
        Self {
            name: or(&kept.name, &self.name),
            street: or(&kept.street, &self.street),
            postcode: or(&kept.postcode, &self.postcode),
            lat_e7: kept.lat_e7.or(self.lat_e7),
            lon_e7: kept.lon_e7.or(self.lon_e7),
            access: or(&kept.access, &self.access),
            venue: kept.venue.clone().or_else(|| self.venue.clone()),
            ..self.clone()
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineLink {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}
