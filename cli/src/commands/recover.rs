//! Taking up an identity again by its twelve words: after a machine was lost, on a further one, or from a backup.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use folkmoot_node::{
    home::{Home, HomeError, NewHome},
    node::{self, Recovered},
    request::{CommunityInfo, Reply, Request, Succeeded},
    store::{StoreError, backup},
};
use folkmoot_schemas::{Did, identity::Device, link::InviteLink, phrase::Phrase};
use serde_json::json;

use super::{
    device::{id_of, is_in, say_retired},
    init,
    serve::block_on,
    sync::over_the_network,
};
use crate::{
    error::{Error, Exit, Result},
    output::{Line, count},
    session::{Session, answer, read_secret},
};

/// What is to be recovered, and whence.
pub(crate) struct Wanted<'a> {
    /// Invite links and addresses of nodes.
    pub(crate) via: &'a [String],
    pub(crate) lost: &'a [String],
    pub(crate) keep: &'a [String],
    pub(crate) device: Option<String>,
    /// A copy of the store to begin with.
    pub(crate) backup: Option<PathBuf>,
    /// Its settings are to be used.
    pub(crate) settings: bool,
}

pub(crate) fn run(wanted: Wanted<'_>, phrase_file: Option<&Path>, session: &Session) -> Result<()> {
    // Before anything is asked or made.
    let old = match Home::open(&session.dir) {
        Err(HomeError::Absent(_)) => None,
        Ok(home) if wanted.backup.is_none() => {
            refuse_if_in_use(session)?;
            Some(home)
        }
        Ok(home) => {
            let dir = home.dir().display();
            return Err(Error::refused(format!("could not restore: there is a home at {dir} already"))
                .because("nothing was changed")
                .hint("choose another folder: moot --home DIR restore FILE"));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(file) = &wanted.backup {
        backup::look(file).map_err(|why| unrestored(file, why))?;
    }
    let (mut links, mut via) = (Vec::new(), Vec::new());
    for text in wanted.via {
        match InviteLink::parse(text) {
            Ok(link) => links.push(link),
            Err(_) if text.starts_with('/') => via.push(super::peer::check(text)?),
            Err(error) => {
                return Err(Error::refused(format!("could not recover the identity: {error}"))
                    .hint("--via takes an invite link, in quotes, or an address like /ip4/192.0.2.7/tcp/4700"));
            }
        }
    }
    if links.is_empty() && old.is_none() && wanted.backup.is_none() {
        return Err(no_community(!via.is_empty()));
    }
    let root = read_phrase(phrase_file, session)?.root();
    let (new, home) = match old {
        Some(home) => {
            session.unlock(&home)?;
            (None, home)
        }
        None => {
            let device = wanted.device.clone().unwrap_or_else(init::device_name);
            let backup = wanted.backup.as_deref();
            let new =
                NewHome::build(&session.dir, backup, &device, &session.clock).map_err(|why| match (why, backup) {
                    (HomeError::Store(why), Some(file)) => unrestored(file, why),
                    (why, _) => why.into(),
                })?;
            let home = new.home().clone();
            (Some(new), home)
        }
    };
    let net = session.config()?.net();
    let offline = wanted.backup.is_some() && links.is_empty() && via.is_empty();
    session.out.note(match offline {
        true => Line::new().warn("no member's node is asked: ").text(
            "were your devices changed since this backup was made, or is it restored on another machine too, this one can be out as soon as it meets the others: it is told, and moot init --recover lets it in. --via asks first",
        ),
        false => Line::new().text("looking for what is yours; this takes up to a minute …"),
    });
    let found = if offline {
        node::recovered_offline(&home, &root.did())?
    } else {
        block_on(async { Ok(node::recover(&home, &root, &links, &via, session.clock.clone(), net).await?) })?
    };
    if !offline {
        let asked = count(u64::from(found.asked), "node", "nodes");
        session.out.note(format!(
            "{asked} said which devices are yours; one that hides a newer list could bring a lost device back"
        ));
    }
    let lost = choose_lost(session, &found, &home, &wanted)?;
    let communities = found.communities.clone();
    let succeeded = found.take_up(&home, &root, wanted.device.as_deref(), &lost, &session.clock)?;
    let succeeded = Succeeded::of(&succeeded, true);
    if let Some(new) = new {
        let settings = new.keep_settings(wanted.settings)?;
        new.place()?;
        // Settings may have come with it.
        session.release();
        if let Some(path) = settings.filter(|path| !path.ends_with("config.toml")) {
            let path = path.display().to_string();
            session.out.note(
                Line::new()
                    .text("the settings of the backup are not in use: ")
                    .strong(path)
                    .text(" holds them. Read it; to use it, rename it to config.toml (or restore with --settings)"),
            );
        }
    }
    go_online(session, communities, &succeeded, wanted.via)
}

/// Where to look is asked of each community by its id, which stands in links.
fn no_community(has_address: bool) -> Error {
    let said = Error::refused("could not recover the identity: no community was named to find it in");
    match has_address {
        false => said
            .because("the paper holds the identity and no address; any member's node holds what belongs to it")
            .hint("ask a member for an invite link (moot invite) and give it, an address of their node beside it if need be: --via 'LINK' --via ADDRESS"),
        true => said
            .because("an address leads to a node and names no community; a node takes proof of who you are for one community at a time, by the id that an invite link holds")
            .hint("ask a member for an invite link (moot invite), also one that is used up or over, and give both: --via 'LINK' --via ADDRESS"),
    }
}

fn unrestored(file: &Path, why: StoreError) -> Error {
    let name = file.display();
    let said = |why: &str| Error::refused(format!("could not restore {name}: {why}"));
    match why {
        StoreError::Io(_, why) if why.kind() == io::ErrorKind::NotFound => {
            said("there is no such file").hint("check its name and its folder; moot backup FILE makes one")
        }
        StoreError::Io(path, why) if path == file => {
            said(&why.to_string()).hint("check who may read it, and the disk it is on")
        }
        StoreError::Foreign(_) => said("it is no backup").hint("give a file that moot backup wrote"),
        StoreError::NoBackup(_) => said("it is the store of a home, and no backup")
            .hint("a home that works writes one: moot backup FILE"),
        StoreError::Damaged(why) => said("it is damaged, or was cut").because(why).hint(
            "copy it again from where it was kept, or take another; without one moot init --recover asks the other members",
        ),
        other => other.into(),
    }
}

/// A home that works needs no recovery. One whose device is out is recovered by a node of its own, which says hello as the
/// person: the running one is not told by a community for members what is newest there.
fn refuse_if_in_use(session: &Session) -> Result<()> {
    if is_in(session)? {
        return Err(HomeError::Exists(session.dir.clone()).into());
    }
    if session.ask_node(&Request::Whoami)?.is_none() {
        return Ok(());
    }
    Err(Error::refused("could not recover the identity: the node of this home is running")
        .because("this device was taken out of your identity; to let it in again, others are asked first which devices are yours, and that needs the store")
        .hint(format!("stop the node (Ctrl-C where moot serve runs, or stop its service), give this command again, then {}", session.command("serve"))))
}

/// The twelve words: from a file or the terminal, where they do not show. Never from an argument or a pipe.
pub(crate) fn read_phrase(file: Option<&Path>, session: &Session) -> Result<Phrase> {
    let text = match file {
        Some(path) => read_secret(path, "the 12 words")?,
        None if session.out.is_conversation() => {
            session.out.ask_hidden("Type the 12 words, then Enter (they do not show):")?
        }
        None => {
            return Err(Error::refused("could not read the 12 words: there is no terminal to type them on")
                .hint("name a file that only you can read: --phrase-file FILE"));
        }
    };
    Phrase::parse(&text).map_err(|error| {
        Error::refused(format!("could not read the 12 words: {error}")).hint("compare them with your paper, one by one")
    })
}

/// Every other device but those that are named.
const ALL: &str = "all";

/// The devices that are named as lost; asked for where somebody can answer and nobody named any. Nobody there to see the
/// list: then each device on it has to be named, for an old list may hold one that was taken out long ago.
fn choose_lost(session: &Session, found: &Recovered, home: &Home, wanted: &Wanted<'_>) -> Result<BTreeSet<Did>> {
    let here = home.device_key()?.did();
    let others: Vec<&Device> = found.devices.iter().filter(|device| device.key != here).collect();
    let mut named = wanted.lost.to_vec();
    if named.is_empty() && wanted.keep.is_empty() && !others.is_empty() && session.out.is_conversation() {
        let list: Vec<String> = others.iter().map(|device| device_words(device)).collect();
        session.out.once(format!("Your devices so far: {}", list.join(", ")));
        let said = session.out.ask("Which of them are lost? (names or ids, \"all\", or Enter for none)")?;
        named = said.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    }
    let (lost, kept) = lost_and_kept(&others, &named, wanted.keep)?;
    let unnamed = others.iter().filter(|device| !lost.contains(&device.key) && !kept.contains(&device.key));
    let unnamed: Vec<String> = unnamed.map(|device| device_words(device)).collect();
    if !session.out.is_conversation() && !unnamed.is_empty() {
        let said = Error::refused("could not recover the identity: it was not said which of its devices stay");
        let said = unnamed.into_iter().fold(said, Error::because);
        return Err(said.hint("name each: --lost NAME or --keep NAME (\"all\" for all of them); nothing was signed"));
    }
    Ok(lost)
}

/// Of the devices those that are named as lost, and those that are named to stay.
fn lost_and_kept(others: &[&Device], lost: &[String], kept: &[String]) -> Result<(BTreeSet<Did>, BTreeSet<Did>)> {
    let choose = |named: &[String]| -> Result<BTreeSet<Did>> {
        named.iter().filter(|name| *name != ALL).map(|name| pick(name, others)).collect()
    };
    let [all_lost, all_kept] = [lost, kept].map(|named| named.iter().any(|name| name == ALL));
    let (lost, kept) = (choose(lost)?, choose(kept)?);
    let twice = others.iter().find(|device| lost.contains(&device.key) && kept.contains(&device.key));
    if let Some(twice) = twice.or_else(|| others.first().filter(|_| all_lost && all_kept)) {
        let said = format!("could not recover the identity: {} is said to be lost and to stay", device_words(twice));
        return Err(Error::refused(said).hint("name each device once; nothing was signed"));
    }
    let all_but = |named: &BTreeSet<Did>| -> BTreeSet<Did> {
        others.iter().map(|device| device.key).filter(|key| !named.contains(key)).collect()
    };
    Ok((if all_lost { all_but(&kept) } else { lost.clone() }, if all_kept { all_but(&lost) } else { kept }))
}

fn device_words(device: &Device) -> String {
    format!("{:?} ({})", device.name, id_of(&device.key.to_string()))
}

/// A device by its name, or by its key: whole, its end, or the beginning of the id that lists print.
pub(crate) fn pick(wanted: &str, devices: &[&Device]) -> Result<Did> {
    let by = |fits: &dyn Fn(&Device) -> bool| -> Vec<&Device> {
        devices.iter().copied().filter(|device| fits(device)).collect()
    };
    let has_key = |device: &Device| {
        let key = device.key.to_string();
        wanted.len() >= ID_LEAST && (key.ends_with(wanted) || id_of(&key).starts_with(wanted))
    };
    let found = match by(&|device| device.name == wanted) {
        named if named.is_empty() => by(&has_key),
        named => named,
    };
    if let [one] = found[..] {
        return Ok(one.key);
    }
    let (why, shown) = match found.is_empty() {
        true => ("none has that name or id", devices),
        false => ("several are called so", &found[..]),
    };
    let said = Error::refused(format!("could not tell which device is meant by {wanted:?}: {why}"));
    let said = shown
        .iter()
        .fold(said, |said, device| said.because(format!("{}  {}", device.name, id_of(&device.key.to_string()))));
    Err(said.hint("give the id that stands behind the name"))
}

/// Characters of an id that are read as one.
const ID_LEAST: usize = 4;

/// The new document goes out, and what this device still lacks comes in.
fn go_online(session: &Session, communities: Vec<String>, succeeded: &Succeeded, via: &[String]) -> Result<()> {
    let addrs = via.iter().filter(|text| text.starts_with('/')).cloned().collect();
    session.out.note("telling other nodes, and fetching what is still lacking; this takes up to a minute …");
    let synced = over_the_network(session, Request::Sync { via: addrs, wait_s: 60 }, |_| None);
    let (peers, complete) = match synced {
        Ok(reply) => answer!(reply, Reply::Synced { peers, complete, .. } => (peers, complete))?,
        Err(error) if error.exit == Exit::Network => (0, false),
        Err(error) => return Err(error),
    };
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    session.out.object(&json!({
        "did": me.did,
        "device": me.device_name,
        "communities": communities,
        "retired": succeeded.retired,
        "adopted": succeeded.adopted,
        "left": succeeded.left,
        "told": succeeded.told,
        "complete": complete,
    }));
    let found = if communities.is_empty() { "no community".to_owned() } else { communities.join(", ") };
    session.out.line(Line::new().strong("recovered ").id(&me.did).text(", in ").text(found));
    session.out.line(Line::new().text("this device is ").strong(&me.device_name));
    if !succeeded.retired.is_empty() {
        say_retired(succeeded, session);
    }
    if !complete {
        let known = answer!(session.ask(&Request::Communities)?, Reply::Communities(known) => known)?;
        session.out.note(what_is_lacking(peers, &known));
    }
    session.out.note(format!("next: {}", session.command("serve")));
    Ok(())
}

/// Where the other nodes did not say that everything is here.
fn what_is_lacking(peers: u32, known: &[CommunityInfo]) -> Line {
    let lacks = |info: &&CommunityInfo| !info.complete || info.awaited;
    let lacking: Vec<&str> = known.iter().filter(lacks).map(CommunityInfo::title).collect();
    let line = Line::new();
    match (lacking.is_empty(), peers) {
        (true, 0) => line
            .warn("no other node was reached: ")
            .text("all that is known of here is here; what is newer comes while the node runs"),
        (true, _) => line.text("all that is known of here is here; what is newer comes while the node runs"),
        (false, _) => line
            .warn("not everything is here yet: ")
            .text(format!("the rest of {} comes while the node runs", lacking.join(", "))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use folkmoot_schemas::{Tid, key::Secret};

    use super::*;

    fn device(seed: u8, name: &str) -> Device {
        Device {
            key: Secret::from_seed([seed; 32]).did(),
            name: name.into(),
            added: Tid::new(1_700_000_000_000_000, 0),
        }
    }

    #[test]
    fn who_is_named_is_no_part_of_all_the_others() {
        let (laptop, phone, tablet) = (device(1, "laptop"), device(2, "phone"), device(3, "tablet"));
        let others = [&laptop, &phone, &tablet];
        let sorted = |lost: &[&str], kept: &[&str]| {
            let names = |named: &[&str]| named.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            lost_and_kept(&others, &names(lost), &names(kept)).map(|(lost, kept)| (lost.len(), lost, kept))
        };
        let [l, p, t] = others.map(|device| device.key);
        assert_eq!(sorted(&["laptop"], &["all"]).unwrap(), (1, [l].into(), [p, t].into()));
        assert_eq!(sorted(&["all"], &["tablet"]).unwrap(), (2, [l, p].into(), [t].into()));
        assert_eq!(sorted(&["all"], &[]).unwrap(), (3, [l, p, t].into(), [].into()));
        assert_eq!(sorted(&["laptop"], &[]).unwrap(), (1, [l].into(), [].into()));
        for (lost, kept) in
            [(&["all"][..], &["all"][..]), (&["phone"], &["phone", "laptop"]), (&["phone", "all"], &["phone"])]
        {
            let said = sorted(lost, kept).unwrap_err();
            assert!(said.message.contains("lost and to stay"), "{said:?}");
        }
    }

    #[test]
    fn an_address_alone_is_said_to_name_no_community() {
        let (none, address) = (no_community(false), no_community(true));
        assert_eq!(none.message, address.message);
        assert!(none.detail[0].contains("no address") && address.detail[0].contains("names no community"));
    }

    #[test]
    fn what_is_lacking_is_named_and_nothing_is_said_to_lack_where_nobody_was_asked() {
        let community = |name: &str, complete: bool| CommunityInfo {
            name: name.into(),
            cid: "bafy".into(),
            public: true,
            members: 1,
            records: 1,
            role: None,
            describe: folkmoot_schemas::roster::Describe::default(),
            snapshot: None,
            snapshot_members: None,
            complete,
            held_by: 0,
            pending: false,
            awaited: false,
        };
        let said = |peers, known: &[CommunityInfo]| format!("{:?}", what_is_lacking(peers, known));
        let whole = [community("River Street", true)];
        assert!(said(0, &whole).contains("no other node was reached"), "{}", said(0, &whole));
        assert!(!said(0, &whole).contains("not everything") && !said(2, &whole).contains("not everything"));
        let partly = [community("River Street", true), community("Choir", false), community("", false)];
        assert!(said(0, &partly).contains("the rest of Choir, bafy comes"), "{}", said(0, &partly));
    }

    #[test]
    fn devices_of_one_name_are_told_apart_by_their_ids() {
        let (one, two, phone) = (device(1, "vm"), device(2, "vm"), device(3, "phone"));
        let all = [&one, &two, &phone];
        assert_eq!(pick("phone", &all).unwrap(), phone.key);
        let key = two.key.to_string();
        for wanted in [&key[..], id_of(&key), &id_of(&key)[..4], &key[key.len() - 5..]] {
            assert_eq!(pick(wanted, &all).unwrap(), two.key, "{wanted}");
        }
        let several = pick("vm", &all).unwrap_err();
        assert_eq!(several.detail, [&one, &two].map(|d| format!("vm  {}", id_of(&d.key.to_string()))));
        let none = pick("desk", &all).unwrap_err();
        assert_eq!(none.detail.len(), 3, "{none:?}");
        assert!(pick(&key[key.len() - 3..], &all).is_err(), "too short to mean it");
    }
}
