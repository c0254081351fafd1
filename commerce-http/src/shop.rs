//! The shop behind the server: the one place that chooses its store.

use std::{
    error::Error as StdError,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use commerce_core::{
    Commerce, Error, TokenView,
    access::{self, Caller},
    id::ApiTokenId,
    reconciliation::Reconciliation,
    shop::Shop,
    store::{ApiTokenRef, MemoryStore, PageRequest},
    text::{GatewayName, Label, TextError},
};
use commerce_sqlite::{SystemClock, SystemIds};
use commerce_sqlx::{OpenError, PgStore};

use crate::{
    cards::{self, Cards},
    cli::{Encoding, ReconcileArgs, RepeatedSkus, Scope, ShopifyArgs},
    config::{Config, ConfigError, Database},
    data::{self, DataError, DataFolder},
    frame::chain,
    import,
    reconcile::days,
    secret::Secret,
};

/// Why a shop cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database cannot be opened.
    #[error("cannot open {database}")]
    Open {
        /// Which one, without its password.
        database: Database,
        /// Why not.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What is set about payments cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no such payment gateway.
    #[error("there is no gateway `{0}` here; `stripe` needs its `stripe_secret_key`")]
    Gateway(GatewayName),
    /// The last day of a period comes before the first.
    #[error("the last day comes before the first")]
    Days,
    /// The shop refuses or fails.
    #[error("the shop cannot do this")]
    Shop(#[from] Error),
    /// A text that the program itself makes up breaks the rules.
    #[error("a name cannot be used")]
    Text(#[from] TextError),
    /// The answer cannot be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Opens the shop that the configuration names, and makes it if there is none yet.
///
/// # Errors
/// When its database cannot be opened, or the shop not made.
pub async fn open(config: &Config) -> Result<Commerce, ShopError> {
    if config.database.is_none() {
        DataFolder::open(config.data())?;
    }
    let database = config.database();
    for name in database.ignored() {
        tracing::warn!(
            name,
            "a parameter of the database's address is not known, and changes nothing"
        );
    }
    let commerce = match &database {
        Database::Sqlite(path) => {
            data::require_folder(path)?;
            commerce_sqlite::open(path).map_err(Into::into)
        }
        Database::Postgres(url) => open_postgres(config, url).await.map_err(in_terms_of_settings),
    }
    .map_err(|source| ShopError::Open { database, source })?;
    commerce.open(new_shop(config)?).await?;
    Ok(commerce)
}

/// As [`open`], for what only changes what is there: where there is no shop yet, one in memory takes its place.
async fn open_to_look(config: &Config) -> Result<Commerce, ShopError> {
    match config.database() {
        Database::Sqlite(path) if !path.exists() => {
            if config.database.is_some() {
                data::require_folder(&path)?;
            }
            let commerce = Commerce::new(MemoryStore::new(), SystemClock, SystemIds);
            commerce.open(new_shop(config)?).await?;
            Ok(commerce)
        }
        _ => open(config).await,
    }
}

/// Cards are offered by a shop that is made where they can be taken. One that exists is its owner's to
/// change.
fn new_shop(config: &Config) -> Result<Shop, TextError> {
    let mut shop = Shop::new(config.name.as_deref().unwrap_or("Shop"), config.currency)?;
    if config.takes_cards() {
        cards::offer(&mut shop)?;
    }
    Ok(shop)
}

async fn open_postgres(config: &Config, url: &Secret) -> Result<Commerce, OpenError> {
    let options = PgStore::options()
        .schema(&config.postgres_schema)
        .connections(config.postgres_connections)
        .statement_timeout(config.postgres_timeout.0);
    let options = if config.postgres_allow_data_loss { options.allow_data_loss() } else { options };
    let store = options.open(url.expose()).await?;
    Ok(Commerce::new(store, commerce_sqlx::SystemClock, commerce_sqlx::SystemIds))
}

/// What the store calls an option has a name of its own among the settings.
fn in_terms_of_settings(error: OpenError) -> Box<dyn StdError + Send + Sync> {
    match error {
        OpenError::NotDurable { setting } => format!(
            "the server runs with `{setting}` off, so that acknowledged orders can be lost; \
             `postgres_allow_data_loss` permits that"
        )
        .into(),
        error => error.into(),
    }
}

/// Creates a back-office token; what is returned is not kept.
///
/// # Errors
/// When the shop cannot be opened or the token not stored.
pub async fn create_token(
    config: &Config,
    scope: Scope,
    label: &Label,
) -> Result<Secret, ShopError> {
    let commerce = open(config).await?;
    let scope = match scope {
        Scope::Admin => access::Scope::Admin,
    };
    let made = commerce.create_token(&Caller::system(), label, scope).await?;
    Ok(Secret::new(made.output.token))
}

/// The back-office tokens, the newest first, one on a line with tabs between its parts.
///
/// # Errors
/// When the shop cannot be opened or the tokens not read.
pub async fn tokens(config: &Config) -> Result<Vec<String>, ShopError> {
    let commerce = open_to_look(config).await?;
    let mut page = PageRequest::first(PageRequest::LIMIT_MAX);
    let mut lines = Vec::new();
    loop {
        let tokens = commerce.tokens(&Caller::system(), &page).await?;
        lines.extend(tokens.items.iter().map(|token| {
            let TokenView { id, label, scope, created_at, revoked_at } = token;
            let ended =
                revoked_at.map_or_else(|| "in force".to_owned(), |at| format!("revoked {at}"));
            format!("{id}\t{}\t{created_at}\t{ended}\t{label}", scope.as_str())
        }));
        match tokens.next {
            Some(next) => page.after = Some(next),
            None => return Ok(lines),
        }
    }
}

/// Withdraws a back-office token.
///
/// # Errors
/// When the shop cannot be opened or has no such token.
pub async fn revoke_token(config: &Config, id: ApiTokenId) -> Result<(), ShopError> {
    let commerce = open_to_look(config).await?;
    commerce.revoke_token(&Caller::system(), &ApiTokenRef::Id(id)).await?;
    Ok(())
}

/// Compares the books with those of a gateway's provider.
///
/// # Errors
/// When the shop cannot be opened, does not have the gateway, or its provider is out of reach.
pub async fn reconcile(config: &Config, args: &ReconcileArgs) -> Result<Reconciliation, ShopError> {
    let cards = Cards::open(config)?;
    let commerce = cards.join(open(config).await?);
    if !commerce.has_gateway(&args.gateway) {
        return Err(ShopError::Gateway(args.gateway.clone()));
    }
    let now = commerce.moment().now();
    let (from, until) = days(args.from, args.until, now).ok_or(ShopError::Days)?;
    Ok(commerce.reconcile(&args.gateway, from.begins(), until.ends()).await?)
}

/// Loads a Shopify product export; the exit status says whether every product arrived.
///
/// # Errors
/// When the shop cannot be opened, or the summary not written. That the file cannot be read, or is no
/// such export, is told on standard error, and no shop is made for it.
pub async fn import_shopify(config: &Config, args: &ShopifyArgs) -> Result<ExitCode, ShopError> {
    let options = import::Options {
        currency: args.currency,
        dry_run: args.dry_run,
        keep_stock: args.keep_stock,
        repeated_skus: match args.repeated_skus {
            RepeatedSkus::Derive => commerce_core::catalog::RepeatedSkus::Derive,
            RepeatedSkus::Refuse => commerce_core::catalog::RepeatedSkus::Refuse,
        },
        encoding: match args.encoding {
            Encoding::Utf8 => import::shopify::Encoding::Utf8,
            Encoding::Windows1252 => import::shopify::Encoding::Windows1252,
        },
    };
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let is_terminal = err.is_terminal();
    // Before the shop: what is no export must not make one, in whatever currency.
    let file = match import::ShopifyFile::open(&args.file, &options) {
        Ok(file) => file,
        Err(error) => {
            let told = writeln!(err, "error: {}: {}", args.file.display(), chain(&error));
            return told.map(|()| import::Ending::Stopped.into()).map_err(ShopError::Output);
        }
    };
    let commerce = if args.dry_run { open_to_look(config).await? } else { open(config).await? };
    import::import_file(&commerce, file, &options, &mut out, &mut err, is_terminal)
        .await
        .map(ExitCode::from)
        .map_err(ShopError::Output)
}
