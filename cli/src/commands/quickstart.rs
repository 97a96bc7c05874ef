use std::path::PathBuf;

use folkmoot_node::{
    config::Config,
    home::{Home, HomeError},
    request::{CommunityInfo, InviteInfo, Reply, Request},
};
use folkmoot_schemas::{
    records::post::Post,
    roster::{Describe, Role},
};

use super::{
    community, init,
    serve::{Listeners, Running, block_on, refuse_a_second},
};
use crate::{
    error::{Error, Result},
    output::Line,
    record,
    session::{Session, answer, answered},
    when::zone,
};

/// The first people of a community; the link is printed again while it is open.
const USES: u32 = 16;
const HOLDS: u64 = 30 * 86_400;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot quickstart \"River Street\" --public --me \"Ada\"\n  moot quickstart \"Choir\" --listen /ip4/0.0.0.0/tcp/4701\n\nRunning it again just starts. Stops cleanly on Ctrl-C (SIGINT) and SIGTERM."
)]
pub(crate) struct Args {
    /// Name of the community [default: the one that is there]
    name: Option<String>,
    /// Posts and events can be read by everyone, on a web page
    #[arg(long)]
    public: bool,
    /// Your own name, as the community will show it
    #[arg(long, value_name = "NAME")]
    me: Option<String>,
    /// Found a community of that name although this home has one already
    #[arg(long, requires = "name")]
    another: bool,
    /// Write the 12 words of the identity that is made to this new file (0600) instead of the terminal. Without it and without a
    /// terminal they go to moot-phrase-<end of your did>.txt beside the home
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    #[command(flatten)]
    listeners: Listeners,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let config = args.listeners.config(session)?;
    let home = match Home::open(&session.dir) {
        Ok(home) => {
            init::mind_the_words(session, args.phrase_file.as_deref());
            if let Some(me) = &args.me {
                init::check_name(me)?;
                Config::set(&home.config_path(), "name", Some(me))?;
            }
            home
        }
        Err(HomeError::Absent(_)) if args.name.is_none() => {
            return Err(Error::usage("could not start: there is no community yet, and no name for one was given")
                .hint("moot quickstart \"River Street\" --public"));
        }
        Err(HomeError::Absent(_)) => init::create(session, args.me.as_deref(), None, args.phrase_file.as_deref())?,
        Err(error) => return Err(error.into()),
    };
    refuse_a_second(session)?;
    let info = community(&args, session)?;
    init::mind_the_name(session)?;
    let pages = answer!(session.ask(&Request::Communities)?, Reply::Communities(all) => all.iter().any(|c| c.public))?;
    block_on(async {
        let running = Running::start(session, &home, &config).await?;
        let invite = match invite(&running, &info).await {
            Ok(invite) => Some(invite),
            // Only stewards and members may invite; the node is worth running without.
            Err(error) => {
                session.out.note(Line::new().warn("no invite link: ").text(error.to_string()));
                None
            }
        };
        session.out.line(Line::new().strong(&info.name).text(if info.public {
            "  public"
        } else {
            "  members only: no web page"
        }));
        running.say_ready(session, pages, invite.as_ref())?;
        running.until_stopped(session).await
    })
}

/// The community that was named, founded now if it is not there.
fn community(args: &Args, session: &Session) -> Result<CommunityInfo> {
    let all = answer!(session.ask(&Request::Communities)?, Reply::Communities(all) => all)?;
    let Some(name) = &args.name else { return session.pick_community(None) };
    if let Some(info) = all.iter().find(|c| c.name.to_lowercase() == name.to_lowercase()) {
        if args.public && !info.public {
            session.out.note(
                Line::new().warn("--public has no effect: ").text("it was founded for members only, and that stays so"),
            );
        }
        return Ok(info.clone());
    }
    if !all.is_empty() && !args.another {
        want_another(session, name, &all)?;
    }
    let describe = Describe { zone: zone::of_this_machine(), ..Describe::default() };
    let info = community::found(session, name.clone(), args.public, describe)?;
    let text = format!(
        "Welcome to {}. Posts and events that members publish appear here; every one of them is signed by its author \
         and kept by each member's own node.",
        info.name
    );
    record::publish(session, Some(&info.cid), vec![record::draft("post", Post { text, ..Post::default() })?])?;
    Ok(info)
}

/// A second community is seldom meant: a name typed differently would found one in silence.
fn want_another(session: &Session, name: &str, all: &[CommunityInfo]) -> Result<()> {
    let names: Vec<String> = all.iter().map(|info| format!("{:?}", info.name)).collect();
    let names = names.join(", ");
    if session.out.is_conversation() {
        let question = format!("This home already takes part in {names}. Found {name:?} as another community? [y/N]");
        if matches!(session.out.ask(&question)?.to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
    }
    Err(Error::refused(format!("could not start {name:?}: this home already takes part in {names}"))
        .because("nothing was founded")
        .hint(format!("start it with moot serve, or found another community with moot quickstart {name:?} --another")))
}

/// The open link of an earlier start, else a new one. Asked of the running node, which knows its addresses.
async fn invite(running: &Running, info: &CommunityInfo) -> Result<InviteInfo> {
    let community = Some(info.cid.clone());
    let reply = answered(running.node.request(Request::Invites { community: community.clone() }).await)?;
    let open = |i: &InviteInfo| i.uses == USES && i.used < i.uses && !i.closed && i.link.is_some();
    let known = answer!(reply, Reply::Invites(all) => all.into_iter().find(open))?;
    match known {
        Some(invite) => Ok(invite),
        None => {
            let request = Request::Invite { community, role: Role::Member, uses: USES, expires_s: Some(HOLDS) };
            answer!(answered(running.node.request(request).await)?, Reply::Invite(invite) => invite)
        }
    }
}
