//! What there is to set, read from [`Config`] itself.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::Value;
use utoipa::PartialSchema;

use super::Config;

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Switch,
    List,
}

/// Every setting by its key.
pub(super) fn kinds() -> BTreeMap<&'static str, Kind> {
    settings()
        .into_iter()
        .map(|(key, schema)| {
            let has = |kind: &str| match schema.get("type") {
                Some(Value::Array(kinds)) => kinds.iter().any(|k| k == kind),
                one => one.is_some_and(|k| k == kind),
            };
            let kind = match () {
                () if has("boolean") => Kind::Switch,
                () if has("integer") => Kind::Number,
                () if has("array") => Kind::List,
                () => Kind::Text,
            };
            (key, kind)
        })
        .collect()
}

/// The keys of [`Config`] with their schemas, in alphabetic order.
fn settings() -> BTreeMap<&'static str, Value> {
    static SETTINGS: std::sync::LazyLock<BTreeMap<String, Value>> =
        std::sync::LazyLock::new(|| {
            let schema = serde_json::to_value(Config::schema()).unwrap_or_default();
            match schema.get("properties") {
                Some(Value::Object(all)) => all.clone().into_iter().collect(),
                _ => BTreeMap::new(),
            }
        });
    SETTINGS.iter().map(|(key, schema)| (key.as_str(), schema.clone())).collect()
}

/// Variables that other programs know by these names, and the settings that they are here.
pub(super) const FOREIGN: [(&str, &str); 2] = [
    ("STRIPE_SECRET_KEY", "stripe_secret_key"),
    ("STRIPE_WEBHOOK_SECRET", "stripe_webhook_secrets"),
];

/// The variable that people set for a setting.
fn variable(key: &str) -> String {
    match FOREIGN.iter().find(|(_, of)| *of == key) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("COMMERCE_{}", key.to_ascii_uppercase()),
    }
}

/// The settings as a table in Markdown, which `docs/configuration.md` shows.
pub fn reference() -> String {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut table =
        "| key | environment | default | what it sets |\n|---|---|---|---|\n".to_owned();
    for (key, schema) in settings() {
        let variable = variable(key);
        let default = defaults.get(key).map_or_else(|| "not set".into(), |v| format!("`{v}`"));
        let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(table, "| `{key}` | `{variable}` | {default} | {about} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_every_setting_and_no_other() {
        let all = kinds();
        assert!(all.len() >= 16);
        let defaults = serde_json::to_value(Config::default()).unwrap();
        for (key, default) in defaults.as_object().unwrap() {
            let kind = match default {
                Value::Bool(_) => Kind::Switch,
                Value::Number(_) => Kind::Number,
                Value::Array(_) => Kind::List,
                _ => Kind::Text,
            };
            assert_eq!(all[key.as_str()], kind, "{key}");
        }
        for line in reference().lines().skip(2) {
            assert_eq!(line.matches(" | ").count(), 3, "{line}");
            assert!(!line.ends_with("|  |"), "{line}");
        }
    }

    #[test]
    fn the_documented_table_is_this_one() {
        let document = include_str!("../../../docs/configuration.md");
        assert!(
            document.contains(&reference()),
            "put the output of `commerce config --reference` into docs/configuration.md"
        );
    }
}
