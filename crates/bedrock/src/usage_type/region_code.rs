//! Billing codes of regions, the prefix of most usage types.

/// The region that a billing code stands for.
pub fn region_of_code(code: &str) -> Option<&'static str> {
    REGION_CODES.iter().find(|(c, _)| *c == code).map(|(_, region)| *region)
}

/// Splits `CODE<separator>rest`. A code is one of the table, or three to five capitals and one or two digits.
pub(super) fn split_code(text: &str, separator: char) -> (Option<&str>, &str) {
    match text.split_once(separator) {
        Some((code, rest)) if region_of_code(code).is_some() || has_code_shape(code) => (Some(code), rest),
        _ => (None, text),
    }
}

fn has_code_shape(code: &str) -> bool {
    let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = code.len() - letters;
    (3..=5).contains(&letters) && (1..=2).contains(&digits) && code.bytes().skip(letters).all(|b| b.is_ascii_digit())
}

/// Billing codes of regions, `EU` and `EUW1` being the same place.
// Codes of the AWS cost and usage reports, as tabulated by two independent public readers of them, read 2026-11-23.
const REGION_CODES: [(&str, &str); 39] = [
    ("AFS1", "af-south-1"),
    ("APE1", "ap-east-1"),
    ("APE2", "ap-east-2"),
    ("APN1", "ap-northeast-1"),
    ("APN2", "ap-northeast-2"),
    ("APN3", "ap-northeast-3"),
    ("APS1", "ap-southeast-1"),
    ("APS2", "ap-southeast-2"),
    ("APS3", "ap-south-1"),
    ("APS4", "ap-southeast-3"),
    ("APS5", "ap-south-2"),
    ("APS6", "ap-southeast-4"),
    ("APS7", "ap-southeast-5"),
    ("APS8", "ap-southeast-6"),
    ("APS9", "ap-southeast-7"),
    ("CAN1", "ca-central-1"),
    ("CAN2", "ca-west-1"),
    ("CNN1", "cn-north-1"),
    ("CNW1", "cn-northwest-1"),
    ("EU", "eu-west-1"),
    ("EUC1", "eu-central-1"),
    ("EUC2", "eu-central-2"),
    ("EUN1", "eu-north-1"),
    ("EUS1", "eu-south-1"),
    ("EUS2", "eu-south-2"),
    ("EUW1", "eu-west-1"),
    ("EUW2", "eu-west-2"),
    ("EUW3", "eu-west-3"),
    ("ILC1", "il-central-1"),
    ("MEC1", "me-central-1"),
    ("MES1", "me-south-1"),
    ("MXC1", "mx-central-1"),
    ("SAE1", "sa-east-1"),
    ("UGE1", "us-gov-east-1"),
    ("UGW1", "us-gov-west-1"),
    ("USE1", "us-east-1"),
    ("USE2", "us-east-2"),
    ("USW1", "us-west-1"),
    ("USW2", "us-west-2"),
];
