use folkmoot_schemas::{
    block::parse_cid,
    records::post::{Post, Reply},
    uri::StrongRef,
};

use super::post::parse_uri;
use crate::{
    editor,
    error::{Error, Result},
    leak, mention, record,
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot reply uyv3m2bq4kzjxw5a \"I can bring the big table.\"")]
pub(crate) struct Args {
    /// What you answer: short id, whole title, URI or CID
    target: String,
    /// Text (Markdown); - reads stdin, nothing opens $EDITOR
    text: Vec<String>,
    /// Publish even if the same was published minutes ago
    #[arg(long)]
    again: bool,
}

/// A reply stands where the thread stands, and is read by whoever can read what it answers.
pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let found = record::find(session, &args.target)?;
    if found.item.did.is_empty() {
        return Err(Error::refused("could not reply: whoever answered shows their name to the hosts alone")
            .hint("moot post --about EVENT reaches the hosts"));
    }
    let cid =
        parse_cid(&found.item.cid).map_err(|error| Error::bug(format!("the node gave a CID that is none: {error}")))?;
    let parent = StrongRef { uri: parse_uri(&found.item.uri)?, cid };
    let root = match found.record.as_post().and_then(|post| post.reply.as_ref()) {
        Some(reply) => reply.root.clone(),
        None => parent.clone(),
    };
    let event = root.uri.to_string();
    let name = format!("reply-{}", found.item.short);
    editor::publish(&args.text, (&name, ""), session, |text| {
        let mentions = mention::of(session, Some(&found.item.community), &text)?;
        let reply = Some(Reply { root, parent });
        let post = Post { text, reply, mentions: mentions.clone(), ..Post::default() };
        leak::check_post(session, &event, &post, None)?;
        let mut draft = record::draft("reply", post)?;
        draft.members_only = found.item.audience == "members";
        draft.again = args.again;
        record::publish_one(session, Some(&found.item.community), draft, "replied")?;
        mention::say(session, &mentions);
        Ok(())
    })
}
