//! The shop behind the server: the one place that chooses its store.

use std::process::ExitCode;

use crate::{
    app::App,
    cli::{Scope, ShopifyArgs},
    config::{Config, Database},
    secret::Secret,
};

/// Why a shop cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// The database is of a kind that this build has no store for.
    #[error("PostgreSQL is not supported in this build; use sqlite:PATH or leave --database out")]
    Postgres,
    /// The command needs the store.
    #[error("this build has no store")]
    NoStore,
}

/// Opens the shop that the configuration names.
///
/// # Errors
/// When its database cannot be opened.
pub async fn open(config: &Config) -> Result<App, ShopError> {
    match config.database() {
        Database::Sqlite(_) => Err(ShopError::NoStore),
        Database::Postgres(_) => Err(ShopError::Postgres),
    }
}

/// Creates a back-office token; what is returned is not kept.
///
/// # Errors
/// When the shop cannot be opened or the token not stored.
pub async fn create_token(config: &Config, _scope: Scope) -> Result<Secret, ShopError> {
    open(config).await?;
    Err(ShopError::NoStore)
}

/// Loads a Shopify product export; the exit status says whether every product arrived.
///
/// # Errors
/// When the shop cannot be opened or the file not read.
pub async fn import_shopify(config: &Config, _args: &ShopifyArgs) -> Result<ExitCode, ShopError> {
    open(config).await?;
    Err(ShopError::NoStore)
}
