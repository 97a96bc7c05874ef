//! The devices of one person. Letting one in and taking one out asks for the twelve words: only the root key they give can
//! sign the document that says so, and it is kept nowhere.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Subcommand;
use folkmoot_node::{
    home::{Home, HomeError, NewHome},
    publish::{self, PublishError},
    request::{Devices, Reply, Request, Succeeded, could_not},
};
use folkmoot_schemas::{
    Did, Tid,
    block::{Block, parse_cid},
    enrol,
    identity::{Device, Identity},
    key::end_of,
};
use jiff::tz::TimeZone;
use serde_json::json;

use super::{init, recover, sync::over_the_network};
use crate::{
    error::{Error, Exit, Result},
    output::{Line, count},
    session::{Session, answer},
    when::{Typed, reader::WallClock, zone},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Your devices, and when each last wrote something
    #[command(after_help = "Example:\n  moot device list")]
    List,
    /// On a new device: ask to be let in, then take the answer
    #[command(
        after_help = "Example:\n  moot device add                          # on the new device: prints a request\n  moot device approve 'moot:device#…'      # on a device you have: asks for the 12 words\n  moot device add 'moot:welcome#…'         # on the new device again"
    )]
    Add {
        /// The answer of the other device
        welcome: Option<String>,
        /// Name of this machine among your devices [default: the machine's own, with a number where another has it]
        #[arg(long, value_name = "DEVICE", alias = "name")]
        device: Option<String>,
    },
    /// Let a new device in, by the request it shows
    #[command(after_help = "Example:\n  moot device approve 'moot:device#…'")]
    Approve {
        /// What the new device shows
        request: String,
        /// Read the 12 words from this file
        #[arg(long, value_name = "FILE")]
        phrase_file: Option<PathBuf>,
    },
    /// Take a device out: what it writes from then on is refused everywhere
    #[command(
        after_help = "Examples:\n  moot device revoke laptop\n  moot device revoke phone --stolen \"2026-11-20 18:00\"\n\nWhat it had written goes over to this device; with --stolen, only what is older."
    )]
    Revoke {
        /// Name of the device, or its id as moot device list prints it
        device: String,
        /// When it was stolen: nothing it wrote after that is kept
        #[arg(long, value_name = "WHEN")]
        stolen: Option<String>,
        /// Read the 12 words from this file
        #[arg(long, value_name = "FILE")]
        phrase_file: Option<PathBuf>,
    },
    /// Put this device's key under a passphrase, or take it from under one
    #[command(
        after_help = "Example:\n  moot device passphrase\n\nThe passphrase protects the key file. It is asked for whenever the key is used; a node that starts without a\nterminal reads it from the file that the setting passphrase_file names."
    )]
    Passphrase {
        /// Leave the key without one
        #[arg(long)]
        remove: bool,
    },
}

pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::List => list(session),
        Command::Add { welcome: None, device } => ask_in(device, session),
        Command::Add { welcome: Some(welcome), device: _ } => take_in(&welcome, session),
        Command::Approve { request, phrase_file } => approve(&request, phrase_file, session),
        Command::Revoke { device, stolen, phrase_file } => revoke(&device, stolen.as_deref(), phrase_file, session),
        Command::Passphrase { remove } => passphrase(remove, session),
    }
}

fn devices(session: &Session) -> Result<Devices> {
    answer!(session.ask(&Request::Devices)?, Reply::Devices(devices) => devices)
}

/// The same to change them, which a device that is out cannot: its person need not look for their paper.
fn devices_to_change(session: &Session) -> Result<Devices> {
    let devices = devices(session)?;
    match devices.devices.iter().any(|device| device.this) {
        true => Ok(devices),
        false => Err(could_not("change your devices")(PublishError::Retired).into()),
    }
}

/// For a list: this device is none of the person's any more.
pub(super) fn out() -> Line {
    Line::new()
        .warn("this device was taken out of your identity: ")
        .text("what it writes reaches nobody  ")
        .faint("(moot doctor)")
}

