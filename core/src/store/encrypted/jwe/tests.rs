use super::*;

const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut at = 0;
    while at < 32 {
        key[at] = at as u8;
        at += 1;
    }
    key
};
/// Written by joserfc with [`KEY`].
const FOREIGN: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiMjAyNi0xMSIsInR5cCI6IkpXRSJ9..F8ILUUtjUA_MgjoC.pEYzXkd8gbzNHGJXlC_gFTDfhlPt8eI.jYFvy3CYNmI3NrgCUDVoNg";
const RECORD: &str = r#"{"version":1,"orgs":{}}"#;

fn key() -> Key {
    Key::new(&KEY).expect("32 bytes")
}

fn with_header(header: &str) -> String {
    seal_with(&key(), &BASE64.encode(header), [7; NONCE_LEN], RECORD).expect("sealed")
}

fn refusal(text: &str) -> Refusal {
    Jwe::parse(text).err().expect("must be refused")
}

#[test]
fn what_another_library_wrote_is_read() {
    let jwe = Jwe::parse(FOREIGN).expect("a JWE");
    assert_eq!((&*jwe.key_id, &jwe.subject), ("2026-11", &None));
    assert_eq!(&**jwe.open(&key()).expect("the right key"), RECORD);
}

#[test]
fn the_same_header_and_nonce_give_what_another_library_wrote() {
    let (header, _) = FOREIGN.split_once('.').expect("a header");
    let nonce = Jwe::parse(FOREIGN).expect("a JWE").nonce;
    let sealed = seal_with(&key(), header, nonce, RECORD);
    assert_eq!(sealed.as_deref(), Some(FOREIGN));
}

/// RFC 7516 A.1 has the same content encryption, under a header that is not read here.
#[test]
fn the_content_encryption_is_that_of_the_rfc() {
    let key = Key::new(&[
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110,
        91, 112, 46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
    ]);
    let jwe = Jwe {
        key_id: String::new(),
        subject: None,
        header: "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ",
        nonce: decoded("48V1_ALb6US04U3b").expect("good").try_into().expect("12"),
        sealed: [
            decoded("5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A"),
            decoded("XFBoMYUZodetZdvTiFvSkQ"),
        ]
        .map(|part| part.expect("good"))
        .concat(),
    };
    assert_eq!(
        &**jwe.open(&key.expect("32 bytes")).expect("the RFC's key"),
        "The true sign of intelligence is not knowledge but imagination."
    );
}

#[test]
fn what_is_sealed_looks_as_documented() {
    let sealed = seal(&key(), "k\"1", Some("user-42"), RECORD).expect("sealed");
    let (header, rest) = sealed.split_once("..").expect("no encrypted key");
    assert_eq!(
        String::from_utf8(decoded(header).expect("Base64")).expect("text"),
        r#"{"alg":"dir","enc":"A256GCM","kid":"k\"1","sub":"user-42"}"#
    );
    assert_eq!(rest.split('.').count(), 3);
    let jwe = Jwe::parse(&sealed).expect("a JWE");
    assert_eq!(jwe.subject.as_deref(), Some("user-42"));
    assert_eq!(&**jwe.open(&key()).expect("the right key"), RECORD);
    assert_ne!(
        seal(&key(), "k\"1", Some("user-42"), RECORD).expect("sealed"),
        sealed,
        "each time another nonce"
    );
}

#[test]
fn no_header_chooses_another_algorithm() {
    for header in [
        r#"{"alg":"none","enc":"A256GCM","kid":"k"}"#,
        r#"{"alg":"A256KW","enc":"A256GCM","kid":"k"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","kid":"k","p2c":2147483647,"p2s":"AA"}"#,
        r#"{"alg":"dir","enc":"A128GCM","kid":"k"}"#,
        r#"{"alg":"dir","enc":"A128CBC-HS256","kid":"k"}"#,
        r#"{"alg":"DIR","enc":"A256GCM","kid":"k"}"#,
        r#"{"alg":"dir","enc":"A256GCM","kid":"k","zip":"DEF"}"#,
        r#"{"alg":"dir","enc":"A256GCM","kid":"k","crit":["exp"],"exp":1}"#,
    ] {
        assert_eq!(
            refusal(&with_header(header)),
            Refusal::Unsupported,
            "{header}"
        );
    }
    let known = r#"{"typ":"JWE","cty":"json","x":{"y":[1]},"kid":"k","enc":"A256GCM","alg":"dir"}"#;
    let text = with_header(known);
    assert!(Jwe::parse(&text).expect("harmless").open(&key()).is_some());
}

