//! The body by which a user changes their own password.

use serde_json::Value;

use super::fields::Fields;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A user's change of their own password.
#[derive(Debug)]
pub struct PasswordChange {
    /// The password as it is; it proves who asks.
    pub original: Secret,
    /// The password to be.
    pub password: Secret,
}

impl PasswordChange {
    /// Reads the body. A change to the same password is none: an expired one would live on by it.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, "user")?;
        let original = Secret::from(f.required_text("original_password", 0..=usize::MAX)?);
        let password = Secret::from(f.required_text("password", 1..=usize::MAX)?);
        f.finish()?;
        if original == password {
            return Err(Error::invalid_field("user.password", "the new password is the original one"));
        }
        Ok(Self { original, password })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_passwords_must_be_there_be_text_and_differ() {
        let read = |user: Value| PasswordChange::parse(&json!({ "user": user }));
        let change = read(json!({"original_password": "a", "password": "b"})).unwrap();
        assert_eq!((change.original, change.password), (Secret::from("a"), Secret::from("b")));
        for user in [
            json!({"original_password": "hush"}),
            json!({"password": "hush"}),
            json!({"original_password": "hush", "password": "hush"}),
            json!({"original_password": "hush", "password": ["hush"]}),
            json!({"original_password": "hush", "password": null}),
            json!({"original_password": "hush", "password": ""}),
            json!({"original_password": "a", "password": "hush", "enabled": true}),
        ] {
            let error = format!("{:?}", read(user.clone()).unwrap_err());
            assert!(!error.contains("hush"), "{user}: {error}");
        }
    }
}
