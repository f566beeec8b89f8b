//! The command line that repeats a request, without secrets.

use crate::api::description::SchemeKind;
use crate::api::plan::PlannedRequest;

/// The longest body that is written out.
const MAX_BODY: usize = 4000;

/// A `curl` command; secrets stand as variables of the shell under their names.
pub fn curl(request: &PlannedRequest) -> String {
    let mut url = request.url.clone();
    let mut parts: Vec<String> = Vec::new();
    for (name, value) in &request.headers {
        parts.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
    }
    for secret in &request.secrets {
        let name = variable(&secret.secret);
        match &secret.kind {
            SchemeKind::HeaderKey(header) => parts.push(format!("-H {}\"${name}\"", quoted(&format!("{header}: ")))),
            SchemeKind::QueryKey(key) => {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&format!("{key}=${name}"));
            }
            SchemeKind::CookieKey(cookie) => parts.push(format!("-b {}\"${name}\"", quoted(&format!("{cookie}=")))),
            SchemeKind::Basic => parts.push(format!("-u \"${name}\"")),
            SchemeKind::Bearer => parts.push(format!("-H 'Authorization: Bearer '\"${name}\"")),
            SchemeKind::Http(scheme) => parts.push(format!("-H {}\"${name}\"", quoted(&format!("Authorization: {scheme} ")))),
            SchemeKind::MutualTls => parts.push(format!("--cert \"${name}\"")),
            SchemeKind::Other(_) => {}
        }
    }
    if !request.body.is_empty() {
        let text = String::from_utf8_lossy(&request.body);
        if text.len() > MAX_BODY {
            parts.push(format!("--data-binary @body # {} bytes, see the recorded exchange {}", request.body.len(), request.id));
        } else {
            parts.push(format!("--data-binary {}", quoted(&text)));
        }
        if !request.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type")) {
            // Or curl would add one of its own.
            parts.insert(0, "-H 'Content-Type:'".into());
        }
    }
    // Double quotes, so that a secret in the query is filled in; nothing else in an address needs them.
    let address = if url.contains('$') { format!("\"{}\"", url.replace('"', "%22").replace('`', "%60")) } else { quoted(&url) };
    let mut words = vec![format!("curl -i -X {} {address}", request.method)];
    words.extend(parts);
    words.join(" ")
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The name of a shell variable.
fn variable(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}