#[test]
fn what_is_no_such_jwe_is_refused() {
    for header in [
        "",
        "null",
        "[]",
        "{",
        r#"{"alg":"dir","enc":"A256GCM","kid":"k","alg":"dir"}"#,
        r#"{"alg":"dir","enc":"A256GCM","kid":"k","kid":"l"}"#,
        r#"{"alg":"dir","enc":"A256GCM","kid":7}"#,
        r#"{"alg":"dir","enc":"A256GCM","kid":"k","sub":7}"#,
        r#"{"alg":["dir"],"enc":"A256GCM","kid":"k"}"#,
        r#"{"alg":"dir","kid":"k"}"#,
    ] {
        assert_eq!(
            refusal(&with_header(header)),
            Refusal::Malformed,
            "{header}"
        );
    }
    let no_key = with_header(r#"{"alg":"dir","enc":"A256GCM"}"#);
    assert_eq!(refusal(&no_key), Refusal::NoKeyId);
    let parts: Vec<_> = FOREIGN.split('.').collect();
    let changed = |at: usize, part: &str| {
        let mut parts = parts.clone();
        parts[at] = part;
        parts.join(".")
    };
    for text in [
        String::new(),
        "....".into(),
        RECORD.into(),
        parts[..4].join("."),
        format!("{FOREIGN}."),
        format!("{FOREIGN}\n"),
        format!(" {FOREIGN}"),
        changed(1, "AAAA"),
        changed(2, "F8ILUUtjUA_MgjoCAA"),
        changed(2, ""),
        changed(3, "pEY*"),
        // Padding, the other alphabet, and bits that no byte has.
        changed(4, "jYFvy3CYNmI3NrgCUDVoNg=="),
        changed(3, "pEYzXkd8gbzNHGJXlC/gFTDfhlPt8eI"),
        changed(4, "jYFvy3CYNmI3NrgCUDVoNh"),
        // A tag that is cut short would be easy to guess.
        changed(4, "jYFv"),
        changed(4, ""),
    ] {
        assert_eq!(refusal(&text), Refusal::Malformed, "{text}");
    }
    assert_eq!(refusal(&"a".repeat(LONGEST)), Refusal::Malformed);
    assert_eq!(refusal(&"a".repeat(LONGEST + 1)), Refusal::TooLong);
}

#[test]
fn a_change_anywhere_is_noticed() {
    for (at, byte) in FOREIGN
        .bytes()
        .enumerate()
        .filter(|(_, byte)| *byte != b'.')
    {
        let mut text = FOREIGN.as_bytes().to_vec();
        text[at] = if byte == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(text).expect("ASCII");
        let opened = Jwe::parse(&text).ok().and_then(|jwe| jwe.open(&key()));
        assert!(opened.is_none(), "byte {at}");
    }
    let other = Key::new(&[7; 32]).expect("32 bytes");
    assert!(Jwe::parse(FOREIGN).expect("a JWE").open(&other).is_none());
}

#[test]
fn what_is_no_text_is_no_record() {
    let mut bytes = vec![0xff, 0xfe];
    let header = BASE64.encode(r#"{"alg":"dir","enc":"A256GCM","kid":"k"}"#);
    let tag = key()
        .0
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key([7; NONCE_LEN]),
            Aad::from(header.as_bytes()),
            &mut bytes,
        )
        .expect("sealed");
    let [nonce, ciphertext, tag] =
        [&[7; NONCE_LEN], &*bytes, tag.as_ref()].map(|part| BASE64.encode(part));
    let text = format!("{header}..{nonce}.{ciphertext}.{tag}");
    assert!(Jwe::parse(&text).expect("a JWE").open(&key()).is_none());
}
