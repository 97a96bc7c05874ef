//! The neutral display form every kind can give: what a generic page, feed or list needs.

use crate::{block::Cid, uri::Uri, when::Start};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// One word for people: "post", "event", "answer" …
    pub kind: String,
    pub title: Option<String>,
    pub summary: Option<String>,
    /// Markdown.
    pub text: Option<String>,
    pub start: Option<Start>,
    pub place: Option<String>,
    pub images: Vec<CardImage>,
    pub tags: Vec<String>,
    pub lang: Option<String>,
    /// Other facts worth a line, label and value, plain text.
    pub facts: Vec<(String, String)>,
    /// The record it replies to or is about.
    pub about: Option<Uri>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardImage {
    pub blob: Cid,
    pub mime: String,
    pub alt: String,
    pub width: u32,
    pub height: u32,
}
