//! Walks the whole table of routes against a real archive: who is let through, and who is not.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use policy::{Grant, Permission};
use tower::ServiceExt as _;

use super::route::{Need, Route};
use super::{router, table};
use crate::auth::{Caller, Way};
use crate::config::Config;
use crate::wiring::{Appliance, Founding, Shared};

async fn appliance() -> (tempfile::TempDir, Shared) {
    let folder = tempfile::tempdir().unwrap();
    let founding = Founding {
        officer: "Officer One".to_owned(),
        recordkeeping: archive::Recordkeeping::AuditTrail,
        demo: false,
    };
    let shared =
        Appliance::found(&folder.path().join("data"), Config::default(), founding).await.unwrap();
    (folder, shared)
}

async fn close(shared: &Shared) {
    let jobs = std::sync::Arc::clone(&shared.jobs);
    let left = tokio::task::spawn_blocking(move || jobs.drain(std::time::Duration::from_mins(1)));
    assert_eq!(left.await.unwrap(), 0, "jobs that never end");
    shared.close().await.unwrap();
}

async fn ask(
    shared: &Shared,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<Body> {
    let path = path.replace("{seq}", "1").replace("{id}", "none").replace("{number}", "0");
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router(shared).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn token(shared: &Shared, grant: Grant) -> String {
    let officer = Caller::officer("Officer One", Way::Process);
    let issued = shared.credentials.issue_token(&officer, "test", grant).await.unwrap();
    format!("Bearer {}", issued.secret.reveal())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_passes_without_a_credential_or_with_one_of_another_scope() {
    let (_folder, shared) = appliance().await;
    for route in table() {
        let Need::Permission(needed) = route.need else { continue };
        let method = route.method.as_str();
        let bare = ask(&shared, method, route.path, &[]).await;
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{route:?}");
        let others = Permission::ALL.into_iter().filter(|permission| *permission != needed);
        let wrong = token(&shared, Grant::of(others)).await;
        let refused = ask(&shared, method, route.path, &[("authorization", &wrong)]).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{route:?}");
        let right = token(&shared, Grant::of([needed])).await;
        let passed = ask(&shared, method, route.path, &[("authorization", &right)]).await;
        assert!(
            !matches!(passed.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN),
            "{route:?} {}",
            passed.status()
        );
    }
    close(&shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_on_the_machine_alone_is_refused_to_every_token() {
    let (_folder, shared) = appliance().await;
    let all = token(&shared, Grant::of(Permission::ALL)).await;
    let local = |route: &&Route| matches!(route.need, Need::Socket | Need::Machine);
    assert_eq!(table().iter().filter(local).count(), 2);
    for route in table().iter().filter(local) {
        let method = route.method.as_str();
        for headers in [&[][..], &[("authorization", all.as_str())]] {
            let answer = ask(&shared, method, route.path, headers).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{route:?}");
        }
    }
    close(&shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_bears_the_strict_headers_and_a_foreign_host_gets_none_of_it() {
    let (_folder, shared) = appliance().await;
    for route in table() {
        let answer = ask(&shared, route.method.as_str(), route.path, &[]).await;
        let text =
            |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(text("cache-control").as_deref(), Some("no-store"), "{route:?}");
        assert!(
            text("content-security-policy").unwrap().starts_with("default-src 'none'"),
            "{route:?}"
        );
        let foreign = Request::builder()
            .method(route.method.clone())
            .uri(route.path.replace(['{', '}'], ""))
            .header(header::HOST, "rebound.example");
        let refused = router(&shared).oneshot(foreign.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{route:?}");
    }
    close(&shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_once_and_a_session_ends_when_it_is_ended() {
    let (_folder, shared) = appliance().await;
    let officer = Caller::officer("Officer One", Way::Process);
    let link = shared.credentials.issue_link(&officer, "Officer One").await.unwrap();
    let (session, name) = shared.credentials.sign_in(link.secret.reveal()).await.unwrap();
    assert_eq!(name, "Officer One");
    assert!(shared.credentials.sign_in(link.secret.reveal()).await.is_err(), "a second use");
    let cookie = format!("muniment-session={}", session.secret.reveal());
    let desk = ask(&shared, "GET", "/desk", &[("cookie", &cookie)]).await;
    assert_eq!(desk.status(), StatusCode::OK);
    let other = [("cookie", cookie.as_str()), ("origin", "http://evil.example")];
    assert_eq!(ask(&shared, "POST", "/sign-out", &other).await.status(), StatusCode::FORBIDDEN);
    let out = ask(&shared, "POST", "/sign-out", &[("cookie", &cookie)]).await;
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    let desk = ask(&shared, "GET", "/desk", &[("cookie", &cookie)]).await;
    assert_eq!(desk.status(), StatusCode::UNAUTHORIZED);
    close(&shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_and_a_forged_row_open_nothing() {
    let (folder, shared) = appliance().await;
    let officer = Caller::officer("Officer One", Way::Process);
    let issued = shared
        .credentials
        .issue_token(&officer, "feed", Grant::of([Permission::Read]))
        .await
        .unwrap();
    let bearer = format!("Bearer {}", issued.secret.reveal());
    let status = async |bearer: &str| {
        ask(&shared, "GET", "/api/v1/status", &[("authorization", bearer)]).await.status()
    };
    assert_eq!(status(&bearer).await, StatusCode::OK);
    let store =
        crate::auth::store::Store::open(&folder.path().join("data/auth.sqlite")).await.unwrap();
    let forged = crate::auth::secret::Secret::draw(
        crate::auth::secret::Purpose::Token,
        shared.archive.ports().rng.as_ref(),
    )
    .unwrap();
    let row = crate::auth::store::Row {
        id: "feed-2".to_owned(),
        holder: "feed".to_owned(),
        scopes: "read".to_owned(),
        at: chat::Timestamp::EPOCH,
    };
    store.add_token(&forged.fingerprint(), &row).await.unwrap();
    assert_eq!(status(&format!("Bearer {}", forged.reveal())).await, StatusCode::UNAUTHORIZED);
    shared.credentials.revoke_token(&officer, &issued.id).await.unwrap();
    let kept = crate::auth::store::Row { id: issued.id.clone(), ..row };
    store.add_token(&issued.secret.fingerprint(), &kept).await.unwrap();
    assert_eq!(status(&bearer).await, StatusCode::UNAUTHORIZED, "an old copy of the table");
    close(&shared).await;
}
