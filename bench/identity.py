"""Whether an account exists must not show in how long an answer takes, and many logins at once must
not hold up other queries (issue 4). Each try has an account and a network address of its own, so
that none is refused for too many of them."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass
from itertools import count

import asyncpg
import orjson

from auth.passwords import Passwords
from bench.contenders import Running
from bench.house import House, copy
from bench.load import Job, Measured, Shot, measure, request
from bench.report import Report, Target
from bench.workloads import Answers
from core.ids import new_id

_LOGIN = """mutation Login($input: LoginInput!) { login(input: $input) {
  __typename ... on InvalidCredentials { message } } }"""
_RESET = """mutation Reset($input: StartPasswordResetInput!) { startPasswordReset(input: $input) {
  __typename ... on PasswordResetStarted { codeIndex } } }"""
_REFUSED = b'"__typename":"InvalidCredentials"'
_SENT = b'"__typename":"PasswordResetStarted"'
_WARMING = 20
_AT_ONCE = 50
_QUERY_SECONDS = 4.0
_QUERY_RUNS = 5
_networks = count(1)


@dataclass(frozen=True, slots=True)
class Identity:
    """The tries at one server, so many for each kind of account."""

    house: House
    running: Running
    tries: int

    async def measured(self, report: Report) -> None:
        """Adds the figures and their targets to a report."""
        known = await self._accounts()
        login = [(_login(known[n]), _login(f"nobody{n}@bench.example")) for n in range(len(known))]
        reset = [(_reset(known[n]), _reset(f"nobody{n}@bench.example")) for n in range(len(known))]
        await self._compared(report, "login", login, _LOGIN, _REFUSED)
        await self._compared(report, "startPasswordReset", reset, _RESET, _SENT)
        await self._beside_logins(report)

    async def _accounts(self) -> list[str]:
        passwords = Passwords()
        try:
            hashed = await passwords.hash("what the accounts have as their password")
        finally:
            passwords.close()
        addresses = [f"member{number}@bench.example" for number in range(self.tries + _WARMING)]
        rows = [
            {
                "id": new_id(),
                "email": address,
                "fullname": "Mem Ber",
                "password_hash": hashed,
                "email_verified": True,
            }
            for address in addresses
        ]
        connection = await asyncpg.connect(self.house.url)
        try:
            await copy(connection, "user_account", rows)
        finally:
            await connection.close()
        return addresses

    def _shot(self, document: str, values: dict[str, str], word: bytes) -> Shot:
        body = orjson.dumps({"query": document, "variables": {"input": values}})
        number = next(_networks)
        network = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        raw = request(self.running.port, body, headers={"X-Forwarded-For": network})
        return Shot(raw, words=(word,))

    async def _compared(
        self,
        report: Report,
        what: str,
        pairs: list[tuple[dict[str, str], dict[str, str]]],
        document: str,
        word: bytes,
    ) -> None:
        # A known and an unknown account in turn, the one first and the other first in turn.
        shots = [
            self._shot(document, values, word)
            for number, pair in enumerate(pairs)
            for values in (pair if number % 2 else pair[::-1])
        ]
        job = Job(self.running.port, shots, 1, 120, once=True)
        times = (await asyncio.to_thread(measure, job)).milliseconds[2 * _WARMING :]
        known = [times[n + (n // 2 + _WARMING + 1) % 2] for n in range(0, len(times), 2)]
        unknown = [times[n + (n // 2 + _WARMING) % 2] for n in range(0, len(times), 2)]
        medians = statistics.median(known), statistics.median(unknown)
        report.extra[f"{what}_ms"] = {
            "known": round(medians[0], 2),
            "unknown": round(medians[1], 2),
            "tries": len(known),
        }
        ratio = round(max(medians) / min(medians), 3)
        told = f"{what}: known and unknown account, the slower median to the faster"
        report.targets.append(Target(told, ratio, most=1.05))

    async def _beside_logins(self, report: Report) -> None:
        shot = Answers(self.house).single(self.running, 0)
        query = Job(self.running.port, [shot], 1, _QUERY_SECONDS)
        await asyncio.to_thread(measure, query)
        alone, beside, logins = [], [], []
        # Alone and beside in turn: what disturbs one run disturbs one of each.
        for run in range(_QUERY_RUNS):
            alone.append(await asyncio.to_thread(measure, query))
            crowd = asyncio.create_task(asyncio.to_thread(measure, self._crowd(run)))
            await asyncio.sleep(1)
            beside.append(await asyncio.to_thread(measure, query))
            logins.append((await crowd).rate)
        idle_p99, beside_p99 = _median_p99(alone), _median_p99(beside)
        report.extra["query_beside_50_logins"] = {
            "idle_p99_ms": [round(run.percentile(0.99), 2) for run in alone],
            "beside_p99_ms": [round(run.percentile(0.99), 2) for run in beside],
            "logins_a_second": round(statistics.median(logins), 1),
        }
        told = "a query's p99 beside 50 logins at once, to its p99 alone"
        report.targets.append(Target(told, round(beside_p99 / idle_p99, 3), most=3))

    def _crowd(self, run: int) -> Job:
        """50 who log in, and again when they have their answer, for a little longer than the query
        is asked."""
        logins = [
            self._shot(_LOGIN, _login(f"stranger{run}.{number}@bench.example"), _REFUSED)
            for number in range(2_000)
        ]
        return Job(self.running.port, logins, _AT_ONCE, _QUERY_SECONDS + 2, once=True)


def _median_p99(runs: list[Measured]) -> float:
    return statistics.median([run.percentile(0.99) for run in runs])


def _login(address: str) -> dict[str, str]:
    return {"email": address, "password": "what nobody has as a password"}


def _reset(address: str) -> dict[str, str]:
    return {"channel": "EMAIL", "email": address}
