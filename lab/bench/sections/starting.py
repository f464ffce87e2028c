"""What importing a client costs, and making one."""

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
    "httpx and pydantic's shell": "import httpx, pydantic",
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
    "httpx and pydantic, one model": "import httpx, pydantic; pydantic.create_model('Answer', url=str); httpx.Client()",
    "httpx": "httpx.Client()",
    "httpx2": "httpx2.Client()",
    "aurashot": f"aurashot.AuraShot({KEY!r})",
    "aurashot, async": f"import aurashot; aurashot.AsyncAuraShot({KEY!r})",
    "replicate": f"replicate.Client({KEY!r})",
    "fal-client": f"fal_client.SyncClient({KEY!r})",
    "openai": f"openai.OpenAI(api_key={KEY!r})",
    "runwayml": f"runwayml.RunwayML(api_key={KEY!r})",
}
BARE: Final = "bare"
TYPER: Final = "typer"
HELP: Final = "help"
HARNESS: Final = "harness"
ABOUT: Final = """\
Whole interpreters, started in turns; CPU and wall time in milliseconds, a bare interpreter's {bare:.0f} ms subtracted.
pydantic loads its `BaseModel` when it is first touched, so the baseline touches it; the row below it does not. The
rest of pydantic is loaded with a program's first model: *httpx and pydantic, one model* is what a typed client cannot
go below while it loads all of httpx. *First client* is the import and the client's constructor; some clients (ours,
replicate, fal-client) make their connections with the first call, so *first answer* adds one call to the local
server.

`aurashot --help` takes {help:.0f} ms of CPU, of which a bare interpreter takes {bare:.0f} ms and typer's own import
{typer:.0f} ms."""


def measure(bench: Bench) -> Section:
    """Time interpreters that import a client, make one, and make one call."""
    compile_dir(Path(aurashot.__file__).parent, quiet=1)  # as an installer does; this package runs from its sources
    costs = _run(_programs(bench.url), bench.rounds(7))
    bare, harness = costs[BARE], costs[HARNESS]
    imports = {name: _less(costs[f"import {name}"], bare) for name in IMPORTS}
    clients = {name: _less(costs[f"client {name}"], bare) for name in CLIENTS}
    responses = {name: _less(costs[f"answer {name}"], harness) for name in CALLS}
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
    head = ["client", "import, CPU", "wall", "over the baseline"]
    head += ["first client, CPU", "wall", "over the baseline's import", "first answer, CPU", "wall"]
    forms = ["{:,.0f}", "{:,.0f}", "{:.2f}", "{:,.0f}", "{:,.0f}", "{:.2f}", "{:,.0f}", "{:,.0f}"]
    helped, typer, floor = (Spread.of(1e3 * cost.cpu for cost in costs[name]).median for name in (HELP, TYPER, BARE))
    return Section(
        name="starting",
        title="Import and first client",
        about=ABOUT.format(bare=floor, help=helped, typer=typer - floor),
        tables=[Table(head, forms, rows)],
        plot=Plot("CPU to import, ms", {name: [spread] for name, (spread, _) in imports.items()}),
        goals=[
            Goal("`import aurashot` over `import httpx, pydantic`", imports["aurashot"][0].over(base), 0.35),
            Goal("import and first client over the same", clients["aurashot"][0].over(base), 1.25),
            Goal("import and first async client over the same", clients["aurashot, async"][0].over(base), 1.25),
            Goal("`aurashot --help` over 2.5 bare interpreters and typer", helped / (1.5 * floor + typer), 1.0),
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
        **{f"answer {name}": ["-c", f"{first}; CALLS[{name!r}]({url!r})()"] for name in CALLS},
    }


def _run(programs: dict[str, list[str]], rounds: range) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for number in rounds:
        for name, program in programs.items():
            if number == 0 and len(rounds) > 1:  # at first, files come from the disk
                cost_of_running(program)
            costs[name].append(cost_of_running(program))
    return costs


def _less(costs: list[Cost], floor: list[Cost]) -> tuple[Spread, Spread]:
    """Return CPU and wall time in milliseconds, those of the same rounds' floor subtracted."""
    pairs = list(zip(costs, floor, strict=True))
    return (
        Spread.of(1e3 * (cost.cpu - least.cpu) for cost, least in pairs),
        Spread.of(1e3 * (cost.wall - least.wall) for cost, least in pairs),
    )
