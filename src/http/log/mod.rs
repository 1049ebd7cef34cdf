//! The log on stderr (`08-cli.md` §3): one line per request and per event, written by a thread of its own, so that a
//! slow terminal never slows a request. When more arrives than the terminal takes, lines are dropped and counted.

mod events;
mod line;

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tracing::Level;
use tracing::level_filters::LevelFilter;

pub use line::{Line, Who};

/// Lines waiting for the terminal.
const QUEUE: usize = 8_192;
/// How long the thread sleeps after writing: under load, nobody has to wake it.
const PAUSE: Duration = Duration::from_millis(10);
/// Bytes written at once.
const CHUNK: usize = 64 * 1024;

/// For people, or one JSON object per line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Pretty,
    Json,
}

impl Format {
    /// `pretty` or `json`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "pretty" => Some(Self::Pretty),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

struct Sink {
    queue: SyncSender<Message>,
    dropped: AtomicU64,
    format: Format,
    level: LevelFilter,
}

enum Message {
    Request(Box<Line>),
    Text(String),
    Flush(SyncSender<()>),
}

static SINK: OnceLock<Sink> = OnceLock::new();

/// Starts logging to stderr; a second call changes nothing.
pub fn init(format: Format, level: LevelFilter) {
    init_to(format, level, Box::new(std::io::stderr()));
}

/// As [`init`], to any writer.
pub fn init_to(format: Format, level: LevelFilter, writer: Box<dyn Write + Send>) {
    let (queue, lines) = sync_channel(QUEUE);
    let sink = Sink { queue, dropped: AtomicU64::new(0), format, level };
    if SINK.set(sink).is_err() {
        return;
    }
    let started = std::thread::Builder::new().name("log".into()).spawn(move || serve(&lines, format, writer));
    if started.is_ok() {
        events::install(level);
    }
}

/// Whether requests go without a line for now: a server that asks itself if it is ready need not tell.
static HUSHED: AtomicBool = AtomicBool::new(false);

/// Leaves requests out of the log from now on, or takes them in again.
pub fn hush_requests(hushed: bool) {
    HUSHED.store(hushed, Ordering::Relaxed);
}

/// Whether a line for a request with this status would be written.
pub fn wants(status: u16) -> bool {
    !HUSHED.load(Ordering::Relaxed) && SINK.get().is_some_and(|sink| line::level(status) <= sink.level)
}

/// Logs a request.
pub fn request(line: Line) {
    if let Some(sink) = SINK.get() {
        sink.send(Message::Request(Box::new(line)));
    }
}

/// Waits until everything logged so far is written, a second at most; for the end of the process.
pub fn flush() {
    let Some(sink) = SINK.get() else { return };
    let (done, written) = sync_channel(1);
    for _ in 0..100 {
        match sink.queue.try_send(Message::Flush(done.clone())) {
            Ok(()) => {
                let _ = written.recv_timeout(Duration::from_secs(1));
                return;
            }
            Err(TrySendError::Full(_)) => std::thread::sleep(PAUSE),
            Err(TrySendError::Disconnected(_)) => return,
        }
    }
}

/// Logs an event that is formatted already.
fn text(format: impl FnOnce(Format) -> String) {
    if let Some(sink) = SINK.get() {
        sink.send(Message::Text(format(sink.format)));
    }
}

impl Sink {
    fn send(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn serve(lines: &Receiver<Message>, format: Format, mut writer: Box<dyn Write + Send>) {
    let mut out = Vec::with_capacity(CHUNK);
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            let mut waiting = None;
            match message {
                Message::Request(line) => line.write(format, &mut out),
                Message::Text(text) => {
                    out.extend_from_slice(text.as_bytes());
                    out.push(b'\n');
                }
                Message::Flush(done) => waiting = Some(done),
            }
            next = if waiting.is_none() && out.len() < CHUNK { lines.try_recv().ok() } else { None };
            if next.is_none() {
                note_dropped(format, &mut out);
                // A terminal that is gone is no reason to stop serving.
                let _ = writer.write_all(&out).and_then(|()| writer.flush());
                out.clear();
                if let Some(done) = waiting {
                    let _ = done.send(());
                }
                std::thread::sleep(PAUSE);
                next = lines.try_recv().ok();
            }
        }
    }
}

fn note_dropped(format: Format, out: &mut Vec<u8>) {
    let dropped = SINK.get().map_or(0, |sink| sink.dropped.swap(0, Ordering::Relaxed));
    if dropped > 0 {
        let mut fields = serde_json::Map::new();
        fields.insert("message".into(), format!("{dropped} log lines were dropped: more arrived than could be written").into());
        out.extend_from_slice(events::render(format, "bkend_local", Level::WARN, &fields).as_bytes());
        out.push(b'\n');
    }
}
