use serde_json::Value;

use crate::home::Home;

#[test]
fn a_venue_is_described_once_and_its_doubles_are_noticed() {
    let home = Home::settled();
    home.ok(&[
        "venue",
        "add",
        "The Mill",
        "--street",
        "River Street 1",
        "--locality",
        "Cottbus",
        "--geo",
        "51.7563,14.3329",
    ]);
    let said = home.refused(1, &["venue", "add", "the MILL"]);
    assert!(said.contains("there is already “The Mill, Cottbus”") && said.contains("--new"), "{said}");
    home.refused(1, &["venue", "add", "Elsewhere", "--geo", "51.75631,14.33291"]);
    home.ok(&["venue", "add", "Old Mill", "--same-as", "the mill", "--alias", "Mühle"]);
    let list = home.json(&["venue", "list"]);
    assert_eq!((list.len(), &list[0]["record"]["name"]), (1, &Value::from("The Mill")));
    assert_eq!(list[0]["same"].as_array().unwrap().len(), 1);

    let gig = &home.json(&["event", "add", "Gig", "2030-12-05 20:00", "--venue", "mühle"])[0];
    let place = &home.json(&["show", gig["short"].as_str().unwrap()])[0]["record"]["places"][0];
    assert_eq!((&place["street"], &place["venue"]), (&Value::from("River Street 1"), &list[0]["uri"]));
    let output = home.run(&["event", "add", "Fair", "2030-12-06 20:00", "--place", "Mill"]);
    assert!(output.status.success() && output.stderr.is_empty(), "another name is another place");
    let output = home.run(&["event", "add", "Fair", "2030-12-07 20:00", "--place", "the mill"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("--venue"));
}
