//! The plan as it would go if the service did everything that is documented.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Plan, PlanOptions, PlannedRequest, Purpose, Untested};
use crate::api::description::{Description, Direction, Media, ResponseKey};
use crate::api::exchange::{ApiExchange, ApiResponse, is_json};
use crate::api::generate::{Maker, Variant};

/// What would be sent, and what would not be tested. Nothing is sent: answers are imagined from the
/// description, so ids in addresses stand for those that the service will give, and steps that only
/// follow from a fault are not among them.
pub fn rehearse(description: &Description, options: &PlanOptions) -> (Vec<PlannedRequest>, Vec<Untested>) {
    let mut plan = Plan::new(description, options);
    let mut planned: Vec<PlannedRequest> = Vec::new();
    let mut last: Option<ApiExchange> = None;
    while let Some(request) = plan.next(last.as_ref()) {
        last = Some(imagined(description, &request, planned.len()));
        planned.push(request);
    }
    let untested = plan.untested().cloned().collect();
    (planned, untested)
}

/// The answer of a service that does what it should.
fn imagined(description: &Description, request: &PlannedRequest, serial: usize) -> ApiExchange {
    let operation = description.operation(&request.operation);
    let gone = matches!(request.purpose, Purpose::ReadDeleted | Purpose::UseDeleted | Purpose::DeleteAgain | Purpose::UnknownId);
    let wanted = if gone {
        Some(404)
    } else if matches!(request.purpose, Purpose::NoCredential | Purpose::WrongCredential) {
        Some(401)
    } else if matches!(request.purpose, Purpose::OtherMethod { .. }) {
        Some(405)
    } else {
        (!request.purpose.is_valid()).then_some(400)
    };
    let success = operation.and_then(|o| {
        o.responses.iter().find(|r| matches!(r.key, ResponseKey::Code(200..=299) | ResponseKey::Range(2))).map(|r| match r.key {
            ResponseKey::Code(code) => (code, r),
            ResponseKey::Range(_) | ResponseKey::Default => (200, r),
        })
    });
    let mut response = ApiResponse { status: wanted.unwrap_or_else(|| success.map_or(200, |(code, _)| code)), ..ApiResponse::default() };
    if wanted.is_none()
        && let Some(media) = success.and_then(|(_, r)| r.content.iter().find(|m| is_json(&m.media_type)))
    {
        response.headers.push(("Content-Type".into(), media.media_type.clone()));
        response.body = body(description, media, serial).map(|v| v.to_string().into_bytes()).unwrap_or_default();
    }
    ApiExchange { id: request.id.clone(), response: Some(response), ..ApiExchange::default() }
}

fn body(description: &Description, media: &Media, serial: usize) -> Option<Value> {
    let schema = media.schema.clone()?;
    let known = BTreeMap::new();
    Maker { description, known: &known, serial, choice: serial, direction: Direction::Response }.make(&[schema], Variant::Typical)
}

impl PlannedRequest {
    /// The request in one line: effect, method, address, why, what is expected.
    pub fn line(&self) -> String {
        let effect = self.effect.as_str();
        let credential = self.secrets.first().map_or_else(String::new, |s| format!(" with ${}", s.secret));
        format!("{effect:8} {:7} {}{credential}: {}; expects {}", self.method, self.url, self.why, self.expects())
    }
}
