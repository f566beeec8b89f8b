//! The kinds of check that a profile can ask for, one file each.
//!
//! A kind is one file and one word in the list below; the macro makes the enum, the reader, the JSON
//! Schema and the listings from it, so that none can be forgotten. Every kind is two functions:
//! `observe` asks through [`Probes`] and gives plain data; `judge` is pure and gives a
//! [`Verdict`]. See `docs/adding-a-kind.md`.

mod answer;
mod api;
mod fhir;
mod kind;
mod login;
mod page;
mod probes;
mod schema;
mod supplied;
pub mod tls;

pub use api::{ApiRecord, Manner, Rehearsal, Rehearsed};
pub use kind::{Facts, Kind, On, selects};
pub use probes::{DocumentSeen, Probes, WebsiteSeen};

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// What `probity checks` and the reference page say of a kind.
#[derive(Debug, Clone)]
pub struct KindEntry {
    /// Its name in profiles.
    pub name: &'static str,
    /// How its verdicts are known.
    pub grade: Grade,
    /// What asking does to the target.
    pub effect: Effect,
    /// Which endpoints are asked by default.
    pub on: On,
    /// JSON Schema of its parameters, with their descriptions.
    pub schema: Value,
}

/// Declares each kind's module and makes it a variant of [`Check`], so that none can be forgotten.
macro_rules! kinds {
    ($($module:ident :: $kind:ident),* $(,)?) => {
        $(mod $module;)*

        /// One check: a kind and its parameters.
        #[derive(Debug, Clone)]
        pub enum Check { $(#[doc = concat!("The kind in `", stringify!($module), ".rs`.")] $kind(Box<$module::$kind>)),* }

        impl Check {
            /// Every kind's name, in the order that listings use.
            pub const KINDS: &'static [&'static str] = &[$(<$module::$kind as Kind>::NAME),*];

            /// Every kind with its parameters.
            pub fn catalogue() -> Vec<KindEntry> {
                vec![$(KindEntry {
                    name: <$module::$kind as Kind>::NAME,
                    grade: <$module::$kind as Kind>::GRADE,
                    effect: <$module::$kind as Kind>::EFFECT,
                    on: <$module::$kind as Kind>::ON,
                    schema: schemars::schema_for!($module::$kind).to_value(),
                }),*]
            }
            /// The kind's name.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => <$module::$kind as Kind>::NAME),* }
            }
            /// How its verdicts are known.
            pub fn grade(&self) -> Grade {
                match self { $(Self::$kind(_) => <$module::$kind as Kind>::GRADE),* }
            }
            /// What asking does to the target.
            pub fn effect(&self) -> Effect {
                match self { $(Self::$kind(_) => <$module::$kind as Kind>::EFFECT),* }
            }
            /// Which endpoints are asked by default.
            pub fn on(&self) -> On {
                match self { $(Self::$kind(_) => <$module::$kind as Kind>::ON),* }
            }
            /// As [`Kind::needs_definitions`].
            pub fn needs_definitions(&self) -> bool {
                match self { $(Self::$kind(check) => check.needs_definitions()),* }
            }
            /// Asks, and gives what was seen as a value that can be kept.
            ///
            /// # Errors
            /// As [`Kind::observe`].
            pub async fn observe(&self, probes: &Probes) -> Result<Value, ProbeError> {
                match self { $(Self::$kind(check) => {
                    let seen = check.observe(probes).await?;
                    serde_json::to_value(&seen).map_err(|e| ProbeError::bug(format!("an observation cannot be kept: {e}")))
                }),* }
            }
            /// Judges what was seen.
            ///
            /// # Errors
            /// The value is no observation of this kind: the bundle was damaged, or is another version's.
            pub fn judge(&self, seen: &Value, facts: &Facts<'_>) -> Result<Verdict, serde_json::Error> {
                match self { $(Self::$kind(check) => {
                    let seen = <<$module::$kind as Kind>::Observation as Deserialize>::deserialize(seen)?;
                    Ok(check.judge(&seen, facts))
                }),* }
            }

            fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error> {
                match name {
                    $(n if n == <$module::$kind as Kind>::NAME => Ok(Self::$kind(Box::new(map.next_value()?))),)*
                    _ => Err(A::Error::unknown_variant(name, Self::KINDS)),
                }
            }
            fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
                vec![$((<$module::$kind as Kind>::NAME, generator.subschema_for::<$module::$kind>().to_value())),*]
            }
        }

        #[cfg(test)]
        const FILES: &[(&str, &str)] = &[$((stringify!($module), <$module::$kind as Kind>::NAME)),*];
    };
}

