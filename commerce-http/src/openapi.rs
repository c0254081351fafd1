//! The OpenAPI document, made from the routes themselves.

mod examples;
mod schemas;

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
    sync::LazyLock,
};

use axum::{
    http::Method,
    response::{IntoResponse, Response},
};
use commerce_core::{currency::Currency, pricing::TaxRate, text::IdempotencyKey};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        self as doc, ComponentsBuilder, Content, ContentBuilder, InfoBuilder, OpenApiBuilder, Ref,
        RefOr,
        header::{Header, HeaderBuilder},
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        request_body::RequestBody,
        schema::{OneOf, Schema, SchemaType, Type},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    etag::IfNoneMatch,
    extract::Path,
    problem::{self, Code, FieldError, Part, Problem},
    reply, routes,
};

/// The security scheme of people and back-office clients, for `security(("bearer" = []))`.
pub const BEARER: &str = "bearer";
/// The security scheme of a guest's cart and order, for `security(("cart_token" = []))`.
pub const CART_TOKEN: &str = "cart_token";

/// The document without its paths.
pub(crate) fn head() -> doc::OpenApi {
    let mut about = "Amounts of money are integers in the currency's minor unit. Times are \
        RFC 3339 in UTC. Ids are opaque. Unknown fields are refused, and so are parameters of a query \
        that are not listed; only the documents, and what providers send to `/webhooks`, take no notice \
        of those. What a schema refuses is refused; what JSON Schema cannot say of a rule, such as one \
        that counts bytes, the description says.\n\nSingle resources carry an \
        `ETag`, and a client that sends it back in `If-None-Match` is answered 304 as long as it has what \
        there is. Writes that list `If-Match` honour it; those of stock take no notice of it, as stock \
        moves with every order.\n\nEvery answer carries an `x-request-id`, by which the log knows the \
        request: the client's own, if it sent one. `HEAD` is answered as `GET`, without the body.\n\n\
        Errors are `application/problem+json` (RFC 9457) with a stable `code`; only what is not HTTP at \
        all gets a bare status. What any address may answer is not repeated with each: 405 \
        (`method_not_allowed`) to a method that it does not have, with those that it has in `Allow`, and \
        404 (`not_found`) where there is no such address.\n\n\
        | status | code | when |\n|---|---|---|\n"
        .to_owned();
    for code in Code::ALL {
        let (status, when) = (code.status().as_u16(), code.about().trim());
        let _ = writeln!(about, "| {status} | `{code}` | {when} |");
    }
    let mut schemas = vec![(problem::Document::name().into_owned(), problem::Document::schema())];
    problem::Document::schemas(&mut schemas);
    schemas.extend([
        (Code::name().into_owned(), Code::schema()),
        (Part::name().into_owned(), Part::schema()),
        (FieldError::name().into_owned(), FieldError::schema()),
        // Others refer to these by name, which brings nothing with it.
        (Currency::name().into_owned(), Currency::schema()),
        (TaxRate::name().into_owned(), TaxRate::schema()),
    ]);
    TaxRate::schemas(&mut schemas);
    let token = ApiKeyValue::with_description(
        "Cart-Token",
        "The secret that a guest's cart came with; the order placed from it answers to the same.",
    );
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Commerce")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(about)),
        )
        .components(Some(
            ComponentsBuilder::new()
                .schemas_from_iter(schemas)
                .security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
                .security_scheme(CART_TOKEN, SecurityScheme::ApiKey(ApiKey::Header(token)))
                .build(),
        ))
        .build()
}

/// The document of every route, with the errors that any of them can answer with.
///
/// Handlers document the errors of their own; bodies of errors and those that come from the
/// frame and the extractors are filled in here.
pub fn document() -> doc::OpenApi {
    let mut document = routes::routes().into_openapi();
    for operation in document.paths.paths.values_mut().flat_map(writes) {
        // Nobody who is not known by anything has keys to remember.
        if operation.security.is_some() {
            honour_key(operation);
        }
    }
    // What has a tag in one answer has one in every answer.
    let tagged: BTreeSet<String> = operations(&mut document)
        .filter(|it| is_versioned(it))
        .flat_map(|it| answered(it))
        .collect();
    for operation in operations(&mut document) {
        let versioned = answered(operation).iter().any(|schema| tagged.contains(schema));
        complete(operation, versioned || is_versioned(operation));
    }
    schemas::measure(&mut document);
    schemas::close(&mut document);
    document
}

