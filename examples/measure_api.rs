use probity::api::{description::Description, lint};
use probity::document::Source;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let t = std::time::Instant::now();
    let bytes = std::fs::read(&path).unwrap();
    let source = Source::read(path.clone(), &bytes).unwrap();
    drop(bytes);
    eprintln!("source {:?} {}", t.elapsed(), rss());
    let d = Description::read(source, vec![]).unwrap();
    eprintln!("description {:?} {} ops {} findings {}", t.elapsed(), rss(), d.operations().len(), d.findings().len());
    let mut counts = std::collections::BTreeMap::new();
    for c in lint::recommended() {
        let t1 = std::time::Instant::now();
        let f = lint::judge(&d, &[c.clone()], &Default::default()).unwrap();
        counts.insert(c.rule.clone(), f.len());
        eprintln!(
            "  {} {} {:?} {} {}",
            c.rule,
            f.len(),
            t1.elapsed(),
            rss(),
            f.first().map(|x| format!("{x} {:?}", x.observed)).unwrap_or_default()
        );
    }
    let t2 = std::time::Instant::now();
    let f = lint::judge(&d, &lint::recommended(), &Default::default()).unwrap();
    eprintln!("all {} in {:?}; {:?} {}", f.len(), t2.elapsed(), t.elapsed(), rss());
}
fn rss() -> String {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    s.lines()
        .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
        .map(|l| l.split_whitespace().nth(1).unwrap().to_string())
        .collect::<Vec<_>>()
        .join("/")
}
