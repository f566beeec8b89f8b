//! The outside format V1, the same as `assessment.json` in a bundle.

use crate::assess::Assessment;
use crate::bundle::{AssessmentV1, json_pretty};

/// The assessment as JSON text.
pub(super) fn render(assessment: &Assessment) -> Result<Vec<u8>, serde_json::Error> {
    json_pretty(&AssessmentV1::from(assessment))
}
