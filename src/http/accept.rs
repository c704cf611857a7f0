//! What a client would rather read (RFC 9110 §12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

const JSON: &str = "application/json";
const HTML: &str = "text/html";

/// The media ranges of `Accept`, each with its quality. What has no readable quality counts as refused.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = (&str, f32)> {
    let fields = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok());
    fields.flat_map(|field| field.split(',')).filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let range = parts.next().filter(|r| !r.is_empty())?;
        let quality = parts.filter_map(|p| p.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        let quality = quality.map_or(1.0, |(_, text)| text.trim().parse().unwrap_or(0.0));
        Some((range, if (0.0..=1.0).contains(&quality) { quality } else { 0.0 }))
    })
}

/// The quality of a range that is named as it stands.
fn named(headers: &HeaderMap, range: &str) -> Option<f32> {
    ranges(headers).filter(|(r, _)| r.eq_ignore_ascii_case(range)).map(|(_, q)| q).reduce(f32::max)
}

/// The quality of a type: by its name, its kind, or any type; nothing for what is not accepted.
fn quality(headers: &HeaderMap, kind: &str) -> f32 {
    let any_of_kind = kind.split_once('/').map(|(first, _)| format!("{first}/*")).unwrap_or_default();
    let by_range = named(headers, kind).or_else(|| named(headers, &any_of_kind)).or_else(|| named(headers, "*/*"));
    by_range.unwrap_or(0.0)
}

/// Whether JSON is named and neither a page nor just anything is liked better (tenant-login §2.6).
pub fn prefers_json(headers: &HeaderMap) -> bool {
    let rival = |range| named(headers, range).unwrap_or(0.0);
    named(headers, JSON).is_some_and(|json| json > 0.0 && json >= rival(HTML) && json >= rival("*/*"))
}

/// Whether a page is liked better than JSON, as browsers do (tenant-login §2.3).
pub fn prefers_page(headers: &HeaderMap) -> bool {
    quality(headers, HTML) > quality(headers, JSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|v| (ACCEPT, v.parse().unwrap())).collect()
    }

    #[test]
    fn json_is_given_to_whoever_names_it_and_likes_nothing_better() {
        for (values, json) in [
            (vec!["application/json"], true),
            (vec!["application/json, text/plain, */*"], true),
            (vec!["Application/JSON;q=0.5, text/html;q=0.4"], true),
            (vec!["text/html;q=0.4", "application/json;q=0.5"], true),
            (vec!["application/json; charset=utf-8"], true),
            (vec!["text/html, application/json"], true),
            (vec!["text/html, application/json;q=0.9"], false),
            (vec!["application/json;q=0.5, */*"], false),
            (vec!["application/json;q=0"], false),
            (vec!["application/json;q=2"], false),
            (vec!["application/json;q=x"], false),
            (vec!["*/*"], false),
            (vec!["application/*"], false),
            (vec!["application/problem+json"], false),
            (vec![""], false),
            (vec![], false),
        ] {
            assert_eq!(prefers_json(&headers(&values)), json, "{values:?}");
        }
    }

    #[test]
    fn pages_are_for_those_who_like_them_better_than_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (values, page) in [
            (vec![browser], true),
            (vec!["text/html"], true),
            (vec!["text/*"], true),
            (vec!["text/html;q=0.5, */*;q=0.1"], true),
            (vec!["text/html, application/json"], false),
            (vec!["text/html;q=0.3, */*;q=0.5"], false),
            (vec!["text/html;q=0"], false),
            (vec!["*/*"], false),
            (vec!["application/json"], false),
            (vec![], false),
        ] {
            assert_eq!(prefers_page(&headers(&values)), page, "{values:?}");
        }
    }
}
