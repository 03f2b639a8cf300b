use super::*;
use crate::{
    clock::{Now, from_unix_ms},
    oauth::Tokens,
    session::machine::Claim,
};
use std::collections::HashMap;

const CLI: &str = r#"{"version":1,"selected_org_id":"org_1","client_id":"cid","future":[1],
 "orgs":{"org_1":{"org_name":"One","api_key":"data-key","x":{"y":1},
 "control_api":{"access_token":"at","access_token_expires_at":1780000000,"access_token_scopes":["balance:read"],
 "refresh_token":"rt","refresh_token_expires_at":null,"authorization_expires_at":1790000000}}}}"#;

fn now() -> Now {
    Now {
        monotonic: Duration::ZERO,
        wall: from_unix_ms(1_780_000_000_500).expect("in range"),
    }
}

fn tokens(org_id: Option<&str>) -> Tokens {
    Tokens {
        access_token: "at2".into(),
        refresh_token: Some("rt2".into()),
        token_type: "Bearer".into(),
        expires_in: Some(Duration::from_secs(2)),
        scopes: None,
        org_id: org_id.map(str::to_owned),
        org_name: None,
        refresh_token_expires_in: None,
        authorization_expires_in: None,
    }
}

#[test]
fn a_refresh_keeps_what_it_does_not_say_and_what_we_do_not_know() {
    let mut record = Record::parse(CLI).expect("good");
    record.apply("org_1", &tokens(Some("org_1")), Some("cid"), None, now());
    let text = record.to_text();
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["future"], json!([1]));
    assert_eq!(value["orgs"]["org_1"]["x"]["y"], json!(1));
    assert_eq!(value["orgs"]["org_1"]["api_key"], json!("data-key"));
    let login = record.login(None).expect("logged in");
    assert_eq!(login.access_token.expose(), "at2");
    assert_eq!(login.scopes, ["balance:read"]);
    assert_eq!(login.grant_ends_at, from_unix_ms(1_790_000_000_000));
    assert_eq!(
        login.expires_at,
        from_unix_ms(1_780_000_002_500),
        "milliseconds are kept"
    );
}

