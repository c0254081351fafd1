//! Cards: the gateway `stripe`, as the configuration asks for it.
//!
//! Without the feature `stripe` of this crate there is none, and a key that is set is an error.

use std::{io, net::SocketAddr};

use commerce_core::{
    Commerce,
    order::PaymentTerms,
    shop::Shop,
    text::{GatewayName, TextError},
};
#[cfg(feature = "stripe")]
use {
    crate::{secret::Secret, watched::Watched},
    commerce_core::text::Url,
    commerce_stripe::{SecretKey, StripeConfig, StripeGateway, WebhookSecret},
    fake_stripe::FakeStripe,
    std::net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{
    config::{Config, ConfigError, StripeSettings},
    routes::BASE,
};

/// The name of the gateway.
pub const GATEWAY: &str = "stripe";

/// The days in which a card payment is to be finished: nobody comes back to a page after that, and
/// stock is held for it until then.
const DAYS: u32 = 1;

/// Why a server cannot take cards.
#[derive(Debug, thiserror::Error)]
pub enum CardsError {
    /// A secret or an address cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The fake of the demo cannot be started.
    #[error("cannot start the demo's fake Stripe")]
    Fake(#[source] io::Error),
}

/// What a server takes cards through, for as long as it lives.
#[derive(Debug)]
pub enum Cards {
    /// Nothing.
    Nothing,
    /// Stripe.
    #[cfg(feature = "stripe")]
    Stripe(StripeGateway),
    /// A fake Stripe inside the server.
    #[cfg(feature = "stripe")]
    Fake(StripeGateway, FakeStripe),
}

/// Has a new shop offer cards.
///
/// # Errors
/// None that comes about.
pub fn offer(shop: &mut Shop) -> Result<(), TextError> {
    shop.payment_terms.insert(GatewayName::new(GATEWAY)?, PaymentTerms::Prepaid { days: DAYS });
    Ok(())
}

impl Cards {
    /// What the configuration asks for: Stripe where a key is set.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn open(config: &Config) -> Result<Self, ConfigError> {
        config.stripe()?.map_or(Ok(Self::Nothing), Self::through_stripe)
    }

    /// As [`open`](Self::open), for a server. Where no key is set, a demo has a fake, which tells
    /// `server` what happens. Servers that share a demo have none, as each would know only the payments
    /// that it made itself.
    ///
    /// # Errors
    /// [`CardsError`].
    pub async fn open_to_serve(config: &Config, server: SocketAddr) -> Result<Self, CardsError> {
        match Self::open(config)? {
            Self::Nothing if config.demo && !config.is_shared() => Self::through_fake(server).await,
            cards => Ok(cards),
        }
    }

    /// Warns of what whoever runs the shop will want to change.
    pub async fn advise(&self, commerce: &Commerce) {
        let Ok(shop) = commerce.shop().await else { return };
        warn_of_absent(&shop, commerce);
        let offered = shop.payment_terms.keys().any(|name| name.as_str() == GATEWAY);
        if !offered && !matches!(self, Self::Nothing) {
            tracing::warn!(
                "cards can be taken here, and the shop does not offer them: add `stripe` to its \
                 `payment_terms` by PATCH {BASE}/shop"
            );
        }
    }
}

/// Warns of gateways that the shop offers and that this server does not have: it shows them to nobody.
/// Another server of the shop may have them; or a name is mistyped.
pub(crate) fn warn_of_absent(shop: &Shop, commerce: &Commerce) {
    for name in shop.payment_terms.keys().filter(|name| !commerce.has_gateway(name)) {
        let needed = if name.as_str() == GATEWAY { ": it needs a `stripe_secret_key`" } else { "" };
        tracing::warn!(
            "the shop offers the gateway `{name}`, which this server does not have{needed}"
        );
    }
}

#[cfg(not(feature = "stripe"))]
impl Cards {
    fn through_stripe(_: StripeSettings) -> Result<Self, ConfigError> {
        let fault = "`stripe_secret_key` is set, and this program was built without its feature \
            `stripe`";
        Err(ConfigError::Invalid(vec![fault.to_owned()]))
    }

    async fn through_fake(_: SocketAddr) -> Result<Self, CardsError> {
        Ok(Self::Nothing)
    }

    /// The shop with the gateway.
    #[must_use]
    pub fn join(&self, commerce: Commerce) -> Commerce {
        commerce
    }

    /// Where the fake is and the key that it answers to, for whoever tries the demo.
    pub fn fake(&self) -> Option<(&str, &str)> {
        None
    }
}

#[cfg(feature = "stripe")]
impl Cards {
    fn through_stripe(settings: StripeSettings) -> Result<Self, ConfigError> {
        gateway(settings).map(Self::Stripe)
    }

    async fn through_fake(server: SocketAddr) -> Result<Self, CardsError> {
        let fake = FakeStripe::start().await.map_err(CardsError::Fake)?;
        // One that listens everywhere is not called so.
        let host = match server.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let server = SocketAddr::new(host, server.port());
        let told = fake.listen(&format!("http://{server}{BASE}/webhooks/{GATEWAY}"), &["*"]);
        let settings = StripeSettings {
            secret_key: Secret::new(fake.secret_key()),
            webhook_secrets: vec![Secret::new(told.secret)],
            api: Some(Url::new(fake.url()).map_err(|error| fault("stripe_api", &error))?),
        };
        Ok(Self::Fake(gateway(settings)?, fake))
    }

    /// The shop with the gateway.
    #[must_use]
    pub fn join(&self, commerce: Commerce) -> Commerce {
        match self {
            Self::Nothing => commerce,
            Self::Stripe(gateway) | Self::Fake(gateway, _) => {
                commerce.with_gateway(Watched::new(gateway.clone()))
            }
        }
    }

    /// Where the fake is and the key that it answers to, for whoever tries the demo.
    pub fn fake(&self) -> Option<(&str, &str)> {
        match self {
            Self::Fake(_, fake) => Some((fake.url(), fake.secret_key())),
            Self::Nothing | Self::Stripe(_) => None,
        }
    }
}

/// The gateway with these settings.
#[cfg(feature = "stripe")]
fn gateway(settings: StripeSettings) -> Result<StripeGateway, ConfigError> {
    let StripeSettings { secret_key, webhook_secrets, api } = settings;
    let name = GatewayName::new(GATEWAY).map_err(|error| fault("stripe_secret_key", &error))?;
    let secret_key = SecretKey::new(secret_key.expose());
    let secret_key = secret_key.map_err(|error| fault("stripe_secret_key", &error))?;
    let secrets = webhook_secrets.iter().map(|secret| WebhookSecret::new(secret.expose()));
    let secrets: Result<Vec<_>, _> = secrets.collect();
    let live = secret_key.livemode();
    let mut config = StripeConfig::new(name, secret_key);
    config.webhook_secrets = secrets.map_err(|error| fault("stripe_webhook_secrets", &error))?;
    config.api = api;
    if live && config.webhook_secrets.is_empty() {
        tracing::warn!(
            "a live key of Stripe's is set, and no `stripe_webhook_secrets`: no webhook is believed, \
             and a payment is known to have come only once it is looked up"
        );
    }
    StripeGateway::new(config).map_err(|error| fault("stripe_api", &error))
}

/// The error of a setting, which repeats nothing of its value.
#[cfg(feature = "stripe")]
fn fault(key: &str, error: &dyn std::error::Error) -> ConfigError {
    ConfigError::Invalid(vec![format!("`{key}`: {error}")])
}
