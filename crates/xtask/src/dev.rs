//! `cargo xtask dev`: the stack for a person, watched until Ctrl-C.

use std::{collections::BTreeSet, convert::Infallible, process::exit, thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    places::Places,
    stack::{self, Billing, Scope},
};

const LOOK: Duration = Duration::from_secs(1);

pub fn run(places: Places, scope: Scope, billing: Billing) -> Result<()> {
    take_down_on_interrupt(places.clone())?;
    let Err(error) = up_and_watch(&places, scope, billing);
    if !stack::stop_starting() {
        // Interrupted: the other thread ends the process when all is down.
        loop {
            thread::park();
        }
    }
    eprintln!("\nerror: {error:#}");
    stack::down_at_once(&places)?;
    bail!("the stack was taken down")
}

/// Comes back only when it fails.
fn up_and_watch(places: &Places, scope: Scope, billing: Billing) -> Result<Infallible> {
    let stack = stack::up(places.clone(), scope, billing)?;
    stack.launch_demo()?;
    println!("\nCtrl-C takes it down.");
    let mut told = BTreeSet::new();
    loop {
        let ended = stack.ended()?;
        // Asked after the look: what had ended by then and is not being taken down ended by itself.
        ensure!(!stack::is_stopping(), "the stack is being taken down");
        for record in ended {
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
        if !stack::stop_starting() {
            // It failed, and the main thread is taking it down.
            return;
        }
        println!();
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
