//! How a further device comes to its person without the twelve words being typed on it: the new device asks by a
//! [`Request`], which holds nothing secret; a device of the person answers by a [`Welcome`] once the root key has signed.
//!
//! Both are read from a screen or a message: `moot:device#…` and `moot:welcome#…`, base64url without padding of a
//! DAG-CBOR list.

use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

use crate::{
    block::{Block, Cid},
    error::Error,
    identity::Identity,
    key::Did,
    limits, structure,
};

const REQUEST: &str = "moot:device#";
const WELCOME: &str = "moot:welcome#";
/// First item of both lists.
const VERSION: u8 = 1;

/// `[1, device, name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub device: Did,
    /// What the device calls itself: one line, ≤ 64 characters.
    pub name: String,
}

/// `[1, identity bytes, [community], [address]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The document that lists the device, its signature checked.
    pub identity: (Block, Identity),
    /// Where the person is a member.
    pub communities: Vec<Cid>,
    /// Multiaddr texts of nodes to ask, ≤ 8.
    pub addrs: Vec<String>,
}

impl Request {
    pub fn to_text(&self) -> String {
        write(REQUEST, &(VERSION, self.device, &self.name))
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        let (_, device, name): (u8, Did, String) = read("the request", REQUEST, text)?;
        structure::one_line("the request", "the device's name", &name, 0, limits::DEVICE_NAME)?;
        Ok(Self { device, name })
    }
}

impl Welcome {
    pub fn to_text(&self) -> String {
        let identity = ByteBuf::from(self.identity.0.bytes().to_vec());
        write(WELCOME, &(VERSION, identity, &self.communities, &self.addrs))
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        let (_, identity, communities, addrs): (u8, ByteBuf, Vec<Cid>, Vec<String>) =
            read("the welcome", WELCOME, text)?;
        if addrs.len() > limits::LINK_ADDRS {
            return Err(wrong("the welcome", "it names too many addresses"));
        }
        Ok(Self { identity: Identity::open(&identity)?, communities, addrs })
    }
}

fn wrong(what: &'static str, why: &str) -> Error {
    Error::Syntax { what, why: why.into() }
}

fn write(prefix: &str, list: &impl Serialize) -> String {
    // Writing such a list to memory has no way to fail.
    format!("{prefix}{}", BASE64URL_NOPAD.encode(&serde_ipld_dagcbor::to_vec(list).unwrap_or_default()))
}

fn read<T: DeserializeOwned>(what: &'static str, prefix: &str, text: &str) -> Result<T, Error> {
    if text.len() > limits::WELCOME {
        return Err(wrong(what, "it is too long"));
    }
    let text = text.trim().trim_matches(['<', '>', '"', '\'']);
    let payload = text.strip_prefix(prefix).ok_or_else(|| wrong(what, &format!("it does not begin with {prefix}")))?;
    let cut = || wrong(what, "it is cut off or was changed; copy the whole of it");
    let bytes = BASE64URL_NOPAD.decode(payload.as_bytes()).map_err(|_| cut())?;
    if bytes.get(1).is_some_and(|version| *version != VERSION) {
        return Err(wrong(what, "it was made by another version of the program; update yours"));
    }
    Ok(Block::decode::<T>(bytes, limits::WELCOME).map_err(|_| cut())?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        block::{DAG_CBOR, cid_of},
        identity::Device,
        key::Secret,
        tid::Tid,
    };

    fn request() -> Request {
        Request { device: Secret::from_seed([2; 32]).did(), name: "phone".into() }
    }

    fn welcome() -> Welcome {
        let root = Secret::from_seed([1; 32]);
        let device = Device { key: request().device, name: "phone".into(), added: Tid::new(1_700_000_000_000_000, 0) };
        let identity = Identity { did: root.did(), seq: 0, prev: None, devices: vec![device] };
        Welcome {
            identity: (identity.seal(&root).unwrap(), identity),
            communities: vec![cid_of(DAG_CBOR, b"charter")],
            addrs: vec!["/ip4/192.0.2.7/tcp/4700".into()],
        }
    }

    #[test]
    fn request_and_welcome_read_back_as_they_were_pasted() {
        assert_eq!(Request::parse(&format!("  '{}'\n", request().to_text())), Ok(request()));
        assert_eq!(Welcome::parse(&format!("<{}>", welcome().to_text())), Ok(welcome()));
    }

    #[test]
    fn what_was_cut_or_changed_is_refused() {
        for whole in [request().to_text(), welcome().to_text()] {
            for at in 0..whole.len() {
                assert!(Request::parse(&whole[..at]).is_err() && Welcome::parse(&whole[..at]).is_err(), "{at}");
            }
        }
        assert!(Request::parse(&welcome().to_text()).is_err());
        let text = welcome().to_text();
        let (front, back) = text.split_at(text.len() / 2);
        assert!(Welcome::parse(&format!("{front}A{}", &back[1..])).is_err(), "the signature covers the document");
    }
}
