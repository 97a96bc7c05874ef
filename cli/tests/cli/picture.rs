use std::fs;

use crate::home::Home;

#[test]
fn a_picture_is_shown_without_what_it_tells_of_where_it_was_taken() {
    let home = Home::settled();
    let chunk = |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], kind, body, b"sum!"].concat();
    let poster = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", b"\0\0\0\x04\0\0\0\x03\x08\x02\0\0\0"),
        chunk(b"eXIf", b"behind the old mill"),
        chunk(b"IDAT", b"three herons"),
        chunk(b"IEND", b""),
    ];
    let file = |name: &str, bytes: &[u8]| {
        let path = home.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (poster, text) = (file("poster.png", &poster.concat()), file("poster.txt", b"three herons"));
    let add = ["event", "add", "Gig", "2031-05-02 20:00", "--image"];
    let with = |more: &[&str]| add.iter().chain(more).map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
    let refused = |more: &[&str], code: i32| {
        let args = with(more);
        home.refused(code, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(refused(&[&poster], 2).contains("--alt"), "who cannot see it is told");
    assert!(refused(&[&text, "--alt", "Herons"], 1).contains("no JPEG, PNG or WebP"));
    assert!(refused(&["/nowhere.png", "--alt", "Herons"], 1).contains("/nowhere.png"));
    let args = with(&[&poster, "--alt", "Three herons"]);
    home.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let image = &home.json(&["event", "show", "Gig"])[0]["record"]["image"];
    assert_eq!((&image["alt"], &image["width"], &image["height"]), (&"Three herons".into(), &4.into(), &3.into()));
    assert!(home.ok(&["event", "show", "Gig"]).contains("picture  Three herons"));
    let post = home.json(&["post", "Look", "--image", &poster, "--alt", "Three herons"]).remove(0);
    let shown = &home.json(&["show", post["short"].as_str().unwrap()])[0]["record"]["images"];
    assert_eq!(shown[0]["blob"], image["blob"]);
    let store = fs::read(home.dir().join("store.redb")).unwrap();
    let holds = |text: &[u8]| store.windows(text.len()).any(|part| part == text);
    assert!(holds(b"IDATthree herons") && !holds(b"old mill"));
    home.ok(&["event", "edit", "Gig", "--image", ""]);
    assert!(home.json(&["event", "show", "Gig"])[0]["record"].get("image").is_none());
}
