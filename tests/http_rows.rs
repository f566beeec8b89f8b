//! Services of different make and the rows on HTTP: what is sound in its own way fails nothing, and each
//! defect fails the one check that is about it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and say why")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use probity::assess::{Options, Selection, run};
use probity::demo::Vendor;
use probity::probe::{Door, Interrupt, Limits};
use probity::profile::Profile;
use probity::verdict::Outcome;
use time::OffsetDateTime;

/// A service as it is told: what it serves, how it is reached, and its part of a vendor file.
struct Make {
    name: &'static str,
    serves: &'static str,
    host: &'static str,
    service: &'static str,
    /// The side without encryption.
    clear: &'static str,
    /// The checks that fail: requirement and kind.
    fails: &'static [(&'static str, &'static str)],
}

const REDIRECT: &str = "fallback: {status: 301, headers: {Location: '{{origin:main}}/'}}";
const HSTS: &str = "Strict-Transport-Security: max-age=31536000";
const PAGE: &str = "html: '<!doctype html><html lang=en><title>Care</title><h1>Care</h1></html>'";
/// The protections of a page, in the way that many guides write them.
const SOUND: &str = "headers: {Strict-Transport-Security: max-age=63072000; includeSubDomains; preload, X-Content-Type-Options: nosniff, X-Frame-Options: SAMEORIGIN, Referrer-Policy: strict-origin-when-cross-origin, Content-Security-Policy: \"default-src 'self'; base-uri 'self'; form-action 'self'\"}";

const fn web(name: &'static str, service: &'static str, fails: &'static [(&'static str, &'static str)]) -> Make {
    Make { name, serves: "web", host: "localhost", service, clear: REDIRECT, fails }
}

