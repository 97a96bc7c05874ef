//! Lengths of time as settings have them: `90s`, `45m`, `2h`, `1d`, `2w`.

/// How many a setting may have.
pub(super) const MOST: usize = 5;
/// The longest, in seconds.
pub(super) const LONGEST: i64 = 30 * 86_400;

/// Seconds.
pub(super) fn read(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let each = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(each).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn spans_have_one_number_and_one_unit() {
        for (text, seconds) in [("90s", 90), ("45m", 2_700), ("2h", 7_200), ("1d", 86_400), ("2w", 1_209_600)] {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
        for text in ["", "2", "h", "0h", "-1h", "1h30m", "1 h", "99999999999999999999d", "9999999999999999d", "1y"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
