//! Operations that smell of power.
//!
//! Descriptions of real products contain operations that shut a host down, restore a backup or run a
//! script. A tester that calls whatever is described would call them. Such operations are refused,
//! also with consent to write, unless each is named.

use crate::api::description::Operation;

/// Words that give an operation away, wherever they stand in its path, id, tags or summary.
const WORDS: [&str; 34] = [
    "shutdown",
    "poweroff",
    "halt",
    "reboot",
    "restart",
    "reset",
    "restore",
    "rollback",
    "execute",
    "exec",
    "script",
    "command",
    "wipe",
    "erase",
    "purge",
    "factory",
    "upgrade",
    "firmware",
    "flash",
    "uninstall",
    "deleteall",
    "removeall",
    "dropall",
    "clearall",
    "truncate",
    "destroy",
    "terminate",
    "kill",
    "format",
    "decommission",
    "sudo",
    "shell",
    "migrate",
    "bulkdelete",
];

/// Pairs of words that are harmless alone.
const PAIRS: [(&str, &str); 10] = [
    ("shut", "down"),
    ("power", "off"),
    ("power", "down"),
    ("delete", "all"),
    ("remove", "all"),
    ("clear", "all"),
    ("drop", "all"),
    ("bulk", "delete"),
    ("run", "script"),
    ("emergency", "dispatch"),
];

/// The word that makes an operation dangerous, if any. What only reads is not.
pub fn smells_of_power(operation: &Operation) -> Option<String> {
    if operation.is_safe() && !acts_by_name(operation) {
        return None;
    }
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let texts = [operation.path.as_str(), id, operation.summary.as_str()].into_iter().chain(operation.tags.iter().map(String::as_str));
    for text in texts {
        let words = words(text);
        for (index, word) in words.iter().enumerate() {
            if WORDS.contains(&word.as_str()) {
                return Some(word.clone());
            }
            let next = words.get(index + 1).map_or("", String::as_str);
            if PAIRS.contains(&(word.as_str(), next)) {
                return Some(format!("{word} {next}"));
            }
        }
    }
    None
}

/// A GET whose path says that it does something.
fn acts_by_name(operation: &Operation) -> bool {
    let last = operation.path.rsplit('/').next().unwrap_or_default();
    words(last)
        .iter()
        .any(|w| matches!(w.as_str(), "shutdown" | "reboot" | "restart" | "poweroff" | "reset" | "execute" | "wipe" | "factory"))
}

/// The words of a text: split at everything that is no letter and at capitals.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in text.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && lower_before)) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::description::Spot;

    fn operation(method: &str, path: &str, id: &str, summary: &str) -> Operation {
        Operation {
            name: id.into(),
            operation_id: Some(id.into()),
            method: method.into(),
            path: path.into(),
            spot: Spot::root(""),
            summary: summary.into(),
            tags: Vec::new(),
            deprecated: false,
            parameters: Vec::new(),
            body: None,
            responses: Vec::new(),
            security: Vec::new(),
            servers: Vec::new(),
            outgoing: false,
        }
    }

    #[test]
    fn power_is_smelt_and_everyday_work_is_not() {
        let smell = |method, path, id, summary| smells_of_power(&operation(method, path, id, summary));
        assert_eq!(smell("PUT", "/platform-tools/linux/shutdown-host", "", "").as_deref(), Some("shutdown"));
        assert_eq!(smell("POST", "/tools/execute-script", "", "").as_deref(), Some("execute"));
        assert_eq!(smell("POST", "/x", "factoryReset", "").as_deref(), Some("factory"));
        assert_eq!(smell("DELETE", "/x", "deleteAllResidents", "").as_deref(), Some("delete all"));
        assert_eq!(smell("POST", "/x", "x", "Shut down the hub").as_deref(), Some("shut down"));
        assert_eq!(smell("GET", "/backup/restart", "", "").as_deref(), Some("restart"));
        assert_eq!(smell("DELETE", "/residents/{id}", "deleteResident", "Delete a resident"), None);
        assert_eq!(smell("GET", "/firmware", "listFirmware", "Firmware versions"), None);
        assert_eq!(smell("POST", "/information", "addInformation", "All information about presets"), None);
    }
}
