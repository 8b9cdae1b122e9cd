"""An HTTP server on one address.

What listens on the loopback address is for programs of this machine. A page from elsewhere, in a browser here, can reach it under a
name of its own that leads to this machine, and then reads what it likes: so names other than localhost are refused there.
"""

import ipaddress
import os
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web

from streams.faults import Fault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
        guards = [_literal_hosts_only] if is_loopback(self._host) else []
        application = web.Application(client_max_size=64 * 1024, middlewares=guards)
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


def host_is_literal(host: str) -> bool:
    """Tell whether a host is an address or localhost: any other name could be rebound to this machine by its owner."""
    name = _name_of(host)
    return name == "localhost" or _address_of(name) is not None


@web.middleware
async def _literal_hosts_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    if host_is_literal(request.host):
        return await handler(request)
    return web.Response(status=403, text="this is served under localhost and addresses alone\n")


def is_loopback(host: str) -> bool:
    """Tell whether a server that listens on a host is for programs of this machine alone."""
    address = _address_of(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
