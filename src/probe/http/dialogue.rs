//! Questions over HTTP at the door: admitted by the scope, asked once, recorded without secrets.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::client::{Answer, Idle, Question, Stream};
use super::{AfterStop, Bytes, ConnectionFacts, CredentialUse, Exchange, Request, SentRequest, Timing, Trail, Withholding, client, record};
use crate::probe::connection::millis;
use crate::probe::credential::{Credential, Shown};
use crate::probe::journal::utc_now;
use crate::probe::limits::RESERVE;
use crate::probe::{AddressClass, Door, Endpoint, Origin, ProbeError, Refusal, TlsFacts};
use crate::verdict::Untrusted;

impl Door {
    /// Asks a question over HTTP, or remembers the answer if it was asked before in this run.
    /// Redirects are not followed.
    ///
    /// # Errors
    ///
    /// When there is no answer that begins as HTTP does. An answer that is odd, cut short or too
    /// large is an [`Exchange`].
    pub async fn ask(&self, request: &Request) -> Result<Arc<Exchange>, ProbeError> {
        self.remembered(request, 0).await
    }

    /// Asks a question over HTTP even if it was asked before, and does not remember the answer.
    pub async fn ask_again(&self, request: &Request) -> Result<Arc<Exchange>, ProbeError> {
        self.exchange(request, 0).await.map(Arc::new)
    }

    /// Follows the redirect of an answer: one hop, within the scope, and with the credential only if
    /// the origin stays the same.
    pub async fn follow(&self, exchange: &Exchange) -> Result<Arc<Exchange>, ProbeError> {
        let request = exchange.asked.as_deref().ok_or_else(|| ProbeError::misuse("only an answer of this run can be followed"))?;
        let location = record::location(&exchange.response).ok_or_else(|| ProbeError::misuse("the answer is no redirect"))?;
        let from = request.parsed_url()?;
        let Ok(to) = from.join(location) else {
            return Err(self.refuse(location, &request.purpose, Refusal::Unreadable));
        };
        if exchange.hops >= self.limits.redirects {
            return Err(ProbeError::TooManyRedirects { url: Untrusted::new(to.as_str()), limit: self.limits.redirects });
        }
        let mut next = request.clone();
        let same_origin = Origin::of(&from).ok() == Origin::of(&to).ok();
        next.url = to.into();
        let becomes_get = match exchange.response.status {
            303 => next.method != "HEAD",
            301 | 302 => next.method == "POST",
            _ => false,
        };
        if becomes_get {
            next.method = "GET".to_owned();
            next.body = None;
            next.log_in = None;
            next.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
        }
        if !same_origin {
            // A credential stays behind by its own origin; what a caller wrote into fields may be as secret.
            next.headers
                .retain(|(name, _)| ["accept", "accept-language", "content-type"].iter().any(|keep| name.eq_ignore_ascii_case(keep)));
        }
        self.remembered(&next, exchange.hops + 1).await
    }

    /// Asks a question and follows its redirects to their end, to the limit, or to the edge of the
    /// scope. An error is only that of the first question.
    pub async fn ask_and_follow(&self, request: &Request) -> Result<Trail, ProbeError> {
        let mut exchanges = vec![self.ask(request).await?];
        let stopped = loop {
            let Some(last) = exchanges.last().filter(|last| last.redirect.is_some()).cloned() else { break None };
            match self.follow(&last).await {
                // What was asked before is remembered, so a circle leads to the very same answer.
                Ok(next) if exchanges.iter().any(|earlier| Arc::ptr_eq(earlier, &next)) => {
                    break Some(ProbeError::RedirectLoop { url: Untrusted::new(&next.request.url) });
                }
                // The hops of a remembered answer may be fewer than those that led here.
                Ok(next) if exchanges.len() > self.limits.redirects as usize => {
                    break Some(ProbeError::TooManyRedirects { url: Untrusted::new(&next.request.url), limit: self.limits.redirects });
                }
                Ok(next) => exchanges.push(next),
                Err(error) => break Some(error),
            }
        };
        Ok(Trail { exchanges, stopped })
    }

    async fn remembered(&self, request: &Request, hops: u32) -> Result<Arc<Exchange>, ProbeError> {
        self.memory.once(&request.key(), || self.exchange(request, hops)).await
    }

