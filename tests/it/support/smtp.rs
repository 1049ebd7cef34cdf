//! A mail server of a test: takes what is handed in (RFC 5321), or refuses every recipient.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Default)]
pub struct Taken(Arc<Mutex<Vec<Mail>>>);

#[derive(Debug, Clone, Default)]
pub struct Mail {
    pub from: String,
    pub to: String,
    /// `user:password` of AUTH PLAIN.
    pub login: Option<String>,
    pub content: String,
}

pub struct MailServer {
    pub port: u16,
    pub taken: Taken,
}

impl MailServer {
    /// `refusal` answers every RCPT, such as `550 5.1.1 No such mailbox`.
    pub async fn start(refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, taken) = (listener.local_addr().unwrap().port(), Taken::default());
        let all = taken.clone();
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                actix_web::rt::spawn(serve(stream, all.clone(), refusal));
            }
        });
        Self { port, taken }
    }

    /// Waits for the first mail.
    pub async fn first(&self) -> Mail {
        self.nth(0).await
    }

    /// Waits for the mail after so many.
    pub async fn nth(&self, n: usize) -> Mail {
        for _ in 0..500 {
            if let Some(mail) = self.taken.0.lock().unwrap().get(n) {
                return mail.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no mail came");
    }
}

async fn serve(stream: TcpStream, taken: Taken, refusal: Option<&'static str>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Mail::default();
    let mut say = async |text: &str| write.write_all(format!("{text}\r\n").as_bytes()).await.is_ok();
    say("220 test").await;
    while let Ok(Some(line)) = lines.next_line().await {
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("EHLO") {
            say("250-test\r\n250 AUTH PLAIN").await;
        } else if let Some(login) = line.strip_prefix("AUTH PLAIN ") {
            let plain = String::from_utf8(STANDARD.decode(login).unwrap()).unwrap();
            mail.login = Some(plain.trim_start_matches('\0').replace('\0', ":"));
            say("235 ok").await;
        } else if upper.starts_with("MAIL FROM:") {
            mail.from = line;
            say("250 ok").await;
        } else if upper.starts_with("RCPT TO:") {
            mail.to = line;
            say(refusal.unwrap_or("250 ok")).await;
        } else if upper == "DATA" {
            say("354 go on").await;
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "." {
                    break;
                }
                mail.content.push_str(&line);
                mail.content.push('\n');
            }
            taken.0.lock().unwrap().push(mail.clone());
            say("250 taken").await;
        } else if upper == "QUIT" {
            say("221 bye").await;
            return;
        } else {
            say("250 ok").await;
        }
    }
}
