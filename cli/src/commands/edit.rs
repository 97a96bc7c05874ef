use folkmoot_schemas::records::{post::PostKind, text::clean};

use crate::{
    editor,
    error::{Error, Result},
    mention, record,
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
    let mut post = post.clone();
    // With a new title alone the text stays.
    if !(args.text.is_empty() && args.title.is_some()) {
        post.text = editor::text(&args.text, &post.text, session)?;
    }
    if let Some(title) = args.title {
        post.title = Some(clean(&title)).filter(|t| !t.is_empty());
        if post.kind != PostKind::Update {
            post.kind = if post.title.is_some() { PostKind::Article } else { PostKind::Note };
        }
    }
    // Without another text the same people are meant, whatever they are called by now.
    if found.record.as_post().is_some_and(|before| before.text != post.text) {
        post.mentions = mention::of(session, Some(&found.item.community), &post.text)?;
    }
    if Some(&post) == found.record.as_post() {
        return record::unchanged(session, &found.item);
    }
    let draft = record::redraft("post", &found.item, post)?;
    record::publish_one(session, Some(&found.item.community), draft, "edited")
}
