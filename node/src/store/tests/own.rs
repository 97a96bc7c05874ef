use folkmoot_schemas::records::tombstone::Tombstone;

use super::*;
use crate::store::StoreError;

#[test]
fn a_reopened_file_has_everything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let ada = Person::new(1);
    let (community, uri, snapshot, generation);
    {
        let store = Store::create(&path).unwrap();
        store.set_meta("me", Some(ada.did().to_string().as_bytes())).unwrap();
        store.set_meta("seed/a", Some(b"1")).unwrap();
        store.set_meta("seed/b", Some(b"2")).unwrap();
        store.set_meta("seed/b", None).unwrap();
        community = found(&store, &ada, Visibility::Public, &[]);
        uri = ada.publish(&store, community, NOON, post("still here"));
        snapshot = store.view(Scope::Public).unwrap().snapshot(&community).unwrap();
        generation = store.generation();
        assert!(generation > 0);
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(store.generation(), generation);
    assert_eq!(store.metas("seed/").unwrap(), [("seed/a".to_owned(), b"1".to_vec())]);
    assert!(found_entry(&store, Scope::Public, &uri).is_some());
    let view = store.view(Scope::Public).unwrap();
    assert_eq!(view.snapshot(&community).unwrap(), snapshot);
    assert!(view.community(&community).unwrap().unwrap().joined);
    drop(view);
    ada.publish(&store, community, NOON + SECOND, post("and on"));
    assert_eq!(texts(&store, Scope::Public, community), ["and on", "still here"]);
}

#[test]
fn a_write_that_fails_half_way_leaves_no_trace() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    ada.publish(&store, community, NOON, post("kept"));
    let before = (store.size().unwrap(), store.generation(), held(&store, community));
    let failed = store.write(|w| {
        w.upload(&Block::raw(vec![1; 100]), NOON)?;
        w.visible = true;
        Err::<(), _>(StoreError::Refused("power cut".into()))
    });
    assert!(failed.is_err());
    assert_eq!((store.size().unwrap(), store.generation(), held(&store, community)), before);
    ada.publish(&store, community, NOON + SECOND, post("and on"));
    assert_eq!(texts(&store, Scope::Public, community), ["and on", "kept"]);
}

#[test]
fn the_same_post_twice_within_ten_minutes_is_one_post_unless_meant() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let first = ada.commit(&store, community, Audience::Public, NOON, vec![put(post("hello"))]);
    let minute = 60 * SECOND;
    let twice = ada.commit(
        &store,
        community,
        Audience::Public,
        NOON + 9 * minute,
        vec![put(post("hello")), put(post("other"))],
    );
    assert!(twice.puts[0].existed && !twice.puts[1].existed);
    assert_eq!((&twice.puts[0].path, twice.puts[0].cid), (&first.puts[0].path, first.puts[0].cid));
    let nothing = ada.commit(&store, community, Audience::Public, NOON + 9 * minute, vec![put(post("hello"))]);
    assert!(!nothing.wrote && nothing.head == twice.head && nothing.commit.cid() == &twice.head.cid);

    let meant = Change::Put { rkey: None, record: post("hello").into(), again: true };
    assert!(!ada.commit(&store, community, Audience::Public, NOON + 9 * minute, vec![meant]).puts[0].existed);
    let later = ada.commit(&store, community, Audience::Public, NOON + 21 * minute, vec![put(post("hello"))]);
    assert!(!later.puts[0].existed);
}

#[test]
fn revs_only_grow_whatever_the_clock_says() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let first = ada.commit(&store, community, Audience::Public, NOON, vec![put(post("a")), put(post("b"))]);
    assert!(first.puts[0].rev < first.puts[1].rev && first.puts[1].rev == first.head.rev);
    let back = ada.commit(&store, community, Audience::Public, NOON - 3600 * SECOND, vec![put(post("c"))]);
    assert!(back.head.rev > first.head.rev);
    let path = first.puts[0].path.clone();
    let gone = ada.commit(&store, community, Audience::Public, 0, vec![Change::Remove { path: path.clone() }]);
    assert!(gone.head.rev > back.head.rev && gone.gone == [path]);
}

