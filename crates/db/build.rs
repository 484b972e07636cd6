//! The migrations are embedded: a new file has to be a new build.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
