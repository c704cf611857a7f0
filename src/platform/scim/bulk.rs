//! Creating many users in few requests (RFC 7644 §3.7): only if whoever calls asks for it and the server has it. What comes of
//! each is judged by its own status, and whatever is not plainly created is placed by itself.

use std::collections::HashMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::capabilities::Bulk;
use super::failure::{Failure, Kind};
use super::find::Key;
use super::place::{Placed, Wanted, What};
use super::resource::{Known, attribute, id, number, text};
use super::user::User;
use super::wire::{Reply, Request};
use super::{Class, Client};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Bytes around the operations.
const ENVELOPE: usize = 128;

/// What came of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Created(Known),
    /// Created, but under which id was not said.
    Nameless(Option<String>),
    Failed(Failure),
    /// It has to be placed by itself.
    Unclear,
}

/// One user that is to be created: which of all it is, and its operation.
struct Operation {
    at: usize,
    text: String,
}

impl Client {
    /// Has users be there whose ids are not known, as [`Client::place_user`] does; those that are not there yet are created in
    /// bulk. All that are there are paged through once for it. The outcomes are in the order of the users.
    ///
    /// # Errors
    /// A failure that ends the run.
    pub async fn bulk_users(&self, wanted: &[User]) -> Result<Vec<Result<Placed, Failure>>, Failure> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; wanted.len()];
        if let Some(limits) = self.capabilities.bulk
            && self.take_census().await?
        {
            let mut operations = Vec::new();
            for (at, user) in wanted.iter().enumerate() {
                if user.check().is_err() {
                    continue;
                }
                let key = (user.external_id.as_str(), user.user_name.as_str());
                if let Ok(None) = self.find(&mut self.turn(), Class::User, key, false).await {
                    let data = user.body(self.capabilities.enterprise);
                    let path = self.endpoint(Class::User)?;
                    let text = json!({"method": "POST", "path": path, "bulkId": format!("u{at}"), "data": data});
                    operations.push(Operation { at, text: text.to_string() });
                }
            }
            self.create_all(limits, &operations, &mut outcomes).await?;
        }
        self.settle(wanted, outcomes).await
    }

    /// Whether all users are known now.
    async fn take_census(&self) -> Result<bool, Failure> {
        match self.counted(&mut self.turn(), Class::User, Key::Name("")).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.stops() => Err(failure),
            Err(_) => {
                self.census(Class::User).forget().await;
                Ok(false)
            }
        }
    }

    async fn create_all(
        &self,
        limits: Bulk,
        operations: &[Operation],
        outcomes: &mut [Option<Outcome>],
    ) -> Result<(), Failure> {
        let mut left = pieces(limits, operations);
        left.reverse();
        while let Some(piece) = left.pop() {
            let turn = self.turn();
            let texts: Vec<&str> = piece.iter().map(|operation| operation.text.as_str()).collect();
            let body = format!("{{\"schemas\":[\"{BULK_REQUEST}\"],\"Operations\":[{}]}}", texts.join(","));
            // Not repeated: of what came of a request without an answer, each user's own turn finds out.
            match turn.once(&Request::with_text(Method::POST, "/Bulk".to_owned(), body)).await {
                Ok(reply) if reply.status.is_success() => {
                    let mut told = outcomes_of(&reply, |answer| turn.wire.failure(Kind::Refused, answer));
                    for operation in piece {
                        let outcome = told.remove(&operation.at).unwrap_or(Outcome::Unclear);
                        if let Outcome::Failed(failure) = &outcome
                            && failure.stops()
                        {
                            return Err(failure.clone());
                        }
                        outcomes[operation.at] = Some(outcome);
                    }
                }
                Ok(reply) if reply.status == StatusCode::PAYLOAD_TOO_LARGE && piece.len() > 1 => {
                    let (first, second) = piece.split_at(piece.len() / 2);
                    left.push(second);
                    left.push(first);
                }
                Ok(_) => mark_unclear(piece, outcomes),
                Err(setback) if setback.failure.stops() => return Err(setback.failure),
                Err(_) => mark_unclear(piece, outcomes),
            }
        }
        Ok(())
    }

    /// Takes over what is clear and gives each other user its own turn.
    async fn settle(
        &self,
        wanted: &[User],
        outcomes: Vec<Option<Outcome>>,
    ) -> Result<Vec<Result<Placed, Failure>>, Failure> {
        let open = |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Nameless(_) | Outcome::Unclear));
        if outcomes.iter().any(open) {
            self.census(Class::User).forget().await;
            if outcomes.iter().any(|outcome| matches!(outcome, Some(Outcome::Nameless(_)))) {
                self.take_census().await?;
            }
        }
        let mut settled = Vec::with_capacity(wanted.len());
        for (user, outcome) in wanted.iter().zip(outcomes) {
            let created = |known: Known| Placed { known, what: What::Created };
            let placed = match outcome {
                Some(Outcome::Created(known)) => {
                    self.census(Class::User).add(Wanted::user(user, false).hit(&known.id)).await;
                    Ok(created(known))
                }
                Some(Outcome::Failed(failure)) => Err(failure),
                Some(Outcome::Nameless(version)) => {
                    let key = (user.external_id.as_str(), user.user_name.as_str());
                    match self.find(&mut self.turn(), Class::User, key, false).await {
                        Ok(Some(found)) if found.owned => Ok(created(Known { id: found.id, version })),
                        Ok(_) => self.place_user(user, None).await,
                        Err(failure) => Err(failure),
                    }
                }
                Some(Outcome::Unclear) | None => self.place_user(user, None).await,
            };
            match placed {
                Err(failure) if failure.stops() => return Err(failure),
                placed => settled.push(placed),
            }
        }
        Ok(settled)
    }
}

