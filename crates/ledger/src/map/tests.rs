//! Mappings and the tables they explain.

use std::ops::ControlFlow;

use laneshift_units::{ServiceTier, Timestamp};

use super::{Mapping, TableError};
use crate::pseudonym::Pseudonyms;

fn read(mapping: &str, table: &str) -> Result<Vec<String>, TableError> {
    let mapping = Mapping::parse(mapping).expect("a mapping");
    let mut seen = Vec::new();
    let flow = mapping.read(&mut table.as_bytes(), None, &mut |record| {
        seen.push(match record.row {
            Ok(row) => format!("{} {} {} {:?} {:?}", record.line, row.at, row.model_id, row.input, row.output),
            Err((reason, _)) => format!("{} {reason}", record.line),
        });
        ControlFlow::Continue(())
    });
    flow.map(|_| seen)
}

#[test]
fn a_mapping_goes_there_and_back() {
    let mapping = Mapping::parse(" input = n , model_id='m:0',at=TIMESTAMP").expect("a mapping");
    assert_eq!(mapping.to_string(), "at=TIMESTAMP,model_id='m:0',input=n");
    assert_eq!(Mapping::parse(&mapping.to_string()), Ok(mapping));
}

#[test]
fn what_is_no_mapping_says_why() {
    for (text, reason) in [
        ("", "the field at is missing"),
        ("at=a", "the field model_id is missing"),
        ("at=a,at=b", "the field at is given twice"),
        ("when=a", "there is no field when"),
        ("at", "at is no field=column"),
        ("at=", "the field at has no column"),
    ] {
        let error = Mapping::parse(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn records_become_rows_or_say_why_not() {
    let table = "\u{feff}TIMESTAMP,in,out\n\
        2023-11-16 18:15:46.6805900,374,44\n\
        1700000000,1.0,\n\
        1700000000123,x,1\n\
        \"2023-11-16\",,2,more\n\
        never,1,1\n\
        1700000000\n";
    let seen = read("at=TIMESTAMP,input=in,output=out,model_id='m'", table).expect("a table");
    assert_eq!(
        seen,
        [
            "2 2023-11-16T18:15:46Z m Some(374) Some(44)",
            "3 2023-11-14T22:13:20Z m Some(1) None",
            "4 field input cannot be read",
            "5 2023-11-16T00:00:00Z m None Some(2)",
            "6 field at cannot be read",
            "7 2023-11-14T22:13:20Z m None None",
        ]
    );
}

#[test]
fn other_delimiters_are_known_and_missing_columns_are_named() {
    assert_eq!(read("at=a,model_id=m", "a;m\n2026-01-01;x,y\n").expect("a table"), ["2 2026-01-01T00:00:00Z x,y None None"]);
    assert_eq!(read("at=a,model_id=m", "a\tm\n2026-01-01\tx\n").expect("a table").len(), 1);
    let error = read("at=a,model_id=m", "a,b\n").expect_err("a column");
    assert!(matches!(error, TableError::Table(reason) if reason == "the table has no column m"));
}

#[test]
fn every_field_can_be_filled_and_names_are_hidden_on_request() {
    let names = super::Field::ALL.map(super::Field::name);
    let mapping = names.map(|name| format!("{name}={name}")).join(",");
    let mapping = Mapping::parse(&mapping).expect("a mapping");
    let cells = "2026-01-01,1,r,m,op,role,session,w,1h,flex,E,id,true,1,2,3,4,5,6";
    let table = format!("{}\n{cells}\n", names.join(","));
    for hides in [false, true] {
        let pseudonyms = Pseudonyms::new([1; 16]);
        let mut rows = 0;
        let flow = mapping.read(&mut table.as_bytes(), hides.then_some(&pseudonyms), &mut |record| {
            let row = record.row.expect("a row");
            assert_eq!(row.at, Timestamp::from_civil(2026, 1, 1, 0, 0, 0));
            assert_eq!((row.account, row.region, row.model_id, row.operation), ("1", "r", "m", "op"));
            assert_eq!((row.workload, row.declared, row.error_code, row.streamed), ("w", "1h", "E", true));
            assert_eq!((row.role == "role", row.session == "session"), (!hides, !hides));
            assert_eq!((row.tier, row.latency_ms), (Some(ServiceTier::Flex), Some(6)));
            assert_eq!((row.input, row.output), (Some(1), Some(2)));
            assert_eq!((row.cache_read, row.cache_write_5m, row.cache_write_1h), (3, 4, 5));
            rows += 1;
            ControlFlow::Break(())
        });
        assert!(flow.expect("a table").is_break());
        assert_eq!(rows, 1);
    }
}
