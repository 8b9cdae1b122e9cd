"""A network that can be disturbed: proxies in front of addresses, and what they do, switched at run time.

network = Network()
address = network.front("127.0.0.1", 9092)  # connect here instead
network.condition = Condition.CUT
"""

import asyncio
import enum
import threading

CHUNK_BYTES = 64 * 1024
CHUNKS_ON_THE_WAY = 64  # of one direction of a connection; more are not taken from the sender
DELAY_S = 0.5


class Condition(enum.Enum):
    """What a network does with what it is given."""

    WHOLE = "passes it on at once"
    CUT = "breaks every connection, and every attempt at one"
    HALF_OPEN = "takes connections and data, and passes nothing on; later it does"
    DELAYED = "passes it on half a second later"
    TRICKLING = "passes on a byte a second in each direction of a connection"


class Network:
    """Proxies, all in one thread."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._condition = Condition.WHOLE
        self._changed = asyncio.Event()
        self._transports = set()
        self._servers = []
        self._tasks = set()

    def front(self, host, port):
        """Put a proxy in front of an address; return the proxy's."""

        async def serve():
            server = await asyncio.start_server(lambda *pair: self._connect(host, port, *pair), host, 0)
            self._servers.append(server)
            return server.sockets[0].getsockname()[1]

        return f"{host}:{self._run(serve())}"

    @property
    def condition(self):
        """What the network does now."""
        return self._condition

    @condition.setter
    def condition(self, condition):
        async def change():
            self._condition = condition
            self._changed.set()
            self._changed = asyncio.Event()
            if condition is Condition.CUT:
                for transport in list(self._transports):
                    transport.abort()

        self._run(change())

    def stop(self):
        """Close everything."""

        async def close():
            for server in self._servers:
                server.close()
            for transport in list(self._transports):
                transport.abort()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._run(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _connect(self, host, port, reader, writer):
        """Carry one connection, until either side ends it."""
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._transports.add(writer.transport)
        onward = None
        try:
            if self._condition is not Condition.CUT:
                there, onward = await asyncio.open_connection(host, port)
                self._transports.add(onward.transport)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._carry(reader, onward))
                    group.create_task(self._carry(there, writer))
        except* OSError:
            pass  # the one side has gone, so the other goes
        finally:
            for each in (writer, onward):
                if each is not None:
                    each.transport.abort()
                    self._transports.discard(each.transport)

    async def _carry(self, reader, writer):
        """Carry one direction; the end of it comes last, like everything under the network's condition."""
        way = asyncio.Queue(CHUNKS_ON_THE_WAY)

        async def take():
            try:
                while data := await reader.read(CHUNK_BYTES):
                    await way.put((self._loop.time(), data))
            except OSError:
                pass
            await way.put((self._loop.time(), b""))

        taking = asyncio.create_task(take())
        try:
            while True:
                came_s, data = await way.get()
                if not data:
                    break
                while data:
                    data = await self._pass_on(came_s, data, writer)
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
        raise ConnectionResetError  # ends the other direction, too

    async def _pass_on(self, came_s, data, writer):
        """Pass on what may be passed on now of some bytes; return the rest."""
        match self._condition:
            case Condition.HALF_OPEN | Condition.CUT:
                await self._changed.wait()
                return data
            case Condition.DELAYED if (left_s := came_s + DELAY_S - self._loop.time()) > 0:
                await self._wait_for_change(left_s)
                return data
            case Condition.TRICKLING:
                writer.write(data[:1])
                await writer.drain()
                await self._wait_for_change(1.0)
                return data[1:]
        writer.write(data)
        await writer.drain()
        return b""

    async def _wait_for_change(self, most_s):
        try:
            async with asyncio.timeout(most_s):
                await self._changed.wait()
        except TimeoutError:
            pass
