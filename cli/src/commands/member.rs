use clap::Subcommand;
use folkmoot_node::request::{Reply, Request};

use crate::{
    error::Result,
    output::Line,
    session::{Session, answer},
    when::zone,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everyone who belongs to the community, and their role
    #[command(after_help = "Example:\n  moot member list --community \"River Street\"")]
    List,
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    let Command::List = command;
    let request = Request::Members { community: session.community.clone() };
    let members = answer!(session.ask(&request)?, Reply::Members(members) => members)?;
    let here = zone::of_this_machine().unwrap_or_else(|| "UTC".into());
    for member in &members {
        session.out.object(member);
        let line = Line::new().strong(&member.name).text("  ").text(&member.role);
        let line = if member.me { line.text(" (you)") } else { line };
        let since = zone::wall(member.since, &here).date();
        session.out.line(line.faint(format!("  since {since}")).text("  ").id(&member.did));
    }
    Ok(())
}
