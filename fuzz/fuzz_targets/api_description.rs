//! Any bytes as an API description: reading, every rule, and the plan against a service that answers
//! with the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::api::description::Description;
use probity::api::exchange::{ApiExchange, ApiResponse};
use probity::api::lint::{Choice, LintParameters, RULES, judge};
use probity::api::oracle::{self, JudgeOptions};
use probity::api::plan::{Plan, PlanOptions};
use probity::document::Source;
use probity::verdict::Severity;

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = Source::read("openapi.json", bytes) else { return };
    let Ok(description) = Description::read(source, Vec::new()) else { return };
    let all: Vec<Choice> = RULES.iter().map(|r| Choice { rule: r.name.into(), severity: Severity::Error }).collect();
    let _ = judge(&description, &all, &LintParameters::default());
    let options = PlanOptions { base: "http://h".into(), writes: true, wrong: true, max_requests: 50, ..PlanOptions::default() };
    let mut plan = Plan::new(&description, &options);
    let mut exchanges: Vec<ApiExchange> = Vec::new();
    while let Some(planned) = plan.next(exchanges.last()) {
        let response = Some(ApiResponse { status: 200 + (exchanges.len() % 4) as u16 * 100, headers: Vec::new(), body: bytes.to_vec() });
        exchanges.push(ApiExchange { id: planned.id, response, ..ApiExchange::default() });
        if exchanges.len() > 200 {
            break;
        }
    }
    let _ = oracle::judge(&description, &options, &exchanges, &JudgeOptions::default());
});
