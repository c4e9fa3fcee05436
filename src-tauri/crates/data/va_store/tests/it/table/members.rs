use va_domain::{MemberId, Role};
use va_error::Code;

use crate::scene::Scene;

#[test]
fn user_names_are_unique_whatever_their_case() {
    let scene = Scene::new();
    let ann = scene.audited(|tx| tx.members_mut().create("Ann", Role::Annotator)).unwrap();
    assert_eq!(scene.audited(|tx| tx.members_mut().create("ANN", Role::Owner)).unwrap_err().code(), Code::Conflict);
    assert_eq!(scene.store.read(|read| read.members().find_by_name("ann")).unwrap(), Some(ann.clone()));
    assert_eq!(scene.store.read(|read| read.members().all()).unwrap(), [ann]);
}

#[test]
fn a_password_hash_is_set_and_taken_away() {
    let scene = Scene::new();
    let id = scene.audited(|tx| tx.members_mut().create("ann", Role::Owner)).unwrap().id;
    let hash = || scene.store.read(|read| read.members().password_hash(id)).unwrap();
    assert_eq!(hash(), None);
    scene.audited(|tx| tx.members_mut().set_password_hash(id, Some("$argon2id$x"))).unwrap();
    assert_eq!(hash().as_deref(), Some("$argon2id$x"));
    scene.audited(|tx| tx.members_mut().set_password_hash(id, None)).unwrap();
    assert_eq!(hash(), None);
    let missing = scene.audited(|tx| tx.members_mut().set_role(MemberId::new(), Role::Viewer));
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_session_ends_by_time_by_logout_and_with_its_member() {
    let scene = Scene::new();
    let id = scene.audited(|tx| tx.members_mut().create("ann", Role::Owner)).unwrap().id;
    let far = i64::MAX;
    let open = |secret: u8, expires| {
        scene.quiet(|tx| tx.sessions_mut().insert(id, "refresh", &[secret; 32], expires)).unwrap();
    };
    let find =
        |secret: u8, kind: &str, now| scene.store.read(|read| read.sessions().find(kind, &[secret; 32], now)).unwrap();
    open(1, far);
    assert_eq!(find(1, "refresh", 0), Some(id));
    assert_eq!(find(1, "access", 0), None, "a secret of one kind is not one of another");
    assert_eq!(find(1, "refresh", far), None);
    assert!(scene.quiet(|tx| tx.sessions_mut().delete(&[1; 32])).unwrap());
    assert!(!scene.quiet(|tx| tx.sessions_mut().delete(&[1; 32])).unwrap());
    open(2, 1);
    open(3, far);
    assert_eq!(scene.store.statistics().unwrap().rows["sessions"], 1, "expired ones are dropped");
    scene.audited(|tx| tx.members_mut().delete(id)).unwrap();
    assert_eq!(find(3, "refresh", 0), None);
}

#[test]
fn a_new_token_of_the_same_name_replaces_the_old_one() {
    let scene = Scene::new();
    let id = scene.audited(|tx| tx.members_mut().create("ann", Role::Owner)).unwrap().id;
    let find = |secret: u8| scene.store.read(|read| read.api_tokens().find(&[secret; 32])).unwrap();
    scene.audited(|tx| tx.api_tokens_mut().put(id, "ci", &[1; 32])).unwrap();
    scene.audited(|tx| tx.api_tokens_mut().put(id, "ci", &[2; 32])).unwrap();
    assert_eq!((find(1), find(2)), (None, Some(id)));
    assert!(scene.audited(|tx| tx.api_tokens_mut().delete(id, "ci")).unwrap());
    assert_eq!(find(2), None);
    let missing = scene.audited(|tx| tx.api_tokens_mut().put(MemberId::new(), "x", &[3; 32]));
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}
