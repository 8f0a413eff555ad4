//! A way to a server that a test can cut: it passes bytes on between its own port and the server's.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::kafka::env;

/// Ends with its value.
pub struct Proxy {
    cut: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// The way to the broker that `scripts/stack` started, at the address of its listener for this.
    pub async fn to_broker() -> Self {
        let proxied = env("EVTOP_STACK_BROKERS_PROXIED");
        let port = proxied.rsplit(':').next().unwrap().parse().unwrap();
        let behind = env("EVTOP_STACK_BROKERS_BEHIND_PROXY").parse().unwrap();
        Self::start(port, behind).await.unwrap()
    }

    /// Listens at `port` of this machine, as soon as an earlier one has let go of it, and connects whoever
    /// comes to `server`.
    pub async fn start(port: u16, server: SocketAddr) -> std::io::Result<Self> {
        let bind = || TcpListener::bind(("127.0.0.1", port));
        let mut tries = 0;
        let listener = loop {
            match bind().await {
                Err(error) if error.kind() == ErrorKind::AddrInUse && tries < 500 => tries += 1,
                bound => break Arc::new(bound?),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let cut = watch::Sender::new(false);
        let task = tokio::spawn(serve(listener, server, cut.subscribe()));
        Ok(Self { cut, task })
    }

    /// Cuts every connection and lets no new one through, or ends that.
    pub fn set_cut(&self, cut: bool) {
        self.cut.send_replace(cut);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: Arc<TcpListener>, server: SocketAddr, mut cut: watch::Receiver<bool>) {
    let mut pairs = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted
                    && !*cut.borrow()
                {
                    pairs.spawn(pass_on(client, server));
                }
            }
            changed = cut.changed() => {
                if changed.is_err() {
                    return;
                }
                if *cut.borrow_and_update() {
                    pairs.abort_all();
                }
            }
            Some(_) = pairs.join_next(), if !pairs.is_empty() => {}
        }
    }
}

async fn pass_on(mut client: TcpStream, server: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(server).await {
        let _ = server.set_nodelay(true);
        let _ = client.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
