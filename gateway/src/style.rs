//! The one style sheet, with the community's accent at its end. Named by its content, so browsers keep it for good.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::accent::Accent;

const SHEET: &str = include_str!("style.css");

pub(crate) fn sheet(accent: &Accent) -> String {
    format!("{SHEET}{}", accent.css())
}

/// Changes with the sheet and the accent.
pub(crate) fn version(accent: &Accent) -> String {
    let mut text = BASE32_NOPAD.encode(&Sha256::digest(sheet(accent))[..10]);
    text.make_ascii_lowercase();
    text
}

/// The favicon: the community's initial on its accent. `initial` is one character.
pub(crate) fn icon(accent: &Accent, initial: &str) -> String {
    let initial: String = initial.chars().filter(|c| c.is_alphanumeric()).take(1).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\"><rect width=\"64\" height=\"64\" rx=\"14\" \
         fill=\"{}\"/><text x=\"32\" y=\"45\" font-family=\"sans-serif\" font-weight=\"700\" font-size=\"38\" \
         text-anchor=\"middle\" fill=\"#fff\">{initial}</text></svg>\n",
        accent.light
    )
}
