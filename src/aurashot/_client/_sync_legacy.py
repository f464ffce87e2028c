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
        """Show a person wearing a product. Billed.

        Args:
            product_image: An image of the product.
            model_image: An image of the person.
            scene_image: An image of the place where the person is.
            version: `weshopFlash`, `weshopPro` or `bananaPro`.
            description: What the image should show. Default: the service writes a description.
            wait: Whether to poll, at growing intervals, until the job is done.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            idempotency_key: Sent as `Idempotency-Key` instead of a generated key. With a ledger, a key pays once: if
                it was paid already, the stored result is returned and nothing is sent.
            tags: Labels for finding the call in the ledger, such as `{"user": "alice"}`; not sent to the service.
            pay_once: If False, the request is sent even if the ledger has an entry for the key.

        Raises:
            InputError: An argument is invalid; nothing was sent.
            GenerationFailedError: The job failed.
            DeadlineExceededError: The job was not done in time; pass `delivered[0]`, the job, to `query`.
            UnresolvedError: A request with this key is in progress, or its outcome is unknown; nothing was sent.
            AuraShotError: Any other failure; see `outcome` and `may_be_charged`.
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
            original_image: An image of the person.
            description: A description of the new pose.
            version: `lite` or `pro`.
            wait: Whether to poll, at growing intervals, until the job is done.
            timeout: Seconds that this call may take in total, instead of the client's timeout.
            idempotency_key: Sent as `Idempotency-Key` instead of a generated key. With a ledger, a key pays once: if
                it was paid already, the stored result is returned and nothing is sent.
            tags: Labels for finding the call in the ledger, such as `{"user": "alice"}`; not sent to the service.
            pay_once: If False, the request is sent even if the ledger has an entry for the key.

        Raises:
            InputError: An argument is invalid; nothing was sent.
            GenerationFailedError: The job failed.
            DeadlineExceededError: The job was not done in time; pass `delivered[0]`, the job, to `query`.
            UnresolvedError: A request with this key is in progress, or its outcome is unknown; nothing was sent.
            AuraShotError: Any other failure; see `outcome` and `may_be_charged`.
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
        """Return the current state of a job. Free.

        Args:
            job: The job that an earlier call returned.
            workflow: Without a job: `virtual_try_on` or `pose_change`.
            execution_id: Without a job: its execution id, or its task id.
            task_id: Without a job: its task id, or its execution id.
            wait: Whether to poll until the job is done; a failed job then raises.
            timeout: Seconds that this call may take in total, instead of the client's timeout.

        Raises:
            InputError: The arguments do not identify one job.
            AuraShotError: Any other failure.
        """
        flow = flows.query(job, workflow=workflow, execution_id=execution_id, task_id=task_id, wait=wait)
        return self._transport.run("query", flow, timeout=timeout)
