//! Keys and secrets, in types that cannot be printed.

use std::fmt;

use crate::config::ConfigError;

/// A secret or restricted key of Stripe's API. Nothing prints it: it has no `Display`, is not
/// serialized, and its `Debug` shows none of it.
///
/// ```
/// use commerce_stripe::SecretKey;
/// let key = SecretKey::new("sk_test_4eC39HqLyjWDarjtT1zdp7dc")?;
/// assert!(!key.livemode());
/// assert_eq!(format!("{key:?}"), "SecretKey(…)");
/// # Ok::<(), commerce_stripe::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SecretKey(String);

impl SecretKey {
    /// Wraps a key; space around it is left out.
    ///
    /// # Errors
    /// When it is not `sk_test_…`, `sk_live_…`, `rk_test_…` or `rk_live_…`.
    pub fn new(key: impl AsRef<str>) -> Result<Self, ConfigError> {
        let key = key.as_ref().trim();
        let known = ["sk_test_", "sk_live_", "rk_test_", "rk_live_"]
            .iter()
            .any(|prefix| key.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()));
        if known && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Ok(Self(key.to_owned()));
        }
        Err(ConfigError::SecretKey)
    }

    /// Whether money moves when it is used.
    pub fn livemode(&self) -> bool {
        self.0.starts_with("sk_live_") || self.0.starts_with("rk_live_")
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// What Stripe signs the webhooks of one endpoint with. Nothing prints it.
#[derive(Clone)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// Wraps a secret; space around it is left out.
    ///
    /// # Errors
    /// When it is not `whsec_…`.
    pub fn new(secret: impl AsRef<str>) -> Result<Self, ConfigError> {
        let secret = secret.as_ref().trim();
        let rest = secret.strip_prefix("whsec_").unwrap_or_default();
        if !rest.is_empty() && secret.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
            return Ok(Self(secret.to_owned()));
        }
        Err(ConfigError::WebhookSecret)
    }

    /// The secrets of a list that is separated by commas: more than one while a secret is replaced,
    /// or where several endpoints lead to one shop. An empty list has none.
    ///
    /// # Errors
    /// When one of them is not `whsec_…`.
    ///
    /// ```
    /// use commerce_stripe::WebhookSecret;
    /// assert_eq!(WebhookSecret::list("whsec_old, whsec_new")?.len(), 2);
    /// assert!(WebhookSecret::list("whsec_old,,").is_err());
    /// # Ok::<(), commerce_stripe::ConfigError>(())
    /// ```
    pub fn list(text: &str) -> Result<Vec<Self>, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        text.split(',').map(Self::new).collect()
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_may_spend_are_keys() {
        for good in ["sk_test_x", " rk_live_x\n", "sk_live_51ABC"] {
            assert!(SecretKey::new(good).is_ok(), "{good}");
        }
        for bad in ["", "sk_test_", "pk_test_x", "whsec_x", "sk_test_a b", "sk_test_ü"] {
            assert!(SecretKey::new(bad).is_err(), "{bad}");
        }
        assert!(SecretKey::new("rk_live_x").unwrap().livemode());
        assert!(WebhookSecret::new("whsec_").is_err() && WebhookSecret::new("sk_test_x").is_err());
    }
}
