//! Makes sure the front end's folder exists, so that `cargo build` never needs
//! Node, and rebuilds when what is embedded from it changes.

fn main() {
    let dist = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/dist");
    if let Err(error) = std::fs::create_dir_all(&dist) {
        println!("cargo::warning=cannot create {}: {error}", dist.display());
    }
    println!("cargo::rerun-if-changed=../static/dist");
    println!("cargo::rerun-if-changed=../templates");
}
