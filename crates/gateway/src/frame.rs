//! A frame of an event stream, read where it lies: most frames go by, and only what a few of them hold is looked at.
//! The decoder of `aws-smithy-eventstream` copies each header and payload: with it a stream of twenty frames took a third more CPU.
// Smithy, "Amazon Event Stream Specification", read 2026-11-30.

/// The largest frame: botocore takes a payload of 24 MiB and headers of 128 KiB.
const FRAME_BYTES_MAX: usize = (24 << 20) + (128 << 10) + 16;
/// What stands before the headers: the length of the frame, that of its headers, and a checksum of both.
const PRELUDE_BYTES: usize = 12;
/// The checksum of all that stands before it.
const CHECKSUM_BYTES: usize = 4;
/// The type of a header whose value is text.
const TEXT: u8 = 7;

/// The bytes are no frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoFrame;

/// See the module. Of its headers, those that say what it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// `:event-type`.
    pub(crate) event: Option<&'a str>,
    /// `:exception-type`.
    pub(crate) exception: Option<&'a str>,
    /// `:error-code`.
    pub(crate) error: Option<&'a str>,
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame, and what follows it; `None` where not all of it has come.
    pub(crate) fn first(bytes: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, NoFrame> {
        let Some(prelude) = bytes.first_chunk::<PRELUDE_BYTES>() else { return Ok(None) };
        let (length, headers) = (word(prelude, 0) as usize, word(prelude, 4) as usize);
        // One that says it is longer than any would be waited for, and kept, without end.
        let fits = length <= FRAME_BYTES_MAX && PRELUDE_BYTES + headers + CHECKSUM_BYTES <= length;
        if !fits || crc32fast::hash(&prelude[..8]) != word(prelude, 8) {
            return Err(NoFrame);
        }
        let Some((frame, rest)) = bytes.split_at_checked(length) else { return Ok(None) };
        let (content, checksum) = frame.split_at(length - CHECKSUM_BYTES);
        if crc32fast::hash(content) != word(checksum, 0) {
            return Err(NoFrame);
        }
        let (headers, payload) = content[PRELUDE_BYTES..].split_at(headers);
        let mut frame = Self { payload, ..Self::default() };
        frame.read(headers).ok_or(NoFrame)?;
        Ok(Some((frame, rest)))
    }

    /// Reads headers: the length of a name, the name, a type, a value.
    fn read(&mut self, mut headers: &'a [u8]) -> Option<()> {
        while let Some((length, rest)) = headers.split_first() {
            let (name, rest) = rest.split_at_checked(usize::from(*length))?;
            let (&kind, rest) = rest.split_first()?;
            let (length, rest) = match kind {
                0 | 1 => (0, rest),
                2 => (1, rest),
                3 => (2, rest),
                4 => (4, rest),
                5 | 8 => (8, rest),
                6 | TEXT => {
                    let (length, rest) = rest.split_first_chunk()?;
                    (usize::from(u16::from_be_bytes(*length)), rest)
                }
                9 => (16, rest),
                _ => return None,
            };
            let (value, rest) = rest.split_at_checked(length)?;
            headers = rest;
            let place = match name {
                b":event-type" => &mut self.event,
                b":exception-type" => &mut self.exception,
                b":error-code" => &mut self.error,
                _ => continue,
            };
            if kind == TEXT {
                *place = Some(std::str::from_utf8(value).ok()?);
            }
        }
        Some(())
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

    use super::*;

    /// A frame with a header of every type before the one that counts.
    fn frame() -> Vec<u8> {
        let all = [
            HeaderValue::Bool(true),
            HeaderValue::Bool(false),
            HeaderValue::Byte(1),
            HeaderValue::Int16(2),
            HeaderValue::Int32(3),
            HeaderValue::Int64(4),
            HeaderValue::ByteArray("bytes".into()),
            HeaderValue::String("text".into()),
            HeaderValue::Timestamp(aws_smithy_types::DateTime::from_secs(5)),
            HeaderValue::Uuid(6),
        ];
        let mut message = Message::new("payload");
        for (n, value) in all.into_iter().enumerate() {
            message = message.add_header(Header::new(format!("header-{n}"), value));
        }
        message = message.add_header(Header::new(":event-type", HeaderValue::String("chunk".into())));
        let mut bytes = Vec::new();
        write_message_to(&message, &mut bytes).expect("a frame");
        bytes
    }

    #[test]
    fn a_frame_is_read_when_all_of_it_has_come_and_none_when_a_byte_is_another() {
        let whole = frame();
        let two = [&*whole, &whole[..20]].concat();
        let read = Frame { event: Some("chunk"), payload: b"payload", ..Frame::default() };
        assert_eq!(Frame::first(&two), Ok(Some((read, &whole[..20]))));
        assert!((0..whole.len()).all(|most| Frame::first(&whole[..most]) == Ok(None)));
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 1;
            assert_eq!(Frame::first(&other), Err(NoFrame), "byte {at}");
        }
    }
}
