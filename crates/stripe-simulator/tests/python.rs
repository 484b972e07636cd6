//! The official Python library as a judge: it makes and lists objects here, and takes our signatures.
//!
//! It wants a package of PyPI, which `cargo xtask test` brings. By hand:
//!
//! ```sh
//! python3 -m venv target/stripe-python
//! target/stripe-python/bin/pip install --require-hashes -r crates/stripe-simulator/tests/python/requirements.txt
//! HOWDAH_STRIPE_PYTHON=target/stripe-python/bin/python cargo test -p howdah-stripe-simulator --test python -- --ignored
//! ```

use std::path::PathBuf;
use std::process::{Command, Stdio};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use howdah_stripe_simulator::{Settings, Simulator, sign};

/// What the library is asked to do; it fails by an exception.
const SCRIPT: &str = include_str!("python/judge.py");

type Inbox = web::Data<tokio::sync::mpsc::UnboundedSender<(String, String)>>;

async fn take(inbox: Inbox, request: HttpRequest, payload: String) -> HttpResponse {
    let signature = request.headers().get("Stripe-Signature").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    inbox.send((payload, signature)).expect("somebody listens");
    HttpResponse::Ok().finish()
}

fn python(arguments: &[&str]) -> Command {
    let named = std::env::var("HOWDAH_STRIPE_PYTHON");
    let named = named.expect("HOWDAH_STRIPE_PYTHON names a Python that has the `stripe` package; this file says how to make one");
    // A relative path is one from the workspace, where `cargo test` was called.
    let python = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(named);
    let mut command = Command::new(python);
    command.arg("-c").arg(SCRIPT).args(arguments).stdin(Stdio::null());
    command
}

async fn run(mut command: Command) {
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("Python starts");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
#[ignore = "wants HOWDAH_STRIPE_PYTHON: a Python with the official `stripe` package"]
async fn the_official_library_makes_objects_and_takes_our_signatures() {
    let running = Simulator::start(Settings::default()).await.expect("the simulator starts");
    let (sender, mut inbox) = tokio::sync::mpsc::unbounded_channel::<(String, String)>();
    let sender = web::Data::new(sender);
    let server = HttpServer::new(move || App::new().app_data(sender.clone()).default_service(web::to(take))).workers(1).disable_signals();
    let server = server.bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", server.addrs()[0]);
    tokio::spawn(server.run());

    run(python(&["objects", &running.base_url, &url])).await;
    let delivered = running.deliver_pending().await;
    assert!(delivered > 0, "the script's acts have events");
    let secret = {
        let world = running.world();
        let endpoint = world.store.all("webhook_endpoint").next().expect("the script made an endpoint");
        endpoint["_secret"].as_str().expect("a secret").to_owned()
    };
    let (payload, signature) = inbox.recv().await.expect("a delivery");
    run(python(&["verify", &payload, &signature, &secret])).await;

    let forged = python(&["verify", &payload, &sign(&payload, "whsec_other", 0), &secret]).output().expect("Python starts");
    assert!(!forged.status.success(), "a forged signature is refused");
}
