//! What a pattern says, once it is read.

/// Index into [`super::Parsed::sets`].
pub type SetId = usize;

/// How a repetition prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// As many as possible.
    More,
    /// As few as possible.
    Fewer,
    /// As many as possible, and never fewer.
    Possessive,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `\A`, and `^` by default.
    Start,
    /// `\Z`.
    End,
    /// `$` by default: the end, or before a line feed that ends the text.
    EndOrLastLineFeed,
    /// `^` with the flag `m`.
    LineStart,
    /// `$` with the flag `m`.
    LineEnd,
    /// `\b`; `ascii` with the flag `a`.
    WordEdge {
        /// Only ASCII makes words.
        ascii: bool,
    },
    /// `\B`.
    NoWordEdge {
        /// Only ASCII makes words.
        ascii: bool,
    },
}

/// How a back-reference compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Exactly.
    None,
    /// Without the case of ASCII letters.
    Ascii,
    /// Without the case of letters.
    All,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Nothing.
    Empty,
    /// One character of a set.
    Set(SetId),
    /// One after the other.
    Concat(Vec<Node>),
    /// The first that leads on.
    Either(Vec<Node>),
    /// Again and again.
    Repeat {
        /// What.
        node: Box<Node>,
        /// At least.
        min: u32,
        /// At most.
        max: Option<u32>,
        /// More or fewer first.
        prefer: Prefer,
    },
    /// A capturing group.
    Group(usize, Box<Node>),
    /// A group that is not entered again.
    Atomic(Box<Node>),
    /// Look-around.
    Look {
        /// What must, or must not, stand there.
        node: Box<Node>,
        /// Must not.
        negative: bool,
        /// Characters to go back first; None looks ahead.
        behind: Option<usize>,
    },
    /// A place.
    Place(Place),
    /// What a group has matched.
    Backref(usize, Fold),
    /// One way if a group has matched, another if not.
    Conditional {
        /// The group.
        group: usize,
        /// If it has.
        yes: Box<Node>,
        /// If not.
        no: Box<Node>,
    },
}
