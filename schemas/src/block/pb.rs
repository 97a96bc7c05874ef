//! The links of a DAG-PB node (<https://ipld.io/specs/codecs/dag-pb/spec/>), which is all we read of one: field 2 of
//! the node is a link, field 1 of a link is its CID. What each field may be is fixed, so everything else is refused.

use unsigned_varint::decode;

use super::{Cid, check_cid};
use crate::error::Refusal;

const DATA: u64 = 1;
const LINK: u64 = 2;
const HASH: u64 = 1;
const NAME: u64 = 2;
const SIZE: u64 = 3;

/// In order of appearance.
pub(super) fn links(node: &[u8]) -> Result<Vec<Cid>, Refusal> {
    let mut links = Vec::new();
    let mut fields = Fields(node);
    while let Some(field) = fields.next()? {
        match field {
            (LINK, Value::Bytes(link)) => links.push(cid(link)?),
            (DATA, Value::Bytes(_)) => {}
            _ => return Err(Refusal::Shape("this is no DAG-PB node".into())),
        }
    }
    Ok(links)
}

fn cid(link: &[u8]) -> Result<Cid, Refusal> {
    let mut found = None;
    let mut fields = Fields(link);
    while let Some(field) = fields.next()? {
        match field {
            // Reading a CID overlooks bytes after it.
            (HASH, Value::Bytes(bytes)) => found = Cid::try_from(bytes).ok().filter(|cid| cid.to_bytes() == bytes),
            (NAME, Value::Bytes(_)) | (SIZE, Value::Number) => {}
            _ => return Err(Refusal::Shape("this is no link of a DAG-PB node".into())),
        }
    }
    found.filter(|cid| check_cid(cid).is_ok()).ok_or(Refusal::Link)
}

enum Value<'a> {
    Number,
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message: number and value, of the two wire types that occur.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Refusal> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.number()?;
        match key & 7 {
            0 => self.number().map(|_| Some((key >> 3, Value::Number))),
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| Refusal::Truncated)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(Refusal::Truncated)?;
                self.0 = rest;
                Ok(Some((key >> 3, Value::Bytes(bytes))))
            }
            _ => Err(Refusal::Shape("a field of a kind DAG-PB does not have".into())),
        }
    }

    fn number(&mut self) -> Result<u64, Refusal> {
        let (number, rest) = decode::u64(self.0).map_err(|_| Refusal::Truncated)?;
        self.0 = rest;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Block, DAG_PB, RAW, cid_of},
        *,
    };

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8][..], bytes].concat()
    }

    #[test]
    fn a_node_gives_its_links_and_anything_else_is_refused() {
        let leaves = [cid_of(RAW, b"one"), cid_of(RAW, b"two")];
        let link = |cid: &Cid| field(2, &[field(1, &cid.to_bytes()), field(2, b""), vec![3 << 3, 3]].concat());
        let node = [link(&leaves[0]), link(&leaves[1]), field(1, b"unixfs")].concat();
        assert_eq!(links(&node).unwrap(), leaves);
        let block = Block::verify(&cid_of(DAG_PB, &node), node.clone(), 1000).unwrap();
        assert_eq!(block.links().unwrap(), leaves);
        assert!(links(&[]).unwrap().is_empty());

        assert!(links(&node[..node.len() - 1]).is_err());
        assert!(links(&field(3, b"?")).is_err());
        assert!(links(&field(2, b"")).is_err(), "a link without a CID");
        assert!(links(&field(2, &field(1, &[cid_of(RAW, b"").to_bytes(), vec![0]].concat()))).is_err());
        assert!(links(&[1 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(links(&[0x80]).is_err());
    }
}
