"""Flood of sign-ups: strangers enter other people's addresses, many times and from many places."""

import asyncio
from datetime import timedelta

from httpx import ASGITransport, AsyncClient, Response

from bench.simulation.context import SimulationContext
from digest.tools.demo.scenario import BASE_URL

DOMAINS = tuple(f"victims{number}.example" for number in range(8))
AT_ONCE = 100
THINKING = timedelta(seconds=3)  # a ticket must be two seconds old


async def flood_sign_ups(context: SimulationContext) -> None:
    """Enter each victim's address twice, each time from another place, and count the replies."""
    for first in range(0, context.scenario.flood_size, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        tickets = await asyncio.gather(*(_post(context, number) for number in numbers))
        context.set_clock(context.now + THINKING)
        replies = await asyncio.gather(
            *(
                _post(context, number, ticket=str(reply.json().get("ticket", "")))
                for number, reply in zip(numbers, tickets, strict=True)
            )
        )
        context.record.flood.update(reply.status_code for reply in replies)


def is_victim(address: str) -> bool:
    """Return whether this address was entered by a stranger."""
    return address.partition("@")[2] in DOMAINS


async def _post(context: SimulationContext, number: int, **values: str) -> Response:
    victim = number % (context.scenario.flood_size // 2)
    data = {"email": f"person{victim}@{DOMAINS[victim % len(DOMAINS)]}", **values}
    transport = ASGITransport(context.app, client=(f"198.51.{number // 256}.{number % 256}", 4711))
    async with AsyncClient(transport=transport, base_url=BASE_URL) as visitor:
        return await visitor.post("/subscribe", json=data)
