//! The invite link: `https://<gateway>/join#<payload>` or `moot:join#<payload>`; the payload is one word without `&`.
//!
//! The payload follows the `#`, so a browser never sends it to the gateway. It is base64url without padding of the DAG-CBOR
//! list `[1, community, invite, seed, [address]]`.

use data_encoding::{BASE64URL_NOPAD, DecodeKind};
use serde_bytes::ByteArray;

use crate::{
    block::{Block, Cid},
    error::{Error, Refusal},
    limits,
};

/// First item of the list. A reader that knows only this version says so instead of calling a later link broken.
const VERSION: u8 = 1;

/// What a link carries. `seed` is a secret: whoever has it can join.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLink {
    pub community: Cid,
    pub invite: Cid,
    pub seed: [u8; 32],
    /// Multiaddr texts with /p2p/, ≤ 8.
    pub addrs: Vec<String>,
}

const CHARACTERS: &str = "it holds a character that no link holds";

type Payload = (u8, Cid, Cid, ByteArray<32>, Vec<String>);

impl InviteLink {
    /// The payload: base64url without padding of a compact DAG-CBOR list.
    pub fn payload(&self) -> String {
        let list: Payload = (VERSION, self.community, self.invite, ByteArray::new(self.seed), self.addrs.clone());
        // Writing such a list to memory has no way to fail.
        BASE64URL_NOPAD.encode(&serde_ipld_dagcbor::to_vec(&list).unwrap_or_default())
    }

    /// `gateway`: e.g. `https://moot.example.org`; None gives the `moot:join#` form.
    pub fn to_link(&self, gateway: Option<&str>) -> String {
        match gateway {
            Some(gateway) => format!("{}/join#{}", gateway.trim_end_matches('/'), self.payload()),
            None => format!("moot:join#{}", self.payload()),
        }
    }

    /// Takes either form or the bare payload, with surrounding white space. Says what is wrong: cut off, wrong kind, not
    /// a link of ours.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > limits::LINK {
            return Err(not_ours("it is too long"));
        }
        let text = text.trim().trim_matches(['<', '>', '"', '\'']);
        let payload = match text.split_once('#') {
            Some((before, payload)) if before == "moot:join" || is_page(before) => payload,
            Some(_) => return Err(not_ours("it does not lead to a page for joining")),
            None if text == "moot:join" || is_page(text) => return Err(cut_off()),
            None => text,
        };
        let payload = payload.as_bytes();
        let (bytes, whole) = match BASE64URL_NOPAD.decode(payload) {
            Ok(bytes) => (bytes, true),
            // The last character stands for part of a byte: what comes before tells whether this was ever a link.
            Err(error) if matches!(error.kind, DecodeKind::Length | DecodeKind::Trailing) => {
                let front = &payload[..payload.len() / 4 * 4];
                (BASE64URL_NOPAD.decode(front).map_err(|_| not_ours(CHARACTERS))?, false)
            }
            Err(_) => return Err(not_ours(CHARACTERS)),
        };
        match bytes[..] {
            [] | [0x85] | [0x85, VERSION, ..] => {}
            [0x81..=0x97, version, ..] if version < 24 && version != VERSION => {
                return Err(wrong("it was made by another version of the program; update yours"));
            }
            _ => return Err(not_ours("it carries something else")),
        }
        if !whole {
            return Err(cut_off());
        }
        let (_, (_, community, invite, seed, addrs)) =
            Block::decode::<Payload>(bytes, limits::LINK).map_err(|error| match error {
                Error::Decode(Refusal::Truncated) => cut_off(),
                other => not_ours(&other.to_string()),
            })?;
        if addrs.len() > limits::LINK_ADDRS || !addrs.iter().all(|addr| is_addr(addr)) {
            return Err(not_ours("its addresses are not addresses of nodes"));
        }
        Ok(Self { community, invite, seed: seed.into_array(), addrs })
    }
}

