//! The alerts, the dashboard, the autoscaler and the collector ask for labels that their metrics have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conduit::telemetry::{self, Drained, MetricName, WebhookResult};
use metrics_exporter_prometheus::PrometheusBuilder;
use regex::Regex;
use serde_json::Value;

use super::{SERIES, read};

/// What Prometheus gives to whatever it scrapes.
const OF_THE_SCRAPE: [&str; 3] = ["instance", "job", "namespace"];

type Labels = BTreeSet<String>;

/// An expression, and the texts in which its labels are shown.
struct Expression {
    place: String,
    text: String,
    shown: Vec<String>,
}

/// The labels of everything that is measured, as they are rendered.
fn exported() -> BTreeMap<String, Labels> {
    // A recorder of this test's own: what other tests measure is none of its business, and the other way round.
    let recorder = PrometheusBuilder::new().set_buckets(&[1.0]).unwrap().build_recorder();
    metrics::with_local_recorder(&recorder, measure_everything);
    let text = recorder.handle().render();
    let label = Regex::new(r#"(\w+)=""#).unwrap();
    let mut exported = BTreeMap::<String, Labels>::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (series, _) = line.split_once(['{', ' ']).unwrap();
        let labels = label.captures_iter(line).map(|found| found[1].to_owned());
        exported.entry(base(series).to_owned()).or_default().extend(labels);
    }
    let names: Vec<_> = MetricName::ALL.iter().map(|name| name.as_str().to_owned()).collect();
    assert!(names.iter().all(|name| exported.contains_key(name)), "something is not measured here:\n{text}");
    exported
}

fn measure_everything() {
    telemetry::webhook("github", WebhookResult::Accepted);
    telemetry::outcome("moved", "moved");
    telemetry::event_done(Duration::from_millis(300));
    telemetry::jira_request("transition", Some(204), Duration::from_millis(20));
    telemetry::transition_cache("hit");
    telemetry::site_paused("jira", [("down", true)]);
    telemetry::breaker("jira", 2);
    telemetry::limit_remaining("jira", "issue", 7);
    telemetry::request_delayed("jira", "issue");
    telemetry::rules_reload_failed(false);
    telemetry::queue([("ready", 3)], 12);
    telemetry::store_up(true);
    telemetry::body_dropped();
    telemetry::spooled();
    telemetry::drained(Drained::Accepted);
    telemetry::spool(2, 4096, 1 << 20);
    telemetry::build_info("0.1.0");
}

/// A metric's name, of a series of it.
fn base(series: &str) -> &str {
    let histogram = SERIES.iter().find_map(|suffix| series.strip_suffix(suffix));
    histogram.filter(|base| MetricName::ALL.iter().any(|name| name.as_str() == *base)).unwrap_or(series)
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&read(path)).unwrap()
}

