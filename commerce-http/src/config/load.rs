//! Where settings come from: the file, then the environment, then flags; the last one wins.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt::{self, Write},
    fs::File,
    io,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider, Source,
    error::OneOf,
    providers::{Format, Serialized, Toml},
    value::{Dict, Map, Value},
};

use super::{
    Config,
    table::{FOREIGN, Kind, kinds},
};
use crate::extract::in_terms_of_json;

const PREFIX: &str = "COMMERCE_";
/// Names the file instead of `--config`.
const FILE_VARIABLE: &str = "COMMERCE_CONFIG";
/// The file that is read, if it exists, when none is named.
const FILE_DEFAULT: &str = "commerce.toml";

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The key of the setting; the flag has its name, with hyphens.
    pub key: &'static str,
    /// Its value, as text.
    pub value: String,
}

/// Settings that cannot be used, one a line, each with where it stands.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that is named cannot be read.
    #[error("cannot read the configuration file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Settings are unknown or have values that they cannot have.
    #[error("the configuration is not valid:{}", Lines(.0))]
    Invalid(Vec<String>),
}

struct Lines<'a>(&'a [String]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is wrong with a file is told with the lines in question.
        self.0.iter().try_for_each(|line| write!(f, "\n  {}", line.replace('\n', "\n  ")))
    }
}

/// A configuration and where each of its values comes from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is in force.
    pub config: Config,
    sources: BTreeMap<&'static str, String>,
}

impl Loaded {
    /// Reads the file, the process's environment, and flags.
    ///
    /// The file is the one named by `file`, else by the variable `COMMERCE_CONFIG`, else
    /// `commerce.toml` in the working folder if there is one.
    ///
    /// # Errors
    /// When the file cannot be read, or settings are unknown or not valid: all of them at once.
    pub fn read(file: Option<&Path>, flags: &[Flag]) -> Result<Self, ConfigError> {
        let file = file.map(Path::to_owned).or_else(|| {
            let named = env::var_os(FILE_VARIABLE).filter(|name| !name.is_empty());
            named.map(PathBuf::from).or_else(|| {
                let default = PathBuf::from(FILE_DEFAULT);
                default.exists().then_some(default)
            })
        });
        Self::from_sources(file.as_deref(), env::vars_os(), flags)
    }

