//! Organizations: balance, apps, keys.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Options, secrets};

/// The person who approves everything here.
const USER_ID: &str = "user_sandbox";
const USER_EMAIL: &str = "developer@sandbox.example";

pub(crate) struct Organizations(BTreeMap<String, Organization>);

#[derive(Default)]
pub(crate) struct Organization {
    pub(crate) name: String,
    pub(crate) credit_balance_cents: f64,
    pub(crate) pending_debit_balance_cents: f64,
    pub(crate) will_invoice: bool,
    pub(crate) card_declined: bool,
    pub(crate) keys_forbidden: bool,
    pub(crate) raw_api_key_withheld: bool,
    pub(crate) apps: Vec<App>,
    /// How many keys were deleted, by themselves or with their app.
    pub(crate) keys_deleted: u64,
    /// Amounts charged, by idempotency key.
    pub(crate) charges: HashMap<String, i64>,
}

pub(crate) struct App {
    pub(crate) app_id: String,
    pub(crate) app_name: String,
    pub(crate) keys: Vec<Key>,
}

pub(crate) struct Key {
    pub(crate) api_key_id: String,
    pub(crate) api_key_name: String,
    pub(crate) raw_api_key: String,
    pub(crate) created_at: u64,
}

impl Key {
    pub(crate) fn created_by() -> (&'static str, &'static str) {
        (USER_ID, USER_EMAIL)
    }

    /// What may be shown of the key after its creation.
    pub(crate) fn display_value(&self) -> String {
        let end = self.raw_api_key.len() - 4;
        format!("psk_…{}", &self.raw_api_key[end..])
    }
}

impl Organizations {
    pub(crate) fn new(options: &Options) -> Self {
        let first = Organization {
            name: options.org_name.clone(),
            credit_balance_cents: options.starting_balance_cents,
            ..Organization::default()
        };
        Self(BTreeMap::from([(options.org_id.clone(), first)]))
    }

    pub(crate) fn ensure(&mut self, org_id: &str, starting_balance: f64) -> &mut Organization {
        self.0
            .entry(org_id.to_owned())
            .or_insert_with(|| Organization {
                name: org_id.to_owned(),
                credit_balance_cents: starting_balance,
                ..Organization::default()
            })
    }

    pub(crate) fn get_mut(&mut self, org_id: &str) -> Option<&mut Organization> {
        self.0.get_mut(org_id)
    }

    pub(crate) fn name(&self, org_id: &str) -> String {
        self.0
            .get(org_id)
            .map_or_else(|| org_id.to_owned(), |o| o.name.clone())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Organization> {
        self.0.values_mut()
    }

    /// Whose key this is, as long as it is not deleted.
    pub(crate) fn owner_of_key(&self, raw_api_key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(_, organization)| {
                organization
                    .keys()
                    .any(|(_, key)| key.raw_api_key == raw_api_key)
            })
            .map(|(org_id, _)| org_id.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Organization)> {
        self.0.iter()
    }
}

/// What a charge came to.
pub(crate) enum Charge {
    Done,
    Declined,
    InvoiceOnly,
    OtherAmount,
}

impl Organization {
    /// Charges the card once per idempotency key.
    pub(crate) fn charge(&mut self, amount_cents: i64, idempotency_key: &str) -> Charge {
        if self.will_invoice {
            return Charge::InvoiceOnly;
        }
        match self.charges.get(idempotency_key) {
            Some(amount) if *amount == amount_cents => return Charge::Done,
            Some(_) => return Charge::OtherAmount,
            None if self.card_declined => return Charge::Declined,
            None => {}
        }
        self.charges.insert(idempotency_key.into(), amount_cents);
        self.credit_balance_cents += amount_cents as f64;
        Charge::Done
    }

    pub(crate) fn create_app(&mut self, app_name: &str) -> &App {
        self.apps.push(App {
            app_id: secrets::uuid(),
            app_name: app_name.into(),
            keys: Vec::new(),
        });
        self.apps.last().expect("just pushed")
    }

    pub(crate) fn ensure_app(&mut self, app_name: &str) {
        if !self.apps.iter().any(|app| app.app_name == app_name) {
            self.create_app(app_name);
        }
    }

    pub(crate) fn app_mut(&mut self, app_id: &str) -> Option<&mut App> {
        self.apps.iter_mut().find(|app| app.app_id == app_id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (&App, &Key)> {
        self.apps
            .iter()
            .flat_map(|app| app.keys.iter().map(move |key| (app, key)))
    }

    /// Deletes apps with their keys, and says how many.
    pub(crate) fn delete_apps(&mut self, meant: impl Fn(&App) -> bool) -> usize {
        let before = self.apps.len();
        let gone = self.apps.iter().filter(|app| meant(app));
        self.keys_deleted += gone.map(|app| app.keys.len() as u64).sum::<u64>();
        self.apps.retain(|app| !meant(app));
        before - self.apps.len()
    }

    /// Deletes keys, and says how many.
    pub(crate) fn delete_keys(&mut self, meant: impl Fn(&str, &Key) -> bool) -> usize {
        let before = self.keys().count();
        for app in &mut self.apps {
            app.keys.retain(|key| !meant(&app.app_id, key));
        }
        let deleted = before - self.keys().count();
        self.keys_deleted += deleted as u64;
        deleted
    }
}

impl App {
    pub(crate) fn create_key(&mut self, api_key_name: &str) -> &Key {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.keys.push(Key {
            api_key_id: secrets::uuid(),
            api_key_name: api_key_name.into(),
            raw_api_key: secrets::token("psk"),
            created_at: now.as_secs(),
        });
        self.keys.last().expect("just pushed")
    }
}
