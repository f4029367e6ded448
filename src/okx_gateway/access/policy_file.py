"""Which policy is in force?  Touches the file that holds it, and reads it again when it changes.

A file that cannot be read, or is no policy, changes nothing: the last good one stays in force, and
that is told.
"""

import asyncio
from pathlib import Path

import structlog

from okx_gateway import metric
from okx_gateway.access.policy import Policy
from okx_gateway.access.policy_document import DOCUMENT_BYTES_MAX, PolicyError, policy_from_text
from okx_gateway.ledger.caller_shares import CallerShares

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 0.5


class PolicyFile:
    """The policy at `path`; the calls that it may name are given."""

    def __init__(
        self, path: Path, *, on_account: frozenset[str], on_market: frozenset[str]
    ) -> None:
        self._path = path
        self._on_account = on_account
        self._on_market = on_market
        self._content = b""
        self._current: Policy | None = None
        self._told = ""

    @property
    def current(self) -> Policy:
        """The policy in force; it has been read."""
        assert self._current is not None  # noqa: S101  # read at the start
        return self._current

    @property
    def shares(self) -> CallerShares:
        """The shares of callers in the rate limits."""
        return shares_of(self.current)

    def read(self) -> None:
        """Read it for the first time.

        Raises:
            PolicyError: It is no policy, or cannot be read; says why.
        """
        self._content = self._read()
        self._current = self._policy(self._content)

    async def keep_in_force(self) -> None:
        """Look again and again whether there is another, for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                content = await asyncio.to_thread(self._read)
                if content == self._content:
                    continue
                self._content = content
                self._take(await asyncio.to_thread(self._policy, content))
            except PolicyError as error:
                self._refuse(error)

    def _take(self, policy: Policy) -> None:
        if shares_of(policy) != self.shares:
            _LOG.warning("shares of the new policy are in force after a restart")
        _LOG.info("policy", revision=policy.revision, before=self.current.revision)
        self._current, self._told = policy, ""
        metric.policy_read("taken")

    def _refuse(self, error: PolicyError) -> None:
        # Once for each state of the file, and again after it was right.
        text = str(error)
        if text != self._told:
            self._told = text
            metric.policy_read("refused")
            _LOG.error("the policy stays as it was", problems=error.problems)

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                return file.read(DOCUMENT_BYTES_MAX + 1)
        except OSError as error:
            raise PolicyError([f"cannot read {self._path}: {error.strerror}"]) from None

    def _policy(self, content: bytes) -> Policy:
        return policy_from_text(content, on_account=self._on_account, on_market=self._on_market)


def shares_of(policy: Policy) -> CallerShares:
    """The shares of callers that a policy has."""
    return CallerShares(
        {name: rights.share for name, rights in policy.callers.items() if rights.share is not None}
    )
