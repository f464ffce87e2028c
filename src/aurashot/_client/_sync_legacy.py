# Written by scripts/sync-client from _async_legacy.py: change that file, and run it again.
"""The legacy workflows of the blocking client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot._flows import legacy as flows
from aurashot._operations import Labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot._transport._sync import Transport
    from aurashot.images import ImageInput, ImageRules
    from aurashot.models import WorkflowJob


class Legacy:
    """The workflows that the service keeps for older integrations. Their jobs are submitted, then asked about."""

    def __init__(self, transport: Transport, rules: ImageRules) -> None:
        self._transport = transport
        self._rules = rules

    def virtual_try_on(
        self,
        *,
        product_image: ImageInput,
        model_image: ImageInput,
        scene_image: ImageInput | None = None,
        version: str = "weshopFlash",
        description: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        pay_once: bool = True,
    ) -> WorkflowJob:
        """Dress a model in a product. Billed.

        Args:
            product_image: The picture of the product.
            model_image: The picture of the person.
            scene_image: A picture of where the person is.
            version: `weshopFlash`, `weshopPro` or `bananaPro`.
            description: What the picture should show, instead of a description that the service makes.
            wait: Whether to ask, less and less often, until the job is done.
            timeout: Seconds for this call in all, instead of the client's.
            idempotency_key: Sent as `Idempotency-Key` instead of a fresh one. With a ledger, it is paid for once: what
                was paid under it is returned, and nothing is sent.
            tags: Words to find the call by in the ledger, such as `{"user": "alice"}`; they stay on this machine.
            pay_once: False sends the request even if the ledger knows the key.

        Raises:
            InputError: An argument is not usable; nothing was sent.
            GenerationFailedError: The job failed.
            DeadlineExceededError: The job is not done in time; `delivered[0]` is the job: pass it to `query`.
            UnresolvedError: The key is under way, or what became of it is not known; nothing was sent.
            AuraShotError: Anything else; `outcome` and `may_be_charged` say what it cost.
        """
        flow = flows.virtual_try_on(
            self._rules,
            product_image=product_image,
            model_image=model_image,
            scene_image=scene_image,
            version=version,
            description=description,
            wait=wait,
        )
        return self._transport.run("virtual_try_on", flow, Labels(idempotency_key, tags, pay_once), timeout)

    def pose_change(
        self,
        original_image: ImageInput,
        description: str,
        *,
        version: str = "lite",
        wait: bool = False,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        pay_once: bool = True,
    ) -> WorkflowJob:
        """Change the pose of a person. Billed.

        Args:
            original_image: The picture of the person.
            description: The new pose, in words.
            version: `lite` or `pro`.
            wait: Whether to ask, less and less often, until the job is done.
            timeout: Seconds for this call in all, instead of the client's.
            idempotency_key: Sent as `Idempotency-Key` instead of a fresh one. With a ledger, it is paid for once: what
                was paid under it is returned, and nothing is sent.
            tags: Words to find the call by in the ledger, such as `{"user": "alice"}`; they stay on this machine.
            pay_once: False sends the request even if the ledger knows the key.

        Raises:
            InputError: An argument is not usable; nothing was sent.
            GenerationFailedError: The job failed.
            DeadlineExceededError: The job is not done in time; `delivered[0]` is the job: pass it to `query`.
            UnresolvedError: The key is under way, or what became of it is not known; nothing was sent.
            AuraShotError: Anything else; `outcome` and `may_be_charged` say what it cost.
        """
        flow = flows.pose_change(
            self._rules,
            original_image,
            description,
            version=version,
            wait=wait,
        )
        return self._transport.run("pose_change", flow, Labels(idempotency_key, tags, pay_once), timeout)

    def query(
        self,
        job: WorkflowJob | None = None,
        *,
        workflow: str | None = None,
        execution_id: str | None = None,
        task_id: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> WorkflowJob:
        """Ask how a job is doing. Free.

        Args:
            job: The job, as an earlier call returned it.
            workflow: Without a job: `virtual_try_on` or `pose_change`,
            execution_id: and the job's identifier,
            task_id: of one kind or the other.
            wait: Whether to ask until the job is done; a job that failed is then an error.
            timeout: Seconds for this call in all, instead of the client's.

        Raises:
            InputError: It is not clear which job is meant.
            AuraShotError: Anything else.
        """
        flow = flows.query(job, workflow=workflow, execution_id=execution_id, task_id=task_id, wait=wait)
        return self._transport.run("query", flow, timeout=timeout)
