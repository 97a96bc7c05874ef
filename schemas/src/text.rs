//! Values with exactly one text form: serde reads them through their own parser, without an owned copy first.

use std::{fmt, marker::PhantomData};

use serde::{Deserializer, de};

use crate::error::Error;

/// Reads text and parses it; the parser's error becomes the decoder's.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Result<T, Error>,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Text { parse, value: PhantomData })
}

struct Text<T> {
    parse: fn(&str) -> Result<T, Error>,
    value: PhantomData<T>,
}

impl<T> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}