impl std::fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteLink")
            .field("community", &self.community)
            .field("invite", &self.invite)
            .finish_non_exhaustive()
    }
}

fn is_page(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && text.trim_end_matches('/').ends_with("/join")
}

/// The syntax of a multiaddr as far as it can be told without knowing its protocols.
fn is_addr(addr: &str) -> bool {
    addr.starts_with('/') && addr.bytes().all(|byte| byte.is_ascii_graphic())
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Syntax { what: "the invite link", why: why.into() }
}

fn cut_off() -> Error {
    wrong("it is cut off; copy the whole of it")
}

fn not_ours(why: &str) -> Error {
    wrong(format!("this is not an invite link of Folkmoot: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{DAG_CBOR, cid_of};

    fn link() -> InviteLink {
        InviteLink {
            community: cid_of(DAG_CBOR, b"charter"),
            invite: cid_of(DAG_CBOR, b"invite"),
            seed: [7; 32],
            addrs: vec![
                "/ip4/192.168.1.20/tcp/4001/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf".into(),
                "/dns4/moot.example.org/tcp/4001/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf".into(),
            ],
        }
    }

    fn why(text: &str) -> String {
        InviteLink::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_form_of_a_link_reads_back() {
        let link = link();
        let page = link.to_link(Some("https://moot.example.org/"));
        assert!(page.starts_with("https://moot.example.org/join#hQ"), "{page}");
        let app = link.to_link(None);
        for text in [page.clone(), app, link.payload(), format!("\n  {page}\t\n"), format!("<{page}>")] {
            assert_eq!(InviteLink::parse(&text), Ok(link.clone()));
        }
        assert!(!page.contains('&') && page.len() < 600, "{}", page.len());
    }

    #[test]
    fn a_link_cut_anywhere_is_said_to_be_cut_off() {
        let whole = link().to_link(Some("https://moot.example.org"));
        let start = whole.find('#').unwrap();
        for end in start..whole.len() {
            assert!(why(&whole[..end]).contains("cut off"), "{end}: {}", why(&whole[..end]));
        }
        assert!(why("moot:join").contains("cut off"));
    }

    #[test]
    fn what_is_no_link_of_ours_is_said_to_be_none() {
        let payload = link().payload();
        for text in [
            "https://example.org/meeting#abc".to_owned(),
            "https://example.org/".into(),
            "hello".into(),
            "river street".into(),
            format!("{payload}&utm=1"),
            format!("{payload}AA"),
            format!("moot:leave#{payload}"),
            BASE64URL_NOPAD.encode(b"some other base64"),
            "A".repeat(limits::LINK + 1),
            link().community.to_string(),
        ] {
            assert!(why(&text).contains("not an invite link"), "{text}: {}", why(&text));
        }
        let odd = InviteLink { addrs: vec!["javascript:alert(1)".into()], ..link() };
        assert!(why(&odd.payload()).contains("addresses"));
        let many = InviteLink { addrs: vec!["/ip4/1.1.1.1/tcp/1".into(); 9], ..link() };
        assert!(why(&many.payload()).contains("addresses"));
    }

    #[test]
    fn a_link_of_another_version_asks_for_an_update() {
        for list in [vec![0x81, 0x02], vec![0x85, 0x02, 0x60, 0x60, 0x60, 0x60], vec![0x86, 0x02, 0x00]] {
            assert!(why(&BASE64URL_NOPAD.encode(&list)).contains("another version"), "{list:02x?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_link_or_an_error(text in "(moot:join#|https://a/join#)?(hQ[FH])?[ -~é]{0,80}") {
            let _ = InviteLink::parse(&text);
        }
    }

    #[test]
    fn the_seed_is_not_printed() {
        assert!(!format!("{:?}", link()).contains('7'.to_string().repeat(2).as_str()));
        assert!(format!("{:?}", link()).ends_with(".. }"));
    }
}
