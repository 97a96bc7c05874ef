#[derive(Debug, clap::Args)]
#[command(after_help = "Example: x")]
pub(crate) struct Args {
    file: String,
}
pub(crate) fn run(_args: Args, _session: &crate::session::Session) -> crate::error::Result<()> {
    Ok(())
}
