//! HSDS as tables: what the specification asks of each, whatever the package's own descriptor says.

use super::class::{CLASSES, Kind, Need};
use crate::format::csv::{Demand, TableSchema};
use crate::format::findings::Findings;
use crate::verdict::{Finding, Untrusted};

/// Whether the tables of these names are a package of this specification.
pub(in crate::format) fn is_package<'n>(names: impl Iterator<Item = &'n str>) -> bool {
    let (mut organization, mut service) = (false, false);
    for name in names {
        organization |= name == "organization";
        service |= name == "service";
    }
    organization && service
}

/// Judges the schema of the table `name` against the specification's class, and asks of its values what the
/// class asks: its values, identifiers that stand once, references that lead to a record of the package's own
/// tables (`names`). A table without a schema gets one. `at` is the table's place in the descriptor.
pub(in crate::format) fn tighten(
    name: &str,
    schema: Option<TableSchema>,
    names: &[&str],
    at: &str,
    findings: &mut Findings,
) -> Option<TableSchema> {
    let Some(class) = CLASSES.iter().find(|class| class.name == name) else {
        findings
            .push(Finding::warning("hsds-table", "the specification has no such table").at(at).observed(name).clause("HSDS 3.0, tables"));
        return schema;
    };
    let columns = || class.members.iter().filter(|(_, kind, _)| !matches!(kind, Kind::Many(_) | Kind::One(_)));
    let mut schema = match schema {
        Some(schema) => schema,
        None => TableSchema::of_texts(columns().map(|(name, ..)| *name)),
    };
    for (member, kind, need) in columns() {
        let needed = *need != Need::May;
        if needed && !schema.has(member) {
            findings.push(
                Finding::error(
                    "hsds-field",
                    format!("the table `{}` lacks the field `{member}`, which it must have", Untrusted::new(name)),
                )
                .at(at)
                .expected(format!("a field `{member}`"))
                .clause("HSDS 3.0, tables"),
            );
        }
        let demand = match kind {
            Kind::Id | Kind::Ref(_) => Demand::Uuid,
            Kind::Uri => Demand::Uri,
            Kind::Email => Demand::Email,
            Kind::Date => Demand::Date,
            Kind::OneOf(values) => Demand::OneOf(values),
            Kind::Number | Kind::Latitude | Kind::Longitude => Demand::Number,
            Kind::Time => Demand::TimeOfDay,
            Kind::DateTime => Demand::DateTime,
            Kind::Language => Demand::Language,
            Kind::Country => Demand::Country,
            Kind::Currency => Demand::Currency,
            Kind::Text | Kind::Phone | Kind::Recurrence(_) | Kind::Many(_) | Kind::One(_) => Demand::Nothing,
        };
        schema.demand(member, needed, demand);
        match kind {
            Kind::Id => schema.demand_unique(member),
            Kind::Ref(target) if names.contains(target) => schema.demand_reference(member, target, "id"),
            Kind::Ref(_)
            | Kind::Text
            | Kind::Number
            | Kind::Latitude
            | Kind::Longitude
            | Kind::Date
            | Kind::Time
            | Kind::DateTime
            | Kind::Uri
            | Kind::Email
            | Kind::Phone
            | Kind::Language
            | Kind::Country
            | Kind::Currency
            | Kind::OneOf(_)
            | Kind::Recurrence(_)
            | Kind::Many(_)
            | Kind::One(_) => {}
        }
    }
    Some(schema)
}
