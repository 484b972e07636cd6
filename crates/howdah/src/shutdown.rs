//! When a process is to end: SIGTERM (Kubernetes) or SIGINT (a terminal).

use tokio::signal::unix::{SignalKind, signal};

/// Completes at the first signal; a second one ends the process at once, for whoever has no patience.
pub async fn requested() {
    first().await;
    tracing::info!("asked to stop: finishing what is under way");
    tokio::spawn(async {
        first().await;
        std::process::exit(130);
    });
}

async fn first() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without handlers the kernel's default applies: the signal ends the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
