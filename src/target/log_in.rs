//! How one logs in at an endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How one logs in at an endpoint. It says where passwords would be guessed; without it, nothing is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogIn {
    /// The path that name and password are sent to, or that HTTP Basic protects.
    pub path: String,
    /// How they are sent.
    pub sent_as: LogInForm,
    /// The field of the user's name, for `form` and `json`.
    #[serde(default = "user")]
    pub user: String,
    /// The field of the password, for `form` and `json`.
    #[serde(default = "password")]
    pub password: String,
    /// The credential (scheme `basic`) of a test account that nobody depends on: it may be locked
    /// for a while. It is what shows that the log-in was understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_account: Option<String>,
}

fn user() -> String {
    "username".into()
}
fn password() -> String {
    "password".into()
}

/// How name and password are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogInForm {
    /// `Authorization: Basic` (RFC 7617), with GET.
    Basic,
    /// The fields of a form (`application/x-www-form-urlencoded`), with POST.
    Form,
    /// Members of a JSON object, with POST.
    Json,
}
