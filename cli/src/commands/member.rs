use clap::Subcommand;
use folkmoot_node::request::{MemberInfo, Reply, Request};
use folkmoot_schemas::key::end_of;

use super::invite::Roles;
use crate::{
    error::{Error, Result},
    output::Line,
    session::{Session, answer},
    when::{reader::WallClock, zone},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everyone who belongs or belonged to the community, and their role
    #[command(after_help = "Example:\n  moot member list --community \"River Street\"")]
    List,
    /// Put somebody out
    ///
    /// What they published so far stays, as far as this node holds it; nothing they publish from now on is taken by
    /// any node, and invite links of theirs end. The reason is read by everybody who can read the community.
    #[command(after_help = "Example:\n  moot member remove \"Bo\" --reason \"Sold tickets twice.\"")]
    Remove {
        /// Name, did, or the end of a did
        who: String,
        /// In one line
        #[arg(long)]
        reason: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let in again somebody who left or was put out, also under a new did
    ///
    /// Somebody who lost phrase and devices comes back with a new did: put the old one out, then let the new one in with
    /// --was, and pages show one person.
    #[command(after_help = "Examples:\n  moot member readmit \"Bo\"\n  moot member readmit did:key:z6Mk… --was \"Bo\"")]
    Readmit {
        /// Name, did, or the end of a did; with --was the new did
        who: String,
        /// Whom they were before: somebody who is out
        #[arg(long, value_name = "OLD")]
        was: Option<String>,
        /// What they become
        #[arg(long, value_enum, default_value = "member")]
        role: Roles,
    },
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    let community = session.community.clone();
    match command {
        Command::List => list(session),
        Command::Remove { who, reason, yes } => {
            let request = Request::Member { community: community.clone(), who };
            let whom = answer!(session.ask(&request)?, Reply::Member(whom) => whom)?;
            let question = format!("Put {} ({}, {}) out?", whom.name, whom.role, end_of(&whom.did));
            confirm(session, yes, &question)?;
            let request = Request::RemoveMember { community, who: whom.did, reason };
            let gone = answer!(session.ask(&request)?, Reply::Member(gone) => gone)?;
            session.out.object(&gone);
            session.out.line(Line::new().strong(&gone.name).text(" is out").faint("  readmit: moot member readmit"));
            Ok(())
        }
        Command::Readmit { who, was, role } => {
            let request = Request::Readmit { community, who, role: role.into(), was };
            let back = answer!(session.ask(&request)?, Reply::Member(back) => back)?;
            session.out.object(&back);
            let line = Line::new().strong(&back.name).text(" is in again, as ").text(&back.role);
            session.out.line(line);
            Ok(())
        }
    }
}

/// Asks at a terminal; refuses without one, unless told not to ask.
pub(super) fn confirm(session: &Session, yes: bool, question: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !session.out.is_conversation() {
        return Err(Error::refused("nobody is here to confirm this").hint("add --yes to do it without being asked"));
    }
    match session.out.ask(&format!("{question} [y/N]"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::refused("nothing was changed").hint("answer y to do it")),
    }
}

fn list(session: &Session) -> Result<()> {
    let request = Request::Members { community: session.community.clone() };
    let members = answer!(session.ask(&request)?, Reply::Members(members) => members)?;
    let clock = WallClock::of(session)?;
    for member in &members {
        session.out.object(member);
        session.out.line(line(member, clock.zone()));
    }
    Ok(())
}

fn line(member: &MemberInfo, here: &str) -> Line {
    let line = Line::new().strong(&member.name).text("  ");
    let line = match &member.out {
        None => line.text(&member.role).text(if member.me { " (you)" } else { "" }),
        Some(out) if out.left => line.text("left"),
        Some(_) => line.text("put out"),
    };
    let line = line.faint(format!("  since {}", zone::wall(member.since, here).date())).text("  ").id(&member.did);
    let line = match &member.out {
        Some(out) if !out.left => line.faint(format!("  by {}", out.by)),
        _ => line,
    };
    let line = match member.out.as_ref().and_then(|out| out.reason.as_ref()) {
        Some(reason) => line.faint(format!(": {reason}")),
        None => line,
    };
    match member.formerly.is_empty() {
        true => line,
        false => {
            let earlier: Vec<&str> = member.formerly.iter().map(|did| end_of(did)).collect();
            line.faint(format!("  formerly {}", earlier.join(", ")))
        }
    }
}
