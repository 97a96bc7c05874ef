//! Search trees made by somebody who wants them wrong.

use std::collections::HashMap;

use ipld_core::ipld::Ipld;

use crate::{
    block::{Block, Cid, DAG_CBOR, cid_of},
    limits, mst,
};

/// The bytes are a list of nodes, or one node. A number in the place of a link stands for that node of the list, so that
/// a changed node does not change its name everywhere; only earlier nodes can be named. The last is the root.
pub(super) fn tree(bytes: &[u8]) -> bool {
    let Ok((_, value)) = Block::decode::<Ipld>(bytes.to_vec(), limits::SNAPSHOT) else { return false };
    let given = match value {
        Ipld::List(nodes) => nodes,
        node => vec![node],
    };
    let mut names: Vec<Cid> = Vec::new();
    let mut nodes: HashMap<Cid, Block> = HashMap::new();
    for mut node in given {
        name(&mut node, &names);
        let Ok(block) = Block::encode(&node) else { return false };
        names.push(*block.cid());
        nodes.insert(*block.cid(), block);
    }
    let Some(root) = names.last() else { return false };
    let get = |cid: &Cid| nodes.get(cid).cloned();
    let read = mst::read(root, get);
    for path in ["", "a", "org.folkmoot.post/3k5q2xkwq2222", "\u{10ffff}"] {
        assert!(mst::proof_with(root, path, get).is_ok_and(|proof| proof.len() <= limits::MST_DEPTH) || read.is_err());
    }
    edit(root, &get, read.as_ref().ok());
    let Ok(entries) = read else { return false };
    assert_eq!(mst::build(&entries).map(|tree| tree.root), Ok(*root), "an accepted tree is the one of its entries");
    true
}

/// Puts one path, replaces one and removes one. A tree that is wrong may be edited into anything but a panic.
fn edit(root: &Cid, get: &impl Fn(&Cid) -> Option<Block>, entries: Option<&mst::Entries>) {
    let cid = cid_of(DAG_CBOR, b"new");
    let mut changes = mst::Changes::from([("org.folkmoot.post/3k5q2xkwq2222".into(), Some(cid)), ("m".into(), None)]);
    let mut wanted = entries.cloned().unwrap_or_default();
    let middle: Vec<String> = wanted.keys().skip(wanted.len() / 2).take(2).cloned().collect();
    for (path, put) in middle.into_iter().zip([None, Some(cid)]) {
        changes.insert(path, put);
    }
    let edited = mst::edit(root, &changes, get);
    for (path, put) in changes {
        match put {
            Some(cid) => wanted.insert(path, cid),
            None => wanted.remove(&path),
        };
    }
    if entries.is_some() {
        let built = mst::build(&wanted).map(|tree| tree.root);
        assert_eq!(edited.map(|edited| edited.root), built, "an edited tree is the one built anew");
    }
}

/// Numbers under `l` and `t` become links.
fn name(node: &mut Ipld, names: &[Cid]) {
    let Ipld::Map(node) = node else { return };
    link(node.get_mut("l"), names);
    if let Some(Ipld::List(entries)) = node.get_mut("e") {
        for entry in entries {
            if let Ipld::Map(entry) = entry {
                link(entry.get_mut("t"), names);
            }
        }
    }
}

fn link(place: Option<&mut Ipld>, names: &[Cid]) {
    if let Some(place @ Ipld::Integer(_)) = place {
        let Ipld::Integer(at) = *place else { return };
        if let Some(cid) = usize::try_from(at).ok().and_then(|at| names.get(at)) {
            *place = Ipld::Link(*cid);
        }
    }
}
