//! Tests of `patch`: what the standard says, and what Entra ID and Okta send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::super::ENTERPRISE;
use super::*;

fn ann() -> Value {
    json!({
        "userName": "ann", "active": true, "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"value": "ann@a.example", "type": "work", "primary": true}, {"value": "ann@h.example", "type": "home"}],
        ENTERPRISE: {"department": "R&D"},
    })
}

fn patched(operations: Value) -> Result<Value> {
    let body = json!({"schemas": [super::super::PATCH], "Operations": operations});
    let document = ann().as_object().unwrap().clone();
    apply(&document, &super::operations(&body)?).map(Value::Object)
}

/// What becomes of `ann` by one operation, at a pointer.
fn at(operation: Value, pointer: &str) -> Value {
    let next = patched(json!([operation.clone()])).unwrap_or_else(|e| panic!("{operation}: {e}"));
    next.pointer(pointer).cloned().unwrap_or_default()
}

fn fault(operation: Value) -> &'static str {
    match patched(json!([operation.clone()])) {
        Err(Error::Scim { fault, .. }) => fault.as_str(),
        other => panic!("{operation}: {other:?}"),
    }
}

#[test]
fn single_attributes_are_added_replaced_and_removed() {
    assert_eq!(at(json!({"op": "add", "path": "title", "value": "Boss"}), "/title"), "Boss");
    assert_eq!(at(json!({"op": "replace", "path": "userName", "value": "bob"}), "/userName"), "bob");
    assert_eq!(at(json!({"op": "replace", "path": "name.familyName", "value": "Ray"}), "/name/familyName"), "Ray");
    assert_eq!(at(json!({"op": "replace", "path": "name", "value": {"familyName": "Ray"}}), "/name/givenName"), "Ann");
    assert_eq!(at(json!({"op": "remove", "path": "name.familyName"}), "/name"), json!({"givenName": "Ann"}));
    assert_eq!(at(json!({"op": "remove", "path": "name"}), "/name"), Value::Null);
    assert_eq!(at(json!({"op": "replace", "path": "title", "value": null}), "/title"), Value::Null);
    assert_eq!(at(json!({"op": "remove", "path": "title"}), "/userName"), "ann");
}

