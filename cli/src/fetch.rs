//! The one place where the command line fetches an address, and only one a person typed: the proof beside a page. What is
//! fetched is believed in nothing, not even in being about the page.

use std::{io::Read, time::Duration};

use folkmoot_node::archive::Verified;
use folkmoot_schemas::{
    Cid,
    block::parse_cid,
    kind::Kind,
    limits,
    records::{event::Event, post::Post},
};

use crate::error::{Error, Result};

/// For the whole exchange.
const PATIENCE: Duration = Duration::from_secs(30);
const REDIRECTS: u32 = 3;

/// The page of one record, and what its address says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Where its proof is: `…[/c/<community>]/{e,n}/<id>.car`, whatever stands behind the id.
    proof: String,
    id: String,
    collection: &'static str,
    community: Option<Cid>,
}

impl Page {
    pub(crate) fn of(address: &str) -> Result<Self> {
        Self::parse(address).ok_or_else(|| {
            Error::refused(format!("could not verify {address}: it is not the page of a post or an event"))
                .hint("such addresses have /n/ or /e/ and sixteen letters and digits in them")
        })
    }

    fn parse(address: &str) -> Option<Self> {
        let address = address.split(['?', '#']).next()?;
        let (scheme, rest) = address.split_once("://")?;
        let segments: Vec<&str> = rest.split('/').collect();
        let (host, path) = segments.split_first().filter(|(host, _)| !host.is_empty())?;
        let at = path.iter().rposition(|segment| matches!(*segment, "e" | "n"))?;
        let collection = if path[at] == "e" { Event::NAME } else { Post::NAME };
        let id = path.get(at + 1)?;
        let id = id.split_once('.').map_or(*id, |(id, _)| id);
        let known = id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let community = match path[..at] {
            [.., "c", named] => Some(parse_cid(named).ok()?),
            _ => None,
        };
        let before = path[..=at].join("/");
        let proof = format!("{scheme}://{host}/{before}/{id}.car");
        known.then(|| Self { proof, id: id.to_owned(), collection, community })
    }

    /// Whether what was proved is what the page is about. A true proof of another record says nothing of this one.
    pub(crate) fn contradicts(&self, verified: &Verified) -> Option<String> {
        let Some(claim) = &verified.claim else {
            // What is lacking or damaged is said already.
            return verified.holds().then(|| "what the page offers is no proof of one record".to_owned());
        };
        let uri = &claim.uri;
        if uri.short_id() != self.id || uri.collection != self.collection {
            return Some(format!("the page offers the proof of another record, {uri}"));
        }
        let other = self.community.is_some_and(|community| community != uri.community);
        other.then(|| format!("the page offers the proof of a record in another community, {uri}"))
    }
}