fn mark_unclear(piece: &[Operation], outcomes: &mut [Option<Outcome>]) {
    for operation in piece {
        outcomes[operation.at] = Some(Outcome::Unclear);
    }
}

/// Operations in pieces that keep both limits; one that is too large by itself is a piece by itself.
fn pieces(limits: Bulk, operations: &[Operation]) -> Vec<&[Operation]> {
    let mut pieces = Vec::new();
    let (mut from, mut size) = (0, ENVELOPE);
    for (at, operation) in operations.iter().enumerate() {
        let more = operation.text.len() + 1;
        if at > from && (at - from == limits.operations || size + more > limits.payload) {
            pieces.push(&operations[from..at]);
            (from, size) = (at, ENVELOPE);
        }
        size += more;
    }
    if from < operations.len() {
        pieces.push(&operations[from..]);
    }
    pieces
}

/// What an answer says of each operation, by the number in its `bulkId`.
fn outcomes_of(reply: &Reply, refused: impl Fn(&Reply) -> Failure) -> HashMap<usize, Outcome> {
    let operations = attribute(&reply.body, "Operations").and_then(Value::as_array);
    let mut told = HashMap::new();
    for operation in operations.into_iter().flatten() {
        let at = text(operation, "bulkId").and_then(|id| id.strip_prefix('u')).and_then(|id| id.parse().ok());
        let status =
            attribute(operation, "status").and_then(|said| number(said).or_else(|| number(attribute(said, "code")?)));
        let status = status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
        let (Some(at), Some(status)) = (at, status) else { continue };
        let response = attribute(operation, "response").cloned().unwrap_or_default();
        let version = text(operation, "version").map(str::to_owned);
        let outcome = match status.as_u16() {
            200..=299 => match id(&response) {
                Some(id) => Outcome::Created(Known { id, version }),
                None => Outcome::Nameless(version),
            },
            408 | 409 | 429 | 500.. => Outcome::Unclear,
            _ => {
                let answer = Reply { status, version: None, body: response, garbled: false };
                match (answer.is_taken(), status.as_u16()) {
                    (true, _) => Outcome::Unclear,
                    (false, 401 | 403) => Outcome::Failed(Failure { kind: Kind::Stop, ..refused(&answer) }),
                    _ => Outcome::Failed(refused(&answer)),
                }
            }
        };
        told.insert(at, outcome);
    }
    told
}
