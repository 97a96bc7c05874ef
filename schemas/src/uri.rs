//! `moot://<community>/<did>/<collection>/<rkey>` and the short ids people see.
//!
//! Collections are atproto NSIDs and rkeys atproto record keys; both keep to ASCII, so a URI needs no escapes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    block::{Cid, parse_cid},
    derive,
    error::Error,
    key::Did,
    limits, text,
};

const SCHEME: &str = "moot://";

/// Where a record lives, stable over its revisions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri {
    pub community: Cid,
    pub did: Did,
    /// NSID of the kind, e.g. `org.folkmoot.post`.
    pub collection: String,
    pub rkey: String,
}

impl Uri {
    /// Checks the syntax of collection (NSID) and rkey (atproto record key).
    pub fn new(community: Cid, did: Did, collection: &str, rkey: &str) -> Result<Self, Error> {
        check_parts(collection, rkey)?;
        Ok(Self { community, did, collection: collection.to_owned(), rkey: rkey.to_owned() })
    }
    /// `<collection>/<rkey>`: the key in the repository's tree.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection, self.rkey)
    }
    /// First 16 base32 characters of sha256([uri]).
    pub fn short_id(&self) -> String {
        derive::id(&[Some(&self.to_string())], 16)
    }
}

/// Splits and checks `<collection>/<rkey>`: NSID syntax, record-key syntax, total ≤ 512 bytes.
pub fn check_path(path: &str) -> Result<(&str, &str), Error> {
    let (collection, rkey) = path.split_once('/').ok_or_else(|| wrong("path", "it has no slash"))?;
    check_parts(collection, rkey)?;
    Ok((collection, rkey))
}

fn check_parts(collection: &str, rkey: &str) -> Result<(), Error> {
    if collection.len() + 1 + rkey.len() > limits::PATH {
        return Err(wrong("path", "512 bytes are allowed"));
    }
    check_nsid(collection)?;
    check_rkey(rkey)
}

/// A reversed domain name and a name: `org.folkmoot.post`.
fn check_nsid(nsid: &str) -> Result<(), Error> {
    let wrong = |why| wrong("collection", why);
    let (domain, name) = nsid.rsplit_once('.').ok_or_else(|| wrong("it has no dots"))?;
    // 253 of a domain name, a dot, 63 of the name.
    if nsid.len() > 317 {
        return Err(wrong("317 characters are allowed"));
    }
    if !domain.contains('.') || domain.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(wrong("it begins with a reversed domain name"));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !domain.split('.').all(label) {
        return Err(wrong("a part of the domain is not letters, digits and inner hyphens, 1 to 63 characters"));
    }
    let letter_first = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if !letter_first || name.len() > 63 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(wrong("its last part is letters and digits, a letter first, 1 to 63 characters"));
    }
    Ok(())
}

fn check_rkey(rkey: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:~-".contains(&byte);
    if !(1..=limits::PATH).contains(&rkey.len()) || !rkey.bytes().all(allowed) || rkey == "." || rkey == ".." {
        return Err(wrong("record key", "1 to 512 of letters, digits and . _ : ~ - are allowed, but not . or .."));
    }
    Ok(())
}

fn wrong(what: &'static str, why: &str) -> Error {
    Error::Syntax { what, why: why.into() }
}

/// A strong reference: where, and exactly which version. The CID is text: it is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrongRef {
    pub uri: Uri,
    #[serde(with = "crate::block::cid_text")]
    pub cid: Cid,
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}/{}/{}", self.community, self.did, self.collection, self.rkey)
    }
}
impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Uri {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| wrong("URI", "it does not begin with moot://"))?;
        let mut parts = rest.splitn(4, '/');
        let (Some(community), Some(did), Some(collection), Some(rkey)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("URI", "community, person, collection and key are expected, with slashes between"));
        };
        Self::new(parse_cid(community)?, did.parse()?, collection, rkey)
    }
}
impl Serialize for Uri {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        text::deserialize(d, Self::from_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        block::{DAG_CBOR, cid_of},
        fixtures,
        key::Secret,
    };

    fn uri() -> Uri {
        let did = Secret::from_seed([1; 32]).did();
        Uri::new(cid_of(DAG_CBOR, b"charter"), did, "org.folkmoot.post", "3jzfcijpj2z2a").unwrap()
    }

    #[test]
    fn collections_and_keys_have_the_syntax_of_atproto() {
        for text in fixtures::lines("mst/nsid_syntax_valid.txt") {
            assert_eq!(check_nsid(&text), Ok(()), "{text}");
        }
        for text in fixtures::lines("mst/nsid_syntax_invalid.txt") {
            assert!(check_nsid(&text).is_err(), "{text}");
        }
        for text in fixtures::lines("mst/recordkey_syntax_valid.txt") {
            assert_eq!(check_rkey(&text), Ok(()), "{text}");
        }
        for text in fixtures::lines("mst/recordkey_syntax_invalid.txt") {
            assert!(check_rkey(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_two_parts_of_at_most_512_bytes_together() {
        assert_eq!(check_path("org.folkmoot.post/self"), Ok(("org.folkmoot.post", "self")));
        for path in ["org.folkmoot.post", "org.folkmoot.post/", "/self", "org.folkmoot.post/a/b", "", "/"] {
            assert!(check_path(path).is_err(), "{path}");
        }
        assert!(check_path(&format!("a.b.c/{}", "o".repeat(506))).is_ok());
        assert!(check_path(&format!("a.b.c/{}", "o".repeat(507))).is_err());
    }

    #[test]
    fn a_uri_reads_back_and_refuses_anything_else() {
        let text = uri().to_string();
        assert_eq!(text.parse(), Ok(uri()));
        for wrong in [
            text.replace("moot://", "MOOT://"),
            text.replace("moot://", "moot:/"),
            format!("{text}/"),
            format!("{text}?x"),
            format!("{text} "),
            text.replace("/did:", "//did:"),
            text.replace("org.folkmoot.post/", ""),
            String::new(),
        ] {
            assert!(wrong.parse::<Uri>().is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_path_that_passes_is_safe_in_any_place(path in "[a-z0-9.A-Z/_:~%-]{0,30}|.{0,20}") {
            if let Ok((collection, rkey)) = check_path(&path) {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:~-".contains(&byte);
                proptest::prop_assert!(collection.bytes().chain(rkey.bytes()).all(plain));
                let uri = Uri::new(uri().community, uri().did, collection, rkey).unwrap();
                proptest::prop_assert_eq!(uri.to_string().parse(), Ok(uri));
            }
        }
    }

    #[test]
    fn a_short_id_depends_on_the_whole_uri() {
        let other = Uri { did: Secret::from_seed([2; 32]).did(), ..uri() };
        assert_eq!(uri().short_id().len(), 16);
        assert_ne!(uri().short_id(), other.short_id());
    }
}
