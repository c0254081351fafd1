//! The command line of `commerce`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use commerce_core::{
    currency::Currency,
    id::ApiTokenId,
    text::{GatewayName, Label},
};

use crate::{config::Flag, reconcile::Day};

/// A shop behind a REST API.
///
/// Without a command it serves, as `commerce serve` does.
#[derive(Debug, Clone, Parser)]
#[command(name = "commerce", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; serving when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The arguments of serving.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What the program can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve the shop over HTTP.
    Serve(ServeArgs),
    /// Manage tokens of the back office.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Load products from a file, also while the server runs on the same data.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Compare the books with those of a payment provider, and print every difference.
    ///
    /// It exits with 0 if there is none, and with 3 if there is any.
    Reconcile(ReconcileArgs),
    /// Ask the server that serves with these settings whether it is ready; the exit status tells.
    Health(ServeArgs),
    /// Print the settings in force as TOML, secrets hidden, and where each comes from.
    Config(ConfigArgs),
    /// Print the OpenAPI document as JSON.
    Openapi,
}

/// Which shop: its data and its configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct ShopArgs {
    /// The folder that keeps the shop's data [default: commerce-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME, where a password's @ is
    /// written %40, its / %2F and its % %25 [default: commerce.db in the data folder]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// The schema of a PostgreSQL database that the shop is in [default: commerce]
    #[arg(long, value_name = "NAME")]
    pub postgres_schema: Option<String>,
    /// The configuration file [default: commerce.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ShopArgs {
    /// The settings among the arguments.
    pub fn flags(&self) -> Vec<Flag> {
        let data = self.data.as_ref().map(|path| path.to_string_lossy().into_owned());
        let given = [
            ("data", data),
            ("database", self.database.clone()),
            ("postgres_schema", self.postgres_schema.clone()),
        ];
        given.into_iter().filter_map(|(key, value)| Some(Flag { key, value: value? })).collect()
    }
}

/// The arguments of `commerce serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// The address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Load a small demo shop, once, with a page to buy in
    #[arg(long)]
    pub demo: bool,
}

impl ServeArgs {
    /// The settings among the arguments.
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = self.shop.flags();
        flags.extend(self.listen.clone().map(|value| Flag { key: "listen", value }));
        flags.extend(self.demo.then(|| Flag { key: "demo", value: "true".to_owned() }));
        flags
    }
}

/// The arguments of `commerce config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// The arguments that would be given to serve.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Print instead the table of all settings in Markdown
    #[arg(long)]
    pub reference: bool,
}

/// What can be done with tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// Create a token and print it, alone, on standard output. It is shown this once.
    Create(TokenArgs),
    /// Print the tokens, the newest first: id, scope, when it was made and withdrawn, and label
    List(ShopArgs),
    /// Withdraw a token: it opens nothing from then on.
    Revoke(RevokeArgs),
}

/// The arguments of `commerce token revoke`.
#[derive(Debug, Clone, Args)]
pub struct RevokeArgs {
    /// The token's id, as `commerce token list` prints it
    pub id: ApiTokenId,
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
}

/// The arguments of `commerce token create`.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// What the token permits
    #[arg(long)]
    pub scope: Scope,
    /// What the token is for, to tell it from others
    #[arg(long, value_name = "TEXT", default_value = "commerce token create")]
    pub label: Label,
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
}

/// What a token permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// Everything that the back office does.
    Admin,
}

/// The arguments of `commerce reconcile`.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    /// The payment gateway
    #[arg(long, value_name = "NAME", default_value = "stripe")]
    pub gateway: GatewayName,
    /// The first day, in UTC [default: yesterday]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<Day>,
    /// The last day, which is included [default: yesterday, or the first day if that is later]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<Day>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
}

