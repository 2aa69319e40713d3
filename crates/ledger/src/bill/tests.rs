//! The readers against each other, on look-alike rows written by hand: no line here comes from a real bill.

use std::io::Write;
use std::sync::Arc;

use arrow_array::builder::{MapBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, LargeStringArray, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema};
use laneshift_units::{Money, PriceMode, Timestamp, TokenClass, Tokens};
use parquet::arrow::ArrowWriter;

use super::*;

/// Look-alike of CUR 2.0. Line 1 is the header.
const CUR2: &str = r#"bill_billing_entity,line_item_line_item_type,line_item_usage_start_date,line_item_usage_account_id,line_item_product_code,line_item_usage_type,line_item_operation,line_item_usage_amount,line_item_unblended_cost,line_item_net_unblended_cost,pricing_public_on_demand_cost,pricing_unit,line_item_currency_code,line_item_line_item_description,line_item_iam_principal,product_region_code,product_product_family,product,resource_tags,tags,identity_line_item_id
AWS,Usage,2026-11-02T05:00:00Z,111122223333,AmazonBedrock,USE1-Nova2.0Lite-input-tokens,InvokeModelInference,1234.567,0.40740711,0.3666664,0.40740711,1K tokens,USD,"$0.00033 per 1K input tokens",arn:aws:sts::111122223333:assumed-role/NotesRole/i-0abc,us-east-1,Amazon Bedrock,"{""model"":""Nova 2 Lite"",""region"":""us-east-1""}","{""user_team"":""claims""}","{""iamPrincipal/owner"":""ann""}",a
AWS,Usage,2026-11-02T06:00:00Z,111122223333,AmazonBedrock,USE1-Nova2.0Lite-input-tokens,InvokeModelInference,0.433,0.00014289,,0.00014289,1K tokens,USD,"$0.00033 per 1K input tokens",arn:aws:sts::111122223333:assumed-role/NotesRole/i-0def,us-east-1,Amazon Bedrock,,,,b
AWS,Usage,2026-11-02T06:00:00Z,111122223333,AmazonBedrock,USE1-Nova2.0Lite-output-tokens-cross-region-global-batch,Usage,10,0.0125,,0.0125,1K tokens,USD,,,us-east-1,Amazon Bedrock,,,,c
AWS Marketplace,Usage,2026-11-02T00:00:00Z,111122223333,7zgyu5r4lookalike,USE1-MP:USE1_OutputTokenCount_Global-Units,InvokeModelStreamingInference,0.098765,1.481475,,0,Units,USD,"AWS Marketplace software usage|us-east-1|Million Output Tokens",arn:aws:iam::111122223333:user/BedrockAPIKey-234s,,Amazon Bedrock,"{""product_name"":""Claude Sonnet 4.6 (Amazon Bedrock Edition)"",""servicename"":""Claude Sonnet 4.6 (Amazon Bedrock Edition)""}",,,d
AWS Marketplace,Usage,2026-11-03T00:00:00Z,4444,otheropaque,EU-MP:EU_cache_write_tokens_1h_standard-Units,InvokeModelInference,250,1.65,,,1K tokens,USD,,,,,"{""product_name"":""Claude Opus 4.8 (Amazon Bedrock Edition)""}",,,e
AWS,Discount,2026-11-02T00:00:00Z,111122223333,AmazonBedrock,USE1-Nova2.0Lite-input-tokens,Usage,1,-0.04074071,,,1K tokens,USD,EDP,,us-east-1,,,,,f
AWS,EdpDiscount,2026-11-02T00:00:00Z,111122223333,AmazonBedrock,USE1-Nova2.0Lite-input-tokens,Usage,1,-0.01,,,1K tokens,USD,EDP,,us-east-1,,,,,g
AWS,Tax,2026-11-01T00:00:00Z,111122223333,AmazonBedrock,,,1,0.02,,,,USD,Tax,,,,,,,h
AWS,Usage,2026-11-02T00:00:00Z,111122223333,AmazonBedrock,USE1-Nova2.0Lite-ProvisionedThroughput-NoCommit-ModelUnits,Usage,2,121,,121,hour,USD,,,us-east-1,,,,,i
AWS,Usage,2026-11-02T00:00:00Z,111122223333,AmazonSageMaker,USE1-Host:ml.g5.xlarge,RunInstance,3,4.224,,4.224,Hrs,USD,,,us-east-1,,,,,j
AWS,Usage,2026-11-02T00:00:00Z,111122223333,AmazonEC2,BoxUsage:m5.large,RunInstances,3,0.288,,0.288,Hrs,USD,,,us-east-1,,,,,k
AWS Marketplace,Usage,2026-11-02T00:00:00Z,111122223333,someoneelse,USE1-MP:USE1_input_tokens-Units,Hourly,3,9.5,,,Units,USD,,,us-east-1,,"{""product_name"":""Another seller's gateway""}",,,l
"#;

