use folkmoot_node::request::{Reply, Request};
use folkmoot_schemas::{
    kind::Kind,
    records::vote::{Choice, Chosen, Vote},
};

use super::{find, is_open, option};
use crate::{
    commands::post::parse_uri,
    error::{Error, Result},
    output::Line,
    record,
    session::{Session, answer},
    when::zone,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot poll vote uyv3m2bq4kzjxw5a 1 3 --maybe 2      # dates: yes to the first and third, perhaps the second\n  moot poll vote uyv3m2bq4kzjxw5a fri --no \"sat 20:00\"\n  moot poll vote \"What do we eat?\" soup\n  moot poll vote uyv3m2bq4kzjxw5a --withdraw"
)]
pub(crate) struct Args {
    /// Short id, whole question, URI or CID
    poll: String,
    /// What suits you: number, date, weekday, or the first words
    #[arg(value_name = "OPTION")]
    yes: Vec<String>,
    /// What would do; can be given several times
    #[arg(long, value_name = "OPTION")]
    maybe: Vec<String>,
    /// What does not suit you; can be given several times
    #[arg(long, value_name = "OPTION")]
    no: Vec<String>,
    /// Take your vote back
    #[arg(long, conflicts_with_all = ["yes", "maybe", "no"])]
    withdraw: bool,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let (found, poll) = find(session, &args.poll)?;
    if !is_open(session, &poll) {
        return Err(Error::refused("could not vote: voting has ended")
            .because(poll.question.clone())
            .hint(format!("moot poll show {} says how it ended", found.item.short)));
    }
    let uri = parse_uri(&found.item.uri)?;
    if args.withdraw {
        return withdraw(session, &found.item.community, &Vote { poll: uri, choices: Vec::new() });
    }
    let zone = poll.options.iter().find_map(|option| option.start.as_ref()?.zone()).unwrap_or("UTC");
    let now = zone::wall(session.clock.seconds(), zone);
    let shades = !args.maybe.is_empty() || !args.no.is_empty();
    if shades && !poll.is_dates() {
        return Err(Error::usage("could not vote: --maybe and --no are for dates").hint("name what you want only"));
    }
    let mut choices: Vec<Chosen> = Vec::new();
    for (texts, answer) in [(&args.yes, Choice::Yes), (&args.maybe, Choice::Maybe), (&args.no, Choice::No)] {
        for text in texts {
            let option = poll.options[option::find(&poll, text, now)?].key();
            if let Some(before) = choices.iter().find(|choice| choice.option == option) {
                if before.answer != answer {
                    return Err(Error::refused(format!(
                        "could not vote: {text:?} is named as {} and as {}",
                        before.answer.word(),
                        answer.word()
                    ))
                    .hint("name each option once"));
                }
                continue;
            }
            choices.push(Chosen { option, answer });
        }
    }
    let yes = choices.iter().filter(|choice| choice.answer == Choice::Yes).count();
    if choices.is_empty() || (!poll.is_dates() && !poll.several && yes != 1) {
        let what = if choices.is_empty() { "nothing was chosen" } else { "only one may be chosen" };
        let said = Error::refused(format!("could not vote: {what}"));
        let said = poll
            .options
            .iter()
            .enumerate()
            .fold(said, |said, (at, option)| said.because(format!("{}  {}", at + 1, option.words())));
        return Err(said.hint(format!("moot poll vote {} 1", found.item.short)));
    }
    let said: Vec<String> = choices
        .iter()
        .filter_map(|choice| {
            let option = poll.options.iter().find(|option| option.key() == choice.option)?;
            Some(if poll.is_dates() { format!("{}: {}", choice.answer.word(), option.words()) } else { option.words() })
        })
        .collect();
    let mut draft = record::draft("vote", Vote { poll: uri, choices })?;
    // The same words again are a vote given anew, after another one in between.
    draft.again = true;
    record::publish_one(session, Some(&found.item.community), draft, "voted")?;
    for line in said {
        session.out.line(Line::new().faint("  ").text(line));
    }
    Ok(())
}

fn withdraw(session: &Session, community: &str, vote: &Vote) -> Result<()> {
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    let uri = format!("moot://{community}/{}/{}/{}", me.did, Vote::NAME, vote.rkey().unwrap_or_default());
    let request = Request::Delete { target: uri, community: Some(community.to_owned()) };
    let (uri, sent) = answer!(session.ask(&request)?, Reply::Deleted { uri, sent } => (uri, sent))?;
    session.out.object(&serde_json::json!({"uri": uri, "community": community, "deleted": true, "sent": sent}));
    let line = Line::new().strong("vote withdrawn");
    session.out.line(if sent { line } else { line.faint(session.not_sent()) });
    Ok(())
}
