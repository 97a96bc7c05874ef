use folkmoot_node::request::{Health, NoticeInfo, Reply, Request, Side, Subject, Told};

use crate::{
    error::{Error, Result},
    output::{Line, count},
    session::{Session, answer},
    when::reader::WallClock,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot doctor\n  moot doctor --dismiss\n\nExits with 0 when nothing needs you, else with 1."
)]
pub(crate) struct Args {
    /// Do not show these notices again
    #[arg(long)]
    dismiss: bool,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<()> {
    let checkup = answer!(session.ask(&Request::Doctor)?, Reply::Checkup(checkup) => checkup)?;
    let out = &session.out;
    out.object(&checkup);
    for finding in &checkup.findings {
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
    let wrong = checkup.findings.iter().filter(|finding| finding.state == Health::Wrong).count();
    let mut notices = checkup.notices.len();
    if let Some(newest) = checkup.notices.last().filter(|_| args.dismiss) {
        answer!(session.ask(&Request::Dismiss { until: newest.at })?, Reply::Done => ())?;
        notices = 0;
    }
    match wrong + notices {
        0 => Ok(()),
        all => {
            let error = Error::refused(format!("{} you", count(all as u64, "thing needs", "things need")));
            Err(match wrong {
                0 => error.hint("when you have read them: moot doctor --dismiss"),
                _ => error.hint("each is said above, with what to do"),
            })
        }
    }
}

/// One line, for a list.
pub(crate) fn headline(notice: &NoticeInfo) -> String {
    match &notice.what {
        Told::Overruled { item, lost, won, deleted: false } => {
            format!("{}: changed on {} and on {}; the newer counts", item.title, name(lost), name(won))
        }
        Told::Overruled { item, lost, won, deleted: true } => {
            format!("{}: changed on {}, deleted on {}; it is gone", item.title, name(lost), name(won))
        }
        Told::Revived { item, deleted, won } => {
            format!("{}: deleted on {}, changed on {}; it is there again", item.title, name(deleted), name(won))
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
    let time = |micros| clock.time(micros);
    let look = |item: &Subject| format!("moot history {}   shows what was written", item.short);
    match &notice.what {
        Told::Overruled { item, lost, won, deleted } => vec![
            format!("in {}", item.community_name),
            format!("{} wrote at {}, {} at {}", name(lost), time(lost.at), name(won), time(won.at)),
            "neither knew of the other; everybody sees the newer".to_owned(),
            look(item),
            match deleted {
                true => "publish it anew if it should not be gone".to_owned(),
                false => "edit it again to bring back what is missing".to_owned(),
            },
        ],
        Told::Revived { item, deleted, won } => vec![
            format!("in {}", item.community_name),
            format!("{} deleted it at {}", name(deleted), time(deleted.at)),
            format!("{} changed it at {} and did not know of that", name(won), time(won.at)),
            format!("moot delete {}   if it should be gone", item.short),
        ],
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

fn name(side: &Side) -> String {
    if side.here { "this device".to_owned() } else { side.name.clone() }
}
