//! An upstream that costs next to nothing: it reads a request only as far as its length, and answers with prepared bytes, all at once
//! or piece by piece.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// How long it takes from one piece of an answer to the next.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// Answers by the end of the path, each a whole HTTP response in pieces.
pub(super) type Answers = Vec<(&'static str, Vec<Vec<u8>>)>;

/// Listens until the process ends.
pub(super) fn serve(answers: Answers) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, answers) = (listener.local_addr()?, Arc::new(answers));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = answers.clone();
            // A connection that ends is the end of its thread.
            thread::spawn(move || drop(connection(&stream, &answers)));
        }
    });
    Ok(address)
}

fn connection(stream: &TcpStream, answers: &Answers) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 17, stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let path = String::from_utf8_lossy(&line).split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            reader.read_until(b'\n', &mut line)?;
            let header = String::from_utf8_lossy(&line).to_ascii_lowercase();
            match header.trim().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse()?,
                Some(_) => {}
                None => break,
            }
        }
        std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
        let answer = answers.iter().find(|(end, _)| path.ends_with(end)).map(|(_, answer)| answer);
        let mut to = stream;
        let Some((first, rest)) = answer.and_then(|pieces| pieces.split_first()) else {
            to.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        };
        to.write_all(first)?;
        for piece in rest {
            pause();
            to.write_all(piece)?;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a model takes its time from one word to the next")]
fn pause() {
    thread::sleep(PAUSE);
}
