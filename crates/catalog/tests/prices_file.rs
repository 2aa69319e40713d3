//! The catalogue's file is read strictly and written back byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use laneshift_catalog::prices::{self, Catalog, CatalogError};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/prices/catalog.csv");
const HEADER: &str = "provider,model_key,model_id,model_name,scope_type,scope,mode,ctx_min_tokens,dimension,unit,price_usd,effective_from,as_of,retrieved,source,note,n_sources,agree,all_values";
const ROW: &str = "bedrock,m,v.m,,global,global,on_demand,0,input,usd_per_1m_tokens,3.0,,2026-11,2026-11-23,s,,1,yes,";

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("catalog.csv");
    fs::write(&path, text).expect("a file in a fresh directory");
    path
}

fn refusal(text: &str) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    Catalog::open(&file(dir.path(), text)).expect_err("refused").to_string()
}

#[test]
fn the_shipped_catalogue_is_the_file_in_the_tree() {
    let (packed, plain) = (Catalog::shipped().expect("sound"), Catalog::open(Path::new(SHIPPED)).expect("sound"));
    assert_eq!(packed.rows(), plain.rows());
    assert_eq!(packed.rows().len(), 10_550);
}

#[test]
fn writing_what_was_read_changes_no_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("again.csv");
    prices::write(&path, Catalog::shipped().expect("sound").rows()).expect("written");
    let same = fs::read(&path).expect("readable") == fs::read(SHIPPED).expect("readable");
    assert!(same, "the written catalogue differs from {SHIPPED}");
    let left: Vec<_> = fs::read_dir(dir.path()).expect("readable").collect();
    assert_eq!(left.len(), 1, "no draft is left");
}

#[test]
fn a_price_finer_than_six_decimals_is_refused_with_its_line() {
    let fine = ROW.replace("3.0,", "3.0000001,");
    let said = refusal(&format!("{HEADER}\n{}\n{fine}\n", ROW.replace("input", "output")));
    assert!(said.contains("line 3, field price_usd"), "{said}");
}

#[test]
fn a_bad_field_is_named() {
    for (from, to, field) in [
        ("bedrock", "bedlam", "provider"),
        ("on_demand", "sometimes", "mode"),
        (",0,input", ",none,input", "ctx_min_tokens"),
        ("input", "thought", "dimension"),
        ("usd_per_1m_tokens", "eur", "unit"),
        ("global,global", "global,here", "scope"),
        ("yes", "maybe", "agree"),
        ("3.0", "-3.0", "price_usd"),
        ("2026-11-23,s", "2026-11-23,", "source"),
    ] {
        let said = refusal(&format!("{HEADER}\n{}\n", ROW.replace(from, to)));
        assert!(said.contains(&format!("line 2, field {field}")), "{to}: {said}");
    }
}

#[test]
fn two_prices_for_the_same_tokens_are_refused() {
    let said = refusal(&format!("{HEADER}\n{ROW}\n{ROW}\n"));
    assert!(said.contains("line 3") && said.contains("line 2"), "{said}");
}

#[test]
fn another_header_is_refused_and_a_missing_file_is_named() {
    assert!(refusal("a,b\n1,2\n").contains("the header is not"));
    let error = Catalog::open(Path::new("/no/such/catalog.csv")).expect_err("refused");
    assert!(matches!(error, CatalogError::Io { .. }) && error.to_string().contains("/no/such/catalog.csv"));
}
