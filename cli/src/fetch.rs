//! The one place where the command line fetches an address, and only one a person typed: the proof beside a page.

use std::{io::Read, time::Duration};

use folkmoot_schemas::limits;

use crate::error::{Error, Result};

/// For the whole exchange.
const PATIENCE: Duration = Duration::from_secs(30);
const REDIRECTS: u32 = 3;

/// The proof that the page at `address` offers.
pub(crate) fn proof(address: &str) -> Result<Vec<u8>> {
    let address = beside(address).ok_or_else(|| {
        Error::refused(format!("could not verify {address}: it is not the page of a post or an event"))
            .hint("such addresses have /n/ or /e/ and sixteen letters and digits in them")
    })?;
    let failed = |why: String| {
        Error::network(format!("could not fetch {address}: {why}"))
            .hint("check the address; a record of your own home is verified by its id")
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(REDIRECTS)
        .user_agent(concat!("moot/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let response = agent.get(&address).call().map_err(|why| match why {
        ureq::Error::StatusCode(404 | 410) => Error::refused(format!("could not verify {address}: there is nothing"))
            .hint("it may have been deleted; moot show says what this home knows"),
        other => failed(other.to_string()),
    })?;
    let mut bytes = Vec::new();
    let most = limits::CAR_PROOF as u64;
    response.into_body().into_reader().take(most + 1).read_to_end(&mut bytes).map_err(|why| failed(why.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(Error::refused(format!("could not verify {address}: it is larger than any proof"))
            .hint("save it to a file and verify that"));
    }
    Ok(bytes)
}

/// `…[/c/<community>]/{e,n}/<id>.car` of a page's address, whatever stands behind the id.
fn beside(address: &str) -> Option<String> {
    let address = address.split(['?', '#']).next()?;
    let (scheme, rest) = address.split_once("://")?;
    let segments: Vec<&str> = rest.split('/').collect();
    let (host, path) = segments.split_first().filter(|(host, _)| !host.is_empty())?;
    let at = path.iter().rposition(|segment| matches!(*segment, "e" | "n"))?;
    let id = path.get(at + 1)?;
    let id = id.split_once('.').map_or(*id, |(id, _)| id);
    let known = id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    let before = path[..=at].join("/");
    known.then(|| format!("{scheme}://{host}/{before}/{id}.car"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_and_everything_beside_it_leads_to_its_proof() {
        let proof = "https://moot.example.org/e/abcdefghijklmn23.car";
        for address in [
            "https://moot.example.org/e/abcdefghijklmn23",
            "https://moot.example.org/e/abcdefghijklmn23.car",
            "https://moot.example.org/e/abcdefghijklmn23.ics?x=1",
            "https://moot.example.org/e/abcdefghijklmn23/at/2026-12-05#top",
        ] {
            assert_eq!(beside(address).as_deref(), Some(proof), "{address}");
        }
        let below = "http://127.0.0.1:4780/c/bafyrei/n/abcdefghijklmn23";
        assert_eq!(beside(below), Some(format!("{below}.car")));
        for other in ["https://a.example/", "https://a.example/p/x", "https:///e/abcdefghijklmn23", "http://a/e/short"]
        {
            assert_eq!(beside(other), None, "{other}");
        }
    }
}
