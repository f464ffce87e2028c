"""`aurashot legacy`: the workflows that the service keeps for older integrations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aurashot.cli import _options as options

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot import AuraShot, WorkflowJob
    from aurashot.cli._paying import Account
    from aurashot.cli._targets import Target

legacy = typer.Typer(name="legacy", no_args_is_help=True, help="The legacy workflows, for older integrations.")

NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Return at once; ask for the images later, with aurashot legacy query.")
]
Workflow = Literal["virtual_try_on", "pose_change"]


@legacy.command("try-on")
def try_on(
    product_image: Annotated[str, typer.Option(metavar="IMAGE", help="The product.")],
    model_image: Annotated[str, typer.Option(metavar="IMAGE", help="The person.")],
    *,
    scene_image: Annotated[str | None, typer.Option(metavar="IMAGE", help="The place where the person is.")] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the image shows; the service writes one by default.")
    ] = None,
    version: Annotated[str, typer.Option(metavar="NAME", help="weshopFlash, weshopPro or bananaPro.")] = "weshopFlash",
    no_wait: NoWait = False,
    out: options.Out = None,
    force: options.Force = False,
    ledger: options.Ledger = None,
    idempotency_key: options.Key = None,
    timeout: options.Timeout = None,
    dry_run: options.DryRun = False,
) -> None:
    """Show a person wearing a product. Bills one image."""
    images = {"product_image": product_image, "model_image": model_image, "scene_image": scene_image}
    given = {name: image for name, image in images.items() if image is not None}

    def submit(client: "AuraShot") -> "WorkflowJob":
        return client.legacy.virtual_try_on(
            product_image=product_image,
            model_image=model_image,
            scene_image=scene_image,
            version=version,
            description=description,
            wait=not no_wait,
            idempotency_key=idempotency_key,
        )

    if dry_run:
        _plan("virtual_try_on", given, description)
    else:
        _run(submit, _account(ledger, timeout), out, force=force)


@legacy.command()
def pose(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The person.")],
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="The new pose, in words.")],
    *,
    version: Annotated[str, typer.Option(metavar="NAME", help="lite or pro.")] = "lite",
    no_wait: NoWait = False,
    out: options.Out = None,
    force: options.Force = False,
    ledger: options.Ledger = None,
    idempotency_key: options.Key = None,
    timeout: options.Timeout = None,
    dry_run: options.DryRun = False,
) -> None:
    """Change the pose of a person. Bills one image."""

    def submit(client: "AuraShot") -> "WorkflowJob":
        return client.legacy.pose_change(
            image, description, version=version, wait=not no_wait, idempotency_key=idempotency_key
        )

    if dry_run:
        _plan("pose_change", {"original_image": image}, description)
    else:
        _run(submit, _account(ledger, timeout), out, force=force)


@legacy.command()
def query(
    workflow: Annotated[Workflow, typer.Option(help="The workflow of the job.")],
    *,
    execution_id: Annotated[str | None, typer.Option(metavar="ID", help="The execution id of the job.")] = None,
    task_id: Annotated[str | None, typer.Option(metavar="ID", help="The task id of the job.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the job is done.")] = False,
    out: options.Out = None,
    force: options.Force = False,
    timeout: options.Timeout = None,
) -> None:
    """Show the state of a job, and save its images if it is done. Free."""

    def ask(client: "AuraShot") -> "WorkflowJob":
        return client.legacy.query(workflow=workflow, execution_id=execution_id, task_id=task_id, wait=wait)

    _run(ask, _account(None, timeout), out, force=force)


def _account(ledger: Path | None, timeout: float | None) -> "Account":
    from aurashot.cli._paying import Account

    return Account(ledger, timeout=timeout)


def _plan(workflow: str, images: dict[str, str], description: str | None) -> None:
    from aurashot.cli._asked import described
    from aurashot.cli._output import Output

    plan: dict[str, Any] = {
        "dry_run": True,
        "operation": workflow,
        "paid": False,
        "images_billed_at_most": 1,
        "prompt": description,
        "images": [described(name, image) for name, image in images.items()],
    }
    Output().show(plan, lambda screen: screen.say(f"{workflow}: 1 image would be billed; nothing was sent."), ["1"])


def _saved(client: "AuraShot", target: "Target", job: "WorkflowJob") -> list[str]:
    return [target.save(client, url, number) for number, url in enumerate(job.images, 1)]


def _run(call: "Callable[[AuraShot], WorkflowJob]", account: "Account", out: str | None, *, force: bool) -> None:
    from aurashot.cli._output import Output
    from aurashot.cli._targets import target_of

    output = Output()
    target = target_of(out, force=force)
    with account.client() as client:
        with output.working("waiting for the workflow ..."):
            job = call(client)
        paths = _saved(client, target, job)
    data = {
        "workflow": job.workflow,
        "paid": account.paid > 0,
        "images_paid": account.paid,
        "status": job.status,
        "execution_id": job.execution_id,
        "task_id": job.task_id,
        "images": [{"path": path} for path in paths],
    }
    known = job.execution_id or job.task_id or ""
    output.show(data, lambda screen: screen.lines("\n".join(paths) or f"{job.status}  {known}"), paths or [known])
    if not paths:
        output.hint(
            f"The images are not ready; ask with: aurashot legacy query --workflow {job.workflow} {_by_id(job)}"
        )


def _by_id(job: "WorkflowJob") -> str:
    return f"--execution-id {job.execution_id}" if job.execution_id else f"--task-id {job.task_id}"
