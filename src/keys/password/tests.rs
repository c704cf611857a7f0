//! Hashes made by the Python libraries that Keystone uses (bcrypt, cryptography, passlib) and by argon2-cffi.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const PASSWORD: &str = "pässwörd 1";
const CHEAP: Cost = Cost { memory_kib: 64, iterations: 1, lanes: 1 };

/// Made of [`PASSWORD`].
const KNOWN: [&str; 10] = [
    "$argon2id$v=19$m=256,t=2,p=2$kFrSCGyu+nVimVsN2NKWpw$aMIkr8ljZGjfRvfrddVMFJ2n9oAoF+QllAkkrXHPqhM",
    "$2b$04$i1kmrrQ3dfzIv4lKTDvZsudU7tG/8f1WVfssK4wWYb7fvJS6qYdnW",
    "$2a$04$WiyDbrsB6Nu2UsyPT9CB1OcitfB8rru.ir76NmEp0peT6u9AHlXPG",
    "$2y$04$8sOA3JOXqy3o17j9UwhWtu1gcCdNe4qE3mz37zabL4AnS6feeK3f.",
    "$bcrypt-sha256$v=2,t=2b,r=4$9xlsJcphizsg34NqcjB0Ne$/6GdmWdFJhJyTwLc4fPJg8/T0uueAdC",
    "$bcrypt-sha256$v=2,t=2b,r=4$.C1J3r4jMRLK4XqRpq9Wo.$Wv/bUUWjJUjlMcv.Fq3k.Juqz1F0MSu",
    "$scrypt$ln=10,r=8,p=1$5WsM6BMBFgQlXDibGWe/fw$bSgFcrd6j3XvlUIa61PksHBCgyl7QSYG5N7IFV5dsAQ",
    "$scrypt$ln=8,r=4,p=2$vbrQzeJb0rYfY7sbe+j7RxThFJOtaGYh2aMOSGJ5SvU$lbHMl3UdsWXIzoP4ize8/XpAZlTNuzPZp9Ji2rxLuj8",
    "$pbkdf2-sha512$1000$WF/8ZS4HL3ZWNKJ53oyvDw$pBENGitQw2RR+1+pQ85FeR7lM7Y8CEKKK1AaPI3IZbY+hFKSVja/WDyYG/vaUTM25/2pGIYFF+5Ul99hMSrUuw",
    "$pbkdf2-sha512$1000$rLV2DmHs3ZsTgvCeU4rRWg$RmcL36TDnOdB4rdBy5tO3qXfbXQN6PiP2ebeqGf6TDKp31R5j/ZFRH9RTpuYDYQGYqH9YP3Icv5pQkkzAzeUTg",
];

fn hasher() -> Hasher {
    Hasher::new(CHEAP, 8, 2, Arc::new(Random::seeded(1))).unwrap()
}

async fn verify(hash: &str, password: &str) -> bool {
    hasher().verify(Some(hash), password.into()).await.unwrap()
}

#[tokio::test]
async fn hashes_of_every_scheme_verify_and_only_with_their_password() {
    for hash in KNOWN {
        assert!(verify(hash, PASSWORD).await, "{hash}");
        assert!(!verify(hash, "pässwörd 2").await, "{hash}");
        assert!(!verify(hash, "").await, "{hash}");
        let last = hash.len() - 2;
        let changed =
            format!("{}{}{}", &hash[..last], if hash[last..].starts_with('A') { "B" } else { "A" }, &hash[last + 1..]);
        assert!(!verify(&changed, PASSWORD).await, "{changed}");
    }
}

#[tokio::test]
async fn bcrypt_cuts_at_72_bytes_and_takes_empty_and_nul() {
    let long = "$2b$04$IuVqQ3h5AnL95OTjadrAVOEdqrpY3I6K7/sVWleW7gQeBvpHCWiEi";
    assert!(verify(long, &"x".repeat(72)).await);
    assert!(verify(long, &"x".repeat(100)).await);
    assert!(!verify(long, &"x".repeat(71)).await);
    assert!(verify("$2b$04$iIRQbjlGApwXucxuzcs1eOlZYn4630z8ZFzu2x.wuIBzwPLUYFSjS", &"x".repeat(100)).await);
    assert!(verify("$2b$04$Ft8Y9qZJL8ljR9a4mhA4NO1w74tZRaQBbz5GZfAqk/BAwefF.hG8C", "").await);
    assert!(verify("$2b$04$iglnD.94dMtdL9Gn7A2pDe1xATTi3bZ56Yy37HDcs7Qq0CoQuQNcW", "a\0b").await);
    assert!(!verify("$2b$04$iglnD.94dMtdL9Gn7A2pDe1xATTi3bZ56Yy37HDcs7Qq0CoQuQNcW", "a").await);
}

