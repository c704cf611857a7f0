//! What is said of one route: everything that does not follow from the route itself.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Map, Value, json};

use super::errors::{self, Envelope};
use super::schema::{from_zero, named, switch, text};
use crate::http::route::{Access, Route};

/// An answer that is no failure.
#[derive(Debug, Clone)]
pub struct Answer(Value);

impl Answer {
    /// Without a body.
    pub fn empty(description: &str) -> Self {
        Self(json!({"description": description}))
    }

    /// A JSON document.
    pub fn json(description: &str, schema: Value) -> Self {
        Self::contents(description, [("application/json", schema)])
    }

    /// One of several types, each with its schema (`{}` for anything).
    pub fn contents<const N: usize>(description: &str, contents: [(&str, Value); N]) -> Self {
        let contents: Map<String, Value> = contents
            .into_iter()
            .map(|(kind, schema)| {
                let media = if schema == json!({}) { json!({}) } else { json!({ "schema": schema }) };
                (kind.to_owned(), media)
            })
            .collect();
        Self(json!({"description": description, "content": contents}))
    }

    /// With a header field.
    #[must_use]
    pub fn header(mut self, name: &str, schema: Value, description: &str) -> Self {
        self.0["headers"][name] = json!({"description": description, "schema": schema, "required": true});
        self
    }
}

/// What is said of a route.
#[derive(Debug, Clone)]
pub struct Operation {
    method: Method,
    template: &'static str,
    id: String,
    summary: String,
    description: Option<&'static str>,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Answer>,
    refusals: BTreeSet<u16>,
    /// Browsers get failures as pages.
    pages: bool,
    /// It fails only as it says itself.
    plain: bool,
    deprecated: bool,
    /// Security beside the route's own.
    security: Option<Value>,
}

