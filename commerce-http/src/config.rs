//! The configuration of the server: what can be set, and what is in force.

mod load;
mod stripe;
mod table;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use commerce_core::{
    currency::Currency,
    text::{Label, Url},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tracing_subscriber::filter::{LevelFilter, Targets};
use utoipa::ToSchema;

pub use load::{ConfigError, Flag, Loaded};
pub use stripe::StripeSettings;
pub use table::reference;

use crate::{background::Schedule, cors::Origin, frame::Limits, secret::Secret};

/// What can be set. The name of a field is its key in the file; in the environment it stands in
/// capitals after `COMMERCE_`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Config {
    /// The folder that keeps the shop's data; it is created if it does not exist.
    #[schema(value_type = String)]
    pub data: PathBuf,
    /// The address and port to listen on; port 0 takes any that is free.
    #[serde(deserialize_with = "address")]
    #[schema(value_type = String)]
    pub listen: SocketAddr,
    /// The database: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`. Without it, `commerce.db` in
    /// the data folder. What has a meaning in a URL is written with a percent sign in a password: `@` as
    /// `%40`, `/` as `%2F`, `%` as `%25`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub database: Option<Database>,
    /// The schema of a PostgreSQL database that the shop is in; it is created if it does not exist. With
    /// SQLite it cannot be set.
    pub postgres_schema: String,
    /// The most connections to a PostgreSQL database at a time, from 4 to 1,000.
    pub postgres_connections: u32,
    /// How long a PostgreSQL server may take for one statement, from `100ms` to `1h`.
    #[schema(value_type = String)]
    pub postgres_timeout: Period,
    /// Whether to take a PostgreSQL server that can lose orders when its power fails, because
    /// `fsync`, `synchronous_commit` or `full_page_writes` is off.
    pub postgres_allow_data_loss: bool,
    /// Loads a small demo shop into an empty database, once, and serves a page to buy in at `/demo`.
    /// Without a key of Stripe's, a fake Stripe inside the server takes the cards; with a PostgreSQL
    /// `database`, which several servers may share, there is no fake: the server warns that it takes no
    /// cards, and what is bought is paid by the gateway `manual`.
    pub demo: bool,
    /// The key of the Stripe account that takes the cards: `sk_live_…`, `sk_test_…`, or a restricted
    /// one. Without it the server takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stripe_secret_key: Option<Secret>,
    /// A file that holds `stripe_secret_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stripe_secret_key_file: Option<PathBuf>,
    /// What Stripe signs its webhooks with, `whsec_…`; several while one replaces another. Without one
    /// no webhook is believed, and payments are looked up now and then instead. In the environment:
    /// separated by commas.
    #[schema(value_type = Vec<String>)]
    pub stripe_webhook_secrets: Vec<Secret>,
    /// A file that holds `stripe_webhook_secrets`, separated by commas or line breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stripe_webhook_secrets_file: Option<PathBuf>,
    /// Where Stripe's API is, if it is not at Stripe's own address: a proxy, or a fake for tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stripe_api: Option<Url>,
    /// How log lines are written to standard error: `text` or `json`.
    #[schema(value_type = String)]
    pub log_format: LogFormat,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace` or `off`, also by part, such as
    /// `info,commerce_http::request=off`.
    #[schema(value_type = String)]
    pub log_level: LogLevel,
    /// The largest body of a request, in bytes, from 1,024 to 67,108,864.
    pub body_limit: usize,
    /// The time until an answer is due, from `100ms` to `1h`; a body must arrive in half of it.
    #[schema(value_type = String)]
    pub request_timeout: Period,
    /// The most requests that are worked on at a time, from 1 to 1,000,000.
    pub max_in_flight: usize,
    /// The time that requests get to end when the server stops, at most `1h`.
    #[schema(value_type = String)]
    pub shutdown_grace: Period,
    /// The sites whose pages may call the server from a browser, such as `https://shop.example`;
    /// `*` for any. In the environment: separated by commas.
    #[schema(value_type = Vec<String>)]
    pub cors_origins: Vec<Origin>,
    /// Whether to count requests and answer `GET /metrics`.
    pub metrics: bool,
    /// An address and port of its own for `GET /metrics`, which the other then does not answer.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_address")]
    #[schema(value_type = Option<String>)]
    pub metrics_listen: Option<SocketAddr>,
    /// The name of a shop that is made anew; `Shop` if it is not set. A demo shop has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Label>,
    /// The currency of a shop that is made anew, an ISO 4217 code. A demo shop has its own.
    #[schema(value_type = String)]
    pub currency: Currency,
    /// How often to look for what is overdue, such as unpaid orders, from `100ms` to `1h`.
    #[schema(value_type = String)]
    pub sweep_interval: Period,
    /// How often to look for events to hand on, from `10ms` to `1h`.
    #[schema(value_type = String)]
    pub relay_interval: Period,
    /// How long idempotency keys are kept, at least `24h`.
    #[schema(value_type = String)]
    pub idempotency_retention: Period,
    /// How long carts are kept that were checked out or have expired, at least `1h`.
    #[schema(value_type = String)]
    pub cart_retention: Period,
    /// How long webhooks are kept that were looked into, at least `1d`. Their bodies may name customers,
    /// also some that were erased since. One that is parked is kept for as long as it is.
    #[schema(value_type = String)]
    pub webhook_retention: Period,
    /// How often to forget what need no longer be kept, from `1s` to `1h`.
    #[schema(value_type = String)]
    pub purge_interval: Period,
}

