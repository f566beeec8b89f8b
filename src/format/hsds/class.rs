//! The classes of the Human Services Data Specification 3.0 (with what 3.1 and 3.2 add), their members
//! and which of them are required: in JSON, and besides in the tables of a package.

/// What a member's value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    /// The identifier of something of a class.
    Ref(&'static str),
    Text,
    Number,
    Latitude,
    Longitude,
    Date,
    Time,
    DateTime,
    Uri,
    Email,
    Phone,
    Language,
    Country,
    Currency,
    OneOf(&'static [&'static str]),
    /// A part of a recurrence rule.
    Recurrence(&'static str),
    /// Objects of a class.
    Many(&'static str),
    One(&'static str),
}

/// Whether a member must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    May,
    Must,
    /// In tables only; in JSON the object stands within another.
    InTables,
}

/// One class.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) members: &'static [(&'static str, Kind, Need)],
}

use Kind::{
    Country, Currency, Date, DateTime, Email, Id, Language, Latitude, Longitude, Many, Number, One, OneOf, Phone, Recurrence, Ref, Text,
    Time, Uri,
};
use Need::{InTables, May, Must};

pub(super) const STATUS: &[&str] = &["active", "inactive", "defunct", "temporarily closed"];
const PLACES: &[&str] = &["physical", "postal", "virtual"];

/// The class of that name.
pub(super) fn class(name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name == name)
}

