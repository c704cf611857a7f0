//! Members of groups: changed by PATCH in pieces, so that neither side ever holds a big group (RFC 7644 §3.5.2, SCIM-4), and
//! by PUT only where there is no PATCH.

use std::collections::{HashSet, VecDeque};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::change::{Change, Place, overlaid, patch};
use super::failure::{Failure, Kind};
use super::filter::eq;
use super::resource::{Known, text};
use super::turn::Turn;
use super::wire::{Reply, Request};
use super::{Class, Client};

/// Most ids of one request.
const PIECE: usize = 100;
/// Most members of one change that a server may refuse before the change as a whole counts as refused.
const MAX_REFUSED: usize = 50;
/// Most whose users may turn out to be gone.
const MAX_GONE: usize = 1_000;
/// Most members that are read.
const MAX_MEMBERS: usize = 100_000;
/// Attempts at a version that somebody else keeps changing.
const MAX_VERSIONS: u32 = 3;

/// What came of changing a group's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// What to keep of the group.
    pub known: Known,
    /// Ids that were to be added and whose users are not there any more.
    pub gone: Vec<String>,
    /// Ids that the server has refused to add or remove, and why.
    pub refused: Vec<(String, String)>,
}

/// Ids that come or go together.
#[derive(Clone, Copy)]
struct Piece<'a> {
    ids: &'a [String],
    comes: bool,
}

impl Piece<'_> {
    fn body(self) -> Value {
        if self.comes {
            let members: Vec<Value> = self.ids.iter().map(|id| json!({"value": id})).collect();
            return patch(vec![json!({"op": "add", "path": "members", "value": members})]);
        }
        let removal = |id: &String| json!({"op": "remove", "path": format!("members[{}]", eq("value", id))});
        patch(self.ids.iter().map(removal).collect())
    }
}

/// What came of one piece.
enum Outcome {
    Done,
    /// One of several is to blame.
    Halve,
    NoPatch,
}

impl Client {
    /// Adds and removes members, by the server's ids of them. Each piece of them has the deadline of one object. `last` is the
    /// set that was last sent, for a server that has no PATCH and does not tell the members either.
    ///
    /// # Errors
    /// Why the change as a whole was not made; some of it may have been, and all of it can be asked for again.
    pub async fn change_members(
        &self,
        group: &Known,
        add: &[String],
        remove: &[String],
        last: Option<&[String]>,
    ) -> Result<Members, Failure> {
        let mut turn = self.turn();
        let mut done = Members { known: group.clone(), gone: Vec::new(), refused: Vec::new() };
        let leaving = remove.chunks(PIECE).map(|ids| Piece { ids, comes: false });
        let mut left: VecDeque<Piece<'_>> =
            leaving.chain(add.chunks(PIECE).map(|ids| Piece { ids, comes: true })).collect();
        while self.patches() {
            let Some(piece) = left.pop_front() else { return Ok(done) };
            turn.renew();
            match self.change_piece(&mut turn, &mut done, piece).await? {
                Outcome::Done => {}
                Outcome::Halve => {
                    let (first, second) = piece.ids.split_at(piece.ids.len() / 2);
                    left.push_front(Piece { ids: second, ..piece });
                    left.push_front(Piece { ids: first, ..piece });
                }
                Outcome::NoPatch => left.push_front(piece),
            }
            if done.gone.len() > MAX_GONE {
                return Err(Failure::new(Kind::Refused, format!("over {MAX_GONE} members have no user at the server")));
            }
            if let Some((_, why)) = done.refused.first().filter(|_| done.refused.len() > MAX_REFUSED) {
                return Err(Failure::new(Kind::Refused, format!("over {MAX_REFUSED} members were refused: {why}")));
            }
        }
        if !left.is_empty() {
            turn.renew();
            self.put_members(&mut turn, &mut done, &left, last.unwrap_or_default()).await?;
        }
        Ok(done)
    }

    /// The ids of a group's members, without groups in it; `None` if the server leaves them out or there are too many to read.
    ///
    /// # Errors
    /// Why they are not known.
    pub async fn members(&self, group: &Known) -> Result<Option<Vec<String>>, Failure> {
        let target = format!("{}?attributes=members", self.target(Class::Group, &group.id)?);
        let read = match self.read_at(&mut self.turn(), target).await {
            Err(failure) if failure.kind == Kind::TooLarge => return Ok(None),
            read => read?.ok_or_else(gone)?,
        };
        let Some(members) = read.get("members").and_then(Value::as_array) else { return Ok(None) };
        if members.len() > MAX_MEMBERS {
            return Ok(None);
        }
        let is_user = |member: &&Value| !text(member, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("group"));
        // Some servers hold one that was added twice two times.
        let mut seen = HashSet::new();
        let ids = members.iter().filter(is_user).filter_map(|member| text(member, "value"));
        Ok(Some(ids.filter(|id| seen.insert(*id)).map(str::to_owned).collect()))
    }

