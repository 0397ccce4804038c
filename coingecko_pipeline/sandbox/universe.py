"""Which coins exist on which date, and what each is called: a closed form of (seed, slot, date).

The market has as many slots as coins, and each slot holds one coin at a time. A slot's coin stays for the
slot's own term (months to a decade) and makes way for the next at 00:00 UTC of a day, so that on every date
exactly as many coins are active as were asked for, about one in 1,500 is new, and as many have gone. In one
slot in a hundred two coins take turns of weeks: these leave, and come back. The giants and the odd coins stay.

The id of a generated coin ends in its slot and its generation, so a coin of any date is found from its id.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .clock import FIRST_DAY
from .names import FIRST_WORDS, GIANTS, ODD, SECOND_WORDS
from .noise import Days, Keys, derived, seed_key, uniform

FIRST_DAY_NUMBER = FIRST_DAY.toordinal() - 719_163  # days since 1970-01-01, whose ordinal is 719,163
_FOREVER = 1_000_000
_TERM_DAYS, _SHORT_TERM_DAYS, _TURN_DAYS = (400, 3600), (60, 240), (10, 90)
_GENERATED_ID = re.compile(r"[a-z]+-[a-z]+-([0-9a-z]+?)(?:-([1-9][0-9]*))?", re.ASCII)
_WRITTEN_DOWN = len(GIANTS) + len(ODD)

# The purposes of the noise in this file; those of the market begin at 20.
_TERM, _OFFSET, _FIRST_WORD, _SECOND_WORD, _LOOK, _RENAMED = range(6)


@dataclass(frozen=True)
class Coin:
    """One coin.

    Attributes:
        slot: Its slot in the market.
        generation: The how-many-eth coin of its slot it is, from 0.
        key: The source of all its figures.
        coin_id: CoinGecko's id.
        symbol: Its symbol, which may be empty and need not be unique.
        name: Its name until `renamed_on`.
        born_on: The first day of its listing, and of its history; days since 1970-01-01.
        renamed_on: The day from which its name is `new_name` and its symbol `new_symbol`.
        new_name: Its later name.
        new_symbol: Its later symbol.
    """

    slot: int
    generation: int
    key: int
    coin_id: str
    symbol: str
    name: str
    born_on: int
    renamed_on: int
    new_name: str
    new_symbol: str

    def named(self, day: int) -> tuple[str, str]:
        """Its symbol and its name on a day."""
        return (self.symbol, self.name) if day < self.renamed_on else (self.new_symbol, self.new_name)


@dataclass(frozen=True)
class Roster:
    """The active coins of one day, ordered by slot.

    Attributes:
        day: The day, counted from 1970-01-01.
        coins: The coins.
        keys: The keys of the coins.
        born_on: Their first days.
    """

    day: int
    coins: list[Coin]
    keys: Keys
    born_on: Days

    @cached_property
    def by_id(self) -> dict[str, int]:
        """The slot of each active coin, by its id."""
        return {coin.coin_id: slot for slot, coin in enumerate(self.coins)}

    @cached_property
    def slots_by_id(self) -> Days:
        """The slots in the order of the ids."""
        return np.array([slot for _, slot in sorted(self.by_id.items())], dtype=np.int64)


class Universe:
    """All coins of one sandbox, on any date from 2013-04-28."""

    def __init__(self, seed: int, coins: int) -> None:
        self.size = coins
        slots = np.arange(coins, dtype=np.int64)
        self._slot_keys = derived(np.array([seed_key(seed, "slots")], dtype=np.uint64), slots)
        share = uniform(self._slot_keys, _TERM)
        shortest, longest = np.full(coins, _TERM_DAYS[0]), np.full(coins, _TERM_DAYS[1])
        # Counted rather than drawn, so that a hundred coins are enough to see each kind.
        self._turns = (slots % 100 == 77) & (slots >= _WRITTEN_DOWN)
        short_lived = (slots % 25 == 7) & (slots >= _WRITTEN_DOWN)
        for chosen, bounds in ((short_lived, _SHORT_TERM_DAYS), (self._turns, _TURN_DAYS)):
            shortest[chosen], longest[chosen] = bounds
        self._terms = shortest + (share * (longest - shortest)).astype(np.int64)
        self._terms[:_WRITTEN_DOWN] = _FOREVER
        self._offsets = (uniform(self._slot_keys, _OFFSET) * self._terms).astype(np.int64)
        self._offsets[:_WRITTEN_DOWN] = 0
        self._known: dict[tuple[int, int], Coin] = {}
        self._roster: Roster | None = None

    def roster(self, day: int) -> Roster:
        """The coins that are active on a day; the latest answer is kept, and the next one made from it."""
        day = max(day, FIRST_DAY_NUMBER)
        if self._roster is None or self._roster.day != day:
            generations = self._generations(day)
            coins = self._coins(list(range(self.size)), generations.tolist())
            keys = np.array([coin.key for coin in coins], dtype=np.uint64)
            born_on = np.array([coin.born_on for coin in coins], dtype=np.int64)
            self._roster = Roster(day, coins, keys, born_on)
        return self._roster

    def find(self, coin_id: str, day: int) -> Coin | None:
        """The coin with this id that has been listed by a day, active or not, or None."""
        roster = self.roster(day)
        if (slot := roster.by_id.get(coin_id)) is not None:
            return roster.coins[slot]
        matched = _GENERATED_ID.fullmatch(coin_id)
        if matched is None:
            return None
        slot, generation = int(matched[1], 36), int(matched[2] or 0)
        if slot >= self.size or slot < _WRITTEN_DOWN or generation > self._generation(slot, day):
            return None
        coin = self._coin(slot, generation)
        return coin if coin.coin_id == coin_id else None

    def delisted_on(self, coin: Coin, day: int) -> int | None:
        """The day on which a coin that was listed by `day` last left the list, or None where it is active."""
        current = self._generation(coin.slot, day)
        if self._occupant(coin.slot, current) == coin.generation:
            return None
        last = coin.generation if not self._turns[coin.slot] else current - 1
        return self._begins(coin.slot, last + 1)

    def delisted(self, day: int) -> list[Coin]:
        """Every coin that has been listed before a day and is not active on it."""
        gone: list[tuple[int, int]] = []
        for slot, turns in enumerate(self._turns.tolist()):
            current = self._generation(slot, day)
            past = {generation % 2 for generation in range(current)} - {current % 2} if turns else range(current)
            gone += [(slot, generation) for generation in sorted(past)]
        return self._coins([slot for slot, _ in gone], [generation for _, generation in gone])

    def _generations(self, day: int) -> Days:
        elapsed = max(day, FIRST_DAY_NUMBER) - FIRST_DAY_NUMBER
        generations = (elapsed + self._offsets) // self._terms
        return np.asarray(np.where(self._turns, generations % 2, generations))

    def _generation(self, slot: int, day: int) -> int:
        elapsed = max(day, FIRST_DAY_NUMBER) - FIRST_DAY_NUMBER
        return int((elapsed + self._offsets[slot]) // self._terms[slot])

    def _occupant(self, slot: int, generation: int) -> int:
        return generation % 2 if self._turns[slot] else generation

    def _begins(self, slot: int, generation: int) -> int:
        return FIRST_DAY_NUMBER + max(0, int(generation * self._terms[slot] - self._offsets[slot]))

    def _coin(self, slot: int, generation: int) -> Coin:
        return self._coins([slot], [generation])[0]

    def _coins(self, slots: list[int], generations: list[int]) -> list[Coin]:
        wanted = list(zip(slots, generations, strict=True))
        if missing := [pair for pair in wanted if pair not in self._known]:
            self._make(missing)
        return [self._known[pair] for pair in wanted]

    def _make(self, pairs: list[tuple[int, int]]) -> None:
        slots, generations = np.array(pairs, dtype=np.int64).T
        keys = derived(self._slot_keys[slots], generations + 1)
        drawn = [uniform(keys, purpose).tolist() for purpose in (_FIRST_WORD, _SECOND_WORD, _LOOK, _RENAMED)]
        for pair, key, *parts in zip(pairs, keys.tolist(), *drawn, strict=True):
            slot, generation = pair
            if slot < _WRITTEN_DOWN:
                coin_id, symbol, name = (GIANTS[slot] if slot < len(GIANTS) else ODD[slot - len(GIANTS)])[:3]
                self._known[pair] = Coin(
                    slot, 0, key, coin_id, symbol, name, FIRST_DAY_NUMBER, 2 * _FOREVER, name, symbol
                )
            else:
                self._known[pair] = self._generated(slot, generation, key, *parts)

    def _generated(
        self, slot: int, generation: int, key: int, first_word: float, second_word: float, look: float, renamed: float
    ) -> Coin:
        first = FIRST_WORDS[int(first_word * len(FIRST_WORDS))]
        second = SECOND_WORDS[int(second_word * len(SECOND_WORDS))]
        coin_id = f"{first}-{second}-{np.base_repr(slot, 36).lower()}" + (f"-{generation}" if generation else "")
        name = f"{first.title()} {second.title()}" + (" 🐸" if look > 0.99 else "")
        symbol = "" if look < 0.0005 else second[:4]
        born_on = self._begins(slot, generation)
        renamed_on = born_on + int(renamed * 3 * self._terms[slot])
        new_symbol = f"{symbol}2" if look > 0.7 else symbol
        return Coin(slot, generation, key, coin_id, symbol, name, born_on, renamed_on, f"{name} V2", new_symbol)
