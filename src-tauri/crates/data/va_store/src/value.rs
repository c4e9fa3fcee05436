//! Domain values as columns and back.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use va_domain::{MediaHash, Split};
use va_error::{Error, Result};

use crate::error::damaged;

/// The column of a UUID: 16 bytes.
pub(crate) fn uuid_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    Ok(Uuid::from_bytes(row.get::<_, [u8; 16]>(index)?))
}

pub(crate) fn optional_uuid_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(index)?.map(Uuid::from_bytes))
}

/// A count or size: never negative in the store.
pub(crate) fn count_column(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(index)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, value))
}

/// SQLite's integers are signed: larger counts do not occur.
pub(crate) fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::invalid(format!("{value} is too large to be stored")))
}

/// A JSON column.
pub(crate) fn json_column<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| conversion(index, error))
}

pub(crate) fn optional_json_column<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        _ => json_column(row, index).map(Some),
    }
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal(format!("cannot be stored as JSON: {error}")))
}

/// An enum in the snake_case word that is also its wire form.
pub(crate) fn word<T: Serialize>(value: T) -> Result<String> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        _ => Err(Error::internal("BUG: an enum that is not a word")),
    }
}

pub(crate) fn word_column<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_value(serde_json::Value::String(text)).map_err(|error| conversion(index, error))
}

fn conversion(index: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
}

/// 0 train, 1 val, 2 test; NULL in no split.
pub(crate) fn split_number(split: Split) -> i64 {
    match split {
        Split::Train => 0,
        Split::Val => 1,
        Split::Test => 2,
    }
}

pub(crate) fn split_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Split>> {
    match row.get::<_, Option<i64>>(index)? {
        None => Ok(None),
        Some(0) => Ok(Some(Split::Train)),
        Some(1) => Ok(Some(Split::Val)),
        Some(2) => Ok(Some(Split::Test)),
        Some(other) => Err(rusqlite::Error::IntegralValueOutOfRange(index, other)),
    }
}

/// A media hash as its 32 bytes.
///
/// # Errors
/// `InvalidInput` unless it is 64 hexadecimal digits.
pub(crate) fn hash_bytes(hash: &MediaHash) -> Result<[u8; 32]> {
    blake3::Hash::from_hex(hash.as_str())
        .map(|hash| *hash.as_bytes())
        .map_err(|_| Error::invalid(format!("{:?} is not a media hash", hash.as_str())))
}

pub(crate) fn hash_column(row: &Row<'_>, index: usize) -> rusqlite::Result<MediaHash> {
    let bytes: [u8; 32] = row.get(index)?;
    Ok(MediaHash(blake3::Hash::from_bytes(bytes).to_hex().to_string()))
}

/// Little-endian 32-bit floats.
pub(crate) fn floats_to_blob(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn floats_from_blob(blob: &[u8]) -> Result<Vec<f32>> {
    if !blob.len().is_multiple_of(4) {
        return Err(damaged("probabilities"));
    }
    Ok(blob.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Little-endian 32-bit class indices.
pub(crate) fn classes_to_blob(classes: &[u32]) -> Vec<u8> {
    classes.iter().flat_map(|class| class.to_le_bytes()).collect()
}

pub(crate) fn classes_from_blob(blob: &[u8]) -> Vec<u32> {
    blob.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

/// The form in which names are compared, sorted and searched: lower case.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase()
}
