use std::path::PathBuf;

use folkmoot_node::request::{Reply, Request};

use crate::{
    error::{Error, Result},
    output::{Line, bytes, count},
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  moot backup /media/stick/moot-2026-05-01\n\nA node may run meanwhile. No key is in it: whoever restores it becomes a new device, with the 12 words."
)]
pub(crate) struct Args {
    /// The new file
    file: PathBuf,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let path = std::path::absolute(&args.file)
        .map_err(|why| Error::refused(format!("could not write the backup: {}: {why}", args.file.display())))?;
    let Some(file) = path.to_str() else {
        return Err(Error::refused("could not write the backup: its path is not UTF-8").hint("choose another name"));
    };
    let request = Request::Backup { file: file.to_owned() };
    let done = answer!(session.ask(&request)?, Reply::BackedUp(done) => done)?;
    session.out.object(&done);
    session.out.line(
        Line::new()
            .text("backed up ")
            .text(count(done.communities, "community", "communities"))
            .text(format!(", {}, {} to ", count(done.blocks, "block", "blocks"), bytes(done.bytes)))
            .strong(&done.file),
    );
    session.out.note(Line::new().text("it holds what only members may read: keep it where only you can"));
    Ok(())
}
