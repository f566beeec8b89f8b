//! Open data formats: engines that judge what a product hands out. Pure: a document in, findings out.

pub mod fhir;