kinds! {
    advisories::Advisories,
    answer_format::AnswerFormat,
    api_answers::ApiAnswers,
    api_behaviour::ApiBehaviour,
    api_client_reader::ApiClientReader,
    api_description::ApiDescription,
    attestation::Attestation,
    authentication_enforced::AuthenticationEnforced,
    browser_protection::BrowserProtection,
    certificate::Certificate,
    claims::Claims,
    coap_exposure::CoapExposure,
    cookies::Cookies,
    cors::Cors,
    csaf_provider::CsafProvider,
    data_export::DataExport,
    default_credentials::DefaultCredentials,
    disclosure_policy::DisclosurePolicy,
    document::Document,
    document_format::DocumentFormat,
    fhir_authorization::FhirAuthorization,
    fhir_bulk_export::FhirBulkExport,
    fhir_capability::FhirCapability,
    fhir_errors::FhirErrors,
    fhir_measurements::FhirMeasurements,
    fhir_negotiation::FhirNegotiation,
    fhir_paging::FhirPaging,
    fhir_read::FhirRead,
    fhir_resources::FhirResources,
    fhir_search::FhirSearch,
    fhir_versions::FhirVersions,
    hsds_completeness::HsdsCompleteness,
    hsds_directory::HsdsDirectory,
    html_basics::HtmlBasics,
    http_header::HttpHeader,
    http_status::HttpStatus,
    https_redirect::HttpsRedirect,
    ics::Ics,
    information_disclosure::InformationDisclosure,
    json_schema::JsonSchemaOfAnswer,
    login_throttling::LoginThrottling,
    mqtt_exposure::MqttExposure,
    ngsi_ld_broker::NgsiLdBroker,
    object_access::ObjectAccess,
    open_ports::OpenPorts,
    product_facts::ProductFacts,
    public_page::PublicPage,
    sbom::Sbom,
    security_txt::SecurityTxt,
    sip_exposure::SipExposure,
    sip_registration::SipRegistration,
    smart_configuration::SmartConfiguration,
    structured_errors::StructuredErrors,
    trace_method::TraceMethod,
    transport_security::TransportSecurity,
    tls_features::TlsFeatures,
    tls_groups::TlsGroups,
    tls_key_exchange_hash::TlsKeyExchangeHash,
    tls_suites::TlsSuites,
    tls_version::TlsVersion,
    unauthenticated_access::UnauthenticatedAccess,
    update_manifest::UpdateManifest,
    vulnerabilities::Vulnerabilities,
    wot_thing_description::WotThingDescription,
}

/// A check as a profile places it: what is asked, and of which endpoints.
#[derive(Debug, Clone)]
pub struct PlacedCheck {
    /// What is asked.
    pub check: Check,
    /// The endpoints that are asked: `http`, `tls`, `any`, a scheme with `:`, or what they serve.
    /// The kind's own choice, where nothing is said.
    pub on: Option<String>,
}

impl<'de> Deserialize<'de> for PlacedCheck {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneCheck;
        impl<'de> Visitor<'de> for OneCheck {
            type Value = PlacedCheck;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one kind of check with its parameters")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PlacedCheck, A::Error> {
                let (mut check, mut on) = (None::<Check>, None);
                while let Some(key) = map.next_key::<String>()? {
                    if key == "on" {
                        on = Some(map.next_value()?);
                    } else if let Some(first) = &check {
                        return Err(A::Error::custom(format!("one check, two kinds: `{}` and `{key}`", first.kind())));
                    } else {
                        check = Some(Check::read(&key, &mut map)?);
                    }
                }
                check
                    .map(|check| PlacedCheck { check, on })
                    .ok_or_else(|| A::Error::custom("a check needs a kind; `probity checks` lists them"))
            }
        }
        deserializer.deserialize_map(OneCheck)
    }
}

impl JsonSchema for PlacedCheck {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PlacedCheck".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let on = serde_json::json!({
            "type": "string",
            "description": "The endpoints that are asked: `http`, `tls`, `any`, a scheme with `:`, or what they serve, such as `api`; several with `|` between them."
        });
        let kinds: Vec<Value> = Check::schemas(generator)
            .into_iter()
            .map(|(name, schema)| {
                serde_json::json!({
                    "type": "object", "additionalProperties": false, "required": [name],
                    "properties": { name: schema, "on": on }
                })
            })
            .collect();
        schemars::json_schema!({ "oneOf": kinds })
    }
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_file_is_a_kind_and_is_named_after_it() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/check");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").to_owned())
            .filter(|name| {
                !["mod", "answer", "api", "fhir", "kind", "login", "page", "probes", "schema", "supplied", "tls"].contains(&name.as_str())
            })
            .collect();
        files.sort();
        let mut listed: Vec<String> = FILES.iter().map(|(file, _)| (*file).to_owned()).collect();
        listed.sort();
        assert_eq!(files, listed, "a file in src/check/ that is not in the list of kinds would never be asked");
        for (file, name) in FILES {
            assert_eq!(file.replace('_', "-"), *name);
        }
    }
}