pub(super) const CLASSES: &[Class] = &[
    Class {
        name: "organization",
        members: &[
            ("id", Id, Must),
            ("name", Text, Must),
            ("alternate_name", Text, May),
            ("description", Text, Must),
            ("email", Email, May),
            ("website", Uri, May),
            ("additional_websites", Many("url"), May),
            ("tax_status", Text, May),
            ("tax_id", Text, May),
            ("year_incorporated", Number, May),
            ("legal_status", Text, May),
            ("logo", Text, May),
            ("uri", Uri, May),
            ("parent_organization_id", Ref("organization"), May),
            ("funding", Many("funding"), May),
            ("contacts", Many("contact"), May),
            ("phones", Many("phone"), May),
            ("locations", Many("location"), May),
            ("programs", Many("program"), May),
            ("services", Many("service"), May),
            ("organization_identifiers", Many("organization_identifier"), May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "program",
        members: &[
            ("id", Id, Must),
            ("organization_id", Ref("organization"), InTables),
            ("name", Text, Must),
            ("alternate_name", Text, May),
            ("description", Text, Must),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "service",
        members: &[
            ("id", Id, Must),
            ("organization_id", Ref("organization"), InTables),
            ("program_id", Ref("program"), May),
            ("name", Text, Must),
            ("alternate_name", Text, May),
            ("description", Text, May),
            ("url", Uri, May),
            ("additional_urls", Many("url"), May),
            ("email", Email, May),
            ("status", OneOf(STATUS), Must),
            ("interpretation_services", Text, May),
            ("application_process", Text, May),
            ("fees_description", Text, May),
            ("wait_time", Text, May),
            ("fees", Text, May),
            ("accreditations", Text, May),
            ("eligibility_description", Text, May),
            ("minimum_age", Number, May),
            ("maximum_age", Number, May),
            ("assured_date", Date, May),
            ("assurer_email", Email, May),
            ("licenses", Text, May),
            ("alert", Text, May),
            ("last_modified", DateTime, May),
            ("phones", Many("phone"), May),
            ("schedules", Many("schedule"), May),
            ("service_areas", Many("service_area"), May),
            ("service_at_locations", Many("service_at_location"), May),
            ("languages", Many("language"), May),
            ("organization", One("organization"), May),
            ("funding", Many("funding"), May),
            ("cost_options", Many("cost_option"), May),
            ("program", One("program"), May),
            ("required_documents", Many("required_document"), May),
            ("contacts", Many("contact"), May),
            ("capacities", Many("service_capacity"), May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "service_at_location",
        members: &[
            ("id", Id, Must),
            ("service_id", Ref("service"), InTables),
            ("location_id", Ref("location"), InTables),
            ("description", Text, May),
            ("service_areas", Many("service_area"), May),
            ("contacts", Many("contact"), May),
            ("phones", Many("phone"), May),
            ("schedules", Many("schedule"), May),
            ("location", One("location"), May),
            ("service", One("service"), May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "location",
        members: &[
            ("id", Id, Must),
            ("location_type", OneOf(PLACES), Must),
            ("url", Uri, May),
            ("organization_id", Ref("organization"), May),
            ("name", Text, May),
            ("alternate_name", Text, May),
            ("description", Text, May),
            ("transportation", Text, May),
            ("latitude", Latitude, May),
            ("longitude", Longitude, May),
            ("external_identifier", Text, May),
            ("external_identifier_type", Text, May),
            ("languages", Many("language"), May),
            ("addresses", Many("address"), May),
            ("contacts", Many("contact"), May),
            ("accessibility", Many("accessibility"), May),
            ("phones", Many("phone"), May),
            ("schedules", Many("schedule"), May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "address",
        members: &[
            ("id", Id, Must),
            ("location_id", Ref("location"), May),
            ("attention", Text, May),
            ("address_1", Text, Must),
            ("address_2", Text, May),
            ("city", Text, Must),
            ("region", Text, May),
            ("state_province", Text, Must),
            ("postal_code", Text, Must),
            ("country", Country, Must),
            ("address_type", OneOf(PLACES), Must),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "phone",
        members: &[
            ("id", Id, Must),
            ("location_id", Ref("location"), May),
            ("service_id", Ref("service"), May),
            ("organization_id", Ref("organization"), May),
            ("contact_id", Ref("contact"), May),
            ("service_at_location_id", Ref("service_at_location"), May),
            ("number", Phone, Must),
            ("extension", Number, May),
            ("type", Text, May),
            ("description", Text, May),
            ("languages", Many("language"), May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "contact",
        members: &[
            ("id", Id, Must),
            ("organization_id", Ref("organization"), May),
            ("service_id", Ref("service"), May),
            ("service_at_location_id", Ref("service_at_location"), May),
            ("location_id", Ref("location"), May),
            ("name", Text, May),
            ("title", Text, May),
            ("department", Text, May),
            ("email", Email, May),
            ("phones", Many("phone"), May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "schedule",
        members: &[
            ("id", Id, Must),
            ("service_id", Ref("service"), May),
            ("location_id", Ref("location"), May),
            ("service_at_location_id", Ref("service_at_location"), May),
            ("valid_from", Date, May),
            ("valid_to", Date, May),
            ("dtstart", Date, May),
            ("timezone", Number, May),
            ("until", Date, May),
            ("count", Number, May),
            ("wkst", OneOf(&["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), May),
            ("freq", OneOf(&["WEEKLY", "MONTHLY"]), May),
            ("interval", Number, May),
            ("byday", Recurrence("BYDAY"), May),
            ("byweekno", Recurrence("BYWEEKNO"), May),
            ("bymonthday", Recurrence("BYMONTHDAY"), May),
            ("byyearday", Recurrence("BYYEARDAY"), May),
            ("description", Text, May),
            ("opens_at", Time, May),
            ("closes_at", Time, May),
            ("schedule_link", Uri, May),
            ("attending_type", Text, May),
            ("notes", Text, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "service_area",
        members: &[
            ("id", Id, Must),
            ("service_id", Ref("service"), May),
            ("service_at_location_id", Ref("service_at_location"), May),
            ("name", Text, May),
            ("description", Text, May),
            ("extent", Text, May),
            ("extent_type", Text, May),
            ("uri", Text, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "language",
        members: &[
            ("id", Id, Must),
            ("service_id", Ref("service"), May),
            ("location_id", Ref("location"), May),
            ("phone_id", Ref("phone"), May),
            ("name", Text, May),
            ("code", Language, May),
            ("note", Text, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "funding",
        members: &[
            ("id", Id, Must),
            ("organization_id", Ref("organization"), May),
            ("service_id", Ref("service"), May),
            ("source", Text, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "accessibility",
        members: &[
            ("id", Id, Must),
            ("location_id", Ref("location"), May),
            ("description", Text, May),
            ("details", Text, May),
            ("url", Uri, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "cost_option",
        members: &[
            ("id", Id, Must),
            ("service_id", Ref("service"), InTables),
            ("valid_from", Date, May),
            ("valid_to", Date, May),
            ("option", Text, May),
            ("currency", Currency, May),
            ("amount", Number, May),
            ("amount_description", Text, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "required_document",
        members: &[
            ("id", Id, Must),
            ("service_id", Ref("service"), May),
            ("document", Text, May),
            ("uri", Uri, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "organization_identifier",
        members: &[
            ("id", Id, Must),
            ("organization_id", Ref("organization"), InTables),
            ("identifier_scheme", Text, May),
            ("identifier_type", Text, Must),
            ("identifier", Text, Must),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "service_capacity",
        members: &[
            ("id", Id, Must),
            ("service_id", Ref("service"), InTables),
            ("unit_id", Ref("unit"), InTables),
            ("unit", One("unit"), May),
            ("available", Number, Must),
            ("maximum", Number, May),
            ("description", Text, May),
            ("updated", DateTime, Must),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "unit",
        members: &[
            ("id", Id, Must),
            ("name", Text, Must),
            ("scheme", Text, May),
            ("identifier", Text, May),
            ("uri", Uri, May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "url",
        members: &[
            ("id", Id, Must),
            ("label", Text, May),
            ("url", Uri, Must),
            ("organization_id", Ref("organization"), May),
            ("service_id", Ref("service"), May),
            ("attributes", Many("attribute"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "attribute",
        members: &[
            ("id", Id, Must),
            ("link_id", Ref(""), InTables),
            ("taxonomy_term_id", Ref("taxonomy_term"), InTables),
            ("link_type", Text, May),
            ("link_entity", Text, InTables),
            ("value", Text, May),
            ("label", Text, May),
            ("taxonomy_term", One("taxonomy_term"), May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "taxonomy",
        members: &[
            ("id", Id, Must),
            ("name", Text, Must),
            ("description", Text, Must),
            ("uri", Uri, May),
            ("version", Text, May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "taxonomy_term",
        members: &[
            ("id", Id, Must),
            ("code", Text, May),
            ("name", Text, Must),
            ("description", Text, Must),
            ("parent_id", Ref("taxonomy_term"), May),
            ("taxonomy", Text, May),
            ("taxonomy_detail", One("taxonomy"), May),
            ("language", Language, May),
            ("taxonomy_id", Ref("taxonomy"), May),
            ("term_uri", Uri, May),
            ("metadata", Many("metadata"), May),
        ],
    },
    Class {
        name: "metadata",
        members: &[
            ("id", Id, Must),
            ("resource_id", Ref(""), InTables),
            ("resource_type", Text, InTables),
            ("last_action_date", Date, Must),
            ("last_action_type", Text, Must),
            ("field_name", Text, Must),
            ("previous_value", Text, Must),
            ("replacement_value", Text, Must),
            ("updated_by", Text, Must),
        ],
    },
    Class {
        name: "meta_table_description",
        members: &[("id", Id, Must), ("name", Text, May), ("language", Text, May), ("character_set", Text, May)],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_that_is_named_is_there() {
        for class in CLASSES {
            assert_eq!(class.members.first(), Some(&("id", Id, Must)), "{}", class.name);
            for (member, kind, _) in class.members {
                if let Many(name) | One(name) | Ref(name) = kind
                    && !name.is_empty()
                {
                    assert!(super::class(name).is_some(), "{}.{member}", class.name);
                }
            }
        }
    }
}
