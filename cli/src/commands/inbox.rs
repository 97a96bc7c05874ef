use std::collections::HashMap;

use folkmoot_node::request::{InboxInfo, InboxItem, Reply, Request};

use crate::{
    error::Result,
    output::{Line, Output, count},
    session::{Session, answer},
    when::reader::WallClock,
};

/// Of more items like each other than this, only the newest are shown.
const ALIKE: usize = 3;
/// Lines of a text that are shown.
const LINES: usize = 6;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot inbox\n  moot inbox --mark-read\n  moot inbox --all --json\n\nAnswers to your events, changes of what you answered, news from hosts, replies, and posts that mention you.\nWhat is read is noted on this device alone."
)]
pub(crate) struct Args {
    /// Also what you have read
    #[arg(long)]
    all: bool,
    /// Afterwards, note what was shown as read
    #[arg(long)]
    mark_read: bool,
    /// Each one by itself, with its whole text
    #[arg(long)]
    full: bool,
    /// How many at most
    #[arg(long, short = 'n', default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2000))]
    limit: u32,
}

/// Over all communities unless one is named, newest first.
pub(crate) fn run(args: &Args, session: &Session) -> Result<()> {
    let request = Request::Inbox { community: session.named_community.clone(), all: args.all, limit: args.limit };
    let info = answer!(session.ask(&request)?, Reply::Inbox(info) => info)?;
    let out = &session.out;
    for item in &info.items {
        out.object(item);
    }
    if !out.json {
        print(session, args, &info)?;
    }
    if args.mark_read {
        let items = info.items.iter().map(|item| (item.id.clone(), item.stamp)).collect();
        answer!(session.ask(&Request::MarkRead { items })?, Reply::Done => ())?;
    }
    Ok(())
}

fn print(session: &Session, args: &Args, info: &InboxInfo) -> Result<()> {
    let (out, clock) = (&session.out, WallClock::of(session)?);
    if info.items.is_empty() {
        out.note(match args.all {
            true => "nothing has come for you yet",
            false => "nothing new (moot inbox --all shows what you have read)",
        });
    }
    let mut places: Vec<&str> = Vec::new();
    for item in &info.items {
        if !places.contains(&item.community.as_str()) {
            places.push(&item.community);
        }
    }
    for (n, place) in places.iter().enumerate() {
        let items: Vec<&InboxItem> = info.items.iter().filter(|item| item.community == *place).collect();
        if places.len() > 1 {
            if n > 0 {
                out.line("");
            }
            out.line(Line::new().strong(items.first().map_or("", |item| &item.community_name)));
        }
        print_community(out, &clock, args, &items);
    }
    if info.more > 0 {
        out.note(Line::new().faint(format!("{} older ones: raise --limit", info.more)));
    }
    if info.new > 0 && !args.mark_read {
        out.note(Line::new().faint(format!("{} new; when you have seen them: moot inbox --mark-read", info.new)));
    }
    if info.out {
        out.note(super::device::out());
    }
    if info.notices > 0 {
        let what = count(info.notices, "thing happened", "things happened");
        out.note(Line::new().warn(format!("{what} to your own writing: ")).text("moot doctor"));
    }
    clock.remark(session, info.items.iter().map(|item| (item.community.as_str(), item.at)));
    Ok(())
}

/// What many do alike, or one does often, is told once with a number.
fn print_community(out: &Output, clock: &WallClock, args: &Args, items: &[&InboxItem]) {
    let mut alike: HashMap<(&str, &str), Vec<&InboxItem>> = HashMap::new();
    for item in items {
        alike.entry(kin(item)).or_default().push(item);
    }
    let mut shown: HashMap<(&str, &str), usize> = HashMap::new();
    for item in items {
        let all = &alike[&kin(item)];
        let n = shown.entry(kin(item)).or_default();
        *n += 1;
        let many = !args.full && all.len() > ALIKE;
        if many && *n == 1 && item.kind == "answer" {
            print_answers(out, clock, item, all);
        }
        if !many || *n < ALIKE {
            print_item(out, clock, args, item);
        } else if *n == ALIKE {
            let rest = all.len() - *n + 1;
            out.line(Line::new().faint(format!("  and {rest} more like these (--full shows each)")));
        }
    }
}

