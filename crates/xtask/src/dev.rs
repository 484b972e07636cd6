//! `cargo xtask dev`: the stack for a person, watched until Ctrl-C.

use std::{collections::BTreeSet, process::exit, thread, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    places::Places,
    progress::Progress,
    stack::{self, Scope},
};

const LOOK: Duration = Duration::from_secs(1);

pub fn run(places: Places, scope: Scope) -> Result<()> {
    stack::build_binaries(&places, Progress::start())?;
    take_down_on_interrupt(places.clone())?;
    let up = || {
        let stack = stack::up(places.clone(), scope)?;
        stack.launch_demo()?;
        anyhow::Ok(stack)
    };
    let stack = match up() {
        Ok(stack) => stack,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            stack::down_at_once(&places)?;
            bail!("the stack did not come up");
        }
    };
    println!("\nCtrl-C takes it down.");
    let mut told = BTreeSet::new();
    loop {
        for record in stack.ended()? {
            if told.insert((record.name.clone(), record.pid)) {
                eprintln!("\n{}", stack.obituary(&record.name));
            }
        }
        thread::sleep(LOOK);
    }
}

/// At any moment, also halfway up: the thread takes down what there is and ends the process.
fn take_down_on_interrupt(places: Places) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Registered here, so that no interrupt comes before it.
    let (mut interrupt, mut terminate) = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        });
        println!();
        stack::stop_starting();
        match stack::down_at_once(&places).context("the stack was not taken down") {
            Ok(()) => exit(0),
            Err(error) => {
                eprintln!("\nerror: {error:#}");
                exit(1)
            }
        }
    });
    Ok(())
}
