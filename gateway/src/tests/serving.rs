use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use crate::{Gateway, GatewayConfig, GatewayError, Health, HealthSource, sample};

struct Running {
    at: SocketAddr,
    river: sample::RiverStreet,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn health() -> HealthSource {
    HealthSource(Arc::new(|| Health { peers: 3, uptime_s: 5, writable: true }))
}

async fn running() -> Running {
    running_with(health()).await
}

async fn running_with(health: HealthSource) -> Running {
    let river = sample::river_street();
    let config =
        GatewayConfig { listen: "127.0.0.1:0".parse().unwrap(), public_url: None, hosts: vec!["board.lan".into()] };
    let gateway = Gateway::bind(config, river.sample.store.public_reader(), health, sample::clock()).await.unwrap();
    let at = gateway.local_addr();
    assert_eq!(gateway.base_url(), format!("http://{at}"));
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(gateway.run(async {
        let _ = stopped.await;
    }));
    Running { at, river, stop, task }
}

impl Running {
    /// Sends these bytes and reads until the server closes.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn send(&self, method: &str, path: &str, headers: &str) -> String {
        self.raw(&format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")).await
    }

    async fn get(&self, path: &str) -> String {
        self.send("GET", path, "").await
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn assert_secured(answer: &str) {
    assert_eq!(
        header(answer, "content-security-policy"),
        "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
    assert_eq!(header(answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(answer, "referrer-policy"), "no-referrer");
    assert!(!answer.to_ascii_lowercase().contains("set-cookie"));
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find(|l| l.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.and_then(|l| l.split_once(": ")).map_or("", |(_, value)| value)
}

#[tokio::test]
async fn every_kind_of_answer_has_the_security_headers_and_no_cookie() {
    let server = running().await;
    let home = server.get("/").await;
    let tag = header(&home, "etag").to_owned();
    let big = format!("X-Big: {}\r\n", "x".repeat(9_000));
    let answers = [
        ("200", home),
        ("200", server.get("/calendar.ics").await),
        ("200", server.get("/feed.atom").await),
        ("200", server.get("/healthz").await),
        ("200", server.get("/robots.txt").await),
        ("200", server.get("/favicon.ico").await),
        ("200", server.get("/style.css").await),
        ("304", server.send("GET", "/", &format!("If-None-Match: {tag}\r\n")).await),
        ("308", server.get("/events").await),
        ("400", server.raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await),
        ("400", server.send("GET", "/", "Content-Length: 3\r\n\r\nabc").await),
        ("404", server.get("/nothing").await),
        ("404", server.get("/e/aaaaaaaaaaaaaaaa").await),
        ("405", server.send("POST", "/", "Content-Length: 0\r\n").await),
        ("405", server.send("DELETE", "/nothing", "").await),
        ("410", server.get(&format!("/n/{}", server.river.deleted.short_id())).await),
        ("421", server.raw("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await),
        ("431", server.send("GET", "/", &big).await),
    ];
    for (expected, answer) in answers {
        assert_eq!(status(&answer), expected, "{answer}");
        assert_secured(&answer);
    }
}

#[tokio::test]
async fn a_panic_ends_the_request_it_happened_in_and_nothing_else() {
    let server = running_with(HealthSource(Arc::new(|| panic!("on purpose")))).await;
    let keep_alive = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let both = server.raw(&format!("{keep_alive}GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await;
    let (broken, next) = both.split_once("</html>").unwrap();
    assert_eq!(status(broken), "500");
    assert_secured(broken);
    assert!(body(broken).contains("could not be made") && !broken.contains("on purpose"));
    assert_eq!(status(next), "200", "the same connection goes on: {next}");
}

#[tokio::test]
async fn a_node_that_cannot_write_is_unwell_and_says_why() {
    let well = body(&running().await.get("/healthz").await).to_owned();
    assert_eq!(well, "{\"ok\":true,\"peers\":3,\"uptime_s\":5,\"writable\":true}\n");
    let full = HealthSource(Arc::new(|| Health { peers: 3, uptime_s: 5, writable: false }));
    let server = running_with(full).await;
    let answer = server.get("/healthz").await;
    assert_eq!(status(&answer), "503");
    assert_secured(&answer);
    assert!(body(&answer).contains("the disk is full or failing"));
    assert_eq!(status(&server.get("/").await), "200", "reading goes on");
}

#[tokio::test]
async fn head_is_a_get_without_its_body() {
    let server = running().await;
    for path in ["/", "/calendar.ics", "/nothing", "/style.css"] {
        let (get, head) = (server.get(path).await, server.send("HEAD", path, "").await);
        assert_eq!(body(&head), "");
        assert_eq!(header(&get, "content-length"), header(&head, "content-length"), "{path}");
        assert_eq!(header(&get, "etag"), header(&head, "etag"));
        assert_eq!(status(&get), status(&head));
    }
}

#[tokio::test]
async fn a_host_is_compared_and_never_printed() {
    let server = running().await;
    for host in ["localhost", "127.0.0.1:80", "[::1]", "board.lan"] {
        let answer = server.raw(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(status(&answer), "200", "{host}");
        assert!(answer.contains(&format!("href=\"http://{}/\"", server.at)) && !answer.contains("board.lan"));
    }
    let absolute = "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&server.raw(absolute).await), "421");
}

#[tokio::test]
async fn a_style_sheet_named_by_its_content_is_kept_for_good() {
    let server = running().await;
    let home = server.get("/").await;
    let (_, rest) = home.split_once("href=\"/style.css").unwrap();
    let named = server.get(&format!("/style.css{}", rest.split_once('"').unwrap().0)).await;
    assert!(header(&named, "cache-control").contains("immutable"));
    assert!(body(&named).contains("--accent:#17665a"));
    assert!(!header(&server.get("/style.css?v=other").await, "cache-control").contains("immutable"));
}

#[tokio::test]
async fn a_change_in_the_store_changes_the_page_and_its_tag() {
    let server = running().await;
    let before = server.get("/").await;
    let ada = server.river.sample.somebody(1);
    server.river.sample.publish(&ada, &server.river.community, sample::post("Just now!"));
    let after = server.send("GET", "/", &format!("If-None-Match: {}\r\n", header(&before, "etag"))).await;
    assert_eq!(status(&after), "200");
    assert!(body(&after).contains("Just now!") && !before.contains("Just now!"));
}

#[tokio::test]
async fn many_silent_connections_do_not_keep_others_out() {
    let server = running().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(server.at).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
        silent.push(stream);
    }
    assert_eq!(status(&server.get("/").await), "200");
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_the_listener() {
    let server = running().await;
    let mut idle = TcpStream::connect(server.at).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 1024];
    assert!(idle.read(&mut first).await.unwrap() > 0);
    server.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(20), server.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.at).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_and_a_wrong_origin_are_said() {
    let server = running().await;
    let reader = || server.river.sample.store.public_reader();
    let config = GatewayConfig { listen: server.at, public_url: None, hosts: Vec::new() };
    let taken = Gateway::bind(config.clone(), reader(), health(), sample::clock()).await;
    assert!(matches!(taken, Err(GatewayError::Listen { addr, .. }) if addr == server.at));
    let config = GatewayConfig { public_url: Some("moot.example".into()), ..config };
    let wrong = Gateway::bind(config, reader(), health(), sample::clock()).await;
    assert!(matches!(wrong, Err(GatewayError::PublicUrl(_))));
}