fn list(session: &Session) -> Result<()> {
    let clock = WallClock::of(session)?;
    let devices = devices(session)?.devices;
    if devices.iter().all(|device| !device.this) {
        session.out.note(out());
    }
    for device in devices {
        session.out.object(&device);
        let line = Line::new().strong(&device.name).text("  ").id(id_of(&device.key));
        let line = if device.this { line.text("  (this one)") } else { line };
        let line = line.text(format!("  {}", count(device.records, "record", "records")));
        let line = match device.wrote {
            Some(at) => line.faint(format!("  last wrote {}", zone::wall(at, clock.zone()).date())),
            None => line.faint("  wrote nothing yet"),
        };
        let since = zone::wall(device.added, clock.zone()).date();
        session.out.line(line.faint(format!("  yours since {since}")));
    }
    Ok(())
}

/// What a device is called by where names are equal: keys begin alike and end apart.
pub(super) fn id_of(key: &str) -> &str {
    end_of(key)
}

/// The device of this home is one of its person's: neither waits it to be let in, nor was it taken out.
pub(super) fn is_in(session: &Session) -> Result<bool> {
    let asked = session.ask(&Request::Devices);
    session.release();
    match asked {
        Ok(reply) => Ok(answer!(reply, Reply::Devices(devices) => devices)?.devices.iter().any(|device| device.this)),
        Err(error) if error.exit == Exit::Refused => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a home that waits to be let in, or shows its request again.
fn ask_in(name: Option<String>, session: &Session) -> Result<()> {
    let home = match Home::open(&session.dir) {
        Ok(home) => {
            if is_in(session)? {
                return Err(HomeError::Exists(session.dir.clone()).into());
            }
            home
        }
        Err(HomeError::Absent(_)) => {
            let name = name.clone().unwrap_or_else(init::device_name);
            NewHome::build(&session.dir, None, &name, &session.clock)?.place()?
        }
        Err(error) => return Err(error.into()),
    };
    session.unlock(&home)?;
    let name = name.unwrap_or_else(init::device_name);
    let request = enrol::Request { device: home.device_key()?.did(), name }.to_text();
    session.out.object(&json!({"request": request}));
    session.out.line("On a device you have, type (it asks for your 12 words):");
    session.out.line(Line::new().text("  moot device approve ").id(format!("'{request}'")));
    session.out.line("Then type here what it answers:");
    let add = session.command("device add");
    session.out.line(Line::new().text(format!("  {add} ")).faint("'moot:welcome#…'"));
    Ok(())
}

fn take_in(text: &str, session: &Session) -> Result<()> {
    let welcome = enrol::Welcome::parse(text).map_err(|error| {
        Error::refused(format!("could not be let in: {error}"))
            .hint("copy the whole of what `moot device approve` printed, and put it in quotes")
    })?;
    let home = session.home()?;
    session.unlock(&home)?;
    let (document, identity) = &welcome.identity;
    let here = home.device_key()?.did();
    if !identity.certifies(&here) {
        return Err(Error::refused("could not be let in: this answer is for another device")
            .hint("`moot device add` shows the request of this device again"));
    }
    confirm(identity, &here, session)?;
    publish::enter(&home.open_store()?, &session.clock, document, &welcome.communities, &welcome.addrs)?;
    let (complete, reached) = match welcome.communities.is_empty() {
        true => (true, true),
        false => fetch_own(session)?,
    };
    session.out.object(&json!({"did": identity.did, "communities": welcome.communities, "complete": complete}));
    session.out.line(Line::new().strong("this device is ").id(identity.did.to_string()).text(" now"));
    if !reached {
        return Err(Error::network("could not fetch what is yours yet: no other node can be reached")
            .because("this device is let in, and nothing of it has to be done again")
            .hint(format!(
                "run moot serve on the device that let it in, and {} here: it fetches the rest",
                session.command("serve")
            )));
    }
    if !complete {
        session.out.note(Line::new().warn("not everything is here yet: ").text("the rest comes while the node runs"));
    }
    session.out.note(format!("next: {}", session.command("serve")));
    Ok(())
}

/// Whether everything came, and whether anybody was reached.
fn fetch_own(session: &Session) -> Result<(bool, bool)> {
    session.out.note(format!("fetching what is yours, for up to {FETCH_WAIT} s …"));
    match over_the_network(session, Request::Sync { via: Vec::new(), wait_s: FETCH_WAIT }, |_| None) {
        Ok(reply) => answer!(reply, Reply::Synced { complete, .. } => (complete, true)),
        Err(error) if error.exit == Exit::Network => Ok((false, false)),
        Err(error) => Err(error),
    }
}

/// Seconds that what is ours may take to come, and that other devices are given to say what they wrote last.
const FETCH_WAIT: u32 = 60;
const HEAR_WAIT: u32 = 20;

/// Anybody can let a device in to whom they are, who has seen its request: whose answer this is, only the person can tell.
fn confirm(identity: &Identity, here: &Did, session: &Session) -> Result<()> {
    let others = identity.devices.iter().filter(|device| device.key != *here);
    let others: Vec<String> = others.map(|device| format!("{:?} ({})", device.name, device.key.short())).collect();
    let whose = Line::new().text("this answer makes it a device of ").id(identity.did.to_string());
    let others = if others.is_empty() { "no other device".to_owned() } else { others.join(", ") };
    session.out.note(whose.text(format!(", who has {others}")));
    session.out.note("compare that with what `moot whoami` says on the other device");
    if session.out.is_conversation() && session.out.ask("Is it yours? Type \"yes\":")? != "yes" {
        return Err(Error::refused("the device was not let in: nothing was changed")
            .hint("if the answer came by way of somebody else, ask for it again, and compare both ends"));
    }
    Ok(())
}

fn approve(text: &str, phrase_file: Option<PathBuf>, session: &Session) -> Result<()> {
    let request = enrol::Request::parse(text).map_err(|error| {
        Error::refused(format!("could not let the device in: {error}"))
            .hint("copy the whole of what `moot device add` printed on it, and put it in quotes")
    })?;
    let known = devices_to_change(session)?;
    session.out.note(Line::new().text("letting in ").strong(&request.name).text("  ").id(request.device.to_string()));
    let now = session.clock.micros();
    let added =
        Device { key: request.device, name: request.name.clone(), added: Tid::new(now, session.clock.tid_bits()) };
    let document = sign(&known, Some(added), &BTreeSet::new(), phrase_file, session)?;
    let done = succeed(&document, None, session)?;
    let identity = Identity::view(&document).map_err(Error::ours)?;
    let name = identity.devices.iter().find(|device| device.key == request.device).map(|device| device.name.clone());
    let name = name.unwrap_or_else(|| request.name.clone());
    if name != request.name {
        let said = format!("another device of yours is called {:?}: this one is ", request.name);
        session.out.note(Line::new().text(said).strong(&name));
    }
    let communities = known.communities.iter().filter_map(|cid| parse_cid(cid).ok()).collect();
    let welcome = enrol::Welcome { identity: (document, identity), communities, addrs: known.addresses }.to_text();
    session.out.object(&json!({"device": request.device, "name": name, "welcome": welcome, "sent": done.sent}));
    session.out.line("Now type on the new device:");
    session.out.line(Line::new().text("  moot device add ").id(format!("'{welcome}'")));
    Ok(())
}

fn revoke(wanted: &str, stolen: Option<&str>, phrase_file: Option<PathBuf>, session: &Session) -> Result<()> {
    let until = match stolen {
        Some(text) => Some(past(text, WallClock::of(session)?.zone(), session.clock.seconds())?),
        None => None,
    };
    let known = devices_to_change(session)?;
    let here = session.home()?;
    session.unlock(&here)?;
    let identity = document(&known)?.1;
    let others: Vec<&Device> = identity.devices.iter().collect();
    let device = recover::pick(wanted, &others)?;
    if device == here.device_key()?.did() {
        return Err(Error::refused("could not take this device out: it is the one you are typing on")
            .hint("do it on another of your devices; what this one wrote goes over to that one"));
    }
    // What the device wrote last may not be here yet, and what is not here cannot go over.
    session.out.note(format!("asking other nodes what it wrote last, for up to {HEAR_WAIT} s …"));
    match over_the_network(session, Request::Sync { via: Vec::new(), wait_s: HEAR_WAIT }, |_| None) {
        Err(error) if error.exit == Exit::Network => {
            session.out.note(
                Line::new().warn("no other node can be reached: ").text("what it wrote goes over as far as it is here"),
            );
        }
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let document = sign(&devices(session)?, None, &BTreeSet::from([device]), phrase_file, session)?;
    let done = succeed(&document, until, session)?;
    session.out.object(&json!({
        "retired": done.retired,
        "adopted": done.adopted,
        "left": done.left,
        "told": done.told,
        "sent": done.sent,
    }));
    say_retired(&done, session);
    Ok(())
}

/// What came of it that devices are out, and where.
pub(crate) fn say_retired(done: &Succeeded, session: &Session) {
    let line = match done.told.is_empty() {
        true => Line::new().strong(done.retired.join(", ")).text(" is out; "),
        false => {
            let line = Line::new().strong(done.retired.join(", ")).text(" can write in your name no more in ");
            line.text(done.told.join(", ")).text("; ")
        }
    };
    let line = line.text(format!("{} of it went over to this device", count(done.adopted, "record", "records")));
    session.out.line(if done.sent { line } else { line.faint(session.not_sent()) });
    if done.left > 0 {
        let left = count(done.left, "record did", "records did");
        let why = ": dated far into the future, or written or changed after the theft";
        session.out.note(Line::new().warn(format!("{left} not")).text(why));
    }
    if done.unseen {
        session.out.note("this device had not seen before the theft what the other wrote, and went by its dates: look whether all of it is yours");
    }
    session.out.note("a community that is not on this device hears of it when it comes here: moot join LINK");
}

/// A moment that is over, in microseconds since 1970. Days are read as they are for events, so "fri" is the coming one.
fn past(text: &str, zone: &str, now: i64) -> Result<u64> {
    let wall = zone::wall(now, zone);
    let Typed { date, time } = Typed::read(text, wall)?;
    let then = date.unwrap_or(wall.date()).to_datetime(time.unwrap_or_default());
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    match zone.to_timestamp(then) {
        Ok(then) if then.as_second() <= now => Ok(u64::try_from(then.as_microsecond()).unwrap_or_default()),
        _ => Err(Error::refused(format!("could not take {text:?} for when it was stolen: that is yet to come"))
            .hint("write the day out, e.g. --stolen \"2026-11-20 18:00\"")),
    }
}

fn document(known: &Devices) -> Result<(Block, Identity)> {
    Identity::open(&known.identity).map_err(Error::ours)
}

/// The next document, signed with the twelve words.
fn sign(
    known: &Devices,
    added: Option<Device>,
    dropped: &BTreeSet<Did>,
    phrase_file: Option<PathBuf>,
    session: &Session,
) -> Result<Block> {
    let before = document(known)?;
    // A person looks for their paper meanwhile.
    session.release();
    let root = recover::read_phrase(phrase_file.as_deref(), session)?.root();
    if root.did() != before.1.did {
        return Err(Error::refused("could not change your devices: these are the 12 words of another identity")
            .hint("`moot whoami` shows whose home this is"));
    }
    publish::certify(&before, &root, added, dropped).map_err(|error| {
        Error::refused(format!("could not change your devices: {error}")).hint("`moot device list` shows them")
    })
}

fn succeed(document: &Block, until: Option<u64>, session: &Session) -> Result<Succeeded> {
    let request = Request::Succeed { identity: document.bytes().to_vec(), until };
    answer!(session.ask(&request)?, Reply::Succeeded(done) => done)
}

fn passphrase(remove: bool, session: &Session) -> Result<()> {
    let home = session.home()?;
    session.unlock(&home)?;
    if remove {
        home.seal(None, &session.clock)?;
        session.out.object(&json!({"sealed": false}));
        session.out.line("the key of this device has no passphrase now");
        return Ok(());
    }
    if !session.out.is_conversation() {
        return Err(Error::refused("could not set a passphrase: there is no terminal to type it on"));
    }
    let first = session.out.ask_hidden("New passphrase:")?;
    if first.chars().count() < 8 {
        return Err(Error::refused("could not take that passphrase: it is shorter than 8 characters")
            .hint("several words are easy to type and hard to guess"));
    }
    if session.out.ask_hidden("The same again:")? != first {
        return Err(Error::refused("could not set the passphrase: the second was not the first")
            .hint("nothing was changed; try again"));
    }
    home.seal(Some(first.as_str()), &session.clock)?;
    session.out.object(&json!({"sealed": true}));
    session.out.line("the key of this device is under the passphrase now");
    session.out.note("forgotten, this device's key is lost: `moot init --recover` then makes another device of yours");
    Ok(())
}