    /// As [`Loaded::read`], from a given environment and no file but the one named.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn from_sources(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &[Flag],
    ) -> Result<Self, ConfigError> {
        let kinds = kinds();
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some(path) = file {
            let refused = |source| ConfigError::File { path: path.to_owned(), source };
            if File::open(path).and_then(|file| file.metadata()).map_err(refused)?.is_dir() {
                return Err(refused(io::ErrorKind::IsADirectory.into()));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        let text = |text: OsString| text.into_string().ok();
        let environment: Vec<(String, String)> = environment
            .into_iter()
            .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
            .collect();
        // What was set for this program alone goes before what others read, too.
        let foreign = environment.iter().filter_map(|(name, v)| Given::foreign(name, v, &kinds));
        let own = environment.iter().filter_map(|(name, v)| Given::from_variable(name, v, &kinds));
        for given in foreign.chain(own) {
            figment = figment.merge(given);
        }
        for flag in flags {
            figment = figment.merge(Given {
                source: format!("flag --{}", flag.key.replace('_', "-")),
                key: flag.key.to_owned(),
                value: parse(kinds.get(flag.key), &flag.value),
            });
        }
        Self::from_figment(&figment, &kinds)
    }

    fn from_figment(
        figment: &Figment,
        kinds: &BTreeMap<&'static str, Kind>,
    ) -> Result<Self, ConfigError> {
        let source = |key: &str| figment.find_metadata(key).map_or_else(String::new, name);
        let mut faults = Vec::new();
        match figment.extract::<Dict>() {
            Ok(all) => {
                for key in all.keys().filter(|key| !kinds.contains_key(key.as_str())) {
                    let mut line = format!("unknown setting `{key}` ({})", source(key));
                    if let Some(similar) = similar(key, kinds.keys().copied()) {
                        let _ = write!(line, "; did you mean `{similar}`?");
                    }
                    faults.push(line);
                }
            }
            Err(error) => faults.extend(error.into_iter().map(describe)),
        }
        // One key at a time, so that all that is wrong is told at once.
        for key in kinds.keys() {
            let Ok(value) = figment.find_value(key) else { continue };
            let alone = Figment::from(Serialized::defaults(Config::default())).merge(Given {
                source: String::new(),
                key: (*key).to_owned(),
                value,
            });
            if let Err(error) = alone.extract::<Config>() {
                let why = in_terms_of_json(&why(&error.kind));
                faults.push(format!("`{key}`: {why} ({})", source(key)));
            }
        }
        if !faults.is_empty() {
            return Err(ConfigError::Invalid(faults));
        }
        let config: Config = figment
            .extract()
            .map_err(|error| ConfigError::Invalid(error.into_iter().map(describe).collect()))?;
        let mut faults: Vec<String> = config
            .out_of_bounds()
            .into_iter()
            .map(|(key, bounds)| format!("`{key}` must be {bounds} ({})", source(key)))
            .collect();
        // Whoever says so means another shop than the one that would be served.
        if !config.is_shared() && config.postgres_schema != Config::default().postgres_schema {
            let source = source("postgres_schema");
            faults.push(format!("`postgres_schema` needs a `database` at postgres:// ({source})"));
        }
        if !faults.is_empty() {
            return Err(ConfigError::Invalid(faults));
        }
        let sources = kinds.keys().map(|key| (*key, source(key))).collect();
        Ok(Self { config, sources })
    }

    /// Where the value of a setting comes from, such as `flag --listen`; empty if it is not set.
    pub fn source(&self, key: &str) -> &str {
        self.sources.get(key).map_or("", String::as_str)
    }
}

/// What is in force as TOML, secrets hidden, with where each value comes from.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = serde_json::to_value(&self.config).map_err(|_| fmt::Error)?;
        for (key, source) in &self.sources {
            match values.get(key) {
                // Texts, whole numbers, true, false and lists of texts are written alike in JSON
                // and in TOML.
                Some(value) => writeln!(f, "{:60} # {source}", format!("{key} = {value}"))?,
                None => writeln!(f, "# {key} is not set")?,
            }
        }
        Ok(())
    }
}

fn name(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => format!("file {}", path.display()),
        Some(Source::Code(_)) => "default".to_owned(),
        _ => metadata.name.clone().into_owned(),
    }
}

fn describe(error: figment::Error) -> String {
    let source = error.metadata.as_ref().map(name).unwrap_or_default();
    let (key, why) = (error.path.join("."), why(&error.kind));
    match (key.is_empty(), source.is_empty()) {
        (false, false) => format!("`{key}`: {why} ({source})"),
        (true, false) => format!("{why} ({source})"),
        (false, true) => format!("`{key}`: {why}"),
        (true, true) => why,
    }
}

fn why(kind: &figment::error::Kind) -> String {
    match kind {
        // Its own text puts what is expected in backticks that has some already.
        figment::error::Kind::UnknownVariant(value, expected) => {
            format!("unknown value `{value}`, expected {}", OneOf(expected))
        }
        other => other.to_string().trim_end().to_owned(),
    }
}

/// The known key that differs least, if it differs little.
fn similar<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// One setting from one place.
struct Given {
    source: String,
    key: String,
    value: Value,
}

impl Given {
    /// One that is empty sets nothing: whoever passes it on may have none.
    fn foreign(name: &str, value: &str, kinds: &BTreeMap<&'static str, Kind>) -> Option<Self> {
        let (_, key) = FOREIGN.iter().find(|(known, _)| *known == name && !value.is_empty())?;
        let source = format!("environment variable {name}");
        Some(Self { source, key: (*key).to_owned(), value: parse(kinds.get(key), value) })
    }

    fn from_variable(
        name: &str,
        value: &str,
        kinds: &BTreeMap<&'static str, Kind>,
    ) -> Option<Self> {
        let key = name.strip_prefix(PREFIX)?;
        // Kubernetes tells each container of a service named `commerce` its addresses so.
        let of_kubernetes = key.starts_with("SERVICE_")
            || key.starts_with("PORT_")
            || (key == "PORT" && value.contains("://"));
        if name == FILE_VARIABLE || of_kubernetes {
            return None;
        }
        let key = key.to_ascii_lowercase();
        let value = parse(kinds.get(key.as_str()), value);
        Some(Self { source: format!("environment variable {name}"), key, value })
    }
}