    /// One exchange: admits, waits its turn, connects or uses an open connection, asks, records.
    async fn exchange(&self, request: &Request, hops: u32) -> Result<Exchange, ProbeError> {
        let url = request.parsed_url().map_err(|error| self.clean(error))?;
        let purpose = self.redactor.text(&request.purpose);
        let origin = match url.scheme() {
            "http" | "https" => Origin::of(&url),
            other => Err(Refusal::Scheme { scheme: Untrusted::new(other) }),
        };
        let origin = origin.map_err(|refusal| self.refuse(url.as_str(), &purpose, refusal))?;
        let endpoint = self.scope.endpoint(&origin).map_err(|refusal| self.refuse(url.as_str(), &purpose, refusal))?;
        let credential = match &request.credential {
            None => None,
            Some(name) => Some(self.credentials.get(name).ok_or_else(|| ProbeError::MissingCredential { name: self.redactor.text(name) })?),
        };
        let run_end = self.end_for(request.after_stop)?;
        let mut permit = self.enter(&origin, run_end).await?;
        let time = utc_now();
        let allowed = Duration::from_millis(request.deadline_ms.unwrap_or(self.limits.exchange_ms));
        let deadline = run_end.of_exchange(allowed);
        let reserve = if request.after_stop == AfterStop::Asked { RESERVE } else { 0 };
        let mut timing = Timing::default();
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let idle = idle.filter(|idle| request.is_idempotent() && idle.origin == origin && idle.stream.connection().is_usable());
        if let Some(mut idle) = idle {
            self.pace(idle.stream.connection().remote().ip(), deadline).await?;
            idle.stream.connection_mut().wake(&purpose, deadline, permit);
            let (question, sent) =
                self.question(request, &url, endpoint, credential, idle.tls.as_ref(), idle.stream.connection().remote().ip());
            match client::ask(&mut idle.stream, &question, &self.redactor).await {
                Ok(answer) => {
                    let context = Context { request, url: &url, origin: &origin, purpose, time, timing, hops, reused: true, sent };
                    return Ok(self.record(context, answer, idle.stream, idle.tls).await);
                }
                Err(trouble) if trouble.nothing_came => {
                    // It had been closed while it waited; that says nothing about the target.
                    match idle.stream.connection_mut().forget_use() {
                        Some(back) => permit = back,
                        None => return Err(ProbeError::bug("a connection was used without a permit")),
                    }
                }
                Err(trouble) => {
                    idle.stream.connection_mut().note(trouble.error.clone());
                    return Err(trouble.error);
                }
            }
        }
        let connection = self.dial(&origin, &purpose, deadline, permit, reserve).await?;
        timing.connect_ms = Some(millis(connection.opened_in()));
        let (mut stream, tls) = if origin.is_secure() {
            let started = Instant::now();
            let secured = self.secure(&origin, connection, &[b"http/1.1"]).await?;
            timing.tls_ms = Some(millis(started.elapsed()));
            (Stream::Tls(Box::new(secured.stream)), Some(secured.facts))
        } else {
            (Stream::Plain(Box::new(connection)), None)
        };
        let (question, sent) = self.question(request, &url, endpoint, credential, tls.as_ref(), stream.connection().remote().ip());
        match client::ask(&mut stream, &question, &self.redactor).await {
            Ok(answer) => {
                let context = Context { request, url: &url, origin: &origin, purpose, time, timing, hops, reused: false, sent };
                Ok(self.record(context, answer, stream, tls).await)
            }
            Err(trouble) => {
                stream.connection_mut().note(trouble.error.clone());
                Err(trouble.error)
            }
        }
    }

