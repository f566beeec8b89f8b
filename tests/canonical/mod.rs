//! One assessment made by hand that holds everything a report must be able to show.

use probity::assess::{Assessment, CheckResult, Completion, ProfileReference, Tool, Traffic};
use probity::profile::{Applied, Certainty, Equivalent, Level, Life, Pillar, Reference, RequirementText, TitleStatus, Waiver};
use probity::target::{Effect, Target};
use probity::verdict::{Cause, Evidence, Grade, Place, Verdict};
use time::macros::datetime;

/// Text that a stranger may hide in whatever he can write: markup, terminal escapes, marks that turn
/// text around, ends of blocks, workflow commands, spreadsheet formulas.
pub(crate) const HOSTILE: &str =
    "<script>alert(1)</script>\u{1b}[31m\u{202e}gpj\u{200b}]]> | `x` {{ 7*7 }}\n::error ::owned\r\n=cmd() @everyone %0A";

const TARGET: &str = r"
target: 1
product:
  name: CareBell Hub
  version: 4.2.1
  vendor: {name: Bellcare Example Ltd, website: 'https://bellcare.example/', country: IE}
  model: CB-4 rev. C
  purpose: Receives alarms from a pendant and passes them on to an alarm receiving centre.
  codes: {cpv: ['33196200'], iso-9999: ['22 27 18']}
endpoints:
  api: {url: 'https://api.bellcare.example/v1/', serves: [api, fhir]}
  web: {url: 'https://www.bellcare.example/', serves: [web]}
facts: {kind: hub, health-data: true, voice: false}
claims:
  - {specification: openapi, version: 3.1.0, role: server}
attestations:
  risk-assessment:
    statement: We assess the cybersecurity risks of the hub once a year and after each incident.
    person: Aoife Example
    role: head of product safety
    date: 2026-03-01
    expires: 2027-02-28
consent:
  owner: Bellcare Example Ltd
  contact: security@bellcare.example
  window: {from: 2026-11-22T08:00:00Z, until: 2026-11-22T18:00:00Z}
  environment: test
  highest-effect: reads-only
";

/// The canonical assessment: nothing of it is hostile.
pub(crate) fn assessment() -> Assessment {
    let target = Target::parse("target.yaml", TARGET).unwrap();
    Assessment {
        tool: Tool { name: "probity".into(), version: "0.1.0".into() },
        profile: ProfileReference {
            id: "eu-core".into(),
            version: "1.0.0".into(),
            title: "European core profile for assistive technology in social care".into(),
            sha256: "5f0c0f8e6b0f7f2f4b6c3f2a1d9e8c7b6a5f4e3d2c1b0a998877665544332211".into(),
            overlays: vec![Applied {
                id: "example-region".into(),
                version: "2026.1".into(),
                title: "Example region: telecare framework 2026".into(),
                sha256: "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9".into(),
                changes: vec![
                    "hsts-min-age is 31536000 instead of 15768000: as the region's portal asks".into(),
                    "SEC-07 is MUST instead of SHOULD".into(),
                ],
            }],
        },
        tier: 1,
        only: Vec::new(),
        target,
        started: datetime!(2026-11-22 09:00 UTC),
        finished: datetime!(2026-11-22 09:00:07.25 UTC),
        completion: Completion::Complete,
        pillars: vec![
            pillar("communication", "Open communication", TitleStatus::Confirmed, "Whether other systems can talk to the product."),
            pillar("cybersecurity", "Cybersecurity", TitleStatus::Assumed, "Whether the product keeps attackers out."),
            pillar("accessibility", "Accessibility", TitleStatus::Assumed, "Whether people with disabilities can use it."),
            pillar("data", "Data for reuse", TitleStatus::Assumed, "Whether data can be taken along."),
        ],
        requirements: requirements(),
        results: results(),
        waivers: vec![
            waiver("SEC-05", "2027-01-31", "The new gateway is being rolled out; until then the address is published by e-mail."),
            waiver("COM-02", "2026-06-30", "Accepted for the pilot only."),
        ],
        equivalents: vec![Equivalent {
            certificate: "Example Secure Product Certificate, level 2".into(),
            issuer: "Example Certification Body".into(),
            requirements: vec!["SEC-01".into(), "SEC-05".into()],
            expires: "2027-12-31".into(),
            basis: "Its criteria 3 and 7 ask for the same.".into(),
        }],
        traffic: Traffic { connections: 14, sent: 9_120, received: 48_311 },
    }
}

