use folkmoot_node::request::{Reply, Request};
use serde_json::json;

use crate::{
    error::Result,
    kept,
    output::Line,
    record,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  moot delete uyv3m2bq4kzjxw5a\n\nNodes that follow the rules erase it; copies elsewhere cannot be called back.\nAn event that will not take place is better cancelled: moot event cancel."
)]
pub(crate) struct Args {
    /// Something you wrote: short id, whole title, URI or CID
    target: String,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let found = record::find_own(session, &args.target, "delete it")?;
    let request = Request::Delete { target: found.item.uri.clone(), community: Some(found.item.community.clone()) };
    let (uri, sent) = answer!(session.ask(&request)?, Reply::Deleted { uri, sent } => (uri, sent))?;
    kept::write(session, &uri, &[])?;
    session.out.object(&json!({"uri": uri, "community": found.item.community, "deleted": true, "sent": sent}));
    let line = Line::new().strong("deleted ").id(&found.item.short);
    session.out.line(if sent { line } else { line.faint(session.not_sent()) });
    if found.record.as_event().is_some() {
        session.out.note("whoever answered it is told that it was deleted, not why; next time: moot event cancel");
    }
    Ok(())
}
