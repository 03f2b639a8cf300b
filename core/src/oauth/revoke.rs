//! Step 6: revoke a refresh token. The field is `refresh_token`, not RFC 7009's `token`.

use super::Platform;
use crate::{
    Result, response,
    transport::{Body, Repeat},
};

impl Platform {
    pub(crate) async fn revoke(&self, refresh_token: &str) -> Result<()> {
        let body = Body::form(&[("refresh_token", refresh_token)]);
        let answer = self
            .post("/getServiceKeys/token/revoke", body, Repeat::Always)
            .await?;
        match answer.status {
            200..300 => Ok(()),
            _ => Err(response::refusal(
                &answer,
                "revoking the login",
                &[refresh_token],
            )),
        }
    }
}
