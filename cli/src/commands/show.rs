use folkmoot_node::request::{AnswersInfo, Item, Reply, Request};
use folkmoot_schemas::{
    card::Card,
    kind::Kind,
    records::{event::Event, post::Post},
    recur::Instance,
};
use serde_json::json;

use super::{event, feed, poll};
use crate::{
    error::Result,
    kept,
    output::{Line, Output},
    record::{self, Found},
    session::{Session, answer},
    when::reader::WallClock,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  moot show uyv3m2bq4kzjxw5a")]
pub(crate) struct Args {
    /// Short id, whole title, address on our web page, URI or CID
    target: String,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let found = record::find(session, &args.target)?;
    match found.record.as_poll() {
        Some(asked) => poll::print(session, &found, asked),
        None => print(session, &found),
    }
}

/// Any record by its neutral form, with what belongs to a post or an event.
pub(crate) fn print(session: &Session, found: &Found) -> Result<()> {
    let Found { item, record } = found;
    let replies = about(session, item, Post::NAME)?;
    let answers = record.as_event().map(|_| answers(session, item, None)).transpose()?;
    let dates = record.as_event().map_or(Ok(Vec::new()), |planned| event::next_dates(session, item, planned))?;
    let parts = match record.as_event() {
        Some(whole) => parts(session, item, whole)?,
        None => Vec::new(),
    };
    let kept = match record.as_event() {
        Some(_) => kept::read(session, &item.uri)?,
        None => Vec::new(),
    };
    if session.out.json {
        let mut value = record::as_json(item);
        if let Some(event) = record.as_event().filter(|_| !kept.is_empty()) {
            value["kept_here"] = kept::as_json(event, &kept);
        }
        value["parts"] = parts.iter().map(record::as_json).collect();
        value["replies"] = replies.iter().map(record::as_json).collect();
        if let Some(answers) = &answers {
            value["answers"] = json!(answers);
            let date = |(i, a): &(Instance, AnswersInfo)| json!({"at": i.at.text(), "start": i.start, "cancelled": i.cancelled, "answers": a});
            value["dates"] = dates.iter().map(date).collect();
        }
        session.out.object(&value);
        return Ok(());
    }
    let (out, clock) = (&session.out, WallClock::of(session)?);
    card(out, &clock, item, &record.card());
    if let Some(planned) = record.as_event() {
        kept::say(session, planned, &kept);
        event::print_dates(session, planned, &dates);
    }
    for part in &parts {
        if let Some(planned) = record::open(part)?.as_event() {
            let line = Line::new().faint("part  ").text(planned.when_words()).text("  ").strong(&planned.name);
            out.line(line.text("  ").id(&part.short));
        }
    }
    if let Some(answers) = &answers {
        event::print_answers(out, answers);
        if let Some(own) = event::own_place(answers, None) {
            out.line(own);
        }
    }
    if let Some(planned) = record.as_event() {
        event::print_single(session, planned, &event::to_single_dates(session, item, planned)?);
    }
    for reply in &replies {
        out.line("");
        feed::print(out, &clock, reply, "  ", None);
    }
    let times = replies.iter().map(|reply| reply.created).chain(item.revised.iter().map(|one| one.at));
    clock.remark(session, times.map(|at| (item.community.as_str(), at)));
    Ok(())
}

pub(crate) fn card(out: &Output, clock: &WallClock, item: &Item, card: &Card) {
    if let Some(title) = &card.title {
        out.line(Line::new().strong(title));
    }
    let head = Line::new().text(&card.kind).text(" by ").strong(&item.author).text(" in ").text(&item.community_name);
    out.line(if item.audience == "members" { head.faint(", members only") } else { head });
    for one in &item.revised {
        let line = Line::new().faint("changed by  ").strong(&one.name).text(format!(", {}", one.right.word()));
        out.line(line.faint(format!("  {}", clock.time(one.at))));
    }
    if let Some(fault) = &item.fault {
        out.line(Line::new().warn("hidden on pages: ").text(fault));
    }
    if let Some(place) = &card.place {
        out.line(Line::new().faint("where  ").text(place));
    }
    for (label, value) in &card.facts {
        out.line(Line::new().faint(format!("{}  ", label.to_lowercase())).text(value));
    }
    for image in &card.images {
        out.line(Line::new().faint("picture  ").text(&image.alt));
    }
    if !card.tags.is_empty() {
        out.line(Line::new().faint("tags  ").text(card.tags.join(", ")));
    }
    if let Some(about) = &card.about {
        out.line(Line::new().faint("about  ").id(about.short_id()));
    }
    if let Some(summary) = &card.summary {
        out.block("", summary);
    }
    out.block("  ", card.text.as_deref().unwrap_or_default());
    out.line(Line::new().faint("id  ").id(&item.short).faint("  cid  ").id(&item.cid));
    out.line(Line::new().faint("uri  ").id(&item.uri));
    if let Some(url) = &item.url {
        out.line(Line::new().faint("page  ").id(url));
    }
}

/// The events that say they are part of this one, by time.
fn parts(session: &Session, item: &Item, whole: &Event) -> Result<Vec<Item>> {
    let listed = |part: &Item| match (item.did.parse(), part.did.parse()) {
        (Ok(author), Ok(did)) => part.uri != item.uri && whole.has_part_by(&author, &did),
        _ => false,
    };
    let start = |part: &Item| {
        let record = record::open(part).ok()?;
        record.as_event().map(|event| event.start.instant(event.start.zone().unwrap_or("UTC")))
    };
    let mut parts = about(session, item, Event::NAME)?;
    parts.retain(listed);
    parts.sort_by_cached_key(|part| (start(part), part.uri.clone()));
    Ok(parts)
}

pub(crate) fn about(session: &Session, item: &Item, collection: &str) -> Result<Vec<Item>> {
    let request = Request::About {
        target: item.uri.clone(),
        community: Some(item.community.clone()),
        collection: collection.to_owned(),
    };
    answer!(session.ask(&request)?, Reply::Items(items) => items)
}

/// To the event as a whole, or to one of its dates.
pub(crate) fn answers(session: &Session, item: &Item, occurrence: Option<String>) -> Result<AnswersInfo> {
    let request = Request::Answers { target: item.uri.clone(), community: Some(item.community.clone()), occurrence };
    answer!(session.ask(&request)?, Reply::Answers(answers) => answers)
}
