//! Colours that a tenant has chosen, made readable: text reaches 4.5:1, what tells a button from its ground 3:1
//! (WCAG 2.2 §1.4.3, §1.4.11), in light and in dark.

use std::fmt;

/// Contrast of text.
const TEXT: f32 = 4.5;
/// Contrast of a shape.
const SHAPE: f32 = 3.0;
/// What the card is made of; the style says the same.
const CARD: (Color, Color) = (Color(0xff, 0xff, 0xff), Color(0x18, 0x1e, 0x26));
/// Quiet text on the ground, dark and light; the style has these as well.
const QUIET: [Color; 2] = [Color(0x55, 0x61, 0x72), Color(0xa5, 0xb0, 0xbe)];
const WHITE: Color = Color(0xff, 0xff, 0xff);
const BLACK: Color = Color(0, 0, 0);
/// What the ground of a dark page is mixed from.
const NIGHT: Color = Color(0x0e, 0x12, 0x17);
/// As light as the ground of a dark page may be.
const DUSK: f32 = 0.011;

/// A colour, red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(u8, u8, u8);

impl Color {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self(r, g, b))
    }

    /// Relative luminance, from 0 to 1.
    fn luminance(self) -> f32 {
        let linear = |channel: u8| {
            let value = f32::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Contrast with another, from 1 to 21.
    fn contrast(self, other: Self) -> f32 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// `share` sixteenths of another in it.
    fn mixed(self, other: Self, share: u16) -> Self {
        let channel = |a: u8, b: u8| {
            let sum = u16::from(a) * (16 - share) + u16::from(b) * share;
            u8::try_from(sum / 16).unwrap_or(u8::MAX)
        };
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// Moved towards black or white, no further than it takes to stand out from the ground.
    fn standing_out(self, ground: Self, ratio: f32) -> Self {
        let end = BLACK.or(WHITE, ground);
        (0..=16).map(|share| self.mixed(end, share)).find(|c| c.contrast(ground) >= ratio).unwrap_or(end)
    }

    /// Itself or another, whichever stands out more from the ground.
    fn or(self, other: Self, ground: Self) -> Self {
        if self.contrast(ground) >= other.contrast(ground) { self } else { other }
    }

    /// What can be read on it: white if that is enough, as it looks better on most colours.
    fn text(self) -> Self {
        if WHITE.contrast(self) >= TEXT { WHITE } else { BLACK.or(WHITE, self) }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// What a tenant's colours come to on one kind of page: name and value of each variable of the style.
fn variables(primary: Option<Color>, ground: Option<Color>, card: Color) -> Vec<(&'static str, Color)> {
    let mut all = Vec::new();
    if let Some(color) = primary {
        // The colour itself is the tenant's; where it would be lost on the card, a rim shows where the button ends.
        all.push(("primary", color));
        all.push(("on-primary", color.text()));
        all.push(("rim", color.standing_out(card, SHAPE)));
        all.push(("link", color.standing_out(card, TEXT)));
    }
    if let Some(paper) = ground {
        let quiet = QUIET.into_iter().find(|q| q.contrast(paper) >= TEXT);
        all.push(("paper", paper));
        all.push(("on-paper", quiet.unwrap_or(paper.text())));
    }
    all
}

/// The ground of a dark page: the tenant's, darkened as far as it takes.
fn night(ground: Color) -> Color {
    (0..=16).map(|share| ground.mixed(NIGHT, share)).find(|c| c.luminance() <= DUSK).unwrap_or(NIGHT)
}

/// The style of a tenant that has chosen colours.
pub fn style(primary: Option<Color>, ground: Option<Color>) -> Option<String> {
    if primary.is_none() && ground.is_none() {
        return None;
    }
    let rule = |variables: Vec<(&str, Color)>| {
        let declarations: String = variables.iter().map(|(name, color)| format!("--{name}:{color};")).collect();
        format!(":root{{{declarations}}}")
    };
    let light = rule(variables(primary, ground, CARD.0));
    let dark = rule(variables(primary, ground.map(night), CARD.1));
    Some(format!("{light}@media(prefers-color-scheme:dark){{{dark}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page::STYLE;

    fn color(text: &str) -> Color {
        Color::parse(text).unwrap()
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits_and_nothing_else() {
        assert_eq!(color("#0aF09b"), Color(0x0a, 0xf0, 0x9b));
        assert_eq!(color("#0aF09b").to_string(), "#0af09b");
        for text in ["", "#", "0af09b", "#fff", "#0af09bb", "#+af09b", "#00000ü", "red", "#000;}"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 0.01);
        assert!((color("#777777").contrast(WHITE) - 4.478).abs() < 0.01);
        assert!((color("#ff0000").contrast(WHITE) - 3.998).abs() < 0.01);
        assert!((color("#12ab9d").contrast(color("#12ab9d")) - 1.0).abs() < 0.01);
    }

    #[test]
    fn every_colour_becomes_readable_in_light_and_in_dark() {
        const STEPS: [u8; 8] = [0x00, 0x22, 0x55, 0x77, 0x88, 0xaa, 0xcc, 0xff];
        let pick = |index: usize| STEPS[index % 8];
        let all = (0..512).map(|i| Color(pick(i), pick(i / 8), pick(i / 64)));
        for chosen in all {
            for (card, ground) in [(CARD.0, chosen), (CARD.1, night(chosen))] {
                let found = variables(Some(chosen), Some(ground), card);
                let get = |name: &str| found.iter().find(|(n, _)| *n == name).unwrap().1;
                assert!(get("on-primary").contrast(get("primary")) >= TEXT, "{chosen} button");
                assert!(get("rim").contrast(card) >= SHAPE, "{chosen} shape");
                assert!(get("link").contrast(card) >= TEXT, "{chosen} link");
                assert!(get("on-paper").contrast(get("paper")) >= TEXT, "{chosen} ground");
            }
            assert!(night(chosen).luminance() <= DUSK, "{chosen}");
        }
    }

    #[test]
    fn a_colour_that_is_readable_stays_as_it_is() {
        let style = style(Some(color("#0b5d3b")), Some(color("#fafafa"))).unwrap();
        assert!(
            style.starts_with(
                ":root{--primary:#0b5d3b;--on-primary:#ffffff;--rim:#0b5d3b;--link:#0b5d3b;--paper:#fafafa;"
            ),
            "{style}"
        );
        assert_eq!(super::style(None, None), None);
    }

    /// A variable of the style: in light and in dark.
    fn ours(name: &str) -> (Color, Color) {
        let marker = format!("--{name}: ");
        let mut found = STYLE.match_indices(&marker).map(|(at, m)| color(&STYLE[at + m.len()..at + m.len() + 7]));
        (found.next().unwrap(), found.next().unwrap())
    }

    #[test]
    fn the_colours_of_the_style_are_readable() {
        assert_eq!(ours("card"), CARD);
        assert_eq!(ours("on-paper"), (QUIET[0], QUIET[1]));
        for (text, ground, ratio) in [
            ("ink", "card", 7.0),
            ("soft", "card", TEXT),
            ("on-paper", "paper", TEXT),
            ("link", "card", TEXT),
            ("on-primary", "primary", TEXT),
            ("bad", "bad-paper", TEXT),
            ("good", "good-paper", TEXT),
            ("warn", "warn-paper", TEXT),
            ("ink", "hover", TEXT),
            ("edge", "card", SHAPE),
            ("primary", "card", SHAPE),
        ] {
            let (text_of, ground_of) = (ours(text), ours(ground));
            assert!(text_of.0.contrast(ground_of.0) >= ratio, "{text} on {ground} in light");
            assert!(text_of.1.contrast(ground_of.1) >= ratio, "{text} on {ground} in dark");
        }
    }
}
