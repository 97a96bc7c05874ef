use folkmoot_node::request::{Checkup, Finding, Health, NoticeInfo, Reply, Request, Side, Subject, Told};

use folkmoot_schemas::{
    kind::Kind,
    records::{event::Event, post::Post, profile::Profile, revision::Revision, rsvp::Rsvp, venue::Venue, vote::Vote},
};

use serde::Serialize;

use crate::{
    error::{Error, Result},
    output::{Line, Output, count},
    session::{Session, answer},
    when::reader::WallClock,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot doctor\n  moot doctor --dismiss\n\nExits with 0 when nothing needs you, else with 1."
)]
pub(crate) struct Args {
    /// Do not show these notices again; says which they were, and what else needs you
    #[arg(long)]
    dismiss: bool,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<()> {
    let checkup = answer!(session.ask(&Request::Doctor)?, Reply::Checkup(checkup) => checkup)?;
    let out = &session.out;
    let wrong = checkup.findings.iter().filter(|finding| finding.state == Health::Wrong).count();
    if args.dismiss {
        if let Some(newest) = checkup.notices.last() {
            answer!(session.ask(&Request::Dismiss { until: newest.at })?, Reply::Done => ())?;
        }
        out.object(&Dismissed { checkup: &checkup, dismissed: checkup.notices.len() });
        out.line(match checkup.notices.len() {
            0 => "no notices to dismiss".to_owned(),
            all => format!("dismissed {}", count(all as u64, "notice", "notices")),
        });
        for notice in &checkup.notices {
            out.line(Line::new().text("  ").text(headline(notice)));
        }
        if wrong == 0 {
            out.line(if checkup.notices.is_empty() { "nothing needs you" } else { "nothing else needs you" });
            return Ok(());
        }
        for finding in checkup.findings.iter().filter(|finding| finding.state == Health::Wrong) {
            print(finding, out);
        }
        return Err(needs_you(wrong, 0));
    }
    out.object(&checkup);
    for finding in &checkup.findings {
        print(finding, out);
    }
    let clock = WallClock::of(session)?;
    for notice in &checkup.notices {
        out.line("");
        out.line(Line::new().strong(headline(notice)));
        for line in explained(notice, &clock) {
            out.line(Line::new().text("  ").text(line));
        }
    }
    let shown: Vec<(String, u64)> = checkup.notices.iter().flat_map(times).collect();
    clock.remark(session, shown.iter().map(|(community, at)| (community.as_str(), *at)));
    match checkup.notices.len() {
        0 if wrong == 0 => Ok(()),
        notices => Err(needs_you(wrong, notices)),
    }
}

/// What `--dismiss` answers to programs.
#[derive(Serialize)]
struct Dismissed<'c> {
    #[serde(flatten)]
    checkup: &'c Checkup,
    dismissed: usize,
}

fn print(finding: &Finding, out: &Output) {
    let line = Line::new().faint(format!("{:<10}", finding.check));
    out.line(match finding.state {
        Health::Wrong => line.warn(&finding.message),
        Health::Fine | Health::Note => line.text(&finding.message),
    });
    for detail in &finding.detail {
        out.line(Line::new().faint(format!("{:<10}{detail}", "")));
    }
    if let Some(hint) = finding.hint.as_ref().filter(|_| finding.state != Health::Fine) {
        out.line(Line::new().faint(format!("{:<10}", "")).text(hint));
    }
}

fn needs_you(wrong: usize, notices: usize) -> Error {
    let error = Error::refused(format!("{} you", count((wrong + notices) as u64, "thing needs", "things need")));
    match wrong {
        0 => error.hint("when you have read them: moot doctor --dismiss"),
        _ => error.hint("each is said above, with what to do"),
    }
}