/// The value that a text stands for. A text that is not of the kind stays a text, and is refused
/// as such.
fn parse(kind: Option<&Kind>, text: &str) -> Value {
    let parsed = match kind {
        Some(Kind::Switch) => match text {
            "true" | "1" => Some(Value::from(true)),
            "false" | "0" => Some(Value::from(false)),
            _ => None,
        },
        Some(Kind::Number) => text.parse::<u64>().ok().map(Value::from),
        Some(Kind::List) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::from(items.map(str::to_owned).collect::<Vec<String>>()))
        }
        Some(Kind::Text) | None => None,
    };
    parsed.unwrap_or_else(|| Value::from(text))
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict = Dict::from([(self.key.clone(), self.value.clone())]);
        Ok(Profile::Default.collect(dict))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Database;

    fn load(
        toml: &str,
        variables: &[(&str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Loaded, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.toml");
        std::fs::write(&file, toml).unwrap();
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let flags: Vec<Flag> =
            flags.iter().map(|(key, value)| Flag { key, value: (*value).to_owned() }).collect();
        let path = folder.path().display().to_string();
        Loaded::from_sources(Some(&file), variables, &flags)
            .map_err(|error| error.to_string().replace(&path, "DIR"))
    }

    #[test]
    fn a_schema_needs_a_database_that_has_some() {
        let schema = [("postgres_schema", "corner")];
        for variables in [vec![], vec![("COMMERCE_DATABASE", "sqlite:shop.db")]] {
            let why = "the configuration is not valid:\n  `postgres_schema` needs a `database` at \
                postgres:// (flag --postgres-schema)";
            assert_eq!(load("", &variables, &schema).unwrap_err(), why);
        }
        let postgres = [("COMMERCE_DATABASE", "postgres://localhost/shop")];
        assert_eq!(load("", &postgres, &schema).unwrap().config.postgres_schema, "corner");
        assert!(load("", &[("COMMERCE_DATABASE", "sqlite:shop.db")], &[]).is_ok());
    }

    #[test]
    fn flags_come_before_the_environment_before_the_file() {
        let file = "listen = \"127.0.0.1:1\"\nbody_limit = 2000\ndemo = true\n";
        let loaded = load(
            file,
            &[("COMMERCE_LISTEN", "127.0.0.1:2"), ("COMMERCE_BODY_LIMIT", "3000"), ("PATH", "x")],
            &[("listen", "127.0.0.1:3")],
        )
        .unwrap();
        assert_eq!(loaded.config.listen.port(), 3);
        assert_eq!(loaded.source("listen"), "flag --listen");
        assert_eq!(loaded.config.body_limit, 3000);
        assert_eq!(loaded.source("body_limit"), "environment variable COMMERCE_BODY_LIMIT");
        assert!(loaded.config.demo);
        assert!(loaded.source("demo").ends_with("shop.toml"), "{}", loaded.source("demo"));
        assert_eq!(loaded.source("metrics"), "default");
        assert_eq!(loaded.source("database"), "");
    }

    #[test]
    fn the_environment_sets_every_kind() {
        let config = load(
            "",
            &[
                ("COMMERCE_DATA", "[7]"),
                ("COMMERCE_DEMO", "1"),
                ("COMMERCE_CORS_ORIGINS", "https://a.example, https://b.example"),
                ("COMMERCE_REQUEST_TIMEOUT", "1m 30s"),
                ("COMMERCE_DATABASE", "sqlite:5"),
                ("COMMERCE_METRICS_LISTEN", "[::1]:9000"),
                ("COMMERCE_LOG_FORMAT", "json"),
                ("COMMERCE_LOG_LEVEL", "info,hyper=warn"),
            ],
            &[],
        )
        .unwrap()
        .config;
        assert_eq!(config.data, Path::new("[7]"));
        assert!(config.demo);
        assert_eq!(config.cors_origins.len(), 2);
        assert_eq!(config.request_timeout.0, Duration::from_secs(90));
        assert_eq!(config.database, Some(Database::Sqlite("5".into())));
        assert_eq!(config.metrics_listen.unwrap().port(), 9000);
    }

    #[test]
    fn variables_that_others_read_too_are_taken() {
        let key = |variables: &[(&str, &str)]| {
            let loaded = load("stripe_secret_key = \"sk_test_file\"\n", variables, &[]).unwrap();
            let key = loaded.config.stripe_secret_key.clone().unwrap();
            (key.expose().to_owned(), loaded)
        };
        let foreign = ("STRIPE_SECRET_KEY", "sk_test_env");
        assert_eq!(key(&[("STRIPE_SECRET_KEY", ""), ("STRIPE_CLI", "x")]).0, "sk_test_file");
        assert_eq!(key(&[foreign]).0, "sk_test_env");
        assert_eq!(key(&[("COMMERCE_STRIPE_SECRET_KEY", "sk_test_own"), foreign]).0, "sk_test_own");
        let (_, loaded) = key(&[foreign, ("STRIPE_WEBHOOK_SECRET", "whsec_a, whsec_b")]);
        assert_eq!(loaded.config.stripe_webhook_secrets.len(), 2);
        let shown = loaded.to_string();
        assert!(shown.contains("stripe_secret_key = \"***\""), "{shown}");
        assert!(shown.contains("# environment variable STRIPE_SECRET_KEY"), "{shown}");
        assert!(shown.contains("stripe_webhook_secrets = [\"***\",\"***\"]"), "{shown}");
        assert!(!shown.contains("sk_test_") && !shown.contains("whsec_"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_all_at_once() {
        let error = load("lisen = \"x\"\n", &[("COMMERCE_QUUX", "1")], &[]).unwrap_err();
        assert_eq!(
            error,
            "the configuration is not valid:\
             \n  unknown setting `lisen` (file DIR/shop.toml); did you mean `listen`?\
             \n  unknown setting `quux` (environment variable COMMERCE_QUUX)"
        );
        let error = load(
            "body_limit = \"many\"\n",
            &[("COMMERCE_DEMO", "maybe"), ("COMMERCE_REQUEST_TIMEOUT", "30")],
            &[("listen", "here"), ("database", "mysql://u:hunter2@h/d")],
        )
        .unwrap_err();
        for part in [
            "`body_limit`: ",
            "DIR/shop.toml",
            "`demo`: ",
            "environment variable COMMERCE_DEMO",
            "must be a span of time such as",
            "must be an address and a port, such as 127.0.0.1:8080 (flag --listen)",
            "must be sqlite:PATH",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(!error.contains("hunter2"), "{error}");
        let error = load("body_limit = 5\n", &[], &[]).unwrap_err();
        assert!(error.contains("`body_limit` must be from 1024 to 67108864 (file DIR"), "{error}");
        assert!(load("listen = ", &[], &[]).unwrap_err().contains("shop.toml"));
    }

    #[test]
    fn a_file_that_is_named_must_exist() {
        let error = Loaded::from_sources(Some(Path::new("/no/such.toml")), [], &[]).unwrap_err();
        assert!(error.to_string().contains("/no/such.toml"));
    }

    #[test]
    fn addresses_that_kubernetes_tells_are_no_settings() {
        let variables = [
            ("COMMERCE_SERVICE_HOST", "10.0.0.1"),
            ("COMMERCE_PORT", "tcp://10.0.0.1:80"),
            ("COMMERCE_PORT_80_TCP_ADDR", "10.0.0.1"),
        ];
        assert!(load("", &variables, &[]).is_ok());
        assert!(load("", &[("COMMERCE_PORT", "80")], &[]).is_err());
    }

    #[test]
    fn what_is_in_force_reads_back_as_the_same() {
        let flags = [("data", "a \"b\" \\ ü\u{1}"), ("metrics_listen", "127.0.0.1:9")];
        let loaded = load("cors_origins = [\"*\"]\n", &[], &flags).unwrap();
        assert_eq!(load(&loaded.to_string(), &[], &[]).unwrap().config, loaded.config);
        let secret = load("", &[("COMMERCE_DATABASE", "postgres://u:hunter2@h/d")], &[]).unwrap();
        let shown = secret.to_string();
        assert!(shown.contains("u:***@h/d\"") && !shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("# environment variable COMMERCE_DATABASE"), "{shown}");
    }
}