impl Operation {
    fn new(method: Method, template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            method,
            template,
            id: id.into(),
            summary: summary.into(),
            description: None,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            refusals: BTreeSet::new(),
            pages: false,
            plain: false,
            deprecated: false,
            security: None,
        }
    }

    /// Of a route that reads.
    pub fn get(template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(Method::GET, template, id, summary)
    }

    /// Of a route that tells a browser whether a script may ask.
    pub fn options(template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(Method::OPTIONS, template, id, summary)
    }

    /// Of a route that only tells whether.
    pub fn head(template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(Method::HEAD, template, id, summary)
    }

    /// Of a route that makes something, or has something done.
    pub fn post(template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(Method::POST, template, id, summary)
    }

    /// Of a route that makes what its path names.
    pub fn put(template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(Method::PUT, template, id, summary)
    }

    /// Of a route that changes something.
    pub fn patch(template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(Method::PATCH, template, id, summary)
    }

    /// Of a route that takes something away.
    pub fn delete(template: &'static str, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(Method::DELETE, template, id, summary)
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Its path.
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// More than the summary says.
    #[must_use]
    pub fn says(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// Takes a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, schema: Value, description: &str) -> Self {
        self.parameters.push(json!({"name": name, "in": "query", "schema": schema, "description": description}));
        self
    }

    /// Takes filters that are texts.
    #[must_use]
    pub fn filters(mut self, names: &[&str]) -> Self {
        for name in names {
            self = self.query(name, text(), "Only those with exactly this value.");
        }
        self
    }

    /// Takes a filter that is a truth value.
    #[must_use]
    pub fn switch(self, name: &str) -> Self {
        self.query(name, switch(), "Only those for which this is so.")
    }

    /// Is a list that comes in pages.
    #[must_use]
    pub fn pages(self) -> Self {
        let mut paged = self.query("limit", from_zero(), "Most items of a page; 0 is as many as may be.").query(
            "marker",
            text(),
            "Where the page begins: the id of the last item of the page before it.",
        );
        // The marker may name nothing.
        paged.refusals.insert(404);
        paged
    }

    /// Takes a header field.
    #[must_use]
    pub fn header(mut self, name: &str, required: bool, schema: Value, description: &str) -> Self {
        let parameter =
            json!({"name": name, "in": "header", "required": required, "schema": schema, "description": description});
        self.parameters.push(parameter);
        self
    }

    /// Takes a JSON body.
    #[must_use]
    pub fn takes(mut self, schema: Value) -> Self {
        self.body = Some(json!({"required": true, "content": {"application/json": {"schema": schema}}}));
        self
    }

    /// Takes a body of this type.
    #[must_use]
    pub fn takes_of(mut self, kind: &str, schema: Value) -> Self {
        self.body = Some(json!({"required": true, "content": {kind: {"schema": schema}}}));
        self
    }

    /// Takes a JSON body whose schema has this name.
    #[must_use]
    pub fn takes_named(self, name: &str) -> Self {
        self.takes(named(name))
    }

    /// Takes a JSON body whose schema has this name, or none at all.
    #[must_use]
    pub fn takes_maybe(mut self, name: &str) -> Self {
        self.body = Some(json!({"required": false, "content": {"application/json": {"schema": named(name)}}}));
        self
    }

    /// Takes a form.
    #[must_use]
    pub fn takes_form(mut self) -> Self {
        let schema = json!({"type": "object", "additionalProperties": {"type": "string"}});
        self.body = Some(json!({"content": {"application/x-www-form-urlencoded": {"schema": schema}}}));
        self
    }

    /// Takes a form whose schema has this name.
    #[must_use]
    pub fn takes_form_named(mut self, name: &str) -> Self {
        self.body =
            Some(json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": named(name)}}}));
        self
    }

    /// Takes a document of this type.
    #[must_use]
    pub fn takes_document(mut self, kind: &str) -> Self {
        self.body = Some(json!({"required": true, "content": {kind: {"schema": {"type": "string"}}}}));
        self
    }

    /// May answer this.
    #[must_use]
    pub fn answer(mut self, status: u16, answer: Answer) -> Self {
        self.answers.insert(status, answer);
        self
    }

    /// Answers 200 with a schema of this name.
    #[must_use]
    pub fn shows(self, name: &str) -> Self {
        self.answer(200, Answer::json("As it is.", named(name)))
    }

    /// Answers 200 with a page of a list of this name.
    #[must_use]
    pub fn lists(self, name: &str) -> Self {
        self.answer(200, Answer::json("One page of the list.", named(name)))
    }

    /// Answers 201 with a schema of this name.
    #[must_use]
    pub fn makes(self, name: &str) -> Self {
        self.answer(201, Answer::json("As it was made.", named(name))).refuses(&[409])
    }

    /// Answers 200 with a schema of this name, as it is after a change.
    #[must_use]
    pub fn changes(self, name: &str) -> Self {
        self.answer(200, Answer::json("As it is now.", named(name))).refuses(&[409])
    }

    /// Answers 204.
    #[must_use]
    pub fn done(self) -> Self {
        self.answer(204, Answer::empty("It is so."))
    }

    /// May fail with these too, beside what every operation of its kind may.
    #[must_use]
    pub fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self
    }

    /// A browser gets failures as pages.
    #[must_use]
    pub fn for_browsers(mut self) -> Self {
        self.pages = true;
        self
    }

    /// Nothing of what usually fails can fail here.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Kept for those who still call it.
    #[must_use]
    pub fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// Takes a token of the identity provider, not one of this service.
    #[must_use]
    pub fn takes_provider_token(mut self) -> Self {
        self.security = Some(json!([{"ProviderToken": []}, {}]));
        self
    }

    /// What stands in the document. The failures that it refers to are noted in `used`.
    pub fn render(&self, route: &Route, tag: &str, used: &mut BTreeSet<(Envelope, u16)>) -> Value {
        let envelope = Envelope::of(self.template);
        let mut responses = Map::new();
        for status in self.failures(route) {
            let response = if self.pages {
                errors::response(envelope, status, true)
            } else {
                used.insert((envelope, status));
                envelope.response(status)
            };
            responses.insert(status.to_string(), response);
        }
        for (status, Answer(answer)) in &self.answers {
            responses.insert(status.to_string(), answer.clone());
        }
        let mut shown = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [tag],
            "responses": responses,
        });
        if let Some(description) = self.description {
            shown["description"] = json!(description);
        }
        if !self.parameters.is_empty() {
            shown["parameters"] = json!(self.parameters);
        }
        if let Some(body) = &self.body {
            shown["requestBody"] = body.clone();
        }
        if self.deprecated {
            shown["deprecated"] = json!(true);
        }
        match route.access {
            Access::Open => shown["security"] = self.security.clone().unwrap_or(json!([])),
            Access::Rule(rule) => shown["x-policy-rule"] = json!(rule),
            Access::Rules(rules) => shown["x-policy-rule"] = json!(rules),
        }
        if route.access != Access::Open {
            shown["security"] = json!([{"Token": []}, {"Bearer": []}]);
        }
        shown
    }

    /// The statuses of failures: its own, and those of its kind.
    fn failures(&self, route: &Route) -> BTreeSet<u16> {
        let mut all = self.refusals.clone();
        if self.template.contains('{') {
            // A part of the path that is not UTF-8, or is nothing that a name can be.
            all.extend([400, 404]);
        }
        if !self.plain {
            all.extend([400, 500, 503]);
        }
        if route.access != Access::Open {
            all.extend([401, 403]);
        }
        if self.body.is_some() {
            all.insert(413);
        }
        all
    }
}

/// The ways to say who one is.
pub fn security_schemes() -> Value {
    json!({
        "Token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token", "description": "A token of this service."},
        "Bearer": {"type": "http", "scheme": "bearer", "description": "The same token (RFC 6750)."},
        "ProviderToken": {
            "type": "http", "scheme": "bearer",
            "description": "A token of the identity provider, by which one is signed in.",
        },
    })
}

/// The item of a path, with the parameters that its template names.
pub fn path_item(template: &str) -> Map<String, Value> {
    let names = template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> = names
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1},
                "description": parameter(name),
            })
        })
        .collect();
    let mut item = Map::new();
    if !parameters.is_empty() {
        item.insert("parameters".to_owned(), json!(parameters));
    }
    item
}

fn parameter(name: &str) -> &'static str {
    match name {
        "domain_id" => "The domain.",
        "project_id" => "The project.",
        "user_id" => "The user.",
        "group_id" => "The group.",
        "role_id" => "The role.",
        "prior_role_id" => "The role that implies another.",
        "implied_role_id" => "The role that is implied.",
        "service_id" => "The service.",
        "endpoint_id" => "The endpoint.",
        "region_id" => "The region.",
        "idp_id" => "The identity provider.",
        "protocol_id" => "The protocol at the identity provider.",
        "mapping_id" => "The mapping.",
        "service_provider_id" => "The service provider.",
        "value" => "The tag.",
        "file" => "The file's name.",
        "tenant_id" => "The tenant.",
        "application_id" => "The application: its client id.",
        "secret_id" => "The secret.",
        "request_id" => "The request.",
        "token_id" => "The token's id.",
        "resource_type" => "The kind's name.",
        "schema" => "The schema's URN.",
        _ => "The id.",
    }
}
