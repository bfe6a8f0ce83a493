//! docs/OPERATIONS.md lists the reasons of refusals, and the tests that its security table names exist.

use std::path::Path;

use seamline_server::refusal::reason::Reason;

/// Every reason of a refusal has a row in the table of docs/OPERATIONS.md, and the table has no others.
#[test]
fn reasons_of_refusals_are_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OPERATIONS.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("\n### ").find(|section| section.starts_with("Refusals\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let documented: Vec<_> = rows.map(|(reason, _)| reason).collect();
    let reasons: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(documented, reasons);
}

#[test]
fn documented_tests_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../docs/OPERATIONS.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Security\n")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut named = 0;
    for row in rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for test in tests.split(", ") {
            let (file, name) = test.trim_matches('`').split_once("::").unwrap_or_else(|| panic!("{row}"));
            let source = std::fs::read_to_string(root.join(format!("tests/it/{file}.rs"))).unwrap();
            assert!(source.contains(&format!("fn {name}()")), "no test {test}, named in\n{row}");
            named += 1;
        }
    }
    assert!(named > 20, "the table was not read");
}
