//! The socket in the data folder through which a running server is reached: one JSON object a
//! line asks, one answers. Only the folder's owner may connect (mode 0600).

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use scrip_engine::Engine;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::admin::{self, Ask, Asker, Tell};
use crate::failure::Failure;

/// The socket's name in the data folder.
const NAME: &str = "control.sock";

/// Longest question: a catalog and its escapes.
const QUESTION_MAX: u64 = 64 << 20;

/// Listens in the folder. Whoever calls this owns the folder's store, so a socket that lies there is left over from
/// a process that was killed.
pub(crate) fn listen(folder: &Path) -> Result<UnixListener, Failure> {
    let path = folder.join(NAME);
    let made = || -> io::Result<UnixListener> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    made().map_err(|error| {
        let hint =
            if path.as_os_str().len() > 100 { "; the path is too long for a socket: use a shorter one" } else { "" };
        Failure::Failed(format!("{}: the control socket could not be made: {error}{hint}", path.display()))
    })
}

/// Removes the socket at the end of a server.
pub(crate) fn remove(folder: &Path) {
    let path = folder.join(NAME);
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::warn!(%error, "{} could not be removed", path.display());
    }
}

/// Answers until the task is dropped.
pub(crate) async fn answer(listener: UnixListener, engine: Engine) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer_one(stream, engine.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket took no connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer_one(stream: tokio::net::UnixStream, engine: Engine) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let tell = match tokio::io::BufReader::new(read.take(QUESTION_MAX)).read_line(&mut line).await {
        Ok(0) => return,
        Ok(_) => match serde_json::from_str::<Ask>(&line) {
            Ok(ask) => admin::carry_out(&engine, Asker::Person, ask).await,
            Err(error) => Tell::Failed { message: format!("the server does not understand the question: {error}") },
        },
        Err(error) => Tell::Failed { message: format!("the question could not be read: {error}") },
    };
    if let Err(error) = write.write_all(written(&tell).as_bytes()).await {
        tracing::warn!(%error, "the asker has gone");
    }
}

/// Whether a server runs on the folder.
pub(crate) fn answers(folder: &Path) -> Result<bool, Failure> {
    Ok(connect(&folder.join(NAME))?.is_some())
}

fn connect(path: &Path) -> Result<Option<UnixStream>, Failure> {
    match UnixStream::connect(path) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(Failure::of_path(path, &error)),
    }
}

/// Asks the server that runs on the folder; `None` when none does.
pub(crate) fn ask(folder: &Path, ask: &Ask) -> Result<Option<Tell>, Failure> {
    let path = folder.join(NAME);
    let Some(mut stream) = connect(&path)? else { return Ok(None) };
    let mut told = || -> io::Result<String> {
        stream.write_all(written(ask).as_bytes())?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        Ok(line)
    };
    let line = told().map_err(|error| Failure::of_path(&path, &format!("the server did not answer: {error}")))?;
    if line.is_empty() {
        return Err(Failure::of_path(&path, &"the server ended before it answered: run the same command again"));
    }
    let tell = serde_json::from_str(&line)
        .map_err(|error| Failure::of_path(&path, &format!("the server's answer cannot be read: {error}")))?;
    Ok(Some(tell))
}

/// One line of JSON.
fn written<T: serde::Serialize>(message: &T) -> String {
    let mut line = serde_json::to_string(message).expect("plain texts and numbers");
    line.push('\n');
    line
}
