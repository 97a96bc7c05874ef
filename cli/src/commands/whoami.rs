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
    let mut me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let shown = me.name.is_some();
    me.name = me.name.or(session.config()?.name().map(ToOwned::to_owned));
    session.out.object(&me);
    session.out.line(match &me.name {
        Some(name) if shown => Line::new().strong(name),
        Some(name) => Line::new().strong(name).faint("  (shown in communities you found or join)"),
        None => Line::new().faint("no name yet (moot profile set --name …)"),
    });
    session.out.line(Line::new().faint("person  ").id(&me.did));
    session.out.line(Line::new().faint("device  ").id(&me.device).text("  ").text(&me.device_name));
    if me.out {
        session.out.line(super::device::out());
    }
    session.out.line(Line::new().faint("home    ").text(&me.home));
    if let Some(peer) = &me.peer_id {
        session.out.line(Line::new().faint("node    ").id(peer));
    }
    Ok(())
}
