//! Host and Origin: a page of another site must not reach the archive through the browser of someone who is signed in.
//!
//! The Host header has to be a name that we answer to, which defeats DNS rebinding; an Origin, where a browser sends
//! one, has to be that very host, over TLS where we speak it; and a request that changes something must not come from another site.

use axum::http::{HeaderMap, Method, Uri, header};

use crate::config::Config;
use crate::problem::{Kind, Problem, Result};

/// The names that are accepted without being configured.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Checks a request's Host, Origin and `Sec-Fetch-Site`.
pub(crate) fn check(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    config: &Config,
) -> Result<()> {
    let host = host(uri, headers)?;
    let name = without_port(&host);
    let known = LOOPBACK_NAMES.contains(&name)
        || config.server.host_names.iter().any(|known| known.eq_ignore_ascii_case(name));
    if !known {
        let detail = format!(
            "this server does not answer to the name {name:?}; add it to server.host_names if it should"
        );
        return Err(Problem::new(Kind::ForeignOrigin, detail));
    }
    if let Some(origin) = header_text(headers, "origin")? {
        let authority = authority(origin, config.tls.is_on());
        if authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(&host)) {
            let detail = format!("the page at {origin:?} is not ours; open {host:?} itself");
            return Err(Problem::new(Kind::ForeignOrigin, detail));
        }
    }
    if !method.is_safe()
        && let Some(site) = header_text(headers, "sec-fetch-site")?
        && site != "same-origin"
        && site != "none"
    {
        let detail = format!("a {site} request may not change anything");
        return Err(Problem::new(Kind::ForeignOrigin, detail));
    }
    Ok(())
}

/// Returns the host and port of an origin. Where we speak TLS a page that came in clear is not ours, whatever host it names: anyone
/// on the way can have written it. Where we do not, something before us may.
fn authority(origin: &str, is_secure: bool) -> Option<&str> {
    let secure = origin.strip_prefix("https://");
    secure.or_else(|| origin.strip_prefix("http://").filter(|_| !is_secure))
}

/// Returns the host that the request names. Exactly one Host header is accepted, and it must not contradict the URI.
fn host(uri: &Uri, headers: &HeaderMap) -> Result<String> {
    let refuse = |detail: &str| Err(Problem::new(Kind::ForeignOrigin, detail));
    let mut given = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (given.next(), given.next()) else {
        return refuse("a request needs exactly one Host header");
    };
    let Ok(host) = host.to_str() else { return refuse("the Host header is no text") };
    if let Some(authority) = uri.authority()
        && !authority.as_str().eq_ignore_ascii_case(host)
    {
        return refuse("the Host header and the address of the request differ");
    }
    Ok(host.to_ascii_lowercase())
}

fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>> {
    match headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => {
            Err(Problem::new(Kind::ForeignOrigin, format!("the {name} header is no text")))
        }
    }
}

/// Returns a host without its port; brackets of an IPv6 address stay.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check_with(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        checked(method, pairs, false)
    }

    fn checked(method: &Method, pairs: &[(&'static str, &'static str)], is_secure: bool) -> bool {
        let mut config = Config::default();
        config.server.host_names = vec!["desk.example".to_owned()];
        config.tls.self_signed = is_secure;
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        check(method, &Uri::from_static("/desk"), &headers, &config).is_ok()
    }

    #[test]
    fn a_name_that_is_not_ours_is_refused() {
        for host in ["127.0.0.1:7380", "localhost", "[::1]:7380", "desk.example", "DESK.example:1"]
        {
            assert!(check_with(&Method::GET, &[("host", host)]), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "", "localhost.", "[::1", "0.0.0.0"]
        {
            assert!(!check_with(&Method::GET, &[("host", host)]), "{host}");
        }
        assert!(!check_with(&Method::GET, &[]));
        assert!(!check_with(&Method::GET, &[("host", "localhost"), ("host", "localhost")]));
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let host = ("host", "127.0.0.1:7380");
        assert!(check_with(&Method::POST, &[host, ("origin", "http://127.0.0.1:7380")]));
        for origin in ["http://evil.example", "null", "http://127.0.0.1:8080", "127.0.0.1:7380"] {
            assert!(!check_with(&Method::POST, &[host, ("origin", origin)]), "{origin}");
            assert!(!check_with(&Method::GET, &[host, ("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn a_page_that_came_in_clear_is_not_ours_where_we_speak_tls() {
        let host = ("host", "desk.example:7380");
        let from =
            |origin, is_secure| checked(&Method::POST, &[host, ("origin", origin)], is_secure);
        assert!(from("https://desk.example:7380", true));
        assert!(!from("http://desk.example:7380", true));
        // What stands before us may speak it in our place.
        assert!(from("https://desk.example:7380", false));
        assert!(from("http://desk.example:7380", false));
    }

    #[test]
    fn another_site_may_link_to_us_but_change_nothing() {
        let from = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        assert!(check_with(&Method::GET, &from));
        assert!(!check_with(&Method::POST, &from));
    }
}