fn dashboard() -> Vec<Expression> {
    let dashboard: Value = serde_json::from_str(&read("infra/grafana/conduit.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let of = |panel: &Value| -> Vec<_> {
        let targets = panel["targets"].as_array().into_iter().flatten();
        let expression = |target: &Value| Expression {
            place: format!("the panel {}", panel["title"]),
            text: target["expr"].as_str().unwrap().to_owned(),
            shown: vec![target["legendFormat"].as_str().unwrap().to_owned()],
        };
        targets.map(expression).collect()
    };
    panels.flat_map(of).collect()
}

/// The rules of a kind: `record` or `alert`.
fn rules(kind: &str) -> Vec<Expression> {
    let rules = yaml("infra/prometheus/alerts.yml");
    let groups = rules["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    let expression = |rule: &Value| {
        let annotations = rule["annotations"].as_object().into_iter().flat_map(|all| all.values());
        Some(Expression {
            place: rule[kind].as_str()?.to_owned(),
            text: rule["expr"].as_str().unwrap().to_owned(),
            shown: annotations.map(|text| text.as_str().unwrap().to_owned()).collect(),
        })
    };
    rules.filter_map(expression).collect()
}

fn autoscaler() -> Expression {
    let worker = yaml("infra/kubernetes/components/keda/worker.yaml");
    let query = worker["spec"]["triggers"][0]["metadata"]["query"].as_str().unwrap();
    Expression { place: "the autoscaler".to_owned(), text: query.to_owned(), shown: Vec::new() }
}

/// The labels in `by (…)`, `without (…)` and their like.
fn grouped(text: &str) -> Labels {
    let grouping = Regex::new(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)").unwrap();
    let lists = grouping.captures_iter(text).map(|found| found.extract::<1>().1[0]);
    lists.flat_map(|list| list.split(',')).map(|label| label.trim().to_owned()).collect()
}

/// Holds an expression against what there is.
fn hold(Expression { place, text, shown }: &Expression, known: &BTreeMap<String, Labels>) {
    let metric = Regex::new(r"\b(conduit[_:][a-z0-9_:]+|up)\b(?:\{([^}]*)\})?").unwrap();
    let asked = Regex::new(r#"(\w+)\s*(?:=~|!~|!=|=)\s*""#).unwrap();
    let mut all = Labels::new();
    for found in metric.captures_iter(text) {
        let series = &found[1];
        let mut labels: Labels = OF_THE_SCRAPE.map(str::to_owned).into();
        labels.extend(known.get(base(series)).into_iter().flatten().cloned());
        for label in asked.captures_iter(found.get(2).map_or("", |matchers| matchers.as_str())) {
            assert!(labels.contains(&label[1]), "{place} asks for a {} of {series}: {text}", &label[1]);
        }
        all.append(&mut labels);
    }
    let grouped = grouped(text);
    let strange: Vec<_> = grouped.difference(&all).collect();
    assert!(strange.is_empty(), "{place} groups by {strange:?}: {text}");

    let kept = if text.contains(" by ") { &grouped } else { &all };
    let label = Regex::new(r"\{\{\s*(?:\$labels\.)?([a-z]\w*)").unwrap();
    for label in shown.iter().flat_map(|shown| label.captures_iter(shown)) {
        assert!(kept.contains(&label[1]), "{place} shows a {}, which is not left: {text}", &label[1]);
    }
}

#[test]
fn every_label_they_name_is_one_that_the_metric_has() {
    let mut known = exported();
    for recorded in rules("record") {
        hold(&recorded, &known);
        known.insert(recorded.place, grouped(&recorded.text));
    }
    let mut expressions = dashboard();
    expressions.extend(rules("alert"));
    expressions.push(autoscaler());
    assert!(expressions.len() > 50, "the test finds the expressions: {}", expressions.len());
    for expression in &expressions {
        hold(expression, &known);
    }
}

#[test]
fn everything_that_is_measured_is_on_the_dashboard() {
    let shown: Vec<_> = dashboard().into_iter().map(|one| one.text).collect();
    for name in MetricName::ALL {
        let series = Regex::new(&format!(r"\b{}(_bucket)?\b", name.as_str())).unwrap();
        assert!(shown.iter().any(|text| series.is_match(text)), "no panel shows {}", name.as_str());
    }
}

#[test]
fn the_collector_hands_on_what_the_alarms_and_the_autoscaler_read() {
    let known = exported();
    let collector = yaml("infra/terraform/files/collector.yaml.tftpl");
    let scraped = &collector["receivers"]["prometheus"]["config"]["scrape_configs"][0];
    let kept = scraped["metric_relabel_configs"][0]["regex"].as_str().unwrap();
    let kept: BTreeSet<_> = kept.trim_matches(['(', ')']).split('|').collect();

    let mut declared = BTreeSet::new();
    for declaration in collector["exporters"]["awsemf"]["metric_declarations"].as_array().unwrap() {
        for selector in declaration["metric_name_selectors"].as_array().unwrap() {
            let metric = selector.as_str().unwrap().trim_matches(['^', '$']);
            let dimensions = declaration["dimensions"][0].as_array().unwrap();
            for dimension in dimensions {
                let label = dimension.as_str().unwrap();
                assert!(known[metric].contains(label), "{metric} has no {label}");
            }
            declared.insert(metric);
        }
    }
    assert_eq!(kept, declared, "what is scraped, and what is declared");

    let read = read("infra/terraform/alarms.tf") + &read("infra/terraform/autoscaling.tf");
    let name = Regex::new(r#"= "(conduit_[a-z_]+)""#).unwrap();
    let wanted: BTreeSet<_> = name.captures_iter(&read).map(|found| found.extract::<1>().1[0]).collect();
    assert_eq!(wanted, declared, "what alarms and autoscaler read, and what reaches them");
}
