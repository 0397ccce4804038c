"""Which coins exist on which date, and what each is called: a closed form of (seed, slot, date).

The market has as many slots as coins, and each slot holds one coin at a time. A slot's coin stays for the
slot's own term (months to a decade) and makes way for the next at 00:00 UTC of a day, so that on every date
exactly as many coins are active as were asked for, about one in 1,500 is new, and as many have gone. In one
slot in a hundred two coins take turns of weeks: these leave, and come back. What is written down stays.

Rehypothecated coins (wrapped, staked and bridged ones) have slots of their own, whose numbers are beyond those of
all regular coins: how many there are of one kind changes nothing of the other.

The id of a generated coin ends in its slot and its generation, so a coin of any date is found from its id.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .clock import FIRST_DAY
from .names import FIRST_WORDS, GIANTS, ODD, REHYPOTHECATED, REHYPOTHECATED_WORDS, SECOND_WORDS
from .noise import Days, Keys, derived, seed_key, uniform

FIRST_DAY_NUMBER = FIRST_DAY.toordinal() - 719_163  # days since 1970-01-01, whose ordinal is 719,163
_FOREVER = 1_000_000
_TERM_DAYS, _SHORT_TERM_DAYS, _TURN_DAYS = (400, 3600), (60, 240), (10, 90)
_GENERATED_ID = re.compile(r"[a-z]+-[a-z]+-([0-9a-z]+?)(?:-([1-9][0-9]*))?", re.ASCII)
_WRITTEN_DOWN = len(GIANTS) + len(ODD)
REHYPOTHECATED_FROM = 36**5
"""The slot of the first rehypothecated coin; the end of an id has six characters from there on."""

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

    @property
    def rehypothecated(self) -> bool:
        """Whether it stands for another coin."""
        return self.slot >= REHYPOTHECATED_FROM


@dataclass(frozen=True)
class Roster:
    """The active coins of one day, ordered by slot; a coin's place is its index in all of these.

    Attributes:
        day: The day, counted from 1970-01-01.
        coins: The coins.
        slots: Their slots.
        keys: The keys of the coins.
        born_on: Their first days.
    """

    day: int
    coins: list[Coin]
    slots: Days
    keys: Keys
    born_on: Days

    @cached_property
    def by_id(self) -> dict[str, int]:
        """The place of each active coin, by its id."""
        return {coin.coin_id: place for place, coin in enumerate(self.coins)}

    @cached_property
    def places_by_id(self) -> Days:
        """The places in the order of the ids."""
        return np.array([place for _, place in sorted(self.by_id.items())], dtype=np.int64)

    @cached_property
    def rehypothecated(self) -> NDArray[np.bool_]:
        """Which of the coins stand for others."""
        return self.slots >= REHYPOTHECATED_FROM


class Universe:
    """All coins of one sandbox, on any date from 2013-04-28."""

    def __init__(self, seed: int, coins: int, rehypothecated: int = 0) -> None:
        self._regular, self._rehypothecated = coins, rehypothecated
        self._slots = slots = np.concatenate([np.arange(coins), REHYPOTHECATED_FROM + np.arange(rehypothecated)])
        seeded = np.array([seed_key(seed, "slots")], dtype=np.uint64)
        self._slot_keys = derived(seeded, slots)
        self.giant_keys = derived(derived(seeded, np.arange(len(GIANTS))), 1)
        share = uniform(self._slot_keys, _TERM)
        shortest, longest = np.full(len(slots), _TERM_DAYS[0]), np.full(len(slots), _TERM_DAYS[1])
        written_down = _is_written_down(slots)
        # Counted rather than drawn, so that a hundred coins are enough to see each kind.
        self._turns = (slots % 100 == 77) & ~written_down
        short_lived = (slots % 25 == 7) & ~written_down
        for chosen, bounds in ((short_lived, _SHORT_TERM_DAYS), (self._turns, _TURN_DAYS)):
            shortest[chosen], longest[chosen] = bounds
        self._terms = shortest + (share * (longest - shortest)).astype(np.int64)
        self._terms[written_down] = _FOREVER
        self._offsets = (uniform(self._slot_keys, _OFFSET) * self._terms).astype(np.int64)
        self._offsets[written_down] = 0
        self._known: dict[tuple[int, int], Coin] = {}
        self._roster: Roster | None = None

    def roster(self, day: int) -> Roster:
        """The coins that are active on a day; the latest answer is kept, and the next one made from it."""
        day = max(day, FIRST_DAY_NUMBER)
        if self._roster is None or self._roster.day != day:
            generations = self._generations(day)
            coins = self._coins(list(range(len(self._slots))), generations.tolist())
            keys = np.array([coin.key for coin in coins], dtype=np.uint64)
            born_on = np.array([coin.born_on for coin in coins], dtype=np.int64)
            self._roster = Roster(day, coins, self._slots, keys, born_on)
        return self._roster

    def find(self, coin_id: str, day: int) -> Coin | None:
        """The coin with this id that has been listed by a day, active or not, or None."""
        roster = self.roster(day)
        if (place := roster.by_id.get(coin_id)) is not None:
            return roster.coins[place]
        matched = _GENERATED_ID.fullmatch(coin_id)
        if matched is None:
            return None
        slot, generation = int(matched[1], 36), int(matched[2] or 0)
        kind = self._rehypothecated if slot >= REHYPOTHECATED_FROM else self._regular
        if slot % REHYPOTHECATED_FROM >= kind or generation > self._generation(self._place(slot), day):
            return None
        place = self._place(slot)
        coin = self._coin(place, generation)
        return coin if coin.coin_id == coin_id else None

    def delisted_on(self, coin: Coin, day: int) -> int | None:
        """The day on which a coin that was listed by `day` last left the list, or None where it is active."""
        place = self._place(coin.slot)
        current = self._generation(place, day)
        if self._occupant(place, current) == coin.generation:
            return None
        last = coin.generation if not self._turns[place] else current - 1
        return self._begins(place, last + 1)

    def delisted(self, day: int) -> list[Coin]:
        """Every coin that has been listed before a day and is not active on it."""
        gone: list[tuple[int, int]] = []
        for place, turns in enumerate(self._turns.tolist()):
            current = self._generation(place, day)
            past = {generation % 2 for generation in range(current)} - {current % 2} if turns else range(current)
            gone += [(place, generation) for generation in sorted(past)]
        return self._coins([place for place, _ in gone], [generation for _, generation in gone])

    def _place(self, slot: int) -> int:
        return slot if slot < REHYPOTHECATED_FROM else slot - REHYPOTHECATED_FROM + self._regular

    def _generations(self, day: int) -> Days:
        elapsed = max(day, FIRST_DAY_NUMBER) - FIRST_DAY_NUMBER
        generations = (elapsed + self._offsets) // self._terms
        return np.asarray(np.where(self._turns, generations % 2, generations))

    def _generation(self, place: int, day: int) -> int:
        elapsed = max(day, FIRST_DAY_NUMBER) - FIRST_DAY_NUMBER
        return int((elapsed + self._offsets[place]) // self._terms[place])

    def _occupant(self, place: int, generation: int) -> int:
        return generation % 2 if self._turns[place] else generation

    def _begins(self, place: int, generation: int) -> int:
        return FIRST_DAY_NUMBER + max(0, int(generation * self._terms[place] - self._offsets[place]))

    def _coin(self, place: int, generation: int) -> Coin:
        return self._coins([place], [generation])[0]

    def _coins(self, places: list[int], generations: list[int]) -> list[Coin]:
        wanted = list(zip(places, generations, strict=True))
        if missing := [pair for pair in wanted if pair not in self._known]:
            self._make(missing)
        return [self._known[pair] for pair in wanted]

    def _make(self, pairs: list[tuple[int, int]]) -> None:
        places, generations = np.array(pairs, dtype=np.int64).T
        keys = derived(self._slot_keys[places], generations + 1)
        drawn = [uniform(keys, purpose).tolist() for purpose in (_FIRST_WORD, _SECOND_WORD, _LOOK, _RENAMED)]
        slots = self._slots[places]
        stay = _is_written_down(slots).tolist()
        for pair, slot, key, stays, *parts in zip(pairs, slots.tolist(), keys.tolist(), stay, *drawn, strict=True):
            self._known[pair] = self._written_down(slot, key) if stays else self._generated(pair, slot, key, *parts)

    def _written_down(self, slot: int, key: int) -> Coin:
        if slot >= REHYPOTHECATED_FROM:
            stands = REHYPOTHECATED[slot - REHYPOTHECATED_FROM]
            giant = next(place for place, giant in enumerate(GIANTS) if giant.coin_id == stands.stands_for)
            # The giant's key, hence the giant's way: it moves as what it stands for.
            key, (coin_id, symbol, name) = int(self.giant_keys[giant]), stands[:3]
        else:
            coin_id, symbol, name = (GIANTS[slot] if slot < len(GIANTS) else ODD[slot - len(GIANTS)])[:3]
        return Coin(slot, 0, key, coin_id, symbol, name, FIRST_DAY_NUMBER, 2 * _FOREVER, name, symbol)

    def _generated(
        self,
        pair: tuple[int, int],
        slot: int,
        key: int,
        first_word: float,
        second_word: float,
        look: float,
        renamed: float,
    ) -> Coin:
        place, generation = pair
        words = REHYPOTHECATED_WORDS if slot >= REHYPOTHECATED_FROM else FIRST_WORDS
        first = words[int(first_word * len(words))]
        second = SECOND_WORDS[int(second_word * len(SECOND_WORDS))]
        coin_id = f"{first}-{second}-{np.base_repr(slot, 36).lower()}" + (f"-{generation}" if generation else "")
        name = f"{first.title()} {second.title()}" + (" 🐸" if look > 0.99 else "")
        symbol = "" if look < 0.0005 else second[:4]
        born_on = self._begins(place, generation)
        renamed_on = born_on + int(renamed * 3 * self._terms[place])
        new_symbol = f"{symbol}2" if look > 0.7 else symbol
        return Coin(slot, generation, key, coin_id, symbol, name, born_on, renamed_on, f"{name} V2", new_symbol)


def _is_written_down(slots: Days) -> NDArray[np.bool_]:
    beyond = slots - REHYPOTHECATED_FROM
    return (slots < _WRITTEN_DOWN) | ((beyond >= 0) & (beyond < len(REHYPOTHECATED)))