fn bytes(data: &[u8]) -> impl ChunkReader + Clone + 'static {
    object_store::PutPayload::from(data.to_vec()).into_iter().next().unwrap_or_default()
}

#[derive(Debug, Default)]
struct Read {
    table: BillTable,
    lines: Vec<BillLine>,
    rejects: Vec<Reject>,
    stats: BillStats,
}

fn try_read(data: &[u8]) -> Result<Read, BillError> {
    let mut read = Read::default();
    let stats = read_bill(
        bytes(data),
        "look-alike",
        &mut |line| {
            read.table.add(&line);
            read.lines.push(line);
        },
        &mut |r| read.rejects.push(r),
    )?;
    read.stats = stats;
    Ok(read)
}

fn read(data: &[u8]) -> Read {
    try_read(data).expect("a bill")
}

fn usd(text: &str) -> Money {
    Money::parse_usd(text).expect("an amount")
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(data).expect("memory holds it");
    out.finish().expect("memory holds it")
}

/// The rows of a CSV text: header and fields.
fn rows(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let header = csv.headers().expect("a header").iter().map(str::to_owned).collect();
    let rows = csv.records().map(|r| r.expect("a record").iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

/// The same rows as Parquet: every text a string, or each column in the type AWS or a query engine would give it.
fn parquet(text: &str, typed: bool) -> Vec<u8> {
    let (header, rows) = rows(text);
    let column = |at: usize| rows.iter().map(move |r| Some(r[at].as_str()).filter(|t| !t.is_empty()));
    let arrays: Vec<ArrayRef> = header.iter().enumerate().map(|(at, name)| typed_column(name, column(at), typed)).collect();
    let fields = header.iter().zip(&arrays).map(|(name, a)| Field::new(name, a.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns of one length");
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).expect("a writer");
    writer.write(&batch).expect("memory holds it");
    writer.into_inner().expect("memory holds it")
}

fn typed_column<'a>(name: &str, texts: impl Iterator<Item = Option<&'a str>>, typed: bool) -> ArrayRef {
    let float = |t: &str| t.parse::<f64>().expect("a number");
    match name {
        _ if !typed => Arc::new(texts.collect::<StringArray>()),
        "line_item_usage_start_date" => {
            let ms = texts.map(|t| t.map(|t| Timestamp::parse(t).expect("a moment").0));
            Arc::new(ms.collect::<TimestampMillisecondArray>())
        }
        "line_item_usage_amount" | "pricing_public_on_demand_cost" => {
            Arc::new(texts.map(|t| t.map(float)).collect::<Float64Array>())
        }
        "line_item_unblended_cost" | "line_item_net_unblended_cost" => {
            let picos: Decimal128Array = texts.map(|t| t.map(|t| usd(t).pico() / 100)).collect();
            Arc::new(picos.with_data_type(DataType::Decimal128(30, 10)))
        }
        "line_item_usage_type" | "line_item_product_code" => {
            let mut builder = StringDictionaryBuilder::<Int32Type>::new();
            texts.for_each(|t| builder.append_option(t));
            Arc::new(builder.finish())
        }
        "line_item_line_item_description" => Arc::new(texts.collect::<LargeStringArray>()),
        "product" | "resource_tags" | "tags" => {
            let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
            for text in texts {
                let object = text.map(|t| serde_json::from_str::<serde_json::Value>(t).expect("an object"));
                for (key, value) in object.iter().flat_map(|o| o.as_object().expect("an object")) {
                    builder.keys().append_value(key);
                    builder.values().append_value(value.as_str().expect("a text"));
                }
                builder.append(object.is_some()).expect("as many keys as values");
            }
            Arc::new(builder.finish())
        }
        _ => Arc::new(texts.collect::<StringArray>()),
    }
}

#[test]
fn every_format_gives_the_same_table() {
    let plain = read(CUR2.as_bytes());
    for (name, other) in [
        ("gzip", read(&gzip(CUR2.as_bytes()))),
        ("Parquet of strings", read(&parquet(CUR2, false))),
        ("Parquet of types", read(&parquet(CUR2, true))),
        ("a byte order mark", read(format!("\u{feff}{CUR2}").as_bytes())),
        ("CRLF", read(CUR2.replace('\n', "\r\n").as_bytes())),
        ("capitals", {
            let (header, rest) = CUR2.split_once('\n').expect("a header");
            read(format!("{}\n{rest}", header.to_uppercase()).as_bytes())
        }),
    ] {
        assert_eq!(other.table, plain.table, "{name}");
        assert_eq!(other.stats, plain.stats, "{name}");
        assert!(other.rejects.is_empty(), "{name}: {:?}", other.rejects);
    }
}

#[test]
fn the_order_of_columns_rows_and_files_changes_nothing() {
    let plain = read(CUR2.as_bytes());
    let (header, rows) = rows(CUR2);
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(header.iter().rev()).expect("memory holds it");
    rows.iter().rev().for_each(|r| out.write_record(r.iter().rev()).expect("memory holds it"));
    let turned = read(&out.into_inner().expect("memory holds it"));
    assert_eq!(turned.table, plain.table);

    let (mut ab, mut ba) = (plain.table.clone(), BillTable::default());
    let mut half = BillTable::default();
    plain.lines.iter().step_by(2).for_each(|l| half.add(l));
    ab.merge(half.clone());
    ba.merge(half);
    ba.merge(plain.table);
    assert_eq!(ab, ba);
}

#[test]
fn a_legacy_report_gives_the_same_table() {
    let (header, rows) = rows(CUR2);
    let legacy = |name: &String| -> String {
        match name.as_str() {
            "resource_tags" => return "resourceTags/user:team".to_owned(),
            "tags" | "product" => return format!("unused/{name}"),
            "product_product_family" => return "product/ProductName".to_owned(),
            _ => {}
        }
        let group =
            ["bill", "line_item", "pricing", "product", "identity"].into_iter().find(|g| name.starts_with(g)).expect("a group");
        let camel = |text: &str| -> String { text.split('_').map(|w| format!("{}{}", w[..1].to_uppercase(), &w[1..])).collect() };
        let group_name = if group == "line_item" { "lineItem" } else { group };
        format!("{group_name}/{}", camel(&name[group.len() + 1..]))
    };
    let at = |name: &str| header.iter().position(|h| h == name).expect("a column");
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(header.iter().map(legacy)).expect("memory holds it");
    for mut row in rows {
        let product: serde_json::Value = serde_json::from_str(&row[at("product")]).unwrap_or_default();
        row[at("product_product_family")] = product["product_name"].as_str().unwrap_or_default().to_owned();
        row[at("resource_tags")] = if row[at("resource_tags")].is_empty() { "" } else { "claims" }.to_owned();
        out.write_record(&row).expect("memory holds it");
    }
    let legacy = read(&out.into_inner().expect("memory holds it"));
    assert_eq!(legacy.table, read(CUR2.as_bytes()).table);
    assert_eq!(legacy.lines[0].tags, [("user:team".to_owned(), "claims".to_owned())]);
}

#[test]
fn tokens_and_money_are_exact() {
    let read = read(CUR2.as_bytes());
    let nova = &read.lines[0];
    assert_eq!(nova.tokens, Some(Tokens(1_234_567)));
    assert_eq!((nova.unblended_cost, nova.net_cost), (usd("0.40740711"), Some(usd("0.3666664"))));
    assert_eq!((nova.model.as_deref(), nova.region.as_str()), (Some("Nova2.0Lite"), "us-east-1"));
    assert_eq!((nova.principal.as_deref(), nova.streaming), (Some("NotesRole"), Streaming::No));
    let tag = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(nova.tags, [tag("iamPrincipal/owner", "ann"), tag("user_team", "claims")]);

    let batch = &read.lines[2];
    let BillKind::BedrockTokens { class, mode, global, .. } = batch.kind else { panic!("{batch:?}") };
    assert_eq!((class, mode, global, batch.streaming), (TokenClass::Output, PriceMode::Batch, true, Streaming::Unknown));

    let sonnet = &read.lines[3];
    assert_eq!((sonnet.model.as_deref(), sonnet.tokens), (Some("Claude Sonnet 4.6"), Some(Tokens(98_765))));
    assert_eq!((sonnet.region.as_str(), sonnet.streaming, sonnet.marketplace), ("us-east-1", Streaming::Yes, true));
    assert_eq!(sonnet.principal.as_deref(), Some("BedrockAPIKey-234s"));

    let opus = &read.lines[4];
    assert_eq!((opus.account.as_str(), opus.region.as_str()), ("000000004444", "eu-west-1"));
    assert_eq!(opus.tokens, Some(Tokens(250_000)));

    let (key, sum) = read.table.tokens.iter().find(|(k, _)| k.class == TokenClass::Input).expect("input");
    assert_eq!((sum.tokens, sum.lines, key.principal.as_deref()), (Tokens(1_235_000), 2, Some("NotesRole")));
    assert_eq!((sum.cost, sum.net_cost), (usd("0.40755"), usd("0.36680929")));
    assert_eq!(read.table.tokens.values().map(|s| s.lines_without_list).sum::<u64>(), 2);
}

#[test]
fn discounts_and_other_services_are_never_token_usage() {
    let read = read(CUR2.as_bytes());
    let total = |sums: &mut dyn Iterator<Item = &BillSum>| sums.map(|s| s.cost).sum::<Money>();
    assert_eq!(total(&mut read.table.adjustments.values()), usd("-0.03074071"));
    assert_eq!(read.table.adjustments.len(), 2, "two discounts of one day, and a tax");
    assert!(read.table.adjustments.values().all(|s| s.tokens == Tokens(0)));
    assert_eq!(total(&mut read.table.other.values()), usd("125.224"));
    assert_eq!((read.stats.rows, read.stats.kept, read.stats.ignored), (12, 10, 2));
    assert_eq!(read.stats.ignored_cost, usd("9.788"));
}

/// The first row with one field replaced.
fn with(field: &str, value: &str) -> String {
    let (header, mut rows) = rows(CUR2);
    let at = header.iter().position(|h| h == field).expect("a column");
    value.clone_into(&mut rows[0][at]);
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(&header).expect("memory holds it");
    rows.iter().for_each(|r| out.write_record(r).expect("memory holds it"));
    String::from_utf8(out.into_inner().expect("memory holds it")).expect("UTF-8")
}

#[test]
fn a_bad_row_costs_that_row() {
    for (field, value, reason) in [
        ("line_item_usage_amount", "many", "line_item_usage_amount is not a decimal number"),
        ("line_item_usage_amount", "1e30", "line_item_usage_amount is out of range"),
        ("line_item_unblended_cost", "", "line_item_unblended_cost is empty"),
        ("line_item_unblended_cost", "NaN", "line_item_unblended_cost is not a decimal number"),
        ("line_item_unblended_cost", "1e20", "line_item_unblended_cost is out of range"),
        ("line_item_usage_start_date", "02/11/2026", "line_item_usage_start_date is not a moment like 2026-11-23T05:46:44Z"),
        ("line_item_usage_account_id", "payer", "line_item_usage_account_id is not up to twelve digits"),
        ("line_item_currency_code", "CNY", "line_item_currency_code is CNY, not USD"),
    ] {
        let text = with(field, value);
        let read = read(text.as_bytes());
        assert_eq!(read.rejects, [Reject { line: 2, reason: reason.to_owned() }], "{field}={value}");
        assert_eq!((read.stats.rejected, read.stats.kept), (1, 9));
        let columnar = self::read(&parquet(&text, false));
        assert_eq!(columnar.rejects, [Reject { line: 1, reason: reason.to_owned() }], "{field}={value}");
    }
    let mut short = CUR2.to_owned().into_bytes();
    short.extend(b"AWS,Usage\n\xff\xff\n");
    let read = read(&short);
    assert_eq!(read.rejects.iter().map(|r| r.line).collect::<Vec<_>>(), [14, 15]);
    assert_eq!(read.rejects[0].reason, "2 fields where the header has 21");
}

#[test]
fn what_is_decided_is_counted() {
    let read_with = |field, value| read(with(field, value).as_bytes());
    let negative = read_with("line_item_usage_amount", "-3");
    assert_eq!((negative.stats.negative_quantities, negative.lines[0].tokens), (1, None));
    assert_eq!((negative.lines[0].taken_back(), negative.lines[1].taken_back()), (Some(Tokens(3000)), None));
    assert_eq!(negative.lines[0].unblended_cost, usd("0.40740711"));
    let uneven = read_with("line_item_usage_amount", "1.2345678");
    assert_eq!((uneven.stats.rounded_quantities, uneven.lines[0].tokens), (1, Some(Tokens(1235))));
    let fine = read_with("line_item_unblended_cost", "0.1234567890123456");
    assert_eq!((fine.stats.truncated_costs, fine.lines[0].unblended_cost), (1, usd("0.123456789012")));
    let mut both = fine.stats;
    both += negative.stats;
    assert_eq!((both.rows, both.truncated_costs, both.negative_quantities), (24, 1, 1));
}

/// Look-alike of a FOCUS export.
const FOCUS: &str = "AvailabilityZone,BilledCost,BillingAccountId,ChargePeriodEnd,ChargePeriodStart,ServiceName
,0.25,111122223333,2026-11-02 01:00:00,2026-11-02 00:00:00,Amazon Bedrock
,0.50,111122223333,2026-11-02 02:00:00,2026-11-02 01:00:00,Amazon Bedrock
";

#[test]
fn a_file_is_recognised_by_its_content() {
    assert_eq!(looks_like_bill(CUR2.as_bytes()), Some(BillFormat::Csv));
    assert_eq!(looks_like_bill(&gzip(CUR2.as_bytes())), Some(BillFormat::CsvGz));
    assert_eq!(looks_like_bill(&gzip(&CUR2.as_bytes().repeat(50))[..600]), Some(BillFormat::CsvGz));
    assert_eq!(looks_like_bill(&parquet(CUR2, true)[..16]), Some(BillFormat::Parquet));
    assert_eq!(looks_like_bill(FOCUS.as_bytes()), Some(BillFormat::Focus));
    assert_eq!(looks_like_bill(&gzip(FOCUS.as_bytes())), Some(BillFormat::Focus));
    for other in [&b""[..], b"\x1f\x8b", b"\x1f\x8b\x08junk", b"{\"schemaType\":\"x\"}", b"a,b\n1,2\n", b"\xff\xfe\0\0"] {
        assert_eq!(looks_like_bill(other), None, "{other:?}");
    }
}

#[test]
fn a_focus_export_is_refused_by_name() {
    for data in [FOCUS.as_bytes().to_vec(), gzip(FOCUS.as_bytes()), parquet(FOCUS, false)] {
        let error = try_read(&data).expect_err("not read");
        assert!(matches!(error, BillError::Focus { .. }), "{error}");
    }
}

#[test]
fn what_is_no_bill_is_an_error() {
    let error = |data: &[u8]| try_read(data).expect_err("no bill");
    for data in [&b""[..], b"a,b\n1,2\n", b"\x1f\x8b\x08junk", &[0; 4096]] {
        assert!(matches!(error(data), BillError::NotABill { .. }));
    }
    assert!(matches!(error(&parquet("a,b\n1,2\n", false)), BillError::NotABill { .. }));
    let missing = error(b"line_item_usage_type,line_item_usage_amount\nx,1\n");
    assert!(missing.to_string().contains("line_item_unblended_cost"), "{missing}");
    let mut cut = gzip(CUR2.as_bytes());
    cut.truncate(cut.len() - 9);
    assert!(matches!(error(&cut), BillError::Unreadable { .. }));
    let mut endless = CUR2.as_bytes().to_vec();
    endless.push(b'"');
    endless.resize(40 << 20, b'x');
    assert!(matches!(error(&endless), BillError::Unreadable { .. }));
}

/// Numbers that look random and are the same on every run.
fn noise(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits fit") % below
    }
}

#[test]
fn broken_files_never_panic() {
    let files = [CUR2.as_bytes().to_vec(), gzip(CUR2.as_bytes()), parquet(CUR2, true)];
    for (seed, file) in (0..).zip(&files) {
        let mut random = noise(seed);
        for _ in 0..400 {
            let mut broken = file.clone();
            for _ in 0..=random(8) {
                let at = random(broken.len());
                broken[at] = u8::try_from(random(256)).expect("a byte");
            }
            let _ = try_read(&broken);
            broken.truncate(random(file.len()));
            let _ = try_read(&broken);
        }
    }
}

fn write(lines: &[BillLine]) -> Vec<u8> {
    let mut writer = BillLineWriter::new(Vec::new()).expect("a file");
    lines.iter().for_each(|l| writer.push(l.clone()).expect("a line"));
    writer.finish().expect("the end")
}

#[test]
fn the_ledger_table_reads_back_what_was_written() {
    let lines = read(CUR2.as_bytes()).lines;
    let many: Vec<_> = lines.iter().cycle().take(20_000).cloned().collect();
    for lines in [&lines[..0], &lines, &many] {
        let mut back = Vec::new();
        let count = read_bill_lines(bytes(&write(lines)), &mut |l| back.push(l)).expect("a table");
        assert_eq!(count, lines.len() as u64);
        assert!(back == lines);
    }
}

#[test]
fn another_table_or_version_is_refused() {
    let refused = |data: &[u8]| read_bill_lines(bytes(data), &mut |_| panic!("nothing is read")).expect_err("refused");
    assert!(matches!(refused(&parquet(CUR2, false)), TableError::Version { .. }));
    assert!(matches!(refused(b"PAR1"), TableError::File(_)));
    let lines = read(CUR2.as_bytes()).lines;
    let mut random = noise(9);
    let file = write(&lines);
    for _ in 0..400 {
        let mut broken = file.clone();
        let at = random(broken.len());
        broken[at] ^= 1 << random(8);
        let _ = read_bill_lines(bytes(&broken), &mut |_| {});
    }
}

#[test]
fn the_columns_of_version_1_stay_as_they_are() {
    assert_eq!(BILL_LINES_VERSION, "1", "a new version brings its own list here, and reads this one");
    let file = bytes(&write(&[]));
    let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    let columns = builder.schema().fields().iter().map(|f| match f.data_type() {
        DataType::Map(..) => format!("{} map", f.name()),
        other => format!("{} {other}{}", f.name(), if f.is_nullable() { "?" } else { "" }),
    });
    let expected = "day Date32; account Utf8; region Utf8; kind Utf8; token_class Utf8?; price_mode Utf8?; \
        is_global Boolean?; is_long_context Boolean?; is_mantle Boolean?; model Utf8?; streaming Utf8; \
        principal Utf8?; tags map; tokens Int64?; amount_text Utf8; pricing_unit Utf8; \
        list_cost_usd Decimal128(38, 12)?; unblended_cost_usd Decimal128(38, 12); net_cost_usd Decimal128(38, 12)?; \
        product_code Utf8; usage_type Utf8; operation Utf8; is_marketplace Boolean; line_item_type Utf8";
    assert_eq!(columns.collect::<Vec<_>>().join("; "), expected);
}
