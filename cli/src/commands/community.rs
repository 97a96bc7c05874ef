use clap::Subcommand;
use folkmoot_node::request::{CommunityInfo, Reply, Request};
use folkmoot_schemas::roster::{Describe, NamedLink};

use crate::{
    error::Result,
    output::{Line, count},
    session::{Session, answer},
    when::zone,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Found a community with you as its first steward
    #[command(after_help = "Example:\n  moot community create \"River Street\" --public --zone Europe/Berlin")]
    Create(Create),
    /// Communities this home takes part in
    #[command(after_help = "Example:\n  moot community list --json")]
    List,
    /// What a community says of itself, and how complete it is here
    #[command(after_help = "Example:\n  moot community show \"River Street\"")]
    Show {
        /// Name or CID [default: the chosen one]
        community: Option<String>,
    },
    /// Change what a community says of itself; what is not given stays
    #[command(
        after_help = "Example:\n  moot community describe --about \"Concerts in our backyard\" --colour \"#b4452f\""
    )]
    Describe(Facts),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// Name, up to 64 characters
    name: String,
    #[command(flatten)]
    audience: Audience,
    /// What it is about (Markdown)
    #[arg(long)]
    about: Option<String>,
    /// Time zone of its events, e.g. Europe/Berlin [default: this machine's]
    #[arg(long)]
    zone: Option<String>,
    /// Language, e.g. de
    #[arg(long)]
    lang: Option<String>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Audience {
    /// Posts and events can be read by everyone; answers only by members
    #[arg(long)]
    public: bool,
    /// Only members can read anything
    #[arg(long)]
    members: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Facts {
    #[arg(long)]
    name: Option<String>,
    /// What it is about (Markdown)
    #[arg(long)]
    about: Option<String>,
    /// Time zone new events take, e.g. Europe/Berlin
    #[arg(long)]
    zone: Option<String>,
    /// Language, e.g. de
    #[arg(long)]
    lang: Option<String>,
    /// Accent colour of the pages, e.g. #b4452f
    #[arg(long)]
    colour: Option<String>,
    /// House rules (Markdown)
    #[arg(long)]
    rules: Option<String>,
    /// Link, as URL or LABEL=URL; replaces all earlier ones
    #[arg(long, value_name = "LABEL=URL")]
    link: Vec<String>,
    /// How it is paid for, as URL or LABEL=URL; replaces all earlier ones
    #[arg(long, value_name = "LABEL=URL")]
    support: Vec<String>,
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Create(args) => {
            let zone = args.zone.as_deref().map(zone::check).transpose()?.or_else(zone::of_this_machine);
            let describe = Describe { about: args.about, zone, lang: args.lang, ..Describe::default() };
            let info = found(session, args.name, args.audience.public, describe)?;
            session.out.object(&info);
            session.out.line(Line::new().strong("founded ").text(&info.name).text("  ").id(&info.cid));
            session.out.note(format!("next: {}, moot invite, moot post", session.command("serve")));
            super::init::mind_the_name(session)
        }
        Command::List => {
            let all = answer!(session.ask(&Request::Communities)?, Reply::Communities(all) => all)?;
            if all.is_empty() {
                session.out.note("no community yet: moot community create NAME --public, or moot join LINK");
            }
            for info in &all {
                session.out.object(info);
                session.out.line(summary(info));
            }
            say_not_joined(session, &all);
            Ok(())
        }
        Command::Show { community } => {
            let info = session.pick_community(community.as_deref())?;
            session.out.object(&info);
            show(session, &info);
            say_not_joined(session, std::slice::from_ref(&info));
            Ok(())
        }
        Command::Describe(facts) => {
            let describe = Describe {
                name: facts.name,
                about: facts.about,
                zone: facts.zone.as_deref().map(zone::check).transpose()?,
                lang: facts.lang,
                colour: facts.colour,
                rules: facts.rules,
                links: Some(named_links(&facts.link)).filter(|l| !l.is_empty()),
                support: Some(named_links(&facts.support)).filter(|l| !l.is_empty()),
            };
            let request = Request::Describe { community: session.community.clone(), describe };
            session.ask(&request)?;
            let info = session.pick_community(None)?;
            session.out.object(&info);
            show(session, &info);
            Ok(())
        }
    }
}

