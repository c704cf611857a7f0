//! A strict reader of BER (X.690), as far as LDAP uses it (RFC 4511 §5.1): definite lengths, small tags.

/// Elements within each other.
const MAX_DEPTH: usize = 12;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Class, form and number in one.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
}

impl<'a> Element<'a> {
    /// Reads all elements of a text; `None` if it is not made of whole ones.
    pub fn all(mut text: &'a [u8]) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        while !text.is_empty() {
            let (element, rest) = Self::first(text)?;
            all.push(element);
            text = rest;
        }
        Some(all)
    }

    fn first(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (tag, rest) = text.split_first()?;
        // A number of 31 announces a longer one, which LDAP has not.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (number(octets)?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        Some((Self { tag: *tag, content }, rest))
    }

    /// Whether it is made of elements.
    pub fn is_constructed(&self) -> bool {
        self.tag & 0x20 != 0
    }

    /// The elements in it.
    pub fn children(&self) -> Option<Vec<Self>> {
        if self.is_constructed() { Self::all(self.content) } else { None }
    }

    /// Whether all that is in it is whole, and not too deep.
    pub fn is_whole(&self) -> bool {
        fn whole(element: &Element<'_>, depth: usize) -> bool {
            if !element.is_constructed() {
                return true;
            }
            depth < MAX_DEPTH && element.children().is_some_and(|all| all.iter().all(|child| whole(child, depth + 1)))
        }
        whole(self, 0)
    }

    /// Its number, if it is one of four octets at most.
    pub fn number(&self) -> Option<usize> {
        if self.content.is_empty() || self.is_constructed() { None } else { number(self.content) }
    }

    /// Whether it is a text with that tag.
    pub fn is_text(&self, tag: u8) -> bool {
        self.tag == tag && std::str::from_utf8(self.content).is_ok()
    }
}

/// A number without a sign; `None` if it has more than four octets.
pub fn number(octets: &[u8]) -> Option<usize> {
    (octets.len() <= 4).then(|| octets.iter().fold(0, |number, octet| (number << 8) | usize::from(*octet)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn elements_are_read_with_short_and_long_lengths() {
        let text = [&[0x04, 1, b'a', 0x30, 0x81, 3, 0x02, 1, 5, 0x04, 0x84, 0, 0, 0, 2][..], b"bc"].concat();
        let all = Element::all(&text).unwrap();
        assert_eq!((all.len(), all[0].content, all[2].content), (3, &b"a"[..], &b"bc"[..]));
        assert_eq!(all[1].children().unwrap()[0].number(), Some(5));
        assert!(all[0].is_text(0x04) && !all[0].is_text(0x0a) && all[0].children().is_none());
    }

    #[test]
    fn what_is_cut_off_indefinite_or_tagged_otherwise_is_none() {
        for text in [
            &[0x04][..],
            &[0x04, 2, b'a'],
            &[0x04, 0x80, b'a', 0, 0],
            &[0x04, 0x85, 0, 0, 0, 0, 0],
            &[0x04, 0x82, 1],
            &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 0x81, 1, 0],
            &[0x3f, 0],
        ] {
            assert_eq!(Element::all(text), None, "{text:?}");
        }
        assert_eq!(number(&[1, 0, 0, 0, 0]), None);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| {
            (0..levels).fold(Vec::new(), |inner, _| [&[0x30, u8::try_from(inner.len()).unwrap()][..], &inner].concat())
        };
        let whole = |levels| Element::all(&nested(levels)).unwrap()[0].is_whole();
        assert!(whole(12) && !whole(13));
        assert!(!Element::all(&[0x30, 2, 0x30, 1]).unwrap()[0].is_whole());
    }
}
