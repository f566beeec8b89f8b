//! Secrets, each bound to the one origin it may be shown to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ProbeError;
use super::http::LogInBody;
use super::scope::Origin;

/// The shortest secret, in bytes, that [`crate::verdict::Redactor`] can find again in a text.
const SHORTEST_SECRET: usize = 4;

/// A secret value. It can be neither printed nor serialised, because it has no way to be: no `Debug`,
/// no `Display`, no `Serialize`. Only this module's parent reads it, at the moment of sending.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// How a credential is shown to its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// `Authorization: Bearer …` (RFC 6750, section 2.1).
    Bearer,
    /// `Authorization: Basic …` (RFC 7617); the secret is the password.
    Basic {
        /// The user name.
        user: String,
    },
    /// A header field of the vendor's own.
    Header {
        /// The field's name.
        name: String,
    },
    /// A parameter of the query.
    Query {
        /// The parameter's name.
        name: String,
    },
}

/// A secret with its name, its form and the one origin that may see it.
#[derive(Clone)]
pub struct Credential {
    /// The name by which requests ask for it. Names are not secret and are recorded.
    pub name: String,
    /// The only origin it is ever sent to: scheme, host and port compared as parsed, never as text.
    pub origin: Origin,
    /// How it is shown.
    pub kind: CredentialKind,
    /// The value.
    pub secret: Secret,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("name", &self.name)
            .field("origin", &self.origin)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// What must never be written: the secret, and what it becomes together with a user name.
    pub(crate) fn needles(&self) -> Vec<String> {
        let mut needles = vec![self.secret.0.clone()];
        if let CredentialKind::Basic { user } = &self.kind {
            needles.push(format!("{user}:{}", self.secret.0));
        }
        needles
    }

    /// The credential as it is sent.
    pub(crate) fn show(&self) -> Shown {
        let secret = self.secret.expose();
        match &self.kind {
            CredentialKind::Bearer => Shown::Field("Authorization".to_owned(), format!("Bearer {secret}")),
            CredentialKind::Basic { user } => {
                Shown::Field("Authorization".to_owned(), format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))))
            }
            CredentialKind::Header { name } => Shown::Field(name.clone(), secret.to_owned()),
            CredentialKind::Query { name } => Shown::Query(name.clone(), secret.to_owned()),
        }
    }

    /// The credential with another value in the secret's place, for requests that must be refused. What is
    /// not secret stays: the user's name, a scheme before the value, the name of each cookie.
    pub(crate) fn stand_in(&self, value: &str) -> Shown {
        match &self.kind {
            CredentialKind::Header { name } if name.eq_ignore_ascii_case("cookie") => {
                let pair = |pair: &str| match pair.split_once('=') {
                    Some((name, _)) => format!("{}={value}", name.trim()),
                    None => value.to_owned(),
                };
                let cookies: Vec<String> = self.secret.expose().split(';').map(pair).collect();
                Shown::Field(name.clone(), cookies.join("; "))
            }
            CredentialKind::Header { name } => match self.secret.expose().split_once(' ') {
                Some((scheme, _)) => Shown::Field(name.clone(), format!("{scheme} {value}")),
                None => Shown::Field(name.clone(), value.to_owned()),
            },
            CredentialKind::Bearer | CredentialKind::Basic { .. } | CredentialKind::Query { .. } => {
                Self { secret: Secret::new(value), ..self.clone() }.show()
            }
        }
    }

    /// The credential as the body of a log-in; nothing where it has no user name.
    pub(crate) fn in_body(&self, log_in: &LogInBody) -> Option<Vec<u8>> {
        match &self.kind {
            CredentialKind::Basic { user } => Some(log_in.write(user, self.secret.expose())),
            CredentialKind::Bearer | CredentialKind::Header { .. } | CredentialKind::Query { .. } => None,
        }
    }

    /// Refuses what could not be sent, or not without breaking the request apart. Says nothing of the value.
    pub(crate) fn check(&self) -> Result<(), ProbeError> {
        let wrong = |why: &str| Err(ProbeError::UnusableCredential { name: self.name.clone(), why: why.to_owned() });
        let value = self.secret.expose();
        if value.is_empty() {
            return wrong("is empty");
        }
        if value.len() < SHORTEST_SECRET {
            return wrong("is shorter than four bytes: so short a secret cannot be kept out of what is written");
        }
        if value.chars().any(|c| c.is_control()) && !matches!(self.kind, CredentialKind::Query { .. } | CredentialKind::Basic { .. }) {
            return wrong("holds a control character, such as a line break at its end");
        }
        match &self.kind {
            CredentialKind::Header { name } if name.is_empty() || !name.bytes().all(super::http::is_token_byte) => {
                wrong("names a header field that cannot be")
            }
            CredentialKind::Basic { user } if user.contains(':') => wrong("has a user name with a colon"),
            CredentialKind::Bearer | CredentialKind::Basic { .. } | CredentialKind::Header { .. } | CredentialKind::Query { .. } => Ok(()),
        }
    }
}

/// Where in a request a credential goes. Holds the secret: never kept, never printed.
pub(crate) enum Shown {
    /// A header field and its value.
    Field(String, String),
    /// A parameter of the query and its value.
    Query(String, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_takes_the_secrets_place_and_keeps_the_rest() {
        let shown = |kind: CredentialKind, secret: &str| {
            let origin = Origin::parse("https://a.test").unwrap();
            let credential = Credential { name: "c".into(), origin, kind, secret: Secret::new(secret) };
            match credential.stand_in("other") {
                Shown::Field(name, value) => format!("{name}: {value}"),
                Shown::Query(name, value) => format!("?{name}={value}"),
            }
        };
        let header = |name: &str| CredentialKind::Header { name: name.into() };
        assert_eq!(shown(CredentialKind::Bearer, "secret"), "Authorization: Bearer other");
        assert_eq!(shown(header("X-API-Key"), "secret"), "X-API-Key: other");
        assert_eq!(shown(header("Authorization"), "ApiKey secret"), "Authorization: ApiKey other");
        assert_eq!(shown(header("Cookie"), "sid=secret; b=secret2"), "Cookie: sid=other; b=other");
        assert_eq!(shown(CredentialKind::Query { name: "key".into() }, "secret"), "?key=other");
        assert_eq!(
            shown(CredentialKind::Basic { user: "u".into() }, "secret"),
            format!("Authorization: Basic {}", STANDARD.encode("u:other"))
        );
    }
}
