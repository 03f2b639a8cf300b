//! What is told of requests, refreshes, stores and answers, as plain objects.

use napi_derive::napi;
use parallel_account::Event;

use crate::failure::Failure;
use crate::models::milliseconds;

/// See `NativeHappened` in `ts/native.ts`.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct HappenedEvent {
    #[napi(
        ts_type = "'request:start' | 'request:end' | 'request:error' | 'retry' | 'renewed' | 'adopted' | 'failed' | 'store'"
    )]
    pub kind: &'static str,
    /// Of the request.
    pub id: Option<f64>,
    pub method: Option<String>,
    pub url: Option<String>,
    pub attempt: Option<u32>,
    pub status: Option<u16>,
    pub request_id: Option<String>,
    pub duration: Option<f64>,
    pub after: Option<f64>,
    pub organization: Option<String>,
    pub location: Option<String>,
    pub error: Option<Failure>,
}

impl From<Event> for HappenedEvent {
    #[expect(clippy::too_many_lines, reason = "a flat match of all events")]
    fn from(event: Event) -> Self {
        let of = |kind, request: &parallel_account::RequestInfo| Self {
            kind,
            #[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers")]
            id: Some(request.id as f64),
            method: Some(request.method.clone()),
            url: Some(request.url.clone()),
            attempt: Some(request.attempt),
            ..Self::default()
        };
        let refresh = |kind, organization| Self {
            kind,
            organization: Some(organization),
            ..Self::default()
        };
        match event {
            Event::RequestSent { request } => of("request:start", &request),
            Event::RequestAnswered {
                request,
                status,
                request_id,
                duration,
            } => Self {
                status: Some(status),
                request_id,
                duration: Some(milliseconds(duration)),
                ..of("request:end", &request)
            },
            Event::RequestFailed {
                request,
                error,
                duration,
            } => Self {
                duration: Some(milliseconds(duration)),
                error: Some(Failure::from(&error)),
                ..of("request:error", &request)
            },
            Event::RequestRepeated { request, after } => Self {
                after: Some(milliseconds(after)),
                ..of("retry", &request)
            },
            Event::TokenRenewed { organization } => refresh("renewed", organization),
            Event::TokenAdopted { organization } => refresh("adopted", organization),
            Event::RefreshFailed {
                organization,
                error,
            } => Self {
                error: Some(Failure::from(&error)),
                ..refresh("failed", organization)
            },
            Event::StoreFailed { location, error } => Self {
                kind: "store",
                location: Some(location),
                error: Some(Failure::from(&error)),
                ..Self::default()
            },
            Event::StoreSlow { location, duration } => Self {
                kind: "store",
                location: Some(location),
                duration: Some(milliseconds(duration)),
                ..Self::default()
            },
        }
    }
}

/// What an answer says besides its body.
#[napi(object, object_from_js = false)]
pub struct ResponseSeen {
    pub status: u16,
    pub request_id: Option<String>,
    /// Names and values by turns.
    pub headers: Vec<String>,
}

impl From<parallel_account::ResponseInfo> for ResponseSeen {
    fn from(response: parallel_account::ResponseInfo) -> Self {
        let parallel_account::ResponseInfo {
            status,
            request_id,
            headers,
        } = response;
        Self {
            status,
            request_id,
            headers: headers.into_iter().flat_map(<[String; 2]>::from).collect(),
        }
    }
}
