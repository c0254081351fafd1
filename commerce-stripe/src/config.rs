//! What the gateway must know.

use std::time::Duration;

use commerce_core::text::{GatewayName, Label, Url};

use crate::secret::{SecretKey, WebhookSecret};

/// Where Stripe is.
const STRIPE: &str = "https://api.stripe.com";

/// What the gateway must know.
///
/// ```
/// use commerce_core::text::GatewayName;
/// use commerce_stripe::{SecretKey, StripeConfig, StripeGateway, WebhookSecret};
///
/// let name = GatewayName::new("stripe")?;
/// let mut config = StripeConfig::new(name, SecretKey::new("sk_test_4eC39HqLyjWDarjtT1zdp7dc")?);
/// config.webhook_secrets = WebhookSecret::list("whsec_4eC39HqLyjWDarjtT1zdp7dc")?;
/// let gateway = StripeGateway::new(config)?;
/// # drop(gateway);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StripeConfig {
    /// The name by which checkouts choose it, such as `stripe`.
    pub name: GatewayName,
    /// The key that it acts with.
    pub secret_key: SecretKey,
    /// What webhooks are signed with; any of them will do. Without one no webhook is believed.
    pub webhook_secrets: Vec<WebhookSecret>,
    /// The account's id, `acct_…`, if webhooks of other accounts may arrive.
    pub account: Option<Label>,
    /// Where the API is, if it is not Stripe's own address: a fake on this machine, a proxy.
    pub api: Option<Url>,
    /// How long it waits.
    pub patience: Patience,
}

/// How long the gateway waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection: 5 seconds.
    pub connect: Duration,
    /// For one answer, from the request's first byte to the answer's last: 15 seconds.
    pub answer: Duration,
    /// For all tries of one call together: 28 seconds, and never more than the half minute that the
    /// port allows.
    pub call: Duration,
    /// Between the first try and the second: 300 milliseconds; then twice as long, and so on.
    pub between: Duration,
    /// How often one call is tried at most: 3 times.
    pub tries_max: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            call: Duration::from_secs(28),
            between: Duration::from_millis(300),
            tries_max: 3,
        }
    }
}

impl Patience {
    /// The same with no time longer than this.
    pub(crate) fn within(self, longest: Duration) -> Self {
        Self {
            answer: self.answer.min(longest),
            call: self.call.min(longest),
            between: self.between.min(longest),
            ..self
        }
    }
}

/// What is wrong with a configuration. None of its texts repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key is none.
    #[error("the secret key must begin with sk_test_, sk_live_, rk_test_ or rk_live_")]
    SecretKey,
    /// The secret is none.
    #[error("a webhook secret must begin with whsec_")]
    WebhookSecret,
    /// The address of the API is none that a key may be sent to.
    #[error("the address of the API must begin with https://, or with http:// on this machine")]
    Api,
}

impl StripeConfig {
    /// Talks to Stripe with this key, and believes no webhook yet.
    pub fn new(name: GatewayName, secret_key: SecretKey) -> Self {
        Self {
            name,
            secret_key,
            webhook_secrets: Vec::new(),
            account: None,
            api: None,
            patience: Patience::default(),
        }
    }

    /// Where the API is, without a slash at the end.
    ///
    /// # Errors
    /// When a key would cross a network in the clear.
    pub(crate) fn checked_api(&self) -> Result<String, ConfigError> {
        let api = self.api.as_deref().unwrap_or(STRIPE).trim_end_matches('/');
        let host = |rest: &str| {
            let authority = rest.split('/').next().unwrap_or_default();
            let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
            host.to_owned()
        };
        let local = api
            .strip_prefix("http://")
            .map(host)
            .is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"));
        if local || (api.starts_with("https://") && !api.contains('@')) {
            return Ok(api.to_owned());
        }
        Err(ConfigError::Api)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_crosses_no_network_in_the_clear() {
        let name = GatewayName::new("stripe").unwrap();
        let mut config = StripeConfig::new(name, SecretKey::new("sk_test_x").unwrap());
        assert_eq!(config.checked_api().unwrap(), STRIPE);
        for (api, good) in [
            ("http://127.0.0.1:12111/", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("https://stripe.example/proxy", true),
            ("http://api.stripe.com", false),
            ("http://127.0.0.1.example:80", false),
            ("http://127.0.0.1@example.com", false),
            ("https://api.stripe.com@example.com", false),
            ("/v1", false),
        ] {
            config.api = Some(Url::new(api).unwrap());
            assert_eq!(config.checked_api().is_ok(), good, "{api}");
        }
    }
}
