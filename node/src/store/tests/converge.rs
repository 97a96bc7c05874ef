use proptest::prelude::*;

use super::*;

#[test]
fn what_one_store_publishes_the_other_takes_and_both_are_equal() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let first = ada.publish(&a, community, NOON, post("first"));
    ada.publish_for(&a, community, Audience::Members, NOON + 1, post("between us"));

    let applied = pull(&a, &b, community, Scope::Members, WHOLE);
    assert_eq!(applied.advanced.len(), 2, "{applied:?}");
    assert_eq!(texts(&b, Scope::Members, community), ["between us", "first"]);
    equal(&a, &b, community, Scope::Members);
    equal(&a, &b, community, Scope::Public);
    assert!(b.view(Scope::Members).unwrap().community(&community).unwrap().unwrap().joined);

    // And on from the held head: one edit, one deletion, one new record travel, the rest does not.
    ada.commit(&a, community, Audience::Public, NOON + SECOND, vec![edit(&first.path(), post("first, edited"))]);
    let second = ada.publish(&a, community, NOON + 2 * SECOND, post("second"));
    ada.publish(&a, community, NOON + 3 * SECOND, post("third"));
    ada.commit(&a, community, Audience::Public, NOON + 4 * SECOND, vec![Change::Remove { path: second.path() }]);
    let view = a.view(Scope::Members).unwrap();
    let head = view.heads(&community).unwrap().into_iter().find(|h| h.repo.audience == Audience::Public).unwrap();
    let since = b.view(Scope::Public).unwrap().heads(&community).unwrap()[0].held.unwrap();
    let delta = view.delta(&community, &head.repo, Some(&since), None, WHOLE).unwrap().unwrap();
    assert_eq!((delta.put.len(), delta.gone.as_slice()), (2, &[second.path()][..]));
    pull(&a, &b, community, Scope::Members, WHOLE);
    assert_eq!(texts(&b, Scope::Public, community), ["third", "first, edited"]);
    equal(&a, &b, community, Scope::Members);
}

#[test]
fn a_large_repository_comes_in_parts_and_shows_only_when_it_is_whole() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let posts = (0..300).map(|n| put(post(&format!("post {n}")))).collect();
    ada.commit(&a, community, Audience::Public, NOON, posts);

    pull(&a, &b, community, Scope::Members, 0);
    assert_eq!(texts(&b, Scope::Public, community).len(), 300);
    equal(&a, &b, community, Scope::Members);
    assert_eq!(a.size().unwrap().1, b.size().unwrap().1, "nothing staged is left over");

    // Half of it, in a third store: nothing to see, nothing served, and the digest says that something is lacking.
    let c = bo.store();
    let whole = update(&a, community, Audience::Public);
    let half = RepoUpdate {
        put: whole.put[..150].to_vec(),
        blocks: whole.blocks[..150].to_vec(),
        complete: false,
        ..whole.clone()
    };
    let mut batch = Batch::new(community, Audience::Members);
    let view = a.view(Scope::Members).unwrap();
    batch.charter = view.charter(&community).unwrap();
    (batch.ops, batch.identities) = view.roster(&community).unwrap();
    batch.repos.push(half);
    let applied = c.apply(batch, NOON).unwrap();
    assert!(applied.advanced.is_empty() && applied.wanted.len() == 1);
    let view = c.view(Scope::Members).unwrap();
    assert!(view.list(&community, "org.folkmoot.post", None, 10).unwrap().is_empty());
    assert!(view.block(&community, &whole.put[0].1).unwrap().is_none());
    assert_eq!(view.digest(&community).unwrap(), None);
    assert!(view.heads(&community).unwrap()[0].held.is_none());

    // An announcement on its way between the parts neither ends nor spoils the collecting.
    let announced = RepoUpdate {
        put: vec![],
        blocks: vec![],
        since: Some(view.heads(&community).unwrap()[0].known),
        ..whole.clone()
    };
    apply(&c, community, Audience::Public, announced);
    let rest =
        RepoUpdate { put: whole.put[150..].to_vec(), blocks: whole.blocks[150..].to_vec(), first: false, ..whole };
    assert_eq!(apply(&c, community, Audience::Public, rest).advanced.len(), 1);
    equal(&a, &c, community, Scope::Members);
}

#[test]
fn an_unknown_since_is_answered_with_the_whole_tree() {
    let ada = Person::new(1);
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Public, &[]);
    ada.publish(&a, community, NOON, post("one"));
    ada.publish(&a, community, NOON + SECOND, post("two"));
    let view = a.view(Scope::Members).unwrap();
    let head = view.heads(&community).unwrap().remove(0);
    let forked = HeadRef { rev: head.known.rev, cid: community };
    let delta = view.delta(&community, &head.repo, Some(&forked), None, WHOLE).unwrap().unwrap();
    assert_eq!((delta.since, delta.put.len()), (None, 2));
}

