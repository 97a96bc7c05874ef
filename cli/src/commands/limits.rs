use folkmoot_schemas::limits;
use serde_json::json;

use crate::{error::Result, output::Line, session::Session};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot limits --json")]
pub(crate) struct Args {}

pub(crate) fn run(session: &Session) -> Result<()> {
    let widest = limits::table().iter().map(|l| l.name.chars().count()).max().unwrap_or(0);
    for limit in limits::table() {
        session
            .out
            .object(&json!({"name": limit.name, "value": limit.value, "unit": limit.unit, "beyond": limit.beyond}));
        let value = if limit.unit == "bytes" {
            crate::output::bytes(limit.value)
        } else {
            format!("{} {}", limit.value, limit.unit)
        };
        session.out.line(
            Line::new().text(format!("{:widest$}  ", limit.name)).strong(format!("{value:<23}")).faint(limit.beyond),
        );
    }
    Ok(())
}
