//! The drawings of all architectures: well formed, readable, and true to the network.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;

use va_error::Code;
use va_graph::{Conv2d, Graph, GraphBuilder, drawing};

/// One element of an XML document: its place in the tree as names, its attributes, the text directly in it.
#[derive(Debug, Clone)]
struct Element {
    path: Vec<String>,
    attributes: BTreeMap<String, String>,
    text: String,
}

impl Element {
    fn has_class(&self, class: &str) -> bool {
        self.attributes.get("class").is_some_and(|own| own == class)
    }

    fn number(&self, name: &str) -> f64 {
        self.attributes[name].parse().unwrap()
    }
}

/// Resolves the five entities of XML; any other ampersand, and any character that XML does not have, is refused.
fn unescape(text: &str) -> String {
    assert!(!text.contains(['<', '>']), "markup in text: {text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "a control character: {text:?}");
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').expect("an ampersand that is no entity");
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => panic!("unknown entity {other}"),
        });
        plain.push_str(rest);
    }
    plain
}

fn attributes(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((name, rest)) = text.trim_start().split_once("=\"") {
        let (value, rest) = rest.split_once('"').expect("a value without an end");
        assert!(name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'), "attribute {name:?}");
        assert!(found.insert(name.to_owned(), unescape(value)).is_none(), "{name} twice");
        text = rest;
    }
    assert!(text.trim().is_empty(), "behind the attributes: {text:?}");
    found
}

/// Reads a document strictly: one root, every element closed in order, quoted attributes, known entities.
fn parse(xml: &str) -> Vec<Element> {
    let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut rest = xml;
    while let Some((text, tag)) = rest.split_once('<') {
        let (tag, behind) = tag.split_once('>').expect("a tag without an end");
        rest = behind;
        match open.last() {
            Some(&at) => elements[at].text.push_str(&unescape(text)),
            None => assert!(text.trim().is_empty(), "text outside of the root"),
        }
        if let Some(name) = tag.strip_prefix('/') {
            let at = open.pop().expect("an end without a start");
            assert_eq!(elements[at].path.last().unwrap(), name);
            continue;
        }
        assert!(!open.is_empty() || elements.is_empty(), "two roots");
        let (tag, is_closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()), "element {name:?}");
        let mut path = open.last().map_or_else(Vec::new, |&at| elements[at].path.clone());
        path.push(name.to_owned());
        elements.push(Element { path, attributes: attributes(rest), text: String::new() });
        if !is_closed {
            open.push(elements.len() - 1);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "the document is not closed");
    elements
}

fn overlaps(a: &Element, b: &Element) -> bool {
    let apart = |from: &str, size: &str| {
        a.number(from) + a.number(size) <= b.number(from) || b.number(from) + b.number(size) <= a.number(from)
    };
    !apart("x", "width") && !apart("y", "height")
}

fn contains(outer: &Element, inner: &Element) -> bool {
    [("x", "width"), ("y", "height")].iter().all(|&(from, size)| {
        outer.number(from) <= inner.number(from)
            && inner.number(from) + inner.number(size) <= outer.number(from) + outer.number(size)
    })
}

/// Title, repetitions, cost and shape of every box, from top to bottom.
fn rows(elements: &[Element]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for element in elements.iter().filter(|element| element.path.last().is_some_and(|name| name == "text")) {
        match element.attributes["class"].as_str() {
            "net-title" => rows.push(element.text.clone()),
            "net-times" | "net-cost" | "net-shape" if !element.text.is_empty() => {
                let row = rows.last_mut().unwrap();
                row.push_str(" | ");
                row.push_str(&element.text);
            }
            _ => {}
        }
    }
    rows
}

fn check(graph: &Graph) -> Vec<Element> {
    let svg = drawing::draw(graph).unwrap();
    assert_eq!(svg, drawing::draw(graph).unwrap(), "the same graph gives the same text");
    let elements = parse(&svg);
    let root = &elements[0];
    assert_eq!(root.path, ["svg"]);
    let boxes: Vec<&Element> = elements.iter().filter(|e| e.has_class("net-box")).collect();
    for (at, a) in boxes.iter().enumerate() {
        for b in &boxes[at + 1..] {
            assert!(!overlaps(a, b), "{}: two boxes overlap: {a:?} {b:?}", graph.name());
        }
        let (right, bottom) = (a.number("x") + a.number("width"), a.number("y") + a.number("height"));
        assert!(a.number("x") >= 0.0 && a.number("y") >= 0.0, "{a:?}");
        assert!(right <= root.number("width") && bottom <= root.number("height"), "{a:?}");
    }
    for frame in elements.iter().filter(|e| e.has_class("net-frame")) {
        let inside = boxes.iter().filter(|b| contains(frame, b)).count();
        assert!(inside > 1, "{}: a frame around {inside} boxes", graph.name());
        assert!(boxes.iter().all(|b| contains(frame, b) || !overlaps(frame, b)), "{}: {frame:?}", graph.name());
    }
    elements
}

/// What the boxes say in numbers, for pages in other languages, is what the whole network costs.
#[test]
fn the_costs_of_all_boxes_are_the_networks() {
    let graph = va_zoo::build("resnet18", 1000, 224, 3).unwrap();
    let elements = check(&graph);
    let sum = |name: &str| -> u64 {
        elements.iter().filter_map(|e| e.attributes.get(name)).map(|value| value.parse::<u64>().unwrap()).sum()
    };
    let network = (graph.param_count() as u64, graph.cost().multiply_adds);
    assert_eq!((sum("data-params"), sum("data-multiply-adds")), network);
}

#[test]
fn every_architecture_draws() {
    for arch in va_zoo::arch_names() {
        let graph = va_zoo::build(arch, 1000, 224, 3).unwrap();
        let elements = check(&graph);
        let boxes = elements.iter().filter(|e| e.has_class("net-box")).count();
        assert!((6..=40).contains(&boxes), "{arch}: {boxes} boxes");
        // Every layer is in a box: the tooltips name the layers of the first repetition.
        let named: usize =
            elements.iter().filter(|e| e.path.ends_with(&["title".into()])).map(|e| e.text.lines().count() - 1).sum();
        assert!(named < graph.nodes().len() && named > boxes, "{arch}: {named} layers named");
    }
}

/// Dropping probabilities differ from block to block; the drawing stays as compact.
#[test]
fn regularisation_does_not_unfold_blocks() {
    let rates = va_zoo::Regularisation { stochastic_depth: 0.2, dropout: 0.1 };
    let graph = va_zoo::build_with("vit_tiny_patch16_224", 10, 224, 3, rates).unwrap();
    let rows = rows(&check(&graph));
    assert!(rows.iter().any(|row| row.starts_with("blocks.1–11 | ×11")), "{rows:#?}");
}

#[test]
fn resnet18_reads_like_its_paper() {
    let rows = rows(&check(&va_zoo::build("resnet18", 1000, 224, 3).unwrap()));
    assert_eq!(
        rows,
        [
            "input | 224×224×3",
            "conv1 | 9.54 k params · 118 M MACs | 112×112×64",
            "maxpool | 56×56×64",
            "layer1.0–1 | ×2 | 148 k params · 462 M MACs | 56×56×64",
            "layer2.0 | 230 k params · 180 M MACs | 28×28×128",
            "layer2.1 | 295 k params · 231 M MACs | 28×28×128",
            "layer3.0 | 919 k params · 180 M MACs | 14×14×256",
            "layer3.1 | 1.18 M params · 231 M MACs | 14×14×256",
            "layer4.0 | 3.67 M params · 180 M MACs | 7×7×512",
            "layer4.1 | 4.72 M params · 231 M MACs | 7×7×512",
            "global_pool | 512",
            "fc | 513 k params · 512 k MACs | 1000",
        ]
    );
}

/// Stages of several boxes stand in a frame with their name.
#[test]
fn stages_are_framed() {
    let stages = |arch: &str| {
        let elements = check(&va_zoo::build(arch, 10, 224, 3).unwrap());
        elements.into_iter().filter(|e| e.has_class("net-stage")).map(|e| e.text).collect::<Vec<_>>()
    };
    assert_eq!(stages("resnet18"), ["layer2", "layer3", "layer4"]);
    assert_eq!(stages("convnext_atto"), ["stages.1", "stages.2", "stages.3"]);
}

/// Branches stand side by side, lines that pass over a layer run beside the boxes, and names are only ever text.
#[test]
fn branches_and_hostile_names() {
    let (mut b, x) = GraphBuilder::new("<script>\"x\"", &[32, 32, 3]).unwrap();
    let stem = b.conv2d("a&b", x, Conv2d::new(8, 3).padding(1)).unwrap();
    let left = b.conv2d("</text><b onclick='1'>", stem, Conv2d::new(8, 3).padding(1)).unwrap();
    let right = b.conv2d("right", stem, Conv2d::new(8, 1)).unwrap();
    let deep = b.conv2d("deep", right, Conv2d::new(8, 1)).unwrap();
    let joined = b.concat("joined", &[left, deep, stem]).unwrap();
    let pooled = b.global_avg_pool("pool", joined).unwrap();
    let out = b.linear("fc", pooled, 2, true).unwrap();
    let elements = check(&b.finish(out).unwrap());
    assert_eq!(elements[0].attributes["aria-label"], "<script>\"x\"");
    let titles: Vec<&str> = elements.iter().filter(|e| e.has_class("net-title")).map(|e| e.text.as_str()).collect();
    assert_eq!(titles, ["input", "a&b", "</text><b onclick='1'>", "right", "deep", "joined", "pool", "fc"]);
    let boxes: Vec<&Element> = elements.iter().filter(|e| e.has_class("net-box")).collect();
    assert_eq!(boxes[2].number("y"), boxes[3].number("y"), "branches of one depth stand side by side");
    let widest = boxes.iter().map(|b| b.number("x") + b.number("width")).fold(0.0, f64::max);
    let passes = elements.iter().filter(|e| e.has_class("net-edge")).filter(|e| {
        let path = e.attributes["d"].replace(['M', 'L', 'l'], " ");
        path.split_whitespace().filter_map(|n| n.parse::<f64>().ok()).any(|n| n > widest && n < widest + 60.0)
    });
    assert!(passes.count() >= 2, "lines over a layer go beside the boxes");
}

#[test]
fn what_no_person_could_look_at_is_refused() {
    let (mut b, mut x) = GraphBuilder::new("long", &[8]).unwrap();
    for at in 0..2_100 {
        x = b.linear(&format!("fc{at}"), x, 8, true).unwrap();
    }
    assert_eq!(drawing::draw(&b.finish(x).unwrap()).unwrap_err().code(), Code::TooLarge);
}

/// A chain needs its largest neighbours at one time, a skip its source besides.
#[test]
fn peak_activations_follow_lifetimes() {
    let (mut b, x) = GraphBuilder::new("chain", &[10]).unwrap();
    let y = b.linear("up", x, 100, true).unwrap();
    let z = b.relu("act", y).unwrap();
    let sum = b.add("sum", y, z).unwrap();
    let out = b.linear("down", sum, 5, true).unwrap();
    // y, z and their sum.
    assert_eq!(b.finish(out).unwrap().peak_activation_bytes(), 4 * 300);
    let resnet = va_zoo::build("resnet18", 1000, 224, 3).unwrap();
    // The stem's convolution and its norm, 112×112×64 each.
    assert_eq!(resnet.peak_activation_bytes(), 2 * 4 * 112 * 112 * 64);
}
