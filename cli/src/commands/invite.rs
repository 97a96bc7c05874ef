use clap::{Subcommand, ValueEnum};
use folkmoot_node::request::{InviteInfo, Reply, Request};
use folkmoot_schemas::roster::Role;
use qrcode::{QrCode, render::unicode::Dense1x2};

use crate::{
    error::{Error, Result},
    output::Line,
    session::{Session, answer},
    when::{amount, reader::WallClock, zone},
};

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  moot invite --uses 16 --expires 14d\n  moot invite --role guest --qr\n  moot invite list\n\nWhoever has the link can join until it is used up, expired or closed."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    make: Make,
}

#[derive(Debug, clap::Args)]
struct Make {
    /// What those who join may do
    #[arg(long, value_enum, default_value = "member")]
    role: Roles,
    /// How many can join with it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=128))]
    uses: u32,
    /// How long it holds, e.g. 7d or 12h; "never" for no end
    #[arg(long, default_value = "7d")]
    expires: String,
    /// Show it as a QR code too
    #[arg(long)]
    qr: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Roles {
    Guest,
    Member,
    Moderator,
    Steward,
}

impl From<Roles> for Role {
    fn from(role: Roles) -> Self {
        match role {
            Roles::Guest => Self::Guest,
            Roles::Member => Self::Member,
            Roles::Moderator => Self::Moderator,
            Roles::Steward => Self::Steward,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Invite links of the community and how far they are used
    #[command(after_help = "Example:\n  moot invite list")]
    List,
    /// Let nobody else join with a link
    #[command(after_help = "Example:\n  moot invite close bafyreib4k…")]
    Close {
        /// CID of the invite, or its beginning, as `invite list` prints it
        invite: String,
    },
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let community = session.community.clone();
    match args.command {
        None => {
            let expires_s = match args.make.expires.as_str() {
                "never" => None,
                text => Some(u64::from(amount::duration(text)?)),
            };
            let request = Request::Invite { community, role: args.make.role.into(), uses: args.make.uses, expires_s };
            let info = answer!(session.ask(&request)?, Reply::Invite(info) => info)?;
            print(session, &info, args.make.qr)
        }
        Some(Command::List) => {
            let invites = answer!(session.ask(&Request::Invites { community })?, Reply::Invites(all) => all)?;
            let clock = WallClock::of(session)?;
            for info in &invites {
                session.out.object(info);
                let state = if info.closed { "closed" } else { "open" };
                let line = Line::new()
                    .id(&info.cid)
                    .text(format!("  {}  {} of {} used  {state}", info.role, info.used, info.uses));
                session.out.line(line.faint(format!("  {}", expiry(info, &clock))));
            }
            Ok(())
        }
        Some(Command::Close { invite }) => {
            session.ask(&Request::CloseInvite { community, invite: invite.clone() })?;
            session.out.object(&serde_json::json!({"invite": invite, "closed": true}));
            session.out.line(Line::new().strong("closed ").id(&invite));
            Ok(())
        }
    }
}

fn print(session: &Session, info: &InviteInfo, qr: bool) -> Result<()> {
    let link = info.link.as_deref().ok_or_else(|| Error::bug("the node made an invite without a link"))?;
    session.out.object(info);
    session.out.line(Line::new().id(link));
    if qr {
        let code = QrCode::new(link).map_err(|error| Error::refused(format!("could not draw the QR code: {error}")))?;
        // Dark on light, whatever the terminal's colours are.
        for row in code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build().lines() {
            session.out.line(row);
        }
    }
    session.out.note(in_words(info, &WallClock::of(session)?));
    Ok(())
}

/// How many more it lets in, where, as what and until when.
pub(crate) fn in_words(info: &InviteInfo, clock: &WallClock) -> String {
    let who = match info.uses.saturating_sub(info.used) {
        0 => "nobody else can".to_owned(),
        1 => "one person can".to_owned(),
        n if info.used > 0 => format!("{n} more people can"),
        n => format!("{n} people can"),
    };
    format!("{who} join {} with it as {}, {}", info.community_name, info.role, expiry(info, clock))
}

fn expiry(info: &InviteInfo, clock: &WallClock) -> String {
    match info.expires {
        Some(at) => format!("until {}", zone::wall(at, clock.zone()).strftime("%Y-%m-%d %H:%M")),
        None => "without an end".into(),
    }
}