/// The canonical assessment with [`HOSTILE`] text wherever a stranger can write.
pub(crate) fn hostile() -> Assessment {
    let mut a = assessment();
    let text = || HOSTILE.to_owned();
    a.target.product.name = text();
    a.target.product.version = text();
    a.target.product.vendor.name = text();
    a.target.product.model = Some(text());
    a.target.product.purpose = Some(text());
    a.profile.title = text();
    a.profile.overlays[0].title = text();
    a.profile.overlays[0].changes = vec![text()];
    a.pillars[0].title = text();
    for requirement in &mut a.requirements {
        requirement.title = text();
        requirement.statement = text();
        requirement.why = text();
        requirement.remedy = text();
        requirement.sources[0].clause = Some(text());
        requirement.sources[0].url = Some("javascript:alert(1)".into());
    }
    for result in &mut a.results {
        let outcome = result.verdict.clone();
        result.verdict = Verdict { reason: text(), ..outcome }
            .with(Evidence::expected(HOSTILE).observed(HOSTILE).at(Place::part_of(HOSTILE, HOSTILE)).clause(HOSTILE).repeat(HOSTILE))
            .note(HOSTILE);
        result.kind = text();
    }
    for waiver in &mut a.waivers {
        waiver.reason = text();
        waiver.issuer = text();
    }
    a.equivalents[0].certificate = text();
    // A requirement's id of a region that has no taste.
    a.requirements[0].id = "X\"><img src=x>\u{202e}".into();
    a.results[0].requirement = "X\"><img src=x>\u{202e}".into();
    a
}

/// A product with nothing wrong.
pub(crate) fn sound() -> Assessment {
    let mut a = assessment();
    for result in &mut a.results {
        result.verdict = Verdict::passed("it is as asked");
    }
    a
}

fn pillar(id: &str, title: &str, title_status: TitleStatus, summary: &str) -> Pillar {
    Pillar { id: id.into(), title: title.into(), title_status, summary: summary.into() }
}

fn waiver(requirement: &str, expires: &str, reason: &str) -> Waiver {
    Waiver {
        requirement: requirement.into(),
        reason: reason.into(),
        issuer: "Example region, digital care unit".into(),
        issued: "2026-01-15".into(),
        expires: expires.into(),
        product: Some("CareBell Hub".into()),
        version: None,
    }
}

fn requirement(id: &str, pillar: &str, level: Level, [title, statement, why, remedy]: [&str; 4], source: (&str, &str)) -> RequirementText {
    RequirementText {
        id: id.into(),
        pillar: pillar.into(),
        title: title.into(),
        statement: statement.into(),
        why: why.into(),
        level,
        tier: 1,
        sources: vec![Reference {
            standard: source.0.into(),
            edition: None,
            clause: Some(source.1.into()),
            url: Some("https://www.rfc-editor.org/".into()),
            certainty: Certainty::Checked,
        }],
        remedy: remedy.into(),
        applies: None,
        freedom: Vec::new(),
        dormant: false,
        life: Life::default(),
        legal_basis: None,
        limits: None,
    }
}

