use folkmoot_node::request::{Reply, Request};
use folkmoot_schemas::{
    Uri,
    records::{
        post::{Post, PostKind},
        text::clean,
    },
};

use crate::{
    editor,
    error::{Error, Result},
    leak, mention,
    picture::Pictures,
    record::{self, Found},
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot post \"The keys hang behind the bar.\" --tag keys\n  moot post --title \"How it was\" - < story.md\n  moot post \"The new piano\" --image piano.jpg --alt \"A black grand piano in a bare room\"\n  moot post --about uyv3m2bq4kzjxw5a --update \"Doors open at 19:30, not 19:00.\""
)]
pub(crate) struct Args {
    /// Text (Markdown); - reads stdin, nothing opens $EDITOR
    text: Vec<String>,
    /// Text that begins with the name of a command
    #[arg(last = true, hide = true)]
    literal: Vec<String>,
    /// A headline
    #[arg(long)]
    title: Option<String>,
    /// A tag; can be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Language, e.g. de
    #[arg(long)]
    lang: Option<String>,
    /// The event it is about
    #[arg(long, value_name = "EVENT")]
    about: Option<String>,
    /// An update for everyone who answered the event
    #[arg(long, requires = "about")]
    update: bool,
    #[command(flatten)]
    pictures: Pictures,
    /// For members only, also in a public community
    #[arg(long)]
    members: bool,
    /// Publish even if the same was published minutes ago
    #[arg(long)]
    again: bool,
}

/// Words that are commands of other nouns, and what does with posts what they name.
const COMMANDS: &[(&str, &str)] = &[
    ("add", "to write one: moot post TEXT"),
    ("delete", "to delete one: moot delete ID"),
    ("edit", "to change one: moot edit ID"),
    ("help", "for help: moot post --help"),
    ("history", "for what one was: moot history ID"),
    ("list", "to read them: moot feed"),
    ("reply", "to answer one: moot reply ID TEXT"),
    ("show", "to read one: moot show ID"),
];

/// Somebody who types `moot post edit ID` would publish that to everybody. Text in quotes is one word here, and is not
/// taken for a command unless it is nothing else.
fn check_no_command(text: &[String]) -> Result<()> {
    let Some(first) = text.first() else { return Ok(()) };
    let Some((_, instead)) = COMMANDS.iter().find(|(word, _)| word == first) else { return Ok(()) };
    let words = text.join(" ");
    Err(Error::usage(format!("nothing was published: {first:?} looks like a command for posts"))
        .because(format!("moot post takes the text itself; it would have published {words:?}"))
        .hint(format!("{instead}; to publish that all the same: moot post -- {words}")))
}

pub(crate) fn run(mut args: Args, session: &Session) -> Result<()> {
    check_no_command(&args.text)?;
    args.text.append(&mut args.literal);
    let mut community = None;
    let mut about: Option<Uri> = None;
    if let Some(target) = &args.about {
        let event = record::find(session, target)?;
        if event.record.as_event().is_none() {
            return Err(Error::refused(format!("could not publish the post: {target} is not an event"))
                .hint("moot event list shows the ids of events; to answer a post use moot reply"));
        }
        if args.update {
            check_host(session, &event)?;
        }
        about = Some(parse_uri(&event.item.uri)?);
        community = Some(event.item.community);
    }
    let images = args.pictures.add(session)?.unwrap_or_default();
    editor::publish(&args.text, ("post", ""), session, |text| {
        let kind = match (args.update, &args.title) {
            (true, _) => PostKind::Update,
            (false, Some(_)) => PostKind::Article,
            (false, None) => PostKind::Note,
        };
        let mentions = mention::of(session, community.as_deref(), &text)?;
        let post = Post {
            text,
            mentions: mentions.clone(),
            title: args.title.as_deref().map(clean),
            tags: args.tag.iter().map(|t| clean(t.trim_start_matches('#'))).collect(),
            lang: args.lang.clone(),
            images,
            about: about.clone(),
            kind,
            ..Post::default()
        };
        if let Some(event) = &about {
            leak::check_post(session, &event.to_string(), &post, None)?;
        }
        let mut draft = record::draft("post", post)?;
        draft.members_only = args.members;
        draft.again = args.again;
        record::publish_one(session, community.as_deref(), draft, "posted")?;
        mention::say(session, &mentions);
        Ok(())
    })
}

/// An update goes to everybody who answered, so it is for those who hold the event, or keep the community in order.
fn check_host(session: &Session, event: &Found) -> Result<()> {
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let named = event
        .record
        .as_event()
        .is_some_and(|event| event.hosts.iter().any(|host| host.did.is_some_and(|did| did.to_string() == me.did)));
    let community = session.pick_community(Some(&event.item.community))?;
    let keeper = matches!(community.role.as_deref(), Some("steward" | "moderator"));
    if named || keeper || event.item.did == me.did {
        return Ok(());
    }
    Err(Error::refused(format!("could not publish the update: {} holds this event", event.item.author))
        .because("an update reaches everybody who answered, so it is for the hosts")
        .hint("without --update it is a post about the event, and its hosts see it in their inbox"))
}

pub(crate) fn parse_uri(text: &str) -> Result<Uri> {
    text.parse().map_err(|error| Error::bug(format!("the node gave a URI that is none: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_command_is_no_text_unless_it_is_in_quotes_or_behind_two_dashes() {
        let refused = |text: &[&str]| {
            let text: Vec<String> = text.iter().map(|word| (*word).to_owned()).collect();
            check_no_command(&text).err().and_then(|error| error.hint)
        };
        let edit = refused(&["edit", "foo", "bar"]).unwrap_or_default();
        assert!(edit.contains("moot edit ID") && edit.ends_with("moot post -- edit foo bar"), "{edit}");
        assert!(refused(&["list"]).is_some_and(|hint| hint.contains("moot feed")));
        for text in [&["edit foo bar"][..], &["Edit", "foo"], &["please", "edit"], &["editing"], &[]] {
            assert_eq!(refused(text), None, "{text:?}");
        }
    }
}
