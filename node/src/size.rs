//! Sizes as people write and read them: `256MiB`, `1.5 GiB`.

use std::{fmt, str::FromStr};

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().rev().find(|(_, unit)| self.0 >= *unit) {
            Some((name, unit)) => {
                // Tenths of a unit; nothing is rounded up to what is not there.
                let tenths = u128::from(self.0) * 10 / u128::from(*unit);
                match tenths % 10 {
                    0 => write!(f, "{} {name}", tenths / 10),
                    tenth => write!(f, "{}.{tenth} {name}", tenths / 10),
                }
            }
            None if self.0 == 1 => f.write_str("1 byte"),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    /// A whole number and its unit, with or without a space between; a number alone is bytes.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || format!("{text:?} is not a size such as 256MiB or 4GiB");
        let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(at);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = match unit.trim() {
            "" | "B" => 1,
            name => UNITS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).ok_or_else(wrong)?.1,
        };
        number.checked_mul(unit).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, bytes) in [("0", 0), ("512", 512), ("64KiB", 65_536), ("256 MiB", 256 << 20), ("4gib", 4 << 30)] {
            assert_eq!(text.parse::<Size>(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "256MB", "99999999TiB", "1 2"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        let said = [1, 1023, 1536, 256 << 20, u64::MAX].map(|n| Size(n).to_string());
        assert_eq!(said, ["1 byte", "1023 bytes", "1.5 KiB", "256 MiB", "16777215.9 TiB"]);
    }
}
