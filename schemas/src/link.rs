//! The invite link: `https://<gateway>/join#<payload>` or `moot:join#<payload>`; the payload is one word without `&`.

use crate::{block::Cid, error::Error};

/// What a link carries. `seed` is a secret: whoever has it can join.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLink {
    pub community: Cid,
    pub invite: Cid,
    pub seed: [u8; 32],
    /// Multiaddr texts with /p2p/, ≤ 8.
    pub addrs: Vec<String>,
}

impl InviteLink {
    /// The payload: base64url without padding of a compact DAG-CBOR list.
    pub fn payload(&self) -> String {
        todo!()
    }
    /// `gateway`: e.g. `https://moot.example.org`; None gives the `moot:join#` form.
    pub fn to_link(&self, _gateway: Option<&str>) -> String {
        todo!()
    }
    /// Takes either form or the bare payload, with surrounding white space. Says what is wrong: cut off, wrong kind, not a link of ours.
    pub fn parse(_text: &str) -> Result<Self, Error> {
        todo!()
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
