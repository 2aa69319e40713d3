//! Packs the price catalogue, so that the binary carries 70 kB instead of 1.8 MB of text.

use std::io::Write;
use std::path::PathBuf;
use std::{env, fs, io};

const SOURCE: &str = "data/prices/catalog.csv";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={SOURCE}");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("cargo sets no OUT_DIR"))?;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&fs::read(SOURCE)?)?;
    fs::write(out.join("catalog.csv.gz"), packed.finish()?)
}
