//! A set of characters.

use super::super::unicode;

/// One past the last character.
const END: u32 = 0x11_0000;

/// A set of characters, as ranges that neither touch nor overlap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Set {
    ranges: Vec<(u32, u32)>,
    ascii: u128,
}

impl Set {
    /// The set of these ranges, both ends included.
    pub fn of(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut tidy: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match tidy.last_mut() {
                Some((_, last)) if from <= last.saturating_add(1) => *last = to.max(*last),
                _ => tidy.push((from, to)),
            }
        }
        let mut ascii = 0_u128;
        for (from, to) in tidy.iter().filter(|(from, _)| *from < 128) {
            for code in *from..=(*to).min(127) {
                ascii |= 1 << code;
            }
        }
        Self { ranges: tidy, ascii }
    }

    /// One character.
    pub fn single(c: char) -> Self {
        Self::of(vec![(u32::from(c), u32::from(c))])
    }

    /// Its ranges, in order.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Whether it has `c`.
    pub fn contains(&self, c: char) -> bool {
        let code = u32::from(c);
        if code < 128 {
            return self.ascii & (1 << code) != 0;
        }
        let at = self.ranges.partition_point(|(_, to)| *to < code);
        self.ranges.get(at).is_some_and(|(from, _)| *from <= code)
    }

    /// The only character, if there is one only.
    pub fn as_single(&self) -> Option<char> {
        match self.ranges.as_slice() {
            [(from, to)] if from == to => char::from_u32(*from),
            _ => None,
        }
    }

    /// All other characters.
    pub fn negated(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for (from, to) in &self.ranges {
            if *from > next {
                ranges.push((next, from - 1));
            }
            next = to + 1;
        }
        if next < END {
            ranges.push((next, END - 1));
        }
        Self::of(ranges)
    }

    /// This set without what is not ASCII.
    pub fn ascii_only(&self) -> Self {
        Self::of(self.ranges.iter().filter(|(from, _)| *from < 128).map(|(from, to)| (*from, (*to).min(127))).collect())
    }

    /// With every other case of its characters. `ascii`: only ASCII letters have one.
    pub fn folded(&self, ascii: bool) -> Self {
        let mut ranges = self.ranges.clone();
        if ascii {
            let letters = ('a'..='z').chain('A'..='Z').filter(|c| self.contains(*c));
            ranges.extend(letters.map(|c| (u32::from(c) ^ 0x20, u32::from(c) ^ 0x20)));
        } else {
            let add = |ranges: &mut Vec<_>, group: &[char]| {
                ranges.extend(group.iter().map(|c| (u32::from(*c), u32::from(*c))));
            };
            let count: u32 = self.ranges.iter().map(|(from, to)| to - from + 1).sum();
            if count <= 256 {
                for c in self.ranges.iter().flat_map(|(from, to)| *from..=*to).filter_map(char::from_u32) {
                    add(&mut ranges, unicode::cases(c));
                }
            } else {
                for (_, group) in unicode::all_cases().filter(|(c, _)| self.contains(*c)) {
                    add(&mut ranges, group);
                }
            }
        }
        Self::of(ranges)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn ranges_are_tidy() {
        let set = Set::of(vec![(100, 110), (97, 99), (105, 120), (300, 300), (302, 302)]);
        assert_eq!(set.ranges(), [(97, 120), (300, 300), (302, 302)]);
        assert_eq!(set.negated().negated(), set);
        assert_eq!(Set::of(vec![]).negated().ranges(), [(0, END - 1)]);
        assert!(Set::of(vec![(0, END - 1)]).negated().ranges().is_empty());
        assert_eq!(set.ascii_only().ranges(), [(97, 120)]);
        assert!(set.contains('a') && set.contains('\u{12c}') && !set.contains('\u{12d}') && !set.contains('z'));
        assert_eq!(Set::single('é').as_single(), Some('é'));
    }

    #[test]
    fn folding_is_the_same_for_few_and_for_many() {
        let few = Set::of(vec![(0x41, 0x5a), (0x131, 0x131)]).folded(false);
        assert!(['a', 'z', 'ı', 'İ', 'ſ', '\u{212a}'].into_iter().all(|c| few.contains(c)) && !few.contains('é'));
        let many = Set::of(vec![(0x41, 0x5a), (0x131, 0x131), (0x4e00, 0x9fff)]).folded(false);
        assert!(few.ranges().iter().all(|r| many.ranges().contains(r)));
        assert_eq!(Set::of(vec![(0x41, 0x42)]).folded(true).ranges(), [(0x41, 0x42), (0x61, 0x62)]);
    }
}