impl Default for Config {
    fn default() -> Self {
        let limits = Limits::default();
        let schedule = Schedule::default();
        Self {
            data: "commerce-data".into(),
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            database: None,
            postgres_schema: "commerce".to_owned(),
            postgres_connections: 16,
            postgres_timeout: Period(Duration::from_secs(10)),
            postgres_allow_data_loss: false,
            demo: false,
            stripe_secret_key: None,
            stripe_secret_key_file: None,
            stripe_webhook_secrets: Vec::new(),
            stripe_webhook_secrets_file: None,
            stripe_api: None,
            log_format: LogFormat::Text,
            log_level: LogLevel("info".to_owned()),
            body_limit: limits.body_bytes_max,
            request_timeout: Period(limits.request_timeout),
            max_in_flight: limits.in_flight_max,
            shutdown_grace: Period(Duration::from_secs(20)),
            cors_origins: Vec::new(),
            metrics: true,
            metrics_listen: None,
            sweep_interval: Period(schedule.sweep_every),
            relay_interval: Period(schedule.relay_every),
            idempotency_retention: Period(schedule.outcomes_kept),
            cart_retention: Period(schedule.carts_kept),
            webhook_retention: Period(schedule.webhooks_kept),
            purge_interval: Period(schedule.purge_every),
            name: None,
            currency: Currency::USD,
        }
    }
}

impl Config {
    /// What requests are held to.
    pub fn limits(&self) -> Limits {
        Limits {
            body_bytes_max: self.body_limit,
            request_timeout: self.request_timeout.0,
            in_flight_max: self.max_in_flight,
        }
    }

