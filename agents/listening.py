"""An HTTP server on one address."""

import os
from collections.abc import Iterable

from aiohttp import web

from streams.faults import Fault


class PortTakenError(Fault):
    """The address cannot be listened on."""


class Site:
    """An HTTP server on one address."""

    def __init__(self, routes: Iterable[web.RouteDef], host: str, port: int) -> None:
        self._routes = list(routes)
        self._host = host
        self._wanted_port = port
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def address(self) -> str:
        """Where to look."""
        return self._address(self._host)

    @property
    def nearby_address(self) -> str:
        """Where this very machine can ask."""
        return self._address({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host))  # noqa: S104 - not bound to

    def _address(self, host: str) -> str:
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        PortTakenError
            When the address cannot be had.
        """
        application = web.Application(client_max_size=64 * 1024)
        application.add_routes(self._routes)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._wanted_port).start()
        except OSError as error:
            await self._runner.cleanup()
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise PortTakenError(f"cannot listen on {self._host} port {self._wanted_port}: {reason}") from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
