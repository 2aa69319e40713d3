//! Evidence that is broken costs what is broken.

use std::fs;

use super::fixture::{World, expected, gzip, record, records};

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn a_cut_gzip_keeps_its_complete_lines_and_is_one_reject() {
    for keep in [25, 50, 75, 99] {
        let world = World::new();
        // Noise in each record keeps gzip from packing all of them into one block.
        let field = |n: usize| format!("\"noise\":{:?},\"schemaType\"", noise(40 + n));
        let text: String = (0..500).map(|n| record(n).replace("\"schemaType\"", &field(n as usize)) + "\n").collect();
        let whole = gzip(text);
        world.write("cut.json.gz", &whole[..whole.len() * keep / 100]);
        world.write("whole.json", records(1000..1003));
        let (total, outcome) = world.run();
        let rows = total.0 - 3;
        assert!(rows > 0 && rows < 500, "{rows}");
        assert_eq!(total, expected((0..rows).chain(1000..1003)));
        assert_eq!((outcome.rejects.len(), outcome.files), (1, 2));
        let reject = outcome.rejects.first().expect("a reject");
        assert_eq!((reject.line, reject.reason.as_str()), (None, "the gzip stream ends too early"));
    }
}

#[test]
fn a_bad_line_is_kept_aside_without_its_content() {
    let world = World::new();
    let lines = format!("secret\n{}\n{{\"secret\":1}}\n[{},{{\"secret\":2}}]\n[{},secret\n", record(0), record(1), record(2));
    world.write("log.json", lines);
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..3));
    let places: Vec<_> = outcome.rejects.iter().map(|r| r.line).collect();
    assert_eq!(places, [Some(1), Some(3), Some(4), Some(5)]);
    let rejected = fs::read_to_string(world.out().join("rejected.ndjson")).expect("rejects");
    assert_eq!(rejected.lines().count(), 4);
    assert!(!rejected.contains("secret"));
    assert!(rejected.contains(&format!("{:016x}", xxhash_rust::xxh3::xxh3_64(b"secret"))));
    let second = outcome.rejects.iter().nth(2).expect("a reject");
    let offset = usize::try_from(second.offset.expect("an offset")).expect("a place");
    let text = fs::read_to_string(world.evidence().join("log.json")).expect("a log");
    assert!(text[offset..].starts_with("{\"secret\":2}"));
}

#[test]
fn an_impossible_count_is_a_reject() {
    let world = World::new();
    world.write("log.json", record(u64::MAX) + "\n" + &records(0..2));
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..2));
    assert_eq!(outcome.rejects_by_kind["a token count is out of range"], 1);
}

#[test]
fn what_is_no_evidence_is_one_reject_each_and_the_rest_is_read() {
    let world = World::new();
    world.write("noise.bin", noise(300_000));
    world.write("noise.gz", [&[0x1f, 0x8b, 8, 0][..], &noise(300_000)].concat());
    world.write("archive.zip", [b"PK\x03\x04", &noise(100)[..]].concat());
    world.write("zip-in-gzip.gz", gzip(b"PK\x03\x04"));
    world.write("prose.txt", "Some words.\nMore words.\n");
    world.write("log.json", records(0..3));
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..3));
    assert_eq!(outcome.rejects.len(), 5, "{:?}", outcome.rejects);
    assert!(outcome.rejects.iter().all(|r| r.line.is_none()));
    assert_eq!(outcome.rejects_by_kind["a ZIP archive: unpack it first"], 2);
}

#[cfg(unix)]
#[test]
fn links_to_nothing_are_rejects_and_links_in_circles_are_passed_over() {
    use std::os::unix::fs::symlink;
    let world = World::new();
    world.write("a/log.json", records(0..3));
    symlink(world.evidence().join("nowhere"), world.evidence().join("dangling.json")).expect("a link");
    symlink(world.evidence(), world.evidence().join("a/circle")).expect("a link");
    symlink(world.evidence().join("a/log.json"), world.evidence().join("again.json")).expect("a link");
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..3));
    assert_eq!((outcome.files, outcome.rejects.len()), (1, 1));
    assert_eq!(outcome.rejects.first().map(|r| r.reason.as_str()), Some("cannot be read: entity not found"));
    assert_eq!(world.find().skipped.len(), 1);
    // What could not be read is tried again.
    world.write("nowhere", records(3..4));
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..4));
    assert_eq!((outcome.files, outcome.rejects.len()), (2, 0));
}
