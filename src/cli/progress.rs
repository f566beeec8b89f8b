//! Progress of a run, on standard error: a line that is rewritten on a terminal, a line per pillar elsewhere.

use std::time::Instant;

use super::terminal::{BOLD, DIM, GREEN, RED, Terminal, YELLOW};
use crate::assess::Event;
use crate::verdict::Outcome;

/// Listens to a run and draws its progress.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: Terminal,
    begun: Instant,
    steps: usize,
    done: usize,
    pillar: String,
    counts: [usize; 5],
}

impl Progress {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, begun: Instant::now(), steps: 0, done: 0, pillar: String::new(), counts: [0; 5] }
    }

    pub(super) fn listen(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned(plan) => self.steps = plan.steps.len(),
            Event::Pillar(pillar) => {
                self.close_pillar();
                self.pillar.clone_from(&pillar.title);
            }
            Event::Asking { requirement, kind, endpoint } => {
                let on = endpoint.map(|e| format!(" on {e}")).unwrap_or_default();
                self.terminal.live(format_args!(
                    "{DIM}[{}/{}]{DIM:#} {}: {requirement} {kind}{on}",
                    self.done + 1,
                    self.steps,
                    self.pillar
                ));
                self.terminal.debug(format_args!("asking {requirement} {kind}{on}"));
            }
            Event::Result { result, .. } => {
                self.done += 1;
                if let Some(count) = self.counts.get_mut(result.outcome().rank()) {
                    *count += 1;
                }
                self.terminal.debug(format_args!("  {} {}: {}", result.requirement, result.outcome(), result.verdict.reason));
            }
            Event::Finished(assessment) => {
                self.close_pillar();
                let traffic = &assessment.traffic;
                self.terminal.info(format_args!(
                    "{DIM}{} checks in {:.1} s, {} connections, {} bytes sent, {} received{DIM:#}",
                    self.done,
                    self.begun.elapsed().as_secs_f64(),
                    traffic.connections,
                    traffic.sent,
                    traffic.received
                ));
            }
        }
    }

    fn close_pillar(&mut self) {
        if self.pillar.is_empty() {
            return;
        }
        self.terminal.live("");
        let words: Vec<String> = Outcome::WORST_FIRST
            .into_iter()
            .zip(self.counts)
            .filter(|(_, n)| *n > 0)
            .map(|(outcome, n)| {
                let style = style(outcome);
                format!("{style}{n} {outcome}{style:#}")
            })
            .collect();
        self.terminal.info(format_args!("  {BOLD}{}{BOLD:#}: {}", self.pillar, words.join(", ")));
        self.counts = [0; 5];
        self.pillar.clear();
    }
}

/// The colour of an outcome.
pub(super) fn style(outcome: Outcome) -> anstyle::Style {
    match outcome {
        Outcome::Passed => GREEN,
        Outcome::Failed => RED,
        Outcome::CantTell | Outcome::Untested => YELLOW,
        Outcome::Inapplicable => DIM,
    }
}