/// The proof that a page offers.
pub(crate) fn proof(page: &Page) -> Result<Vec<u8>> {
    let address = &page.proof;
    let failed = |why: String| {
        Error::network(format!("could not fetch {address}: {why}"))
            .hint("check the address; a record of your own home is verified by its id")
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .user_agent(concat!("moot/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut at = address.clone();
    let mut hops = 0;
    let response = loop {
        let response = agent.get(&at).call().map_err(|why| match why {
            ureq::Error::StatusCode(404 | 410) => {
                Error::refused(format!("could not verify {address}: there is nothing"))
                    .hint("it may have been deleted; moot show says what this home knows")
            }
            other => failed(other.to_string()),
        })?;
        if !response.status().is_redirection() {
            break response;
        }
        let to = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
        hops += 1;
        at = match onward(&at, to) {
            Some(next) if hops <= REDIRECTS => next,
            Some(_) => return Err(failed("it leads from one address to the next".into())),
            None => return Err(failed(format!("it leads elsewhere, to {to:?}, and that was not asked for"))),
        };
    };
    let mut bytes = Vec::new();
    let most = limits::CAR_PROOF as u64;
    response.into_body().into_reader().take(most + 1).read_to_end(&mut bytes).map_err(|why| failed(why.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(Error::refused(format!("could not verify {address}: it is larger than any proof"))
            .hint("save it to a file and verify that"));
    }
    Ok(bytes)
}

/// Where a redirect leads, on the same host: a page must not have other machines asked, on a home network least of all.
/// Only from http to https it may change its port, from the usual one to the usual one.
fn onward(from: &str, to: &str) -> Option<String> {
    let (scheme, rest) = from.split_once("://")?;
    let host = rest.split('/').next()?;
    if to.starts_with('/') && !to.starts_with("//") && !to.contains('\\') {
        return Some(format!("{scheme}://{host}{to}"));
    }
    let (next_scheme, next) = to.split_once("://")?;
    let same = next.split(['/', '?', '#']).next()? == host;
    let safer = scheme == "http" && next_scheme == "https" && !host.contains(':');
    (same && (next_scheme == scheme || safer)).then(|| to.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    const COMMUNITY: &str = "bafyreicbfop4lllcgvzfzbhxi4srgujollzmx76fuiqlumcraqqm4c6cvq";

    #[test]
    fn a_page_and_everything_beside_it_leads_to_its_proof() {
        let page = |address: &str| Page::parse(address);
        let proof = "https://moot.example.org/e/abcdefghijklmn23.car";
        for address in [
            "https://moot.example.org/e/abcdefghijklmn23",
            "https://moot.example.org/e/abcdefghijklmn23.car",
            "https://moot.example.org/e/abcdefghijklmn23.ics?x=1",
            "https://moot.example.org/e/abcdefghijklmn23/at/2026-12-05#top",
        ] {
            let page = page(address).unwrap();
            assert_eq!((page.proof.as_str(), page.id.as_str()), (proof, "abcdefghijklmn23"), "{address}");
            assert_eq!((page.collection, page.community), (Event::NAME, None));
        }
        let below = format!("http://127.0.0.1:4780/c/{COMMUNITY}/n/abcdefghijklmn23");
        let found = page(&below).unwrap();
        assert_eq!(found.proof, format!("{below}.car"));
        assert_eq!((found.collection, found.community), (Post::NAME, parse_cid(COMMUNITY).ok()));
        for other in [
            "https://a.example/",
            "https://a.example/p/x",
            "https:///e/abcdefghijklmn23",
            "http://a/e/short",
            "http://a/c/bafyrei/n/abcdefghijklmn23",
        ] {
            assert_eq!(page(other), None, "{other}");
        }
    }

    #[test]
    fn a_redirect_stays_on_its_host() {
        let from = "http://moot.example.org/e/a.car";
        assert_eq!(onward(from, "/c/x/e/a.car").as_deref(), Some("http://moot.example.org/c/x/e/a.car"));
        for good in ["http://moot.example.org/x", "https://moot.example.org/x"] {
            assert_eq!(onward(from, good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "x.car",
            "//evil.example/x",
            "/\\evil.example/x",
            "http://evil.example/x",
            "http://moot.example.org:8080/x",
            "http://moot.example.org@evil.example/x",
            "http://moot.example.org.evil.example/x",
            "file:///etc/passwd",
        ] {
            assert_eq!(onward(from, bad), None, "{bad}");
        }
        assert_eq!(onward("https://moot.example.org/x", "http://moot.example.org/x"), None, "nor to less safety");
    }

    /// Answers one request with these bytes.
    fn once(listener: TcpListener, answer: String) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        })
    }

    #[test]
    fn a_page_that_leads_to_another_machine_is_not_followed() {
        let (here, there) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        there.set_nonblocking(true).unwrap();
        let (at, other) = (here.local_addr().unwrap(), there.local_addr().unwrap());
        let moved = format!("HTTP/1.1 302 Found\r\nLocation: http://{other}/x\r\nContent-Length: 0\r\n\r\n");
        let server = once(here, moved);
        let page = Page::parse(&format!("http://{at}/n/abcdefghijklmn23")).unwrap();
        let said = proof(&page).unwrap_err();
        assert!(format!("{said:?}").contains("leads elsewhere"), "{said:?}");
        server.join().unwrap();
        assert_eq!(there.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
    }
}
