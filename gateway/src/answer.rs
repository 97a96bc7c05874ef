//! An answer before it is sent, and the one place that turns it into a response: with the same security headers on
//! every answer there is, errors and "not modified" included.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, LOCATION, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::Response,
};
use bytes::Bytes;
use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const CALENDAR: &str = "text/calendar; charset=utf-8";
pub(crate) const ATOM: &str = "application/atom+xml; charset=utf-8";
pub(crate) const CSS: &str = "text/css; charset=utf-8";
pub(crate) const SVG: &str = "image/svg+xml";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json";
pub(crate) const ARCHIVE: &str = "application/vnd.ipld.car; version=1";
pub(crate) const BYTES: &str = "application/octet-stream";

/// On every answer. Only our own images and styles load; nothing runs, nothing can be posted, nobody frames us.
const SECURITY: [(HeaderName, &str); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
];

/// How long an answer may be kept by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Kept, but asked for again each time; costs a 304.
    Revalidate,
    /// Lists and subscriptions: five minutes.
    List,
    /// Named by its content.
    Immutable,
    Never,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    kind: &'static str,
    body: Bytes,
    caching: Caching,
    /// Of the body, so equal pages have equal tags on every gateway; absent where nothing is kept.
    etag: Option<HeaderValue>,
    extra: Option<(HeaderName, HeaderValue)>,
}

impl Answer {
    pub(crate) fn new(kind: &'static str, body: impl Into<Bytes>, caching: Caching) -> Self {
        let body = body.into();
        let etag = (caching != Caching::Never).then(|| tag(&body));
        Self { status: StatusCode::OK, kind, body, caching, etag, extra: None }
    }

    /// An answer that is no success. It is never kept by others.
    pub(crate) fn refusal(status: StatusCode, body: String) -> Self {
        Self { status, ..Self::new(HTML, body, Caching::Never) }
    }

    pub(crate) fn not_allowed(body: String) -> Self {
        Self::refusal(StatusCode::METHOD_NOT_ALLOWED, body).with(ALLOW, HeaderValue::from_static("GET, HEAD"))
    }

    /// For monitoring: something needs a person.
    pub(crate) fn unwell(body: String) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, ..Self::new(JSON, body, Caching::Never) }
    }

    pub(crate) fn busy(body: String) -> Self {
        Self::refusal(StatusCode::SERVICE_UNAVAILABLE, body).with(RETRY_AFTER, HeaderValue::from_static("10"))
    }

    /// `location` is a path of ours.
    pub(crate) fn moved(location: &str) -> Self {
        let answer = Self { status: StatusCode::PERMANENT_REDIRECT, ..Self::new(TEXT, Bytes::new(), Caching::Never) };
        match HeaderValue::from_str(location) {
            Ok(value) => answer.with(LOCATION, value),
            Err(_) => answer,
        }
    }

    /// As a file to keep, never to be shown in place.
    pub(crate) fn attachment(self) -> Self {
        self.with(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"))
    }

    fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { extra: Some((name, value)), ..self }
    }

    /// Bytes it holds in a cache.
    pub(crate) fn weight(&self) -> usize {
        self.body.len() + size_of::<Self>()
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    pub(crate) fn respond(self, method: &Method, request: &HeaderMap) -> Response {
        let fresh = self.status == StatusCode::OK
            && self.etag.as_ref().is_some_and(|tag| request.get_all(IF_NONE_MATCH).iter().any(|v| names(v, tag)));
        let length = self.body.len();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = if fresh { StatusCode::NOT_MODIFIED } else { self.status };
        if !fresh && method != Method::HEAD {
            *response.body_mut() = Body::from(self.body);
        }
        let headers = response.headers_mut();
        headers.extend(SECURITY.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static(match self.caching {
                Caching::Revalidate => "no-cache",
                Caching::List => "max-age=300",
                Caching::Immutable => "public, max-age=31536000, immutable",
                Caching::Never => "no-store",
            }),
        );
        if let Some(tag) = self.etag {
            headers.insert(ETAG, tag);
        }
        if !fresh {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            headers.extend(self.extra);
        }
        response
    }
}

/// Strong: two gateways with the same data and version give the same tag, two different bodies never do.
fn tag(body: &[u8]) -> HeaderValue {
    let mut text = BASE32_NOPAD.encode(&Sha256::digest(body)[..15]);
    text.make_ascii_lowercase();
    HeaderValue::try_from(format!("\"{text}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// Does an `If-None-Match` value name this tag? By weak comparison, as RFC 9110 asks.
fn names(value: &HeaderValue, tag: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    text.trim() == "*" || text.split(',').any(|one| one.trim().trim_start_matches("W/").as_bytes() == tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secured(response: &Response) -> bool {
        SECURITY.iter().all(|(name, value)| response.headers().get(name).is_some_and(|v| v == value))
    }

    #[test]
    fn every_answer_has_the_security_headers() {
        let none = HeaderMap::new();
        for answer in [
            Answer::new(HTML, "x", Caching::Revalidate),
            Answer::new(BYTES, "x", Caching::Immutable).attachment(),
            Answer::refusal(StatusCode::NOT_FOUND, "x".into()),
            Answer::not_allowed("x".into()),
            Answer::busy("x".into()),
            Answer::moved("/events/"),
        ] {
            for method in [Method::GET, Method::HEAD] {
                assert!(secured(&answer.clone().respond(&method, &none)));
            }
        }
    }

    #[test]
    fn a_known_tag_is_answered_with_not_modified_and_the_headers() {
        let page = Answer::new(HTML, "x", Caching::List);
        let first = page.clone().respond(&Method::GET, &HeaderMap::new());
        let tag = first.headers()[ETAG].clone();
        for value in [tag.clone(), HeaderValue::from_str(&format!("\"a\", W/{}", tag.to_str().unwrap())).unwrap()] {
            let mut request = HeaderMap::new();
            request.insert(IF_NONE_MATCH, value);
            let second = page.clone().respond(&Method::GET, &request);
            assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(second.headers()[ETAG], tag);
            assert!(secured(&second));
        }
        let mut request = HeaderMap::new();
        request.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert_eq!(page.respond(&Method::GET, &request).status(), StatusCode::OK);
    }

    #[test]
    fn head_gives_the_length_and_no_body() {
        let response = Answer::new(HTML, "hello", Caching::List).respond(&Method::HEAD, &HeaderMap::new());
        assert_eq!(response.headers()[CONTENT_LENGTH], "5");
        assert_eq!(axum::body::HttpBody::size_hint(response.body()).exact(), Some(0));
    }

    #[test]
    fn a_405_says_what_is_allowed() {
        let response = Answer::not_allowed("x".into()).respond(&Method::POST, &HeaderMap::new());
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }
}
