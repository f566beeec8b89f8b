//! The report format of Web Fuzzing Commons, so that faults can be compared with those of other tools
//! by one catalogue. The version is pinned, because the catalogue's numbers have moved before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::api::description::Description;
use crate::api::exchange::ApiExchange;
use crate::api::oracle::{Judgement, oracle_rule};
use crate::verdict::Severity;

/// The version of the report schema and fault catalogue that is written: that of the package
/// `webfuzzing-commons` on PyPI.
pub const WFC_VERSION: &str = "0.12.1";

/// The permanent names of the catalogue's codes that we use. 900 to 999 are for tools' own kinds.
const CODES: [(u16, &str); 14] = [
    (100, "HTTP_STATUS_500"),
    (109, "HTTP_STATUS_NO_401_IF_NO_WWW_AUTHENTICATE"),
    (110, "HTTP_STATUS_NO_405_IF_NO_ALLOW"),
    (113, "HTTP_NONWORKING_DELETE"),
    (118, "HTTP_NON_IDEMPOTENT_PUT"),
    (122, "HTTP_CREATED_RESOURCE_NOT_FOUND"),
    (200, "SCHEMA_INVALID_RESPONSE"),
    (206, "SCHEMA_VALIDATION_BYPASS"),
    (207, "SCHEMA_VALID_INPUT_REJECTED"),
    (306, "SECURITY_INCONSISTENT_WRITE_AUTHORIZATION"),
    (307, "SECURITY_IGNORE_ANONYMOUS"),
    (309, "SECURITY_LEAKED_STACK_TRACES"),
    (310, "SECURITY_HIDDEN_ACCESSIBLE_ENDPOINT"),
    (311, "SECURITY_DECLARED_AUTH_NOT_ENFORCED"),
];

/// Code, name and context of a fault.
type Fault = (u16, String, String);

/// The catalogue's name of a rule's code.
fn name_of(code: u16, rule: &str) -> String {
    let known = CODES.iter().find(|(known, _)| *known == code).map(|(_, name)| (*name).to_owned());
    known.unwrap_or_else(|| format!("PROBITY_{}", rule.to_ascii_uppercase().replace('-', "_")))
}

/// A judgement as a report. `created` is the moment of the run (RFC 3339), `seconds` how long it
/// took. Each request is one test case; there are no files of tests, because a run is repeated by its plan.
pub fn wfc(description: &Description, judgement: &Judgement, exchanges: &[ApiExchange], created: &str, seconds: u64) -> Value {
    let endpoints: BTreeMap<&str, String> =
        description.operations().iter().filter(|o| !o.outgoing).map(|o| (o.name.as_str(), format!("{}:{}", o.method, o.path))).collect();
    let endpoint = |name: &str| endpoints.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let mut faults: BTreeMap<(String, String), BTreeSet<Fault>> = BTreeMap::new();
    let mut distinct: BTreeSet<(u16, String)> = BTreeSet::new();
    for group in judgement.groups.iter().filter(|g| g.severity == Severity::Error) {
        let code = oracle_rule(group.rule).map_or(200, |r| r.fault);
        let context = format!("{}: {}", group.rule, group.cause);
        distinct.insert((code, context.clone()));
        for sample in &group.samples {
            let fault = (code, name_of(code, group.rule), context.clone());
            faults.entry((endpoint(&sample.operation), sample.request.clone())).or_default().insert(fault);
        }
    }
    let found: Vec<Value> = faults
        .into_iter()
        .map(|((operation, test), categories)| {
            let categories: Vec<Value> =
                categories.into_iter().map(|(code, id, context)| json!({ "id": id, "code": code, "context": context })).collect();
            json!({ "operationId": operation, "testCaseId": test, "faultCategories": categories })
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
    let warnings: Vec<Value> = judgement
        .untested
        .iter()
        .map(|u| json!({ "message": format!("{}: {} (needs {})", u.operation, u.what, u.needs), "category": "untested" }))
        .collect();
    json!({
        "schemaVersion": WFC_VERSION,
        "toolName": env!("CARGO_PKG_NAME"),
        "toolVersion": env!("CARGO_PKG_VERSION"),
        "creationTime": created,
        "faults": { "totalNumber": distinct.len(), "foundFaults": found },
        "problemDetails": { "rest": {
            "outputHttpCalls": exchanges.len(),
            "evaluatedHttpCalls": exchanges.len(),
            "endpointIds": endpoints.values().collect::<BTreeSet<_>>(),
            "coveredHttpStatus": covered,
        } },
        "totalTests": exchanges.len(),
        "testFilePaths": [],
        "testCases": cases,
        "executionTimeInSeconds": seconds,
        "warnings": warnings,
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
        let report = wfc(&description, &judgement, &exchanges, "2026-11-22T12:00:00Z", 3);
        assert_eq!(report["faults"]["totalNumber"], 1);
        assert_eq!(report["faults"]["foundFaults"][0]["faultCategories"][0]["code"], 100);
        assert_eq!(report["faults"]["foundFaults"][0]["faultCategories"][0]["id"], "HTTP_STATUS_500");
        assert_eq!(report["faults"]["foundFaults"][0]["operationId"], "GET:/a");
        assert_eq!(report["problemDetails"]["rest"]["endpointIds"], json!(["GET:/a"]));
        assert_eq!(report["problemDetails"]["rest"]["coveredHttpStatus"][0]["httpStatus"], json!([500]));
        for name in [
            "schemaVersion",
            "toolName",
            "toolVersion",
            "creationTime",
            "totalTests",
            "testFilePaths",
            "testCases",
            "executionTimeInSeconds",
        ] {
            assert!(report.get(name).is_some(), "{name}");
        }
    }

    /// The published schema, where the package is at hand: unpacked, its folder in `WFC_PACKAGE`.
    #[test]
    fn a_report_fits_the_published_schema() {
        let Some(folder) = std::env::var_os("WFC_PACKAGE") else {
            println!("skipped: WFC_PACKAGE names no unpacked package `webfuzzing-commons`");
            return;
        };
        let text = std::fs::read(std::path::Path::new(&folder).join("webfuzzing_commons/data/report.yaml")).unwrap();
        let schema = Source::yaml("report.yaml", &text).unwrap();
        let validator = jsonschema::options().offline().build(schema.value()).unwrap();
        let catalogue = std::fs::read(std::path::Path::new(&folder).join("webfuzzing_commons/data/fault_categories.json")).unwrap();
        let catalogue: Value = serde_json::from_slice(&catalogue).unwrap();
        for rule in crate::api::oracle::RULES.iter().filter(|r| r.fault < 900) {
            let entry = catalogue.as_array().unwrap().iter().find(|c| c["code"] == rule.fault).unwrap();
            assert_eq!(entry["id"], name_of(rule.fault, rule.name), "{}", rule.name);
        }
        for quirks in [vec![], vec!["takes-too-long", "no-allow", "any-token", "error-sql", "pages-overlap", "deleted-readable"]] {
            let (description, judgement, exchanges) = crate::api::oracle::tests::recorded(&quirks);
            let report = wfc(&description, &judgement, &exchanges, "2026-11-22T12:00:00Z", 3);
            let errors: Vec<String> = validator.iter_errors(&report).map(|e| format!("{} at {}", e, e.instance_path())).collect();
            assert_eq!(errors, Vec::<String>::new());
        }
    }
}