#[test]
fn the_numbers_of_others_do_not_drift() {
    for number in ["6.2398041824913664e-10", "2.5261033943795959e60"] {
        let record = Record::parse(&format!(r#"{{"theirs":{number}}}"#)).expect("good");
        let exact = number.parse::<f64>().expect("a number");
        assert_eq!(record.0["theirs"].as_f64(), Some(exact));
        let again = Record::parse(&record.to_text()).expect("good");
        assert!(again == record, "{number} became {}", again.to_text());
    }
}

#[test]
fn seconds_that_somebody_else_wrote_beat_our_milliseconds() {
    let mut record = Record::parse(CLI).expect("good");
    record.apply("org_1", &tokens(None), None, None, now());
    let login = record.login_mut("org_1").expect("there");
    login.insert("access_token_expires_at".into(), json!(1_780_000_900));
    assert_eq!(
        record.login(None).expect("there").expires_at,
        from_unix_ms(1_780_000_900_000)
    );
}

#[test]
fn a_new_client_id_is_not_put_under_a_live_refresh_token() {
    let mut record = Record::parse(CLI).expect("good");
    record.set_client_id("new");
    assert_eq!(record.client_id().as_deref(), Some("new"));
    assert_eq!(
        record.login(None).expect("there").client_id.as_deref(),
        Some("cid")
    );
    record.apply(
        "org_2",
        &tokens(Some("org_2")),
        Some("new"),
        Some(&[]),
        now(),
    );
    assert_eq!(
        record
            .login_of("org_2")
            .expect("there")
            .client_id
            .as_deref(),
        Some("new")
    );
}

#[test]
fn forgetting_keeps_the_data_key() {
    let mut record = Record::parse(CLI).expect("good");
    record.forget("org_1");
    assert_eq!(record.login(None), None);
    assert!(record.to_text().contains("data-key"));
}

#[test]
fn a_refusal_marks_one_refresh_token_only() {
    let mut record = Record::parse(CLI).expect("good");
    record.mark_refused("org_1", &"rt".into());
    assert!(record.login(None).expect("kept").refused);
    record
        .login_mut("org_1")
        .expect("there")
        .insert("refresh_token".into(), json!("other"));
    assert!(!record.login(None).expect("kept").refused);
}

#[test]
fn damage_newer_versions_and_the_flat_form() {
    for damaged in [
        "",
        "{",
        "[]",
        "null",
        r#"{"version":"x"}"#,
        r#"{"version":0}"#,
        r#"{"version":1,"orgs":3}"#,
    ] {
        assert_eq!(
            Record::parse(damaged).expect_err(damaged).code(),
            "store_corrupt",
            "{damaged}"
        );
    }
    let newer = Record::parse(r#"{"version":2}"#).expect_err("newer");
    assert_eq!(newer.code(), "store");
    let flat = Record::parse(r#"{"access_token":"data-key"}"#).expect("the CLI's old form");
    assert_eq!(flat.login(None), None);
    assert!(flat.to_text().contains("data-key"));
}

#[test]
fn a_login_whose_client_nobody_noted_is_not_given_to_another() {
    let text = r#"{"version":1,"orgs":{"org_1":{"control_api":{"access_token":"at","refresh_token":"rt"}}}}"#;
    let mut record = Record::parse(text).expect("good");
    record.set_client_id("new");
    assert_eq!(record.login(None).expect("there").client_id, None);
    record.apply("org_1", &tokens(None), None, None, now());
    assert_eq!(record.login(None).expect("there").client_id, None);
    record.apply("org_1", &tokens(None), Some("new"), Some(&[]), now());
    let again = record.login(None).expect("there").client_id;
    assert_eq!(again.as_deref(), Some("new"));
}

#[test]
fn the_data_key_of_the_flat_form_stays_where_the_cli_finds_it() {
    let mut record = Record::parse(r#"{"access_token":"data-key","theirs":1}"#).expect("good");
    record.set_client_id("new");
    let value: Value = serde_json::from_str(&record.to_text()).expect("JSON");
    let expected = json!({"theirs": 1, "selected_org_id": "legacy", "version": 1,
        "orgs": {"legacy": {"api_key": "data-key"}}, "client_id": "new"});
    assert_eq!(value, expected);
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_of_a_record_stays_in_memory() {
    use crate::secret::memory::Canary;
    use zeroize::Zeroizing;
    let [access, refresh, data_key] = [(); 3].map(|()| Canary::new());
    let pair = |access: &Canary, refresh: &Canary| Tokens {
        access_token: access.text().into(),
        refresh_token: Some(refresh.text().into()),
        ..tokens(None)
    };
    let canaries = [&access, &refresh, &data_key];
    {
        let mut flat = Zeroizing::new(String::with_capacity(1000));
        flat.push_str("{\"access_token\":\"");
        flat.push_str(&Zeroizing::new(data_key.text()));
        flat.push_str("\"}");
        let mut record = Record::parse(&flat).expect("the CLI's old form");
        record.apply("org_1", &pair(&access, &refresh), None, Some(&[]), now());
        record.0.insert("theirs".into(), json!("x".repeat(100_000)));
        let before = record.clone();
        record.apply("org_1", &pair(&refresh, &access), None, None, now());
        let merged = Record::merged(&before, &record, &before, &HashMap::new());
        let text = Zeroizing::new(merged.to_text());
        let mut again = Record::parse(&text).expect("good");
        drop(again.login_of("org_1"));
        again.forget("org_1");
        assert!(canaries.iter().all(|canary| canary.copies() > 0));
    }
    for canary in canaries {
        assert_eq!(canary.copies(), 0);
    }
}

#[test]
fn a_change_that_was_kept_leaves_a_siblings_claim_alone() {
    let base = Record::parse(CLI).expect("good");
    let mut ours = base.clone();
    ours.set_client_id("another");
    let mut theirs = base.clone();
    let claim = Claim {
        owner: 7,
        number: 1,
        lease: Duration::from_secs(45),
        made: Duration::from_secs(1_780_000_000),
    };
    theirs.set_claim("org_1", &claim);
    let merged = Record::merged(&base, &ours, &theirs, &HashMap::new());
    assert_eq!(merged.client_id().as_deref(), Some("another"));
    assert_eq!(merged.claim_of("org_1"), Some(claim));
}

#[test]
fn of_two_keys_made_at_once_the_stored_one_counts() {
    let base = Record::parse(r#"{"version":1,"orgs":{"org_1":{}}}"#).expect("good");
    let with = |key: &str| {
        let mut record = base.clone();
        let (app_id, id) = ("app".to_owned(), format!("id of {key}"));
        record.set_api_key("org_1", &key.into(), &KeyId { app_id, id });
        record
    };
    let (ours, theirs) = (with("ours"), with("theirs"));
    for (stored, counts) in [(&base, &ours), (&theirs, &theirs)] {
        let merged = Record::merged(&base, &ours, stored, &HashMap::new());
        assert_eq!(merged.api_key_of("org_1"), counts.api_key_of("org_1"));
        let id = merged.own_api_key_of("org_1");
        assert_eq!(id, counts.own_api_key_of("org_1"));
    }
}

#[test]
fn scopes_are_read_as_a_list_or_in_one_text() {
    for scopes in [json!(["a", "b"]), json!("a b")] {
        let mut record = Record::parse(CLI).expect("good");
        let login = record.login_mut("org_1").expect("there");
        login.insert("access_token_scopes".into(), scopes);
        assert_eq!(record.login(None).expect("there").scopes, ["a", "b"]);
    }
}

#[test]
fn debug_shows_whose_logins_there_are_and_no_more() {
    let record = Record::parse(CLI).expect("good");
    assert_eq!(format!("{record:?}"), r#"Record { orgs: ["org_1"], .. }"#);
}

#[test]
fn a_new_refresh_token_does_not_inherit_the_end_of_the_old_one() {
    let ends = |asked: Option<&[String]>, refresh_token: Option<Secret>| {
        let mut record = Record::parse(CLI).expect("good");
        let login = record.login_mut("org_1").expect("there");
        login.insert("refresh_token_expires_at".into(), json!(1_785_000_000));
        let tokens = Tokens {
            refresh_token,
            ..tokens(None)
        };
        record.apply("org_1", &tokens, None, asked, now());
        let login = record.login(None).expect("there");
        [login.refresh_expires_at, login.grant_ends_at].map(|end| end.is_some())
    };
    let new = || Some("rt2".into());
    assert_eq!(ends(None, new()), [false, true], "renewed");
    assert_eq!(
        ends(None, None),
        [true, true],
        "without a new refresh token"
    );
    assert_eq!(ends(Some(&[]), new()), [false, false], "a new login");
}

/// What can be told apart of a login.
fn pair(record: &Record, org: &str) -> Option<(String, Option<String>)> {
    let login = record.login_of(org)?;
    let token = login.refresh_token?;
    Some((token.expose().to_owned(), login.client_id))
}

#[test]
fn a_login_that_was_kept_replaces_the_one_it_was_made_from_and_no_other() {
    let base = Record::parse(CLI).expect("good");
    let with = |org: &str, token: Option<&str>| {
        let mut record = base.clone();
        record.forget(org);
        if let Some(token) = token {
            let tokens = Tokens {
                refresh_token: Some(token.into()),
                ..tokens(None)
            };
            record.apply(org, &tokens, Some("cid"), Some(&[]), now());
        }
        record
    };
    let spent = HashMap::from([("org_1".to_owned(), Secret::from("spent"))]);
    for (org, ours, theirs, counts) in [
        ("org_1", Some("ours"), Some("rt"), Some("ours")),
        ("org_1", Some("ours"), Some("theirs"), Some("theirs")),
        ("org_1", Some("ours"), Some("spent"), Some("ours")),
        ("org_1", Some("ours"), None, None),
        ("org_1", Some("rt"), Some("theirs"), Some("theirs")),
        ("org_1", Some("rt"), None, None),
        ("org_1", None, Some("rt"), None),
        ("org_1", None, Some("theirs"), Some("theirs")),
        ("org_2", Some("ours"), None, Some("ours")),
        ("org_2", Some("ours"), Some("theirs"), Some("theirs")),
    ] {
        let mut theirs_now = with(org, theirs);
        // Its logins keep the client that they were made with.
        theirs_now.set_client_id("another");
        let merged = Record::merged(&base, &with(org, ours), &theirs_now, &spent);
        let expected = counts.map(|token| (token.to_owned(), Some("cid".to_owned())));
        assert_eq!(pair(&merged, org), expected, "{org} {ours:?} {theirs:?}");
    }
}

#[test]
fn of_two_selections_the_stored_one_counts() {
    let base = Record::parse(CLI).expect("good");
    let select = |key: &str| {
        let mut record = base.clone();
        record.select(key);
        record
    };
    for (ours, theirs, counts) in [
        ("org_2", "org_1", "org_2"),
        ("org_1", "org_3", "org_3"),
        ("org_2", "org_3", "org_3"),
    ] {
        let merged = Record::merged(&base, &select(ours), &select(theirs), &HashMap::new());
        assert_eq!(merged.selected().as_deref(), Some(counts));
    }
}
