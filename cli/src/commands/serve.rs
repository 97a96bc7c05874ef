use std::{future::Future, sync::Arc};

use folkmoot_gateway::{Gateway, GatewayConfig, HealthSource};
use folkmoot_node::{
    config::Config,
    home::Home,
    node::Node,
    request::{InviteInfo, Reply, Request},
};
use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    error::{Error, Result},
    output::Line,
    session::{PATIENCE, PAUSE, Session, answer, is_locked},
    when::reader::WallClock,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot serve\n  moot serve --http 127.0.0.1:8080 --listen /ip4/0.0.0.0/tcp/4701\n\nStops cleanly on Ctrl-C (SIGINT) and SIGTERM."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) listeners: Listeners,
}

/// Where node and gateway listen; a flag beats the settings.
#[derive(Debug, clap::Args)]
pub(crate) struct Listeners {
    /// Address of the web page [default: 127.0.0.1:4780]
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<String>,
    /// Address for other nodes; can be given several times [default: TCP port 4700 everywhere]
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,
    /// No web page
    #[arg(long, conflicts_with = "http")]
    no_gateway: bool,
}

impl Listeners {
    pub(crate) fn config(&self, session: &Session) -> Result<Config> {
        let mut config = session.config()?;
        if let Some(http) = &self.http {
            config.flag("http", http)?;
        }
        for addr in &self.listen {
            super::peer::check(addr)?;
        }
        if !self.listen.is_empty() {
            config.flag("listen", &self.listen.join(" "))?;
        }
        if self.no_gateway {
            config.flag("gateway", "false")?;
        }
        Ok(config)
    }
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let home = session.home()?;
    let config = args.listeners.config(session)?;
    refuse_a_second(session)?;
    block_on(async {
        let running = Running::start(session, &home, &config).await?;
        running.say_ready(session, true, None)?;
        running.until_stopped(session).await
    })
}

/// The node that runs already is asked first: waiting for its store would take seconds and say less.
pub(crate) fn refuse_a_second(session: &Session) -> Result<()> {
    let Some(reply) = session.ask_node(&Request::Status)? else { return Ok(()) };
    let status = answer!(reply, Reply::Status(status) => status)?;
    let said = Error::refused("could not start: a node is already running for this home")
        .hint("use it as it is, or stop it first; moot invite makes another link");
    Err(match status.http {
        Some(http) => said.because(format!("its page is {http}")),
        None => said,
    })
}

/// A runtime for the few commands that need one.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::refused(format!("could not start: {error}")))?
        .block_on(future)
}

/// Starts a node; waits a few seconds for a command that has the store open at this moment.
pub(crate) async fn start_node(session: &Session, home: &Home, net: folkmoot_node::config::NetConfig) -> Result<Node> {
    session.release();
    session.unlock(home)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Node::start(home, session.clock.clone(), net.clone()).await {
            Err(error) if is_locked(&error) && Instant::now() < deadline => sleep(PAUSE).await,
            Err(error) if is_locked(&error) => {
                return Err(Error::refused(format!("could not start the node: {error}"))
                    .hint("a node may be running for this home already: moot status"));
            }
            started => return Ok(started?),
        }
    }
}

/// Node and gateway, both listening.
pub(crate) struct Running {
    pub(crate) node: Node,
    /// Origin of the web page, its task, and what stops it.
    gateway: Option<(String, JoinHandle<()>, oneshot::Sender<()>)>,
}

impl Running {
    pub(crate) async fn start(session: &Session, home: &Home, config: &Config) -> Result<Self> {
        let node = start_node(session, home, config.net()).await?;
        let mut running = Self { node, gateway: None };
        if let Some(listen) = config.http().filter(|_| config.gateway()) {
            let public_url = config.public_url().map(ToOwned::to_owned);
            let gateway = GatewayConfig { listen, public_url, hosts: config.hosts().to_vec() };
            if let Err(error) = running.mount(session, gateway).await {
                running.stop().await;
                return Err(error);
            }
        }
        Ok(running)
    }

    async fn mount(&mut self, session: &Session, config: GatewayConfig) -> Result<()> {
        let node = self.node.clone();
        let health = HealthSource(Arc::new(move || node.health()));
        let gateway = Gateway::bind(config, self.node.reader(), health, session.clock.clone()).await?;
        let base = gateway.base_url();
        self.node.set_http(base.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(gateway.run(async {
            // Dropping the sender stops it as well.
            let _ = stopped.await;
        }));
        self.gateway = Some((base, task, stop));
        Ok(())
    }

    /// The line scripts wait for: both listeners are up. `page`: there is something to see.
    pub(crate) fn say_ready(&self, session: &Session, page: bool, invite: Option<&InviteInfo>) -> Result<()> {
        let listen: Vec<String> = self.node.addresses().iter().map(ToString::to_string).collect();
        let http = self.gateway.as_ref().map(|(base, ..)| base.as_str());
        let link = invite.and_then(|invite| invite.link.as_deref());
        session.out.object(&json!({"ready": true, "http": http, "listen": listen, "invite": link}));
        if let Some(base) = http.filter(|_| page) {
            session.out.line(Line::new().faint("page    ").id(base));
        }
        for address in &listen {
            session.out.line(Line::new().faint("listen  ").id(address));
        }
        if let (Some(link), Some(invite)) = (link, invite) {
            session.out.line(Line::new().faint("invite  ").id(link));
            session.out.line(
                Line::new().faint(format!("        {}", super::invite::in_words(invite, &WallClock::of(session)?))),
            );
        }
        session.out.line(Line::new().strong("ready").faint(" (Ctrl-C stops it)"));
        Ok(())
    }

    pub(crate) async fn until_stopped(self, session: &Session) -> Result<()> {
        let signals = signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)));
        let (mut interrupt, mut terminate) =
            signals.map_err(|error| Error::refused(format!("could not listen for signals: {error}")))?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        session.out.note("stopping");
        self.stop().await;
        Ok(())
    }

    pub(crate) async fn stop(self) {
        if let Some((_, task, stop)) = self.gateway {
            drop(stop);
            // Its own deadline ends it; a task that died has nothing left to stop.
            let _ = task.await;
        }
        self.node.stop().await;
    }
}
