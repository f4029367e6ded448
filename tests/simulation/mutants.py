"""Would the schedules notice if a promise were broken?  Breaks each by hand and sees that they do.

A mutant is a small change of the gateway's own text that makes it unsafe. A text that no longer has
what a mutant changes fails loudly: the mutant has to follow it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = Path("src") / "okx_gateway"
# Every mutant has to be noticed within so many schedules.
SCHEDULES_MAX = 10_000


class MutantError(Exception):
    """The text that a mutant changes is not there, or not once."""


@dataclass(frozen=True)
class Mutant:
    """A safety bug: what it does, and `old` that becomes `new` in the file `path`."""

    name: str
    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Hunt:
    """What came of a mutant: the schedule that noticed it, and how; nothing where none did."""

    mutant: str
    schedules: int
    violation: str

    @property
    def caught(self) -> bool:
        return bool(self.violation)


MUTANTS = (
    # What an answer of OKX proves.
    Mutant(
        "a lost reply is taken for an order that was not sent",
        "okx/order_writer.py",
        "            return [InDoubt(str(error))] * len(request.orders)",
        '            return [Unsent("")] * len(request.orders)',
    ),
    Mutant(
        "an order is sent again when its reply is lost",
        "okx/order_writer.py",
        "            return [InDoubt(str(error))] * len(request.orders)",
        "            raw = await self._over_rest(request)",
    ),
    Mutant(
        "an order that a socket may have taken is sent over REST",
        "okx/order_writer.py",
        "            except RequestNotSentError as error:\n                if error.late or",
        "            except (RequestNotSentError, ReplyLostError) as error:\n                if",
    ),
    Mutant(
        "what a lost socket has not answered is taken for not sent",
        "okx/socket_link.py",
        "answer.set_exception(ReplyLostError(",
        "answer.set_exception(RequestNotSentError(",
    ),
    Mutant(
        "doubt of a socket is taken for a refusal",
        "okx/code.py",
        'SOCKET_REFUSED = _codes("60011',
        'SOCKET_REFUSED = _codes("64007 60011',
    ),
    Mutant(
        "neither success nor failure is taken for a refusal",
        "okx/code.py",
        'PROVES_ABSENCE = _TURNED_AWAY | _codes("54004")',
        'PROVES_ABSENCE = _TURNED_AWAY | _codes("54004 50001 50004 51149")',
    ),
    Mutant(
        "an order whose id is taken at OKX is taken for placed",
        "okx/verdict.py",
        "if told.code == codes.SUCCESS and told.exchange_order_id:",
        "if told.code == '51016' or told.code == codes.SUCCESS and told.exchange_order_id:",
    ),
    Mutant(
        "a cancel of what is finished or absent is taken for done",
        "okx/code.py",
        'CANCEL_UNDER_WAY = _codes("51410")',
        'CANCEL_UNDER_WAY = _codes("51410 51400")',
    ),
    Mutant(
        "a lost reply to a batch is taken for orders that were not sent",
        "okx/order_writer.py",
        "            return [InDoubt(str(error))] * len(request.orders)",
        "            lost = [InDoubt(str(error))] * len(request.orders)\n"
        "            return lost if len(lost) == 1 else [Unsent('')] * len(lost)",
    ),
    # When absence is proven.
    Mutant(
        "absence is believed before the margin has passed",
        "okx/verdict.py",
        "return expiry_ms + margin_ms < asked_ms\n",
        "return expiry_ms < asked_ms\n",
    ),
    Mutant(
        "absence is believed before the order has expired",
        "okx/verdict.py",
        "return expiry_ms + margin_ms < asked_ms\n",
        "return True\n",
    ),
    Mutant(
        "the margin is measured by the wall clock",
        "usecases/resolve_order.py",
        "proofs.asked_ms, proofs.asked_s = self._clock.earliest_ms(), time.monotonic()",
        "proofs.asked_ms, proofs.asked_s = time.time_ns() // 1_000_000, time.monotonic()",
    ),
    Mutant(
        "one look is proof enough",
        "usecases/resolve_order.py",
        "_PROOFS_NEEDED = 2",
        "_PROOFS_NEEDED = 1",
    ),
    Mutant(
        "the lists are not asked",
        "usecases/resolve_order.py",
        "if proofs.enough() and await self._lists.lack(",
        "if proofs.enough() or await self._lists.lack(",
    ),
    Mutant(
        "OKX is given longer than was put on record",
        "okx/signed_requests.py",
        'headers["expTime"] = str(expiry_ms)',
        'headers["expTime"] = str(expiry_ms + 5_000)',
    ),
    Mutant(
        "orders are sent though OKX's time is not known",
        "usecases/admit_order.py",
        "if self._clock.error_ms() > ERROR_MS_MAX:",
        "if False:",
    ),
    # The journal.
    Mutant(
        "an order that is being sent is sent again",
        "ledger/admit_order.lua",
        "if held[1] ~= 'sending' or held[2] ~= ARGV[14] then",
        "if held[1] ~= 'sending' then",
    ),
    Mutant(
        "a settled row is settled again",
        "ledger/settle_order.lua",
        "if held[1] ~= 'sending' or held[2] ~= ARGV[3] then",
        "if not held[1] then",
    ),
    Mutant(
        "a grant settles the row of another",
        "ledger/settle_order.lua",
        "if held[1] ~= 'sending' or held[2] ~= ARGV[3] then",
        "if held[1] ~= 'sending' then",
    ),
    Mutant(
        "what is adopted overwrites what is on record",
        "ledger/adopt_order.lua",
        "if redis.call('EXISTS', KEYS[1]) == 0 then",
        "if true then",
    ),
    Mutant(
        "nothing is put down for others to take over",
        "ledger/admit_order.lua",
        "redis.call('ZADD', KEYS[3], whole(",
        "redis.call('ZADD', KEYS[3], 9 .. whole(",
    ),
    Mutant(
        "nobody takes over what others left",
        "usecases/reconcile.py",
        "        for record in rows.taken:\n            await self._take(account, record)",
        "        for record in rows.taken[:0]:\n            await self._take(account, record)",
    ),
    Mutant(
        "the same id is another order, and nobody compares",
        "usecases/place_order.py",
        "        difference = first_difference(record.order, order)",
        '        difference = ""',
    ),
    Mutant(
        "an order is not waited for by who asks for it again",
        "usecases/place_order.py",
        "        if record.outcome is not None:\n            return record.outcome",
        "        return record.outcome or NotPlaced()",
    ),
    Mutant(
        "an order on its way is called unknown to who cancels it",
        "usecases/cancel_order.py",
        "case Absent() if meant.record is not None and meant.record.outcome is None:",
        "case Absent() if meant.record is None:",
    ),
    # What is lost.
    Mutant(
        "a ledger that was emptied or replaced is believed",
        "ledger/clock.lua",
        "  local since = now\n",
        "  local since = 0\n",
    ),
    Mutant(
        "after a loss nothing is looked up before it is sent",
        "ledger/admit_order.lua",
        "if clock.since > 0 and ARGV[17] ~= '1' and",
        "if false and",
    ),
    Mutant(
        "after a loss orders are sent at once",
        "ledger/redis_ledger.py",
        "self._silence_us = settings.silence_us",
        "self._silence_us = 0",
    ),
    Mutant(
        "what no replica has counts as done",
        "ledger/redis_ledger.py",
        "            nonce=fence,\n            durable=True,",
        "            nonce=fence,\n            durable=False,",
    ),
    Mutant(
        "a grant from before a loss is used after it",
        "usecases/send_order.py",
        "if renew_s is not None:",
        "if False:",
    ),
    # The budget.
    Mutant(
        "after a loss the windows count as empty",
        "ledger/window.lua",
        "  if clock.steady > 0 then",
        "  if false then",
    ),
    Mutant(
        "a spend counts as if its answer had come at once",
        "ledger/redis_ledger.py",
        "min(arrival.slot_us, answered_us - arrival.jitter_us),",
        "arrival.slot_us - arrival.jitter_us,",
    ),
    Mutant(
        "a slot is used over REST however late",
        "okx/order_writer.py",
        "            write_before_s=request.write_before_s,",
        "            write_before_s=None,",
    ),
    Mutant(
        "a slot is used over a socket however late",
        "okx/order_writer.py",
        "        until_s = math.inf if request.write_before_s is None else request.write_before_s",
        "        until_s = math.inf",
    ),
    Mutant(
        "what a socket turned away gives its slot back",
        "usecases/place_order.py",
        "counted = isinstance(why, TurnedAway)",
        "counted = False",
    ),
    Mutant(
        "OKX is given longer over a socket than was put on record",
        "okx/order_writer.py",
        """                operation_arguments(request.orders, request.instrument.socket_code),
                expiry_ms=request.expiry_ms,""",
        """                operation_arguments(request.orders, request.instrument.socket_code),
                expiry_ms=request.expiry_ms and request.expiry_ms + 5_000,""",
    ),
    Mutant(
        "windows are as wide as OKX's, whatever the way takes",
        "ledger/charge.py",
        "width_us = (limit.window_ms + self.jitter_ms()) * 1000",
        "width_us = limit.window_ms * 1000",
    ),
    Mutant(
        "slots that are given already are not counted",
        "ledger/window.lua",
        "whole(slot - log.width), whole(slot)) > others_max",
        "whole(slot - log.width), whole(slot)) > others_max and false",
    ),
    Mutant(
        "a window takes one too many",
        "ledger/window.lua",
        "local others_max = log.capacity - cost",
        "local others_max = log.capacity - cost + 1",
    ),
    Mutant(
        "the window of the sub-account is forgotten",
        "ledger/charge.py",
        "            return charge, self._charge(SUB_ACCOUNT, limit, caller)",
        "            return (charge,)",
    ),
    Mutant(
        "a batch is sent with one order",
        "usecases/shared_batch.py",
        "        if len(pen.passengers) == 1:",
        "        if not pen.passengers:",
    ),
    Mutant(
        "a clock of Redis that has stepped is believed",
        "ledger/redis_clock.py",
        "            return False\n",
        "            pass\n",
    ),
)


def apply(mutant: Mutant, tree: Path) -> None:
    """Change the copy of the sources in `tree`.

    Raises:
        MutantError: It does not fit the sources any more.
    """
    path = tree / _PACKAGE / mutant.path
    text = path.read_text()
    if text.count(mutant.old) != 1:
        found = text.count(mutant.old)
        raise MutantError(f"{mutant.name}: found {found} times in {mutant.path}: {mutant.old!r}")
    path.write_text(text.replace(mutant.old, mutant.new))


def hunt(mutant: Mutant, *, seed: int = 0, schedules: int = SCHEDULES_MAX) -> Hunt:
    """Play schedules on a mutant until one of them notices it.

    Raises:
        MutantError: It does not fit the sources, or cannot run at all.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        shutil.copytree(
            ROOT / _PACKAGE, tree / _PACKAGE, ignore=shutil.ignore_patterns("__pycache__")
        )
        apply(mutant, tree)
        played = subprocess.run(
            [
                *(sys.executable, "-m", "tests.simulation", "--until-violation"),
                *("--seed", str(seed), "--schedules", str(schedules)),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if not played.stdout.strip():
            raise MutantError(f"{mutant.name} does not run: {played.stderr[-2_000:]}")
        told = json.loads(played.stdout)
    return Hunt(mutant.name, told["schedules"], told["violation"])


def hunt_all(
    mutants: Iterable[Mutant] = MUTANTS,
    *,
    seed: int = 0,
    schedules: int = SCHEDULES_MAX,
    jobs: int = 2,
    progress: Callable[[Hunt], None] = lambda hunt: None,
) -> list[Hunt]:
    """Hunt several mutants side by side."""

    def one(mutant: Mutant) -> Hunt:
        came = hunt(mutant, seed=seed, schedules=schedules)
        progress(came)
        return came

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, mutants))
