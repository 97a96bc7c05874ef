//! Members find each other without the one they joined through.

use folkmoot_integration_tests::{Home, eventually};
use serde_json::Value;

/// Is somebody of that name connected?
fn sees(home: &Home, name: &str) -> Result<(), String> {
    let peers = home.json(&["peer", "list"]);
    let there = |peer: &Value| peer["name"] == name && peer["connected"] == true;
    if peers.iter().any(there) { Ok(()) } else { Err(format!("{peers:?}")) }
}

fn holds(home: &Home, uri: &str) -> Result<(), String> {
    let shown = home.moot(&["show", uri]);
    if shown.status.success() { Ok(()) } else { Err(folkmoot_integration_tests::text(&shown)) }
}

fn post(home: &Home, text: &str) -> String {
    home.one(&["post", text])["uri"].as_str().expect("a uri").to_owned()
}

#[test]
fn members_who_joined_through_a_founder_find_each_other_without_it_and_it_finds_them_again() {
    let (ada, bo, cy) = (Home::new("ada"), Home::new("bo"), Home::new("cy"));
    ada.ok(&["init", "--name", "Ada"]);
    let a = ada.start(&["quickstart", "River Street"]);
    for (home, name) in [(&bo, "Bo"), (&cy, "Cy")] {
        let link = ada.one(&["invite"])["link"].as_str().expect("a link").to_owned();
        home.ok(&["join", &link, "--name", name]);
    }
    let (b, c) = (bo.start(&["serve"]), cy.start(&["serve"]));
    eventually("bo is connected to cy", || sees(&bo, "Cy"));
    eventually("cy is connected to bo", || sees(&cy, "Bo"));
    let before = a.address();
    assert!(a.stop().success());

    let first = post(&bo, "Ada is away, and the rehearsal is on.");
    eventually("cy has what bo wrote while ada was away", || holds(&cy, &first));

    // Another port: nobody knows where she is now, but she knows where the others are.
    let a = ada.start(&["serve"]);
    assert_ne!(a.address(), before);
    eventually("ada has it too", || holds(&ada, &first));
    for home in [&bo, &cy] {
        eventually("she is seen again", || sees(home, "Ada"));
    }

    // The others learned where she is: bo comes back at another place himself, and finds both.
    assert!(b.stop().success());
    let b = bo.start(&["serve"]);
    for name in ["Ada", "Cy"] {
        eventually("bo finds everybody", || sees(&bo, name));
    }
    let second = post(&cy, "See you there.");
    for home in [&ada, &bo] {
        eventually("everybody has it", || holds(home, &second));
    }
    for node in [a, b, c] {
        assert!(node.stop().success());
    }
}

/// As a machine that lost its network: its connections stand, and nothing comes through them.
#[test]
fn a_node_that_went_silent_is_given_up_and_found_again() {
    let (ada, bo) = (Home::new("ada"), Home::new("bo"));
    ada.ok(&["init", "--name", "Ada"]);
    let a = ada.start(&["quickstart", "River Street"]);
    let link = ada.one(&["invite"])["link"].as_str().expect("a link").to_owned();
    bo.ok(&["join", &link, "--name", "Bo"]);
    let b = bo.start(&["serve"]);
    eventually("they are connected", || sees(&ada, "Bo"));
    b.hold();
    eventually("ada notices that he is not there", || match sees(&ada, "Bo") {
        Ok(()) => Err("still thought to be connected".to_owned()),
        Err(_) => Ok(()),
    });
    b.go_on();
    eventually("they are connected again", || sees(&ada, "Bo"));
    let uri = post(&bo, "Back again.");
    eventually("what he says arrives", || holds(&ada, &uri));
    assert!(a.stop().success() && b.stop().success());
}

#[test]
fn a_new_address_of_somebody_known_is_dialled_at_once() {
    let (ada, bo) = (Home::new("ada"), Home::new("bo"));
    ada.ok(&["init", "--name", "Ada"]);
    let a = ada.start(&["quickstart", "River Street"]);
    let link = ada.one(&["invite"])["link"].as_str().expect("a link").to_owned();
    bo.ok(&["join", &link, "--name", "Bo"]);
    assert!(a.stop().success());
    let b = bo.start(&["serve"]);
    eventually("bo has nobody, and is told what to do", || {
        let said = folkmoot_integration_tests::text(&bo.moot(&["peer", "list"]));
        if said.contains("moot peer add") && said.contains("not connected") { Ok(()) } else { Err(said) }
    });
    // The founder never knew where bo's node is: it has not run until now.
    let a = ada.start(&["serve"]);
    bo.ok(&["peer", "add", &a.address()]);
    eventually("bo reaches ada at her new address", || sees(&bo, "Ada"));
    assert!(a.stop().success() && b.stop().success());
}