    async fn change_piece(
        &self,
        turn: &mut Turn<'_>,
        done: &mut Members,
        piece: Piece<'_>,
    ) -> Result<Outcome, Failure> {
        let body = piece.body();
        let mut stale = 0;
        loop {
            let target = self.target(Class::Group, &done.known.id)?;
            let version = self.version(done.known.version.as_deref());
            let reply = turn.send(&Request::with(Method::PATCH, target, &body).if_match(version)).await?;
            match reply.status.as_u16() {
                200..=299 => {
                    done.known.version = reply.version;
                    return Ok(Outcome::Done);
                }
                412 if stale + 1 < MAX_VERSIONS => {
                    stale += 1;
                    let head = self.read(turn, Class::Group, &done.known.id).await?.ok_or_else(gone)?;
                    done.known.version = head.version;
                }
                412 => return Err(Failure::new(Kind::Busy, "the group keeps changing")),
                405 | 501 => {
                    self.no_patch();
                    return Ok(Outcome::NoPatch);
                }
                400 | 404 | 409 | 413 | 422 => return self.blame(turn, done, piece, &reply).await,
                _ => return Err(turn.wire.failure(Kind::Refused, &reply)),
            }
        }
    }

    /// Finds out which of a piece's members a server does not take.
    async fn blame(
        &self,
        turn: &mut Turn<'_>,
        done: &mut Members,
        piece: Piece<'_>,
        reply: &Reply,
    ) -> Result<Outcome, Failure> {
        if ["mutability", "invalidSyntax", "invalidPath", "invalidFilter"].iter().any(|kind| reply.is_of(kind)) {
            return Err(turn.wire.failure(Kind::Refused, reply));
        }
        let missing = reply.status == StatusCode::NOT_FOUND;
        if missing && self.read(turn, Class::Group, &done.known.id).await?.is_none() {
            return Err(gone());
        }
        let [id] = piece.ids else { return Ok(Outcome::Halve) };
        if piece.comes && self.read(turn, Class::User, id).await?.is_none() {
            done.gone.push(id.clone());
        } else if piece.comes || !(missing || reply.is_of("noTarget")) {
            done.refused.push((id.clone(), turn.wire.failure(Kind::Refused, reply).message));
        }
        Ok(Outcome::Done)
    }

    /// Reads the group, lays the changes over it and sends it back.
    async fn put_members(
        &self,
        turn: &mut Turn<'_>,
        done: &mut Members,
        pieces: &VecDeque<Piece<'_>>,
        last: &[String],
    ) -> Result<(), Failure> {
        let of = |comes: bool| pieces.iter().filter(move |piece| piece.comes == comes).flat_map(|piece| piece.ids);
        let leaving: HashSet<&str> = of(false).map(String::as_str).collect();
        let mut coming: Vec<&String> = of(true).collect();
        let mut stale = 0;
        loop {
            let target = self.target(Class::Group, &done.known.id)?;
            let remote = self.read_at(turn, target.clone()).await?.ok_or_else(gone)?;
            let there = match remote.get("members").and_then(Value::as_array) {
                Some(members) => members.clone(),
                None => last.iter().map(|id| json!({"value": id})).collect(),
            };
            let before = there.len();
            let stays = |member: &Value| !text(member, "value").is_some_and(|id| leaving.contains(id));
            let mut members: Vec<Value> = there.into_iter().filter(stays).collect();
            let held: HashSet<String> = members.iter().filter_map(|m| text(m, "value")).map(str::to_owned).collect();
            let new: Vec<&String> = coming.iter().copied().filter(|id| !held.contains(id.as_str())).collect();
            if new.is_empty() && members.len() == before {
                done.known.version = remote.version;
                return Ok(());
            }
            members.extend(new.iter().map(|id| json!({"value": id})));
            let change = Change::to(&remote, Place::Top("members"), members.into());
            let request = Request::with(Method::PUT, target, &overlaid(&remote, &[change]));
            let reply = turn.send(&request.if_match(self.version(remote.version.as_deref()))).await?;
            match reply.status.as_u16() {
                200..=299 => {
                    done.known.version = reply.version;
                    return Ok(());
                }
                412 if stale + 1 < MAX_VERSIONS => stale += 1,
                412 => return Err(Failure::new(Kind::Busy, "the group keeps changing")),
                // It does not say which; those that are gone can be found out once.
                400 | 404 | 409 | 422 if done.gone.is_empty() && new.len() <= PIECE => {
                    for id in new {
                        if self.read(turn, Class::User, id).await?.is_none() {
                            done.gone.push(id.clone());
                        }
                    }
                    if done.gone.is_empty() {
                        return Err(turn.wire.failure(Kind::Refused, &reply));
                    }
                    coming.retain(|id| !done.gone.contains(id));
                    turn.renew();
                }
                _ => return Err(turn.wire.failure(Kind::Refused, &reply)),
            }
        }
    }
}

fn gone() -> Failure {
    Failure::new(Kind::Gone, "the group is not there any more")
}