fn requirements() -> Vec<RequirementText> {
    use Level::{Must, Should};
    let mut list = vec![
        requirement(
            "COM-01",
            "communication",
            Must,
            [
                "Interface description",
                "The product publishes a machine-readable description of its interface.",
                "Without it every connection is a project of its own.",
                "Publish an OpenAPI document and name its address in the target file.",
            ],
            ("OpenAPI Specification 3.1", "4.8"),
        ),
        requirement(
            "COM-02",
            "communication",
            Must,
            [
                "Structured errors",
                "The interface says what went wrong in a form that programs understand.",
                "An alarm that is refused without a reason cannot be sent again correctly.",
                "Answer errors with application/problem+json.",
            ],
            ("RFC 9457", "3"),
        ),
        requirement(
            "COM-03",
            "communication",
            Should,
            [
                "Caching is told",
                "Answers say how long they may be kept.",
                "Old data about a person's state can be dangerous.",
                "Send Cache-Control.",
            ],
            ("RFC 9111", "5.2"),
        ),
        requirement(
            "SEC-01",
            "cybersecurity",
            Must,
            [
                "Transport security",
                "Connections are protected by TLS 1.2 or later.",
                "Health data must not be readable on the way.",
                "Switch older versions off.",
            ],
            ("RFC 9325", "3.1.1"),
        ),
        requirement(
            "SEC-02",
            "cybersecurity",
            Must,
            [
                "No access without permission",
                "Personal data is not given without credentials.",
                "Anybody could read it.",
                "Ask for credentials on each address.",
            ],
            ("Regulation (EU) 2024/2847", "Annex I, Part I, 2 (d)"),
        ),
        requirement(
            "SEC-05",
            "cybersecurity",
            Must,
            [
                "Contact for vulnerabilities",
                "The vendor says where vulnerabilities are reported.",
                "Whoever finds a hole must know whom to tell.",
                "Serve /.well-known/security.txt with Contact and Expires.",
            ],
            ("RFC 9116", "2.5"),
        ),
        requirement(
            "SEC-06",
            "cybersecurity",
            Must,
            [
                "Risk assessment",
                "The vendor has assessed the cybersecurity risks of the product.",
                "Measures only fit risks that are known.",
                "Carry out and document a risk assessment, and have a named person state it.",
            ],
            ("Regulation (EU) 2024/2847", "Article 13 (2)"),
        ),
        requirement(
            "SEC-07",
            "cybersecurity",
            Must,
            [
                "Guessing is slowed down",
                "Repeated wrong passwords are answered more slowly or not at all.",
                "Passwords can be guessed otherwise.",
                "Limit the rate of attempts.",
            ],
            ("ETSI EN 303 645", "5.1-5"),
        ),
        requirement(
            "ACC-01",
            "accessibility",
            Must,
            [
                "Accessible web pages",
                "Web pages have no fault that a machine can find.",
                "Many users have disabilities.",
                "Mend the elements that are named.",
            ],
            ("EN 301 549", "9"),
        ),
        requirement(
            "DAT-01",
            "data",
            Must,
            ["Take-along format", "Voice messages can be exported.", "People may change their provider.", "Offer an export."],
            ("Regulation (EU) 2016/679", "Article 20"),
        ),
    ];
    list[3].limits = Some("One address was asked from one place; other addresses of the vendor may answer otherwise.".into());
    list[6].sources[0].certainty = Certainty::ToBeChecked;
    list[7].legal_basis = Some("Example Telecare Act, section 4".into());
    list[9].applies = Some("voice".into());
    list
}

fn result(requirement: &str, check: usize, kind: &str, endpoint: Option<&str>, grade: Grade, verdict: Verdict) -> CheckResult {
    let asked = !matches!(verdict.cause, Some(Cause::Consent | Cause::Missing)) && verdict.outcome.as_str() != "inapplicable";
    CheckResult {
        requirement: requirement.into(),
        check,
        kind: kind.into(),
        endpoint: endpoint.map(str::to_owned),
        grade,
        effect: if kind == "login-guessing" { Effect::Intrusive } else { Effect::ReadsOnly },
        observation: asked
            .then(|| format!("{:064x}", requirement.bytes().fold(check as u64 + 7, |sum, b| sum.wrapping_mul(1_000_003) + u64::from(b)))),
        milliseconds: if asked { 120 } else { 0 },
        verdict,
    }
}

