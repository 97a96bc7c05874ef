use folkmoot_node::config::Config;
use serde_json::json;

use crate::{error::Result, output::Line, session::Session};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot use \"River Street\"")]
pub(crate) struct Args {
    /// Name, CID, or the beginning of either
    community: String,
}

/// Writes the CID, so that the choice outlives a change of name.
pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let info = session.pick_community(Some(&args.community))?;
    Config::set(&session.home()?.config_path(), "community", Some(&info.cid))?;
    session.out.object(&json!({"community": info.cid, "name": info.name}));
    session.out.line(Line::new().text("commands now speak about ").strong(&info.name));
    Ok(())
}
