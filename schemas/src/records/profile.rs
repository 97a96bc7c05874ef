//! `org.folkmoot.profile/self`: how a person, band, venue or group shows itself in a community.

use serde::{Deserialize, Serialize};

use super::{
    event::{Image, check_image},
    text,
};
use crate::{
    block::Cid,
    card::{Card, CardImage},
    commit::Audience,
    error::Fault,
    kind::Kind,
    limits,
    roster::NamedLink,
    when,
};

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
    pub avatar: Option<Image>,
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
        text::line("name", &self.name, 1, limits::PERSON_NAME)?;
        text::lines_if("about", self.about.as_deref(), limits::PROFILE_ABOUT)?;
        text::line_if("pronouns", self.pronouns.as_deref(), 40)?;
        self.avatar.as_ref().map_or(Ok(()), |image| check_image("avatar", image))?;
        text::list("links", &self.links, 8, |field, entry| {
            text::link(&format!("{field}.url"), &entry.url)?;
            text::line(&format!("{field}.label"), &entry.label, 1, 80)
        })?;
        text::line_if("place", self.place.as_deref(), 100)?;
        self.zone.as_ref().map_or(Ok(()), |zone| when::check_zone("zone", zone))?;
        text::lang("lang", self.lang.as_deref())?;
        match &self.birthday {
            Some(day) if !is_day_of_year(day) => Err(Fault::new("birthday", "is not a month and day such as --05-17")),
            _ => Ok(()),
        }
    }
    fn rkey(&self) -> Option<String> {
        Some("self".into())
    }
    fn card(&self) -> Card {
        let kind = match self.kind {
            ProfileKind::Person => "person",
            ProfileKind::Band => "band",
            ProfileKind::Venue => "venue",
            ProfileKind::Group => "group",
        };
        let mut facts: Vec<(String, String)> =
            self.pronouns.iter().map(|pronouns| ("Pronouns".to_owned(), pronouns.clone())).collect();
        facts.extend(self.links.iter().map(|link| (link.label.clone(), link.url.clone())));
        Card {
            kind: kind.into(),
            title: Some(self.name.clone()),
            text: self.about.clone(),
            place: self.place.clone(),
            images: self.avatar.iter().map(CardImage::from).collect(),
            lang: self.lang.clone(),
            facts,
            ..Card::default()
        }
    }
    fn links(&self) -> Vec<Cid> {
        self.avatar.iter().map(|image| image.blob).collect()
    }
}

/// `--MM-DD`; 29 February is somebody's birthday too.
fn is_day_of_year(text: &str) -> bool {
    text.strip_prefix("--").is_some_and(|day| when::parse_date(&format!("2000-{day}")).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthday_is_a_day_without_a_year() {
        for (day, good) in [("--05-17", true), ("--02-29", true), ("--02-30", false), ("1990-05-17", false)] {
            let profile = Profile { name: "Ada".into(), birthday: Some(day.into()), ..Profile::default() };
            assert_eq!(profile.check().is_ok(), good, "{day}");
        }
    }

    #[test]
    fn a_name_is_one_line_of_at_most_64_characters() {
        let named = |name: String| Profile { name, ..Profile::default() }.check();
        assert_eq!(named("ß".repeat(64)), Ok(()));
        assert!(named("ß".repeat(65)).is_err());
        assert!(named(String::new()).is_err());
        assert!(named("A\nB".into()).is_err());
    }
}
