use std::path::PathBuf;

use super::recover;
use crate::{error::Result, session::Session};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  moot restore river-street.backup --lost laptop\n\nThe restored home is a new device of yours, also on the same machine, so that the old one and it never write as one;\nthat asks for your 12 words. With --via a member's node is asked first for what the backup does not know yet."
)]
pub(crate) struct Args {
    /// A file made by moot backup
    file: PathBuf,
    /// Name of this machine among your devices [default: the machine's own, with a number where another has it]
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// A device of yours that is lost, by its name or id; "all" means every other one that is not named; can be given
    /// several times
    #[arg(long, value_name = "DEVICE")]
    lost: Vec<String>,
    /// A device of yours that stays; "all" means every other one that is not named; can be given several times. Without a
    /// terminal each is to be named, here or with --lost
    #[arg(long, value_name = "DEVICE")]
    keep: Vec<String>,
    /// An invite link, or the address of a member's node; can be given several times
    #[arg(long, value_name = "LINK")]
    via: Vec<String>,
    /// Use the settings that are in the backup, unread
    #[arg(long)]
    settings: bool,
    /// Read the 12 words from this file
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let Args { file, device, lost, keep, via, settings, phrase_file } = args;
    let wanted = recover::Wanted { via: &via, lost: &lost, keep: &keep, device, backup: Some(file), settings };
    recover::run(wanted, phrase_file.as_deref(), session)
}
