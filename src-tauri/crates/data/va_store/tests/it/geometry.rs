use proptest::prelude::*;
use va_domain::Geometry;
use va_geometry::{Mask, Point, Polygon, Rect};
use va_store::geometry_blob::{decode, encode};

fn number() -> impl Strategy<Value = f64> {
    -1e6f64..1e6
}

fn geometries() -> impl Strategy<Value = Geometry> {
    prop_oneof![
        Just(Geometry::Image),
        (number(), number(), 0.0f64..1e4, 0.0f64..1e4).prop_map(|(x, y, w, h)| Geometry::Box(Rect {
            x0: x,
            y0: y,
            x1: x + w,
            y1: y + h
        })),
        proptest::collection::vec((number(), number()).prop_map(|(x, y)| Point { x, y }), 3..40)
            .prop_map(|points| Geometry::Polygon(Polygon { points })),
        (1u32..30, 1u32..30).prop_flat_map(|(w, h)| {
            proptest::collection::vec(any::<bool>(), (w * h) as usize).prop_map(move |bits| {
                let pixels: Vec<u8> = bits.into_iter().map(u8::from).collect();
                Geometry::Mask(Mask::from_pixels(w, h, &pixels).unwrap())
            })
        }),
    ]
}

proptest! {
    #[test]
    fn shapes_survive_the_round_trip(geometry in geometries()) {
        prop_assert_eq!(decode(&encode(&geometry).unwrap()).unwrap(), geometry);
    }

    #[test]
    fn hostile_bytes_are_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn hostile_shapes_behind_a_good_header_never_panic(kind in 0u8..5, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = decode(&[&[1, kind], &bytes[..]].concat());
    }

    #[test]
    fn a_flipped_or_missing_byte_is_an_error_or_another_good_shape(geometry in geometries(), at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let blob = encode(&geometry).unwrap();
        prop_assert!(decode(&blob[..blob.len() - 1]).is_err());
        prop_assert!(decode(&[&blob[..], &[0]].concat()).is_err());
        let mut bent = blob;
        let at = at.index(bent.len());
        bent[at] ^= flip;
        if let Ok(shape) = decode(&bent) {
            prop_assert!(encode(&shape).is_ok());
        }
    }
}

#[test]
fn a_photograph_sized_mask_is_small() {
    let (width, height) = (4000u32, 3000u32);
    let pixels: Vec<u8> = (0..width * height).map(|i| u8::from(i % width > 1000 && i % width < 1500)).collect();
    let blob = encode(&Geometry::Mask(Mask::from_pixels(width, height, &pixels).unwrap())).unwrap();
    assert!(blob.len() < 4 * 3000 + 40, "{}", blob.len());
}

#[test]
fn shapes_that_are_none_are_refused() {
    let bad = [
        Geometry::Box(Rect { x0: f64::NAN, y0: 0.0, x1: 1.0, y1: 1.0 }),
        Geometry::Box(Rect { x0: 2.0, y0: 0.0, x1: 1.0, y1: 1.0 }),
        Geometry::Polygon(Polygon { points: vec![Point { x: 0.0, y: 0.0 }; 2] }),
        Geometry::Polygon(Polygon { points: vec![Point { x: f64::INFINITY, y: 0.0 }; 3] }),
        Geometry::Mask(Mask { width_px: 2, height_px: 2, runs: vec![1] }),
        Geometry::Mask(Mask { width_px: u32::MAX, height_px: u32::MAX, runs: vec![] }),
    ];
    for geometry in bad {
        assert!(encode(&geometry).is_err(), "{geometry:?}");
    }
}

#[test]
fn a_blob_of_a_later_version_is_an_error() {
    assert!(decode(&[2, 0]).is_err());
    assert!(decode(&[]).is_err());
    assert!(decode(&[1]).is_err());
}

#[test]
fn an_image_class_takes_two_bytes() {
    assert_eq!(encode(&Geometry::Image).unwrap(), [1, 0]);
}
