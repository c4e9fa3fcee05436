//! A reader for the pickles of PyTorch's state dicts that executes nothing. It knows the opcodes that dictionaries of
//! tensors need and builds plain values from them; of names to call it knows a handful, and each is a case in here, not
//! a call. Anything else ends the reading. Containers live in one arena, so that no input makes a cycle or a deep
//! recursion.

use std::rc::Rc;

use va_error::{Error, Result};

use super::array::Number;

/// What a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Number),
}

/// A value; containers are places in the arena.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    Float,
    Text(Rc<str>),
    Global(Global),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Storage { number: Number, key: Rc<str> },
    Tensor(usize),
}

/// A tensor that the pickle describes; its numbers are in another file of the archive.
#[derive(Debug, Clone)]
pub(super) struct TensorPlace {
    pub number: Number,
    pub storage: Rc<str>,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// The values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Unpickled {
    pub root: Option<Value>,
    pub tuples: Vec<Vec<Value>>,
    pub lists: Vec<Vec<Value>>,
    pub dicts: Vec<Vec<(Value, Value)>>,
    pub tensors: Vec<TensorPlace>,
}

/// Reads a pickle to its end.
///
/// # Errors
/// `InvalidInput` for anything that a state dict does not need, named; for damage; for a pickle that ends too early.
pub(super) fn read(bytes: &[u8]) -> Result<Unpickled> {
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), memo: Vec::new(), out: Unpickled::default() };
    while machine.out.root.is_none() {
        machine.step()?;
    }
    Ok(machine.out)
}

/// A value on the stack, or the mark that an opcode collects up to.
#[derive(Debug, Clone)]
enum Item {
    Mark,
    Value(Value),
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Item>,
    memo: Vec<Option<Value>>,
    out: Unpickled,
}

fn damaged(what: &str) -> Error {
    Error::invalid(format!("the weight file is damaged: {what}"))
}

fn global(module: &str, name: &str) -> Result<Global> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
        ("torch", "DoubleStorage") => Global::Storage(Number::F64),
        ("torch", "FloatStorage") => Global::Storage(Number::F32),
        ("torch", "HalfStorage") => Global::Storage(Number::F16),
        ("torch", "BFloat16Storage") => Global::Storage(Number::Bf16),
        ("torch", "LongStorage") => Global::Storage(Number::I64),
        ("torch", "IntStorage") => Global::Storage(Number::I32),
        ("torch", "ShortStorage") => Global::Storage(Number::I16),
        ("torch", "CharStorage") => Global::Storage(Number::I8),
        ("torch", "ByteStorage" | "BoolStorage") => Global::Storage(Number::U8),
        _ => {
            return Err(Error::invalid(format!(
                "the weight file wants to use `{module}.{name}`, which is more than numbers; it was not run. Save only \
                 the state dict, or use a safetensors file"
            )));
        }
    })
}

