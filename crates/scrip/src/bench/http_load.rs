//! Load over HTTP: connections that are kept alive, one request in flight on each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use scrip_core::amount::Credits;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bench::plan::{SET, Work};
use crate::bench::tally::{Draws, Rate, Stretch};
use crate::bench::world::{World, cost_json, quoted_json};
use crate::failure::Failure;

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    /// The API.
    Api(Work),
    /// Its batch route, [`SET`] charges a request.
    Batch,
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
    let connections = Connection::open_all(load.address, load.connections).await?;
    let stretch = Arc::new(Stretch::begin(load.lasts));
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let (world, stretch) = (Arc::clone(world), Arc::clone(&stretch));
        tasks.spawn(async move {
            while !stretch.is_over() {
                stretch.count(connection.work(&world, load.peer).await?);
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
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    draws: Draws,
}

const JSON: &str = "application/json";

impl Connection {
    /// So many, each drawing accounts in an order of its own.
    pub(crate) async fn open_all(address: SocketAddr, count: u32) -> Result<Vec<Connection>, Failure> {
        let mut all = Vec::new();
        for number in 0..count {
            all.push(Connection::open(address, number).await?);
        }
        Ok(all)
    }

    async fn open(address: SocketAddr, number: u32) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(address).await.map_err(|error| broken(&error))?;
        stream.set_nodelay(true).map_err(|error| broken(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // Ends with its sender; what goes wrong on it the sender hears as well.
        tokio::spawn(connection);
        Ok(Connection { sender, draws: Draws::new(u64::from(number) + 1) })
    }

    /// Any account, each as likely as the others.
    pub(crate) fn any_account(&mut self, world: &World) -> usize {
        self.draws.below(world.accounts.len())
    }

    /// One request of a peer's, or one pair; how many units of work that was.
    async fn work(&mut self, world: &World, peer: Peer) -> Result<u64, Failure> {
        let place = self.any_account(world);
        match peer {
            Peer::Empty => {
                self.post(world, "/empty".to_owned(), charge_body()).await?;
            }
            Peer::Api(Work::Charge) => {
                let path = format!("/v1/accounts/{}/charges", world.accounts[place]);
                let body = self.post(world, path, charge_body()).await?;
                world.paid.add(place, amount(read(&body)?.credits)?);
            }
            Peer::Api(Work::Pair) => {
                let hold = self.hold(world, place).await?;
                let body = self.end(world, place, &hold, "settle").await?;
                world.paid.add(place, amount(read(&body)?.charged)?);
            }
            Peer::Batch => return self.batch(world, place).await,
        }
        Ok(1)
    }

    /// Places a hold on an account; its id.
    pub(crate) async fn hold(&mut self, world: &World, place: usize) -> Result<String, Failure> {
        let path = format!("/v1/accounts/{}/holds", world.accounts[place]);
        let body = self.post(world, path, charge_body()).await?;
        read(&body)?.hold.ok_or_else(|| Failure::No("a hold came back without its id".into()))
    }

    /// Ends a hold by one of its routes: `settle` of all that it holds, or `release`.
    pub(crate) async fn end(&mut self, world: &World, place: usize, hold: &str, by: &str) -> Result<Bytes, Failure> {
        let path = format!("/v1/accounts/{}/holds/{hold}/{by}", world.accounts[place]);
        self.post(world, path, "{}".to_owned()).await
    }

    /// Sends [`SET`] charges of accounts in one request, the first of this one.
    async fn batch(&mut self, world: &World, first: usize) -> Result<u64, Failure> {
        let mut places = vec![first];
        places.extend((1..SET).map(|_| self.draws.below(world.accounts.len())));
        let line = |place: &usize| {
            let (key, account) = (world.key(), &world.accounts[*place]);
            format!("{{\"op\":\"charge\",\"key\":\"{key}\",\"account\":\"{account}\",{}}}\n", cost_json())
        };
        let body: String = places.iter().map(line).collect();
        let request = Request::post("/v1/batch").header("content-type", "application/x-ndjson");
        let answers = self.send(world, request, body).await?;
        let mut done = 0;
        for (answer, place) in answers.split(|byte| *byte == b'\n').zip(&places) {
            world.paid.add(*place, amount(read(answer)?.credits)?);
            done += 1;
        }
        if done == u64::from(SET) { Ok(done) } else { Err(Failure::No(format!("{done} answers to {SET} lines"))) }
    }

    /// A command of its own, with a key of its own.
    async fn post(&mut self, world: &World, path: String, body: String) -> Result<Bytes, Failure> {
        let request = Request::post(path).header("content-type", JSON).header("idempotency-key", world.key().as_str());
        self.send(world, request, body).await
    }

    /// Asks, and answers the body.
    pub(crate) async fn get(&mut self, world: &World, path: String) -> Result<Bytes, Failure> {
        self.send(world, Request::get(path), String::new()).await
    }

    /// Asks what a job would cost.
    pub(crate) async fn quote(&mut self, world: &World) -> Result<Bytes, Failure> {
        let request = Request::post("/v1/quotes").header("content-type", JSON);
        self.send(world, request, format!("{{{}}}", quoted_json())).await
    }

    async fn send(&mut self, world: &World, request: Builder, body: String) -> Result<Bytes, Failure> {
        let request = request
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", world.secret))
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
