"""Reproducible noise: numbers that look random and are a closed form of what they belong to.

Everything here is built from integer arithmetic and from additions, multiplications and powers of two of
doubles, which IEEE 754 rounds in exactly one way. No library function such as `exp` or `sin` is used, whose
last bit depends on the processor and on the length of the array. So a value is the same, bit for bit, whether
it is computed alone, within a year of dates, or within all coins of a date, and on every machine.

Arrays have at least one dimension: numpy warns of the (intended) overflow of single unsigned integers only.
"""

import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]
Days: TypeAlias = NDArray[np.int64]
Reals: TypeAlias = NDArray[np.float64]

_WORD = (1 << 64) - 1
# The increment and the two multipliers of splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
_INCREMENT = 0x9E3779B97F4A7C15
_FIRST_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_MULTIPLIER = np.uint64(0x94D049BB133111EB)
_STEP = np.uint64(0xD1342543DE82EF95)
_UNIT = 2.0**-53

# Taylor's coefficients of 2**f; the last one is chosen so that the sum is 1, hence 2**1 is exactly 2.
_EXP2 = (0.6931471805599453, 0.24022650695910072, 0.05550410866482158, 0.009618129107628477, 0.0013333558146428443)
_EXP2_LAST = 1.0 - sum(_EXP2)


def _mixed(words: Keys) -> Keys:
    words = (words ^ (words >> np.uint64(30))) * _FIRST_MULTIPLIER
    words = (words ^ (words >> np.uint64(27))) * _SECOND_MULTIPLIER
    return words ^ (words >> np.uint64(31))


def seed_key(seed: int, purpose: str) -> int:
    """A 64-bit key for one purpose of one seed (any integer)."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest(), "big")


def derived(keys: Keys, numbers: Days | int) -> Keys:
    """A new key for each pair of a key and a number."""
    counted = np.atleast_1d(np.asarray(numbers, dtype=np.int64)).astype(np.uint64)
    return _mixed(keys + counted * _STEP + np.uint64(_INCREMENT))


def uniform(keys: Keys, purpose: int, numbers: Days | int = 0) -> Reals:
    """Numbers in [0, 1), one for each pair of a key and a number, independent between purposes.

    Args:
        keys: What the numbers belong to, for example coins.
        purpose: Which number of its owner is meant; a small integer.
        numbers: A second coordinate, for example dates.
    """
    salted = keys + np.uint64(((purpose + 1) * _INCREMENT) & _WORD)
    return (derived(salted, numbers) >> np.uint64(11)).astype(np.float64) * _UNIT


def exp2(exponents: Reals) -> Reals:
    """2 to the power of each exponent, within 1e-5, continuous, and the same bits on every machine."""
    whole = np.floor(exponents)
    fraction = exponents - whole
    total = np.full_like(fraction, _EXP2_LAST)
    for coefficient in reversed(_EXP2):
        total = total * fraction + coefficient
    return np.ldexp(total * fraction + 1.0, whole.astype(np.int32))


def wandering(keys: Keys, purpose: int, days: Days, fractions: Reals, octaves: tuple[tuple[int, float], ...]) -> Reals:
    """A smooth wandering around 0 over time, one value for each pair of a key and a moment.

    It is a sum of octaves: each draws a number in [-1, 1) at every multiple of its period and goes smoothly
    from one to the next. Any moment costs the same, whatever lies between it and another.

    Args:
        keys: Whose wandering; one key, or one for each moment.
        purpose: Which wandering of its owner is meant; octaves use the purposes from here on.
        days: The UTC days of the moments, counted from 1970-01-01.
        fractions: The parts of these days that have passed, in [0, 1).
        octaves: For each octave the binary logarithm of its period in days, and its amplitude.
    """
    shifts = np.array([[shift] for shift, _ in octaves], dtype=np.int64)
    lattice = days >> shifts
    passed = ((days - (lattice << shifts)) + fractions) / (np.int64(1) << shifts)
    weight = passed * passed * (3.0 - 2.0 * passed)
    owners = np.concatenate([derived(keys, purpose + index)[np.newaxis] for index in range(len(octaves))])
    here = uniform(owners, purpose, lattice) * 2.0 - 1.0
    there = uniform(owners, purpose, lattice + 1) * 2.0 - 1.0
    values = here + (there - here) * weight
    total = values[0] * octaves[0][1]
    for index in range(1, len(octaves)):
        total = total + values[index] * octaves[index][1]
    return np.asarray(total)