/// What can be imported.
#[derive(Debug, Clone, Subcommand)]
pub enum ImportCommand {
    /// Load the products of a Shopify product export (CSV).
    ///
    /// The same file again changes nothing, an edited one what was edited. Stock becomes what the file
    /// says: after sales, import with --keep-stock. It arrives at the first location, and is set where
    /// it is by then; what several locations have is left, with a warning if the sum is another.
    ///
    /// It exits with 0 if everything arrived, with 1 if some products did not, and with 2 if it could not
    /// begin, as without a database, or stopped before the end of the file.
    Shopify(ShopifyArgs),
}

/// The arguments of `commerce import shopify`.
#[derive(Debug, Clone, Args)]
pub struct ShopifyArgs {
    /// The file that Shopify exported; - for what is piped in
    pub file: PathBuf,
    /// The currency of the prices in the file, and of the shop if this makes it: an ISO 4217 code
    /// [default: the shop's]
    #[arg(long, value_name = "CODE")]
    pub currency: Option<Currency>,
    /// Tell what would happen and write nothing. SKUs that products hand on to one another count as
    /// repeated then
    #[arg(long)]
    pub dry_run: bool,
    /// Leave the stock of variants that are in the shop, as what was sold is not in the file
    #[arg(long)]
    pub keep_stock: bool,
    /// What to do with a SKU that stands twice
    #[arg(long, value_name = "WHAT", default_value = "derive")]
    pub repeated_skus: RepeatedSkus,
    /// How the bytes of the file stand for its characters
    #[arg(long, value_name = "WHAT", default_value = "utf-8")]
    pub encoding: Encoding,
    /// Which shop.
    #[command(flatten)]
    pub shop: ShopArgs,
}

impl ShopifyArgs {
    /// The settings among the arguments.
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = self.shop.flags();
        let currency = self.currency.map(|currency| currency.code().to_owned());
        flags.extend(currency.map(|value| Flag { key: "currency", value }));
        flags
    }
}

/// What becomes of a SKU that stands twice in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RepeatedSkus {
    /// Derive another from the product's handle and the variant's options.
    Derive,
    /// Refuse the product.
    Refuse,
}

/// How the bytes of a file stand for its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// UTF-8, as Shopify writes it.
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// Windows-1252, as some spreadsheets save it; Latin-1 is read so, too.
    #[value(name = "windows-1252", aliases = ["windows1252", "latin1"])]
    Windows1252,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::error::ErrorKind> {
        Cli::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn plain_it_means_serve() {
        let plain = parse("commerce --data d --listen 127.0.0.1:1 --demo").unwrap();
        assert!(plain.command.is_none());
        let Some(Command::Serve(named)) =
            parse("commerce serve --data d --listen 127.0.0.1:1 --demo").unwrap().command
        else {
            panic!("not serve");
        };
        let keys = |args: &ServeArgs| {
            args.flags().into_iter().map(|f| (f.key, f.value)).collect::<Vec<_>>()
        };
        assert_eq!(keys(&plain.serve), keys(&named));
        assert_eq!(keys(&named).len(), 3);
    }

    #[test]
    fn other_commands() {
        for good in [
            "commerce",
            "commerce token create --scope admin --data d",
            "commerce token create --scope admin --label till",
            "commerce token list --data d",
            "commerce token revoke tok_019aa5a2f5e07c3c9d3b6f1f0a6c2e11",
            "commerce import shopify f.csv --currency EUR --dry-run --repeated-skus refuse",
            "commerce import shopify f.csv --encoding latin1 --keep-stock",
            "commerce import shopify f.csv --encoding windows-1252",
            "commerce health --listen 127.0.0.1:1",
            "commerce config --listen 127.0.0.1:1",
            "commerce openapi",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "commerce token create",
            "commerce token create --scope all",
            "commerce token revoke",
            "commerce token revoke 7",
            "commerce import shopify",
            "commerce import shopify f.csv --repeated-skus maybe",
            "commerce import shopify f.csv --currency euro",
            "commerce --demo openapi",
            "commerce sell",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