fn results() -> Vec<CheckResult> {
    use Grade::{Attested, Documented, Measured};
    let api = "https://api.bellcare.example/v1/";
    let attested = Evidence::expected("that the risks were assessed")
        .observed("We assess the cybersecurity risks of the hub once a year and after each incident.")
        .at(Place::part_of("target file", "attestations.risk-assessment"));
    vec![
        result(
            "COM-01",
            0,
            "openapi",
            Some("api"),
            Documented,
            Verdict::passed("an OpenAPI 3.1.0 description was found and has no fault").note("warning: two operations have no summary"),
        ),
        result(
            "COM-02",
            0,
            "http-problem",
            Some("api"),
            Measured,
            Verdict::failed("errors are answered with a web page instead of a structured reason")
                .with(
                    Evidence::expected("Content-Type: application/problem+json")
                        .observed("text/html; charset=utf-8")
                        .at(Place::part_of(&format!("{api}no-such-thing"), "Content-Type"))
                        .clause("RFC 9457, section 3")
                        .repeat(format!("curl -sS -D - '{api}no-such-thing'")),
                )
                .with(
                    Evidence::expected("a member `type`, `title` or `status`")
                        .observed("<html><body>Not found</body></html>")
                        .at(Place::of(&format!("{api}no-such-thing"))),
                ),
        ),
        result(
            "COM-03",
            0,
            "http-header",
            Some("api"),
            Measured,
            Verdict::failed("the answer does not say how long it may be kept").with(
                Evidence::expected("Cache-Control")
                    .observed("no such header")
                    .at(Place::part_of(api, "Cache-Control"))
                    .clause("RFC 9111, section 5.2"),
            ),
        ),
        result("SEC-01", 0, "tls-version", Some("api"), Measured, Verdict::passed("TLS 1.3 and 1.2 are agreed, 1.1 and 1.0 are refused")),
        result("SEC-01", 0, "tls-version", Some("web"), Measured, Verdict::passed("TLS 1.3 and 1.2 are agreed, 1.1 and 1.0 are refused")),
        result(
            "SEC-02",
            0,
            "http-unauthenticated",
            Some("api"),
            Measured,
            Verdict::cant_tell(Cause::Target, "the endpoint did not answer within 10 seconds"),
        ),
        result(
            "SEC-05",
            0,
            "security-txt",
            Some("web"),
            Measured,
            Verdict::failed("there is no security.txt").with(
                Evidence::expected("status 200")
                    .observed("404")
                    .at(Place::of("https://www.bellcare.example/.well-known/security.txt"))
                    .clause("RFC 9116, section 3")
                    .repeat("curl -sS 'https://www.bellcare.example/.well-known/security.txt'"),
            ),
        ),
        result(
            "SEC-06",
            0,
            "attestation",
            None,
            Attested,
            Verdict::passed("stated by Aoife Example, head of product safety, on 2026-03-01 (until 2027-02-28)").with(attested),
        ),
        result(
            "SEC-07",
            0,
            "login-guessing",
            Some("api"),
            Measured,
            Verdict::untested(Cause::Consent, "not allowed: the consent block allows reads-only at most"),
        ),
        result(
            "ACC-01",
            0,
            "web-accessibility",
            None,
            Measured,
            Verdict::cant_tell(Cause::Bug, "Probity itself failed here; please report it: index out of range"),
        ),
        result(
            "ACC-01",
            1,
            "document",
            None,
            Documented,
            Verdict::untested(Cause::Missing, "the target file names no document `accessibility-statement`"),
        ),
        result("DAT-01", 0, "document", None, Documented, Verdict::inapplicable("it does not apply to this product: `voice` is false")),
    ]
}
