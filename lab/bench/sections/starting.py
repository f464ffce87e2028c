"""Cost of importing a client and of creating one."""

from __future__ import annotations

from compileall import compile_dir
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aurashot
from lab.bench.measure import Spread, cost_of_running
from lab.bench.peers import KEY
from lab.bench.peers.blocking import CALLS
from lab.bench.report import Goal, Plot, Section, Table

if TYPE_CHECKING:
    from lab.bench.bench import Bench
    from lab.bench.measure import Cost
    from lab.bench.report import Cell

BASE: Final = "httpx and pydantic"
IMPORTS: Final = {
    BASE: "import httpx, pydantic; pydantic.BaseModel",
    "httpx and pydantic, lazy": "import httpx, pydantic",
    "aurashot": "import aurashot",
    "httpx": "import httpx",
    "httpx2": "import httpx2",
    "aiohttp": "import aiohttp",
    "replicate": "import replicate",
    "fal-client": "import fal_client",
    "openai": "import openai",
    "anthropic": "import anthropic",
    "runwayml": "import runwayml",
}
CLIENTS: Final = {
    BASE: "httpx.Client()",
    "httpx and pydantic, one model": "import httpx, pydantic; pydantic.create_model('Result', url=str); httpx.Client()",
    "httpx": "httpx.Client()",
    "httpx2": "httpx2.Client()",
    "aurashot": f"aurashot.AuraShot({KEY!r})",
    "aurashot, async": f"import aurashot; aurashot.AsyncAuraShot({KEY!r})",
    "replicate": f"replicate.Client({KEY!r})",
    "fal-client": f"fal_client.SyncClient({KEY!r})",
    "openai": f"openai.OpenAI(api_key={KEY!r})",
    "runwayml": f"runwayml.RunwayML(api_key={KEY!r})",
}
IMPORT: Final = "import"
CLIENT: Final = "client"
ASYNC_CLIENT: Final = "async client"
ASYNC_BASE: Final = "asyncio, httpx and pydantic"
OURS: Final = {
    IMPORT: IMPORTS["aurashot"],
    CLIENT: f"import aurashot; aurashot.AuraShot({KEY!r})",
    ASYNC_CLIENT: f"import aurashot; aurashot.AsyncAuraShot({KEY!r})",
}
BARE: Final = "bare"
TYPER: Final = "typer"
HELP: Final = "help"
HARNESS: Final = "harness"
ABOUT: Final = """\
CPU and wall time of whole interpreters in milliseconds, minus the {bare:.0f} ms of an empty program. pydantic loads
its `BaseModel` on first access; the baseline accesses it, *httpx and pydantic, lazy* does not. The first model loads
the rest of pydantic: *httpx and pydantic, one model* is the minimum of a typed client that loads all of httpx. *First
client* is the import and the constructor. Some clients (aurashot, replicate, fal-client) open connections on the first
call, so *first response* adds one call to the local server. The targets compare interpreters that run one after the
other, in {pairs} rounds: what a machine can do changes from minute to minute.

`aurashot --help` takes {help:.0f} ms of CPU, of which an empty program takes {bare:.0f} ms and importing typer
{typer:.0f} ms."""


def measure(bench: Bench) -> Section:
    """Measure interpreters that import a client, create one, and make one call."""
    compile_dir(Path(aurashot.__file__).parent, quiet=1)  # as an installer does
    costs = _run(_programs(bench.url), bench.rounds(7))
    ratios = _ratios(bench.rounds(15))
    bare, harness = costs[BARE], costs[HARNESS]
    imports = {name: _less(costs[f"import {name}"], bare) for name in IMPORTS}
    clients = {name: _less(costs[f"client {name}"], bare) for name in CLIENTS}
    responses = {name: _less(costs[f"response {name}"], harness) for name in CALLS}
    base = imports[BASE][0]
    rows: dict[str, list[Cell]] = {
        name: [
            *imports.get(name, (None, None)),
            imports[name][0].over(base) if name in imports else None,
            *clients.get(name, (None, None)),
            clients[name][0].over(base) if name in clients else None,
            *responses.get(name, (None, None)),
        ]
        for name in dict.fromkeys([*IMPORTS, *CLIENTS])
    }
    head = ["client", "import, CPU", "wall", "ratio to baseline"]
    head += ["first client, CPU", "wall", "ratio to baseline import", "first response, CPU", "wall"]
    forms = ["{:,.0f}", "{:,.0f}", "{:.2f}", "{:,.0f}", "{:,.0f}", "{:.2f}", "{:,.0f}", "{:,.0f}"]
    helped, typer, floor = (Spread.of(1e3 * cost.cpu for cost in costs[name]).median for name in (HELP, TYPER, BARE))
    return Section(
        name="starting",
        title="Import and first client",
        about=ABOUT.format(bare=floor, help=helped, typer=typer - floor, pairs=len(bench.rounds(15))),
        tables=[Table(head, forms, rows)],
        plot=Plot("CPU to import, ms", {name: [spread] for name, (spread, _) in imports.items()}),
        goals=[
            Goal("`import aurashot`, ratio to `import httpx, pydantic`", ratios[IMPORT], 0.35),
            Goal("import and first client, same ratio", ratios[CLIENT], 1.25),
            Goal("import and first async client, ratio to these and asyncio", ratios[ASYNC_CLIENT], 1.25),
            Goal("`aurashot --help`, ratio to 2.5 empty programs and typer", helped / (1.5 * floor + typer), 1.0),
        ],
    )


def _programs(url: str) -> dict[str, list[str]]:
    first = "from lab.bench.peers.blocking import CALLS"
    return {
        BARE: ["-c", "pass"],
        TYPER: ["-c", "import typer"],
        HELP: ["-m", "aurashot", "--help"],
        HARNESS: ["-c", first],
        **{f"import {name}": ["-c", code] for name, code in IMPORTS.items()},
        **{f"client {name}": ["-c", f"{IMPORTS.get(name, 'pass')}; {code}"] for name, code in CLIENTS.items()},
        **{f"response {name}": ["-c", f"{first}; CALLS[{name!r}]({url!r})()"] for name in CALLS},
    }


def _run(programs: dict[str, list[str]], rounds: range) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for number in rounds:
        for name, program in programs.items():
            if number == 0 and len(rounds) > 1:  # not measured: it reads the files from disk
                cost_of_running(program)
            costs[name].append(cost_of_running(program))
    return costs


def _ratios(rounds: range) -> dict[str, float]:
    """Return the median ratio of each program's CPU time to that of the baseline, run just before."""
    bases = {BARE: "pass", BASE: IMPORTS[BASE], ASYNC_BASE: f"import asyncio; {IMPORTS[BASE]}"}
    found: dict[str, list[float]] = {name: [] for name in OURS}
    for _ in rounds:
        cpu = {name: cost_of_running(["-c", code]).cpu for name, code in {**bases, **OURS}.items()}
        for name, ratios in found.items():
            base = cpu[ASYNC_BASE if name == ASYNC_CLIENT else BASE]
            ratios.append((cpu[name] - cpu[BARE]) / (base - cpu[BARE]))
    return {name: Spread.of(ratios).median for name, ratios in found.items()}


def _less(costs: list[Cost], floor: list[Cost]) -> tuple[Spread, Spread]:
    """Return CPU and wall time in milliseconds, minus those of the empty program in the same round."""
    pairs = list(zip(costs, floor, strict=True))
    return (
        Spread.of(1e3 * (cost.cpu - least.cpu) for cost, least in pairs),
        Spread.of(1e3 * (cost.wall - least.wall) for cost, least in pairs),
    )
