use rusqlite::Connection;
use va_domain::PageRequest;
use va_store::table::audit_log::AuditVerdict;

use crate::scene::Scene;

fn verdict(scene: &Scene) -> AuditVerdict {
    scene.store.read(|read| read.audit_log().verify()).unwrap()
}

fn tamper(scene: Scene, sql: &str) -> Scene {
    scene.store.close().unwrap();
    let conn = Connection::open(scene.folder.path().join("library.sqlite")).unwrap();
    conn.execute_batch("DROP TRIGGER audit_log_is_not_changed; DROP TRIGGER audit_log_is_not_shortened;").unwrap();
    conn.execute_batch(sql).unwrap();
    drop(conn);
    scene.reopened()
}

fn written() -> Scene {
    let scene = Scene::new();
    (0..5).for_each(|n| drop(scene.label(&format!("class {n}"))));
    scene
}

#[test]
fn an_untouched_chain_is_intact() {
    assert_eq!(verdict(&written()), AuditVerdict::Intact { entries: 6 });
    assert_eq!(verdict(&written().reopened()), AuditVerdict::Intact { entries: 6 });
}

#[test]
fn a_changed_word_breaks_the_chain() {
    for (column, value) in
        [("actor", "'eve'"), ("summary", "'nothing'"), ("op", "'x'"), ("origin", "'http'"), ("at_ms", "1")]
    {
        let scene = tamper(written(), &format!("UPDATE audit_log SET {column} = {value} WHERE seq = 3"));
        assert_eq!(verdict(&scene), AuditVerdict::Broken { seq: 3 }, "{column}");
    }
}

#[test]
fn a_missing_entry_breaks_the_chain() {
    assert_eq!(verdict(&tamper(written(), "DELETE FROM audit_log WHERE seq = 4")), AuditVerdict::Broken { seq: 4 });
    assert_eq!(verdict(&tamper(written(), "DELETE FROM audit_log WHERE seq = 1")), AuditVerdict::Broken { seq: 1 });
}

#[test]
fn text_moved_between_columns_breaks_the_chain() {
    let scene = tamper(written(), "UPDATE audit_log SET actor = 'own', origin = 'erdesktop' WHERE seq = 2");
    assert_eq!(verdict(&scene), AuditVerdict::Broken { seq: 2 });
}

#[test]
fn the_file_itself_refuses_to_rewrite_the_log() {
    let scene = written();
    scene.store.close().unwrap();
    let conn = Connection::open(scene.folder.path().join("library.sqlite")).unwrap();
    assert!(conn.execute("UPDATE audit_log SET actor = 'eve'", []).is_err());
    assert!(conn.execute("DELETE FROM audit_log", []).is_err());
}

#[test]
fn pages_are_newest_first() {
    let scene = written();
    let page = |cursor| PageRequest { limit: Some(4), cursor };
    let first = scene.store.read(|read| read.audit_log().list(&page(None))).unwrap();
    assert_eq!(first.items.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [6, 5, 4, 3]);
    assert_eq!(first.total, 6);
    let second = scene.store.read(|read| read.audit_log().list(&page(first.next_cursor.clone()))).unwrap();
    assert_eq!(second.items.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(second.next_cursor, None);
}
