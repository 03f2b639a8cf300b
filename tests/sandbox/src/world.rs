//! The state of a sandbox: clients, device codes, grants and their tokens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::organizations::Organizations;
use crate::{Options, secrets};

/// Every scope that the service knows.
pub const SCOPES: [&str; 8] = [
    "keys:read",
    "keys:create",
    "keys:delete",
    "apps:read",
    "apps:create",
    "apps:delete",
    "balance:read",
    "balance:add",
];

/// The client that exists without registration: what Parallel's own command falls
/// back to when it cannot register.
pub(crate) const CLI_CLIENT: &str = "parallel-cli";

/// Clocks on both sides are read at different moments; a poll may be this early.
const POLL_TOLERANCE: Duration = Duration::from_millis(20);

/// Expired access tokens are swept out when there are more tokens than this.
const SWEEP_ABOVE: usize = 10_000;

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) clients: HashMap<String, String>,
    /// By user code as typed without its dash, oldest first.
    pub(crate) devices: Vec<Device>,
    pub(crate) access_tokens: HashMap<String, AccessToken>,
    pub(crate) refresh_tokens: HashMap<String, RefreshToken>,
    pub(crate) families: Vec<Family>,
    pub(crate) organizations: Organizations,
    pub(crate) task_runs: HashMap<String, TaskRun>,
    pub(crate) reuses: u64,
    pub(crate) form_key: String,
}

pub(crate) struct Device {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: DeviceState,
    pub(crate) created: Instant,
    pub(crate) expires: Instant,
    pub(crate) interval: Duration,
    pub(crate) last_poll: Option<Instant>,
    pub(crate) polls: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DeviceState {
    Pending,
    Approved { org_id: String },
    Denied,
    Expired,
    Used,
}

impl DeviceState {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved { .. } => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Used => "used",
        }
    }
}

pub(crate) struct AccessToken {
    pub(crate) org_id: Arc<str>,
    pub(crate) scopes: Arc<[String]>,
    pub(crate) expires: Instant,
}

pub(crate) struct RefreshToken {
    pub(crate) family: usize,
    pub(crate) expires: Instant,
    pub(crate) used: Option<Instant>,
}

/// All tokens that descend from one approval.
pub(crate) struct Family {
    pub(crate) client_id: String,
    pub(crate) org_id: Arc<str>,
    pub(crate) scopes: Arc<[String]>,
    pub(crate) ends: Instant,
    pub(crate) revoked: bool,
}

/// A task run of the data API.
pub(crate) struct TaskRun {
    pub(crate) org_id: String,
    pub(crate) input: String,
    pub(crate) processor: String,
    pub(crate) done: Instant,
}

/// What a token request is answered with.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) expires_in: u64,
    pub(crate) refresh_token_expires_in: u64,
    pub(crate) authorization_expires_in: u64,
    pub(crate) org_id: Arc<str>,
    pub(crate) org_name: String,
    pub(crate) scope: String,
}

