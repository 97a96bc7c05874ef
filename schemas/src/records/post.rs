//! `org.folkmoot.post`: a post, a reply, an update about an event.

use serde::{Deserialize, Serialize};

use crate::{
    block::Cid,
    card::Card,
    commit::Audience,
    error::Fault,
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

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Markdown, 1–5 000 characters.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<super::event::Image>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// An event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Uri>,
    #[serde(default)]
    pub kind: PostKind,
}

impl Kind for Post {
    const NAME: &'static str = "org.folkmoot.post";
    const AUDIENCE: Audience = Audience::Public;
    const LIMIT: usize = limits::POST;
    fn check(&self) -> Result<(), Fault> {
        todo!()
    }
    fn card(&self) -> Card {
        todo!()
    }
    fn links(&self) -> Vec<Cid> {
        self.images.iter().map(|i| i.blob).collect()
    }
    /// A reply is about the root of its thread; an update about its event.
    fn about(&self) -> Option<Uri> {
        self.reply.as_ref().map(|r| r.root.uri.clone()).or_else(|| self.about.clone())
    }
}
