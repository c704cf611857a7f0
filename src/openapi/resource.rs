//! A resource as a table of its members, from which its schemas follow: what is answered (`Domain`), its envelope
//! (`DomainEnvelope`), a page of a list (`DomainList`), what makes one (`DomainCreate`) and what changes one (`DomainUpdate`).

use serde_json::{Map, Value, json};

use super::schema::{named, object, page};

/// How a member stands in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// Not at all; where further attributes are allowed it is ignored.
    No,
    /// It may.
    May,
    /// It must.
    Must,
}

/// One member.
#[derive(Debug, Clone)]
pub struct Member {
    name: &'static str,
    schema: Value,
    /// The schema in bodies, where it differs.
    body: Option<Value>,
    /// Whether it is in every answer, in some, or (`None`) in none.
    shown: Option<bool>,
    create: Taken,
    update: Taken,
}

impl Member {
    fn new(name: &'static str, schema: Value, create: Taken, update: Taken) -> Self {
        Self { name, schema, body: None, shown: Some(true), create, update }
    }

    /// Shown, never taken.
    pub fn shown(name: &'static str, schema: Value) -> Self {
        Self::new(name, schema, Taken::No, Taken::No)
    }

    /// Needed to make one.
    pub fn needed(name: &'static str, schema: Value) -> Self {
        Self::new(name, schema, Taken::Must, Taken::May)
    }

    /// Taken if it is there.
    pub fn taken(name: &'static str, schema: Value) -> Self {
        Self::new(name, schema, Taken::May, Taken::May)
    }

    /// The id: given by the service or by the path. A change may repeat it.
    pub fn id(schema: Value) -> Self {
        let repeated =
            json!({"type": ["string", "null"], "maxLength": 64, "description": "May repeat the id of the path."});
        Self { body: Some(repeated), ..Self::new("id", schema, Taken::No, Taken::May) }
    }

    /// With another schema in bodies.
    #[must_use]
    pub fn taken_as(mut self, schema: Value) -> Self {
        self.body = Some(schema);
        self
    }

    /// In some answers only.
    #[must_use]
    pub fn sometimes(mut self) -> Self {
        self.shown = Some(false);
        self
    }

    /// In no answer.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.shown = None;
        self
    }

    /// Taken when one is made, not when it is changed.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.update = Taken::No;
        self
    }

    /// In answers; no body can set it.
    fn is_read_only(&self) -> bool {
        self.create == Taken::No && (self.update == Taken::No || self.name == "id")
    }

    fn in_body(&self) -> Value {
        let mut schema = self.body.clone().unwrap_or_else(|| self.schema.clone());
        if self.shown.is_none() {
            schema["writeOnly"] = json!(true);
        }
        schema
    }
}

/// A resource.
#[derive(Debug, Clone)]
pub struct Resource {
    name: &'static str,
    /// The member that wraps one, and the one that wraps many.
    wrappers: (&'static str, &'static str),
    members: Vec<Member>,
    /// Further attributes are kept and shown.
    open: bool,
    /// A change must name something.
    update_names_something: bool,
}

impl Resource {
    /// A resource with these members.
    pub fn new(name: &'static str, one: &'static str, many: &'static str, members: Vec<Member>) -> Self {
        Self { name, wrappers: (one, many), members, open: false, update_names_something: true }
    }

    /// With any further attributes, as Identity v3 allows for some.
    #[must_use]
    pub fn with_extra(mut self) -> Self {
        self.open = true;
        self
    }

    /// An empty change is one.
    #[must_use]
    pub fn with_empty_update(mut self) -> Self {
        self.update_names_something = false;
        self
    }

    /// What is answered.
    fn shown(&self) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for member in &self.members {
            let Some(always) = member.shown else { continue };
            let mut schema = member.schema.clone();
            if member.is_read_only() {
                schema["readOnly"] = json!(true);
            }
            properties.insert(member.name.to_owned(), schema);
            if always {
                required.push(member.name);
            }
        }
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": self.open})
    }

    fn body(&self, taken: impl Fn(&Member) -> Taken) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for member in &self.members {
            match taken(member) {
                Taken::No => continue,
                Taken::May => {}
                Taken::Must => required.push(member.name),
            }
            properties.insert(member.name.to_owned(), member.in_body());
        }
        let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": self.open});
        if self.open {
            schema["propertyNames"] = json!({"minLength": 1, "maxLength": 255});
        }
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    /// All schemas by name.
    pub fn schemas(&self) -> Vec<(String, Value)> {
        let Self { name, wrappers: (one, many), .. } = self;
        let mut update = self.body(|m| m.update);
        if self.update_names_something {
            update["minProperties"] = json!(1);
        }
        vec![
            ((*name).to_owned(), self.shown()),
            (format!("{name}Envelope"), object([(*one, named(name))])),
            (format!("{name}List"), page(many, named(name))),
            (format!("{name}Create"), object([(*one, self.body(|m| m.create))])),
            (format!("{name}Update"), object([(*one, update)])),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::{boolean, text};
    use super::*;

    #[test]
    fn each_schema_has_the_members_that_belong_there() {
        let resource = Resource::new(
            "Thing",
            "thing",
            "things",
            vec![
                Member::id(text()),
                Member::needed("name", text()),
                Member::taken("domain_id", text()).once(),
                Member::taken("password", text()).hidden(),
                Member::taken("enabled", boolean()).sometimes(),
            ],
        );
        let schemas: Map<String, Value> = resource.schemas().into_iter().collect();
        let members = |schema: &Value| schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(members(&schemas["Thing"]), ["domain_id", "enabled", "id", "name"]);
        assert_eq!(schemas["Thing"]["required"], json!(["id", "name", "domain_id"]));
        assert_eq!(schemas["Thing"]["properties"]["id"]["readOnly"], json!(true));
        let create = &schemas["ThingCreate"]["properties"]["thing"];
        assert_eq!(members(create), ["domain_id", "enabled", "name", "password"]);
        assert_eq!(create["required"], json!(["name"]));
        assert_eq!(create["properties"]["password"]["writeOnly"], json!(true));
        let update = &schemas["ThingUpdate"]["properties"]["thing"];
        assert_eq!(members(update), ["enabled", "id", "name", "password"]);
        assert_eq!((&update["required"], &update["minProperties"]), (&Value::Null, &json!(1)));
        assert_eq!(schemas["ThingList"]["required"], json!(["things", "links"]));
    }
}
