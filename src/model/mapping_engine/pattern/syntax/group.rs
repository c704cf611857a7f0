//! Groups: what stands in parentheses.

use super::super::super::unicode;
use super::width::Width;
use super::{Flags, Fold, MAX_GROUPS, Node, Parser};

impl Parser<'_> {
    /// What stands behind `(`; None for a comment.
    pub(super) fn group(&mut self, flags: Flags, depth: usize) -> Result<Option<Node>, String> {
        if !self.eat('?') {
            return self.capturing(None, flags, depth).map(Some);
        }
        if self.eat('#') {
            while let Some(c) = self.next() {
                if c == ')' {
                    return Ok(None);
                }
            }
            return Err(self.wrong("missing ), unterminated comment"));
        }
        let node = if self.eat_all("P<") {
            let name = self.name('>')?;
            return self.capturing(Some(name), flags, depth).map(Some);
        } else if self.eat_all("P=") {
            let name = self.name(')')?;
            let group = *self.names.get(&name).ok_or_else(|| self.wrong("unknown group name"))?;
            return self.backref(group, flags).map(Some);
        } else if self.eat(':') {
            self.alternatives(flags, depth + 1)?
        } else if self.eat('>') {
            Node::Atomic(Box::new(self.alternatives(flags, depth + 1)?))
        } else if self.eat('=') {
            self.look(flags, depth, false, false)?
        } else if self.eat('!') {
            self.look(flags, depth, true, false)?
        } else if self.eat_all("<=") {
            self.look(flags, depth, false, true)?
        } else if self.eat_all("<!") {
            self.look(flags, depth, true, true)?
        } else if self.eat('(') {
            self.conditional(flags, depth)?
        } else if self.peek().is_some_and(|c| "aiLmsux-".contains(c)) {
            let (inner, _) = self.flag_letters(flags)?;
            if !self.eat(':') {
                return Err(self.wrong("global flags not at the start of the expression"));
            }
            self.alternatives(inner, depth + 1)?
        } else {
            return Err(self.wrong("unknown extension"));
        };
        self.close()?;
        // A group of its own kind, so that a quantifier behind it repeats all of it.
        Ok(Some(if matches!(node, Node::Place(_) | Node::Repeat { .. }) { Node::Concat(vec![node]) } else { node }))
    }

    fn close(&mut self) -> Result<(), String> {
        if self.eat(')') { Ok(()) } else { Err(self.wrong("missing ), unterminated subpattern")) }
    }

    fn capturing(&mut self, name: Option<String>, flags: Flags, depth: usize) -> Result<Node, String> {
        let group = self.widths.len();
        if group > MAX_GROUPS {
            return Err(self.wrong("too many groups"));
        }
        self.widths.push(None);
        if let Some(name) = name
            && self.names.insert(name, group).is_some()
        {
            return Err(self.wrong("redefinition of a group name"));
        }
        let node = self.alternatives(flags, depth + 1)?;
        self.close()?;
        if let Some(place) = self.widths.get_mut(group) {
            *place = Some(Width::unknown());
        }
        let width = self.width(&node);
        if let Some(place) = self.widths.get_mut(group) {
            *place = Some(width);
        }
        Ok(Node::Group(group, Box::new(node)))
    }

    fn name(&mut self, end: char) -> Result<String, String> {
        let mut name = String::new();
        while let Some(c) = self.next() {
            if c == end {
                let mut chars = name.chars();
                let first = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
                let valid = first && chars.all(|c| c == '_' || unicode::word().contains(c));
                return if valid { Ok(name) } else { Err(self.wrong("bad character in group name")) };
            }
            name.push(c);
        }
        Err(self.wrong("missing end of the group name"))
    }

    pub(super) fn backref(&mut self, group: usize, flags: Flags) -> Result<Node, String> {
        match self.widths.get(group) {
            None => Err(self.wrong(&format!("invalid group reference {group}"))),
            Some(None) => Err(self.wrong("cannot refer to an open group")),
            Some(Some(_)) => {
                self.known_before(group)?;
                let fold = match (flags.ignore_case, flags.ascii) {
                    (false, _) => Fold::None,
                    (true, true) => Fold::Ascii,
                    (true, false) => Fold::All,
                };
                Ok(Node::Backref(group, fold))
            }
        }
    }

    /// A look-behind may only name groups that were closed before it.
    fn known_before(&self, group: usize) -> Result<(), String> {
        match self.behind {
            Some(groups) if group >= groups || self.widths.get(group).copied().flatten().is_none() => {
                Err(self.wrong("a look-behind cannot refer to an open group or one of its own"))
            }
            _ => Ok(()),
        }
    }

    fn look(&mut self, flags: Flags, depth: usize, negative: bool, behind: bool) -> Result<Node, String> {
        let before = self.behind;
        if behind && before.is_none() {
            self.behind = Some(self.widths.len());
        }
        let node = self.alternatives(flags, depth + 1)?;
        self.behind = before;
        let behind = match (behind, self.width(&node)) {
            (false, _) => None,
            (true, Width { min, max }) if min == max && min != usize::MAX => Some(min),
            (true, _) => return Err(self.wrong("look-behind requires fixed-width pattern")),
        };
        Ok(Node::Look { node: Box::new(node), negative, behind })
    }

    /// `(?(group)yes|no)`, from behind the second parenthesis.
    fn conditional(&mut self, flags: Flags, depth: usize) -> Result<Node, String> {
        let at = self.at;
        let number = self.digits();
        let group = if self.eat(')') {
            number
                .parse()
                .ok()
                .filter(|n| (1..=MAX_GROUPS).contains(n))
                .ok_or_else(|| self.wrong("bad group number"))?
        } else {
            self.at = at;
            let name = self.name(')')?;
            *self.names.get(&name).ok_or_else(|| self.wrong("unknown group name"))?
        };
        self.known_before(group)?;
        self.conditions.push((group, at));
        let yes = self.sequence(flags, depth + 1)?;
        let no = if self.eat('|') { self.sequence(flags, depth + 1)? } else { Node::Empty };
        if self.peek() == Some('|') {
            return Err(self.wrong("conditional backref with more than two branches"));
        }
        Ok(Node::Conditional { group, yes: Box::new(yes), no: Box::new(no) })
    }
}
