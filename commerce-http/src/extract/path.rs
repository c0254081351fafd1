//! Parameters of the path.

use axum::{
    extract::{FromRequestParts, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// The parameters of the path as `T`.
///
/// A parameter that is not a `T`, such as an id of another kind, names nothing: it is answered
/// with 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(rejection)) => {
                Err(match rejection.into_kind() {
                    kind @ (ErrorKind::WrongNumberOfParameters { .. }
                    | ErrorKind::UnsupportedType { .. }) => Problem::internal(kind.to_string()),
                    ErrorKind::InvalidUtf8InPathParam { .. } => {
                        Problem::new(Code::MalformedRequest, "The path is not UTF-8.")
                    }
                    _ => Problem::new(Code::NotFound, "There is nothing at this address."),
                })
            }
            Err(rejection) => Err(Problem::internal(rejection)),
        }
    }
}
