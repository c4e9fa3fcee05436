"""The training recipe of VisAIon's engine in Python: the same random stream, the same images, the same schedule.

Twin of `va_dataset::rng`, `va_dataset::recipe` (with `Sampler::Exact`; a run's own resize is within one level of 255) and
the cosine of `va_train::Schedule`; needs Pillow 13 or newer only.
"""
import math

from PIL import Image

GAMMA = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
ORDER, CROP, FLIP_HORIZONTAL, FLIP_VERTICAL = 1, 2, 3, 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


class Draws:
    def __init__(self, seed, stream, epoch, index):
        h = mix((seed + GAMMA) & MASK)
        for word in (stream, epoch, index):
            h = mix(((h ^ word) + GAMMA) & MASK)
        self.base, self.counter = h, 0

    def next_u64(self):
        draw = mix(((self.base ^ self.counter) + GAMMA) & MASK)
        self.counter += 1
        return draw

    def uniform(self):
        return (self.next_u64() >> 11) * 2.0**-53

    def below(self, n):
        return min(int(self.uniform() * n), n - 1)


def epoch_order(seed, epoch, length):
    return sorted(range(length), key=lambda i: (Draws(seed, ORDER, epoch, i).next_u64(), i))


def reduce(image, size, crop_min_scale):
    """The part of the preparation that is the same every epoch."""
    if crop_min_scale >= 1.0:
        return image.resize((size, size), Image.Resampling.BILINEAR)
    shorter, goal = min(image.size), 2 * size
    if 4 * shorter <= 5 * goal:
        return image
    scaled = tuple(round(side * goal / shorter) for side in image.size)
    return image.resize(scaled, Image.Resampling.BILINEAR)


def crop_region(width, height, min_scale, draws):
    area, low, high = float(width) * height, math.log(3 / 4), math.log(4 / 3)
    for _ in range(10):
        target = area * (min_scale + (1.0 - min_scale) * draws.uniform())
        ratio = math.exp(low + (high - low) * draws.uniform())
        w, h = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
        if 1 <= w <= width and 1 <= h <= height:
            y = draws.below(height - h + 1)
            x = draws.below(width - w + 1)
            return x, y, w, h
    ratio = width / height
    w, h = width, height
    if ratio < 3 / 4:
        h = min(max(round(width / (3 / 4)), 1), height)
    elif ratio > 4 / 3:
        w = min(max(round(height * (4 / 3)), 1), width)
    return (width - w) // 2, (height - h) // 2, w, h


def augment(image, size, crop_min_scale, flip_horizontal, flip_vertical, seed, epoch, index):
    """The random part, on a reduced image."""
    if crop_min_scale >= 1.0:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    else:
        x, y, w, h = crop_region(*image.size, crop_min_scale, Draws(seed, CROP, epoch, index))
        image = image.crop((x, y, x + w, y + h)).resize((size, size), Image.Resampling.BILINEAR)
    if flip_horizontal and Draws(seed, FLIP_HORIZONTAL, epoch, index).uniform() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if flip_vertical and Draws(seed, FLIP_VERTICAL, epoch, index).uniform() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image


def learning_rate(step, peak, warmup_steps, total_steps):
    """Of optimiser step `step`, counted from 0: linear warm-up, then a cosine to zero."""
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    left = max(total_steps - warmup_steps, 1)
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - warmup_steps) / left))
