//! The command line.
//!
//! Results go to standard output, progress and complaints to standard error. Every way to end is an
//! [`Exit`]; the default is failure until a command says otherwise.

mod args;
mod assess;
mod check;
mod demo;
mod documents;
mod dry_run;
mod exit;
mod explain;
mod init;
mod package_set;
mod preflight;
mod profile;
mod progress;
mod report;
mod terminal;

pub use exit::Exit;
pub use terminal::{LogLevel, Terminal};

use clap::{CommandFactory, Parser};

use args::{Arguments, Command, SchemaOf};

use crate::document::Mistake;
use crate::probe::Interrupt;
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
    // The program's own fault must not look like an answer about a product.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dispatch(&arguments.command, terminal))) {
        Err(_) => {
            terminal.error("Probity itself failed; nothing is said about any product", Some("please report it, with the lines above"));
            Exit::Bug
        }
        Ok(Ok(exit)) => exit,
        Ok(Err(mistakes)) => {
            terminal.mistakes(&mistakes);
            Exit::Usage
        }
    }
}

fn dispatch(command: &Command, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    match command {
        Command::Check(args) => check::run(args, terminal),
        Command::Package(command) => check::package(command, terminal),
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
        Command::Init(args) => wait(init::run(args, terminal)),
        Command::Preflight(args) => wait(preflight::run(args, terminal)),
        Command::Assess(args) => wait(assess::run(args, terminal)),
        Command::Report(args) => report::report(args, terminal),
        Command::Replay(args) => report::replay(args, terminal),
        Command::Verify(args) => report::verify(args, terminal),
        Command::Demo(args) => wait(demo::run(args, terminal)),
    }
}

/// Runs what waits for the network. Commands that do not never start a runtime.
fn wait<T>(work: impl Future<Output = Result<T, Vec<Mistake>>>) -> Result<T, Vec<Mistake>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|e| vec![Mistake::new("probity", format!("the runtime cannot be started: {e}"))])?;
    let done = runtime.block_on(work);
    // A name service that hangs must not hold the end of the program.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    done
}

/// Lets Ctrl-C and a request to terminate end the run early, with a valid bundle. A second one ends the program.
fn interrupt_on_signal(interrupt: &Interrupt, terminal: Terminal) -> tokio::task::JoinHandle<()> {
    let interrupt = interrupt.clone();
    tokio::spawn(async move {
        if signalled().await.is_ok() {
            terminal.warn(
                "stopping; what the run made is taken away first, what was asked is kept, the rest is untested; once more ends at once",
            );
            interrupt.throw();
        }
        if signalled().await.is_ok() {
            std::process::exit(i32::from(Exit::NotDetermined.code()));
        }
    })
}

#[cfg(unix)]
async fn signalled() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signalled() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
