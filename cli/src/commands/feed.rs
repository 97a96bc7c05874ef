use folkmoot_node::request::Item;
use folkmoot_schemas::{Uri, kind::Kind, records::post::Post};

use crate::{
    error::Result,
    output::{Line, Output},
    record,
    session::Session,
    when::reader::WallClock,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  moot feed --limit 5\n  moot feed --community \"River Street\" --json")]
pub(crate) struct Args {
    /// How many posts
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Over all communities unless one is named, newest first.
pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let items = record::list(session, session.named_community.as_deref(), Post::NAME, args.limit as usize)?;
    if items.is_empty() {
        super::community::say_nothing_here(session, "nothing was posted yet: moot post \"…\"")?;
    }
    let clock = WallClock::of(session)?;
    for item in &items {
        session.out.object(&record::as_json(item));
        if !session.out.json {
            let to = answered(item).map(|parent| called(session, &parent));
            print(&session.out, &clock, item, "", to.as_deref());
        }
    }
    clock.remark(session, items.iter().map(|item| (item.community.as_str(), item.created)));
    Ok(())
}

/// What this post replies to.
fn answered(item: &Item) -> Option<Uri> {
    Some(record::open(item).ok()?.as_post()?.reply.as_ref()?.parent.uri.clone())
}

/// "Bo, harbourgigxxxxxx": whoever reads it can look at it.
fn called(session: &Session, uri: &Uri) -> String {
    match record::find(session, &uri.to_string()) {
        Ok(found) => format!("{}, {}", found.item.author, found.item.short),
        Err(_) => format!("{}, which is not here", uri.short_id()),
    }
}

/// A head line and the text below it. `to`: what it replies to, where that is not seen from its place.
pub(crate) fn print(out: &Output, clock: &WallClock, item: &Item, indent: &str, to: Option<&str>) {
    let card = record::open(item).map(|record| record.card()).unwrap_or_default();
    let line = Line::new()
        .text(indent)
        .strong(&item.author)
        .text("  ")
        .faint(clock.time(item.created))
        .text("  ")
        .id(&item.short);
    let line = line.faint(format!("  {}", item.community_name));
    let line = if item.audience == "members" { line.faint(", members only") } else { line };
    out.line(if item.updated > item.created { line.faint(", edited") } else { line });
    if let Some(to) = to {
        out.line(Line::new().text(indent).faint(format!("  in reply to {to}")));
    }
    if let Some(fault) = &item.fault {
        out.line(Line::new().text(indent).warn("  hidden on pages: ").text(fault));
    }
    if let Some(title) = &card.title {
        out.line(Line::new().text(indent).text("  ").strong(title));
    }
    out.block(&format!("{indent}  "), card.text.as_deref().unwrap_or_default());
}
