use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::{args::Moot, error::Result, session::Session};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot completions bash > ~/.local/share/bash-completion/completions/moot")]
pub(crate) struct Args {
    shell: Shell,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Moot::command(), "moot", &mut script);
    session.out.raw(&script);
    Ok(())
}
