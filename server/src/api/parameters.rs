//! The query part of an address, read with words of our own where it cannot be.

use std::error::Error as _;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize as _, Deserializer};

use crate::problem::{Kind, Problem};

/// The parameters of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                // The rejection's own words name the framework's work; its source says what is wrong.
                let why =
                    rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
                let detail = format!("the query part of the address: {why}");
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }
}

/// Reads a whole number from a parameter.
pub(crate) fn whole_number<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: FromStr,
{
    let text = String::deserialize(deserializer)?;
    let read = text.parse().map(Some);
    read.map_err(|_| D::Error::custom(format!("expected a whole number, found {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::search::Asked;

    async fn read(address: &str) -> Result<Parameters<Asked>, Problem> {
        let request = axum::http::Request::get(address).body(()).unwrap();
        Parameters::from_request_parts(&mut request.into_parts().0, &()).await
    }

    #[tokio::test]
    async fn a_fault_names_the_parameter_and_what_was_expected() {
        let refused = read("/s?q=a&limit=many").await.unwrap_err();
        assert_eq!(
            refused.detail,
            "the query part of the address: limit: expected a whole number, found \"many\""
        );
        let refused = read("/s?q=a&page=2").await.unwrap_err();
        assert!(refused.detail.contains("unknown field `page`"), "{refused}");
        assert!(!refused.detail.contains("deserialize"), "{refused}");
        assert_eq!(read("/s?q=a&limit=3").await.unwrap().0.limit, Some(3));
        assert!(read("/s").await.unwrap().0.q.is_none());
    }
}
