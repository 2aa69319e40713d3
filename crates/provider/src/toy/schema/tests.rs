//! Values fit their schemas.

use proptest::prelude::*;

use super::*;

fn made(schema: &Value) -> Value {
    fit(schema, &mut Chance::new(7, "model"))
}

#[test]
fn an_object_has_its_properties_in_their_types() {
    let schema = json!({
        "type": "object",
        "required": ["name", "tags", "more"],
        "properties": {
            "name": {"type": "string", "minLength": 20, "maxLength": 24},
            "age": {"type": "integer", "minimum": 18, "maximum": 20},
            "odds": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "kind": {"enum": ["a", "b"]},
            "fixed": {"const": 4},
            "open": {"type": ["null", "boolean"]},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2, "maxItems": 4},
            "either": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "$defs": {"tag": {"type": "object", "properties": {"id": {"type": "integer", "multipleOf": 5}}}},
    });
    let value = made(&schema);
    let name = value["name"].as_str().expect("a text");
    assert!((20..=24).contains(&name.len()), "{name}");
    assert!((18..=20).contains(&value["age"].as_i64().expect("an integer")));
    let odds = value["odds"].as_f64().expect("a number");
    assert!(odds > 0.0 && odds < 1.0);
    assert!(["a", "b"].contains(&value["kind"].as_str().expect("a text")));
    assert_eq!(value["fixed"], 4);
    assert!(value["open"].is_boolean() && value["either"].is_boolean() && value["more"].is_string());
    let tags = value["tags"].as_array().expect("a list");
    assert!((2..=4).contains(&tags.len()));
    assert!(tags.iter().all(|tag| tag["id"].as_i64().expect("an integer") % 5 == 0));
}

#[test]
fn a_schema_that_contains_itself_comes_to_an_end() {
    let optional = json!({"type": "object", "properties": {"child": {"$ref": "#"}}});
    assert!(made(&optional).is_object());
    let required = json!({"type": "object", "required": ["child"], "properties": {"child": {"$ref": "#"}}});
    assert!(made(&required).is_object());
    assert!(made(&json!({"$ref": "#"})).is_null());
    let wide = json!({"type": "array", "minItems": 1000, "items": {"$ref": "#"}});
    assert!(made(&wide).to_string().len() < 200_000);
    assert_eq!(fit_object(&json!({"type": "string"}), &mut Chance::new(7, "model")), json!({}));
}

proptest! {
    #[test]
    fn an_integer_lies_within_its_bounds(seed: u64, least: i64, span in 0_i64..1000) {
        let most = least.saturating_add(span);
        let value = fit(&json!({"type": "integer", "minimum": least, "maximum": most}), &mut Chance::new(seed, "model"));
        let value = value.as_i64().expect("an integer");
        prop_assert!((least..=most).contains(&value));
    }
}
