//! `docs/ASVS.md` against the list of requirements and against the code: every requirement of levels 1 and 2 once, and every
//! test and file that it names is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The requirements of ASVS 5.0.0, by level; a range within a section stands for each in it.
const LEVELS: [(&str, usize, &str); 2] = [
    (
        "1",
        70,
        "1.2.1-5 1.3.1-2 1.5.1 2.1.1 2.2.1-2 2.3.1 3.2.1-2 3.3.1 3.4.1-2 3.5.1-3 4.1.1 4.4.1 5.2.1-2 5.3.1-2 6.1.1 6.2.1-8 \
         6.3.1-2 6.4.1-2 7.2.1-4 7.4.1-2 8.1.1 8.2.1-2 8.3.1 9.1.1-3 9.2.1 10.4.1-5 11.3.1-2 11.4.1 12.1.1 12.2.1-2 13.4.1 \
         14.2.1 14.3.1 15.1.1 15.2.1 15.3.1",
    ),
    (
        "2",
        183,
        "1.1.1-2 1.2.6-9 1.3.3-11 1.4.1-3 1.5.2 2.1.2-3 2.2.3 2.3.2-4 2.4.1 3.3.2-4 3.4.3-6 3.5.4-5 3.7.1-2 4.1.2-3 4.2.1 \
         4.3.1-2 4.4.2-4 5.1.1 5.2.3 5.4.1-3 6.1.2-3 6.2.9-12 6.3.3-4 6.4.3-4 6.5.1-5 6.6.1-3 6.8.1-4 7.1.1-3 7.3.1-2 7.4.3-5 \
         7.5.1-2 7.6.1-2 8.1.2 8.2.3 8.4.1 9.2.2-4 10.1.1-2 10.2.1-2 10.3.1-4 10.4.6-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 \
         11.2.1-3 11.3.3 11.4.2-4 11.5.1 11.6.1 12.1.2-3 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.2-5 14.1.1-2 14.2.2-4 \
         14.3.2-3 15.1.2-3 15.2.2-3 15.3.2-7 16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3 17.1.1 17.2.1-4 17.3.1-2",
    ),
];

const ANSWERS: [&str; 4] = ["met", "partly", "not met", "n/a"];

fn expected() -> BTreeMap<String, &'static str> {
    let mut all = BTreeMap::new();
    for (level, count, ranges) in LEVELS {
        let before = all.len();
        for range in ranges.split_whitespace() {
            let (section, numbers) = range.rsplit_once('.').unwrap();
            let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
            for number in first.parse::<u32>().unwrap()..=last.parse().unwrap() {
                assert!(all.insert(format!("{section}.{number}"), level).is_none(), "{range}");
            }
        }
        assert_eq!(all.len() - before, count, "level {level}");
    }
    all
}

struct Row {
    id: String,
    level: String,
    answer: String,
    why: String,
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn rows(text: &str) -> Vec<Row> {
    let cells = text.lines().filter_map(|line| {
        let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<&str> = inner.splitn(4, " | ").collect();
        let numbered = cells[0].starts_with(|c: char| c.is_ascii_digit());
        (numbered && cells.len() == 4).then_some(cells)
    });
    cells
        .map(|cells| Row {
            id: cells[0].to_owned(),
            level: cells[1].to_owned(),
            answer: cells[2].to_owned(),
            why: cells[3].to_owned(),
        })
        .collect()
}

/// Every file of Rust, by its name: a name may be that of several.
fn sources() -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root("src"), root("tests/it")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_requirement_has_one_answer_and_what_it_names_is_there() {
    let text = std::fs::read_to_string(root("docs/ASVS.md")).unwrap();
    let (rows, mut expected, sources) = (rows(&text), expected(), sources());
    for row in &rows {
        assert_eq!(expected.remove(&row.id), Some(row.level.as_str()), "{}", row.id);
        assert!(ANSWERS.contains(&row.answer.as_str()), "{}: {}", row.id, row.answer);
        for named in row.why.split('`').skip(1).step_by(2) {
            if let Some((file, test)) = named.split_once(".rs::") {
                let declared = format!("fn {test}(");
                let there = sources
                    .iter()
                    .any(|(name, source)| *name == format!("{file}.rs") && source.contains(&declared));
                assert!(there, "{}: there is no {named}", row.id);
            } else if ["src/", "tests/", "openapi/"]
                .iter()
                .any(|start| named.starts_with(start))
            {
                assert!(root(named).exists(), "{}: there is no {named}", row.id);
            } else if let Some(file) = named.strip_suffix(".rs")
                && !row.why.contains("TODO-MERGE")
            {
                assert!(
                    root(&format!("tests/it/{file}.rs")).exists(),
                    "{}: there is no {named}",
                    row.id
                );
            }
        }
        for link in row.why.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            assert!(root("docs").join(target).exists(), "{}: there is no {target}", row.id);
        }
    }
    assert!(expected.is_empty(), "without an answer: {:?}", expected.keys());
    let [met, partly, not_met, not_applicable] =
        ANSWERS.map(|answer| rows.iter().filter(|row| row.answer == answer).count());
    let said = format!("{met} are met, {partly} partly, {not_met} are not met, {not_applicable} do not apply.");
    assert!(text.contains(&said), "it must say: {said}");
}