    /// Writes the question as it goes over the wire, and as it is recorded.
    fn question<'a>(
        &self,
        request: &'a Request,
        url: &Url,
        endpoint: &Endpoint,
        credential: Option<&Credential>,
        tls: Option<&TlsFacts>,
        address: IpAddr,
    ) -> (Question<'a>, SentRequest) {
        // A value that stands in for a secret may be seen by anybody.
        let withheld =
            credential.filter(|_| request.stand_in.is_none()).and_then(|credential| withholding(credential, endpoint, tls, address));
        let shown = credential.filter(|_| withheld.is_none());
        let mut fields = vec![
            ("Host".to_owned(), host_field(url)),
            ("User-Agent".to_owned(), self.user_agent.clone()),
            ("Accept-Encoding".to_owned(), if request.gzip { "gzip" } else { "identity" }.to_owned()),
            ("Connection".to_owned(), if request.keep_alive { "keep-alive" } else { "close" }.to_owned()),
        ];
        if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            fields.push(("Accept".to_owned(), "*/*".to_owned()));
        }
        let body = match (&request.log_in, shown) {
            (Some(log_in), Some(credential)) => credential.in_body(log_in).map(Cow::Owned),
            (Some(_), None) | (None, _) => request.body.as_deref().map(Cow::Borrowed),
        };
        if let Some(body) = &body {
            fields.push(("Content-Length".to_owned(), body.len().to_string()));
        } else if matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
            fields.push(("Content-Length".to_owned(), "0".to_owned()));
        }
        fields.extend(request.headers.iter().cloned());
        let mut wire_url = url.clone();
        let mut shown_url = url.clone();
        let mut secret_field = None;
        if let Some(credential) = shown.filter(|_| request.log_in.is_none()) {
            match request.stand_in.as_deref().map_or_else(|| credential.show(), |value| credential.stand_in(value)) {
                Shown::Field(name, value) => {
                    fields.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
                    secret_field = Some(name.clone());
                    fields.push((name, value));
                }
                Shown::Query(name, value) => {
                    wire_url.query_pairs_mut().append_pair(&name, &value);
                    shown_url.query_pairs_mut().append_pair(&name, "redacted");
                }
            }
        }
        let mut target = wire_url.path().to_owned();
        if let Some(query) = wire_url.query() {
            target.push('?');
            target.push_str(query);
        }
        let mut head = format!("{} {target} HTTP/1.1\r\n", request.method);
        for (name, value) in &fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let sent = SentRequest {
            method: request.method.clone(),
            url: self.redactor.text(shown_url.as_str()),
            headers: record::request_fields(&fields, secret_field.as_deref(), &self.redactor),
            body: body.as_ref().map(|body| Bytes(self.redactor.bytes(body))),
            credential: match (credential, withheld) {
                (None, _) => CredentialUse::None,
                (Some(c), None) => CredentialUse::Sent { name: self.redactor.text(&c.name) },
                (Some(c), Some(reason)) => CredentialUse::Withheld { name: self.redactor.text(&c.name), reason },
            },
        };
        let question = Question {
            method: &request.method,
            head: head.into_bytes(),
            body,
            gzip: request.gzip,
            most_body: self.limits.body_cap(request.max_body),
            most_head: self.limits.header_bytes as usize,
            most_fields: self.limits.headers as usize,
            ratio: self.limits.decompression_ratio,
        };
        (question, sent)
    }

    /// Records an exchange, and keeps or closes its connection.
    async fn record(&self, context: Context<'_>, answer: Answer, mut stream: Stream, tls: Option<TlsFacts>) -> Exchange {
        let Context { request, url, origin, purpose, time, timing, hops, reused, sent } = context;
        let timing = Timing { first_byte_ms: millis(answer.first_byte), total_ms: millis(answer.total), ..timing };
        let facts = ConnectionFacts {
            remote: stream.connection().remote(),
            local: stream.connection().local(),
            reused,
            tls: tls.clone().map(|facts| self.clean_facts(facts)),
        };
        if request.keep_alive && answer.reusable {
            stream.connection_mut().rest();
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(Idle { origin: origin.clone(), stream, tls });
        } else {
            stream.close().await;
            drop(stream);
        }
        let response = record::response(answer, self.limits.headers as usize, &self.redactor);
        let exchange = Exchange {
            id: format!("x{}", self.count.fetch_add(1, Ordering::Relaxed) + 1),
            purpose,
            time,
            redirect: record::redirect(&response, url, &self.scope),
            request: sent,
            response,
            timing,
            connection: facts,
            hops,
            asked: Some(Box::new(request.clone())),
        };
        (self.exchanges)(&exchange);
        exchange
    }

    fn clean_facts(&self, mut facts: TlsFacts) -> TlsFacts {
        facts.detail = facts.detail.map(|text| Untrusted::new(&self.redactor.text(text.as_str())));
        facts
    }
}

/// What an exchange is recorded with, beside the answer.
struct Context<'a> {
    request: &'a Request,
    url: &'a Url,
    origin: &'a Origin,
    purpose: String,
    time: String,
    timing: Timing,
    hops: u32,
    reused: bool,
    sent: SentRequest,
}

/// Why a credential is not shown on this connection, if it is not.
fn withholding(credential: &Credential, endpoint: &Endpoint, tls: Option<&TlsFacts>, address: IpAddr) -> Option<Withholding> {
    if credential.origin != endpoint.origin {
        return Some(Withholding::OtherOrigin);
    }
    match tls {
        _ if endpoint.trust_unverified => None,
        Some(facts) if facts.is_vouched_for() => None,
        Some(_) => Some(Withholding::NotVerified),
        // Nobody else listens on the way to this machine itself.
        None if AddressClass::of(address) == AddressClass::Loopback => None,
        None => Some(Withholding::NotEncrypted),
    }
}

/// The value of `Host` (RFC 9110, section 7.2): the port only where it is not the scheme's own.
fn host_field(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{CredentialKind, Secret};

    #[test]
    fn a_credential_is_shown_only_where_somebody_vouches_for_the_other_side() {
        let origin = Origin::parse("http://vendor.example").unwrap();
        let other = Origin::parse("http://vendor.example:8080").unwrap();
        let secret = Secret::new("secret");
        let credential = Credential { name: "main".to_owned(), origin: origin.clone(), kind: CredentialKind::Bearer, secret };
        let (public, loopback) = ("1.1.1.1".parse().unwrap(), "127.0.0.1".parse().unwrap());
        let endpoint = Endpoint::new(origin);
        assert_eq!(withholding(&credential, &endpoint, None, public), Some(Withholding::NotEncrypted));
        assert_eq!(withholding(&credential, &endpoint, None, loopback), None);
        let trusting = Endpoint { trust_unverified: true, ..endpoint };
        assert_eq!(withholding(&credential, &trusting, None, public), None);
        let elsewhere = Endpoint { trust_unverified: true, ..Endpoint::new(other) };
        assert_eq!(withholding(&credential, &elsewhere, None, loopback), Some(Withholding::OtherOrigin));
    }
}