    /// How often the shop's own work is done, and how long things are kept.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            sweep_every: self.sweep_interval.0,
            relay_every: self.relay_interval.0,
            purge_every: self.purge_interval.0,
            outcomes_kept: self.idempotency_retention.0,
            carts_kept: self.cart_retention.0,
            webhooks_kept: self.webhook_retention.0,
        }
    }

    /// Keys with values out of bounds, and what the bounds are.
    fn out_of_bounds(&self) -> Vec<(&'static str, &'static str)> {
        const HOUR: Duration = Duration::from_secs(3600);
        let within =
            |period: Period, min: u64| (Duration::from_millis(min)..=HOUR).contains(&period.0);
        [
            ("body_limit", (1024..=64 << 20).contains(&self.body_limit), "from 1024 to 67108864"),
            ("request_timeout", within(self.request_timeout, 100), "from 100ms to 1h"),
            ("max_in_flight", (1..=1_000_000).contains(&self.max_in_flight), "from 1 to 1000000"),
            ("shutdown_grace", within(self.shutdown_grace, 0), "at most 1h"),
            ("sweep_interval", within(self.sweep_interval, 100), "from 100ms to 1h"),
            ("relay_interval", within(self.relay_interval, 10), "from 10ms to 1h"),
            ("purge_interval", within(self.purge_interval, 1000), "from 1s to 1h"),
            (
                "postgres_connections",
                (4..=1000).contains(&self.postgres_connections),
                "from 4 to 1000",
            ),
            ("postgres_timeout", within(self.postgres_timeout, 100), "from 100ms to 1h"),
            ("cart_retention", self.cart_retention.0 >= HOUR, "at least 1h"),
            ("webhook_retention", self.webhook_retention.0 >= 24 * HOUR, "at least 1d"),
            ("idempotency_retention", self.idempotency_retention.0 >= 24 * HOUR, "at least 24h"),
        ]
        .into_iter()
        .filter(|(_, kept, _)| !kept)
        .map(|(key, _, bounds)| (key, bounds))
        .collect()
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let refused = |_| de::Error::custom("must be an address and a port, such as 127.0.0.1:8080");
    String::deserialize(deserializer)?.parse().map_err(refused)
}

fn some_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    address(deserializer).map(Some)
}

/// Which database the shop lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by a URL that may hold a password.
    Postgres(Secret),
}

/// Why a text names no database. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")]
pub struct DatabaseError;

impl FromStr for Database {
    type Err = DatabaseError;

    fn from_str(text: &str) -> Result<Self, DatabaseError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            // `sqlite:///data/shop.db` is `sqlite:/data/shop.db` as other programs write it.
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(DatabaseError)
            } else {
                Ok(Self::Sqlite(PathBuf::from(path)))
            };
        }
        match text.split_once("://") {
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                Ok(Self::Postgres(Secret::new(text)))
            }
            _ => Err(DatabaseError),
        }
    }
}

impl Database {
    /// The parameters in the address of a PostgreSQL database that mean nothing to who connects to it, as
    /// one that is misspelt: their names alone, as a password may stand in them.
    pub(crate) fn ignored(&self) -> Vec<&str> {
        const KNOWN: [&str; 18] = [
            "host",
            "hostaddr",
            "port",
            "dbname",
            "user",
            "password",
            "application_name",
            "options",
            "sslmode",
            "ssl-mode",
            "sslrootcert",
            "ssl-root-cert",
            "ssl-ca",
            "sslcert",
            "ssl-cert",
            "sslkey",
            "ssl-key",
            "statement-cache-capacity",
        ];
        let Self::Postgres(url) = self else { return Vec::new() };
        let params = url.expose().split_once('?').map_or("", |(_, params)| params);
        let keys = params.split('&').map(|param| param.split_once('=').map_or(param, |it| it.0));
        let means = |key: &&str| KNOWN.contains(key) || key.starts_with("options[");
        keys.filter(|key| !key.is_empty() && !means(key)).collect()
    }
}

impl fmt::Display for Database {
    /// The password, if any, is hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let (address, params) = match url.expose().split_once('?') {
                    Some((address, params)) => (address, Some(params)),
                    None => (url.expose(), None),
                };
                let (scheme, rest) = address.split_once("://").unwrap_or_default();
                match rest.rsplit_once('@') {
                    Some((user, host)) => match user.split_once(':') {
                        Some((name, _)) => write!(f, "{scheme}://{name}:***@{host}")?,
                        None => write!(f, "{address}")?,
                    },
                    None => write!(f, "{address}")?,
                }
                // A password may also stand among the parameters, perhaps misspelt.
                let shown = ["host", "port", "user", "dbname", "sslmode", "sslrootcert"];
                for (at, param) in params.into_iter().flat_map(|all| all.split('&')).enumerate() {
                    let (key, value) = param.split_once('=').unwrap_or((param, ""));
                    let value = if shown.contains(&key) { value } else { "***" };
                    write!(f, "{}{key}={value}", if at == 0 { '?' } else { '&' })?;
                }
                Ok(())
            }
        }
    }
}

