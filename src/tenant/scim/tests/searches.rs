//! Lists: filters, pages, order.

use super::*;

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The names of what a filter finds, in order.
async fn found(scene: &Scene, endpoint: &str, filter: &str) -> String {
    let answer = scene.ask("GET", &format!("{endpoint}?filter={}", encoded(filter)), None).await;
    assert_eq!(answer.status, 200, "{filter}: {}", answer.body);
    let all = answer.body["Resources"].as_array().unwrap();
    assert_eq!(answer.body["totalResults"], all.len());
    let name = |r: &Value| r.get("userName").or(r.get("displayName")).unwrap().as_str().unwrap().to_owned();
    let mut names: Vec<String> = all.iter().map(name).collect();
    names.sort();
    names.join(" ")
}

async fn people(scene: &Scene) -> (String, String) {
    let ann = json!({
        "userName": "Ann", "externalId": "E1", "displayName": "Ann Lee", "emails": [
            {"value": "Ann@work.example", "type": "work", "primary": true}, {"value": "ann@home.example", "type": "Home"},
        ],
    });
    let ann = scene.make("/Users", ann).await;
    scene.house.clock.advance(10);
    let bob = scene.make("/Users", json!({"userName": "bob", "externalId": "e1", "active": false})).await;
    scene.local("local", None).await;
    (ann, bob)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_found_by_what_is_indexed() {
    Scene::each(async |scene| {
        let (ann, bob) = people(&scene).await;
        let group = scene
            .make("/Groups", json!({"displayName": "Gold", "externalId": "g1", "members": [{"value": ann}]}))
            .await;
        scene.make("/Groups", json!({"displayName": "silver"})).await;
        let made =
            scene.ask("GET", &format!("/Users/{bob}"), None).await.body["meta"]["created"].as_str().unwrap().to_owned();
        for (filter, expected) in [
            (r#"userName eq "ANN""#.to_owned(), "Ann"),
            (r#"userName ne "ann""#.to_owned(), "bob local"),
            (r#"userName sw "B""#.to_owned(), "bob"),
            (r#"userName ew "N""#.to_owned(), "Ann"),
            (r#"userName co "O""#.to_owned(), "bob local"),
            (r#"userName co """#.to_owned(), "Ann bob local"),
            (r#"userName gt "ann""#.to_owned(), "bob local"),
            (r#"userName le "bob""#.to_owned(), "Ann bob"),
            (r#"externalId eq "e1""#.to_owned(), "bob"),
            (r#"externalId eq "E1""#.to_owned(), "Ann"),
            (r#"not (externalId eq "E1")"#.to_owned(), "bob local"),
            (r#"externalId ne "E1""#.to_owned(), "bob local"),
            ("externalId pr".to_owned(), "Ann bob"),
            ("externalId eq null".to_owned(), "local"),
            (format!(r#"id eq "{ann}""#), "Ann"),
            (format!(r#"id eq "{}""#, ann.to_uppercase()), if ann == ann.to_uppercase() { "Ann" } else { "" }),
            (r#"displayName eq "ann lee""#.to_owned(), "Ann"),
            ("displayName pr".to_owned(), "Ann"),
            (r#"emails.value eq "ann@WORK.example""#.to_owned(), "Ann"),
            (r#"emails eq "ann@home.example""#.to_owned(), "Ann"),
            (r#"emails[type eq "work" and value co "home"]"#.to_owned(), ""),
            (r#"emails[type eq "home" and value co "home"]"#.to_owned(), "Ann"),
            (r#"not (emails pr)"#.to_owned(), "bob local"),
            ("active eq false".to_owned(), "bob"),
            (r#"active eq "True""#.to_owned(), "Ann local"),
            ("active ne true and userName pr".to_owned(), "bob"),
            (format!(r#"meta.created ge "{made}""#), "bob local"),
            (format!(r#"meta.lastModified lt "{made}""#), "Ann"),
            (r#"meta.resourceType eq "User""#.to_owned(), "Ann bob local"),
            (format!(r#"groups.value eq "{group}""#), "Ann"),
            (format!(r#"groups[value eq "{group}"] or userName eq "bob""#), "Ann bob"),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bob""#.to_owned(), "bob"),
            (r#"userName eq "x\" or \"1\" eq \"1""#.to_owned(), ""),
            (r#"userName eq "' OR 1=1 --""#.to_owned(), ""),
        ] {
            assert_eq!(found(&scene, "/Users", &filter).await, expected, "{filter}");
        }
        for (filter, expected) in [
            (r#"displayName eq "GOLD""#.to_owned(), "Gold"),
            (r#"externalId eq "g1" and displayName sw "g""#.to_owned(), "Gold"),
            (format!(r#"members.value eq "{ann}""#), "Gold"),
            (format!(r#"members eq "{ann}""#), "Gold"),
            (format!(r#"id eq "{group}" and members[value eq "{ann}"]"#), "Gold"),
            (format!(r#"members[value eq "{bob}"]"#), ""),
            ("not (members pr)".to_owned(), "silver"),
            (r#"meta.lastModified gt "2000-01-01T00:00:00Z""#.to_owned(), "Gold silver"),
        ] {
            assert_eq!(found(&scene, "/Groups", &filter).await, expected, "{filter}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scim_6_what_is_not_supported_is_said_to_be_so() {
    Scene::each(async |scene| {
        for filter in [
            "name.familyName eq \"x\"",
            "title pr",
            "nothing eq \"x\"",
            "members.value eq \"x\"",
            "password eq \"x\"",
            "userName eq 1",
            "userName eq true",
            "active gt true",
            "active eq \"maybe\"",
            "emails[primary eq true]",
            "emails[value[x pr]]",
            "userName[value eq \"x\"]",
            "meta.lastModified gt \"yesterday\"",
            "meta.location eq \"x\"",
            "externalId gt null",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"x\"",
        ] {
            let answer = scene.ask("GET", &format!("/Users?filter={}", encoded(filter)), None).await;
            assert_fault(&answer, 400, "invalidFilter");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_in_the_order_that_is_asked_for() {
    Scene::each(async |scene| {
        for name in ["c", "A", "b", "E", "d"] {
            scene.user(name).await;
            scene.house.clock.advance(1);
        }
        let page = async |query: &str| {
            let answer = scene.ask("GET", &format!("/Users?{query}"), None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let names: Vec<String> = answer.body["Resources"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r["userName"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(
                (answer.body["totalResults"].as_i64(), answer.body["itemsPerPage"].as_u64()),
                (Some(5), Some(names.len() as u64))
            );
            names.join("")
        };
        assert_eq!(page("sortBy=userName").await, "AbcdE");
        assert_eq!(page("sortBy=userName&sortOrder=descending&count=2").await, "Ed");
        assert_eq!(page("sortBy=userName&startIndex=2&count=2").await, "bc");
        assert_eq!(page("sortBy=userName&startIndex=5&count=2").await, "E");
        assert_eq!(page("sortBy=meta.created").await, "cAbEd");
        assert_eq!(page("sortBy=meta.lastModified&sortOrder=descending").await, "dEbAc");
        assert_eq!(page("startIndex=6").await, "");
        assert_eq!(page("count=0").await, "");
        let (first, rest) = (page("count=3").await, page("startIndex=4").await);
        let mut all: Vec<char> = format!("{first}{rest}").chars().collect();
        all.sort_unstable();
        assert_eq!(all.into_iter().collect::<String>(), "AEbcd");
        let body = json!({"filter": "userName sw \"a\"", "attributes": ["userName"]});
        let found = scene.ask("POST", "/Users/.search", Some(body)).await.body;
        let one = found["Resources"][0].as_object().unwrap();
        assert_eq!(one.keys().map(String::as_str).collect::<Vec<_>>(), ["id", "schemas", "userName"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_among_all_finds_users_first_and_then_groups() {
    Scene::each(async |scene| {
        for name in ["ann", "bob"] {
            scene.user(name).await;
        }
        for name in ["gold", "silver"] {
            scene.make("/Groups", json!({"displayName": name, "externalId": format!("ext-{name}")})).await;
        }
        let search = async |body: Value| scene.ask("POST", "/.search", Some(body)).await.body;
        let kinds = |found: &Value| {
            let all = found["Resources"].as_array().unwrap();
            all.iter().map(|r| r["meta"]["resourceType"].as_str().unwrap().chars().next().unwrap()).collect::<String>()
        };
        let all = search(json!({})).await;
        assert_eq!((all["totalResults"].as_i64(), kinds(&all).as_str()), (Some(4), "UUGG"));
        assert_eq!(kinds(&search(json!({"startIndex": 2, "count": 2})).await), "UG");
        assert_eq!(kinds(&search(json!({"startIndex": 4})).await), "G");
        let users = search(json!({"filter": "userName pr"})).await;
        assert_eq!((users["totalResults"].as_i64(), kinds(&users).as_str()), (Some(2), "UU"));
        assert_eq!(kinds(&search(json!({"filter": "externalId eq \"ext-gold\" or userName eq \"ann\""})).await), "UG");
        assert_eq!(kinds(&search(json!({"filter": "meta.resourceType eq \"Group\""})).await), "GG");
        assert_fault(&scene.ask("POST", "/.search", Some(json!({"filter": "nothing pr"}))).await, 400, "invalidFilter");
    })
    .await;
}
