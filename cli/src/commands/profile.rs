use clap::{Subcommand, ValueEnum};
use folkmoot_node::request::{Reply, Request};
use folkmoot_schemas::{
    kind::Kind,
    records::{
        profile::{Profile, ProfileKind},
        text::clean,
    },
};

use super::community::named_links;
use crate::{
    error::{Error, Result},
    output::Line,
    record,
    session::{Session, answer},
    when::zone,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Change how you show yourself in a community; what is not given stays
    #[command(
        after_help = "Example:\n  moot profile set --name \"The Night Herons\" --kind band --link https://herons.example"
    )]
    Set(Facts),
    /// Show your profile, or that of a member
    #[command(after_help = "Example:\n  moot profile show Ada")]
    Show {
        /// A member: name, did, or the end of it [default: you]
        person: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Facts {
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    about: Option<String>,
    #[arg(long)]
    kind: Option<Sort>,
    #[arg(long)]
    pronouns: Option<String>,
    /// Where you are, e.g. "Cottbus"
    #[arg(long)]
    place: Option<String>,
    #[arg(long)]
    zone: Option<String>,
    /// Language, e.g. de
    #[arg(long)]
    lang: Option<String>,
    /// Link, as URL or LABEL=URL; replaces all earlier ones
    #[arg(long, value_name = "LABEL=URL")]
    link: Vec<String>,
    /// Day and month, e.g. 05-17
    #[arg(long, value_name = "MM-DD")]
    birthday: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sort {
    Person,
    Band,
    Venue,
    Group,
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Set(facts) => set(facts, session),
        Command::Show { person } => show(person.as_deref(), session),
    }
}

fn set(facts: Facts, session: &Session) -> Result<()> {
    let community = session.pick_community(None)?.cid;
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let current = fetch(session, &community, &me.did)?;
    if current.is_none() && facts.name.is_none() {
        return Err(
            Error::usage("could not make the profile: it needs a name").hint("moot profile set --name \"Ada\" …")
        );
    }
    let mut profile = current.unwrap_or_default();
    if let Some(name) = facts.name {
        profile.name = clean(&name);
    }
    // An empty value takes a field away.
    let given = |value: String| Some(clean(&value)).filter(|v| !v.is_empty());
    for (field, value) in [
        (&mut profile.about, facts.about),
        (&mut profile.pronouns, facts.pronouns),
        (&mut profile.place, facts.place),
        (&mut profile.lang, facts.lang),
        (&mut profile.birthday, facts.birthday.map(|b| if b.is_empty() { b } else { format!("--{b}") })),
    ] {
        if let Some(value) = value {
            *field = given(value);
        }
    }
    if let Some(zone) = facts.zone {
        profile.zone = if zone.is_empty() { None } else { Some(zone::check(&zone)?) };
    }
    if let Some(kind) = facts.kind {
        profile.kind = match kind {
            Sort::Person => ProfileKind::Person,
            Sort::Band => ProfileKind::Band,
            Sort::Venue => ProfileKind::Venue,
            Sort::Group => ProfileKind::Group,
        };
    }
    if !facts.link.is_empty() {
        profile.links = named_links(&facts.link);
    }
    record::publish_one(session, Some(&community), record::draft("profile", profile)?, "profile set")
}

fn show(person: Option<&str>, session: &Session) -> Result<()> {
    let community = session.pick_community(None)?;
    let who = match person {
        Some(person) => person.to_owned(),
        None => answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?.did,
    };
    let request = Request::Member { community: Some(community.cid.clone()), who };
    let member = answer!(session.ask(&request)?, Reply::Member(member) => member)?;
    let target = uri(&community.cid, &member.did);
    match record::find(session, &target) {
        Ok(found) => super::show::print(session, &found),
        Err(_) => {
            session.out.object(&member);
            session.out.line(Line::new().strong(&member.name).text("  ").id(&member.did));
            session.out.note("no profile yet: moot profile set --name …");
            Ok(())
        }
    }
}

fn uri(community: &str, did: &str) -> String {
    format!("moot://{community}/{did}/{}/self", Profile::NAME)
}

fn fetch(session: &Session, community: &str, did: &str) -> Result<Option<Profile>> {
    let request = Request::Get { target: uri(community, did), community: Some(community.to_owned()) };
    match session.ask(&request) {
        Ok(Reply::Item(item)) => Ok(record::open(&item)?.as_profile().cloned()),
        // Not there yet; any other trouble shows when the profile is published.
        _ => Ok(None),
    }
}

/// After founding or joining: the name given to `moot init`, unless a profile is there.
pub(crate) fn introduce(session: &Session, community: &str) -> Result<()> {
    let Some(draft) = introduction(session)? else { return Ok(()) };
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    if fetch(session, community, &me.did)?.is_none() {
        record::publish(session, Some(community), vec![draft])?;
    }
    Ok(())
}

/// The profile that the settings are enough for.
pub(crate) fn introduction(session: &Session) -> Result<Option<folkmoot_node::request::WireDraft>> {
    match session.config()?.name() {
        Some(name) => record::draft("profile", Profile { name: clean(name), ..Profile::default() }).map(Some),
        None => Ok(None),
    }
}
