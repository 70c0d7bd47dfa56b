//! Makes sure the folder of the archive's reader exists, so that `cargo build`
//! never needs Node, and rebuilds when the reader changes.

fn main() {
    let reader = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/dist-reader");
    if let Err(error) = std::fs::create_dir_all(&reader) {
        println!("cargo::warning=cannot create {}: {error}", reader.display());
    }
    println!("cargo::rerun-if-changed=../static/dist-reader");
}
