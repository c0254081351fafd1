//! The OpenAPI document as a client reads it: what an answer must look like, and what a request
//! may.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use commerce_http::openapi;
use regex::Regex;
use serde_json::{Map, Value, json};

/// The document of a server.
#[derive(Debug)]
pub struct Contract(pub Value);

/// One operation of it.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    pub method: &'a str,
    pub template: &'a str,
    pub value: &'a Value,
}

impl Contract {
    /// The document that every server gives.
    pub fn of_server() -> &'static Self {
        static CONTRACT: LazyLock<Contract> =
            LazyLock::new(|| Contract(serde_json::to_value(openapi::document()).unwrap()));
        &CONTRACT
    }

    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.0["paths"].as_object().unwrap();
        paths.iter().flat_map(|(template, item)| {
            item.as_object().unwrap().iter().map(move |(method, value)| Operation {
                method,
                template,
                value,
            })
        })
    }

    /// The operation behind an address. A path of its own goes before one with parameters.
    pub fn operation(&self, method: &str, address: &str) -> Option<Operation<'_>> {
        let path = address.split('?').next().unwrap();
        let fits = |template: &str| {
            template.split('/').count() == path.split('/').count()
                && template.split('/').zip(path.split('/')).all(|(t, p)| t == p || is_parameter(t))
        };
        self.operations()
            .filter(|operation| operation.method.eq_ignore_ascii_case(method))
            .filter(|operation| fits(operation.template))
            .min_by_key(|operation| operation.template.matches('{').count())
    }

    /// Checks an answer's status, type and body against what is documented.
    #[track_caller]
    pub fn check(&self, method: &str, address: &str, answer: &super::Answer) {
        let status = answer.status.to_string();
        let Some(operation) = self.operation(method, address) else {
            return assert!([404, 405].contains(&answer.status), "{method} {address} {status}");
        };
        let at = format!("{method} {address} {status}: {}", String::from_utf8_lossy(&answer.body));
        let documented = &operation.value["responses"][&status];
        assert!(!documented.is_null(), "not documented: {at}");
        for (name, header) in documented["headers"].as_object().into_iter().flatten() {
            let about = header["description"].as_str().unwrap();
            let here = !answer.header(name).is_empty();
            match about.split_once("; with ") {
                Some((_, codes)) => {
                    let due = codes.contains(answer.json()["code"].as_str().unwrap());
                    assert_eq!(here, due, "{name}: {at}");
                }
                None => assert!(here || name == "idempotency-replayed", "no {name}: {at}"),
            }
        }
        let tagged = !answer.header("etag").is_empty();
        let about_tag = &documented["headers"]["ETag"];
        assert!(
            !tagged || answer.status >= 300 || about_tag.is_object(),
            "no ETag documented: {at}"
        );
        let Some(content) = documented["content"].as_object() else {
            assert!(answer.body.is_empty(), "a body is not documented: {at}");
            return;
        };
        let media_type = answer.header("content-type");
        let schema = content.get(media_type).unwrap_or_else(|| panic!("{media_type}: {at}"));
        if media_type.starts_with("text/") {
            return;
        }
        let body = answer.json();
        if let Err(why) = self.valid(&schema["schema"], &body, "") {
            panic!("{why}: {at}");
        }
        if media_type == "application/problem+json" {
            let about = documented["description"].as_str().unwrap();
            let code = body["code"].as_str().unwrap();
            assert!(about.contains(&format!("`{code}`")), "no {code}: {at}");
        }
    }

    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.resolve(self.0.pointer(&reference[1..]).unwrap()),
            None => schema,
        }
    }

    /// Every property of an object's schema, those of its parts included.
    pub fn properties(&self, schema: &Value) -> Option<Map<String, Value>> {
        let schema = self.resolve(schema);
        let mut all = schema["properties"].as_object().cloned();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            if let Some(properties) = self.properties(part) {
                all.get_or_insert_default().extend(properties);
            }
        }
        all
    }

    pub fn required(&self, schema: &Value) -> Vec<String> {
        let schema = self.resolve(schema);
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let own = schema["required"].as_array().into_iter().flatten();
        own.map(|name| name.as_str().unwrap().to_owned())
            .chain(parts.flat_map(|part| self.required(part)))
            .collect()
    }

    /// Whether a value is as the schema says, and has nothing that it does not say.
    pub fn valid(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.resolve(schema);
        for choice in ["oneOf", "anyOf"] {
            if let Some(options) = schema[choice].as_array() {
                let tried: Result<Vec<()>, Vec<String>> =
                    match options.iter().map(|o| self.valid(o, value, at)).find(Result::is_ok) {
                        Some(_) => Ok(Vec::new()),
                        None => Err(options
                            .iter()
                            .filter_map(|o| self.valid(o, value, at).err())
                            .collect()),
                    };
                return tried.map(drop).map_err(|why| format!("{at}: none of {why:?}"));
            }
        }
        if let Some(values) = schema["enum"].as_array()
            && !values.contains(value)
        {
            return Err(format!("{at} is {value}, not one of {values:?}"));
        }
        let types = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(several) => several.iter().map(|t| t.as_str().unwrap()).collect(),
            _ => Vec::new(),
        };
        let actual: &[&str] = match value {
            Value::Null => &["null"],
            Value::Bool(_) => &["boolean"],
            Value::Number(number) if number.is_f64() => &["number"],
            Value::Number(_) => &["integer", "number"],
            Value::String(_) => &["string"],
            Value::Array(_) => &["array"],
            Value::Object(_) => &["object"],
        };
        if !types.is_empty() && !types.iter().any(|t| actual.contains(t)) {
            return Err(format!("{at} is {value}, not {types:?}"));
        }
        within_bounds(schema, value).map_err(|why| format!("{at} is {value}, {why}"))?;
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.valid(&schema["items"], item, &format!("{at}/{index}"))?;
                }
            }
            Value::Object(fields) => {
                let Some(properties) = self.properties(schema) else {
                    let rest = &schema["additionalProperties"];
                    return fields.iter().try_for_each(|(name, field)| {
                        self.valid(rest, field, &format!("{at}/{name}"))
                    });
                };
                for (name, field) in fields {
                    let at = format!("{at}/{name}");
                    match (properties.get(name), &schema["additionalProperties"]) {
                        (Some(property), _) => self.valid(property, field, &at)?,
                        (None, Value::Null | Value::Bool(false)) => {
                            return Err(format!("{at} is not documented"));
                        }
                        (None, rest) => self.valid(rest, field, &at)?,
                    }
                }
                for name in self.required(schema) {
                    if !fields.contains_key(&name) {
                        return Err(format!("{at}/{name} is documented and missing"));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The example of a request's body.
    pub fn example(&self, operation: Operation<'_>) -> Option<Value> {
        let content = &operation.value["requestBody"]["content"]["application/json"];
        content.get("example").cloned()
    }
}

/// Whether a value is as long, as large and of the form that its schema says.
fn within_bounds(schema: &Value, value: &Value) -> Result<(), String> {
    let measured = match value {
        Value::String(text) => Some(("Length", text.chars().count())),
        Value::Array(items) => Some(("Items", items.len())),
        _ => None,
    };
    if let Some((what, count)) = measured {
        let bound = |end: &str| schema[format!("{end}{what}")].as_u64().map(|it| it as usize);
        if bound("min").is_some_and(|min| count < min)
            || bound("max").is_some_and(|max| count > max)
        {
            return Err(format!("of {count}: {schema}"));
        }
    }
    if let (Some(text), Some(pattern)) = (value.as_str(), schema["pattern"].as_str())
        && !matches(pattern, text)
    {
        return Err(format!("not {pattern}"));
    }
    let bound = |name: &str| schema[name].as_i64();
    if let Some(number) = value.as_i64()
        && (bound("minimum").is_some_and(|min| number < min)
            || bound("maximum").is_some_and(|max| number > max))
    {
        return Err(format!("out of {schema}"));
    }
    Ok(())
}

fn matches(pattern: &str, text: &str) -> bool {
    static PATTERNS: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut patterns = PATTERNS.lock().unwrap();
    let compiled = patterns.entry(pattern.to_owned());
    compiled.or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
}

pub fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// Values of every kind that no field of a request takes.
pub fn nonsense() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!([]),
        json!({ "unknown": 1 }),
    ]
}
