//! Pictures of well-known identity providers, drawn here so that a page loads nothing. They say what their text says as
//! well, so a screen reader leaves them out.

macro_rules! icon {
    ($($shape:literal)*) => {
        concat!("<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\">", $($shape,)* "</svg>")
    };
}

const GOOGLE: &str = icon!(
    "<g fill=\"none\" stroke-width=\"4.2\"><path stroke=\"#ea4335\" d=\"M5.07 8A8 8 0 0 1 17.66 6.34\"/>"
    "<path stroke=\"#fbbc05\" d=\"M5.07 16a8 8 0 0 1 0-8\"/><path stroke=\"#34a853\" d=\"M17.14 18.13A8 8 0 0 1 5.07 16\"/>"
    "<path stroke=\"#4285f4\" d=\"M12.2 12H20a8 8 0 0 1-2.86 6.13\"/></g>"
);
const MICROSOFT: &str = icon!(
    "<path fill=\"#f25022\" d=\"M2 2h9.5v9.5H2z\"/><path fill=\"#7fba00\" d=\"M12.5 2H22v9.5h-9.5z\"/>"
    "<path fill=\"#00a4ef\" d=\"M2 12.5h9.5V22H2z\"/><path fill=\"#ffb900\" d=\"M12.5 12.5H22V22h-9.5z\"/>"
);
const OKTA: &str = icon!("<circle cx=\"12\" cy=\"12\" r=\"7.5\" fill=\"none\" stroke=\"#0080d6\" stroke-width=\"5\"/>");
const GITHUB: &str = icon!(
    "<circle cx=\"12\" cy=\"12\" r=\"11\" fill=\"currentColor\"/>"
    "<path class=\"hole\" d=\"M7 5.6c1.4.1 2.5.8 3.2 1.3a8 8 0 0 1 3.6 0C14.500 6.400 15.600 5.700 17 5.600c.5 1.200.4 2.200.2 2.800\
a4.200 4.200 0 0 1 1.100 2.900c0 3.200-2.100 4.300-4.400 4.600.5.5.7 1.100.7 2v4.200a11 11 0 0 1-5.200 0v-1.900c-2.300.5-3-.9-3.400-1.800\
-.3-.5-.7-.8-1.100-1.100 1.500-.5 2.200 1.500 3.100 1.700.5.1 1 0 1.400-.2.100-.5.300-.9.600-1.200-2.300-.300-4.500-1.300-4.500-4.600\
a4.200 4.200 0 0 1 1.100-2.900c-.2-.6-.3-1.600.4-2.500z\"/>"
);
const GITLAB: &str = icon!(
    "<path fill=\"#e24329\" d=\"M12 21.500 8 10h8zM2.800 10 5.200 2.800 8 10zM21.200 10l-2.400-7.200L16 10z\"/>"
    "<path fill=\"#fc6d26\" d=\"M12 21.500 2.800 10H8zM12 21.500 21.200 10H16z\"/>"
    "<path fill=\"#fca326\" d=\"M12 21.500 1.500 13.800 2.800 10zM12 21.500l10.500-7.700L21.200 10z\"/>"
);
const DOOR: &str = icon!(
    "<path fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\" "
    "d=\"M13 4h5a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-5M3.500 12H14M10.500 8l4 4-4 4\"/>"
);

/// The picture of a preset; a door for any other.
pub fn of(preset: Option<&str>) -> &'static str {
    match preset {
        Some("google_workspace" | "google") => GOOGLE,
        Some("entra_id" | "microsoft") => MICROSOFT,
        Some("okta") => OKTA,
        Some("github") => GITHUB,
        Some("gitlab") => GITLAB,
        _ => DOOR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_need_no_style_of_their_own_and_load_nothing() {
        for preset in ["google_workspace", "entra_id", "okta", "github", "gitlab", "<script>"] {
            let icon = of(Some(preset));
            assert!(icon.starts_with("<svg ") && icon.ends_with("</svg>"), "{icon}");
            assert!(!icon.contains("style") && !icon.contains("href") && !icon.contains("script"), "{icon}");
        }
        assert_eq!(of(None), of(Some("anything")));
    }
}
