//! What users open.

use parallel_account::DeviceLogin;

/// The link with the code in it, where there is one.
pub(super) fn link(login: &DeviceLogin) -> &str {
    login
        .verification_uri_complete()
        .unwrap_or(login.verification_uri())
}