/// The operations that change something.
fn writes(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { put, post, patch, delete, .. } = item;
    [put, post, patch, delete].into_iter().flatten()
}

fn operations(document: &mut doc::OpenApi) -> impl Iterator<Item = &mut Operation> {
    document.paths.paths.values_mut().flat_map(|item| {
        let PathItem { get, put, post, patch, delete, head, options, .. } = item;
        [get, put, post, patch, delete, head, options].into_iter().flatten()
    })
}

/// Whether an operation knows the tag of what it answers with. A write that heeds one may answer with more
/// than what it is about.
fn is_versioned(operation: &Operation) -> bool {
    operation.responses.responses.contains_key("304")
}

/// Whether an operation takes parameters in its query; `path` is that of its route below [`routes::BASE`].
pub(crate) fn takes_parameters(method: &Method, path: &str) -> bool {
    /// The methods of each path that do.
    static TAKING: LazyLock<HashMap<String, Vec<Method>>> = LazyLock::new(|| {
        let takes = |(method, operation): (Method, Option<Operation>)| {
            let mut parameters = operation?.parameters.into_iter().flatten();
            let of_query = |parameter: RefOr<Parameter>| match parameter {
                RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
                RefOr::Ref(_) => false,
            };
            parameters.any(of_query).then_some(method)
        };
        let taking = |(path, item): (String, PathItem)| {
            let path = path.strip_prefix(routes::BASE)?.to_owned();
            let PathItem { get, put, post, patch, delete, .. } = item;
            let operations = [
                (Method::GET, get),
                (Method::PUT, put),
                (Method::POST, post),
                (Method::PATCH, patch),
                (Method::DELETE, delete),
            ];
            Some((path, operations.into_iter().filter_map(takes).collect()))
        };
        routes::routes().into_openapi().paths.paths.into_iter().filter_map(taking).collect()
    });
    // `HEAD` is answered as `GET`.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    TAKING.get(path).is_none_or(|methods| methods.contains(method))
}

/// Where the schemas of what an operation answers with are.
fn answered(operation: &Operation) -> Vec<String> {
    let responses = operation.responses.responses.iter();
    let good = responses.filter(|(status, _)| status.starts_with('2')).map(|(_, it)| it);
    let contents = good.filter_map(|response| match response {
        RefOr::T(response) => Some(response.content.values()),
        RefOr::Ref(_) => None,
    });
    let schemas = contents.flatten().filter_map(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => Some(schema),
        _ => None,
    });
    schemas.map(|schema| schema.ref_location.clone()).collect()
}

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const IF_MATCH: &str = "If-Match";

/// Every write that somebody sends takes a key; those that cannot do without declare it themselves.
fn honour_key(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    if !parameters.iter().any(|parameter| is_header(parameter, IDEMPOTENCY_KEY)) {
        let key = ParameterBuilder::new()
            .name(IDEMPOTENCY_KEY)
            .parameter_in(ParameterIn::Header)
            .required(doc::Required::False)
            .schema(Some(IdempotencyKey::schema()));
        parameters.push(key.build().into());
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            let about = "`true` when an earlier request with the same key was answered so";
            response.headers.insert(reply::IDEMPOTENCY_REPLAYED.to_string(), text_header(about));
        }
    }
}

fn text_header(about: &str) -> RefOr<Header> {
    HeaderBuilder::new().schema(Some(String::schema())).description(Some(about)).build().into()
}

fn is_header(parameter: &RefOr<Parameter>, named: &str) -> bool {
    match parameter {
        RefOr::T(Parameter { name, parameter_in: ParameterIn::Header, .. }) => name == named,
        _ => false,
    }
}

/// What a header is for, wherever it stands.
fn about_header(name: &str) -> Option<&'static str> {
    match name {
        IDEMPOTENCY_KEY => Some(
            "Makes it safe to repeat the request: 1 to 255 printable ASCII characters, at least \
             16 where nobody is signed in. The same request with the same key is answered with \
             the first answer, and not done again.",
        ),
        IF_MATCH => {
            Some("The `ETag` that the write is meant for; if it is stale, nothing is written")
        }
        _ => None,
    }
}

