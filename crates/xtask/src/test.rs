//! `cargo xtask test`: what every change has to pass; with `--quick` what needs no more than PostgreSQL, with `--long` every test there is.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::Mutex,
    thread,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    built::{self, Test},
    checks, packages,
    places::Places,
    progress::Progress,
    stack::{self, Billing, Scope, ThrowAway},
};

/// The tests that need the running stack.
const ACCEPTANCE: &str = "howdah-acceptance";
/// Those of them that take its parts away, one after the other and for many minutes.
const TAKE_PARTS_AWAY: &str = "faults";
/// Those that take many minutes: parts killed at every point, and the pages in a browser.
const LONG: &[&str] = &[TAKE_PARTS_AWAY, "browser"];
/// Those that take longest, which are begun first.
const LONGEST: &[&str] = &["browser", "operator_alone"];
/// The one that also has to pass on a cluster that was there.
const ELSEWHERE: &str = "path_platform_subdomain";
/// The test of the stack itself, which starts, kills and takes down one of its own.
const OF_STACK: (&str, &str) = ("xtask", "stack");
/// Those that hold us to Stripe, by programs of Stripe's that are brought for them, and the variables that name these; without, they are
/// ignored.
const HELD_TO_STRIPE: [(&str, &str, &str); 2] =
    [("howdah-billing", "stripe_mock", "HOWDAH_STRIPE_MOCK"), ("howdah-stripe-simulator", "python", "HOWDAH_STRIPE_PYTHON")];
/// At once, since they wait more than they compute: for PostgreSQL, for deadlines, for what a cluster takes its time for.
const OF_CRATES: usize = 4;
const ON_A_STACK: usize = 3;
/// In the usual run, whose times people compare: the longest in one lane, all others in another.
const USUALLY: usize = 2;

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Quick,
    Usual,
    Long,
}

pub fn run(places: Places, extent: Extent) -> Result<()> {
    let progress = Progress::start();
    packages::ensure(progress, &[packages::POSTGRESQL, packages::REDIS, packages::AGE])?;
    let tests = progress.step("building every test (minutes the first time)", || built::tests(&places))?;
    let (of_stack, tests): (Vec<_>, Vec<_>) = tests.into_iter().partition(|test| (&*test.package, &*test.name) == OF_STACK);
    let (acceptance, of_crates): (Vec<_>, Vec<_>) = tests.into_iter().partition(|test| test.package == ACCEPTANCE);
    let of_stripe = match extent {
        Extent::Quick => None,
        Extent::Usual | Extent::Long => Some([stack::stripe_mock(&places, progress)?, stack::stripe_python(&places, progress)?]),
    };
    progress.step("tests of the crates", || {
        let postgres = ThrowAway::start(&places, progress)?;
        side_by_side(&of_crates, OF_CRATES, |test| {
            let mut command = test.command();
            command.env("HOWDAH_TEST_DATABASE_URL", postgres.url());
            for (program, (package, name, variable)) in of_stripe.iter().flatten().zip(HELD_TO_STRIPE) {
                if (&*test.package, &*test.name) == (package, name) {
                    command.env(variable, program).arg("--include-ignored");
                }
            }
            command
        })
    })?;
    if extent == Extent::Quick {
        return Ok(());
    }
    let on_stacks = match extent {
        Extent::Long => {
            checks::bring(&places, progress)?;
            on_two_stacks
        }
        Extent::Quick | Extent::Usual => on_one_stack,
    };
    together([
        progress.step("acceptance tests", || on_stacks(&places, &acceptance)),
        progress.step("tests of the stack", || one_by_one(&of_stack, |test| of_the_stack(&places, test))),
        progress.step("on a cluster that is there", || on_a_cluster(&places, &acceptance)),
    ])
}

/// Those that don't take many minutes.
fn on_one_stack(places: &Places, tests: &[Test]) -> Result<()> {
    stack::up(places.clone(), Scope::Whole, Billing::Off)?;
    let tests = longest_first(tests.iter().filter(|test| !LONG.contains(&&*test.name)));
    together([side_by_side(tests, USUALLY, on(places)), stack::down(places)])
}

/// All of them: on one stack those that share it; at the same time on another those that take its parts away.
fn on_two_stacks(places: &Places, tests: &[Test]) -> Result<()> {
    let beside = places.beside();
    // One after the other: each takes ports of the machine's that are free.
    let up = stack::up(places.clone(), Scope::Whole, Billing::Off).and_then(|_| stack::up(beside.clone(), Scope::Whole, Billing::Off));
    let (faults, others): (Vec<&Test>, Vec<&Test>) = tests.iter().partition(|test| test.name == TAKE_PARTS_AWAY);
    let others = longest_first(others);
    let passed = up.map(|_| {
        thread::scope(|scope| {
            let faults = scope.spawn(|| side_by_side(faults, 1, on(&beside)));
            let others = side_by_side(others, ON_A_STACK, on(places));
            [others, faults.join().unwrap_or_else(|_| Err(anyhow!("the thread of `{TAKE_PARTS_AWAY}` panicked")))]
        })
    });
    together([passed.and_then(together), stack::down(&beside), stack::down(places)])
}

