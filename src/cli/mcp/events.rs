//! The messages of an event stream.

/// Collects bytes and gives out the data of whole events.
#[derive(Default)]
pub struct Events(Vec<u8>);

impl Events {
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend(bytes.iter().filter(|byte| **byte != b'\r'));
    }

    /// The data of the next event that is there as a whole; comments have none.
    pub fn next(&mut self) -> Option<String> {
        loop {
            let end = self.0.windows(2).position(|pair| pair == b"\n\n")?;
            let block: Vec<u8> = self.0.drain(..end + 2).collect();
            let block = String::from_utf8_lossy(&block);
            let data: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("data:")).map(|data| data.strip_prefix(' ').unwrap_or(data)).collect();
            if !data.is_empty() {
                return Some(data.join("\n"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_and_comments_not_at_all() {
        let mut events = Events::default();
        events.push(b":\n\nevent: message\r\ndata: {\"a\":");
        assert_eq!(events.next(), None);
        events.push(b"1}\r\n\r\ndata: x\ndata:y\n\n");
        assert_eq!((events.next(), events.next(), events.next()), (Some("{\"a\":1}".into()), Some("x\ny".into()), None));
    }
}
