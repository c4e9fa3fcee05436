//! Geometry as compact blobs: a version byte, a kind byte, then numbers. Coordinates are 64-bit little-endian floats in
//! image pixels; a mask keeps its size and its run lengths as LEB128 (mostly one or two bytes a run), with its box first
//! so that a viewport can skip it without reading the runs.

use va_domain::Geometry;
use va_error::{Error, Result};
use va_geometry::{Mask, Point, Polygon, Rect};

use crate::bytes::{Cursor, put_unsigned};
use crate::error::damaged;

const VERSION: u8 = 1;
const WHAT: &str = "a geometry";
/// Beyond a gigapixel a size is a lie, and a mask of few bytes would unfold into all memory.
const MAX_PIXELS: u64 = 1 << 30;

/// The number of a kind: also the `kind` column of annotations.
pub(crate) fn kind(geometry: &Geometry) -> u8 {
    match geometry {
        Geometry::Image => 0,
        Geometry::Box(_) => 1,
        Geometry::Polygon(_) => 2,
        Geometry::Mask(_) => 3,
    }
}

/// # Errors
/// `InvalidInput` when a shape has coordinates that are no numbers, too few points, or runs that do not fill its image.
pub fn encode(geometry: &Geometry) -> Result<Vec<u8>> {
    check(geometry)?;
    let mut out = vec![VERSION, kind(geometry)];
    match geometry {
        Geometry::Image => {}
        Geometry::Box(rect) => put_floats(&mut out, &[rect.x0, rect.y0, rect.x1, rect.y1]),
        Geometry::Polygon(polygon) => {
            put_unsigned(&mut out, polygon.points.len() as u64);
            polygon.points.iter().for_each(|point| put_floats(&mut out, &[point.x, point.y]));
        }
        Geometry::Mask(mask) => {
            put_unsigned(&mut out, u64::from(mask.width_px));
            put_unsigned(&mut out, u64::from(mask.height_px));
            mask_box(mask).iter().for_each(|edge| put_unsigned(&mut out, u64::from(*edge)));
            put_unsigned(&mut out, mask.runs.len() as u64);
            mask.runs.iter().for_each(|run| put_unsigned(&mut out, u64::from(*run)));
        }
    }
    Ok(out)
}

/// # Errors
/// `Internal` for bytes that `encode` never writes.
pub fn decode(bytes: &[u8]) -> Result<Geometry> {
    let mut input = Cursor::new(bytes, WHAT);
    if input.byte()? != VERSION {
        return Err(damaged(WHAT));
    }
    let geometry = match input.byte()? {
        0 => Geometry::Image,
        1 => Geometry::Box(Rect { x0: input.float()?, y0: input.float()?, x1: input.float()?, y1: input.float()? }),
        2 => {
            let count = input.length(16)?;
            let points =
                (0..count).map(|_| Ok(Point { x: input.float()?, y: input.float()? })).collect::<Result<Vec<_>>>()?;
            Geometry::Polygon(Polygon { points })
        }
        3 => Geometry::Mask(mask(&mut input)?),
        _ => return Err(damaged(WHAT)),
    };
    input.end()?;
    check(&geometry).map_err(|_| damaged(WHAT))?;
    Ok(geometry)
}

fn mask(input: &mut Cursor<'_>) -> Result<Mask> {
    let mut number = || u32::try_from(input.unsigned()?).map_err(|_| damaged(WHAT));
    let (width_px, height_px) = (number()?, number()?);
    let stored_box = [number()?, number()?, number()?, number()?];
    let count = input.length(1)?;
    let runs =
        (0..count).map(|_| u32::try_from(input.unsigned()?).map_err(|_| damaged(WHAT))).collect::<Result<Vec<_>>>()?;
    let mask = Mask { width_px, height_px, runs };
    mask.check().map_err(|_| damaged(WHAT))?;
    if u64::from(width_px) * u64::from(height_px) > MAX_PIXELS || mask_box(&mask) != stored_box {
        return Err(damaged(WHAT));
    }
    Ok(mask)
}

fn check(geometry: &Geometry) -> Result<()> {
    let finite = |values: &[f64]| {
        if values.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        Err(Error::invalid("a shape has a coordinate that is not a number"))
    };
    match geometry {
        Geometry::Image => Ok(()),
        Geometry::Box(rect) => {
            finite(&[rect.x0, rect.y0, rect.x1, rect.y1])?;
            if rect.x0 > rect.x1 || rect.y0 > rect.y1 {
                return Err(Error::invalid("a box ends before it begins"));
            }
            Ok(())
        }
        Geometry::Polygon(polygon) => {
            if polygon.points.len() < 3 {
                return Err(Error::invalid("a polygon needs at least three points"));
            }
            polygon.points.iter().try_for_each(|point| finite(&[point.x, point.y]))
        }
        Geometry::Mask(mask) => {
            if u64::from(mask.width_px) * u64::from(mask.height_px) > MAX_PIXELS {
                return Err(Error::invalid("a mask is larger than any image"));
            }
            mask.check()
        }
    }
}

fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
}

/// The foreground's box `[x0, y0, x1, y1)`; zeros for an empty mask.
fn mask_box(mask: &Mask) -> [u32; 4] {
    let width = u64::from(mask.width_px);
    let (mut x0, mut y0, mut x1, mut y1) = (u64::MAX, u64::MAX, 0, 0);
    let mut at = 0u64;
    for (index, run) in mask.runs.iter().enumerate() {
        let end = at + u64::from(*run);
        if index % 2 == 1 && *run > 0 && width > 0 {
            let last = end - 1;
            y0 = y0.min(at / width);
            y1 = y1.max(last / width + 1);
            let one_row = at / width == last / width;
            x0 = x0.min(if one_row { at % width } else { 0 });
            x1 = x1.max(if one_row { last % width + 1 } else { width });
        }
        at = end;
    }
    if y1 == 0 { [0; 4] } else { [x0, y0, x1, y1].map(|edge| u32::try_from(edge).unwrap_or(u32::MAX)) }
}