fn complete(operation: &mut Operation, versioned: bool) {
    let mut codes = vec![
        Code::AddressTooLong,
        Code::HeadersTooLarge,
        Code::Overloaded,
        Code::Unavailable,
        Code::TimedOut,
        Code::Internal,
    ];
    if let Some(body) = &mut operation.request_body {
        may_be_left_out(body);
        codes.extend([Code::MalformedRequest, Code::RequestTimeout, Code::PayloadTooLarge]);
        let is_json = match body {
            RefOr::T(body) => body.content.contains_key("application/json"),
            RefOr::Ref(_) => true,
        };
        if is_json {
            codes.extend([Code::UnsupportedMediaType, Code::ValidationFailed]);
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        match parameter.parameter_in {
            ParameterIn::Path => codes.extend([Code::NotFound, Code::MalformedRequest]),
            _ => codes.push(Code::ValidationFailed),
        }
        if parameter.description.is_none() {
            parameter.description = about_header(&parameter.name).map(str::to_owned);
        }
        if parameter.name == IDEMPOTENCY_KEY {
            codes.push(Code::IdempotencyKeyReused);
            if parameter.required == doc::Required::True {
                codes.push(Code::IdempotencyKeyMissing);
            }
        }
        if parameter.name == IF_MATCH {
            codes.push(Code::VersionMismatch);
        }
    }
    if operation.security.is_some() {
        // Their headers can be wrong, too.
        codes.extend([Code::Unauthenticated, Code::Forbidden, Code::ValidationFailed]);
    }
    let responses = &mut operation.responses.responses;
    for code in codes {
        let status = code.status().as_u16().to_string();
        let response = responses.entry(status).or_insert_with(|| doc::Response::new("").into());
        if let RefOr::T(response) = response {
            let name = format!("`{code}`");
            if !response.description.contains(&name) {
                let gap = if response.description.is_empty() { "" } else { "; " };
                let _ = write!(response.description, "{gap}{} ({name})", code.title());
            }
        }
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        let shown = status == "304" || (status.starts_with('2') && status != "204");
        if versioned && shown {
            let about = "For `If-None-Match`, and for `If-Match` of the writes that list it";
            response.headers.insert("ETag".to_owned(), text_header(about));
        }
        if status.starts_with(['4', '5']) && response.content.is_empty() {
            let schema = Ref::from_schema_name(problem::Document::name());
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response.content.insert("application/problem+json".to_owned(), content.into());
        }
        let codes = codes_of(response);
        for (name, about) in headers_of(&codes) {
            response.headers.insert(name.to_owned(), text_header(&about));
        }
        examples::illustrate(response, &codes);
    }
}

/// The codes of the problems that are answered so.
fn codes_of(response: &doc::Response) -> Vec<Code> {
    let named = |code: &&Code| response.description.contains(&format!("`{code}`"));
    Code::ALL.iter().filter(named).copied().collect()
}

/// The headers that problems have if they have one of these codes.
fn headers_of(codes: &[Code]) -> Vec<(&'static str, String)> {
    if codes == [Code::Unauthenticated] {
        return vec![("WWW-Authenticate", "`Bearer`".to_owned())];
    }
    let about = "The seconds after which to ask again";
    let passing = codes.iter().filter(|code| code.retry_after().is_some());
    let passing: Vec<_> = passing.map(|code| format!("`{code}`")).collect();
    match passing.len() {
        0 => vec![],
        all if all == codes.len() => vec![("Retry-After", about.to_owned())],
        _ => vec![("Retry-After", format!("{about}; with {} alone", passing.join(", ")))],
    }
}

/// What is optional may be absent; null is no body.
fn may_be_left_out(body: &mut RefOr<RequestBody>) {
    let RefOr::T(body) = body else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(RefOr::T(Schema::OneOf(OneOf { items, .. }))) = &content.schema
            && let [value @ RefOr::Ref(_), RefOr::T(Schema::Object(null))] = items.as_slice()
            && null.schema_type == SchemaType::Type(Type::Null)
        {
            content.schema = Some(value.clone());
            body.required = Some(doc::Required::False);
        }
    }
}

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi))
}

pub(crate) fn problem_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(problem_type))
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "documents", responses(
    (status = 200, description = "An OpenAPI 3.1 document", body = Object, example = json!({
        "openapi": "3.1.0", "info": { "title": "Commerce", "version": "1.0.0" }, "paths": {},
    })),
    (status = 304, description = "The client has it"),
))]
async fn openapi(known: IfNoneMatch) -> Response {
    static DOCUMENT: LazyLock<doc::OpenApi> = LazyLock::new(document);
    known.answer(1, &*DOCUMENT)
}