#[test]
fn who_is_no_member_or_signs_with_an_unlisted_device_is_refused() {
    let (ada, mallory) = (Person::new(1), Person::new(66));
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let try_as = |did, device| {
        let changes = vec![put(post("hi"))];
        let audience = Audience::Public;
        store.commit_own(OwnCommit { community, did, device, audience, changes, now: NOON, random: 0 })
    };
    assert!(matches!(try_as(mallory.did(), &mallory.device), Err(StoreError::Refused(_))));
    assert!(matches!(try_as(ada.did(), &mallory.device), Err(StoreError::Refused(_))));
    assert!(try_as(ada.did(), &ada.device).is_ok());
}

#[test]
fn what_is_replaced_or_deleted_leaves_the_disk_and_its_page_says_gone() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    ada.publish(&store, community, NOON, post("stays"));
    let blocks = store.size().unwrap().1;
    let uri = ada.publish(&store, community, NOON + SECOND, post("a slip of the tongue"));
    let first = found_entry(&store, Scope::Public, &uri).unwrap();
    ada.commit(&store, community, Audience::Public, NOON + 2 * SECOND, vec![edit(&uri.path(), post("better"))]);
    let view = store.view(Scope::Members).unwrap();
    assert!(view.block(&community, &first.cid).unwrap().is_none());
    assert!(view.by_cid(&first.cid).unwrap().is_none());
    let edited = found_entry(&store, Scope::Public, &uri).unwrap();
    assert_eq!((edited.created, edited.updated), (NOON + SECOND, NOON + 2 * SECOND));

    ada.commit(&store, community, Audience::Public, NOON + 3 * SECOND, vec![Change::Remove { path: uri.path() }]);
    let view = store.view(Scope::Public).unwrap();
    assert!(matches!(view.get(&uri).unwrap(), Lookup::Gone(_)));
    assert!(matches!(view.by_short(Some(&community), &uri.short_id()).unwrap(), Lookup::Gone(gone) if gone == uri));
    assert_eq!(store.size().unwrap().1, blocks);
}

#[test]
fn short_ids_are_found_by_their_beginning() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let changes = (0..200).map(|n| put(post(&format!("post {n}")))).collect();
    let committed = ada.commit(&store, community, Audience::Public, NOON, changes);
    let view = store.view(Scope::Public).unwrap();
    let uris: Vec<Uri> = committed.puts.iter().map(|put| ada.uri(community, &put.path)).collect();
    for uri in &uris {
        let short = uri.short_id();
        assert!(matches!(view.by_short(None, &short).unwrap(), Lookup::Found(entry) if entry.uri == *uri));
        for length in 4..16 {
            let alike: Vec<&Uri> = uris.iter().filter(|uri| uri.short_id().starts_with(&short[..length])).collect();
            match view.by_short(None, &short[..length]).unwrap() {
                Lookup::Found(entry) => assert_eq!(alike, [&entry.uri]),
                Lookup::Ambiguous(found) => assert_eq!(found.len(), alike.len()),
                other => panic!("{other:?}"),
            }
        }
    }
    for wrong in ["", "abc", "abcdefghijklmnopq", "ab1d", "äbcd"] {
        assert!(matches!(view.by_short(None, wrong).unwrap(), Lookup::Absent));
    }
}

#[test]
fn a_list_goes_on_where_it_stopped_even_within_one_microsecond() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    // Consecutive TIDs differ in their low bits: many records of one microsecond.
    let changes = (0..50).map(|n| put(post(&format!("{n}")))).collect();
    ada.commit(&store, community, Audience::Public, NOON, changes);
    let view = store.view(Scope::Public).unwrap();
    let all = view.list(&community, "org.folkmoot.post", None, 1000).unwrap();
    assert_eq!(all.len(), 50);
    let (mut paged, mut before): (Vec<Uri>, Option<(u64, String)>) = (vec![], None);
    loop {
        let at = before.as_ref().map(|(created, short)| (*created, short.as_str()));
        let page = view.list(&community, "org.folkmoot.post", at, 7).unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.created, last.uri.short_id()));
        paged.extend(page.into_iter().map(|entry| entry.uri));
    }
    assert_eq!(paged, all.into_iter().map(|entry| entry.uri).collect::<Vec<_>>());
}

