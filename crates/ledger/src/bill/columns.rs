//! Which column of a bill is what, in CUR 2.0's spelling, the legacy one, or Athena's.

use super::error::BillError;
use super::row::Field;

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// One value that is read.
    Field(Field),
    /// The `product` map of CUR 2.0.
    Product,
    /// A map of tags.
    Tags,
    /// One tag, by its key: the legacy shape.
    Tag(String),
}

/// What the header as a whole says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderKind {
    Bill,
    Focus,
    Neither,
}

/// `lineItem/UsageType`, `line_item_usage_type` and `LINE_ITEM_USAGE_TYPE` are the same column.
fn compact(header: &str) -> String {
    let plain = header.trim_start_matches('\u{feff}').chars();
    plain.filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// What a header is, judging by the columns that only such a file has.
pub(super) fn header_kind<'a>(headers: impl Iterator<Item = &'a str>) -> HeaderKind {
    let (mut usage_type, mut start, mut billed) = (false, false, false);
    for header in headers {
        match compact(header).as_str() {
            "lineitemusagetype" => usage_type = true,
            "chargeperiodstart" => start = true,
            "billedcost" => billed = true,
            _ => {}
        }
    }
    match (usage_type, start && billed) {
        (true, _) => HeaderKind::Bill,
        (false, true) => HeaderKind::Focus,
        (false, false) => HeaderKind::Neither,
    }
}

/// The columns that are read, by position. The first of two columns with the same meaning wins.
///
/// # Errors
/// [`BillError`] when the header is no bill's, or lacks a column that is needed.
pub(super) fn columns_of<'a>(
    name: &str,
    headers: impl Iterator<Item = &'a str> + Clone,
) -> Result<Vec<(usize, Column)>, BillError> {
    match header_kind(headers.clone()) {
        HeaderKind::Bill => {}
        HeaderKind::Focus => return Err(BillError::Focus { name: name.to_owned() }),
        HeaderKind::Neither => return Err(BillError::NotABill { name: name.to_owned() }),
    }
    let mut columns: Vec<(usize, Column)> = Vec::new();
    for (at, header) in headers.enumerate() {
        if let Some(column) = column_of(header)
            && !columns.iter().any(|(_, c)| matches!(c, Column::Field(_) | Column::Product) && *c == column)
        {
            columns.push((at, column));
        }
    }
    let missing: Vec<&str> = Field::ALL
        .into_iter()
        .filter(|f| f.is_needed() && !columns.iter().any(|(_, c)| *c == Column::Field(*f)))
        .map(Field::name)
        .collect();
    if missing.is_empty() {
        Ok(columns)
    } else {
        Err(BillError::MissingColumns { name: name.to_owned(), columns: missing.join(", ") })
    }
}

fn column_of(header: &str) -> Option<Column> {
    let compact_header = compact(header);
    match compact_header.as_str() {
        "product" => return Some(Column::Product),
        "resourcetags" | "tags" => return Some(Column::Tags),
        _ => {}
    }
    if let Some(field) = Field::ALL.into_iter().find(|f| compact(f.name()) == compact_header) {
        return Some(Column::Field(field));
    }
    ["resourceTags/", "resource_tags_"].into_iter().find_map(|prefix| {
        let (start, key) = header.split_at_checked(prefix.len())?;
        (start.eq_ignore_ascii_case(prefix) && !key.is_empty()).then(|| Column::Tag(key.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_spellings_are_one_column() {
        for header in ["line_item_usage_type", "lineItem/UsageType", "LINE_ITEM_USAGE_TYPE", "\u{feff}lineitem_usagetype"] {
            assert_eq!(column_of(header), Some(Column::Field(Field::UsageType)), "{header}");
        }
        assert_eq!(column_of("product/ProductName"), Some(Column::Field(Field::ProductName)));
        assert_eq!(column_of("product_product_family"), Some(Column::Field(Field::Family)));
        assert_eq!(column_of("product"), Some(Column::Product));
        assert_eq!(column_of("resource_tags"), Some(Column::Tags));
        assert_eq!(column_of("resourceTags/user:Team"), Some(Column::Tag("user:Team".to_owned())));
        assert_eq!(column_of("resource_tags_user_team"), Some(Column::Tag("user_team".to_owned())));
        assert_eq!(column_of("é"), None);
        assert_eq!(column_of("identity_line_item_id"), None);
    }

    #[test]
    fn missing_columns_are_named() {
        let error = columns_of("x.csv", ["line_item_usage_type"].into_iter()).expect_err("columns are missing");
        assert!(error.to_string().contains("line_item_unblended_cost"), "{error}");
    }
}
