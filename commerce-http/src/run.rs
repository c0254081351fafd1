//! What the binary does with its arguments.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use commerce_core::{Subscriber, text::Label};
use tokio::net::TcpListener;

use crate::{
    app::{self, App},
    background::{Background, EventLog},
    cards::{Cards, CardsError},
    cli::{Cli, Command, ImportCommand, ServeArgs, ShopArgs, TokenCommand},
    config::{self, Config, ConfigError, Database, Flag, Loaded},
    data::{DataError, DataFolder, ServerLock},
    demo::{self, DemoError},
    frame, import, log, metrics, openapi, probe, reconcile,
    server::{self, Ending, StopSignals},
    shop::{self, ShopError},
};

/// Why a command failed, for the person who gave it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The shop cannot be opened or changed.
    #[error(transparent)]
    Shop(#[from] ShopError),
    /// Cards cannot be taken.
    #[error(transparent)]
    Cards(#[from] CardsError),
    /// The demo shop cannot be loaded.
    #[error("cannot load the demo shop")]
    Demo(#[from] DemoError),
    /// The server cannot listen.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The server is not ready.
    #[error("{address} is not ready")]
    NotReady {
        /// Where it is to listen.
        address: std::net::SocketAddr,
        /// What it says, or what the system says.
        source: io::Error,
    },
    /// The process cannot be set up.
    #[error("cannot start {what}")]
    Start {
        /// What cannot be started.
        what: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer cannot be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Exit status of a failure.
const FAILED: u8 = 1;
/// Exit status of a configuration or command line that cannot be used, as clap has it.
const USAGE: u8 = 2;

/// Exit status of a comparison that found differences.
const DIFFERS: u8 = 3;

/// Runs the program with the arguments of the process.
///
/// It exits with 0 after success, 1 after a failure, 2 for arguments or settings that cannot be
/// used, and says why on standard error. `commerce reconcile` exits with 3 if it finds differences, and
/// `commerce import` with 1 if some products did not arrive and with 2 if it could not begin or stopped
/// before the end.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let failed = match &cli.command {
        // There, 1 is what became of the file.
        Some(Command::Import(_)) => import::Ending::Stopped.into(),
        _ => ExitCode::from(FAILED),
    };
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", frame::chain(&error));
            let settings = matches!(
                error,
                RunError::Config(_)
                    | RunError::Cards(CardsError::Config(_))
                    | RunError::Shop(ShopError::Config(_))
            );
            if settings { ExitCode::from(USAGE) } else { failed }
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, RunError> {
    match cli.command {
        None => serve(&cli.serve),
        Some(Command::Serve(args)) => serve(&args),
        Some(Command::Token(TokenCommand::Create(args))) => {
            let config = load(&args.shop, &args.shop.flags())?;
            let token = shop::create_token(&config, args.scope, &args.label);
            print(runtime()?.block_on(token)?.expose())
        }
        Some(Command::Token(TokenCommand::List(args))) => {
            let config = load(&args, &args.flags())?;
            print_lines(&runtime()?.block_on(shop::tokens(&config))?)
        }
        Some(Command::Token(TokenCommand::Revoke(args))) => {
            let config = load(&args.shop, &args.shop.flags())?;
            runtime()?.block_on(shop::revoke_token(&config, args.id))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Import(ImportCommand::Shopify(args))) => {
            let config = load(&args.shop, &args.flags())?;
            Ok(runtime()?.block_on(shop::import_shopify(&config, &args))?)
        }
        Some(Command::Reconcile(args)) => {
            let config = load(&args.shop, &args.shop.flags())?;
            let found = runtime()?.block_on(shop::reconcile(&config, &args))?;
            let text = if args.json {
                let json = serde_json::to_string_pretty(&found);
                json.map_err(|source| start("the comparison", source))?
            } else {
                reconcile::report(&found)
            };
            print(&text)?;
            Ok(if found.agrees() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
        }
        Some(Command::Health(args)) => {
            let address = load(&args.shop, &args.flags())?.listen;
            probe::ready(address).map_err(|source| RunError::NotReady { address, source })?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Config(args)) if args.reference => print(config::reference().trim_end()),
        Some(Command::Config(args)) => {
            let loaded = Loaded::read(args.serve.shop.config.as_deref(), &args.serve.flags())?;
            print(loaded.to_string().trim_end())?;
            // What a server would refuse to start with is told here as well.
            Cards::open(&loaded.config).map_err(CardsError::Config)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Openapi) => {
            let document = openapi::document().to_pretty_json();
            print(&document.map_err(|source| start("the OpenAPI document", source))?)
        }
    }
}

fn load(shop: &ShopArgs, flags: &[Flag]) -> Result<Config, RunError> {
    let Loaded { config, .. } = Loaded::read(shop.config.as_deref(), flags)?;
    log::init(config.log_format, &config.log_level);
    Ok(config)
}

fn print(text: &str) -> Result<ExitCode, RunError> {
    match writeln!(io::stdout().lock(), "{text}") {
        // Who closed the pipe has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(RunError::Output(error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn print_lines(lines: &[String]) -> Result<ExitCode, RunError> {
    if lines.is_empty() { Ok(ExitCode::SUCCESS) } else { print(&lines.join("\n")) }
}

fn start(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> RunError {
    RunError::Start { what, source: source.into() }
}

fn runtime() -> Result<tokio::runtime::Runtime, RunError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| start("the runtime", source))
}

fn serve(args: &ServeArgs) -> Result<ExitCode, RunError> {
    let config = load(&args.shop, &args.flags())?;
    let runtime = runtime()?;
    let ending = runtime.block_on(serve_shop(&config));
    // What did not end within the grace period must not hold up the process.
    runtime.shutdown_background();
    ending
}

async fn serve_shop(config: &Config) -> Result<ExitCode, RunError> {
    let mut signals =
        StopSignals::new().map_err(|source| start("listening for signals", source))?;
    // Several servers share a PostgreSQL database, and none of them has anything in a folder.
    let folder = (!config.is_shared()).then(|| DataFolder::open(config.data())).transpose()?;
    let _lock = match config.database() {
        Database::Sqlite(path) => Some(ServerLock::of_file(&path)?),
        Database::Postgres(_) => None,
    };
    // Before the shop is opened, so that its store counts in the same place.
    let recorder = config.metrics.then(metrics::install).transpose();
    let recorder = recorder.map_err(|source| start("metrics", source))?;
    let listener = bind(config.listen).await?;
    let metrics_listener = match (config.metrics_listen, &recorder) {
        (Some(address), Some(handle)) => Some((bind(address).await?, handle.clone())),
        _ => None,
    };
    let cards =
        Cards::open_to_serve(config, listener.local_addr().unwrap_or(config.listen)).await?;
    let commerce = cards.join(shop::open(config).await?);
    if config.demo {
        demo::load(&commerce).await?;
    }
    cards.advise(&commerce).await;
    let mut app = App::new(commerce.clone());
    if config.demo {
        app = app.with_demo();
    }
    if let (Some(handle), None) = (&recorder, config.metrics_listen) {
        app = app.with_metrics(handle.clone());
    }
    let upkeep = recorder.map(|handle| tokio::spawn(metrics::upkeep(handle)));
    if let Some((listener, handle)) = metrics_listener {
        tokio::spawn(server::serve_forever(listener, metrics::router(handle)));
    }
    let name = Label::new("log").map_err(|source| start("the log of events", source))?;
    let subscribers: Vec<Arc<dyn Subscriber>> = vec![Arc::new(EventLog::new(name))];
    let background = Background::start(&commerce, config.schedule(), subscribers);
    greet(config, folder.as_ref(), &listener, &cards);
    let ending = until_stopped(config, listener, app, &mut signals).await;
    if ending.is_some() {
        let _ = tokio::time::timeout(config.shutdown_grace.0, background.stop()).await;
    }
    if let Some(task) = upkeep {
        task.abort();
    }
    match ending {
        Some(Ending::Graceful) => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        Some(Ending::Forced) => {
            tracing::warn!("stopped; the grace period ran out on requests that had not ended");
            Ok(ExitCode::from(FAILED))
        }
        None => {
            tracing::warn!("stopped at once; requests may have been cut off");
            Ok(ExitCode::from(FAILED))
        }
    }
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|source| RunError::Listen { address, source })
}

/// Serves until asked to stop; `None` when asked twice.
async fn until_stopped(
    config: &Config,
    listener: TcpListener,
    app: App,
    signals: &mut StopSignals,
) -> Option<Ending> {
    let tasks = app.tasks().clone();
    let router = app::router(app, config.limits(), &config.cors_origins);
    let (asked, stop) = tokio::sync::oneshot::channel::<()>();
    let stop = async {
        let _ = stop.await;
    };
    let grace = config.shutdown_grace.0;
    tokio::select! {
        ending = server::serve(listener, router, tasks, grace, stop) => Some(ending),
        () = async {
            signals.next().await;
            tracing::info!("stopping; requests in progress are answered first");
            let _ = asked.send(());
            signals.next().await;
        } => None,
    }
}

/// Tells the person who started the server where everything is.
fn greet(config: &Config, folder: Option<&DataFolder>, listener: &TcpListener, cards: &Cards) {
    let address = listener.local_addr().unwrap_or(config.listen);
    let mut text = format!(
        "commerce {}\n\
         \x20 listening  http://{address}\n\
         \x20 docs       http://{address}/docs\n",
        env!("CARGO_PKG_VERSION"),
    );
    if config.demo {
        text.push_str(&format!("  demo       http://{address}/demo\n"));
    }
    if let Some((fake, key)) = cards.fake() {
        text.push_str(&format!("  cards      a fake Stripe at {fake} with the key {key}\n"));
    }
    let mut shop = String::new();
    if let Some(folder) = folder {
        let data = folder.path().display().to_string();
        text.push_str(&format!("  data       {data}\n"));
        shop = format!(" --data {}", quoted(&data));
    }
    if let Some(database) = &config.database {
        text.push_str(&format!("  database   {database}\n"));
        shop = format!(" --database {}", quoted(&database.to_string()));
    }
    if let Some(Database::Postgres(_)) = &config.database {
        let schema = quoted(&config.postgres_schema);
        text.push_str(&format!("  schema     {schema}\n"));
        shop.push_str(&format!(" --postgres-schema {schema}"));
    }
    // Nobody may be reading; the server runs all the same.
    let _ = writeln!(
        io::stdout().lock(),
        "{text}  token      {} token create --scope admin{shop}",
        quoted(&program())
    );
}

/// The program as the person called it, who can call it so again.
fn program() -> String {
    let called = std::env::args_os().next().filter(|name| !name.is_empty());
    called.map_or_else(|| "commerce".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A word of a command line, so that a shell takes it as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/-_.:,@%+=".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
