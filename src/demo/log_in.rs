//! A log-in of a vendor: a form that is sent to a path, and a memory for wrong passwords.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// How long an account stays closed after too many wrong passwords.
const CLOSED: Duration = Duration::from_secs(60);

/// A log-in that takes `username` and `password` as a form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FormLogIn {
    /// The path that the form is sent to.
    pub(super) path: String,
    /// Accounts with the names of their secrets.
    #[serde(default)]
    accounts: BTreeMap<String, String>,
    /// Accounts with their passwords as they are.
    #[serde(default)]
    factory: BTreeMap<String, String>,
    /// After how many wrong passwords an account is closed for a while; never, where nothing is said.
    #[serde(default)]
    patience: Option<u32>,
    #[serde(skip)]
    wrong: Mutex<BTreeMap<String, (u32, Instant)>>,
}

impl FormLogIn {
    /// The answer: status, further header fields and the page.
    pub(super) fn answer(&self, body: &[u8], secrets: &BTreeMap<String, String>) -> (u16, Vec<(&'static str, &'static str)>, &'static str) {
        let field =
            |name: &str| url::form_urlencoded::parse(body).find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap_or_default();
        let (name, password) = (field("username"), field("password"));
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = wrong.get(&name).copied().unwrap_or((0, Instant::now()));
        if self.patience.is_some_and(|patience| count >= patience) && since.elapsed() < CLOSED {
            return (429, vec![("Retry-After", "60")], "<title>Too many tries</title>");
        }
        let right = self.accounts.get(&name).and_then(|secret| secrets.get(secret)).or_else(|| self.factory.get(&name));
        if right.is_some_and(|right| *right == password) {
            wrong.remove(&name);
            return (303, vec![("Location", "/"), ("Set-Cookie", "__Host-session=[none]; Path=/; Secure; HttpOnly; SameSite=Lax")], "");
        }
        wrong.insert(name, (count + 1, Instant::now()));
        (200, Vec::new(), "<!doctype html><html lang=\"en\"><title>Log in</title><h1>Wrong name or password</h1></html>")
    }
}

impl Clone for FormLogIn {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            accounts: self.accounts.clone(),
            factory: self.factory.clone(),
            patience: self.patience,
            wrong: Mutex::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_closed_after_too_many_wrong_passwords() {
        let secrets = BTreeMap::from([("S".to_owned(), "right".to_owned())]);
        let log_in = |patience: &str| -> FormLogIn {
            serde_json::from_str(&format!(
                "{{\"path\":\"/login\",\"accounts\":{{\"a\":\"S\"}},\"factory\":{{\"admin\":\"admin\"}}{patience}}}"
            ))
            .unwrap()
        };
        let patient = log_in("");
        for _ in 0..20 {
            assert_eq!(patient.answer(b"username=a&password=x", &secrets).0, 200);
        }
        assert_eq!(patient.answer(b"username=a&password=right", &secrets).0, 303);
        assert_eq!(patient.answer(b"username=admin&password=admin", &secrets).0, 303);
        let strict = log_in(",\"patience\":2");
        let statuses: Vec<u16> = (0..3).map(|_| strict.answer(b"username=a&password=x", &secrets).0).collect();
        assert_eq!(statuses, [200, 200, 429]);
        assert_eq!(strict.answer(b"username=a&password=right", &secrets).0, 429);
        assert_eq!(strict.answer(b"username=b&password=x", &secrets).0, 200);
    }
}