/// What fails when the makes are assessed by the rows on HTTP.
async fn failed(make: &Make) -> BTreeSet<(String, String)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = std::env::temp_dir().join(format!("probity-http-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let service = make.service.replace("$SOUND", SOUND).replace("$PAGE", PAGE).replace("$HSTS", HSTS).replace('\n', "\n    ");
    let text = format!(
        "sentence: {name}\nservices:\n  main:\n    scheme: https\n    {service}\n  clear:\n    scheme: http\n    {clear}\ntarget:\n  target: 1\n  product: {{name: Care, version: '1', vendor: {{name: v}}}}\n  facts: {{kind: [web, api, hub]}}\n  endpoints:\n    main: {{url: 'https://{host}:{{{{port:main}}}}/', serves: [{serves}], {anchors}addresses: [127.0.0.1]}}\n    clear: {{url: '{{{{origin:clear}}}}/', serves: [clear], addresses: [127.0.0.1]}}\n  fixtures: {{pages: [/]}}\n",
        name = make.name,
        clear = make.clear,
        host = make.host,
        serves = make.serves,
        anchors = if service.contains("issuer: itself") { "" } else { "trust-anchors: ca.pem, " },
    );
    let vendor = Vendor::parse(make.name, &text).unwrap_or_else(|e| panic!("{}: {e}", make.name));
    let running = vendor.start(&folder, OffsetDateTime::now_utc()).await.unwrap_or_else(|e| panic!("{}: {e}", make.name));
    let door = Door::open(running.opening(Limits::default()).unwrap()).await.unwrap();
    let only = ["SEC-06", "SEC-07", "SEC-14"].map(str::to_owned).to_vec();
    let options = Options {
        selection: Selection { only, ..Selection::default() },
        now: OffsetDateTime::now_utc(),
        waivers: Vec::new(),
        interrupt: Interrupt::new(),
    };
    let assessment = run(&Profile::load("eu-core").unwrap(), &Arc::new(running.target.clone()), &door, &options, |_| {}).await;
    std::fs::remove_dir_all(&folder).ok();
    let of = |outcome: Outcome| assessment.results.iter().filter(move |r| r.outcome() == outcome);
    for result in of(Outcome::Failed) {
        if !make.fails.contains(&(result.requirement.as_str(), result.kind.as_str())) {
            println!("{}: {} {} {:?}: {}", make.name, result.requirement, result.kind, result.endpoint, result.verdict.reason);
        }
    }
    assert!(of(Outcome::Passed).count() > 0, "{}: nothing was told", make.name);
    of(Outcome::Failed).map(|r| (r.requirement.clone(), r.kind.clone())).collect()
}

async fn all(makes: &[Make]) {
    let mut wrong = String::new();
    for make in makes {
        let stated: BTreeSet<(String, String)> = make.fails.iter().map(|(r, k)| ((*r).to_owned(), (*k).to_owned())).collect();
        let found = failed(make).await;
        if found != stated {
            wrong += &format!("\n{}: failed {found:?}, stated {stated:?}", make.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn sound_services_of_every_make_fail_nothing() {
    all(&[
        web("a web server with its headers", "$SOUND\nroutes:\n  GET /: {$PAGE}\nfallback: {status: 404, html: <h1>Not found</h1>}", &[]),
        web(
            "one page for every path",
            "headers: {$HSTS, X-Content-Type-Options: 'nosniff, nosniff', Content-Security-Policy: \"script-src 'nonce-cmFuZG9tMTIzNDU2' 'strict-dynamic' 'unsafe-inline' https:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'\"}\nfallback: {html: '<!doctype html><html lang=en><title>App</title><div id=root></div><script nonce=x src=/a.js></script></html>'}",
            &[],
        ),
        web(
            "a root that leads to a language",
            "$SOUND\nroutes:\n  GET /: {status: 302, headers: {Location: /en/, Content-Security-Policy: '', X-Frame-Options: ''}}\n  GET /en/: {$PAGE}\nfallback: {status: 404}",
            &[],
        ),
        web(
            "behind a network of caches, with its cookies",
            "$SOUND\nroutes:\n  GET /: {$PAGE, headers: {Server: cloudflare, Via: 1.1 varnish, Set-Cookie: '__cf_bm=x; Path=/; Expires=Sun, 22-Nov-26 13:00:00 GMT; Domain=.localhost; HttpOnly; Secure; SameSite=None'}}\nfallback: {status: 404}",
            &[],
        ),
        web(
            "a load balancer's cookie for affinity",
            "$SOUND\nroutes:\n  GET /: {$PAGE, headers: {Set-Cookie: 'AWSALB=x; Expires=Sun, 29 Nov 2026 13:00:00 GMT; Path=/'}}\nfallback: {status: 404}",
            &[],
        ),
        web(
            "a token that scripts must read",
            "$SOUND\nroutes:\n  GET /: {$PAGE, headers: {Set-Cookie: 'csrftoken=x; Path=/; Secure; SameSite=Lax'}}\nfallback: {status: 404}",
            &[],
        ),
        web("401 everywhere", "$SOUND\nfallback: {status: 401, headers: {WWW-Authenticate: Basic realm=care}, text: no}", &[]),
        web("a service at rest", "fallback: {status: 503, text: later}", &[]),
        Make {
            name: "an interface for machines",
            serves: "api",
            host: "localhost",
            service: "headers: {$HSTS, Access-Control-Allow-Origin: '*'}\nroutes:\n  GET /: {json: {version: 4.2.0}}\nfallback: {status: 404, json: {error: not found}}",
            clear: "fallback: {status: 403}",
            fails: &[],
        },
        Make {
            name: "an interface that shows a page of its description",
            serves: "api",
            host: "localhost",
            service: "headers: {$HSTS}\nroutes:\n  GET /: {html: '<h1>API</h1>'}\nfallback: {status: 404, json: {error: not found}}",
            clear: "fallback: {status: 426}",
            fails: &[],
        },
        Make {
            name: "a device at its address with a certificate of its own",
            serves: "hub",
            host: "127.0.0.1",
            service: "tls: {issuer: itself}\nroutes:\n  GET /: {html: '<h1>Hub</h1><form><input type=password></form>'}\nfallback: {status: 404}",
            clear: REDIRECT,
            fails: &[],
        },
    ])
    .await;
}

#[tokio::test]
async fn each_defect_fails_its_own_check_only() {
    const TRANSPORT: &[(&str, &str)] = &[("SEC-06", "transport-security")];
    const CLEAR: &[(&str, &str)] = &[("SEC-06", "https-redirect")];
    const BROWSER: &[(&str, &str)] = &[("SEC-07", "browser-protection")];
    const COOKIES: &[(&str, &str)] = &[("SEC-07", "cookies")];
    const CORS: &[(&str, &str)] = &[("SEC-07", "cors")];
    const TRACE: &[(&str, &str)] = &[("SEC-07", "trace-method")];
    const INSIDE: &[(&str, &str)] = &[("SEC-14", "information-disclosure")];
    const PROTECTED: &str = "X-Content-Type-Options: nosniff, X-Frame-Options: DENY, Content-Security-Policy: \"default-src 'self'\"";
    let page = |more: &str| -> &'static str {
        format!("$SOUND\nroutes:\n  GET /: {{$PAGE{}{more}}}\nfallback: {{status: 404}}", if more.is_empty() { "" } else { ", " }).leak()
    };
    let with = |headers: &str| -> &'static str {
        format!("headers: {{{headers}}}\nroutes:\n  GET /: {{$PAGE}}\nfallback: {{status: 404}}").leak()
    };
    let cookie = |value: &str| page(&format!("headers: {{Set-Cookie: '{value}'}}"));
    let clear = |clear| Make { clear, ..web("clear text", page(""), CLEAR) };
    all(&[
        web("no HSTS", with(PROTECTED), TRANSPORT),
        web("HSTS with a slip", with(&format!("Strict-Transport-Security: maxage=31536000, {PROTECTED}")), TRANSPORT),
        web("HSTS for a minute", with(&format!("Strict-Transport-Security: max-age=60, {PROTECTED}")), TRANSPORT),
        web("HSTS twice, the first switched off", with(&format!("Strict-Transport-Security: 'max-age=0, max-age=31536000', {PROTECTED}")), TRANSPORT),
        Make { name: "content in clear text", ..clear("fallback: {html: <h1>Care</h1>}") },
        Make { name: "from clear text to clear text", ..clear("fallback: {status: 301, headers: {Location: 'http://localhost/'}}") },
        web("no policy", with(&format!("{HSTS}, X-Content-Type-Options: nosniff, X-Frame-Options: DENY")), BROWSER),
        web("a policy that only reports", with(&format!("{HSTS}, X-Content-Type-Options: nosniff, X-Frame-Options: DENY, Content-Security-Policy-Report-Only: \"default-src 'self'\"")), BROWSER),
        web("a policy that lets everything run", with(&format!("{HSTS}, X-Content-Type-Options: nosniff, X-Frame-Options: DENY, Content-Security-Policy: \"default-src * 'unsafe-inline'\"")), BROWSER),
        web("types are guessed", with(&format!("{HSTS}, X-Frame-Options: DENY, Content-Security-Policy: \"default-src 'self'\"")), BROWSER),
        web("frames are open", with(&format!("{HSTS}, X-Content-Type-Options: nosniff, Content-Security-Policy: \"default-src 'self'\"")), BROWSER),
        web("the whole address is told", with(&format!("{HSTS}, {PROTECTED}, Referrer-Policy: 'no-referrer, unsafe-url'")), BROWSER),
        web("a session that scripts can read", cookie("sessionid=x; Path=/; Secure; SameSite=Lax"), COOKIES),
        web("a session without encryption", cookie("PHPSESSID=x; Path=/; HttpOnly; SameSite=Lax"), COOKIES),
        web("a promise that the name breaks", cookie("__Host-id=x; Path=/app; Secure; HttpOnly; SameSite=Lax"), COOKIES),
        web("a session for other sites without encryption", cookie("sid=x; Path=/; HttpOnly; SameSite=None"), COOKIES),
        web("pages without an origin read everything", page("headers: {Access-Control-Allow-Origin: 'null', Access-Control-Allow-Credentials: 'true'}"), CORS),
        web("TRACE", "$SOUND\nroutes:\n  GET /: {$PAGE}\n  TRACE /: {echo: true}\nfallback: {status: 404}", TRACE),
        web("the version of the server", page("headers: {Server: nginx/1.18.0}"), INSIDE),
        web("the version of the language", page("headers: {X-Powered-By: PHP/8.1.2}"), INSIDE),
        web(
            "a trace in an error",
            "$SOUND\nroutes:\n  GET /: {$PAGE}\nfallback: {status: 500, text: \"java.lang.NullPointerException: x\\n\\tat org.example.Care.open(Care.java:41)\\n\\tat org.example.Main.run(Main.java:7)\\n\"}",
            INSIDE,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_hub_in_clear_text_fails_for_that_alone() {
    let make = Make {
        name: "a hub in clear text",
        serves: "hub",
        host: "127.0.0.1",
        service: "tls: {issuer: itself}\nroutes:\n  GET /: {html: <h1>Hub</h1>}\nfallback: {status: 404}",
        clear: "fallback: {html: <h1>Hub</h1>}",
        fails: &[("SEC-06", "https-redirect")],
    };
    all(&[make]).await;
}
