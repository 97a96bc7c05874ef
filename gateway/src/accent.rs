//! One accent colour per community, as chosen by it or derived from its id, in two versions that people can read on
//! our paper: WCAG AA asks for a contrast of 4.5, we ask for a little more because accents also stand on tinted ground.

use folkmoot_schemas::Cid;

/// Background of the pages; the same values stand in `style.css`.
const PAPER: Rgb = Rgb { r: 0xfd, g: 0xfc, b: 0xfa };
const NIGHT: Rgb = Rgb { r: 0x17, g: 0x16, b: 0x14 };
const CONTRAST: f64 = 5.5;
/// Light letters on dark ground tire sooner.
const CONTRAST_DARK: f64 = 7.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb {
    r: u8,
    g: u8,
    b: u8,
}

/// CSS colours for a light and a dark page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accent {
    pub(crate) light: String,
    pub(crate) dark: String,
}

impl Accent {
    /// `colour` as `#rrggbb`; anything else counts as not given.
    pub(crate) fn new(colour: Option<&str>, community: Option<&Cid>) -> Self {
        let (hue, saturation, lightness) = match (colour.and_then(Rgb::parse), community) {
            (Some(rgb), _) => rgb.to_hsl(),
            (None, Some(cid)) => {
                let seed = cid.hash().digest();
                let number = seed.iter().take(2).fold(0_u32, |n, b| n << 8 | u32::from(*b));
                (f64::from(number % 360), 0.62, 0.42)
            }
            (None, None) => (205.0, 0.35, 0.38),
        };
        let lighter = (0..=100).map(|step| f64::from(step) / 100.0);
        let darkest_first: Vec<f64> = lighter.collect();
        let at = |l: f64| Rgb::from_hsl(hue, saturation, l);
        // The nearest lightness to the chosen one that can be read.
        let light = darkest_first.iter().rev().map(|l| at(l.min(lightness))).find(|c| c.contrast(PAPER) >= CONTRAST);
        let dark =
            darkest_first.iter().map(|l| at(l.max(lightness.min(0.6)))).find(|c| c.contrast(NIGHT) >= CONTRAST_DARK);
        Self { light: light.unwrap_or(NIGHT).css(), dark: dark.unwrap_or(PAPER).css() }
    }

    /// Rules to stand after the style sheet.
    pub(crate) fn css(&self) -> String {
        let Self { light, dark } = self;
        format!(
            ":root{{--accent:{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n"
        )
    }
}

impl Rgb {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let part = |range| u8::from_str_radix(digits.get(range)?, 16).ok();
        Some(Self { r: part(0..2)?, g: part(2..4)?, b: part(4..6)? })
    }

    fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }

    /// Hue in degrees, saturation and lightness in 0–1.
    fn to_hsl(self) -> (f64, f64, f64) {
        let [r, g, b] = [self.r, self.g, self.b].map(|c| f64::from(c) / 255.0);
        let (max, min) = (r.max(g).max(b), r.min(g).min(b));
        let (lightness, span) = ((max + min) / 2.0, max - min);
        if span == 0.0 {
            return (0.0, 0.0, lightness);
        }
        let saturation = span / (1.0 - (2.0 * lightness - 1.0).abs());
        let hue = if max == r {
            ((g - b) / span).rem_euclid(6.0)
        } else if max == g {
            (b - r) / span + 2.0
        } else {
            (r - g) / span + 4.0
        };
        (hue * 60.0, saturation.min(1.0), lightness)
    }

    fn from_hsl(hue: f64, saturation: f64, lightness: f64) -> Self {
        let reach = saturation * lightness.min(1.0 - lightness);
        let part = |n: f64| {
            let k = (n + hue / 30.0) % 12.0;
            let value = lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
            (value * 255.0).round().clamp(0.0, 255.0) as u8
        };
        Self { r: part(0.0), g: part(8.0), b: part(4.0) }
    }

    /// Relative luminance by WCAG 2.
    fn luminance(self) -> f64 {
        let [r, g, b] = [self.r, self.g, self.b].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable(accent: &Accent) -> bool {
        let contrast = |css: &str, on| Rgb::parse(css).unwrap().contrast(on);
        contrast(&accent.light, PAPER) >= CONTRAST && contrast(&accent.dark, NIGHT) >= CONTRAST_DARK
    }

    #[test]
    fn every_colour_can_be_read_on_light_and_dark_paper() {
        for n in 0..4096_u32 {
            let colour = format!("#{:x}0{:x}0{:x}f", n >> 8, n >> 4 & 15, n & 15);
            let accent = Accent::new(Some(&colour), None);
            assert!(readable(&accent), "{colour}: {accent:?}");
        }
        for n in 0..64_u8 {
            let cid = folkmoot_schemas::block::cid_of(folkmoot_schemas::block::DAG_CBOR, &[n]);
            assert!(readable(&Accent::new(None, Some(&cid))));
        }
    }

    #[test]
    fn a_readable_colour_is_kept_as_it_is() {
        assert_eq!(Accent::new(Some("#8a1c1c"), None).light, "#8a1c1c");
    }

    #[test]
    fn a_colour_that_is_none_never_reaches_the_style_sheet() {
        for bad in ["red;}body{display:none", "#fff", "#12345g", "", "#é1234"] {
            assert_eq!(Accent::new(Some(bad), None), Accent::new(None, None), "{bad}");
        }
    }
}
