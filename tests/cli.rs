//! The program as a person or a pipeline meets it: words, streams and exit codes.

#![expect(clippy::unwrap_used, reason = "what cannot go on ends, and says where")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn probity(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_probity")).args(arguments).env_remove("PROBITY_LOG").output().unwrap()
}
fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
/// A new folder that is removed at the end.
struct Folder(PathBuf);
impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("probity-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A target whose only endpoint is a port on which nothing listens.
fn closed_target(folder: &Folder) -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    folder.file(
        "target.yaml",
        &format!("target: 1\nproduct: {{name: Example Alarm, version: '2.1', vendor: {{name: Example Care}}}}\nendpoints:\n  api: {{url: 'http://127.0.0.1:{port}/'}}\n"),
    )
}

#[test]
fn wrong_usage_is_2_and_help_and_version_are_0() {
    assert_eq!(probity(&["frobnicate"]).status.code(), Some(2));
    assert_eq!(probity(&["assess"]).status.code(), Some(2));
    assert_eq!(probity(&["assess", "t.yaml", "-o", "x", "--tier", "4"]).status.code(), Some(2));
    assert_eq!(probity(&["--help"]).status.code(), Some(0));
    let version = probity(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(out(&version).trim(), concat!("probity ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_mistake_in_a_file_is_2_with_its_place_and_what_to_do() {
    let folder = Folder::new("mistake");
    let target = folder.file("target.yaml", "target: 1\nproduct:\n  name: A\n  verson: 1\n  vendor: {name: V}\n");
    let output = probity(&["assess", &target, "-o", &folder.path("bundle")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("did you mean `version`?"), "{}", err(&output));
    assert!(err(&output).contains("target.yaml:4:3"), "{}", err(&output));
    assert!(!Path::new(&folder.path("bundle")).exists(), "nothing may be written");
    let output = probity(&["assess", &folder.path("absent.yaml"), "-o", &folder.path("bundle")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("probity init"), "{}", err(&output));
}

#[test]
fn an_unreachable_target_is_3_with_a_valid_bundle_and_preflight_says_4() {
    let folder = Folder::new("closed");
    let target = closed_target(&folder);
    let preflight = probity(&["preflight", &target]);
    assert_eq!(preflight.status.code(), Some(4), "{}{}", out(&preflight), err(&preflight));
    assert!(out(&preflight).contains("refused the connection"), "{}", out(&preflight));
    assert!(out(&preflight).contains("says nothing about the product"));
    let bundle = folder.path("bundle");
    let assess = probity(&["assess", &target, "-o", &bundle, "--zip"]);
    assert!(matches!(assess.status.code(), Some(1 | 3)), "{}", err(&assess));
    assert_eq!(probity(&["verify", &format!("{bundle}.zip")]).status.code(), Some(0));
    assert!(!out(&assess).contains('\u{1b}'), "no colour in a pipe");
    for command in ["replay", "verify"] {
        let output = probity(&[command, &bundle]);
        assert_eq!(output.status.code(), Some(0), "{command}: {}{}", out(&output), err(&output));
    }
    for format in ["text", "html", "json", "junit", "sarif", "markdown", "github", "gitlab"] {
        let output = probity(&["report", &bundle, "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{format}: {}", err(&output));
        assert!(!output.stdout.is_empty() || ["github", "gitlab"].contains(&format), "{format} is empty");
    }
    let again = probity(&["assess", &target, "-o", &bundle]);
    assert_eq!(again.status.code(), Some(2), "an earlier bundle is not overwritten");
    assert!(err(&again).contains("--force"), "{}", err(&again));
}

#[test]
fn a_changed_bundle_is_not_sound() {
    let folder = Folder::new("changed");
    let target = closed_target(&folder);
    let bundle = folder.path("bundle");
    probity(&["assess", &target, "-o", &bundle, "--quiet"]);
    let path = Path::new(&bundle).join("assessment.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("Example Alarm", "Another Alarm")).unwrap();
    let output = probity(&["verify", &bundle]);
    assert_eq!(output.status.code(), Some(1), "{}{}", out(&output), err(&output));
    assert!(out(&output).contains("assessment.json"), "{}", out(&output));
}

#[test]
fn a_narrowed_run_never_ends_with_0_and_unknown_words_are_2() {
    let folder = Folder::new("only");
    let target = closed_target(&folder);
    let output = probity(&["assess", &target, "-o", &folder.path("a"), "--only", "governance"]);
    assert_ne!(output.status.code(), Some(0));
    let output = probity(&["assess", &target, "-o", &folder.path("b"), "--only", "goverance"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("pillars:"), "{}", err(&output));
}

#[test]
fn explain_knows_requirements_kinds_outcomes_and_exit_codes() {
    for id in ["cantTell", "passed", "3", "attestation", "waiver", "cybersecurity"] {
        assert_eq!(probity(&["explain", id]).status.code(), Some(0), "{id}");
    }
    let profile = probity::profile::Profile::load("eu-core").unwrap();
    for requirement in &profile.requirements {
        let output = probity(&["explain", &requirement.text.id]);
        assert_eq!(output.status.code(), Some(0), "{}", requirement.text.id);
        let text = out(&output);
        for part in ["What is asked", "Why", "How it is tested", "How to mend it", "Where it comes from", "What a region may do"] {
            assert!(text.contains(part), "{}: {part}", requirement.text.id);
        }
    }
    assert_eq!(probity(&["explain", "nonsense"]).status.code(), Some(2));
}

#[test]
fn every_shipped_profile_and_overlay_is_free_of_mistakes() {
    for (id, _) in probity::profile::shipped_profiles() {
        let output = probity(&["profile", "lint", &id]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }
    for (id, _) in probity::profile::shipped_overlays() {
        let overlay = probity::profile::Overlay::load(&id).unwrap();
        let output = probity(&["profile", "lint", &overlay.content.base.profile, "--overlay", &id]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }
}

#[test]
fn completions_manual_and_schemas_are_printed() {
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["man"],
        &["schema", "target"],
        &["schema", "profile"],
        &["checks"],
        &["checks", "--json"],
        &["profile", "list"],
    ] {
        let output = probity(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", err(&output));
        assert!(output.stdout.len() > 50, "{arguments:?}");
    }
}

#[test]
fn a_dry_run_sends_nothing_and_writes_nothing() {
    let folder = Folder::new("dry");
    let target = closed_target(&folder);
    let output = probity(&["assess", &target, "--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("nothing was sent"));
}

#[test]
fn init_writes_a_file_that_can_be_read_once_it_is_filled_in() {
    let folder = Folder::new("init");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let path = folder.path("target.yaml");
    let output = probity(&["init", &format!("http://127.0.0.1:{port}/"), "-o", &path]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("TODO"));
    probity::target::Target::parse("target.yaml", &text).unwrap();
    assert_eq!(probity(&["init", "http://127.0.0.1:1/", "-o", &path]).status.code(), Some(2), "a file is not replaced unasked");
}

/// The lines of a fenced block after a mark in the README.
fn shown_in_readme(mark: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let after = text.split(mark).nth(1).unwrap();
    after.split("```").nth(1).unwrap().lines().skip(1).map(str::to_owned).filter(|l| !l.is_empty()).collect()
}

#[test]
fn the_demo_does_its_work_and_the_readme_shows_its_output() {
    let folder = Folder::new("demo");
    let output = probity(&["demo", "-o", &folder.path("out")]);
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    let port = regex::Regex::new("localhost:[0-9]+").unwrap();
    let text = port.replace_all(&out(&output), "localhost:PORT").into_owned();
    let mut rest = text.lines();
    for line in shown_in_readme("<!-- output: demo -->") {
        assert!(
            rest.any(|l| l == line),
            "README.md shows a line that `probity demo` does not print, or not in this order:\n{line}\n{text}"
        );
    }
    for vendor in ["sound", "nine-defects"] {
        let bundle = folder.0.join("out").join(vendor).join("bundle");
        assert!(bundle.join("report.html").is_file());
        assert_eq!(probity(&["verify", &bundle.display().to_string()]).status.code(), Some(0), "{vendor}");
    }
    let list = probity(&["demo", "--list"]);
    assert_eq!(list.status.code(), Some(0));
    assert!(out(&list).lines().count() >= 30);
    assert_eq!(probity(&["demo", "--defect", "no-such-defect", "-o", &folder.path("none")]).status.code(), Some(2));
}

#[test]
fn documents_are_checked_without_a_target() {
    let folder = Folder::new("check");
    let sound = folder.file("sound.json", r#"{"a": 1}"#);
    let twice = folder.file("twice.json", r#"{"a": 1, "a": 2}"#);
    assert_eq!(probity(&["check", &sound, "--format", "json"]).status.code(), Some(0));
    let output = probity(&["check", &twice, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("twice.json:1:"), "{}", out(&output));
    let sarif: serde_json::Value = serde_json::from_str(&out(&probity(&["check", &twice, "--report", "sarif"]))).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(probity(&["check", &sound, "--format", "nonsense"]).status.code(), Some(2));
    assert_eq!(probity(&["check", &folder.path("absent.json")]).status.code(), Some(2));
    let patient = folder.file("patient.json", r#"{"resourceType": "Patient"}"#);
    let home = folder.path("home");
    let output = Command::new(env!("CARGO_BIN_EXE_probity")).args(["check", &patient]).env("PROBITY_HOME", home).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "without definitions nothing is called sound: {}", out(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_ends_in_seconds_with_a_valid_bundle() {
    let folder = Folder::new("interrupted");
    // A listener that takes connections and never says a word.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = folder.file(
        "target.yaml",
        &format!(
            "target: 1\nproduct: {{name: A, version: '1', vendor: {{name: V}}}}\nendpoints:\n  api: {{url: 'http://127.0.0.1:{port}/'}}\nfacts: {{kind: [api]}}\nclaims: [{{specification: openapi, version: 3.1.0, role: server}}]\n"
        ),
    );
    let bundle = folder.path("bundle");
    let mut child = Command::new(env!("CARGO_BIN_EXE_probity"))
        .args(["assess", &target, "-o", &bundle])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It is at work once it has connected.
    let _connection = listener.accept().unwrap();
    let begun = std::time::Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert!(matches!(status.code(), Some(1 | 3)), "{status}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "it took {:?}", begun.elapsed());
    assert_eq!(probity(&["verify", &bundle]).status.code(), Some(0));
    assert!(out(&probity(&["report", &bundle, "--format", "json"])).contains("\"interrupted\""));
}