pub(crate) fn found(session: &Session, name: String, public: bool, describe: Describe) -> Result<CommunityInfo> {
    let info = answer!(session.ask(&Request::Found { name, public, describe })?, Reply::Community(info) => info)?;
    super::profile::introduce(session, &info.cid)?;
    let change = "moot community describe --zone Europe/Berlin";
    session.out.note(match info.describe.zone.as_deref() {
        Some("UTC") => format!("times are in UTC, as on this machine; if people there use another zone: {change}"),
        Some(zone) => format!("times are in the zone {zone}; to change that: {change}"),
        None => format!("times are in UTC, since this machine names no zone; to change that: {change}"),
    });
    Ok(info)
}

/// Why a list is empty: nobody has let us in yet, or `otherwise`.
pub(crate) fn say_nothing_here(session: &Session, otherwise: &str) -> Result<()> {
    let all = answer!(session.ask(&Request::Communities)?, Reply::Communities(all) => all)?;
    let (serve, sync) = (session.command("serve"), session.command("sync"));
    session.out.note(if !all.is_empty() && all.iter().all(|info| info.awaited) {
        format!("nothing of yours is here yet: {sync} fetches it, and {serve} keeps trying")
    } else if !all.is_empty() && all.iter().all(|info| info.pending) {
        format!("you have not been let in yet: {serve} keeps trying, moot status says how it stands")
    } else {
        otherwise.to_owned()
    });
    Ok(())
}

/// What can be done where this home only reads: it came from an archive, say, or its person left.
pub(crate) fn say_not_joined(session: &Session, all: &[CommunityInfo]) {
    let names: Vec<&str> = all.iter().filter(|info| info.is_only_read()).map(|info| info.name.as_str()).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        session.out.note(Line::new().warn("not joined: ").text(format!(
            "you read {names} here, and cannot write there; with an invite link from a member: moot join LINK"
        )));
    }
}

/// One line of a list.
pub(crate) fn summary(info: &CommunityInfo) -> Line {
    if info.awaited && info.name.is_empty() {
        return Line::new().warn("not here yet").text(" (moot sync fetches it)  ").id(&info.cid);
    }
    if info.pending && info.name.is_empty() {
        return Line::new()
            .warn("pending")
            .text(": your join was not answered yet (moot serve keeps trying)  ")
            .id(&info.cid);
    }
    let line = Line::new()
        .strong(&info.name)
        .text(if info.public { "  public, " } else { "  members only, " })
        .text(count(info.members, "member", "members"))
        .text(", ")
        .text(count(info.records, "record", "records"));
    let line = match (&info.role, info.pending) {
        (Some(role), _) => line.text(", you are a ").text(role),
        (None, true) => line.warn(", your join is pending"),
        (None, false) => line.warn(", not joined"),
    };
    let line = if info.complete { line } else { line.warn(", not complete yet") };
    line.text("  ").id(&info.cid)
}

fn show(session: &Session, info: &CommunityInfo) {
    let out = &session.out;
    out.line(summary(info));
    let about = &info.describe;
    for (name, value) in [("zone", &about.zone), ("language", &about.lang), ("colour", &about.colour)] {
        if let Some(value) = value {
            out.line(Line::new().faint(format!("{name}  ")).text(value));
        }
    }
    for link in about.links.iter().chain(&about.support).flatten() {
        out.line(Line::new().faint("link  ").text(&link.label).text("  ").id(&link.url));
    }
    for (name, text) in [("about", &about.about), ("rules", &about.rules)] {
        if let Some(text) = text {
            out.line(Line::new().faint(name));
            out.block("  ", text);
        }
    }
    for (name, snapshot) in [("snapshot", &info.snapshot), ("snapshot for members", &info.snapshot_members)] {
        if let Some(cid) = snapshot {
            out.line(Line::new().faint(format!("{name}  ")).id(cid));
        }
    }
}

/// `LABEL=URL`, or a URL that is its own label.
pub(crate) fn named_links(given: &[String]) -> Vec<NamedLink> {
    given
        .iter()
        .filter(|text| !text.trim().is_empty())
        .map(|text| {
            let (label, url) = labelled(text);
            NamedLink { label, url }
        })
        .collect()
}

pub(crate) fn labelled(text: &str) -> (String, String) {
    match text.split_once('=') {
        // The first `=` of a plain address stands after its scheme.
        Some((label, url)) if !label.contains("://") => (label.trim().to_owned(), url.trim().to_owned()),
        _ => {
            let url = text.trim();
            let label =
                url.trim_start_matches("https://").trim_start_matches("http://").split('/').next().unwrap_or(url);
            (label.to_owned(), url.to_owned())
        }
    }
}
