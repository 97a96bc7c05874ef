use folkmoot_node::request::{Reply, Request};

use crate::{
    error::Result,
    output::Line,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot whoami --json")]
pub(crate) struct Args {}

pub(crate) fn run(session: &Session) -> Result<()> {
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    session.out.object(&me);
    let config = session.config()?;
    session.out.line(match (&me.name, config.name()) {
        (Some(name), _) => Line::new().strong(name),
        (None, Some(name)) => Line::new().strong(name).faint("  (shown in the next community you found or join)"),
        (None, None) => Line::new().faint("no name yet (moot profile set --name …)"),
    });
    session.out.line(Line::new().faint("person  ").id(&me.did));
    session.out.line(Line::new().faint("device  ").id(&me.device).text("  ").text(&me.device_name));
    session.out.line(Line::new().faint("home    ").text(&me.home));
    if let Some(peer) = &me.peer_id {
        session.out.line(Line::new().faint("node    ").id(peer));
    }
    Ok(())
}
