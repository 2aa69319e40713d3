//! tmp
use laneshift_example::*;
fn main() {
    let out = std::path::PathBuf::from("/tmp/benchout");
    for (b, n) in [(Bodies::Full, 400_000_000), (Bodies::None, 300_000_000)] {
        let _ = std::fs::remove_dir_all(&out);
        let t = std::time::Instant::now();
        let c = with_raw_bytes(bench_company(1), n, b);
        println!("{:?} {:?}", write_logs(&c, &out, &LogOptions::bench(b)).unwrap(), t.elapsed());
    }
    let _ = std::fs::remove_dir_all(&out);
    let t = std::time::Instant::now();
    println!("{:?} {:?}", replay_conversation(&out, &ReplayOptions::default()).unwrap(), t.elapsed());
}
