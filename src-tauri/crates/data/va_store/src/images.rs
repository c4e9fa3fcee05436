//! Row images as bytes, for `op_log`: a version byte, then changes in order. Lengths and integers are LEB128.

use rusqlite::types::Value;
use uuid::Uuid;
use va_error::Result;

use crate::bytes::{Cursor, put_signed, put_unsigned};
use crate::capture::{Action, RowChange, UNDOABLE};
use crate::error::damaged;

const VERSION: u8 = 1;

pub(crate) fn encode(changes: &[RowChange]) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_unsigned(&mut out, changes.len() as u64);
    for change in changes {
        let (kind, columns) = match &change.action {
            Action::Insert(row) => (0u8, row.len()),
            Action::Delete(row) => (1, row.len()),
            Action::Update(columns) => (2, columns.len()),
        };
        put_unsigned(&mut out, change.table as u64);
        out.push(kind | if change.uuid.is_some() { 0x80 } else { 0 });
        put_signed(&mut out, change.rowid);
        if let Some(uuid) = change.uuid {
            out.extend_from_slice(uuid.as_bytes());
        }
        put_unsigned(&mut out, columns as u64);
        match &change.action {
            Action::Insert(row) | Action::Delete(row) => row.iter().for_each(|value| put_value(&mut out, value)),
            Action::Update(columns) => {
                for (column, before, after) in columns {
                    put_unsigned(&mut out, *column as u64);
                    put_value(&mut out, before);
                    put_value(&mut out, after);
                }
            }
        }
    }
    out
}

/// # Errors
/// `Internal` for bytes that `encode` does not write: unknown tables or columns, lengths beyond the end.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<RowChange>> {
    let mut input = Cursor::new(bytes, "a history entry");
    if input.byte()? != VERSION {
        return Err(damaged("a history entry"));
    }
    let count = input.length(4)?;
    let mut changes = Vec::with_capacity(count);
    for _ in 0..count {
        changes.push(change(&mut input)?);
    }
    input.end()?;
    Ok(changes)
}

fn change(input: &mut Cursor<'_>) -> Result<RowChange> {
    let table = input.unsigned()? as usize;
    let width = UNDOABLE.get(table).ok_or_else(|| damaged("a history entry"))?.columns.len();
    let kind = input.byte()?;
    let rowid = input.signed()?;
    let uuid = if kind & 0x80 == 0 { None } else { Some(Uuid::from_bytes(input.array::<16>()?)) };
    let columns = input.unsigned()? as usize;
    if columns > width {
        return Err(damaged("a history entry"));
    }
    let action = match kind & 0x7F {
        0 => Action::Insert((0..columns).map(|_| value(input)).collect::<Result<_>>()?),
        1 => Action::Delete((0..columns).map(|_| value(input)).collect::<Result<_>>()?),
        2 => Action::Update((0..columns).map(|_| update(input, width)).collect::<Result<_>>()?),
        _ => return Err(damaged("a history entry")),
    };
    Ok(RowChange { table, rowid, uuid, action })
}

fn update(input: &mut Cursor<'_>, width: usize) -> Result<(usize, Value, Value)> {
    let column = input.unsigned()? as usize;
    if column >= width {
        return Err(damaged("a history entry"));
    }
    Ok((column, value(input)?, value(input)?))
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0),
        Value::Integer(i) => {
            out.push(1);
            put_signed(out, *i);
        }
        Value::Real(r) => {
            out.push(2);
            out.extend_from_slice(&r.to_le_bytes());
        }
        Value::Text(t) => {
            out.push(3);
            put_unsigned(out, t.len() as u64);
            out.extend_from_slice(t.as_bytes());
        }
        Value::Blob(b) => {
            out.push(4);
            put_unsigned(out, b.len() as u64);
            out.extend_from_slice(b);
        }
    }
}

fn value(input: &mut Cursor<'_>) -> Result<Value> {
    Ok(match input.byte()? {
        0 => Value::Null,
        1 => Value::Integer(input.signed()?),
        2 => Value::Real(f64::from_le_bytes(input.array::<8>()?)),
        3 => {
            let length = input.length(1)?;
            let text = input.slice(length)?.to_vec();
            Value::Text(String::from_utf8(text).map_err(|_| damaged("a history entry"))?)
        }
        4 => {
            let length = input.length(1)?;
            Value::Blob(input.slice(length)?.to_vec())
        }
        _ => return Err(damaged("a history entry")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Integer),
            (-1e300f64..1e300).prop_map(Value::Real),
            ".{0,12}".prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
        ]
    }

    fn changes() -> impl Strategy<Value = RowChange> {
        let action = prop_oneof![
            proptest::collection::vec(values(), 0..3).prop_map(Action::Insert),
            proptest::collection::vec(values(), 0..3).prop_map(Action::Delete),
            proptest::collection::vec((0usize..3, values(), values()), 0..3).prop_map(Action::Update),
        ];
        (0usize..UNDOABLE.len(), any::<i64>(), proptest::option::of(any::<u128>()), action).prop_map(
            |(table, rowid, uuid, action)| RowChange { table, rowid, uuid: uuid.map(Uuid::from_u128), action },
        )
    }

    proptest! {
        #[test]
        fn row_images_survive_the_round_trip(list in proptest::collection::vec(changes(), 0..8)) {
            prop_assert_eq!(decode(&encode(&list)).unwrap(), list);
        }

        #[test]
        fn hostile_bytes_are_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_shortened_entry_is_an_error(list in proptest::collection::vec(changes(), 1..4), cut in 1usize..4) {
            let bytes = encode(&list);
            prop_assert!(decode(&bytes[..bytes.len().saturating_sub(cut)]).is_err());
        }
    }

    #[test]
    fn a_huge_claimed_count_does_not_allocate() {
        assert!(decode(&[1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]).is_err());
    }
}
