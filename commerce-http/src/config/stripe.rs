//! What is set about Stripe, with what stands in files.

use std::{fs, path::Path};

use commerce_core::text::Url;

use super::{Config, ConfigError};
use crate::secret::Secret;

/// What the server must know to take cards through Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeSettings {
    /// The key of the account.
    pub secret_key: Secret,
    /// What webhooks are signed with, any of them.
    pub webhook_secrets: Vec<Secret>,
    /// Where the API is, if it is not at Stripe's own address.
    pub api: Option<Url>,
}

impl Config {
    /// Whether a key is set, so that cards are taken.
    pub fn takes_cards(&self) -> bool {
        self.stripe_secret_key.is_some() || self.stripe_secret_key_file.is_some()
    }

    /// What is set about Stripe; `None` if no key is. Files that hold secrets are read now.
    ///
    /// # Errors
    /// When a file cannot be read, a secret is set twice, or webhooks are to be believed without a
    /// key: all that is wrong at once.
    pub fn stripe(&self) -> Result<Option<StripeSettings>, ConfigError> {
        let mut faults = Vec::new();
        let key = self.stripe_secret_key.clone();
        let file = self.stripe_secret_key_file.as_deref();
        let key = one_of("stripe_secret_key", key, file, &mut faults);
        let secrets = (!self.stripe_webhook_secrets.is_empty()).then(|| {
            let secrets = self.stripe_webhook_secrets.iter().map(Secret::expose);
            Secret::new(secrets.collect::<Vec<_>>().join(","))
        });
        let file = self.stripe_webhook_secrets_file.as_deref();
        let secrets = one_of("stripe_webhook_secrets", secrets, file, &mut faults);
        if secrets.is_some() && !self.takes_cards() {
            faults.push("`stripe_webhook_secrets` is set, and no `stripe_secret_key`".to_owned());
        }
        if !faults.is_empty() {
            return Err(ConfigError::Invalid(faults));
        }
        let secrets = secrets.iter().flat_map(|list| list.expose().split([',', '\n']));
        let secrets = secrets.map(str::trim).filter(|secret| !secret.is_empty());
        Ok(key.map(|secret_key| StripeSettings {
            secret_key,
            webhook_secrets: secrets.map(Secret::new).collect(),
            api: self.stripe_api.clone(),
        }))
    }
}

/// A secret that is set, or that a file holds.
fn one_of(
    key: &str,
    set: Option<Secret>,
    file: Option<&Path>,
    faults: &mut Vec<String>,
) -> Option<Secret> {
    let Some(path) = file else { return set };
    if set.is_some() {
        faults.push(format!("`{key}` and `{key}_file` are both set"));
        return None;
    }
    match fs::read_to_string(path) {
        Ok(text) => Some(Secret::new(text.trim())),
        Err(error) => {
            faults.push(format!("`{key}_file`: cannot read {}: {error}", path.display()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_set_or_stand_in_files() {
        assert_eq!(Config::default().stripe().unwrap(), None);
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key");
        let secrets_file = folder.path().join("secrets");
        fs::write(&key_file, "sk_test_x\n").unwrap();
        fs::write(&secrets_file, "whsec_old\nwhsec_new,\n").unwrap();
        let secret = |text: &str| Secret::new(text);
        let from_files = Config {
            stripe_secret_key_file: Some(key_file.clone()),
            stripe_webhook_secrets_file: Some(secrets_file),
            ..Config::default()
        };
        let set = Config {
            stripe_secret_key: Some(secret("sk_test_x")),
            stripe_webhook_secrets: vec![secret("whsec_old"), secret("whsec_new")],
            ..Config::default()
        };
        let settings = set.stripe().unwrap().unwrap();
        assert_eq!(settings.secret_key.expose(), "sk_test_x");
        assert_eq!(settings.webhook_secrets.len(), 2);
        assert_eq!(from_files.stripe().unwrap(), Some(settings));

        let twice = Config { stripe_secret_key_file: Some(key_file), ..set.clone() };
        let nowhere = Some("/no/such/file".into());
        let unread = Config { stripe_webhook_secrets_file: nowhere, ..Config::default() };
        let keyless = Config { stripe_secret_key: None, ..set };
        for (config, why) in [
            (twice, "`stripe_secret_key` and `stripe_secret_key_file` are both set"),
            (unread, "`stripe_webhook_secrets_file`: cannot read /no/such/file: "),
            (keyless, "`stripe_webhook_secrets` is set, and no `stripe_secret_key`"),
        ] {
            let error = config.stripe().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("sk_test_x") && !error.contains("whsec_"), "{error}");
        }
    }
}