#[test]
fn deltas_are_given_in_path_order_where_names_begin_alike() {
    let ada = Person::new(1);
    let a = ada.store();
    let community = found(&a, &ada, Visibility::Public, &[]);
    let unknown = |name: &str| Record::Unknown { name: name.into(), fields: ipld_core::ipld!({"$type": name}) };
    let changes = ["org.a.b", "org.a.b.c", "org.a.b-c.d"].map(|name| Change::Put {
        rkey: Some("self".into()),
        record: unknown(name),
        again: false,
    });
    ada.commit(&a, community, Audience::Public, NOON, changes.into());
    let view = a.view(Scope::Members).unwrap();
    let head = view.heads(&community).unwrap().remove(0);
    let (mut given, mut after) = (Vec::new(), None);
    loop {
        let delta = view.delta(&community, &head.repo, None, after.as_deref(), 0).unwrap().unwrap();
        given.extend(delta.put.into_iter().map(|(path, _)| path));
        after = delta.more;
        if after.is_none() {
            break;
        }
    }
    let mut sorted = given.clone();
    sorted.sort();
    assert_eq!(given, sorted);
    assert_eq!(given.len(), 3);
}

/// What a history of one repository is made of.
#[derive(Debug, Clone)]
enum Deed {
    Post(u8),
    Edit(usize, u8),
    Remove(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        any::<u8>().prop_map(Deed::Post),
        (any::<usize>(), any::<u8>()).prop_map(|(at, n)| Deed::Edit(at, n)),
        any::<usize>().prop_map(Deed::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Every commit is offered as a delta from its predecessor and as a whole, in any order and with repetitions; what
    /// a replica ends with is the newest head alone, and its indexes are those of the author.
    #[test]
    fn commits_in_any_order_end_in_the_same_state(
        deeds in prop::collection::vec(deed(), 1..8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..16),
    ) {
        let (ada, bo) = (Person::new(1), Person::new(2));
        let (a, b) = (ada.store(), bo.store());
        let community = found(&a, &ada, Visibility::Public, &[&bo]);
        pull(&a, &b, community, Scope::Members, WHOLE);
        let mut paths: Vec<String> = Vec::new();
        let mut updates: Vec<RepoUpdate> = Vec::new();
        for (n, deed) in deeds.into_iter().enumerate() {
            let now = NOON + n as u64 * SECOND;
            let changes = match deed {
                Deed::Edit(at, text) if !paths.is_empty() => {
                    vec![edit(&paths[at % paths.len()], post(&format!("edited {text}")))]
                }
                Deed::Remove(at) if !paths.is_empty() => vec![Change::Remove { path: paths.remove(at % paths.len()) }],
                Deed::Post(text) | Deed::Edit(_, text) => {
                    vec![Change::Put { rkey: None, record: post(&format!("post {text}")).into(), again: true }]
                }
                Deed::Remove(_) => vec![put(post("instead"))],
            };
            let since = held(&a, community).first().copied();
            let committed = ada.commit(&a, community, Audience::Public, now, changes);
            for put in &committed.puts {
                if !paths.contains(&put.path) {
                    paths.push(put.path.clone());
                }
            }
            updates.push(update(&a, community, Audience::Public));
            updates.push(RepoUpdate {
                commit: committed.commit,
                since,
                put: committed.puts.iter().map(|put| (put.path.clone(), put.cid)).collect(),
                gone: committed.gone,
                blocks: committed.blocks.into_iter().map(|(_, block)| block).collect(),
                first: true,
                complete: true,
            });
        }
        for index in order {
            let applied = apply(&b, community, Audience::Public, index.get(&updates).clone());
            prop_assert!(applied.refused.is_empty(), "{:?}", applied.refused);
            prop_assert!(applied.mismatched.is_empty());
        }
        pull(&a, &b, community, Scope::Members, WHOLE);
        equal(&a, &b, community, Scope::Members);
        prop_assert_eq!(texts(&a, Scope::Public, community), texts(&b, Scope::Public, community));
        // Older versions are kept by whoever saw them replaced.
        let later = NOON + 100 * 86_400 * SECOND;
        for store in [&a, &b] {
            store.sweep(later, &mut || ()).unwrap();
        }
        prop_assert_eq!(a.size().unwrap().1, b.size().unwrap().1);
    }
}
