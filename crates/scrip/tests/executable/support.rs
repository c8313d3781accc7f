//! Running the executable, and talking to it over HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// The repository's folder.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// A shipped catalog's path.
pub(crate) fn shipped(studio: &str) -> String {
    repository().join("catalogs").join(format!("{studio}.toml")).display().to_string()
}

/// The executable, deaf to the settings of whoever runs the tests.
pub(crate) fn scrip() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scrip"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SCRIP_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the executable to its end.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    let mut command = scrip();
    command.args(arguments);
    ended(command)
}

/// Runs a command to its end. One that does not come to it (a server that should have refused to start) is killed, and
/// then has no exit code.
pub(crate) fn ended(mut command: Command) -> Ran {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the executable starts");
    let id = child.id().to_string();
    let (done, waited) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if waited.recv_timeout(Duration::from_secs(120)) == Err(mpsc::RecvTimeoutError::Timeout) {
            signal("KILL", &id);
        }
    });
    let output = child.wait_with_output().expect("it can be waited for");
    drop(done);
    guard.join().expect("the guard ends");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("output is text"),
        stderr: String::from_utf8(output.stderr).expect("output is text"),
    }
}

/// Runs it and expects success; answers what it printed.
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let ran = run(arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
    ran.stdout
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    /// A duration below `most`.
    pub(crate) fn below(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let parts = u32::try_from(self.0 >> 48).expect("16 bits");
        most * parts / 65_536
    }
}

/// Runs a command and kills it after a while; the moment is what is tried, nothing is waited for.
pub(crate) fn killed_after(moment: Duration, arguments: &[&str]) {
    let mut command = scrip();
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the executable starts");
    std::thread::sleep(moment);
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");
}

/// Sends a signal, by the shell's own `kill`: a bare machine has no other.
pub(crate) fn signal(name: &str, process: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(sent.expect("a shell").success());
}

/// A running server (`serve` or `demo`); killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// What it printed before it listened.
    pub(crate) said: Vec<String>,
    /// What it prints to standard error, line by line, until it has ended.
    errors: mpsc::Receiver<String>,
}

impl Server {
    /// `serve` on a folder with both shipped catalogs, on a free port.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Server {
        let folder = folder.display().to_string();
        let catalogs = [shipped("flow-studio"), shipped("studiotwin")];
        let mut arguments = vec!["serve", "--data", &folder, "--listen", "127.0.0.1:0"];
        for catalog in &catalogs {
            arguments.extend(["--catalog", catalog]);
        }
        arguments.extend(more);
        let mut command = scrip();
        command.args(&arguments);
        Server::spawn(command)
    }

    /// Starts a command and waits until it says where it listens.
    pub(crate) fn spawn(mut command: Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the executable starts");
        let errors = drain(child.stderr.take().expect("stderr is piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut said = Vec::new();
        for line in &mut lines {
            let line = line.expect("output is text");
            if let Some(address) = line.strip_prefix("listening on http://") {
                let address = address.split(' ').next().expect("an address").to_owned();
                std::thread::spawn(move || lines.for_each(drop));
                return Server { child, address, said, errors };
            }
            said.push(line);
        }
        let status = child.wait().expect("it can be waited for");
        panic!("the server ended with {status} before it listened: {said:?} {:?}", errors.iter().collect::<Vec<_>>());
    }

    /// The key of a studio that it printed.
    pub(crate) fn key(&self, studio: &str) -> String {
        let mut keys = self.said.iter().filter_map(|line| line.strip_prefix(&format!("key {studio} ")));
        keys.next().expect("the key was printed").to_owned()
    }

    /// A connection with a studio's key.
    pub(crate) fn client(&self, key: &str) -> Client {
        Client::connect(&self.address, key).expect("the server accepts")
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be waited for");
    }

    /// Asks it to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        signal("TERM", &self.child.id().to_string());
    }

    /// Asks it to stop, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        signal("INT", &self.child.id().to_string());
    }

    /// Waits until it prints a line with these words to standard error.
    pub(crate) fn wait_for(&mut self, words: &str) {
        let found = self.errors.iter().any(|line| line.contains(words));
        assert!(found, "the server ended without saying {words}");
    }

    /// Waits for its end; what it printed to standard error comes with it.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it can be waited for");
        (status, self.errors.iter().collect::<Vec<_>>().join("\n"))
    }

    /// Asks it to stop and expects a good end.
    pub(crate) fn stop(self) {
        self.terminate();
        let (status, errors) = self.wait();
        assert!(status.success(), "{status}: {errors}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The lines of a stream, as they come.
fn drain(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody has to listen.
            sender.send(line).ok();
        }
    });
    receiver
}

/// A kept-alive HTTP connection, one request at a time.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    secret: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) body: Value,
}

/// A request that changes something.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn connect(address: &str, secret: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Client { stream: BufReader::new(stream), secret: secret.to_owned() })
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None, "").expect("the server answers")
    }

    pub(crate) fn try_get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, None, "")
    }

    pub(crate) fn put(&mut self, path: &str, body: &str) -> Answer {
        self.send("PUT", path, None, body).expect("the server answers")
    }

    pub(crate) fn post(&mut self, path: &str, key: &str, body: &str) -> Answer {
        self.send("POST", path, Some(key), body).expect("the server answers")
    }

    pub(crate) fn try_post(&mut self, post: &Post) -> io::Result<Answer> {
        self.send("POST", &post.path, Some(&post.key), &post.body)
    }

    fn send(&mut self, method: &str, path: &str, key: Option<&str>, body: &str) -> io::Result<Answer> {
        let key = key.map_or_else(String::new, |key| format!("idempotency-key: {key}\r\n"));
        let content = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let request = format!(
            "{method} /v1{path} HTTP/1.1\r\nhost: scrip\r\nauthorization: Bearer {}\r\n{key}{content}content-length: {}\r\n\r\n{body}",
            self.secret,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.read()
    }

    fn read(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut answer = Answer {
            status: status.ok_or_else(|| io::Error::other("no status line"))?,
            replayed: false,
            body: Value::Null,
        };
        let (mut length, mut lines) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            let Some((name, value)) = line.split_once(": ") else { break };
            match name {
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "content-type" => lines = value.starts_with("application/x-ndjson"),
                "idempotency-replayed" => answer.replayed = value == "true",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        if lines {
            let values = serde_json::Deserializer::from_slice(&body).into_iter();
            answer.body = Value::Array(values.collect::<Result<_, _>>().map_err(io::Error::other)?);
        } else if !body.is_empty() {
            answer.body = serde_json::from_slice(&body).map_err(io::Error::other)?;
        }
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
