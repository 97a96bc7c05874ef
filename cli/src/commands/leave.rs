use folkmoot_node::request::{Reply, Request};

use super::member::confirm;
use crate::{
    error::Result,
    output::Line,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  moot leave --community \"River Street\"\n\nWhat you published stays there; delete first what should not. Only a steward or moderator can let you in again."
)]
pub(crate) struct Args {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let request = Request::Communities;
    let communities = answer!(session.ask(&request)?, Reply::Communities(all) => all)?;
    let only = match communities.as_slice() {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    let which = session.community.clone().or(only).unwrap_or_else(|| "the community".into());
    confirm(
        session,
        args.yes,
        &format!("Leave {which}? Your invite links end, and nobody takes what you post there."),
    )?;
    let request = Request::Leave { community: session.community.clone() };
    let gone = answer!(session.ask(&request)?, Reply::Member(gone) => gone)?;
    session.out.object(&gone);
    session.out.line(Line::new().strong("left ").text(&which));
    Ok(())
}
