//! `/posts/` and `/n/<id>`: a list of threads, and one post with its replies.

use askama::Template;
use folkmoot_node::store::reader::Entry;
use folkmoot_schemas::{kind::Kind, records::post::Post};

use super::{
    Shown,
    filter::Filter,
    html, items,
    notice::{gone, not_found},
    proof,
};
use crate::{
    answer::Caching,
    html::{Choice, Frame, Link, PostItem, Proof, Section},
    markdown,
    reading::{Found, Reading},
    route::{Page, Query},
};

/// HTML bytes of replies on one page.
const THREAD_BYTES: usize = 18 * 1024;

#[derive(Debug, Template)]
#[template(path = "posts.html")]
struct Posts {
    frame: Frame,
    posts: Vec<PostItem>,
    older: Option<String>,
    newest: Option<String>,
    /// What takes back by what the list was narrowed.
    choices: Vec<Choice>,
    /// Of what is listed, where it was narrowed.
    feed: Option<Link>,
}

#[derive(Debug, Template)]
#[template(path = "post.html")]
struct Thread {
    frame: Frame,
    uri: String,
    heading: String,
    /// The author gave the heading; else it is made of the first words and meant for the ear only.
    titled: bool,
    post: PostItem,
    /// The thread's first post, where this is a reply.
    root: Option<Link>,
    replies: Vec<PostItem>,
    total: usize,
    more: Option<String>,
    reply: String,
    proof: Proof,
}

pub(super) fn list(reading: &Reading<'_>, query: &Query) -> Shown {
    let filter = Filter::by_tag(query);
    let (posts, next) = items::threads(reading, &filter, query.after.clone(), super::POSTS)?;
    let path = reading.own_prefix() + &Page::Posts.path();
    let of = |what: &str| filter.words().map_or_else(|| what.to_owned(), |words| format!("{what}: {words}"));
    let description = of(&format!("Posts of {}", reading.site_name()));
    let page = Posts {
        frame: Frame {
            canonical: Some(reading.own_address(&(Page::Posts.path() + &filter.suffix("")))),
            // Anybody can make up a tag.
            listed: filter.is_empty() || !posts.is_empty(),
            ..reading.frame(Section::Posts, &of("Posts"), &description, &Page::Posts)
        },
        posts,
        older: next.map(|(time, id)| filter.suffix(&format!("after={time}-{id}"))),
        newest: query.after.as_ref().map(|_| format!("{path}{}", filter.suffix(""))),
        choices: filter.chosen(&path),
        feed: filter
            .words()
            .map(|words| Link { href: reading.own_prefix() + &Page::Feed.path() + &filter.suffix(""), label: words }),
    };
    html(&page, Caching::List)
}

pub(super) fn thread(reading: &Reading<'_>, id: &str, query: &Query) -> Shown {
    let entry = match reading.by_short(id, Post::NAME)? {
        Found::Entry(entry) => entry,
        Found::Gone => return Ok(gone(reading)),
        Found::Absent => return Ok(not_found(Some(reading))),
    };
    let community = entry.uri.community;
    let Some(record) = entry.record.as_post() else { return Ok(not_found(Some(reading))) };
    let Some(mut post) = items::post_item(reading, &entry, false, 2)? else { return Ok(not_found(Some(reading))) };
    let root = match &record.reply {
        Some(reply) => match reading.get(&reply.root.uri)?.filter(|e| e.uri.community == community) {
            Some(root) => Some(Link {
                href: format!(
                    "{}#{}",
                    reading.href(&community, &Page::Post(root.uri.short_id())),
                    entry.uri.short_id()
                ),
                label: heading(reading, &root)?,
            }),
            None => None,
        },
        None => None,
    };
    let heading = heading(reading, &entry)?;
    // The title stands in the heading already.
    post.title = None;
    let all = reading.view.about(&entry.uri, Post::NAME)?;
    let all: Vec<&Entry> =
        all.iter().filter(|e| e.fault.is_none() && e.record.as_post().is_some_and(|p| p.reply.is_some())).collect();
    let skip = usize::try_from(query.skip.unwrap_or(0)).unwrap_or(0).min(all.len());
    let replies = replies(reading, &entry, &all, skip)?;
    let shown = skip + replies.len();
    let page = Thread {
        frame: Frame {
            kind: "article",
            ..reading.frame(Section::Posts, &heading, &markdown::to_plain(&record.text), &Page::Post(id.to_owned()))
        },
        uri: entry.uri.to_string(),
        heading,
        titled: record.title.is_some(),
        post,
        root,
        replies,
        total: all.len(),
        more: (shown < all.len()).then(|| format!("?skip={shown}")),
        reply: format!("moot reply {id} \"…\""),
        proof: proof::offer(reading, &entry.uri, &Page::Post(id.to_owned()), &Page::PostProof(id.to_owned())),
    };
    html(&page, Caching::Revalidate)
}

/// The title, else the first words.
fn heading(reading: &Reading<'_>, entry: &Entry) -> Result<String, super::PageError> {
    let post = entry.record.as_post();
    if let Some(title) = post.and_then(|p| p.title.clone()) {
        return Ok(title);
    }
    let author = reading.person(&entry.uri.community, &entry.uri.did)?.name;
    let words = post.map(|p| markdown::excerpt(&p.text, 60)).unwrap_or_default();
    Ok(if words.is_empty() { author } else { format!("{author}: {words}") })
}

/// Replies in order of writing, until the page is full; at least one.
fn replies(
    reading: &Reading<'_>,
    first: &Entry,
    all: &[&Entry],
    skip: usize,
) -> Result<Vec<PostItem>, super::PageError> {
    let known = items::by_uri(all.iter().copied());
    let mut out: Vec<PostItem> = Vec::new();
    let mut bytes = 0;
    for entry in all.iter().skip(skip) {
        let Some(mut item) = items::post_item(reading, entry, false, 4)? else { continue };
        bytes += item.html.0.len() + 600;
        if bytes > THREAD_BYTES && !out.is_empty() {
            break;
        }
        let parent = entry.record.as_post().and_then(|p| p.reply.as_ref()).map(|r| &r.parent.uri);
        if let Some(parent) = parent.filter(|uri| **uri != first.uri).and_then(|uri| known.get(&uri.to_string())) {
            let label = reading.person(&parent.uri.community, &parent.uri.did)?.name;
            item.answers = Some(Link { href: format!("#{}", parent.uri.short_id()), label });
        }
        out.push(item);
    }
    Ok(out)
}
