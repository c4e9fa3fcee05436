//! PyTorch's own file, `.pth` or `.pt`: a ZIP archive with a pickle and one stored file a storage.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::rc::Rc;

use va_error::{Error, Result};
use zip::{CompressionMethod, ZipArchive};

use super::array::{Arrays, Strided};
use super::pickle::{self, TensorPlace, Unpickled, Value};

/// Larger descriptions are not those of networks.
const MAX_PICKLE_BYTES: u64 = 4 << 20;
/// Keys under which checkpoints keep the weights, best first.
const WRAPPERS: [&str; 4] = ["state_dict_ema", "model_ema", "state_dict", "model"];

/// The arrays of a PyTorch file; nothing in it is executed.
///
/// # Errors
/// `InvalidInput` when it is no such file, is damaged, or holds more than tensors.
pub(super) fn read(bytes: &[u8]) -> Result<Arrays> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| Error::invalid("the weight file is damaged: its archive cannot be read").with_source(e))?;
    let prefix = check_entries(&mut archive)?;
    let pickle = entry(&mut archive, &format!("{prefix}/data.pkl"), MAX_PICKLE_BYTES)?;
    let values = pickle::read(&pickle)?;
    let mut storages: HashMap<Rc<str>, Vec<u8>> = HashMap::new();
    let mut arrays = Arrays::new();
    let mut elements = 0;
    for (name, place) in state_dict(&values)? {
        if !storages.contains_key(&place.storage) {
            if place.storage.is_empty() || !place.storage.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(Error::invalid("the weight file names a storage that is no file of its own"));
            }
            let path = format!("{prefix}/data/{}", place.storage);
            storages.insert(place.storage.clone(), entry(&mut archive, &path, bytes.len() as u64)?);
        }
        let view = Strided {
            number: place.number,
            offset: place.offset,
            shape: place.shape.clone(),
            strides: place.strides.clone(),
        };
        let array = view.read(&storages[&place.storage])?;
        // A number takes at least a byte; more numbers than bytes are one storage under many names.
        elements += array.values.len();
        if elements > bytes.len() {
            return Err(Error::invalid("the weight file describes more numbers than it holds"));
        }
        arrays.insert(name.strip_prefix("module.").unwrap_or(&name).to_owned(), array);
    }
    Ok(arrays)
}

/// Checks every entry and returns the folder that all are in. Nothing is unpacked to disk, and nothing is compressed in
/// an honest file, so an entry is never larger than the archive.
fn check_entries(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<String> {
    let mut prefix = None;
    for index in 0..archive.len() {
        let file = archive
            .by_index(index)
            .map_err(|e| Error::invalid("the weight file is damaged: an entry cannot be read").with_source(e))?;
        let unreadable = |e| Error::invalid("the weight file is damaged: a name cannot be read").with_source(e);
        let name = file.name().map_err(unreadable)?.into_owned();
        let parts: Vec<&str> = name.split('/').collect();
        let strange = parts.iter().any(|part| matches!(*part, "" | "." | "..")) && !name.ends_with('/');
        if strange || name.contains('\\') || name.contains(':') || name.starts_with('/') {
            return Err(Error::invalid(format!("the weight file holds a suspicious path, `{}`", name.escape_debug())));
        }
        if file.compression() != CompressionMethod::Stored {
            return Err(Error::invalid(format!("`{name}` in the weight file is compressed; PyTorch writes none such")));
        }
        if name.ends_with("/data.pkl") && parts.len() == 2 {
            prefix = Some(parts[0].to_owned());
        }
    }
    prefix.ok_or_else(|| Error::invalid("the file is an archive, but not one of PyTorch: it has no data.pkl"))
}

fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, path: &str, limit: u64) -> Result<Vec<u8>> {
    let missing = |e| Error::invalid(format!("the weight file is not complete: `{path}` is missing")).with_source(e);
    let file = archive.by_name(path).map_err(missing)?;
    if file.size() > limit {
        return Err(Error::invalid(format!("`{path}` in the weight file claims {} bytes", file.size())));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Error::invalid(format!("the weight file is damaged: `{path}`")).with_source(e))?;
    Ok(bytes)
}

/// The named tensors of the dictionary, or of the one inside a checkpoint.
fn state_dict(values: &Unpickled) -> Result<Vec<(String, TensorPlace)>> {
    let Some(Value::Dict(root)) = values.root else {
        return Err(Error::invalid("the weight file holds no dictionary of tensors"));
    };
    let inner = |key: &str| {
        values.dicts[root].iter().find_map(|(name, value)| match (name, value) {
            (Value::Text(name), Value::Dict(id)) if &**name == key => Some(*id),
            _ => None,
        })
    };
    let dict = WRAPPERS.iter().find_map(|key| inner(key)).unwrap_or(root);
    let named = values.dicts[dict].iter().filter_map(|(name, value)| match (name, value) {
        (Value::Text(name), Value::Tensor(id)) => Some((name.to_string(), values.tensors[*id].clone())),
        _ => None,
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() {
        return Err(Error::invalid("the weight file holds no named tensors"));
    }
    Ok(named)
}