#[test]
fn of_two_devices_the_newer_version_counts_and_a_tombstone_is_one() {
    let mut ada = Person::new(1);
    let phone = ada.second_device(9);
    let (a, p) = (ada.store(), phone.store());
    let community = found(&a, &ada, Visibility::Public, &[]);
    pull(&a, &p, community, Scope::Members, WHOLE);
    let uri = ada.publish(&a, community, NOON, post("from the laptop"));
    pull(&a, &p, community, Scope::Members, WHOLE);
    // The phone's clock is behind; its version must still be newer than the one it replaces.
    phone.commit(&p, community, Audience::Public, NOON - SECOND, vec![edit(&uri.path(), post("from the phone"))]);
    pull(&p, &a, community, Scope::Members, WHOLE);
    for store in [&a, &p] {
        assert_eq!(texts(store, Scope::Public, community), ["from the phone"]);
        let entry = found_entry(store, Scope::Public, &uri).unwrap();
        assert_eq!(entry.device, phone.device.did());
        assert!(store.view(Scope::Public).unwrap().by_cid(&entry.cid).unwrap().is_some());
    }
    let grave = Change::Put { rkey: Some(uri.path()), record: Tombstone::default().into(), again: false };
    ada.commit(&a, community, Audience::Public, NOON + SECOND, vec![grave]);
    pull(&a, &p, community, Scope::Members, WHOLE);
    for store in [&a, &p] {
        assert!(texts(store, Scope::Public, community).is_empty());
        assert!(matches!(store.view(Scope::Public).unwrap().get(&uri).unwrap(), Lookup::Gone(_)));
    }
    equal(&a, &p, community, Scope::Members);
}

#[test]
fn a_time_in_the_future_counts_as_the_time_of_arrival() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let year = 365 * 86_400 * SECOND;
    let uri = ada.publish(&a, community, NOON + year, post("from next year"));
    pull(&a, &b, community, Scope::Members, WHOLE);
    bo.publish(&b, community, ARRIVAL + SECOND, post("from today"));
    assert_eq!(texts(&b, Scope::Public, community), ["from today", "from next year"]);
    let entry = found_entry(&b, Scope::Public, &uri).unwrap();
    assert_eq!((entry.created, entry.updated), (ARRIVAL, ARRIVAL));
    ada.commit(&a, community, Audience::Public, NOON + year, vec![Change::Remove { path: uri.path() }]);
    pull(&a, &b, community, Scope::Members, WHOLE);
    assert_eq!(texts(&b, Scope::Public, community), ["from today"]);
}

#[test]
fn listeners_hear_of_what_pages_show_and_of_nothing_else() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static HEARD: AtomicU64 = AtomicU64::new(0);
    let ada = Person::new(1);
    let store = ada.store();
    store.on_change(Box::new(|generation| HEARD.store(generation, Ordering::SeqCst)));
    store.set_meta("note", Some(b"x")).unwrap();
    assert_eq!(HEARD.load(Ordering::SeqCst), 0);
    let community = found(&store, &ada, Visibility::Public, &[]);
    ada.publish(&store, community, NOON, post("hello"));
    assert_eq!(HEARD.load(Ordering::SeqCst), store.generation());
    assert_eq!(store.view(Scope::Public).unwrap().generation(), store.generation());
}

#[test]
fn generations_never_go_back_or_repeat_however_many_write_at_once() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let before = store.generation();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = heard.clone();
    store.on_change(Box::new(move |generation| ear.lock().unwrap().push(generation)));
    let (writers, posts) = (4, 25);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (store, ada) = (&store, &ada);
            scope.spawn(move || {
                for n in 0..posts {
                    ada.publish(store, community, NOON + writer * SECOND + n, post(&format!("{writer} {n}")));
                }
            });
        }
    });
    let heard = heard.lock().unwrap();
    assert!(heard.is_sorted(), "{heard:?}");
    assert_eq!(store.generation(), before + writers * posts, "each commit has a generation of its own");
    assert_eq!(heard.last(), Some(&store.generation()));
}

#[test]
fn an_equal_post_is_found_behind_an_import_and_a_repeated_import_is_not_stored_twice() {
    let person = Person::new(1);
    let store = person.store();
    let community = found(&store, &person, Visibility::Public, &[]);
    let commit = |now, changes| person.commit(&store, community, Audience::Public, now, changes);
    let first = commit(NOON, vec![put(post("the keys"))]);
    let import = || (0..400).map(|n| put(post(&format!("imported {n}")))).collect::<Vec<_>>();
    assert!(commit(NOON + SECOND, import()).wrote);
    let again = commit(NOON + 2 * SECOND, vec![put(post("the keys"))]);
    assert_eq!((again.wrote, again.puts[0].cid), (false, first.puts[0].cid));
    assert!(!commit(NOON + 3 * SECOND, import()).wrote);
}