impl Machine<'_> {
    fn step(&mut self) -> Result<()> {
        let opcode = self.take(1)?[0];
        match opcode {
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            b'(' => self.stack.push(Item::Mark),
            b'.' => self.out.root = Some(self.pop()?),
            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Bool),
            b'K' | b'M' | b'J' | 0x8a => self.integer(opcode)?,
            b'G' => {
                self.skip(8)?;
                self.push(Value::Float);
            }
            b'X' | 0x8c => self.text(opcode)?,
            b'c' => self.named_global()?,
            0x93 => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                self.push(Value::Global(global(&module, &name)?));
            }
            b'}' => self.new_dict(),
            b']' => self.new_list(Vec::new()),
            b')' => self.new_tuple(Vec::new()),
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
                items.reverse();
                self.new_tuple(items);
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.new_tuple(items);
            }
            b'a' | b'e' => self.append(opcode)?,
            b's' | b'u' => self.set_items(opcode)?,
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.memoise(opcode)?,
            b'Q' => self.storage()?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => {
                let text = format!("opcode {other:#04x} at byte {}", self.at - 1);
                return Err(Error::invalid(format!("the weight file holds more than a dictionary of tensors: {text}")));
            }
        }
        Ok(())
    }

    fn take(&mut self, len: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| damaged("its description ends too early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn skip(&mut self, len: usize) -> Result<()> {
        self.take(len).map(|_| ())
    }

    /// A little-endian whole number of up to eight bytes.
    fn number(&mut self, len: usize) -> Result<u64> {
        Ok(self.take(len)?.iter().rev().fold(0, |n, &byte| (n << 8) | u64::from(byte)))
    }

    fn push(&mut self, value: Value) {
        self.stack.push(Item::Value(value));
    }

    fn pop(&mut self) -> Result<Value> {
        match self.stack.pop() {
            Some(Item::Value(value)) => Ok(value),
            _ => Err(damaged("its description takes a value that is not there")),
        }
    }

    fn pop_text(&mut self) -> Result<Rc<str>> {
        match self.pop()? {
            Value::Text(text) => Ok(text),
            _ => Err(damaged("a name is no text")),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>> {
        let from = self.stack.iter().rposition(|item| matches!(item, Item::Mark));
        let from = from.ok_or_else(|| damaged("its description has no mark to collect to"))?;
        let items = self.stack.drain(from..).skip(1);
        Ok(items.filter_map(|item| if let Item::Value(value) = item { Some(value) } else { None }).collect())
    }

    fn integer(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            b'K' => self.number(1)? as i64,
            b'M' => self.number(2)? as i64,
            b'J' => i64::from(self.number(4)? as u32 as i32),
            _ => {
                let len = self.number(1)? as usize;
                if len > 8 {
                    return Err(damaged("a whole number is too long"));
                }
                let bits = self.number(len)?;
                // Sign of the topmost byte.
                if len == 0 { 0 } else { ((bits << (64 - 8 * len)) as i64) >> (64 - 8 * len) }
            }
        };
        self.push(Value::Int(value));
        Ok(())
    }

    fn text(&mut self, opcode: u8) -> Result<()> {
        let len = self.number(if opcode == b'X' { 4 } else { 1 })? as usize;
        let text: Rc<str> = str::from_utf8(self.take(len)?).map_err(|_| damaged("a name is not UTF-8"))?.into();
        self.push(Value::Text(text));
        Ok(())
    }

    fn named_global(&mut self) -> Result<()> {
        let mut line = || -> Result<String> {
            let rest = &self.bytes[self.at..];
            let len = rest.iter().take(256).position(|&b| b == b'\n').ok_or_else(|| damaged("a name has no end"))?;
            let text = String::from_utf8_lossy(&rest[..len]).into_owned();
            self.at += len + 1;
            Ok(text)
        };
        let (module, name) = (line()?, line()?);
        self.push(Value::Global(global(&module, &name)?));
        Ok(())
    }

    fn new_dict(&mut self) {
        self.out.dicts.push(Vec::new());
        self.push(Value::Dict(self.out.dicts.len() - 1));
    }

    fn new_list(&mut self, items: Vec<Value>) {
        self.out.lists.push(items);
        self.push(Value::List(self.out.lists.len() - 1));
    }

    fn new_tuple(&mut self, items: Vec<Value>) {
        self.out.tuples.push(items);
        self.push(Value::Tuple(self.out.tuples.len() - 1));
    }

    fn append(&mut self, opcode: u8) -> Result<()> {
        let items = if opcode == b'a' { vec![self.pop()?] } else { self.pop_to_mark()? };
        match self.stack.last() {
            Some(Item::Value(Value::List(id))) => self.out.lists[*id].extend(items),
            _ => return Err(damaged("something is appended to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, opcode: u8) -> Result<()> {
        let items = if opcode == b's' {
            let value = self.pop()?;
            vec![self.pop()?, value]
        } else {
            self.pop_to_mark()?
        };
        let Some(Item::Value(Value::Dict(id))) = self.stack.last() else {
            return Err(damaged("something is set in what is no dictionary"));
        };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.out.dicts[*id].push((key, value));
        }
        Ok(())
    }

    fn memoise(&mut self, opcode: u8) -> Result<()> {
        let place = match opcode {
            b'q' | b'h' => self.number(1)? as usize,
            b'r' | b'j' => self.number(4)? as usize,
            _ => self.memo.len(),
        };
        if matches!(opcode, b'h' | b'j') {
            let value = self.memo.get(place).cloned().flatten();
            self.push(value.ok_or_else(|| damaged("it refers to a value that was not kept"))?);
            return Ok(());
        }
        // PyTorch counts up from 0: a far place is an attempt on memory.
        if place > self.memo.len() + 1024 {
            return Err(damaged("it keeps a value at an absurd place"));
        }
        let Some(Item::Value(value)) = self.stack.last() else {
            return Err(damaged("it keeps a value that is not there"));
        };
        if place >= self.memo.len() {
            self.memo.resize(place + 1, None);
        }
        self.memo[place] = Some(value.clone());
        Ok(())
    }

    /// A persistent id: `("storage", type, key, device, element count)`.
    fn storage(&mut self) -> Result<()> {
        let Value::Tuple(id) = self.pop()? else { return Err(damaged("a storage is not described")) };
        let storage = match self.out.tuples[id].as_slice() {
            [Value::Text(tag), Value::Global(Global::Storage(number)), Value::Text(key), ..] if &**tag == "storage" => {
                Value::Storage { number: *number, key: key.clone() }
            }
            _ => return Err(damaged("a storage is not described as PyTorch does")),
        };
        self.push(storage);
        Ok(())
    }

    fn reduce(&mut self) -> Result<()> {
        let Value::Tuple(id) = self.pop()? else { return Err(damaged("a call has no arguments")) };
        let arguments = &self.out.tuples[id];
        // Few and short, or copying them again and again would be an attempt on time.
        if arguments.len() > 8 {
            return Err(damaged("a call has too many arguments"));
        }
        let arguments = arguments.clone();
        match (self.pop()?, arguments.as_slice()) {
            (Value::Global(Global::OrderedDict), []) => self.new_dict(),
            (Value::Global(Global::RebuildParameter), [tensor @ Value::Tensor(_), ..]) => self.push(tensor.clone()),
            (
                Value::Global(Global::RebuildTensor),
                [Value::Storage { number, key }, Value::Int(offset), Value::Tuple(shape), Value::Tuple(strides), ..],
            ) => {
                let place = TensorPlace {
                    number: *number,
                    storage: key.clone(),
                    offset: size(&Value::Int(*offset))?,
                    shape: self.sizes(*shape)?,
                    strides: self.sizes(*strides)?,
                };
                self.out.tensors.push(place);
                self.push(Value::Tensor(self.out.tensors.len() - 1));
            }
            _ => return Err(damaged("a tensor is not described as PyTorch does")),
        }
        Ok(())
    }

    fn sizes(&self, tuple: usize) -> Result<Vec<usize>> {
        let sizes = &self.out.tuples[tuple];
        if sizes.len() > 8 {
            return Err(damaged("a tensor has too many dimensions"));
        }
        sizes.iter().map(size).collect()
    }

    /// PyTorch hangs version notes on a state dict; nothing here reads them.
    fn build(&mut self) -> Result<()> {
        self.pop()?;
        match self.stack.last() {
            Some(Item::Value(Value::Dict(_))) => Ok(()),
            _ => Err(damaged("state is given to what is no dictionary")),
        }
    }
}

fn size(value: &Value) -> Result<usize> {
    match value {
        Value::Int(n) => usize::try_from(*n).map_err(|_| damaged("a size is negative")),
        _ => Err(damaged("a size is no whole number")),
    }
}
