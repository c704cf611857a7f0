//! The table of attributes.

use super::Attribute;
use super::Mutability::{Immutable, ReadOnly, ReadWrite};
use super::Type::{Boolean, Complex, Reference, Text};

const fn of(name: &'static str, kind: super::Type, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        multi: false,
        required: false,
        case_exact: false,
        mutability: ReadWrite,
        unique: false,
        canonical: &[],
        leads_to: &[],
        parts: &[],
        description,
    }
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    of(name, Text, description)
}

const fn complex(name: &'static str, parts: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute { parts, ..of(name, Complex, description) }
}

const fn several(name: &'static str, parts: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute { multi: true, ..complex(name, parts, description) }
}

const PRIMARY: Attribute = of("primary", Boolean, "Whether it is the one that counts");
const OF_WORK: &[&str] = &["work", "home", "other"];

/// Those of every resource (RFC 7643 §3.1).
pub(super) const COMMON: &[Attribute] = &[
    Attribute { mutability: ReadOnly, ..of("schemas", Text, "The schemas of the resource") },
    Attribute { mutability: ReadOnly, case_exact: true, unique: true, ..of("id", Text, "The id of the resource") },
    Attribute { case_exact: true, ..of("externalId", Text, "The id at the directory") },
    Attribute {
        mutability: ReadOnly,
        ..complex(
            "meta",
            &[
                Attribute { mutability: ReadOnly, case_exact: true, ..of("resourceType", Text, "The kind") },
                Attribute { mutability: ReadOnly, ..of("created", Text, "When it was made") },
                Attribute { mutability: ReadOnly, ..of("lastModified", Text, "When it last changed") },
                Attribute { mutability: ReadOnly, case_exact: true, ..of("location", Reference, "Where it is") },
                Attribute { mutability: ReadOnly, case_exact: true, ..of("version", Text, "Its version") },
            ],
            "What this service says of the resource",
        )
    },
];

/// RFC 7643 §4.1.
pub(super) const USER: &[Attribute] = &[
    Attribute { required: true, unique: true, ..text("userName", "The name, unique in the tenant") },
    complex(
        "name",
        &[
            text("formatted", "The whole name"),
            text("familyName", "The family name"),
            text("givenName", "The given name"),
            text("middleName", "Further given names"),
            text("honorificPrefix", "What stands before the name"),
            text("honorificSuffix", "What stands behind the name"),
        ],
        "The parts of the name",
    ),
    text("displayName", "What people call them"),
    text("nickName", "What friends call them"),
    Attribute { leads_to: &["external"], ..of("profileUrl", Reference, "A page about them") },
    text("title", "The job title"),
    text("userType", "How they belong to the organization"),
    text("preferredLanguage", "The language that they would have"),
    text("locale", "Where they live, for the form of dates and numbers"),
    text("timezone", "The time zone"),
    // It is always one or the other, and is not taken away; who is made without it may.
    Attribute { required: true, ..of("active", Boolean, "Whether they may sign in") },
    several(
        "emails",
        &[text("value", "The address"), Attribute { canonical: OF_WORK, ..text("type", "What it is for") }, PRIMARY],
        "E-mail addresses",
    ),
    several(
        "phoneNumbers",
        &[
            text("value", "The number"),
            Attribute {
                canonical: &["work", "home", "mobile", "fax", "pager", "other"],
                ..text("type", "What it is for")
            },
            PRIMARY,
        ],
        "Telephone numbers",
    ),
    several(
        "addresses",
        &[
            text("formatted", "The whole address"),
            text("streetAddress", "Street and number"),
            text("locality", "Town"),
            text("region", "State or region"),
            text("postalCode", "Postal code"),
            text("country", "Country"),
            Attribute { canonical: OF_WORK, ..text("type", "What it is for") },
            PRIMARY,
        ],
        "Postal addresses",
    ),
    Attribute {
        mutability: ReadOnly,
        ..several(
            "groups",
            &[
                Attribute { mutability: ReadOnly, case_exact: true, ..text("value", "The id of the group") },
                Attribute {
                    mutability: ReadOnly,
                    case_exact: true,
                    leads_to: &["Group"],
                    ..of("$ref", Reference, "Where the group is")
                },
                Attribute { mutability: ReadOnly, ..text("display", "The name of the group") },
                Attribute { mutability: ReadOnly, canonical: &["direct"], ..text("type", "How they are in the group") },
            ],
            "The groups that they are in",
        )
    },
];

/// RFC 7643 §4.2.
pub(super) const GROUP: &[Attribute] = &[
    Attribute { required: true, unique: true, ..text("displayName", "The name, unique in the tenant") },
    several(
        "members",
        &[
            Attribute { mutability: Immutable, case_exact: true, ..text("value", "The id of the user") },
            Attribute {
                mutability: Immutable,
                case_exact: true,
                leads_to: &["User"],
                ..of("$ref", Reference, "Where the user is")
            },
            Attribute { mutability: Immutable, canonical: &["User"], ..text("type", "What the member is") },
        ],
        "The users in the group",
    ),
];

/// RFC 7643 §4.3.
pub(super) const ENTERPRISE: &[Attribute] = &[
    text("employeeNumber", "The number of the employee"),
    text("costCenter", "The cost center"),
    text("organization", "The organization"),
    text("division", "The division"),
    text("department", "The department"),
    complex(
        "manager",
        &[Attribute { case_exact: true, ..text("value", "The id of the manager, as the directory says it") }],
        "The manager",
    ),
];
