//! Operations that smell of power.
//!
//! Descriptions of real products contain operations that shut a host down, restore a backup, run a
//! script or dial a number. A tester that calls whatever is described would call them. Such operations
//! are refused, also with consent to write, unless each is named.
//!
//! Looked at are path, id, tags and summary. A word of a kind that is never harmless counts wherever it
//! stands; one that is also an everyday noun (format, call, flash, command) counts only where an
//! operation says what it does: as the last part of its path, or as the first word of its id or summary.
//! What only reads is not refused, unless its path or id says that it acts. Creating a thing in a
//! collection is what consent to write is for, also where the thing is an alarm; a collection of calls
//! or dispatches is not, because what is made there rings at somebody's door.

use crate::api::description::Operation;

/// Words that give an operation away, wherever they stand.
const WORDS: [&str; 46] = [
    "shutdown",
    "poweroff",
    "powerdown",
    "powercycle",
    "halt",
    "reboot",
    "restart",
    "reset",
    "restore",
    "rollback",
    "revert",
    "execute",
    "exec",
    "script",
    "scripts",
    "wipe",
    "erase",
    "purge",
    "flush",
    "factory",
    "upgrade",
    "downgrade",
    "firmware",
    "reflash",
    "uninstall",
    "deleteall",
    "removeall",
    "dropall",
    "clearall",
    "truncate",
    "destroy",
    "terminate",
    "kill",
    "decommission",
    "deprovision",
    "sudo",
    "shell",
    "migrate",
    "bulkdelete",
    "disarm",
    "unlock",
    "evacuate",
    "siren",
    "reindex",
    "failover",
    "selfdestruct",
];

/// Words that give an operation away where it says what it does.
const VERBS: [&str; 16] = [
    "format",
    "flash",
    "command",
    "commands",
    "dial",
    "call",
    "ring",
    "dispatch",
    "trigger",
    "sound",
    "suspend",
    "reload",
    "reprovision",
    "repair",
    "unpair",
    "override",
];

/// Collections in which nothing is created without a person at the other end.
const RINGING: [&str; 6] = ["calls", "dispatches", "callouts", "broadcasts", "evacuations", "commands"];

/// Pairs of words that are harmless alone.
const PAIRS: [(&str, &str); 28] = [
    ("shut", "down"),
    ("power", "off"),
    ("power", "down"),
    ("power", "cycle"),
    ("switch", "off"),
    ("turn", "off"),
    ("delete", "all"),
    ("delete", "everything"),
    ("remove", "all"),
    ("remove", "everything"),
    ("clear", "all"),
    ("drop", "all"),
    ("erase", "all"),
    ("bulk", "delete"),
    ("mass", "delete"),
    ("roll", "back"),
    ("run", "script"),
    ("re", "boot"),
    ("emergency", "dispatch"),
    ("emergency", "call"),
    ("test", "alarm"),
    ("fail", "over"),
    ("system", "update"),
    ("software", "update"),
    ("database", "clear"),
    ("clear", "database"),
    ("drop", "database"),
    ("drop", "table"),
];

/// What the last part of a path is about when it is something to look at.
const NOUNS: [&str; 22] = [
    "count",
    "counts",
    "history",
    "log",
    "logs",
    "status",
    "state",
    "schedule",
    "schedules",
    "policy",
    "policies",
    "reason",
    "reasons",
    "time",
    "date",
    "info",
    "options",
    "settings",
    "config",
    "version",
    "versions",
    "jobs",
];

/// The word that makes an operation dangerous, if any.
pub fn smells_of_power(operation: &Operation) -> Option<String> {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let last = operation.path.rsplit('/').find(|part| !part.is_empty() && !part.starts_with('{')).unwrap_or_default();
    let ends_open = !operation.path.trim_end_matches('/').ends_with('}');
    if operation.is_safe() {
        // A GET whose path or id says that it does something.
        return acts(last).filter(|_| ends_open).or_else(|| words(id).first().filter(|w| WORDS.contains(&w.as_str())).cloned());
    }
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
    let says = |word: &&String| VERBS.contains(&word.as_str());
    if ends_open
        && let [only] = words(last).as_slice()
        && (says(&only) || (operation.method == "POST" && RINGING.contains(&only.as_str())))
    {
        return Some(only.clone());
    }
    let begins = |text: &str| words(text).first().filter(|w| says(w)).cloned();
    begins(id).or_else(|| begins(&operation.summary))
}

