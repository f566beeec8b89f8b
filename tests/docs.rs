//! What the documentation says exists: each link leads to a file and a heading, each path is there,
//! and each command line is one that the program itself accepts.
//!
//! A command line is handed to the program with `--quiet --help` behind it. The program then reads every
//! word before it, refuses what it does not know, and does nothing.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folders whose Markdown is documentation, and how deep.
const FOLDERS: [&str; 5] = ["", "docs", "profiles", "schemas", "fixtures"];
/// What a path in the documentation begins with.
const ROOTS: [&str; 7] = ["docs/", "profiles/", "schemas/", "src/", "tests/", "fixtures/", "fuzz/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn probity(words: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_probity")).args(words).env_remove("PROBITY_LOG").output().unwrap()
}

/// A page of the documentation: its path from the root, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: &Path) -> Self {
        Self { path: path.strip_prefix(root()).unwrap().to_owned(), text: std::fs::read_to_string(path).unwrap() }
    }

    /// All pages, in the order of their paths.
    fn all() -> Vec<Self> {
        let mut paths = BTreeSet::new();
        for folder in FOLDERS {
            let Ok(entries) = std::fs::read_dir(root().join(folder)) else { continue };
            paths.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
        }
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// The lines with their numbers, and whether they stand in a block of code.
    fn lines(&self) -> Vec<(usize, &str, bool)> {
        let mut fenced = false;
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                continue;
            }
            lines.push((index + 1, line, fenced || (line.starts_with("    ") && !line.trim_start().starts_with(['-', '*', '|']))));
        }
        lines
    }

    /// The spans of code in running text, with their lines.
    fn spans(&self) -> Vec<(usize, &str)> {
        let prose = self.lines().into_iter().filter(|(_, _, code)| !code);
        prose.flat_map(|(number, line, _)| line.split('`').skip(1).step_by(2).map(move |span| (number, span))).collect()
    }

    /// The targets of links, with their lines.
    fn links(&self) -> Vec<(usize, &str)> {
        let mut links = Vec::new();
        for (number, line, _) in self.lines().into_iter().filter(|(_, _, code)| !code) {
            let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            links.extend(inline.map(|target| (number, target)));
            if let Some((label, target)) = line.trim_start().strip_prefix('[').and_then(|l| l.split_once("]: "))
                && !label.contains(']')
            {
                links.push((number, target.split_whitespace().next().unwrap_or_default()));
            }
        }
        links
    }

    /// The names that a link can give a heading, as GitHub and GitLab make them.
    fn anchors(&self) -> BTreeSet<String> {
        let headings = self.lines().into_iter().filter(|(_, line, code)| !code && line.starts_with('#'));
        headings.map(|(_, line, _)| anchor(line.trim_start_matches('#'))).collect()
    }

    /// The command lines, with their lines: in blocks of code, and as spans.
    fn commands(&self) -> Vec<(usize, Vec<String>)> {
        let mut texts: Vec<(usize, String)> = self.spans().into_iter().map(|(number, span)| (number, span.to_owned())).collect();
        let mut open: Option<(usize, String)> = None;
        for (number, line, code) in self.lines() {
            let (at, whole) = match open.take() {
                Some((at, before)) if code => (at, format!("{before} {}", line.trim())),
                _ if code => (number, line.trim().trim_start_matches("- ").trim_start_matches("run: ").trim_start_matches("$ ").to_owned()),
                _ => continue,
            };
            match whole.strip_suffix('\\') {
                Some(part) => open = Some((at, part.trim_end().to_owned())),
                None => texts.push((at, whole)),
            }
        }
        let commands = texts.into_iter().flat_map(|(number, text)| commands_in(&text).into_iter().map(move |words| (number, words)));
        commands.collect()
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The calls of the program in one line of a shell: the words after its name.
fn commands_in(line: &str) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let end = |word: &mut Option<String>, calls: &mut Vec<Vec<String>>| {
        if let (Some(word), Some(call)) = (word.take(), calls.last_mut()) {
            call.push(word);
        }
    };
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&' | '>' | '<') => {
                end(&mut word, &mut calls);
                // What a redirection names is a call of its own here, and of no interest.
                calls.push(Vec::new());
            }
            (None, c) if c.is_whitespace() => end(&mut word, &mut calls),
            // Brackets around a word say that it may be left out.
            (None, '[' | ']') => {}
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    end(&mut word, &mut calls);
    let ours = calls.into_iter().filter(|call| call.len() > 1 && call.first().is_some_and(|name| name == "probity"));
    ours.map(|mut call| call.split_off(1)).collect()
}