impl Serialize for Database {
    /// For people: the password is hidden.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Database {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Config {
    /// The database in force: the one that is set, or `commerce.db` in the data folder.
    pub fn database(&self) -> Database {
        let own = || Database::Sqlite(self.data.join("commerce.db"));
        self.database.clone().unwrap_or_else(own)
    }

    /// Whether other servers may have the same shop open.
    pub fn is_shared(&self) -> bool {
        matches!(self.database, Some(Database::Postgres(_)))
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LogLevel(String);

impl LogLevel {
    /// The filter that it stands for.
    pub fn targets(&self) -> Targets {
        let targets: Targets = self.0.parse().unwrap_or_default();
        // It would tell the values of parameters that it does not know, in which a password may stand.
        targets.with_target("sqlx_postgres::options::parse", LevelFilter::OFF)
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split(',');
        let known = |part: &str| {
            let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
            matches!(level, "error" | "warn" | "info" | "debug" | "trace" | "off")
        };
        if parts.map(str::trim).all(known) && text.parse::<Targets>().is_ok() {
            Ok(Self(text))
        } else {
            Err(de::Error::custom(
                "must be error, warn, info, debug, trace or off, or such as info,hyper=warn",
            ))
        }
    }
}

/// A span of time, written `250ms`, `30s`, `5m`, `24h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl fmt::Display for Period {
    /// Exact, and without months and years, of which nobody knows the length: `90d`, `1h30m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u128); 7] = [
            ("d", 86_400_000_000_000),
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ];
        let mut rest = self.0.as_nanos();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, nanos) in UNITS {
            if rest >= nanos {
                write!(f, "{}{unit}", rest / nanos)?;
                rest %= nanos;
            }
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused = |_| de::Error::custom("must be a span of time such as 250ms, 30s or 24h");
        humantime::parse_duration(&text).map(Self).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://shop:hunter2@db.example/shop",
            "postgresql://shop:hunter2@db.example:5432/shop?sslmode=require",
            "postgres://shop@db.example/shop?password=hunter2",
            "postgres://shop:hunter2@hunter2@db.example/shop",
            "postgres://shop:hunter2@db.example/shop?sslmode=require&pasword=hunter2&port=1",
        ] {
            let database: Database = text.parse().unwrap();
            let shown = format!("{database} {database:?} {}", serde_json::json!(database));
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("db.example"), "{shown}");
            assert!(matches!(database, Database::Postgres(url) if url.expose() == text));
        }
        // What is no password is shown, so that it can be given to another command as it is.
        for text in [
            "postgres://db.example/shop",
            "postgres://shop@db.example:1/shop?host=/run/postgresql&sslmode=disable",
        ] {
            assert_eq!(text.parse::<Database>().unwrap().to_string(), text);
        }
        let error = "mysql://shop:hunter2@db.example".parse::<Database>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn databases() {
        let path = |text: &str| match text.parse() {
            Ok(Database::Sqlite(path)) => path.display().to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(path("sqlite:shop.db"), "shop.db");
        assert_eq!(path("sqlite:///var/shop.db"), "/var/shop.db");
        for bad in ["", "sqlite:", "shop.db", "postgres://", "mysql://x"] {
            assert_eq!(bad.parse::<Database>(), Err(DatabaseError), "{bad}");
        }
    }

    #[test]
    fn a_span_of_time_is_written_as_one_would() {
        let shown = |text: &str| Period(humantime::parse_duration(text).unwrap()).to_string();
        for text in ["0s", "250ms", "30s", "10m", "90d", "1h30m", "365d", "1d1s", "1ms1us1ns"] {
            assert_eq!(shown(text), text);
        }
        assert_eq!((shown("24h"), shown("90s")), ("1d".to_owned(), "1m30s".to_owned()));
        let longest = Period(Duration::MAX);
        assert_eq!(humantime::parse_duration(&longest.to_string()).unwrap(), longest.0);
    }

    #[test]
    fn the_defaults_keep_their_own_bounds() {
        assert_eq!(Config::default().out_of_bounds(), []);
        let off = Config { max_in_flight: 0, ..Config::default() };
        assert_eq!(off.out_of_bounds(), [("max_in_flight", "from 1 to 1000000")]);
    }
}
