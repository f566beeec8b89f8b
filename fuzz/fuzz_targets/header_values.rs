//! Values of HTTP headers and bodies of answers, as a hostile service would send them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::format::header::content_security_policy::{Demand, Policies};
use probity::format::header::{
    Surface, banner, content_security_policy, content_type_options, cookie, framing, meta_values, referrer_policy, stack_trace,
    strict_transport_security,
};
use probity::verdict::Severity;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data).into_owned();
    let values: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for value in &values {
        let _ = strict_transport_security::read(value);
        cookie::read(value);
        banner::exact_version(value);
    }
    let policies = Policies::read(&values, &[], &meta_values(&text, "content-security-policy"));
    let demand = Demand { required: &[], advised: &values, forbid_eval: true };
    content_security_policy::judge(&policies, Surface::WebPage, &demand);
    framing::judge(&policies, &values, Surface::WebPage);
    content_type_options::judge(&values, Some("text/html"), Surface::WebPage);
    referrer_policy::judge(&values, &values, Surface::WebPage);
    stack_trace::judge(500, &text, "example.org");
    banner::judge(&[("server".to_owned(), text)], Severity::Warning);
});
