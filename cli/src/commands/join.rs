use std::path::PathBuf;

use folkmoot_node::{
    home::{Home, HomeError},
    request::{Reply, Request},
};
use folkmoot_schemas::link::InviteLink;
use serde_json::json;

use super::{init, profile, sync::over_the_network};
use crate::{
    error::{Error, Exit, Result},
    output::Line,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot join 'https://moot.example.org/join#…' --name Ada\n  moot join \"$LINK\" --name Clubhouse --phrase-file ~/clubhouse-phrase.txt\n\nPut the link in quotes: a shell takes # for a comment."
)]
pub(crate) struct Args {
    /// The invite link
    link: String,
    /// A node to ask besides those in the link; can be given several times
    #[arg(long, value_name = "MULTIADDR")]
    via: Vec<String>,
    /// Your name, as the community will show it
    #[arg(long)]
    name: Option<String>,
    /// Write the 12 words of the identity that is made to this new file (0600) instead of the terminal. Without it and without a
    /// terminal they go to moot-phrase-<end of your did>.txt beside the home
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    // Before anything is made: a wrong link is the likeliest mistake.
    let link = InviteLink::parse(&args.link).map_err(|error| {
        Error::refused(format!("could not join: {error}"))
            .hint("copy the whole link, from https:// or moot: to its last character, and put it in quotes")
    })?;
    for addr in &args.via {
        super::peer::check(addr)?;
    }
    match Home::open(&session.dir) {
        Ok(home) => {
            init::mind_the_words(session, args.phrase_file.as_deref());
            if let Some(name) = &args.name {
                init::check_name(name)?;
                folkmoot_node::config::Config::set(&home.config_path(), "name", Some(name))?;
            }
        }
        Err(HomeError::Absent(_)) => {
            init::create(session, args.name.as_deref(), None, args.phrase_file.as_deref())?;
        }
        Err(error) => return Err(error.into()),
    }
    // Reaching nobody takes a while; say what is under way.
    let mut addrs = link.addrs.iter().chain(&args.via).map(|addr| addr.split("/p2p/").next().unwrap_or(addr));
    if let Some(first) = addrs.next() {
        session.out.note(addrs.fold(format!("trying {first}"), |line, addr| format!("{line}, {addr}")) + " …");
    }
    let introduction = profile::introduction(session)?;
    let introduce = |reply: &Reply| match (reply, &introduction) {
        (Reply::Joined { community, already: false, complete: true }, Some(draft)) => {
            Some(Request::Publish { community: Some(community.cid.clone()), drafts: vec![draft.clone()] })
        }
        _ => None,
    };
    let request = Request::Join { link: args.link, via: args.via };
    let reply = over_the_network(session, request, introduce).map_err(|error| match error.exit {
        Exit::Network if error.hint.is_none() => {
            error.hint(format!("your join is kept and tried again while the node runs: {}", session.command("serve")))
        }
        _ => error,
    })?;
    let (info, complete, already) =
        answer!(reply, Reply::Joined { community, complete, already } => (community, complete, already))?;
    session.out.object(&json!({"community": info, "complete": complete, "already": already}));
    let line = Line::new().strong(if already { "already a member of " } else { "joined " }).text(&info.name);
    let line = line.text(format!(", {} here", crate::output::count(info.records, "record", "records")));
    session.out.line(if complete { line } else { line.warn(", the rest comes while the node runs") });
    init::mind_the_name(session)?;
    session.out.note(format!("next: {}", session.command("serve")));
    Ok(())
}
