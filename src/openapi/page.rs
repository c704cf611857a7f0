//! `/docs`: Swagger UI, from memory. Its policy lets it run its own scripts and ask this service only (CSP 3).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use http::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use utoipa_swagger_ui::Config;

use super::operation::{Answer, Operation};
use crate::error::{Error, Result};
use crate::http::published::Published;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::App;

/// The document, as seen from the page.
const DOCUMENT: &str = "../openapi.json";

/// The files of the page, and what each is. Swagger UI's other files are not served.
const FILES: [(&str, &str); 8] = [
    ("index.html", "text/html; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
    ("swagger-initializer.js", "text/javascript; charset=utf-8"),
    ("favicon-16x16.png", "image/png"),
    ("favicon-32x32.png", "image/png"),
];

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

static PAGE: LazyLock<BTreeMap<&'static str, Published>> = LazyLock::new(|| {
    let config = Config::from(DOCUMENT)
        .use_base_layout()
        // Else it asks a validator on the network.
        .validator_url("none")
        .display_operation_id(true)
        .doc_expansion("none")
        .filter(true);
    let config = Arc::new(config);
    let file = |(name, kind)| {
        let file = utoipa_swagger_ui::serve(name, config.clone()).ok().flatten()?;
        Some((name, Published::new(kind, file.bytes.into_owned())))
    };
    FILES.into_iter().filter_map(file).collect()
});

/// `GET /docs`: the page's files stand beside each other, so it is shown where they are.
pub async fn enter(_: Arc<App>, req: Request) -> Result<Reply> {
    let page = if req.head.uri.path().ends_with('/') { "index.html" } else { "docs/index.html" };
    Ok(Reply::empty(StatusCode::FOUND).with(LOCATION, HeaderValue::from_static(page)))
}

/// `GET /docs/{file}`
pub async fn get(_: Arc<App>, req: Request) -> Result<Reply> {
    let file = PAGE.get(req.param("file")?).ok_or(Error::NoRoute)?;
    Ok(file
        .reply(&req)
        .with(CONTENT_SECURITY_POLICY, POLICY)
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .with(X_FRAME_OPTIONS, HeaderValue::from_static("DENY")))
}

/// What is said of these routes, and of the document's own.
pub fn operations() -> Vec<Operation> {
    let kept = |answer: Answer| answer.header("ETag", json!({"type": "string"}), "Names the bytes.");
    vec![
        Operation::get("/openapi.json", "GetDescription", "Read this description.")
            .answer(200, kept(Answer::json("The document.", json!({"type": "object"}))))
            .answer(304, kept(Answer::empty("The client has it.")))
            .header("If-None-Match", false, json!({"type": "string"}), "A document that the client has."),
        Operation::get("/docs", "EnterDocumentation", "Go to the page that shows this description.").answer(
            302,
            Answer::empty("The page is there.").header("Location", json!({"type": "string"}), "Where the page is."),
        ),
        Operation::get("/docs/{file}", "GetDocumentation", "Read a file of that page.")
            .answer(
                200,
                kept(Answer::contents(
                    "The file.",
                    ["text/html", "text/css", "text/javascript", "image/png"].map(|kind| (kind, json!({}))),
                )),
            )
            .answer(304, kept(Answer::empty("The client has it.")))
            .header("If-None-Match", false, json!({"type": "string"}), "A file that the client has."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        let file = utoipa_swagger_ui::serve(name, Arc::new(Config::from(DOCUMENT))).unwrap().unwrap();
        String::from_utf8(file.bytes.into_owned()).unwrap()
    }

    #[test]
    fn every_file_is_there_and_the_page_names_no_other() {
        assert_eq!(PAGE.len(), FILES.len());
        let page = text("index.html");
        for attribute in page.split(['"']).filter(|part| part.contains('.') && !part.contains(['<', '>', ' '])) {
            assert!(PAGE.contains_key(attribute.trim_start_matches("./")), "{attribute}");
        }
        // The policy lets no script run that stands in the page itself.
        assert!(!page.contains("<script>") && !page.contains("<style>") && !page.contains("style="), "{page}");
    }

    #[test]
    fn nothing_of_the_page_is_kept_between_visits_and_no_validator_is_asked() {
        let script = utoipa_swagger_ui::serve(
            "swagger-initializer.js",
            Arc::new(Config::from(DOCUMENT).use_base_layout().validator_url("none")),
        );
        let script = String::from_utf8(script.unwrap().unwrap().bytes.into_owned()).unwrap();
        assert!(script.contains("\"validatorUrl\": \"none\"") && script.contains("\"url\": \"../openapi.json\""));
        assert!(!script.contains("persistAuthorization"), "{script}");
    }
}
