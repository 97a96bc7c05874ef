//! Pages that say why there is nothing to see. What is private and what never was give the very same answer.

use askama::Template;
use axum::http::StatusCode;

use crate::{
    answer::Answer,
    html::{Frame, Section},
    reading::Reading,
    route::Page,
};

#[derive(Debug, Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    frame: Frame,
    heading: &'a str,
    text: &'a str,
}

fn render(frame: Frame, heading: &str, text: &str) -> String {
    // A notice has nothing that could fail; an empty page would still carry its status.
    Notice { frame, heading, text }.render().unwrap_or_default()
}

fn bare(heading: &str, text: &str) -> String {
    render(Frame::bare(heading), heading, text)
}

fn framed(reading: Option<&Reading<'_>>, heading: &str, text: &str) -> String {
    match reading {
        Some(reading) => {
            let frame = reading.frame(Section::None, heading, "", &Page::Home);
            render(Frame { canonical: None, listed: false, ..frame }, heading, text)
        }
        None => bare(heading, text),
    }
}

pub(crate) fn not_found(reading: Option<&Reading<'_>>) -> Answer {
    let text = "There is nothing public at this address. It may be misspelt, or meant for members only.";
    Answer::refusal(StatusCode::NOT_FOUND, framed(reading, "Nothing here", text))
}

pub(crate) fn gone(reading: &Reading<'_>) -> Answer {
    let text = "This was here and has been taken down.";
    Answer::refusal(StatusCode::GONE, framed(Some(reading), "Taken down", text))
}

pub(crate) fn not_allowed() -> Answer {
    Answer::not_allowed(bare("Reading only", "These pages can be read. Nothing can be sent to them."))
}

pub(crate) fn wrong_host() -> Answer {
    let text =
        "This server does not answer to the name it was asked by. Its operator can add the name to its settings.";
    Answer::refusal(StatusCode::MISDIRECTED_REQUEST, bare("Wrong address", text))
}

pub(crate) fn too_large() -> Answer {
    let text = "The request's headers are longer than 8 KiB.";
    Answer::refusal(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, bare("Too much to read", text))
}

pub(crate) fn bad_request(text: &str) -> Answer {
    Answer::refusal(StatusCode::BAD_REQUEST, bare("Not understood", text))
}

pub(crate) fn failed() -> Answer {
    let text = "This page could not be made. The fault is ours; the log of the node says more.";
    Answer::refusal(StatusCode::INTERNAL_SERVER_ERROR, bare("Something broke", text))
}

pub(crate) fn busy() -> Answer {
    Answer::busy(bare("Busy", "Too many people are asking at once. Please try again in a few seconds."))
}
