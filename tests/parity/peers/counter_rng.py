"""The counter-based generator that `va_exec::CounterRng` documents, and the parameters that are made with it: both
languages draw the same numbers, so no file is shared. Needs numpy."""
import numpy as np

SEED, CLASSES = 7, 5
U64 = np.uint64


def mix(z):
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def key(seed, name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return mix(np.array([seed ^ value], dtype=U64))[0]


def uniform(name, index):
    with np.errstate(over="ignore"):
        bits = mix(key(SEED, name) + index * U64(0x9E3779B97F4A7C15))
    return (bits >> U64(11)).astype(np.float64) * 2.0**-53


def normal(name, shape):
    index = np.arange(int(np.prod(shape)), dtype=U64)
    with np.errstate(over="ignore"):
        radius = np.sqrt(-2.0 * np.log(1.0 - uniform(name, U64(2) * index)))
        return (radius * np.cos(2.0 * np.pi * uniform(name, U64(2) * index + U64(1)))).reshape(shape)


def value(name, shape):
    """The rule of the test: fan-in for convolutions and linear layers, scales near one, factors near a half, everything
    else near zero."""
    z = normal(name, shape)
    if len(shape) == 4:
        return z * np.sqrt(2.0 / (shape[1] * shape[2] * shape[3]))
    if len(shape) == 2:
        return z * np.sqrt(1.0 / shape[1])
    offset = 1.0 if name.endswith("weight") else 0.5 if name.endswith("gamma") else 0.0
    return z * 0.1 + offset
