use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use proptest::prelude::*;

use super::{
    super::{Entries, build},
    *,
};
use crate::{
    block::{RAW, cid_of},
    limits,
};

/// A tree with the nodes that a store would hold of it.
struct Stored {
    root: Cid,
    nodes: HashMap<Cid, Block>,
    entries: Entries,
}

impl Stored {
    fn new(entries: Entries) -> Self {
        let tree = build(&entries).unwrap();
        Self { root: tree.root, nodes: tree.nodes.into_iter().map(|node| (*node.cid(), node)).collect(), entries }
    }

    /// Makes the changes and compares with the tree built anew: root and nodes, each exactly once.
    fn edit(&mut self, changes: &Changes) -> Result<(), TestCaseError> {
        let edited = edit(&self.root, changes, |cid| self.nodes.get(cid).cloned()).unwrap();
        for (path, cid) in changes {
            match cid {
                Some(cid) => self.entries.insert(path.clone(), *cid),
                None => self.entries.remove(path),
            };
        }
        for cid in &edited.gone {
            prop_assert!(self.nodes.remove(cid).is_some(), "gone twice, or never there");
        }
        for node in edited.new {
            prop_assert!(self.nodes.insert(*node.cid(), node).is_none(), "not new");
        }
        let due = build(&self.entries).unwrap();
        prop_assert_eq!(edited.root, due.root);
        let due: HashSet<Cid> = due.nodes.iter().map(|node| *node.cid()).collect();
        prop_assert_eq!(self.nodes.keys().copied().collect::<HashSet<_>>(), due);
        self.root = edited.root;
        Ok(())
    }
}

fn value(n: u8) -> Cid {
    cid_of(RAW, &[n])
}

/// Keys of which several live on each of the levels 0 to 6.
static MINED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut found: Vec<Vec<String>> = vec![Vec::new(); 7];
    let mut paths = (0..).map(|at| format!("k/{at}"));
    while found[6].len() < 2 {
        let path = paths.next().unwrap();
        if let Some(level) = found.get_mut(height(&path) as usize)
            && level.len() < 6
        {
            level.push(path);
        }
    }
    found.concat()
});

fn put(path: &str) -> (String, Option<Cid>) {
    (path.to_owned(), Some(value(0)))
}

proptest! {
    /// Levels without any key, roots that rise and fall by several levels, trees that become empty.
    #[test]
    fn any_edits_of_keys_on_many_levels_give_the_tree_built_anew(
        rounds in prop::collection::vec(prop::collection::vec((0usize..40, prop::option::of(0u8..3)), 0..12), 1..10)
    ) {
        let mut stored = Stored::new(Entries::new());
        for round in rounds {
            let change = |(at, cid): (usize, Option<u8>)| (MINED[at % MINED.len()].clone(), cid.map(value));
            stored.edit(&round.into_iter().map(change).collect())?;
        }
        stored.edit(&MINED.iter().map(|key| (key.clone(), None)).collect())?;
        prop_assert!(stored.entries.is_empty());
    }

    #[test]
    fn any_edits_of_a_larger_tree_give_the_tree_built_anew(
        start in prop::collection::btree_set("[a-c]/[a-z0-9é]{1,3}", 0..400),
        rounds in prop::collection::vec(
            prop::collection::vec(("[a-c]/[a-z0-9é]{1,3}", any::<prop::sample::Index>(), 0u8..3), 0..20), 1..6)
    ) {
        let mut stored = Stored::new(start.into_iter().map(|path| (path, value(0))).collect());
        for round in rounds {
            let present: Vec<String> = stored.entries.keys().cloned().collect();
            let mut changes = Changes::new();
            for (path, at, what) in round {
                let old = if present.is_empty() { &path } else { at.get(&present) };
                match what {
                    0 => changes.insert(old.clone(), None),
                    1 => changes.insert(old.clone(), Some(value(1))),
                    _ => changes.insert(path, Some(value(2))),
                };
            }
            stored.edit(&changes)?;
        }
    }
}

