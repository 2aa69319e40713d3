//! The page: safe to forward, whole, and true to the plan.

mod sample;

use std::collections::BTreeSet;

use laneshift_core::plan::Plan;
use laneshift_units::Money;

fn page(plan: &Plan) -> String {
    laneshift_report::html(plan).expect("the template fits every plan")
}

/// What stands between `before` and the next `after`, for each occurrence.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

#[test]
fn names_from_logs_stay_text() {
    let html = page(&sample::rich());
    assert!(!html.to_ascii_lowercase().contains("<script"), "a name became an element");
    assert!(!html.contains("<img") && !html.contains("<b>anywhere"), "a name became an element");
    assert!(html.contains("&#60;script&#62;alert(1)"), "the name is shown");
}

#[test]
fn the_page_loads_nothing() {
    let html = page(&sample::rich());
    for loader in ["src=", "url(", "@import", "<link", "<iframe", "<object", "<form", "srcset", "javascript:"] {
        let as_markup = html.split('<').any(|tag| tag.split('>').next().is_some_and(|inside| inside.contains(loader)));
        assert!(!as_markup, "{loader}");
    }
    let style = between(&html, "<style>", "</style>").concat();
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains("http"));
}

#[test]
fn every_link_leads_to_something_on_the_page() {
    for plan in [sample::rich(), sample::empty()] {
        let html = page(&plan);
        let ids: Vec<&str> = between(&html, " id=\"", "\"");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "ids are unique");
        for target in between(&html, "href=\"", "\"") {
            let id = target.strip_prefix('#').expect("links stay on the page");
            assert!(unique.contains(id), "{target} leads nowhere");
        }
    }
}

#[test]
fn every_chart_has_a_name_and_a_description() {
    let html = page(&sample::rich());
    let charts = between(&html, "<svg", "</svg>");
    assert!(charts.len() > 5);
    for chart in charts {
        assert!(chart.contains("role=\"img\"") && chart.contains("<title id=") && chart.contains("<desc id="), "{chart:.300}");
        assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart:.300}");
    }
}

#[test]
fn the_waterfall_adds_up_as_printed() {
    let plan = sample::rich();
    let html = page(&plan);
    let description = between(&html, "<desc id=\"waterfall-d\">", "</desc>").concat();
    let amounts: Vec<Money> = description
        .split(", ")
        .filter_map(|part| part.rsplit(' ').next())
        .filter(|amount| amount.contains('$'))
        .map(|amount| Money::parse_usd(&amount.replace('−', "-").replace(['$', ','], "")).expect("an amount"))
        .collect();
    let (planned, steps) = amounts.split_last().expect("a sum");
    assert_eq!(steps.iter().copied().sum::<Money>(), *planned, "{description}");
    assert_eq!(format!("{planned:.0}"), format!("{:.0}", plan.planned));
}

#[test]
fn an_empty_plan_has_a_page_without_empty_sections() {
    let html = page(&sample::empty());
    assert!(html.contains("id=\"decision\"") && html.contains("id=\"method\""));
    for id in ["spend", "workloads", "split", "mistakes", "renewal", "other"] {
        assert!(!html.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    assert!(!html.contains("NaN"));
}

#[test]
fn spend_of_nothing_does_not_divide() {
    let mut plan = sample::rich();
    plan.today = Money::ZERO;
    plan.planned = Money::ZERO;
    for w in &mut plan.workloads {
        w.today = Money::ZERO;
        w.requests = 0;
        w.usage = Default::default();
        w.heat.fill(0);
    }
    plan.daily.clear();
    assert!(!page(&plan).contains("NaN"));
    laneshift_report::summary(&plan, "out");
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    assert_eq!(page(&sample::rich()), page(&sample::rich()));
}
