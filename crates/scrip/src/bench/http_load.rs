//! Load over HTTP: connections that are kept alive, one request in flight on each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use scrip_core::amount::Credits;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bench::plan::Work;
use crate::bench::tally::{Draws, Rate, Stretch};
use crate::bench::world::{World, cost_json};
use crate::failure::Failure;

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    /// The API.
    Api(Work),
    /// The route that does nothing, sent the body of a charge.
    Empty,
}

/// Load on an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) peer: Peer,
    pub(crate) address: SocketAddr,
    pub(crate) connections: u32,
    pub(crate) lasts: Duration,
}

/// Sends requests for a stretch of time.
pub(crate) async fn measure(world: &Arc<World>, load: Load) -> Result<Rate, Failure> {
    let mut connections = Vec::new();
    for number in 0..load.connections {
        connections.push(Connection::open(load.address, number).await?);
    }
    let stretch = Arc::new(Stretch::begin(load.lasts));
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let (world, stretch) = (Arc::clone(world), Arc::clone(&stretch));
        tasks.spawn(async move {
            while !stretch.is_over() {
                connection.work(&world, load.peer).await?;
                stretch.count(1);
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Failure::Failed(format!("a connection of the bench died: {error}")))??;
    }
    Ok(stretch.end())
}

/// The body that a charge is asked with.
pub(crate) fn charge_body() -> String {
    format!("{{{}}}", cost_json())
}

/// What is read of an answer: enough to reckon with.
#[derive(Deserialize)]
struct Answer {
    hold: Option<String>,
    credits: Option<serde_json::Number>,
    charged: Option<serde_json::Number>,
}

/// A kept-alive connection.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    draws: Draws,
}

impl Connection {
    async fn open(address: SocketAddr, number: u32) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(address).await.map_err(|error| broken(&error))?;
        stream.set_nodelay(true).map_err(|error| broken(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // Ends with its sender; what goes wrong on it the sender hears as well.
        tokio::spawn(connection);
        Ok(Connection { sender, draws: Draws::new(u64::from(number) + 1) })
    }

    /// One unit of work.
    async fn work(&mut self, world: &World, peer: Peer) -> Result<(), Failure> {
        let place = self.draws.below(world.accounts.len());
        let account = &world.accounts[place];
        match peer {
            Peer::Empty => {
                self.post(world, "/empty".to_owned(), charge_body()).await?;
            }
            Peer::Api(Work::Charge) => {
                let body = self.post(world, format!("/v1/accounts/{account}/charges"), charge_body()).await?;
                world.paid.add(place, amount(read(&body)?.credits)?);
            }
            Peer::Api(Work::Pair) => {
                let body = self.post(world, format!("/v1/accounts/{account}/holds"), charge_body()).await?;
                let hold = read(&body)?.hold.ok_or_else(|| Failure::No("a hold came back without its id".into()))?;
                let path = format!("/v1/accounts/{account}/holds/{hold}/settle");
                let body = self.post(world, path, "{}".to_owned()).await?;
                world.paid.add(place, amount(read(&body)?.charged)?);
            }
        }
        Ok(())
    }

    async fn post(&mut self, world: &World, path: String, body: String) -> Result<Bytes, Failure> {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", world.secret))
            .header("content-type", "application/json")
            .header("idempotency-key", world.key().as_str())
            .body(Full::new(Bytes::from(body)))
            .expect("the parts of a request are right");
        self.sender.ready().await.map_err(|error| broken(&error))?;
        let answer = self.sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
        if matches!(status, StatusCode::OK | StatusCode::CREATED) {
            Ok(body)
        } else {
            Err(Failure::No(format!(
                "a request of the bench was answered {status}: {}",
                String::from_utf8_lossy(&body)
            )))
        }
    }
}

fn broken(error: &dyn std::error::Error) -> Failure {
    Failure::Failed(format!("a connection of the bench broke: {error}"))
}

fn read(body: &[u8]) -> Result<Answer, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::No(format!("an answer cannot be read: {error}")))
}

fn amount(number: Option<serde_json::Number>) -> Result<Credits, Failure> {
    let text = number.ok_or_else(|| Failure::No("an answer names no amount".to_owned()))?.to_string();
    Credits::parse(&text).map_err(|error| Failure::No(format!("`{text}` in an answer: {error}")))
}