#[tokio::test]
async fn new_hashes_are_argon2id_of_the_configured_cost_with_a_fresh_salt() {
    let hasher = hasher();
    let (a, b) = (hasher.hash(PASSWORD.into()).await.unwrap(), hasher.hash(PASSWORD.into()).await.unwrap());
    assert!(a.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    assert_ne!(a, b);
    assert!(verify(&a, PASSWORD).await && !verify(&a, "x").await);
    assert!(!hasher.needs_rehash(&a));
    let dearer = Hasher::new(Cost { iterations: 2, ..CHEAP }, 8, 1, Arc::new(Random::seeded(1))).unwrap();
    assert!(dearer.needs_rehash(&a));
    assert!(KNOWN.iter().all(|hash| hasher.needs_rehash(hash)) && hasher.needs_rehash(""));
}

#[tokio::test]
async fn hashes_of_no_known_form_never_verify() {
    for hash in [
        "",
        "$",
        "plain",
        PASSWORD,
        "$1$salt$digest",
        "$6$salt$digest",
        "$2x$04$i1kmrrQ3dfzIv4lKTDvZsudU7tG/8f1WVfssK4wWYb7fvJS6qYdnW",
        "$2b$04$i1kmrrQ3dfzIv4lKTDvZsudU7tG/8f1WVfssK4wWYb7fvJS6qYdn",
        "$2b$04$i1kmrrQ3dfzIv4lKTDvZsudU7tG/8f1WVfssK4wWYb7fvJS6qYdnW\n",
        "$2b$4$ääi1kmrrQ3dfzIv4lKTDvZsudU7tG/8f1WVfssK4wWYb7fvJS6qYdn",
        "$argon2i$v=19$m=64,t=1,p=1$I02OZHlddZVDLeKdY8kcjw$1i2ybj3e6pYFZKzo5/XKEmTratWug6iEHT8kIpLOAxY",
        "$argon2id$v=19$m=256,t=2$kFrSCGyu+nVimVsN2NKWpw$aMIkr8ljZGjfRvfrddVMFJ2n9oAoF+QllAkkrXHPqhM",
        "$argon2id$v=19$m=256,t=2,p=2$kFrSCGyu+nVimVsN2NKWpw$",
        "$argon2id$v=19$m=+256,t=2,p=2$kFrSCGyu+nVimVsN2NKWpw$aMIkr8ljZGjfRvfrddVMFJ2n9oAoF+QllAkkrXHPqhM",
        "$scrypt$ln=10,r=8,p=1$5WsM6BMBFgQlXDibGWe/fw$",
        "$pbkdf2-sha512$1000$WF/8ZS4HL3ZWNKJ53oyvDw$AAAA",
        "$pbkdf2-sha512$0$WF/8ZS4HL3ZWNKJ53oyvDw$pBENGitQw2RR+1+pQ85FeR7lM7Y8CEKKK1AaPI3IZbY+hFKSVja/WDyYG/vaUTM25/2pGIYFF+5Ul99hMSrUuw",
    ] {
        assert!(!verify(hash, PASSWORD).await, "{hash}");
        assert!(scheme::parse(hash).is_none(), "{hash}");
    }
    assert_eq!(
        (scheme::name("$6$salt"), scheme::name("secret"), scheme::name("$\x1b[31m$")),
        ("6", "unknown", "unknown")
    );
}

#[test]
fn a_hostile_hash_cannot_ask_for_any_cost() {
    let salt = "AAAAAAAAAAAAAAAAAAAAAA";
    let digest = "A".repeat(43);
    let long = format!("{}AA", "A".repeat(84));
    for hash in [
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=262144,t=16,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=4294967295,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=4294967295${salt}${digest}"),
        format!("$argon2id$v=19$m=0,t=0,p=0${salt}${digest}"),
        "$2b$31$i1kmrrQ3dfzIv4lKTDvZsudU7tG/8f1WVfssK4wWYb7fvJS6qYdnW".into(),
        "$bcrypt-sha256$v=2,t=2b,r=31$9xlsJcphizsg34NqcjB0Ne$/6GdmWdFJhJyTwLc4fPJg8/T0uueAdC".into(),
        format!("$scrypt$ln=40,r=8,p=1${salt}${digest}"),
        format!("$scrypt$ln=4294967295,r=8,p=1${salt}${digest}"),
        format!("$scrypt$ln=10,r=4294967295,p=4294967295${salt}${digest}"),
        format!("$scrypt$ln=10,r=8,p=1000000${salt}${digest}"),
        format!("$scrypt$ln=10,r=0,p=0${salt}${digest}"),
        format!("$pbkdf2-sha512$4294967295${salt}${long}"),
        format!("$pbkdf2-sha512$1000${}${long}", "A".repeat(4000)),
    ] {
        assert!(scheme::parse(&hash).is_none(), "{hash}");
    }
    assert!(scheme::parse(&format!("$pbkdf2-sha512$25000${salt}${long}")).is_some());
    assert!(scheme::parse(&format!("$scrypt$ln=16,r=8,p=1${salt}${digest}")).is_some());
    let wild = Cost { memory_kib: 1 << 30, ..CHEAP };
    assert!(Hasher::new(wild, 1, 0, Arc::new(Random::seeded(1))).is_err());
    assert!(Hasher::new(Cost { memory_kib: 1, ..CHEAP }, 1, 0, Arc::new(Random::seeded(1))).is_err());
    assert!(Hasher::new(Cost::default(), 1, 0, Arc::new(Random::seeded(1))).is_ok());
}

#[tokio::test]
async fn unknown_users_and_odd_passwords_cost_what_known_ones_do() {
    let hasher = hasher();
    let own = scheme::parse(&hasher.hash(PASSWORD.into()).await.unwrap());
    // Nothing shortens the way: the work planned is argon2id of the configured cost in each case.
    for (stored, length, counts) in
        [(None, 8, false), (None, 0, false), (None, 1 << 20, false), (own, MAX_PASSWORD + 1, false)]
    {
        let (work, possible) = hasher.plan(stored, length);
        assert!(work.is_argon2id_of(CHEAP));
        assert_eq!(possible, counts);
    }
    for password in ["", PASSWORD, &"x".repeat(MAX_PASSWORD + 1)] {
        assert!(!hasher.verify(None, password.into()).await.unwrap());
    }
}

#[tokio::test]
async fn a_password_over_the_limit_is_refused_and_never_verifies() {
    let hasher = hasher();
    let longest = "x".repeat(MAX_PASSWORD);
    let hash = hasher.hash(longest.as_str().into()).await.unwrap();
    assert!(hasher.verify(Some(&hash), longest.as_str().into()).await.unwrap());
    // Its beginning would match.
    assert!(!hasher.verify(Some(&hash), format!("{longest}y").into()).await.unwrap());
    assert_eq!(hasher.hash(format!("{longest}y").into()).await.unwrap_err().status(), 400);
}

#[tokio::test]
async fn beyond_the_queue_the_answer_is_429_and_room_comes_back() {
    let hasher = Arc::new(Hasher::new(CHEAP, 1, 1, Arc::new(Random::seeded(1))).unwrap());
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let running = tokio::spawn({
        let hasher = Arc::clone(&hasher);
        async move { hasher.run(move || wait.recv().is_ok()).await }
    });
    while hasher.running.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let waiting = tokio::spawn({
        let hasher = Arc::clone(&hasher);
        async move { hasher.verify(None, "x".into()).await }
    });
    while hasher.admitted.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(hasher.verify(None, "x".into()).await.unwrap_err().status(), 429);
    // A caller who goes away does not let another run beside the work that goes on.
    running.abort();
    tokio::task::yield_now().await;
    assert_eq!(hasher.running.available_permits(), 0);
    release.send(()).unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(false));
    while hasher.admitted.available_permits() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(hasher.verify(None, "x".into()).await, Ok(false));
}

#[test]
fn sec_mem_1_debug_of_the_hasher_shows_the_cost_only() {
    assert!(format!("{:?}", hasher()).contains("memory_kib: 64"));
}
