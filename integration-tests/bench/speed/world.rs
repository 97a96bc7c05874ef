//! A person with a community, filled and emptied through the store's own doors.

use std::path::PathBuf;

use folkmoot_integration_tests::Home;
use folkmoot_node::{
    clock::Clock,
    home,
    publish::{self, Draft, Me},
    store::{Batch, RepoUpdate, Scope, Store},
};
use folkmoot_schemas::{
    Audience, Cid, Record,
    block::{Block, DAG_CBOR},
    commit::HeadRef,
    limits,
    records::post::Post,
};

/// What a peer is sent in one answer.
pub(crate) struct Answer {
    pub(crate) commit: Block,
    pub(crate) put: Vec<(String, Cid)>,
    pub(crate) blocks: Vec<(Cid, Vec<u8>)>,
    pub(crate) complete: bool,
}

pub(crate) struct World {
    home: Home,
    store: Store,
    me: Me,
    clock: Clock,
    community: Cid,
    /// Posts published one by one.
    single: std::cell::Cell<usize>,
}

/// Posts of 60 to 500 characters, no two alike, and the mean size of their records.
pub(crate) fn records(count: usize) -> (Vec<Record>, usize) {
    const WORDS: &str = "the keys hang behind the bar and whoever comes first puts the kettle on before we all begin ";
    let text = |n: usize| -> String {
        let length = 60 + n * 7_919 % 441;
        format!("{n} {}", WORDS).chars().cycle().take(length).collect()
    };
    let records: Vec<Record> =
        (0..count).map(|n| Post { text: text(n), lang: Some("en".into()), ..Post::default() }.into()).collect();
    let size = |record: &Record| record.size().expect("a record");
    let mean = records.iter().map(size).sum::<usize>() / count.max(1);
    (records, mean)
}

/// The records as somebody hands them in to be published.
pub(crate) fn drafts(records: &[Record]) -> Vec<Draft> {
    let draft = |record: &Record| Draft { audience: None, rkey: None, record: record.clone(), again: false };
    records.iter().map(draft).collect()
}

impl World {
    pub(crate) fn new() -> Self {
        let home = Home::new("speed");
        home.ok(&["init", "--name", "Speed", "--phrase-file", &home.scratch("phrase").display().to_string()]);
        home.ok(&["community", "create", "Speed", "--public"]);
        let node = home::Home::open(&home.path()).expect("the home opens");
        let store = node.open_store().expect("the store opens");
        let me = Me::load(&store, node.device_key().expect("a key")).expect("a person");
        let communities = store.view(Scope::Members).expect("a view").communities().expect("communities");
        let community = communities[0].id;
        Self { home, store, me, clock: Clock::system(), community, single: std::cell::Cell::new(0) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.scratch(name)
    }

    pub(crate) fn publish(&self, drafts: Vec<Draft>) -> HeadRef {
        let published =
            publish::publish(&self.store, &self.me, &self.clock, &self.community, drafts).expect("it is published");
        assert!(published.items.iter().all(|item| !item.existed), "all are new");
        self.head(&self.store)
    }

    pub(crate) fn publish_one(&self) {
        let n = self.single.replace(self.single.get() + 1);
        self.publish(drafts(&[Post { text: format!("One more, the {n}th"), ..Post::default() }.into()]));
    }

    fn head(&self, store: &Store) -> HeadRef {
        let heads = store.view(Scope::Members).expect("a view").heads(&self.community).expect("heads");
        let public = heads.into_iter().find(|head| head.repo.audience == Audience::Public);
        public.and_then(|head| head.held).expect("a tree is held")
    }

    /// The public repository whole, in as many answers as a pull takes.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        let view = self.store.view(Scope::Members).expect("a view");
        let heads = view.heads(&self.community).expect("heads");
        let head = heads.into_iter().find(|head| head.repo.audience == Audience::Public).expect("a repository");
        let (mut answers, mut after) = (Vec::new(), None::<String>);
        loop {
            let delta = view
                .delta(&self.community, &head.repo, None, after.as_deref(), limits::PULL_ANSWER)
                .expect("the store answers")
                .expect("the repository is there");
            after.clone_from(&delta.more);
            answers.push(Answer {
                commit: delta.commit,
                put: delta.put,
                blocks: delta.blocks.iter().map(|block| (*block.cid(), block.bytes().to_vec())).collect(),
                complete: after.is_none(),
            });
            if after.is_none() {
                return answers;
            }
        }
    }

    /// What a node does with these answers: every block checked, the tree built and compared, all of it stored.
    pub(crate) fn take(&self, answers: Vec<Answer>) -> HeadRef {
        let store = Store::create(&self.path("taken.redb")).expect("a store");
        let mut roster = Batch::new(self.community, Audience::Public);
        let view = self.store.view(Scope::Members).expect("a view");
        roster.charter = view.charter(&self.community).expect("the charter");
        (roster.ops, roster.identities) = view.roster(&self.community).expect("the roster");
        drop(view);
        store.apply(roster, self.clock.micros()).expect("the roster is taken");
        for (n, answer) in answers.into_iter().enumerate() {
            let check = |(cid, bytes): (Cid, Vec<u8>)| {
                assert_eq!(cid.codec(), DAG_CBOR);
                Block::verify(&cid, bytes, limits::RECORD).expect("sound")
            };
            let mut batch = Batch::new(self.community, Audience::Public);
            batch.repos.push(RepoUpdate {
                commit: answer.commit,
                since: None,
                first: n == 0,
                put: answer.put,
                gone: Vec::new(),
                blocks: answer.blocks.into_iter().map(check).collect(),
                complete: answer.complete,
            });
            let applied = store.apply(batch, self.clock.micros()).expect("the answer is taken");
            assert!(applied.refused.is_empty() && applied.mismatched.is_empty(), "{applied:?}");
        }
        self.head(&store)
    }

    /// Closes the store; the home stays.
    pub(crate) fn close(self) -> Home {
        self.home
    }
}