fn longest_first<'a>(tests: impl IntoIterator<Item = &'a Test>) -> Vec<&'a Test> {
    let mut tests: Vec<&Test> = tests.into_iter().collect();
    tests.sort_by_key(|test| LONGEST.iter().position(|name| *name == test.name).unwrap_or(LONGEST.len()));
    tests
}

/// They print how long things took, one test after the other: those of another binary run beside it.
fn on(stack: &Places) -> impl Fn(&Test) -> Command {
    move |test| inside(stack, stack, test, &["--test-threads=1", "--nocapture"])
}

/// Its tests are ignored unless asked for, since they need root and minutes.
fn of_the_stack(places: &Places, test: &Test) -> Command {
    let mut command = test.command();
    command.args(["--include-ignored", "--test-threads=1", "--nocapture"]).env("HOWDAH_STACK", &places.stack);
    command
}

/// As somebody does who has a cluster: a plane of its own, and Howdah on it by `--kubeconfig`, in the network of the plane.
fn on_a_cluster(places: &Places, tests: &[Test]) -> Result<()> {
    let guest = Places { stack: places.stack.with_extension("guest"), ..places.clone() };
    let come_up = || {
        let plane = stack::up(places.clone(), Scope::Plane, Billing::Off)?;
        let up = ["up", "--no-build", "--kubeconfig"];
        let status = enter(places, &guest).arg(places.own_program()).args(up).arg(plane.admin_kubeconfig()).status()?;
        match status.success() {
            true => Ok(()),
            false => bail!("Howdah did not come up on the cluster"),
        }
    };
    let wanted: Vec<&Test> = tests.iter().filter(|test| test.name == ELSEWHERE).collect();
    let passed = come_up().and_then(|()| one_by_one(wanted, |test| inside(places, &guest, test, &["--nocapture"])));
    together([passed, stack::down(&guest), stack::down(places)])
}

/// A test of the stack `of`, in the network of the stack `network`.
pub fn inside(network: &Places, of: &Places, test: &Test, options: &[&str]) -> Command {
    let mut inside = enter(network, of);
    inside.arg(test.executable()).args(options);
    test.as_cargo_would(&mut inside);
    inside
}

fn enter(network: &Places, of: &Places) -> Command {
    let mut inside = Command::new(network.own_program());
    inside.env("HOWDAH_STACK", &network.stack).args(["inside", "--", "env"]).arg(assignment("HOWDAH_STACK", &of.stack));
    inside.stdin(Stdio::null());
    inside
}

fn assignment(name: &str, value: &Path) -> std::ffi::OsString {
    let mut word = std::ffi::OsString::from(name);
    word.push("=");
    word.push(value);
    word
}

/// Runs them all, with their output as it comes, and names those that failed.
pub fn one_by_one<'a>(tests: impl IntoIterator<Item = &'a Test>, command: impl Fn(&Test) -> Command) -> Result<()> {
    let mut failed = Vec::new();
    for test in tests {
        println!("\n     Running {} {}", test.package, test.name);
        let status = command(test).stdin(Stdio::null()).status().with_context(|| format!("can't start {}", test.name))?;
        if !status.success() {
            failed.push(test);
        }
    }
    verdict(&failed)
}

/// Runs them all, some at once, each with its output when it has ended, and names those that failed.
fn side_by_side<'a, T>(tests: T, at_once: usize, command: impl Fn(&Test) -> Command + Sync) -> Result<()>
where
    T: IntoIterator<Item = &'a Test, IntoIter: Send>,
{
    let left = Mutex::new(tests.into_iter());
    let next = || left.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let work = || {
        let mut failed = Vec::new();
        while let Some(test) = next() {
            println!("     Running {} {}", test.package, test.name);
            let done = command(test).stdin(Stdio::null()).output().with_context(|| format!("can't start {}", test.name))?;
            tell(test, &done);
            if !done.status.success() {
                failed.push(test);
            }
        }
        anyhow::Ok(failed)
    };
    let failed = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("only a test's process panics")).collect::<Result<Vec<_>>>()
    })?;
    verdict(&failed.concat())
}

fn tell(test: &Test, done: &Output) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    println!("\n     Ran {} {}\n{}{}", test.package, test.name, text(&done.stdout), text(&done.stderr));
}

/// All has been done: what failed of it.
pub fn together<const N: usize>(done: [Result<()>; N]) -> Result<()> {
    let failed: Vec<String> = done.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("{}", failed.join("; ")),
    }
}

fn verdict(failed: &[&Test]) -> Result<()> {
    let names: Vec<String> = failed.iter().map(|test| format!("{} {}", test.package, test.name)).collect();
    match names.is_empty() {
        true => Ok(()),
        false => bail!("tests failed: {}", names.join(", ")),
    }
}