/// Answers to one event are alike, and so is what one person writes for one reason.
fn kin(item: &InboxItem) -> (&str, &str) {
    match (item.kind.as_str(), &item.event) {
        ("answer", Some(event)) => ("answer", event.uri.as_str()),
        // Here the record is the poll.
        ("vote", _) => ("vote", item.uri.as_str()),
        (kind, _) => (kind, item.did.as_str()),
    }
}

/// "14 answers to Harbour Gig: 9 going (12 people), 3 maybe, 2 not going"
fn print_answers(out: &Output, clock: &WallClock, item: &InboxItem, all: &[&InboxItem]) {
    let Some(event) = &item.event else { return };
    let mut said = Vec::new();
    for (status, words) in
        [("going", "going"), ("maybe", "maybe"), ("interested", "interested"), ("notgoing", "not going")]
    {
        let answers: Vec<_> =
            all.iter().filter_map(|item| item.answer.as_ref()).filter(|a| a.status == status).collect();
        let heads: u64 = answers.iter().map(|answer| u64::from(answer.count)).sum();
        match answers.len() {
            0 => {}
            n if heads > n as u64 && status != "notgoing" => said.push(format!("{n} {words} ({heads} people)")),
            n => said.push(format!("{n} {words}")),
        }
    }
    let line = Line::new().faint(format!("{}  ", clock.time(item.at))).strong(format!("{} answers to ", all.len()));
    out.line(line.strong(&event.name).text(": ").text(said.join(", ")).text("  ").id(&event.short));
}

/// Is there something like 20:00 in it, without the zone after it?
fn names_a_bare_time(text: &str) -> bool {
    let time =
        |part: &[u8]| matches!(part, [a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()));
    let bytes = text.as_bytes();
    bytes.windows(5).enumerate().any(|(at, part)| time(part) && !bytes[at + 5..].starts_with(b" ("))
}

fn print_item(out: &Output, clock: &WallClock, args: &Args, item: &InboxItem) {
    const INDENT: &str = "                  ";
    // Several changes stand below each other.
    let (headline, more) = match (&item.event, item.changes.as_slice()) {
        (Some(event), [first, more @ ..]) if !more.is_empty() => {
            // Who answered is told what became of it; whoever holds it, by whom.
            let by = if item.mine.is_empty() { format!(" (by {})", item.author) } else { String::new() };
            (format!("{}: {first}{by}", event.name), more)
        }
        _ => (item.headline.clone(), [].as_slice()),
    };
    let line = Line::new().faint(format!("{}  ", clock.time(item.at)));
    let line = if item.new { line.strong(headline) } else { line.text(headline) };
    // What became of a plan is said in the event's own time.
    let zone = item.event.as_ref().and_then(|event| event.zone.as_deref());
    let zone = zone.filter(|_| item.changes.iter().any(|change| names_a_bare_time(change)));
    let line = match zone.filter(|zone| !clock.agrees(zone, item.at)) {
        Some(zone) => line.faint(format!("  ({zone})")),
        None => line,
    };
    let line = match item.kind.as_str() {
        "answer" => line,
        _ => line.text("  ").id(&item.short),
    };
    out.line(line);
    for change in more {
        out.line(Line::new().text(INDENT).text(change));
    }
    if let Some(text) = &item.text {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let most = if args.full { lines.len() } else { LINES };
        for line in lines.iter().take(most) {
            out.line(Line::new().text(INDENT).text(line));
        }
        if lines.len() > most {
            out.line(Line::new().faint(format!("{INDENT}… moot show {} shows all of it", item.short)));
        }
    }
    if let Some(hint) = item.hint.as_ref().filter(|_| {
        matches!(item.kind.as_str(), "changed" | "deleted" | "place" | "host" | "left" | "poll" | "decided")
    }) {
        out.line(Line::new().text(INDENT).warn(hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_bare_where_no_zone_follows_it() {
        assert!(names_a_bare_time("moved from 20:00 to 19:00"));
        assert!(!names_a_bare_time("moved from 20:00 (Europe/Berlin) to 19:00 (Europe/London)"));
        assert!(!names_a_bare_time("cancelled"));
    }
}
