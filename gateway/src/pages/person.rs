//! `/p/<did>`: a person, band, venue or group: what they say of themselves, plan and write.

use askama::Template;
use folkmoot_node::store::StoreError;
use folkmoot_schemas::{
    Did, Uri,
    kind::Kind,
    records::{
        post::Post,
        profile::{Profile, ProfileKind},
    },
    roster::Role,
};

use super::{Shown, home, html, items, notice::not_found};
use crate::{
    answer::Caching,
    html::{EventItem, Frame, Html, Link, Picture, PostItem, Section},
    markdown,
    reading::Reading,
    route::Page,
};

const EVENTS: usize = 10;
const POSTS: usize = 5;
/// How far back posts are looked through.
const LOOK: usize = 100;

#[derive(Debug, Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    did: String,
    name: String,
    kind: Option<&'static str>,
    pronouns: Option<String>,
    place: Option<String>,
    about: Option<Html>,
    avatar: Option<Picture>,
    links: Vec<Link>,
    role: &'static str,
    events: Vec<EventItem>,
    posts: Vec<PostItem>,
}

pub(super) fn answer(reading: &Reading<'_>, did: &Did) -> Shown {
    // On the merged root the first community that has this member answers.
    let known = reading.communities.iter().find_map(|c| {
        let today = c.state.today(did);
        let out = || c.state.former.get(&today).map(|_| "No longer a member");
        Some((c, today, c.state.role(&today).map(role_in_words).or_else(out)?))
    });
    let Some((community, today, role)) = known else { return Ok(not_found(Some(reading))) };
    // One person, under whichever of their dids they wrote.
    let did = &today;
    let dids = [vec![today], community.state.formerly(did)].concat();
    let profile = profile(reading, &community.id, did)?;
    let name = reading.person(&community.id, did)?.name;
    let window = reading.now..reading.now + 400 * 86_400;
    let (dates, _) = items::dates(reading, window, 200)?;
    let own = dates.iter().filter(|o| {
        let host = |e: &folkmoot_schemas::records::event::Event| e.hosts.iter().any(|h| h.did == Some(*did));
        dids.contains(&o.entry.uri.did) || o.entry.record.as_event().is_some_and(host)
    });
    let events = items::event_items(reading, own.take(EVENTS));
    let mut posts = Vec::new();
    for entry in reading
        .view
        .list(&community.id, Post::NAME, None, LOOK)?
        .iter()
        .filter(|e| dids.contains(&e.uri.did))
        .take(POSTS)
    {
        posts.extend(items::post_item(reading, entry, true, 4)?);
    }
    let about = profile.as_ref().and_then(|p| p.about.clone());
    let description =
        about.as_deref().map_or_else(|| format!("{name} in {}", community.state.name), markdown::to_plain);
    let page = PersonPage {
        frame: Frame {
            kind: "profile",
            listed: false,
            ..reading.frame(Section::None, &name, &description, &Page::Person(*did))
        },
        did: did.to_string(),
        kind: profile.as_ref().and_then(|p| match p.kind {
            ProfileKind::Person => None,
            ProfileKind::Band => Some("Band"),
            ProfileKind::Venue => Some("Venue"),
            ProfileKind::Group => Some("Group"),
        }),
        pronouns: profile.as_ref().and_then(|p| p.pronouns.clone()),
        place: profile.as_ref().and_then(|p| p.place.clone()),
        about: about.map(|a| Html(markdown::to_html(&a, 3))),
        avatar: profile.as_ref().and_then(|p| p.avatar.as_ref()).and_then(items::picture),
        links: profile.iter().flat_map(|p| &p.links).filter_map(|l| home::named(&l.url, &l.label)).collect(),
        role,
        events,
        posts,
        name,
    };
    html(&page, Caching::Revalidate)
}

fn role_in_words(role: Role) -> &'static str {
    match role {
        Role::Guest => "Guest",
        Role::Member => "Member",
        Role::Moderator => "Moderator",
        Role::Steward => "Steward",
    }
}

pub(super) fn profile(
    reading: &Reading<'_>,
    community: &folkmoot_schemas::Cid,
    did: &Did,
) -> Result<Option<Profile>, StoreError> {
    let Ok(uri) = Uri::new(*community, *did, Profile::NAME, "self") else { return Ok(None) };
    Ok(reading.get(&uri)?.and_then(|e| e.record.as_profile().cloned()))
}
