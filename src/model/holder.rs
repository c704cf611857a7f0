//! Whose roles are asked for: a user, with what the token at hand says of their groups.

use super::token::Federated;
use crate::clock::Timestamp;

/// A user as the holder of roles.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The user.
    pub user_id: &'a str,
    /// What the token carries of an identity provider's groups. They count for as long as the token does, unless the
    /// membership was taken away since.
    pub federated: Option<&'a Federated>,
    /// The time, for memberships that end.
    pub now: Timestamp,
}

impl<'a> Holder<'a> {
    /// A user as such.
    pub fn new(user_id: &'a str, now: Timestamp) -> Self {
        Self { user_id, federated: None, now }
    }

    /// The holder of a token.
    pub fn of_token(user_id: &'a str, federated: Option<&'a Federated>, now: Timestamp) -> Self {
        Self { user_id, federated, now }
    }
}