/// Why the program would not accept a command line.
fn refusal(words: &[String]) -> Option<String> {
    let mut asked = words.to_vec();
    asked.extend(["--quiet".to_owned(), "--help".to_owned()]);
    let answer = probity(&asked);
    if !answer.status.success() {
        return Some(String::from_utf8_lossy(&answer.stderr).into_owned());
    }
    // Names of formats are read by the command itself, before it opens anything.
    for (index, word) in words.iter().enumerate() {
        let Some((flag, value)) = word.split_once('=').or_else(|| Some((word.as_str(), words.get(index + 1)?.as_str()))) else { continue };
        if matches!(flag, "--format" | "-f" | "--report") {
            let nowhere = ["there-is-no-such-file".to_owned(), flag.to_owned(), value.to_owned()];
            let answer = probity(&words.iter().take(1).cloned().chain(nowhere).collect::<Vec<_>>());
            let said = String::from_utf8_lossy(&answer.stderr).into_owned();
            if !said.contains("there-is-no-such-file") {
                return Some(said);
            }
        }
    }
    None
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    for page in Page::all() {
        for (number, link) in page.links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let folder = page.path.parent().unwrap();
            let path = if file.is_empty() { root().join(&page.path) } else { root().join(folder).join(file) };
            let found = path.exists()
                && heading
                    .is_none_or(|heading| path.extension().is_some_and(|e| e == "md") && Page::read(&path).anchors().contains(heading));
            if !found {
                broken.push(format!("{}:{number}: {link}", page.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn paths_that_are_named_exist() {
    let mut missing = Vec::new();
    for page in Page::all() {
        // The change log tells of what was.
        if page.path == Path::new("CHANGELOG.md") {
            continue;
        }
        for (number, span) in page.spans() {
            let placeholder = span.contains(['<', '*', '{', '…', ' ', ':']);
            if ROOTS.iter().any(|r| span.starts_with(r)) && !placeholder && !root().join(span).exists() {
                missing.push(format!("{}:{number}: {span}", page.path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "these are not there:\n{}", missing.join("\n"));
}

#[test]
fn commands_are_what_the_program_accepts() {
    let mut seen = BTreeSet::new();
    let mut refused = Vec::new();
    for page in Page::all() {
        for (number, command) in page.commands() {
            if seen.insert(command.clone())
                && let Some(why) = refusal(&command)
            {
                refused.push(format!("{}:{number}: probity {}\n  {}", page.path.display(), command.join(" "), why.trim()));
            }
        }
    }
    assert!(refused.is_empty(), "the program refuses:\n{}", refused.join("\n"));
    assert!(seen.len() >= 15, "only {} commands were found: {seen:?}", seen.len());
}

#[test]
fn flags_that_are_named_alone_exist_somewhere() {
    let commands = words("demo init preflight assess report replay verify check explain checks schema");
    let mut help: String = commands.iter().map(|c| String::from_utf8(probity(&[c.clone(), "--help".into()]).stdout).unwrap()).collect();
    for nested in ["profile lint", "profile show", "profile diff", "profile list", "package add", "package list"] {
        help += &String::from_utf8(probity(&words(&format!("{nested} --help"))).stdout).unwrap();
    }
    let known: BTreeSet<&str> = help.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|w| w.starts_with("--")).collect();
    let mut unknown = Vec::new();
    for page in Page::all() {
        for (number, span) in page.spans() {
            let flag = span.split([' ', '=']).next().unwrap();
            if flag.starts_with("--") && flag.len() > 2 && !known.contains(flag) {
                unknown.push(format!("{}:{number}: {flag}", page.path.display()));
            }
        }
    }
    assert!(known.contains("--waivers") && known.len() > 15, "{known:?}");
    assert!(unknown.is_empty(), "no command has these flags:\n{}", unknown.join("\n"));
}

#[test]
fn what_does_not_exist_would_be_noticed() {
    for line in [
        "frobnicate",
        "profile frobnicate",
        "report bundle --frobnicate",
        "report bundle --format frobnicate",
        "report bundle --format=frobnicate",
        "check plan.json --report frobnicate",
        "assess target.yaml -o bundle --tier 4",
        "verify one two three",
    ] {
        assert!(refusal(&words(line)).is_some(), "{line}");
    }
    for line in ["report bundle --format html --output report.html", "check plan.json --format sbom --report sarif", "profile lint eu-core"]
    {
        assert_eq!(refusal(&words(line)), None, "{line}");
    }

    let page = |text: &str| Page { path: "docs/page.md".into(), text: text.to_owned() };
    let text = "See [a](b.md#c-d) and `probity checks`.\n\n    probity verify BUNDLE  # all of it\n\n```yaml\n- run: probity report b \\\n    --format html > x.html; probity replay \"my bundle\"\n# probity old\n```\n[x]: y.md\n\n## C & D\n";
    let page = page(text);
    assert_eq!(page.links(), [(1, "b.md#c-d"), (10, "y.md")]);
    assert!(page.anchors().contains("c--d"));
    let found: Vec<_> = page.commands().into_iter().map(|(number, words)| (number, words.join("|"))).collect();
    let expected = [(1, "checks"), (3, "verify|BUNDLE"), (6, "report|b|--format|html"), (6, "replay|my bundle")];
    assert_eq!(found, expected.map(|(number, words)| (number, words.to_owned())));
}