/// The word by which the last part of a path says that it does something.
fn acts(part: &str) -> Option<String> {
    let words = words(part);
    let noun = words.last().is_some_and(|last| NOUNS.contains(&last.as_str()));
    let plain = |word: &&String| {
        WORDS.contains(&word.as_str()) && !matches!(word.as_str(), "firmware" | "script" | "scripts" | "siren" | "factory")
    };
    if noun { None } else { words.iter().find(plain).cloned() }
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

    #[test]
    fn what_real_descriptions_contain_is_refused() {
        let smell = |method, path, id, summary| smells_of_power(&operation(method, path, id, summary)).is_some();
        for (method, path, id, summary) in [
            // As descriptions of home hubs, imaging servers, workflow engines and routers write them.
            ("PUT", "/platform-tools/linux/restart-host", "LinuxController_restartHost", "Restart / reboot the host server."),
            ("PUT", "/backup/restore", "", ""),
            ("POST", "/backup/restore/trigger", "", ""),
            ("POST", "/tools/reset", "", "Restart Orthanc"),
            ("POST", "/tools/execute-script", "", ""),
            ("PUT", "/server/reset-homebridge-accessory", "", "Unpair / Reset the Homebridge instance"),
            ("POST", "/system/factory_reset", "", ""),
            ("POST", "/hubs/{id}/firmware", "putFirmware", ""),
            ("PUT", "/servers/{server_id}/cache/flush", "cacheFlushByName", "Flush a cache-entry by name"),
            ("DELETE", "/residents/all", "deleteAllResidents", ""),
            ("POST", "/admin/database/clear", "", ""),
            ("DELETE", "/devices/{id}", "wipeDevice", ""),
            ("POST", "/hub/upgrade", "", ""),
            ("POST", "/disks/{id}/format", "", ""),
            ("POST", "/devices/{id}/reboot", "", ""),
            ("POST", "/queues/{id}/purge", "", ""),
            ("GET", "/api/restart", "", ""),
            ("GET", "/device", "rebootDevice", ""),
            // As telecare platforms do.
            ("POST", "/residents/{id}/call", "", "Calls the resident's home unit"),
            ("POST", "/calls", "createCall", ""),
            ("POST", "/homes/{id}/dial", "", ""),
            ("POST", "/homes/{id}/disarm", "", ""),
            ("POST", "/doors/{id}/unlock", "", ""),
            ("POST", "/homes/{id}/test-alarm", "", ""),
            ("POST", "/units/{id}/siren", "", ""),
            ("POST", "/ambulances", "dispatchAmbulance", ""),
            ("POST", "/devices/{id}/commands", "sendCommand", ""),
            ("PATCH", "/x", "x", "Power off the hub"),
        ] {
            assert!(smell(method, path, id, summary), "{method} {path} {id} {summary}");
        }
    }

    #[test]
    fn words_that_only_look_like_power_are_let_pass() {
        let smell = |method, path, id, summary| smells_of_power(&operation(method, path, id, summary));
        for (method, path, id, summary) in [
            ("POST", "/alarms", "raiseAlarm", "Raises an alarm"),
            ("POST", "/prescriptions", "createPrescription", "Describes a prescription in any format"),
            ("PUT", "/residents/{id}", "updateResident", "Updates a resident"),
            ("POST", "/subscriptions", "startSubscription", "Starts a subscription"),
            ("POST", "/information", "addInformation", "Information formatted as Markdown"),
            ("GET", "/devices/{id}/restart-count", "getRestartCount", ""),
            ("GET", "/upgrade-history", "", ""),
            ("GET", "/calls", "listCalls", ""),
            ("GET", "/firmware/{id}", "readFirmware", ""),
            ("PATCH", "/alarms/{id}", "changeAlarm", "Acknowledges or closes an alarm"),
            ("POST", "/contacts", "addContact", "Whom to call for a resident"),
            ("DELETE", "/residents/{id}/contacts/{contact}", "removeContact", "Removes one of all contacts"),
            ("POST", "/resettlements", "addResettlement", "A presettled skill"),
            ("POST", "/search", "search", "Searches residents"),
        ] {
            assert_eq!(smell(method, path, id, summary), None, "{method} {path} {id} {summary}");
        }
    }
}
