//! A fuzzer that knows the description finds no undescribed answer, no fault of ours and no answer of another form.
//!
//! Takes minutes and needs schemathesis (PyPI):
//! `HOWDAH_SCHEMATHESIS=$(which schemathesis) cargo test -p howdah-web --features fuzz --test fuzz`.

mod support;

use std::process::Stdio;

use howdah_app::upkeep::allow_servers;
use support::Server;
use tokio::process::Command;

/// The executable of schemathesis 4 (PyPI).
const FUZZER: &str = "HOWDAH_SCHEMATHESIS";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,ignored_auth";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fuzzer_finds_nothing() {
    let fuzzer = std::env::var(FUZZER).unwrap_or_else(|_| panic!("{FUZZER} does not name the executable of schemathesis"));
    let (test, server) = Server::new().await;
    let root = test.operator("root@howdah.example").await;
    allow_servers(&test.app, "root@howdah.example", Some(1000)).await.unwrap();
    let (_, operation) = server.launch(&root, "birds.example").await;
    println!("watching {operation}");
    let examples = std::env::var("HOWDAH_FUZZ_EXAMPLES").unwrap_or_else(|_| "50".to_owned());
    // Revoking comes last: the token that the fuzzer comes with is among those it finds.
    let last = ["--include-operation-id", "revokeToken", "--include-operation-id", "createToken", "--include-operation-id", "listTokens"];
    for selection in [&["--exclude-operation-id", "revokeToken"][..], &last] {
        let ran = Command::new(&fuzzer)
            .args(["run", &format!("{}/api/openapi.json", server.url), "--checks", CHECKS, "--max-examples", &examples])
            .args(["--header", &format!("Authorization: Bearer {}", root.token), "--request-timeout", "10", "--no-color"])
            .args(selection)
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null())
            .status()
            .await
            .unwrap();
        assert!(ran.success(), "the fuzzer found something: see above");
    }
}