/// What a problem's `type` means
#[utoipa::path(get, path = "/problems/{code}", tag = "documents",
    params(("code" = String, Path, description = "The `code` of a problem")),
    responses((status = 200, description = "A text for people", body = String, content_type = "text/plain")),
)]
async fn problem_type(Path(name): Path<String>) -> Result<Response, Problem> {
    let code = Code::ALL.iter().find(|code| code.as_str() == name);
    let code = code.ok_or_else(|| Problem::not_found("problem type"))?;
    let text = format!("{} ({})\n\n{}\n", code.title(), code.status(), code.about().trim());
    Ok(text.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_route_is_in_the_document() {
        let (router, document) = routes::routes().split_for_parts();
        // axum lists its routes only in its debug form: each as a quoted path.
        let debug = format!("{:?}", router.with_state::<()>(crate::app::tests::app().await));
        let (paths, _) = debug.split_once("fallback_router").unwrap();
        let registered: BTreeSet<&str> =
            paths.split('"').filter(|text| text.starts_with('/')).collect();
        let documented: BTreeSet<&str> = document.paths.paths.keys().map(String::as_str).collect();
        assert!(registered.contains("/api/v1/openapi.json"), "{debug}");
        assert_eq!(registered, documented);
    }

    #[test]
    fn every_operation_documents_its_errors() {
        let document = serde_json::to_value(document()).unwrap();
        let mut operations = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                operations += 1;
                let at = format!("{method} {path}");
                let responses = operation["responses"].as_object().unwrap();
                let mut due = vec!["500", "503"];
                if let Some(body) = operation.get("requestBody") {
                    due.extend(["400", "408", "413"]);
                    if body["content"].get("application/json").is_some() {
                        due.extend(["415", "422"]);
                    }
                }
                if path.contains('{') {
                    due.extend(["400", "404"]);
                }
                if operation.get("security").is_some() {
                    due.extend(["401", "403"]);
                }
                for status in due {
                    assert!(responses.contains_key(status), "{at} lacks {status}");
                }
                assert!(responses.keys().any(|s| s.starts_with('2')), "{at} lacks a success");
                assert!(operation["summary"].is_string(), "{at} lacks a summary");
                assert!(operation["tags"][0].is_string(), "{at} lacks a tag");
                assert!(operation["operationId"].is_string(), "{at} lacks a name");
                for (status, response) in responses {
                    let about = response["description"].as_str().unwrap();
                    assert_ne!(about, "", "{at} {status}");
                    let passes = |code: &&Code| code.retry_after().is_some();
                    let passing = Code::ALL.iter().filter(passes);
                    let may_pass = passing.into_iter().any(|code| about.contains(code.as_str()));
                    let after = response["headers"].get("Retry-After");
                    assert_eq!(after.is_some(), may_pass, "{at} {status}");
                    if status.starts_with(['4', '5']) {
                        let schema = &response["content"]["application/problem+json"]["schema"];
                        assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{at} {status}");
                    }
                }
            }
        }
        assert!(operations >= 5);
    }

    #[test]
    fn every_single_resource_has_a_tag() {
        let document = serde_json::to_value(document()).unwrap();
        let mut resources = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            let responses = &item["get"]["responses"];
            let schema = &responses["200"]["content"]["application/json"]["schema"];
            let is_list = schema["$ref"].as_str().is_some_and(|name| name.contains("/Page_"));
            if path.starts_with("/api/v1/") && schema.is_object() && !is_list {
                assert!(responses["304"].is_object(), "{path} lacks 304");
                for status in ["200", "304"] {
                    let tag = &responses[status]["headers"]["ETag"];
                    assert!(tag.is_object(), "{path} {status} lacks an ETag");
                }
                resources += 1;
            }
        }
        assert!(resources >= 13, "{resources}");
    }

    #[test]
    fn the_document_speaks_of_json_and_not_of_rust() {
        let document = serde_json::to_value(document()).unwrap();
        let mut left = vec![&document];
        while let Some(value) = left.pop() {
            left.extend(value.as_array().into_iter().flatten());
            for (key, value) in value.as_object().into_iter().flatten() {
                left.push(value);
                let text = value.as_str().filter(|_| key == "description").unwrap_or_default();
                for word in ["[`", "```", "::", "#["] {
                    assert!(!text.contains(word), "{text}");
                }
            }
        }
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = serde_json::to_value(document()).unwrap();
        let text = document.to_string();
        for (_, reference) in text.match_indices("\"$ref\":\"#").map(|(at, m)| {
            let rest = &text[at + m.len()..];
            (at, &rest[..rest.find('"').unwrap()])
        }) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
