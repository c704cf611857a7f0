//! How many characters a part of a pattern takes: what stands in a look-behind must always take the same number.

use super::{Node, Parser};

/// Fewest and most characters; `usize::MAX` is without bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Width {
    const NONE: Self = Self { min: 0, max: 0 };

    /// Any number.
    pub(super) fn unknown() -> Self {
        Self { min: 0, max: usize::MAX }
    }

    fn then(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

impl Parser<'_> {
    pub(super) fn width(&self, node: &Node) -> Width {
        match node {
            Node::Empty | Node::Place(_) | Node::Look { .. } => Width::NONE,
            Node::Set(_) => Width { min: 1, max: 1 },
            Node::Concat(nodes) => nodes.iter().fold(Width::NONE, |sum, n| sum.then(self.width(n))),
            Node::Either(nodes) => nodes.iter().map(|n| self.width(n)).reduce(Width::or).unwrap_or(Width::NONE),
            Node::Repeat { node, min, max, .. } => {
                let one = self.width(node);
                let most =
                    if one.max == 0 { 0 } else { max.map_or(usize::MAX, |max| one.max.saturating_mul(max as usize)) };
                Width { min: one.min.saturating_mul(*min as usize), max: most }
            }
            Node::Group(group, node) => self.widths.get(*group).copied().flatten().unwrap_or_else(|| self.width(node)),
            Node::Atomic(node) => self.width(node),
            Node::Backref(group, _) => self.widths.get(*group).copied().flatten().unwrap_or_else(Width::unknown),
            Node::Conditional { yes, no, .. } => self.width(yes).or(self.width(no)),
        }
    }
}
