//! The tests that the security table of docs/OPERATIONS.md names exist.

use std::path::Path;

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
