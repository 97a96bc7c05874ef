//! `org.folkmoot.post`: a post, a reply, an update about an event.

use serde::{Deserialize, Serialize};

use super::{
    event::{Image, check_image, event_uri},
    text,
};
use crate::{
    block::Cid,
    card::{Card, CardImage},
    commit::Audience,
    error::Fault,
    key::Did,
    kind::Kind,
    limits,
    uri::{StrongRef, Uri},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostKind {
    #[default]
    Note,
    Article,
    Update,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub root: StrongRef,
    pub parent: StrongRef,
}

/// Somebody the text speaks to as `@name`: who is meant is settled when it is written, since names change and repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    pub did: Did,
    /// As it stands in the text, behind the `@`.
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Markdown, 1–5 000 characters.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// An event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Uri>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    #[serde(default)]
    pub kind: PostKind,
}

impl Kind for Post {
    const NAME: &'static str = "org.folkmoot.post";
    const AUDIENCE: Audience = Audience::Public;
    const LIMIT: usize = limits::POST;
    fn check(&self) -> Result<(), Fault> {
        text::lines("text", &self.text, limits::POST_TEXT)?;
        if self.text.trim().is_empty() {
            return Err(Fault::new("text", "is empty"));
        }
        text::line_if("title", self.title.as_deref(), limits::POST_TITLE)?;
        text::list("images", &self.images, limits::POST_IMAGES, check_image)?;
        text::tags("tags", &self.tags)?;
        text::lang("lang", self.lang.as_deref())?;
        text::list("mentions", &self.mentions, limits::MENTIONS, |field, mention| {
            text::line(&format!("{field}.name"), &mention.name, 1, limits::PERSON_NAME)?;
            // Whoever is told of a post finds themselves in it.
            match self.text.contains(&format!("@{}", mention.name)) {
                true => Ok(()),
                false => Err(Fault::new(format!("{field}.name"), "is not in the text with an @ before it")),
            }
        })?;
        match &self.about {
            Some(event) => event_uri("about", event),
            None if self.kind == PostKind::Update => Err(Fault::new("about", "is missing: an update names its event")),
            None => Ok(()),
        }
    }
    fn card(&self) -> Card {
        let kind = match (self.kind, &self.reply) {
            (PostKind::Update, _) => "update",
            (_, Some(_)) => "reply",
            (PostKind::Article, None) => "article",
            (PostKind::Note, None) => "post",
        };
        Card {
            kind: kind.into(),
            title: self.title.clone(),
            text: Some(self.text.clone()),
            images: self.images.iter().map(CardImage::from).collect(),
            tags: self.tags.clone(),
            lang: self.lang.clone(),
            about: self.about(),
            ..Card::default()
        }
    }
    fn links(&self) -> Vec<Cid> {
        self.images.iter().map(|i| i.blob).collect()
    }
    /// A reply is about the root of its thread; an update about its event.
    fn about(&self) -> Option<Uri> {
        self.reply.as_ref().map(|r| r.root.uri.clone()).or_else(|| self.about.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(text: &str) -> Post {
        Post { text: text.into(), ..Post::default() }
    }

    #[test]
    fn a_post_has_one_to_five_thousand_characters() {
        assert_eq!(post(&"ü".repeat(5000)).check(), Ok(()));
        let fault = post(&"a".repeat(5001)).check().unwrap_err();
        assert_eq!(fault.to_string(), "text: is 5001 characters long, 5000 are allowed");
        assert!(post(" \n ").check().is_err());
    }

    #[test]
    fn an_update_names_its_event() {
        let update = Post { kind: PostKind::Update, ..post("Doors open later") };
        assert_eq!(update.check().unwrap_err().field, "about");
    }

    #[test]
    fn whoever_is_mentioned_stands_in_the_text() {
        let did = crate::key::Secret::from_seed([7; 32]).did();
        let mention = |name: &str| Mention { did, name: name.into() };
        let mut post = Post { mentions: vec![mention("Bo")], ..post("Thanks, @Bo!") };
        assert_eq!(post.check(), Ok(()));
        post.mentions = vec![mention("Cy")];
        assert_eq!(post.check().unwrap_err().field, "mentions[0].name");
        post.mentions = vec![mention("Bo"); limits::MENTIONS + 1];
        assert_eq!(post.check().unwrap_err().field, "mentions");
    }

    #[test]
    fn a_picture_needs_words_for_those_who_cannot_see_it() {
        let image = Image { blob: Cid::default(), mime: "image/png".into(), width: 8, height: 8, alt: " ".into() };
        let mut post = Post { images: vec![image], ..post("Look") };
        assert_eq!(post.check().unwrap_err().field, "images[0].alt");
        post.images[0].alt = "A poster".into();
        assert_eq!(post.check(), Ok(()));
        post.images[0].mime = "image/svg+xml".into();
        assert_eq!(post.check().unwrap_err().field, "images[0].mime");
    }

    #[test]
    fn absent_fields_are_absent_in_the_bytes() {
        let json = serde_json::to_string(&post("Hello")).unwrap();
        assert_eq!(json, r#"{"text":"Hello","kind":"note"}"#);
        assert_eq!(serde_json::from_str::<Post>(r#"{"text":"Hello"}"#).unwrap(), post("Hello"));
    }
}
