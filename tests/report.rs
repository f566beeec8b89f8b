//! Every format of report, from one assessment made by hand.

mod canonical;

use probity::assess::Assessment;
use probity::report::{Format, RenderOptions, render};

fn made(format: Format, assessment: &Assessment) -> String {
    String::from_utf8(render(format, assessment, &RenderOptions::default()).unwrap()).unwrap()
}

#[test]
fn every_format_is_as_it_was() {
    for format in Format::ALL {
        insta::with_settings!({ snapshot_suffix => format.as_str(), omit_expression => true }, {
            insta::assert_snapshot!(made(format, &canonical::assessment()));
        });
    }
}

/// `SHOW=folder cargo test --test report show` writes every format of every assessment there.
#[test]
fn show() {
    let Some(folder) = std::env::var_os("SHOW") else { return };
    let folder = std::path::PathBuf::from(folder);
    for (name, assessment) in [("failing", canonical::assessment()), ("hostile", canonical::hostile()), ("sound", canonical::sound())] {
        for format in Format::ALL {
            std::fs::write(folder.join(format!("{name}-{format}.{}", format.extension())), made(format, &assessment)).unwrap();
        }
    }
}
