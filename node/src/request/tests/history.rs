//! Which version each was made from.

use folkmoot_schemas::records::{
    event::{Event, Host, HostRole},
    revision::Revision,
};

use super::*;
use crate::{
    publish::tests::draft,
    store::{
        Scope,
        tests::{WHOLE, pull},
    },
};

#[test]
fn what_a_host_changed_goes_on_from_the_version_it_names_and_the_authors_next_one_from_that() {
    let [ada, bo] = [1, 2].map(Home::new);
    let club = ada.person.found("Club", Visibility::Public);
    bo.person.joins(&club, &ada.person, Role::Member);
    let exchange = || {
        pull(&ada.person.store, &bo.person.store, club, Scope::Members, WHOLE);
        pull(&bo.person.store, &ada.person.store, club, Scope::Members, WHOLE);
    };
    let host = Host { did: Some(bo.person.me.did), name: "Bo".into(), role: HostRole::Cohost, edit: true };
    let plan = |name: &str| Event { name: name.into(), hosts: vec![host.clone()], ..gig() };
    let event = ada.person.publish(&club, vec![draft(plan("first"))]).unwrap().items.remove(0);
    exchange();
    let revise = |name: &str| Revision { of: event.uri.clone(), seen: event.cid, event: plan(name) };
    for name in ["by Bo", "by Bo again"] {
        bo.person.publish(&club, vec![draft(revise(name))]).unwrap();
        exchange();
    }
    let edit = crate::publish::Draft { rkey: Some(event.uri.rkey.clone()), ..draft(plan("by Ada")) };
    ada.person.publish(&club, vec![edit]).unwrap();

    let request = Request::History { target: event.uri.to_string(), community: None };
    let Reply::History { versions, .. } = ada.ask(request).reply else { panic!("no history") };
    let name = |version: &VersionInfo| match folkmoot_schemas::Record::open(&version.block).unwrap().2 {
        folkmoot_schemas::Record::Event(event) => event.name,
        folkmoot_schemas::Record::Revision(revision) => revision.event.name.clone(),
        other => panic!("{other:?}"),
    };
    let of = |cid: &String| versions.iter().find(|version| version.cid == *cid).map(name);
    let mut told: Vec<_> = versions
        .iter()
        .map(|version| (name(version), version.base.as_ref().and_then(of), version.apart.len()))
        .collect();
    told.sort();
    let said = |name: &str, base: Option<&str>| (name.to_owned(), base.map(str::to_owned), 0);
    let all = [
        said("by Ada", Some("by Bo again")),
        said("by Bo", Some("first")),
        said("by Bo again", Some("by Bo")),
        said("first", None),
    ];
    assert_eq!(told, all);
}
