use folkmoot_node::request::Item;
use folkmoot_schemas::records::{
    post::{Post, PostKind},
    text::clean,
};

use crate::{
    editor,
    error::{Error, Result},
    leak, mention, record,
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot edit uyv3m2bq4kzjxw5a \"The keys hang in the shed now.\"\n  moot edit uyv3m2bq4kzjxw5a      # opens $EDITOR with the text as it is"
)]
pub(crate) struct Args {
    /// Your post: short id, whole title, URI or CID
    target: String,
    /// The new text; - reads stdin, nothing opens $EDITOR
    text: Vec<String>,
    /// The new headline; "" takes it away
    #[arg(long)]
    title: Option<String>,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let found = record::find_own(session, &args.target, "edit it")?;
    let Some(post) = found.record.as_post() else {
        let said = Error::refused(format!("could not edit {}: it is not a post", found.item.short));
        return Err(match found.record.as_event() {
            Some(_) => said.hint(format!("for an event: moot event edit {} …", found.item.short)),
            None => said,
        });
    };
    let mut changed = post.clone();
    if let Some(title) = args.title.as_deref() {
        changed.title = Some(clean(title)).filter(|t| !t.is_empty());
        if changed.kind != PostKind::Update {
            changed.kind = if changed.title.is_some() { PostKind::Article } else { PostKind::Note };
        }
    }
    // With a new title alone the text stays.
    if args.text.is_empty() && args.title.is_some() {
        return publish(session, &found.item, post, changed);
    }
    // Never laid over what another device changed since.
    let name = format!("post-{}", found.item.cid);
    editor::publish(&args.text, (&name, &post.text), session, |text| {
        publish(session, &found.item, post, Post { text, ..changed })
    })
}

fn publish(session: &Session, item: &Item, before: &Post, mut post: Post) -> Result<()> {
    // Without another text the same people are meant, whatever they are called by now.
    if before.text != post.text {
        post.mentions = mention::of(session, Some(&item.community), &post.text)?;
    }
    if post == *before {
        return record::unchanged(session, item);
    }
    let thread = post.reply.as_ref().map(|reply| &reply.root.uri);
    if let Some(about) = post.about.as_ref().or(thread) {
        leak::check_post(session, &about.to_string(), &post, Some(before))?;
    }
    let draft = record::redraft("post", item, post)?;
    record::publish_one(session, Some(&item.community), draft, "edited")
}