/// One line, for a list.
pub(crate) fn headline(notice: &NoticeInfo) -> String {
    match &notice.what {
        Told::Overruled { item, lost, won, deleted: false } => {
            let (lost, won) = (lost.title(), won.title());
            format!("{}: changed on {lost} and on {won}, apart; {won}'s version counts", item.title)
        }
        Told::Overruled { item, lost, won, deleted: true } => {
            format!("{}: changed on {}, deleted on {}; it is gone", item.title, lost.title(), won.title())
        }
        Told::Revived { item, deleted, won } => {
            format!("{}: deleted on {}, changed on {}; it is there again", item.title, deleted.title(), won.title())
        }
        Told::PutBack { community_name, .. } => {
            format!("{community_name}: an older copy of this device's disk was in use; what it lacked was put back")
        }
    }
}

/// Those that are told of it, and of which community each is.
fn times(notice: &NoticeInfo) -> Vec<(String, u64)> {
    let (item, sides) = match &notice.what {
        Told::Overruled { item, lost, won, .. } => (item, [lost, won]),
        Told::Revived { item, deleted, won } => (item, [deleted, won]),
        Told::PutBack { .. } => return Vec::new(),
    };
    let community = super::post::parse_uri(&item.uri).map(|uri| uri.community.to_string()).unwrap_or_default();
    sides.map(|side| (community.clone(), side.at)).to_vec()
}

/// What happened and what can be done about it.
fn explained(notice: &NoticeInfo, clock: &WallClock) -> Vec<String> {
    // As the clock of the machine that wrote had it.
    let wrote = |side: &Side| format!("what {} wrote at {}", side.title(), clock.time(side.at));
    let history = |item: &Subject| format!("moot history {}", item.short);
    match &notice.what {
        Told::Overruled { item, lost, won, deleted: false } => {
            let mut said = vec![
                format!("in {}", item.community_name),
                format!("counts     {}: the later one", wrote(won)),
                format!("set aside  {}", wrote(lost)),
                "neither knew of the other".to_owned(),
            ];
            let look = (history(item), "shows both, and what each changed");
            let change = changing(item).map(|command| (command, "writes again what should not be lost"));
            said.extend(commands([look].into_iter().chain(change)));
            said
        }
        Told::Overruled { item, lost, won, deleted: true } => vec![
            format!("in {}", item.community_name),
            format!("counts     the deletion on {} at {}: the later one", won.title(), clock.time(won.at)),
            format!("set aside  {}", wrote(lost)),
            "neither knew of the other".to_owned(),
            format!("{}   shows what was set aside; publish it anew if it should not be gone", history(item)),
        ],
        Told::Revived { item, deleted, won } => {
            let mut said = vec![
                format!("in {}", item.community_name),
                format!("counts     {}", wrote(won)),
                format!("set aside  the deletion on {} at {}", deleted.title(), clock.time(deleted.at)),
                "neither knew of the other".to_owned(),
            ];
            let delete = (format!("moot delete {}", item.short), "if it should be gone");
            said.extend(commands([(history(item), "shows what was written"), delete]));
            said
        }
        Told::PutBack { records, removed, .. } => vec![
            format!(
                "other nodes had kept what this device wrote after that copy was made: {} put back, {} removed again",
                count((*records).into(), "record", "records"),
                removed
            ),
            "nothing is to be done; look through what you changed meanwhile".to_owned(),
            "a copy of a home is for `moot restore`: it makes a device of its own".to_owned(),
        ],
    }
}

/// How its author changes a record, where they can.
fn changing(item: &Subject) -> Option<String> {
    let kind = super::post::parse_uri(&item.uri).ok()?.collection;
    let command = match kind.as_str() {
        Event::NAME => format!("moot event edit {} …", item.short),
        Venue::NAME => format!("moot venue edit {} …", item.short),
        Post::NAME => format!("moot edit {} …", item.short),
        // These are not called by their own ids.
        Revision::NAME => "moot event edit …".to_owned(),
        Rsvp::NAME => "moot rsvp …".to_owned(),
        Vote::NAME => "moot poll vote …".to_owned(),
        Profile::NAME => "moot profile set …".to_owned(),
        _ => return None,
    };
    Some(command)
}

/// What to type, and what for, below each other.
fn commands(all: impl IntoIterator<Item = (String, &'static str)>) -> Vec<String> {
    let all: Vec<(String, &str)> = all.into_iter().collect();
    let width = all.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    all.iter().map(|(command, what)| format!("{command:<width$}   {what}")).collect()
}
