"""Which algo orders does an account have, and which are done? Pure.

Source: OKX docs, 'Algo order list' and 'Algo order history'.
"""

from collections import OrderedDict

from okx_simulator.algo.algo import Algo

KEPT_MS = 90 * 86_400_000
DONE_MAX = 20_000


class AlgoHistory:
    """Live algo orders and, for three months, those that are done."""

    def __init__(self) -> None:
        self.live: dict[int, Algo] = {}
        self._done: OrderedDict[int, Algo] = OrderedDict()
        self._by_client: dict[str, Algo] = {}

    def add(self, algo: Algo) -> None:
        """Take up a new algo order; its client id must not be in use."""
        self.live[algo.algo_id] = algo
        if algo.client_id:
            self._by_client[algo.client_id] = algo

    def close(self, algo: Algo) -> None:
        """Move an algo order to those that are done; forget the oldest."""
        self.live.pop(algo.algo_id, None)
        self._done[algo.algo_id] = algo
        while len(self._done) > DONE_MAX:
            _, oldest = self._done.popitem(last=False)
            if self._by_client.get(oldest.client_id) is oldest:
                del self._by_client[oldest.client_id]

    def is_client_id_live(self, client_id: str) -> bool:
        """Tell whether a live algo order has this client id."""
        known = self._by_client.get(client_id)
        return known is not None and known.is_live

    def find(self, algo_id: str, client_id: str) -> Algo | None:
        """Return an algo order: by `algo_id` where given, else the latest of that name."""
        if not algo_id:
            return self._by_client.get(client_id) if client_id else None
        number = int(algo_id) if algo_id.isascii() and algo_id.isdigit() else -1
        return self.live.get(number) or self._done.get(number)

    def done(self, now_ms: int) -> list[Algo]:
        """Return the algo orders that are done, oldest first."""
        return [algo for algo in self._done.values() if now_ms - algo.updated_ms <= KEPT_MS]
