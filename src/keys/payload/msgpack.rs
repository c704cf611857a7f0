//! The few msgpack forms that a token payload is made of, written as msgpack-python 1.0 writes them and read strictly.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rmp::{Marker, encode};

use crate::clock::hex;
use crate::error::{Error, Result};
use crate::model::token::Federated;

/// A token has its own audit id and its chain's.
const MAX_AUDIT_IDS: usize = 2;
/// More groups than fit in the longest token that is read; bounds what a count may reserve.
const MAX_GROUPS: usize = 4096;

/// The bytes of an id that is exactly the 32 lower-case hexadecimal digits of a UUID.
pub(super) fn uuid_bytes(id: &str) -> Option<[u8; 16]> {
    let digits: &[u8; 32] = id.as_bytes().try_into().ok()?;
    let mut raw = [0; 16];
    for (byte, pair) in raw.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(raw)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// What was written.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

/// Writing into memory fails only for what is longer than msgpack's 32-bit lengths.
fn too_long<E>(_: E) -> Error {
    Error::internal("a token payload is too long")
}

impl Writer {
    pub(super) fn array(&mut self, length: usize) -> Result<()> {
        let length = u32::try_from(length).map_err(too_long)?;
        encode::write_array_len(&mut self.0, length).map(drop).map_err(too_long)
    }

    pub(super) fn unsigned(&mut self, value: u64) -> Result<()> {
        encode::write_uint(&mut self.0, value).map(drop).map_err(too_long)
    }

    pub(super) fn float(&mut self, value: f64) -> Result<()> {
        encode::write_f64(&mut self.0, value).map_err(too_long)
    }

    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        encode::write_str(&mut self.0, text).map_err(too_long)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        encode::write_bin(&mut self.0, bytes).map_err(too_long)
    }

    /// `[true, bytes]`, `[false, text]`, or `[false, nil]` for none.
    pub(super) fn id(&mut self, id: Option<&str>) -> Result<()> {
        match id.and_then(uuid_bytes) {
            Some(raw) => {
                self.array(2)?;
                encode::write_bool(&mut self.0, true).map_err(too_long)?;
                self.bytes(&raw)
            }
            None => self.plain_id(id),
        }
    }

    pub(super) fn plain_id(&mut self, id: Option<&str>) -> Result<()> {
        self.array(2)?;
        encode::write_bool(&mut self.0, false).map_err(too_long)?;
        match id {
            Some(id) => self.text(id),
            None => encode::write_nil(&mut self.0).map_err(too_long),
        }
    }
}

/// What is left to read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn big_endian<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn marker(&mut self) -> Option<Marker> {
        Some(Marker::from_u8(self.take(1)?[0]))
    }

    pub(super) fn array(&mut self) -> Option<usize> {
        match self.marker()? {
            Marker::FixArray(length) => Some(usize::from(length)),
            Marker::Array16 => Some(usize::from(u16::from_be_bytes(self.big_endian()?))),
            _ => None,
        }
    }

    pub(super) fn unsigned(&mut self) -> Option<u64> {
        Some(match self.marker()? {
            Marker::FixPos(value) => u64::from(value),
            Marker::U8 => u64::from(self.take(1)?[0]),
            Marker::U16 => u64::from(u16::from_be_bytes(self.big_endian()?)),
            Marker::U32 => u64::from(u32::from_be_bytes(self.big_endian()?)),
            Marker::U64 => u64::from_be_bytes(self.big_endian()?),
            _ => return None,
        })
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        match self.marker()? {
            Marker::F64 => Some(f64::from_be_bytes(self.big_endian()?)),
            _ => None,
        }
    }

    /// Bytes or text, in either form; `None` inside for nil.
    fn blob_or_nil(&mut self) -> Option<Option<&'a [u8]>> {
        let length = match self.marker()? {
            Marker::Null => return Some(None),
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 | Marker::Bin8 => usize::from(self.take(1)?[0]),
            Marker::Str16 | Marker::Bin16 => usize::from(u16::from_be_bytes(self.big_endian()?)),
            _ => return None,
        };
        self.take(length).map(Some)
    }

    pub(super) fn blob(&mut self) -> Option<&'a [u8]> {
        self.blob_or_nil()?
    }

    pub(super) fn text(&mut self) -> Option<String> {
        text(self.blob()?)
    }

    /// An id with its flag; `None` inside for `[false, nil]`.
    pub(super) fn id(&mut self) -> Option<Option<String>> {
        if self.array()? != 2 {
            return None;
        }
        match self.marker()? {
            Marker::True => Some(Some(hex(<&[u8; 16]>::try_from(self.blob()?).ok()?))),
            Marker::False => match self.blob_or_nil()? {
                Some(blob) => Some(Some(text(blob)?)),
                None => Some(None),
            },
            _ => None,
        }
    }

    pub(super) fn federated(&mut self) -> Option<Federated> {
        let count = self.array()?;
        if count > MAX_GROUPS {
            return None;
        }
        let group_ids = (0..count).map(|_| self.id()?).collect::<Option<Vec<_>>>()?;
        Some(Federated { group_ids, idp_id: self.id()??, protocol_id: self.text()? })
    }

    pub(super) fn audit_ids(&mut self) -> Option<Vec<String>> {
        let count = self.array()?;
        if !(1..=MAX_AUDIT_IDS).contains(&count) {
            return None;
        }
        let one = |_| Some(URL_SAFE_NO_PAD.encode(<&[u8; 16]>::try_from(self.blob()?).ok()?));
        (0..count).map(one).collect()
    }
}

fn text(blob: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(blob).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}