/// Why no tokens are given: an error code of RFC 8628 §3.5 or RFC 6749 §5.2 and its
/// description.
pub(crate) type Denial = (&'static str, &'static str);

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let organizations = Organizations::new(&options);
        Self {
            options,
            clients: HashMap::from([(CLI_CLIENT.into(), CLI_CLIENT.into())]),
            devices: Vec::new(),
            access_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            families: Vec::new(),
            organizations,
            task_runs: HashMap::new(),
            reuses: 0,
            form_key: secrets::token("form"),
        }
    }

    pub(crate) fn register(&mut self, client_name: &str) -> String {
        let client_id = secrets::token("client");
        self.clients.insert(client_id.clone(), client_name.into());
        client_id
    }

    pub(crate) fn start_device(&mut self, client_id: String, scopes: Vec<String>) -> &Device {
        let now = Instant::now();
        self.devices.push(Device {
            device_code: secrets::token("dc"),
            user_code: secrets::user_code(),
            client_id,
            scopes,
            state: DeviceState::Pending,
            created: now,
            expires: now + Duration::from_secs_f64(self.options.expires_in),
            interval: Duration::from_secs_f64(self.options.interval),
            last_poll: None,
            polls: 0,
        });
        self.devices.last().expect("just pushed")
    }

    /// The device of a user code, its state brought up to now.
    pub(crate) fn device(&mut self, typed: &str) -> Option<&mut Device> {
        let wanted = secrets::normalized_user_code(typed);
        self.settle();
        self.devices
            .iter_mut()
            .find(|device| secrets::normalized_user_code(&device.user_code) == wanted)
    }

    /// Lets time have its effects: codes expire, or are approved by themselves.
    pub(crate) fn settle(&mut self) {
        let now = Instant::now();
        let approve_after = self.options.approve_after.map(Duration::from_secs_f64);
        let mut approved = Vec::new();
        for device in &mut self.devices {
            if device.state == DeviceState::Pending
                && approve_after.is_some_and(|after| now >= device.created + after)
            {
                approved.push(device.user_code.clone());
            }
            let open = matches!(
                device.state,
                DeviceState::Pending | DeviceState::Approved { .. }
            );
            if open && now >= device.expires {
                device.state = DeviceState::Expired;
            }
        }
        for user_code in approved {
            let org_id = self.options.org_id.clone();
            self.approve(&user_code, org_id);
        }
    }

    /// Approves a pending code for an organization, which is made if it is new.
    pub(crate) fn approve(&mut self, user_code: &str, org_id: String) {
        let starting_balance = self.options.starting_balance_cents;
        let Some(device) = self.devices.iter_mut().find(|d| d.user_code == user_code) else {
            return;
        };
        if device.state != DeviceState::Pending {
            return;
        }
        device.state = DeviceState::Approved {
            org_id: org_id.clone(),
        };
        let organization = self.organizations.ensure(&org_id, starting_balance);
        // Authorizing Parallel's own command makes the app that it puts its keys on.
        if self.clients.get(&device.client_id).map(String::as_str) == Some(CLI_CLIENT) {
            organization.ensure_app("parallel-cli Users");
        }
    }

    /// One poll of a device code (RFC 8628 §3.4).
    pub(crate) fn poll(&mut self, client_id: &str, device_code: &str) -> Result<Issued, Denial> {
        self.settle();
        let now = Instant::now();
        let step = Duration::from_secs_f64(self.options.slow_down_step);
        let device = self
            .devices
            .iter_mut()
            .find(|device| device.device_code == device_code && device.client_id == client_id)
            .ok_or((
                "invalid_grant",
                "The device code is not known to this client",
            ))?;
        device.polls += 1;
        let last_poll = device.last_poll.replace(now);
        let early = last_poll.is_some_and(|last| now + POLL_TOLERANCE < last + device.interval);
        match &device.state {
            DeviceState::Denied => Err(("access_denied", "The user denied the request")),
            DeviceState::Expired => Err(("expired_token", "The device code has expired")),
            DeviceState::Used => Err(("invalid_grant", "The device code has been used")),
            DeviceState::Pending | DeviceState::Approved { .. } if early => {
                device.interval += step;
                Err(("slow_down", "Poll less often"))
            }
            DeviceState::Pending => Err((
                "authorization_pending",
                "The user has not answered the request yet",
            )),
            DeviceState::Approved { org_id } => {
                let org_id = org_id.as_str().into();
                device.state = DeviceState::Used;
                self.families.push(Family {
                    client_id: device.client_id.clone(),
                    org_id,
                    scopes: device.scopes.clone().into(),
                    ends: now + Duration::from_secs_f64(self.options.authorization_lifetime),
                    revoked: false,
                });
                Ok(self.issue(self.families.len() - 1))
            }
        }
    }

    /// One refresh (RFC 6749 §6) with rotation: an old token revokes its family,
    /// unless it was used less than `grace` seconds ago (RFC 9700 §4.14.2).
    pub(crate) fn refresh(&mut self, token: &str, client: Option<&str>) -> Result<Issued, Denial> {
        let now = Instant::now();
        let grace = Duration::from_secs_f64(self.options.grace);
        let known = self
            .refresh_tokens
            .get_mut(token)
            .ok_or(("invalid_grant", "The refresh token is not known"))?;
        let index = known.family;
        let family = &mut self.families[index];
        if client.is_some_and(|client| client != family.client_id) {
            return Err((
                "invalid_grant",
                "The refresh token belongs to another client",
            ));
        }
        if family.revoked {
            return Err(("invalid_grant", "The grant has been revoked"));
        }
        if now >= family.ends {
            return Err(("invalid_grant", "The grant has ended"));
        }
        if known.used.is_some_and(|used| now >= used + grace) {
            family.revoked = true;
            self.reuses += 1;
            return Err((
                "invalid_grant",
                "The refresh token has been used before; its grant is revoked",
            ));
        }
        if now >= known.expires {
            return Err(("invalid_grant", "The refresh token has expired"));
        }
        known.used.get_or_insert(now);
        Ok(self.issue(index))
    }

    /// Ends the family of a token; one that is not known is fine (RFC 7009 §2.2).
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(known) = self.refresh_tokens.get(token) {
            self.families[known.family].revoked = true;
        }
    }

    fn issue(&mut self, index: usize) -> Issued {
        let now = Instant::now();
        let family = &self.families[index];
        let left = family.ends.saturating_duration_since(now);
        let life = |seconds: f64| Duration::from_secs_f64(seconds).min(left);
        let access_life = life(self.options.access_token_lifetime);
        let refresh_life = life(self.options.refresh_token_lifetime);
        if self.access_tokens.len() > SWEEP_ABOVE {
            self.access_tokens.retain(|_, token| token.expires > now);
        }
        let access_token = secrets::token("at");
        let refresh_token = secrets::token("rt");
        self.access_tokens.insert(
            access_token.clone(),
            AccessToken {
                org_id: family.org_id.clone(),
                scopes: family.scopes.clone(),
                expires: now + access_life,
            },
        );
        self.refresh_tokens.insert(
            refresh_token.clone(),
            RefreshToken {
                family: index,
                expires: now + refresh_life,
                used: None,
            },
        );
        Issued {
            access_token,
            refresh_token,
            expires_in: whole_seconds(access_life),
            refresh_token_expires_in: whole_seconds(refresh_life),
            authorization_expires_in: whole_seconds(left),
            org_name: self.organizations.name(&family.org_id),
            org_id: family.org_id.clone(),
            scope: family.scopes.join(" "),
        }
    }
}

/// Seconds as the standards write them: whole, at least 1, rounded up.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    // Microseconds, so that what was 600 s a moment ago is not 601.
    (duration.as_micros().div_ceil(1_000_000) as u64).max(1)
}
