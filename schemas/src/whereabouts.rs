//! Where the node of a device can be reached, said by the device itself. Members of a community hand it to each other,
//! so that none of them depends on the node of a founder: whoever passes it on can change nothing in it.

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret},
    limits, signed,
    structure::{self, Titled},
    tid::Tid,
};

const NAME: &str = "org.folkmoot.whereabouts";
const KIND: &str = "whereabouts";

/// Of two by one device the later `rev` counts, at equal `rev` the smaller CID. The serde form is the block's map
/// without `$type`, `version` and `sig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    pub did: Did,
    pub device: Did,
    pub rev: Tid,
    /// Peer id of the node, as text. Whoever answers at an address and does not hold this key is somebody else.
    pub peer: String,
    /// Multiaddrs without the peer id, the likeliest first; none: nobody can dial it.
    pub addrs: Vec<String>,
}

impl Whereabouts {
    /// Signs with the device's key. `$type` org.folkmoot.whereabouts, signature kind `whereabouts`.
    pub fn seal(&self, device: &Secret) -> Result<Block, Error> {
        if device.did() != self.device {
            return Err(Error::Signature(KIND));
        }
        self.check()?;
        signed::seal(KIND, &Titled::new(NAME, self), device)
    }

    /// Size, shape and limits, not the signature: for a first look, and for what our own store holds.
    pub fn read(bytes: &[u8]) -> Result<(Block, Self), Error> {
        let (block, said) = structure::open::<Self>(NAME, bytes, limits::WHEREABOUTS)?;
        said.check()?;
        Ok((block, said))
    }

    /// Only that `device` signed it; whether it speaks for `did`, the newest identity says.
    pub fn verify(&self, block: &Block) -> Result<(), Error> {
        signed::verify(KIND, block, &self.device)
    }

    /// True when `self` (named `cid`) replaces `other`.
    pub fn beats(&self, cid: &Cid, other: &Self, other_cid: &Cid) -> bool {
        self.rev > other.rev || (self.rev == other.rev && cid.to_bytes() < other_cid.to_bytes())
    }

    /// No names: what one means, and how much, is in its owner's hand at any time, however often it was looked at.
    pub fn is_numeric(&self) -> bool {
        self.addrs.iter().all(|addr| addr.starts_with("/ip4/") || addr.starts_with("/ip6/"))
    }

    fn check(&self) -> Result<(), Error> {
        let fault = |why: String| Err(Error::Structure { what: NAME, why });
        let peer = !self.peer.is_empty() && self.peer.len() <= limits::PEER_ID;
        if !peer || !self.peer.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return fault("the peer id is not one".into());
        }
        if self.addrs.len() > limits::WHEREABOUTS_ADDRS {
            return fault(format!("{} addresses, {} are allowed", self.addrs.len(), limits::WHEREABOUTS_ADDRS));
        }
        for addr in &self.addrs {
            let shape =
                addr.starts_with('/') && addr.len() <= limits::ADDRESS && addr.bytes().all(|b| b.is_ascii_graphic());
            if !shape || addr.contains("/p2p/") {
                return fault("an address is not one, or names a peer of its own".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Secret {
        Secret::from_seed([2; 32])
    }

    fn said(rev: u64, addrs: &[&str]) -> Whereabouts {
        Whereabouts {
            did: Secret::from_seed([1; 32]).did(),
            device: device().did(),
            rev: Tid::new(rev, 0),
            peer: "12D3KooWExample".into(),
            addrs: addrs.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn what_a_device_said_reads_back_and_nobody_else_can_say_it() {
        let here = said(1_700_000_000_000_000, &["/ip4/192.0.2.7/tcp/4700"]);
        let block = here.seal(&device()).unwrap();
        assert_eq!(Whereabouts::read(block.bytes()).unwrap(), (block.clone(), here.clone()));
        here.verify(&block).unwrap();

        let other = Secret::from_seed([9; 32]);
        assert!(here.seal(&other).is_err());
        let forged = signed::seal(KIND, &Titled::new(NAME, &here), &other).unwrap();
        let (forged, read) = Whereabouts::read(forged.bytes()).unwrap();
        assert_eq!(read.verify(&forged), Err(Error::Signature(KIND)));
    }

    #[test]
    fn addresses_are_few_and_short_and_lead_to_the_peer_that_is_named() {
        let long = format!("/dns4/{}/tcp/1", "a".repeat(limits::ADDRESS));
        for addr in ["", "192.0.2.7:4700", "/ip4/192.0.2.7/tcp/4700/p2p/12D3KooWOther", "/dns4/a b/tcp/1", &long] {
            assert!(said(1, &[addr]).seal(&device()).is_err(), "{addr:?}");
        }
        assert!(said(1, &["/ip4/192.0.2.7/tcp/4700"; limits::WHEREABOUTS_ADDRS + 1]).seal(&device()).is_err());
        assert!(said(1, &[]).seal(&device()).is_ok());
        assert!(Whereabouts { peer: "not/one".into(), ..said(1, &[]) }.seal(&device()).is_err());
    }

    #[test]
    fn a_name_among_numbers_is_seen() {
        assert!(said(1, &["/ip4/192.0.2.7/tcp/1", "/ip6/2001:db8::7/tcp/1"]).is_numeric() && said(1, &[]).is_numeric());
        for name in ["/dns4/example.org/tcp/1", "/dns/example.org/tcp/1", "/dnsaddr/example.org"] {
            assert!(!said(1, &["/ip4/192.0.2.7/tcp/1", name]).is_numeric());
        }
    }

    #[test]
    fn the_longest_there_can_be_fits_its_limit() {
        let addr = format!("/dns4/{}", "a".repeat(limits::ADDRESS - 6));
        let mut longest = said(1, &[addr.as_str(); limits::WHEREABOUTS_ADDRS]);
        longest.peer = "1".repeat(limits::PEER_ID);
        let block = longest.seal(&device()).unwrap();
        assert!(Whereabouts::read(block.bytes()).is_ok(), "{} bytes", block.bytes().len());
    }

    #[test]
    fn the_later_word_counts() {
        let (old, new) = (said(1, &[]), said(2, &["/ip4/192.0.2.7/tcp/1"]));
        let (a, b) = (old.seal(&device()).unwrap(), new.seal(&device()).unwrap());
        assert!(new.beats(b.cid(), &old, a.cid()) && !old.beats(a.cid(), &new, b.cid()));
        assert!(!new.beats(b.cid(), &new, b.cid()));
    }
}