#[test]
fn a_change_that_changes_nothing_gives_the_same_tree() {
    let mut stored = Stored::new(MINED.iter().map(|path| (path.clone(), value(0))).collect());
    let root = stored.root;
    for changes in [
        Changes::new(),
        Changes::from([("k/none".into(), None)]),
        Changes::from([put(&MINED[3])]),
        MINED.iter().map(|path| put(path)).collect(),
    ] {
        let edited = edit(&root, &changes, |cid| stored.nodes.get(cid).cloned()).unwrap();
        assert_eq!((edited.root, edited.new.len(), edited.gone.len()), (root, 0, 0));
        stored.edit(&changes).unwrap();
    }
    let empty = Stored::new(Entries::new());
    for changes in [Changes::new(), Changes::from([("k/none".into(), None)])] {
        let edited = edit(&empty.root, &changes, |cid| empty.nodes.get(cid).cloned()).unwrap();
        assert_eq!((edited.root, edited.new.len(), edited.gone.len()), (empty.root, 0, 0));
    }
}

/// Two nodes a level at most: the way down, and the neighbour that is split or joined.
#[test]
fn one_change_opens_only_the_nodes_on_its_way() {
    let paths: Vec<String> = (0..20_000).map(|at| format!("org.folkmoot.post/{:09}", at * 7)).collect();
    let stored = Stored::new(paths.iter().map(|path| (path.clone(), value(0))).collect());
    let levels = paths.iter().map(|path| height(path)).max().unwrap() as usize + 1;
    let highest = paths.iter().max_by_key(|path| height(path)).unwrap();
    let raising = (0..).map(|at| format!("org.folkmoot.post/{:09}x", at * 7)).find(|path| height(path) == 8).unwrap();
    for (path, cid) in [
        (&paths[10_000], Some(value(1))),
        (&paths[10_000], None),
        (&"org.folkmoot.post/000070001".to_owned(), Some(value(1))),
        (&raising, Some(value(1))),
        (highest, None),
    ] {
        let mut opened = 0;
        let changes = Changes::from([(path.clone(), cid)]);
        let edited = edit(&stored.root, &changes, |cid| {
            opened += 1;
            stored.nodes.get(cid).cloned()
        })
        .unwrap();
        // The root is looked at once more for its level, and once to see whether it holds a key.
        assert!(opened <= 2 * levels + 2, "{path}: {opened} nodes of {levels} levels");
        assert!(edited.new.len() <= 2 * levels.max(9) && edited.gone.len() <= 2 * levels, "{path}");
        Stored::new(stored.entries.clone()).edit(&changes).unwrap();
    }
}

#[test]
fn what_no_tree_may_hold_is_refused() {
    let low: Vec<String> = (0..).map(|at| format!("k/{at:08}")).filter(|key| height(key) == 0).take(257).collect();
    let stored = Stored::new(low[1..].iter().map(|path| (path.clone(), value(0))).collect());
    assert_eq!(stored.entries.len(), limits::MST_ENTRIES);
    let get = |cid: &Cid| stored.nodes.get(cid).cloned();
    let refused = edit(&stored.root, &Changes::from([put(&low[0])]), get).unwrap_err().to_string();
    assert!(refused.contains("entries"), "{refused}");

    let refused = edit(&stored.root, &Changes::from([put(&low[0])]), |_| None).unwrap_err().to_string();
    assert!(refused.contains("is missing"), "{refused}");

    let huge = Block::encode(&vec![0; limits::MST_NODE]).unwrap();
    let refused = edit(huge.cid(), &Changes::new(), |_| Some(huge.clone())).unwrap_err().to_string();
    assert!(refused.contains("bytes"), "{refused}");

    let mut below = Node::default();
    below.push("", &low[0], value(0)).unwrap();
    below.hang(Some(stored.root));
    let below = below.seal().unwrap();
    let refused = edit(below.cid(), &Changes::from([put(&low[1])]), |_| Some(below.clone())).unwrap_err().to_string();
    assert!(refused.contains("below the lowest"), "{refused}");
}
