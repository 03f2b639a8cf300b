//! The approval page, as HTML.

mod support;

use parallel_account_sandbox::Options;
use serde_json::json;
use support::{Bench, text};

fn hidden(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&start).expect(name);
    rest.split('"').next().unwrap().into()
}

#[tokio::test]
async fn only_the_page_itself_can_decide() {
    let bench = Bench::start(Options::default()).await;
    let client_id = bench.register().await;
    let device = bench.device_code(&client_id, "balance:read").await;
    let url = text(&device, "verification_uri_complete");
    let page = bench.http.get(url).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(
        page.contains("Tests &amp; &lt;Co&gt;"),
        "the name is escaped"
    );
    assert!(page.contains("balance:read"));
    let user_code = text(&device, "user_code");
    let token = hidden(&page, "form_token");
    let decide = |token: &str, origin: Option<&str>| {
        let form = [
            ("user_code", user_code),
            ("form_token", token),
            ("org_id", "org_sandbox"),
            ("decision", "approve"),
        ];
        let request = bench.platform("/device").form(&form);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(decide("guessed", None).await, 403);
    assert_eq!(decide(&token, Some("https://elsewhere.example")).await, 403);
    let state = bench.observed("/device-codes").await;
    assert_eq!(state["device_codes"][0]["state"], "pending");
    let origin = bench.sandbox.platform_url();
    assert_eq!(decide(&token, Some(origin)).await, 200);
    let (status, _) = bench.poll(&client_id, text(&device, "device_code")).await;
    assert_eq!(status, 200);
    assert_eq!(decide(&token, None).await, 410, "used");
}

#[tokio::test]
async fn the_code_is_found_however_it_is_typed() {
    let bench = Bench::start(Options::default()).await;
    let client_id = bench.register().await;
    let device = bench.device_code(&client_id, "balance:read").await;
    let typed = text(&device, "user_code").to_lowercase().replace('-', " ");
    let url = format!("{}/device", bench.sandbox.platform_url());
    let page = |code: &str| {
        bench
            .http
            .get(format!("{url}?user_code={}", code.replace(' ', "%20")))
            .send()
    };
    assert_eq!(page(&typed).await.unwrap().status(), 200);
    assert_eq!(page("<script>").await.unwrap().status(), 404);
    bench.control("/expire-device-code", json!({})).await;
    assert_eq!(page(&typed).await.unwrap().status(), 410);
}
