use folkmoot_node::request::{Reply, Request};
use serde_json::json;

use super::{
    community::summary,
    serve::{block_on, start_node},
};
use crate::{
    error::{Error, Result},
    output::{Line, count},
    session::{Session, answer, answered},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot sync --via /ip4/192.0.2.7/tcp/4700")]
pub(crate) struct Args {
    /// A node to ask besides the known ones; can be given several times
    #[arg(long, value_name = "MULTIADDR")]
    via: Vec<String>,
    /// How many seconds to wait at most
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    wait: u32,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    for addr in &args.via {
        super::peer::check(addr)?;
    }
    session.out.note(format!("asking other nodes, for up to {} s …", args.wait));
    let reply = over_the_network(session, Request::Sync { via: args.via, wait_s: args.wait }, |_| None)?;
    let (peers, complete, communities) =
        answer!(reply, Reply::Synced { peers, complete, communities } => (peers, complete, communities))?;
    session.out.object(&json!({"peers": peers, "complete": complete, "communities": communities}));
    for info in &communities {
        session.out.line(summary(info));
    }
    if peers == 0 {
        return Err(Error::network("could not sync: no peer could be reached")
            .hint("is a node of another member running? moot peer list shows who is tried; name one with --via"));
    }
    let peers = count(u64::from(peers), "peer", "peers");
    session.out.line(match complete {
        true => Line::new().strong("up to date").text(format!(" with {peers}")),
        false => Line::new().warn("not complete yet").text(format!(", {peers} reached")),
    });
    Ok(())
}

/// Asks the running node; with none running, a short-lived one in this process that listens nowhere and shows no page.
/// `follow_up` is asked on success while the network is still there.
pub(crate) fn over_the_network(
    session: &Session,
    request: Request,
    follow_up: impl Fn(&Reply) -> Option<Request>,
) -> Result<Reply> {
    if let Some(reply) = session.ask_node(&request)? {
        if let Some(next) = follow_up(&reply) {
            session.ask(&next)?;
        }
        return Ok(reply);
    }
    let home = session.home()?;
    let mut net = session.config()?.net();
    net.listen.clear();
    block_on(async {
        let node = start_node(session, &home, net).await?;
        let reply = answered(node.request(request).await);
        let reply = match reply.as_ref().ok().and_then(&follow_up) {
            Some(next) => answered(node.request(next).await).and(reply),
            None => reply,
        };
        node.stop().await;
        reply
    })
}
