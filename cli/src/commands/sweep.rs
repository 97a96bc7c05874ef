use folkmoot_node::request::{Reply, Request, SweptInfo};

use crate::{
    error::Result,
    output::{Line, Output, bytes, count},
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  moot sweep --dry-run\n\nWhat is deleted is gone at once. A sweep is for what is kept for a time only, and checks every count of the store;\na running node does both by itself. Where a sixteenth of the store's file or more is empty, the file is packed."
)]
pub(crate) struct Args {
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let swept = answer!(session.ask(&Request::Sweep { dry_run: args.dry_run })?, Reply::Swept(swept) => swept)?;
    let mut value = serde_json::json!(swept);
    value["dry_run"] = args.dry_run.into();
    session.out.object(&value);
    print(&session.out, &swept, args.dry_run);
    Ok(())
}

fn print(out: &Output, swept: &SweptInfo, dry_run: bool) {
    for (what, n) in &swept.expired {
        out.line(Line::new().text(format!("  {n} {what}")));
    }
    for line in &swept.mended {
        out.line(Line::new().warn(if dry_run { "  wrong: " } else { "  mended: " }).text(line));
    }
    out.line(Line::new().strong(if dry_run { "would free " } else { "freed " }).text(freed(swept)));
    if swept.packed > 0 {
        out.line(Line::new().text(format!("the store was packed: {} less on the disk", bytes(swept.packed))));
    }
}

/// "3 blocks, 1.5 MiB".
pub(crate) fn freed(swept: &SweptInfo) -> String {
    match swept.blocks {
        0 => "nothing".to_owned(),
        blocks => format!("{}, {}", count(blocks, "block", "blocks"), bytes(swept.bytes)),
    }
}