#[test]
fn values_of_a_list_are_chosen_by_a_filter() {
    let work = r#"emails[type eq "work"]"#;
    assert_eq!(at(json!({"op": "replace", "path": format!("{work}.value"), "value": "n@a"}), "/emails/0/value"), "n@a");
    let replaced = at(json!({"op": "replace", "path": work, "value": {"value": "n@a", "type": "other"}}), "/emails/0");
    assert_eq!(replaced, json!({"value": "n@a", "type": "other"}));
    assert_eq!(
        at(json!({"op": "remove", "path": work}), "/emails"),
        json!([{"value": "ann@h.example", "type": "home"}])
    );
    assert_eq!(at(json!({"op": "remove", "path": format!("{work}.type")}), "/emails/0/type"), Value::Null);
    assert_eq!(at(json!({"op": "remove", "path": "emails"}), "/emails"), Value::Null);
    // What is not there is made as the filter says.
    let phone =
        at(json!({"op": "Add", "path": r#"phoneNumbers[type eq "mobile"].value"#, "value": "1"}), "/phoneNumbers");
    assert_eq!(phone, json!([{"type": "mobile", "value": "1"}]));
    let primary = json!({"op": "add", "path": "emails", "value": [{"value": "x@y", "primary": true}]});
    let emails = at(primary, "/emails");
    assert_eq!((&emails[0]["primary"], &emails[2]["primary"]), (&json!(false), &json!(true)));
    let twice = json!({"op": "add", "path": "emails", "value": {"value": "ann@h.example", "type": "home"}});
    assert_eq!(at(twice, "/emails").as_array().unwrap().len(), 2);
    let named = json!({"op": "remove", "path": "emails", "value": [{"value": "ann@h.example"}]});
    assert_eq!(at(named, "/emails").as_array().unwrap().len(), 1);
}

#[test]
fn what_entra_id_sends_is_understood() {
    assert_eq!(at(json!({"op": "Replace", "path": "active", "value": "False"}), "/active"), false);
    assert_eq!(at(json!({"op": "Replace", "value": {"active": "False"}}), "/active"), false);
    let dotted =
        json!({"op": "Add", "value": {"name.givenName": "A", format!("{ENTERPRISE}:department"): "Ops", "title": "T"}});
    assert_eq!(at(dotted.clone(), "/name/givenName"), "A");
    assert_eq!(at(dotted.clone(), "/name/familyName"), "Lee");
    let next = patched(json!([dotted])).unwrap();
    assert_eq!((&next[ENTERPRISE]["department"], &next["title"]), (&json!("Ops"), &json!("T")));
    let next = patched(json!([{"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "m1"}])).unwrap();
    assert_eq!(next[ENTERPRISE], json!({"department": "R&D", "manager": {"value": "m1"}}));
    let next = patched(json!([{"op": "Remove", "path": format!("{ENTERPRISE}:department")}])).unwrap();
    assert_eq!(next.get(ENTERPRISE), None);
    let core = json!({"op": "Replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:userName", "value": "bob"});
    assert_eq!(at(core, "/userName"), "bob");
    let whole = patched(json!([{"op": "replace", "path": ENTERPRISE, "value": {"division": "D"}}])).unwrap();
    assert_eq!(whole[ENTERPRISE], json!({"department": "R&D", "division": "D"}));
}

#[test]
fn scim_8_what_is_not_kept_is_not_changed() {
    for operation in [
        json!({"op": "add", "path": "password", "value": "hush"}),
        json!({"op": "replace", "value": {"password": "hush", "roles": ["admin"], "id": "x", "meta": {}}}),
        json!({"op": "add", "path": "roles", "value": [{"value": "admin"}]}),
        json!({"op": "remove", "path": "entitlements"}),
        json!({"op": "add", "path": "urn:x:y:2.0:Z:a", "value": 1}),
        json!({"op": "add", "path": "name.nothing", "value": "x"}),
    ] {
        assert_eq!(patched(json!([operation])).unwrap(), ann(), "{operation}");
    }
}

#[test]
fn each_fault_has_its_name() {
    for (operation, expected) in [
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "replace", "path": r#"emails[type eq "fax"].value"#, "value": "x"}), "noTarget"),
        (
            json!({"op": "add", "path": r#"emails[type ne "fax" and value pr and primary eq false and type co "q"].value"#, "value": "x"}),
            "noTarget",
        ),
        (json!({"op": "replace", "path": "a b", "value": "x"}), "invalidPath"),
        (json!({"op": "replace", "path": 1, "value": "x"}), "invalidPath"),
        (json!({"op": "replace", "path": r#"title[value eq "x"]"#, "value": "x"}), "invalidPath"),
        (json!({"op": "replace", "path": r#"emails[type is "x"]"#, "value": "x"}), "invalidFilter"),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}), "mutability"),
        (json!({"op": "replace", "path": "meta.version", "value": "x"}), "mutability"),
        (json!({"op": "remove", "path": "userName"}), "mutability"),
        (json!({"op": "remove", "path": "active"}), "mutability"),
        (json!({"op": "replace", "path": "active"}), "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": "maybe"}), "invalidValue"),
        (json!({"op": "replace", "value": "x"}), "invalidValue"),
        (json!({"op": "move", "path": "a"}), "invalidSyntax"),
        (json!({"op": 1}), "invalidSyntax"),
        (json!("x"), "invalidSyntax"),
    ] {
        assert_eq!(fault(operation.clone()), expected, "{operation}");
    }
    for body in [
        json!({}),
        json!({"Operations": []}),
        json!({"Operations": {}}),
        json!({"schemas": ["x"], "Operations": [{"op": "add"}]}),
    ] {
        assert!(operations(&body).is_err(), "{body}");
    }
    let many = json!({"Operations": vec![json!({"op": "remove", "path": "title"}); MAX_OPERATIONS + 1]});
    assert!(matches!(operations(&many), Err(Error::Scim { fault: ScimFault::TooMany, .. })));
}

#[test]
fn one_operation_that_cannot_be_made_undoes_all() {
    let both =
        json!([{"op": "replace", "path": "userName", "value": "bob"}, {"op": "replace", "path": "id", "value": "x"}]);
    assert!(patched(both).is_err());
}
