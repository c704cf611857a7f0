//! Tests of addresses.
#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn servers_are_read_with_their_ports() {
    let ldap = Ldap {
        server_address: "2606:4700::1111".into(),
        use_ssl: true,
        servers: vec!["A.example:1636".into(), "[::1]:636".into(), "b.example".into()],
        ..Ldap::default()
    };
    let all = Address::all(&ldap).unwrap();
    let written: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["[2606:4700::1111]:636", "a.example:1636", "[::1]:636", "b.example:636"]);
    assert_eq!((all[0].host.as_str(), all[2].host.as_str()), ("2606:4700::1111", "::1"));
}
