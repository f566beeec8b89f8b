//! The report format of Web Fuzzing Commons, so that faults can be compared with those of other tools
//! by one catalogue. The version is pinned, because the catalogue's numbers have moved before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::api::description::Description;
use crate::api::exchange::ApiExchange;
use crate::api::oracle::{Judgement, oracle_rule};
use crate::verdict::Severity;

/// The version of the report schema and fault catalogue that is written.
pub const WFC_VERSION: &str = "0.3.0";

/// A judgement as a report. `created` is the moment of the run (RFC 3339). Each request is one test
/// case; there are no files of tests, because a run is repeated by its plan.
pub fn wfc(description: &Description, judgement: &Judgement, exchanges: &[ApiExchange], created: &str) -> Value {
    let endpoints: BTreeMap<&str, String> =
        description.operations().iter().filter(|o| !o.outgoing).map(|o| (o.name.as_str(), format!("{}:{}", o.method, o.path))).collect();
    let endpoint = |name: &str| endpoints.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let mut faults: BTreeMap<(String, String), BTreeSet<(u16, String)>> = BTreeMap::new();
    let mut distinct: BTreeSet<(u16, String, String)> = BTreeSet::new();
    for group in judgement.groups.iter().filter(|g| g.severity == Severity::Error) {
        let code = oracle_rule(group.rule).map_or(101, |r| r.fault);
        for sample in &group.samples {
            let operation = endpoint(&sample.operation);
            let context = format!("{}: {}", group.rule, group.cause);
            distinct.insert((code, context.clone(), operation.clone()));
            faults.entry((operation, sample.request.clone())).or_default().insert((code, context));
        }
    }
    let found: Vec<Value> = faults
        .into_iter()
        .map(|((operation, test), categories)| {
            let categories: Vec<Value> =
                categories.into_iter().map(|(code, context)| json!({ "code": code, "context": context })).collect();
            // The schema of this version names `operationId` and requires `endpointId`; both are written.
            json!({ "operationId": operation, "endpointId": operation, "testCaseId": test, "faultCategories": categories })
        })
        .collect();
    // A request's id begins with the name of its operation.
    let operation_of = |id: &str| {
        endpoints.keys().filter(|name| id.strip_prefix(**name).is_some_and(|rest| rest.starts_with('/'))).max_by_key(|n| n.len()).copied()
    };
    let covered: Vec<Value> = exchanges
        .iter()
        .filter_map(|exchange| {
            let status: Vec<u16> = exchange.response.iter().map(|r| r.status).collect();
            Some(json!({ "endpointId": endpoint(operation_of(&exchange.id)?), "testCaseId": exchange.id, "httpStatus": status }))
        })
        .collect();
    let cases: Vec<Value> = exchanges.iter().map(|exchange| json!({ "id": exchange.id, "name": exchange.id })).collect();
    json!({
        "schemaVersion": WFC_VERSION,
        "toolName": env!("CARGO_PKG_NAME"),
        "toolVersion": env!("CARGO_PKG_VERSION"),
        "creationTime": created,
        "faults": { "totalNumber": distinct.len(), "foundFaults": found },
        "problemDetails": { "rest": {
            "totalHttpCalls": exchanges.len(),
            "endpointIds": endpoints.values().collect::<Vec<_>>(),
            "coveredHttpStatus": covered,
        } },
        "totalTests": exchanges.len(),
        "testFilePaths": [],
        "testCases": cases,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::exchange::ApiResponse;
    use crate::api::oracle::{JudgeOptions, judge};
    use crate::api::plan::{Plan, PlanOptions};
    use crate::document::Source;

    #[test]
    fn a_report_names_faults_by_the_catalogue() {
        let text =
            r#"{"openapi":"3.1.0","info":{},"paths":{"/a":{"get":{"operationId":"readA","responses":{"200":{"description":"x"}}}}}}"#;
        let description = Description::read(Source::json("o", text.as_bytes()).unwrap(), Vec::new()).unwrap();
        let options = PlanOptions { base: "http://h".into(), ..PlanOptions::default() };
        let mut plan = Plan::new(&description, &options);
        let mut exchanges: Vec<ApiExchange> = Vec::new();
        while let Some(planned) = plan.next(exchanges.last()) {
            let response = Some(ApiResponse { status: 500, ..ApiResponse::default() });
            exchanges.push(ApiExchange { id: planned.id, response, ..ApiExchange::default() });
        }
        let judgement = judge(&description, &options, &exchanges, &JudgeOptions::default());
        let report = wfc(&description, &judgement, &exchanges, "2026-11-22T12:00:00Z");
        assert_eq!(report["faults"]["totalNumber"], 1);
        assert_eq!(report["faults"]["foundFaults"][0]["faultCategories"][0]["code"], 100);
        assert_eq!(report["faults"]["foundFaults"][0]["operationId"], "GET:/a");
        assert_eq!(report["problemDetails"]["rest"]["endpointIds"], json!(["GET:/a"]));
        assert_eq!(report["problemDetails"]["rest"]["coveredHttpStatus"][0]["httpStatus"], json!([500]));
        for name in ["schemaVersion", "toolName", "toolVersion", "creationTime", "totalTests", "testFilePaths", "testCases"] {
            assert!(report.get(name).is_some(), "{name}");
        }
    }
}
