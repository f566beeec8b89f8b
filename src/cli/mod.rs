//! The command line.
//!
//! Results go to standard output, progress and complaints to standard error. Every way to end is an
//! [`Exit`]; the default is failure until a command says otherwise.

mod args;
mod exit;
mod explain;
mod profile;
mod progress;
mod terminal;

pub use exit::Exit;
pub use terminal::{LogLevel, Terminal};

use clap::{CommandFactory, Parser};

use args::{Arguments, Command, SchemaOf};

use crate::document::Mistake;
use crate::profile::{overlay_schema, profile_schema, target_schema, waiver_schema};

/// Reads the arguments, does what they say, and tells how it ended.
pub fn run() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers; everything else is wrong usage.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Success };
        }
    };
    let level = if arguments.quiet { LogLevel::Error } else { arguments.log_level };
    let terminal = Terminal::new(level);
    match dispatch(&arguments.command, terminal) {
        Ok(exit) => exit,
        Err(mistakes) => {
            terminal.mistakes(&mistakes);
            Exit::Usage
        }
    }
}

fn dispatch(command: &Command, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    match command {
        Command::Explain(args) => explain::explain(args, terminal),
        Command::Checks(args) => explain::checks(args, terminal),
        Command::Profile(command) => profile::run(command, terminal),
        Command::Schema(args) => {
            let schema = match args.of {
                SchemaOf::Profile => profile_schema(),
                SchemaOf::Overlay => overlay_schema(),
                SchemaOf::Target => target_schema(),
                SchemaOf::Waivers => waiver_schema(),
            };
            terminal.say(serde_json::to_string_pretty(&schema).unwrap_or_default());
            Ok(Exit::Success)
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "probity", &mut text);
            terminal.write(&text);
            Ok(Exit::Success)
        }
        Command::Man => {
            let mut text = Vec::new();
            let _ = clap_mangen::Man::new(Arguments::command()).render(&mut text);
            terminal.write(&text);
            Ok(Exit::Success)
        }
        Command::Demo(_)
        | Command::Init(_)
        | Command::Preflight(_)
        | Command::Assess(_)
        | Command::Report(_)
        | Command::Replay(_)
        | Command::Verify(_) => Err(vec![Mistake::new("probity", "not built in yet")]),
    }
}
