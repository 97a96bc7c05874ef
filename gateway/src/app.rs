//! From a request to an answer: method, size and host first, then the route, then one read transaction.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header::HOST},
    response::Response,
};
use folkmoot_node::{archive::Proofs, clock::Clock, node::Health, store::PublicReader};
use tokio::{sync::Semaphore, task::JoinError};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    HealthSource,
    answer::{Answer, Caching, JSON},
    cache::{Cache, Moment},
    origin::{Hosts, Origin},
    pages::{self, PageError, Prover, notice},
    route::{self, Page, Parsed, Route},
};

/// Bytes of a request's line and headers together.
const HEAD_MAX: usize = 8 * 1024;
/// From the end of the headers to the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Pages made at the same time; further requests wait their turn.
const RENDERS: usize = 8;

pub(crate) struct App {
    pub(crate) origin: Origin,
    pub(crate) hosts: Hosts,
    reader: PublicReader,
    health: HealthSource,
    clock: Clock,
    cache: Cache,
    proofs: Proofs,
    renders: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(origin: Origin, hosts: Hosts, reader: PublicReader, health: HealthSource, clock: Clock) -> Self {
        let renders = Arc::new(Semaphore::new(RENDERS));
        Self { origin, hosts, reader, health, clock, cache: Cache::default(), proofs: Proofs::default(), renders }
    }
}

pub(crate) async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match refuse(&app, &parts.method, &parts.uri, &parts.headers, &body) {
        Some(refusal) => refusal,
        None => match tokio::time::timeout(ANSWER_WITHIN, apart(found(app, parts.uri))).await {
            Ok(answer) => answer,
            Err(_) => notice::busy(),
        },
    };
    answer.respond(&parts.method, &parts.headers)
}

/// In a task of its own, so that a panic ends this request with an answer and leaves the connection and the node be.
async fn apart(work: impl Future<Output = Answer> + Send + 'static) -> Answer {
    match AbortOnDropHandle::new(tokio::spawn(work)).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "answering a request broke off");
            notice::failed()
        }
    }
}

/// What is not even looked up.
fn refuse(app: &App, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Body) -> Option<Answer> {
    use axum::body::HttpBody;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Some(notice::not_allowed());
    }
    let line = uri.path_and_query().map_or(0, |p| p.as_str().len());
    if line + headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() > HEAD_MAX {
        return Some(notice::too_large());
    }
    if !body.is_end_stream() {
        return Some(notice::bad_request("A request for a page has no body."));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let named = match (uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), ..) => authority.as_str(),
        (None, Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Some(notice::bad_request("A request names exactly one host.")),
    };
    (!app.hosts.allow(named)).then(notice::wrong_host)
}

async fn found(app: Arc<App>, uri: Uri) -> Answer {
    let route = match route::parse(uri.path(), uri.query()) {
        Parsed::Found(route) => *route,
        Parsed::Moved(to) => return Answer::moved(&to),
        Parsed::Unknown => return unknown(app).await,
    };
    if route.page == Page::Health {
        return health(&app);
    }
    made(app, route).await
}

/// A wrong address still wears the community's dress: it is made like the page of an event nobody has.
async fn unknown(app: Arc<App>) -> Answer {
    made(app, Route { community: None, page: Page::Event(String::new()), query: route::Query::default() }).await
}

async fn made(app: Arc<App>, route: Route) -> Answer {
    let seconds = app.clock.seconds();
    let moment = Moment { generation: app.reader.generation(), minute: seconds.div_euclid(60) };
    if let Some(answer) = app.cache.get(&route, moment) {
        return answer;
    }
    let Ok(permit) = Arc::clone(&app.renders).acquire_owned().await else { return notice::failed() };
    let made = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        // A page is what it is in its minute, so that all who ask in it get the same bytes.
        let view = app.reader.view()?;
        let prover = Prover { proofs: &app.proofs, generation: moment.generation };
        let answer = pages::answer(&app.origin, &view, prover, &route, moment.minute * 60)?;
        app.cache.put(route, moment, &answer);
        Ok(answer)
    });
    settled(made.await)
}

/// What became of making a page: whatever went wrong, and be it a panic, whoever asked gets an answer.
fn settled(made: Result<Result<Answer, PageError>, JoinError>) -> Answer {
    match made {
        Ok(Ok(answer)) => return answer,
        Ok(Err(error)) => tracing::error!(%error, "a page could not be made"),
        Err(error) => tracing::error!(%error, "making a page broke off"),
    }
    notice::failed()
}

/// For whoever watches over the node. Pages can be read even when nothing can be written, but then a person is needed.
fn health(app: &App) -> Answer {
    let Health { peers, uptime_s, writable } = (app.health.0)();
    let mut body = serde_json::json!({ "ok": writable, "peers": peers, "uptime_s": uptime_s, "writable": writable });
    if writable {
        return Answer::new(JSON, format!("{body}\n"), Caching::Never);
    }
    body["why"] =
        "the last write failed: the disk is full or failing; writing goes on by itself when it takes writes again"
            .into();
    Answer::unwell(format!("{body}\n"))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn a_panic_while_a_page_is_made_is_answered_with_500() {
        let made = tokio::task::spawn_blocking(|| panic!("on purpose")).await;
        assert_eq!(settled(made).status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(apart(async { panic!("on purpose") }).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
